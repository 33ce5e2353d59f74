/* gradient.h - the body of sobel.c, scharr.c and prewitt.c: the gradient's magnitude
 *   sqrt(gx^2 + gy^2),  in volumes  sqrt(gx^2 + gy^2 + gz^2),
 * each part a difference [-1 0 1] along its axis, smoothed by [EDGE CENTRE EDGE] along every other,
 * not normalised; each channel for itself. A file defines EDGE and CENTRE as enumerators, includes
 * this header, and has in its descriptor, after name, summary and tolerance, NF_GRADIENT_MEMBERS. */
#ifndef NF_T

#include "kernels/isa.h"
#include "kernels/kernel.h"

static const bool in_volume = true, in_plane = false; /* what config points to */

/* What holds a smoothed difference: integers are exact. */
typedef int32_t sum_u8, sum_u16;
typedef float sum_f32;
typedef double sum_f64;

#define NF_BODY "kernels/gradient.h"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    bool volume = setup->in.ndim == 3;
    setup->halo = (nf_halo){{volume, 1, 1}, {volume, 1, 1}};
    setup->config = volume ? &in_volume : &in_plane;
    setup->scratch_rows = volume ? 3 : 0;
    setup->flops_per_cell = volume ? 45 : 16;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    static const int smooth[3] = {EDGE, CENTRE, EDGE}, slope[3] = {-1, 0, 1};
    bool volume = in->shape.ndim == 3;
    double gx = 0, gy = 0, gz = 0;
    (void)config;
    for (int k = volume ? 0 : 1; k < (volume ? 3 : 2); k++) {
        for (int j = 0; j < 3; j++) {
            for (int i = 0; i < 3; i++) {
                double v = in->at(in, z + k - 1, y + j - 1, x + i - 1, c);
                int deep = volume ? smooth[k] : 1;
                gx += deep * smooth[j] * slope[i] * v;
                gy += deep * slope[j] * smooth[i] * v;
                gz += volume ? slope[k] * smooth[j] * smooth[i] * v : 0;
            }
        }
    }
    return sqrt(gx * gx + gy * gy + gz * gz);
}

static const nf_param params[] = {NF_BORDER_PARAMS, {0}};

#define NF_GRADIENT_MEMBERS                                                                        \
    .kind = NF_MAP, .ndims = NF_2D | NF_3D, .params = params, .prepare = prepare,                  \
    .apply = NF_APPLY(apply), .reference_cell = reference_cell

#else

static void NF_NAME(plane_row)(const NF_T *restrict a, const NF_T *restrict b,
                               const NF_T *restrict c, ptrdiff_t step, ptrdiff_t n,
                               NF_T *restrict out)
{
    /* Sums of bytes fit in 16 bits, their squares in the digits of a float: the same bits, of twice
     * as many at a time. */
    if (sizeof(NF_T) == 1) {
        for (ptrdiff_t i = 0; i < n; i++) {
            int16_t gx = (int16_t)(EDGE * (a[i + step] - a[i - step]) +
                                   CENTRE * (b[i + step] - b[i - step]) +
                                   EDGE * (c[i + step] - c[i - step]));
            int16_t gy = (int16_t)(EDGE * (c[i - step] - a[i - step]) + CENTRE * (c[i] - a[i]) +
                                   EDGE * (c[i + step] - a[i + step]));
            int square = gx * gx + gy * gy, most = 255 * 255;
            out[i] = (NF_T)(int)(sqrtf((float)(square < most ? square : most)) + NF_HALF_F32);
        }
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++) { /* integers: exact, and converted once */
        NF_ACC gx =
            (NF_ACC)(EDGE * (a[i + step] - a[i - step]) + CENTRE * (b[i + step] - b[i - step]) +
                     EDGE * (c[i + step] - c[i - step]));
        NF_ACC gy = (NF_ACC)(EDGE * (c[i - step] - a[i - step]) + CENTRE * (c[i] - a[i]) +
                             EDGE * (c[i + step] - a[i + step]));
        out[i] = NF_STORE(NF_SQRT(gx * gx + gy * gy));
    }
}

/* Across rows and planes, for each of n elements: smoothed along both; the difference along the rows,
 * smoothed along the planes; the difference along the planes, smoothed along the rows. `in`: the row
 * in the middle. */
static void NF_NAME(volume_columns)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t deep,
                                    ptrdiff_t n, NF_NAME(sum) *restrict smooth,
                                    NF_NAME(sum) *restrict along_y, NF_NAME(sum) *restrict along_z)
{
    typedef NF_NAME(sum) sum;
    const NF_T *restrict a = in - deep, *restrict c = in + deep;
    for (ptrdiff_t i = 0; i < n; i++) {
        sum before = EDGE * ((sum)a[i - down] + (sum)a[i + down]) + CENTRE * (sum)a[i];
        sum here = EDGE * ((sum)in[i - down] + (sum)in[i + down]) + CENTRE * (sum)in[i];
        sum behind = EDGE * ((sum)c[i - down] + (sum)c[i + down]) + CENTRE * (sum)c[i];
        smooth[i] = EDGE * (before + behind) + CENTRE * here;
        along_z[i] = behind - before;
        along_y[i] =
            EDGE * (((sum)a[i + down] - (sum)a[i - down]) + ((sum)c[i + down] - (sum)c[i - down])) +
            CENTRE * ((sum)in[i + down] - (sum)in[i - down]);
    }
}

static void NF_NAME(volume_row)(const NF_NAME(sum) *restrict smooth,
                                const NF_NAME(sum) *restrict along_y,
                                const NF_NAME(sum) *restrict along_z, ptrdiff_t step, ptrdiff_t n,
                                NF_T *restrict out)
{
    const NF_NAME(sum) *y = along_y, *z = along_z;
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_ACC gx = (NF_ACC)(smooth[i + step] - smooth[i - step]);
        NF_ACC gy = (NF_ACC)(EDGE * (y[i - step] + y[i + step]) + CENTRE * y[i]);
        NF_ACC gz = (NF_ACC)(EDGE * (z[i - step] + z[i + step]) + CENTRE * z[i]);
        out[i] = NF_STORE(NF_SQRT(gx * gx + gy * gy + gz * gz));
    }
}

static void NF_NAME(volume)(const nf_tile *tile, int64_t z, int64_t y)
{
    ptrdiff_t step = tile->channels, n = NF_ROW_LENGTH(tile);
    NF_NAME(sum) * row[3];
    for (int i = 0; i < 3; i++)
        row[i] = (void *)(tile->scratch + (size_t)i * tile->scratch_stride);
    NF_NAME(volume_columns)
    (NF_ROW_IN(tile, z, y) - step, tile->in_stride[1], tile->in_stride[0], n + 2 * step, row[0],
     row[1], row[2]);
    NF_NAME(volume_row)
    (row[0] + step, row[1] + step, row[2] + step, step, n, NF_ROW_OUT(tile, z, y));
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    ptrdiff_t down = tile->in_stride[1], step = tile->channels, n = NF_ROW_LENGTH(tile);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *row = NF_ROW_IN(tile, z, y);
            if (*(const bool *)config)
                NF_NAME(volume)(tile, z, y);
            else
                NF_NAME(plane_row)(row - down, row, row + down, step, n, NF_ROW_OUT(tile, z, y));
        }
    }
}

#endif
