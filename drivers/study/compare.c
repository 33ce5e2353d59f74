#include "drivers/study/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"
#include "drivers/study/ranktest.h"

/* ---- launches ---- */

/* The next in order of time of launches i of a and k of b; of equal times that which takes turns. */
static bool b_is_next(const char *const *a, size_t i, size_t na, const char *const *b, size_t k,
                      size_t nb, bool last_b)
{
    if (i == na || k == nb)
        return i == na;
    int order = strcmp(a[i], b[k]);
    return order == 0 ? !last_b : order > 0;
}

static int by_time(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool all_known(const char *const *times, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (times[i] == NULL)
            return false;
    return true;
}

/* Both sorted. */
static size_t count_runs(const char *const *a, size_t na, const char *const *b, size_t nb)
{
    size_t runs = 0, i = 0, k = 0;
    bool last_b = true; /* of equal first times a's comes first */
    while (i + k < na + nb) {
        bool is_b = b_is_next(a, i, na, b, k, nb, last_b);
        runs += i + k == 0 || is_b != last_b;
        *(is_b ? &k : &i) += 1;
        last_b = is_b;
    }
    return runs;
}

bool nf_launches_alternated(const char **a, size_t na, const char **b, size_t nb)
{
    if (na < 2 || nb < 2 || !all_known(a, na) || !all_known(b, nb))
        return false;
    qsort(a, na, sizeof *a, by_time);
    qsort(b, nb, sizeof *b, by_time);
    return count_runs(a, na, b, nb) >= (na < nb ? na : nb);
}

nf_status nf_study_join(nf_study *a, const nf_study *b)
{
    int launches = 0;
    nf_status status = NF_OK;
    for (size_t i = 0; i < a->nsamples; i++)
        launches = a->samples[i].launch >= launches ? a->samples[i].launch + 1 : launches;
    for (size_t i = 0; status == NF_OK && i < b->nfacts; i++)
        if (nf_study_find(a, b->facts[i].name) == NULL)
            status = nf_study_fact(a, b->facts[i].name, "%s", b->facts[i].value);
    for (size_t i = 0; status == NF_OK && i < b->nsamples; i++) {
        nf_sample sample = b->samples[i];
        sample.launch += launches;
        status = nf_study_add(a, &sample);
    }
    return status;
}

/* Logarithms of a point's times in the order measured: of `launch`, or of all (launch < 0). */
static size_t gather(const nf_study *study, const nf_sample *of, int launch, double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *sample = &study->samples[i];
        if ((launch < 0 || sample->launch == launch) && nf_sample_same_point(sample, of))
            values[n++] = log(sample->seconds);
    }
    return n;
}

/* The smallest launch number of a point's samples beyond `after`; -1: none. */
static int next_launch(const nf_study *study, const nf_sample *of, int after)
{
    int next = -1;
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *sample = &study->samples[i];
        if (sample->launch > after && (next < 0 || sample->launch < next) &&
            nf_sample_same_point(sample, of))
            next = sample->launch;
    }
    return next;
}

/* The logarithm of each launch's median; returns how many there are. values: room for all samples. */
static size_t launch_medians(const nf_study *study, const nf_sample *of, double *medians,
                             double *values)
{
    size_t n = 0;
    for (int l = next_launch(study, of, -1); l >= 0; l = next_launch(study, of, l))
        medians[n++] = nf_median(values, gather(study, of, l, values));
    return n;
}

/* ---- one launch each ---- */

/* The correlation of successive values, from 0 to 0.9; what an estimate from few values lacks is added
 * (Kendall, Biometrika 41, 1954). */
static double autocorrelation(const double *values, size_t n)
{
    double mean = 0, squares = 0, products = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    for (size_t i = 1; i < n; i++)
        products += (values[i] - mean) * (values[i - 1] - mean);
    const double r = squares > 0 ? products / squares : 0, count = (double)n;
    return fmin(0.9, fmax(0, (count * r + 1) / (count - 3)));
}

/* The standard error of the median of correlated values: that which its 95% interval amounts to, as
 * if there were n (1 - r)/(1 + r) values (Bayley & Hammersley 1946). Sorts them. */
static double median_error(double *values, size_t n)
{
    const double r = autocorrelation(values, n);
    nf_interval interval = nf_median_interval(values, n, 0.95);
    return (interval.high - interval.low) / 2 / 1.96 * sqrt((1 + r) / (1 - r));
}

/* ---- one point ---- */

typedef struct comparing {
    const nf_study *a, *b;
    const nf_compare_options *options;
    double *medians_a, *medians_b; /* of launches */
    double *values;                /* room for the samples of either study */
    double *differences;           /* room for a pair of each launch of a with each of b */
    double *p, *p_tolerance;       /* before correction */
} comparing;

static nf_interval to_ratios(nf_interval logs)
{
    return (nf_interval){exp(logs.low), exp(logs.high), logs.known};
}

static void by_pairs(const comparing *c, nf_difference *d, size_t k)
{
    size_t n = d->launches_a < d->launches_b ? d->launches_a : d->launches_b;
    d->by = NF_BY_PAIRS;
    d->launches_a = d->launches_b = n;
    for (size_t i = 0; i < n; i++)
        c->differences[i] = c->medians_b[i] - c->medians_a[i];
    c->p[k] = nf_sign_p(c->differences, n, 0);
    c->p_tolerance[k] = nf_sign_p(c->differences, n, log1p(c->options->tolerance));
    d->interval = to_ratios(nf_median_interval(c->differences, n, c->options->level));
    d->ratio = exp(nf_median(c->differences, n));
}

static void by_launches(const comparing *c, nf_difference *d, size_t k)
{
    const double *a = c->medians_a, *b = c->medians_b;
    const size_t na = d->launches_a, nb = d->launches_b;
    nf_interval interval;
    d->by = NF_BY_LAUNCHES;
    c->p[k] = nf_shift_p(a, na, b, nb, 0);
    c->p_tolerance[k] = nf_shift_p(a, na, b, nb, log1p(c->options->tolerance));
    d->ratio = exp(nf_shift_estimate(a, na, b, nb, c->options->level, c->differences, &interval));
    d->interval = to_ratios(interval);
}

static void by_noise(const comparing *c, nf_difference *d, size_t k)
{
    const double noise = c->options->launch_noise;
    double a = median_error(c->values, gather(c->a, d->a->of, -1, c->values));
    double b = median_error(c->values, gather(c->b, d->b->of, -1, c->values));
    double shift = log(d->ratio), error = sqrt(2 * noise * noise + a * a + b * b);
    double reach = error * nf_normal_quantile(c->options->level);
    d->by = NF_BY_NOISE;
    c->p[k] = erfc(fabs(shift) / error * M_SQRT1_2);
    c->p_tolerance[k] = erfc(fabs(shift - log1p(c->options->tolerance)) / error * M_SQRT1_2);
    d->interval = to_ratios((nf_interval){shift - reach, shift + reach, true});
}

static void compare_point(const comparing *c, nf_difference *d, size_t k)
{
    enum { FEWEST = 6 }; /* for an interval of the median */
    d->launches_a = launch_medians(c->a, d->a->of, c->medians_a, c->values);
    d->launches_b = launch_medians(c->b, d->b->of, c->medians_b, c->values);
    d->ratio = d->b->seconds / d->a->seconds;
    c->p[k] = c->p_tolerance[k] = 1;
    if (c->options->paired && d->launches_a > 1 && d->launches_b > 1)
        by_pairs(c, d, k);
    else if (c->options->alternated && d->launches_a > 1 && d->launches_b > 1)
        by_launches(c, d, k);
    else if (c->options->launch_noise > 0 && d->a->n >= FEWEST && d->b->n >= FEWEST)
        by_noise(c, d, k);
}

/* ---- all points ---- */

/* The least p that so many launches can give, whatever they measure. */
static double least_p(nf_evidence by, size_t na, size_t nb)
{
    const double m = (double)na, n = (double)nb;
    if (by == NF_BY_PAIRS)
        return exp2(1 - m);
    return 2 * exp(lgamma(m + 1) + lgamma(n + 1) - lgamma(m + n + 1));
}

static void find_needs(const nf_compare_options *options, size_t tests, nf_comparison *comparison)
{
    const double wanted = (1 - options->level) / (double)(tests > 0 ? tests : comparison->n);
    const nf_evidence by = options->paired ? NF_BY_PAIRS : NF_BY_LAUNCHES;
    size_t n = 2;
    while (least_p(by, n, n) >= wanted)
        n++;
    comparison->needed = n;
    comparison->able = true;
    for (size_t i = 0; i < comparison->n; i++) {
        const nf_difference *d = &comparison->list[i];
        comparison->able &=
            d->by == NF_BY_NOISE ||
            (d->by != NF_BY_NOTHING && least_p(d->by, d->launches_a, d->launches_b) < wanted);
    }
}

/* Holm's correction of the p of those points that were tested; the others get 1. Returns how many
 * were. room: for three values a point. */
static size_t correct(nf_difference *list, size_t n, const double *p, double *room, size_t *order,
                      double *corrected)
{
    double *tested = room, *after = room + n;
    size_t tests = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].by != NF_BY_NOTHING)
            tested[tests++] = p[i];
    nf_holm(tested, tests, order, after);
    for (size_t i = 0, t = 0; i < n; i++)
        corrected[i] = list[i].by != NF_BY_NOTHING ? after[t++] : 1;
    return tests;
}

static void judge(const comparing *c, nf_comparison *comparison, size_t *order, double *room)
{
    const double alpha = 1 - c->options->level;
    const size_t n = comparison->n;
    double *p = room, *p_tolerance = room + n;
    size_t tests = correct(comparison->list, n, c->p, room + 2 * n, order, p);
    correct(comparison->list, n, c->p_tolerance, room + 2 * n, order, p_tolerance);
    for (size_t i = 0; i < n; i++) {
        nf_difference *d = &comparison->list[i];
        d->p = p[i];
        d->p_tolerance = p_tolerance[i];
        if (d->p < alpha)
            d->verdict = d->ratio > 1 ? NF_SLOWER : NF_FASTER;
        d->fails = d->p_tolerance < alpha && d->ratio > 1 + c->options->tolerance;
    }
    find_needs(c->options, tests, comparison);
}

static size_t count_launches(const nf_study *study)
{
    size_t n = 0;
    for (size_t i = 0; i < study->nsamples; i++) {
        size_t k = 0;
        while (study->samples[k].launch != study->samples[i].launch)
            k++;
        n += k == i;
    }
    return n;
}

static nf_status compare_all(comparing *c, nf_comparison *comparison)
{
    const size_t launches_a = count_launches(c->a), launches_b = count_launches(c->b);
    const size_t samples = c->a->nsamples + c->b->nsamples, n = comparison->n;
    double *room =
        calloc(samples + launches_a + launches_b + launches_a * launches_b + 6 * n, sizeof *room);
    size_t *order = calloc(n, sizeof *order);
    nf_status status = NF_OK;
    if (room != NULL && order != NULL) {
        c->values = room;
        c->medians_a = c->values + samples;
        c->medians_b = c->medians_a + launches_a;
        c->differences = c->medians_b + launches_b;
        c->p = c->differences + launches_a * launches_b;
        c->p_tolerance = c->p + n;
        for (size_t k = 0; k < n; k++)
            compare_point(c, &comparison->list[k], k);
        judge(c, comparison, order, c->p_tolerance + n);
    } else {
        status = nf_fail(NF_ERR_MEMORY, "no memory to compare %zu points", n);
    }
    free(room);
    free(order);
    return status;
}

/* ---- points in common ---- */

static const nf_point *find(const nf_point *points, size_t n, const nf_sample *of)
{
    for (size_t i = 0; i < n; i++)
        if (nf_sample_same_point(points[i].of, of))
            return &points[i];
    return NULL;
}

static size_t measured(const nf_point *points, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += !points[i].of->simulated;
    return count;
}

/* What keeps the nearest points of two studies apart that have none in common. */
static nf_status nothing_common(const nf_point *a, size_t na, const nf_point *b, size_t nb)
{
    char one[NF_SHAPE_TEXT], two[NF_SHAPE_TEXT];
    for (size_t i = 0; i < na; i++)
        for (size_t j = 0; j < nb; j++) {
            const nf_sample *s = a[i].of, *t = b[j].of;
            if (strcmp(s->kernel, t->kernel) == 0 && s->scaling == t->scaling &&
                !nf_shape_equal(&s->shape, &t->shape))
                return nf_fail(NF_ERR_FORMAT,
                               "the studies have no point in common: their sizes differ (%s of "
                               "'%s' in the first, %s in the second); measure both at one size",
                               nf_shape_text(&s->shape, one), s->label,
                               nf_shape_text(&t->shape, two));
        }
    for (size_t i = 0; i < na; i++)
        for (size_t j = 0; j < nb; j++)
            if (strcmp(a[i].of->kernel, b[j].of->kernel) == 0)
                return nf_fail(NF_ERR_FORMAT,
                               "the studies have no point in common: of '%s' they hold different "
                               "ranks, threads or scaling; measure both with the same options",
                               a[i].of->label);
    return nf_fail(NF_ERR_FORMAT,
                   "the studies have no point in common: the first measured '%s', the second '%s'; "
                   "measure the same kernels",
                   na > 0 ? a[0].of->label : "nothing", nb > 0 ? b[0].of->label : "nothing");
}

static nf_status match(nf_comparison *comparison, size_t na, size_t nb)
{
    const nf_point *a = comparison->points_a, *b = comparison->points_b;
    size_t common = 0;
    comparison->list = calloc(na + 1, sizeof *comparison->list);
    if (comparison->list == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory to compare %zu points", na);
    for (size_t i = 0; i < na; i++) {
        const nf_point *other = find(b, nb, a[i].of);
        if (a[i].of->simulated || other == NULL)
            continue;
        common++;
        if (nf_point_counts(&a[i]) && nf_point_counts(other))
            comparison->list[comparison->n++] = (nf_difference){.a = &a[i], .b = other};
        else
            comparison->left_out++;
    }
    comparison->only_a = measured(a, na) - common;
    comparison->only_b = measured(b, nb) - common;
    if (common == 0)
        return nothing_common(a, na, b, nb);
    if (comparison->n == 0)
        return nf_fail(NF_ERR_FORMAT,
                       "all %zu points that the studies have in common are invalid or "
                       "oversubscribed in one of them; none can be compared",
                       common);
    return NF_OK;
}

nf_status nf_compare(const nf_study *a, const nf_study *b, const nf_compare_options *options,
                     nf_comparison *comparison)
{
    comparing c = {.a = a, .b = b, .options = options};
    size_t na = 0, nb = 0;
    *comparison = (nf_comparison){0};
    nf_status status = nf_points(a, &comparison->points_a, &na);
    if (status == NF_OK)
        status = nf_points(b, &comparison->points_b, &nb);
    if (status == NF_OK)
        status = match(comparison, na, nb);
    if (status == NF_OK)
        status = compare_all(&c, comparison);
    if (status != NF_OK)
        nf_comparison_free(comparison);
    return status;
}

void nf_comparison_free(nf_comparison *comparison)
{
    free(comparison->list);
    free(comparison->points_a);
    free(comparison->points_b);
    *comparison = (nf_comparison){0};
}
