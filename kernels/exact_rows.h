/* exact_rows.h - the row functions of exact.h, as compiled for one instruction set. */
#ifndef NF_EXACT_ROWS_H
#define NF_EXACT_ROWS_H

#include "kernels/exact.h"
#include "kernels/isa.h"

#define NF_EXACT_TYPES(X) X(u8, uint8_t) X(u16, uint16_t) X(f32, float) X(f64, double)

typedef struct nf_exact_rows {
#define NF_EXACT_MEMBERS(name, type)                                                               \
    void (*sum_##name)(nf_exact * sum, const type *x, size_t n);                                   \
    void (*norm1_##name)(nf_exact * sum, const type *x, size_t n);                                 \
    void (*sumsq_##name)(nf_exact * sum, const type *x, size_t n);                                 \
    void (*dot_##name)(nf_exact * sum, const type *x, const type *y, size_t n);
    NF_EXACT_TYPES(NF_EXACT_MEMBERS)
#undef NF_EXACT_MEMBERS
} nf_exact_rows;

extern const nf_exact_rows nf_exact_rows_baseline;
#ifdef NF_ISA_X86
extern const nf_exact_rows nf_exact_rows_v3, nf_exact_rows_v4;
#endif

/* What the table of this instruction set is made of. */
#define NF_EXACT_DECLARE(name, type)                                                               \
    void NF_ISA_NAME(nf_exact_sum_##name)(nf_exact * sum, const type *x, size_t n);                \
    void NF_ISA_NAME(nf_exact_norm1_##name)(nf_exact * sum, const type *x, size_t n);              \
    void NF_ISA_NAME(nf_exact_sumsq_##name)(nf_exact * sum, const type *x, size_t n);              \
    void NF_ISA_NAME(nf_exact_dot_##name)(nf_exact * sum, const type *x, const type *y, size_t n);
NF_EXACT_TYPES(NF_EXACT_DECLARE)
#undef NF_EXACT_DECLARE

#endif
