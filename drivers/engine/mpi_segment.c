/* mpi_segment.c - memory that the ranks of a node share: a file in /dev/shm that is unlinked as soon
 * as all have mapped it, so that nothing stays behind. Its pages are allocated beforehand: a full
 * /dev/shm is an error here, not a fault later. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drivers/engine/mpi_comm.h"

enum { NAME_BYTES = 32 };

static bool all_agree(MPI_Comm node, bool mine)
{
    int ok = mine, all;
    MPI_Allreduce(&ok, &all, 1, MPI_INT, MPI_MIN, node);
    return all;
}

static int open_file(MPI_Comm node, int rank, char name[NAME_BYTES])
{
    int file = -1;
    strcpy(name, "/dev/shm/nfold-XXXXXX");
    if (rank == 0)
        file = mkostemp(name, O_CLOEXEC);
    MPI_Bcast(name, NAME_BYTES, MPI_CHAR, 0, node);
    return rank == 0 ? file : open(name, O_RDWR | O_CLOEXEC);
}

/* Allocates this rank's part and maps all. 0 or an errno. */
static int map_file(int file, size_t my_bytes, nf_segment *s)
{
    int error = my_bytes > 0 ? posix_fallocate(file, (off_t)s->mine, (off_t)my_bytes) : 0;
    if (error != 0)
        return error;
    void *memory = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        return errno;
    s->memory = memory;
    return 0;
}

nf_status nf_segment_create(MPI_Comm node, size_t my_bytes, nf_segment *segment)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t part = (my_bytes + page - 1) / page * page, before = 0, all = 0;
    int rank;
    MPI_Comm_rank(node, &rank);
    MPI_Exscan(&part, &before, 1, MPI_UINT64_T, MPI_SUM, node);
    MPI_Allreduce(&part, &all, 1, MPI_UINT64_T, MPI_SUM, node);
    *segment = (nf_segment){NULL, all, rank == 0 ? 0 : before};
    if (all == 0)
        return NF_OK;
    char name[NAME_BYTES];
    int file = open_file(node, rank, name);
    int error = file < 0 ? errno : 0;
    if (rank == 0 && error == 0 && ftruncate(file, (off_t)all) != 0)
        error = errno;
    bool ok = all_agree(node, error == 0);
    if (ok) {
        error = map_file(file, part, segment);
        ok = all_agree(node, error == 0);
    }
    if (rank == 0 && file >= 0)
        unlink(name);
    if (file >= 0)
        close(file);
    if (ok)
        return NF_OK;
    nf_segment_free(segment);
    return nf_fail(NF_ERR_MEMORY, "no shared memory for %llu bytes: /dev/shm: %s",
                   (unsigned long long)all,
                   error != 0 ? strerror(error) : "another process of this node failed");
}

void nf_segment_free(nf_segment *segment)
{
    if (segment->memory != NULL)
        munmap(segment->memory, segment->bytes);
    *segment = (nf_segment){NULL, 0, 0};
}
