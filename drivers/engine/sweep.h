/* sweep.h - one sweep of a pass over this rank's block: tiles, strip by strip, through the fused
 * stages. */
#ifndef NF_SWEEP_H
#define NF_SWEEP_H

#include "drivers/engine/plan_parts.h"

typedef struct nf_sweep {
    nf_plan *plan;
    const nf_pass *pass;
    const nf_field *from; /* NULL for a range */
    const nf_field *with; /* second input of the reductions; NULL: none */
    const nf_field *to;   /* NULL where the pass reduces */
    uint64_t number;      /* no other sweep of the plan has it */
    bool inner;           /* at the tiles that read no ghost cell: messages are under way */
} nf_sweep;

/* What a thread keeps from one strip to the next: the rows that each stage has written. */
typedef struct nf_kept {
    uint64_t sweep;             /* of this sweep */
    nf_box last;                /* the tile that it has done last */
    int64_t done[NF_MAX_FUSED]; /* the first row that stage i has not written; INT64_MIN: none is */
    nf_patch patch[NF_MAX_FUSED]; /* what stage i has written last, where it writes to a buffer */
} nf_kept;

size_t nf_kept_bytes(void); /* of one, a multiple of 64 */

/* Bytes that a thread needs for this pass beside its nf_kept; sets the pass's buffer_at and
 * scratch_stride. */
size_t nf_sweep_measure(nf_pass *pass);

/* Nominal operations of the pass's maps in one sweep of this rank; those done twice count twice. */
double nf_sweep_flops(const nf_plan *plan, const nf_pass *pass);

/* The tiles that read no ghost cell, by the threads of this rank. */
void nf_sweep_before_halo(nf_sweep *sweep);
/* Fills the ghost cells of *from beyond the array's edges, then does all other tiles: where no other
 * rank takes part, these are all. */
void nf_sweep_after_halo(nf_sweep *sweep, nf_field *from);

#endif
