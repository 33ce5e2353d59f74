#include "drivers/engine/resample.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/moves.h"
#include "drivers/engine/sweep.h"
#include "drivers/engine/team.h"

/* What a rank's block reads, and where it is brought together, unless the rank owns it. */
struct nf_sources {
    nf_box source, inside;
    bool collects, beyond; /* cells of others; cells beyond the array */
    nf_patch array, all;   /* the cells inside (where it collects); with those beyond (likewise) */
    nf_moves moves;
    void *requests;
};

/* ---- which cells are read ---- */

nf_box nf_resample_source(const nf_stage *stage, const nf_box *out)
{
    nf_box source;
    stage->kernel->source(stage->setup.config, out->lo, out->hi, source.lo, source.hi);
    return source;
}

int64_t nf_resample_index(const nf_stage *stage, int64_t i, int d)
{
    return nf_border_index(i, stage->setup.in.dim[d], stage->border);
}

nf_box nf_resample_inside(const nf_stage *stage, const nf_box *source)
{
    nf_box whole = nf_box_whole(&stage->setup.in), inside = nf_box_intersect(source, &whole);
    for (int d = 0; d < NF_DIMS && stage->border != NF_CONSTANT; d++) {
        if (source->lo[d] >= 0 && source->hi[d] <= whole.hi[d])
            continue;
        inside.lo[d] = 0, inside.hi[d] = whole.hi[d];
        if (nf_box_extent(source, d) >= 2 * whole.hi[d]) /* a period at least */
            continue;
        inside.lo[d] = whole.hi[d], inside.hi[d] = 0;
        for (int64_t i = source->lo[d]; i < source->hi[d]; i++) {
            int64_t at = nf_resample_index(stage, i, d);
            inside.lo[d] = at < inside.lo[d] ? at : inside.lo[d];
            inside.hi[d] = at >= inside.hi[d] ? at + 1 : inside.hi[d];
        }
    }
    return inside;
}

/* What the block of a rank reads of the array; empty, where it has no block. */
static nf_box wanted_by(const nf_pass *pass, int rank)
{
    nf_box block = nf_cut_block(&pass->cut, rank);
    if (nf_box_empty(&block))
        return block;
    nf_box source = nf_resample_source(pass->stages[0], &block);
    return nf_resample_inside(pass->stages[0], &source);
}

/* ---- tiles ---- */

/* Slabs across the slowest dimension that there is and that may be cut, several for each thread. */
void nf_resample_tile(const nf_plan *plan, const nf_pass *pass, nf_tiling *t)
{
    enum { A_THREAD = 4 };
    unsigned whole = pass->stages[0]->setup.whole;
    int slow = 0;
    while (slow < NF_DIMS - 1 && (nf_box_extent(&t->own, slow) == 1 || whole & 1U << slow))
        slow++;
    for (int d = 0; d < NF_DIMS; d++) {
        int64_t extent = nf_box_extent(&t->own, d), told = plan->options.tile[d];
        int64_t parts = d == slow ? A_THREAD * plan->world.threads : 1;
        parts = told > 0 ? (extent + told - 1) / told : parts;
        parts = whole & 1U << d ? 1 : parts < extent ? parts : extent;
        t->mine[d] = parts;
        t->largest[d] = (extent + parts - 1) / parts;
    }
    t->strip = t->largest[t->along];
}

size_t nf_resample_measure(nf_pass *pass)
{
    const nf_setup *setup = &pass->stages[0]->setup;
    int64_t out = pass->tiling.largest[2] * setup->out.channels, in = 0;
    if (!nf_box_empty(&pass->tiling.own)) {
        nf_box source = nf_resample_source(pass->stages[0], &pass->tiling.own);
        in = nf_box_extent(&source, 2) * setup->in.channels;
    }
    int64_t wide = out > in ? out : in;
    for (int d = 0; d < NF_DIMS; d++)
        if (setup->whole & 1U << d && setup->out.dim[d] >= wide)
            wide = setup->out.dim[d] + 1;
    pass->scratch_stride = nf_round_up((size_t)wide, 8);
    return (size_t)setup->scratch_rows * pass->scratch_stride * sizeof(double);
}

/* ---- what goes where ---- */

static void add_move(nf_move *list, int *count, int rank, const nf_box *a, const nf_box *b)
{
    nf_box both = nf_box_intersect(a, b);
    if (!nf_box_empty(&both))
        list[(*count)++] = (nf_move){rank, both};
}

static nf_status list_moves(const nf_plan *plan, const nf_pass *pass, nf_sources *g)
{
    nf_moves *m = &g->moves;
    int rank = plan->world.rank, size = plan->world.size;
    nf_box own = nf_cut_block(&pass->from_cut, rank);
    m->in = calloc((size_t)size, sizeof *m->in);
    m->out = calloc((size_t)size, sizeof *m->out);
    if (m->in == NULL || m->out == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for lists of %d ranks", size);
    for (int r = 0; r < size; r++) {
        nf_box theirs = nf_cut_block(&pass->from_cut, r), wanted = wanted_by(pass, r);
        if (r == rank)
            continue;
        if (!nf_box_empty(&g->inside) && !nf_box_empty(&theirs))
            add_move(m->in, &m->nin, r, &g->inside, &theirs);
        if (!nf_box_empty(&wanted) && !nf_box_empty(&own))
            add_move(m->out, &m->nout, r, &wanted, &own);
    }
    g->requests = malloc(nf_move_requests(m) + 1);
    return g->requests ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for messages");
}

/* Room for a box; an empty one gets none. */
static nf_status make_room(const nf_shape *shape, const nf_box *box, nf_patch *patch)
{
    int64_t extent[NF_DIMS];
    *patch = (nf_patch){.box = *box, .channels = shape->channels, .dtype = shape->dtype};
    if (nf_box_empty(box))
        return NF_OK;
    nf_box_extents(box, extent);
    nf_dense_strides(extent, shape->channels, patch->stride);
    size_t bytes = (size_t)nf_box_cells(box) * nf_cell_bytes(shape);
    patch->origin = aligned_alloc(64, nf_round_up(bytes, 64));
    if (patch->origin != NULL)
        return NF_OK;
    return nf_fail(NF_ERR_MEMORY, "no memory for %zu MiB that a block reads, beyond what it has",
                   bytes >> 20);
}

nf_status nf_sources_create(const nf_plan *plan, const nf_pass *pass, nf_sources **sources)
{
    const nf_shape *shape = &pass->in;
    nf_sources *g = *sources = calloc(1, sizeof *g);
    nf_box own = nf_cut_block(&pass->from_cut, plan->world.rank);
    if (g == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    if (!nf_box_empty(&pass->tiling.own)) {
        nf_box whole = nf_box_whole(shape);
        g->source = nf_resample_source(pass->stages[0], &pass->tiling.own);
        g->inside = nf_resample_inside(pass->stages[0], &g->source);
        g->beyond = !nf_box_contains(&whole, &g->source);
        g->collects =
            !nf_box_empty(&g->inside) && (nf_box_empty(&own) || !nf_box_contains(&own, &g->inside));
    }
    nf_status status = list_moves(plan, pass, g);
    if (status == NF_OK && g->collects)
        status = make_room(shape, &g->inside, &g->array);
    if (status == NF_OK && g->beyond)
        status = make_room(shape, &g->source, &g->all);
    return status;
}

void nf_sources_free(nf_sources *g)
{
    if (g == NULL)
        return;
    free(g->moves.in);
    free(g->moves.out);
    free(g->requests);
    free(g->array.origin);
    free(g->all.origin);
    free(g);
}

int64_t nf_sources_cells(const nf_sources *g)
{
    return nf_box_empty(&g->inside) ? 0 : nf_box_cells(&g->inside);
}

nf_traffic nf_sources_traffic(const nf_sources *g)
{
    nf_traffic in = {.messages = g->moves.nin};
    for (int i = 0; i < g->moves.nin; i++)
        in.cells += nf_box_cells(&g->moves.in[i].box);
    in.bytes = in.cells * g->array.channels * (int64_t)nf_dtype_size(g->array.dtype);
    return in;
}

/* ---- one band after the other ---- */

static void find_boxes(const nf_pass *pass, const nf_box *out, nf_sources *g)
{
    nf_box whole = nf_box_whole(&pass->in);
    g->source = nf_resample_source(pass->stages[0], out);
    g->inside = nf_resample_inside(pass->stages[0], &g->source);
    g->beyond = !nf_box_contains(&whole, &g->source);
}

void nf_sources_count(const nf_pass *pass, const nf_box *out, int64_t *inside, int64_t *all)
{
    nf_sources g;
    find_boxes(pass, out, &g);
    *inside = nf_box_empty(&g.inside) ? 0 : nf_box_cells(&g.inside);
    *all = g.beyond ? nf_box_cells(&g.source) : 0;
}

nf_status nf_sources_reserve(const nf_pass *pass, int64_t inside, int64_t all, nf_sources **sources)
{
    nf_sources *g = *sources = calloc(1, sizeof *g);
    const nf_box boxes[] = {{{0, 0, 0}, {1, 1, inside}}, {{0, 0, 0}, {1, 1, all}}};
    if (g == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    g->collects = true;
    nf_status status = make_room(&pass->in, &boxes[0], &g->array);
    return status == NF_OK ? make_room(&pass->in, &boxes[1], &g->all) : status;
}

static void stand_for(nf_patch *patch, const nf_box *box)
{
    int64_t extent[NF_DIMS];
    patch->box = *box;
    nf_box_extents(box, extent);
    nf_dense_strides(extent, patch->channels, patch->stride);
}

nf_patch nf_sources_aim(nf_sources *g, const nf_pass *pass, const nf_box *out)
{
    find_boxes(pass, out, g);
    stand_for(&g->array, &g->inside);
    if (g->beyond)
        stand_for(&g->all, &g->source);
    return g->array;
}

/* ---- running ---- */

typedef struct resampling {
    const nf_plan *plan;
    const nf_pass *pass;
    const nf_sources *sources;
    nf_patch own, array, in,
        out; /* this rank's block; what stands for cells inside; what tiles read */
} resampling;

/* Row `i` of a box, its planes' rows counted through. */
static void row_at(const nf_box *box, int64_t i, int64_t at[NF_DIMS])
{
    int64_t rows = nf_box_extent(box, 1);
    at[0] = box->lo[0] + i / rows;
    at[1] = box->lo[1] + i % rows;
    at[2] = box->lo[2];
}

static int64_t rows_of(const nf_box *box)
{
    return nf_box_empty(box) ? 0 : nf_box_extent(box, 0) * nf_box_extent(box, 1);
}

/* This rank's own cells of those inside, to where all of them are brought together. */
static void copy_own(void *context, int thread, int64_t row)
{
    const resampling *r = context;
    nf_box both = nf_box_intersect(&r->sources->inside, &r->own.box);
    int64_t at[NF_DIMS];
    (void)thread;
    row_at(&both, row, at);
    memcpy(nf_patch_at(&r->array, at), nf_patch_at(&r->own, at),
           (size_t)(nf_box_extent(&both, 2) * r->own.channels) * nf_dtype_size(r->own.dtype));
}

/* A row of what tiles read: cells inside the array, and for those beyond it what the border says. */
static void fill_row(void *context, int thread, int64_t row)
{
    const resampling *r = context;
    const nf_stage *stage = r->pass->stages[0];
    const nf_patch *all = &r->sources->all;
    size_t bytes = (size_t)all->channels * nf_dtype_size(all->dtype);
    char constant[NF_MAX_CHANNELS * sizeof(double)];
    int64_t at[NF_DIMS], from[NF_DIMS];
    (void)thread;
    nf_border_cell(all->dtype, all->channels, stage->border_value, constant);
    row_at(&all->box, row, at);
    char *to = nf_patch_at(all, at);
    for (int d = 0; d < NF_DIMS - 1; d++)
        from[d] = nf_resample_index(stage, at[d], d);
    for (int64_t x = at[2], run = 1; x < all->box.hi[2]; x += run, to += (size_t)run * bytes) {
        from[2] = nf_resample_index(stage, x, 2);
        bool outside = from[0] < 0 || from[1] < 0 || from[2] < 0;
        int64_t edge = r->pass->in.dim[2] < all->box.hi[2] ? r->pass->in.dim[2] : all->box.hi[2];
        run = !outside && x >= 0 && x < edge ? edge - x : 1;
        memcpy(to, outside ? constant : (const char *)nf_patch_at(&r->array, from),
               (size_t)run * bytes);
    }
}

static void run_tile(void *context, int thread, int64_t i)
{
    const resampling *r = context;
    const nf_stage *stage = r->pass->stages[0];
    nf_box box = nf_tiling_box(&r->pass->tiling, i), source = nf_resample_source(stage, &box);
    char *workspace = r->plan->workspace + (size_t)thread * r->plan->workspace_stride;
    nf_tile tile = {.channels = r->in.channels,
                    .in = nf_patch_at(&r->in, source.lo),
                    .out = nf_patch_at(&r->out, box.lo),
                    .scratch = (double *)(void *)(workspace + nf_kept_bytes()),
                    .scratch_stride = r->pass->scratch_stride};
    memcpy(tile.lo, box.lo, sizeof tile.lo);
    memcpy(tile.in_lo, source.lo, sizeof tile.in_lo);
    memcpy(tile.in_stride, r->in.stride, sizeof tile.in_stride);
    memcpy(tile.out_stride, r->out.stride, sizeof tile.out_stride);
    nf_box_extents(&box, tile.size);
    stage->kernel->apply[r->in.dtype](&tile, stage->setup.config, NULL);
}

static void fill_beyond(resampling *r)
{
    const nf_sources *g = r->sources;
    if (!g->beyond)
        return;
    nf_team_run(r->plan->world.threads, rows_of(&g->all.box), fill_row, r);
    r->in = g->all;
}

/* Brings together what this rank's tiles read. */
static void collect(resampling *r, nf_times *times)
{
    const nf_sources *g = r->sources;
    int threads = r->plan->world.threads;
    r->array = r->in = r->own;
    if (g->collects) {
        nf_box mine = nf_box_intersect(&g->inside, &r->own.box);
        r->array = r->in = g->array;
        nf_team_run(threads, rows_of(&mine), copy_own, r);
    }
    double start = nf_seconds();
    nf_move_boxes(&r->plan->world, &g->moves, &r->own, &r->array, g->requests);
    times->halo += nf_seconds() - start;
    fill_beyond(r);
}

void nf_resample(nf_plan *plan, const nf_pass *pass, const nf_field *from, const nf_field *to,
                 nf_times *times)
{
    resampling r = {.plan = plan, .pass = pass, .sources = pass->sources};
    r.own = (nf_patch){.channels = pass->in.channels, .dtype = pass->in.dtype};
    if (!nf_box_empty(&from->own)) {
        r.own = nf_field_patch(from);
        r.own.box = from->own;
        r.own.origin = from->origin;
    }
    collect(&r, times);
    if (!nf_box_empty(&to->own))
        r.out = nf_field_patch(to);
    nf_team_run(plan->world.threads, pass->ntiles, run_tile, &r);
}

void nf_resample_band(nf_plan *plan, const nf_pass *pass, nf_sources *sources, const nf_field *to)
{
    resampling r = {.plan = plan, .pass = pass, .sources = sources};
    r.array = r.in = sources->array;
    r.out = nf_field_patch(to);
    fill_beyond(&r);
    nf_team_run(plan->world.threads, pass->ntiles, run_tile, &r);
}
