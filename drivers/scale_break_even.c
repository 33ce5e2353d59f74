/* scale_break_even.c - the same kernel at many sizes, by one worker and by more in turns. */
#include "drivers/scale_break_even.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/digest.h"
#include "drivers/engine/team.h"
#include "drivers/measure.h"
#include "drivers/study/break_even.h"
#include "drivers/study/stats.h"
#include "io/record.h"

/* Sizes an octave of work, the least one, in cells or indices, and how many at most; turns of one
 * worker and the others after they were set up: a sample is the median of their ratios, or, where a
 * run takes so many seconds, one of them. */
enum { RUNGS_AN_OCTAVE = 3, LEAST = 16, RUNGS = 192, TURNS = 4 };

static const double long_run = 2e-4;

/* Seconds for a kernel and way; so many times that where there are not samples enough. */
static const double budget = 1, lenient = 2;

/* A kernel, driven one way. */
typedef struct even {
    scale_run *run;
    size_t chain;
    scale_layout layout;
    const nf_sample *key; /* of the kernel's points */
    nf_world part;        /* size 0: this rank takes no part */
    nf_plan_options alone, shared;
    double parts[RUNGS], sizes[RUNGS]; /* ascending; of the strong size, and in cells or indices */
    bool compared[RUNGS];              /* results of this size */
    size_t count;
    nf_ladder ladder;   /* rank 0 */
    double start, rate; /* rank 0: seconds; the least that a size took, by cell or index */
    bool fine;          /* rank 0: all results had the serial bits */
} even;

/* ---- sizes ---- */

static double size_of(const scale_job *job)
{
    return (double)nf_shape_cells(&job->shape);
}

/* From the strong size down, as far as the kernel takes it. */
static size_t list_down(const even *e, double *parts, double *sizes)
{
    const scale_run *run = e->run;
    const nf_chain *typed = &run->args->chains.list[e->chain];
    size_t count = 0;
    bool fine = true;
    for (int i = 0; fine && i < RUNGS; i++) {
        scale_job job;
        double part = exp2(-(double)i / RUNGS_AN_OCTAVE);
        fine = scale_job_shrink(run->args, run->source, typed, part, &job) == NF_OK &&
               (count == 0 || size_of(&job) >= LEAST);
        if (fine && (count == 0 || size_of(&job) < sizes[count - 1])) {
            parts[count] = part;
            sizes[count++] = size_of(&job);
        }
        scale_job_free(&job);
    }
    return count;
}

/* The same on all ranks. */
static nf_status list_sizes(even *e)
{
    double parts[RUNGS], sizes[RUNGS];
    e->count = list_down(e, parts, sizes);
    for (size_t i = 0; i < e->count; i++) {
        e->parts[i] = parts[e->count - 1 - i];
        e->sizes[i] = sizes[e->count - 1 - i];
    }
    return e->count > 0 ? NF_OK : NF_ERR_SHAPE; /* which the strong size has had checked */
}

/* ---- one size ---- */

/* One of those that are compared. */
typedef struct side {
    scale_job job;
    nf_bench bench;
    nf_measure measure;
    nf_sample sample;
    double seconds; /* of the run that warmed up; on all ranks the same */
} side;

/* Collective over the world. Close it also after an error. */
static nf_status open_side(const even *e, const nf_world *world, const nf_plan_options *options,
                           double part, side *s)
{
    const scale_run *run = e->run;
    *s = (side){.bench = {.plan = NULL}};
    nf_results_init(&s->bench.results);
    nf_status status =
        scale_job_shrink(run->args, run->source, &run->args->chains.list[e->chain], part, &s->job);
    status = nf_agree(world, status);
    if (status == NF_OK)
        status =
            nf_bench_create(world, run->source, &s->job.chain, &s->job.shape, options, &s->bench);
    if (status == NF_OK)
        status = nf_measure_begin(world, &run->cli->node, &s->bench, &run->timer, false,
                                  &s->measure, &s->seconds);
    return status;
}

static void close_side(side *s)
{
    nf_measure_free(&s->measure);
    nf_bench_free(&s->bench);
    scale_job_free(&s->job);
}

static nf_status time_side(side *s)
{
    nf_status status = nf_measure_once(&s->measure, &s->sample);
    nf_balance_free(&s->sample.balance);
    return status;
}

/* Collective over the part: one worker, which is rank 0's. */
static nf_status time_one(const even *e, side *one)
{
    return nf_agree(&e->part, e->part.rank == 0 ? time_side(one) : NF_OK);
}

/* Collective over the part: one, all, all, one ..., so that neither is always the first. */
static nf_status take_turns(const even *e, side *one, side *all, double ratios[TURNS])
{
    nf_status status = NF_OK;
    for (int i = 0; i < TURNS && status == NF_OK; i++) {
        status = i % 2 == 0 ? time_one(e, one) : time_side(all);
        if (status == NF_OK)
            status = i % 2 == 0 ? time_side(all) : time_one(e, one);
        ratios[i] = one->sample.seconds / all->sample.seconds;
    }
    return status;
}

/* Whether all of them have the bits of the one; the answer that counts is rank 0's. */
static bool agree_in_bits(const even *e, const side *one, const side *all)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_expectation expected = {.results = one->bench.results};
    if (e->part.rank == 0 && one->bench.maps)
        expected.digest = nf_field_digest(&alone, &one->bench.fields.out);
    return nf_bench_as_expected(&e->part, &all->bench, &expected);
}

/* Rank 0: the ladder gets what came of it. */
static void tell(even *e, int64_t rung, double seconds, double ratios[TURNS])
{
    double median = nf_median(ratios, TURNS);
    if (seconds < long_run)
        nf_ladder_tell(&e->ladder, rung, &median, 1);
    else
        nf_ladder_tell(&e->ladder, rung, ratios, TURNS);
}

/* Collective over the part. Everything is set up anew, so that where memory happens to lie is part
 * of what samples differ in. */
static nf_status try_size(even *e, int64_t rung)
{
    const double part = e->parts[rung];
    const nf_world alone = {.size = 1, .threads = 1};
    double ratios[TURNS];
    side one = {.bench = {.plan = NULL}}, all = {.bench = {.plan = NULL}};
    nf_status status = e->part.rank == 0 ? open_side(e, &alone, &e->alone, part, &one) : NF_OK;
    status = nf_agree(&e->part, status);
    if (status == NF_OK)
        status = open_side(e, &e->part, &e->shared, part, &all);
    if (status == NF_OK)
        status = take_turns(e, &one, &all, ratios);
    if (status == NF_OK && !e->compared[rung])
        e->fine &= agree_in_bits(e, &one, &all);
    if (status == NF_OK && e->part.rank == 0)
        tell(e, rung, one.seconds, ratios);
    e->compared[rung] = true;
    close_side(&all);
    close_side(&one);
    return status;
}

/* ---- all sizes ---- */

/* Rank 0: whether there is no time to try that size. */
static bool time_is_up(const even *e, double size)
{
    double most = nf_ladder_suffices(&e->ladder) ? budget : lenient * budget;
    double gone = nf_seconds() - e->start, guess = isfinite(e->rate) ? e->rate * size : 0;
    return gone >= most || gone + guess > lenient * budget;
}

/* Collective over the part: one after the other, as rank 0's ladder has it. */
static nf_status try_sizes(even *e)
{
    nf_status status = NF_OK;
    e->start = nf_seconds();
    e->rate = INFINITY;
    while (status == NF_OK) {
        double begun = nf_seconds();
        int64_t rung = e->part.rank == 0 ? nf_ladder_next(&e->ladder) : -1;
        if (rung >= 0 && time_is_up(e, e->sizes[rung]))
            rung = -1;
        nf_broadcast(&e->part, &rung, sizeof rung, 0);
        if (rung < 0)
            break;
        status = try_size(e, rung);
        e->rate = fmin(e->rate, (nf_seconds() - begun) / e->sizes[rung]);
    }
    return status;
}

/* Rank 0: the study has it for good when this returns. */
static nf_status keep(const even *e, int nodes)
{
    scale_run *run = e->run;
    nf_break_even found = nf_break_even_of(e->ladder.rungs, e->ladder.count);
    bool range = nf_chain_is_range(&run->args->chains.list[e->chain]);
    nf_cost cost = {.kind = NF_COST_BREAK_EVEN,
                    .what = e->layout.ranks > 1 ? "ranks" : "threads",
                    .kernel = e->key->kernel,
                    .label = e->key->label,
                    .unit = range ? "indices" : "cells",
                    .ranks = e->layout.ranks,
                    .threads = e->layout.threads,
                    .nodes = nodes,
                    .amount = found.largest,
                    .n = (int)found.n,
                    .value = found.value,
                    .low = found.low,
                    .high = found.high,
                    .valid = e->fine && run->checked[e->chain]};
    nf_status status = nf_study_cost(&run->study, &cost);
    return status == NF_OK ? nf_record_cost(run->records, run->records_path, &cost) : status;
}

/* Collective over the part. */
static nf_status by_members(even *e)
{
    const nf_cli *cli = e->run->cli;
    const nf_chain *chain = &e->run->args->chains.list[e->chain];
    int nodes = (int)nf_sum_u64(&e->part, cli->node.rank == 0);
    e->alone = scale_plan_options(cli, 1, chain);
    e->shared = scale_plan_options(cli, e->layout.ranks, chain);
    /* A grid that was asked for is for large arrays. */
    memset(e->alone.grid, 0, sizeof e->alone.grid);
    memset(e->shared.grid, 0, sizeof e->shared.grid);
    nf_status status = list_sizes(e);
    if (status == NF_OK && e->part.rank == 0)
        status = nf_ladder_make(&e->ladder, e->sizes, e->count, e->run->args->seed);
    status = nf_agree(&e->part, status);
    scale_bind(&cli->node, &e->layout);
    if (status == NF_OK)
        status = try_sizes(e);
    scale_unbind(&cli->node, &e->layout);
    if (status == NF_OK && e->part.rank == 0)
        status = keep(e, nodes);
    return nf_agree(&e->part, status);
}

/* ---- every kernel, both ways ---- */

static bool known(const scale_run *run, const nf_sample *key, const scale_layout *l)
{
    char there = 0;
    for (size_t i = 0; i < run->study.ncosts; i++) {
        const nf_cost *c = &run->study.costs[i];
        there |= c->kind == NF_COST_BREAK_EVEN && strcmp(c->kernel, key->kernel) == 0 &&
                 c->ranks == l->ranks && c->threads == l->threads;
    }
    nf_broadcast(&run->cli->world, &there, 1, 0);
    return there;
}

/* Collective over all ranks; those that take no part sleep. */
static nf_status of_kernel(scale_run *run, size_t chain, const scale_layout *l)
{
    const nf_world *world = &run->cli->world;
    const scale_point *point = run->points.list;
    while (point->chain != chain)
        point++;
    even *e = NULL;
    if (l->ranks * l->threads == 1 || known(run, &point->key, l))
        return NF_OK;
    e = calloc(1, sizeof *e);
    nf_status status =
        nf_agree(world, e != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for sizes to try"));
    if (status == NF_OK) {
        *e = (even){.run = run, .chain = chain, .layout = *l, .key = &point->key, .fine = true};
        status = nf_world_part(world, l->ranks, l->threads, &e->part);
    }
    if (status == NF_OK && e->part.size > 0)
        status = by_members(e);
    if (e != NULL) {
        nf_world_free(&e->part);
        nf_ladder_free(&e->ladder);
    }
    free(e);
    nf_sleep_barrier(world);
    return nf_agree(world, status);
}

/* As many threads as there are cores, or the most that was asked for and fits; 1: none. */
static int most_threads(const scale_run *run)
{
    const scale_args *args = run->args;
    int cores = run->cli->node.cores, most = args->nthreads == 0 ? cores : 1;
    for (size_t i = 0; i < args->nthreads; i++)
        if (args->threads[i] > most && args->threads[i] <= cores)
            most = args->threads[i];
    nf_broadcast(&run->cli->world, &most, sizeof most, 0);
    return most;
}

/* Collective: as many of the first ranks as have a core each on every node. */
static int most_ranks(const scale_run *run)
{
    const nf_cli *cli = run->cli;
    int fit = 1, most = cli->world.size;
    while (fit < most) {
        int middle = fit + (most - fit + 1) / 2;
        bool crowded = nf_node_members(&cli->node, middle) > cli->node.cores;
        if (nf_sum_u64(&cli->world, crowded) == 0)
            fit = middle;
        else
            most = middle - 1;
    }
    return fit;
}

nf_status scale_break_even(scale_run *run)
{
    const nf_cli *cli = run->cli;
    const scale_layout threads = {1, most_threads(run)}, ranks = {most_ranks(run), 1};
    size_t n = run->args->chains.count;
    nf_status status = NF_OK;
    nf_progress_start(&run->progress, "scale: break-even sizes", cli->quiet || cli->world.rank > 0);
    for (size_t i = 0; i < n && status == NF_OK; i++) {
        if (nf_chain_waits(&run->args->chains.list[i]))
            continue;
        status = of_kernel(run, i, &threads);
        if (status == NF_OK)
            status = of_kernel(run, i, &ranks);
        nf_progress_show(&run->progress, (double)(i + 1) / (double)n);
    }
    nf_progress_stop(&run->progress);
    return status;
}
