/* mpi_moves.c - the MPI calls behind moves.h. */
#include <mpi.h>

#include "drivers/engine/moves.h"
#include "drivers/engine/mpi_comm.h"

/* The type of a box within a patch: its planes, of its rows. */
static MPI_Datatype type_of(const nf_patch *patch, const nf_box *box)
{
    MPI_Aint size = (MPI_Aint)nf_dtype_size(patch->dtype);
    MPI_Datatype cell, row, plane, all;
    MPI_Type_contiguous((int)(patch->channels * size), MPI_BYTE, &cell);
    MPI_Type_contiguous((int)nf_box_extent(box, 2), cell, &row);
    MPI_Type_create_hvector((int)nf_box_extent(box, 1), 1, patch->stride[1] * size, row, &plane);
    MPI_Type_create_hvector((int)nf_box_extent(box, 0), 1, patch->stride[0] * size, plane, &all);
    MPI_Type_commit(&all);
    MPI_Type_free(&cell);
    MPI_Type_free(&row);
    MPI_Type_free(&plane);
    return all;
}

size_t nf_move_requests(const nf_moves *moves)
{
    return (size_t)(moves->nin + moves->nout) * sizeof(MPI_Request);
}

void nf_move_boxes(const nf_world *world, const nf_moves *moves, const nf_patch *from,
                   const nf_patch *to, void *requests)
{
    MPI_Request *request = requests;
    if (world->comm == NULL)
        return;
    for (int i = 0; i < moves->nin; i++) {
        const nf_move *m = &moves->in[i];
        MPI_Datatype type = type_of(to, &m->box);
        MPI_Irecv(nf_patch_at(to, m->box.lo), 1, type, m->rank, NF_TAG_DATA, world->comm->mpi,
                  request++);
        MPI_Type_free(&type);
    }
    for (int i = 0; i < moves->nout; i++) {
        const nf_move *m = &moves->out[i];
        MPI_Datatype type = type_of(from, &m->box);
        MPI_Isend(nf_patch_at(from, m->box.lo), 1, type, m->rank, NF_TAG_DATA, world->comm->mpi,
                  request++);
        MPI_Type_free(&type);
    }
    MPI_Waitall(moves->nin + moves->nout, requests, MPI_STATUSES_IGNORE);
}
