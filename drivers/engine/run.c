/* run.c - running a plan: sweeps over tiles, halos exchanged meanwhile, partial results folded. */
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/fold.h"
#include "drivers/engine/labelling.h"
#include "drivers/engine/resample.h"
#include "drivers/engine/sweep.h"
#include "drivers/engine/team.h"

/* ---- one sweep ---- */

void nf_run_sweep(nf_sweep *s, nf_field *from, nf_times *times)
{
    const nf_pass *pass = s->pass;
    double worked = nf_team_slowest();
    double start = nf_seconds();
    if (pass->exchange != NULL)
        nf_exchange_begin(pass->exchange, from);
    double sent = nf_seconds();
    nf_sweep_before_halo(s);
    double before = nf_team_slowest() - worked;
    double inner = nf_seconds();
    if (pass->exchange != NULL)
        nf_exchange_end(pass->exchange, from);
    double received = nf_seconds();
    nf_sweep_after_halo(s, from);
    times->halo += sent - start + received - inner;
    nf_steps_note(times->steps, pass->exchange != NULL ? NF_MEET_NEIGHBOURS : NF_MEET_NOBODY,
                  before, nf_team_slowest() - worked - before);
}

typedef struct copying {
    const nf_tiling *tiling;
    const nf_field *from, *to;
} copying;

static void copy_tile(void *context, int thread, int64_t i)
{
    const copying *c = context;
    const nf_shape *shape = &c->to->cut.shape;
    nf_box box = nf_tiling_box(c->tiling, i);
    int64_t extent[NF_DIMS];
    (void)thread;
    nf_box_extents(&box, extent);
    nf_copy_box(extent, shape->channels, shape->dtype, nf_field_at(c->to, box.lo), c->to->stride,
                nf_field_at(c->from, box.lo), c->from->stride);
}

static void copy_field(const nf_plan *plan, const nf_pass *pass, const nf_field *from,
                       const nf_field *to)
{
    copying c = {&pass->tiling, from, to};
    nf_team_run(plan->world.threads, pass->ntiles, copy_tile, &c);
}

/* Looks at a field as often as the kernel that learns from it wants. */
static void look(nf_plan *plan, const nf_pass *pass, nf_field *from, const nf_field *with,
                 nf_times *times)
{
    nf_survey_begin(pass);
    while (nf_survey_look(plan, pass, from, with, times)) {
    }
}

/* Sweeps with surveys between them, to and fro between the pass's two fields, until one says that it
 * is enough. */
static void iterate(nf_plan *plan, nf_pass *pass, nf_field *from, nf_field *last, nf_times *times)
{
    nf_sweep s = {.plan = plan, .pass = pass};
    bool more = true;
    nf_survey_begin(pass->survey);
    for (int64_t sweep = 0; sweep < pass->sweeps && more; sweep++) {
        nf_field *to = &pass->temp[sweep % 2];
        s.from = from, s.to = to;
        s.number = ++plan->sweeps;
        nf_run_sweep(&s, from, times);
        if ((sweep + 1) % pass->survey_every == 0)
            more = nf_survey_look(plan, pass->survey, to, NULL, times);
        from = to;
    }
    double worked = nf_team_slowest();
    copy_field(plan, pass, from, last);
    nf_steps_note(times->steps, NF_MEET_NOBODY, nf_team_slowest() - worked, 0);
}

/* A pass of a kind of its own: one step, in which all ranks meet. */
static nf_status run_alone(nf_plan *plan, nf_pass *pass, nf_field *from, nf_field *to,
                           nf_times *times)
{
    double worked = nf_team_slowest();
    nf_status status = NF_OK;
    if (pass->kind == NF_LABELLING)
        status = nf_label(plan, pass, from, to, times);
    else
        nf_resample(plan, pass, from, to, times);
    worked = nf_team_slowest() - worked;
    if (pass->kind == NF_LABELLING)
        nf_steps_note(times->steps, NF_MEET_ALL, worked, 0);
    else
        nf_steps_note(times->steps, NF_MEET_ALL, 0, worked);
    return status;
}

/* A pass of several sweeps goes to and fro between its two fields, and ends in the last one's. */
static nf_status run_pass(nf_plan *plan, nf_group *group, size_t p, nf_fields *fields,
                          nf_times *times)
{
    nf_pass *pass = &group->passes[p];
    nf_field *last = p + 1 < group->npasses ? &pass->result : &fields->out;
    nf_field *from = p == 0 ? &fields->in : &group->passes[p - 1].result;
    if (pass->kind != NF_SWEEPS)
        return run_alone(plan, pass, from, last, times);
    nf_sweep s = {.plan = plan, .pass = pass};
    if (plan->with.dtype != NF_NONE)
        s.with = &fields->with;
    if (pass->reduces && pass->nends == 1 && nf_stage_relooks(pass->ends->stage)) {
        look(plan, pass, from, s.with, times);
        return NF_OK;
    }
    if (pass->survey_every > 0) {
        iterate(plan, pass, from, last, times);
        return NF_OK;
    }
    if (pass->survey != NULL)
        look(plan, pass->survey, from, NULL, times);
    for (int64_t sweep = 0; sweep < pass->sweeps; sweep++) {
        nf_field *to = sweep + 1 == pass->sweeps ? last : &pass->temp[sweep % 2];
        s.from = pass->in.dtype != NF_NONE ? from : NULL;
        s.to = pass->reduces ? NULL : to;
        s.number = ++plan->sweeps;
        nf_run_sweep(&s, from, times);
        from = to;
    }
    return NF_OK;
}

/* ---- partial results ---- */

void nf_start_partials(const nf_partials *end)
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

void nf_fold_threads(const nf_partials *end)
{
    for (int64_t i = 1; i < end->count; i++)
        fold_in(end, end->memory, end->memory + (size_t)i * end->stride);
}

/* Rank 0: the partials of all tiles, each rank's put at its tile's place. */
static void collect_tiles(const nf_plan *plan, const nf_pass *pass, const nf_partials *end,
                          char *all, char *buffer)
{
    for (int rank = 0; rank < plan->world.size; rank++) {
        nf_tiling theirs = nf_tiling_of(pass, rank);
        int64_t count = nf_tiling_count(&theirs);
        const char *from = rank == 0 ? end->memory : buffer;
        if (rank > 0 && count > 0)
            nf_receive(&plan->world, buffer, (size_t)count * end->stride, rank);
        for (int64_t i = 0; i < count; i++)
            memcpy(all + (size_t)nf_tiling_number(&theirs, i) * end->stride,
                   from + (size_t)i * end->stride, end->stride);
    }
}

static nf_status fold_ordered(const nf_plan *plan, const nf_pass *pass, const nf_partials *end)
{
    const int64_t *all_tiles = pass->tiling.all;
    int64_t tiles = all_tiles[0] * all_tiles[1] * all_tiles[2];
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
        collect_tiles(plan, pass, end, all, buffer);
        for (int64_t i = 1; i < tiles; i++)
            fold_in(end, all, all + (size_t)i * end->stride);
        memcpy(end->memory, all, end->stride);
    }
    free(all);
    free(buffer);
    return status;
}

static nf_status fold_end(const nf_plan *plan, const nf_group *group, const nf_partials *end)
{
    if (!end->stage->kernel->any_order)
        return fold_ordered(plan, &group->passes[group->npasses - 1], end);
    if (nf_stage_relooks(end->stage)) /* it is folded already */
        return NF_OK;
    nf_fold_threads(end);
    nf_fold_ranks(&plan->world, end->stage, end->memory, end->spare);
    return NF_OK;
}

/* What the kernel could not say while it was applied, of this rank. */
static nf_status ask_trouble(const nf_kernel *kernel)
{
    const char *trouble = kernel->trouble != NULL ? kernel->trouble() : NULL;
    return trouble == NULL ? NF_OK : nf_fail(NF_ERR_FILE, "%s", trouble);
}

static nf_status fold_group(const nf_plan *plan, const nf_group *group, nf_results *results)
{
    nf_status status = NF_OK;
    for (size_t e = 0; e < group->nends; e++) {
        const nf_partials *end = &group->ends[e];
        nf_status folded = fold_end(plan, group, end);
        if (folded == NF_OK)
            folded = ask_trouble(end->stage->kernel);
        if (folded == NF_OK && plan->world.rank == 0) {
            nf_results *to = &results[end->chain];
            end->stage->kernel->finish(end->memory, end->stage->setup.config, &to->sink);
            folded = to->status;
        }
        status = status == NF_OK ? folded : status;
    }
    return nf_agree(&plan->world, status);
}

/* The stage of a pass that has something to tell, and what its finish is given for that. */
static const nf_stage *teller(const nf_pass *pass, const void **partial)
{
    const nf_stage *stage = pass->kind == NF_LABELLING ? pass->stages[0] : pass->learns;
    *partial = pass->kind == NF_LABELLING ? &pass->components : NULL;
    return stage != NULL && stage->kernel->finish != NULL ? stage : NULL;
}

/* What the maps have learned, in their order. */
static nf_status tell_maps(const nf_plan *plan, const nf_group *group, nf_results *results)
{
    bool telling = false;
    for (size_t p = 0; p < group->npasses; p++) {
        const void *partial;
        const nf_stage *stage = teller(&group->passes[p], &partial);
        if (stage == NULL)
            continue;
        telling = true;
        if (results == NULL || plan->world.rank != 0)
            continue;
        nf_results_from(results, stage->kernel->name);
        stage->kernel->finish(partial, stage->setup.config, &results->sink);
    }
    bool failed = telling && results != NULL && plan->world.rank == 0;
    return telling ? nf_agree(&plan->world, failed ? results->status : NF_OK) : NF_OK;
}

nf_status nf_finish_group(const nf_plan *plan, const nf_group *group, nf_results *results)
{
    return group->nends > 0 ? fold_group(plan, group, results) : tell_maps(plan, group, results);
}

/* ---- the whole run ---- */

void nf_plan_watch(nf_plan *plan, nf_watch watch)
{
    plan->watch = watch;
}

static int64_t count_tiles(const nf_plan *plan, const nf_pass *pass)
{
    int64_t outer = pass->ntiles - pass->inner, threads = plan->world.threads;
    return pass->sweeps * (pass->inner / threads + outer / threads);
}

/* Tiles that thread 0 will do: its share of every sweep. */
static int64_t count_work(const nf_plan *plan)
{
    int64_t total = 0;
    for (size_t g = 0; g < plan->ngroups; g++) {
        for (size_t p = 0; p < plan->groups[g].npasses; p++) {
            const nf_pass *pass = &plan->groups[g].passes[p];
            if (pass->kind == NF_SWEEPS) /* others show nothing of how far they are */
                total += count_tiles(plan, pass);
            total += pass->survey != NULL ? count_tiles(plan, pass->survey) : 0;
        }
    }
    return total > 0 ? total : 1;
}

nf_status nf_plan_run(nf_plan *plan, nf_fields *fields, nf_results *results, nf_times *times)
{
    nf_status status = NF_OK;
    plan->watched = 0;
    plan->total = count_work(plan);
    for (size_t g = 0; g < plan->ngroups && status == NF_OK; g++) {
        nf_group *group = &plan->groups[g];
        for (size_t e = 0; e < group->nends; e++)
            nf_start_partials(&group->ends[e]);
        for (size_t p = 0; p < group->npasses && status == NF_OK; p++)
            status = run_pass(plan, group, p, fields, times);
        double start = nf_seconds();
        if (status == NF_OK)
            status = nf_finish_group(plan, group, results);
        times->fold += nf_seconds() - start;
    }
    return status;
}
