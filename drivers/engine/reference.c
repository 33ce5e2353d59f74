#include "drivers/engine/reference.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/chain_parts.h"
#include "drivers/engine/plan.h"
#include "drivers/engine/resample.h"
#include "kernels/components.h"

/* A whole array, dense, with a way to go on beyond its edges. */
typedef struct whole {
    nf_cells cells; /* first: the kernels see only this */
    char *data;
    nf_border border;
    double border_value;
} whole;

static double element_at(const whole *array, int64_t i)
{
    switch (array->cells.shape.dtype) {
    case NF_U8:
        return ((const uint8_t *)array->data)[i];
    case NF_U16:
        return ((const uint16_t *)(const void *)array->data)[i];
    case NF_F32:
        return (double)((const float *)(const void *)array->data)[i];
    case NF_F64:
        return ((const double *)(const void *)array->data)[i];
    default:
        return 0;
    }
}

static void set_element(const whole *array, int64_t i, double value)
{
    switch (array->cells.shape.dtype) {
    case NF_U8:
        ((uint8_t *)array->data)[i] = (uint8_t)value;
        break;
    case NF_U16:
        ((uint16_t *)(void *)array->data)[i] = (uint16_t)value;
        break;
    case NF_F32:
        ((float *)(void *)array->data)[i] = (float)value;
        break;
    case NF_F64:
        ((double *)(void *)array->data)[i] = value;
        break;
    default:
        break;
    }
}

/* What the element type makes of a value: integers round, halves up, and saturate. */
static double stored(nf_dtype dtype, double value)
{
    if (dtype == NF_F32)
        return (double)(float)value;
    if (dtype == NF_F64)
        return value;
    double most = dtype == NF_U8 ? 255 : 65535;
    if (!(value > 0))
        return 0;
    double bounded = fmin(value, most), below = floor(bounded);
    return bounded - below >= 0.5 ? below + 1 : below;
}

static double at(const nf_cells *self, int64_t z, int64_t y, int64_t x, int channel)
{
    const whole *array = (const whole *)self;
    const nf_shape *shape = &self->shape;
    int64_t cell[NF_DIMS] = {z, y, x}, offset = 0;
    for (int d = 0; d < NF_DIMS; d++) {
        int64_t i = nf_border_index(cell[d], shape->dim[d], array->border);
        if (i < 0)
            return stored(shape->dtype, array->border_value);
        offset = offset * shape->dim[d] + i;
    }
    return element_at(array, offset * shape->channels + channel);
}

static nf_status make_whole(const nf_shape *shape, whole *array)
{
    *array = (whole){.cells = {.shape = *shape, .at = at}, .data = malloc(nf_shape_bytes(shape))};
    return array->data ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a reference");
}

static nf_status copy_whole(const nf_shape *shape, const void *cells, whole *array)
{
    nf_status status = make_whole(shape, array);
    if (status == NF_OK && cells != NULL)
        memcpy(array->data, cells, nf_shape_bytes(shape));
    return status;
}

/* ---- one step of one map ---- */

/* What a step reads to write all of its output, cells beyond the array included. */
static nf_box read_by(const nf_stage *stage, const whole *in)
{
    nf_box box = nf_box_whole(&in->cells.shape), out = nf_box_whole(&stage->setup.out);
    return stage->kernel->kind == NF_RESAMPLE ? nf_resample_source(stage, &out)
                                              : nf_box_grow(&box, &stage->setup.halo);
}

/* The input's cells of a box, each looked up by itself. */
static nf_status pad(const whole *in, const nf_box *box, whole *padded)
{
    nf_shape shape = in->cells.shape;
    nf_box_extents(box, shape.dim);
    nf_status status = make_whole(&shape, padded);
    int64_t i = 0;
    for (int64_t z = box->lo[0]; status == NF_OK && z < box->hi[0]; z++)
        for (int64_t y = box->lo[1]; y < box->hi[1]; y++)
            for (int64_t x = box->lo[2]; x < box->hi[2]; x++)
                for (int c = 0; c < shape.channels; c++)
                    set_element(padded, i++, at(&in->cells, z, y, x, c));
    return status;
}

/* The kernel's own apply on one tile: the whole array. `with`: for a map of two inputs. */
static nf_status apply_whole(const nf_stage *stage, const whole *in, const whole *with, whole *out)
{
    const nf_shape *shape = &in->cells.shape, *made = &stage->setup.out;
    nf_box box = read_by(stage, in);
    whole padded = {.data = NULL};
    nf_status status = make_whole(made, out);
    if (status == NF_OK)
        status = pad(in, &box, &padded);
    if (status != NF_OK)
        return status;
    nf_tile tile = {.channels = shape->channels, .out = out->data, .with = with->data};
    memcpy(tile.size, made->dim, sizeof tile.size);
    memcpy(tile.in_lo, box.lo, sizeof tile.in_lo);
    nf_dense_strides(padded.cells.shape.dim, shape->channels, tile.in_stride);
    nf_dense_strides(made->dim, made->channels, tile.out_stride);
    nf_dense_strides(shape->dim, shape->channels, tile.with_stride);
    ptrdiff_t first = 0;
    for (int d = 0; d < NF_DIMS && stage->kernel->kind != NF_RESAMPLE; d++)
        first -= box.lo[d] * tile.in_stride[d];
    tile.in = padded.data + (size_t)first * nf_dtype_size(shape->dtype);
    int64_t width = nf_box_extent(&box, 2) * shape->channels, wide = made->dim[2] * made->channels;
    wide = width > wide ? width : wide;
    for (int d = 0; d < NF_DIMS; d++)
        wide = stage->setup.whole != 0 && made->dim[d] >= wide ? made->dim[d] + 1 : wide;
    tile.scratch_stride = nf_round_up((size_t)wide, 8);
    size_t scratch = (size_t)stage->setup.scratch_rows * tile.scratch_stride * sizeof(double);
    tile.scratch = aligned_alloc(64, (scratch + 64) / 64 * 64);
    if (tile.scratch == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a reference");
    else
        stage->kernel->apply[shape->dtype](&tile, stage->setup.config, NULL);
    free(tile.scratch);
    free(padded.data);
    return status;
}

/* How far a result of this type may be from its reference: rounding to the type, and `tolerance`
 * units in the last place of the type that the kernel computes in, at the size of the numbers
 * involved. */
static double allowed(const nf_kernel *kernel, nf_dtype in, nf_dtype out, double size)
{
    double ulp = in == NF_F64 || in == NF_U16 ? DBL_EPSILON : (double)FLT_EPSILON;
    double slack = kernel->tolerance * ulp * size;
    return out == NF_U8 || out == NF_U16 ? slack + 0.5 : slack;
}

static double largest(const whole *array)
{
    double most = 0;
    for (int64_t i = 0; i < nf_shape_elements(&array->cells.shape); i++)
        most = fmax(most, fabs(element_at(array, i)));
    return most;
}

static nf_status compare_step(const nf_stage *stage, const whole *in, const whole *out)
{
    const nf_shape *shape = &out->cells.shape;
    double top = shape->dtype == NF_U8 ? 255 : 65535, size = largest(in);
    bool whole_numbers = shape->dtype == NF_U8 || shape->dtype == NF_U16;
    for (int64_t i = 0; i < nf_shape_elements(shape); i++) {
        int64_t cell = i / shape->channels, x = cell % shape->dim[2];
        int64_t y = cell / shape->dim[2] % shape->dim[1], z = cell / shape->dim[2] / shape->dim[1];
        double expected = stage->kernel->reference_cell(&in->cells, stage->setup.config, z, y, x,
                                                        (int)(i % shape->channels));
        double bounded =
            whole_numbers ? fmin(fmax(expected, 0), top) : stored(shape->dtype, expected);
        double got = element_at(out, i), scale = fmax(size, fabs(expected));
        if (got == bounded || (isnan(got) && isnan(bounded)) ||
            fabs(got - bounded) <=
                allowed(stage->kernel, in->cells.shape.dtype, shape->dtype, scale))
            continue;
        return nf_fail(NF_ERR_CHECK,
                       "'%s': the cell (%lld, %lld, %lld), element %lld, is %.17g, its "
                       "reference %.17g",
                       stage->text, (long long)z, (long long)y, (long long)x,
                       (long long)(i % shape->channels), got, expected);
    }
    return NF_OK;
}

/* ---- components ---- */

/* A flood from one cell: the cells of its component in `list`, each marked in `number`. */
typedef struct flood {
    const nf_stage *stage;
    const whole *in;
    int64_t *number; /* of each cell's component; 0: none yet */
    int64_t *list, count;
} flood;

static int class_of(const flood *f, int64_t cell)
{
    const int64_t *dim = f->in->cells.shape.dim;
    return (int)f->stage->kernel->reference_cell(&f->in->cells, f->stage->setup.config,
                                                 cell / dim[2] / dim[1], cell / dim[2] % dim[1],
                                                 cell % dim[2], 0);
}

/* Whether two neighbouring cells, of which the first is a member, are of one component. */
static bool joins(const flood *f, int64_t a, int64_t b)
{
    const nf_shape *shape = &f->in->cells.shape;
    size_t bytes = nf_cell_bytes(shape);
    if (!(class_of(f, b) & NF_MEMBER))
        return false;
    return !f->stage->setup.selective ||
           f->stage->kernel->joining->joins[shape->dtype](
               f->in->data + (size_t)a * bytes, f->in->data + (size_t)b * bytes, shape->channels);
}

/* The neighbours of list[i] that are of its component, and not yet known to be. */
static void spread(flood *f, int64_t i)
{
    const int64_t *dim = f->in->cells.shape.dim;
    int64_t cell = f->list[i],
            at[NF_DIMS] = {cell / dim[2] / dim[1], cell / dim[2] % dim[1], cell % dim[2]};
    for (int way = 0; way < 27; way++) {
        int64_t step[NF_DIMS] = {way / 9 - 1, way / 3 % 3 - 1, way % 3 - 1}, other = 0;
        int differ = 0;
        bool inside = true;
        for (int d = 0; d < NF_DIMS; d++) {
            int64_t to = at[d] + step[d];
            differ += step[d] != 0;
            inside = inside && to >= 0 && to < dim[d];
            other = other * dim[d] + to;
        }
        if (!inside || differ == 0 || differ > f->stage->setup.connectivity ||
            f->number[other] != 0 || !joins(f, cell, other))
            continue;
        f->number[other] = f->number[cell];
        f->list[f->count++] = other;
    }
}

/* The component that begins at this cell; every cell of it gets its value. */
static void fill_component(flood *f, int64_t cell, int64_t number, const whole *out)
{
    const nf_setup *setup = &f->stage->setup;
    nf_component component = {.number = number};
    f->number[cell] = number;
    f->list[0] = cell;
    f->count = 1;
    for (int64_t i = 0; i < f->count; i++) {
        spread(f, i);
        component.seeded = component.seeded || (class_of(f, f->list[i]) & NF_SEED);
    }
    component.size = f->count;
    double value = f->stage->kernel->joining->value(&component, setup->config);
    for (int64_t i = 0; i < f->count; i++)
        set_element(out, f->list[i], value);
}

/* What the components of *in make of it, by flooding one after the other. */
static nf_status flood_whole(const nf_stage *stage, const whole *in, whole *out, nf_results *told)
{
    int64_t cells = nf_shape_cells(&in->cells.shape), number = 0;
    flood f = {.stage = stage,
               .in = in,
               .number = calloc((size_t)cells, sizeof *f.number),
               .list = malloc((size_t)cells * sizeof *f.list)};
    nf_status status = make_whole(&stage->setup.out, out);
    if (status == NF_OK && (f.number == NULL || f.list == NULL))
        status = nf_fail(NF_ERR_MEMORY, "no memory for a reference");
    if (status == NF_OK)
        memset(out->data, 0, nf_shape_bytes(&stage->setup.out));
    for (int64_t cell = 0; cell < cells && status == NF_OK; cell++)
        if (f.number[cell] == 0 && (class_of(&f, cell) & NF_MEMBER))
            fill_component(&f, cell, ++number, out);
    if (status == NF_OK && stage->kernel->finish != NULL)
        stage->kernel->finish(&number, stage->setup.config, &told->sink);
    free(f.number);
    free(f.list);
    return status;
}

/* ---- a chain ---- */

/* One step, compared; with: what the second input of a map that has two is. */
static nf_status take_step(const nf_stage *stage, const whole *with, whole *array, nf_results *told)
{
    bool floods = stage->kernel->kind == NF_COMPONENTS;
    whole out = {.data = NULL};
    array->cells.with = stage->kernel->two_inputs ? &with->cells : NULL;
    nf_status status =
        floods ? flood_whole(stage, array, &out, told) : apply_whole(stage, array, with, &out);
    if (status == NF_OK && !floods)
        status = compare_step(stage, array, &out);
    if (status != NF_OK) {
        free(out.data);
        return status;
    }
    free(array->data);
    out.border = stage->border;
    out.border_value = stage->border_value;
    *array = out;
    return NF_OK;
}

/* A map that surveys learns by its reference, and tells what. */
static nf_status take_steps(const nf_stage *stage, const whole *with, whole *array,
                            nf_results *told)
{
    const nf_kernel *kernel = stage->kernel;
    const nf_setup *setup = &stage->setup;
    void *config = (void *)(uintptr_t)setup->config; /* learning changes it */
    bool surveys = nf_stage_surveys(stage), more = true;
    nf_status status = NF_OK;
    if (surveys)
        nf_stage_learn(stage, NULL);
    while (surveys && setup->survey_every == 0 && more)
        more = kernel->reference_learn(&array->cells, config);
    more = true;
    for (int64_t step = 0; step < setup->steps && more && status == NF_OK; step++) {
        status = take_step(stage, with, array, told);
        if (status == NF_OK && surveys && nf_stage_surveys_after(stage, step + 1))
            more = kernel->reference_learn(&array->cells, config);
    }
    if (surveys && kernel->finish != NULL)
        kernel->finish(NULL, config, &told->sink);
    return status;
}

/* Replaces *array by what the maps make of it, one step at a time, each compared. */
static nf_status step_through(const nf_chain *chain, whole *array, nf_results *told)
{
    whole begun = {.data = NULL}; /* what the alias's chain began with that is at hand */
    nf_status status = NF_OK;
    for (size_t s = 0; s < nf_chain_maps(chain) && status == NF_OK; s++) {
        const nf_stage *stage = &chain->stages[s];
        if (nf_alias_begins(chain, s)) {
            free(begun.data);
            status = copy_whole(&array->cells.shape, array->data, &begun);
        }
        array->border = stage->border;
        array->border_value = stage->border_value;
        if (status == NF_OK)
            status = take_steps(stage, &begun, array, told);
    }
    free(begun.data);
    return status;
}

static nf_status compare_bits(const nf_chain *chain, const nf_field *field, const whole *expected)
{
    const nf_shape *shape = &expected->cells.shape;
    size_t row = (size_t)(shape->dim[2] * shape->channels) * nf_dtype_size(shape->dtype);
    const char *data = expected->data;
    for (int64_t z = 0; z < shape->dim[0]; z++) {
        for (int64_t y = 0; y < shape->dim[1]; y++, data += row) {
            int64_t cell[NF_DIMS] = {z, y, 0};
            if (memcmp(nf_field_at(field, cell), data, row) != 0)
                return nf_fail(NF_ERR_CHECK,
                               "'%s': row %lld of plane %lld differs from the kernels "
                               "applied one by one",
                               chain->text, (long long)y, (long long)z);
        }
    }
    return NF_OK;
}

/* What the maps have made, and what they say they have learned. */
static nf_status compare_maps(const nf_chain *chain, const nf_field *field, const whole *expected,
                              const nf_results *got, const nf_results *told)
{
    static const double tolerance = 1e-9;
    nf_status status = nf_results_check(chain->text, got, told, tolerance);
    return status == NF_OK ? compare_bits(chain, field, expected) : status;
}

static nf_status compare_numbers(const nf_chain *chain, const nf_results *got, const whole *array)
{
    const nf_stage *end = &chain->stages[chain->count - 1];
    nf_results expected;
    nf_results_init(&expected);
    end->kernel->reference(&array->cells, end->setup.config, &expected.sink);
    nf_status status = nf_results_check(chain->text, got, &expected, end->kernel->tolerance);
    nf_results_free(&expected);
    return status;
}

/* The array as a field of one block. */
static void fill(const whole *array, nf_field *field)
{
    const nf_shape *shape = &array->cells.shape;
    ptrdiff_t stride[NF_DIMS];
    nf_dense_strides(shape->dim, shape->channels, stride);
    nf_copy_box(shape->dim, shape->channels, shape->dtype, field->origin, field->stride,
                array->data, stride);
}

/* The chain's plan, run. */
static nf_status drive(nf_plan *plan, const whole *array, const whole *second, nf_fields *fields,
                       nf_results *results)
{
    nf_times times = {0};
    nf_status status = nf_plan_fields(plan, fields);
    if (status != NF_OK)
        return status;
    if (array->cells.shape.dtype != NF_NONE)
        fill(array, &fields->in);
    if (second->cells.shape.dtype != NF_NONE)
        fill(second, &fields->with);
    return nf_plan_run(plan, fields, results, &times);
}

nf_status nf_check_chain(nf_chain *chain, const nf_shape *shape, const void *cells,
                         const void *second)
{
    nf_world alone = {.size = 1, .threads = 1};
    nf_shape none = {.dim = {1, 1, 1}, .ndim = 1, .channels = 1, .dtype = NF_NONE}, with = none;
    nf_plan *plan = NULL;
    nf_fields fields = {.in = {.memory = NULL}};
    nf_results results, told;
    whole array = {.data = NULL}, other = {.data = NULL};
    nf_results_init(&results);
    nf_results_init(&told);
    nf_status status = nf_plan_create(&alone, shape, chain, 1, NULL, &plan);
    if (status == NF_OK)
        status = copy_whole(cells != NULL ? shape : &none, cells, &array);
    if (status == NF_OK && !nf_plan_has_second(plan, &with))
        second = NULL;
    if (status == NF_OK)
        status = copy_whole(&with, second, &other);
    if (status == NF_OK)
        status = drive(plan, &array, &other, &fields, &results);
    if (status == NF_OK)
        status = step_through(chain, &array, &told);
    array.cells.with = second != NULL ? &other.cells : NULL;
    if (status == NF_OK && nf_chain_maps(chain) == chain->count)
        status = compare_maps(chain, &fields.out, &array, &results, &told);
    else if (status == NF_OK)
        status = compare_numbers(chain, &results, &array);
    free(array.data);
    free(other.data);
    nf_fields_free(&fields);
    nf_results_free(&results);
    nf_results_free(&told);
    nf_plan_free(plan);
    return status;
}
