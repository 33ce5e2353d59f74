/* cost.c - how many steps of an iterated map one sweep is to take.
 *
 * A sweep of k steps reads and writes memory once instead of k times, and exchanges halos once, k
 * times as wide. In return the cells around a block, a tile and the first rows of a thread are
 * computed by both sides: at step j of k on (k - 1 - j) halos around, on average half of it. */
#include "drivers/engine/cost.h"

#include <math.h>
#include <string.h>

#include "drivers/engine/plan_parts.h"

typedef struct block {
    double extent[NF_DIMS], cells, bytes; /* bytes: of the array before and after */
    bool cut[NF_DIMS];                    /* it has neighbours in this dimension */
    int neighbours;
} block;

static block block_of(const nf_plan *plan, const nf_stage *stage)
{
    nf_cut cut = nf_cut_choose(&stage->setup.in, plan->world.size, &stage->setup.halo, NULL);
    if (plan->options.grid[0] > 0)
        memcpy(cut.parts, plan->options.grid, sizeof cut.parts);
    nf_box box = nf_cut_block(&cut, 0);
    block b = {.cells = 1};
    for (int d = 0; d < NF_DIMS; d++) {
        b.extent[d] = (double)nf_box_extent(&box, d);
        b.cells *= b.extent[d];
        b.cut[d] = cut.parts[d] > 1 && nf_stage_reach(stage, d) > 0;
        b.neighbours += b.cut[d] ? 2 : 0;
    }
    b.bytes = 2 * b.cells * stage->setup.in.channels * (double)nf_dtype_size(stage->setup.in.dtype);
    return b;
}

/* The part of the arithmetic that is done twice. */
static double redundancy(const nf_plan *plan, const nf_stage *stage, const block *b, int depth)
{
    double more = 0, half = 0.5 * (depth - 1);
    double cell = stage->setup.in.channels * (double)nf_dtype_size(stage->setup.in.dtype);
    int along = stage->setup.in.ndim == 3 ? 0 : 1;
    double width = (double)plan->basis.caches.l2 / (cell * (8 + 6 * depth));
    for (int d = 0; d < NF_DIMS; d++) {
        double part = b->cut[d] ? b->extent[d] : INFINITY;
        if (d == along && b->extent[d] / plan->basis.threads < part)
            part = b->extent[d] / plan->basis.threads;
        if (d == 2 && width < part)
            part = width;
        more += half * nf_stage_reach(stage, d) / part;
    }
    return more;
}

/* Seconds of one rank for one step of a sweep of `depth` steps. */
static double seconds_a_step(const nf_plan *plan, const nf_stage *stage, const block *b, int depth)
{
    double threads = plan->basis.threads, ghosts = 1;
    double compute = b->cells * stage->setup.in.channels * stage->setup.flops_per_cell /
                     nf_nominal_flops / threads;
    bool cached = b->bytes < (double)plan->basis.caches.l3;
    /* Where both arrays stay in the cache, what they cost hides behind the arithmetic. */
    double memory = cached ? 0 : b->bytes / nf_nominal_memory / threads;
    for (int d = 0; d < NF_DIMS; d++)
        ghosts *= b->extent[d] + (b->cut[d] ? depth * nf_stage_reach(stage, d) : 0);
    double halo = b->neighbours * nf_nominal_latency +
                  (ghosts / b->cells - 1) * b->bytes / 2 / nf_nominal_link;
    double team = plan->basis.threads > 1 ? nf_nominal_team : 0;
    return compute * (1 + redundancy(plan, stage, b, depth)) + (memory + halo + team) / depth;
}

/* A disk is slower than all else: as many as leave a quarter of the memory to the halos of two bands. */
static int streamed_depth(const nf_plan *plan, const nf_stage *stage, int most)
{
    enum { GIB = 1 << 30 };
    const nf_shape *in = &stage->setup.in;
    int slow = 0;
    while (slow < NF_DIMS - 1 && in->dim[slow] == 1)
        slow++;
    int64_t memory = plan->options.memory > 0 ? plan->options.memory : GIB;
    int64_t across = (int64_t)nf_shape_bytes(in) / in->dim[slow];
    int64_t depth = memory / 4 / (2 * nf_stage_reach(stage, slow) * across + 1);
    return depth < 1 ? 1 : depth < most ? (int)depth : most;
}

int nf_cost_depth(const nf_plan *plan, const nf_stage *stage)
{
    int64_t steps = stage->setup.steps;
    int most = steps < NF_MAX_FUSED ? (int)steps : NF_MAX_FUSED, best = 1;
    if (plan->options.stream && plan->options.halo_depth == 0)
        return streamed_depth(plan, stage, most);
    if (plan->options.halo_depth > 0)
        return plan->options.halo_depth < most ? plan->options.halo_depth : most;
    block b = block_of(plan, stage);
    double least = INFINITY;
    for (int depth = 1; depth <= most; depth++) {
        double seconds = seconds_a_step(plan, stage, &b, depth);
        if (seconds < least)
            least = seconds, best = depth;
    }
    return best;
}
