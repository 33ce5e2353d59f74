/* plan_parts.h - what a plan is made of. Shared by plan.c (making it) and run.c (running it) alone.
 */
#ifndef NF_PLAN_PARTS_H
#define NF_PLAN_PARTS_H

#include "drivers/engine/halo.h"
#include "drivers/engine/plan.h"

enum { NF_MAX_FUSED = 16 };

/* One sweep over the array: fused maps (perhaps none), then a field or reductions. */
typedef struct nf_pass {
    const nf_stage *stages;
    size_t count;
    int64_t steps;    /* sweeps; more than 1 only with a single stage */
    nf_halo halo;     /* of all stages together: what the input field needs */
    nf_border border; /* how the input field goes on beyond the array's edges */
    double border_value;
    nf_shape in, out;
    bool reduces; /* ends in the group's reductions instead of a field */
    nf_exchange *exchange;
    int64_t *tiles; /* this rank's tiles, those that read no ghost cell first */
    int64_t ntiles, inner;
    size_t scratch_stride; /* doubles between scratch rows */
    nf_field temp[2];      /* several steps go to and fro between these */
    nf_field result;       /* what the next pass reads; not in the last pass */
} nf_pass;

/* The partial results of one reduction on this rank. */
typedef struct nf_partials {
    const nf_stage *stage;
    size_t chain;         /* number of the chain that it ends */
    char *memory, *spare; /* `count` partials, `stride` bytes apart; room for one more */
    size_t stride;
    int64_t count; /* threads, or tiles where the order counts */
} nf_partials;

/* Chains that begin with the same maps: their reductions share one sweep. */
typedef struct nf_group {
    nf_pass *passes;
    size_t npasses;
    nf_partials *ends; /* none for a chain of maps */
    size_t nends;
} nf_group;

struct nf_plan {
    nf_world world;
    nf_shape in, out;
    nf_cut cut;
    nf_halo ghost;
    nf_box own;
    int64_t tile[NF_DIMS];                /* extents of a tile */
    int64_t first[NF_DIMS];               /* of this rank's tiles, in the grid of all */
    int64_t grid[NF_DIMS], mine[NF_DIMS]; /* tiles of the whole array, of this rank */
    nf_group *groups;
    size_t ngroups;
    nf_watch watch;
    int64_t watched, total; /* tiles that thread 0 has done, of all it has to do in a run */
    char *workspace;        /* a thread: scratch rows, then two buffers */
    size_t scratch_bytes, buffer_bytes;
};

/* Sets own, first and mine to what they are on that rank. */
void nf_plan_place(nf_plan *plan, int rank);

/* The box of this rank's tile number i, clipped to its block; and the tile's number among all. */
nf_box nf_plan_tile(const nf_plan *plan, int64_t i);
int64_t nf_plan_tile_number(const nf_plan *plan, int64_t i);

/* For the box that stage `last` of a pass writes: written[i] is what stage i writes, needed[i] what
 * it reads (cells beyond the array included). */
void nf_pass_boxes(const nf_pass *pass, const nf_box *out, nf_box written[NF_MAX_FUSED],
                   nf_box needed[NF_MAX_FUSED]);

#endif
