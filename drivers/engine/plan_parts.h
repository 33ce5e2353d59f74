/* plan_parts.h - what a plan is made of. For those that make, run and describe plans alone. */
#ifndef NF_PLAN_PARTS_H
#define NF_PLAN_PARTS_H

#include "drivers/engine/halo.h"
#include "drivers/engine/plan.h"

/* How a rank's block is cut for its threads. A tile goes through a pass strip by strip, from low to
 * high indices of the dimension `along`: rows, in volumes planes. */
typedef struct nf_tiling {
    nf_box own;             /* the block */
    int64_t mine[NF_DIMS];  /* tiles of this rank */
    int64_t fixed[NF_DIMS]; /* extents of a tile in a grid that depends on the array
                                             alone; 0: the block is cut in nearly equal parts */
    int64_t first[NF_DIMS],
        all[NF_DIMS];         /* there: this rank's first tile, and tiles of all ranks */
    int64_t largest[NF_DIMS]; /* extents that no tile exceeds */
    int along;
    int64_t strip; /* extent of a strip */
} nf_tiling;

/* The partial results of one reduction, or of a map's survey, on this rank. */
typedef struct nf_partials {
    const nf_stage *stage;
    bool surveys;         /* by the kernel's survey, not its apply */
    size_t chain;         /* number of the chain that it ends */
    char *memory, *spare; /* `count` partials, `stride` bytes apart; room for one more */
    size_t stride;
    int64_t count; /* threads, or tiles where the order counts */
} nf_partials;

/* What a pass does: sweeps over tiles, or one stage of a kind of its own. */
typedef enum nf_pass_kind { NF_SWEEPS, NF_LABELLING, NF_RESAMPLING } nf_pass_kind;

typedef struct nf_sources nf_sources; /* resample.h */

/* One sweep over the array, or several: fused maps (perhaps none), then a field or reductions. A pass of
 * another kind has one stage, and gives a field. */
typedef struct nf_pass {
    nf_pass_kind kind;
    nf_cut cut;          /* of what it writes, and, but where it resamples, reads */
    nf_cut from_cut;     /* resampling: of what it reads */
    nf_sources *sources; /* resampling */
    const nf_stage *stages[NF_MAX_FUSED]; /* several steps of one map: the same stage again */
    size_t count;
    int64_t sweeps;
    nf_halo halo;     /* of all stages together: what the input field needs */
    nf_border border; /* how the input field goes on beyond the array's edges */
    double border_value;
    nf_shape in, out;
    bool reduces; /* ends in reductions (or a survey) instead of a field: */
    nf_partials *ends;
    size_t nends;
    const nf_stage *learns; /* its first map, where that surveys what the pass reads: */
    struct nf_pass *survey; /* by this one, before the first sweep, */
    int64_t survey_every;   /* or, after so many sweeps each, what they have written; else 0 */
    nf_exchange *exchange;
    nf_tiling tiling;
    int64_t *tiles; /* this rank's tiles, those that read no ghost cell first */
    int64_t ntiles, inner;
    size_t buffer_at[NF_MAX_FUSED + 1]; /* bytes into a thread's workspace: what stage i writes */
    size_t scratch_stride;              /* doubles between scratch rows */
    nf_field temp[2];                   /* several sweeps go to and fro between these */
    int64_t components;                 /* a labelling: how many it has found */
    nf_field result;                    /* what the next pass reads; not in the last pass */
    int64_t band; /* streamed: cells along the slowest dimension that are done at a time */
} nf_pass;

/* Chains that begin with the same maps: their reductions share one sweep. A reduction that looks more
 * than once has a group, and a last pass, to itself. */
typedef struct nf_group {
    nf_pass *passes;
    size_t npasses;
    nf_partials *ends; /* none for a chain of maps */
    size_t nends;
} nf_group;

struct nf_plan {
    nf_world world;
    nf_plan_options options; /* with the caches filled in */
    /* What the steps of a sweep are chosen by: rank 0's, as all ranks have to choose alike, and others
     * may have another number of threads or another machine. */
    struct nf_basis {
        int threads;
        nf_caches caches;
    } basis;
    nf_shape in, out, with;
    bool ordered; /* some fold needs its tiles in order: their grid depends on the array alone */
    nf_cut cut;   /* of the input */
    nf_halo ghost;
    nf_group *groups;
    size_t ngroups;
    nf_watch watch;
    int64_t watched, total; /* tiles that thread 0 has done, of all it has to do in a run */
    char *workspace;        /* of each thread: a nf_kept (sweep.h), scratch rows, buffers */
    size_t workspace_stride;
    uint64_t sweeps; /* numbers every sweep that was ever begun */
};

/* ---- tiling.c ---- */

/* The extents of a tile whose grid depends on the array alone. */
void nf_tile_fixed(const nf_shape *shape, int64_t tile[NF_DIMS]);
/* Chooses the pass's tiles and strips for this rank's block, or a part of it. */
void nf_tiling_choose(const nf_plan *plan, nf_pass *pass, const nf_box *block);
/* The tiling of the same pass on another rank (plans with ordered folds). */
nf_tiling nf_tiling_of(const nf_pass *pass, int rank);
int64_t nf_tiling_count(const nf_tiling *tiling);
/* The tiles of a fixed grid in a part of the block that consists of whole tiles: how many they are, and,
 * unless `tiles` is NULL, their numbers. */
int64_t nf_tiling_within(const nf_tiling *tiling, const nf_box *band, int64_t *tiles);
/* Tile number i of this rank, those that follow each other along `along` in a row. */
nf_box nf_tiling_box(const nf_tiling *tiling, int64_t i);
int64_t nf_tiling_number(const nf_tiling *tiling, int64_t i); /* among all; fixed grids only */

/* ---- cuts.c ---- */

/* Chooses the input's cut (a given grid is its) and that of each pass, for the halos of those that share
 * it; notes the input's ghost cells, the output, and whether a fold is ordered. NF_ERR_USAGE: a grid that
 * does not suit. */
nf_status nf_cuts_choose(nf_plan *plan);
/* The slowest dimension of what a pass writes that has more than one cell and that may be cut; where there
 * is none, one of one cell, or columns. */
int nf_pass_slowest(const nf_pass *pass);

/* ---- plan.c ---- */

/* Allocates the threads' workspace for passes that need `most` bytes beside an nf_kept. NF_ERR_MEMORY. */
nf_status nf_workspace_create(nf_plan *plan, size_t most);
size_t nf_workspace_stride(size_t most); /* of one thread */

/* ---- passes.c ---- */

/* What a chain's maps need, in order; no cut is needed yet, nor anything else but in, world
 * and options. Errors: NF_ERR_MEMORY; NF_ERR_PARAM where a map of two inputs and what its chain
 * began with do not come into one pass. */
nf_status nf_passes_make(const nf_plan *plan, nf_group *group, const nf_chain *chain);

/* For the box that the last stage of a pass writes: what each writes, within the array. */
void nf_pass_boxes(const nf_pass *pass, const nf_box *out, nf_box written[NF_MAX_FUSED]);
/* What the pass reads for that, cells beyond the array included. */
nf_box nf_pass_needs(const nf_pass *pass, const nf_box *out);

/* Along dimension d: how many more cells than its tile stage i writes; and how far a stage reads
 * on both sides together. */
int64_t nf_pass_margin(const nf_pass *pass, size_t i, int d);
int nf_stage_reach(const nf_stage *stage, int d);

/* ---- run.c ---- */

/* Collective. One sweep over `from`, halo and borders included. */
struct nf_sweep;
void nf_run_sweep(struct nf_sweep *sweep, nf_field *from, nf_times *times);
void nf_start_partials(const nf_partials *end);
void nf_fold_threads(const nf_partials *end); /* into the first of them */
/* Collective. Folds and finishes what a group's last pass has left; or tells what its maps have learned. */
nf_status nf_finish_group(const nf_plan *plan, const nf_group *group, nf_results *results);

/* ---- survey.c ---- */

/* The pass that surveys for pass->learns, not yet tiled. NF_ERR_MEMORY. */
nf_status nf_survey_make(nf_pass *pass);
void nf_survey_free(nf_pass *pass);

/* Collective. `pass` is a survey or a reduction that relooks: forgets what an earlier run has taught
 * its kernel. */
void nf_survey_begin(const nf_pass *pass);
/* Collective. After a sweep: folds, and lets the kernel learn; whether that wants more. */
bool nf_survey_learn(const nf_plan *plan, const nf_pass *pass);
/* Collective. Sweeps once over `from`, folds, and lets the kernel learn; whether that wants more. */
bool nf_survey_look(nf_plan *plan, const nf_pass *pass, nf_field *from, const nf_field *with,
                    nf_times *times);

/* ---- cost.c ---- */

/* The number of steps of this map that one sweep is to take, at least 1. */
int nf_cost_depth(const nf_plan *plan, const nf_stage *stage);

#endif
