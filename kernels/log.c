/* log.c - Laplacian of Gaussian, as scipy.ndimage.gaussian_laplace: the sum over both axes of the second
 * derivative of a Gaussian along one and the Gaussian along the other, each cut at radius
 * floor(truncate sigma + 1/2), plus offset. Nothing is rounded before the end; 128 as offset shows both
 * signs in u8. Cut off as they are, the weights do not quite sum to 0: nor does a constant come out as
 * 0, there as here. Each channel for itself. */
#ifndef NF_T

#include "kernels/taps.h"
#include "kernels/window.h"

typedef struct log_config {
    double sigma, offset;
    nf_taps smooth, second;
} log_config;

#define NF_BODY "kernels/log.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    double sigma = setup->values[0].real, truncate = setup->values[1].real;
    log_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->sigma = sigma;
    config->offset = setup->values[2].real;
    setup->config = config;
    nf_status status = nf_taps_gaussian(setup, sigma, truncate, false, &config->smooth);
    if (status == NF_OK)
        status = nf_taps_gaussian(setup, sigma, truncate, true, &config->second);
    int radius = config->smooth.radius;
    setup->halo = (nf_halo){{0, radius, radius}, {0, radius, radius}};
    setup->scratch_rows = 3;
    setup->flops_per_cell = 4 * (3.0 * radius + 1) + 2;
    return status;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const log_config *conf = config;
    return nf_gaussian_cell(in, conf->sigma, conf->smooth.radius, true, z, y, x, c) + conf->offset;
}

static const nf_param params[] = {
    {"sigma", NF_PARAM_REAL, "cells", "1", 0.1, 1000, NULL, "standard deviation"},
    {"truncate", NF_PARAM_REAL, "sigma", "4", 0.1, 20, NULL, "where the weights are cut off"},
    {"offset", NF_PARAM_REAL, "value", "0", -1e30, 1e30, NULL, "what is added at the end"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_log) = {
    .name = "log",
    .summary = "Laplacian of Gaussian",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 256,
};

#else

static void NF_NAME(apply_row)(const NF_ACC *restrict a, const NF_ACC *restrict b, ptrdiff_t n,
                               NF_ACC offset, NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = NF_STORE(a[i] + b[i] + offset);
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const log_config *conf = config;
    NF_ACC *spare = (void *)tile->scratch;
    NF_ACC *along_y = NF_SCRATCH_ROW(tile, 1), *along_x = NF_SCRATCH_ROW(tile, 2);
    for (int64_t y = 0; y < tile->size[1]; y++) {
        NF_NAME(nf_taps_image)(tile, y, &conf->second, &conf->smooth, spare, along_y);
        NF_NAME(nf_taps_image)(tile, y, &conf->smooth, &conf->second, spare, along_x);
        NF_NAME(apply_row)
        (along_y, along_x, NF_ROW_LENGTH(tile), (NF_ACC)conf->offset, NF_ROW_OUT(tile, 0, y));
    }
}

#endif
