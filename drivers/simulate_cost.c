#include "drivers/simulate_cost.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/team.h"
#include "drivers/study/stats.h"

enum { RUNS = 11, FOLDS = 1001 };

static const nf_world alone = {.size = 1, .threads = 1};

/* A chain's plan for one worker, and the fields that it runs on. */
typedef struct serial {
    nf_plan *plan;
    nf_fields fields;
    bool maps;
    nf_results results;
} serial;

static nf_status begin(nf_chain *chain, const nf_shape *shape, serial *s)
{
    *s = (serial){.maps = nf_chain_maps(chain) == chain->count};
    nf_results_init(&s->results);
    nf_status status = nf_plan_create(&alone, shape, chain, 1, &nf_simulated_core, &s->plan);
    if (status == NF_OK)
        status = nf_plan_fields(s->plan, &s->fields);
    if (status == NF_OK)
        nf_made_fill(&s->fields.in);
    return status;
}

static nf_status run(serial *s)
{
    nf_times times = {0};
    nf_results_free(&s->results);
    nf_results_init(&s->results);
    return nf_plan_run(s->plan, &s->fields, &s->results, &times);
}

static void end(serial *s)
{
    nf_plan_free(s->plan);
    nf_fields_free(&s->fields);
    nf_results_free(&s->results);
}

nf_status simulate_expect(nf_chain *chain, const nf_shape *shape, char text[NF_RESULT_TEXT])
{
    serial s;
    nf_status status = begin(chain, shape, &s);
    if (status == NF_OK)
        status = run(&s);
    if (status == NF_OK)
        status = nf_result_text(&alone, s.maps ? &s.fields.out : NULL, &s.results, text);
    end(&s);
    return status;
}

/* ---- measuring ---- */

/* The median time of a fold of two partial results. */
static nf_status time_fold(const nf_stage *stage, double *seconds)
{
    size_t bytes = stage->setup.partial_bytes;
    double *times = calloc(FOLDS, sizeof *times);
    char *a = aligned_alloc(64, (bytes + 63) / 64 * 64),
         *b = aligned_alloc(64, (bytes + 63) / 64 * 64);
    nf_status status =
        times && a && b ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for partial results");
    for (int i = 0; i < FOLDS && status == NF_OK; i++) {
        memset(a, 0, bytes);
        memset(b, 0, bytes);
        if (stage->kernel->start != NULL) {
            stage->kernel->start(a, stage->setup.config);
            stage->kernel->start(b, stage->setup.config);
        }
        double start = nf_seconds();
        stage->kernel->fold(a, b, stage->setup.config);
        times[i] = nf_seconds() - start;
    }
    if (status == NF_OK)
        *seconds = nf_median(times, FOLDS);
    free(times);
    free(a);
    free(b);
    return status;
}

/* The median time of copying a box at the field's low corner into a buffer; added to *seconds, its size to
 * *bytes. */
static nf_status time_copy(const nf_field *field, const nf_box *box, double *seconds, double *bytes)
{
    const nf_shape *shape = &field->cut.shape;
    int64_t extent[NF_DIMS];
    ptrdiff_t dense[NF_DIMS];
    double times[RUNS];
    nf_box_extents(box, extent);
    nf_dense_strides(extent, shape->channels, dense);
    size_t size = (size_t)(nf_box_cells(box) * shape->channels) * nf_dtype_size(shape->dtype);
    void *buffer = malloc(size);
    if (buffer == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a halo");
    for (int i = 0; i < RUNS; i++) {
        double start = nf_seconds();
        nf_copy_box(extent, shape->channels, shape->dtype, buffer, dense,
                    nf_field_at(field, box->lo), field->stride);
        times[i] = nf_seconds() - start;
    }
    *seconds += nf_median(times, RUNS);
    *bytes += (double)size;
    free(buffer);
    return NF_OK;
}

/* Seconds a byte for packing the halo's rows and columns of a square block. */
static nf_status time_pack(const nf_field *field, double *pack)
{
    double seconds = 0, bytes = 0;
    nf_status status = NF_OK;
    for (int d = 1; d < NF_DIMS && status == NF_OK; d++) {
        nf_box box = field->own;
        int64_t width = field->ghost.lo[d];
        box.hi[d] = width < box.hi[d] ? width : box.hi[d];
        if (width > 0)
            status = time_copy(field, &box, &seconds, &bytes);
    }
    *pack = bytes > 0 ? seconds / bytes : 0;
    return status;
}

/* Shares the whole time of RUNS runs out to the stages, by what the stand-ins counted. */
static void share_out(const nf_stand_in *stand_ins, double whole, int runs, nf_costs *costs)
{
    double sum = 0;
    for (size_t i = 0; i < costs->count; i++)
        sum += stand_ins[i].seconds / runs;
    for (size_t i = 0; i < costs->count; i++)
        costs->cell[i] =
            stand_ins[i].seconds / (double)stand_ins[i].cells * (sum > 0 ? whole / sum : 1);
}

static nf_status time_runs(nf_chain *chain, const nf_shape *shape, serial *s, simulate_cost *cost)
{
    nf_stand_in stand_ins[NF_MAX_STAGES];
    double times[RUNS];
    nf_costs nothing = {.count = chain->count};
    nf_status status = run(s); /* warms up: memory is placed */
    nf_stand_ins_put(chain, &nothing, stand_ins);
    for (int i = 0; i < RUNS && status == NF_OK; i++) {
        double start = nf_seconds();
        status = run(s);
        times[i] = nf_seconds() - start;
    }
    nf_stand_ins_take(chain, stand_ins);
    if (status == NF_OK) {
        double whole = nf_median(times, RUNS);
        cost->cell = whole / (double)nf_shape_cells(shape);
        share_out(stand_ins, whole, RUNS, &cost->stages);
    }
    return status;
}

nf_status simulate_measure(nf_chain *chain, const nf_shape *shape, simulate_cost *cost)
{
    serial s;
    *cost = (simulate_cost){.stages = {.count = chain->count}, .measured_on = *shape};
    if (chain->count > NF_MAX_STAGES)
        return nf_fail(NF_ERR_PARAM, "'%s': more than %d stages", chain->text, NF_MAX_STAGES);
    nf_status status = begin(chain, shape, &s);
    if (status == NF_OK && !s.maps) {
        const nf_stage *last = &chain->stages[chain->count - 1];
        cost->partial = (double)last->setup.partial_bytes;
        if (!last->kernel->adds) /* what MPI adds takes no simulated time */
            status = time_fold(last, &cost->stages.fold);
    }
    if (status == NF_OK)
        status = time_pack(&s.fields.in, &cost->pack);
    if (status == NF_OK)
        status = time_runs(chain, shape, &s, cost);
    end(&s);
    return status;
}
