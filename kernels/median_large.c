/* median_large.c - medians and percentiles of large windows of images, at a cost a cell that hardly
 * depends on the window's size.
 *
 * Block by block, elements are put into 256 bins in ascending order: bytes by their value, others by
 * their place among the block's elements, sorted. Each column has the counts of the elements of its
 * part of the window, changed by one that comes and one that goes from row to row; the window's
 * counts change by a column that comes and one that goes from cell to cell (Perreault and Hébert,
 * "Median filtering in constant time", IEEE Trans. Image Process. 16, 2007). They tell the bin; of its
 * elements, in ascending order, those inside the window are counted off. */
#ifndef NF_T

#include <string.h>

#include "kernels/median.h"
#include "kernels/order.h"

enum { BINS = 256, GROUPS = 16, IN_GROUP = BINS / GROUPS };

/* Rows and columns of a block whose windows are done, at most. */
enum { ROWS = 64, COLUMNS = 1024 };

/* Elements of a block, those around it included, for windows up to 65 cells wide and wider: so many
 * that most are not only around. */
enum { SMALL = 1 << 16, LARGE = 1 << 18, WIDE = 65 };

typedef struct column_counts {
    uint8_t bin[GROUPS][IN_GROUP], group[GROUPS]; /* a window has at most 255 rows */
} column_counts;

/* Of the window at column x: of each group of bins, as it was at the column `at`. */
typedef struct window_counts {
    uint16_t bin[GROUPS][IN_GROUP], group[GROUPS];
    int64_t at[GROUPS];
} window_counts;

/* A block of one channel, of high * wide cells and as many more as the window reaches. */
typedef struct block {
    int64_t size, rank, high, wide; /* of the window; the element wanted; of the block */
    int64_t all_high, all_wide, in_bin;
    uint8_t *bins;           /* all_high * all_wide */
    column_counts *columns;  /* all_wide */
    void *keys, *spare;      /* sorted, but for bytes; likewise while sorting */
    uint32_t *at, *spare_at; /* where in the block they stand */
    uint16_t *x, *y;         /* the same */
} block;

static void count_column(const block *b, int64_t x, int64_t y, int by)
{
    unsigned bin = b->bins[y * b->all_wide + x];
    column_counts *column = &b->columns[x];
    uint8_t *one = &column->bin[bin / IN_GROUP][bin % IN_GROUP],
            *all = &column->group[bin / IN_GROUP];
    *one = (uint8_t)(*one + by);
    *all = (uint8_t)(*all + by);
}

/* The counts of the columns of the window that begins at row y: from those of the row before, but at
 * the first. */
static void count_columns(const block *b, int64_t y)
{
    if (y == 0)
        memset(b->columns, 0, (size_t)b->all_wide * sizeof *b->columns);
    for (int64_t row = 0; y == 0 && row + 1 < b->size; row++)
        for (int64_t x = 0; x < b->all_wide; x++)
            count_column(b, x, row, 1);
    for (int64_t x = 0; x < b->all_wide; x++) {
        if (y > 0)
            count_column(b, x, y - 1, -1);
        count_column(b, x, y + b->size - 1, 1);
    }
}

static inline void add_counts(uint16_t *restrict sum, const uint8_t *restrict come)
{
    for (int i = 0; i < IN_GROUP; i++)
        sum[i] = (uint16_t)(sum[i] + come[i]);
}

static inline void move_counts(uint16_t *restrict sum, const uint8_t *restrict come,
                               const uint8_t *restrict go)
{
    for (int i = 0; i < IN_GROUP; i++)
        sum[i] = (uint16_t)(sum[i] + come[i] - go[i]);
}

/* Brings the window's groups to column x: from the column before, or from nothing at the first. */
static void move_window(const block *b, window_counts *w, int64_t x)
{
    if (x > 0) {
        move_counts(w->group, b->columns[x + b->size - 1].group, b->columns[x - 1].group);
        return;
    }
    memset(w->group, 0, sizeof w->group);
    for (int64_t i = 0; i < b->size; i++)
        add_counts(w->group, b->columns[i].group);
    for (int g = 0; g < GROUPS; g++)
        w->at[g] = -b->size;
}

/* Brings the bins of a group to column x: from where they are, or, if that is far, from nothing. */
static const uint16_t *move_bins(const block *b, window_counts *w, int group, int64_t x)
{
    uint16_t *bins = w->bin[group];
    int64_t size = b->size, at = w->at[group];
    if (2 * (x - at) >= size) {
        memset(bins, 0, sizeof w->bin[group]);
        for (int64_t i = x; i < x + size; i++)
            add_counts(bins, b->columns[i].bin[group]);
    } else {
        while (at++ < x)
            move_counts(bins, b->columns[at + size - 1].bin[group], b->columns[at - 1].bin[group]);
    }
    w->at[group] = x;
    return bins;
}

/* How many of the n counts, from the first on, add up to no more than *rank, which becomes what is left
 * of it. */
static inline int count_off(const uint16_t *counts, int n, int64_t *rank)
{
    uint32_t sum = 0, below = 0, most = (uint32_t)*rank;
    int passed = 0;
    for (int i = 0; i < n; i++) {
        sum += counts[i];
        passed += sum <= most;
        below = sum <= most ? sum : below;
    }
    *rank -= below;
    return passed;
}

/* The bin that holds the element of the window at column x; *rank becomes its rank among the bin's. */
static int find_bin(const block *b, window_counts *w, int64_t x, int64_t *rank)
{
    int group = count_off(w->group, GROUPS, rank);
    const uint16_t *bins = move_bins(b, w, group, x);
    return group * IN_GROUP + count_off(bins, IN_GROUP, rank);
}

/* The number, among all of the block in ascending order, of the bin's element of this rank among those in
 * the window at (x, y). */
static int64_t find_element(const block *b, int bin, int64_t rank, int64_t x, int64_t y)
{
    enum { SOME = 64 };
    uint16_t left = (uint16_t)x, top = (uint16_t)y, size = (uint16_t)b->size;
    int64_t i = bin * b->in_bin, end = b->all_high * b->all_wide;
    for (; i + SOME <= end; i += SOME) {
        uint16_t inside = 0;
        for (int j = 0; j < SOME; j++)
            inside = (uint16_t)(inside + ((uint16_t)(b->x[i + j] - left) < size &&
                                          (uint16_t)(b->y[i + j] - top) < size));
        if (inside > rank)
            break;
        rank -= inside;
    }
    for (;; i++) {
        bool inside = (uint16_t)(b->x[i] - left) < size && (uint16_t)(b->y[i] - top) < size;
        if (inside && rank-- == 0)
            return i;
    }
}

#define NF_BODY "kernels/median_large.c"
#include "kernels/each_dtype.h"

int nf_median_large_rows(int size)
{
    /* For each element: its key and its place, twice, its place again, and its bin. */
    enum { BYTES = 2 * (8 + 4) + 4 + 1, DOUBLE = sizeof(double) };
    int columns = (int)(sizeof(column_counts) + DOUBLE - 1) / DOUBLE;
    return (BYTES * (ROWS + size - 1) + DOUBLE - 1) / DOUBLE + columns + 1;
}

#else

/* Takes the block's elements, in this channel, from `in` on. */
static void NF_NAME(take)(const block *b, const NF_T *in, ptrdiff_t down, ptrdiff_t step)
{
    NF_KEY *key = b->keys;
    for (int64_t y = 0; y < b->all_high; y++, in += down)
        for (int64_t x = 0; x < b->all_wide; x++)
            *key++ = NF_KEY_OF(in[x * step]);
}

/* One pass of a radix sort, by bits [shift, shift + 8) of the keys; those of floats have a sign. */
static void NF_NAME(sort_by)(const block *b, unsigned shift, const NF_KEY *restrict key,
                             const uint32_t *restrict at, NF_KEY *restrict to,
                             uint32_t *restrict to_at)
{
    const bool has_sign = (NF_KEY)-1 < 0;
    const unsigned flip = has_sign && shift + 8 == 8 * sizeof(NF_KEY) ? 128 : 0;
    uint32_t next[BINS] = {0}, sum = 0;
    int64_t n = b->all_high * b->all_wide;
    for (int64_t i = 0; i < n; i++)
        next[((unsigned)(key[i] >> shift) & 255) ^ flip]++;
    for (int d = 0; d < BINS; d++) {
        uint32_t count = next[d];
        next[d] = sum;
        sum += count;
    }
    for (int64_t i = 0; i < n; i++) {
        uint32_t place = next[((unsigned)(key[i] >> shift) & 255) ^ flip]++;
        to[place] = key[i];
        to_at[place] = at[i];
    }
}

/* Sorts the block's keys, of two, four or eight bytes, and bins them. */
static void NF_NAME(sort)(const block *b)
{
    int64_t n = b->all_high * b->all_wide;
    for (int64_t i = 0; i < n; i++)
        b->at[i] = (uint32_t)i;
    for (unsigned shift = 0; shift < 8 * sizeof(NF_KEY); shift += 16) {
        NF_NAME(sort_by)(b, shift, b->keys, b->at, b->spare, b->spare_at);
        NF_NAME(sort_by)(b, shift + 8, b->spare, b->spare_at, b->keys, b->at);
    }
    for (int64_t i = 0; i < n; i++) {
        b->bins[b->at[i]] = (uint8_t)(i / b->in_bin);
        b->x[i] = (uint16_t)(b->at[i] % b->all_wide);
        b->y[i] = (uint16_t)(b->at[i] / b->all_wide);
    }
}

static void NF_NAME(fill)(const block *b, const NF_T *in, ptrdiff_t down, ptrdiff_t step)
{
    if (sizeof(NF_T) == 1) {
        for (int64_t y = 0; y < b->all_high; y++, in += down)
            for (int64_t x = 0; x < b->all_wide; x++)
                b->bins[y * b->all_wide + x] = (uint8_t)in[x * step];
    } else {
        NF_NAME(take)(b, in, down, step);
        NF_NAME(sort)(b);
    }
}

static void NF_NAME(row)(const block *b, int64_t y, ptrdiff_t step, NF_T *out)
{
    window_counts w;
    const NF_KEY *keys = b->keys;
    for (int64_t x = 0; x < b->wide; x++) {
        int64_t rank = b->rank;
        move_window(b, &w, x);
        int bin = find_bin(b, &w, x, &rank);
        if (sizeof(NF_T) == 1)
            out[x * step] = (NF_T)bin;
        else
            out[x * step] = NF_ELEMENT(keys[find_element(b, bin, rank, x, y)]);
    }
}

/* Gives the block its share of the tile's scratch memory. */
static void NF_NAME(place)(block *b, double *scratch)
{
    size_t n = (size_t)(b->all_high * b->all_wide);
    NF_KEY *keys = (void *)scratch;
    b->in_bin = ((int64_t)n + BINS - 1) / BINS;
    b->keys = keys;
    b->spare = keys + n;
    b->at = (void *)((char *)scratch + 2 * n * sizeof(NF_KEY));
    b->spare_at = b->at + n;
    b->x = (void *)(b->spare_at + n);
    b->y = b->x + n;
    b->columns = (void *)(b->y + n);
    b->bins = (void *)(b->columns + b->all_wide);
}

void NF_NAME(nf_median_large)(const nf_tile *tile, int size, int64_t rank)
{
    int64_t step = tile->channels, around = size - 1, room = size <= WIDE ? SMALL : LARGE;
    int64_t most_wide = COLUMNS, rows = tile->size[1] < ROWS ? tile->size[1] : ROWS;
    if (sizeof(NF_T) > 1 && most_wide > room / (rows + around) - around)
        most_wide = room / (rows + around) - around;
    for (int64_t y = 0; y < tile->size[1]; y += rows) {
        for (int64_t x = 0; x < tile->size[2]; x += most_wide) {
            block b = {.size = size, .rank = rank, .high = rows, .wide = most_wide};
            b.high = tile->size[1] - y < b.high ? tile->size[1] - y : b.high;
            b.wide = tile->size[2] - x < b.wide ? tile->size[2] - x : b.wide;
            b.all_high = b.high + around;
            b.all_wide = b.wide + around;
            NF_NAME(place)(&b, tile->scratch);
            for (int64_t c = 0; c < step; c++) {
                const NF_T *in = NF_ROW_IN(tile, 0, y - around / 2) + (x - around / 2) * step + c;
                NF_NAME(fill)(&b, in, tile->in_stride[1], step);
                for (int64_t row = 0; row < b.high; row++) {
                    count_columns(&b, row);
                    NF_NAME(row)(&b, row, step, NF_ROW_OUT(tile, 0, y + row) + x * step + c);
                }
            }
        }
    }
}

#endif
