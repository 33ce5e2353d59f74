/* labelling.h - a pass that labels: the connected components of a whole array (kernels of the kind
 * NF_COMPONENTS).
 *
 * Each rank's block is cut in bands of whole rows. A thread packs its bands into bits and joins the runs
 * of their rows; then bands are joined, two and two; then blocks: what meets at their seams is joined in
 * a forest over all ranks, whose nodes are the global indices of components' first cells. So nothing of
 * the answer depends on how the array is cut. */
#ifndef NF_LABELLING_H
#define NF_LABELLING_H

#include "drivers/engine/plan_parts.h"
#include "kernels/components.h"

/* Collective. Labels the whole array: reads from's own cells (and, for joinings that are selective,
 * overwrites its ghost cells), writes to's, and pass->components. Adds the time at the ranks' seams to
 * *times. Errors: NF_ERR_MEMORY; NF_ERR_SHAPE where the output's type cannot tell so many components apart, or a rank
 * has more than 2^31 runs. */
nf_status nf_label(const nf_plan *plan, nf_pass *pass, nf_field *from, nf_field *to,
                   nf_times *times);

/* ---- for its own files ---- */

/* The block of a rank as it is being labelled. Rows are numbered through all its planes. */
typedef struct nf_labelling {
    const nf_plan *plan;
    const nf_pass *pass;
    const nf_stage *stage;
    const nf_joining *joining;
    nf_field *from, *to;
    int64_t planes, rows_a_plane, rows, columns, words; /* words: of bits, a row */
    int64_t bands;
    uint64_t *members, *starts, *seeds; /* [rows * words]; seeds NULL: not wanted */
    uint32_t *first;                    /* [rows + 1]: number of the first run of each row */
    uint32_t *parent;                   /* [first[rows]] */
    uint8_t *bytes;                     /* [columns] of each thread */
    uint32_t *components; /* [bands + 1]: number of the first component of each band */
    int64_t *before; /* [rows]: roots in it; later, components of the array that begin before it */
    int64_t *number; /* of each component */
    int64_t *size;   /* likewise, or NULL */
    uint8_t *seeded; /* likewise, or NULL */
    char *values;    /* likewise: elements of the output */
    int64_t count;   /* components of the whole array */
    struct nf_seams *seams; /* NULL: the block is the whole array */
} nf_labelling;

/* Where the row is in the array, and its cell x's position. */
static inline void nf_row_place(const nf_labelling *l, int64_t row, int64_t cell[NF_DIMS])
{
    const nf_box *own = &l->pass->tiling.own;
    cell[0] = own->lo[0] + row / l->rows_a_plane;
    cell[1] = own->lo[1] + row % l->rows_a_plane;
    cell[2] = own->lo[2];
}

/* The components that a seam cuts, as this rank's part of the forest of all ranks. A component's index
 * is the global raster index of its first cell, plus 1. */
typedef struct nf_seams {
    int64_t n;
    int64_t *index; /* [n], ascending: of the part of the component that is in this block */
    uint32_t *run;  /* [n]: where that part begins */
    int64_t *root;  /* [n]: index of the whole component */
} nf_seams;

/* Collective. Finds l->seams, which the caller frees, also after an
 * error. */
nf_status nf_seams_find(nf_labelling *l);
void nf_seams_free(nf_seams *seams);
/* Collective. Brings together what the ranks know of the cut components. */
nf_status nf_seams_share(nf_labelling *l);
/* Collective; fails where any rank passes a failure. Makes l->before of roots in rows numbers of the
 * components before them, and l->count. */
nf_status nf_seams_number(nf_labelling *l, nf_status mine);

#endif
