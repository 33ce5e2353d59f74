/* Reports' tables, figures' data and exports against numbers worked out by hand. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report.h"
#include "tests/suite.h"

static char folder[] = "/tmp/nfold-test-tables-XXXXXX";

/* ---- the study ---- */

/* Seven samples: T, 1.001 T ... 1.006 T; their median is 1.003 T, its 95% interval the extremes. */
enum { N = 7 };

static void add(nf_study *study, nf_sample sample, double seconds)
{
    for (sample.rep = 0; sample.rep < N; sample.rep++) {
        sample.seconds = seconds * (1 + 0.001 * sample.rep);
        sample.end = sample.rep == N - 1 ? NF_END_PRECISION : NF_END_NONE;
        CU_ASSERT(nf_study_add(study, &sample) == NF_OK);
    }
}

static nf_sample make(const char *kernel, nf_scaling scaling, int ranks, int threads)
{
    return (nf_sample){.kernel = (char *)(uintptr_t)kernel,
                       .label = (char *)(uintptr_t)kernel,
                       .scaling = scaling,
                       .ranks = ranks,
                       .threads = threads,
                       .nodes = 1,
                       .shape = {{1, 100, 50}, 2, 1, NF_F32},
                       .work = 5000,
                       .runs = 1,
                       .clock = NF_CLOCK_WINDOW,
                       .valid = true};
}

/* A study without one worker: 4 ranks take 1 s, 8 ranks 0.625 s. Of 8 ranks useful 4 s in all, 0.55 s of the
 * busiest, critical path 0.6 s; the base's useful time is 3.6 s. A roof of 6 GB/s and 100 Gflop/s. */
static void fill(nf_study *study)
{
    nf_sample base = make("k", NF_STRONG, 4, 1), more = make("k", NF_STRONG, 8, 1);
    base.balance = (nf_balance){
        .known = true, .useful = 3.6, .most = 0.9, .rank_most = 0.9, .bulk = 0.9, .chain = 0.9};
    more.balance = (nf_balance){.known = true,
                                .useful = 4,
                                .most = 0.55,
                                .rank_most = 0.52,
                                .bulk = 0.61,
                                .chain = 0.6,
                                .steps = 3,
                                .slowest = 5};
    base.phases = (nf_phases){.compute = 0.9, .halo = 0.1};
    more.phases = (nf_phases){.compute = 0.5, .halo = 0.05, .wait = 0.075, .io = 0.2};
    more.moved = 2.5e9;
    more.flops = 5e9;
    add(study, base, 1);
    add(study, more, 0.625);
    nf_ceiling triad = {.what = (char[]){"triad"},
                        .unit = (char[]){"B/s"},
                        .ranks = 8,
                        .threads = 1,
                        .nodes = 1,
                        .factor = 1.5,
                        .n = 5,
                        .best = 4e9,
                        .median = 3e9};
    nf_ceiling peak = {.what = (char[]){"f32"},
                       .unit = (char[]){"flop/s"},
                       .ranks = 8,
                       .threads = 1,
                       .nodes = 1,
                       .factor = 1,
                       .n = 5,
                       .best = 1e11,
                       .median = 1e11};
    CU_ASSERT(nf_study_ceiling(study, &triad) == NF_OK);
    CU_ASSERT(nf_study_ceiling(study, &peak) == NF_OK);
    CU_ASSERT(nf_study_fact(study, "time", "2026-11-25 13:32:59 UTC") == NF_OK);
    CU_ASSERT(nf_study_fact(study, "timer", "resolution 20 ns, a reading takes 2400 ns") == NF_OK);
    CU_ASSERT(nf_study_set(study, "precision", "0.02") == NF_OK);
}

/* Amdahl's law, T = 0.1 + 0.9/p, by 1 ... 32 threads; ranks x threads at 4 workers; and weak scaling. */
static void fill_models(nf_study *study)
{
    for (int p = 1; p <= 32; p *= 2)
        add(study, make("a", NF_STRONG, 1, p), 0.1 + 0.9 / p);
    add(study, make("a", NF_STRONG, 2, 1), 0.9);
    add(study, make("a", NF_STRONG, 2, 2), 0.5);
    nf_sample weak = make("a", NF_WEAK, 1, 1);
    add(study, weak, 0.25);
    weak.ranks = 2;
    weak.work = 10000;
    add(study, weak, 0.5);
}

/* ---- files ---- */

static char *need_text(const char *name)
{
    char path[256], *text = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_FATAL(getdelim(&text, &room, '\0', file) >= 0);
    fclose(file);
    return text;
}

static bool holds(const char *name, const char *part)
{
    char *text = need_text(name);
    bool found = strstr(text, part) != NULL;
    if (!found)
        fprintf(stderr, "%s lacks: %s\n", name, part);
    free(text);
    return found;
}

static void write_report(void (*make_study)(nf_study *), unsigned formats)
{
    nf_study study = {0};
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s/*", folder);
    CU_ASSERT(system(command) == 0);
    make_study(&study);
    CU_ASSERT(nf_report_write(&study, folder, formats) == NF_OK);
    nf_study_free(&study);
}

/* The field of this name in the CSV's line whose fields 6 and 7 are ranks and threads; NAN: empty. */
static double csv_value(const char *name, int ranks, int threads)
{
    char *text = need_text("points.csv"), *rest = text, *line, *field, *end;
    char *head = strsep(&rest, "\n");
    int column = 0;
    double value = NAN;
    while ((field = strsep(&head, ",\r")) != NULL && strcmp(field, name) != 0)
        column++;
    CU_ASSERT_PTR_NOT_NULL(field);
    while ((line = strsep(&rest, "\n")) != NULL) {
        int at = 0, r = 0, t = 0;
        const char *found = "";
        for (; (field = strsep(&line, ",\r")) != NULL; at++) {
            r = at == 5 ? atoi(field) : r;
            t = at == 6 ? atoi(field) : t;
            found = at == column ? field : found;
        }
        if (r == ranks && t == threads && *found != '\0')
            value = strtod(found, &end);
    }
    free(text);
    return value;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

/* ---- tests ---- */

static void test_csv(void)
{
    const double median = 0.625 * 1.003;
    write_report(fill, 0);
    CU_ASSERT(csv_value("base_workers", 8, 1) == 4 && csv_value("workers", 8, 1) == 8);
    CU_ASSERT(near(csv_value("speedup", 8, 1), 1.6));
    CU_ASSERT(near(csv_value("speedup_low", 8, 1), 1.6 / 1.006));
    CU_ASSERT(near(csv_value("efficiency", 8, 1), 0.8));
    CU_ASSERT(near(csv_value("efficiency_high", 8, 1), 0.8 * 1.006));
    /* (R/4 - 1/8) / (1 - 1/8 - R (1 - 1/4)), R = 0.625: 1/32 / (13/32). */
    CU_ASSERT(near(csv_value("serial", 8, 1), 1.0 / 13));
    CU_ASSERT(isnan(csv_value("serial", 4, 1)));
    CU_ASSERT(near(csv_value("pop_parallel", 8, 1), 0.5 / median));
    CU_ASSERT(near(csv_value("pop_balance", 8, 1), 0.5 / 0.55));
    CU_ASSERT(near(csv_value("pop_balance_ranks", 8, 1), 0.52 / 0.55));
    CU_ASSERT(near(csv_value("pop_balance_threads", 8, 1), 0.5 / 0.52));
    CU_ASSERT(near(csv_value("pop_serialisation", 8, 1), 0.55 / 0.6));
    CU_ASSERT(near(csv_value("pop_transfer", 8, 1), 0.6 / median));
    CU_ASSERT(near(csv_value("pop_computation", 8, 1), 0.9));
    CU_ASSERT(near(csv_value("pop_global", 8, 1), 0.9 * 0.5 / median));
    CU_ASSERT(near(csv_value("io_share", 8, 1), 0.2 / (0.2 + median)));
    CU_ASSERT(csv_value("slowest_rank", 8, 1) == 5);
    CU_ASSERT(near(csv_value("bytes_per_s", 8, 1), 2.5e9 / median));
    CU_ASSERT(near(csv_value("roof_share", 8, 1), 2.5e9 / median / 6e9)); /* of 4 GB/s times 1.5 */
    CU_ASSERT(isnan(csv_value("roof_share", 4, 1)));
    CU_ASSERT(near(csv_value("core_hours", 8, 1), 8 * median / 3600));
}

static void test_tables(void)
{
    write_report(fill, 0);
    CU_ASSERT(holds("report.md",
                    "| ranks | 8 | 1 | 1 | 100x50 f32 | 7 | precision | 626.9 ms | 625.0 "
                    "to 628.8 | 1.60 | 1.59 to 1.61 | 80% | 79.5 to 80.5% | 0.077 (0.074 to "
                    "0.080) | 0.00139 | valid |"));
    CU_ASSERT(holds("report.md",
                    "| ranks | 4 | 1 | 1 | 100x50 f32 | 7 | precision | 1.003 s | 1.000 to "
                    "1.006 | 1.00 | base | 100% | base |"));
    CU_ASSERT(holds("report.md",
                    "| 71.8% (71.6 to 72.0) | 79.8% (79.5 to 80.0) | 90.9% | 94.5% | 96.2% "
                    "| 91.7% | 95.7% | 90.0% | 24% | rank 5 |"));
    CU_ASSERT(
        holds("report.md", "| ranks | 8\u00d71 | 3.99 | 7.98 | 2 | 66% | bandwidth | valid |"));
    CU_ASSERT(
        holds("report.md", "Best with 8 ranks: 627 ms against 1.00 s with 4 ranks, 1.60 times"));
    CU_ASSERT(holds("report.md", "| k | 100x50 f32 | 8 | 1 | 8 | 1 | 626.9 ms | 1.60 |"));
    CU_ASSERT(holds("report.html", "<table class=\"sorts\">"));
}

static void test_rules(void)
{
    write_report(fill, 0);
    CU_ASSERT(holds("report.md", "the same program with the fewest workers of the study"));
    CU_ASSERT(holds("report.md",
                    "yes | Times are not: 2 of 2 points that count have a 95% interval of "
                    "the median (2 reached the precision asked for). Results are: 2 of 2"));
    CU_ASSERT(
        holds("report.md", "| 2 | Say why a subset of benchmarks or resources was chosen | no |"));
    CU_ASSERT(holds("report.md", "whole set-up | no | 2 facts and 1 settings"));
    CU_ASSERT(holds("report.md", "a common moment: 14, after a barrier: 0, not recorded: 0"));
    CU_ASSERT(
        holds("report.md", "is 625 ms: reading it takes less than 5% of that, and it is at least"));
    CU_ASSERT(holds("report.md", "| 11 | Show upper bounds | partly |"));
    CU_ASSERT(holds("report.md", "1 of 2 points that count stand beside the roof"));
}

/* A point of two samples has no interval; a clock whose reading takes 40 ms is no clock for 0.625 s, one of
 * 70 ms' resolution neither. */
static void fill_badly(nf_study *study)
{
    fill(study);
    nf_sample few = make("k", NF_STRONG, 16, 1);
    for (few.rep = 0; few.rep < 2; few.rep++) {
        few.seconds = 0.7;
        CU_ASSERT(nf_study_add(study, &few) == NF_OK);
    }
    CU_ASSERT(nf_study_fact(study, "timer", "resolution 7e7 ns, a reading takes 4e7 ns") == NF_OK);
}

static void test_unmet_rules(void)
{
    write_report(fill_badly, 0);
    CU_ASSERT(holds("report.md", "partly | Times are not: 2 of 3 points that count have a 95%"));
    CU_ASSERT(holds("report.md", "measured, synchronised and summarised | partly |"));
    CU_ASSERT(holds("report.md", "reading it takes more than 5% of that, and it is not ten times"));
    CU_ASSERT(holds("report.md", "a common moment: 16, after a barrier: 0, not recorded: 0"));
    CU_ASSERT(holds("report.md", "| 7 | Compare by statistically sound means | partly |"));
}

/* The model that the times were made by is found; four times 32 workers: 1.003 (0.1 + 0.9/128). */
static void test_models(void)
{
    write_report(fill_models, 0);
    CU_ASSERT(holds(
        "report.md",
        "| a, strong, 100x50 f32 | Amdahl (chosen) | T = 0.1 + 0.903/p | 0.0% | 32 | 129 ms ("));
    CU_ASSERT(holds("report.md", " | 114 ms (114 ms to 115 ms) | 107 ms (107 ms to 108 ms) |  |"));
    CU_ASSERT(holds("report.md", "## For a proposal: weak scaling"));
    CU_ASSERT(holds("report.md", "| a | 100x50 f32 | 2 | 1 | 2 | 1 | 501.5 ms |\n"));
    CU_ASSERT(holds("report.md", "| a | 100x50 f32 | 32 | 1 | 1 | 32 | 128.5 ms | 7.80 |"));
    /* Of two workers the faster ones alone: threads' 550 ms. */
    CU_ASSERT(holds("report.md", "| a | 100x50 f32 | 2 | 1 | 1 | 2 | 551.6 ms |"));
    char *text = need_text("report.md"), *from = strstr(text, "## For a proposal: strong");
    CU_ASSERT_PTR_NOT_NULL_FATAL(from);
    CU_ASSERT(strstr(from, "902.7 ms") == NULL);
    free(text);
}

static void fill_waiting(nf_study *study)
{
    fill_models(study);
    add(study, make("files", NF_STRONG, 1, 1), 1);
    add(study, make("files", NF_STRONG, 1, 16), 0.2);
    for (size_t i = 0; i < study->nsamples; i++)
        study->samples[i].waits = strcmp(study->samples[i].kernel, "files") == 0;
}

/* Threads that wait for files are no cores: an application for cores does not list them. */
static void test_proposal(void)
{
    write_report(fill_waiting, 0);
    CU_ASSERT(holds("report.md", "| a | 100x50 f32 | 2 | 1 | 2 | 1 | 501.5 ms |\n"));
    char *text = need_text("report.md"), *from = strstr(text, "## For a proposal: strong");
    CU_ASSERT_PTR_NOT_NULL_FATAL(from);
    CU_ASSERT(strstr(from, "| files |") == NULL);
    free(text);
}

static void test_data(void)
{
    write_report(fill_models, 0);
    CU_ASSERT(holds("figures/map.dat", "\n1 0 55.5556 0 \"56%\"\n")); /* 1 / 0.9 / 2 at 2 x 1 */
    CU_ASSERT(holds("figures/samples.dat", " 0.997009\n") &&
              holds("figures/samples.dat", " 1.00299\n"));
    /* Six samples: 1 ... 1.005, median 1.0025. */
    CU_ASSERT(holds("figures/convergence.dat", ": 1\u00d71\n6 0.249377\n7 0.299103\n\n"));
    CU_ASSERT(holds("figures/points.dat", ": extrapolated\n32 0.128"));
    CU_ASSERT(holds("figures/points.dat", "\n128 0.107352"));
    CU_ASSERT(holds("figures/points.dat", ": ideal\n1 1.003 "));
    write_report(fill, 0);
    CU_ASSERT(holds("figures/points.dat", ": ideal\n4 1.003 ") &&
              holds("figures/points.dat", "\n8 0.5015 NaN NaN 100"));
    CU_ASSERT(holds("figures/points.dat", ": bound by the roof\n8 0.416666667 ")); /* 2.5 / 6 */
    CU_ASSERT(holds("figures/roofline.dat", "\n16.6667 100\n")); /* the ridge: 100 / 6 */
    CU_ASSERT(holds("figures/roofline.dat", "\n2 7.97607 \"k\"\n"));
}

static json_t *need_json(const char *name)
{
    char path[256];
    json_error_t error;
    snprintf(path, sizeof path, "%s/export/%s", folder, name);
    json_t *all = json_load_file(path, 0, &error);
    if (all == NULL)
        fprintf(stderr, "%s: %s\n", path, error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    return all;
}

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static bool says(const json_t *object, const char *name, const char *text)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL && strcmp(value, text) == 0;
}

/* What TALP-Pages reads: dlbVersion, timestamp, resources, and the metrics of the region Global. */
static void test_talp(void)
{
    write_report(fill, NF_FORMAT_TALP);
    json_t *all = need_json("talp/01-k-strong/8x1.json");
    const json_t *resources = json_object_get(all, "resources");
    const json_t *global = json_object_get(json_object_get(all, "Application"), "Global");
    CU_ASSERT(strncmp(json_string_value(json_object_get(all, "dlbVersion")), "3.5", 3) == 0);
    CU_ASSERT(says(all, "timestamp", "2026-11-25T13:32:59+00:00"));
    CU_ASSERT(number(resources, "numCpus") == 8 && number(resources, "numMpiRanks") == 8);
    CU_ASSERT(number(global, "elapsedTime") == 626875000); /* nanoseconds, of the median sample */
    CU_ASSERT(number(global, "usefulTime") == 4e9 && number(global, "mpiTime") == 1e9);
    CU_ASSERT(fabs(number(global, "parallelEfficiency") - 0.5 / 0.626875) < 1e-8);
    CU_ASSERT(fabs(number(global, "mpiParallelEfficiency") - (0.626875 - 0.125) / 0.626875) < 1e-8);
    CU_ASSERT(number(global, "mpiLoadBalance") == 1 && number(global, "mpiLoadBalanceOut") == 1);
    static const char *const needed[] = {"cycles",
                                         "instructions",
                                         "mpiCommunicationEfficiency",
                                         "ompParallelEfficiency",
                                         "ompLoadBalance",
                                         "ompSchedulingEfficiency",
                                         "ompSerializationEfficiency"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        CU_ASSERT(json_is_number(json_object_get(global, needed[i])));
    json_decref(all);
    json_decref(need_json("talp/01-k-strong/4x1.json"));
}

/* Extra-P: a line a number of workers, the fastest of each, all samples. */
static void test_extrap(void)
{
    write_report(fill_models, NF_FORMAT_EXTRAP);
    char *text = need_text("export/extrap-strong.jsonl"), *rest = text, *line;
    int p = 1, lines = 0;
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        json_t *one = json_loads(line, 0, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(one);
        const json_t *values = json_object_get(one, "value");
        CU_ASSERT(number(json_object_get(one, "params"), "p") == p);
        CU_ASSERT(says(one, "metric", "time") && says(one, "callpath", "a, strong, 100x50 f32"));
        CU_ASSERT(json_array_size(values) == N);
        CU_ASSERT(near(json_number_value(json_array_get(values, 0)), 0.1 + 0.9 / p));
        json_decref(one);
        p *= 2;
        lines++;
    }
    CU_ASSERT(lines == 6);
    free(text);
    CU_ASSERT(
        holds("export/extrap-weak.jsonl", "{\"params\":{\"p\":2.0},\"callpath\":\"a, weak\""));
}

static void test_gbench(void)
{
    write_report(fill, NF_FORMAT_GBENCH);
    json_t *all = need_json("gbench.json");
    const json_t *list = json_object_get(all, "benchmarks");
    CU_ASSERT(says(json_object_get(all, "context"), "date", "2026-11-25 13:32:59 UTC"));
    CU_ASSERT_FATAL(json_array_size(list) == 2 * (N + 1));
    const json_t *first = json_array_get(list, 8), *median = json_array_get(list, 15);
    CU_ASSERT(says(first, "name", "k/strong/100x50 f32/ranks:8/threads:1"));
    CU_ASSERT(says(first, "run_type", "iteration") && says(first, "time_unit", "ns"));
    CU_ASSERT(number(first, "repetition_index") == 0 && number(first, "repetitions") == N);
    CU_ASSERT(near(number(first, "real_time"), 0.625e9) && near(number(first, "cpu_time"), 4e9));
    CU_ASSERT(says(median, "name", "k/strong/100x50 f32/ranks:8/threads:1_median"));
    CU_ASSERT(says(median, "run_type", "aggregate") && says(median, "aggregate_name", "median"));
    CU_ASSERT(near(number(median, "real_time"), 0.625e9 * 1.003));
    json_decref(all);
}

/* PDF of each figure that is drawn, by gnuplot. */
static void test_pdf(void)
{
    if (system("gnuplot --version >/dev/null 2>&1") != 0)
        return;
    write_report(fill, NF_FORMAT_PDF);
    static const char *const names[] = {"time",     "efficiency", "phases",
                                        "roofline", "samples",    "convergence"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.pdf", names[i]);
        char *text = need_text(name);
        CU_ASSERT(strncmp(text, "%PDF-", 5) == 0);
        free(text);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"points.csv", test_csv},
        {"tables", test_tables},
        {"rules", test_rules},
        {"rules that are not met", test_unmet_rules},
        {"models", test_models},
        {"tables for a proposal", test_proposal},
        {"figures' data", test_data},
        {"TALP", test_talp},
        {"Extra-P", test_extrap},
        {"Google Benchmark", test_gbench},
        {"PDF", test_pdf},
        CU_TEST_INFO_NULL,
    };
    char command[128];
    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    int result = nf_suite_run("report_tables", tests, 0);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? result : EXIT_FAILURE;
}
