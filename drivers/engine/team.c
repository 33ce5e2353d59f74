#include "drivers/engine/team.h"

#include <omp.h>
#include <sched.h>
#include <stddef.h>
#include <time.h>

/* Thread `me` of `team`: its run of the phase's items. */
static void run_share(const nf_team_phase *phase, int64_t team, int64_t me)
{
    int64_t end = nf_team_first(phase->count, team, me + 1);
    for (int64_t i = nf_team_first(phase->count, team, me); i < end; i++)
        phase->task(phase->context, (int)me, i);
}

void nf_team_run_phases(int threads, const nf_team_phase *phases, size_t n)
{
    while (n > 0 && phases[n - 1].count == 0)
        n--;
    if (threads == 1) {
        for (size_t p = 0; p < n; p++)
            run_share(&phases[p], 1, 0);
        return;
    }
    if (n == 0)
        return;
#pragma omp parallel num_threads(threads)
    {
        /* Fewer threads than asked for share the work all the same. */
        int64_t team = omp_get_num_threads(), me = omp_get_thread_num();
        for (size_t p = 0; p < n; p++) {
            if (phases[p].count == 0)
                continue;
            run_share(&phases[p], team, me);
            if (p + 1 < n) {
#pragma omp barrier
            }
        }
    }
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
