#include "drivers/scale_sample.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/facts.h"
#include "drivers/engine/team.h"
#include "drivers/explain.h"
#include "drivers/measure.h"
#include "drivers/study/sampling.h"
#include "io/record.h"

/* A point whose time is its share has so many seconds at least; and up to so many shares for the
 * samples that an interval takes. */
static const double least_budget = 0.25;
enum { INTERVAL_SAMPLES = 6, MOST_SHARES = 4 };

bool scale_bind(const nf_node *node, const scale_layout *l)
{
    int workers = nf_node_members(node, l->ranks) * l->threads;
    int *cores = calloc((size_t)l->threads, sizeof *cores);
    bool fits = cores != NULL && workers <= node->npus;
    for (int t = 0; fits && t < l->threads; t++)
        cores[t] = node->pus[node->rank * l->threads + t];
    nf_team_bind(l->threads, fits ? cores : NULL, node->pus, node->npus);
    free(cores);
    return workers > node->cores;
}

void scale_unbind(const nf_node *node, const scale_layout *l)
{
    nf_team_bind(l->threads, NULL, node->pus, node->npus);
}

nf_status scale_by_layout(scale_run *run, const scale_layout *l, scale_task *task, void *context)
{
    const nf_world *world = &run->cli->world;
    const nf_node *node = &run->cli->node;
    nf_world members;
    nf_status status = nf_world_part(world, l->ranks, l->threads, &members);
    if (status != NF_OK)
        return status;
    if (members.size > 0) {
        scale_part part = {.world = &members};
        part.nodes = (int)nf_sum_u64(&members, node->rank == 0);
        part.crowded = nf_sum_u64(&members, scale_bind(node, l)) > 0;
        status = task(run, &part, context);
        scale_unbind(node, l);
    }
    nf_world_free(&members);
    nf_sleep_barrier(world);
    return nf_agree(world, status);
}

nf_plan_options scale_plan_options(const nf_cli *cli, int ranks, const nf_chain *chain)
{
    nf_plan_options options = cli->plan_options;
    if (!scale_grid_fits(&options, ranks) || nf_chain_is_range(chain))
        memset(options.grid, 0, sizeof options.grid);
    int members = nf_node_members(&cli->node, ranks); /* none: a node that takes no part */
    options.caches.l3 = nf_caches_find().l3 / (size_t)(members > 0 ? members : 1);
    return options;
}

/* ---- one point ---- */

/* A point that is being measured. */
typedef struct opened {
    scale_point *point;
    nf_world part; /* size 0: this rank takes no part */
    scale_job job;
    nf_bench bench;
    nf_measure measure;
    const nf_expectation *expected; /* rank 0 */
    nf_sample sample;               /* what all its samples have in common, then the last one */
    nf_end end;
    bool crowded; /* more workers than cores */
    bool fine;    /* rank 0: the run that warmed up gave the serial bits */
} opened;

static nf_status plan_point(scale_run *run, opened *o)
{
    const nf_cli *cli = run->cli;
    nf_plan_options options = scale_plan_options(cli, o->point->layout.ranks, &o->job.chain);
    nf_status status =
        nf_bench_create(&o->part, run->source, &o->job.chain, &o->job.shape, &options, &o->bench);
    if (status == NF_OK && cli->explain)
        nf_explain(&o->part, o->bench.plan, NULL);
    return status;
}

/* What all its samples have in common. */
static void describe_point(const scale_run *run, opened *o)
{
    nf_sample *sample = &o->sample;
    nf_nominal nominal = nf_chain_nominal(&o->job.chain);
    *sample = o->point->key;
    const nf_node *node = &run->cli->node;
    sample->nodes = (int)nf_sum_u64(&o->part, node->rank == 0);
    sample->cores = (int)nf_sum_u64(&o->part, node->rank == 0 ? (uint64_t)node->cores : 0);
    o->crowded = nf_sum_u64(&o->part, o->crowded) > 0;
    sample->waits = nf_chain_waits(&o->job.chain);
    sample->oversubscribed = o->crowded && !sample->waits;
    sample->launch = run->launch;
    sample->flops = nominal.flops;
    sample->bytes = nominal.bytes;
    sample->moved = nf_plan_moved(o->bench.plan);
    sample->repeated = nf_plan_repeated(o->bench.plan);
}

/* The time that the point may take, by rank 0. */
static double budget_of(const scale_run *run)
{
    double left = run->deadline - nf_seconds();
    double share = left / (double)(run->points.count - run->done);
    if (run->args->max_time > 0)
        return run->args->max_time;
    return share > least_budget ? share : least_budget;
}

static nf_status begin_members(scale_run *run, opened *o)
{
    double seconds = 0;
    o->crowded = scale_bind(&run->cli->node, &o->point->layout);
    nf_status status = plan_point(run, o);
    if (status != NF_OK)
        return status;
    describe_point(run, o);
    status = nf_measure_begin(&o->part, &run->cli->node, &o->bench, &run->timer, o->crowded,
                              &o->measure, &seconds);
    if (status == NF_OK)
        o->fine = nf_bench_as_expected(&o->part, &o->bench, o->expected) &&
                  (o->part.rank > 0 || run->checked[o->point->chain]);
    o->point->budget = budget_of(run);
    return status;
}

/* Collective over all ranks. */
static nf_status open_point(scale_run *run, scale_point *point, opened *o)
{
    static const nf_expectation nothing; /* what other ranks are given: rank 0's answer counts */
    const nf_world *world = &run->cli->world;
    *o = (opened){.point = point, .expected = &nothing};
    nf_results_init(&o->bench.results);
    nf_status status =
        scale_job_make(run->args, run->source, &run->args->chains.list[point->chain],
                       point->scaling, point->layout.ranks * point->layout.threads, &o->job);
    if (status == NF_OK && world->rank == 0)
        o->expected = scale_expect(&run->expected, run->source, &o->job, &status);
    nf_sleep_barrier(world);
    status = nf_agree(world, status);
    if (status == NF_OK)
        status = nf_world_part(world, point->layout.ranks, point->layout.threads, &o->part);
    if (status == NF_OK && o->part.size > 0)
        status = begin_members(run, o);
    nf_sleep_barrier(world);
    return nf_agree(world, status);
}

static void close_point(const scale_run *run, opened *o)
{
    if (o->part.size > 0) {
        scale_bind(&run->cli->node, &o->point->layout); /* counters are closed by their threads */
        nf_measure_free(&o->measure);
        nf_bench_free(&o->bench);
        scale_unbind(&run->cli->node, &o->point->layout);
    }
    nf_world_free(&o->part);
    scale_job_free(&o->job);
}

/* ---- samples ---- */

/* Rank 0: keeps the sample that was taken; the study has it for good when this returns. */
static nf_status keep(scale_run *run, opened *o)
{
    nf_sample *sample = &o->sample;
    sample->rep = o->point->taken++;
    sample->order = run->order++;
    sample->end = o->end;
    nf_status status = nf_study_add(&run->study, sample);
    return status == NF_OK ? nf_record_sample(run->records, run->records_path, sample) : status;
}

static bool time_is_up(const scale_run *run, const scale_point *p)
{
    bool lenient = run->args->max_time <= 0 && p->n < INTERVAL_SAMPLES;
    return p->spent >= p->budget * (lenient ? MOST_SHARES : 1);
}

/* Rank 0 decides for all whether this was the last sample. */
static nf_status decide(const scale_run *run, opened *o)
{
    const nf_sampling rule = {run->args->precision, run->args->reps};
    scale_point *p = o->point;
    nf_status status = NF_OK;
    if (o->part.rank == 0) {
        status = scale_point_add(p, o->sample.seconds);
        o->end = nf_sampling_over(&rule, p->seconds, p->n, time_is_up(run, p));
    }
    nf_broadcast(&o->part, &o->end, sizeof o->end, 0);
    return nf_agree(&o->part, status);
}

static nf_status sample_point(scale_run *run, opened *o)
{
    double start = nf_seconds();
    nf_status status = nf_measure_once(&o->measure, &o->sample);
    o->point->spent += nf_seconds() - start;
    if (status == NF_OK)
        status = decide(run, o);
    if (status == NF_OK && o->end != NF_END_NONE) /* the last run's result is looked at, too */
        o->fine = nf_bench_as_expected(&o->part, &o->bench, o->expected) && o->fine;
    o->sample.valid = o->fine;
    if (status == NF_OK && o->part.rank == 0)
        status = keep(run, o);
    nf_balance_free(&o->sample.balance);
    return nf_agree(&o->part, status);
}

/* Collective over all ranks: all the samples of a point, or one of them. */
static nf_status sample_points(scale_run *run, opened *o, bool one)
{
    const nf_world *world = &run->cli->world;
    nf_status status = NF_OK;
    if (o->part.size > 0 && one) {
        scale_bind(&run->cli->node, &o->point->layout);
        nf_measure_again(&o->measure, &run->cli->node);
    }
    while (o->part.size > 0 && status == NF_OK && o->end == NF_END_NONE) {
        status = sample_point(run, o);
        if (one)
            break;
    }
    nf_sleep_barrier(world);
    nf_broadcast(world, &o->end, sizeof o->end, 0);
    return nf_agree(world, status);
}

/* ---- groups of points ---- */

static void show_progress(scale_run *run)
{
    run->done++;
    snprintf(run->label, sizeof run->label, "scale: %zu of %zu points", run->done,
             run->points.count);
    nf_progress_show(&run->progress, (double)run->done / (double)run->points.count);
}

/* Points that are sampled in turn, or one. */
static nf_status sample_group(scale_run *run, scale_point **group, size_t n)
{
    opened *list = calloc(n, sizeof *list);
    nf_status status = nf_agree(
        &run->cli->world, list ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for %zu points", n));
    size_t begun = 0, left = n;
    while (status == NF_OK && begun < n) {
        status = open_point(run, group[begun], &list[begun]);
        begun++;
    }
    while (status == NF_OK && left > 0)
        for (size_t i = 0; i < n && status == NF_OK; i++) {
            if (list[i].end != NF_END_NONE)
                continue;
            status = sample_points(run, &list[i], n > 1);
            if (list[i].end == NF_END_NONE)
                continue;
            left--;
            show_progress(run);
        }
    while (begun > 0)
        close_point(run, &list[--begun]);
    free(list);
    return status;
}

/* Rank 0: every kernel against its independent reference. */
static nf_status check_kernels(scale_run *run)
{
    size_t n = run->args->chains.count;
    run->checked = calloc(n, sizeof *run->checked);
    if (run->checked == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu kernels", n);
    nf_status status = NF_OK;
    for (size_t i = 0; i < n && status == NF_OK; i++) {
        status = scale_check_kernel(run->source, &run->args->chains.list[i], &run->checked[i]);
        if (status == NF_OK && !run->checked[i])
            fprintf(stderr, "scale: %s\n", nf_message(NF_ERR_CHECK));
    }
    return status;
}

nf_status scale_measure(scale_run *run)
{
    const nf_world *world = &run->cli->world;
    scale_point **group = calloc(run->points.count + 1, sizeof(scale_point *));
    nf_status status = group ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for points");
    if (status == NF_OK && world->rank == 0)
        status = check_kernels(run);
    nf_sleep_barrier(world);
    status = nf_agree(world, status);
    nf_progress_start(&run->progress, run->label, run->cli->quiet || world->rank != 0);
    for (size_t i = 0; i < run->points.count; i++)
        run->done += run->points.list[i].done;
    for (size_t n; status == NF_OK &&
                   (n = scale_points_next(&run->points, run->args->interleave, group)) > 0;)
        status = sample_group(run, group, n);
    nf_progress_stop(&run->progress);
    free(group);
    return status;
}
