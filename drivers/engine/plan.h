/* plan.h - how chains of kernels are driven over an array: the same plan serial, by threads, by
 * ranks and by both, chosen by the world that it is made for.
 *
 * The array is cut in blocks over the ranks, each block in tiles whose grid depends on the array
 * alone, and threads take tiles. Consecutive maps are fused: a tile goes through all of them while
 * it is in cache, on as many more cells around it as the later ones need. A map of several steps,
 * and one that wraps around what an earlier one bordered otherwise, begin a pass of their own over
 * the array. */
#ifndef NF_PLAN_H
#define NF_PLAN_H

#include "drivers/engine/chain.h"
#include "drivers/engine/field.h"
#include "drivers/engine/results.h"
#include "drivers/engine/watch.h"

/* Seconds of a run on this rank that were not spent computing, added up by kind. */
typedef struct nf_times {
    double halo, fold;
} nf_times;

typedef struct nf_plan nf_plan;

/* Collective. Either one chain of maps, or any number of chains that each end in a reduction, or
 * one index range. Prepares the chains for `in` (ranges: NULL) and keeps pointers to them. On
 * failure *plan is NULL. Errors: those of nf_chain_prepare; NF_ERR_MEMORY. */
nf_status nf_plan_create(const nf_world *world, const nf_shape *in, nf_chain *chains,
                         size_t nchains, nf_plan **plan);
void nf_plan_free(nf_plan *plan);

/* What the plan wants of the fields that it is run on: their cut, and the input's ghost cells. */
const nf_cut *nf_plan_cut(const nf_plan *plan);
const nf_halo *nf_plan_ghost(const nf_plan *plan);
/* The shape of the output array (maps). */
const nf_shape *nf_plan_output(const nf_plan *plan);

/* From now on this rank's first thread shows how far a run is: the part of its own tiles. */
void nf_plan_watch(nf_plan *plan, nf_watch watch);

/* Collective. Reads in's own cells, overwrites its ghost cells; NULL for a range. Maps write out's
 * own cells (cut as nf_plan_cut, of the shape nf_plan_output, any ghost; NULL otherwise).
 * Reductions: on rank 0, results[i] becomes chain i's; it is initialised by the caller. Adds to
 * *times. */
nf_status nf_plan_run(nf_plan *plan, nf_field *in, nf_field *out, nf_results *results,
                      nf_times *times);

#endif
