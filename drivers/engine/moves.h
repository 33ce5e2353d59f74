/* moves.h - boxes of cells that go from rank to rank. */
#ifndef NF_MOVES_H
#define NF_MOVES_H

#include "drivers/engine/halo.h"

/* A box, and the rank that it comes from or goes to. */
typedef struct nf_move {
    int rank;
    nf_box box; /* not empty */
} nf_move;

typedef struct nf_moves {
    nf_move *in,
        *out; /* at most one for each other rank, in ascending order; the owner frees them */
    int nin, nout;
} nf_moves;

/* Collective over the ranks that move something. Sends the outgoing boxes of `from`, and receives the
 * incoming ones into `to`, straight from and to their places. */
void nf_move_boxes(const nf_world *world, const nf_moves *moves, const nf_patch *from,
                   const nf_patch *to, void *requests);
/* Bytes that nf_move_boxes needs for `requests`. */
size_t nf_move_requests(const nf_moves *moves);

#endif
