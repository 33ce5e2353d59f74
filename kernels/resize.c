/* resize.c - images and volumes of other extents, as Pillow's Image.resize: bytes bit for bit, f32 as
 * its mode F. Each dimension by itself, with the weights of axis.h: planes first (which Pillow has not),
 * then columns, then rows. Bytes are summed in integers and rounded to bytes between the passes; f32 is
 * summed in double and rounded to f32 after the columns; u16 and f64 are summed in double, and rounded
 * at the end. `nearest` takes the cell in which the centre lies. Each channel for itself.
 *
 * 16 rows of the input go through the pass along the rows at once: turned, so that a column of 16 cells
 * is a vector, and what comes out turned back. It is kept in a ring of as many rows as the pass down
 * the columns reads. */
#ifndef NF_T

#include <math.h>

#include "kernels/axis.h"
#include "kernels/block.h"
#include "kernels/window.h"

typedef struct resize_config {
    nf_axis axis[NF_DIMS];
    int turned_rows; /* scratch rows for turned input: 16 sums for each element of one row */
    int64_t
        ring_rows; /* rows that are kept of the pass along them, in the scratch rows after those */
} resize_config;

enum {
    CHUNK = 256,           /* sums down the columns at a time, in the first-level cache */
    TURNED_BYTES = 131072, /* turned input at a time, where windows are not wider */
    LINE = 64,             /* bytes of a row that are read at a time */
    AHEAD = 512,           /* bytes from there to what is fetched into the cache */
    MOST_SUMS = 12,        /* vectors of sums at a time, in registers */
    MOST_CELLS = 100000000 /* along one dimension of the output */
};

/* Bytes of a vector that the compiler keeps in one register. */
#if defined __AVX512F__
enum { VECTOR = 64 };
#elif defined __AVX2__
enum { VECTOR = 32 };
#else
enum { VECTOR = 16 };
#endif

/* For each element type: what is summed in, what is kept between the passes, how that is turned. */
typedef int32_t sum_u8;
typedef double sum_u16, sum_f32, sum_f64;
typedef uint8_t kept_u8;
typedef float kept_f32;
typedef double kept_u16, kept_f64;
#define turn_kept_u8  nf_block_turn_u8
#define turn_kept_u16 nf_block_turn_f64
#define turn_kept_f32 nf_block_turn_f32
#define turn_kept_f64 nf_block_turn_f64

/* The weights of output cell i, and the sum to start with: integers are cut off at the end. */
#define weights_u8(axis, i)  ((axis)->fixed + (i) * (axis)->most)
#define weights_u16(axis, i) ((axis)->weights + (i) * (axis)->most)
#define weights_f32          weights_u16
#define weights_f64          weights_u16
#define start_u8             (1 << (NF_FIXED_BITS - 1))
#define start_u16            0.0
#define start_f32            0.0
#define start_f64            0.0

/* A sum as it is kept between the passes, and as it is stored at the end. */
static inline uint8_t keep_u8(int32_t sum)
{
    int32_t v = sum >> NF_FIXED_BITS;
    v = v > 0 ? v : 0;
    return (uint8_t)(v < 255 ? v : 255);
}

static inline double keep_u16(double sum)
{
    return sum;
}

static inline float keep_f32(double sum)
{
    return (float)sum;
}

static inline double keep_f64(double sum)
{
    return sum;
}

#define end_u8  keep_u8
#define end_u16 nf_store_u16
#define end_f32 keep_f32
#define end_f64 keep_f64

#define NF_BODY "kernels/resize.c"
#include "kernels/each_dtype.h"

/* ---- set-up ---- */

static nf_status fail(nf_setup *setup, const char *param, const char *problem)
{
    setup->param = param;
    setup->problem = problem;
    return NF_ERR_PARAM;
}

static int64_t scaled(int64_t extent, double scale)
{
    double result = floor((double)extent * scale + 0.5);
    return result > 1 ? (int64_t)result : 1;
}

/* The output's extents: those given; of width and height, if one is, the other in proportion; else by
 * `scale`. */
static nf_status extents(nf_setup *setup)
{
    const nf_value *width = &setup->values[0], *height = &setup->values[1];
    const nf_value *depth = &setup->values[2], *scale = &setup->values[3];
    const int64_t *in = setup->in.dim;
    int64_t *out = setup->out.dim;
    if (scale->given && (width->given || height->given || depth->given))
        return fail(setup, "scale", "give either the scale or the extents");
    if (!scale->given && !width->given && !height->given && !depth->given)
        return fail(setup, "width", "give a width, a height, a depth or a scale");
    if (depth->given && setup->in.ndim < 3)
        return fail(setup, "depth", "an image has none; leave it away");
    double by = scale->given    ? scale->real
                : width->given  ? (double)width->integer / (double)in[2]
                : height->given ? (double)height->integer / (double)in[1]
                                : 1;
    out[2] = width->given ? width->integer : scaled(in[2], by);
    out[1] = height->given ? height->integer : scaled(in[1], by);
    if (setup->in.ndim == 3)
        out[0] = depth->given ? depth->integer : scale->given ? scaled(in[0], by) : in[0];
    double cells = (double)out[0] * (double)out[1] * (double)out[2];
    for (int d = 0; d < NF_DIMS; d++)
        if (out[d] > MOST_CELLS || cells > 0x1p44)
            return fail(setup, scale->given ? "scale" : NULL, "the output would be too large");
    return NF_OK;
}

/* Scratch rows are as wide as the part of the input that a tile reads; on the way down that is wider than
 * the tile: at least by the scale less one, as each cell's window reaches over what it stands for. */
static void plan_scratch(nf_setup *setup, resize_config *config)
{
    static const size_t kept[] = {[NF_U8] = sizeof(kept_u8),
                                  [NF_U16] = sizeof(kept_u16),
                                  [NF_F32] = sizeof(kept_f32),
                                  [NF_F64] = sizeof(kept_f64)};
    const nf_axis *along = &config->axis[2], *down = &config->axis[1];
    double scale = (double)along->in / (double)along->out;
    double narrower = along->antialias && scale > 2 ? scale - 1 : 1;
    size_t sum = setup->in.dtype == NF_U8 ? sizeof(sum_u8) : sizeof(sum_f64);
    config->turned_rows = (int)(NF_BLOCK * sum / sizeof(double));
    config->ring_rows = down->most + NF_BLOCK - 1;
    if (config->ring_rows > down->in)
        config->ring_rows = down->in;
    double bytes = (double)config->ring_rows * (double)kept[setup->in.dtype] / narrower;
    setup->scratch_rows = config->turned_rows + (int)(bytes / sizeof(double)) + 1;
}

static nf_status prepare(nf_setup *setup)
{
    resize_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    setup->config = config;
    nf_status status = extents(setup);
    for (int d = 0; status == NF_OK && d < NF_DIMS; d++) {
        nf_axis *axis = &config->axis[d];
        *axis = (nf_axis){.in = setup->in.dim[d],
                          .out = setup->out.dim[d],
                          .method = (nf_method)setup->values[4].integer,
                          .antialias = setup->values[5].integer == 1};
        status = nf_axis_make(setup, axis);
    }
    if (status != NF_OK)
        return status;
    const nf_axis *axis = config->axis;
    double deeper = (double)axis[0].in / (double)axis[0].out;
    double higher = (double)axis[1].in / (double)axis[1].out;
    double wider = (double)axis[2].in / (double)axis[2].out;
    double across = axis[0].most > 1 ? axis[0].most * higher * wider : 0;
    setup->flops_per_cell = 2 * (across + axis[2].most * higher + axis[1].most);
    setup->bytes_per_cell = (double)nf_dtype_size(setup->in.dtype) * (1 + deeper * higher * wider);
    if (config->axis[0].method != NF_NEAREST)
        plan_scratch(setup, config);
    return NF_OK;
}

static void source(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                   int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS])
{
    const resize_config *conf = config;
    for (int d = 0; d < NF_DIMS; d++) {
        const nf_axis *axis = &conf->axis[d];
        from_lo[d] = axis->first[lo[d]];
        from_hi[d] = axis->first[hi[d] - 1] + axis->count[hi[d] - 1];
    }
}

/* ---- reference ---- */

/* The passes of one output cell, each over all that the next one reads. */
typedef struct passes {
    const nf_cells *in;
    const resize_config *config;
    int64_t to[NF_DIMS];
    int channel;
} passes;

/* What is kept of a sum between passes, and of the last one before it is stored. */
static double kept(const passes *p, double sum)
{
    if (p->in->shape.dtype != NF_U8)
        return sum;
    return fmin(fmax(floor(sum / (1 << NF_FIXED_BITS) + 0.5), 0), 255);
}

static double weight(const passes *p, int d, int64_t from)
{
    double w = nf_axis_weight(&p->config->axis[d], p->to[d], from);
    return p->in->shape.dtype == NF_U8 ? round(w * (1 << NF_FIXED_BITS)) : w;
}

static double across_planes(const passes *p, int64_t y, int64_t x)
{
    int64_t lo, hi;
    double sum = 0;
    nf_axis_window(&p->config->axis[0], p->to[0], &lo, &hi);
    if (p->in->shape.dim[0] == 1)
        return p->in->at(p->in, 0, y, x, p->channel);
    for (int64_t z = lo; z < hi; z++)
        sum += weight(p, 0, z) * p->in->at(p->in, z, y, x, p->channel);
    return kept(p, sum);
}

static double along_row(const passes *p, int64_t y)
{
    int64_t lo, hi;
    double sum = 0;
    nf_axis_window(&p->config->axis[2], p->to[2], &lo, &hi);
    for (int64_t x = lo; x < hi; x++)
        sum += weight(p, 2, x) * across_planes(p, y, x);
    return kept(p, sum);
}

/* The cell in which the centre lies; where it lies between two, as the table says. */
static double nearest_cell(const passes *p)
{
    int64_t from[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++) {
        const nf_axis *axis = &p->config->axis[d];
        int64_t twice = (2 * p->to[d] + 1) * axis->in, cell = twice / (2 * axis->out);
        from[d] = twice % (2 * axis->out) == 0 ? axis->first[p->to[d]] : cell;
    }
    return p->in->at(p->in, from[0], from[1], from[2], p->channel);
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    passes p = {in, config, {z, y, x}, c};
    if (p.config->axis[0].method == NF_NEAREST)
        return nearest_cell(&p);
    int64_t lo, hi;
    double sum = 0;
    nf_axis_window(&p.config->axis[1], y, &lo, &hi);
    for (int64_t from = lo; from < hi; from++)
        sum += weight(&p, 1, from) * along_row(&p, from);
    return kept(&p, sum);
}

/* ---- descriptor ---- */

static const char *const methods[] = {"nearest", "bilinear", "cubic", "lanczos", "area", NULL};
static const char *const no_yes[] = {"no", "yes", NULL};
static const nf_param params[] = {
    {"width", NF_PARAM_INTEGER, "cells", "auto", 1, MOST_CELLS, NULL,
     "columns; where only the height is given, in proportion"},
    {"height", NF_PARAM_INTEGER, "cells", "auto", 1, MOST_CELLS, NULL,
     "rows; where only the width is given, in proportion"},
    {"depth", NF_PARAM_INTEGER, "cells", "auto", 1, MOST_CELLS, NULL,
     "planes of a volume; where not given, as many as before"},
    {"scale", NF_PARAM_REAL, "1", "auto", 1e-9, 1e9, NULL, "all extents times this, instead"},
    {"method", NF_PARAM_CHOICE, "", "cubic", 0, 0, methods, "the filter"},
    {"antialias", NF_PARAM_CHOICE, "", "yes", 0, 0, no_yes,
     "whether the filter is widened on the way down"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_resize) = {
    .name = "resize",
    .summary = "another size, by nearest, bilinear, cubic, Lanczos-3 or area",
    .kind = NF_RESAMPLE,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .source = source,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 32,
};

#else

#define NF_SUM      NF_NAME(sum)
#define NF_KEPT     NF_NAME(kept)

/* A tile on its way through the passes. */
typedef struct NF_NAME(work) {
    const nf_tile *tile;
    const resize_config *config;
    NF_SUM
    *turned; /* columns of NF_BLOCK rows of the input, those of one cell's channels together */
    NF_KEPT *ring; /* row y of the input, resized along it, is at y % ring_rows */
    ptrdiff_t n;   /* elements of a row of the output */
} NF_NAME(work);

static const NF_T *NF_NAME(input)(const nf_tile *tile, int64_t z, int64_t y, int64_t x)
{
    return NF_ROW_IN(tile, z - tile->in_lo[0], y - tile->in_lo[1]) +
           (x - tile->in_lo[2]) * tile->in_stride[2];
}

/* `count` elements, up to STRIP, of each of NF_BLOCK rows, as columns; of `rows` rows, the last again
 * and again. */
#define STRIP       (LINE / (int)sizeof(NF_T) > NF_BLOCK ? LINE / (int)sizeof(NF_T) : NF_BLOCK)
static void NF_NAME(turn)(const NF_T *in, ptrdiff_t down, int rows, ptrdiff_t count, NF_SUM *out)
{
    NF_T strip[NF_BLOCK * STRIP], block[NF_BLOCK * NF_BLOCK];
    if (count < STRIP)
        memset(strip, 0, sizeof strip);
    for (int row = 0; row < NF_BLOCK; row++) {
        const NF_T *from = in + (row < rows ? row : rows - 1) * down;
        __builtin_prefetch((const void *)((uintptr_t)from + AHEAD));
        if (count == STRIP)
            memcpy(strip + row * STRIP, from, STRIP * sizeof(NF_T));
        else
            memcpy(strip + row * STRIP, from, (size_t)count * sizeof(NF_T));
    }
    for (ptrdiff_t first = 0; first < count; first += NF_BLOCK) {
        NF_NAME(nf_block_turn)(strip + first, STRIP, block);
        ptrdiff_t n = count - first < NF_BLOCK ? count - first : NF_BLOCK;
        for (ptrdiff_t i = 0; i < n * NF_BLOCK; i++)
            out[first * NF_BLOCK + i] = (NF_SUM)block[i];
    }
}

/* The same of output plane z: the weighted sum of the input's planes. */
static void NF_NAME(turn_planes)(const NF_NAME(work) * w, int64_t z, int64_t y, int64_t x, int rows,
                                 ptrdiff_t shift, ptrdiff_t count, NF_SUM *out)
{
    const nf_axis *axis = &w->config->axis[0];
    const NF_T *in = NF_NAME(input)(w->tile, axis->first[z], y, x) + shift;
    if (axis->most == 1) {
        NF_NAME(turn)(in, w->tile->in_stride[1], rows, count, out);
        return;
    }
    const NF_SUM *weights = NF_NAME(weights)(axis, z);
    NF_SUM plane[NF_BLOCK * STRIP];
    for (ptrdiff_t i = 0; i < count * NF_BLOCK; i++)
        out[i] = NF_NAME(start);
    for (int tap = 0; tap < axis->count[z]; tap++, in += w->tile->in_stride[0]) {
        NF_NAME(turn)(in, w->tile->in_stride[1], rows, count, plane);
        for (ptrdiff_t i = 0; i < count * NF_BLOCK; i++)
            out[i] += weights[tap] * plane[i];
    }
    for (ptrdiff_t i = 0; i < count * NF_BLOCK; i++)
        out[i] = (NF_SUM)NF_NAME(keep)(out[i]);
}

/* The sums of a window's columns: of `vectors` that lie side by side, the next column `step` elements on. */
typedef NF_SUM NF_NAME(lanes) __attribute__((vector_size(VECTOR)));
static inline __attribute__((always_inline)) void
NF_NAME(sum_vectors)(const NF_SUM *in, ptrdiff_t step, const NF_SUM *weights, int count,
                     int vectors, NF_SUM *out)
{
    enum { LANES = VECTOR / sizeof(NF_SUM) };
    NF_NAME(lanes) sum[MOST_SUMS], v;
    _Pragma("GCC unroll 16") for (int i = 0; i < vectors; i++) sum[i] =
        (NF_NAME(lanes)){0} + NF_NAME(start);
    for (int tap = 0; tap < count; tap++, in += step)
        _Pragma("GCC unroll 16") for (int i = 0; i < vectors; i++)
        {
            memcpy(&v, in + i * LANES, sizeof v);
            sum[i] += weights[tap] * v;
        }
    _Pragma("GCC unroll 16") for (int i = 0; i < vectors; i++)
        memcpy(out + i * LANES, &sum[i], sizeof *sum);
}

/* The same for all channels of a cell; of as many at once as there are registers for. */
static void NF_NAME(sum_columns)(const NF_SUM *in, int channels, const NF_SUM *weights, int count,
                                 NF_SUM *out)
{
    enum { EACH = NF_BLOCK * (int)sizeof(NF_SUM) / VECTOR, ROOM = MOST_SUMS / EACH };
    ptrdiff_t step = (ptrdiff_t)channels * NF_BLOCK;
    for (int left = channels, n; left > 0; left -= n, in += n * NF_BLOCK, out += n * NF_BLOCK) {
        n = left < ROOM ? left : ROOM;
        if (n == 1)
            NF_NAME(sum_vectors)(in, step, weights, count, EACH, out);
        else if (n == 2)
            NF_NAME(sum_vectors)(in, step, weights, count, 2 * EACH, out);
        else if (n == 3)
            NF_NAME(sum_vectors)(in, step, weights, count, 3 * EACH, out);
        else
            NF_NAME(sum_vectors)(in, step, weights, count, 4 * EACH, out);
    }
}

/* The sums of elements [first, first + count) of `rows` rows from y on, as they are kept, turned back, into
 * the ring. */
static void NF_NAME(put)(const NF_NAME(work) * w, int64_t y, int rows, ptrdiff_t first,
                         ptrdiff_t count, const NF_SUM *sums)
{
    NF_KEPT columns[NF_BLOCK * NF_BLOCK], block[NF_BLOCK * NF_BLOCK];
    for (ptrdiff_t done = 0; done < count; done += NF_BLOCK, sums += NF_BLOCK * NF_BLOCK) {
        ptrdiff_t n = count - done < NF_BLOCK ? count - done : NF_BLOCK;
        for (int i = 0; i < NF_BLOCK * NF_BLOCK; i++)
            columns[i] = NF_NAME(keep)(sums[i]);
        NF_NAME(turn_kept)(columns, NF_BLOCK, block);
        for (int row = 0; row < rows; row++) {
            NF_KEPT *to = w->ring + (y + row) % w->config->ring_rows * w->n + first + done;
            if (n == NF_BLOCK)
                memcpy(to, block + row * NF_BLOCK, NF_BLOCK * sizeof *to);
            else
                memcpy(to, block + row * NF_BLOCK, (size_t)n * sizeof *to);
        }
    }
}

/* The end of the group of output columns that begins at x: as many as find room for their windows. */
static int64_t NF_NAME(group_end)(const NF_NAME(work) * w, int64_t x)
{
    const nf_axis *axis = &w->config->axis[2];
    int64_t end = w->tile->lo[2] + w->tile->size[2], from = axis->first[x];
    int64_t room = TURNED_BYTES / (NF_BLOCK * (int)sizeof(NF_SUM) * w->tile->channels);
    do
        x++;
    while (x < end && axis->first[x] + axis->count[x] - from <= room);
    return x;
}

/* Up to NF_BLOCK rows of the input from y on, through the pass along them. */
static void NF_NAME(along)(const NF_NAME(work) * w, int64_t z, int64_t y, int rows)
{
    const nf_axis *axis = &w->config->axis[2];
    const nf_tile *tile = w->tile;
    int channels = tile->channels;
    ptrdiff_t done = 0, held = 0; /* elements in the ring; sums that are not there yet */
    NF_SUM sums[NF_BLOCK * NF_BLOCK * NF_MAX_CHANNELS] = {0};
    for (int64_t x = tile->lo[2]; x < tile->lo[2] + tile->size[2];) {
        int64_t end = NF_NAME(group_end)(w, x), from = axis->first[x];
        ptrdiff_t n = (axis->first[end - 1] + axis->count[end - 1] - from) * channels;
        for (ptrdiff_t i = 0; i < n; i += STRIP)
            NF_NAME(turn_planes)
        (w, z, y, from, rows, i, n - i < STRIP ? n - i : STRIP, w->turned + i * NF_BLOCK);
        for (; x < end; x++) {
            const NF_SUM *window = w->turned + (axis->first[x] - from) * channels * NF_BLOCK;
            NF_NAME(sum_columns)
            (window, channels, NF_NAME(weights)(axis, x), axis->count[x], sums + held * NF_BLOCK);
            held += channels;
            if (held < channels * NF_BLOCK)
                continue;
            NF_NAME(put)(w, y, rows, done, held, sums);
            done += held;
            held = 0;
        }
    }
    NF_NAME(put)(w, y, rows, done, held, sums);
}

/* Adds the rows of a window to n sums, from the element `first` on; four rows a sweep, so that the sums
 * are loaded and stored less often. */
static void NF_NAME(add_rows)(const NF_NAME(work) * w, int64_t y, ptrdiff_t first, ptrdiff_t n,
                              NF_SUM *restrict sum)
{
    const nf_axis *axis = &w->config->axis[1];
    const NF_SUM *weights = NF_NAME(weights)(axis, y);
    int64_t row = axis->first[y];
    const NF_KEPT *in = w->ring + first;
#define RING_ROW(i) (in + (row + (i)) % w->config->ring_rows * w->n)
    int tap = 0;
    for (; tap + 4 <= axis->count[y]; tap += 4, row += 4) {
        const NF_KEPT *restrict a = RING_ROW(0), *restrict b = RING_ROW(1);
        const NF_KEPT *restrict c = RING_ROW(2), *restrict d = RING_ROW(3);
        NF_SUM p = weights[tap], q = weights[tap + 1], r = weights[tap + 2], s = weights[tap + 3];
        for (ptrdiff_t i = 0; i < n; i++)
            sum[i] =
                sum[i] + p * (NF_SUM)a[i] + q * (NF_SUM)b[i] + r * (NF_SUM)c[i] + s * (NF_SUM)d[i];
    }
    for (; tap < axis->count[y]; tap++, row++) {
        const NF_KEPT *restrict a = RING_ROW(0);
        NF_SUM p = weights[tap];
        for (ptrdiff_t i = 0; i < n; i++)
            sum[i] += p * (NF_SUM)a[i];
    }
#undef RING_ROW
}

/* Output row y: the pass down the columns. The last chunk overlaps the one before it, rather than leaving
 * what is no whole vector to be done one by one. */
static void NF_NAME(down)(const NF_NAME(work) * w, int64_t y, NF_T *restrict out)
{
    NF_SUM sum[CHUNK];
    ptrdiff_t n = w->n < CHUNK ? w->n : CHUNK;
    for (ptrdiff_t done = 0; done < w->n; done += n) {
        ptrdiff_t first = done < w->n - n ? done : w->n - n;
        for (ptrdiff_t i = 0; i < n; i++)
            sum[i] = NF_NAME(start);
        NF_NAME(add_rows)(w, y, first, n, sum);
        for (ptrdiff_t i = 0; i < n; i++)
            out[first + i] = NF_NAME(end)(sum[i]);
    }
}

static void NF_NAME(filtered)(const nf_tile *tile, const resize_config *config)
{
    const nf_axis *axis = &config->axis[1];
    NF_NAME(work)
    w = {tile, config, NF_SCRATCH_ROW(tile, 0), NF_SCRATCH_ROW(tile, config->turned_rows),
         NF_ROW_LENGTH(tile)};
    int64_t last = tile->lo[1] + tile->size[1] - 1, end = axis->first[last] + axis->count[last];
    for (int64_t z = 0; z < tile->size[0]; z++) {
        int64_t done = 0; /* rows of the input before this one are in the ring, or not needed */
        for (int64_t y = 0; y < tile->size[1]; y++) {
            int64_t first = axis->first[tile->lo[1] + y];
            done = done > first ? done : first;
            for (; done < first + axis->count[tile->lo[1] + y]; done += NF_BLOCK)
                NF_NAME(along)
            (&w, tile->lo[0] + z, done, end - done < NF_BLOCK ? (int)(end - done) : NF_BLOCK);
            NF_NAME(down)(&w, tile->lo[1] + y, NF_ROW_OUT(tile, z, y));
        }
    }
}

static void NF_NAME(nearest)(const nf_tile *tile, const resize_config *config)
{
    const int64_t *planes = config->axis[0].first + tile->lo[0];
    const int64_t *rows = config->axis[1].first + tile->lo[1];
    const int64_t *columns = config->axis[2].first + tile->lo[2];
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *in = NF_NAME(input)(tile, planes[z], rows[y], 0);
            NF_T *restrict out = NF_ROW_OUT(tile, z, y);
            if (tile->channels == 1)
                for (int64_t x = 0; x < tile->size[2]; x++)
                    out[x] = in[columns[x]];
            else
                for (int64_t x = 0; x < tile->size[2]; x++)
                    for (int c = 0; c < tile->channels; c++)
                        *out++ = in[columns[x] * tile->channels + c];
        }
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const resize_config *conf = config;
    if (conf->axis[0].method == NF_NEAREST)
        NF_NAME(nearest)(tile, conf);
    else
        NF_NAME(filtered)(tile, conf);
}

#undef NF_SUM
#undef NF_KEPT
#undef STRIP
#endif
