/* canny_edges.c - the first half of OpenCV's Canny: 2 at the ridges of the gradient's magnitude that are
 * above `high`, 1 at those above `low` only, 0 elsewhere; `hysteresis:low=0,high=1,connectivity=2` is the
 * second. Sobel's 3x3 gradient, the array's edge repeated beyond it; |dx| + |dy|, or with l2=yes
 * sqrt(dx^2 + dy^2), of each cell's channel where that is largest (the first such); beyond the edge the
 * magnitude is 0. A ridge is no lower than its two neighbours across the edge, in the nearest of four
 * directions, and higher than the first of them (than both, on the diagonals). */
#include <math.h>
#include <string.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct canny_config {
    int low, high; /* thresholds of the magnitude, or of its square */
    bool square;
    int64_t rows, columns; /* of the array */
} canny_config;

static nf_status prepare(nf_setup *setup)
{
    canny_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    double low = setup->values[0].real, high = setup->values[1].real;
    config->square = setup->values[2].integer == 1;
    if (low > high) { /* as OpenCV does */
        double t = low;
        low = high, high = t;
    }
    if (config->square) {
        low = fmin(low, 32767), high = fmin(high, 32767);
        low *= low, high *= high;
    }
    config->low = (int)floor(low), config->high = (int)floor(high);
    config->rows = setup->in.dim[1], config->columns = setup->in.dim[2];
    setup->config = config;
    setup->halo = (nf_halo){{0, 2, 2}, {0, 2, 2}};
    setup->out.channels = 1;
    setup->scratch_rows = 3;
    setup->flops_per_cell = 40;
    return NF_OK;
}

/* ---- gradients ---- */

/* One row of the gradient, a cell beyond the tile on both sides: in one scratch row, which has a double
 * for each cell. */
typedef struct gradient_row {
    int32_t *size; /* |dx| + |dy|, or dx^2 + dy^2 */
    int16_t *dx, *dy;
} gradient_row;

static gradient_row gradient_at(const nf_tile *tile, int64_t y)
{
    int64_t cells = tile->size[2] + 2;
    double *row = tile->scratch + (size_t)((y + 3) % 3) * tile->scratch_stride;
    gradient_row g = {.size = (int32_t *)(void *)row};
    g.dx = (int16_t *)(void *)(g.size + cells);
    g.dy = g.dx + cells;
    return g;
}

/* The gradient of one channel in `n` cells; rows a, b, c from the cell before on. */
static inline void differentiate(const uint8_t *restrict a, const uint8_t *restrict b,
                                 const uint8_t *restrict c, ptrdiff_t step, ptrdiff_t n,
                                 int16_t *restrict dx, int16_t *restrict dy)
{
    for (ptrdiff_t x = 0; x < n; x++) {
        ptrdiff_t l = x * step, m = l + step, r = m + step;
        dx[x] = (int16_t)((a[r] - a[l]) + 2 * (b[r] - b[l]) + (c[r] - c[l]));
        dy[x] = (int16_t)((c[l] - a[l]) + 2 * (c[m] - a[m]) + (c[r] - a[r]));
    }
}

static inline int32_t size_of(int dx, int dy, bool square)
{
    return square ? dx * dx + dy * dy : (dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy);
}

static inline void measure(const gradient_row *g, ptrdiff_t n, bool square)
{
    const int16_t *restrict dx = g->dx, *restrict dy = g->dy;
    int32_t *restrict size = g->size;
    for (ptrdiff_t x = 0; x < n && square; x++)
        size[x] = size_of(dx[x], dy[x], true);
    for (ptrdiff_t x = 0; x < n && !square; x++)
        size[x] = size_of(dx[x], dy[x], false);
}

/* Of each cell the channel whose gradient is largest. */
static void choose_channel(const uint8_t *a, const uint8_t *b, const uint8_t *c, int channels,
                           ptrdiff_t n, bool square, const gradient_row *g)
{
    for (ptrdiff_t x = 0; x < n; x++) {
        g->size[x] = -1;
        for (int k = 0; k < channels; k++) {
            int16_t dx, dy;
            ptrdiff_t at = x * channels + k;
            differentiate(a + at, b + at, c + at, channels, 1, &dx, &dy);
            int32_t size = size_of(dx, dy, square);
            if (size > g->size[x])
                g->size[x] = size, g->dx[x] = dx, g->dy[x] = dy;
        }
    }
}

/* Row y of the tile, which may be one beyond it; magnitudes beyond the array are 0. */
static void make_row(const nf_tile *tile, int64_t y, const canny_config *config)
{
    gradient_row g = gradient_at(tile, y);
    ptrdiff_t n = (ptrdiff_t)tile->size[2] + 2, down = tile->in_stride[1];
    int channels = tile->channels;
    const uint8_t *row = (const uint8_t *)tile->in + y * down - 2 * channels;
    int64_t at = tile->lo[1] + y;
    if (at < 0 || at >= config->rows) {
        memset(g.size, 0, (size_t)n * sizeof *g.size);
        return;
    }
    if (channels == 1) {
        differentiate(row - down, row, row + down, 1, n, g.dx, g.dy);
        measure(&g, n, config->square);
    } else {
        choose_channel(row - down, row, row + down, channels, n, config->square, &g);
    }
    if (tile->lo[2] == 0)
        g.size[0] = 0;
    if (tile->lo[2] + tile->size[2] == config->columns)
        g.size[n - 1] = 0;
}

/* ---- ridges ---- */

/* tan(22.5 degrees) in units of 2^-15, as OpenCV rounds it; tan(67.5 degrees) is 2 more. Everything is
 * chosen, nothing branched over: the loop is for vectors. */
static void mark_row(const gradient_row *up, const gradient_row *here, const gradient_row *down,
                     ptrdiff_t n, int low, int high, uint8_t *restrict out)
{
    enum { TAN_22 = 13573 };
    const int32_t *restrict a = up->size, *restrict b = here->size, *restrict c = down->size;
    const int16_t *restrict dx = here->dx, *restrict dy = here->dy;
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t x = i + 1;
        int32_t m = b[x], across = dx[x] < 0 ? -dx[x] : dx[x], along = dy[x] < 0 ? -dy[x] : dy[x];
        int32_t tan_22 = across * TAN_22, tan_67 = tan_22 + (across << 16);
        along <<= 15;
        int level = (m > b[x - 1]) & (m >= b[x + 1]);
        int upright = (m > a[x]) & (m >= c[x]);
        int falling = (m > a[x - 1]) & (m > c[x + 1]), rising = (m > a[x + 1]) & (m > c[x - 1]);
        int diagonal = (dx[x] ^ dy[x]) < 0 ? rising : falling;
        int ridge = along < tan_22 ? level : along > tan_67 ? upright : diagonal;
        out[i] = (uint8_t)((ridge & (m > low)) + (ridge & (m > low) & (m > high)));
    }
}

static void apply(const nf_tile *tile, const void *config, void *partial)
{
    const canny_config *conf = config;
    (void)partial;
    for (int64_t y = -1; y <= tile->size[1]; y++) {
        make_row(tile, y, conf);
        if (y < 1)
            continue;
        gradient_row up = gradient_at(tile, y - 2), here = gradient_at(tile, y - 1),
                     down = gradient_at(tile, y);
        mark_row(&up, &here, &down, (ptrdiff_t)tile->size[2], conf->low, conf->high,
                 (uint8_t *)tile->out + (y - 1) * tile->out_stride[1]);
    }
}

/* ---- reference ---- */

static double sobel(const nf_cells *in, int64_t y, int64_t x, int c, bool down)
{
    double sum = 0;
    for (int i = -1; i <= 1; i++)
        for (int j = -1; j <= 1; j++)
            sum += (down ? i * (2 - j * j) : j * (2 - i * i)) * in->at(in, 0, y + i, x + j, c);
    return sum;
}

/* The magnitude, or its square, and the gradient that it is of. */
static double strength(const nf_cells *in, const canny_config *config, int64_t y, int64_t x,
                       double *dx, double *dy)
{
    double most = -1;
    if (y < 0 || y >= config->rows || x < 0 || x >= config->columns)
        return 0;
    for (int c = 0; c < in->shape.channels; c++) {
        double gx = sobel(in, y, x, c, false), gy = sobel(in, y, x, c, true);
        double size = config->square ? gx * gx + gy * gy : fabs(gx) + fabs(gy);
        if (size > most)
            most = size, *dx = gx, *dy = gy;
    }
    return most;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int channel)
{
    const canny_config *conf = config;
    double dx = 0, dy = 0, unused, ratio = 13573.0 / 32768;
    (void)z, (void)channel;
    double m = strength(in, conf, y, x, &dx, &dy);
    int i = 0, j = 0; /* the direction across the edge */
    if (fabs(dy) < ratio * fabs(dx))
        j = 1;
    else if (fabs(dy) > (ratio + 2) * fabs(dx))
        i = 1;
    else
        i = 1, j = dx * dy < 0 ? -1 : 1;
    double before = strength(in, conf, y - i, x - j, &unused, &unused);
    double after = strength(in, conf, y + i, x + j, &unused, &unused);
    bool ridge = m > before && (i != 0 && j != 0 ? m > after : m >= after);
    return ridge && m > conf->low ? 1 + (m > conf->high) : 0;
}

static const char *const yes_no[] = {"no", "yes", NULL};

static const nf_param params[] = {
    {"low", NF_PARAM_REAL, "magnitude", NULL, 0, 1e6, NULL, "ridges above this are weak edges"},
    {"high", NF_PARAM_REAL, "magnitude", NULL, 0, 1e6, NULL, "ridges above this are strong edges"},
    {"l2", NF_PARAM_CHOICE, "", "no", 0, 0, yes_no,
     "the magnitude is the root of the sum of squares, not the sum of absolute values"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_canny_edges) = {
    .name = "canny_edges",
    .summary = "Canny's edges before hysteresis: 2 strong, 1 weak, 0 none",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_U8] = apply},
    .reference_cell = reference_cell,
    .tolerance = 0,
};
