/* When a point has samples enough, in which order points come, how long an interval must be, the
 * critical path, and counters; all but the last from numbers worked out by hand. */
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/engine/team.h"
#include "drivers/study/ceilings.h"
#include "drivers/study/counters.h"
#include "drivers/study/critical.h"
#include "drivers/study/roof_rows.h"
#include "drivers/study/sampling.h"
#include "drivers/study/timer.h"
#include "tests/suite.h"

/* ---- when to stop ---- */

/* Values 1 + i * spread, in no order. */
static nf_end end_of(const nf_sampling *rule, size_t n, double spread, bool time_up)
{
    double values[NF_MOST + 1];
    for (size_t i = 0; i < n; i++)
        values[i] = 1 + spread * (double)((i * 7) % n);
    return nf_sampling_over(rule, values, n, time_up);
}

static void test_width(void)
{
    /* n = 10: ranks 2 and 9 (Conover). Of 1 .. 10: the median is 5.5, the interval [2, 9]. */
    double values[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
    CU_ASSERT_DOUBLE_EQUAL(nf_sampling_width(values, 10), 3.5 / 5.5, 1e-15);
    CU_ASSERT(isinf(nf_sampling_width(values, 5)));
    CU_ASSERT(isfinite(nf_sampling_width(values, 6)));
    CU_ASSERT(isinf(nf_sampling_width(values, 0)));
}

static void test_over(void)
{
    const nf_sampling two = {0.02, 0}, seven = {0.02, 7};
    CU_ASSERT(end_of(&two, 0, 0, true) == NF_END_NONE); /* one is taken in any case */
    CU_ASSERT(end_of(&two, 1, 0, true) == NF_END_TIME);
    CU_ASSERT(end_of(&two, NF_FEWEST - 1, 0, false) == NF_END_NONE);
    CU_ASSERT(end_of(&two, NF_FEWEST, 0, false) == NF_END_PRECISION);
    /* Ten values: half-width 3.5 spread, median 1 + 4.5 spread. */
    CU_ASSERT(end_of(&two, 10, 0.0058, false) == NF_END_PRECISION);
    CU_ASSERT(end_of(&two, 10, 0.0060, false) == NF_END_NONE);
    CU_ASSERT(end_of(&two, 10, 0.0060, true) == NF_END_TIME);
    CU_ASSERT(end_of(&two, NF_MOST, 1, false) == NF_END_COUNT);
    CU_ASSERT(end_of(&seven, 6, 0, true) == NF_END_NONE);
    CU_ASSERT(end_of(&seven, 7, 1, false) == NF_END_COUNT);
}

/* ---- order ---- */

static void test_shuffle(void)
{
    enum { N = 100, SEEDS = 200 };
    size_t a[N], b[N], first[5] = {0};
    bool seen[N] = {false};
    nf_permute(a, N, 42);
    nf_permute(b, N, 42);
    CU_ASSERT(memcmp(a, b, sizeof a) == 0);
    nf_permute(b, N, 43);
    CU_ASSERT(memcmp(a, b, sizeof a) != 0);
    for (size_t i = 0; i < N; i++)
        seen[a[i]] = true;
    for (size_t i = 0; i < N; i++)
        CU_ASSERT(seen[i]);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        nf_permute(a, 5, seed);
        first[a[0]]++;
    }
    for (size_t i = 0; i < 5; i++) /* 40 expected, deviation 5.7 */
        CU_ASSERT(first[i] > 15 && first[i] < 65);
}

/* ---- timer ---- */

static void test_timer(void)
{
    const nf_timer fine = {1e-9, 25e-9}, coarse = {1e-6, 25e-9};
    CU_ASSERT(nf_timer_runs(&fine, 1) == 1);
    CU_ASSERT(nf_timer_runs(&fine, 501e-9) == 1);
    CU_ASSERT(nf_timer_runs(&fine, 100e-9) == 5);  /* 500 ns: reading is 5% */
    CU_ASSERT(nf_timer_runs(&coarse, 1e-6) == 10); /* ten times the resolution */
    CU_ASSERT(nf_timer_runs(&fine, 0) == NF_MAX_RUNS);
    nf_timer here = nf_timer_measure();
    CU_ASSERT(here.resolution > 0 && here.resolution < 1e-3);
    CU_ASSERT(here.overhead > 0 && here.overhead < 1e-3);
}

/* ---- useful time of threads ---- */

enum { THREADS = 3, ITEMS = 6 };

static void spin(void *context, int thread, int64_t item)
{
    double start = nf_seconds(), least = *(const double *)context * (double)(ITEMS - item);
    (void)thread;
    while (nf_seconds() - start < least) {
    }
}

/* Items 0 .. 5 take 6 .. 1 ms: threads take 11, 7 and 3 ms; a list of one item is the last
 * thread's. */
static void test_team_work(void)
{
    double unit = 1e-3;
    nf_team_work work;
    const nf_team_phase lists[] = {
        {ITEMS, spin, &unit}, {0, spin, &unit}, {1, spin, &unit}, {ITEMS, spin, &unit}};
    CU_ASSERT_FATAL(nf_team_work_make(&work, THREADS));
    nf_team_run_phases(THREADS, lists, 4); /* not counted yet */
    nf_team_count(&work);
    double start = nf_seconds();
    nf_team_run_phases(THREADS, lists, 4);
    double wall = nf_seconds() - start;
    nf_team_count(NULL);
    double slowest = work.slowest;
    nf_team_run_phases(THREADS, lists, 4); /* no more */
    CU_ASSERT(work.slowest == slowest && nf_team_slowest() == 0);
    const double rounding = 1e-9;
    CU_ASSERT(work.useful[0] >= 2 * 11e-3 - rounding);
    CU_ASSERT(work.useful[1] >= 2 * 7e-3 - rounding);
    CU_ASSERT(work.useful[2] >= 2 * 3e-3 + 6e-3 - rounding);
    CU_ASSERT(slowest >= 2 * 11e-3 + 6e-3 - rounding && slowest <= wall + rounding);
    for (int t = 0; t < THREADS; t++)
        CU_ASSERT(work.useful[t] <= slowest + rounding);
    nf_team_work_free(&work);
}

/* ---- critical path ---- */

static nf_critical path_of(const nf_step *steps, int ranks, int64_t n, const unsigned char *rows)
{
    nf_critical path = {0, 0};
    CU_ASSERT(nf_critical_path(steps, ranks, n, rows, &path));
    return path;
}

/* Three ranks in a row, two steps: rank 0 is slow in the first, rank 2 in the second. Waiting for
 * all takes 5 + 7; but rank 2 does not wait for rank 0: max(5 + 1, 5 + 1, 1 + 7) = 8. */
static void test_chain(void)
{
    const unsigned char rows[] = {1 << 1, 1 << 0 | 1 << 2, 1 << 1};
    enum { HALO = NF_MEET_NEIGHBOURS, ALL = NF_MEET_ALL, NOBODY = NF_MEET_NOBODY };
    nf_step steps[] = {{0, 5, HALO}, {0, 1, HALO}, {0, 1, HALO},
                       {0, 1, HALO}, {0, 1, HALO}, {0, 7, HALO}};
    nf_critical path = path_of(steps, 3, 2, rows);
    CU_ASSERT(path.bulk == 12 && path.chain == 8);
    for (int i = 0; i < 3; i++)
        steps[2 * i + 1].meets = ALL;
    path = path_of(steps, 3, 2, rows);
    CU_ASSERT(path.bulk == 12 && path.chain == 12);
    for (int i = 0; i < 3; i++)
        steps[2 * i + 1].meets = NOBODY; /* the largest rank's own: 6, 2, 8 */
    path = path_of(steps, 3, 2, rows);
    CU_ASSERT(path.chain == 8);
}

/* What needs no halo goes on while neighbours work: max(1 + 3, 4) + 2. */
static void test_overlap(void)
{
    const unsigned char rows[] = {1 << 1, 1 << 0};
    const nf_step steps[] = {{0, 4, NF_MEET_NEIGHBOURS},
                             {0, 1, NF_MEET_NEIGHBOURS},
                             {0, 1, NF_MEET_NEIGHBOURS},
                             {3, 2, NF_MEET_NEIGHBOURS}};
    nf_critical path = path_of(steps, 2, 2, rows);
    CU_ASSERT(path.chain == 6 && path.bulk == 4 + 5);
}

/* Ranks beyond a byte's bits: 0 and 9 exchange, the others nothing. */
static void test_many_ranks(void)
{
    enum { RANKS = 11 };
    unsigned char rows[RANKS * 2] = {0};
    nf_step steps[RANKS * 2];
    for (int i = 0; i < RANKS; i++)
        steps[2 * i] = steps[2 * i + 1] = (nf_step){0, 1, NF_MEET_NEIGHBOURS};
    steps[0].after = 10;
    CU_ASSERT(path_of(steps, RANKS, 2, rows).chain == 11);
    steps[1].after = 0, steps[2 * 9 + 1].after = 5;
    CU_ASSERT(path_of(steps, RANKS, 2, rows).chain == 10);
    rows[2 * 9] = 1;
    CU_ASSERT(path_of(steps, RANKS, 2, rows).chain == 15);
    steps[2 * 9] = (nf_step){0, 20, NF_MEET_NEIGHBOURS}, steps[1].after = 7;
    CU_ASSERT(path_of(steps, RANKS, 2, rows).chain == 25);
    rows[1] = 1 << 1; /* 0 waits for 9, too */
    CU_ASSERT(path_of(steps, RANKS, 2, rows).chain == 27);
}

/* ---- counters ---- */

static const nf_event software[NF_EVENTS] = {{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
                                             {0x7fffffff, 0}, /* there is no such event */
                                             {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK}};

static void test_counters(void)
{
    nf_counters counters;
    double unit = 2e-3;
    nf_counters_open(&counters, 2, software, NULL);
    nf_counters_start(&counters);
    nf_team_run(2, 2, spin, &unit); /* 2 ms and 4 ms */
    nf_counts counts = nf_counters_stop(&counters);
    bool there = counters.files[0][0] >= 0;
    nf_counters_close(&counters);
    CU_ASSERT(counts.event[1] == 0 && counts.joules == 0);
    if (!there) { /* the system does not let us: nothing is counted, nothing is said */
        CU_ASSERT(counts.event[0] == 0 && counts.event[2] == 0);
        return;
    }
    CU_ASSERT(counts.event[0] > 1e6 && counts.event[2] > 1e6); /* nanoseconds */
}

static char root[] = "/tmp/nfold-test-rapl-XXXXXX";

static void write_number(const char *zone, const char *name, const char *value)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, zone);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", root, zone, name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fprintf(file, "%s\n", value);
    fclose(file);
}

/* Two packages, of which one begins again at 0 meanwhile, and parts of one, which do not count
 * twice. */
static void test_energy(void)
{
    nf_counters counters;
    char command[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    write_number("intel-rapl:0", "energy_uj", "1000000");
    write_number("intel-rapl:0", "max_energy_range_uj", "9000000");
    write_number("intel-rapl:1", "energy_uj", "8500000");
    write_number("intel-rapl:1", "max_energy_range_uj", "9000000");
    write_number("intel-rapl:0:0", "energy_uj", "1");
    write_number("other:0", "energy_uj", "1");
    nf_counters_open(&counters, 1, software, root);
    nf_counters_start(&counters);
    write_number("intel-rapl:0", "energy_uj", "3000000");
    write_number("intel-rapl:1", "energy_uj", "250000");
    write_number("intel-rapl:0:0", "energy_uj", "5000000");
    write_number("other:0", "energy_uj", "5000000");
    nf_counts counts = nf_counters_stop(&counters);
    CU_ASSERT(counters.ndomains == 2);
    CU_ASSERT_DOUBLE_EQUAL(counts.joules, 2 + 0.75, 1e-9);
    nf_counters_close(&counters);
    snprintf(command, sizeof command, "rm -r %s", root);
    CU_ASSERT(system(command) == 0);
    nf_counters_open(&counters, 1, software, "/nonexistent");
    CU_ASSERT(counters.ndomains == 0);
    nf_counters_close(&counters);
}

/* ---- ceilings ---- */

/* The loops do what they are said to do: no compiler has left anything out. */
static void check_rows(const nf_roof_rows *rows)
{
    enum { N = 1003 };
    uint64_t from[N], to[N];
    double a[N], b[N], sum[N];
    for (int i = 0; i < N; i++) {
        from[i] = (uint64_t)(i + 1);
        a[i] = i;
        b[i] = 2 * i;
    }
    rows->copy(to, from, N);
    rows->triad(sum, a, b, 3, N);
    CU_ASSERT(rows->read(from, N) == N * (N + 1) / 2);
    CU_ASSERT(memcmp(to, from, sizeof to) == 0);
    for (int i = 0; i < N; i++)
        CU_ASSERT(sum[i] == 7 * i);
    /* x / 2 + 1, again and again, tends to 2, in each of twelve chains, from 3 + c on. */
    CU_ASSERT(rows->f64(0) == 12 * 3 + 66 && rows->f32(0) == 12 * 3 + 66);
    CU_ASSERT(rows->f64(1) == 12 + 51 && rows->f32(1) == 12 + 51);
    CU_ASSERT(rows->f64(2000) == 24 && rows->f32(2000) == 24);
    CU_ASSERT(rows->f32_operations == 2 * rows->f64_operations && rows->f64_operations % 24 == 0);
}

static void test_roof_rows(void)
{
    check_rows(&nf_roof_rows_baseline);
#ifdef NF_ISA_X86
    if (nf_isa_highest() >= 1)
        check_rows(&nf_roof_rows_v3);
    if (nf_isa_highest() >= 2)
        check_rows(&nf_roof_rows_v4);
#endif
}

/* What they are is the machine's. */
static void test_ceilings(void)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_ceiling list[NF_WORKER_CEILINGS];
    CU_ASSERT_FATAL(nf_ceilings_workers(&alone, 1, 1, list) == NF_OK);
    for (int i = 0; i < NF_WORKER_CEILINGS; i++)
        CU_ASSERT(list[i].best >= list[i].median && list[i].median > 0 && isfinite(list[i].best) &&
                  list[i].n > 1 && list[i].nodes == 1);
    CU_ASSERT_STRING_EQUAL(list[3].what, "f32");
    CU_ASSERT(list[1].bytes == 2 * list[0].bytes && list[2].bytes == 3 * list[0].bytes);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"width of an interval", test_width},
        {"enough samples", test_over},
        {"order by a seed", test_shuffle},
        {"timer", test_timer},
        {"useful time", test_team_work},
        {"critical path", test_chain},
        {"overlap", test_overlap},
        {"many ranks", test_many_ranks},
        {"counters", test_counters},
        {"energy", test_energy},
        {"loops of the ceilings", test_roof_rows},
        {"ceilings", test_ceilings},
        CU_TEST_INFO_NULL,
    };
    return nf_suite_run("sampling", tests, 0);
}
