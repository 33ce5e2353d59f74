/* erode.c - grey erosion: the smallest element of a window, as scipy.ndimage.grey_erosion with a flat
 * window of odd size around its centre; the code of dilate and gradient, too.
 *   square  size x size cells; in a volume the cube
 *   cross   the row and the column through the centre, each of size cells
 *   disc    cells at most size / 2 (rounded down) from the centre, as skimage.morphology.disk
 * Results are elements of the input, bit for bit. NaN and signed zeros: IEEE 754's totalOrder (order.h),
 * so NaN is above infinity, or below -infinity where its sign is set. Each channel for itself.
 *
 * A square is done by columns, then by rows. Columns as van Herk and as Gil and Werman do: for size
 * output rows at a time, the minima of all rows from each one to the end of the upper size rows, and
 * running minima of those below; three operations whatever the size. Rows by doubling: minima of 2, 4,
 * 8, ... cells, of which two make up the window. The largest elements are found as the smallest of
 * complemented keys. */
#ifndef NF_T

#include "kernels/erode.h"
#include "kernels/order.h"

enum { SQUARE, CROSS, DISC };

typedef struct erode_config {
    int size, shape;
    int planes;      /* of the window: 1, in volumes size */
    const int *half; /* CROSS, DISC: at each distance of a row from the centre, how many cells the
                        window reaches to each side */
    bool erodes, dilates;
} erode_config;

/* Rows of keys beside the size rows of a square's columns. */
enum { RUNNING, ROW, OTHER_ROW, SPARE_ROWS };

#define NF_BODY "kernels/erode.c"
#include "kernels/each_dtype.h"

static const char *const shapes[] = {"square", "cross", "disc", NULL};

const nf_param nf_erode_params[] = {
    {"size", NF_PARAM_INTEGER, "cells", "3", 1, 255, NULL, "the window's side, odd"},
    {"shape", NF_PARAM_CHOICE, "", "square", 0, 0, shapes, "the window's shape"},
    NF_BORDER_PARAMS,
    {0}};

static void find_half(int *half, int shape, int radius)
{
    for (int dy = 0; dy <= radius; dy++) {
        int reach = dy == 0 ? radius : 0;
        while (shape == DISC && (reach + 1) * (reach + 1) + dy * dy <= radius * radius)
            reach++;
        half[dy] = reach;
    }
}

static nf_status refuse(nf_setup *setup, const char *param, const char *problem)
{
    setup->param = param;
    setup->problem = problem;
    return NF_ERR_PARAM;
}

nf_status nf_erode_prepare(nf_setup *setup, bool erodes, bool dilates)
{
    int size = (int)setup->values[0].integer, shape = (int)setup->values[1].integer;
    int radius = size / 2;
    bool volume = setup->in.ndim == 3;
    if (size % 2 == 0)
        return refuse(setup, "size", "the window must have a centre: an odd number is needed");
    if (volume && shape != SQUARE)
        return refuse(setup, "shape", "a volume takes the cube alone, shape=square");
    erode_config *config = setup->alloc(setup, sizeof *config);
    int *half = setup->alloc(setup, ((size_t)radius + 1) * sizeof *half);
    if (config == NULL || half == NULL)
        return NF_ERR_MEMORY;
    find_half(half, shape, radius);
    *config = (erode_config){size, shape, volume ? size : 1, half, erodes, dilates};
    setup->config = config;
    setup->halo =
        (nf_halo){{volume ? radius : 0, radius, radius}, {volume ? radius : 0, radius, radius}};
    setup->scratch_rows = SPARE_ROWS + size;
    setup->flops_per_cell = (volume ? 9 : 6) * (erodes + dilates);
    return NF_OK;
}

static bool in_window(const erode_config *conf, int dy, int dx)
{
    int radius = conf->size / 2;
    return conf->shape == SQUARE || (conf->shape == CROSS && (dy == 0 || dx == 0)) ||
           (conf->shape == DISC && dy * dy + dx * dx <= radius * radius);
}

/* Every cell of the window, one after the other. */
double nf_erode_reference(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                          int c)
{
    const erode_config *conf = config;
    int radius = conf->size / 2, deep = in->shape.ndim == 3 ? radius : 0;
    double least = in->at(in, z, y, x, c), most = least;
    for (int dz = -deep; dz <= deep; dz++) {
        for (int dy = -radius; dy <= radius; dy++) {
            for (int dx = -radius; dx <= radius; dx++) {
                double v = in->at(in, z + dz, y + dy, x + dx, c);
                if (in_window(conf, dy, dx) && nf_precedes(v, least))
                    least = v;
                if (in_window(conf, dy, dx) && nf_precedes(most, v))
                    most = v;
            }
        }
    }
    return !conf->dilates ? least : !conf->erodes ? most : most - least;
}

static nf_status prepare(nf_setup *setup)
{
    return nf_erode_prepare(setup, true, false);
}

const nf_kernel NF_ISA_NAME(nf_kernel_erode) = {
    .name = "erode",
    .summary = "grey erosion, the smallest element of a square, cross or disc",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = nf_erode_params,
    .prepare = prepare,
    .apply = NF_APPLY(nf_erode),
    .reference_cell = nf_erode_reference,
    .tolerance = 0,
};

#else

/* ---- rows of keys; `flip` is 0, or all ones where the largest are sought ---- */

static void NF_NAME(first)(const NF_T *restrict in, ptrdiff_t n, NF_KEY flip, NF_KEY *restrict to)
{
    for (ptrdiff_t i = 0; i < n; i++)
        to[i] = (NF_KEY)(NF_KEY_OF(in[i]) ^ flip);
}

static void NF_NAME(also)(const NF_T *restrict in, ptrdiff_t n, NF_KEY flip, NF_KEY *restrict to)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_KEY key = (NF_KEY)(NF_KEY_OF(in[i]) ^ flip);
        to[i] = NF_LESSER(key, to[i]);
    }
}

static void NF_NAME(lesser)(const NF_KEY *restrict a, const NF_KEY *restrict b, ptrdiff_t n,
                            NF_KEY *restrict to)
{
    for (ptrdiff_t i = 0; i < n; i++)
        to[i] = NF_LESSER(a[i], b[i]);
}

static void NF_NAME(keep)(const NF_KEY *restrict a, const NF_KEY *restrict b, ptrdiff_t n,
                          NF_KEY *restrict least)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_KEY key = NF_LESSER(a[i], b[i]);
        least[i] = NF_LESSER(key, least[i]);
    }
}

/* The result's row; for gradient, it holds the smallest elements, and becomes the difference. */
static void NF_NAME(put)(const NF_KEY *restrict a, const NF_KEY *restrict b, ptrdiff_t n,
                         NF_KEY flip, bool subtract, NF_T *restrict out)
{
    if (subtract) {
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] = (NF_T)(NF_ELEMENT((NF_KEY)(NF_LESSER(a[i], b[i]) ^ flip)) - out[i]);
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = NF_ELEMENT((NF_KEY)(NF_LESSER(a[i], b[i]) ^ flip));
}

static NF_KEY *NF_NAME(scratch_row)(const nf_tile *tile, ptrdiff_t i)
{
    return (NF_KEY *)(void *)(tile->scratch + (size_t)i * tile->scratch_stride);
}

/* Minima of `width` cells: those that begin at cell i are the lesser of a[i] and b[i]. */
typedef struct NF_NAME(pair) {
    const NF_KEY *a, *b;
} NF_NAME(pair);

/* For n elements, of n + (width - 1) * step in `row`, which is one of the scratch rows. */
static NF_NAME(pair)
    NF_NAME(window)(const nf_tile *tile, const NF_KEY *row, ptrdiff_t n, ptrdiff_t width)
{
    ptrdiff_t step = tile->channels, done = 1;
    for (int turn = 0; 2 * done <= width; done *= 2, turn ^= 1) {
        NF_KEY *to = NF_NAME(scratch_row)(tile, turn == 0 ? OTHER_ROW : ROW);
        NF_NAME(lesser)(row, row + done * step, n + (width - 2 * done) * step, to);
        row = to;
    }
    return (NF_NAME(pair)){row, row + (width - done) * step};
}

/* ---- squares ---- */

/* Takes row y of every plane of the window into `to`; begun: there is something in it. */
static void NF_NAME(take)(const nf_tile *tile, const erode_config *conf, int64_t z, int64_t y,
                          NF_KEY flip, bool begun, NF_KEY *to)
{
    ptrdiff_t margin = conf->size / 2 * tile->channels, n = NF_ROW_LENGTH(tile) + 2 * margin;
    for (int64_t plane = z - conf->planes / 2; plane <= z + conf->planes / 2; plane++) {
        const NF_T *in = NF_ROW_IN(tile, plane, y) - margin;
        if (begun)
            NF_NAME(also)(in, n, flip, to);
        else
            NF_NAME(first)(in, n, flip, to);
        begun = true;
    }
}

/* The output rows y to y + count, count at most size. */
static void NF_NAME(square)(const nf_tile *tile, const erode_config *conf, int64_t z, int64_t y,
                            int64_t count, NF_KEY flip, bool subtract)
{
    int64_t size = conf->size, top = y - size / 2;
    ptrdiff_t n = NF_ROW_LENGTH(tile), wide = n + (size - 1) * tile->channels;
    NF_KEY *running = NF_NAME(scratch_row)(tile, RUNNING), *row = NF_NAME(scratch_row)(tile, ROW);
    for (int64_t i = size - 1; i >= 0; i--) {
        NF_NAME(take)(tile, conf, z, top + i, flip, i < size - 1, running);
        memcpy(NF_NAME(scratch_row)(tile, SPARE_ROWS + i), running, (size_t)wide * sizeof *row);
    }
    for (int64_t i = 0; i < count; i++) {
        const NF_KEY *columns = NF_NAME(scratch_row)(tile, SPARE_ROWS + i);
        if (i > 0) {
            NF_NAME(take)(tile, conf, z, top + size - 1 + i, flip, i > 1, running);
            NF_NAME(lesser)(columns, running, wide, row);
            columns = row;
        }
        NF_NAME(pair) p = NF_NAME(window)(tile, columns, n, size);
        NF_NAME(put)(p.a, p.b, n, flip, subtract, NF_ROW_OUT(tile, z, y + i));
    }
}

/* ---- other shapes: rows at which the window is equally wide are taken together ---- */

/* Takes the rows at the distance dy above and below into `row`; begun: there is something in it. */
static void NF_NAME(take_both)(const nf_tile *tile, int64_t y, int dy, ptrdiff_t reach, NF_KEY flip,
                               bool begun, NF_KEY *row)
{
    ptrdiff_t margin = reach * tile->channels, n = NF_ROW_LENGTH(tile) + 2 * margin;
    if (begun)
        NF_NAME(also)(NF_ROW_IN(tile, 0, y - dy) - margin, n, flip, row);
    else
        NF_NAME(first)(NF_ROW_IN(tile, 0, y - dy) - margin, n, flip, row);
    if (dy > 0)
        NF_NAME(also)(NF_ROW_IN(tile, 0, y + dy) - margin, n, flip, row);
}

static void NF_NAME(other)(const nf_tile *tile, const erode_config *conf, int64_t y, NF_KEY flip,
                           bool subtract)
{
    NF_KEY *least = NF_NAME(scratch_row)(tile, RUNNING), *row = NF_NAME(scratch_row)(tile, ROW);
    ptrdiff_t n = NF_ROW_LENGTH(tile);
    bool begun = false;
    for (int dy = 0; dy <= conf->size / 2; dy++) {
        int reach = conf->half[dy];
        NF_NAME(take_both)(tile, y, dy, reach, flip, begun, row);
        begun = dy < conf->size / 2 && conf->half[dy + 1] == reach;
        if (begun)
            continue;
        NF_NAME(pair) p = NF_NAME(window)(tile, row, n, 2 * reach + 1);
        if (reach == conf->half[0])
            NF_NAME(lesser)(p.a, p.b, n, least);
        else
            NF_NAME(keep)(p.a, p.b, n, least);
    }
    NF_NAME(put)(least, least, n, flip, subtract, NF_ROW_OUT(tile, 0, y));
}

static void NF_NAME(rows)(const nf_tile *tile, const erode_config *conf, int64_t z, int64_t y,
                          int64_t count, bool largest)
{
    NF_KEY flip = (NF_KEY)(largest ? -1 : 0);
    bool subtract = largest && conf->erodes;
    if (conf->shape == SQUARE)
        NF_NAME(square)(tile, conf, z, y, count, flip, subtract);
    else
        for (int64_t i = y; i < y + count; i++)
            NF_NAME(other)(tile, conf, i, flip, subtract);
}

void NF_NAME(nf_erode)(const nf_tile *tile, const void *config, void *partial)
{
    const erode_config *conf = config;
    (void)partial;
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y += conf->size) {
            int64_t rest = tile->size[1] - y, count = rest < conf->size ? rest : conf->size;
            if (conf->erodes)
                NF_NAME(rows)(tile, conf, z, y, count, false);
            if (conf->dilates)
                NF_NAME(rows)(tile, conf, z, y, count, true);
        }
    }
}

#endif
