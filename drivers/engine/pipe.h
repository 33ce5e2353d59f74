/* pipe.h - bands of an array on their way through a rank: read ahead by one thread, computed by the
 * caller and its team, written behind by another thread. */
#ifndef NF_PIPE_H
#define NF_PIPE_H

#include "drivers/engine/world.h"

/* A step of band number `band`. */
typedef nf_status nf_pipe_step(void *context, int64_t band);

/* What is fetched is held in two places, and so is what is computed, those of even and of odd
 * bands: a band is fetched while the one before it is computed, once the one before that is; it is
 * computed when it is fetched and the one before the last is stored. */
typedef struct nf_pipe {
    int64_t bands;         /* of this rank */
    int64_t rounds;        /* the most that any rank has */
    nf_pipe_step *fetch;   /* by the reading thread */
    nf_pipe_step *compute; /* by the caller; may be NULL */
    nf_pipe_step *pack;    /* by the writing thread; NULL: nothing to do, as for the next two */
    nf_pipe_step
        *place; /* by the caller. Collective: each round, also on ranks that have no band left */
    nf_pipe_step *store; /* by the writing thread */
    void *context;
} nf_pipe;

/* Seconds that each of them took on this rank. */
typedef struct nf_pipe_times {
    double fetch, compute, store; /* packing and placing count as storing */
} nf_pipe_times;

/* Collective. Whatever fails on whichever rank: all stop within a few bands, and have the same
 * status. Threads and their steps make no MPI call but for `place`. Adds to *times. */
nf_status nf_pipe_run(const nf_world *world, const nf_pipe *pipe, nf_pipe_times *times);

#endif
