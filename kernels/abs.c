/* abs.c - the magnitude, in the same type: nothing has to be rounded or saturates; NaN stays. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/point.h"

#define NF_BODY "kernels/abs.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    setup->flops_per_cell = 1;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    double v = in->at(in, z, y, x, c);
    (void)config;
    return v < 0 ? -v : v;
}

const nf_kernel NF_ISA_NAME(nf_kernel_abs) = {
    .name = "abs",
    .summary = "the magnitude",
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
        out[i] = (NF_T)fabs((double)in[i]);
}

NF_POINT_APPLY

#endif
