/* gaussian.c - Gaussian smoothing by two separable passes, as scipy.ndimage.gaussian_filter:
 * weights exp(-i^2 / (2 sigma^2)), normalised to sum 1, cut at radius floor(truncate sigma + 1/2).
 * Between the passes nothing is rounded to the element type. Each channel for itself. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct gaussian_config {
    double sigma;
    int radius;
    const double *weights;    /* weights[i] for the distance i, 0 to radius */
    const float *weights_f32; /* the same */
} gaussian_config;

enum { CHUNK = 256 }; /* elements that are summed at a time, in the first-level cache */

#define NF_BODY "kernels/gaussian.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    double sigma = setup->values[0].real, truncate = setup->values[1].real;
    int radius = (int)(truncate * sigma + 0.5);
    gaussian_config *config = setup->alloc(setup, sizeof *config);
    double *weights = setup->alloc(setup, ((size_t)radius + 1) * sizeof *weights);
    float *weights_f32 = setup->alloc(setup, ((size_t)radius + 1) * sizeof *weights_f32);
    if (config == NULL || weights == NULL || weights_f32 == NULL)
        return NF_ERR_MEMORY;
    double sum = 0;
    for (int i = radius; i >= 0; i--) {
        weights[i] = exp(-0.5 * i * i / (sigma * sigma));
        sum += i == 0 ? weights[i] : 2 * weights[i];
    }
    for (int i = 0; i <= radius; i++) {
        weights[i] /= sum;
        weights_f32[i] = (float)weights[i];
    }
    *config = (gaussian_config){sigma, radius, weights, weights_f32};
    setup->config = config;
    setup->halo = (nf_halo){{0, radius, radius}, {0, radius, radius}};
    setup->scratch_rows = 1;
    setup->flops_per_cell = 2 * (3.0 * radius + 1);
    return NF_OK;
}

/* The double sum over the window, divided by the sum of the weights. */
static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const gaussian_config *conf = config;
    double sum = 0, weights = 0;
    for (int j = -conf->radius; j <= conf->radius; j++) {
        for (int i = -conf->radius; i <= conf->radius; i++) {
            double weight = exp(-(j * j + i * i) / (2 * conf->sigma * conf->sigma));
            sum += weight * in->at(in, z, y + j, x + i, c);
            weights += weight;
        }
    }
    return sum / weights;
}

static const nf_param params[] = {
    {"sigma", NF_PARAM_REAL, "cells", "1", 0.01, 1000, NULL, "standard deviation"},
    {"truncate", NF_PARAM_REAL, "sigma", "4", 0.1, 20, NULL, "where the weights are cut off"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_gaussian) = {
    .name = "gaussian",
    .summary = "Gaussian smoothing",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 32,
};

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
NF_NAME(fixed_columns)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t n, const NF_ACC *weights,
                       NF_ACC *restrict out, const int radius)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        FIXED_SUM(in, down, i)
        out[i] = sum;
    }
}

static inline __attribute__((always_inline)) void
NF_NAME(fixed_row)(const NF_ACC *restrict in, ptrdiff_t step, ptrdiff_t n, const NF_ACC *weights,
                   NF_T *restrict out, const int radius)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        FIXED_SUM(in, step, i)
        out[i] = NF_STORE(sum);
    }
}

static void NF_NAME(any_columns)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t n,
                                 const NF_ACC *weights, int radius, NF_ACC *restrict out)
{
    for (ptrdiff_t first = 0; first < n; first += CHUNK) {
        ptrdiff_t count = n - first < CHUNK ? n - first : CHUNK;
        NF_ACC *restrict sum = out + first;
        const NF_T *from = in + first;
        SYMMETRIC_SUM(NF_T, from, down, count)
    }
}

static void NF_NAME(any_row)(const NF_ACC *restrict in, ptrdiff_t step, ptrdiff_t n,
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

static inline __attribute__((always_inline)) void
NF_NAME(fixed)(const nf_tile *tile, const NF_ACC *weights, const int radius)
{
    ptrdiff_t step = tile->channels, margin = radius * step, n = NF_ROW_LENGTH(tile);
    NF_ACC *columns = (NF_ACC *)tile->scratch;
    for (int64_t y = 0; y < tile->size[1]; y++) {
        NF_NAME(fixed_columns)
        (NF_ROW_IN(tile, 0, y) - margin, tile->in_stride[1], n + 2 * margin, weights, columns,
         radius);
        NF_NAME(fixed_row)
        (columns + margin, step, n, weights, NF_ROW_OUT(tile, 0, y), radius);
    }
}

static void NF_NAME(any)(const nf_tile *tile, const NF_ACC *weights, int radius)
{
    ptrdiff_t step = tile->channels, margin = radius * step, n = NF_ROW_LENGTH(tile);
    NF_ACC *columns = (NF_ACC *)tile->scratch;
    for (int64_t y = 0; y < tile->size[1]; y++) {
        NF_NAME(any_columns)
        (NF_ROW_IN(tile, 0, y) - margin, tile->in_stride[1], n + 2 * margin, weights, radius,
         columns);
        NF_NAME(any_row)
        (columns + margin, step, n, weights, radius, NF_ROW_OUT(tile, 0, y));
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const gaussian_config *conf = config;
    const NF_ACC *weights = sizeof(NF_ACC) == sizeof(float) ? (const void *)conf->weights_f32
                                                            : (const void *)conf->weights;
    switch (conf->radius) { /* sigma 0.25, 0.5, 0.75, 1, 1.5 and 2, cut off at 4 sigma */
    case 1:
        NF_NAME(fixed)(tile, weights, 1);
        break;
    case 2:
        NF_NAME(fixed)(tile, weights, 2);
        break;
    case 3:
        NF_NAME(fixed)(tile, weights, 3);
        break;
    case 4:
        NF_NAME(fixed)(tile, weights, 4);
        break;
    case 6:
        NF_NAME(fixed)(tile, weights, 6);
        break;
    case 8:
        NF_NAME(fixed)(tile, weights, 8);
        break;
    default:
        NF_NAME(any)(tile, weights, conf->radius);
    }
}

#undef SYMMETRIC_SUM
#undef FIXED_SUM
#endif
