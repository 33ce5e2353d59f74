#include "drivers/engine/team.h"

#include <omp.h>
#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <time.h>

/* ---- who did how much ---- */

/* A thread's time in the list at hand and in the one before: a thread can be one list ahead of
 * thread 0, which adds them up, and not two. */
struct nf_team_slot {
    alignas(128) double spent[2];
};

static nf_team_work *counted;

bool nf_team_work_make(nf_team_work *work, int threads)
{
    *work = (nf_team_work){.threads = threads};
    size_t bytes = (size_t)threads * sizeof *work->slots;
    work->useful = calloc((size_t)threads, sizeof *work->useful);
    work->slots = aligned_alloc(alignof(struct nf_team_slot), bytes);
    if (work->useful != NULL && work->slots != NULL)
        return true;
    nf_team_work_free(work);
    return false;
}

void nf_team_work_free(nf_team_work *work)
{
    free(work->useful);
    free(work->slots);
    *work = (nf_team_work){0};
}

void nf_team_count(nf_team_work *work)
{
    counted = work;
}

double nf_team_slowest(void)
{
    return counted == NULL ? 0 : counted->slowest;
}

static bool counts(int64_t team)
{
    return counted != NULL && team <= counted->threads;
}

/* Thread 0, when all of the team have done a list. */
static void add_up(int64_t team, size_t list)
{
    double slowest = 0;
    for (int64_t t = 0; t < team; t++) {
        double spent = counted->slots[t].spent[list % 2];
        counted->useful[t] += spent;
        slowest = spent > slowest ? spent : slowest;
    }
    counted->slowest += slowest;
}

/* ---- lists ---- */

/* Thread `me` of `team`: its run of the items of list number `list`, from now on. Returns when it
 * was done; where nothing is counted, `now`. */
static double run_share(const nf_team_phase *phase, int64_t team, int64_t me, size_t list,
                        double now)
{
    int64_t end = nf_team_first(phase->count, team, me + 1);
    int64_t i = nf_team_first(phase->count, team, me);
    bool stamps = counts(team);
    double done = now;
    bool any = i < end;
    for (; i < end; i++)
        phase->task(phase->context, (int)me, i);
    if (stamps && any)
        done = nf_seconds();
    if (stamps)
        counted->slots[me].spent[list % 2] = done - now;
    return done;
}

static double stamp(int64_t team)
{
    return counts(team) ? nf_seconds() : 0;
}

void nf_team_run_phases(int threads, const nf_team_phase *phases, size_t n)
{
    while (n > 0 && phases[n - 1].count == 0)
        n--;
    if (threads == 1) {
        double now = stamp(1);
        for (size_t p = 0; p < n; p++) {
            now = run_share(&phases[p], 1, 0, p, now);
            if (counts(1))
                add_up(1, p);
        }
        return;
    }
    if (n == 0)
        return;
    int64_t joined = 0;
    size_t lists = 0;
#pragma omp parallel num_threads(threads)
    {
        /* Fewer threads than asked for share the work all the same. */
        int64_t team = omp_get_num_threads(), me = omp_get_thread_num();
        size_t list = 0;
        for (size_t p = 0; p < n; p++) {
            if (phases[p].count == 0)
                continue;
            run_share(&phases[p], team, me, list, stamp(team));
            if (p + 1 < n) {
#pragma omp barrier
                if (me == 0 && counts(team))
                    add_up(team, list);
            }
            list++;
        }
        if (me == 0)
            joined = team, lists = list;
    }
    if (counts(joined))
        add_up(joined, lists - 1);
}

void nf_team_run(int threads, int64_t count, nf_team_task *task, void *context)
{
    const nf_team_phase phase = {count, task, context};
    nf_team_run_phases(threads, &phase, 1);
}

typedef struct binding {
    const int *cores, *allowed;
    int ncores;
} binding;

static void bind_thread(void *context, int thread, int64_t item)
{
    const binding *b = context;
    cpu_set_t set;
    CPU_ZERO(&set);
    (void)item;
    if (b->cores != NULL)
        CPU_SET((size_t)b->cores[thread], &set);
    for (int i = 0; b->cores == NULL && i < b->ncores; i++)
        CPU_SET((size_t)b->allowed[i], &set);
    sched_setaffinity(0, sizeof set, &set);
}

void nf_team_bind(int threads, const int *cores, const int *allowed, int ncores)
{
    binding b = {cores, allowed, ncores};
    nf_team_run(threads, threads, bind_thread, &b);
}

double nf_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
