#include "drivers/study/points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"

static int workers(const nf_sample *sample)
{
    return sample->ranks * sample->threads;
}

/* ---- grouping ---- */

/* group[i] = the point of sample i; returns the number of points. */
static size_t group_samples(const nf_study *study, nf_point *points, size_t *group)
{
    size_t n = 0;
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *sample = &study->samples[i];
        size_t p = 0;
        while (p < n && !nf_sample_same_point(points[p].of, sample))
            p++;
        if (p == n)
            points[n++] = (nf_point){.of = sample, .valid = true};
        group[i] = p;
        points[p].n++;
        points[p].valid &= sample->valid;
        points[p].oversubscribed |= sample->oversubscribed;
    }
    return n;
}

/* One field of every sample of point p into `values`; returns how many there are. */
static size_t gather(const nf_study *study, const size_t *group, size_t p, size_t offset,
                     double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < study->nsamples; i++)
        if (group[i] == p)
            memcpy(&values[n++], (const char *)&study->samples[i] + offset, sizeof *values);
    return n;
}

static void summarise(const nf_study *study, const size_t *group, size_t p, nf_point *point,
                      double *values)
{
    static const size_t fields[] = {
        offsetof(nf_sample, phases.compute), offsetof(nf_sample, phases.halo),
        offsetof(nf_sample, phases.fold),    offsetof(nf_sample, phases.wait),
        offsetof(nf_sample, phases.io),      offsetof(nf_sample, phases.idle),
        offsetof(nf_sample, phases.runtime),
    };
    double *const into[] = {&point->phases.compute, &point->phases.halo, &point->phases.fold,
                            &point->phases.wait,    &point->phases.io,   &point->phases.idle,
                            &point->phases.runtime};
    size_t n = gather(study, group, p, offsetof(nf_sample, seconds), values);
    point->seconds = nf_median(values, n);
    point->interval = nf_median_interval(values, n, 0.95);
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        n = gather(study, group, p, fields[f], values);
        *into[f] = nf_median(values, n);
    }
}

/* ---- speed-up ---- */

int nf_point_workers(const nf_point *point)
{
    return workers(point->of);
}

double nf_point_share(const nf_point *point)
{
    return (double)workers(point->base->of) / workers(point->of);
}

/* How far the work of a worker is from the base's, as a ratio of at least 1; strong scaling: 1. */
static double work_distance(const nf_point *base, const nf_point *point)
{
    double ratio =
        (double)point->of->work * workers(base->of) / workers(point->of) / (double)base->of->work;
    if (point->of->scaling == NF_STRONG)
        return 1;
    return ratio < 1 ? 1 / ratio : ratio;
}

static bool may_be_base(const nf_point *base, const nf_point *point)
{
    const nf_sample *b = base->of, *of = point->of;
    return base->valid && (workers(b) == 1 || !base->oversubscribed) && workers(b) <= workers(of) &&
           b->simulated == of->simulated && b->scaling == of->scaling &&
           strcmp(b->kernel, of->kernel) == 0 &&
           (of->scaling == NF_WEAK || nf_shape_equal(&b->shape, &of->shape));
}

static bool better_base(const nf_point *a, const nf_point *b, const nf_point *point)
{
    double near = work_distance(a, point), nearest = work_distance(b, point);
    if (workers(a->of) != workers(b->of))
        return workers(a->of) < workers(b->of);
    return near < nearest || (near <= nearest && a->seconds < b->seconds);
}

static const nf_point *find_base(const nf_point *points, size_t n, const nf_point *point)
{
    const nf_point *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (may_be_base(&points[i], point) &&
            (best == NULL || better_base(&points[i], best, point)))
            best = &points[i];
    return best;
}

static void compare(const nf_point *base, nf_point *point)
{
    const nf_interval *one = &base->interval, *all = &point->interval;
    double scale =
        point->of->scaling == NF_STRONG ? 1 : (double)point->of->work / (double)base->of->work;
    point->base = base;
    if (base == point) { /* by definition, without uncertainty */
        point->speedup = 1;
        point->speedup_interval = (nf_interval){1, 1, one->known};
    } else {
        point->speedup = scale * base->seconds / point->seconds;
        point->speedup_interval = (nf_interval){
            scale * one->low / all->high, scale * one->high / all->low, one->known && all->known};
    }
    point->efficiency = point->speedup * nf_point_share(point);
}

/* ---- points ---- */

typedef struct order {
    const nf_point *point;
    size_t kernel; /* as place_of says */
    size_t met;    /* the point's own place */
} order;

static int by_place(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int in_order(const void *left, const void *right)
{
    const order *a = left, *b = right;
    const nf_sample *s = a->point->of, *t = b->point->of;
    if (s->simulated != t->simulated)
        return s->simulated ? 1 : -1;
    if (a->kernel != b->kernel)
        return by_place(a->kernel, b->kernel);
    if (s->scaling != t->scaling)
        return s->scaling < t->scaling ? -1 : 1;
    if (workers(s) != workers(t))
        return workers(s) < workers(t) ? -1 : 1;
    if (s->ranks != t->ranks)
        return s->ranks < t->ranks ? -1 : 1;
    return by_place(a->met, b->met);
}

/* A kernel's place among those that the study's settings name; behind them, that of its first point,
 * which is a random one. */
static size_t place_of(const nf_study *study, const char *kernel, size_t first)
{
    for (size_t i = 0; i < study->nsettings; i++)
        if (strncmp(study->settings[i].name, "kernel ", 7) == 0 &&
            strcmp(study->settings[i].value, kernel) == 0)
            return i;
    return study->nsettings + first;
}

static void fill_order(const nf_study *study, const nf_point *points, size_t n, order *rows)
{
    for (size_t i = 0; i < n; i++) {
        size_t first = 0;
        while (strcmp(points[first].of->kernel, points[i].of->kernel) != 0)
            first++;
        rows[i] = (order){&points[i], place_of(study, points[i].of->kernel, first), i};
    }
    qsort(rows, n, sizeof *rows, in_order);
}

/* What was predicted of a simulated point; 0: nothing. */
static double find_prediction(const nf_study *study, const nf_sample *of)
{
    for (size_t i = 0; i < study->npredictions && of->simulated; i++)
        if (nf_sample_same_point(&study->predictions[i], of))
            return study->predictions[i].seconds;
    return 0;
}

static void make_points(const nf_study *study, size_t *group, double *values, nf_point *met,
                        order *rows, nf_point *points, size_t *npoints)
{
    size_t n = group_samples(study, met, group);
    for (size_t p = 0; p < n; p++)
        summarise(study, group, p, &met[p], values);
    fill_order(study, met, n, rows);
    for (size_t p = 0; p < n; p++)
        points[p] = *rows[p].point;
    for (size_t p = 0; p < n; p++) {
        const nf_point *base = find_base(points, n, &points[p]);
        if (base != NULL)
            compare(base, &points[p]);
        points[p].predicted = find_prediction(study, points[p].of);
    }
    *npoints = n;
}

nf_status nf_points(const nf_study *study, nf_point **points, size_t *npoints)
{
    size_t room = study->nsamples > 0 ? study->nsamples : 1;
    size_t *group = calloc(room, sizeof *group);
    double *values = calloc(room, sizeof *values);
    nf_point *met = calloc(room, sizeof *met);
    order *rows = calloc(room, sizeof *rows);
    *points = calloc(room, sizeof **points);
    *npoints = 0;
    nf_status status = NF_OK;
    if (group != NULL && values != NULL && met != NULL && rows != NULL && *points != NULL) {
        make_points(study, group, values, met, rows, *points, npoints);
    } else {
        free(*points);
        *points = NULL;
        status = nf_fail(NF_ERR_MEMORY, "no memory for the points of %zu samples", study->nsamples);
    }
    free(group);
    free(values);
    free(met);
    free(rows);
    return status;
}

bool nf_point_counts(const nf_point *point)
{
    return point->valid && !point->oversubscribed && !point->of->simulated;
}
