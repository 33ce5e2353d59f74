/* roof_rows.h - loops that do nothing but move memory or multiply and add, once for each
 * instruction set. */
#ifndef NF_ROOF_ROWS_H
#define NF_ROOF_ROWS_H

#include <stdint.h>

#include "kernels/isa.h"

typedef struct nf_roof_rows {
    uint64_t (*read)(const uint64_t *from, int64_t n);
    void (*copy)(uint64_t *to, const uint64_t *from, int64_t n);
    void (*triad)(double *to, const double *a, const double *b, double factor, int64_t n);
    /* so many rounds; what they return must be used. */
    double (*f32)(int64_t rounds);
    double (*f64)(int64_t rounds);
    int f32_operations, f64_operations; /* of a round: a multiplication and an addition are two */
} nf_roof_rows;

extern const nf_roof_rows nf_roof_rows_baseline;
#ifdef NF_ISA_X86
extern const nf_roof_rows nf_roof_rows_v3, nf_roof_rows_v4;
#endif

#endif
