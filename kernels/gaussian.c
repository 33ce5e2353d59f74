/* gaussian.c - Gaussian smoothing by separable passes, two in an image and three in a volume, as
 * scipy.ndimage.gaussian_filter: weights exp(-i^2 / (2 sigma^2)), normalised to sum 1, cut at radius
 * floor(truncate sigma + 1/2). Between the passes nothing is rounded to the element type. Each channel
 * for itself. */
#ifndef NF_T

#include "kernels/taps.h"
#include "kernels/window.h"

typedef struct gaussian_config {
    double sigma;
    bool volume;
    nf_taps taps;
} gaussian_config;

#define NF_BODY "kernels/gaussian.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    gaussian_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->sigma = setup->values[0].real;
    config->volume = setup->in.ndim == 3;
    setup->config = config;
    nf_status status =
        nf_taps_gaussian(setup, config->sigma, setup->values[1].real, false, &config->taps);
    int radius = config->taps.radius, deep = config->volume ? radius : 0;
    setup->halo = (nf_halo){{deep, radius, radius}, {deep, radius, radius}};
    setup->scratch_rows = config->volume ? 1 + 2 * (2 * radius + 1) : 1;
    setup->flops_per_cell = (config->volume ? 3 : 2) * (3.0 * radius + 1);
    return status;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const gaussian_config *conf = config;
    return nf_gaussian_cell(in, conf->sigma, conf->taps.radius, false, z, y, x, c);
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
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 32,
};

#else

static void NF_NAME(image)(const nf_tile *tile, const nf_taps *taps)
{
    ptrdiff_t step = tile->channels, margin = taps->radius * step, n = NF_ROW_LENGTH(tile);
    NF_ACC *columns = (void *)tile->scratch;
    for (int64_t y = 0; y < tile->size[1]; y++) {
        NF_NAME(nf_taps_columns)
        (NF_ROW_IN(tile, 0, y) - margin, tile->in_stride[1], n + 2 * margin, taps, columns);
        NF_NAME(nf_taps_store)(columns + margin, step, n, taps, NF_ROW_OUT(tile, 0, y));
    }
}

static void NF_NAME(volume)(const nf_tile *tile, const nf_taps *taps)
{
    int radius = taps->radius, height = 2 * radius + 1;
    ptrdiff_t step = tile->channels, margin = radius * step, n = NF_ROW_LENGTH(tile);
    NF_ACC *columns = (void *)tile->scratch;
    size_t row_bytes = tile->scratch_stride * sizeof(double);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        nf_window planes = {NF_SCRATCH_ROW(tile, 1), row_bytes, height, 0, 0};
        for (int64_t y = 0; y < tile->size[1]; y++) {
            for (int row = nf_window_next(&planes); row < height; row++) {
                const NF_T *in = NF_ROW_IN(tile, z, y + row - radius) - margin;
                NF_NAME(nf_taps_columns)
                (in, tile->in_stride[0], n + 2 * margin, taps, nf_window_row(&planes, row));
            }
            NF_NAME(nf_taps_row)
            (nf_window_row(&planes, radius), (ptrdiff_t)(row_bytes / sizeof(NF_ACC)),
             n + 2 * margin, taps, columns);
            NF_NAME(nf_taps_store)(columns + margin, step, n, taps, NF_ROW_OUT(tile, z, y));
        }
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const gaussian_config *conf = config;
    if (conf->volume)
        NF_NAME(volume)(tile, &conf->taps);
    else
        NF_NAME(image)(tile, &conf->taps);
}

#endif
