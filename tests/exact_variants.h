/* exact_variants.h - the exact row sums of every instruction set that this processor can run. */
#ifndef NF_EXACT_VARIANTS_H
#define NF_EXACT_VARIANTS_H

#include <stdbool.h>

#include "kernels/exact.h"

typedef struct variant {
    const char *isa;
    void (*sum_u8)(nf_exact *sum, const uint8_t *x, size_t n);
    void (*sum_u16)(nf_exact *sum, const uint16_t *x, size_t n);
    void (*sum_f32)(nf_exact *sum, const float *x, size_t n);
    void (*sum_f64)(nf_exact *sum, const double *x, size_t n);
    void (*sumsq_u8)(nf_exact *sum, const uint8_t *x, size_t n);
    void (*sumsq_u16)(nf_exact *sum, const uint16_t *x, size_t n);
    void (*sumsq_f32)(nf_exact *sum, const float *x, size_t n);
    void (*sumsq_f64)(nf_exact *sum, const double *x, size_t n);
} variant;

#define DECLARE_VARIANT(isa)                                                                       \
    void nf_exact_sum_u8_##isa(nf_exact *sum, const uint8_t *x, size_t n);                         \
    void nf_exact_sum_u16_##isa(nf_exact *sum, const uint16_t *x, size_t n);                       \
    void nf_exact_sum_f32_##isa(nf_exact *sum, const float *x, size_t n);                          \
    void nf_exact_sum_f64_##isa(nf_exact *sum, const double *x, size_t n);                         \
    void nf_exact_sumsq_u8_##isa(nf_exact *sum, const uint8_t *x, size_t n);                       \
    void nf_exact_sumsq_u16_##isa(nf_exact *sum, const uint16_t *x, size_t n);                     \
    void nf_exact_sumsq_f32_##isa(nf_exact *sum, const float *x, size_t n);                        \
    void nf_exact_sumsq_f64_##isa(nf_exact *sum, const double *x, size_t n);

#define VARIANT(isa)                                                                               \
    {                                                                                              \
#isa, nf_exact_sum_u8_##isa, nf_exact_sum_u16_##isa, nf_exact_sum_f32_##isa,               \
            nf_exact_sum_f64_##isa, nf_exact_sumsq_u8_##isa, nf_exact_sumsq_u16_##isa,             \
            nf_exact_sumsq_f32_##isa, nf_exact_sumsq_f64_##isa                                     \
    }

#ifdef __x86_64__
#define VARIANTS(X)   X(baseline) X(v3) X(v4)
#define VARIANT_TABLE VARIANT(baseline), VARIANT(v3), VARIANT(v4)
#else
#define VARIANTS(X)   X(baseline)
#define VARIANT_TABLE VARIANT(baseline)
#endif

VARIANTS(DECLARE_VARIANT)

static const variant variants[] = {VARIANT_TABLE};

/* How many of `variants`, from the first, run here. */
static inline size_t variants_that_run(void)
{
    size_t count = 1;
#ifdef __x86_64__
    if (__builtin_cpu_supports("x86-64-v3"))
        count = 2;
    if (count == 2 && __builtin_cpu_supports("x86-64-v4"))
        count = 3;
#endif
    return count;
}

#endif
