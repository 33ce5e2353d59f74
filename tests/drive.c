#include "tests/drive.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/reference.h"
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

nf_outcome nf_test_drive_typed(const nf_world *part, const char *typed, const nf_shape *shape,
                               const void *cells, const nf_plan_options *options)
{
    nf_chain chain;
    nf_outcome o = {.status = nf_chain_parse(typed, &chain)};
    if (o.status == NF_OK)
        o = nf_test_drive(part, &chain, shape, cells, options);
    if (o.status != NF_OK)
        printf("\n  %s: %s\n", typed, nf_message(o.status));
    CU_ASSERT_EQUAL_FATAL(o.status, NF_OK); /* what ranks share they agree on */
    nf_chain_free(&chain);
    return o;
}

bool nf_outcome_equal(const nf_outcome *a, const nf_outcome *b)
{
    return a->bytes == b->bytes && nf_results_equal(&a->results, &b->results) &&
           (a->bytes == 0 || memcmp(a->cells, b->cells, a->bytes) == 0);
}

/* ---- against the references ---- */

void nf_test_check_cells(const char *typed, const nf_shape *shape, const void *cells)
{
    nf_chain chain;
    char text[NF_SHAPE_TEXT];
    nf_status status = nf_chain_parse(typed, &chain);
    if (status == NF_OK)
        status = nf_check_chain(&chain, shape, cells, cells);
    CU_ASSERT_EQUAL(status, NF_OK);
    if (status != NF_OK)
        printf("\n  %s on %s: %s\n", typed, shape != NULL ? nf_shape_text(shape, text) : "a range",
               nf_message(status));
    nf_chain_free(&chain);
}

void nf_test_check(const char *typed, const nf_shape *shape)
{
    void *cells = shape != NULL ? nf_test_array(shape) : NULL;
    nf_test_check_cells(typed, shape, cells);
    free(cells);
}

void nf_test_refuses(const char *typed, const nf_shape *shape, const char *words)
{
    nf_chain chain;
    nf_status status = nf_chain_parse(typed, &chain);
    if (status == NF_OK)
        status = nf_chain_prepare(&chain, shape);
    CU_ASSERT_NOT_EQUAL(status, NF_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(nf_message(status), words));
    nf_chain_free(&chain);
}

/* ---- a user's reduction ---- */

static void plain_sum_apply(const nf_tile *tile, const void *config, void *partial)
{
    (void)config;
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            for (int64_t x = 0; x < tile->size[2]; x++)
                *(double *)partial +=
                    1 /
                    ((const double *)tile->in)[z * tile->in_stride[0] + y * tile->in_stride[1] + x];
}

static void plain_sum_fold(void *into, const void *next, const void *config)
{
    (void)config;
    *(double *)into += *(const double *)next;
}

static void plain_sum_finish(const void *partial, const void *config, nf_sink *out)
{
    (void)config;
    out->real(out, "sum", *(const double *)partial);
}

static nf_status plain_sum_prepare(nf_setup *setup)
{
    setup->partial_bytes = sizeof(double);
    return NF_OK;
}

const nf_kernel nf_test_plain_sum = {.name = "plain_sum",
                                     .kind = NF_REDUCE,
                                     .ndims = NF_1D | NF_2D | NF_3D,
                                     .prepare = plain_sum_prepare,
                                     .apply = {[NF_F64] = plain_sum_apply},
                                     .fold = plain_sum_fold,
                                     .finish = plain_sum_finish};
