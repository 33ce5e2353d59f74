/* results.h - the named numbers that a reduction gives, or that a map has learned. */
#ifndef NF_RESULTS_H
#define NF_RESULTS_H

#include "drivers/engine/status.h"

typedef enum nf_number_type { NF_REAL, NF_INTEGER, NF_COUNTS } nf_number_type;

enum { NF_NUMBER_NAME = 32 };

typedef struct nf_number {
    const char *kernel; /* that of the results when it came; */
    bool first;         /* and the first of its numbers */
    char name[NF_NUMBER_NAME];
    nf_number_type type;
    double real;
    uint64_t high, low; /* NF_INTEGER: high * 2^64 + low */
    uint64_t *counts;   /* NF_COUNTS: owned, n of them */
    size_t n;
} nf_number;

enum { NF_MAX_NUMBERS = 64 };

/* A sink that keeps what it is sent; pass &results->sink to a kernel's finish. */
typedef struct nf_results {
    nf_sink sink;
    nf_number numbers[NF_MAX_NUMBERS];
    size_t count;
    const char *kernel; /* whose numbers come next, where that was said; not owned */
    bool fresh;         /* none of them has come */
    nf_status status;   /* NF_ERR_MEMORY if something could not be kept */
} nf_results;

void nf_results_init(nf_results *results);
/* From now on the numbers of this kernel come. */
void nf_results_from(nf_results *results, const char *kernel);
void nf_results_free(nf_results *results);

/* The same names, types and bits. */
bool nf_results_equal(const nf_results *a, const nf_results *b);

/* Each number within `tolerance`, relative to the expected one (integers and counts: equal; NaN
 * matches NaN). Otherwise NF_ERR_CHECK with a message that begins with `what`. */
nf_status nf_results_check(const char *what, const nf_results *got, const nf_results *expected,
                           double tolerance);

/* Decimal digits of high * 2^64 + low. */
enum { NF_INTEGER_TEXT = 40 };
const char *nf_integer_text(uint64_t high, uint64_t low, char text[NF_INTEGER_TEXT]);

#endif
