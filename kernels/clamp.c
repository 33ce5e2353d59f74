/* clamp.c - what is below lo becomes lo, what is above hi becomes hi, as numpy.clip; NaN stays. In
 * an integer type the bounds are rounded to the nearest (halves up) and saturate, in f32 they are
 * rounded. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/point.h"

typedef struct clamp_config {
    double lo, hi;
} clamp_config;

#define NF_BODY "kernels/clamp.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    const nf_value *lo = &setup->values[0], *hi = &setup->values[1];
    clamp_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->lo = lo->given ? lo->real : (double)-INFINITY;
    config->hi = hi->given ? hi->real : (double)INFINITY;
    if (config->lo > config->hi) {
        setup->param = "hi";
        setup->problem = "no value is in the range: hi must not be less than lo";
        return NF_ERR_PARAM;
    }
    setup->config = config;
    setup->flops_per_cell = 2;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const clamp_config *conf = config;
    double v = in->at(in, z, y, x, c);
    return isnan(v) ? v : fmin(fmax(v, conf->lo), conf->hi);
}

static const nf_param params[] = {
    {"lo", NF_PARAM_REAL, "value", "auto", -1e300, 1e300, NULL, "the least value; auto: no bound"},
    {"hi", NF_PARAM_REAL, "value", "auto", -1e300, 1e300, NULL,
     "the greatest value; auto: no bound"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_clamp) = {
    .name = "clamp",
    .summary = "values below lo become lo, those above hi become hi",
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
    const clamp_config *conf = config;
    NF_T lo = NF_NAME(round_to)(conf->lo), hi = NF_NAME(round_to)(conf->hi);
    for (ptrdiff_t i = 0; i < cells * channels; i++) {
        NF_T v = in[i] < lo ? lo : in[i];
        out[i] = v > hi ? hi : v;
    }
}

NF_POINT_APPLY

#endif
