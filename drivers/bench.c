#include "drivers/bench.h"

#include "drivers/engine/digest.h"
#include "drivers/engine/team.h"

nf_status nf_bench_create(const nf_world *world, const nf_source *source, nf_chain *chain,
                          const nf_shape *shape, const nf_plan_options *options, nf_bench *b)
{
    nf_shape with;
    *b = (nf_bench){.maps = nf_chain_maps(chain) == chain->count};
    nf_results_init(&b->results);
    nf_status status = nf_plan_create(world, shape, chain, 1, options, &b->plan);
    if (status == NF_OK)
        status = nf_plan_fields(b->plan, &b->fields);
    if (status != NF_OK || nf_chain_is_range(chain))
        return status;
    double start = nf_seconds();
    nf_source_fill(source, &b->fields.in);
    if (nf_plan_has_second(b->plan, &with))
        nf_source_fill(source, &b->fields.with);
    b->fill_seconds = nf_seconds() - start;
    return NF_OK;
}

void nf_bench_free(nf_bench *b)
{
    nf_plan_free(b->plan);
    nf_fields_free(&b->fields);
    nf_results_free(&b->results);
}

nf_status nf_bench_run(nf_bench *b, nf_times *times)
{
    nf_results_free(&b->results);
    nf_results_init(&b->results);
    return nf_plan_run(b->plan, &b->fields, &b->results, times);
}

nf_status nf_bench_expect(const nf_source *source, nf_chain *chain, const nf_shape *shape,
                          nf_expectation *e)
{
    nf_world alone = {.size = 1, .threads = 1};
    nf_times times = {0};
    nf_bench b;
    nf_status status = nf_bench_create(&alone, source, chain, shape, NULL, &b);
    if (status == NF_OK)
        status = nf_bench_run(&b, &times);
    if (status == NF_OK && b.maps)
        e->digest = nf_field_digest(&alone, &b.fields.out);
    e->results = b.results; /* taken over */
    nf_results_init(&b.results);
    nf_bench_free(&b);
    return status;
}

bool nf_bench_as_expected(const nf_world *part, const nf_bench *b, const nf_expectation *e)
{
    if (b->maps)
        return nf_field_digest(part, &b->fields.out) == e->digest;
    return nf_results_equal(&b->results, &e->results);
}
