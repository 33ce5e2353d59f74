/* numbers.h - the numbers of reductions, for people and for programs. */
#ifndef NF_NUMBERS_H
#define NF_NUMBERS_H

#include <stdio.h>

#include "drivers/engine/results.h"

/* What was reduced. */
typedef struct nf_reduced {
    const char *input, *second; /* as typed; NULL: no array, no second one */
    const nf_shape *shape;      /* of the array */
    const char *const *kernels; /* as typed, n of them */
    const nf_results *results;  /* n of them */
    size_t n;
} nf_reduced;

/* A table; floats with the digits that tell them apart, long lists of counts shortened. */
void nf_numbers_table(const nf_reduced *reduced, FILE *out);

/* A line for each kernel that told something, behind the program's name: "filter: jacobi: residual
 * 1e-07, steps 300". */
void nf_numbers_lines(const char *program, const nf_results *results, FILE *out);

/* One JSON object on one line: {"input": ..., ["second": ...,] "shape": [...], "dtype": ..., "results": {kernel:
 * number or {name: number, ...}}}; channels are the last extent of shape where there are several.
 * Floats have 17 digits and read back as the same bits; NaN and infinities, which JSON does not
 * have, are the strings "nan", "inf", "-inf". Errors: NF_ERR_MEMORY, NF_ERR_FILE. */
nf_status nf_numbers_json(const nf_reduced *reduced, FILE *out);

#endif
