/* mpi_world.c - the MPI calls behind world.h. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/engine/launch.h"
#include "drivers/engine/mpi_comm.h"
#include "drivers/engine/process.h"
#include "drivers/engine/world.h"

size_t nf_mpi_chunk = 1 << 30;

int nf_chunk_at(size_t done, size_t bytes)
{
    return (int)(bytes - done < nf_mpi_chunk ? bytes - done : nf_mpi_chunk);
}

/* Settings that suit few cores and containers; what the user has set stays. See the Open MPI FAQ on
 * oversubscribing, and on CMA where ptrace is not allowed. */
static void prepare_environment(void)
{
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
}

static double start_seconds;

double nf_mpi_start_seconds(void)
{
    return start_seconds;
}

/* A simulated rank has the environment of the simulator's one process, and is never alone. */
static bool is_alone(void)
{
#ifdef SMPI_H
    return false;
#else
    return !nf_launched();
#endif
}

nf_status nf_world_start(int *argc, char ***argv, nf_world *world)
{
    int provided;
    *world = (nf_world){.size = 1, .threads = 1};
    if (is_alone())
        return NF_OK;
    prepare_environment();
    if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return nf_fail(NF_ERR_SYSTEM, "MPI does not start");
    start_seconds = nf_process_age();
    MPI_Comm_rank(MPI_COMM_WORLD, &world->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world->size);
    if (world->size == 1)
        return NF_OK;
    world->comm = malloc(sizeof *world->comm);
    if (world->comm == NULL)
        MPI_Abort(MPI_COMM_WORLD, 1); /* nothing has begun, and no agreement is possible yet */
    *world->comm = (struct nf_comm){MPI_COMM_WORLD, MPI_COMM_NULL};
    return NF_OK;
}

MPI_Comm nf_comm_node(struct nf_comm *comm)
{
    if (comm->node != MPI_COMM_NULL)
        return comm->node;
    MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &comm->node);
    return comm->node;
}

static void free_comm(struct nf_comm *comm)
{
    if (comm != NULL && comm->node != MPI_COMM_NULL)
        MPI_Comm_free(&comm->node);
    free(comm);
}

void nf_world_stop(nf_world *world)
{
    int started;
    free_comm(world->comm);
    *world = (nf_world){.size = 1, .threads = 1};
    MPI_Initialized(&started);
    if (started)
        MPI_Finalize();
}

/* Collective. The members, in their order, become *part. */
static nf_status take_part(const nf_world *world, bool member, int members, int threads,
                           nf_world *part)
{
    *part = (nf_world){.size = member ? members : 0, .threads = threads};
    if (world->comm == NULL)
        return NF_OK;
    bool shared = member && members > 1;
    if (shared)
        part->comm = malloc(sizeof *part->comm);
    nf_status status = shared && part->comm == NULL ? NF_ERR_MEMORY : NF_OK;
    status = nf_agree(world, status);
    if (status != NF_OK) {
        free(part->comm);
        part->comm = NULL;
        return status;
    }
    MPI_Comm comm;
    MPI_Comm_split(world->comm->mpi, shared ? 0 : MPI_UNDEFINED, world->rank, &comm);
    if (shared) {
        *part->comm = (struct nf_comm){comm, MPI_COMM_NULL};
        MPI_Comm_rank(comm, &part->rank);
    }
    return NF_OK;
}

nf_status nf_world_part(const nf_world *world, int size, int threads, nf_world *part)
{
    return take_part(world, world->rank < size, size, threads, part);
}

nf_status nf_world_pair(const nf_world *world, int other, nf_world *pair)
{
    return take_part(world, world->rank == 0 || world->rank == other, 2, 1, pair);
}

void nf_world_free(nf_world *part)
{
    if (part->comm != NULL)
        MPI_Comm_free(&part->comm->mpi);
    free_comm(part->comm);
    *part = (nf_world){0};
}

nf_status nf_agree(const nf_world *world, nf_status mine)
{
    if (world->comm == NULL)
        return mine;
    int failed = mine == NF_OK ? world->size : world->rank, lowest;
    MPI_Allreduce(&failed, &lowest, 1, MPI_INT, MPI_MIN, world->comm->mpi);
    if (lowest == world->size)
        return NF_OK;
    struct {
        nf_status status;
        char message[2044];
    } news = {.status = mine};
    strncpy(news.message, nf_message(mine), sizeof news.message - 1);
    MPI_Bcast(&news, (int)sizeof news, MPI_BYTE, lowest, world->comm->mpi);
    return nf_fail(news.status, "%s", news.message);
}

void nf_barrier(const nf_world *world)
{
    if (world->comm != NULL)
        MPI_Barrier(world->comm->mpi);
}

void nf_sleep_barrier(const nf_world *world)
{
    if (world->comm == NULL)
        return;
    MPI_Request request;
    MPI_Ibarrier(world->comm->mpi, &request);
    struct timespec nap = {.tv_nsec = 50000};
    for (int done = 0; MPI_Test(&request, &done, MPI_STATUS_IGNORE), !done;) {
        nanosleep(&nap, NULL);
        nap.tv_nsec = nap.tv_nsec < 2500000 ? 2 * nap.tv_nsec : 5000000;
    }
}

void nf_broadcast(const nf_world *world, void *data, size_t bytes, int root)
{
    if (world->comm == NULL)
        return;
    for (size_t done = 0; done < bytes; done += nf_mpi_chunk) {
        int count = nf_chunk_at(done, bytes);
        MPI_Bcast((char *)data + done, count, MPI_BYTE, root, world->comm->mpi);
    }
}

void nf_gather(const nf_world *world, const void *mine, void *all, size_t bytes)
{
    if (world->comm == NULL) {
        memcpy(all, mine, bytes);
        return;
    }
    for (size_t done = 0; done < bytes; done += nf_mpi_chunk) {
        int count = nf_chunk_at(done, bytes);
        MPI_Datatype chunk, spaced; /* rank 0 puts the ranks' chunks `bytes` apart */
        MPI_Type_contiguous(count, MPI_BYTE, &chunk);
        MPI_Type_create_resized(chunk, 0, (MPI_Aint)bytes, &spaced);
        MPI_Type_commit(&spaced);
        MPI_Gather((const char *)mine + done, count, MPI_BYTE, (char *)all + done, 1, spaced, 0,
                   world->comm->mpi);
        MPI_Type_free(&spaced);
        MPI_Type_free(&chunk);
    }
}

void nf_sum_i64(const nf_world *world, int64_t *values, size_t count)
{
    size_t chunk = nf_mpi_chunk / sizeof *values;
    for (size_t done = 0; world->comm != NULL && done < count; done += chunk) {
        int some = (int)(count - done < chunk ? count - done : chunk);
        MPI_Reduce(world->rank == 0 ? MPI_IN_PLACE : values + done, values + done, some,
                   MPI_INT64_T, MPI_SUM, 0, world->comm->mpi);
    }
}

uint64_t nf_sum_u64(const nf_world *world, uint64_t mine)
{
    uint64_t sum = mine;
    if (world->comm != NULL)
        MPI_Allreduce(&mine, &sum, 1, MPI_UINT64_T, MPI_SUM, world->comm->mpi);
    return sum;
}

void nf_send(const nf_world *world, const void *data, size_t bytes, int to)
{
    for (size_t done = 0; done < bytes; done += nf_mpi_chunk) {
        int count = nf_chunk_at(done, bytes);
        MPI_Send((const char *)data + done, count, MPI_BYTE, to, NF_TAG_DATA, world->comm->mpi);
    }
}

void nf_receive(const nf_world *world, void *data, size_t bytes, int from)
{
    for (size_t done = 0; done < bytes; done += nf_mpi_chunk) {
        int count = nf_chunk_at(done, bytes);
        MPI_Recv((char *)data + done, count, MPI_BYTE, from, NF_TAG_DATA, world->comm->mpi,
                 MPI_STATUS_IGNORE);
    }
}

const char *nf_mpi_version(void)
{
    static char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(version, &length);
    version[strcspn(version, ",")] = '\0'; /* the rest names packager and build */
    return version;
}
