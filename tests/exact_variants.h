/* exact_variants.h - the exact row sums of every instruction set that this processor can run. */
#ifndef NF_EXACT_VARIANTS_H
#define NF_EXACT_VARIANTS_H

#include "kernels/exact_rows.h"

typedef struct variant {
    const char *isa;
    const nf_exact_rows *rows;
} variant;

static const variant variants[] = {{"baseline", &nf_exact_rows_baseline},
#ifdef NF_ISA_X86
                                   {"v3", &nf_exact_rows_v3},
                                   {"v4", &nf_exact_rows_v4}
#endif
};

/* How many of `variants`, from the first, run here. */
static inline size_t variants_that_run(void)
{
    return (size_t)nf_isa_highest() + 1;
}

#endif
