/* mpi_comm.h - what the mpi_*.c files share. Included by them alone. */
#ifndef NF_MPI_COMM_H
#define NF_MPI_COMM_H

#include <mpi.h>

#include "drivers/engine/status.h"

struct nf_comm {
    MPI_Comm mpi;
    MPI_Comm node; /* nf_comm_node's; MPI_COMM_NULL before its first call */
};

/* Every message tag of the engine. Nothing is sent with NF_TAG_NEVER: looking for it lets MPI go on
 * with what is under way. */
enum { NF_TAG_DATA = 1, NF_TAG_HALO, NF_TAG_NEVER, NF_TAG_ASK, NF_TAG_ITEM, NF_TAG_RESULT };

/* Collective over the communicator at the first call. The ranks that can share this one's memory, in
 * their order; lives as long as `comm`. */
MPI_Comm nf_comm_node(struct nf_comm *comm);

/* Elements of the MPI call that goes on after `done` bytes of `bytes`: at most nf_mpi_chunk. */
int nf_chunk_at(size_t done, size_t bytes);

/* Memory that the ranks of a node share, zeroed: each gives a part, in units of pages and near to
 * itself, and all see all of it. */
typedef struct nf_segment {
    char *memory; /* of all ranks' parts, in their order */
    size_t bytes;
    size_t mine; /* where this rank's part begins */
} nf_segment;

/* Collective over the node; fails on all its ranks or on none, each with a message. Freeing is not
 * collective. */
nf_status nf_segment_create(MPI_Comm node, size_t my_bytes, nf_segment *segment);
void nf_segment_free(nf_segment *segment);

#endif
