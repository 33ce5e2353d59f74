/* bench.h - one chain on one array, planned and filled, to be run again and again. */
#ifndef NF_BENCH_H
#define NF_BENCH_H

#include "drivers/engine/plan.h"
#include "drivers/source.h"

typedef struct nf_bench {
    nf_plan *plan;
    nf_fields fields;
    nf_results results; /* of the last run, on rank 0 */
    bool maps;
    double fill_seconds; /* what filling the input took on this rank */
} nf_bench;

/* Collective over the world. A second array, where the chain has one, is filled as the first. Frees
 * nothing that it is given; call nf_bench_free also after an error. */
nf_status nf_bench_create(const nf_world *world, const nf_source *source, nf_chain *chain,
                          const nf_shape *shape, const nf_plan_options *options, nf_bench *bench);
void nf_bench_free(nf_bench *bench);
nf_status nf_bench_run(nf_bench *bench, nf_times *times); /* collective */

/* What a run must give, whoever drives it: numbers, or the digest of the output. */
typedef struct nf_expectation {
    nf_results results;
    uint64_t digest;
} nf_expectation;

/* By this rank alone, with one thread and no MPI. The caller frees expected->results. */
nf_status nf_bench_expect(const nf_source *source, nf_chain *chain, const nf_shape *shape,
                          nf_expectation *expected);
/* Collective; the answer that counts is rank 0's. */
bool nf_bench_as_expected(const nf_world *world, const nf_bench *bench,
                          const nf_expectation *expected);

#endif
