/* gamma.c - x to the power of `exponent`, values scaled to 0..1: white (x / white)^exponent for
 * integers, rounded to the nearest (halves up); as skimage.exposure.adjust_gamma but for that, which
 * cuts off. Floats are taken as they are, neither scaled nor saturated: above 1 they stay so, below 0
 * the power is what C's pow says, NaN but for whole exponents. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/point.h"

typedef struct gamma_config {
    double exponent, full;
    uint16_t table[]; /* integers: the result for each value */
} gamma_config;

#define NF_BODY "kernels/gamma.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    bool integer = setup->in.dtype == NF_U8 || setup->in.dtype == NF_U16;
    double full = nf_full(setup->in.dtype);
    size_t values = integer ? (size_t)full + 1 : 0;
    gamma_config *config = setup->alloc(setup, sizeof *config + values * sizeof *config->table);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->exponent = setup->values[0].real;
    config->full = full;
    for (size_t v = 0; v < values; v++)
        config->table[v] = nf_store_u16(full * pow((double)v / full, config->exponent));
    setup->config = config;
    setup->flops_per_cell = integer ? 1 : 40;
    return NF_OK;
}

/* By logarithms where it can be. */
static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const gamma_config *conf = config;
    long double v = in->at(in, z, y, x, c) / (long double)conf->full;
    long double power =
        v > 0 ? expl((long double)conf->exponent * logl(v)) : powl(v, (long double)conf->exponent);
    return (double)((long double)conf->full * power);
}

static const nf_param params[] = {
    {"exponent", NF_PARAM_REAL, "1", NULL, 0, 100, NULL, "less than 1 brightens, more darkens"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_gamma) = {
    .name = "gamma",
    .summary = "x^exponent, with white as 1",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 4,
};

#else

#include "kernels/point.h"

static void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
                             int channels, const void *config)
{
    const gamma_config *conf = config;
    NF_ACC exponent = (NF_ACC)conf->exponent;
    for (ptrdiff_t i = 0; i < cells * channels; i++) {
        if (NF_IS_INTEGER)
            out[i] = (NF_T)conf->table[(size_t)in[i]];
        else
            out[i] = (NF_T)(sizeof(NF_ACC) == 4 ? (double)powf((float)in[i], (float)exponent)
                                                : pow((double)in[i], (double)exponent));
    }
}

NF_POINT_APPLY

#endif
