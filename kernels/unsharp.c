/* unsharp.c - sharpening by an unsharp mask, with the parameters of Pillow's ImageFilter.UnsharpMask:
 *   d = in - smoothed,  out = in + d percent / 100 where |d| > threshold, else in.
 * Smoothed by a true Gaussian of standard deviation `radius`, cut off at 4 of them (gaussian.c), where
 * Pillow has a cascade of boxes; and neither the smoothed image nor the product is rounded on the way,
 * as both are there. threshold is in units of the elements. Each channel for itself. */
#ifndef NF_T

#include <math.h>

#include "kernels/taps.h"
#include "kernels/window.h"

typedef struct unsharp_config {
    double sigma, factor, threshold;
    nf_taps taps;
} unsharp_config;

#define NF_BODY "kernels/unsharp.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    const nf_value *values = setup->values;
    unsharp_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->sigma = values[0].real;
    config->factor = values[1].real / 100;
    config->threshold = values[2].real;
    setup->config = config;
    nf_status status = nf_taps_gaussian(setup, config->sigma, 4, false, &config->taps);
    int radius = config->taps.radius;
    setup->halo = (nf_halo){{0, radius, radius}, {0, radius, radius}};
    setup->scratch_rows = 2;
    setup->flops_per_cell = 2 * (3.0 * radius + 1) + 4;
    return status;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const unsharp_config *conf = config;
    double v = in->at(in, z, y, x, c);
    double d = v - nf_gaussian_cell(in, conf->sigma, conf->taps.radius, false, z, y, x, c);
    return fabs(d) > conf->threshold ? v + d * conf->factor : v;
}

static const nf_param params[] = {
    {"radius", NF_PARAM_REAL, "cells", "2", 0.01, 1000, NULL,
     "standard deviation of the smoothing"},
    {"percent", NF_PARAM_REAL, "%", "150", -1e6, 1e6, NULL, "how much of the difference is added"},
    {"threshold", NF_PARAM_REAL, "value", "3", 0, 1e300, NULL,
     "differences up to this are left alone"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_unsharp) = {
    .name = "unsharp",
    .summary = "sharpening by what Gaussian smoothing takes away",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 256,
};

#else

static void NF_NAME(apply_row)(const NF_T *restrict in, const NF_ACC *restrict smoothed,
                               ptrdiff_t n, NF_ACC factor, NF_ACC threshold, NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_ACC v = (NF_ACC)in[i], d = v - smoothed[i], size = d < 0 ? -d : d;
        out[i] = NF_STORE(size > threshold ? v + d * factor : v);
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const unsharp_config *conf = config;
    NF_ACC *spare = (void *)tile->scratch, *smoothed = NF_SCRATCH_ROW(tile, 1);
    for (int64_t y = 0; y < tile->size[1]; y++) {
        NF_NAME(nf_taps_image)(tile, y, &conf->taps, &conf->taps, spare, smoothed);
        NF_NAME(apply_row)
        (NF_ROW_IN(tile, 0, y), smoothed, NF_ROW_LENGTH(tile), (NF_ACC)conf->factor,
         (NF_ACC)conf->threshold, NF_ROW_OUT(tile, 0, y));
    }
}

#endif
