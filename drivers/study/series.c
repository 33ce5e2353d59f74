#include "drivers/study/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"

static double workers(const nf_point *point)
{
    return (double)point->of->ranks * point->of->threads;
}

static bool belongs(const nf_point *point, const nf_sample *like, const char *way)
{
    const nf_sample *of = point->of;
    const char *its = nf_way(of->ranks, of->threads);
    return nf_point_counts(point) && of->scaling == like->scaling &&
           strcmp(of->kernel, like->kernel) == 0 &&
           (of->scaling == NF_WEAK || nf_shape_equal(&of->shape, &like->shape)) &&
           (way == NULL || strcmp(its, way) == 0 || strcmp(its, "serial") == 0);
}

/* Whether there is no faster one for as many workers; of equal ones the first. */
static bool fastest(const nf_point *points, size_t n, size_t which, const nf_sample *like,
                    const char *way)
{
    const nf_point *mine = &points[which];
    for (size_t i = 0; i < n; i++)
        if (workers(&points[i]) == workers(mine) && belongs(&points[i], like, way) &&
            (points[i].seconds < mine->seconds ||
             (points[i].seconds <= mine->seconds && i < which)))
            return false;
    return true;
}

/* What brings a point's time to p / p0 times the base's work, that of the fewest workers. */
static double scale_of(const nf_point *points, size_t n, const nf_point *point,
                       const nf_sample *like, const char *way)
{
    if (like->scaling == NF_STRONG)
        return 1;
    const nf_point *base = NULL;
    for (size_t i = 0; i < n; i++)
        if (belongs(&points[i], like, way) && (base == NULL || workers(&points[i]) < workers(base)))
            base = &points[i];
    return base == NULL
               ? NAN
               : workers(point) / workers(base) * (double)base->of->work / (double)point->of->work;
}

/* A point's samples, launch by launch, behind those that the series has; *used counts them. */
static void observe(const nf_study *study, const nf_point *point, double scale, nf_series *series,
                    size_t *used)
{
    nf_observation *at = &series->at[series->n++];
    *at = (nf_observation){.p = workers(point),
                           .seconds = scale * point->seconds,
                           .samples = series->samples + *used,
                           .launch = series->launches + *used};
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *sample = &study->samples[i];
        if (!nf_sample_same_point(sample, point->of))
            continue;
        size_t k = *used + at->n++; /* behind the last one of its launch or an earlier one */
        for (; k > *used && series->launches[k - 1] > sample->launch; k--) {
            series->launches[k] = series->launches[k - 1];
            series->samples[k] = series->samples[k - 1];
        }
        series->launches[k] = sample->launch;
        series->samples[k] = scale * sample->seconds;
    }
    *used += at->n;
}

nf_status nf_series_make(const nf_study *study, const nf_point *points, size_t npoints,
                         const nf_sample *like, const char *way, nf_series *series)
{
    *series = (nf_series){.scaling = like->scaling,
                          .at = calloc(npoints + 1, sizeof *series->at),
                          .samples = calloc(study->nsamples + 1, sizeof *series->samples),
                          .launches = calloc(study->nsamples + 1, sizeof *series->launches)};
    if (series->at == NULL || series->samples == NULL || series->launches == NULL) {
        nf_series_free(series);
        return nf_fail(NF_ERR_MEMORY, "no memory for the models of %zu points", npoints);
    }
    size_t used = 0;
    for (size_t i = 0; i < npoints; i++) {
        double scale = scale_of(points, npoints, &points[i], like, way);
        if (belongs(&points[i], like, way) && fastest(points, npoints, i, like, way) && scale > 0)
            observe(study, &points[i], scale, series, &used);
    }
    return NF_OK;
}

void nf_series_free(nf_series *series)
{
    free(series->at);
    free(series->samples);
    free(series->launches);
    *series = (nf_series){0};
}
