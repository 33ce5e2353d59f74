/* exact_choose.c - the row functions of exact.h: those of the best instruction set, chosen once. */
#include <stdatomic.h>

#include "kernels/exact_rows.h"

/* Threads that come here first at the same time choose the same. */
static const nf_exact_rows *rows(void)
{
    static _Atomic(const nf_exact_rows *) chosen;
    const nf_exact_rows *found = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (found == NULL) {
        const nf_exact_rows *const sets[] = {&nf_exact_rows_baseline,
#ifdef NF_ISA_X86
                                             &nf_exact_rows_v3, &nf_exact_rows_v4
#endif
        };
        found = sets[nf_isa_level()];
        atomic_store_explicit(&chosen, found, memory_order_relaxed);
    }
    return found;
}

#define ROW_FUNCTIONS(name, type)                                                                  \
    void nf_exact_sum_##name(nf_exact *sum, const type *x, size_t n)                               \
    {                                                                                              \
        rows()->sum_##name(sum, x, n);                                                             \
    }                                                                                              \
    void nf_exact_norm1_##name(nf_exact *sum, const type *x, size_t n)                             \
    {                                                                                              \
        rows()->norm1_##name(sum, x, n);                                                           \
    }                                                                                              \
    void nf_exact_sumsq_##name(nf_exact *sum, const type *x, size_t n)                             \
    {                                                                                              \
        rows()->sumsq_##name(sum, x, n);                                                           \
    }                                                                                              \
    void nf_exact_dot_##name(nf_exact *sum, const type *x, const type *y, size_t n)                \
    {                                                                                              \
        rows()->dot_##name(sum, x, y, n);                                                          \
    }

NF_EXACT_TYPES(ROW_FUNCTIONS)
