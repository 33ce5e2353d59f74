/* mpi_deal.c - the MPI calls behind deal.h. */
#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/deal.h"
#include "drivers/engine/mpi_comm.h"

/* Where each rank's numbers begin. False: there are more than an int counts. */
static bool place(int ranks, const int *counts, int *at, int64_t *all)
{
    *all = 0;
    for (int r = 0; r < ranks; r++) {
        at[r] = (int)*all;
        *all += counts[r];
        if (*all > INT_MAX)
            return false;
    }
    return true;
}

static nf_status deal(const nf_world *world, const int64_t *send, const int *counts,
                      int64_t **received, int *received_counts, int *at)
{
    int ranks = world->size, *received_at = at + ranks;
    int64_t sent, all;
    MPI_Alltoall(counts, 1, MPI_INT, received_counts, 1, MPI_INT, world->comm->mpi);
    nf_status status = NF_OK;
    if (!place(ranks, counts, at, &sent) || !place(ranks, received_counts, received_at, &all))
        status = nf_fail(NF_ERR_MEMORY, "2^31 numbers or more to be dealt out at once by a rank");
    else if ((*received = malloc(((size_t)all + 1) * sizeof **received)) == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for %lld numbers dealt out among ranks",
                         (long long)all);
    status = nf_agree(world, status);
    if (status == NF_OK)
        MPI_Alltoallv(send, counts, at, MPI_INT64_T, *received, received_counts, received_at,
                      MPI_INT64_T, world->comm->mpi);
    return status;
}

/* A rank alone deals to itself. */
static nf_status keep(const int64_t *send, const int *counts, int64_t **received,
                      int *received_counts)
{
    received_counts[0] = counts[0];
    *received = malloc(((size_t)counts[0] + 1) * sizeof **received);
    if (*received == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %d numbers", counts[0]);
    memcpy(*received, send, (size_t)counts[0] * sizeof *send);
    return NF_OK;
}

nf_status nf_deal(const nf_world *world, const int64_t *send, const int *counts, int64_t **received,
                  int *received_counts)
{
    *received = NULL;
    if (world->comm == NULL)
        return keep(send, counts, received, received_counts);
    int *at = malloc(2 * (size_t)world->size * sizeof *at);
    nf_status status = nf_agree(
        world,
        at ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for counts of %d ranks", world->size));
    if (status == NF_OK)
        status = deal(world, send, counts, received, received_counts, at);
    if (status != NF_OK) {
        free(*received);
        *received = NULL;
    }
    free(at);
    return status;
}

void nf_shift(const nf_world *world, const void *send, int to, void *receive, int from,
              size_t bytes)
{
    to = to < 0 ? MPI_PROC_NULL : to;
    from = from < 0 ? MPI_PROC_NULL : from;
    for (size_t done = 0; world->comm != NULL && done < bytes; done += nf_mpi_chunk) {
        int count = nf_chunk_at(done, bytes);
        MPI_Sendrecv((const char *)send + done, count, MPI_BYTE, to, NF_TAG_DATA,
                     (char *)receive + done, count, MPI_BYTE, from, NF_TAG_DATA, world->comm->mpi,
                     MPI_STATUS_IGNORE);
    }
}
