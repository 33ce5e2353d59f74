/* invert.c - white minus x: 255 - x, 65535 - x, and 1 - x for floats, which do not saturate. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/point.h"

#define NF_BODY "kernels/invert.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    double *full = setup->alloc(setup, sizeof *full);
    if (full == NULL)
        return NF_ERR_MEMORY;
    *full = nf_full(setup->in.dtype);
    setup->config = full;
    setup->flops_per_cell = 1;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    return *(const double *)config - in->at(in, z, y, x, c);
}

const nf_kernel NF_ISA_NAME(nf_kernel_invert) = {
    .name = "invert",
    .summary = "the negative: white minus x",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
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
    (void)config;
    for (ptrdiff_t i = 0; i < cells * channels; i++)
        out[i] = (NF_T)(NF_FULL - in[i]);
}

NF_POINT_APPLY

#endif
