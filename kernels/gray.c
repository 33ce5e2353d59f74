/* gray.c - luma of ITU-R BT.601 from R G B: 0.299 R + 0.587 G + 0.114 B, one channel. Integers: the
 * weights are 19595, 38470 and 7471 in 65536ths, and the sum is rounded to the nearest (halves up),
 * which for u8 are the bits of Pillow's mode L; OpenCV's RGB2GRAY, with weights in 16384ths or
 * 32768ths by version, may differ by 1. Floats: the decimal weights, as OpenCV. Nothing saturates:
 * the weights add up to 1. A fourth channel, alpha, is dropped; of one or two channels the first is
 * gray already. */
#ifndef NF_T

#include "kernels/isa.h"
#include "kernels/point.h"

#define NF_BODY "kernels/gray.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    setup->out.channels = 1;
    setup->flops_per_cell = 5;
    setup->bytes_per_cell =
        (double)(nf_dtype_size(setup->in.dtype) * (size_t)(setup->in.channels + 1));
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    static const double decimal[] = {0.299, 0.587, 0.114}, binary[] = {19595, 38470, 7471};
    bool integer = in->shape.dtype == NF_U8 || in->shape.dtype == NF_U16;
    double sum = 0;
    (void)config;
    if (in->shape.channels < 3)
        return in->at(in, z, y, x, c);
    for (int k = 0; k < 3; k++)
        sum += in->at(in, z, y, x, k) * (integer ? binary[k] / 65536 : decimal[k]);
    return sum;
}

const nf_kernel NF_ISA_NAME(nf_kernel_gray) = {
    .name = "gray",
    .summary = "luma of R G B (ITU-R BT.601), one channel",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 4,
};

#else

#include "kernels/point.h"

static inline NF_T NF_NAME(luma)(const NF_T *rgb)
{
    if (NF_IS_INTEGER)
        return (NF_T)((19595u * (uint32_t)rgb[0] + 38470u * (uint32_t)rgb[1] +
                       7471u * (uint32_t)rgb[2] + 32768u) >>
                      16);
    return (NF_T)((NF_ACC)0.299 * (NF_ACC)rgb[0] + (NF_ACC)0.587 * (NF_ACC)rgb[1] +
                  (NF_ACC)0.114 * (NF_ACC)rgb[2]);
}

/* Each number of channels by itself, so that the step is known when this is compiled. */
static void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
                             int channels, const void *config)
{
    (void)config;
    if (channels == 4)
        for (ptrdiff_t i = 0; i < cells; i++)
            out[i] = NF_NAME(luma)(in + 4 * i);
    else if (channels == 3)
        for (ptrdiff_t i = 0; i < cells; i++)
            out[i] = NF_NAME(luma)(in + 3 * i);
    else
        for (ptrdiff_t i = 0; i < cells; i++)
            out[i] = in[channels * i];
}

NF_POINT_APPLY

#endif
