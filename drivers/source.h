/* source.h - the array that a study works on: an image held once a node, enlarged by mirrored
 * tiling. */
#ifndef NF_SOURCE_H
#define NF_SOURCE_H

#include "drivers/engine/field.h"
#include "drivers/engine/node.h"

typedef struct nf_source {
    nf_shape shape;   /* of what is held */
    nf_shared cells;  /* dense, shared by the ranks of a node */
    bool synthetic;   /* made here, because no photograph was found */
    const char *name; /* the file, or "synthetic"; not owned */
    double seconds;   /* what reading it took on rank 0 */
} nf_source;

/* Collective. `input` NULL: Debian's photograph of the earth (package xplanet-images) where
 * installed, a synthetic image otherwise. Errors: those of reading; NF_ERR_MEMORY. */
nf_status nf_source_open(const nf_world *world, const nf_node *node, const char *input,
                         nf_source *source);
void nf_source_close(nf_source *source); /* collective over the node */

/* Fills the field's own cells: its extents may be any multiple or part of the source's, which goes
 * on beyond its edges by reflection. Channels and type must be the source's. */
void nf_source_fill(const nf_source *source, const nf_field *field);

#endif
