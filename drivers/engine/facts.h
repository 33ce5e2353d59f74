/* facts.h - what a plan will do, in numbers: for those who want to know before it runs. */
#ifndef NF_FACTS_H
#define NF_FACTS_H

#include "drivers/engine/plan.h"

enum { NF_MAX_TOLD = 16 };

typedef struct nf_plan_facts {
    nf_shape in;
    int ranks, threads; /* threads of each rank */
    int used;           /* ranks that have a block */
    nf_cut cut;
    size_t passes;
    bool ordered;      /* a fold needs a grid of tiles that depends on the array alone */
    int64_t workspace; /* bytes of each thread of this rank */
    nf_caches caches;  /* what the tiles were chosen for */
} nf_plan_facts;

/* One pass; where nothing else is said, of all ranks together and one sweep. What is said to be of
 * this rank differs between them by a row or so. */
typedef struct nf_pass_facts {
    const nf_stage *stages[NF_MAX_FUSED];
    size_t count;
    const nf_stage
        *ends[NF_MAX_TOLD]; /* reductions that end it, the first of them; a survey's map */
    size_t nends;
    bool surveys;   /* it brings together what that map must know before it goes on */
    bool resamples; /* halo_* are then of what ranks read of others' blocks */
    bool
        labels; /* joins components: in bands of rows, not tiles; what its seams cost is not told */
    nf_shape in; /* what it reads */
    nf_cut cut;  /* of what it writes: its shape, and the blocks */
    int64_t sweeps;
    bool may_stop; /* sweeps is a bound; or how often the kernel thinks to look */
    nf_halo halo;
    nf_border border;             /* how that goes on beyond its edges */
    int64_t tile[NF_DIMS], strip; /* of this rank: the largest tile, rows (planes) of a strip */
    int64_t tiles;
    int64_t halo_bytes, halo_messages;
    int64_t halo_shared; /* messages that go through memory which two ranks of a node share */
    double
        bytes; /* read and written, the cells of each array once; what a store reads first, too */
    bool in_memory;  /* those of this rank exceed its part of the last-level cache */
    double flops;    /* nominal */
    double repeated; /* part of the cells' arithmetic that is done more than once */
    double compute, memory, exchange; /* seconds, predicted for a rank, in the mean, by cost.h */
} nf_pass_facts;

void nf_plan_tell(const nf_plan *plan, nf_plan_facts *facts);
/* Collective. pass < facts.passes. Of a plan to be streamed only what does not hang on its bands:
 * up to `border`. */
void nf_plan_tell_pass(const nf_plan *plan, size_t pass, nf_pass_facts *facts);

/* Marks in bits[rank / 8] the ranks with which this one exchanges halos in any pass. */
void nf_plan_peers(const nf_plan *plan, unsigned char *bits);

/* Nominal work of a run of a prepared chain, nothing done twice: operations, and the traffic as if
 * each stage ran by itself. Of an iteration that may stop, as if it did not. */
typedef struct nf_nominal {
    double flops, bytes;
} nf_nominal;
nf_nominal nf_chain_nominal(const nf_chain *chain);
/* Collective. Bytes that the plan moves: in each sweep the cells of each array once, what a store
 * reads first included. Labellings count as one sweep. */
double nf_plan_moved(const nf_plan *plan);
/* Collective. Of all sweeps the part of the arithmetic that is done more than once. */
double nf_plan_repeated(const nf_plan *plan);

#endif
