#include "drivers/scale_jobs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nf_shape scale_strong_shape(const scale_args *args, const nf_source *source, const nf_chain *typed)
{
    nf_shape shape = source->shape;
    const scale_size *own = typed != NULL ? scale_size_of(args, typed) : NULL;
    if (own != NULL && own->rows > 0) {
        shape.dim[1] = own->rows;
        shape.dim[2] = own->columns;
    } else if (args->rows > 0) {
        shape.dim[1] = args->rows;
        shape.dim[2] = args->columns;
    } else {
        shape.dim[1] *= shape.ndim > 1 ? args->tile_rows : 1;
        shape.dim[2] *= args->tile_columns;
    }
    return shape;
}

/* ---- ranges ---- */

double scale_range_work(const nf_chain *chain)
{
    const nf_setup *setup = &chain->stages[0].setup;
    return (double)setup->indices * setup->flops_per_cell;
}

static int growing_power(const nf_kernel *kernel)
{
    return kernel->grows_power > 0 ? kernel->grows_power : 1;
}

/* The number of the parameter that the kernel says grows; -1: it has none. */
static int growing_parameter(const nf_kernel *kernel)
{
    for (int i = 0; kernel->params != NULL && kernel->params[i].name != NULL; i++)
        if (kernel->params[i].type == NF_PARAM_INTEGER &&
            (kernel->grows == NULL || strcmp(kernel->params[i].name, kernel->grows) == 0))
            return i;
    return -1;
}

/* The range with another value of one parameter, as it could be typed; the caller frees it. */
static char *type_range(const nf_stage *stage, int parameter, int64_t value)
{
    const char *name = stage->kernel->params[parameter].name;
    char key[128], *typed = NULL;
    snprintf(key, sizeof key, "%s=", name);
    const char *at = strstr(stage->text, key);
    if (at == NULL)
        return NULL;
    const char *rest = at + strcspn(at, ",");
    if (asprintf(&typed, "%.*s%s%lld%s", (int)(at - stage->text), stage->text, key,
                 (long long)value, rest) < 0)
        return NULL;
    return typed;
}

nf_status scale_range_resize(const nf_chain *chain, double part, nf_chain *resized)
{
    const nf_stage *stage = &chain->stages[0];
    int parameter = growing_parameter(stage->kernel);
    if (parameter < 0)
        return nf_fail(NF_ERR_PARAM, "kernel '%s' has no parameter that says how much it does",
                       stage->kernel->name);
    double value = (double)stage->values[parameter].integer;
    char *typed = type_range(stage, parameter,
                             llround(value * pow(part, 1.0 / growing_power(stage->kernel))));
    nf_status status = typed == NULL ? nf_fail(NF_ERR_MEMORY, "no memory for a chain")
                                     : nf_chain_parse(typed, resized);
    free(typed);
    return status == NF_OK ? nf_chain_prepare(resized, NULL) : status;
}

/* The job's range with `part` times the work takes its place. */
static nf_status resize_range(scale_job *job, double part)
{
    nf_chain resized = {.count = 0};
    nf_status status = scale_range_resize(&job->chain, part, &resized);
    nf_chain_free(&job->chain);
    job->chain = resized;
    return status;
}

static nf_status make_range(nf_scaling scaling, int workers, scale_job *job)
{
    nf_status status = nf_chain_prepare(&job->chain, NULL);
    if (status != NF_OK)
        return status;
    const nf_kernel *kernel = job->chain.stages[0].kernel;
    double flops = job->chain.stages[0].setup.flops_per_cell;
    if (scaling == NF_WEAK) {
        status = resize_range(job, (double)workers / SCALE_WEAK_SHARE);
        if (status != NF_OK)
            return status;
        snprintf(job->grows, sizeof job->grows, growing_power(kernel) > 1 ? "%s^%d" : "%s",
                 kernel->params[growing_parameter(kernel)].name, growing_power(kernel));
    }
    job->shape = (nf_shape){.dim = {1, 1, job->chain.stages[0].setup.indices},
                            .ndim = 1,
                            .channels = 1,
                            .dtype = NF_NONE};
    job->work = llround(scale_range_work(&job->chain) / flops);
    return NF_OK;
}

/* ---- arrays ---- */

/* The dimension that weak scaling grows: what the first kernel says, else the slowest there is. */
static int growing_dimension(const nf_chain *chain, const nf_shape *shape)
{
    int slowest = NF_DIMS - shape->ndim, said = chain->stages[0].kernel->grows_dimension - 1;
    return said >= slowest ? said : slowest;
}

static nf_status make_array(const scale_args *args, const nf_source *source, nf_scaling scaling,
                            int workers, scale_job *job)
{
    static const char *const names[NF_DIMS] = {"planes", "rows", "columns"};
    job->shape = scale_strong_shape(args, source, job->typed);
    if (scaling == NF_WEAK) {
        int d = growing_dimension(&job->chain, &job->shape);
        int64_t *extent = &job->shape.dim[d];
        *extent = (*extent + SCALE_WEAK_SHARE - 1) / SCALE_WEAK_SHARE * workers;
        snprintf(job->grows, sizeof job->grows, "%s", names[d]);
    }
    job->work = nf_shape_cells(&job->shape);
    return nf_shape_check(&job->shape, "the array of this point");
}

nf_status scale_job_make(const scale_args *args, const nf_source *source, const nf_chain *typed,
                         nf_scaling scaling, int workers, scale_job *job)
{
    *job = (scale_job){.typed = typed, .scaling = scaling};
    nf_status status = nf_chain_parse(typed->text, &job->chain);
    if (status != NF_OK)
        return status;
    if (nf_chain_is_range(&job->chain))
        return make_range(scaling, workers, job);
    return make_array(args, source, scaling, workers, job);
}

static nf_status shrink_array(scale_job *job, double part)
{
    for (int d = NF_DIMS - job->shape.ndim; d < NF_DIMS; d++) {
        int64_t extent = llround((double)job->shape.dim[d] * pow(part, 1.0 / job->shape.ndim));
        job->shape.dim[d] = extent > 1 ? extent : 1;
    }
    job->work = nf_shape_cells(&job->shape);
    return nf_chain_prepare(&job->chain, &job->shape);
}

nf_status scale_job_shrink(const scale_args *args, const nf_source *source, const nf_chain *typed,
                           double part, scale_job *job)
{
    nf_status status = scale_job_make(args, source, typed, NF_STRONG, 1, job);
    if (status != NF_OK)
        return status;
    if (!nf_chain_is_range(&job->chain))
        return shrink_array(job, part);
    double flops = job->chain.stages[0].setup.flops_per_cell;
    status = resize_range(job, part);
    if (status != NF_OK)
        return status;
    job->shape.dim[2] = job->chain.stages[0].setup.indices;
    job->work = llround(scale_range_work(&job->chain) / flops);
    return NF_OK;
}

void scale_job_free(scale_job *job)
{
    nf_chain_free(&job->chain);
}
