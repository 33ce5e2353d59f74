/* world.h - the processes and threads that work together: an MPI communicator and a thread count.
 *
 * Collective functions are marked so: every rank of the world calls them, in the same order, and
 * all return the same status. A world of one rank makes no MPI call in them. */
#ifndef NF_WORLD_H
#define NF_WORLD_H

#include "drivers/engine/status.h"

typedef struct nf_world {
    struct nf_comm *comm; /* opaque; NULL in a world of one rank */
    int rank, size;
    int threads; /* OpenMP threads of each rank, at least 1 */
} nf_world;

/* Collective. Starts MPI (once a process) with settings that suit few cores, where a launcher started this
 * process (launch.h): by itself a process does not need it, and starting it takes some tenths of a second.
 * Fills *world with all ranks, threads = 1. nf_world_stop ends it. */
nf_status nf_world_start(int *argc, char ***argv, nf_world *world);
void nf_world_stop(nf_world *world);

/* Collective over `world`. The first `size` ranks become *part (with `threads` threads each) and it
 * is theirs to free; the others get part->size = 0. */
nf_status nf_world_part(const nf_world *world, int size, int threads, nf_world *part);
/* Collective over `world`, which has that rank. Likewise rank 0 and rank `other`, which become ranks
 * 0 and 1, with a thread each. */
nf_status nf_world_pair(const nf_world *world, int other, nf_world *pair);
void nf_world_free(nf_world *part);

/* Collective. Failing is agreed on: if any rank passes a failure, all return that of the lowest
 * failing rank and keep its message. The only way a collective function may fail. */
nf_status nf_agree(const nf_world *world, nf_status mine);

/* Collective. Ends when all ranks have come. `nf_sleep_barrier` waits without using the processor:
 * a rank looks again after at most 5 ms. `nf_barrier` is prompt. */
void nf_barrier(const nf_world *world);
void nf_sleep_barrier(const nf_world *world);

/* Collective. Copies root's bytes to all. */
void nf_broadcast(const nf_world *world, void *data, size_t bytes, int root);
/* Collective. The ranks' `bytes` each, in rank order, into all[size * bytes] on rank 0. */
void nf_gather(const nf_world *world, const void *mine, void *all, size_t bytes);
/* Collective. The ranks' arrays added up, one by one, into rank 0's; the others' are left as they
 * are. */
void nf_sum_i64(const nf_world *world, int64_t *values, size_t count);
/* Collective. */
uint64_t nf_sum_u64(const nf_world *world, uint64_t mine); /* modulo 2^64 */

/* Point to point, blocking, any length. Used to move rows between rank 0 and the blocks. */
void nf_send(const nf_world *world, const void *data, size_t bytes, int to);
void nf_receive(const nf_world *world, void *data, size_t bytes, int from);

/* Bytes of the longest single MPI message, whose counts are ints; a multiple of 8. Longer ones go as
 * several. A variable so that tests can make it small, the same on all ranks. */
extern size_t nf_mpi_chunk;

/* Seconds from the start of this process until MPI had started, give or take half a tick of the
 * kernel's clock (5 ms); 0: it was not started (launch.h), or the system does not tell. */
double nf_mpi_start_seconds(void);

/* Name and version of the MPI library, "Open MPI v4.1.4". */
const char *nf_mpi_version(void);

#endif
