/* exact_table.c - the rows of exact.h as compiled for one instruction set. */
#include "kernels/exact_rows.h"

#define MEMBERS(name, type)                                                                        \
    .sum_##name = NF_ISA_NAME(nf_exact_sum_##name),                                                \
    .norm1_##name = NF_ISA_NAME(nf_exact_norm1_##name),                                            \
    .sumsq_##name = NF_ISA_NAME(nf_exact_sumsq_##name),                                            \
    .dot_##name = NF_ISA_NAME(nf_exact_dot_##name),

const nf_exact_rows NF_ISA_NAME(nf_exact_rows) = {NF_EXACT_TYPES(MEMBERS)};
