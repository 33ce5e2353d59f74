/* bilateral.c - the mean of the cells around, weighted by how near they are and how alike (Tomasi
 * and Manduchi, 1998), as OpenCV's bilateralFilter:
 *   w = e^(-r^2 / (2 sigma_space^2)) e^(-D^2 / (2 sigma_color^2)),
 * r the distance of the cells and D the sum of the channels' absolute differences, over the cells
 * at most d / 2 (rounded down) away; where d is not given, 1.5 sigma_space, rounded to the
 * nearest; at least 1. All channels of a cell have one weight. OpenCV takes 8-bit and f32 of 1 or
 * 3 channels, rounds halves to the even integer, and interpolates the weights of f32 in a table.
 */
#ifndef NF_T

#include "kernels/exp.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"
#include "kernels/window.h"

typedef struct neighbour {
    int dy, dx;
    double weight; /* by distance */
} neighbour;

typedef struct bilateral_config {
    int radius, pairs;
    double sigma_space, sigma_color;
    double inverse;     /* 1 / (sqrt(2) sigma_color), for exp to the base 2 */
    neighbour window[]; /* one of each pair of opposite ones */
} bilateral_config;

/* Cells that are summed up at a time, in the first-level cache. */
enum { PIECE = 512 };

#define NF_BODY "kernels/bilateral.c"
#include "kernels/each_dtype.h"

static void find_window(bilateral_config *config)
{
    int radius = config->radius;
    for (int dy = 0; dy <= radius; dy++)
        for (int dx = dy == 0 ? 1 : -radius; dx <= radius; dx++) {
            double square = dy * dy + dx * dx, sigma = config->sigma_space;
            if (square <= radius * radius)
                config->window[config->pairs++] =
                    (neighbour){dy, dx, exp(-0.5 * square / (sigma * sigma))};
        }
}

static nf_status prepare(nf_setup *setup)
{
    const nf_value *values = setup->values;
    double sigma = values[2].real;
    int d = (int)values[0].integer, radius = values[0].given ? d / 2 : (int)(1.5 * sigma + 0.5);
    radius = radius > 1 ? radius : 1;
    size_t most = (size_t)(2 * radius + 1) * (size_t)(radius + 1);
    bilateral_config *config = setup->alloc(setup, sizeof *config + most * sizeof(neighbour));
    if (config == NULL)
        return NF_ERR_MEMORY;
    *config = (bilateral_config){.radius = radius,
                                 .sigma_space = sigma,
                                 .sigma_color = values[1].real,
                                 .inverse = NF_ROOT_LOG2E * sqrt(0.5) / values[1].real};
    find_window(config);
    setup->config = config;
    setup->halo = (nf_halo){{0, radius, radius}, {0, radius, radius}};
    setup->scratch_rows = 2 * radius + 1;
    setup->flops_per_cell = 50.0 * config->pairs / setup->in.channels;
    return NF_OK;
}

/* The slow and obvious way: all cells of the square that are not too far. */
static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const bilateral_config *conf = config;
    double sum = 0, weights = 0;
    for (int dy = -conf->radius; dy <= conf->radius; dy++) {
        for (int dx = -conf->radius; dx <= conf->radius; dx++) {
            double r = hypot(dy, dx) / conf->sigma_space, alike = 0;
            if (dy * dy + dx * dx > conf->radius * conf->radius)
                continue;
            for (int i = 0; i < in->shape.channels; i++)
                alike += fabs(in->at(in, z, y + dy, x + dx, i) - in->at(in, z, y, x, i));
            alike /= conf->sigma_color;
            double weight = exp(-(r * r + alike * alike) / 2);
            sum += weight * in->at(in, z, y + dy, x + dx, c);
            weights += weight;
        }
    }
    return sum / weights;
}

static const nf_param params[] = {
    {"d", NF_PARAM_INTEGER, "cells", "auto", 1, 255, NULL,
     "the window's diameter; auto: 3 sigma_space"},
    {"sigma_color", NF_PARAM_REAL, "value", "30", 1e-30, 1e30, NULL,
     "differences well above this are edges, which are kept"},
    {"sigma_space", NF_PARAM_REAL, "cells", "3", 1e-3, 84, NULL, "how far cells weigh"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_bilateral) = {
    .name = "bilateral",
    .summary = "mean of cells that are near and alike, which keeps edges",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 16,
};

#else

/* Rows of scratch memory hold an input row each, from `radius` cells before the box: one channel
 * behind the other. Row y stands in the place y mod (2 radius + 1). */
static NF_ACC *NF_NAME(kept_row)(const nf_tile *tile, const bilateral_config *conf, int64_t y)
{
    int rows = 2 * conf->radius + 1;
    return NF_SCRATCH_ROW(tile, (y + rows) % rows);
}

static void NF_NAME(take)(const nf_tile *tile, const bilateral_config *conf, int64_t y)
{
    ptrdiff_t n = (ptrdiff_t)tile->size[2] + 2 * conf->radius, step = tile->channels;
    const NF_T *restrict in = NF_ROW_IN(tile, 0, y) - conf->radius * step;
    NF_ACC *restrict to = NF_NAME(kept_row)(tile, conf, y);
    for (int c = 0; c < tile->channels; c++)
        for (ptrdiff_t i = 0; i < n; i++)
            to[c * n + i] = (NF_ACC)in[i * step + c];
}

typedef struct NF_NAME(sums) {
    NF_ACC value[NF_MAX_CHANNELS][PIECE], weight[PIECE];
} NF_NAME(sums);

/* Adds two neighbours, in rows a and b, that are as near, to n cells; a channel is `plane`
 * elements behind the one before. */
static inline __attribute__((always_inline)) void
NF_NAME(add_known)(NF_NAME(sums) *restrict sums, const NF_ACC *restrict here,
                   const NF_ACC *restrict a, const NF_ACC *restrict b, ptrdiff_t plane, ptrdiff_t n,
                   NF_ACC near, NF_ACC inverse, const int channels)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_ACC of_a = a[i] - here[i], of_b = b[i] - here[i]; /* the sign is lost in the square */
        if (channels > 1) {
            of_a = (NF_ACC)fabs((double)of_a);
            of_b = (NF_ACC)fabs((double)of_b);
        }
        _Pragma("GCC unroll 4") for (int c = 1; c < channels; c++)
        {
            ptrdiff_t at = c * plane + i;
            of_a += (NF_ACC)fabs((double)(a[at] - here[at]));
            of_b += (NF_ACC)fabs((double)(b[at] - here[at]));
        }
        of_a *= inverse;
        of_b *= inverse;
        of_a = near * NF_EXP2_MINUS(of_a * of_a);
        of_b = near * NF_EXP2_MINUS(of_b * of_b);
        _Pragma("GCC unroll 4") for (int c = 0; c < channels; c++)
        {
            sums->value[c][i] += of_a * a[c * plane + i] + of_b * b[c * plane + i];
        }
        sums->weight[i] += of_a + of_b;
    }
}

/* The same, by loops in which the compiler knows the number of channels. Not inlined: it would jam
 * the loop over the neighbours into these, and then find no vectors. */
static __attribute__((noinline)) void
NF_NAME(add)(NF_NAME(sums) *restrict sums, const NF_ACC *restrict here, const NF_ACC *restrict a,
             const NF_ACC *restrict b, ptrdiff_t plane, ptrdiff_t n, NF_ACC near, NF_ACC inverse,
             int channels)
{
    if (channels == 1)
        NF_NAME(add_known)(sums, here, a, b, plane, n, near, inverse, 1);
    else if (channels == 2)
        NF_NAME(add_known)(sums, here, a, b, plane, n, near, inverse, 2);
    else if (channels == 3)
        NF_NAME(add_known)(sums, here, a, b, plane, n, near, inverse, 3);
    else
        NF_NAME(add_known)(sums, here, a, b, plane, n, near, inverse, 4);
}

/* n cells of row y, from cell `first` of the box. */
static void NF_NAME(piece)(const nf_tile *tile, const bilateral_config *conf, int64_t y,
                           ptrdiff_t first, ptrdiff_t n)
{
    NF_NAME(sums) sums;
    ptrdiff_t plane = (ptrdiff_t)tile->size[2] + 2 * conf->radius, middle = first + conf->radius;
    const NF_ACC *here = NF_NAME(kept_row)(tile, conf, y) + middle;
    int channels = tile->channels;
    for (ptrdiff_t i = 0; i < n; i++) {
        sums.weight[i] = 1;
        for (int c = 0; c < channels; c++)
            sums.value[c][i] = here[c * plane + i];
    }
    for (int k = 0; k < conf->pairs; k++) {
        const neighbour *near = &conf->window[k];
        const NF_ACC *a = NF_NAME(kept_row)(tile, conf, y - near->dy) + middle - near->dx;
        const NF_ACC *b = NF_NAME(kept_row)(tile, conf, y + near->dy) + middle + near->dx;
        NF_NAME(add)
        (&sums, here, a, b, plane, n, (NF_ACC)near->weight, (NF_ACC)conf->inverse, channels);
    }
    NF_T *out = NF_ROW_OUT(tile, 0, y) + first * channels;
    for (int c = 0; c < channels; c++)
        for (ptrdiff_t i = 0; i < n; i++)
            out[i * channels + c] = NF_STORE(sums.value[c][i] / sums.weight[i]);
}

static void NF_NAME(row)(const nf_tile *tile, const bilateral_config *conf, int64_t y)
{
    for (ptrdiff_t first = 0, n = (ptrdiff_t)tile->size[2]; first < n; first += PIECE)
        NF_NAME(piece)(tile, conf, y, first, n - first < PIECE ? n - first : PIECE);
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const bilateral_config *conf = config;
    (void)partial;
    for (int64_t y = -conf->radius; y < tile->size[1] + conf->radius; y++) {
        NF_NAME(take)(tile, conf, y);
        if (y >= conf->radius)
            NF_NAME(row)(tile, conf, y - conf->radius);
    }
}

#endif
