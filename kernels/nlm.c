/* nlm.c - non-local means: the mean of the cells in a search window, weighted by how alike the
 * patches around them are (Buades, Coll and Morel, 2005), as OpenCV's fastNlMeansDenoising:
 *   w = e^(-D / h^2),  0 where that is below 1/1000,
 * D the mean, over a patch of patch x patch cells and all channels, of the squared differences
 * between the patch around the cell and that around the other one; over search x search cells, the
 * cell itself among them. All channels of a cell have one weight. OpenCV takes 8-bit images and
 * mirrors them at the edges (border=mirror); it rounds D and the weights to integers.
 *
 * For each displacement within the search window the squared differences are computed once and
 * summed over the patches, down the columns, then along the rows: sums of 2 m terms as two of m,
 * so that a patch costs as much as the logarithm of its side, and every sum has the same order of
 * additions wherever a tile begins.
 */
#ifndef NF_T

#include "kernels/exp.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"
#include "kernels/window.h"

/* What is done at a time, so that it stays in the first-level cache: ROWS rows of the box, and as
 * many columns as make WIDTH with those of the patches around them. */
enum { ROWS = 16, WIDTH = 128, MOST_PATCH = 21 };

typedef struct nlm_config {
    int patch, search;
    int margin; /* how far the search window's patches reach */
    double h;
    double rate; /* log2 w is -rate times the sum over a patch */
} nlm_config;

/* The least weight that counts, and -log2 of it. */
static const double least_weight = 1e-3, most_bits = 9.965784284662087;

#define NF_BODY "kernels/nlm.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    int patch = (int)setup->values[1].integer, search = (int)setup->values[2].integer;
    if (patch % 2 == 0 || search % 2 == 0) {
        setup->param = patch % 2 == 0 ? "patch" : "search";
        setup->problem = "it must have a centre: an odd number is needed";
        return NF_ERR_PARAM;
    }
    nlm_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    int margin = patch / 2 + search / 2;
    double h = setup->values[0].real, terms = patch * patch * setup->in.channels;
    double rate = NF_ROOT_LOG2E * NF_ROOT_LOG2E / (h * h * terms);
    *config = (nlm_config){patch, search, margin, h, rate};
    setup->config = config;
    setup->halo = (nf_halo){{0, margin, margin}, {0, margin, margin}};
    setup->scratch_rows = ROWS + 2 * margin;
    setup->flops_per_cell = 40.0 * search * search / setup->in.channels;
    return NF_OK;
}

/* D of the cell and the one that is dy, dx away. */
static double distance(const nf_cells *in, int patch, int64_t y, int64_t x, int dy, int dx)
{
    double sum = 0;
    for (int j = -(patch / 2); j <= patch / 2; j++)
        for (int i = -(patch / 2); i <= patch / 2; i++)
            for (int c = 0; c < in->shape.channels; c++) {
                double d =
                    in->at(in, 0, y + j, x + i, c) - in->at(in, 0, y + dy + j, x + dx + i, c);
                sum += d * d;
            }
    return sum / (patch * patch * in->shape.channels);
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const nlm_config *conf = config;
    double sum = 0, weights = 0;
    int reach = conf->search / 2;
    for (int dy = -reach; dy <= reach; dy++) {
        for (int dx = -reach; dx <= reach; dx++) {
            double weight = exp(-distance(in, conf->patch, y, x, dy, dx) / (conf->h * conf->h));
            if (weight < least_weight)
                continue;
            sum += weight * in->at(in, z, y + dy, x + dx, c);
            weights += weight;
        }
    }
    return sum / weights;
}

static const nf_param params[] = {
    {"h", NF_PARAM_REAL, "value", "3", 1e-15, 1e15, NULL,
     "patches that differ by well less than this are alike"},
    {"patch", NF_PARAM_INTEGER, "cells", "7", 1, MOST_PATCH, NULL, "the patches' side, odd"},
    {"search", NF_PARAM_INTEGER, "cells", "21", 1, 101, NULL, "the search window's side, odd"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_nlm) = {
    .name = "nlm",
    .summary = "non-local means, the mean of cells with patches alike around them",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 64,
};

#else

/* Part of a box, `rows` x `columns` cells. Scratch memory holds its input, from `margin` rows and
 * the box's input from `margin` columns before: rows `down` elements apart, one channel `plane`
 * elements behind the other. `in`: the first cell of the part. */
typedef struct NF_NAME(part) {
    const NF_ACC *in;
    ptrdiff_t down, plane;
    int rows, columns, channels, width; /* width: columns and those of the patches around them */
} NF_NAME(part);

/* One buffer has an element for each cell of the part and of the patches around, `width` a row. */
enum { NF_NAME(CELLS) = (ROWS + MOST_PATCH - 1) * WIDTH };
typedef struct NF_NAME(buffers) {
    NF_ACC sums[3][NF_NAME(CELLS)];
    NF_ACC weight[ROWS * WIDTH], value[NF_MAX_CHANNELS][ROWS * WIDTH];
} NF_NAME(buffers);

static void NF_NAME(take)(const nf_tile *tile, const nlm_config *conf, int64_t first, int64_t rows)
{
    ptrdiff_t n = (ptrdiff_t)tile->size[2] + 2 * conf->margin, step = tile->channels;
    for (int64_t y = -conf->margin; y < rows + conf->margin; y++) {
        const NF_T *restrict in = NF_ROW_IN(tile, 0, first + y) - conf->margin * step;
        NF_ACC *restrict to = NF_SCRATCH_ROW(tile, y + conf->margin);
        for (int c = 0; c < tile->channels; c++)
            for (ptrdiff_t i = 0; i < n; i++)
                to[c * n + i] = (NF_ACC)in[i * step + c];
    }
}

/* out[i] = (a[i] - b[i])^2, added to what is there but for the first channel. */
static void NF_NAME(square)(const NF_ACC *restrict a, const NF_ACC *restrict b, ptrdiff_t n,
                            bool first, NF_ACC *restrict out)
{
    if (first)
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] = (a[i] - b[i]) * (a[i] - b[i]);
    else
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] += (a[i] - b[i]) * (a[i] - b[i]);
}

static void NF_NAME(squares)(const NF_NAME(part) * part, int half, ptrdiff_t away, NF_ACC *out)
{
    for (int y = -half; y < part->rows + half; y++, out += part->width) {
        const NF_ACC *row = part->in + y * part->down - half;
        for (int c = 0; c < part->channels; c++, row += part->plane)
            NF_NAME(square)(row, row + away, part->width, c == 0, out);
    }
}

/* out[i] = in[i] + in[i + far], and where `odd` the single element at i + 2 far. */
static void NF_NAME(pair)(const NF_ACC *restrict in, ptrdiff_t far, bool odd,
                          const NF_ACC *restrict single, ptrdiff_t n, NF_ACC *restrict out)
{
    if (odd)
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] = (in[i] + in[i + far]) + single[i + 2 * far];
    else
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] = in[i] + in[i + far];
}

/* n sums of `terms` elements `step` apart, each from one element on: by the digits of `terms`,
 * from the highest. Returns which of the buffers has them. */
static int NF_NAME(add_up)(NF_NAME(buffers) * b, int from, ptrdiff_t n, ptrdiff_t step, int terms)
{
    int last = from, digit = 0, done = 1;
    while (terms >> (digit + 1) > 0)
        digit++;
    while (--digit >= 0) {
        bool odd = terms >> digit & 1;
        int next = last == (from + 1) % 3 ? (from + 2) % 3 : (from + 1) % 3;
        ptrdiff_t count = n + (terms - (2 * done + odd)) * step;
        NF_NAME(pair)(b->sums[last], done * step, odd, b->sums[from], count, b->sums[next]);
        done = 2 * done + odd;
        last = next;
    }
    return last;
}

static inline __attribute__((always_inline)) void
NF_NAME(weigh_known)(const NF_ACC *restrict sums, const NF_ACC *restrict in, ptrdiff_t plane,
                     ptrdiff_t n, NF_ACC rate, NF_ACC *restrict weight, NF_ACC *restrict value,
                     const int channels)
{
    const NF_ACC most = (NF_ACC)most_bits;
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_ACC x = sums[i] * rate, w = x > most ? 0 : NF_EXP2_MINUS(x);
        weight[i] += w;
        _Pragma("GCC unroll 4") for (int c = 0; c < channels; c++)
        {
            value[c * ROWS * WIDTH + i] += w * in[c * plane + i];
        }
    }
}

/* Adds n cells to the means, weighted by the sums over their patches. By loops in which the
 * compiler knows the number of channels. */
static __attribute__((noinline)) void
NF_NAME(weigh)(const NF_ACC *restrict sums, const NF_ACC *restrict in, ptrdiff_t plane, ptrdiff_t n,
               NF_ACC rate, NF_ACC *restrict weight, NF_ACC *restrict value, int channels)
{
    if (channels == 1)
        NF_NAME(weigh_known)(sums, in, plane, n, rate, weight, value, 1);
    else if (channels == 2)
        NF_NAME(weigh_known)(sums, in, plane, n, rate, weight, value, 2);
    else if (channels == 3)
        NF_NAME(weigh_known)(sums, in, plane, n, rate, weight, value, 3);
    else
        NF_NAME(weigh_known)(sums, in, plane, n, rate, weight, value, 4);
}

/* One displacement. */
static void NF_NAME(add)(const NF_NAME(part) * part, const nlm_config *conf, int dy, int dx,
                         NF_NAME(buffers) * b)
{
    ptrdiff_t away = dy * part->down + dx, n = part->rows * part->width;
    NF_NAME(squares)(part, conf->patch / 2, away, b->sums[0]);
    int summed = NF_NAME(add_up)(b, 0, n, part->width, conf->patch);
    summed = NF_NAME(add_up)(b, summed, n - (conf->patch - 1), 1, conf->patch);
    for (int y = 0; y < part->rows; y++) {
        ptrdiff_t at = y * part->width;
        NF_NAME(weigh)
        (b->sums[summed] + at, part->in + y * part->down + away, part->plane, part->columns,
         (NF_ACC)conf->rate, b->weight + at, b->value[0] + at, part->channels);
    }
}

static void NF_NAME(means)(const NF_NAME(part) * part, const nlm_config *conf, NF_T *out,
                           ptrdiff_t out_down)
{
    NF_NAME(buffers) b;
    int reach = conf->search / 2;
    memset(b.weight, 0, sizeof b.weight);
    memset(b.value, 0, sizeof b.value);
    for (int dy = -reach; dy <= reach; dy++)
        for (int dx = -reach; dx <= reach; dx++)
            NF_NAME(add)(part, conf, dy, dx, &b);
    for (int y = 0; y < part->rows; y++)
        for (int c = 0; c < part->channels; c++)
            for (int x = 0, at = y * part->width; x < part->columns; x++, at++)
                out[y * out_down + x * part->channels + c] =
                    NF_STORE(b.value[c][at] / b.weight[at]);
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const nlm_config *conf = config;
    int64_t high = tile->size[1], wide = tile->size[2], most = WIDTH - (conf->patch - 1);
    const NF_ACC *first = NF_SCRATCH_ROW(tile, conf->margin), *next = NF_SCRATCH_ROW(tile, 1);
    NF_NAME(part)
    part = {.down = next - (const NF_ACC *)NF_SCRATCH_ROW(tile, 0),
            .plane = (ptrdiff_t)wide + 2 * conf->margin,
            .channels = tile->channels};
    (void)partial;
    for (int64_t y = 0; y < high; y += ROWS) {
        part.rows = (int)(high - y < ROWS ? high - y : ROWS);
        NF_NAME(take)(tile, conf, y, part.rows);
        for (int64_t x = 0; x < wide; x += most) {
            part.in = first + conf->margin + x;
            part.columns = (int)(wide - x < most ? wide - x : most);
            part.width = part.columns + conf->patch - 1;
            NF_NAME(means)
            (&part, conf, NF_ROW_OUT(tile, 0, y) + x * tile->channels, tile->out_stride[1]);
        }
    }
}

#endif
