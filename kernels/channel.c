/* channel.c - one channel of several, counted from 0; the elements stay as they are. */
#ifndef NF_T

#include "kernels/isa.h"
#include "kernels/point.h"

#define NF_BODY "kernels/channel.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    int *index = setup->alloc(setup, sizeof *index);
    if (index == NULL)
        return NF_ERR_MEMORY;
    *index = (int)setup->values[0].integer;
    if (*index >= setup->in.channels) {
        setup->param = "index";
        setup->problem = "the array has no such channel; the first is 0";
        return NF_ERR_PARAM;
    }
    setup->config = index;
    setup->out.channels = 1;
    setup->bytes_per_cell =
        (double)(nf_dtype_size(setup->in.dtype) * (size_t)(setup->in.channels + 1));
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    return in->at(in, z, y, x, c + *(const int *)config);
}

static const nf_param params[] = {
    {"index", NF_PARAM_INTEGER, "1", NULL, 0, NF_MAX_CHANNELS - 1, NULL, "which channel, from 0"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_channel) = {
    .name = "channel",
    .summary = "one channel of several",
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
    const NF_T *from = in + *(const int *)config;
    if (channels == 3)
        for (ptrdiff_t i = 0; i < cells; i++)
            out[i] = from[3 * i];
    else
        for (ptrdiff_t i = 0; i < cells; i++)
            out[i] = from[channels * i];
}

NF_POINT_APPLY

#endif
