/* dog.c - difference of Gaussians: the image smoothed by sigma1, less the image smoothed by sigma2, plus
 * offset; both as scipy.ndimage.gaussian_filter (gaussian.c), and the difference as
 * skimage.filters.difference_of_gaussians. Nothing is rounded before the end; 128 as offset shows both
 * signs in u8. Each channel for itself. */
#ifndef NF_T

#include "kernels/taps.h"
#include "kernels/window.h"

typedef struct dog_config {
    double sigma[2], offset;
    nf_taps taps[2];
} dog_config;

#define NF_BODY "kernels/dog.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    dog_config *config = setup->alloc(setup, sizeof *config);
    nf_status status = config == NULL ? NF_ERR_MEMORY : NF_OK;
    int radius = 0;
    for (int i = 0; i < 2 && status == NF_OK; i++) {
        config->sigma[i] = setup->values[i].real;
        status = nf_taps_gaussian(setup, config->sigma[i], setup->values[2].real, false,
                                  &config->taps[i]);
        int r = config->taps[i].radius;
        radius = r > radius ? r : radius;
        setup->flops_per_cell += 2 * (3.0 * r + 1) + 1;
    }
    if (status != NF_OK)
        return status;
    config->offset = setup->values[3].real;
    setup->config = config;
    setup->halo = (nf_halo){{0, radius, radius}, {0, radius, radius}};
    setup->scratch_rows = 3;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const dog_config *conf = config;
    double smoothed[2];
    for (int i = 0; i < 2; i++)
        smoothed[i] = nf_gaussian_cell(in, conf->sigma[i], conf->taps[i].radius, false, z, y, x, c);
    return smoothed[0] - smoothed[1] + conf->offset;
}

static const nf_param params[] = {
    {"sigma1", NF_PARAM_REAL, "cells", "1", 0.01, 1000, NULL, "standard deviation of the first"},
    {"sigma2", NF_PARAM_REAL, "cells", "1.6", 0.01, 1000, NULL,
     "standard deviation of the second, which is taken away"},
    {"truncate", NF_PARAM_REAL, "sigma", "4", 0.1, 20, NULL, "where the weights are cut off"},
    {"offset", NF_PARAM_REAL, "value", "0", -1e30, 1e30, NULL, "what is added at the end"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_dog) = {
    .name = "dog",
    .summary = "difference of two Gaussians",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 64,
};

#else

static void NF_NAME(apply_row)(const NF_ACC *restrict a, const NF_ACC *restrict b, ptrdiff_t n,
                               NF_ACC offset, NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = NF_STORE(a[i] - b[i] + offset);
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const dog_config *conf = config;
    NF_ACC *spare = (void *)tile->scratch;
    NF_ACC *first = NF_SCRATCH_ROW(tile, 1), *second = NF_SCRATCH_ROW(tile, 2);
    for (int64_t y = 0; y < tile->size[1]; y++) {
        NF_NAME(nf_taps_image)(tile, y, &conf->taps[0], &conf->taps[0], spare, first);
        NF_NAME(nf_taps_image)(tile, y, &conf->taps[1], &conf->taps[1], spare, second);
        NF_NAME(apply_row)
        (first, second, NF_ROW_LENGTH(tile), (NF_ACC)conf->offset, NF_ROW_OUT(tile, 0, y));
    }
}

#endif
