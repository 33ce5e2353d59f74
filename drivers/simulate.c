/* simulate - how the engine's communication scales on a simulated cluster. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "drivers/engine/team.h"
#include "drivers/progress.h"
#include "drivers/simulate_model.h"
#include "drivers/simulate_run.h"
#include "drivers/study/machine.h"
#include "io/record.h"
#include "io/report.h"

/* The side of the array that costs are measured on: a few MB, as blocks at scale are. */
enum { COST_SIDE = 1024 };

/* ---- the study's points ---- */

typedef struct point {
    simulate_job job;
    nf_chain *chain;
    nf_scaling scaling;
    bool done;
    simulate_outcome outcome;
    char *expected; /* the serial result's bits; owned */
    double predicted;
} point;

typedef struct simulation {
    const nf_cli *cli;
    simulate_args *args;
    nf_loggp net;
    simulate_cost *costs; /* one a chain */
    point *points;
    size_t npoints;
    nf_study study;
    char *program;
    nf_progress progress;
} simulation;

static void add_points(simulation *s, size_t c, nf_scaling scaling)
{
    const simulate_args *args = s->args;
    for (size_t i = args->nranks; i-- > 0;) { /* the largest first: they take longest */
        point *p = &s->points[s->npoints];
        *p = (point){.chain = &args->chains.list[c], .scaling = scaling};
        p->job = (simulate_job){.number = (int)s->npoints++,
                                .ranks = args->ranks[i],
                                .shape = simulate_shape(args, scaling, args->ranks[i]),
                                .chain = p->chain,
                                .cost = &s->costs[c]};
    }
}

static nf_status list_points(simulation *s)
{
    const simulate_args *args = s->args;
    s->points = calloc(2 * args->chains.count * args->nranks, sizeof *s->points);
    if (s->points == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the points of a study");
    for (size_t c = 0; c < args->chains.count; c++) {
        if (args->strong)
            add_points(s, c, NF_STRONG);
        if (args->weak)
            add_points(s, c, NF_WEAK);
    }
    return NF_OK;
}

/* ---- before: costs, expectations ---- */

static nf_status measure_costs(simulation *s)
{
    const simulate_args *args = s->args;
    s->costs = calloc(args->chains.count, sizeof *s->costs);
    nf_status status =
        s->costs ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for the costs of kernels");
    nf_shape shape = {.dim = {1, COST_SIDE, COST_SIDE}, .ndim = 2, .channels = 1};
    shape.dtype = args->dtype;
    for (size_t c = 0; c < args->chains.count && status == NF_OK; c++)
        status = simulate_measure(&args->chains.list[c], &shape, &s->costs[c]);
    return status;
}

/* The serial result of the point; a strong study's is that of the point before. */
static nf_status expect(simulation *s, size_t i)
{
    point *p = &s->points[i];
    const point *before = i > 0 ? p - 1 : NULL;
    if (before != NULL && before->chain == p->chain && before->expected != NULL &&
        nf_shape_equal(&before->job.shape, &p->job.shape)) {
        p->expected = strdup(before->expected);
        return p->expected ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a result");
    }
    p->expected = malloc(NF_RESULT_TEXT);
    if (p->expected == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a result");
    return simulate_expect(p->chain, &p->job.shape, p->expected);
}

/* ---- simulating ---- */

static void conclude_point(simulation *s, size_t i)
{
    size_t done = 0;
    s->points[i].done = true;
    for (size_t k = 0; k < s->npoints; k++)
        done += s->points[k].done;
    nf_progress_show(&s->progress, (double)done / (double)s->npoints);
}

static nf_status collect(simulation *s, simulate_job *running, size_t n)
{
    size_t ended;
    int state;
    nf_status status = simulate_wait(running, n, &ended, &state);
    if (status != NF_OK)
        return status;
    size_t i = (size_t)running[ended].number;
    status = simulate_read(s->args, &running[ended], state, &s->points[i].outcome);
    if (status == NF_OK)
        conclude_point(s, i);
    return status;
}

/* After a failure: nothing goes on. smpirun ends its child when it is told to end. */
static void end_jobs(simulate_job *running, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (running[k].process > 0) {
            kill(running[k].process, SIGTERM);
            waitpid(running[k].process, NULL, 0);
        }
}

static size_t free_slot(const simulate_job *running, size_t n)
{
    size_t slot = 0;
    while (slot < n && running[slot].process != 0)
        slot++;
    return slot;
}

static nf_status run_points(simulation *s)
{
    size_t slots = (size_t)s->args->jobs, busy = 0;
    simulate_job *running = calloc(slots, sizeof *running);
    nf_status status = running ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for simulations");
    for (size_t i = 0; i < s->npoints && status == NF_OK; i++) {
        status = expect(s, i);
        if (status == NF_OK && busy == slots) {
            status = collect(s, running, slots);
            busy--;
        }
        if (status != NF_OK)
            break;
        simulate_job *job = &running[free_slot(running, slots)];
        *job = s->points[i].job;
        status = simulate_start(s->args, s->program, job);
        busy += job->process > 0;
    }
    for (; status == NF_OK && busy > 0; busy--)
        status = collect(s, running, slots);
    if (running != NULL)
        end_jobs(running, slots);
    free(running);
    return status;
}

/* ---- records ---- */

static nf_sample sample_of(const simulation *s, const point *p, int ranks, double seconds)
{
    nf_shape shape = simulate_shape(s->args, p->scaling, ranks);
    return (nf_sample){.kernel = p->chain->text,
                       .label = p->chain->typed,
                       .scaling = p->scaling,
                       .ranks = ranks,
                       .threads = 1,
                       .nodes = (ranks + s->net.tree.cores - 1) / s->net.tree.cores,
                       .shape = shape,
                       .work = nf_shape_cells(&shape),
                       .seconds = seconds,
                       .valid = true,
                       .simulated = true};
}

static nf_status add_sample(simulation *s, const point *p, FILE *file, const char *path)
{
    const simulate_outcome *o = &p->outcome;
    nf_sample sample = sample_of(s, p, p->job.ranks, o->seconds);
    sample.phases =
        (nf_phases){.compute = o->compute, .halo = o->halo, .fold = o->fold, .wait = o->wait};
    sample.valid = strcmp(o->result, p->expected) == 0;
    nf_status status = nf_study_add(&s->study, &sample);
    return status == NF_OK ? nf_record_sample(file, path, &sample) : status;
}

static nf_status add_prediction(simulation *s, point *p, int ranks, FILE *file, const char *path)
{
    nf_shape shape = simulate_shape(s->args, p->scaling, ranks);
    double seconds;
    nf_status status = simulate_predict(&s->net, p->chain, &shape, ranks, p->job.cost, &seconds);
    if (status != NF_OK)
        return status;
    nf_sample sample = sample_of(s, p, ranks, seconds);
    if (ranks == p->job.ranks)
        p->predicted = seconds;
    status = nf_study_predict(&s->study, &sample);
    return status == NF_OK ? nf_record_prediction(file, path, &sample) : status;
}

/* The formula at a point, and at the powers of two between it and the next smaller one. */
static nf_status predict(simulation *s, size_t i, FILE *file, const char *path)
{
    point *p = &s->points[i];
    const point *next = p + 1; /* of fewer ranks */
    bool last = i + 1 == s->npoints || next->chain != p->chain || next->scaling != p->scaling;
    nf_status status = add_prediction(s, p, p->job.ranks, file, path);
    for (int ranks = 1; ranks < p->job.ranks && status == NF_OK; ranks *= 2)
        if (!last && ranks > next->job.ranks)
            status = add_prediction(s, p, ranks, file, path);
    return status;
}

static nf_status planning_facts(simulation *s)
{
    nf_status status = NF_OK;
    for (size_t i = 0; i < s->args->nranks && status == NF_OK; i++) {
        char name[64];
        simulate_outcome most = {0};
        for (size_t k = 0; k < s->npoints; k++) {
            const simulate_outcome *o = &s->points[k].outcome;
            if (s->points[k].job.ranks != s->args->ranks[i])
                continue;
            most.plan_seconds = fmax(most.plan_seconds, o->plan_seconds);
            most.exchange_seconds = fmax(most.exchange_seconds, o->exchange_seconds);
            most.exchange_bytes = fmax(most.exchange_bytes, o->exchange_bytes);
        }
        snprintf(name, sizeof name, "planning at %d ranks", s->args->ranks[i]);
        status = nf_study_fact(
            &s->study, name,
            "%.3f ms of processor time a rank, the mean; a rank's exchange by "
            "itself at most %.3f ms, and it keeps at most %.1f KiB; the most of all "
            "points",
            1e3 * most.plan_seconds, 1e3 * most.exchange_seconds, most.exchange_bytes / 1024);
    }
    return status;
}

static nf_status platform_facts(simulation *s)
{
    const nf_fat_tree *tree = &s->net.tree;
    char levels[128] = "";
    for (int l = 0; l < tree->levels; l++)
        snprintf(levels + strlen(levels), sizeof levels - strlen(levels), "%s%d", l > 0 ? "x" : "",
                 tree->down[l]);
    nf_status status = nf_study_fact(&s->study, "simulator", "%s", simulate_settings);
    if (status == NF_OK)
        status = nf_study_fact(&s->study, "simulated cluster",
                               "fat tree of %lld nodes (%s, as many ports up as down), %d rank%s a "
                               "node; a link: %g ns, "
                               "%g GB/s; within a node %g ns",
                               (long long)nf_fat_tree_nodes(tree), levels, tree->cores,
                               tree->cores == 1 ? "" : "s", 1e9 * s->net.link,
                               1e-9 * s->args->bandwidth, 1e9 * s->net.loopback);
    return status;
}

static nf_status cost_facts(simulation *s)
{
    nf_status status = NF_OK;
    char shape[NF_SHAPE_TEXT];
    for (size_t c = 0; c < s->args->chains.count && status == NF_OK; c++) {
        const simulate_cost *cost = &s->costs[c];
        char name[1024], fold[64] = "";
        snprintf(name, sizeof name, "measured cost of %s", s->args->chains.list[c].typed);
        if (cost->partial > 0)
            snprintf(fold, sizeof fold, ", %.0f ns a fold of %.0f bytes", 1e9 * cost->stages.fold,
                     cost->partial);
        status = nf_study_fact(&s->study, name,
                               "%.4g ns a cell, %.3g ns to pack a byte of halo%s; one core of this "
                               "machine, alone, on %s",
                               1e9 * cost->cell, 1e9 * cost->pack, fold,
                               nf_shape_text(&cost->measured_on, shape));
    }
    return status;
}

/* One file of all points, complete or not at all. */
static nf_status record(simulation *s)
{
    char *path = NULL, *part = NULL;
    FILE *file = NULL;
    nf_status status = planning_facts(s);
    if (asprintf(&path, "%s/study.jsonl", s->args->folder) < 0 ||
        asprintf(&part, "%s/study.part.jsonl", s->args->folder) < 0)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a path");
    if (status == NF_OK && (file = fopen(part, "w")) == NULL)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", part, strerror(errno));
    if (status == NF_OK)
        status = nf_record_study(file, part, &s->study);
    for (size_t i = 0; i < s->npoints && status == NF_OK; i++) {
        status = add_sample(s, &s->points[i], file, part);
        if (status == NF_OK)
            status = predict(s, i, file, part);
    }
    if (file != NULL && fclose(file) != 0 && status == NF_OK)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", part, strerror(errno));
    if (status == NF_OK && rename(part, path) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be replaced: %s", path, strerror(errno));
    free(path);
    free(part);
    return status;
}

/* ---- all ---- */

static nf_loggp network(const simulate_args *args)
{
    return (nf_loggp){
        .tree = nf_fat_tree_make(args->ranks[args->nranks - 1], (int)args->cores, (int)args->radix),
        .link = args->latency,
        .loopback = args->latency,
        .byte = 1 / args->bandwidth,
    };
}

static nf_status prepare(simulation *s)
{
    const simulate_args *args = s->args;
    nf_status status = simulate_find(&s->program);
    if (status == NF_OK && mkdir(args->folder, 0777) != 0 && errno != EEXIST)
        status = nf_fail(NF_ERR_FILE, "%s: the folder cannot be made: %s", args->folder,
                         strerror(errno));
    s->net = network(args);
    if (status == NF_OK)
        status = simulate_write_platform(&s->net, args->bandwidth, args->folder);
    if (status == NF_OK)
        status = measure_costs(s);
    if (status == NF_OK)
        status = list_points(s);
    if (status == NF_OK)
        status = nf_machine_facts(&s->study);
    if (status == NF_OK)
        status = platform_facts(s);
    return status == NF_OK ? cost_facts(s) : status;
}

/* What planning took, which the report has among its facts. */
static void print_planning(const simulation *s)
{
    printf("\n");
    for (size_t i = 0; i < s->args->nranks; i++) {
        char name[64];
        snprintf(name, sizeof name, "planning at %d ranks", s->args->ranks[i]);
        printf("%s: %s\n", name, nf_study_find(&s->study, name));
    }
}

static nf_status simulate(const nf_cli *cli, simulate_args *args)
{
    simulation s = {.cli = cli, .args = args};
    nf_status status = simulate_args_complete(cli, args);
    if (status == NF_OK)
        status = prepare(&s);
    nf_progress_start(&s.progress, "simulate", cli->quiet);
    if (status == NF_OK)
        status = run_points(&s);
    nf_progress_stop(&s.progress);
    if (status == NF_OK)
        status = record(&s);
    if (status == NF_OK)
        status = nf_report_write(&s.study, args->folder, 0);
    if (status == NF_OK) {
        nf_report_table(&s.study, stdout);
        print_planning(&s);
        printf("\nReport: %s/report.html (also report.md, simulated.csv, study.jsonl)\n",
               args->folder);
    }
    for (size_t i = 0; i < s.npoints; i++)
        free(s.points[i].expected);
    free(s.points);
    free(s.costs);
    free(s.program);
    nf_study_free(&s.study);
    return status;
}

int main(int argc, char **argv)
{
    simulate_args args = simulate_defaults;
    nf_cli cli;
    nf_status status = nf_cli_start(&cli, argc, argv, &simulate_argp, &args, 0);
    if (status == NF_OK && !cli.done)
        status = simulate(&cli, &args);
    nf_chains_free(&args.chains);
    return nf_cli_stop(&cli, status);
}
