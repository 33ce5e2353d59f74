/* box.c - the mean over a square window, in volumes over a cube, of an odd size, as
 * scipy.ndimage.uniform_filter: separable; each channel for itself.
 *
 * Integers: the sum is exact and rounded once (scipy cuts off after each axis); the count of an odd
 * window is odd, so that no mean lies halfway. Floats: each window is summed for itself, in an order
 * that depends on its size alone, never by a running sum: planes and rows from the first to the last,
 * four at a time, then along the row by doubling (the sums of 1, 2, 4, ... neighbours, of which the
 * window is put together). f32 is summed in float up to 7 x 7, in double beyond and in volumes. */
#ifndef NF_T

#include "kernels/isa.h"
#include "kernels/kernel.h"
#include "kernels/window.h"

typedef struct box_config {
    int size;
    bool volume;
    double inverse;  /* of the number of cells in the window */
    uint16_t magic;  /* u8, up to 7 x 7: sum / count, rounded, is exactly */
    int half, shift; /* ((sum + half) * magic >> 16) >> shift */
} box_config;

/* What holds the sums of up to 7 x 7 elements, of four, and of as many as there may be. */
typedef uint16_t narrow_u8;
typedef int32_t narrow_u16, four_u8, four_u16, wide_u8;
typedef float narrow_f32;
typedef double narrow_f64, four_f32, four_f64, wide_u16, wide_f32, wide_f64;

enum { SIZE, SIGMA, PASS, PASSES = 4 }; /* parameters; boxes that make a Gaussian */
enum { CHUNK = 512, LARGEST = 1001, LARGEST_CUBE = 201 }; /* 255 * 201^3 < 2^31 */

#define NF_BODY "kernels/box.c"
#include "kernels/each_dtype.h"

/* The side of box number `pass`, of PASSES whose chain is nearest to a Gaussian: the variance of a box of n
 * cells is (n^2 - 1) / 12, and variances add (Kovesi, Fast Almost-Gaussian Filtering, DICTA 2010). The
 * first of them are the smaller ones. */
static int side_for(double sigma, int pass)
{
    double ideal = sqrt(12 * sigma * sigma / PASSES + 1), lower = 2 * floor((ideal - 1) / 2) + 1;
    double smaller = PASSES * (lower * lower + 4 * lower + 3) - 12 * sigma * sigma;
    return (int)lower + (pass > lrint(smaller / (4 * lower + 4)) ? 2 : 0);
}

static nf_status prepare(nf_setup *setup)
{
    const nf_value *values = setup->values;
    int size = values[SIGMA].given ? side_for(values[SIGMA].real, (int)values[PASS].integer)
                                   : (int)values[SIZE].integer;
    int r = size / 2, count = size * size;
    box_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->volume = setup->in.ndim == 3;
    if (size % 2 == 0 || size > (config->volume ? LARGEST_CUBE : LARGEST)) {
        setup->param = values[SIGMA].given ? "sigma" : "size";
        setup->problem = "the size must be odd, and at most 1001, in a volume 201";
        return NF_ERR_PARAM;
    }
    config->size = size;
    config->inverse = 1.0 / ((double)count * (config->volume ? size : 1));
    config->half = count / 2;
    while (size > 1 && 2 << config->shift < count)
        config->shift++;
    config->magic = (uint16_t)((65536u << config->shift) / (unsigned)count + 1);
    setup->config = config;
    setup->halo = (nf_halo){{config->volume ? r : 0, r, r}, {config->volume ? r : 0, r, r}};
    setup->scratch_rows = config->volume ? 4 + 2 * size : 4;
    setup->flops_per_cell = (config->volume ? 3 : 2) * (size - 1) + 1;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const box_config *conf = config;
    int r = conf->size / 2, deep = in->shape.ndim == 3 ? r : 0;
    long double sum = 0,
                count = 0; /* a large window in double would be further off than the kernel */
    for (int k = -deep; k <= deep; k++)
        for (int j = -r; j <= r; j++)
            for (int i = -r; i <= r; i++, count++)
                sum += in->at(in, z + k, y + j, x + i, c);
    return (double)(sum / count);
}

static const nf_param params[] = {
    {"size", NF_PARAM_INTEGER, "cells", "3", 1, LARGEST, NULL,
     "side of the window, odd; at most 201 in a volume"},
    {"sigma", NF_PARAM_REAL, "cells", "auto", 0.01, 1000, NULL,
     "instead: that of the Gaussian that all passes approximate"},
    {"pass", NF_PARAM_INTEGER, "1", "1", 1, PASSES, NULL, "with sigma: which of them it is"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_box) = {
    .name = "box",
    .summary = "mean over a square window, in volumes a cube",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 16,
};

#else

#define IS_INTEGER ((NF_T)0.5 == 0)
#define MEAN(REAL, sum, inverse)                                                                   \
    (IS_INTEGER ? (NF_T)(int)((REAL)(sum) * (inverse) + (REAL)0.5)                                 \
                : (NF_T)((REAL)(sum) * (inverse)))

/* A window of a size known to the compiler. */
static inline __attribute__((always_inline)) void
NF_NAME(fixed_columns)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t n,
                       NF_NAME(narrow) *restrict sums, const int size)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_NAME(narrow) sum = in[i];
#pragma GCC unroll 8
        for (int j = 1; j < size; j++)
            sum = (NF_NAME(narrow))(sum + in[i + j * down]);
        sums[i] = sum;
    }
}

static inline __attribute__((always_inline)) void
NF_NAME(fixed_row)(const NF_NAME(narrow) *restrict sums, ptrdiff_t step, ptrdiff_t n,
                   const box_config *conf, NF_T *restrict out, const int size)
{
    NF_ACC inverse = (NF_ACC)conf->inverse;
    uint16_t half = (uint16_t)conf->half;
    uint32_t magic = conf->magic;
    int shift = conf->shift;
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_NAME(narrow) sum = sums[i];
#pragma GCC unroll 8
        for (int j = 1; j < size; j++)
            sum = (NF_NAME(narrow))(sum + sums[i + j * step]);
        if (sizeof(NF_T) == 1)
            out[i] = (NF_T)((uint16_t)((uint16_t)(sum + half) * magic >> 16) >> shift);
        else
            out[i] = MEAN(NF_ACC, sum, inverse);
    }
}

static inline __attribute__((always_inline)) void
NF_NAME(fixed)(const nf_tile *tile, const box_config *conf, const int size)
{
    ptrdiff_t step = tile->channels, margin = size / 2 * step, n = NF_ROW_LENGTH(tile);
    NF_NAME(narrow) *sums = (void *)tile->scratch;
    for (int64_t y = 0; y < tile->size[1]; y++) {
        const NF_T *in = NF_ROW_IN(tile, 0, y - size / 2) - margin;
        NF_NAME(fixed_columns)(in, tile->in_stride[1], n + 2 * margin, sums, size);
        NF_NAME(fixed_row)(sums, step, n, conf, NF_ROW_OUT(tile, 0, y), size);
    }
}

/* Defines `name`: sums[i] = the sum of `count` rows of TYPE, `down` elements apart; FOUR: what holds
 * the sum of four of them. */
#define DEFINE_SUM_ROWS(name, TYPE, FOUR)                                                          \
    static void name(const TYPE *in, ptrdiff_t down, ptrdiff_t n, int count,                       \
                     NF_NAME(wide) *restrict sums)                                                 \
    {                                                                                              \
        for (ptrdiff_t first = 0; first < n; first += CHUNK) {                                     \
            ptrdiff_t some = n - first < CHUNK ? n - first : CHUNK;                                \
            NF_NAME(wide) *restrict sum = sums + first;                                            \
            const TYPE *a = in + first;                                                            \
            for (ptrdiff_t i = 0; i < some; i++)                                                   \
                sum[i] = a[i];                                                                     \
            int row = 1;                                                                           \
            for (a += down; row + 3 < count; row += 4, a += 4 * down) {                            \
                const TYPE *b = a + down, *c = b + down, *d = c + down;                            \
                for (ptrdiff_t i = 0; i < some; i++)                                               \
                    sum[i] += ((FOUR)a[i] + (FOUR)b[i]) + ((FOUR)c[i] + (FOUR)d[i]);               \
            }                                                                                      \
            for (; row < count; row++, a += down)                                                  \
                for (ptrdiff_t i = 0; i < some; i++)                                               \
                    sum[i] += a[i];                                                                \
        }                                                                                          \
    }

DEFINE_SUM_ROWS(NF_NAME(sum_rows), NF_T, NF_NAME(four))
DEFINE_SUM_ROWS(NF_NAME(sum_sums), NF_NAME(wide), NF_NAME(wide))

/* The sums of the rows one further down: `leaving` goes, `coming` comes. Exact sums only. */
static void NF_NAME(slide)(const NF_T *leaving, const NF_T *coming, ptrdiff_t n,
                           NF_NAME(wide) *restrict sums)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sums[i] += (NF_NAME(four))coming[i] - (NF_NAME(four))leaving[i];
}

static void NF_NAME(add_row)(const NF_NAME(wide) *restrict a, const NF_NAME(wide) *restrict b,
                             ptrdiff_t n, NF_NAME(wide) *restrict sum)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sum[i] = a[i] + b[i];
}

static void NF_NAME(add_to)(NF_NAME(wide) *restrict sum, const NF_NAME(wide) *restrict a,
                            ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sum[i] += a[i];
}

/* One output row of n elements from the sums down the columns, by doubling. spare: three rows. */
static void NF_NAME(window_row)(const NF_NAME(wide) * sums, ptrdiff_t step, ptrdiff_t n,
                                const box_config *conf, NF_NAME(wide) *const spare[3],
                                NF_T *restrict out)
{
    const NF_NAME(wide) *power = sums, *total = sums; /* of `bit` neighbours; of `covered` */
    int covered = 1, next = 0;
    ptrdiff_t width = n + (conf->size - 1) * step;
    double inverse = conf->inverse;
    for (int bit = 2; bit <= conf->size; bit *= 2) {
        width -= bit / 2 * step;
        NF_NAME(add_row)(power, power + bit / 2 * step, width, spare[next]);
        power = spare[next];
        next = 1 - next;
        if (conf->size & bit) {
            const NF_NAME(wide) *beyond = power + covered * step;
            if (covered == 1)
                NF_NAME(add_row)(sums, beyond, n, spare[2]);
            else
                NF_NAME(add_to)(spare[2], beyond, n);
            total = spare[2];
            covered += bit;
        }
    }
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = MEAN(double, total[i], inverse);
}

static void NF_NAME(any)(const nf_tile *tile, const box_config *conf)
{
    int size = conf->size, r = size / 2;
    ptrdiff_t step = tile->channels, margin = r * step, n = NF_ROW_LENGTH(tile);
    ptrdiff_t width = n + 2 * margin, down = tile->in_stride[1];
    NF_NAME(wide) *sums = (void *)tile->scratch, *const spare[3] = {NF_SCRATCH_ROW(tile, 1),
                                                                    NF_SCRATCH_ROW(tile, 2),
                                                                    NF_SCRATCH_ROW(tile, 3)};
    for (int64_t y = 0; y < tile->size[1]; y++) {
        const NF_T *top = NF_ROW_IN(tile, 0, y - r) - margin;
        if (IS_INTEGER && y > 0)
            NF_NAME(slide)(top - down, top + (size - 1) * down, width, sums);
        else
            NF_NAME(sum_rows)(top, down, width, size, sums);
        NF_NAME(window_row)(sums, step, n, conf, spare, NF_ROW_OUT(tile, 0, y));
    }
}

static void NF_NAME(volume)(const nf_tile *tile, const box_config *conf)
{
    int size = conf->size, r = size / 2;
    ptrdiff_t step = tile->channels, margin = r * step, n = NF_ROW_LENGTH(tile);
    ptrdiff_t width = n + 2 * margin;
    NF_NAME(wide) *sums = (void *)tile->scratch, *const spare[3] = {NF_SCRATCH_ROW(tile, 1),
                                                                    NF_SCRATCH_ROW(tile, 2),
                                                                    NF_SCRATCH_ROW(tile, 3)};
    size_t row_bytes = tile->scratch_stride * sizeof(double);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        nf_window planes = {(char *)NF_SCRATCH_ROW(tile, 4), row_bytes, size, 0, 0};
        for (int64_t y = 0; y < tile->size[1]; y++) {
            for (int row = nf_window_next(&planes); row < size; row++)
                NF_NAME(sum_rows)
            (NF_ROW_IN(tile, z - r, y - r + row) - margin, tile->in_stride[0], width, size,
             nf_window_row(&planes, row));
            NF_NAME(sum_sums)
            (nf_window_row(&planes, 0), (ptrdiff_t)(row_bytes / sizeof *sums), width, size, sums);
            NF_NAME(window_row)(sums, step, n, conf, spare, NF_ROW_OUT(tile, z, y));
        }
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const box_config *conf = config;
    if (conf->volume)
        NF_NAME(volume)(tile, conf);
    else if (conf->size == 3)
        NF_NAME(fixed)(tile, conf, 3);
    else if (conf->size == 5)
        NF_NAME(fixed)(tile, conf, 5);
    else if (conf->size == 7)
        NF_NAME(fixed)(tile, conf, 7);
    else
        NF_NAME(any)(tile, conf);
}

#undef IS_INTEGER
#undef MEAN
#undef DEFINE_SUM_ROWS
#endif
