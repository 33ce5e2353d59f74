/* counter.h - a counter on rank 0 that every rank may raise by itself: MPI's one-sided operations.
 *
 * Where MPI moves them in software, rank 0 must be within some MPI call for others to get on. */
#ifndef NF_COUNTER_H
#define NF_COUNTER_H

#include "drivers/engine/world.h"

typedef struct nf_counter nf_counter;

/* Collective. It begins at 0. Errors, on all ranks: NF_ERR_MEMORY; NF_ERR_SYSTEM where
 * MPI has no one-sided operations between them. */
nf_status nf_counter_create(const nf_world *world, nf_counter **counter);
void nf_counter_free(nf_counter *counter); /* collective; NULL is fine */

/* Adds, waits until it is done, and returns what the counter was before. */
int64_t nf_counter_add(nf_counter *counter, int64_t by);

#endif
