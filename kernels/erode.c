/* erode.c - grey erosion: the smallest element of a window, as scipy.ndimage.grey_erosion with a flat
 * window of odd size around its centre; the code of dilate and gradient, too.
 *   square  size x size cells; in a volume the cube
 *   cross   the row and the column through the centre, each of size cells; in a volume all three lines
 *   disc    cells at most size / 2 (rounded down) from the centre, as skimage.morphology.disk; in a
 *           volume the ball
 *   a mask  the cells where it is 1; as scipy's footprint, which dilation turns by half a turn
 * Results are elements of the input, bit for bit. NaN and signed zeros: IEEE 754's totalOrder (order.h),
 * so NaN is above infinity, or below -infinity where its sign is set. Each channel for itself.
 *
 * A square is done by columns, then by rows. Columns as van Herk and as Gil and Werman do: for size
 * output rows at a time, the minima of all rows from each one to the end of the upper size rows, and
 * running minima of those below; three operations whatever the size. Rows by doubling: minima of 2, 4,
 * 8, ... cells, of which two make up the window. Of other windows, rows at which they are equally wide
 * are taken together, then done by doubling. The largest elements are found as the smallest of
 * complemented keys. */
#ifndef NF_T

#include <math.h>
#include <stdlib.h>

#include "kernels/erode.h"
#include "kernels/order.h"

enum { SQUARE, CROSS, DISC, MASK };

/* A row's cells that are in the window: `width` of them from `first` on, counted from the centre. */
typedef struct run {
    int dz, dy, first, width;
} run;

typedef struct erode_config {
    int size, shape;
    int planes;         /* of the window: 1, in volumes size */
    const double *mask; /* MASK: size * size, 0 or 1 */
    const run
        *runs[2]; /* all but SQUARE: to erode with, to dilate with; those that begin at the same
                           column and are equally wide follow each other */
    size_t count;
    bool erodes, dilates;
} erode_config;

static int compare_runs(const void *a, const void *b)
{
    const run *x = a, *y = b;
    int by_first = (x->first > y->first) - (x->first < y->first);
    return by_first != 0 ? by_first : (x->width > y->width) - (x->width < y->width);
}

/* Rows of keys beside the size rows of a square's columns. */
enum { RUNNING, ROW, OTHER_ROW, SPARE_ROWS };

#define NF_BODY "kernels/erode.c"
#include "kernels/each_dtype.h"

static const char *const shapes[] = {"square", "cross", "disc", NULL};

const nf_param nf_erode_params[] = {
    {"size", NF_PARAM_INTEGER, "cells", "auto", 1, 255, NULL,
     "the window's side, odd; auto: 3, or the mask's"},
    {"shape", NF_PARAM_CHOICE, "", "square", 0, 0, shapes, "the window's shape"},
    {"mask", NF_PARAM_LIST, "1", "auto", 0, 1, NULL,
     "the window's cells, row by row, 1 where they count (images); auto: the shape"},
    NF_BORDER_PARAMS,
    {0}};

/* ---- windows ---- */

/* dz, dy, dx: from the centre, at most size / 2. */
static bool in_window(const erode_config *conf, int dz, int dy, int dx)
{
    int radius = conf->size / 2;
    switch (conf->shape) {
    case CROSS:
        return (dz != 0) + (dy != 0) + (dx != 0) <= 1;
    case DISC:
        return dz * dz + dy * dy + dx * dx <= radius * radius;
    case MASK:
        return conf->mask[(dy + radius) * conf->size + dx + radius] != 0;
    default:
        return true;
    }
}

/* The runs of one row, put at `to` where that is not NULL. `turn`: -1 for the window turned by half a
 * turn, otherwise 1. Returns how many there are. */
static size_t runs_of_row(const erode_config *conf, int turn, int dz, int dy, run *to)
{
    int radius = conf->size / 2;
    size_t count = 0;
    for (int dx = -radius, width; dx <= radius; dx += width + 1) {
        width = 0;
        while (dx + width <= radius && in_window(conf, turn * dz, turn * dy, turn * (dx + width)))
            width++;
        if (width > 0 && to != NULL)
            to[count] = (run){dz, dy, dx, width};
        count += width > 0;
    }
    return count;
}

static size_t find_runs(const erode_config *conf, int turn, run *to)
{
    int radius = conf->size / 2, deep = conf->planes / 2;
    size_t count = 0;
    for (int dz = -deep; dz <= deep; dz++)
        for (int dy = -radius; dy <= radius; dy++)
            count += runs_of_row(conf, turn, dz, dy, to != NULL ? to + count : NULL);
    if (to != NULL)
        qsort(to, count, sizeof *to, compare_runs);
    return count;
}

static nf_status list_runs(nf_setup *setup, erode_config *config)
{
    if (config->shape == SQUARE)
        return NF_OK;
    config->count = find_runs(config, 1, NULL);
    for (int side = 0; side < 2; side++) {
        run *runs = setup->alloc(setup, config->count * sizeof *runs);
        if (runs == NULL)
            return NF_ERR_MEMORY;
        find_runs(config, side == 0 ? 1 : -1, runs);
        config->runs[side] = runs;
    }
    return NF_OK;
}

/* ---- the set-up ---- */

static nf_status refuse(nf_setup *setup, const char *param, const char *problem)
{
    setup->param = param;
    setup->problem = problem;
    return NF_ERR_PARAM;
}

static nf_status take_mask(nf_setup *setup, erode_config *config)
{
    const nf_value *mask = &setup->values[2];
    size_t ones = 0;
    int size = (int)lrint(sqrt((double)mask->count));
    for (size_t i = 0; i < mask->count; i++) {
        if (mask->list[i] != 0 && mask->list[i] != 1)
            return refuse(setup, "mask", "a cell counts (1) or does not (0)");
        ones += mask->list[i] != 0;
    }
    if ((size_t)size * (size_t)size != mask->count || size % 2 == 0 || size > 255)
        return refuse(
            setup, "mask",
            "the mask must be square with an odd side, at most 255: 1, 9, 25, ... values, "
            "row by row");
    if (ones == 0)
        return refuse(setup, "mask", "a window without cells has no smallest one");
    if (setup->values[0].given || config->shape != SQUARE)
        return refuse(setup, setup->values[0].given ? "size" : "shape",
                      "the mask says what the window is; leave this out");
    if (setup->in.ndim == 3)
        return refuse(setup, "mask", "masks are for images; a volume takes shape=");
    config->size = size;
    config->mask = mask->list;
    config->shape = ones < mask->count ? MASK : SQUARE;
    return NF_OK;
}

static nf_status choose_window(nf_setup *setup, erode_config *config)
{
    const nf_value *size = &setup->values[0];
    config->size = size->given ? (int)size->integer : 3;
    config->shape = (int)setup->values[1].integer;
    config->planes = 1;
    if (setup->values[2].given)
        return take_mask(setup, config);
    if (config->size % 2 == 0)
        return refuse(setup, "size", "the window must have a centre: an odd number is needed");
    if (setup->in.ndim == 3)
        config->planes = config->size;
    return NF_OK;
}

nf_status nf_erode_prepare(nf_setup *setup, bool erodes, bool dilates)
{
    erode_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    nf_status status = choose_window(setup, config);
    if (status == NF_OK)
        status = list_runs(setup, config);
    if (status != NF_OK)
        return status;
    config->erodes = erodes;
    config->dilates = dilates;
    setup->config = config;
    bool square = config->shape == SQUARE;
    int size = config->size, radius = size / 2, deep = config->planes / 2;
    setup->halo = (nf_halo){{deep, radius, radius}, {deep, radius, radius}};
    setup->scratch_rows = SPARE_ROWS + (square ? size : 0);
    setup->strip = square ? size : 0;
    double operations = square ? (deep > 0 ? 9 : 6) : 2 * (double)config->count;
    setup->flops_per_cell = operations * (erodes + dilates);
    return NF_OK;
}

/* Every cell of the window, one after the other. */
double nf_erode_reference(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                          int c)
{
    const erode_config *conf = config;
    int radius = conf->size / 2, deep = conf->planes / 2;
    double least = (double)INFINITY, most = -least;
    bool begun = false;
    for (int dz = -deep; dz <= deep; dz++) {
        for (int dy = -radius; dy <= radius; dy++) {
            for (int dx = -radius; dx <= radius; dx++) {
                if (!in_window(conf, dz, dy, dx))
                    continue;
                double v = in->at(in, z + dz, y + dy, x + dx, c);
                double w = in->at(in, z - dz, y - dy, x - dx, c);
                least = !begun || nf_precedes(v, least) ? v : least;
                most = !begun || nf_precedes(most, w) ? w : most;
                begun = true;
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
    .summary = "grey erosion, the smallest element of a square, cross, disc or mask",
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

static void NF_NAME(also_of)(const NF_T *restrict in, const NF_KEY *restrict before, ptrdiff_t n,
                             NF_KEY flip, NF_KEY *restrict to)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_KEY key = (NF_KEY)(NF_KEY_OF(in[i]) ^ flip);
        to[i] = NF_LESSER(key, before[i]);
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
        for (ptrdiff_t i = 0; i < n; i++) {
            NF_T most = NF_ELEMENT((NF_KEY)(NF_LESSER(a[i], b[i]) ^ flip));
            out[i] = (NF_T)(sizeof(NF_T) <= 2 && most < out[i] ? 0 : most - out[i]);
        }
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

/* The lesser of `to` and row y of every plane of the window; `before` takes the place of what stands
 * in `to`, and NULL of nothing. */
static void NF_NAME(take)(const nf_tile *tile, const erode_config *conf, int64_t z, int64_t y,
                          NF_KEY flip, const NF_KEY *before, NF_KEY *to)
{
    ptrdiff_t margin = conf->size / 2 * tile->channels, n = NF_ROW_LENGTH(tile) + 2 * margin;
    for (int64_t plane = z - conf->planes / 2; plane <= z + conf->planes / 2; plane++) {
        const NF_T *in = NF_ROW_IN(tile, plane, y) - margin;
        if (before == NULL)
            NF_NAME(first)(in, n, flip, to);
        else if (before == to)
            NF_NAME(also)(in, n, flip, to);
        else
            NF_NAME(also_of)(in, before, n, flip, to);
        before = to;
    }
}

/* The output rows y to y + count, count at most size. */
static void NF_NAME(square)(const nf_tile *tile, const erode_config *conf, int64_t z, int64_t y,
                            int64_t count, NF_KEY flip, bool subtract)
{
    int64_t size = conf->size, top = y - size / 2;
    ptrdiff_t n = NF_ROW_LENGTH(tile), wide = n + (size - 1) * tile->channels;
    NF_KEY *running = NF_NAME(scratch_row)(tile, RUNNING), *row = NF_NAME(scratch_row)(tile, ROW);
    const NF_KEY *below = NULL;
    for (int64_t i = size - 1; i >= 0; i--) {
        NF_KEY *to = i < count ? NF_NAME(scratch_row)(tile, SPARE_ROWS + i) : running;
        NF_NAME(take)(tile, conf, z, top + i, flip, below, to);
        below = to;
    }
    for (int64_t i = 0; i < count; i++) {
        const NF_KEY *columns = NF_NAME(scratch_row)(tile, SPARE_ROWS + i);
        if (i > 0) {
            NF_NAME(take)(tile, conf, z, top + size - 1 + i, flip, i > 1 ? running : NULL, running);
            NF_NAME(lesser)(columns, running, wide, row);
            columns = row;
        }
        NF_NAME(pair) p = NF_NAME(window)(tile, columns, n, size);
        NF_NAME(put)(p.a, p.b, n, flip, subtract, NF_ROW_OUT(tile, z, y + i));
    }
}

/* ---- other windows: rows at which they are equally wide are taken together ---- */

/* Takes the row of a run into `row`; begun: there is something in it. */
static void NF_NAME(take_run)(const nf_tile *tile, int64_t z, int64_t y, const run *r, NF_KEY flip,
                              bool begun, NF_KEY *row)
{
    ptrdiff_t n = NF_ROW_LENGTH(tile) + (r->width - 1) * tile->channels;
    const NF_T *in = NF_ROW_IN(tile, z + r->dz, y + r->dy) + r->first * tile->channels;
    if (begun)
        NF_NAME(also)(in, n, flip, row);
    else
        NF_NAME(first)(in, n, flip, row);
}

static void NF_NAME(other)(const nf_tile *tile, const erode_config *conf, int64_t z, int64_t y,
                           NF_KEY flip, bool subtract)
{
    NF_KEY *least = NF_NAME(scratch_row)(tile, RUNNING), *row = NF_NAME(scratch_row)(tile, ROW);
    ptrdiff_t n = NF_ROW_LENGTH(tile);
    const run *runs = conf->runs[flip != 0];
    bool begun = false, kept = false;
    for (size_t i = 0; i < conf->count; i++) {
        NF_NAME(take_run)(tile, z, y, &runs[i], flip, begun, row);
        begun = i + 1 < conf->count && compare_runs(&runs[i], &runs[i + 1]) == 0;
        if (begun)
            continue;
        NF_NAME(pair) p = NF_NAME(window)(tile, row, n, runs[i].width);
        if (kept)
            NF_NAME(keep)(p.a, p.b, n, least);
        else
            NF_NAME(lesser)(p.a, p.b, n, least);
        kept = true;
    }
    NF_NAME(put)(least, least, n, flip, subtract, NF_ROW_OUT(tile, z, y));
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
            NF_NAME(other)(tile, conf, z, i, flip, subtract);
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
