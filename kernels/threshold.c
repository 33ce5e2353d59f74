/* threshold.c - white (255, 65535, or 1 for floats) where x > value, 0 elsewhere and where x is
 * NaN: OpenCV's THRESH_BINARY. Nothing is rounded before it is compared. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/point.h"

typedef struct threshold_config {
    double value, full;
} threshold_config;

#define NF_BODY "kernels/threshold.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    threshold_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->value = setup->values[0].real;
    config->full = nf_full(setup->in.dtype);
    setup->config = config;
    setup->flops_per_cell = 1;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const threshold_config *conf = config;
    return in->at(in, z, y, x, c) > conf->value ? conf->full : 0;
}

static const nf_param params[] = {{"value", NF_PARAM_REAL, "value", NULL, -1e300, 1e300, NULL,
                                   "what is above this becomes white"},
                                  {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_threshold) = {
    .name = "threshold",
    .summary = "white above a value, 0 elsewhere",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 0,
};

#else

#include "kernels/point.h"

static void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
                             int channels, const void *config)
{
    const threshold_config *conf = config;
    NF_T last = NF_NAME(last_below)(conf->value), full = NF_FULL;
    NF_T low = NF_IS_INTEGER && conf->value < 0 ? full : (NF_T)0; /* of 0, in an integer type */
    for (ptrdiff_t i = 0; i < cells * channels; i++)
        out[i] = in[i] > last ? full : low;
}

NF_POINT_APPLY

#endif
