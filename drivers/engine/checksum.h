/* checksum.h - the digest of the kernel `checksum` over an array that comes box by box. */
#ifndef NF_CHECKSUM_H
#define NF_CHECKSUM_H

#include "drivers/engine/chain.h"
#include "drivers/engine/shape.h"
#include "drivers/engine/world.h"

typedef struct nf_checksum {
    nf_chain chain; /* the kernel, set up */
    _Atomic uint64_t sum;
} nf_checksum;

/* For an array of this shape. Not collective. NF_ERR_MEMORY. */
nf_status nf_checksum_begin(nf_checksum *checksum, const nf_shape *shape);
/* Adds a box of the array, which may be empty; `cells` is its first element, strides count elements.
 * Boxes may come in any order, on any rank, each cell once altogether. */
void nf_checksum_add(nf_checksum *checksum, const nf_box *box, const void *cells,
                     const ptrdiff_t stride[NF_DIMS], int threads);
/* Collective. What `reduce -k checksum` gives for the array, on all ranks. */
uint64_t nf_checksum_value(const nf_world *world, const nf_checksum *checksum);
void nf_checksum_free(nf_checksum *checksum); /* harmless on zeros */

#endif
