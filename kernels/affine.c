/* affine.c - an image through an affine map from the output's coordinates to the input's, with cells'
 * centres at whole numbers: as OpenCV's warpAffine with WARP_INVERSE_MAP, and scipy.ndimage's
 * affine_transform with the matrix [[m4, m3], [m1, m0]] and the offset [m5, m2] (Pillow's has its centres
 * at halves). Cells beyond the edges are those of the border, and interpolated with, as in scipy's modes
 * grid-constant and grid-wrap. cubic: Keys' with a = -1/2, as resize has it, not a spline. u8 and f32
 * are weighted in float, u16 and f64 in double. Each channel for itself. */
#ifndef NF_T

#include <math.h>
#include <string.h>

#include "kernels/affine.h"

enum { CHUNK = 128, MOST_TAPS = 4 };

/* Cells of a row of the output in the input, one side: the first tap, and the fraction beyond it. */
typedef struct taps_of {
    int taps, before; /* taps in each direction; of which lie before the coordinate's cell */
    double shift;     /* what is added to a coordinate before it is cut off */
} taps_of;

static const taps_of methods[] = {
    [NF_WARP_NEAREST] = {1, 0, 0.5}, [NF_WARP_BILINEAR] = {2, 0, 0}, [NF_WARP_CUBIC] = {4, 1, 0}};
const char *const nf_affine_methods[] = {"nearest", "bilinear", "cubic", NULL};

/* Coordinate d (0: x, 1: y) in the input. Monotone in x and in y, rounded as it is, so that a box's corners
 * have its extremes; and the same whatever tile the cell is in. */
static inline double coordinate(const nf_affine *affine, int d, int64_t y, int64_t x)
{
    const double *m = affine->m + 3 * d;
    return m[0] * (double)x + (m[1] * (double)y + m[2]);
}

/* Keys' cubic with a = -1/2: the weight of tap i, 0 to 3, for a fraction t beyond tap 1. */
#define CUBIC_WEIGHT(i, t)                                                                         \
    ((i) == 0   ? ((2 - (t)) * (t)-1) * (t) / 2                                                    \
     : (i) == 1 ? ((3 * (t)-5) * (t) * (t) + 2) / 2                                                \
     : (i) == 2 ? ((4 - 3 * (t)) * (t) + 1) * (t) / 2                                              \
                : ((t)-1) * (t) * (t) / 2)
#define WEIGHT(taps, i, t)                                                                         \
    ((taps) == 4 ? CUBIC_WEIGHT(i, t) : (taps) == 1 ? 1 : (i) == 0 ? 1 - (t) : (t))

#define NF_BODY "kernels/affine.c"
#include "kernels/each_dtype.h"

/* The least and the greatest of coordinate d in the box [lo, hi). */
static void range(const nf_affine *affine, int d, const int64_t lo[NF_DIMS],
                  const int64_t hi[NF_DIMS], double *least, double *most)
{
    *least = *most = coordinate(affine, d, lo[1], lo[2]);
    for (int corner = 1; corner < 4; corner++) {
        double v =
            coordinate(affine, d, corner & 2 ? hi[1] - 1 : lo[1], corner & 1 ? hi[2] - 1 : lo[2]);
        *least = fmin(*least, v);
        *most = fmax(*most, v);
    }
}

void nf_affine_source(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                      int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS])
{
    const nf_affine *affine = config;
    const taps_of *method = &methods[affine->method];
    from_lo[0] = lo[0];
    from_hi[0] = hi[0];
    for (int d = 0; d < 2; d++) {
        double least, most;
        range(affine, d, lo, hi, &least, &most);
        from_lo[2 - d] = (int64_t)floor(least + method->shift) - method->before;
        from_hi[2 - d] = (int64_t)floor(most + method->shift) - method->before + method->taps;
    }
}

nf_status nf_affine_prepare(nf_setup *setup, const nf_affine *affine)
{
    nf_affine *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    *config = *affine;
    setup->config = config;
    static const int64_t zero[NF_DIMS];
    for (int d = 0; d < 2; d++) {
        double least, most;
        range(config, d, zero, setup->out.dim, &least, &most);
        if (least < -0x1p30 || most > 0x1p30) {
            setup->param = "matrix";
            setup->problem = "the output would lie further than 2^30 cells from the input";
            return NF_ERR_PARAM;
        }
    }
    int taps = methods[affine->method].taps;
    setup->flops_per_cell = taps == 1 ? 8 : 8 + 2 * taps * (taps + 5);
    return NF_OK;
}

double nf_affine_cell(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                      int c)
{
    const nf_affine *affine = config;
    const taps_of *method = &methods[affine->method];
    double u = coordinate(affine, 0, y, x), v = coordinate(affine, 1, y, x), sum = 0;
    int64_t left = (int64_t)floor(u + method->shift), top = (int64_t)floor(v + method->shift);
    for (int j = 0; j < method->taps; j++)
        for (int i = 0; i < method->taps; i++)
            sum += WEIGHT(method->taps, j, v - (double)top) *
                   WEIGHT(method->taps, i, u - (double)left) *
                   in->at(in, z, top - method->before + j, left - method->before + i, c);
    return sum;
}

static nf_status prepare(nf_setup *setup)
{
    const nf_value *values = setup->values;
    nf_affine affine = {.method = (nf_interpolation)values[3].integer};
    if (values[0].count != 6) {
        setup->param = "matrix";
        setup->problem = "six numbers are needed: two rows of three";
        return NF_ERR_PARAM;
    }
    memcpy(affine.m, values[0].list, sizeof affine.m);
    if (values[1].given)
        setup->out.dim[2] = values[1].integer;
    if (values[2].given)
        setup->out.dim[1] = values[2].integer;
    return nf_affine_prepare(setup, &affine);
}

static const nf_param params[] = {
    {"matrix", NF_PARAM_LIST, "1", NULL, -1e9, 1e9, NULL,
     "m0 to m5: output cell x,y is the input at m0 x + m1 y + m2, m3 x + m4 y + m5"},
    {"width", NF_PARAM_INTEGER, "cells", "auto", 1, 1e9, NULL, "columns; by default the input's"},
    {"height", NF_PARAM_INTEGER, "cells", "auto", 1, 1e9, NULL, "rows; by default the input's"},
    NF_AFFINE_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_affine) = {
    .name = "affine",
    .summary = "an affine map of an image",
    .kind = NF_RESAMPLE,
    .turns = true,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .source = nf_affine_source,
    .apply = NF_APPLY(nf_affine_apply),
    .reference_cell = nf_affine_cell,
    .tolerance = 32,
};

#else

/* The taps of up to CHUNK cells of a row of the output. */
typedef struct NF_NAME(chunk) {
    ptrdiff_t at[CHUNK];                 /* the first tap's element in the tile's input */
    NF_ACC weights[2][MOST_TAPS][CHUNK]; /* along the row, across rows */
} NF_NAME(chunk);

/* Coordinate d of n cells: the first taps, times `stride`, added to at; and the weights. Whole parts
 * without floor, which not every instruction set has in vectors. */
static inline __attribute__((always_inline)) void
NF_NAME(locate)(const nf_tile *tile, const nf_affine *affine, int d, int64_t y, int64_t x,
                ptrdiff_t n, const int taps, NF_NAME(chunk) * chunk)
{
    const double *m = affine->m + 3 * d, shift = taps == 1 ? 0.5 : 0;
    double base = m[1] * (double)y + m[2], along = m[0];
    ptrdiff_t stride = tile->in_stride[2 - d];
    int32_t lo = (int32_t)(tile->in_lo[2 - d] + (taps == 4)), from = (int32_t)x;
    for (ptrdiff_t i = 0; i < n; i++) {
        double v = along * (double)(from + (int32_t)i) + base + shift;
        int32_t cell = (int32_t)v;
        cell -= (double)cell > v;
        chunk->at[i] += (cell - lo) * stride;
        NF_ACC t = (NF_ACC)(v - (double)cell);
        _Pragma("GCC unroll 4") for (int tap = 0; tap < taps && taps > 1; tap++)
            chunk->weights[d][tap][i] = WEIGHT(taps, tap, t);
    }
}

/* All taps of n cells of one channel, and after them, in vectors, their weighted sums. */
static inline __attribute__((always_inline)) void
NF_NAME(interpolate)(const NF_T *in, const nf_tile *tile, const NF_NAME(chunk) * chunk, ptrdiff_t n,
                     const int taps, NF_T *restrict out)
{
    NF_T found[MOST_TAPS][MOST_TAPS][CHUNK];
    ptrdiff_t down = tile->in_stride[1], along = tile->in_stride[2];
    for (ptrdiff_t k = 0; k < n; k++) {
        const NF_T *first = in + chunk->at[k];
        _Pragma("GCC unroll 4") for (int j = 0; j < taps; j++)
            _Pragma("GCC unroll 4") for (int i = 0; i < taps; i++) found[j][i][k] =
                first[j * down + i * along];
    }
    for (ptrdiff_t k = 0; k < n; k++) {
        NF_ACC sum = 0;
        _Pragma("GCC unroll 4") for (int j = 0; j < taps; j++)
        {
            NF_ACC row = 0;
            _Pragma("GCC unroll 4") for (int i = 0; i < taps; i++) row +=
                chunk->weights[0][i][k] * (NF_ACC)found[j][i][k];
            sum += chunk->weights[1][j][k] * row;
        }
        out[k] = NF_STORE(sum);
    }
}

static inline __attribute__((always_inline)) void
NF_NAME(row)(const nf_tile *tile, const nf_affine *affine, int64_t y, const int taps)
{
    NF_NAME(chunk) chunk;
    NF_T *out = NF_ROW_OUT(tile, 0, y), one[CHUNK];
    ptrdiff_t step = tile->channels;
    for (int64_t x = 0; x < tile->size[2]; x += CHUNK, out += CHUNK * step) {
        ptrdiff_t n = tile->size[2] - x < CHUNK ? (ptrdiff_t)(tile->size[2] - x) : CHUNK;
        memset(chunk.at, 0, (size_t)n * sizeof *chunk.at);
        for (int d = 0; d < 2; d++)
            NF_NAME(locate)(tile, affine, d, tile->lo[1] + y, tile->lo[2] + x, n, taps, &chunk);
        for (int c = 0; c < step; c++) {
            const NF_T *in = (const NF_T *)tile->in + c;
            if (taps > 1)
                NF_NAME(interpolate)(in, tile, &chunk, n, taps, step > 1 ? one : out);
            else
                for (ptrdiff_t k = 0; k < n; k++)
                    out[k * step + c] = in[chunk.at[k]];
            for (ptrdiff_t k = 0; k < n && step > 1 && taps > 1; k++)
                out[k * step + c] = one[k];
        }
    }
}

void NF_NAME(nf_affine_apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const nf_affine *affine = config;
    for (int64_t y = 0; y < tile->size[1]; y++) {
        if (affine->method == NF_WARP_CUBIC)
            NF_NAME(row)(tile, affine, y, 4);
        else if (affine->method == NF_WARP_BILINEAR)
            NF_NAME(row)(tile, affine, y, 2);
        else
            NF_NAME(row)(tile, affine, y, 1);
    }
}

#endif
