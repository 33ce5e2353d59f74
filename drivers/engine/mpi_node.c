/* mpi_node.c - the MPI calls behind node.h. */
#include <mpi.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/cores.h"
#include "drivers/engine/mpi_comm.h"
#include "drivers/engine/node.h"

/* The union of the masks of the node's ranks. */
static void join_masks(const nf_node *node, cpu_set_t *mask)
{
    if (sched_getaffinity(0, sizeof *mask, mask) != 0) {
        CPU_ZERO(mask);
        CPU_SET(0, mask);
    }
    if (node->comm != NULL)
        MPI_Allreduce(MPI_IN_PLACE, mask, (int)sizeof *mask, MPI_BYTE, MPI_BOR, node->comm->mpi);
}

static nf_status list_ranks(const nf_world *world, nf_node *node)
{
    node->world_ranks = calloc((size_t)node->size, sizeof *node->world_ranks);
    node->pus = calloc(NF_MAX_CORES, sizeof *node->pus);
    if (node->world_ranks == NULL || node->pus == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a list of ranks");
    node->world_ranks[0] = world->rank;
    return NF_OK;
}

static nf_status split(const nf_world *world, nf_node *node)
{
    MPI_Comm comm = nf_comm_node(world->comm);
    MPI_Comm_rank(comm, &node->rank);
    MPI_Comm_size(comm, &node->size);
    int leader = node->rank == 0;
    MPI_Allreduce(&leader, &node->nodes, 1, MPI_INT, MPI_SUM, world->comm->mpi);
    if (node->size == 1)
        return NF_OK;
    node->comm = malloc(sizeof *node->comm);
    if (node->comm == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the ranks of a node");
    *node->comm = (struct nf_comm){comm, comm}; /* the world's */
    return NF_OK;
}

nf_status nf_node_find(const nf_world *world, nf_node *node)
{
    *node = (nf_node){.size = 1, .nodes = 1};
    nf_status status = world->comm != NULL ? split(world, node) : NF_OK;
    if (status == NF_OK)
        status = list_ranks(world, node);
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    if (node->comm != NULL)
        MPI_Allgather(&world->rank, 1, MPI_INT, node->world_ranks, 1, MPI_INT, node->comm->mpi);
    cpu_set_t mask;
    join_masks(node, &mask);
    node->npus = nf_cores_order(&mask, node->pus, &node->cores);
    return NF_OK;
}

void nf_node_free(nf_node *node)
{
    free(node->comm);
    free(node->world_ranks);
    free(node->pus);
    *node = (nf_node){0};
}

int nf_node_members(const nf_node *node, int size)
{
    int members = 0;
    for (int i = 0; i < node->size; i++)
        members += node->world_ranks[i] < size;
    return members;
}

nf_status nf_node_share(const nf_node *node, size_t bytes, nf_shared *shared)
{
    *shared = (nf_shared){NULL, 0};
    if (node->comm == NULL) {
        shared->memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
        return shared->memory ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for %zu bytes", bytes);
    }
    nf_segment segment;
    nf_status status =
        nf_segment_create(node->comm->mpi, node->rank == 0 ? bytes + 1 : 0, &segment);
    *shared = (nf_shared){segment.memory, segment.bytes};
    return status;
}

void nf_node_unshare(nf_shared *shared)
{
    nf_segment segment = {shared->memory, shared->mapped, 0};
    if (shared->mapped > 0)
        nf_segment_free(&segment);
    else
        free(shared->memory);
    *shared = (nf_shared){NULL, 0};
}

void nf_node_barrier(const nf_node *node, const nf_shared *shared)
{
    if (shared->mapped == 0)
        return;
    atomic_thread_fence(memory_order_seq_cst);
    MPI_Barrier(node->comm->mpi);
    atomic_thread_fence(memory_order_seq_cst);
}
