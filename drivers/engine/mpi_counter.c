/* mpi_counter.c - the MPI calls behind counter.h: fetch and op on a passive target. */
#include <mpi.h>
#include <stdlib.h>

#include "drivers/engine/counter.h"
#include "drivers/engine/mpi_comm.h"

struct nf_counter {
    MPI_Win window;
    int64_t alone; /* the counter of a world of one rank */
    bool shared;
};

/* Over some networks Open MPI has no one-sided operations. */
static nf_status open_window(const nf_world *world, int64_t **mine, MPI_Win *window)
{
    MPI_Comm comm = world->comm->mpi;
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    int error = MPI_Win_allocate(world->rank == 0 ? (MPI_Aint)sizeof **mine : 0, sizeof **mine,
                                 MPI_INFO_NULL, comm, mine, window);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_ARE_FATAL);
    return error == MPI_SUCCESS
               ? NF_OK
               : nf_fail(NF_ERR_SYSTEM, "MPI has no one-sided operations between these ranks");
}

nf_status nf_counter_create(const nf_world *world, nf_counter **counter)
{
    nf_counter *c = calloc(1, sizeof *c);
    *counter = NULL;
    nf_status status =
        nf_agree(world, c ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a counter"));
    if (status != NF_OK) {
        free(c);
        return status;
    }
    *counter = c;
    c->shared = world->comm != NULL;
    if (!c->shared)
        return NF_OK;
    int64_t *mine;
    status = nf_agree(world, open_window(world, &mine, &c->window));
    if (status != NF_OK) {
        free(c); /* a window that others lack cannot be freed, and stays */
        *counter = NULL;
        return status;
    }
    MPI_Win_lock_all(MPI_MODE_NOCHECK, c->window);
    if (world->rank == 0) {
        *mine = 0;
        MPI_Win_sync(c->window);
    }
    MPI_Barrier(world->comm->mpi);
    return NF_OK;
}

void nf_counter_free(nf_counter *counter)
{
    if (counter != NULL && counter->shared) {
        MPI_Win_unlock_all(counter->window);
        MPI_Win_free(&counter->window);
    }
    free(counter);
}

int64_t nf_counter_add(nf_counter *counter, int64_t by)
{
    int64_t before = counter->alone;
    if (counter->shared) {
        MPI_Fetch_and_op(&by, &before, MPI_INT64_T, 0, 0, MPI_SUM, counter->window);
        MPI_Win_flush(0, counter->window);
    } else {
        counter->alone += by;
    }
    return before;
}
