/* median.c - the median of a window of size x size cells, in a volume size^3, as
 * scipy.ndimage.median_filter with an odd size; the code of percentile, too. Results are elements of the
 * input, bit for bit. NaN and signed zeros: IEEE 754's totalOrder (order.h), so NaN counts as above
 * infinity, or below -infinity where its sign is set. Each channel for itself.
 *
 * Medians of 3x3 and 5x5: each column is sorted once, for all windows that it is in; of the columns
 * side by side, the rows are sorted as far as they can hold the median. Any other rank or size: the
 * result's bits are found one by one, from the highest, by counting the elements below; bytes in large
 * windows by a histogram that slides along the row (Huang). */
#ifndef NF_T

#include <stdlib.h>

#include "kernels/median.h"
#include "kernels/order.h"

typedef struct median_config {
    int size, planes; /* of the window; planes: 1, in volumes size */
    int64_t count, rank;
} median_config;

enum { MOST_COUNT = 255 * 255, GROUP = 4 };

/* From these sizes on median_large.c is faster; bytes, of which more are counted at a time, later. */
enum { LEAST_LARGE = 11, LARGE_BYTES = 15 };

/* Bytes of a vector that the compiler keeps in one register. */
#if defined __AVX512BW__
enum { VECTOR = 64 };
#elif defined __AVX2__
enum { VECTOR = 32 };
#else
enum { VECTOR = 16 };
#endif

/* A window's rows in scratch memory, in any order: the window at element i has, of each row, the elements
 * i, i + step, ... i + (size - 1) * step. */
typedef struct rows_of {
    const void *first;
    ptrdiff_t stride, count; /* elements from row to row; rows */
    ptrdiff_t size, step;
    int64_t rank;
} rows_of;

/* Counts of each value in a window; `below` elements are below `level`. */
typedef struct sliding {
    int64_t counts[256], below;
    int level;
} sliding;

static void change(sliding *s, const rows_of *rows, ptrdiff_t column, int by)
{
    const uint8_t *element = (const uint8_t *)rows->first + column;
    for (ptrdiff_t row = 0; row < rows->count; row++, element += rows->stride) {
        s->counts[*element] += by;
        s->below += *element < s->level ? by : 0;
    }
}

/* One channel of a row of n elements. */
static void histogram_row(const rows_of *rows, ptrdiff_t channel, ptrdiff_t n, uint8_t *out)
{
    sliding s = {.below = 0};
    for (ptrdiff_t i = 0; i + 1 < rows->size; i++)
        change(&s, rows, channel + i * rows->step, 1);
    for (ptrdiff_t i = channel; i < n; i += rows->step) {
        change(&s, rows, i + (rows->size - 1) * rows->step, 1);
        while (s.below > rows->rank)
            s.below -= s.counts[--s.level];
        while (s.below + s.counts[s.level] <= rows->rank)
            s.below += s.counts[s.level++];
        out[i] = (uint8_t)s.level;
        change(&s, rows, i, -1);
    }
}

#define SORT2(a, b)                                                                                \
    do {                                                                                           \
        NF_KEY least = NF_LESSER(a, b);                                                            \
        b = NF_GREATER(a, b);                                                                      \
        a = least;                                                                                 \
    } while (0)
#define SORT3(a, b, c)                                                                             \
    SORT2(a, b);                                                                                   \
    SORT2(b, c);                                                                                   \
    SORT2(a, b)
#define SORT5(a, b, c, d, e)                                                                       \
    SORT2(a, b);                                                                                   \
    SORT2(d, e);                                                                                   \
    SORT2(c, e);                                                                                   \
    SORT2(c, d);                                                                                   \
    SORT2(b, e);                                                                                   \
    SORT2(a, d);                                                                                   \
    SORT2(a, c);                                                                                   \
    SORT2(b, d);                                                                                   \
    SORT2(b, c)
/* The smallest of four to a, the largest of four others to h. */
#define ENDS(a, b, c, d, e, f, g, h)                                                               \
    SORT2(a, b);                                                                                   \
    SORT2(c, d);                                                                                   \
    SORT2(a, c);                                                                                   \
    SORT2(e, f);                                                                                   \
    SORT2(g, h);                                                                                   \
    SORT2(f, h)

#define NF_BODY "kernels/median.c"
#include "kernels/each_dtype.h"

nf_status nf_median_prepare(nf_setup *setup, double percent)
{
    enum { MOST_IN_VOLUME = 39 };
    int size = (int)setup->values[0].integer, radius = size / 2;
    bool volume = setup->in.ndim == 3;
    if (size % 2 == 0 || (volume && size > MOST_IN_VOLUME)) {
        setup->param = "size";
        setup->problem = size % 2 == 0 ? "the window must have a centre: an odd number is needed"
                                       : "in volumes windows are counted up to 39 cells a side";
        return NF_ERR_PARAM;
    }
    median_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    int planes = volume ? size : 1;
    int64_t count = (int64_t)planes * size * size;
    int64_t rank = (int64_t)((double)count * percent / 100);
    *config = (median_config){size, planes, count, rank < count ? rank : count - 1};
    setup->config = config;
    setup->halo =
        (nf_halo){{volume ? radius : 0, radius, radius}, {volume ? radius : 0, radius, radius}};
    setup->scratch_rows = planes * size + GROUP; /* vectors reach up to 64 GROUP bytes beyond */
    if (!volume && size >= LEAST_LARGE) {
        setup->scratch_rows = nf_median_large_rows(size);
        setup->strip = 64; /* the columns are counted anew for each strip */
    }
    setup->flops_per_cell = (double)count;
    return NF_OK;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return nf_precedes(*y, *x) - nf_precedes(*x, *y);
}

/* The window's elements, sorted. */
double nf_median_reference(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                           int c)
{
    const median_config *conf = config;
    double window[MOST_COUNT];
    size_t n = 0;
    int radius = conf->size / 2, deep = conf->planes / 2;
    for (int dz = -deep; dz <= deep; dz++)
        for (int dy = -radius; dy <= radius; dy++)
            for (int dx = -radius; dx <= radius; dx++)
                window[n++] = in->at(in, z + dz, y + dy, x + dx, c);
    qsort(window, n, sizeof *window, compare);
    return window[conf->rank];
}

static nf_status prepare(nf_setup *setup)
{
    return nf_median_prepare(setup, 50);
}

static const nf_param params[] = {NF_MEDIAN_SIZE_PARAM, NF_BORDER_PARAMS, {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_median) = {
    .name = "median",
    .summary = "median of a square, in volumes of a cube",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(nf_median),
    .reference_cell = nf_median_reference,
    .tolerance = 0,
};

#else

static NF_KEY *NF_NAME(scratch_row)(const nf_tile *tile, ptrdiff_t i)
{
    return (NF_KEY *)(void *)(tile->scratch + (size_t)i * tile->scratch_stride);
}

/* ---- 3x3 ---- */

static void NF_NAME(sort_columns_3)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t n,
                                    NF_KEY *restrict low, NF_KEY *restrict middle,
                                    NF_KEY *restrict high)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_KEY a = NF_KEY_OF(in[i - down]), b = NF_KEY_OF(in[i]), c = NF_KEY_OF(in[i + down]);
        SORT3(a, b, c);
        low[i] = a;
        middle[i] = b;
        high[i] = c;
    }
}

/* The middle one of: the largest of the low, the middle one of the middle, the smallest of the high. */
static void NF_NAME(row_3)(const NF_KEY *restrict low, const NF_KEY *restrict middle,
                           const NF_KEY *restrict high, ptrdiff_t step, ptrdiff_t n,
                           NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_KEY a = low[i], b = low[i + step], c = low[i + 2 * step];
        NF_KEY d = middle[i], e = middle[i + step], f = middle[i + 2 * step];
        NF_KEY g = high[i], h = high[i + step], k = high[i + 2 * step];
        SORT3(a, b, c);
        SORT3(d, e, f);
        SORT3(g, h, k);
        SORT3(c, e, g);
        out[i] = NF_ELEMENT(e);
    }
}

static void NF_NAME(median_3)(const nf_tile *tile)
{
    ptrdiff_t step = tile->channels, n = NF_ROW_LENGTH(tile);
    NF_KEY *low = NF_NAME(scratch_row)(tile, 0), *middle = NF_NAME(scratch_row)(tile, 1);
    NF_KEY *high = NF_NAME(scratch_row)(tile, 2);
    for (int64_t y = 0; y < tile->size[1]; y++) {
        NF_NAME(sort_columns_3)
        (NF_ROW_IN(tile, 0, y) - step, tile->in_stride[1], n + 2 * step, low, middle, high);
        NF_NAME(row_3)(low, middle, high, step, n, NF_ROW_OUT(tile, 0, y));
    }
}

/* ---- 5x5 ---- */

/* Row r of the sorted columns goes to sorted + r * stride. */
static void NF_NAME(sort_columns_5)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t n,
                                    NF_KEY *restrict sorted, ptrdiff_t stride)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_KEY a = NF_KEY_OF(in[i - 2 * down]), b = NF_KEY_OF(in[i - down]);
        NF_KEY c = NF_KEY_OF(in[i]), d = NF_KEY_OF(in[i + down]), e = NF_KEY_OF(in[i + 2 * down]);
        SORT5(a, b, c, d, e);
        sorted[i] = a;
        sorted[i + stride] = b;
        sorted[i + 2 * stride] = c;
        sorted[i + 3 * stride] = d;
        sorted[i + 4 * stride] = e;
    }
}

#define SORTED_ROW(name, row)                                                                      \
    NF_KEY name##1 = (row)[i], name##2 = (row)[i + step], name##3 = (row)[i + 2 * step],           \
           name##4 = (row)[i + 3 * step], name##5 = (row)[i + 4 * step];                           \
    SORT5(name##1, name##2, name##3, name##4, name##5)

/* With rows and columns sorted, an element that is no less than 14, or no greater than 14, of the 25 is
 * not the median: 13 remain, as many dropped on one side as on the other. Of those, the smallest and the
 * largest of enough go, again and again, until the median is left. */
static void NF_NAME(row_5)(const NF_KEY *restrict sorted, ptrdiff_t stride, ptrdiff_t step,
                           ptrdiff_t n, NF_T *restrict out)
{
    const NF_KEY *row2 = sorted + stride, *row3 = row2 + stride, *row4 = row3 + stride;
    const NF_KEY *row5 = row4 + stride;
    for (ptrdiff_t i = 0; i < n; i++) {
        SORTED_ROW(a, sorted);
        SORTED_ROW(b, row2);
        SORTED_ROW(c, row3);
        SORTED_ROW(d, row4);
        SORTED_ROW(e, row5);
        ENDS(a4, b3, c2, d1, a5, b5, c4, d3); /* a4 and d3 go; left: b3 c2 d1 a5 b5 c4 */
        SORT2(b3, a5);
        SORT2(c2, b5);
        SORT2(d1, c4);
        SORT2(b3, b4); /* b4 comes */
        SORT2(b3, c2);
        SORT2(b3, d1);
        SORT2(b4, c4);
        SORT2(a5, c4);
        SORT2(b5, c4); /* b3 and c4 go; left: c2 d1 a5 b5 b4 */
        SORT2(c2, c3); /* c3 comes */
        SORT2(d1, a5);
        SORT2(b5, b4);
        SORT2(c2, d1);
        SORT2(c2, b5);
        SORT2(c3, a5);
        SORT2(b4, a5); /* c2 and a5 go; left: d1 b5 b4 c3 */
        SORT2(d1, b5);
        SORT2(b4, c3);
        SORT2(d1, b4);
        SORT2(b5, c3);
        SORT2(d1, d2); /* d2 comes */
        SORT2(d2, c3); /* d1 and c3 go; left: b5 b4 d2 */
        SORT2(b5, b4);
        SORT2(d2, e1); /* e1 comes */
        SORT2(b5, d2);
        SORT2(b4, e1); /* b5 and e1 go; left: b4 d2 */
        SORT3(b4, d2, e2);
        out[i] = NF_ELEMENT(d2);
    }
}

static void NF_NAME(median_5)(const nf_tile *tile)
{
    ptrdiff_t step = tile->channels, n = NF_ROW_LENGTH(tile);
    NF_KEY *sorted = NF_NAME(scratch_row)(tile, 0);
    ptrdiff_t stride = NF_NAME(scratch_row)(tile, 1) - sorted;
    for (int64_t y = 0; y < tile->size[1]; y++) {
        NF_NAME(sort_columns_5)
        (NF_ROW_IN(tile, 0, y) - 2 * step, tile->in_stride[1], n + 4 * step, sorted, stride);
        NF_NAME(row_5)(sorted, stride, step, n, NF_ROW_OUT(tile, 0, y));
    }
}

#undef SORTED_ROW

/* ---- any rank, any size ---- */

typedef NF_KEY NF_NAME(vector) __attribute__((vector_size(VECTOR)));

/* Windows that are done at a time: GROUP vectors of them, side by side. */
enum { NF_NAME(LANES) = VECTOR / sizeof(NF_KEY) };
typedef struct NF_NAME(group) {
    NF_NAME(vector) v[GROUP];
} NF_NAME(group);

/* How many elements of each window are below its trial; the windows begin at `first` in each row. */
static inline __attribute__((always_inline)) void NF_NAME(count_below)(const rows_of *rows,
                                                                       const NF_KEY *first,
                                                                       const NF_NAME(group) * trial,
                                                                       NF_NAME(group) * count)
{
    NF_NAME(group) sum = {{{0}}}, least = *trial;
    for (ptrdiff_t row = 0; row < rows->count; row++, first += rows->stride) {
        const NF_KEY *element = first;
        for (ptrdiff_t j = 0; j < rows->size; j++, element += rows->step) {
            for (int g = 0; g < GROUP; g++) {
                NF_NAME(vector) v;
                memcpy(&v, element + g * NF_NAME(LANES), sizeof v);
                sum.v[g] -= (NF_NAME(vector))(v < least.v[g]);
            }
        }
    }
    *count = sum;
}

/* The greatest keys that no more than rank elements are below: bit by bit, from none of them set. */
static void NF_NAME(select)(const rows_of *rows, const NF_KEY *first, NF_NAME(group) * key)
{
    enum { BITS = 8 * sizeof(NF_KEY) };
    NF_NAME(vector) zero = {0}, rank = zero + (NF_KEY)rows->rank;
    for (int g = 0; g < GROUP; g++) { /* the keys of floats have a sign */
        key->v[g] = zero;
        if (sizeof(NF_KEY) >= sizeof(float))
            key->v[g] |= (NF_KEY)((uint64_t)1 << (BITS - 1));
    }
    for (int bit = BITS - 1; bit >= 0; bit--) {
        NF_NAME(group) trial, count;
        for (int g = 0; g < GROUP; g++)
            trial.v[g] = key->v[g] ^ (NF_KEY)((uint64_t)1 << bit);
        NF_NAME(count_below)(rows, first, &trial, &count);
        for (int g = 0; g < GROUP; g++) {
            NF_NAME(vector) fits = (NF_NAME(vector))(count.v[g] <= rank);
            key->v[g] = (fits & trial.v[g]) | (~fits & key->v[g]);
        }
    }
}

static void NF_NAME(select_row)(const rows_of *rows, ptrdiff_t n, NF_T *out)
{
    const NF_KEY *first = rows->first;
    for (ptrdiff_t i = 0; i < n; i += GROUP * NF_NAME(LANES)) {
        NF_NAME(group) key;
        NF_NAME(select)(rows, first + i, &key);
        for (ptrdiff_t j = 0; j < GROUP * NF_NAME(LANES) && i + j < n; j++)
            out[i + j] = NF_ELEMENT(key.v[j / NF_NAME(LANES)][j % NF_NAME(LANES)]);
    }
}

/* Row y of every plane of the window, as keys, in place of the row that leaves the window. */
static void NF_NAME(take)(const nf_tile *tile, const median_config *conf, int64_t z, int64_t y)
{
    ptrdiff_t margin = conf->size / 2 * tile->channels, n = NF_ROW_LENGTH(tile) + 2 * margin;
    for (int64_t plane = 0; plane < conf->planes; plane++) {
        const NF_T *restrict in = NF_ROW_IN(tile, z + plane - conf->planes / 2, y) - margin;
        int64_t slot = plane * conf->size + (y + conf->size) % conf->size;
        NF_KEY *restrict to = NF_NAME(scratch_row)(tile, slot);
        for (ptrdiff_t i = 0; i < n; i++)
            to[i] = NF_KEY_OF(in[i]);
    }
}

static void NF_NAME(any)(const nf_tile *tile, const median_config *conf)
{
    NF_KEY *first = NF_NAME(scratch_row)(tile, 0);
    int radius = conf->size / 2;
    bool counts = sizeof(NF_T) == 1 && conf->count > UINT8_MAX;
    rows_of rows = {.first = first,
                    .stride = NF_NAME(scratch_row)(tile, 1) - first,
                    .count = conf->planes * conf->size,
                    .size = conf->size,
                    .step = tile->channels,
                    .rank = conf->rank};
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = -radius; y < tile->size[1] + radius; y++) {
            NF_NAME(take)(tile, conf, z, y);
            if (y < radius)
                continue;
            NF_T *out = NF_ROW_OUT(tile, z, y - radius);
            for (int c = 0; c < tile->channels && counts; c++)
                histogram_row(&rows, c, NF_ROW_LENGTH(tile), (uint8_t *)(void *)out);
            if (!counts)
                NF_NAME(select_row)(&rows, NF_ROW_LENGTH(tile), out);
        }
    }
}

void NF_NAME(nf_median)(const nf_tile *tile, const void *config, void *partial)
{
    const median_config *conf = config;
    (void)partial;
    bool middle = conf->planes == 1 && conf->rank == conf->count / 2;
    if (middle && conf->size == 3)
        NF_NAME(median_3)(tile);
    else if (middle && conf->size == 5)
        NF_NAME(median_5)(tile);
    else if (conf->planes == 1 && conf->size >= (sizeof(NF_T) == 1 ? LARGE_BYTES : LEAST_LARGE))
        NF_NAME(nf_median_large)(tile, conf->size, conf->rank);
    else
        NF_NAME(any)(tile, conf);
}

#endif
