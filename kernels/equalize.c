/* equalize.c - histogram equalisation, all channels together (`channel:index=` takes one out): value
 * v becomes what part of the elements above the least value is not greater than v, of the whole range.
 * u8 is OpenCV's equalizeHist, to its product in single precision that is rounded half to even; u16
 * the same with its own range, in double, rounded halves up. Where all elements are equal they stay as
 * they are. Floats are refused: `normalize | scale:a=65535 | cast:to=u16` brings them here. */
#ifndef NF_T

#include <math.h>

#include "kernels/counts.h"
#include "kernels/isa.h"
#include "kernels/point.h"

typedef struct equalize_config {
    nf_counts_config counting;
    uint16_t table[65536]; /* learned: what each value becomes */
} equalize_config;

#define NF_BODY "kernels/equalize.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    equalize_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    int64_t values = setup->in.dtype == NF_U8 ? 256 : 65536;
    config->counting = nf_counts_make(values, 0, (double)values);
    setup->config = config;
    setup->partial_bytes = nf_counts_bytes(values);
    setup->flops_per_cell = 1;
    return NF_OK;
}

static void fold(void *into, const void *next, const void *config)
{
    nf_counts_fold(into, next, ((const equalize_config *)config)->counting.bins);
}

/* `below` of `all` elements, those of the least value left out of both, of the whole range. */
static uint16_t level(int64_t values, int64_t below, int64_t all)
{
    if (values == 256)
        return (uint16_t)rintf((float)below * (255.0F / (float)all));
    return nf_store_u16((double)below * 65535 / (double)all);
}

static void fill_table(equalize_config *config, const nf_counts *counts)
{
    int64_t values = config->counting.bins, all = 0, below = 0, least = 0;
    while (least < values - 1 && counts->bin[least] == 0)
        least++;
    for (int64_t v = least + 1; v < values; v++)
        all += counts->bin[v];
    for (int64_t v = 0; v < values; v++) {
        below += v > least ? counts->bin[v] : 0;
        config->table[v] = all == 0 ? (uint16_t)v : level(values, below, all);
    }
}

static bool learn(void *config, const void *partial)
{
    if (partial == NULL)
        return true;
    fill_table(config, partial);
    return false;
}

/* ---- the reference: each element counts those that are less and not greater by itself ---- */

typedef struct standing {
    double least;
    int64_t equal_least, not_greater, all;
} standing;

static standing stand(const nf_cells *in, double v)
{
    standing s = {.least = INFINITY};
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++) {
                    double w = in->at(in, z, y, x, c);
                    s.equal_least = w < s.least ? 0 : s.equal_least;
                    s.least = fmin(s.least, w);
                    s.equal_least += w == s.least;
                    s.not_greater += w <= v;
                    s.all++;
                }
    return s;
}

static bool reference_learn(const nf_cells *in, void *config)
{
    equalize_config *conf = config;
    for (int64_t v = 0; v < conf->counting.bins; v++)
        conf->table[v] = 0;
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++) {
                    double v = in->at(in, z, y, x, c);
                    standing s = stand(in, v);
                    int64_t all = s.all - s.equal_least, below = s.not_greater - s.equal_least;
                    conf->table[(int)v] =
                        all == 0 ? (uint16_t)v : level(conf->counting.bins, below, all);
                }
    return false;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    return ((const equalize_config *)config)->table[(int)in->at(in, z, y, x, c)];
}

const nf_kernel NF_ISA_NAME(nf_kernel_equalize) = {
    .name = "equalize",
    .summary = "histogram equalisation",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .prepare = prepare,
    .apply = {[NF_U8] = apply_u8, [NF_U16] = apply_u16},
    .survey = {[NF_U8] = survey_u8, [NF_U16] = survey_u16},
    .fold = fold,
    .any_order = true,
    .adds = true,
    .learn = learn,
    .reference_cell = reference_cell,
    .reference_learn = reference_learn,
    .tolerance = 0,
};

#else

#include "kernels/counts.h"
#include "kernels/point.h"

static inline void NF_NAME(survey)(const nf_tile *tile, const void *config, void *partial)
{
    NF_NAME(nf_counts_add)(partial, &((const equalize_config *)config)->counting, tile);
}

static inline void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
                                    int channels, const void *config)
{
    const uint16_t *table = ((const equalize_config *)config)->table;
    for (ptrdiff_t i = 0; i < cells * channels; i++)
        out[i] = (NF_T)table[(int)in[i] & 65535];
}

NF_POINT_APPLY

#endif
