/* life.c - cellular automata of two states, Conway's Life by default: a cell with a count of living
 * neighbours, of the eight around it, that is among `born` comes to life; one that lives stays
 * alive where the count is among `survive`; every other one dies. An element lives where it is not
 * 0; living ones come out as 255, white. Each channel for itself. On a torus: border=wrap.
 */
#include <string.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"
#include "kernels/window.h"

/* Bit of a sum that says that the cell in the middle lives. */
enum { ALIVE = 16, COUNTS = 9 };

/* What the sums over a cell and its neighbours, with ALIVE where the cell lives, must be for it to
 * live on. */
typedef struct life_config {
    int count;
    uint8_t live[2 * COUNTS];
} life_config;

/* A list of counts: each once, `extra` added; -1 is none. */
static bool add_counts(life_config *config, const nf_value *counts, int extra)
{
    bool seen[COUNTS] = {false};
    for (size_t i = 0; i < counts->count; i++) {
        int n = (int)counts->list[i];
        if ((double)n != counts->list[i])
            return false;
        if (n < 0 || seen[n])
            continue;
        seen[n] = true;
        config->live[config->count++] = (uint8_t)(n + extra);
    }
    return true;
}

static nf_status prepare(nf_setup *setup)
{
    life_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    bool born = add_counts(config, &setup->values[1], 0);
    if (!born || !add_counts(config, &setup->values[2], ALIVE + 1)) {
        setup->param = born ? "survive" : "born";
        setup->problem = "neighbours are counted in whole numbers";
        return NF_ERR_PARAM;
    }
    setup->steps = setup->values[0].integer;
    setup->config = config;
    setup->halo = (nf_halo){{0, 1, 1}, {0, 1, 1}};
    setup->scratch_rows = 2;
    setup->flops_per_cell = 4 + config->count;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const life_config *conf = config;
    bool alive = in->at(in, z, y, x, c) != 0;
    int around = -alive;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            around += in->at(in, z, y + dy, x + dx, c) != 0;
    for (int i = 0; i < conf->count; i++) {
        bool survives = conf->live[i] >= ALIVE;
        if (survives == alive && around == conf->live[i] - (survives ? ALIVE + 1 : 0))
            return 255;
    }
    return 0;
}

/* Of each element and those above and below it, how many live. */
static void sum_columns(const uint8_t *restrict in, ptrdiff_t down, ptrdiff_t n,
                        uint8_t *restrict sums)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sums[i] = (uint8_t)((in[i - down] != 0) + (in[i] != 0) + (in[i + down] != 0));
}

static void sum_rows(const uint8_t *restrict sums, const uint8_t *restrict in, ptrdiff_t step,
                     ptrdiff_t n, uint8_t *restrict key)
{
    for (ptrdiff_t i = 0; i < n; i++)
        key[i] = (uint8_t)(sums[i - step] + sums[i] + sums[i + step] + (in[i] != 0 ? ALIVE : 0));
}

static void choose(const uint8_t *restrict key, ptrdiff_t n, const life_config *conf,
                   uint8_t *restrict out)
{
    memset(out, 0, (size_t)n);
    for (int k = 0; k < conf->count; k++) {
        const uint8_t live = conf->live[k];
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] |= (uint8_t)(key[i] == live ? 255 : 0);
    }
}

static void apply(const nf_tile *tile, const void *config, void *partial)
{
    enum { PIECE = 1024 };
    ptrdiff_t step = tile->channels, n = (ptrdiff_t)tile->size[2] * step;
    uint8_t *sums = NF_SCRATCH_ROW(tile, 0), *key = NF_SCRATCH_ROW(tile, 1);
    (void)partial;
    for (int64_t y = 0; y < tile->size[1]; y++) {
        const uint8_t *in = (const uint8_t *)tile->in + y * tile->in_stride[1];
        uint8_t *out = (uint8_t *)tile->out + y * tile->out_stride[1];
        sum_columns(in - step, tile->in_stride[1], n + 2 * step, sums);
        sum_rows(sums + step, in, step, n, key);
        for (ptrdiff_t i = 0; i < n; i += PIECE)
            choose(key + i, n - i < PIECE ? n - i : PIECE, config, out + i);
    }
}

static const nf_param params[] = {
    {"steps", NF_PARAM_INTEGER, "steps", "1", 1, 1e9, NULL, "generations"},
    {"born", NF_PARAM_LIST, "cells", "3", -1, 8, NULL,
     "counts of living neighbours that bring a cell to life; -1: none"},
    {"survive", NF_PARAM_LIST, "cells", "2,3", -1, 8, NULL,
     "counts of living neighbours that keep a cell alive; -1: none"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_life) = {
    .name = "life",
    .summary = "Conway's Life, or another rule of births and survivals",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_U8] = apply},
    .reference_cell = reference_cell,
    .tolerance = 0,
};
