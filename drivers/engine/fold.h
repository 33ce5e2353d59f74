/* fold.h - partial results of the ranks brought together. */
#ifndef NF_FOLD_H
#define NF_FOLD_H

#include "drivers/engine/chain.h"
#include "drivers/engine/world.h"

/* Collective. Folds every rank's partial (stage->setup.partial_bytes long) into rank 0's; for kernels
 * whose fold is exact in any order. Those that only add integers are summed by MPI, others are
 * folded in a binomial tree of log2(ranks) rounds. `spare` is as large. */
void nf_fold_ranks(const nf_world *world, const nf_stage *stage, void *partial, void *spare);
/* Likewise, and every rank then has it. */
void nf_fold_everywhere(const nf_world *world, const nf_stage *stage, void *partial, void *spare);

#endif
