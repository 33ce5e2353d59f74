/* run.c - running a plan: sweeps over tiles, halos exchanged meanwhile, partial results folded. */
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/fold.h"
#include "drivers/engine/plan_parts.h"
#include "drivers/engine/team.h"

typedef struct sweep {
    nf_plan *plan;
    const nf_group *group;
    const nf_pass *pass;
    const nf_field *from; /* NULL for a range */
    const nf_field *to;   /* NULL where the pass reduces */
    int64_t first;        /* of the pass's list of tiles */
} sweep;

/* ---- one tile ---- */

static char *thread_memory(const nf_plan *plan, int thread)
{
    return plan->workspace + (size_t)thread * (plan->scratch_bytes + 2 * plan->buffer_bytes);
}

/* A thread's buffer (0 or 1) as a patch for this box of a stage's input or output. */
static nf_patch buffer_patch(const sweep *s, int thread, size_t number, const nf_box *box,
                             const nf_shape *shape)
{
    size_t size = nf_dtype_size(shape->dtype);
    nf_patch patch = {.box = *box, .channels = shape->channels, .dtype = shape->dtype};
    patch.origin = thread_memory(s->plan, thread) + s->plan->scratch_bytes +
                   number % 2 * s->plan->buffer_bytes;
    size_t row = (size_t)(nf_box_extent(box, 2) * shape->channels);
    patch.stride[2] = shape->channels;
    patch.stride[1] = (ptrdiff_t)((row * size + 63) / 64 * 64 / size);
    patch.stride[0] = patch.stride[1] * nf_box_extent(box, 1);
    return patch;
}

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

static void reduce_tile(const sweep *s, int thread, int64_t item, const nf_box *box,
                        const nf_patch *in)
{
    nf_tile tile = make_tile(box, in, NULL);
    for (size_t e = 0; e < s->group->nends; e++) {
        const nf_partials *end = &s->group->ends[e];
        int64_t slot = end->stage->kernel->any_order ? thread : item;
        end->stage->kernel->apply[in->dtype](&tile, end->stage->setup.config,
                                             end->memory + (size_t)slot * end->stride);
    }
}

/* All stages of the pass on one tile: from the field through the thread's two buffers in turn. */
static void run_tile(void *context, int thread, int64_t number)
{
    const sweep *s = context;
    const nf_pass *pass = s->pass;
    int64_t item = pass->tiles[s->first + number];
    nf_box tile_box = nf_plan_tile(s->plan, item), written[NF_MAX_FUSED], needed[NF_MAX_FUSED];
    nf_patch in = {.channels = 1, .dtype = NF_NONE};
    if (s->from != NULL)
        in = nf_field_patch(s->from);
    nf_pass_boxes(pass, &tile_box, written, needed);
    for (size_t i = 0; i < pass->count; i++) {
        const nf_stage *stage = &pass->stages[i];
        bool last = i + 1 == pass->count;
        const nf_box *room = last ? &written[i] : &needed[i + 1];
        nf_patch out = last && s->to != NULL ? nf_field_patch(s->to)
                                             : buffer_patch(s, thread, i, room, &stage->setup.out);
        nf_tile tile = make_tile(&written[i], &in, &out);
        tile.scratch = (double *)(void *)thread_memory(s->plan, thread);
        tile.scratch_stride = pass->scratch_stride;
        stage->kernel->apply[in.dtype](&tile, stage->setup.config, NULL);
        if (!last && stage[1].fills)
            nf_fill_border(&out, pass->in.dim, stage[1].border, stage[1].border_value);
        in = out;
    }
    if (pass->reduces)
        reduce_tile(s, thread, item, &tile_box, &in);
    if (thread == 0)
        nf_watch_show(&s->plan->watch, (double)++s->plan->watched, (double)s->plan->total);
}

/* ---- one sweep ---- */

static nf_patch halo_patch(const nf_field *field, const nf_halo *halo)
{
    nf_patch patch = nf_field_patch(field);
    patch.box = nf_box_grow(&field->own, halo);
    patch.origin = nf_field_at(field, patch.box.lo);
    return patch;
}

static void run_sweep(sweep *s, nf_field *from, nf_times *times)
{
    const nf_pass *pass = s->pass;
    double start = nf_seconds();
    if (pass->exchange != NULL)
        nf_exchange_begin(pass->exchange, from);
    double sent = nf_seconds();
    s->first = 0;
    nf_team_run(s->plan->world.threads, pass->inner, run_tile, s);
    double inner = nf_seconds();
    if (pass->exchange != NULL)
        nf_exchange_end(pass->exchange, from);
    double received = nf_seconds();
    if (pass->exchange != NULL && pass->ntiles > 0) {
        nf_patch patch = halo_patch(from, &pass->halo);
        nf_fill_border(&patch, pass->in.dim, pass->border, pass->border_value);
    }
    s->first = pass->inner;
    nf_team_run(s->plan->world.threads, pass->ntiles - pass->inner, run_tile, s);
    times->halo += sent - start + received - inner;
}

static void run_pass(nf_plan *plan, nf_group *group, size_t p, nf_field *in, nf_field *out,
                     nf_times *times)
{
    nf_pass *pass = &group->passes[p];
    nf_field *final = pass->reduces ? NULL : p + 1 < group->npasses ? &pass->result : out;
    nf_field *from = in;
    for (int64_t step = 0; step < pass->steps; step++) {
        nf_field *to = step + 1 == pass->steps ? final : &pass->temp[step % 2];
        sweep s = {.plan = plan, .group = group, .pass = pass, .from = from, .to = to};
        run_sweep(&s, from, times);
        from = to;
    }
}

/* ---- partial results ---- */

static void start_partials(const nf_partials *end)
{
    for (int64_t i = 0; i < end->count; i++) {
        char *partial = end->memory + (size_t)i * end->stride;
        memset(partial, 0, end->stride);
        if (end->stage->kernel->start != NULL)
            end->stage->kernel->start(partial, end->stage->setup.config);
    }
}

static void fold_in(const nf_partials *end, char *into, const char *next)
{
    end->stage->kernel->fold(into, next, end->stage->setup.config);
}

/* Rank 0: the partials of all tiles, each rank's put at its tile's place. */
static void collect_tiles(const nf_plan *plan, const nf_partials *end, char *all, char *buffer)
{
    for (int rank = 0; rank < plan->world.size; rank++) {
        nf_plan theirs = *plan;
        nf_plan_place(&theirs, rank);
        int64_t count = theirs.mine[0] * theirs.mine[1] * theirs.mine[2];
        const char *from = rank == 0 ? end->memory : buffer;
        if (rank > 0 && count > 0)
            nf_receive(&plan->world, buffer, (size_t)count * end->stride, rank);
        for (int64_t i = 0; i < count; i++)
            memcpy(all + (size_t)nf_plan_tile_number(&theirs, i) * end->stride,
                   from + (size_t)i * end->stride, end->stride);
    }
}

static nf_status fold_ordered(const nf_plan *plan, const nf_partials *end)
{
    int64_t tiles = plan->grid[0] * plan->grid[1] * plan->grid[2];
    size_t bytes = (size_t)tiles * end->stride;
    char *all = NULL, *buffer = NULL;
    nf_status status = NF_OK;
    if (plan->world.rank == 0) {
        all = malloc(bytes);
        buffer = malloc(bytes);
        if (all == NULL || buffer == NULL)
            status = nf_fail(NF_ERR_MEMORY, "no memory for the partial results of %lld tiles",
                             (long long)tiles);
    }
    status = nf_agree(&plan->world, status);
    if (status == NF_OK && plan->world.rank > 0 && end->count > 0)
        nf_send(&plan->world, end->memory, (size_t)end->count * end->stride, 0);
    if (status == NF_OK && plan->world.rank == 0) {
        collect_tiles(plan, end, all, buffer);
        for (int64_t i = 1; i < tiles; i++)
            fold_in(end, all, all + (size_t)i * end->stride);
        memcpy(end->memory, all, end->stride);
    }
    free(all);
    free(buffer);
    return status;
}

static nf_status fold_end(const nf_plan *plan, const nf_partials *end)
{
    if (!end->stage->kernel->any_order)
        return fold_ordered(plan, end);
    for (int64_t i = 1; i < end->count; i++)
        fold_in(end, end->memory, end->memory + (size_t)i * end->stride);
    nf_fold_ranks(&plan->world, end->stage, end->memory, end->spare);
    return NF_OK;
}

static nf_status fold_group(const nf_plan *plan, const nf_group *group, nf_results *results)
{
    nf_status status = NF_OK;
    for (size_t e = 0; e < group->nends; e++) {
        const nf_partials *end = &group->ends[e];
        nf_status folded = fold_end(plan, end);
        if (folded == NF_OK && plan->world.rank == 0) {
            nf_results *to = &results[end->chain];
            end->stage->kernel->finish(end->memory, end->stage->setup.config, &to->sink);
            folded = to->status;
        }
        status = status == NF_OK ? folded : status;
    }
    return group->nends > 0 ? nf_agree(&plan->world, status) : NF_OK;
}

/* ---- the whole run ---- */

void nf_plan_watch(nf_plan *plan, nf_watch watch)
{
    plan->watch = watch;
}

/* Tiles that thread 0 will do: its share of every sweep. */
static int64_t count_work(const nf_plan *plan)
{
    int64_t total = 0;
    for (size_t g = 0; g < plan->ngroups; g++) {
        for (size_t p = 0; p < plan->groups[g].npasses; p++) {
            const nf_pass *pass = &plan->groups[g].passes[p];
            int64_t outer = pass->ntiles - pass->inner, threads = plan->world.threads;
            total += pass->steps * (pass->inner / threads + outer / threads);
        }
    }
    return total > 0 ? total : 1;
}

nf_status nf_plan_run(nf_plan *plan, nf_field *in, nf_field *out, nf_results *results,
                      nf_times *times)
{
    nf_status status = NF_OK;
    plan->watched = 0;
    plan->total = count_work(plan);
    for (size_t g = 0; g < plan->ngroups && status == NF_OK; g++) {
        nf_group *group = &plan->groups[g];
        for (size_t e = 0; e < group->nends; e++)
            start_partials(&group->ends[e]);
        for (size_t p = 0; p < group->npasses; p++)
            run_pass(plan, group, p, p == 0 ? in : &group->passes[p - 1].result, out, times);
        double start = nf_seconds();
        status = fold_group(plan, group, results);
        times->fold += nf_seconds() - start;
    }
    return status;
}
