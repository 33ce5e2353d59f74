/* exact.h - exact accumulators: sums that are rounded once, at the end, and correctly.
 *
 * A correctly rounded value is unique, so its bits cannot depend on the order, the partition, or
 * the instruction set in which it was summed. An accumulator holds any sum of up to 2^60 doubles,
 * or of exact products of two doubles, as one wide fixed-point number.
 *
 * Policy. Any NaN, or infinities of both signs, gives NaN; else an infinity gives that infinity.
 * The sum of nothing, and an exact zero, is +0; the sum of only negative zeros too. A result beyond
 * the largest double is an infinity, one below the smallest subnormal rounds as IEEE 754 says.
 * Rounding is to nearest, ties to even. */
#ifndef NF_EXACT_H
#define NF_EXACT_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

enum {
    NF_EXACT_LIMBS = 136, /* of 32 bits each, in int64 so that carries can wait */
    NF_EXACT_BIAS = 2208  /* limb i counts units of 2^(32 i - NF_EXACT_BIAS) */
};

/* All members are int64, so that accumulators may be added member by member (MPI_SUM). All zero is
 * the empty sum. */
typedef struct nf_exact {
    int64_t limb[NF_EXACT_LIMBS];
    int64_t nans, positive_infinities, negative_infinities;
} nf_exact;

void nf_exact_add(nf_exact *sum, double x);
/* Adds k * 2^exponent; exponent within -2176 .. 2047. */
void nf_exact_add_scaled(nf_exact *sum, int64_t k, int exponent);
/* Adds the unsigned 128-bit integer high * 2^64 + low. */
void nf_exact_add_integer(nf_exact *sum, uint64_t high, uint64_t low);
/* Brings every limb but the top one into [0, 2^32). Whatever is added by the functions here, limbs
 * stay within 2^42, so that a million accumulators may be added member by member before it is due.
 */
void nf_exact_normalise(nf_exact *sum);
/* Add n doubles, or their squares, one by one: for what the vectors of the functions below cannot
 * hold. */
void nf_exact_add_each(nf_exact *sum, const double *x, size_t n);
void nf_exact_add_each_squared(nf_exact *sum, const double *x, size_t n);
void nf_exact_fold(nf_exact *into, const nf_exact *next); /* normalises */

double nf_exact_round(const nf_exact *sum);
/* sum / n, correctly rounded. n >= 1. */
double nf_exact_mean(const nf_exact *sum, uint64_t n);
/* The population variance (n sum of squares - (sum)^2) / n^2, correctly rounded. n >= 1. */
double nf_exact_variance(const nf_exact *sum, const nf_exact *squares, uint64_t n);

/* Add n contiguous elements, or their squares; vectorised, one variant an instruction set. */
#define nf_exact_sum_u8    NF_ISA_NAME(nf_exact_sum_u8)
#define nf_exact_sum_u16   NF_ISA_NAME(nf_exact_sum_u16)
#define nf_exact_sum_f32   NF_ISA_NAME(nf_exact_sum_f32)
#define nf_exact_sum_f64   NF_ISA_NAME(nf_exact_sum_f64)
#define nf_exact_sumsq_u8  NF_ISA_NAME(nf_exact_sumsq_u8)
#define nf_exact_sumsq_u16 NF_ISA_NAME(nf_exact_sumsq_u16)
#define nf_exact_sumsq_f32 NF_ISA_NAME(nf_exact_sumsq_f32)
#define nf_exact_sumsq_f64 NF_ISA_NAME(nf_exact_sumsq_f64)
void nf_exact_sum_u8(nf_exact *sum, const uint8_t *x, size_t n);
void nf_exact_sum_u16(nf_exact *sum, const uint16_t *x, size_t n);
void nf_exact_sum_f32(nf_exact *sum, const float *x, size_t n);
void nf_exact_sum_f64(nf_exact *sum, const double *x, size_t n);
void nf_exact_sumsq_u8(nf_exact *sum, const uint8_t *x, size_t n);
void nf_exact_sumsq_u16(nf_exact *sum, const uint16_t *x, size_t n);
void nf_exact_sumsq_f32(nf_exact *sum, const float *x, size_t n);
void nf_exact_sumsq_f64(nf_exact *sum, const double *x, size_t n);

#endif
