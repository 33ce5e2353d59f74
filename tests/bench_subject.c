#include "tests/bench_subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 4096 };

void bench_check(nf_status status)
{
    if (status == NF_OK)
        return;
    fprintf(stderr, "benchmark: %s\n", nf_message(status));
    exit(EXIT_FAILURE); /* mpirun then ends the others */
}

nf_shape bench_shape(int64_t rows, int64_t columns, nf_dtype dtype)
{
    return (nf_shape){.dim = {1, rows, columns}, .ndim = 2, .channels = 1, .dtype = dtype};
}

void bench_chain_create(const nf_world *world, const char *text, const nf_shape *shape,
                        bench_chain *c)
{
    *c = (bench_chain){.plan = NULL};
    nf_results_init(&c->results);
    bench_check(nf_chain_parse(text, &c->chain));
    bench_check(nf_plan_create(world, shape, &c->chain, 1, NULL, &c->plan));
    c->steps = (nf_steps){calloc(MOST_STEPS, sizeof(nf_step)), MOST_STEPS, 0};
    if (c->steps.list == NULL || !nf_team_work_make(&c->work, world->threads))
        bench_check(NF_ERR_MEMORY);
}

void bench_chain_free(bench_chain *c)
{
    nf_plan_free(c->plan);
    nf_chain_free(&c->chain);
    nf_results_free(&c->results);
    nf_team_work_free(&c->work);
    free(c->steps.list);
}

static void run(bench_chain *c, nf_steps *steps)
{
    nf_times times = {.steps = steps};
    nf_results_free(&c->results);
    nf_results_init(&c->results);
    bench_check(nf_plan_run(c->plan, c->fields, &c->results, &times));
}

void bench_chain_run(void *context)
{
    run(context, NULL);
}

void bench_chain_counted(void *context)
{
    bench_chain *c = context;
    c->steps.count = 0;
    nf_team_count(&c->work);
    run(c, &c->steps);
    nf_team_count(NULL);
}

void bench_fields(bench_chain *c, bench_fill *fill, nf_fields *fields)
{
    bench_check(nf_plan_fields(c->plan, fields));
    const nf_field *in = &fields->in;
    size_t size = nf_dtype_size(in->cut.shape.dtype);
    int64_t columns = in->cut.shape.dim[2];
    char *whole = malloc((size_t)columns * size);
    if (whole == NULL)
        bench_check(NF_ERR_MEMORY);
    for (int64_t y = in->own.lo[1]; y < in->own.hi[1]; y++) {
        int64_t at[NF_DIMS] = {0, y, in->own.lo[2]};
        fill(y, columns, whole);
        memcpy(nf_field_at(in, at), whole + (size_t)in->own.lo[2] * size,
               (size_t)(in->own.hi[2] - in->own.lo[2]) * size);
    }
    free(whole);
    c->fields = fields;
}
