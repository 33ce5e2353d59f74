#include "drivers/measure.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/facts.h"
#include "drivers/engine/team.h"
#include "drivers/study/critical.h"

/* Steps of all ranks that rank 0 gathers at most. */
enum { MOST_STEPS = 1 << 20 };

/* What a rank tells of a sample, all its runs together, in seconds. */
typedef struct nf_tally {
    double begun, done; /* on rank 0's clock, from the common moment (window) or its own start */
    double halo, fold, io;
    double slowest; /* of the lists of tiles, the slowest thread each */
    nf_counts counts;
} nf_tally;

/* ---- begin and end ---- */

/* Rank 0 learns who exchanges halos with whom. */
static void gather_neighbours(nf_measure *m, unsigned char *mine)
{
    nf_plan_peers(m->bench->plan, mine);
    nf_gather(m->part, mine, m->neighbours, nf_neighbour_bytes(m->part->size));
}

/* Room for what a sample needs, and on rank 0 for what all ranks send. */
static nf_status make_room(nf_measure *m, int64_t steps)
{
    size_t ranks = (size_t)m->part->size, threads = (size_t)m->part->threads;
    size_t row = nf_neighbour_bytes(m->part->size), first = m->part->rank == 0 ? ranks : 0;
    bool few = steps * m->part->size <= MOST_STEPS;
    unsigned char *mine = calloc(row, 1);
    m->steps = (nf_steps){calloc(few ? (size_t)steps + 1 : 1, sizeof(nf_step)), few ? steps : 0, 0};
    m->neighbours = calloc(first * row + 1, 1);
    m->tallies = calloc(first + 1, sizeof *m->tallies);
    m->useful = calloc(first * threads + 1, sizeof *m->useful);
    m->all_steps = calloc(few ? first * (size_t)steps + 1 : 1, sizeof *m->all_steps);
    bool fine = mine && m->steps.list && m->neighbours && m->tallies && m->useful && m->all_steps;
    nf_status status = nf_agree(
        m->part, fine ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for what ranks tell of a run"));
    if (status == NF_OK)
        gather_neighbours(m, mine);
    free(mine);
    return status;
}

/* The run that warms up: its seconds, and how many steps it has. */
static nf_status warm_up(nf_measure *m, double *seconds, int64_t *steps)
{
    nf_steps counting = {NULL, 0, 0};
    nf_times times = {.steps = &counting};
    nf_barrier(m->part);
    double start = nf_seconds();
    nf_status status = nf_bench_run(m->bench, &times);
    *seconds = nf_seconds() - start;
    *steps = counting.count;
    nf_broadcast(m->part, seconds, sizeof *seconds, 0);
    return status;
}

nf_status nf_measure_begin(const nf_world *part, const nf_node *node, nf_bench *bench,
                           const nf_timer *timer, bool crowded, nf_measure *m, double *seconds)
{
    int64_t steps = 0;
    *m = (nf_measure){.part = part, .bench = bench, .clock = NF_CLOCK_BARRIER};
    bool fine = nf_team_work_make(&m->work, part->threads);
    nf_status status =
        nf_agree(part, fine ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for threads' times"));
    if (status == NF_OK)
        status = warm_up(m, seconds, &steps);
    if (status != NF_OK)
        return status;
    m->runs = nf_timer_runs(timer, *seconds);
    if (m->runs > 1) { /* the first run is slower than others, and long enough is the aim */
        status = warm_up(m, seconds, &steps);
        m->runs = nf_timer_runs(timer, *seconds);
    }
    nf_broadcast(part, &m->runs, sizeof m->runs, 0);
    if (status == NF_OK)
        status = make_room(m, steps * m->runs);
    nf_measure_again(m, node);
    if (status == NF_OK && !crowded && nf_window_open(part, node->world_ranks[0] == 0, &m->window))
        m->clock = NF_CLOCK_WINDOW;
    return status;
}

void nf_measure_again(nf_measure *m, const nf_node *node)
{
    nf_counters_close(&m->counters);
    nf_counters_open(&m->counters, m->part->threads, nf_hardware_events,
                     node->rank == 0 ? NF_ENERGY_ROOT : NULL);
}

void nf_measure_free(nf_measure *m)
{
    nf_counters_close(&m->counters);
    nf_team_work_free(&m->work);
    free(m->steps.list);
    free(m->neighbours);
    free(m->tallies);
    free(m->useful);
    free(m->all_steps);
    *m = (nf_measure){.part = NULL};
}

/* ---- one sample, on every rank ---- */

/* The moment from which this rank's times count, on its own clock. */
static double begin_clock(const nf_measure *m)
{
    double late;
    if (m->clock == NF_CLOCK_WINDOW)
        return nf_window_wait(m->part, &m->window, &late);
    nf_barrier(m->part);
    return nf_seconds();
}

static nf_status run_sample(nf_measure *m, nf_tally *tally)
{
    nf_times times = {.steps = &m->steps};
    nf_status status = NF_OK;
    m->steps.count = 0;
    m->work.slowest = 0;
    memset(m->work.useful, 0, (size_t)m->work.threads * sizeof *m->work.useful);
    nf_team_count(&m->work);
    nf_counters_start(&m->counters);
    double moment = begin_clock(m), start = nf_seconds();
    for (int run = 0; run < m->runs && status == NF_OK; run++)
        status = nf_bench_run(m->bench, &times);
    double end = nf_seconds();
    nf_counts counts = nf_counters_stop(&m->counters);
    nf_team_count(NULL);
    *tally = (nf_tally){.begun = start - moment,
                        .done = end - moment,
                        .halo = times.halo,
                        .fold = times.fold,
                        .io = m->bench->fill_seconds,
                        .slowest = m->work.slowest,
                        .counts = counts};
    return status;
}

/* ---- rank 0: what all of them tell ---- */

static double average(const double *list, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += list[i];
    return sum / n;
}

/* The phases of one rank; `all` is what the slowest rank took. */
static nf_phases phases_of(const nf_tally *t, const double *useful, int threads, double all)
{
    double run = t->done - t->begun, compute = average(useful, threads);
    return (nf_phases){.compute = compute,
                       .idle = t->slowest - compute,
                       .runtime = run - t->halo - t->fold - t->slowest,
                       .halo = t->halo,
                       .fold = t->fold,
                       .wait = all - run,
                       .io = t->io};
}

static void scale_phases(nf_phases *p, double factor)
{
    p->compute *= factor;
    p->idle *= factor;
    p->runtime *= factor;
    p->halo *= factor;
    p->fold *= factor;
    p->wait *= factor;
}

static void add_phases(nf_phases *to, const nf_phases *p, double factor)
{
    to->compute += factor * p->compute;
    to->idle += factor * p->idle;
    to->runtime += factor * p->runtime;
    to->halo += factor * p->halo;
    to->fold += factor * p->fold;
    to->wait += factor * p->wait;
    to->io += factor * p->io;
}

/* One rank's part of the sample. */
static void add_rank(const nf_measure *m, int rank, double all, nf_sample *sample)
{
    nf_balance *b = &sample->balance;
    const nf_tally *t = &m->tallies[rank];
    int threads = m->part->threads, ranks = m->part->size;
    const double *useful = m->useful + (size_t)rank * (size_t)threads;
    nf_phases phases = phases_of(t, useful, threads, all);
    double most = 0;
    scale_phases(&phases, 1.0 / m->runs);
    add_phases(&sample->phases, &phases, 1.0 / ranks);
    for (int i = 0; i < threads; i++) {
        double mine = useful[i] / m->runs;
        b->useful += mine;
        most = mine > most ? mine : most;
        if (b->threads != NULL)
            b->threads[rank * threads + i] = mine;
    }
    b->most = most > b->most ? most : b->most;
    b->rank_most += most / ranks;
    if (t->slowest > m->tallies[b->slowest].slowest)
        b->slowest = rank;
    if (b->ranks != NULL)
        b->ranks[rank] = phases;
    sample->cycles += t->counts.event[0] / m->runs;
    sample->instructions += t->counts.event[1] / m->runs;
    sample->misses += t->counts.event[2] / m->runs;
    sample->joules += t->counts.joules / m->runs;
}

static nf_status add_critical(const nf_measure *m, nf_balance *b)
{
    nf_critical path;
    b->steps = m->steps.count / m->runs;
    if (m->steps.room == 0 || m->steps.count > m->steps.room)
        return NF_OK;
    if (!nf_critical_path(m->all_steps, m->part->size, m->steps.count, m->neighbours, &path))
        return nf_fail(NF_ERR_MEMORY, "no memory for a critical path");
    b->bulk = path.bulk / m->runs;
    b->chain = path.chain / m->runs;
    return NF_OK;
}

static nf_status combine(const nf_measure *m, nf_sample *sample)
{
    nf_balance *b = &sample->balance;
    double all = 0;
    nf_status status = NF_OK;
    for (int i = 0; i < m->part->size; i++)
        all = m->tallies[i].done > all ? m->tallies[i].done : all;
    *b = (nf_balance){.known = true};
    if ((int64_t)m->part->size * m->part->threads <= NF_BALANCE_WORKERS)
        status = nf_balance_make(b, m->part->size, m->part->threads);
    sample->phases = (nf_phases){0};
    sample->cycles = sample->instructions = sample->misses = sample->joules = 0;
    sample->runs = m->runs;
    sample->clock = m->clock;
    sample->seconds = all / m->runs;
    for (int i = 0; i < m->part->size && status == NF_OK; i++)
        add_rank(m, i, all, sample);
    return status == NF_OK ? add_critical(m, b) : status;
}

nf_status nf_measure_once(nf_measure *m, nf_sample *sample)
{
    nf_tally tally;
    nf_status status = run_sample(m, &tally);
    if (status != NF_OK) /* all ranks have agreed on that */
        return status;
    nf_gather(m->part, &tally, m->tallies, sizeof tally);
    nf_gather(m->part, m->work.useful, m->useful, (size_t)m->part->threads * sizeof *m->useful);
    if (m->steps.room > 0 && m->steps.count <= m->steps.room)
        nf_gather(m->part, m->steps.list, m->all_steps,
                  (size_t)m->steps.count * sizeof *m->all_steps);
    if (m->part->rank == 0)
        status = combine(m, sample);
    return nf_agree(m->part, status);
}
