/* Measuring: statistics, points, facts of the machine, and records. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/status.h"
#include "drivers/study/machine.h"
#include "drivers/study/points.h"
#include "io/record.h"
#include "tests/suite.h"

/* ---- statistics ---- */

static void test_median(void)
{
    double one[] = {3}, odd[] = {5, 1, 9}, even[] = {4, 1, 3, 2}, large[] = {DBL_MAX, DBL_MAX};
    CU_ASSERT(nf_median(one, 1) == 3);
    CU_ASSERT(nf_median(odd, 3) == 5);
    CU_ASSERT(nf_median(even, 4) == 2.5);
    CU_ASSERT(even[0] == 1 && even[3] == 4);
    CU_ASSERT(nf_median(large, 2) == DBL_MAX);
}

/* The ranks of the interval for n values, which are their own ranks. */
static nf_interval ranks_of(size_t n, double level)
{
    double *values = malloc(n * sizeof *values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    for (size_t i = 0; i < n; i++)
        values[i] = (double)(n - i);
    nf_interval interval = nf_median_interval(values, n, level);
    free(values);
    return interval;
}

/* Published ranks for 95%, as in Conover, Practical Nonparametric Statistics, and for 99%. */
static void test_interval_ranks(void)
{
    static const struct {
        size_t n;
        double level;
        int low, high;
    } known[] = {
        {6, .95, 1, 6},   {7, .95, 1, 7},   {8, .95, 1, 8},     {9, .95, 2, 8},
        {10, .95, 2, 9},  {11, .95, 2, 10}, {12, .95, 3, 10},   {15, .95, 4, 12},
        {20, .95, 6, 15}, {25, .95, 8, 18}, {30, .95, 10, 21},  {50, .95, 18, 33},
        {8, .99, 1, 8},   {20, .99, 4, 17}, {100, .95, 40, 61},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        nf_interval interval = ranks_of(known[i].n, known[i].level);
        CU_ASSERT(interval.known);
        CU_ASSERT(interval.low == known[i].low);
        CU_ASSERT(interval.high == known[i].high);
    }
}

static void test_interval_unknown(void)
{
    for (size_t n = 1; n < 6; n++) {
        nf_interval interval = ranks_of(n, .95);
        CU_ASSERT(!interval.known);
        CU_ASSERT(interval.low == 1 && interval.high == (double)n);
    }
    CU_ASSERT(!ranks_of(7, .99).known);
}

/* Coverage by the binomial tail itself, for samples so many that 2^n is no double. */
static void test_interval_large(void)
{
    nf_interval interval = ranks_of(5000, .95);
    CU_ASSERT(interval.known);
    CU_ASSERT(interval.low + interval.high == 5001);
    CU_ASSERT(fabs(interval.low - (2500 - 1.96 * sqrt(5000) / 2)) < 2);
}

/* ---- points ---- */

static nf_sample make_sample(const char *kernel, nf_scaling scaling, int ranks, int threads,
                             int64_t columns, double seconds)
{
    return (nf_sample){
        .kernel = (char *)(uintptr_t)kernel,
        .label = (char *)(uintptr_t)kernel,
        .scaling = scaling,
        .ranks = ranks,
        .threads = threads,
        .nodes = 1,
        .shape = {{1, 1, columns}, 1, 1, NF_F32},
        .work = columns,
        .seconds = seconds,
        .phases = {.compute = seconds},
        .valid = true,
    };
}

/* n samples base, base + 1, ... times `unit`. */
static void add_run(nf_study *study, nf_sample sample, int n, double base, double unit)
{
    for (int i = 0; i < n; i++) {
        sample.rep = i;
        sample.seconds = (base + i) * unit;
        sample.phases.compute = sample.seconds;
        CU_ASSERT(nf_study_add(study, &sample) == NF_OK);
    }
}

static nf_point *points_of(const nf_study *study, size_t expected)
{
    nf_point *points = NULL;
    size_t n = 0;
    CU_ASSERT_FATAL(nf_points(study, &points, &n) == NF_OK);
    CU_ASSERT_EQUAL_FATAL(n, expected);
    return points;
}

static void test_strong(void)
{
    nf_study study = {0};
    add_run(&study, make_sample("k", NF_STRONG, 2, 1, 100, 1), 6, 5, 1);
    add_run(&study, make_sample("k", NF_STRONG, 1, 1, 100, 1), 6, 10, 1);
    nf_point *points = points_of(&study, 2);
    CU_ASSERT(points[0].of->ranks == 1 && points[1].of->ranks == 2);
    CU_ASSERT(points[0].seconds == 12.5 && points[1].seconds == 7.5);
    CU_ASSERT(points[0].n == 6 && points[0].phases.compute == 12.5);
    CU_ASSERT(points[0].speedup == 1 && points[0].efficiency == 1);
    CU_ASSERT(points[0].speedup_interval.low == 1 && points[0].speedup_interval.high == 1);
    CU_ASSERT(points[1].base != NULL && points[1].speedup == 12.5 / 7.5);
    CU_ASSERT(points[1].efficiency == 12.5 / 7.5 / 2);
    CU_ASSERT(points[1].speedup_interval.known);
    CU_ASSERT(points[1].speedup_interval.low == 10.0 / 10);
    CU_ASSERT(points[1].speedup_interval.high == 15.0 / 5);
    free(points);
    nf_study_free(&study);
}

/* Twice the workers, twice the work, 1.25 times the time: 1.6 times the rate. */
static void test_weak(void)
{
    nf_study study = {0};
    add_run(&study, make_sample("k", NF_WEAK, 1, 1, 100, 1), 1, 8, 1);
    add_run(&study, make_sample("k", NF_WEAK, 1, 2, 200, 1), 1, 10, 1);
    nf_point *points = points_of(&study, 2);
    CU_ASSERT_DOUBLE_EQUAL(points[1].speedup, 1.6, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(points[1].efficiency, 0.8, 1e-15);
    CU_ASSERT(!points[1].speedup_interval.known);
    free(points);
    nf_study_free(&study);
}

static void test_missing_base(void)
{
    nf_study study = {0};
    nf_sample invalid = make_sample("bad", NF_STRONG, 1, 1, 100, 1);
    invalid.valid = false;
    add_run(&study, make_sample("k", NF_STRONG, 1, 2, 100, 1), 6, 1, 1);
    add_run(&study, make_sample("k", NF_STRONG, 1, 1, 999, 1), 6, 1, 1); /* another shape */
    add_run(&study, make_sample("k", NF_WEAK, 1, 2, 100, 1), 6, 1, 1);
    add_run(&study, invalid, 1, 1, 1);
    add_run(&study, make_sample("bad", NF_STRONG, 2, 1, 100, 1), 6, 1, 1);
    nf_point *points = points_of(&study, 5);
    /* Another shape's and an invalid one are no base; without one worker a point is its own. */
    for (size_t i = 0; i < 5; i++) {
        bool invalid_one = !points[i].valid;
        CU_ASSERT((points[i].base != NULL) == !invalid_one);
        CU_ASSERT(invalid_one || points[i].base == &points[i]);
    }
    free(points);
    nf_study_free(&study);
}

/* A study over nodes without one worker: the fewest, the fastest of them, is the base of all. */
static void test_other_base(void)
{
    nf_study study = {0};
    nf_sample over = make_sample("k", NF_STRONG, 2, 1, 100, 1);
    over.oversubscribed = true;
    add_run(&study, make_sample("k", NF_STRONG, 2, 2, 100, 1), 6, 15, 1);  /* median 17.5 */
    add_run(&study, make_sample("k", NF_STRONG, 4, 1, 100, 1), 6, 10, 1);  /* 12.5 */
    add_run(&study, make_sample("k", NF_STRONG, 8, 2, 100, 1), 6, 5, 0.5); /* 2.5 to 5: 3.75 */
    add_run(&study, over, 6, 1, 1);
    add_run(&study, make_sample("w", NF_WEAK, 4, 1, 400, 1), 6, 10, 1);
    add_run(&study, make_sample("w", NF_WEAK, 8, 1, 1000, 1), 6, 20, 1); /* 22.5 */
    nf_point *points = points_of(&study, 6);
    CU_ASSERT(points[1].of->threads == 2 && points[2].of->ranks == 4 && points[3].of->ranks == 8);
    CU_ASSERT(points[0].base == NULL && points[1].base == &points[2]);
    CU_ASSERT(points[2].base == &points[2] && points[3].base == &points[2]);
    CU_ASSERT_DOUBLE_EQUAL(points[3].speedup, 12.5 / 3.75, 1e-14);
    CU_ASSERT_DOUBLE_EQUAL(points[3].efficiency, 12.5 / 3.75 * 4 / 16, 1e-14);
    CU_ASSERT_DOUBLE_EQUAL(points[1].efficiency, 12.5 / 17.5, 1e-14);
    CU_ASSERT_DOUBLE_EQUAL(points[5].speedup, 2.5 * 12.5 / 22.5, 1e-14);
    CU_ASSERT_DOUBLE_EQUAL(points[5].efficiency, 2.5 * 12.5 / 22.5 / 2, 1e-14);
    free(points);
    nf_study_free(&study);
}

static void test_what_counts(void)
{
    nf_study study = {0};
    nf_sample sample = make_sample("k", NF_STRONG, 1, 1, 100, 1);
    add_run(&study, sample, 6, 1, 1);
    sample.ranks = 2;
    add_run(&study, sample, 6, 1, 1);
    sample.valid = false; /* one wrong result of seven: the point is invalid */
    add_run(&study, sample, 1, 1, 1);
    sample.valid = true;
    sample.ranks = 4;
    sample.oversubscribed = true;
    add_run(&study, sample, 6, 1, 1);
    nf_point *points = points_of(&study, 3);
    CU_ASSERT(nf_point_counts(&points[0]));
    CU_ASSERT(!points[1].valid && points[1].n == 7 && !nf_point_counts(&points[1]));
    CU_ASSERT(points[2].oversubscribed && points[2].valid && !nf_point_counts(&points[2]));
    free(points);
    nf_study_free(&study);
}

/* By kernel as first met, scaling, workers, ranks; samples in any order. */
static void test_order(void)
{
    static const struct {
        const char *kernel;
        nf_scaling scaling;
        int ranks, threads;
    } sorted[] = {{"z", NF_STRONG, 1, 1}, {"z", NF_STRONG, 1, 2}, {"z", NF_STRONG, 2, 1},
                  {"z", NF_STRONG, 1, 4}, {"z", NF_STRONG, 2, 2}, {"z", NF_WEAK, 1, 1},
                  {"a", NF_STRONG, 1, 1}, {"a", NF_WEAK, 3, 1}};
    static const size_t shuffled[] = {3, 6, 0, 5, 7, 2, 4, 1};
    const size_t n = sizeof sorted / sizeof *sorted;
    nf_study study = {0};
    for (size_t i = 0; i < 2 * n; i++) {
        size_t k = shuffled[i % n];
        add_run(&study,
                make_sample(sorted[k].kernel, sorted[k].scaling, sorted[k].ranks, sorted[k].threads,
                            100, 1),
                1, 1, 1);
    }
    nf_point *points = points_of(&study, n);
    for (size_t i = 0; i < n; i++) {
        const nf_sample *of = points[i].of;
        CU_ASSERT_STRING_EQUAL(of->kernel, sorted[i].kernel);
        CU_ASSERT(of->scaling == sorted[i].scaling && of->ranks == sorted[i].ranks &&
                  of->threads == sorted[i].threads && points[i].n == 2);
    }
    free(points);
    nf_study_free(&study);
}

/* Points are measured in a random order: the kernels come as they were asked for, others behind. */
static void test_order_asked(void)
{
    static const char *const met[] = {"unasked", "third", "first", "second"};
    static const char *const sorted[] = {"first", "second", "third", "unasked"};
    nf_study study = {0};
    CU_ASSERT(nf_study_set(&study, "reps", "third") == NF_OK);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "kernel %d", i + 1);
        CU_ASSERT(nf_study_set(&study, name, "%s", sorted[i]) == NF_OK);
    }
    for (size_t i = 0; i < 4; i++)
        add_run(&study, make_sample(met[i], NF_STRONG, 1, 1, 100, 1), 1, 1, 1);
    nf_point *points = points_of(&study, 4);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_STRING_EQUAL(points[i].of->kernel, sorted[i]);
    free(points);
    nf_study_free(&study);
}

static void test_empty(void)
{
    nf_study study = {0};
    free(points_of(&study, 0));
    nf_study_free(&study);
}

static void test_ways(void)
{
    CU_ASSERT_STRING_EQUAL(nf_way(1, 1), "serial");
    CU_ASSERT_STRING_EQUAL(nf_way(1, 8), "threads");
    CU_ASSERT_STRING_EQUAL(nf_way(8, 1), "ranks");
    CU_ASSERT_STRING_EQUAL(nf_way(2, 4), "hybrid");
}

/* ---- machine ---- */

static void test_machine(void)
{
    nf_study study = {0};
    setenv("SLURM_JOB_ID", "4711", 1);
    CU_ASSERT(nf_machine_facts(&study) == NF_OK);
    unsetenv("SLURM_JOB_ID");
    CU_ASSERT_PTR_NOT_NULL(nf_study_find(&study, "time"));
    CU_ASSERT_PTR_NOT_NULL(nf_study_find(&study, "host"));
    CU_ASSERT_PTR_NOT_NULL(nf_study_find(&study, "compiler"));
    CU_ASSERT_PTR_NULL(nf_study_find(&study, "no such fact"));
    CU_ASSERT_PTR_NOT_NULL(nf_study_find(&study, "affinity mask of rank 0"));
    const char *job = nf_study_find(&study, "Slurm job");
    CU_ASSERT(job != NULL && strcmp(job, "4711") == 0);
    for (size_t i = 0; i < study.nfacts; i++)
        CU_ASSERT(study.facts[i].value[0] != '\0');
    nf_study_free(&study);
}

static void test_facts(void)
{
    nf_study study = {0};
    CU_ASSERT(nf_study_fact(&study, "a", "%d", 1) == NF_OK);
    CU_ASSERT(nf_study_fact(&study, "b", "%s", "x") == NF_OK);
    CU_ASSERT(nf_study_fact(&study, "a", "%s again", nf_study_find(&study, "a")) == NF_OK);
    CU_ASSERT(study.nfacts == 2);
    CU_ASSERT_STRING_EQUAL(nf_study_find(&study, "a"), "1 again");
    nf_study_free(&study);
    CU_ASSERT(study.nfacts == 0 && study.facts == NULL);
}

/* ---- records ---- */

static char folder[] = "/tmp/nfold-test-study-XXXXXX";
static char path[64], other[64];

static void write_text(const char *name, const char *text, const char *mode)
{
    FILE *file = fopen(name, mode);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_sample(const nf_sample *a, const nf_sample *b)
{
    return strcmp(a->kernel, b->kernel) == 0 && strcmp(a->label, b->label) == 0 &&
           a->scaling == b->scaling && a->ranks == b->ranks && a->threads == b->threads &&
           a->nodes == b->nodes && memcmp(a->shape.dim, b->shape.dim, sizeof a->shape.dim) == 0 &&
           a->shape.ndim == b->shape.ndim && a->shape.channels == b->shape.channels &&
           a->shape.dtype == b->shape.dtype && a->work == b->work && a->launch == b->launch &&
           a->rep == b->rep && same_bits(a->seconds, b->seconds) &&
           same_bits(a->phases.compute, b->phases.compute) &&
           same_bits(a->phases.halo, b->phases.halo) && same_bits(a->phases.fold, b->phases.fold) &&
           same_bits(a->phases.wait, b->phases.wait) && same_bits(a->phases.io, b->phases.io) &&
           same_bits(a->phases.idle, b->phases.idle) &&
           same_bits(a->phases.runtime, b->phases.runtime) && a->valid == b->valid &&
           a->oversubscribed == b->oversubscribed;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What schema 2 has added; the lists are kept in whole nanoseconds. */
static bool same_measures(const nf_sample *a, const nf_sample *b)
{
    const nf_balance *x = &a->balance, *y = &b->balance;
    bool same =
        same_text(a->grows, b->grows) && a->cores == b->cores && a->waits == b->waits &&
        a->order == b->order && a->runs == b->runs && a->clock == b->clock && a->end == b->end &&
        same_bits(a->flops, b->flops) && same_bits(a->bytes, b->bytes) &&
        same_bits(a->moved, b->moved) && same_bits(a->repeated, b->repeated) &&
        same_bits(a->cycles, b->cycles) && same_bits(a->misses, b->misses) &&
        same_bits(a->instructions, b->instructions) && same_bits(a->joules, b->joules) &&
        x->known == y->known && same_bits(x->useful, y->useful) && same_bits(x->most, y->most) &&
        same_bits(x->rank_most, y->rank_most) && same_bits(x->bulk, y->bulk) &&
        same_bits(x->chain, y->chain) && x->steps == y->steps && x->slowest == y->slowest &&
        (x->threads == NULL) == (y->threads == NULL) && (x->ranks == NULL) == (y->ranks == NULL);
    for (int i = 0; same && x->threads != NULL && i < a->ranks * a->threads; i++)
        same = fabs(x->threads[i] - y->threads[i]) < 0.51e-9;
    for (int i = 0; same && x->ranks != NULL && i < a->ranks; i++)
        same = fabs(x->ranks[i].compute - y->ranks[i].compute) < 0.51e-9 &&
               fabs(x->ranks[i].idle - y->ranks[i].idle) < 0.51e-9 &&
               fabs(x->ranks[i].runtime - y->ranks[i].runtime) < 0.51e-9 &&
               fabs(x->ranks[i].wait - y->ranks[i].wait) < 0.51e-9;
    return same;
}

/* A study whose numbers have all digits and whose names have everything that needs an escape. */
static void fill(nf_study *study)
{
    nf_sample range = make_sample("sumsq_range:n=1e18", NF_WEAK, 3, 7, INT64_MAX, 1.0 / 3);
    nf_sample image = make_sample("a \"b\" | c\\d\n<\u00e9>", NF_STRONG, 1, 1, 11, M_PI * 1e-7);
    nf_sample odd = make_sample("x", NF_STRONG, 2, 2, 5, DBL_MIN);
    range.shape.dtype = NF_NONE;
    range.launch = 2;
    range.rep = 19;
    image.shape = (nf_shape){{3, 4, 5}, 3, 4, NF_U16};
    image.phases = (nf_phases){0.1, 0.2, nextafter(0.3, 1), 1e-300, 4e5, 1.0 / 7, 1.0 / 9};
    image.nodes = 12;
    odd.valid = false;
    odd.oversubscribed = true;
    CU_ASSERT(nf_study_fact(study, "processor", "%s", "A \"B\" 3") == NF_OK);
    CU_ASSERT(nf_study_fact(study, "flags", "%s", "-O3\t-g") == NF_OK);
    CU_ASSERT(nf_study_add(study, &range) == NF_OK);
    CU_ASSERT(nf_study_add(study, &image) == NF_OK);
    CU_ASSERT(nf_study_add(study, &odd) == NF_OK);
}

static void write_study(const char *name, const nf_study *study)
{
    FILE *file = NULL;
    unlink(name);
    CU_ASSERT_FATAL(nf_record_append(name, &file) == NF_OK);
    CU_ASSERT(nf_record_study(file, name, study) == NF_OK);
    for (size_t i = 0; i < study->nsamples; i++)
        CU_ASSERT(nf_record_sample(file, name, &study->samples[i]) == NF_OK);
    fclose(file);
}

static void check_same(const nf_study *study, const nf_study *back)
{
    CU_ASSERT_FATAL(back->nfacts == study->nfacts && back->nsamples == study->nsamples);
    for (size_t i = 0; i < study->nfacts; i++) {
        CU_ASSERT_STRING_EQUAL(back->facts[i].name, study->facts[i].name);
        CU_ASSERT_STRING_EQUAL(back->facts[i].value, study->facts[i].value);
    }
    for (size_t i = 0; i < study->nsamples; i++)
        CU_ASSERT(same_sample(&back->samples[i], &study->samples[i]));
}

static void test_round_trip(void)
{
    nf_study study = {0}, back = {0};
    fill(&study);
    write_study(path, &study);
    CU_ASSERT(nf_record_read(path, &back) == NF_OK);
    check_same(&study, &back);
    nf_study_free(&back);
    nf_study_free(&study);
}

static void write_all(const char *name, const nf_study *study)
{
    FILE *file = fopen(name, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(nf_record_write(file, name, study) == NF_OK);
    fclose(file);
}

/* A sample with everything that may be known of one. */
static nf_sample full_sample(double *threads, nf_phases *ranks)
{
    nf_sample full = make_sample("k", NF_WEAK, 2, 3, 5, 1.5);
    for (int i = 0; i < 6; i++)
        threads[i] = 0.1 * i + 1e-9;
    for (int i = 0; i < 2; i++)
        ranks[i] = (nf_phases){.compute = 0.3 + i, .idle = 1.0 / 3, .runtime = 0.01, .wait = 0.25};
    full.order = 12345678901;
    full.runs = 7;
    full.clock = NF_CLOCK_WINDOW;
    full.end = NF_END_TIME;
    full.cores = 4, full.waits = true;
    full.flops = 1e15 / 3, full.bytes = 3, full.moved = 4e300, full.repeated = 0.1;
    full.cycles = 5, full.instructions = 6, full.misses = 7, full.joules = 0.1;
    full.balance = (nf_balance){true, 1.0 / 7, 1.0 / 9, 0.1, 0.2, 0.15, 99, 1, threads, ranks};
    return full;
}

static bool same_cost(const nf_cost *a, const nf_cost *b)
{
    return a->kind == b->kind && same_text(a->what, b->what) && same_text(a->kernel, b->kernel) &&
           same_text(a->label, b->label) && same_text(a->unit, b->unit) && a->ranks == b->ranks &&
           a->threads == b->threads && a->nodes == b->nodes && same_bits(a->amount, b->amount) &&
           a->n == b->n && same_bits(a->value, b->value) && same_bits(a->low, b->low) &&
           same_bits(a->high, b->high) && same_bits(a->lost, b->lost) && a->valid == b->valid &&
           same_text(a->more, b->more);
}

/* Costs come back as they are, those of an unknown kind or without their chain are refused. */
static void test_costs(void)
{
    static const char *const lines[] = {
        "{\"record\":\"cost\",\"schema\":2,\"kind\":\"other\",\"what\":\"w\",\"unit\":\"s\","
        "\"ranks\":1,"
        "\"threads\":1,\"nodes\":1,\"amount\":0.0,\"n\":1,\"value\":1.0,\"low\":0.0,\"high\":0.0,"
        "\"valid\":true}\n",
        "{\"record\":\"cost\",\"schema\":2,\"kind\":\"break-even\",\"what\":\"w\",\"unit\":"
        "\"cells\","
        "\"ranks\":1,\"threads\":1,\"nodes\":1,\"amount\":0.0,\"n\":1,\"value\":1.0,\"low\":0.0,"
        "\"high\":0.0,\"valid\":true}\n"};
    nf_study study = {0}, back = {0}, none = {0};
    nf_cost lock = {.kind = NF_COST_SHARE,
                    .what = (char[]){"lock"},
                    .unit = (char[]){"s"},
                    .ranks = 2,
                    .threads = 3,
                    .nodes = 1,
                    .amount = 1e7,
                    .n = 9,
                    .value = 1e-8 / 3,
                    .low = 3e-9,
                    .high = 4e-9,
                    .lost = 1.0 / 3,
                    .valid = true,
                    .more = (char[]){"{\"later\":1}"}};
    nf_cost even = {.kind = NF_COST_BREAK_EVEN,
                    .what = (char[]){"threads"},
                    .kernel = (char[]){"heat:steps=1"},
                    .label = (char[]){"heat"},
                    .unit = (char[]){"cells"},
                    .ranks = 1,
                    .threads = 2,
                    .nodes = 1,
                    .amount = 1 << 20,
                    .n = 21,
                    .value = 3000,
                    .low = 2000};
    CU_ASSERT(nf_study_cost(&study, &lock) == NF_OK && nf_study_cost(&study, &even) == NF_OK);
    write_all(path, &study);
    CU_ASSERT(nf_record_read(path, &back) == NF_OK);
    CU_ASSERT_FATAL(back.ncosts == 2 && back.nothers == 0);
    CU_ASSERT(same_cost(&back.costs[0], &lock) && same_cost(&back.costs[1], &even));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        FILE *file = fopen(path, "w");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        fputs(lines[i], file);
        fclose(file);
        CU_ASSERT(nf_record_read(path, &none) == NF_ERR_FORMAT && none.ncosts == 0);
    }
    nf_study_free(&none);
    nf_study_free(&back);
    nf_study_free(&study);
}

static void test_measures(void)
{
    nf_study study = {0}, back = {0}, again = {0};
    double threads[6];
    nf_phases ranks[2];
    nf_sample full = full_sample(threads, ranks), sums = full;
    nf_ceiling roof = {
        (char[]){"triad"}, (char[]){"B/s"}, 2, 3, 1, 1 << 20, 4.0 / 3, 5, 1e10, 9e9, NULL};
    full.grows = (char[]){"rows"};
    sums.balance.threads = NULL;
    sums.balance.ranks = NULL;
    CU_ASSERT(nf_study_add(&study, &full) == NF_OK && nf_study_add(&study, &sums) == NF_OK);
    CU_ASSERT(nf_study_ceiling(&study, &roof) == NF_OK);
    CU_ASSERT(nf_study_set(&study, "precision", "%g", 0.02) == NF_OK);
    for (int round = 0; round < 2; round++) {
        nf_study *to = round == 0 ? &back : &again;
        write_all(path, round == 0 ? &study : &back);
        CU_ASSERT(nf_record_read(path, to) == NF_OK);
        CU_ASSERT_FATAL(to->nsamples == 2 && to->nceilings == 1);
        for (size_t i = 0; i < 2; i++)
            CU_ASSERT(same_sample(&to->samples[i], &study.samples[i]) &&
                      same_measures(&to->samples[i], &study.samples[i]) &&
                      to->samples[i].more == NULL);
        CU_ASSERT_STRING_EQUAL(to->ceilings[0].what, "triad");
        CU_ASSERT(to->ceilings[0].best == 1e10 && same_bits(to->ceilings[0].factor, 4.0 / 3));
        CU_ASSERT(same_text(nf_study_setting(to, "precision"), "0.02"));
    }
    nf_study_free(&again);
    nf_study_free(&back);
    nf_study_free(&study);
}

/* Simulated samples and predictions come back as what they are, and make points of their own. */
static void test_simulated(void)
{
    nf_study study = {0}, back = {0};
    nf_point *points = NULL;
    size_t n = 0;
    nf_sample one = {.kernel = (char[]){"k"},
                     .label = (char[]){"k"},
                     .ranks = 1,
                     .threads = 1,
                     .nodes = 1,
                     .shape = {{1, 1, 9}, 1, 1, NF_F32},
                     .work = 9,
                     .seconds = 8,
                     .valid = true};
    nf_sample two = one, prediction;
    two.ranks = 2, two.seconds = 1, two.simulated = true;
    prediction = two, prediction.seconds = 1.5;
    CU_ASSERT(nf_study_add(&study, &two) == NF_OK);
    CU_ASSERT(nf_study_add(&study, &one) == NF_OK);
    CU_ASSERT(nf_study_predict(&study, &prediction) == NF_OK);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(nf_record_study(file, path, &study) == NF_OK);
    CU_ASSERT(nf_record_sample(file, path, &two) == NF_OK);
    CU_ASSERT(nf_record_sample(file, path, &one) == NF_OK);
    CU_ASSERT(nf_record_prediction(file, path, &prediction) == NF_OK);
    fclose(file);
    CU_ASSERT(nf_record_read(path, &back) == NF_OK);
    CU_ASSERT_FATAL(back.nsamples == 2 && back.npredictions == 1);
    CU_ASSERT(back.samples[0].simulated && !back.samples[1].simulated);
    CU_ASSERT(back.predictions[0].simulated && back.predictions[0].seconds == 1.5);
    CU_ASSERT(nf_points(&back, &points, &n) == NF_OK);
    CU_ASSERT_FATAL(n == 2);
    /* The measured one first; it is no base for the simulated one, which does not count. */
    CU_ASSERT(points[0].of->ranks == 1 && nf_point_counts(&points[0]) && points[0].base != NULL);
    CU_ASSERT(points[1].of->ranks == 2 && !nf_point_counts(&points[1]) &&
              points[1].base == &points[1]);
    CU_ASSERT(points[0].predicted == 0 && points[1].predicted == 1.5);
    free(points);
    nf_study_free(&back);
    nf_study_free(&study);
}

/* A run killed in the middle of a line: it is left out, and cut off by the next run's records. */
static void test_torn_line(void)
{
    nf_study study = {0}, back = {0};
    FILE *file = NULL;
    fill(&study);
    write_study(path, &study);
    write_text(path, "{\"record\":\"sample\",\"schema\":1,\"ker", "a");
    CU_ASSERT(nf_record_read(path, &back) == NF_OK);
    check_same(&study, &back);
    nf_study_free(&back);
    CU_ASSERT(nf_record_append(path, &file) == NF_OK);
    CU_ASSERT(nf_record_sample(file, path, &study.samples[0]) == NF_OK);
    fclose(file);
    CU_ASSERT(nf_record_read(path, &back) == NF_OK);
    CU_ASSERT(back.nsamples == study.nsamples + 1);
    CU_ASSERT(same_sample(&back.samples[back.nsamples - 1], &study.samples[0]));
    nf_study_free(&back);
    nf_study_free(&study);
}

/* What the last study read held and nobody understood, after it was written again and merged. */
static void check_survivors(const nf_study *study)
{
    static const char *const kept[] = {"\"colour\":\"red\"", "\"rain\":true", "\"schema\":7",
                                       "\"order\":\"C\"",    "\"sleep\":1",   "\"mood\":\"good\""};
    nf_study merged = {0};
    char *const paths[] = {other, other};
    char text[4096] = "";
    write_all(other, study);
    CU_ASSERT(nf_record_read_all(paths, 2, &merged) == NF_OK);
    write_all(path, &merged);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    CU_ASSERT(length > 0 && merged.nsamples == 2);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(text, kept[i]));
    nf_study_free(&merged);
}

static void test_unknown_fields(void)
{
    nf_study study = {0};
    write_text(
        path,
        "{\"record\":\"study\",\"schema\":1,\"colour\":\"red\",\"facts\":{\"a\":\"b\"}}\n"
        "{\"record\":\"weather\",\"schema\":7,\"rain\":true}\n"
        "{\"record\":\"sample\",\"schema\":1,\"kernel\":\"k\",\"label\":\"k\",\"scaling\":"
        "\"weak\",\"ranks\":1,\"threads\":2,\"nodes\":1,\"shape\":{\"dim\":[1,1,9],\"ndim\":"
        "1,\"channels\":1,\"dtype\":\"f64\",\"order\":\"C\"},\"work\":9,\"launch\":0,\"rep\":"
        "0,\"seconds\":2,\"phases\":{\"compute\":2,\"halo\":0,\"fold\":0,\"wait\":0,\"io\":0,"
        "\"sleep\":1},\"valid\":true,\"oversubscribed\":false,\"mood\":\"good\"}\n",
        "w");
    CU_ASSERT(nf_record_read(path, &study) == NF_OK);
    CU_ASSERT_FATAL(study.nfacts == 1 && study.nsamples == 1);
    CU_ASSERT(study.samples[0].seconds == 2 && study.samples[0].shape.dtype == NF_F64);
    check_survivors(&study);
    nf_study_free(&study);
}

static void test_wrong_lines(void)
{
    static const char *const lines[] = {
        "not json\n",
        "{\"record\":\"sample\",\"schema\":1,\"kernel\":\"k\"}\n",
        "{\"record\":\"study\",\"schema\":3,\"facts\":{}}\n",
        "{\"record\":\"study\",\"schema\":1,\"facts\":{\"a\":1}}\n",
        "{\"schema\":1}\n",
        "[1, 2]\n",
        "\n",
        "{\"record\":\"sample\",\"schema\":1,\"kernel\":\"k\",\"label\":\"k\",\"scaling\":"
        "\"strong\""
        ",\"ranks\":0,\"threads\":2,\"nodes\":1,\"shape\":{\"dim\":[1,1,9],\"ndim\":1,\"channels\":"
        "1,\"dtype\":\"f64\"},\"work\":9,\"launch\":0,\"rep\":0,\"seconds\":2.0,\"phases\":{"
        "\"compute\":2,\"halo\":0,\"fold\":0,\"wait\":0,\"io\":0},\"valid\":true,"
        "\"oversubscribed\":false}\n",
        "{\"record\":\"sample\",\"schema\":1,\"kernel\":\"k\",\"label\":\"k\",\"scaling\":"
        "\"strong\""
        ",\"ranks\":1,\"threads\":2,\"nodes\":1,\"shape\":{\"dim\":[1,1,9],\"ndim\":1,\"channels\":"
        "1,\"dtype\":\"f64\"},\"work\":9,\"launch\":0,\"rep\":0,\"seconds\":2.0,\"phases\":{"
        "\"compute\":2,\"halo\":0,\"fold\":0,\"wait\":0,\"io\":0},\"valid\":true,"
        "\"oversubscribed\":false,\"simulated\":\"yes\"}\n",
        "{\"record\":\"sample\",\"schema\":2,\"kernel\":\"k\",\"label\":\"k\",\"scaling\":"
        "\"strong\""
        ",\"ranks\":1,\"threads\":2,\"nodes\":1,\"shape\":{\"dim\":[1,1,9],\"ndim\":1,\"channels\":"
        "1,\"dtype\":\"none\"},\"work\":9,\"launch\":0,\"rep\":0,\"seconds\":2.0,\"phases\":{"
        "\"compute\":2,\"halo\":0,\"fold\":0,\"wait\":0,\"io\":0},\"valid\":true,"
        "\"oversubscribed\":false,\"waits\":1}\n",
    };
    char expected[96];
    snprintf(expected, sizeof expected, "%s:2: ", path);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        nf_study study = {0};
        write_text(path, "{\"record\":\"study\",\"schema\":1,\"facts\":{}}\n", "w");
        write_text(path, lines[i], "a");
        CU_ASSERT(nf_record_read(path, &study) == NF_ERR_FORMAT);
        CU_ASSERT(strncmp(nf_message(NF_ERR_FORMAT), expected, strlen(expected)) == 0);
        nf_study_free(&study);
    }
}

static void test_missing_file(void)
{
    nf_study study = {0};
    FILE *file = NULL;
    CU_ASSERT(nf_record_read("/nonexistent/study.jsonl", &study) == NF_ERR_FILE);
    CU_ASSERT_PTR_NOT_NULL(strstr(nf_message(NF_ERR_FILE), "/nonexistent/study.jsonl"));
    CU_ASSERT(nf_record_append("/nonexistent/study.jsonl", &file) == NF_ERR_FILE);
    CU_ASSERT_PTR_NULL(file);
    nf_study_free(&study);
}

/* A time that is no number cannot be read back, and is not written. */
static void test_not_finite(void)
{
    nf_sample sample = make_sample("k", NF_STRONG, 1, 1, 4, 1);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    sample.phases.wait = NAN;
    CU_ASSERT(nf_record_sample(file, path, &sample) == NF_ERR_FORMAT);
    CU_ASSERT(ftell(file) == 0);
    fclose(file);
}

static void test_full_disk(void)
{
    nf_sample sample = make_sample("k", NF_STRONG, 1, 1, 4, 1);
    FILE *file = fopen("/dev/full", "w");
    if (file == NULL)
        return;
    CU_ASSERT(nf_record_sample(file, "/dev/full", &sample) == NF_ERR_FILE);
    fclose(file);
}

static void test_several_studies(void)
{
    nf_study first = {0}, second = {0}, both = {0};
    fill(&first);
    CU_ASSERT(nf_study_fact(&second, "processor", "C") == NF_OK);
    CU_ASSERT(nf_study_fact(&second, "flags", "%s", "-O3\t-g") == NF_OK);
    CU_ASSERT(nf_study_fact(&second, "new", "n") == NF_OK);
    CU_ASSERT(nf_study_add(&second, &first.samples[0]) == NF_OK);
    write_study(path, &first);
    write_study(other, &second);
    char *const paths[] = {path, other};
    CU_ASSERT_FATAL(nf_record_read_all(paths, 2, &both) == NF_OK);
    CU_ASSERT(both.nsamples == 4);
    CU_ASSERT_STRING_EQUAL(nf_study_find(&both, "processor"), "A \"B\" 3");
    CU_ASSERT_STRING_EQUAL(nf_study_find(&both, "new"), "n");
    const char *files = nf_study_find(&both, "studies shown together");
    const char *differ = nf_study_find(&both, "facts that differ");
    CU_ASSERT(files != NULL && strstr(files, path) != NULL && strstr(files, other) != NULL);
    CU_ASSERT(differ != NULL && strstr(differ, "processor") != NULL &&
              strstr(differ, "flags") == NULL && strstr(differ, other) != NULL);
    nf_study_free(&both);
    nf_study_free(&second);
    nf_study_free(&first);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"median", test_median},
        {"ranks of the interval", test_interval_ranks},
        {"too few samples", test_interval_unknown},
        {"thousands of samples", test_interval_large},
        {"strong scaling", test_strong},
        {"weak scaling by rate", test_weak},
        {"base missing or invalid", test_missing_base},
        {"another base", test_other_base},
        {"what counts", test_what_counts},
        {"order of points", test_order},
        {"order of kernels", test_order_asked},
        {"no samples", test_empty},
        {"ways", test_ways},
        {"machine", test_machine},
        {"facts", test_facts},
        {"records there and back", test_round_trip},
        {"measures there and back", test_measures},
        {"costs there and back", test_costs},
        {"simulated records", test_simulated},
        {"torn last line", test_torn_line},
        {"unknown fields and kinds", test_unknown_fields},
        {"wrong lines", test_wrong_lines},
        {"no such file", test_missing_file},
        {"not a number", test_not_finite},
        {"full disk", test_full_disk},
        {"several studies", test_several_studies},
        CU_TEST_INFO_NULL,
    };
    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/a.jsonl", folder);
    snprintf(other, sizeof other, "%s/b.jsonl", folder);
    int result = nf_suite_run("study", tests, 0);
    unlink(path);
    unlink(other);
    rmdir(folder);
    return result;
}
