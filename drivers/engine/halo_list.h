/* halo_list.h - who needs which cells of whom: the messages of one rank's exchange, worked out by
 * arithmetic on the cut alone. The work and the memory grow with the rank's neighbours, not with the
 * number of ranks. */
#ifndef NF_HALO_LIST_H
#define NF_HALO_LIST_H

#include "drivers/engine/field.h"

/* A box of the receiver's ghost cells; the sender finds cell i of it at its own cell i + shift. */
typedef struct nf_part {
    nf_box ghost;
    int64_t shift[NF_DIMS];
} nf_part;

/* All that goes from one rank to another: the boxes in an order that both know, packed densely one
 * after the other. */
typedef struct nf_bundle {
    int rank; /* the other one */
    nf_part *parts;
    size_t count;
    size_t bytes;
} nf_bundle;

typedef struct nf_bundles {
    nf_bundle *list;
    int count;
} nf_bundles;

typedef struct nf_halo_lists {
    nf_bundles in, out;
    nf_bundles own; /* at most one: what a rank copies from its own block, wrapped around */
} nf_halo_lists;

/* The ghost cells up to `halo` around the rank's block that lie inside the array, and with `wrap`
 * those beyond its edges too. Error: NF_ERR_MEMORY; the lists can be freed then, too. */
nf_status nf_halo_lists_make(const nf_cut *cut, int rank, const nf_halo *halo, bool wrap,
                             nf_halo_lists *lists);
void nf_halo_lists_free(nf_halo_lists *lists);

#endif
