#include "drivers/engine/bands.h"

#include <stdlib.h>

#include "drivers/engine/resample.h"
#include "drivers/engine/sweep.h"

static int64_t floor_to(int64_t n, int64_t unit)
{
    return n / unit * unit;
}

nf_bands nf_bands_of(const nf_pass *pass, int rank)
{
    nf_bands b = {.slab = nf_cut_block(&pass->cut, rank), .slow = nf_pass_slowest(pass)};
    b.height = pass->band;
    if (nf_box_empty(&b.slab))
        return b;
    b.first = floor_to(b.slab.lo[b.slow], b.height);
    b.count = (b.slab.hi[b.slow] - b.first - 1) / b.height + 1;
    return b;
}

nf_box nf_bands_box(const nf_bands *b, int64_t number)
{
    nf_box box = b->slab;
    int d = b->slow;
    int64_t lo = b->first + number * b->height, hi = lo + b->height;
    box.lo[d] = lo > box.lo[d] ? lo : box.lo[d];
    box.hi[d] = hi < box.hi[d] ? hi : box.hi[d];
    return box;
}

int64_t nf_bands_most(const nf_plan *plan, const nf_pass *pass)
{
    int64_t most = 0;
    for (int rank = 0; rank < plan->world.size; rank++) {
        nf_bands b = nf_bands_of(pass, rank);
        most = b.count > most ? b.count : most;
    }
    return most;
}

int64_t nf_bands_unit(const nf_plan *plan, const nf_pass *pass)
{
    int64_t fixed[NF_DIMS], given = plan->options.align;
    if (plan->ordered && pass->reduces) {
        nf_tile_fixed(&pass->in, fixed);
        return fixed[nf_pass_slowest(pass)];
    }
    return given > 1 ? given : 1;
}

nf_box nf_bands_reads(const nf_pass *pass, const nf_bands *b, const nf_box *band)
{
    nf_box box = *band;
    int d = b->slow;
    int64_t lo = band->lo[d] - pass->halo.lo[d], hi = band->hi[d] + pass->halo.hi[d];
    bool wraps = pass->border == NF_WRAP;
    box.lo[d] = lo >= 0 || wraps ? lo : 0;
    box.hi[d] = hi <= pass->in.dim[d] || wraps ? hi : pass->in.dim[d];
    return box;
}

int64_t nf_bands_cells(const nf_pass *pass, const nf_bands *b, const nf_box *band, int64_t *beyond)
{
    int64_t inside;
    if (pass->kind == NF_RESAMPLING) {
        nf_sources_count(pass, band, &inside, beyond);
        return inside;
    }
    nf_box reads = nf_bands_reads(pass, b, band);
    *beyond = 0;
    return nf_box_cells(&reads);
}

int64_t nf_bands_most_cells(const nf_pass *pass, const nf_bands *b, int64_t *beyond)
{
    int64_t most = 0, some;
    *beyond = 0;
    for (int64_t i = 0; i < b->count; i++) {
        nf_box band = nf_bands_box(b, i);
        int64_t cells = nf_bands_cells(pass, b, &band, &some);
        most = cells > most ? cells : most;
        *beyond = some > *beyond ? some : *beyond;
    }
    return most;
}

/* ---- tiles ---- */

static size_t measure(nf_pass *pass)
{
    return pass->kind == NF_RESAMPLING ? nf_resample_measure(pass) : nf_sweep_measure(pass);
}

static void choose_tiles(const nf_plan *plan, nf_pass *pass, const nf_box *band)
{
    if (pass->tiling.fixed[0] == 0)
        nf_tiling_choose(plan, pass, band);
}

static int64_t count_tiles(const nf_pass *pass, const nf_box *band)
{
    bool fixed = pass->tiling.fixed[0] > 0;
    return fixed ? nf_tiling_within(&pass->tiling, band, NULL) : nf_tiling_count(&pass->tiling);
}

nf_status nf_bands_tile(const nf_plan *plan, nf_pass *pass, const nf_box *band)
{
    choose_tiles(plan, pass, band);
    measure(pass);
    int64_t count = count_tiles(pass, band);
    int64_t *tiles = realloc(pass->tiles, (size_t)(count + 1) * sizeof *tiles);
    if (tiles == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a list of %lld tiles", (long long)count);
    pass->tiles = tiles;
    pass->ntiles = count;
    if (pass->tiling.fixed[0] > 0)
        nf_tiling_within(&pass->tiling, band, tiles);
    for (int64_t i = 0; pass->tiling.fixed[0] == 0 && i < count; i++)
        tiles[i] = i;
    return NF_OK;
}

/* ---- memory ---- */

/* The first band, one between, and the last differ in height, and so may their tiles; those that
 * resample read boxes of any size. */
static size_t most_workspace(const nf_plan *plan, nf_pass *pass, const nf_bands *b)
{
    size_t most = 0;
    for (int64_t i = 0; i < b->count; i++) {
        if (i == 2 && pass->kind != NF_RESAMPLING)
            i = b->count - 1;
        nf_box box = nf_bands_box(b, i);
        choose_tiles(plan, pass, &box);
        size_t bytes = measure(pass);
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* Of one place. */
static size_t input_bytes(const nf_pass *pass, const nf_bands *b, const nf_box *band)
{
    if (pass->kind != NF_RESAMPLING)
        return nf_field_bytes(&pass->in, band, &pass->halo);
    int64_t beyond, inside = nf_bands_most_cells(pass, b, &beyond);
    return (size_t)(inside + beyond) * nf_cell_bytes(&pass->in);
}

int64_t nf_bands_bytes(const nf_plan *plan, nf_pass *pass, int64_t height, size_t *workspace)
{
    const nf_halo none = {{0}, {0}};
    pass->band = height;
    nf_bands b = nf_bands_of(pass, plan->world.rank);
    *workspace = 0;
    if (b.count == 0)
        return 0;
    nf_box band = b.slab;
    if (height < nf_box_extent(&band, b.slow))
        band.hi[b.slow] = band.lo[b.slow] + height;
    size_t places = b.count > 1 ? 2 : 1, bytes = input_bytes(pass, &b, &band);
    if (plan->with.dtype != NF_NONE && pass->reduces)
        bytes += nf_field_bytes(&plan->with, &band, &none);
    if (!pass->reduces)
        bytes += nf_field_bytes(&pass->out, &band, &none);
    *workspace = most_workspace(plan, pass, &b);
    size_t threads = (size_t)plan->world.threads;
    return (int64_t)(places * bytes + threads * nf_workspace_stride(*workspace));
}
