/* tiling.c - how a block is cut into tiles and strips, so that what a strip touches stays in a
 * core's second-level cache and every thread has as much to do as the others. */
#include <string.h>

#include "drivers/engine/resample.h"

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Within least and most; where they contradict each other, least. */
static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
    v = v < most ? v : most;
    return v > least ? v : least;
}

/* About 128 Ki elements: a few of them in different types fit in a core's second-level cache. At
 * most 4 Ki elements wide, and, so that small arrays can be shared out too, at least 32 tiles high.
 */
void nf_tile_fixed(const nf_shape *shape, int64_t tile[NF_DIMS])
{
    enum { ELEMENTS = 1 << 17, WIDTH = 4096, PIECES = 32 };
    tile[0] = tile[1] = 1;
    if (shape->dim[0] * shape->dim[1] == 1) {
        tile[2] = clamp(ceil_div(shape->dim[2], PIECES), 4096, ELEMENTS / 2);
    } else {
        int64_t columns = ceil_div(shape->dim[2] * shape->channels, WIDTH);
        tile[2] = ceil_div(shape->dim[2], columns);
        int64_t rows = ELEMENTS / (tile[2] * shape->channels);
        tile[1] = clamp(rows, 1, clamp(ceil_div(shape->dim[1], PIECES), 8, 256));
        tile[0] = clamp(rows / shape->dim[1], 1, clamp(ceil_div(shape->dim[0], PIECES), 1, 64));
    }
    for (int d = 0; d < NF_DIMS; d++)
        tile[d] = clamp(tile[d], 1, shape->dim[d]);
}

/* ---- the size of a strip ---- */

/* Bytes that a strip of this extent has in use for each cell across it: the rows of the input, of
 * what each stage leaves to the next, and of the output. */
static int64_t bytes_across(const nf_pass *pass, int along, int64_t strip)
{
    int64_t bytes = strip * (int64_t)nf_cell_bytes(&pass->out);
    for (size_t i = 0; i < pass->count; i++) {
        const nf_stage *stage = pass->stages[i];
        bytes += (strip + nf_stage_reach(stage, along)) * (int64_t)nf_cell_bytes(&stage->setup.in);
    }
    return bytes;
}

/* How many cells across a strip may have, so that it stays in the second-level cache. */
static int64_t room_across(const nf_plan *plan, const nf_pass *pass, int along, int64_t strip)
{
    return (int64_t)plan->options.caches.l2 / bytes_across(pass, along, strip);
}

/* The height that the stages ask for, as far as it leaves whole rows in one piece, or, where these are
 * cut anyhow, pieces that are worth fetching ahead. */
static int64_t asked_strip(const nf_plan *plan, const nf_pass *pass, int along, bool whole)
{
    enum { MOST = 64, PIECE = 512 };
    int64_t asked = 0, least = whole ? pass->in.dim[2] : PIECE;
    for (size_t i = 0; i < pass->count; i++)
        asked = pass->stages[i]->setup.strip > asked ? pass->stages[i]->setup.strip : asked;
    asked = asked < MOST ? asked : MOST;
    while (asked > 0 && room_across(plan, pass, along, asked) < least)
        asked /= 2;
    return asked;
}

/* Rows that each stage keeps are moved once a strip, so that it should be no lower than those are
 * many; but whole rows of the array, which the processor fetches ahead best, are worth up to twice
 * that. Stages that read rows again for each strip may ask for a higher one. */
static int64_t choose_strip(const nf_plan *plan, const nf_pass *pass, int along)
{
    enum { LEAST = 8, MOST = 64 };
    int64_t strip = LEAST;
    for (size_t i = 1; i < pass->count; i++) {
        int halo = nf_stage_reach(pass->stages[i], along);
        strip = halo > strip ? halo : strip;
    }
    strip = strip < MOST ? strip : MOST;
    bool fits = room_across(plan, pass, along, strip) >= pass->in.dim[2];
    strip = fits ? strip : strip / 2;
    int64_t asked = asked_strip(plan, pass, along, fits);
    return asked > strip ? asked : strip;
}

static void choose_across(const nf_plan *plan, const nf_pass *pass, nf_tiling *t)
{
    enum { NARROWEST = 256, RANGE = 1 << 16, MOST_RANGES = 4096 };
    const int64_t *dim = pass->in.dim;
    if (pass->in.dtype == NF_NONE) {
        int64_t asked = pass->ends->stage->setup.a_tile;
        t->strip = t->largest[0] = t->largest[1] = 1;
        t->largest[2] = asked > 0 ? asked : clamp(ceil_div(dim[2], MOST_RANGES), RANGE, INT64_MAX);
        return;
    }
    t->strip = choose_strip(plan, pass, t->along);
    int64_t room = room_across(plan, pass, t->along, t->strip);
    t->largest[0] = t->largest[1] = 1;
    t->largest[2] = clamp(room, NARROWEST, dim[2]);
    if (t->along == 0)
        t->largest[1] = clamp(room / t->largest[2], 1, dim[1]);
    /* A row of an image that is one row high is as good as many short ones. */
    if (dim[0] * dim[1] == 1)
        t->largest[2] = clamp(room * t->strip, NARROWEST, dim[2]);
}

/* ---- cutting the block ---- */

/* Parts along a dimension: enough to keep within the largest extent. */
static int64_t parts_of(const nf_tiling *t, int d)
{
    return ceil_div(nf_box_extent(&t->own, d), t->largest[d]);
}

/* A tile is as high as the rows that it computes twice, with the tile before, do not matter, and as
 * low as every thread gets several of the same size. */
static void choose_along(const nf_plan *plan, nf_tiling *t)
{
    enum { ROWS = 64, CALL = 1 << 14 };
    int64_t rows = nf_box_extent(&t->own, t->along), threads = plan->world.threads;
    int64_t across = 1;
    for (int d = t->along + 1; d < NF_DIMS; d++)
        across *= clamp(nf_box_extent(&t->own, d), 1, t->largest[d]);
    /* Short rows go by many at a time. */
    t->strip = clamp(CALL / across, t->strip, INT64_MAX);
    int64_t high = ROWS > t->strip ? ROWS : t->strip;
    int64_t a_thread = clamp(rows / (threads * high), 1, INT64_MAX);
    t->mine[t->along] = clamp(threads * a_thread, 1, rows);
    /* Too few rows to go round: cut across, too. */
    if (t->mine[t->along] < threads) {
        int64_t parts = t->mine[2] * t->mine[t->along];
        int64_t wanted = ceil_div(parts, threads) * threads / t->mine[t->along];
        int64_t most = ceil_div(nf_box_extent(&t->own, 2), 64);
        t->mine[2] = clamp(wanted, t->mine[2], most > t->mine[2] ? most : t->mine[2]);
    }
}

static void cut_evenly(const nf_plan *plan, nf_tiling *t)
{
    const int64_t *told = plan->options.tile;
    for (int d = 0; d < NF_DIMS; d++) {
        if (told[d] > 0)
            t->largest[d] = told[d];
        t->mine[d] = parts_of(t, d);
    }
    if (told[t->along] > 0)
        t->strip = clamp(t->strip, 1, told[t->along]);
    else
        choose_along(plan, t);
    for (int d = 0; d < NF_DIMS; d++)
        t->largest[d] = ceil_div(nf_box_extent(&t->own, d), t->mine[d]);
    /* No low strip at the end of a tile: all of nearly the same height, if need be an eighth more. */
    t->strip = ceil_div(t->largest[t->along], ceil_div(8 * t->largest[t->along], 9 * t->strip));
}

/* The grid is the whole array's, and a tile goes through at once: what is folded in which order may
 * depend on nothing else. */
static void cut_fixed(const nf_shape *shape, nf_tiling *t)
{
    nf_tile_fixed(shape, t->fixed);
    memcpy(t->largest, t->fixed, sizeof t->largest);
    t->strip = t->fixed[t->along];
    for (int d = 0; d < NF_DIMS; d++) {
        t->first[d] = t->own.lo[d] / t->fixed[d];
        t->all[d] = ceil_div(shape->dim[d], t->fixed[d]);
        t->mine[d] = ceil_div(t->own.hi[d], t->fixed[d]) - t->first[d];
    }
}

void nf_tiling_choose(const nf_plan *plan, nf_pass *pass, const nf_box *block)
{
    nf_tiling *t = &pass->tiling;
    *t = (nf_tiling){.own = *block, .along = pass->out.ndim == 3 ? 0 : 1};
    if (nf_box_empty(&t->own))
        return;
    if (pass->kind == NF_RESAMPLING) {
        nf_resample_tile(plan, pass, t);
    } else if (plan->ordered && pass->reduces) {
        cut_fixed(&pass->in, t);
    } else {
        choose_across(plan, pass, t);
        t->largest[t->along] = nf_box_extent(&t->own, t->along);
        cut_evenly(plan, t);
    }
    t->strip = clamp(t->strip, 1, t->largest[t->along]);
}

nf_tiling nf_tiling_of(const nf_pass *pass, int rank)
{
    nf_tiling t = {.own = nf_cut_block(&pass->cut, rank), .along = pass->tiling.along};
    if (!nf_box_empty(&t.own))
        cut_fixed(&pass->in, &t);
    return t;
}

/* ---- places ---- */

int64_t nf_tiling_count(const nf_tiling *t)
{
    return t->mine[0] * t->mine[1] * t->mine[2];
}

/* The place of tile i in this rank's grid: `along` changes fastest. */
static void place(const nf_tiling *t, int64_t i, int64_t at[NF_DIMS])
{
    at[t->along] = i % t->mine[t->along];
    i /= t->mine[t->along];
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        if (d == t->along)
            continue;
        at[d] = i % t->mine[d];
        i /= t->mine[d];
    }
}

nf_box nf_tiling_box(const nf_tiling *t, int64_t i)
{
    int64_t at[NF_DIMS];
    nf_box box;
    place(t, i, at);
    for (int d = 0; d < NF_DIMS; d++) {
        int64_t extent = nf_box_extent(&t->own, d), size = t->fixed[d];
        if (size > 0) {
            box.lo[d] = (t->first[d] + at[d]) * size;
            box.hi[d] = box.lo[d] + size;
        } else {
            box.lo[d] = t->own.lo[d] + extent * at[d] / t->mine[d];
            box.hi[d] = t->own.lo[d] + extent * (at[d] + 1) / t->mine[d];
        }
    }
    return nf_box_intersect(&box, &t->own);
}

int64_t nf_tiling_within(const nf_tiling *t, const nf_box *band, int64_t *tiles)
{
    nf_tiling part = *t;
    int64_t at[NF_DIMS], before[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++) {
        before[d] = band->lo[d] / t->fixed[d] - t->first[d];
        part.mine[d] = ceil_div(band->hi[d], t->fixed[d]) - t->first[d] - before[d];
    }
    for (int64_t i = 0; tiles != NULL && i < nf_tiling_count(&part); i++) {
        int64_t number = 0;
        place(&part, i, at);
        for (int d = 0; d < NF_DIMS; d++)
            number = d == t->along ? number : number * t->mine[d] + before[d] + at[d];
        tiles[i] = number * t->mine[t->along] + before[t->along] + at[t->along];
    }
    return nf_tiling_count(&part);
}

int64_t nf_tiling_number(const nf_tiling *t, int64_t i)
{
    int64_t at[NF_DIMS], number = 0;
    place(t, i, at);
    for (int d = 0; d < NF_DIMS; d++)
        number = number * t->all[d] + t->first[d] + at[d];
    return number;
}
