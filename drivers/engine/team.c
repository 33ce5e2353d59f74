#include "drivers/engine/team.h"

#include <omp.h>
#include <sched.h>
#include <stddef.h>
#include <time.h>

void nf_team_run(int threads, int64_t count, nf_team_task *task, void *context)
{
    if (count == 0)
        return;
    if (threads == 1) {
        for (int64_t i = 0; i < count; i++)
            task(context, 0, i);
        return;
    }
#pragma omp parallel num_threads(threads)
    {
        /* Fewer threads than asked for share the work all the same. */
        int64_t team = omp_get_num_threads(), me = omp_get_thread_num();
        for (int64_t i = nf_team_first(count, team, me); i < nf_team_first(count, team, me + 1);
             i++)
            task(context, (int)me, i);
    }
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
