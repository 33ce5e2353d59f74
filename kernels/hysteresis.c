/* hysteresis.c - white (255, 65535, or 1 for floats) in the connected components of what is above `low`
 * that have a cell above `high`, 0 elsewhere: skimage.filters.apply_hysteresis_threshold, whose
 * components have connectivity 1. A cell is above a value if one of its elements is; low is never above
 * high. After canny_edges, low=0,high=1,connectivity=2 is the end of OpenCV's Canny. */
#ifndef NF_T

#include "kernels/components.h"
#include "kernels/point.h"

typedef struct hysteresis_config {
    double low, high, white;
} hysteresis_config;

#define NF_BODY "kernels/hysteresis.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    hysteresis_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->high = setup->values[1].real;
    config->low = setup->values[0].real < config->high ? setup->values[0].real : config->high;
    config->white = nf_full(setup->in.dtype);
    setup->config = config;
    setup->connectivity = (int)setup->values[2].integer;
    if (setup->connectivity > setup->in.ndim) {
        setup->param = "connectivity";
        setup->problem = "an image has neighbours in 2 directions at most: 1 or 2";
        return NF_ERR_PARAM;
    }
    setup->seeds = true;
    setup->out.channels = 1;
    setup->flops_per_cell = 4;
    return NF_OK;
}

static double value(const nf_component *component, const void *config)
{
    return component->seeded ? ((const hysteresis_config *)config)->white : 0;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const hysteresis_config *conf = config;
    int class = 0;
    (void)c;
    for (int i = 0; i < in->shape.channels; i++) {
        class |= in->at(in, z, y, x, i) > conf->low ? NF_MEMBER : 0;
        class |= in->at(in, z, y, x, i) > conf->high ? NF_SEED : 0;
    }
    return class;
}

static const nf_param params[] = {
    {"low", NF_PARAM_REAL, "value", NULL, -1e300, 1e300, NULL,
     "what is above this stays where it is connected to what is above high"},
    {"high", NF_PARAM_REAL, "value", NULL, -1e300, 1e300, NULL, "what is above this stays"},
    {"connectivity", NF_PARAM_INTEGER, "indices", "1", 1, 3, NULL,
     "neighbours differ in at most so many indices"},
    {0}};

static const nf_joining joining = {.value = value, .loops = &NF_RUN_LOOPS};

const nf_kernel NF_ISA_NAME(nf_kernel_hysteresis) = {
    .name = "hysteresis",
    .summary = "white where above low and connected to what is above high",
    .kind = NF_COMPONENTS,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .joining = &joining,
    .reference_cell = reference_cell,
    .tolerance = 0,
};

#else

#include "kernels/point.h"

static void NF_NAME(classify)(const NF_T *restrict in, ptrdiff_t cells, int channels, NF_T low,
                              NF_T high, bool all[2], uint8_t *restrict out)
{
    uint8_t always = (uint8_t)((all[0] ? NF_MEMBER : 0) | (all[1] ? NF_SEED : 0));
    for (ptrdiff_t x = 0; x < cells && channels == 1; x++)
        out[x] = (uint8_t)((in[x] > low) | (in[x] > high) << 1 | always);
    for (ptrdiff_t x = 0; x < cells && channels > 1; x++) {
        out[x] = always;
        for (int c = 0; c < channels; c++)
            out[x] |= (uint8_t)((in[x * channels + c] > low) | (in[x * channels + c] > high) << 1);
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const hysteresis_config *conf = config;
    NF_T low = NF_NAME(last_below)(conf->low), high = NF_NAME(last_below)(conf->high);
    bool all[2] = {NF_IS_INTEGER && conf->low < 0, NF_IS_INTEGER && conf->high < 0};
    (void)partial;
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(classify)
    (NF_ROW_IN(tile, z, y), tile->size[2], tile->channels, low, high, all,
     (uint8_t *)tile->out + z * tile->out_stride[0] + y * tile->out_stride[1]);
}

#endif
