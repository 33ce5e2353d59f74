/* sobel.c - gradient magnitude by the Sobel operator: sqrt(gx^2 + gy^2) with
 *   gx = [1 2 1]^T * [-1 0 1],  gy = [-1 0 1]^T * [1 2 1],
 * not normalised, as hypot of scipy.ndimage.sobel along both axes; each channel for itself. */
#ifndef NF_T

#include "kernels/isa.h"
#define NF_BODY "kernels/sobel.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    setup->halo = (nf_halo){{0, 1, 1}, {0, 1, 1}};
    setup->flops_per_cell = 16;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    static const int smooth[3] = {1, 2, 1}, slope[3] = {-1, 0, 1};
    double gx = 0, gy = 0;
    (void)config;
    for (int j = 0; j < 3; j++) {
        for (int i = 0; i < 3; i++) {
            double v = in->at(in, z, y + j - 1, x + i - 1, c);
            gx += smooth[j] * slope[i] * v;
            gy += slope[j] * smooth[i] * v;
        }
    }
    return sqrt(gx * gx + gy * gy);
}

static const nf_param params[] = {NF_BORDER_PARAMS, {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_sobel) = {
    .name = "sobel",
    .summary = "gradient magnitude, sqrt(gx^2 + gy^2), by the 3x3 Sobel operator",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 16,
};

#else

static void NF_NAME(apply_row)(const NF_T *restrict a, const NF_T *restrict b,
                               const NF_T *restrict c, ptrdiff_t step, ptrdiff_t n,
                               NF_T *restrict out)
{
    /* Sums of bytes fit in 16 bits, their squares in the digits of a float: the same bits, of twice
     * as many at a time. */
    if (sizeof(NF_T) == 1) {
        for (ptrdiff_t i = 0; i < n; i++) {
            int16_t gx = (int16_t)((a[i + step] - a[i - step]) + 2 * (b[i + step] - b[i - step]) +
                                   (c[i + step] - c[i - step]));
            int16_t gy = (int16_t)((c[i - step] - a[i - step]) + 2 * (c[i] - a[i]) +
                                   (c[i + step] - a[i + step]));
            int square = gx * gx + gy * gy, most = 255 * 255;
            out[i] = (NF_T)(int)(sqrtf((float)(square < most ? square : most)) + NF_HALF_F32);
        }
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++) { /* integers: exact, and converted once */
        NF_ACC gx = (NF_ACC)((a[i + step] - a[i - step]) + 2 * (b[i + step] - b[i - step]) +
                             (c[i + step] - c[i - step]));
        NF_ACC gy =
            (NF_ACC)((c[i - step] - a[i - step]) + 2 * (c[i] - a[i]) + (c[i + step] - a[i + step]));
        out[i] = NF_STORE(NF_SQRT(gx * gx + gy * gy));
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)config, (void)partial;
    ptrdiff_t down = tile->in_stride[1];
    for (int64_t y = 0; y < tile->size[1]; y++) {
        const NF_T *row = NF_ROW_IN(tile, 0, y);
        NF_NAME(apply_row)
        (row - down, row, row + down, tile->channels, NF_ROW_LENGTH(tile), NF_ROW_OUT(tile, 0, y));
    }
}

#endif
