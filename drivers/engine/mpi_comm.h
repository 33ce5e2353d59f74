/* mpi_comm.h - what the mpi_*.c files share. Included by them alone. */
#ifndef NF_MPI_COMM_H
#define NF_MPI_COMM_H

#include <mpi.h>

struct nf_comm {
    MPI_Comm mpi;
};

/* Every message tag of the engine. */
enum { NF_TAG_DATA = 1, NF_TAG_HALO };

#endif
