#ifndef NF_T

#include "kernels/taps.h"

#include <math.h>

enum { CHUNK = 256 }; /* elements that are summed at a time, in the first-level cache */

#define NF_BODY "kernels/taps.c"
#include "kernels/each_dtype.h"

nf_status nf_taps_gaussian(nf_setup *setup, double sigma, double truncate, bool second,
                           nf_taps *taps)
{
    int radius = (int)(truncate * sigma + 0.5);
    double *weights = setup->alloc(setup, ((size_t)radius + 1) * sizeof *weights);
    float *weights_f32 = setup->alloc(setup, ((size_t)radius + 1) * sizeof *weights_f32);
    if (weights == NULL || weights_f32 == NULL)
        return NF_ERR_MEMORY;
    double sum = 0, variance = sigma * sigma;
    for (int i = radius; i >= 0; i--) {
        weights[i] = exp(-0.5 * i * i / variance);
        sum += i == 0 ? weights[i] : 2 * weights[i];
    }
    for (int i = 0; i <= radius; i++) {
        weights[i] /= sum;
        if (second)
            weights[i] *= (i * i / variance - 1) / variance;
        weights_f32[i] = (float)weights[i];
    }
    *taps = (nf_taps){radius, weights, weights_f32};
    return NF_OK;
}

double nf_gaussian_cell(const nf_cells *in, double sigma, int radius, bool laplacian, int64_t z,
                        int64_t y, int64_t x, int c)
{
    int deep = in->shape.ndim == 3 ? radius : 0;
    double sum = 0, weights = 0, variance = sigma * sigma;
    for (int k = -deep; k <= deep; k++) {
        for (int j = -radius; j <= radius; j++) {
            for (int i = -radius; i <= radius; i++) {
                double square = k * k + j * j + i * i, weight = exp(-square / (2 * variance));
                double factor = laplacian ? (square / variance - in->shape.ndim) / variance : 1;
                sum += factor * weight * in->at(in, z + k, y + j, x + i, c);
                weights += weight;
            }
        }
    }
    return sum / weights;
}

#else

/* sum[i] = weights[0] in[i] + sum over j of weights[j] (in[i - j step] + in[i + j step]); two taps
 * a sweep, so that the sums are loaded and stored half as often. Pairs of integers are exact, and converted
 * once. */
#define SYMMETRIC_SUM(TYPE, in, step, count)                                                       \
    for (ptrdiff_t i = 0; i < (count); i++)                                                        \
        sum[i] = weights[0] * (NF_ACC)(in)[i];                                                     \
    int tap = 1;                                                                                   \
    for (; tap + 1 <= radius; tap += 2) {                                                          \
        const TYPE *a = (in)-tap * (step), *b = (in) + tap * (step);                               \
        const TYPE *c = a - (step), *d = b + (step);                                               \
        NF_ACC near_weight = weights[tap], far_weight = weights[tap + 1];                          \
        for (ptrdiff_t i = 0; i < (count); i++)                                                    \
            sum[i] =                                                                               \
                sum[i] + near_weight * (NF_ACC)(a[i] + b[i]) + far_weight * (NF_ACC)(c[i] + d[i]); \
    }                                                                                              \
    if (tap <= radius)                                                                             \
        for (ptrdiff_t i = 0; i < (count); i++)                                                    \
            sum[i] += weights[tap] * (NF_ACC)((in)[i - tap * (step)] + (in)[i + tap * (step)]);

/* The same sum for a radius that the compiler knows, in one loop; by the same order of additions. */
#define FIXED_SUM(in, step, i)                                                                     \
    NF_ACC sum = weights[0] * (NF_ACC)(in)[i];                                                     \
    _Pragma("GCC unroll 8") for (int tap = 1; tap <= radius; tap++) sum +=                         \
        weights[tap] * (NF_ACC)((in)[(i)-tap * (step)] + (in)[(i) + tap * (step)]);

static inline __attribute__((always_inline)) void
NF_NAME(fixed_columns)(const NF_T *restrict in, ptrdiff_t step, ptrdiff_t n, const NF_ACC *weights,
                       NF_ACC *restrict out, const int radius)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        FIXED_SUM(in, step, i)
        out[i] = sum;
    }
}

static void NF_NAME(any_columns)(const NF_T *restrict in, ptrdiff_t step, ptrdiff_t n,
                                 const NF_ACC *weights, int radius, NF_ACC *restrict out)
{
    for (ptrdiff_t first = 0; first < n; first += CHUNK) {
        ptrdiff_t count = n - first < CHUNK ? n - first : CHUNK;
        NF_ACC *restrict sum = out + first;
        const NF_T *from = in + first;
        SYMMETRIC_SUM(NF_T, from, step, count)
    }
}

static inline __attribute__((always_inline)) void
NF_NAME(fixed_row)(const NF_ACC *restrict in, ptrdiff_t step, ptrdiff_t n, const NF_ACC *weights,
                   NF_ACC *restrict out, const int radius)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        FIXED_SUM(in, step, i)
        out[i] = sum;
    }
}

static void NF_NAME(any_row)(const NF_ACC *restrict in, ptrdiff_t step, ptrdiff_t n,
                             const NF_ACC *weights, int radius, NF_ACC *restrict out)
{
    for (ptrdiff_t first = 0; first < n; first += CHUNK) {
        ptrdiff_t count = n - first < CHUNK ? n - first : CHUNK;
        NF_ACC *restrict sum = out + first;
        const NF_ACC *from = in + first;
        SYMMETRIC_SUM(NF_ACC, from, step, count)
    }
}

static inline __attribute__((always_inline)) void
NF_NAME(fixed_store)(const NF_ACC *restrict in, ptrdiff_t step, ptrdiff_t n, const NF_ACC *weights,
                     NF_T *restrict out, const int radius)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        FIXED_SUM(in, step, i)
        out[i] = NF_STORE(sum);
    }
}

static void NF_NAME(any_store)(const NF_ACC *restrict in, ptrdiff_t step, ptrdiff_t n,
                               const NF_ACC *weights, int radius, NF_T *restrict out)
{
    for (ptrdiff_t first = 0; first < n; first += CHUNK) {
        ptrdiff_t count = n - first < CHUNK ? n - first : CHUNK;
        NF_ACC sum[CHUNK];
        const NF_ACC *from = in + first;
        SYMMETRIC_SUM(NF_ACC, from, step, count)
        for (ptrdiff_t i = 0; i < count; i++)
            out[first + i] = NF_STORE(sum[i]);
    }
}

/* The loop for the radius: of a Gaussian of sigma 0.25, 0.5, 0.75, 1, 1.5 and 2, cut off at 4 sigma, one
 * in which the compiler knows it. */
#define BY_RADIUS(fixed, any)                                                                      \
    const NF_ACC *weights = sizeof(NF_ACC) == sizeof(float) ? (const void *)taps->weights_f32      \
                                                            : (const void *)taps->weights;         \
    switch (taps->radius) {                                                                        \
    case 1:                                                                                        \
        NF_NAME(fixed)(in, step, n, weights, out, 1);                                              \
        break;                                                                                     \
    case 2:                                                                                        \
        NF_NAME(fixed)(in, step, n, weights, out, 2);                                              \
        break;                                                                                     \
    case 3:                                                                                        \
        NF_NAME(fixed)(in, step, n, weights, out, 3);                                              \
        break;                                                                                     \
    case 4:                                                                                        \
        NF_NAME(fixed)(in, step, n, weights, out, 4);                                              \
        break;                                                                                     \
    case 6:                                                                                        \
        NF_NAME(fixed)(in, step, n, weights, out, 6);                                              \
        break;                                                                                     \
    case 8:                                                                                        \
        NF_NAME(fixed)(in, step, n, weights, out, 8);                                              \
        break;                                                                                     \
    default:                                                                                       \
        NF_NAME(any)(in, step, n, weights, taps->radius, out);                                     \
    }

void NF_NAME(nf_taps_columns)(const NF_T *in, ptrdiff_t step, ptrdiff_t n, const nf_taps *taps,
                              NF_ACC *out)
{
    BY_RADIUS(fixed_columns, any_columns)
}

void NF_NAME(nf_taps_row)(const NF_ACC *in, ptrdiff_t step, ptrdiff_t n, const nf_taps *taps,
                          NF_ACC *out)
{
    BY_RADIUS(fixed_row, any_row)
}

void NF_NAME(nf_taps_store)(const NF_ACC *in, ptrdiff_t step, ptrdiff_t n, const nf_taps *taps,
                            NF_T *out)
{
    BY_RADIUS(fixed_store, any_store)
}

void NF_NAME(nf_taps_image)(const nf_tile *tile, int64_t y, const nf_taps *down,
                            const nf_taps *along, NF_ACC *spare, NF_ACC *out)
{
    ptrdiff_t step = tile->channels, margin = along->radius * step, n = NF_ROW_LENGTH(tile);
    NF_NAME(nf_taps_columns)
    (NF_ROW_IN(tile, 0, y) - margin, tile->in_stride[1], n + 2 * margin, down, spare);
    NF_NAME(nf_taps_row)(spare + margin, step, n, along, out);
}

#undef SYMMETRIC_SUM
#undef FIXED_SUM
#undef BY_RADIUS
#endif
