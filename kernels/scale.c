/* scale.c - a x + b, in double: integers are rounded to the nearest (halves up) and saturate (NaN
 * cannot arise but from infinite products: it becomes 0), f32 is rounded once more, and what it
 * cannot hold is infinite. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/point.h"

typedef struct scale_config {
    double a, b;
    bool single; /* u8: computing in float gives the same for all 256 values */
} scale_config;

#define NF_BODY "kernels/scale.c"
#include "kernels/each_dtype.h"

static bool float_suffices(double a, double b)
{
    for (int v = 0; v < 256; v++)
        if (nf_store_u8((float)a * (float)v + (float)b) != round_to_u8(a * v + b))
            return false;
    return true;
}

static nf_status prepare(nf_setup *setup)
{
    scale_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->a = setup->values[0].real;
    config->b = setup->values[1].real;
    config->single = setup->in.dtype == NF_U8 && float_suffices(config->a, config->b);
    setup->config = config;
    setup->flops_per_cell = 2;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const scale_config *conf = config;
    return conf->a * in->at(in, z, y, x, c) + conf->b;
}

static const nf_param params[] = {
    {"a", NF_PARAM_REAL, "1", "1", -1e300, 1e300, NULL, "factor"},
    {"b", NF_PARAM_REAL, "value", "0", -1e300, 1e300, NULL, "what is added then"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_scale) = {
    .name = "scale",
    .summary = "a x + b; integers round and saturate",
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
    const scale_config *conf = config;
    double a = conf->a, b = conf->b;
    float single_a = (float)a, single_b = (float)b;
    for (ptrdiff_t i = 0; i < cells * channels && conf->single; i++)
        out[i] = (NF_T)nf_store_u8(single_a * (float)in[i] + single_b);
    for (ptrdiff_t i = 0; i < cells * channels && !conf->single; i++)
        out[i] = NF_NAME(round_to)(a * (double)in[i] + b);
}

NF_POINT_APPLY

#endif
