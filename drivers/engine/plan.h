/* plan.h - how chains of kernels are driven over an array: the same plan serial, by threads, by
 * ranks and by both, chosen by the world that it is made for.
 *
 * The array is cut in blocks over the ranks, each block in tiles, and threads take tiles.
 * Consecutive maps are fused, and so are several steps of one map: a tile goes through all of them
 * while it is in cache, a strip of rows at a time, on as many more cells around it as the later
 * ones need. A map of more steps than are worth fusing, one that wraps around what an earlier one
 * bordered otherwise, and one that must first look at its whole input begin a pass of their own
 * over the array; so does a reduction that looks more than once. */
#ifndef NF_PLAN_H
#define NF_PLAN_H

#include "drivers/engine/chain.h"
#include "drivers/engine/cores.h"
#include "drivers/engine/field.h"
#include "drivers/engine/results.h"
#include "drivers/engine/steps.h"
#include "drivers/engine/watch.h"

/* What may be told instead of chosen; all zero: everything is chosen. */
typedef struct nf_plan_options {
    int grid[NF_DIMS];     /* blocks in each dimension; their product is the number of ranks */
    int64_t tile[NF_DIMS]; /* the largest extents of a tile; 0: chosen; not for ordered folds */
    int halo_depth;        /* steps of an iterated map between two exchanges, 1 to NF_MAX_FUSED */
    bool stream;           /* for nf_stream_create (stream.h): blocks are slabs, no array is held */
    int64_t align;         /* of slabs and bands then, along the slowest dimension; 0: none */
    int64_t memory;        /* then, that a rank may have: what steps are fused for; 0: 1 GiB */
    nf_caches caches;      /* what a thread (l2) and a rank (l3) may fill; 0: as hwloc reports */
} nf_plan_options;

enum { NF_MAX_FUSED = 16 }; /* stages of one sweep, and so steps of a map between two exchanges */

/* Seconds of a run on this rank that were not spent computing, added up by kind; and its steps,
 * where the teams' work is counted (nf_team_count). */
typedef struct nf_times {
    double halo, fold;
    nf_steps *steps; /* NULL: nobody wants to know */
} nf_times;

/* The arrays of a run, of this rank: what a plan has no use for stays empty. */
typedef struct nf_fields {
    nf_field in, with, out; /* with: the second array of kernels with two inputs */
} nf_fields;

typedef struct nf_plan nf_plan;

/* Collective. Either one chain of maps, or any number of chains that each end in a reduction, or
 * one index range; with options->stream also none, for a copy of the array. Prepares the chains
 * for `in` (ranges: NULL) and keeps pointers to them. options NULL: everything is chosen. On
 * failure *plan is NULL. Errors: those of nf_chain_prepare; NF_ERR_USAGE for options that do not
 * suit; NF_ERR_MEMORY. */
nf_status nf_plan_create(const nf_world *world, const nf_shape *in, nf_chain *chains,
                         size_t nchains, const nf_plan_options *options, nf_plan **plan);
void nf_plan_free(nf_plan *plan);

/* The shape of the output array (maps; dtype NF_NONE otherwise); whether there is a second input,
 * which has the shape *with. */
const nf_shape *nf_plan_output(const nf_plan *plan);
bool nf_plan_has_second(const nf_plan *plan, nf_shape *with);

/* Collective. Allocates this rank's blocks of the plan's arrays, with the ghost cells that a run
 * needs; each thread touches first what it will work on. Contents are undefined. The caller frees
 * them, also after an error. Errors: NF_ERR_MEMORY. */
nf_status nf_plan_fields(nf_plan *plan, nf_fields *fields);
void nf_fields_free(nf_fields *fields);

/* From now on this rank's first thread shows how far a run is: the part of its own tiles. */
void nf_plan_watch(nf_plan *plan, nf_watch watch);

/* Collective. Reads the own cells of in and with, overwrites in's ghost cells; maps write out's own
 * cells. Reductions: on rank 0, results[i] becomes chain i's; it is initialised by the caller.
 * Maps: results[0], on rank 0, becomes what they have learned; NULL: nobody wants to know. Adds to
 * *times. */
nf_status nf_plan_run(nf_plan *plan, nf_fields *fields, nf_results *results, nf_times *times);

#endif
