/* exact.h - exact accumulators: sums that are rounded once, at the end, and correctly.
 *
 *     nf_exact sum = {0};
 *     nf_exact_sum_f64(&sum, x, n);
 *     double total = nf_exact_round(&sum);
 *
 * A correctly rounded value is unique, so its bits cannot depend on the order, the partition, the
 * number of threads or ranks, or the instruction set in which it was summed. An accumulator holds
 * any sum of up to 2^60 doubles, or of exact products of two doubles, as one wide fixed-point
 * number. Accumulators of parts are folded to that of the whole: by nf_exact_fold, or by adding
 * their members.
 *
 * Members are int64_t and fold by plain addition, so that an array of NF_EXACT_MEMBERS of MPI_INT64_T
 * under MPI_SUM will do. No function here leaves a limb beyond 2^42 in magnitude: members of up to
 * 2^20 accumulators may be added, in any order, before nf_exact_normalise (or nf_exact_fold into
 * another) is due; then, the result counts as one accumulator again.
 *
 * Policy.
 * - Rounding is to nearest, ties to even. No rounding, overflow or underflow on the way there:
 *   1e300 + 1 - 1e300 is 1, and subnormals count in full.
 * - A result beyond the largest double is an infinity, as IEEE 754 rounds; one below the smallest
 *   subnormal is it or a zero. A sum of squares may so be infinite or zero although its norm2 is
 *   neither: norm2 takes the root of the exact sum, and overflows only where the root does.
 * - Any NaN, infinities of both signs, or an infinity times zero gives NaN; else, an infinity gives
 *   that infinity. Products and squares are taken of the elements as IEEE 754 does: (-inf)^2 is
 *   +inf. The variance of anything but finite values is NaN.
 * - The sum of nothing is +0, and so is an exact zero, whatever it is the sum of: also of negative
 *   zeros alone, as in a loop that starts from +0. A result that underflows to zero keeps its sign.
 *
 * Row functions read n contiguous elements once (up to 2^40), in the best instruction set that the
 * processor has (the environment variable NFOLD_ISA may name one: baseline, v3, v4). They need up
 * to 128 KiB of stack, and the processor's default mode: rounding to nearest, subnormals kept (not
 * what -ffast-math sets when a program starts). Nothing here allocates, fails or has state; threads may use any accumulators
 * of their own. */
#ifndef NF_EXACT_H
#define NF_EXACT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NF_EXACT_LIMBS = 136, /* of 32 bits each, in int64_t so that carries can wait */
    NF_EXACT_BIAS = 2208, /* limb i counts units of 2^(32 i - NF_EXACT_BIAS) */
    NF_EXACT_MEMBERS = NF_EXACT_LIMBS + 3
};

/* All zero is the empty sum. */
typedef struct nf_exact {
    int64_t limb[NF_EXACT_LIMBS];
    int64_t nans, positive_infinities, negative_infinities;
} nf_exact;

/* Add n elements, their magnitudes, their squares, or the products of two rows. */
void nf_exact_sum_u8(nf_exact *sum, const uint8_t *x, size_t n);
void nf_exact_sum_u16(nf_exact *sum, const uint16_t *x, size_t n);
void nf_exact_sum_f32(nf_exact *sum, const float *x, size_t n);
void nf_exact_sum_f64(nf_exact *sum, const double *x, size_t n);
void nf_exact_norm1_u8(nf_exact *sum, const uint8_t *x, size_t n);
void nf_exact_norm1_u16(nf_exact *sum, const uint16_t *x, size_t n);
void nf_exact_norm1_f32(nf_exact *sum, const float *x, size_t n);
void nf_exact_norm1_f64(nf_exact *sum, const double *x, size_t n);
void nf_exact_sumsq_u8(nf_exact *sum, const uint8_t *x, size_t n);
void nf_exact_sumsq_u16(nf_exact *sum, const uint16_t *x, size_t n);
void nf_exact_sumsq_f32(nf_exact *sum, const float *x, size_t n);
void nf_exact_sumsq_f64(nf_exact *sum, const double *x, size_t n);
void nf_exact_dot_u8(nf_exact *sum, const uint8_t *x, const uint8_t *y, size_t n);
void nf_exact_dot_u16(nf_exact *sum, const uint16_t *x, const uint16_t *y, size_t n);
void nf_exact_dot_f32(nf_exact *sum, const float *x, const float *y, size_t n);
void nf_exact_dot_f64(nf_exact *sum, const double *x, const double *y, size_t n);

void nf_exact_add(nf_exact *sum, double x);
/* Adds k * 2^exponent; exponent within -2208 .. 2047. */
void nf_exact_add_scaled(nf_exact *sum, int64_t k, int exponent);
/* Adds the unsigned 128-bit integer high * 2^64 + low. */
void nf_exact_add_integer(nf_exact *sum, uint64_t high, uint64_t low);

void nf_exact_fold(nf_exact *into, const nf_exact *next); /* normalises */
/* Brings every limb but the top one into [0, 2^32). */
void nf_exact_normalise(nf_exact *sum);

/* The sum; sum / n; the root of a sum of squares; the population variance (n squares - sum^2) / n^2:
 * each correctly rounded. n >= 1. */
double nf_exact_round(const nf_exact *sum);
double nf_exact_mean(const nf_exact *sum, uint64_t n);
double nf_exact_norm2(const nf_exact *squares);
double nf_exact_variance(const nf_exact *sum, const nf_exact *squares, uint64_t n);
/* Skewness m3 / m2^(3/2) and excess kurtosis m4 / m2^2 - 3 of n values with central moments m2, m3,
 * m4, from the sums of their first three or four powers: both parts of the fraction are formed
 * exactly and rounded once, so that the result is within 4 units of the last place. NaN where all
 * values are equal, or one is not finite. */
double nf_exact_skewness(const nf_exact powers[3], uint64_t n);
double nf_exact_kurtosis(const nf_exact powers[4], uint64_t n);

#ifdef __cplusplus
}
#endif

#endif
