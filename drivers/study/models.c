#include "drivers/study/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/study/fit.h"

/* ---- the models ---- */

/* Extra-P's default pairs, as it lists them: numerator, denominator of i, and j. */
static const signed char pairs[][3] = {
    {0, 1, 1},  {0, 1, 2},   {1, 4, 0},  {1, 3, 0},  {1, 4, 1},  {1, 3, 1},  {1, 4, 2},  {1, 3, 2},
    {1, 2, 0},  {1, 2, 1},   {1, 2, 2},  {2, 3, 0},  {3, 4, 0},  {2, 3, 1},  {3, 4, 1},  {4, 5, 0},
    {2, 3, 2},  {3, 4, 2},   {1, 1, 0},  {1, 1, 1},  {1, 1, 2},  {5, 4, 0},  {5, 4, 1},  {4, 3, 0},
    {4, 3, 1},  {3, 2, 0},   {3, 2, 1},  {3, 2, 2},  {5, 3, 0},  {7, 4, 0},  {2, 1, 0},  {2, 1, 1},
    {2, 1, 2},  {9, 4, 0},   {7, 3, 0},  {5, 2, 0},  {5, 2, 1},  {5, 2, 2},  {8, 3, 0},  {11, 4, 0},
    {3, 1, 0},  {3, 1, 1}, /* for strong scaling: */
    {-1, 4, 0}, {-1, 3, 0},  {-1, 2, 0}, {-2, 3, 0}, {-3, 4, 0}, {-4, 5, 0}, {-1, 1, 0}, {-5, 4, 0},
    {-4, 3, 0}, {-3, 2, 0},  {-5, 3, 0}, {-7, 4, 0}, {-2, 1, 0}, {-9, 4, 0}, {-7, 3, 0}, {-5, 2, 0},
    {-8, 3, 0}, {-11, 4, 0}, {-3, 1, 0},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

static size_t columns_of(nf_model_kind kind, nf_scaling scaling)
{
    return kind == NF_USL || (kind == NF_LOGARITHM && scaling == NF_STRONG) ? 3 : 2;
}

/* What the coefficients stand before at p workers. They give T, or p/T of Gustafson. */
static void terms(const nf_model *model, double p, double term[3])
{
    const bool strong = model->scaling == NF_STRONG;
    switch (model->kind) {
    case NF_AMDAHL:
        term[0] = 1, term[1] = 1 / p;
        return;
    case NF_GUSTAFSON:
        term[0] = 1, term[1] = p;
        return;
    case NF_LOGARITHM:
        term[0] = 1, term[1] = strong ? 1 / p : log2(p), term[2] = log2(p);
        return;
    case NF_USL:
        term[0] = strong ? 1 / p : 1;
        term[1] = (p - 1) * term[0];
        term[2] = (p - 1) * (strong ? 1 : p);
        return;
    default:
        term[0] = 1, term[1] = pow(p, model->i) * pow(log2(p), model->j);
    }
}

double nf_model_seconds(const nf_model *model, double p)
{
    double term[3] = {0}, sum = 0;
    terms(model, p, term);
    for (size_t k = 0; k < columns_of(model->kind, model->scaling); k++)
        sum += model->c[k] * term[k];
    return model->kind == NF_GUSTAFSON ? p / sum : sum;
}

const char *nf_model_name(nf_model_kind kind)
{
    static const char *const names[] = {"Amdahl", "Gustafson", "logarithm", "USL", "PMNF"};
    return names[kind];
}

const char *nf_model_text(const nf_model *model, char text[NF_MODEL_TEXT])
{
    const double *c = model->c;
    const bool strong = model->scaling == NF_STRONG;
    switch (model->kind) {
    case NF_AMDAHL:
        snprintf(text, NF_MODEL_TEXT, "T = %.3g + %.3g/p", c[0], c[1]);
        break;
    case NF_GUSTAFSON:
        snprintf(text, NF_MODEL_TEXT, "T = p/(%.3g + %.3g p)", c[0], c[1]);
        break;
    case NF_LOGARITHM:
        if (strong)
            snprintf(text, NF_MODEL_TEXT, "T = %.3g + %.3g/p + %.3g log2 p", c[0], c[1], c[2]);
        else
            snprintf(text, NF_MODEL_TEXT, "T = %.3g + %.3g log2 p", c[0], c[1]);
        break;
    case NF_USL:
        snprintf(text, NF_MODEL_TEXT, "T = %.3g%s (1 + %.3g (p-1) + %.3g p(p-1))", c[0],
                 strong ? "/p" : "", c[1] / c[0], c[2] / c[0]);
        break;
    default:
        snprintf(text, NF_MODEL_TEXT, "T = %.3g + %.3g p^%.3g log2(p)^%.0f", c[0], c[1], model->i,
                 model->j);
    }
    return text;
}

/* Where p/T (weak) or 1/T (strong) is largest, in steps of 1%; as far as a million. */
static double search_peak(const nf_model *model)
{
    const double most = 1e6, step = 1.01;
    double best = 0;
    for (double p = 1; p < most; p *= step) {
        double rate = (model->scaling == NF_STRONG ? 1 : p) / nf_model_seconds(model, p);
        if (rate < best)
            return p / step;
        best = rate;
    }
    return INFINITY;
}

double nf_model_peak(const nf_model *model)
{
    const double *c = model->c;
    switch (model->kind) {
    case NF_USL:
        if (c[1] >= c[0])
            return 1;
        return c[2] > 0 ? fmax(1, sqrt((c[0] - c[1]) / c[2])) : INFINITY;
    case NF_LOGARITHM:
        if (model->scaling == NF_WEAK)
            return search_peak(model);
        return c[2] > 0 ? fmax(1, c[1] * M_LN2 / c[2]) : INFINITY;
    case NF_PMNF:
        return search_peak(model);
    default:
        return INFINITY;
    }
}

/* ---- fitting ---- */

typedef struct table {
    double p[NF_FIT_ROWS], seconds[NF_FIT_ROWS];
    size_t n;
} table;

static void without(const table *all, size_t left_out, table *others)
{
    others->n = 0;
    for (size_t i = 0; i < all->n; i++)
        if (i != left_out) {
            others->p[others->n] = all->p[i];
            others->seconds[others->n++] = all->seconds[i];
        }
}

/* The coefficients of a model whose form is given. */
static bool fit(const table *t, nf_model *model)
{
    double a[NF_FIT_ROWS * NF_FIT_COLUMNS], ones[NF_FIT_ROWS];
    const size_t columns = columns_of(model->kind, model->scaling);
    for (size_t i = 0; i < t->n; i++) {
        const double s = t->seconds[i];
        double term[3] = {0};
        terms(model, t->p[i], term);
        for (size_t k = 0; k < columns; k++)
            a[i * columns + k] = model->kind == NF_GUSTAFSON ? term[k] * s / t->p[i] : term[k] / s;
        ones[i] = 1;
    }
    return nf_fit(a, ones, t->n, columns, NF_NON_NEGATIVE, model->c);
}

/* Each row foretold from the others by the model's form; returns the mean error. */
static double cross_validate(const table *t, const nf_model *form, double errors[NF_FIT_ROWS])
{
    double sum = 0;
    for (size_t i = 0; i < t->n; i++) {
        nf_model model = *form;
        table others;
        without(t, i, &others);
        double f = fit(&others, &model) ? nf_model_seconds(&model, t->p[i]) : 0;
        errors[i] = 2 * fabs(f - t->seconds[i]) / (f + t->seconds[i]);
        sum += errors[i];
    }
    return sum / (double)t->n;
}

static void choose_pair(const table *t, nf_model *model)
{
    double least = INFINITY, errors[NF_FIT_ROWS];
    nf_model tried = *model;
    for (size_t k = 0; k < PAIRS; k++) {
        if (pairs[k][0] < 0 && model->scaling == NF_WEAK)
            continue;
        tried.i = (double)pairs[k][0] / pairs[k][1];
        tried.j = pairs[k][2];
        double error = cross_validate(t, &tried, errors);
        if (error < least) {
            least = error;
            *model = tried;
        }
    }
}

/* As cross_validate, with PMNF's pair chosen without the row, too. */
static double validate(const table *t, const nf_model *form, double errors[NF_FIT_ROWS])
{
    double sum = 0;
    if (form->kind != NF_PMNF)
        return cross_validate(t, form, errors);
    for (size_t i = 0; i < t->n; i++) {
        nf_model model = *form;
        table others;
        without(t, i, &others);
        choose_pair(&others, &model);
        double f = fit(&others, &model) ? nf_model_seconds(&model, t->p[i]) : 0;
        errors[i] = 2 * fabs(f - t->seconds[i]) / (f + t->seconds[i]);
        sum += errors[i];
    }
    return sum / (double)t->n;
}

/* Points that a model needs: as many as it has coefficients, and two. */
static const char *too_few(nf_model_kind kind, nf_scaling scaling, size_t n)
{
    if (kind == NF_PMNF)
        return n < NF_PMNF_POINTS ? "needs 5 numbers of workers" : NULL;
    if (columns_of(kind, scaling) == 2)
        return n < 4 ? "needs 4 numbers of workers" : NULL;
    return n < 5 ? "needs 5 numbers of workers" : NULL;
}

static void fit_one(const table *t, nf_model_kind kind, nf_scaling scaling, nf_fitted *fitted,
                    double errors[NF_FIT_ROWS])
{
    *fitted = (nf_fitted){.model = {.kind = kind, .scaling = scaling}, .error = INFINITY};
    if (kind == (scaling == NF_STRONG ? NF_GUSTAFSON : NF_AMDAHL)) {
        fitted->note = scaling == NF_STRONG ? "is for weak scaling" : "is for strong scaling";
        return;
    }
    fitted->note = too_few(kind, scaling, t->n);
    if (fitted->note != NULL)
        return;
    if (kind == NF_PMNF)
        choose_pair(t, &fitted->model);
    fitted->known = fit(t, &fitted->model);
    if (!fitted->known) {
        fitted->note = "its terms cannot be told apart at these numbers of workers";
        return;
    }
    fitted->error = validate(t, &fitted->model, errors);
    if (kind == NF_USL && t->n < NF_USL_POINTS)
        fitted->note = "rests on fewer than 6 numbers of workers";
}

/* Whether errors a foretell as well as b: their mean difference is within its standard error. */
static bool as_good(const double *a, const double *b, size_t n)
{
    const double rounding = 1e-9;
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += (a[i] - b[i]) / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
    return mean <= rounding + sqrt(squares / (double)(n - 1) / (double)n);
}

static void tabulate(const nf_series *series, table *t)
{
    t->n = series->n < NF_FIT_ROWS ? series->n : NF_FIT_ROWS;
    for (size_t i = 0; i < t->n; i++) {
        t->p[i] = series->at[i].p;
        t->seconds[i] = series->at[i].seconds;
    }
}

bool nf_model_fit(const nf_series *series, nf_model *model)
{
    table t;
    tabulate(series, &t);
    return fit(&t, model);
}

void nf_models_fit(const nf_series *series, nf_fits *fits)
{
    table t;
    double errors[NF_MODELS][NF_FIT_ROWS];
    int least = -1;
    tabulate(series, &t);
    fits->best = -1;
    for (int k = 0; k < NF_MODELS; k++) {
        fit_one(&t, (nf_model_kind)k, series->scaling, &fits->of[k], errors[k]);
        if (fits->of[k].known && (least < 0 || fits->of[k].error < fits->of[least].error))
            least = k;
    }
    for (int k = 0; k <= least && fits->best < 0; k++)
        if (fits->of[k].known && as_good(errors[k], errors[least], t.n))
            fits->best = k;
}

/* ---- bands ---- */

/* splitmix64 (Steele, Lea & Flood, OOPSLA'14) */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t draw_below(uint64_t *state, size_t n)
{
    return (size_t)((double)(draw(state) >> 11) * 0x1p-53 * (double)n);
}

/* Where each launch of an observation begins, and, behind them, where the last ends. */
static size_t find_launches(const nf_observation *at, size_t *begins)
{
    size_t n = 0;
    for (size_t i = 0; i < at->n; i++)
        if (i == 0 || at->launch[i] != at->launch[i - 1])
            begins[n++] = i;
    begins[n] = at->n;
    return n;
}

/* The median of samples drawn anew: launches first, then of each as many samples as it has. */
static double draw_median(const nf_observation *at, uint64_t *state, size_t *begins, double *values)
{
    size_t launches = find_launches(at, begins), n = 0;
    for (size_t l = 0; l < launches; l++) {
        size_t from = launches > 1 ? draw_below(state, launches) : 0;
        size_t length = begins[from + 1] - begins[from];
        for (size_t i = 0; i < length; i++)
            values[n++] = at->samples[begins[from] + draw_below(state, length)];
    }
    return nf_median(values, n);
}

/* The most values that draw_median may draw: every time the longest launch. */
static size_t most_drawn(const nf_series *series, size_t *begins)
{
    size_t most = 0;
    for (size_t i = 0; i < series->n; i++) {
        size_t launches = find_launches(&series->at[i], begins), longest = 0;
        for (size_t l = 0; l < launches; l++)
            if (begins[l + 1] - begins[l] > longest)
                longest = begins[l + 1] - begins[l];
        most = launches * longest > most ? launches * longest : most;
    }
    return most;
}

static bool fill_copies(const nf_series *series, const nf_model *model, uint64_t seed,
                        size_t *begins, nf_model *copies, size_t n)
{
    table t;
    double *values = calloc(most_drawn(series, begins) + 1, sizeof *values);
    bool fine = values != NULL;
    tabulate(series, &t);
    for (size_t c = 0; fine && c < n; c++) {
        for (size_t i = 0; i < t.n; i++)
            t.seconds[i] = draw_median(&series->at[i], &seed, begins, values);
        copies[c] = *model;
        fine = fit(&t, &copies[c]);
    }
    free(values);
    return fine;
}

bool nf_model_bootstrap(const nf_series *series, const nf_model *model, uint64_t seed,
                        nf_model *copies, size_t n)
{
    enum { FEWEST = 6 };
    size_t most = 0;
    for (size_t i = 0; i < series->n; i++) {
        if (series->at[i].n < FEWEST)
            return false;
        most = series->at[i].n > most ? series->at[i].n : most;
    }
    size_t *begins = calloc(most + 1, sizeof *begins);
    bool fine = begins != NULL && fill_copies(series, model, seed, begins, copies, n);
    free(begins);
    return fine;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Percentiles of what the copies say of p workers. */
static nf_interval find_band(const nf_model *copies, size_t n, double p, double level)
{
    double *values = n > 0 ? calloc(n, sizeof *values) : NULL;
    nf_interval band = {0, 0, false};
    if (values == NULL)
        return band;
    for (size_t c = 0; c < n; c++)
        values[c] = nf_model_seconds(&copies[c], p);
    qsort(values, n, sizeof *values, ascending);
    size_t cut = (size_t)((1 - level) / 2 * (double)n);
    band = (nf_interval){values[cut], values[n - 1 - cut], true};
    free(values);
    return band;
}

nf_prediction nf_model_predict(const nf_model *model, const nf_series *series,
                               const nf_model *copies, size_t ncopies, double p, double level,
                               bool far)
{
    const double largest = series->at[series->n - 1].p;
    nf_prediction at = {.known = far || p <= NF_EXTRAPOLATION * largest,
                        .extrapolated = p > largest};
    if (!at.known)
        return at;
    at.seconds = nf_model_seconds(model, p);
    at.band = copies != NULL ? find_band(copies, ncopies, p, level) : (nf_interval){0, 0, false};
    return at;
}
