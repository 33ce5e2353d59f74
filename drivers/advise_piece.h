/* advise_piece.h - a smaller run of a chain, by which one of the whole array is judged. */
#ifndef NF_ADVISE_PIECE_H
#define NF_ADVISE_PIECE_H

#include "drivers/engine/chain.h"
#include "drivers/engine/shape.h"

typedef struct advise_piece {
    nf_chain chain; /* the same, or a range of fewer numbers, or fewer steps */
    nf_shape shape; /* ranges: dtype NF_NONE */
    double part;    /* nominal work of the piece as part of the whole, steps apart */
    double steps;   /* nominal work of the chain as a multiple of the piece's, for one shape */
} advise_piece;

/* The piece of `size` (0 to 1) of the array: fewer rows (planes), and where they get few, columns,
 * too; and of that a `fewer`th of its rows (planes; columns, where those are few), all else as it is; iterated kernels take at most `most_steps` steps (0: all). Its chain is prepared. The
 * caller frees it, also after an error. Errors: those of nf_chain_prepare. */
nf_status advise_piece_make(const nf_chain *chain, const nf_shape *whole, double size, int fewer,
                            int64_t most_steps, advise_piece *piece);
void advise_piece_free(advise_piece *piece);

/* Operations and bytes of a prepared chain, nominal. */
double advise_work(const nf_chain *chain);

#endif
