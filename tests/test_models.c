/* Models of the time over the workers, and efficiencies: published and hand-computed values, synthetic
 * studies whose answer is known, without noise and with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/status.h"
#include "drivers/study/efficiency.h"
#include "drivers/study/fit.h"
#include "drivers/study/models.h"
#include "tests/suite.h"

static bool near(double value, double expected, double relative)
{
    return fabs(value - expected) <= relative * fabs(expected);
}

/* ---- random numbers, the same every time ---- */

static uint64_t state;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* ---- least squares ---- */

/* NIST StRD, Norris (linear, 36 observations): y = B0 + B1 x, certified to 15 digits. */
static void test_norris(void)
{
    static const double data[36][2] = {
        {0.1, 0.2},     {338.8, 337.4}, {118.1, 118.2}, {888.0, 884.6}, {9.2, 10.1},
        {228.1, 226.5}, {668.5, 666.3}, {998.5, 996.3}, {449.1, 448.6}, {778.9, 777.0},
        {559.2, 558.2}, {0.3, 0.4},     {0.1, 0.6},     {778.1, 775.5}, {668.8, 666.9},
        {339.3, 338.0}, {448.9, 447.5}, {10.8, 11.6},   {557.7, 556.0}, {228.3, 228.1},
        {998.0, 995.8}, {888.8, 887.6}, {119.6, 120.2}, {0.3, 0.3},     {0.6, 0.3},
        {557.6, 556.8}, {339.3, 339.1}, {888.0, 887.2}, {998.5, 999.0}, {778.9, 779.0},
        {10.2, 11.1},   {117.6, 118.3}, {228.9, 229.2}, {668.4, 669.1}, {449.2, 448.9},
        {0.2, 0.5},
    }; /* y, x */
    double a[36 * 2], y[36], c[2];
    for (size_t i = 0; i < 36; i++) {
        a[2 * i] = 1;
        a[2 * i + 1] = data[i][1];
        y[i] = data[i][0];
    }
    CU_ASSERT_FATAL(nf_fit(a, y, 36, 2, NF_ANY_SIGN, c));
    CU_ASSERT(near(c[0], -0.262323073774029, 1e-11));
    CU_ASSERT(near(c[1], 1.00211681802045, 1e-13));
    /* B0 may not be negative: what is left is the line through the origin. */
    double xy = 0, xx = 0;
    for (size_t i = 0; i < 36; i++) {
        xy += data[i][0] * data[i][1];
        xx += data[i][1] * data[i][1];
    }
    CU_ASSERT_FATAL(nf_fit(a, y, 36, 2, NF_NON_NEGATIVE, c));
    CU_ASSERT(c[0] == 0 && near(c[1], xy / xx, 1e-14));
}

/* NIST StRD, NoInt1: a line through the origin. */
static void test_no_intercept(void)
{
    double x[11], y[11], c;
    for (int i = 0; i < 11; i++) {
        x[i] = 60 + i;
        y[i] = 130 + i;
    }
    CU_ASSERT_FATAL(nf_fit(x, y, 11, 1, NF_ANY_SIGN, &c));
    CU_ASSERT(near(c, 2.07438016528926, 1e-14));
}

static void test_non_negative(void)
{
    /* y = 3 x0 - 1 x1 + 2 x2, columns orthogonal: without x1 the others stay. */
    const double a[] = {1, 1, 1, 1, -1, 1, 1, 1, -1, 1, -1, -1};
    const double y[] = {4, 6, 0, 2};
    const double negative[] = {-1, -1, -1, -1};
    double c[3];
    CU_ASSERT_FATAL(nf_fit(a, y, 4, 3, NF_ANY_SIGN, c));
    CU_ASSERT(near(c[0], 3, 1e-14) && near(c[1], -1, 1e-14) && near(c[2], 2, 1e-14));
    CU_ASSERT_FATAL(nf_fit(a, y, 4, 3, NF_NON_NEGATIVE, c));
    CU_ASSERT(near(c[0], 3, 1e-14) && c[1] == 0 && near(c[2], 2, 1e-14));
    /* exactly 4 x0 + 3 x1 - x2; x2 alone would be 4/3, but x0 and x1 leave less */
    const double slanted[] = {1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0}, to[] = {3, 2, -1, 0};
    CU_ASSERT_FATAL(nf_fit(slanted, to, 4, 3, NF_NON_NEGATIVE, c));
    CU_ASSERT(near(c[0], 3, 1e-14) && near(c[1], 2, 1e-14) && c[2] == 0);
    CU_ASSERT_FATAL(nf_fit(a, negative, 4, 3, NF_NON_NEGATIVE, c));
    CU_ASSERT(c[0] == 0 && c[1] == 0 && c[2] == 0);
}

static void test_no_solution(void)
{
    const double twice[] = {0.1, 0.3, 0.7, 2.1, 0.3, 0.9}, y[] = {1, 2, 3}; /* but for rounding */
    double c[3];
    CU_ASSERT(!nf_fit(twice, y, 3, 2, NF_ANY_SIGN, c));
    CU_ASSERT(!nf_fit(twice, y, 1, 2, NF_ANY_SIGN, c)); /* fewer rows than columns */
}

/* ---- series ---- */

enum { MOST = 12, PER_POINT = 22 };

typedef struct synthetic {
    nf_observation at[MOST];
    double samples[MOST][PER_POINT];
    int launch[PER_POINT];
    nf_series series;
} synthetic;

/* Points at 1, 2, 4 ... of a model, each with `per` samples of `launches`, their logarithms with this
 * deviation, and that of each launch with that one. */
static void make(synthetic *s, const nf_model *model, size_t points, size_t per, size_t launches,
                 double deviation, double between)
{
    for (size_t k = 0; k < per; k++)
        s->launch[k] = (int)(k * launches / per);
    for (size_t i = 0; i < points; i++) {
        double p = exp2((double)i), copy[PER_POINT], shift = 0;
        for (size_t k = 0; k < per; k++) {
            if (k == 0 || s->launch[k] != s->launch[k - 1])
                shift = between > 0 ? between * normal() : 0;
            double noise = deviation > 0 ? deviation * normal() : 0;
            copy[k] = s->samples[i][k] = nf_model_seconds(model, p) * exp(noise + shift);
        }
        s->at[i] = (nf_observation){.p = p,
                                    .seconds = nf_median(copy, per),
                                    .samples = s->samples[i],
                                    .launch = s->launch,
                                    .n = per};
    }
    s->series = (nf_series){.scaling = model->scaling, .at = s->at, .n = points};
}

static const nf_model truths[] = {
    {NF_AMDAHL, NF_STRONG, 0, 0, {0.2, 8, 0}},     {NF_LOGARITHM, NF_STRONG, 0, 0, {0.1, 8, 0.15}},
    {NF_USL, NF_STRONG, 0, 0, {8, 0.24, 0.008}},   {NF_PMNF, NF_STRONG, -0.5, 0, {0.3, 6, 0}},
    {NF_GUSTAFSON, NF_WEAK, 0, 0, {0.02, 0.1, 0}}, {NF_LOGARITHM, NF_WEAK, 0, 0, {2, 0.3, 0}},
    {NF_USL, NF_WEAK, 0, 0, {5, 0.1, 0.002}},      {NF_PMNF, NF_WEAK, 0.5, 1, {3, 0.2, 0}},
};
enum { TRUTHS = sizeof truths / sizeof *truths };

/* Without noise every model finds itself: its coefficients, and that it is the one. */
static void test_recovered(void)
{
    for (size_t k = 0; k < TRUTHS; k++) {
        synthetic s;
        nf_fits fits;
        make(&s, &truths[k], 8, 6, 1, 0, 0);
        nf_models_fit(&s.series, &fits);
        CU_ASSERT_EQUAL(fits.best, (int)truths[k].kind);
        const nf_fitted *mine = &fits.of[truths[k].kind];
        CU_ASSERT_FATAL(mine->known);
        CU_ASSERT(mine->error < 1e-9);
        for (size_t c = 0; c < 2; c++)
            CU_ASSERT(near(mine->model.c[c], truths[k].c[c], 1e-7));
        if (truths[k].kind == NF_USL)
            CU_ASSERT(near(mine->model.c[2], truths[k].c[2], 1e-7));
        CU_ASSERT(near(mine->model.i, truths[k].i, 1e-15) && mine->model.j == truths[k].j);
    }
}

/* SPEC SDM 91 on a SPARCcenter 2000 (Gunther, Guerrilla Capacity Planning, 2007, ch. 5; the data of R's
 * package usl, which gives alpha 0.0277285, beta 0.0001044 and its peak at 96.5 by least squares of the
 * throughput itself; here of relative errors of the time). */
static void test_usl_published(void)
{
    static const double load[] = {1, 18, 36, 72, 108, 144, 216},
                        jobs[] = {64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2};
    nf_observation at[7];
    nf_fits fits;
    for (size_t i = 0; i < 7; i++)
        at[i] = (nf_observation){.p = load[i], .seconds = 1 / jobs[i]};
    const nf_series series = {.scaling = NF_STRONG, .at = at, .n = 7};
    nf_models_fit(&series, &fits);
    CU_ASSERT_FATAL(fits.of[NF_USL].known);
    CU_ASSERT_PTR_NULL(fits.of[NF_USL].note);
    const nf_model *model = &fits.of[NF_USL].model;
    double alpha = model->c[1] / model->c[0], beta = model->c[2] / model->c[0];
    CU_ASSERT(alpha > 0.0277285 - 2 * 0.0091217 && alpha < 0.0277285 + 2 * 0.0091217);
    CU_ASSERT(beta > 0.0001044 - 2 * 0.0000199 && beta < 0.0001044 + 2 * 0.0000199);
    CU_ASSERT(near(nf_model_peak(model), 96.5, 0.1));
}

static void test_peaks(void)
{
    const nf_model published = {NF_USL, NF_STRONG, 0, 0, {1, 0.0277285, 0.0001044}};
    CU_ASSERT(near(nf_model_peak(&published), 96.5, 1e-3)); /* sqrt((1 - alpha) / beta) */
    for (size_t k = 0; k < TRUTHS; k++) {
        double peak = nf_model_peak(&truths[k]);
        if (!isfinite(peak))
            continue;
        double weak = truths[k].scaling == NF_WEAK, at = nf_model_seconds(&truths[k], peak);
        for (double step = 0.9; step < 1.2; step += 0.2) /* slower on either side */
            CU_ASSERT(nf_model_seconds(&truths[k], step * peak) / pow(step, weak) > at);
    }
    CU_ASSERT(isinf(nf_model_peak(&truths[0])) && isinf(nf_model_peak(&truths[4])));
    const nf_model serial = {NF_USL, NF_STRONG, 0, 0, {1, 1.5, 0}};
    CU_ASSERT(nf_model_peak(&serial) == 1);
}

/* Fewer points than coefficients and two: not fitted, and it says so. */
static void test_few_points(void)
{
    static const struct {
        size_t points;
        bool known[NF_MODELS];
    } cases[] = {{2, {false, false, false, false, false}},
                 {3, {false, false, false, false, false}},
                 {4, {true, false, false, false, false}},
                 {5, {true, false, true, true, true}}};
    for (size_t i = 0; i < 4; i++) {
        synthetic s;
        nf_fits fits;
        make(&s, &truths[0], cases[i].points, 6, 1, 0, 0);
        nf_models_fit(&s.series, &fits);
        for (int k = 0; k < NF_MODELS; k++) {
            CU_ASSERT_EQUAL(fits.of[k].known, cases[i].known[k]);
            CU_ASSERT(fits.of[k].known || fits.of[k].note != NULL);
        }
        CU_ASSERT_EQUAL(fits.best, cases[i].points < 4 ? -1 : (int)NF_AMDAHL);
    }
    synthetic s;
    nf_fits fits;
    make(&s, &truths[2], 5, 6, 1, 0, 0);
    nf_models_fit(&s.series, &fits);
    CU_ASSERT(fits.of[NF_USL].note != NULL && strstr(fits.of[NF_USL].note, "fewer than 6") != NULL);
    CU_ASSERT(strstr(fits.of[NF_GUSTAFSON].note, "weak") != NULL);
}

/* With 3% noise, 11 samples and 8 points, the true model is the one chosen in most trials. */
static void test_selected(void)
{
    enum { TRIALS = 50 };
    state = 1;
    for (size_t k = 0; k < TRUTHS; k++) {
        size_t right = 0;
        for (int t = 0; t < TRIALS; t++) {
            synthetic s;
            nf_fits fits;
            make(&s, &truths[k], 8, 11, 1, 0.03, 0);
            nf_models_fit(&s.series, &fits);
            right += fits.best == (int)truths[k].kind;
        }
        if (getenv("NF_VERBOSE") != NULL)
            printf("%s %d: %zu of %d\n", nf_model_name(truths[k].kind), truths[k].scaling, right,
                   TRIALS);
        CU_ASSERT(right > TRIALS * 6 / 10);
    }
}

/* ---- bands ---- */

enum { COPIES = 200, COVERED = 500 };

/* How many of the bands hold the truth at p, in percent. */
static double coverage(const nf_model *truth, double p, size_t launches, double between)
{
    size_t inside = 0;
    for (int t = 0; t < COVERED; t++) {
        synthetic s;
        nf_model model = *truth, copies[COPIES];
        make(&s, truth, 6, launches > 1 ? PER_POINT : 16, launches, 0.05, between);
        CU_ASSERT_FATAL(nf_model_fit(&s.series, &model));
        CU_ASSERT_FATAL(nf_model_bootstrap(&s.series, &model, (uint64_t)t, copies, COPIES));
        nf_prediction at = nf_model_predict(&model, &s.series, copies, COPIES, p, 0.95, false);
        double seconds = nf_model_seconds(truth, p);
        inside += at.band.low <= seconds && seconds <= at.band.high;
    }
    double percent = 100.0 * (double)inside / COVERED;
    if (getenv("NF_VERBOSE") != NULL)
        printf("%s %d, p = %g, %zu launches: %.1f%%\n", nf_model_name(truth->kind), truth->scaling,
               p, launches, percent);
    return percent;
}

static void test_coverage(void)
{
    static const size_t which[] = {0, 1, 2, 4, 5, 6};
    static const double at[] = {8, 64}; /* measured, and twice the largest */
    state = 7;
    for (size_t i = 0; i < sizeof which / sizeof *which; i++)
        for (size_t k = 0; k < 2; k++) {
            double percent = coverage(&truths[which[i]], at[k], 1, 0);
            CU_ASSERT(percent >= 90 && percent <= 99);
        }
}

/* Where launches differ by more than their samples, the launches are what is drawn. */
static void test_coverage_launches(void)
{
    state = 11;
    double percent = coverage(&truths[0], 8, 11, 0.1);
    CU_ASSERT(percent >= 85 && percent <= 99);
}

static void test_band(void)
{
    synthetic s;
    nf_model copies[COPIES], again[COPIES];
    state = 3;
    make(&s, &truths[0], 6, 11, 1, 0.05, 0);
    CU_ASSERT(nf_model_bootstrap(&s.series, &truths[0], 5, copies, COPIES));
    CU_ASSERT(nf_model_bootstrap(&s.series, &truths[0], 5, again, COPIES));
    for (size_t c = 0; c < COPIES; c++)
        CU_ASSERT(memcmp(copies[c].c, again[c].c, sizeof copies[c].c) == 0);
    CU_ASSERT(nf_model_bootstrap(&s.series, &truths[0], 6, again, COPIES));
    CU_ASSERT(memcmp(copies[0].c, again[0].c, sizeof copies[0].c) != 0);
    nf_prediction in = nf_model_predict(&truths[0], &s.series, copies, COPIES, 32, 0.95, false),
                  near_by =
                      nf_model_predict(&truths[0], &s.series, copies, COPIES, 128, 0.95, false),
                  far = nf_model_predict(&truths[0], &s.series, copies, COPIES, 129, 0.95, false),
                  asked = nf_model_predict(&truths[0], &s.series, NULL, 0, 129, 0.95, true);
    CU_ASSERT(in.known && !in.extrapolated && in.band.known && in.band.low < in.band.high);
    CU_ASSERT(near_by.known && near_by.extrapolated && near_by.band.known);
    CU_ASSERT(!far.known && asked.known && asked.extrapolated && !asked.band.known);
    CU_ASSERT(near(asked.seconds, 0.2 + 8.0 / 129, 1e-14));
    s.at[2].n = 5; /* too few samples to draw from */
    CU_ASSERT(!nf_model_bootstrap(&s.series, &truths[0], 5, copies, COPIES));
}

static void test_text(void)
{
    char text[NF_MODEL_TEXT];
    CU_ASSERT_STRING_EQUAL(nf_model_text(&truths[0], text), "T = 0.2 + 8/p");
    CU_ASSERT_STRING_EQUAL(nf_model_text(&truths[1], text), "T = 0.1 + 8/p + 0.15 log2 p");
    CU_ASSERT_STRING_EQUAL(nf_model_text(&truths[2], text),
                           "T = 8/p (1 + 0.03 (p-1) + 0.001 p(p-1))");
    CU_ASSERT_STRING_EQUAL(nf_model_text(&truths[4], text), "T = p/(0.02 + 0.1 p)");
    CU_ASSERT_STRING_EQUAL(nf_model_text(&truths[7], text), "T = 3 + 0.2 p^0.5 log2(p)^1");
}

/* ---- what enters a series ---- */

static void add(nf_study *study, nf_scaling scaling, int ranks, int threads, int64_t columns,
                double seconds, int launch, const char *what)
{
    nf_sample sample = {.kernel = (char[]){"k"},
                        .label = (char[]){"k"},
                        .scaling = scaling,
                        .ranks = ranks,
                        .threads = threads,
                        .nodes = 1,
                        .shape = {{1, 1, columns}, 1, 1, NF_F32},
                        .work = columns,
                        .launch = launch,
                        .seconds = seconds,
                        .valid = strcmp(what, "invalid") != 0,
                        .oversubscribed = strcmp(what, "oversubscribed") == 0,
                        .simulated = strcmp(what, "simulated") == 0};
    CU_ASSERT(nf_study_add(study, &sample) == NF_OK);
}

static nf_series series_of(const nf_study *study, size_t like, const char *way)
{
    nf_point *points = NULL;
    size_t n = 0;
    nf_series series;
    CU_ASSERT_FATAL(nf_points(study, &points, &n) == NF_OK);
    CU_ASSERT_FATAL(nf_series_make(study, points, n, &study->samples[like], way, &series) == NF_OK);
    free(points);
    return series;
}

static void test_series(void)
{
    nf_study study = {0};
    add(&study, NF_STRONG, 1, 1, 100, 8, 1, "");
    add(&study, NF_STRONG, 1, 1, 100, 6, 0, "");
    add(&study, NF_STRONG, 1, 1, 100, 7, 1, "");
    add(&study, NF_STRONG, 2, 1, 100, 5, 0, "");
    add(&study, NF_STRONG, 1, 2, 100, 4, 0, ""); /* faster with as many workers */
    add(&study, NF_STRONG, 4, 1, 100, 1, 0, "oversubscribed");
    add(&study, NF_STRONG, 8, 1, 100, 1, 0, "invalid");
    add(&study, NF_STRONG, 16, 1, 100, 1, 0, "simulated");
    add(&study, NF_STRONG, 3, 1, 99, 1, 0, ""); /* another size */
    nf_series series = series_of(&study, 0, NULL);
    CU_ASSERT_FATAL(series.n == 2);
    CU_ASSERT(series.at[0].p == 1 && series.at[0].n == 3 && series.at[0].seconds == 7);
    const double samples[] = {6, 8, 7}; /* launch by launch */
    const int launches[] = {0, 1, 1};
    CU_ASSERT(memcmp(series.at[0].samples, samples, sizeof samples) == 0);
    CU_ASSERT(memcmp(series.at[0].launch, launches, sizeof launches) == 0);
    CU_ASSERT(series.at[1].p == 2 && series.at[1].seconds == 4);
    nf_series_free(&series);
    series = series_of(&study, 0, "ranks");
    CU_ASSERT(series.n == 2 && series.at[1].seconds == 5);
    nf_series_free(&series);
    nf_study_free(&study);
}

/* Weak scaling: times are brought to p times the base's work. */
static void test_weak_series(void)
{
    nf_study study = {0}, none = {0};
    add(&study, NF_WEAK, 1, 1, 100, 8, 0, "");
    add(&study, NF_WEAK, 2, 1, 160, 8, 0, "");
    add(&none, NF_WEAK, 2, 1, 160, 8, 0, "");
    add(&none, NF_WEAK, 6, 1, 320, 9, 0, "");
    nf_series series = series_of(&study, 0, NULL);
    CU_ASSERT_FATAL(series.n == 2);
    CU_ASSERT(series.at[0].seconds == 8 && near(series.at[1].seconds, 10, 1e-15));
    CU_ASSERT(near(series.at[1].samples[0], 10, 1e-15));
    nf_series_free(&series);
    series = series_of(&none, 0, NULL);
    /* From two workers on: three times their work, 480, is 1.5 times what was measured. */
    CU_ASSERT_FATAL(series.n == 2);
    CU_ASSERT(series.at[0].seconds == 8 && near(series.at[1].seconds, 13.5, 1e-15));
    nf_series_free(&series);
    nf_study_free(&study);
    nf_study_free(&none);
}

/* ---- efficiencies ---- */

/* Quinn, Parallel Programming in C with MPI and OpenMP, 2004, section 7.5, examples 1 and 2. */
static void test_karp_flatt(void)
{
    static const double constant[] = {1.82, 2.50, 3.08, 3.57, 4.00, 4.38, 4.71},
                        growing[] = {1.87, 2.61, 3.23, 3.73, 4.14, 4.46, 4.71},
                        fractions[] = {0.070, 0.075, 0.080, 0.085, 0.090, 0.095, 0.100};
    for (size_t i = 0; i < 7; i++) {
        double p = (double)i + 2;
        CU_ASSERT(fabs(nf_karp_flatt_from(1 / constant[i], 1, p) - 0.1) < 0.0012);
        CU_ASSERT(fabs(nf_karp_flatt_from(1 / growing[i], 1, p) - fractions[i]) < 0.0012);
    }
}

/* T = 1/10 + 9/10 / p: its serial fraction comes back from any base. */
static void test_karp_flatt_base(void)
{
    for (double base = 1; base < 5; base++)
        for (double p = base + 1; p < 9; p++) {
            double ratio = (0.1 + 0.9 / p) / (0.1 + 0.9 / base);
            CU_ASSERT(near(nf_karp_flatt_from(ratio, base, p), 0.1, 1e-13));
        }
}

/* Gustafson, CACM 1988: 1024 - 1023 s. */
static void test_gustafson(void)
{
    CU_ASSERT(near(nf_gustafson(1021, 1024), 3.0 / 1023, 1e-14));
    CU_ASSERT(nf_gustafson(1024, 1024) == 0 && nf_gustafson(1, 1024) == 1);
}

/* Two ranks of two threads; useful 8 6 | 4 2 in 10 seconds, critical path 9; the base's useful 18. */
static const nf_balance balance = {
    .known = true, .useful = 20, .most = 8, .rank_most = 6, .bulk = 9.5, .chain = 9, .slowest = 1};

static void test_efficiencies(void)
{
    double e[NF_EFFICIENCIES];
    nf_efficiencies_of(&balance, 4, 10, 18, e);
    CU_ASSERT(near(e[NF_PARALLEL], 5.0 / 10, 1e-14) && near(e[NF_BALANCE], 5.0 / 8, 1e-14));
    CU_ASSERT(near(e[NF_BALANCE_RANKS], 6.0 / 8, 1e-14));
    CU_ASSERT(near(e[NF_BALANCE_THREADS], 5.0 / 6, 1e-14));
    CU_ASSERT(near(e[NF_SERIALISATION], 8.0 / 9, 1e-14) && near(e[NF_TRANSFER], 0.9, 1e-14));
    CU_ASSERT(near(e[NF_COMPUTATION], 18.0 / 20, 1e-14) && near(e[NF_GLOBAL], 0.45, 1e-14));
    CU_ASSERT(near(e[NF_BALANCE] * e[NF_SERIALISATION] * e[NF_TRANSFER], e[NF_PARALLEL], 1e-14));
    nf_balance bulk = balance, none = balance;
    bulk.chain = none.chain = none.bulk = 0;
    nf_efficiencies_of(&bulk, 4, 10, 0, e);
    CU_ASSERT(near(e[NF_TRANSFER], 0.95, 1e-14) && isnan(e[NF_COMPUTATION]) && isnan(e[NF_GLOBAL]));
    nf_efficiencies_of(&none, 4, 10, 18, e);
    CU_ASSERT(isnan(e[NF_SERIALISATION]) && isnan(e[NF_TRANSFER]) &&
              near(e[NF_GLOBAL], 0.45, 1e-14));
}

/* Medians and intervals over samples; weak: the base's useful time in proportion to the work. */
static void test_point_efficiencies(void)
{
    nf_study study = {0};
    nf_point *points = NULL;
    size_t n = 0;
    nf_efficiencies e, alone;
    for (int i = 0; i < 7; i++) {
        add(&study, NF_WEAK, 1, 1, 100, 5, 0, "");
        study.samples[study.nsamples - 1].balance =
            (nf_balance){.known = true, .useful = 4.5, .most = 4.5, .rank_most = 4.5, .bulk = 4.5};
        add(&study, NF_WEAK, 2, 2, 400, 10 + i, 0, "");
        study.samples[study.nsamples - 1].balance = balance;
        study.samples[study.nsamples - 1].phases.io = 13;
    }
    CU_ASSERT_FATAL(nf_points(&study, &points, &n) == NF_OK && n == 2);
    CU_ASSERT(nf_point_efficiencies(&study, &points[1], &points[0], &e) == NF_OK);
    CU_ASSERT(e.known && e.slowest == 1 && near(e.io, 0.5, 1e-14));
    CU_ASSERT(near(e.of[NF_PARALLEL], 5.0 / 13, 1e-14)); /* at the median of 10 ... 16 seconds */
    CU_ASSERT(e.interval[NF_PARALLEL].known && near(e.interval[NF_PARALLEL].low, 5.0 / 16, 1e-14) &&
              near(e.interval[NF_PARALLEL].high, 5.0 / 10, 1e-14));
    CU_ASSERT(near(e.of[NF_COMPUTATION], 4 * 4.5 / 20, 1e-14));
    CU_ASSERT(nf_point_efficiencies(&study, &points[1], NULL, &alone) == NF_OK);
    CU_ASSERT(alone.known && isnan(alone.of[NF_GLOBAL]) && !alone.interval[NF_GLOBAL].known);
    study.samples[1].balance.known = false;
    CU_ASSERT(nf_point_efficiencies(&study, &points[1], &points[0], &e) == NF_OK && !e.known);
    free(points);
    nf_study_free(&study);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"least squares: Norris", test_norris},
        {"least squares: NoInt1", test_no_intercept},
        {"none negative", test_non_negative},
        {"no solution", test_no_solution},
        {"models recovered", test_recovered},
        {"USL: SPEC SDM 91", test_usl_published},
        {"peaks", test_peaks},
        {"few points", test_few_points},
        {"the true model is chosen", test_selected},
        {"coverage of bands", test_coverage},
        {"coverage over launches", test_coverage_launches},
        {"bands, and how far", test_band},
        {"formulas in words", test_text},
        {"what enters a series", test_series},
        {"weak series", test_weak_series},
        {"Karp-Flatt", test_karp_flatt},
        {"Karp-Flatt, any base", test_karp_flatt_base},
        {"Gustafson", test_gustafson},
        {"efficiencies", test_efficiencies},
        {"efficiencies of a point", test_point_efficiencies},
        CU_TEST_INFO_NULL,
    };
    return nf_suite_run("models", tests, 0);
}
