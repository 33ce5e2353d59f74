/* rgb2hsv.c - hue, saturation and value of R G B, three channels, in OpenCV's units. With V the
 * greatest of the three and D its distance to the least:
 *   H = 60 (G - B) / D where V is R, 120 + 60 (B - R) / D where it is G, 240 + 60 (R - G) / D where
 *   it is B, in this order; plus 360 where that is below 0; 0 where D is 0
 *   S = D / V, and 0 where V is 0
 * Floats: H in degrees, 0 to 360; S; V. u8: H / 2 rounded to 0..179 (what would round to 180 is 0),
 * 255 S, V; rounded to the nearest, halves up, where OpenCV's tables may differ by 1. u16 is not
 * taken, as in OpenCV. A fourth channel, alpha, is dropped; of one or two the first is gray. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/point.h"

#define NF_BODY "kernels/rgb2hsv.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    setup->out.channels = 3;
    setup->flops_per_cell = 5;
    setup->bytes_per_cell =
        (double)(nf_dtype_size(setup->in.dtype) * (size_t)(setup->in.channels + 3)) / 3;
    return NF_OK;
}

/* In degrees. */
static double hue(double r, double g, double b, double d)
{
    double v = fmax(r, fmax(g, b));
    if (d == 0)
        return 0;
    if (v == r)
        return 60 * (g - b) / d;
    return v == g ? 120 + 60 * (b - r) / d : 240 + 60 * (r - g) / d;
}

/* Hue before it is rounded: down to -1/2 in u8, so that what is just below 180 is 0. */
static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    bool bytes = in->shape.dtype == NF_U8, gray = in->shape.channels < 3;
    double r = in->at(in, z, y, x, 0);
    double g = in->at(in, z, y, x, gray ? 0 : 1), b = in->at(in, z, y, x, gray ? 0 : 2);
    double v = fmax(r, fmax(g, b)), d = v - fmin(r, fmin(g, b));
    (void)config;
    if (c == 2)
        return v;
    if (c == 1)
        return v == 0 ? 0 : (bytes ? 255 : 1) * d / v;
    double h = hue(r, g, b, d) / (bytes ? 2 : 1);
    return h < (bytes ? -0.5 : 0) ? h + (bytes ? 180 : 360) : h;
}

const nf_kernel NF_ISA_NAME(nf_kernel_rgb2hsv) = {
    .name = "rgb2hsv",
    .summary = "hue, saturation, value of R G B, in OpenCV's units",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .prepare = prepare,
    .apply = {[NF_U8] = apply_u8, [NF_F32] = apply_f32, [NF_F64] = apply_f64},
    .reference_cell = reference_cell,
    .tolerance = 8,
};

#else

#include "kernels/point.h"

/* One cell. A quotient of bytes and its distance to the next half are far apart in a float: it
 * rounds as the exact one does. */
static inline void NF_NAME(hsv)(NF_ACC r, NF_ACC g, NF_ACC b, NF_T *restrict out)
{
    const NF_ACC turn = NF_IS_INTEGER ? 180 : 360, sixth = turn / 6;
    NF_ACC greater = r > g ? r : g, less = r < g ? r : g;
    NF_ACC v = greater > b ? greater : b, d = v - (less < b ? less : b);
    NF_ACC over = v == r ? g - b : v == g ? b - r : r - g;
    NF_ACC first = v == r ? 0 : v == g ? 2 * sixth : 4 * sixth;
    NF_ACC h = first + sixth * over / (d == 0 ? 1 : d);
    NF_ACC s = (NF_IS_INTEGER ? 255 : 1) * d / (v == 0 ? 1 : v);
    h = d == 0 ? 0 : h < (NF_IS_INTEGER ? (NF_ACC)-0.5 : 0) ? h + turn : h;
    out[0] = NF_STORE(h);
    out[1] = NF_STORE(v == 0 ? 0 : s);
    out[2] = NF_STORE(v);
}

static void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
                             int channels, const void *config)
{
    (void)config;
    if (channels == 3)
        for (ptrdiff_t i = 0; i < 3 * cells; i += 3)
            NF_NAME(hsv)((NF_ACC)in[i], (NF_ACC)in[i + 1], (NF_ACC)in[i + 2], out + i);
    for (ptrdiff_t i = 0; i < cells && channels != 3; i++) {
        const NF_T *cell = in + channels * i;
        int g = channels < 3 ? 0 : 1, b = channels < 3 ? 0 : 2;
        NF_NAME(hsv)((NF_ACC)cell[0], (NF_ACC)cell[g], (NF_ACC)cell[b], out + 3 * i);
    }
}

NF_POINT_APPLY

#endif
