/* cost_start.c - what starting workers costs. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/engine/team.h"
#include "drivers/study/costs.h"

static const double row_seconds = 1e-3; /* of as many in a row as make a sample */

static nf_cost start_cost(const nf_gauge *g, const char *what)
{
    return (nf_cost){.kind = NF_COST_START,
                     .what = (char *)(uintptr_t)what,
                     .unit = (char *)(uintptr_t) "s",
                     .ranks = g->part->size,
                     .threads = g->part->threads,
                     .nodes = g->nodes,
                     .valid = true};
}

/* ---- many in a row ---- */

typedef struct row {
    const nf_gauge *gauge;
    void (*once)(const nf_world *part);
    int64_t runs;
} row;

static double run_row(void *context)
{
    const row *r = context;
    double start = nf_gauge_start(r->gauge);
    for (int64_t i = 0; i < r->runs; i++)
        r->once(r->gauge->part);
    return nf_gauge_stop(r->gauge, start, nf_seconds()) / (double)r->runs;
}

static void sample_row(const nf_gauge *g, void (*once)(const nf_world *part), nf_cost *cost)
{
    row r = {g, once, 1};
    for (char enough = 0; !enough;) {
        enough = run_row(&r) * (double)r.runs >= row_seconds;
        nf_broadcast(g->part, &enough, 1, 0);
        r.runs *= enough ? 1 : 2;
    }
    nf_gauge_sample(g, run_row, &r, cost);
}

static void do_nothing(void *context, int thread, int64_t item)
{
    (void)context;
    (void)thread;
    (void)item;
}

static void run_region(const nf_world *part)
{
    nf_team_run(part->threads, part->threads, do_nothing, NULL);
}

void nf_cost_region(const nf_gauge *g, nf_cost *cost)
{
    *cost = start_cost(g, "parallel region");
    sample_row(g, run_region, cost);
}

void nf_cost_barrier(const nf_gauge *g, nf_cost *cost)
{
    *cost = start_cost(g, "barrier of ranks");
    sample_row(g, nf_barrier, cost);
}

/* ---- the first region ---- */

typedef struct first_region {
    int threads;
    const int *cores;
    double seconds;
    atomic_bool unfit; /* a thread was there already, or is not on its core */
} first_region;

static _Thread_local bool met;

static void meet(void *context, int thread, int64_t item)
{
    first_region *f = context;
    (void)item;
    if ((thread > 0 && met) || sched_getcpu() != f->cores[thread])
        atomic_store(&f->unfit, true);
    met = true;
}

static void *run_first(void *context)
{
    first_region *f = context;
    double start = nf_seconds();
    nf_team_bind(f->threads, f->cores, NULL, 0);
    f->seconds = nf_seconds() - start;
    nf_team_run(f->threads, f->threads, meet, f);
    return NULL;
}

static double take_first(void *context)
{
    first_region *f = context;
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_first, f) == 0)
        pthread_join(thread, NULL);
    else
        atomic_store(&f->unfit, true);
    return f->seconds;
}

bool nf_cost_first_region(const nf_gauge *g, const int *cores, nf_cost *cost)
{
    first_region f = {.threads = g->part->threads, .cores = cores};
    *cost = start_cost(g, "first parallel region");
    nf_gauge_sample(g, take_first, &f, cost);
    return !atomic_load(&f.unfit);
}

/* ---- processes ---- */

static double take_process(void *context)
{
    static char name[] = "true";
    char *arguments[] = {name, NULL};
    bool *failed = context;
    int state = 0;
    pid_t child;
    double start = nf_seconds();
    bool fine = posix_spawnp(&child, name, NULL, NULL, arguments, environ) == 0;
    while (fine && waitpid(child, &state, 0) != child)
        fine = errno == EINTR;
    fine = fine && WIFEXITED(state) && WEXITSTATUS(state) == 0;
    double seconds = nf_seconds() - start;
    *failed |= !fine;
    return seconds;
}

bool nf_cost_process(const nf_gauge *g, nf_cost *cost)
{
    bool failed = false;
    *cost = start_cost(g, "process");
    take_process(&failed);
    if (!failed)
        nf_gauge_sample(g, take_process, &failed, cost);
    return !failed;
}

bool nf_cost_mpi_process(const nf_gauge *g, nf_cost *cost)
{
    double mine[2] = {nf_mpi_start_seconds(), 0};
    char told = 1;
    *cost = start_cost(g, "MPI process");
    nf_gather(g->part, mine, g->spans, sizeof mine);
    cost->n = 1;
    for (int rank = 0; g->part->rank == 0 && rank < g->part->size; rank++) {
        double seconds = g->spans[rank][0];
        cost->value = seconds > cost->value ? seconds : cost->value;
        told &= seconds > 0;
    }
    nf_broadcast(g->part, &told, 1, 0);
    return told;
}
