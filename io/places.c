#include "io/places.h"

#include <stdlib.h>

/* The chunks of one rank on their way to rank 0 and back. */
typedef struct chunk_list {
    int64_t (*index)[NF_DIMS];
    nf_chunk *chunk;
} chunk_list;

/* What a call has, on each rank; *counts and `others` are rank 0's. */
typedef struct placing {
    int64_t count, *counts; /* of this rank's chunks, and of each rank's */
    chunk_list mine, others;
} placing;

static nf_status list_create(int64_t count, chunk_list *list)
{
    size_t room = (size_t)(count > 0 ? count : 1);
    list->index = malloc(room * sizeof *list->index);
    list->chunk = malloc(room * sizeof *list->chunk);
    if (list->index != NULL && list->chunk != NULL)
        return NF_OK;
    return nf_fail(NF_ERR_MEMORY, "no memory for the places of %zu chunks", room);
}

static void placing_free(placing *p)
{
    free(p->mine.index);
    free(p->mine.chunk);
    free(p->others.index);
    free(p->others.chunk);
    free(p->counts);
}

/* Collective. Rank 0's room is for the longest list of another rank. */
static nf_status placing_create(const nf_world *world, placing *p)
{
    int64_t most = 0;
    nf_status status = list_create(p->count, &p->mine);
    if (world->rank == 0 && (p->counts = calloc((size_t)world->size, sizeof *p->counts)) == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for %d ranks", world->size);
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    nf_gather(world, &p->count, p->counts, sizeof p->count);
    for (int rank = 1; rank < world->size && world->rank == 0; rank++)
        most = p->counts[rank] > most ? p->counts[rank] : most;
    return nf_agree(world, world->rank == 0 ? list_create(most, &p->others) : NF_OK);
}

/* Rank 0. Those of a rank come back to it also after a failure, so that it does not wait. */
static nf_status allot_all(const nf_world *world, const nf_format *format, void *state,
                           int64_t item, placing *p)
{
    nf_status status = NF_OK;
    for (int rank = 0; rank < world->size; rank++) {
        size_t n = (size_t)p->counts[rank];
        chunk_list *list = rank == 0 ? &p->mine : &p->others;
        if (n == 0)
            continue;
        if (rank > 0) {
            nf_receive(world, list->index, n * sizeof *list->index, rank);
            nf_receive(world, list->chunk, n * sizeof *list->chunk, rank);
        }
        if (status == NF_OK)
            status =
                format->allot(state, item, n, (const int64_t(*)[NF_DIMS])list->index, list->chunk);
        if (rank > 0)
            nf_send(world, list->chunk, n * sizeof *list->chunk, rank);
    }
    return status;
}

nf_status nf_places_allot(const nf_world *world, const nf_format *format, void *state, int64_t item,
                          const nf_layout *layout, const nf_box *box, nf_encoded *encoded)
{
    placing p = {.count = box != NULL ? nf_chunks_of(layout, box) : 0};
    nf_status status = placing_create(world, &p);
    for (int64_t i = 0; i < p.count && status == NF_OK; i++) {
        nf_chunk_index(layout, box, i, p.mine.index[i]);
        p.mine.chunk[i] = encoded[i].chunk;
    }
    if (status == NF_OK && world->rank == 0) {
        status = allot_all(world, format, state, item, &p);
    } else if (status == NF_OK && p.count > 0) {
        size_t n = (size_t)p.count;
        nf_send(world, p.mine.index, n * sizeof *p.mine.index, 0);
        nf_send(world, p.mine.chunk, n * sizeof *p.mine.chunk, 0);
        nf_receive(world, p.mine.chunk, n * sizeof *p.mine.chunk, 0);
    }
    for (int64_t i = 0; i < p.count && status == NF_OK; i++)
        encoded[i].chunk = p.mine.chunk[i];
    placing_free(&p);
    return nf_agree(world, status);
}
