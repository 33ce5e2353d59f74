/* scratch.h - arrays that are kept on disk between two sweeps, because memory has no room for
 * them. */
#ifndef NF_SCRATCH_H
#define NF_SCRATCH_H

#include "drivers/engine/dense.h"
#include "drivers/engine/world.h"

typedef struct nf_scratch {
    nf_dense dense; /* its shape is that of the array that was begun last */
    char *path;     /* NULL: not open */
    bool named;     /* rank 0: the file still has its name */
} nf_scratch;

/* Collective. A new file in `folder`, which all ranks must see; without a name from now on where
 * all of them are on one of `nodes` nodes, so that nothing can leave it behind. Errors:
 * NF_ERR_FILE, NF_ERR_MEMORY; *scratch is then as closed. */
nf_status nf_scratch_open(const nf_world *world, const char *folder, int nodes,
                          nf_scratch *scratch);
void nf_scratch_close(nf_scratch *scratch); /* harmless on one that is zero */

/* Collective. An array of this shape is to be written: what the file held is forgotten. Reserves
 * its place on the disk, where the file system can. */
nf_status nf_scratch_begin(const nf_world *world, nf_scratch *scratch, const nf_shape *shape);

#endif
