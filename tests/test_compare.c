/* Comparing two studies: published tests, verdicts, and how often they are wrong. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/status.h"
#include "drivers/study/compare.h"
#include "drivers/study/ranktest.h"
#include "tests/suite.h"

static bool near(double value, double expected, double relative)
{
    return fabs(value - expected) <= relative * fabs(expected);
}

/* ---- tests of ranks and signs ---- */

/* Hollander & Wolfe, Nonparametric Statistical Methods, 1973, p. 69: permeability of membranes, and what
 * R's wilcox.test gives for it (x - y there, y - x here). */
static void test_permeability(void)
{
    static const double x[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46},
                        y[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    double differences[50];
    nf_interval interval;
    CU_ASSERT(fabs(nf_shift_p(x, 10, y, 5, 0) - 0.2544) < 5e-5);
    CU_ASSERT(near(nf_shift_estimate(x, 10, y, 5, 0.95, differences, &interval), -0.305, 1e-12));
    CU_ASSERT(interval.known && near(interval.low, -0.76, 1e-12) &&
              near(interval.high, 0.15, 1e-12));
    /* The interval is where the test does not reject. */
    CU_ASSERT(nf_shift_p(x, 10, y, 5, 0.149) > 0.05 && nf_shift_p(x, 10, y, 5, 0.151) <= 0.05);
    CU_ASSERT(nf_shift_p(x, 10, y, 5, -0.759) > 0.05 && nf_shift_p(x, 10, y, 5, -0.761) <= 0.05);
}

/* The largest U that is significant at 5%, two-sided: tables of Mann and Whitney's U, as in Siegel,
 * Nonparametric Statistics, 1956, table K. */
static void test_critical_values(void)
{
    static const size_t known[][3] = {{4, 4, 0},    {5, 5, 2},    {6, 6, 5}, {7, 7, 8},
                                      {8, 8, 13},   {9, 9, 17},   {5, 8, 6}, {10, 10, 23},
                                      {7, 10, 14},  {9, 20, 48},  {4, 9, 4}, {12, 12, 37},
                                      {15, 15, 64}, {20, 20, 127}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t na = known[i][0], nb = known[i][1];
        double a[20], b[20], p[2];
        for (size_t over = 0; over < 2; over++) {
            /* b above all of a but for as many pairs as U says: the last of b moved down through a */
            size_t u = known[i][2] + over;
            for (size_t k = 0; k < na; k++)
                a[k] = (double)k;
            for (size_t k = 0; k < nb; k++) {
                size_t below = u < na ? u : na;
                b[k] = (double)(na - below) - 0.5 + 1e-3 * (double)k;
                u -= below;
            }
            p[over] = nf_shift_p(a, na, b, nb, 0);
        }
        CU_ASSERT(p[0] <= 0.05 && p[1] > 0.05);
    }
}

/* U = 13.5 of 16, variance 16/12 (9 - 36/56), with continuity z = 5 / 3.3381 = 1.49786. */
static void test_ties(void)
{
    static const double a[] = {1, 2, 2, 3}, b[] = {2, 3, 4, 4};
    CU_ASSERT(near(nf_shift_p(a, 4, b, 4, 0), erfc(1.497862 * M_SQRT1_2), 1e-5));
    CU_ASSERT(near(nf_shift_p(b, 4, a, 4, 0), erfc(1.497862 * M_SQRT1_2), 1e-5));
    static const double same[] = {3, 3, 3};
    CU_ASSERT(nf_shift_p(same, 3, same, 3, 0) == 1);
}

/* For 60 values each there is the normal distribution; beside it, for 28, the exact one. */
static void test_large(void)
{
    double a[60], b[60], differences[3600];
    nf_interval interval;
    for (size_t i = 0; i < 60; i++) {
        a[i] = (double)i * 37 - floor((double)i * 37 / 61) * 61;
        b[i] = a[i] + 10.25;
    }
    CU_ASSERT(near(nf_shift_estimate(a, 60, b, 60, 0.95, differences, &interval), 10.25, 0.1));
    CU_ASSERT(interval.known && interval.low < 10.25 && interval.high > 10.25);
    CU_ASSERT(fabs(nf_shift_p(a, 60, b, 60, interval.low) - 0.05) < 0.01);
    CU_ASSERT(fabs(nf_shift_p(a, 60, b, 60, interval.high) - 0.05) < 0.01);
    /* P(U = 0) = 1 / C(6, 3), of the smallest sizes; no interval at 95% */
    CU_ASSERT(near(nf_shift_p(a, 3, b + 50, 1, 1e3), 0.5, 1e-12));
    const double low[] = {1, 2, 3}, high[] = {4, 5, 6};
    CU_ASSERT(near(nf_shift_p(low, 3, high, 3, 0), 0.1, 1e-12));
    nf_shift_estimate(low, 3, high, 3, 0.95, differences, &interval);
    CU_ASSERT(!interval.known && interval.low == 1 && interval.high == 5);
}

/* Hollander & Wolfe 1973, p. 29: depression scale factors, 7 fall and 2 rise: 2 (1 + 9 + 36) / 2^9. */
static void test_signs(void)
{
    static const double fall[] = {0.952, -0.147, 1.022, 0.430, 0.620, 0.590, 0.490, -0.080, 0.010};
    CU_ASSERT(near(nf_sign_p(fall, 9, 0), 92.0 / 512, 1e-12));
    CU_ASSERT(near(nf_sign_p(fall, 9, 0.43), 186.0 / 256, 1e-12)); /* 5 over, 3 under, 1 equal */
    CU_ASSERT(near(nf_sign_p(fall, 1, 0), 1, 1e-12) && nf_sign_p(fall, 0, 0) == 1);
}

static void test_quantile(void)
{
    CU_ASSERT(near(nf_normal_quantile(0.95), 1.959963984540054, 1e-14));
    CU_ASSERT(near(nf_normal_quantile(0.5), 0.674489750196082, 1e-13));
}

static void test_holm(void)
{
    const double p[] = {0.01, 0.04, 0.03, 0.005, 0.9};
    const double corrected[] = {0.04, 0.09, 0.09, 0.025, 0.9};
    double adjusted[5];
    size_t order[5];
    nf_holm(p, 5, order, adjusted);
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT(near(adjusted[i], corrected[i], 1e-14));
}

static void test_turns(void)
{
    const char *a[] = {"3", "1", "5"}, *b[] = {"4", "2", "6"};
    const char *first[] = {"1", "2", "3"}, *second[] = {"4", "5", "6"};
    const char *at_once[] = {"1", "1", "2"}, *unknown[] = {"4", NULL, "6"};
    CU_ASSERT(nf_launches_alternated(a, 3, b, 3));
    CU_ASSERT(strcmp(a[0], "1") == 0);
    CU_ASSERT(!nf_launches_alternated(first, 3, second, 3));
    CU_ASSERT(!nf_launches_alternated(second, 3, first, 3));
    CU_ASSERT(nf_launches_alternated(at_once, 3, first, 3)); /* within a second: in turns */
    CU_ASSERT(!nf_launches_alternated(a, 3, unknown, 3));
    CU_ASSERT(!nf_launches_alternated(a, 1, b, 1));
    const char *balanced[] = {"1", "4", "5", "8"},
               *other[] = {"2", "3", "6", "7"}; /* A B B A A B B A */
    CU_ASSERT(nf_launches_alternated(balanced, 4, other, 4));
}

/* ---- studies ---- */

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

/* How launches and their samples vary, as deviations of the logarithm. */
typedef struct noise {
    double sample, correlation; /* AR(1) within a launch */
    double launch;
    double drift;      /* from the first launch of all to the last */
    double contention; /* how often a launch runs beside another program, 1.3 to 3 times as long */
} noise;

static const nf_sample plain = {.kernel = (char[]){"k"},
                                .label = (char[]){"k"},
                                .ranks = 1,
                                .threads = 1,
                                .nodes = 1,
                                .shape = {{1, 1, 100}, 1, 1, NF_F32},
                                .work = 100,
                                .seconds = 1,
                                .valid = true};

/* n samples of one launch of a point whose time is `seconds`. */
static void add_launch(nf_study *study, nf_sample of, int launch, size_t n, double seconds,
                       const noise *v)
{
    double ar = normal(), level = v->launch * normal();
    if (uniform() < v->contention)
        level += log(1.3 + 1.7 * uniform());
    for (size_t i = 0; i < n; i++) {
        ar = v->correlation * ar + sqrt(1 - v->correlation * v->correlation) * normal();
        of.launch = launch;
        of.rep = (int)i;
        of.seconds = seconds * exp(level + v->sample * ar);
        CU_ASSERT(nf_study_add(study, &of) == NF_OK);
    }
}

enum { POINTS = 4, SAMPLES = 7 };

/* Two studies of 4 points whose launches took turns; b's first point takes `ratio` times as long. */
static void make(nf_study *a, nf_study *b, size_t launches, double ratio, const noise *v)
{
    *a = (nf_study){0};
    *b = (nf_study){0};
    for (size_t l = 0; l < launches; l++)
        for (int p = 0; p < POINTS; p++) {
            nf_sample of = plain;
            double half = 0.5 / (double)launches, at = (double)l / (double)launches;
            of.threads = p + 1;
            add_launch(a, of, (int)l, SAMPLES, exp(v->drift * at), v);
            add_launch(b, of, (int)l, SAMPLES, exp(v->drift * (at + half)) * (p == 0 ? ratio : 1),
                       v);
        }
}

static const nf_compare_options usual = {.level = 0.95, .tolerance = 0.05, .alternated = true};

static const noise quiet = {.sample = 0.01, .launch = 0.005}, busy = {.sample = 0.05,
                                                                      .correlation = 0.8,
                                                                      .launch = 0.04,
                                                                      .drift = 0.3,
                                                                      .contention = 0.15};

/* ---- verdicts ---- */

static void check_shown(const nf_compare_options *options, nf_evidence by, double ratio)
{
    nf_study a, b;
    nf_comparison comparison;
    make(&a, &b, 10, ratio, &quiet);
    if (by == NF_BY_NOISE)
        for (size_t i = 0; i < a.nsamples; i++)
            a.samples[i].launch = b.samples[i].launch = 0;
    CU_ASSERT_FATAL(nf_compare(&a, &b, options, &comparison) == NF_OK);
    CU_ASSERT_FATAL(comparison.n == POINTS && comparison.able);
    const nf_difference *d = comparison.list;
    CU_ASSERT(d[0].by == by && d[0].verdict == (ratio > 1 ? NF_SLOWER : NF_FASTER));
    CU_ASSERT(d[0].fails == (ratio > 1.05) && near(d[0].ratio, ratio, 0.02));
    CU_ASSERT(d[0].interval.known && d[0].interval.low < ratio && d[0].interval.high > ratio);
    for (size_t i = 1; i < POINTS; i++)
        CU_ASSERT(d[i].verdict == NF_NOT_SHOWN && !d[i].fails && d[i].interval.known);
    nf_comparison_free(&comparison);
    nf_study_free(&a);
    nf_study_free(&b);
}

/* 12% is shown and fails; 3% is shown, and does not fail at 5%; so is being faster. */
static void test_shown(void)
{
    nf_compare_options pairs = usual, told = usual;
    pairs.paired = true;
    told.alternated = false;
    told.launch_noise = 0.005;
    state = 1;
    for (int i = 0; i < 3; i++) {
        static const double ratios[] = {1.12, 1.03, 0.9};
        check_shown(&usual, NF_BY_LAUNCHES, ratios[i]);
        check_shown(&pairs, NF_BY_PAIRS, ratios[i]);
        check_shown(&told, NF_BY_NOISE, ratios[i]);
    }
}

/* 5.5% is shown to be slower, but not by more than 5%. */
static void test_tolerance(void)
{
    nf_study a, b;
    nf_comparison comparison;
    state = 2;
    make(&a, &b, 10, 1.055, &quiet);
    CU_ASSERT_FATAL(nf_compare(&a, &b, &usual, &comparison) == NF_OK);
    CU_ASSERT(comparison.list[0].verdict == NF_SLOWER && comparison.list[0].ratio > 1.05);
    CU_ASSERT(!comparison.list[0].fails && comparison.list[0].p_tolerance > 0.05);
    nf_comparison_free(&comparison);
    nf_study_free(&a);
    nf_study_free(&b);
}

/* No evidence, no verdict, were it three times as slow. */
static void check_not_able(size_t launches, const nf_compare_options *options, nf_evidence by)
{
    nf_study a, b;
    nf_comparison comparison;
    make(&a, &b, launches, 3, &quiet);
    CU_ASSERT_FATAL(nf_compare(&a, &b, options, &comparison) == NF_OK);
    CU_ASSERT(!comparison.able && comparison.list[0].by == by);
    CU_ASSERT(comparison.list[0].verdict == NF_NOT_SHOWN && !comparison.list[0].fails);
    CU_ASSERT(near(comparison.list[0].ratio, 3, 0.05));
    nf_comparison_free(&comparison);
    nf_study_free(&a);
    nf_study_free(&b);
}

static void test_not_able(void)
{
    nf_compare_options blocks = usual, pairs = usual;
    blocks.alternated = false;
    pairs.paired = true;
    check_not_able(1, &usual, NF_BY_NOTHING);
    check_not_able(10, &blocks, NF_BY_NOTHING);
    check_not_able(4, &usual, NF_BY_LAUNCHES); /* 4 points: 2 / C(8, 4) is more than 0.05 / 4 */
    check_not_able(7, &pairs, NF_BY_PAIRS);    /* 2 / 2^7 is, too */
}

static void test_needed(void)
{
    nf_study a, b;
    nf_comparison comparison;
    nf_compare_options pairs = usual;
    pairs.paired = true;
    make(&a, &b, 1, 1, &quiet);
    CU_ASSERT_FATAL(nf_compare(&a, &b, &usual, &comparison) == NF_OK);
    CU_ASSERT(comparison.needed == 5); /* 2 / C(10, 5) = 0.0079 < 0.0125 < 2 / C(8, 4) */
    nf_comparison_free(&comparison);
    CU_ASSERT_FATAL(nf_compare(&a, &b, &pairs, &comparison) == NF_OK);
    CU_ASSERT(comparison.needed == 8); /* 2^-7 < 0.0125 < 2^-6 */
    nf_comparison_free(&comparison);
    nf_study_free(&a);
    nf_study_free(&b);
}

/* Samples of one launch that hang together: the error is taken wider. */
static void test_autocorrelation(void)
{
    nf_study free_a = {0}, free_b = {0}, bound_a = {0}, bound_b = {0};
    nf_comparison loose, tight;
    nf_compare_options told = {.level = 0.95, .tolerance = 0.05, .launch_noise = 1e-6};
    for (int i = 0; i < 64; i++) { /* the same values, shuffled and in a slow wave */
        nf_sample of = plain;
        of.seconds = 1 + 0.01 * ((i * 37) % 64);
        CU_ASSERT(nf_study_add(&free_a, &of) == NF_OK && nf_study_add(&free_b, &of) == NF_OK);
        of.seconds = 1 + 0.01 * i;
        CU_ASSERT(nf_study_add(&bound_a, &of) == NF_OK && nf_study_add(&bound_b, &of) == NF_OK);
    }
    CU_ASSERT_FATAL(nf_compare(&free_a, &free_b, &told, &tight) == NF_OK);
    CU_ASSERT_FATAL(nf_compare(&bound_a, &bound_b, &told, &loose) == NF_OK);
    /* r is held at 0.9: sqrt(1.9 / 0.1) = 4.36 times */
    CU_ASSERT(
        near(log(loose.list[0].interval.high), 4.3589 * log(tight.list[0].interval.high), 1e-3));
    nf_comparison_free(&loose);
    nf_comparison_free(&tight);
    nf_study *const all[] = {&free_a, &free_b, &bound_a, &bound_b};
    for (size_t i = 0; i < 4; i++)
        nf_study_free(all[i]);
}

/* ---- which points ---- */

static void add_one(nf_study *study, const char *kernel, int threads, int64_t columns,
                    const char *what)
{
    nf_sample of = plain;
    of.kernel = of.label = (char *)(uintptr_t)kernel;
    of.threads = threads;
    of.shape.dim[2] = columns;
    of.valid = strcmp(what, "invalid") != 0;
    of.oversubscribed = strcmp(what, "oversubscribed") == 0;
    of.simulated = strcmp(what, "simulated") == 0;
    CU_ASSERT(nf_study_add(study, &of) == NF_OK);
}

static void test_matching(void)
{
    nf_study a = {0}, b = {0};
    nf_comparison comparison;
    add_one(&a, "k", 1, 100, "");
    add_one(&a, "k", 2, 100, "");
    add_one(&a, "k", 3, 100, "");
    add_one(&a, "k", 4, 100, "oversubscribed");
    add_one(&a, "k", 5, 100, "simulated");
    add_one(&b, "k", 5, 100, "simulated");
    add_one(&b, "k", 4, 100, "oversubscribed");
    add_one(&b, "k", 2, 100, "invalid");
    add_one(&b, "k", 1, 100, "");
    add_one(&b, "other", 1, 100, "");
    CU_ASSERT_FATAL(nf_compare(&a, &b, &usual, &comparison) == NF_OK);
    CU_ASSERT(comparison.n == 1 && comparison.list[0].a->of->threads == 1);
    CU_ASSERT(comparison.only_a == 1 && comparison.only_b == 1 && comparison.left_out == 2);
    nf_comparison_free(&comparison);
    nf_study_free(&a);
    nf_study_free(&b);
}

static void check_apart(const char *kernel, int threads, int64_t columns, const char *what,
                        const char *why)
{
    nf_study a = {0}, b = {0};
    nf_comparison comparison;
    add_one(&a, "k", 1, 100, "");
    add_one(&b, kernel, threads, columns, what);
    CU_ASSERT(nf_compare(&a, &b, &usual, &comparison) == NF_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(nf_message(NF_ERR_FORMAT), why));
    CU_ASSERT_PTR_NULL(comparison.list);
    nf_study_free(&a);
    nf_study_free(&b);
}

static void test_nothing_in_common(void)
{
    check_apart("other", 1, 100, "", "the first measured 'k', the second 'other'");
    check_apart("k", 1, 99, "", "sizes differ (100 f32 of 'k' in the first, 99 f32");
    check_apart("k", 2, 100, "", "different ranks, threads");
    check_apart("k", 1, 100, "invalid", "invalid or oversubscribed");
}

/* Joined studies are launches of one. */
static void test_join(void)
{
    nf_study a = {0}, b = {0};
    CU_ASSERT(nf_study_fact(&a, "host", "x") == NF_OK);
    CU_ASSERT(nf_study_fact(&b, "host", "y") == NF_OK);
    CU_ASSERT(nf_study_fact(&b, "new", "z") == NF_OK);
    nf_sample of = plain;
    for (of.launch = 0; of.launch < 2; of.launch++)
        CU_ASSERT(nf_study_add(&a, &of) == NF_OK && nf_study_add(&b, &of) == NF_OK);
    CU_ASSERT(nf_study_join(&a, &b) == NF_OK);
    CU_ASSERT(a.nsamples == 4 && a.samples[2].launch == 2 && a.samples[3].launch == 3);
    CU_ASSERT_STRING_EQUAL(nf_study_find(&a, "host"), "x");
    CU_ASSERT_STRING_EQUAL(nf_study_find(&a, "new"), "z");
    nf_study_free(&a);
    nf_study_free(&b);
}

/* ---- how often it is wrong ---- */

typedef struct tally {
    size_t trials, wrong;  /* of trials: some point without a difference was given one */
    size_t found, failed;  /* the first point, where there is a difference */
    size_t inside, points; /* intervals that hold the true ratio */
} tally;

static tally count(size_t trials, size_t launches, double ratio, const noise *v,
                   const nf_compare_options *options)
{
    tally t = {.trials = trials};
    for (size_t i = 0; i < trials; i++) {
        nf_study a, b;
        nf_comparison comparison;
        make(&a, &b, launches, ratio, v);
        CU_ASSERT_FATAL(nf_compare(&a, &b, options, &comparison) == NF_OK);
        bool wrong = false;
        for (size_t p = 0; p < comparison.n; p++) {
            const nf_difference *d = &comparison.list[p];
            const double truth = p == 0 ? ratio : 1;
            const bool same = truth >= 1 && truth <= 1;
            wrong |=
                d->verdict != NF_NOT_SHOWN && (same || (d->verdict == NF_SLOWER) != (truth > 1));
            t.found += p == 0 && d->verdict != NF_NOT_SHOWN;
            t.failed += d->fails;
            t.inside += d->interval.low <= truth && truth <= d->interval.high;
            t.points++;
        }
        t.wrong += wrong;
        nf_comparison_free(&comparison);
        nf_study_free(&a);
        nf_study_free(&b);
    }
    if (getenv("NF_VERBOSE") != NULL)
        printf("%zu launches, ratio %g: wrong %.1f%%, found %.1f%%, failed %.1f%%, intervals hold "
               "%.1f%%\n",
               launches, ratio, 100.0 * (double)t.wrong / (double)trials,
               100.0 * (double)t.found / (double)trials, 100.0 * (double)t.failed / (double)trials,
               100.0 * (double)t.inside / (double)t.points);
    return t;
}

static double share(size_t part, size_t whole)
{
    return (double)part / (double)whole;
}

/* One build, on a busy machine: samples correlated within launches, launches apart, a drift of 35%, and
 * every seventh launch beside another program. */
static void test_false_positives(void)
{
    nf_compare_options pairs = usual;
    pairs.paired = true;
    state = 5;
    tally launches = count(1000, 7, 1, &busy, &usual), paired = count(1000, 10, 1, &busy, &pairs);
    CU_ASSERT(launches.wrong <= 50 && paired.wrong <= 50);
    CU_ASSERT(launches.failed <= 20 && paired.failed <= 20);
    CU_ASSERT(share(launches.inside, launches.points) >= 0.94);
    CU_ASSERT(share(paired.inside, paired.points) >= 0.94);
}

/* And where there is a difference it is found: half as long again beside such noise; a tenth on a quiet
 * machine. */
static void test_power(void)
{
    state = 6;
    tally loud = count(200, 10, 1.5, &busy, &usual), soft = count(200, 7, 1.1, &quiet, &usual);
    CU_ASSERT(share(loud.found, 200) > 0.7 && share(loud.wrong, 200) <= 0.05);
    CU_ASSERT(share(soft.found, 200) > 0.95 && share(soft.failed, 200) > 0.9);
    CU_ASSERT(share(loud.inside, loud.points) >= 0.93);
}

/* What an allowance for launches does where it is told rightly; and the same test on the samples
 * themselves, as if each were a witness: wrong in most comparisons. That is why launches are. */
static void test_samples_are_no_units(void)
{
    const noise steady = {.sample = 0.05, .correlation = 0.8, .launch = 0.04};
    nf_compare_options told = {.level = 0.95, .tolerance = 0.05, .launch_noise = 0.04};
    size_t naive = 0, inside = 0;
    state = 8;
    tally allowed = count(1000, 1, 1, &steady, &told);
    CU_ASSERT(allowed.wrong <= 60);
    for (int i = 0; i < 300; i++) {
        nf_study a, b;
        double x[SAMPLES * 3], y[SAMPLES * 3], differences[SAMPLES * SAMPLES * 9];
        nf_interval interval;
        make(&a, &b, 1, 1, &steady);
        for (size_t k = 0; k < SAMPLES * 3; k++) {
            x[k] = log(a.samples[k].seconds);
            y[k] = log(b.samples[k].seconds);
        }
        naive += nf_shift_p(x, SAMPLES, y, SAMPLES, 0) < 0.05;
        nf_shift_estimate(x, SAMPLES, y, SAMPLES, 0.95, differences, &interval);
        inside += interval.low <= 0 && 0 <= interval.high;
        nf_study_free(&a);
        nf_study_free(&b);
    }
    if (getenv("NF_VERBOSE") != NULL)
        printf("samples as units: one point wrong in %.0f%%, intervals hold %.0f%%\n",
               100 * share(naive, 300), 100 * share(inside, 300));
    CU_ASSERT(share(naive, 300) > 0.3 && share(inside, 300) < 0.7);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"Mann-Whitney: permeability", test_permeability},
        {"Mann-Whitney: critical values", test_critical_values},
        {"Mann-Whitney: ties", test_ties},
        {"Mann-Whitney: many and few", test_large},
        {"signs", test_signs},
        {"normal quantiles", test_quantile},
        {"Holm", test_holm},
        {"launches in turns", test_turns},
        {"differences shown", test_shown},
        {"tolerance", test_tolerance},
        {"no evidence", test_not_able},
        {"launches needed", test_needed},
        {"autocorrelation", test_autocorrelation},
        {"which points", test_matching},
        {"nothing in common", test_nothing_in_common},
        {"studies joined", test_join},
        {"false positives", test_false_positives},
        {"power", test_power},
        {"samples are no units", test_samples_are_no_units},
        CU_TEST_INFO_NULL,
    };
    return nf_suite_run("compare", tests, 0);
}
