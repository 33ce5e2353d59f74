#include "tests/drive.h"

#include <stdlib.h>
#include <string.h>

#include "tests/arrays.h"

void nf_test_fill(nf_field *field, const void *cells)
{
    const nf_shape *shape = &field->cut.shape;
    for (int64_t z = field->own.lo[0]; z < field->own.hi[0]; z++)
        for (int64_t y = field->own.lo[1]; y < field->own.hi[1]; y++)
            for (int64_t x = field->own.lo[2]; x < field->own.hi[2]; x++) {
                int64_t at[NF_DIMS] = {z, y, x};
                int64_t cell = (z * shape->dim[1] + y) * shape->dim[2] + x;
                char *to = nf_field_at(field, at);
                size_t bytes = (size_t)shape->channels * nf_dtype_size(shape->dtype);
                if (cells != NULL)
                    memcpy(to, (const char *)cells + (size_t)cell * bytes, bytes);
                for (int c = 0; cells == NULL && c < shape->channels; c++)
                    nf_test_store(shape->dtype, to + (size_t)c * nf_dtype_size(shape->dtype),
                                  nf_test_value(shape->dtype, cell * shape->channels + c));
            }
}

static void collect(const nf_world *part, const nf_field *out, nf_outcome *o)
{
    const nf_shape *shape = &out->cut.shape;
    size_t row = (size_t)(shape->dim[2] * shape->channels) * nf_dtype_size(shape->dtype);
    o->bytes = nf_shape_bytes(shape);
    o->cells = calloc(1, o->bytes);
    for (int64_t z = 0; z < shape->dim[0] && o->status == NF_OK; z++)
        o->status = nf_gather_rows(part, out, z, 0, shape->dim[1],
                                   o->cells + (size_t)(z * shape->dim[1]) * row);
}

nf_outcome nf_test_drive(const nf_world *part, nf_chain *chain, const nf_shape *shape,
                         const void *cells, const nf_plan_options *options)
{
    nf_outcome o = {.status = NF_OK};
    nf_plan *plan = NULL;
    nf_fields fields = {.in = {.memory = NULL}};
    nf_times times = {0};
    nf_shape with;
    bool maps = nf_chain_maps(chain) == chain->count, range = nf_chain_is_range(chain);
    nf_plan_options fitting = options != NULL ? *options : (nf_plan_options){.halo_depth = 0};
    for (int d = 0; d < NF_DIMS - (shape != NULL ? shape->ndim : 1); d++)
        fitting.tile[d] = 0;
    nf_results_init(&o.results);
    o.status = nf_plan_create(part, shape, chain, 1, &fitting, &plan);
    if (o.status != NF_OK)
        return o;
    o.status = nf_plan_fields(plan, &fields);
    for (int run = 0; run < 2 && o.status == NF_OK; run++) {
        nf_results_free(&o.results);
        nf_results_init(&o.results);
        if (!range)
            nf_test_fill(&fields.in, cells);
        if (nf_plan_has_second(plan, &with))
            nf_test_fill(&fields.with, NULL);
        o.status = nf_plan_run(plan, &fields, &o.results, &times);
    }
    if (o.status == NF_OK && maps)
        collect(part, &fields.out, &o);
    nf_fields_free(&fields);
    nf_plan_free(plan);
    return o;
}

void nf_outcome_free(nf_outcome *o)
{
    free(o->cells);
    nf_results_free(&o->results);
}
