/* team.h - a team of OpenMP threads that share out the items of a list. */
#ifndef NF_TEAM_H
#define NF_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called for each item by one of the threads 0 .. threads-1. */
typedef void nf_team_task(void *context, int thread, int64_t item);

/* Each item of 0 .. count-1 once. Thread t gets the t-th of `threads` nearly equal runs of
 * consecutive items, always the same one, so that memory stays with the core that touched it first.
 * One thread: a plain loop, no OpenMP. */
void nf_team_run(int threads, int64_t count, nf_team_task *task, void *context);

/* Several lists, one after the other, by one team: all have finished one before any begins the
 * next. Lists without items are passed over. */
typedef struct nf_team_phase {
    int64_t count;
    nf_team_task *task;
    void *context;
} nf_team_phase;
void nf_team_run_phases(int threads, const nf_team_phase *phases, size_t n);

/* The first item of thread t's run. */
static inline int64_t nf_team_first(int64_t count, int64_t threads, int64_t t)
{
    return count * t / threads;
}

/* Useful time of this process's teams: that which threads spend on items. */
typedef struct nf_team_work {
    int threads;    /* room for teams of so many; larger ones are not counted */
    double *useful; /* [threads], seconds, added up */
    double slowest; /* of each list that was worked off, its slowest thread; added up */
    struct nf_team_slot *slots;
} nf_team_work;

/* Zero, with room for so many threads; false: no memory. Free it when it counts no more. */
bool nf_team_work_make(nf_team_work *work, int threads);
void nf_team_work_free(nf_team_work *work);

/* From now on all that this process's teams do is added to *work; NULL: no more. Between teams
 * only, by the thread that calls them. */
void nf_team_count(nf_team_work *work);
double nf_team_slowest(void); /* of what is counted; 0 where nothing is */

/* Pins thread t of this process's team to cores[t], the calling thread being number 0, until the
 * next call; cores NULL: all of them may run on any of the `ncores` cores in `allowed`. Failures
 * are ignored: a thread that cannot be pinned runs wherever it may. */
void nf_team_bind(int threads, const int *cores, const int *allowed, int ncores);

/* Seconds on a monotonic clock. */
double nf_seconds(void);

#endif
