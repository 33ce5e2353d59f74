/* sweep.c - tiles of a sweep, by the threads of a rank.
 *
 * A tile is done strip by strip. What the last stage writes for a strip decides what each stage
 * before it must have written; of that, only what is new is computed: the rows that a stage has
 * written for the strips before are kept, as many as the next stage still reads. So no row is
 * computed twice within the tiles that a thread does one below the other. */
#include "drivers/engine/sweep.h"

#include <string.h>

#include "drivers/engine/team.h"

size_t nf_kept_bytes(void)
{
    return nf_round_up(sizeof(nf_kept), 64);
}

/* Whether stage i writes to a buffer instead of the field. */
static bool is_buffered(const nf_pass *pass, size_t i)
{
    return i + 1 < pass->count || pass->reduces;
}

/* ---- memory ---- */

/* The largest room for what stage i writes, cells around the tile included. */
static size_t room_bytes(const nf_pass *pass, size_t i)
{
    const nf_tiling *t = &pass->tiling;
    const nf_shape *shape = &pass->stages[i]->setup.out;
    int64_t extent[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        extent[d] = (d == t->along ? t->strip : t->largest[d]) + nf_pass_margin(pass, i, d);
    size_t row = (size_t)(extent[2] * shape->channels) * nf_dtype_size(shape->dtype);
    return (size_t)(extent[0] * extent[1]) * nf_round_up(row, 64);
}

size_t nf_sweep_measure(nf_pass *pass)
{
    size_t scratch_rows = 0, bytes;
    pass->scratch_stride = 0;
    for (size_t i = 0; i < pass->count; i++) {
        const nf_setup *setup = &pass->stages[i]->setup;
        int64_t cells = pass->tiling.largest[2] + nf_pass_margin(pass, i, 2) +
                        nf_stage_reach(pass->stages[i], 2);
        size_t stride = nf_round_up((size_t)(cells * setup->in.channels), 8);
        pass->scratch_stride = stride > pass->scratch_stride ? stride : pass->scratch_stride;
        size_t rows = (size_t)setup->scratch_rows;
        scratch_rows = rows > scratch_rows ? rows : scratch_rows;
    }
    bytes = scratch_rows * pass->scratch_stride * sizeof(double);
    for (size_t i = 0; i < pass->count; i++) {
        pass->buffer_at[i] = nf_kept_bytes() + bytes;
        bytes += is_buffered(pass, i) ? room_bytes(pass, i) : 0;
    }
    return bytes;
}

static nf_kept *kept_of(const nf_plan *plan, int thread)
{
    return (nf_kept *)(void *)(plan->workspace + (size_t)thread * plan->workspace_stride);
}

/* ---- one stage of one strip ---- */

static nf_tile make_tile(const nf_box *box, const nf_patch *in, const nf_patch *out)
{
    nf_tile tile = {.channels = in->channels};
    for (int d = 0; d < NF_DIMS; d++) {
        tile.lo[d] = box->lo[d];
        tile.size[d] = nf_box_extent(box, d);
        tile.in_stride[d] = in->stride[d];
        tile.out_stride[d] = out != NULL ? out->stride[d] : 0;
    }
    tile.in = in->origin != NULL ? nf_patch_at(in, box->lo) : NULL;
    tile.out = out != NULL ? nf_patch_at(out, box->lo) : NULL;
    return tile;
}

/* Stage i's buffer, empty, standing for `room`. */
static nf_patch empty_patch(const nf_pass *pass, nf_kept *kept, size_t i, const nf_box *room)
{
    const nf_shape *shape = &pass->stages[i]->setup.out;
    size_t size = nf_dtype_size(shape->dtype);
    size_t row = (size_t)nf_box_extent(room, 2) * nf_cell_bytes(shape);
    nf_patch patch = {.box = *room, .channels = shape->channels, .dtype = shape->dtype};
    patch.origin = (char *)kept + pass->buffer_at[i];
    patch.stride[2] = shape->channels;
    patch.stride[1] = (ptrdiff_t)(nf_round_up(row, 64) / size);
    patch.stride[0] = patch.stride[1] * nf_box_extent(room, 1);
    return patch;
}

/* Makes stage i's buffer stand for `room`, of which it holds the rows before `done` already: they
 * move to its beginning. */
static void make_room(const nf_pass *pass, nf_kept *kept, size_t i, const nf_box *room)
{
    int d = pass->tiling.along;
    nf_patch *patch = &kept->patch[i];
    int64_t gone = room->lo[d] - patch->box.lo[d], left = kept->done[i] - room->lo[d];
    ptrdiff_t step = patch->stride[d] * (ptrdiff_t)nf_dtype_size(patch->dtype);
    if (gone > 0)
        memmove(patch->origin, patch->origin + gone * step, (size_t)(left * step));
    patch->box = *room;
}

/* What `with` is at the box of a tile. */
static void set_with(nf_tile *tile, const nf_field *field, const nf_box *box)
{
    nf_patch with = nf_field_patch(field);
    tile->with = nf_patch_at(&with, box->lo);
    memcpy(tile->with_stride, with.stride, sizeof tile->with_stride);
}

static void apply(const nf_sweep *s, nf_kept *kept, size_t i, const nf_box *box, const nf_patch *in,
                  const nf_patch *out)
{
    const nf_stage *stage = s->pass->stages[i];
    nf_tile tile = make_tile(box, in, out);
    tile.scratch = (double *)(void *)((char *)kept + nf_kept_bytes());
    tile.scratch_stride = s->pass->scratch_stride;
    if (stage->kernel->two_inputs) /* its chain began with this pass */
        set_with(&tile, s->from, box);
    stage->kernel->apply[in->dtype](&tile, stage->setup.config, NULL);
}

static void reduce(const nf_sweep *s, int thread, int64_t item, const nf_box *box,
                   const nf_patch *in)
{
    nf_tile tile = make_tile(box, in, NULL);
    if (s->with != NULL)
        set_with(&tile, s->with, box);
    for (size_t e = 0; e < s->pass->nends; e++) {
        const nf_partials *end = &s->pass->ends[e];
        const nf_kernel *kernel = end->stage->kernel;
        int64_t slot = kernel->any_order ? thread : item;
        nf_apply *add = end->surveys ? kernel->survey[in->dtype] : kernel->apply[in->dtype];
        add(&tile, end->stage->setup.config, end->memory + (size_t)slot * end->stride);
    }
}

/* ---- one strip ---- */

/* What each stage has to write for this strip that it has not written for those before. */
static void find_fresh(const nf_pass *pass, const nf_kept *kept, const nf_box *strip,
                       nf_box fresh[NF_MAX_FUSED])
{
    int d = pass->tiling.along;
    nf_pass_boxes(pass, strip, fresh);
    for (size_t i = 0; i < pass->count; i++)
        if (kept->done[i] > fresh[i].lo[d])
            fresh[i].lo[d] = kept->done[i];
}

/* Stage i's part of a strip; returns the patch that it has written to. */
static nf_patch run_stage(const nf_sweep *s, nf_kept *kept, size_t i,
                          const nf_box fresh[NF_MAX_FUSED], const nf_patch *in)
{
    const nf_pass *pass = s->pass;
    bool last = i + 1 == pass->count;
    nf_patch out;
    if (is_buffered(pass, i)) {
        const nf_stage *next = last ? NULL : pass->stages[i + 1];
        nf_box room = last ? fresh[i] : nf_box_grow(&fresh[i + 1], &next->setup.halo);
        if (kept->done[i] > room.lo[pass->tiling.along])
            make_room(pass, kept, i, &room);
        else
            kept->patch[i] = empty_patch(pass, kept, i, &room);
        out = kept->patch[i];
    } else {
        out = nf_field_patch(s->to);
    }
    if (!nf_box_empty(&fresh[i])) {
        apply(s, kept, i, &fresh[i], in, &out);
        kept->done[i] = fresh[i].hi[pass->tiling.along];
    }
    if (!last && pass->stages[i + 1]->fills)
        nf_fill_border(&out, pass->in.dim, pass->stages[i + 1]->border,
                       pass->stages[i + 1]->border_value);
    return out;
}

static void run_strip(const nf_sweep *s, int thread, int64_t item, const nf_box *strip)
{
    const nf_pass *pass = s->pass;
    nf_kept *kept = kept_of(s->plan, thread);
    nf_box fresh[NF_MAX_FUSED];
    nf_patch at = {.channels = 1, .dtype = NF_NONE};
    if (s->from != NULL)
        at = nf_field_patch(s->from);
    find_fresh(pass, kept, strip, fresh);
    for (size_t i = 0; i < pass->count; i++) {
        /* Where the next stage has nothing new to write, this one has not either; the next one then does
         * not look at what it is given. */
        if (i + 1 < pass->count && nf_box_empty(&fresh[i + 1]))
            continue;
        at = run_stage(s, kept, i, fresh, &at);
    }
    if (pass->reduces)
        reduce(s, thread, item, strip, &at);
}

/* ---- one tile ---- */

/* Whether the tile goes on below the one that this thread has done last. */
static bool goes_on(const nf_pass *pass, uint64_t sweep, const nf_kept *kept, const nf_box *tile)
{
    int d = pass->tiling.along;
    if (kept->sweep != sweep || tile->lo[d] != kept->last.hi[d])
        return false;
    for (int other = 0; other < NF_DIMS; other++)
        if (other != d &&
            (tile->lo[other] != kept->last.lo[other] || tile->hi[other] != kept->last.hi[other]))
            return false;
    return true;
}

static void begin_tile(const nf_pass *pass, uint64_t sweep, nf_kept *kept, const nf_box *tile)
{
    if (!goes_on(pass, sweep, kept, tile))
        for (size_t i = 0; i < pass->count; i++)
            kept->done[i] = INT64_MIN;
    kept->sweep = sweep;
    kept->last = *tile;
}

/* The tile's next strip, after `strip` where that is not NULL; empty: there is none. */
static nf_box next_strip(const nf_tiling *t, const nf_box *tile, const nf_box *strip)
{
    nf_box next = *tile;
    int d = t->along;
    next.lo[d] = strip == NULL ? tile->lo[d] : strip->hi[d];
    next.hi[d] = tile->hi[d] - next.lo[d] < t->strip ? tile->hi[d] : next.lo[d] + t->strip;
    return next;
}

/* What looks more often than it thought is not done more than wholly. */
static void show_done(nf_plan *plan)
{
    plan->watched += plan->watched < plan->total;
    nf_watch_show(&plan->watch, (double)plan->watched, (double)plan->total);
}

static void run_tile(void *context, int thread, int64_t number)
{
    const nf_sweep *s = context;
    const nf_tiling *t = &s->pass->tiling;
    int64_t item = s->pass->tiles[number + (s->inner ? 0 : s->pass->inner)];
    nf_box tile = nf_tiling_box(t, item);
    begin_tile(s->pass, s->number, kept_of(s->plan, thread), &tile);
    for (nf_box strip = next_strip(t, &tile, NULL); !nf_box_empty(&strip);
         strip = next_strip(t, &tile, &strip))
        run_strip(s, thread, item, &strip);
    if (thread == 0 && s->inner)
        nf_exchange_advance(s->pass->exchange);
    if (thread == 0)
        show_done(s->plan);
}

void nf_sweep_before_halo(nf_sweep *s)
{
    s->inner = true;
    nf_team_run(s->plan->world.threads, s->pass->inner, run_tile, s);
}

typedef struct edge {
    const nf_pass *pass;
    nf_patch patch; /* the block and its halo */
    int d, threads;
} edge;

static void fill_edge(void *context, int thread, int64_t part)
{
    const edge *e = context;
    (void)thread;
    nf_fill_border_share(&e->patch, e->pass->in.dim, e->pass->border, e->pass->border_value, e->d,
                         part, e->threads);
}

/* Whether the patch reaches beyond the array in dimension d. */
static bool has_edge(const edge *e)
{
    return e->pass->border != NF_WRAP &&
           (e->patch.box.lo[e->d] < 0 || e->patch.box.hi[e->d] > e->pass->in.dim[e->d]);
}

void nf_sweep_after_halo(nf_sweep *s, nf_field *from)
{
    const nf_pass *pass = s->pass;
    int threads = s->plan->world.threads;
    nf_team_phase phases[NF_DIMS + 1] = {{0, NULL, NULL}};
    edge edges[NF_DIMS];
    s->inner = false;
    phases[NF_DIMS] = (nf_team_phase){pass->ntiles - pass->inner, run_tile, s};
    for (int d = 0; d < NF_DIMS && !nf_halo_none(&pass->halo) && pass->ntiles > 0; d++) {
        edge *e = &edges[d];
        *e = (edge){pass, nf_field_patch(from), NF_DIMS - 1 - d, threads};
        e->patch.box = nf_box_grow(&from->own, &pass->halo);
        e->patch.origin = nf_field_at(from, e->patch.box.lo);
        phases[d] = (nf_team_phase){has_edge(e) ? threads : 0, fill_edge, e};
    }
    nf_team_run_phases(threads, phases, NF_DIMS + 1);
}

/* ---- counting ---- */

static double tile_flops(const nf_pass *pass, nf_kept *kept, const nf_box *tile)
{
    double flops = 0;
    begin_tile(pass, 1, kept, tile);
    for (nf_box strip = next_strip(&pass->tiling, tile, NULL); !nf_box_empty(&strip);
         strip = next_strip(&pass->tiling, tile, &strip)) {
        nf_box fresh[NF_MAX_FUSED];
        find_fresh(pass, kept, &strip, fresh);
        for (size_t i = 0; i < pass->count; i++) {
            const nf_setup *setup = &pass->stages[i]->setup;
            if (nf_box_empty(&fresh[i]))
                continue;
            flops += (double)nf_box_cells(&fresh[i]) * setup->out.channels * setup->flops_per_cell;
            kept->done[i] = fresh[i].hi[pass->tiling.along];
        }
    }
    return flops;
}

double nf_sweep_flops(const nf_plan *plan, const nf_pass *pass)
{
    int threads = plan->world.threads;
    const int64_t begin[] = {0, pass->inner}, count[] = {pass->inner, pass->ntiles - pass->inner};
    double flops = 0;
    for (int t = 0; t < threads; t++) {
        nf_kept kept = {.sweep = 0};
        for (int part = 0; part < 2; part++) {
            int64_t end = nf_team_first(count[part], threads, t + 1);
            for (int64_t i = nf_team_first(count[part], threads, t); i < end; i++) {
                nf_box tile = nf_tiling_box(&pass->tiling, pass->tiles[begin[part] + i]);
                flops += tile_flops(pass, &kept, &tile);
            }
        }
    }
    return flops;
}
