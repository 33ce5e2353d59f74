/* mpi_node.c - the MPI calls behind node.h. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/cores.h"
#include "drivers/engine/mpi_comm.h"
#include "drivers/engine/node.h"

struct nf_window {
    MPI_Win mpi;
};

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
    MPI_Comm comm;
    MPI_Comm_split_type(world->comm->mpi, MPI_COMM_TYPE_SHARED, world->rank, MPI_INFO_NULL, &comm);
    MPI_Comm_rank(comm, &node->rank);
    MPI_Comm_size(comm, &node->size);
    int leader = node->rank == 0;
    MPI_Allreduce(&leader, &node->nodes, 1, MPI_INT, MPI_SUM, world->comm->mpi);
    if (node->size > 1)
        node->comm = malloc(sizeof *node->comm);
    if (node->comm != NULL)
        node->comm->mpi = comm;
    else
        MPI_Comm_free(&comm);
    return node->size > 1 && node->comm == NULL
               ? nf_fail(NF_ERR_MEMORY, "no memory for the ranks of a node")
               : NF_OK;
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
    if (node->comm != NULL)
        MPI_Comm_free(&node->comm->mpi);
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
    *shared = (nf_shared){NULL, NULL};
    if (node->comm == NULL) {
        shared->memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
        return shared->memory ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for %zu bytes", bytes);
    }
    struct nf_window *window = malloc(sizeof *window);
    int ok = window != NULL, all_ok;
    MPI_Allreduce(&ok, &all_ok, 1, MPI_INT, MPI_MIN, node->comm->mpi);
    if (!all_ok) {
        free(window);
        return nf_fail(NF_ERR_MEMORY, "no memory for a shared window");
    }
    MPI_Comm_set_errhandler(node->comm->mpi, MPI_ERRORS_RETURN);
    int error =
        MPI_Win_allocate_shared(node->rank == 0 ? (MPI_Aint)bytes + 64 : 0, 1, MPI_INFO_NULL,
                                node->comm->mpi, &shared->memory, &window->mpi);
    if (error != MPI_SUCCESS) {
        free(window);
        return nf_fail(NF_ERR_MEMORY, "no shared memory for %zu bytes (is /dev/shm full?)", bytes);
    }
    shared->window = window;
    MPI_Aint size;
    int unit;
    MPI_Win_shared_query(window->mpi, 0, &size, &unit, &shared->memory);
    shared->memory = (void *)(((uintptr_t)shared->memory + 63) / 64 * 64);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, window->mpi);
    return NF_OK;
}

void nf_node_unshare(nf_shared *shared)
{
    if (shared->window != NULL) {
        MPI_Win_unlock_all(shared->window->mpi);
        MPI_Win_free(&shared->window->mpi);
    } else {
        free(shared->memory);
    }
    free(shared->window);
    *shared = (nf_shared){NULL, NULL};
}

void nf_node_barrier(const nf_node *node, const nf_shared *shared)
{
    if (shared->window == NULL)
        return;
    MPI_Win_sync(shared->window->mpi);
    MPI_Barrier(node->comm->mpi);
    MPI_Win_sync(shared->window->mpi);
}
