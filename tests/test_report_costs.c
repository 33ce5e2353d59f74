/* What sharing out costs: records put together, tables, sentences and costs.csv against numbers worked out by
 * hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/study/costing.h"
#include "io/record.h"
#include "io/report.h"
#include "tests/suite.h"

static char folder[] = "/tmp/nfold-test-costs-XXXXXX";

/* ---- studies ---- */

static char *own(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* 100 samples, an interval of 2% below and 3% above, one node. */
static nf_cost cost(nf_cost_kind kind, const char *what, int ranks, int threads, double value)
{
    static const char *const units[NF_COSTS] = {[NF_COST_START] = "s",
                                                [NF_COST_SHARE] = "s",
                                                [NF_COST_SEND] = "s",
                                                [NF_COST_BREAK_EVEN] = "cells",
                                                [NF_COST_MEMORY] = "B"};
    return (nf_cost){.kind = kind,
                     .what = own(what),
                     .unit = own(units[kind]),
                     .ranks = ranks,
                     .threads = threads,
                     .nodes = 1,
                     .n = 100,
                     .value = value,
                     .low = 0.98 * value,
                     .high = 1.03 * value,
                     .valid = true};
}

static void keep(nf_study *study, nf_cost one)
{
    CU_ASSERT(nf_study_cost(study, &one) == NF_OK);
}

static void add_start(nf_study *study, const char *what, int ranks, int threads, double value)
{
    keep(study, cost(NF_COST_START, what, ranks, threads, value));
}

static void add_share(nf_study *study, const char *what, int ranks, int threads, double value,
                      double lost)
{
    nf_cost one = cost(NF_COST_SHARE, what, ranks, threads, value);
    one.amount = 1e6;
    one.lost = lost;
    keep(study, one);
}

static void add_send(nf_study *study, const char *what, double bytes, double value)
{
    nf_cost one = cost(NF_COST_SEND, what, 2, 1, value);
    one.amount = bytes;
    keep(study, one);
}

static void add_size(nf_study *study, const char *kernel, int ranks, int threads, double value,
                     double low, double high)
{
    nf_cost one = cost(NF_COST_BREAK_EVEN, ranks > 1 ? "ranks" : "threads", ranks, threads, value);
    one.kernel = own(kernel);
    one.label = own(kernel);
    one.low = low;
    one.high = high;
    one.amount = 1e6;
    keep(study, one);
}

/* Seven samples of a strong point, all of one time; 2 ranks and 2 threads are too many. */
static void add_point(nf_study *study, const char *kernel, nf_shape shape, int ranks, int threads,
                      double seconds)
{
    nf_sample sample = {.kernel = own(kernel),
                        .label = own(kernel),
                        .scaling = NF_STRONG,
                        .ranks = ranks,
                        .threads = threads,
                        .nodes = 1,
                        .shape = shape,
                        .work = (int64_t)(shape.dim[0] * shape.dim[1] * shape.dim[2]),
                        .valid = true,
                        .oversubscribed = ranks * threads > 2};
    for (sample.rep = 0; sample.rep < 7; sample.rep++) {
        sample.seconds = seconds;
        CU_ASSERT(nf_study_add(study, &sample) == NF_OK);
    }
}

/* "slow" does 1e6 cells of 4 bytes in 10 ms, "fast" in 2 ms, "count" 1e6 indices in 1 ms. */
static void fill_points(nf_study *study)
{
    const nf_shape field = {{1, 1000, 1000}, 2, 1, NF_F32},
                   range = {{1, 1, 1000000}, 1, 1, NF_NONE};
    const double times[] = {10e-3, 2e-3, 1e-3};
    static const char *const names[] = {"slow", "fast", "count"};
    for (int k = 0; k < 3; k++) {
        add_point(study, names[k], k == 2 ? range : field, 1, 1, times[k]);
        add_point(study, names[k], k == 2 ? range : field, 1, 2, times[k] / 2);
        add_point(study, names[k], k == 2 ? range : field, 2, 2, times[k] / 2);
    }
}

static void fill_starts(nf_study *study)
{
    add_start(study, "parallel region", 1, 2, 2e-6);
    add_start(study, "parallel region", 1, 4, 9e-6);
    add_start(study, "process", 1, 1, 0.6e-3);
    nf_cost few = cost(NF_COST_START, "MPI process", 2, 1, 0.4);
    few.low = few.high = 0;
    few.n = 1;
    keep(study, few);
}

static void fill_shares(nf_study *study)
{
    add_share(study, "race", 1, 1, 1e-9, 0);
    add_share(study, "race", 1, 2, 3e-9, 0.48);
    add_share(study, "lock", 1, 1, 20e-9, 0);
    add_share(study, "lock", 1, 2, 85e-9, 0);
    add_share(study, "private", 1, 1, 1e-9, 0);
    add_share(study, "private", 1, 2, 0.5e-9, 0);
    add_share(study, "private", 2, 2, 0.4e-9, 0);
    add_share(study, "fetch and op", 2, 1, 2350e-9, 0);
}

/* One message: 1e6 bytes in 1 ms, 1e8 bytes in 50 ms. */
static void fill_sends(nf_study *study)
{
    add_send(study, "contiguous", 1e6, 1e-3);
    add_send(study, "contiguous", 1e8, 50e-3);
    add_send(study, "packed", 1e8, 80e-3);
    add_send(study, "shared memory, in place", 1e8, 40e-6);
}

static void fill_sizes(nf_study *study)
{
    add_size(study, "slow", 1, 2, 2437, 2012, 3044);
    add_size(study, "slow", 2, 1, 9751, 7003, 0);
    add_size(study, "fast", 1, 2, 0, 1e6, 0);
    add_size(study, "fast", 2, 1, 64, 0, 64);
    add_size(study, "count", 1, 2, 2437, 0, 0);
    study->costs[study->ncosts - 1].unit[0] = 'C'; /* another one, to be shown as it is */
    add_size(study, "count", 2, 1, 0, 5000, 0);
}

static void fill_memory(nf_study *study)
{
    nf_cost one = cost(NF_COST_MEMORY, "input", 8, 1, 20.0 * 1048576);
    one.amount = 160.0 * 1048576;
    keep(study, one);
}

static void fill_all(nf_study *study)
{
    fill_points(study);
    fill_starts(study);
    fill_shares(study);
    fill_sends(study);
    fill_sizes(study);
    fill_memory(study);
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

static bool has(const char *name, const char *part, bool wanted)
{
    char *text = need_text(name);
    bool found = strstr(text, part) != NULL;
    if (found != wanted)
        fprintf(stderr, "%s %s: %s\n", name, found ? "has" : "lacks", part);
    free(text);
    return found;
}

static bool holds(const char *name, const char *part)
{
    return has(name, part, true);
}

static bool lacks(const char *name, const char *part)
{
    return !has(name, part, false);
}

static void write_study(const nf_study *study)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s/*", folder);
    CU_ASSERT(system(command) == 0);
    CU_ASSERT(nf_report_write(study, folder, 0) == NF_OK);
}

static void write_report(void (*fill)(nf_study *))
{
    nf_study study = {0};
    fill(&study);
    write_study(&study);
    nf_study_free(&study);
}

/* What the programs print at the end; the caller frees it. */
static char *terminal(void (*fill)(nf_study *))
{
    nf_study study = {0};
    char *text = NULL;
    size_t length = 0;
    fill(&study);
    FILE *out = open_memstream(&text, &length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    nf_report_table(&study, out);
    fclose(out);
    nf_study_free(&study);
    return text;
}

static size_t width(const char *line, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)line[i] & 0xc0) != 0x80;
    return n;
}

static void check_width(const char *text)
{
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        CU_ASSERT(width(line, strcspn(line, "\n")) <= 100);
}

/* ---- records put together ---- */

static nf_costing *costings(const nf_study *study, size_t wanted)
{
    nf_costing *list = NULL;
    size_t n = 0;
    CU_ASSERT_FATAL(nf_costings(study, &list, &n) == NF_OK);
    CU_ASSERT_FATAL(n == wanted);
    return list;
}

static void test_merged(void)
{
    static const struct {
        double value, low, high, lost, amount;
        int n;
    } records[] = {{5e-9, 4e-9, 6e-9, 0.3, 100, 10},
                   {7e-9, 6.5e-9, 9e-9, 0.5, 300, 20},
                   {6e-9, 0, 0, 0.1, 200, 2}};
    nf_study study = {0};
    for (size_t i = 0; i < 3; i++) {
        nf_cost one = cost(NF_COST_SHARE, "race", 1, 2, records[i].value);
        one.low = records[i].low;
        one.high = records[i].high;
        one.lost = records[i].lost;
        one.amount = records[i].amount;
        one.n = records[i].n;
        keep(&study, one);
    }
    nf_costing *list = costings(&study, 1);
    CU_ASSERT(list[0].value == 6e-9 && list[0].records == 3 && list[0].n == 32);
    CU_ASSERT(list[0].interval.known && list[0].interval.low == 4e-9);
    CU_ASSERT(list[0].interval.high == 9e-9);
    CU_ASSERT(list[0].lost == 0.3 && list[0].amount == 300 && list[0].valid);
    free(list);
    study.costs[1].valid = false;
    list = costings(&study, 1);
    CU_ASSERT(!list[0].valid && !nf_costing_counts(&list[0]));
    free(list);
    nf_study_free(&study);
}

/* What differs in a name, a layout, the nodes, the kernel, or the bytes sent, is another cost. */
static void test_apart(void)
{
    nf_study study = {0};
    add_send(&study, "contiguous", 2e6, 1e-3);
    add_send(&study, "contiguous", 1e6, 1e-3);
    add_send(&study, "packed", 1e6, 1e-3);
    add_start(&study, "process", 1, 1, 1e-3);
    add_start(&study, "process", 2, 1, 1e-3);
    nf_cost far = cost(NF_COST_START, "process", 2, 1, 1e-3);
    far.nodes = 2;
    keep(&study, far);
    add_size(&study, "a", 1, 2, 100, 90, 110);
    add_size(&study, "b", 1, 2, 100, 90, 110);
    nf_costing *list = costings(&study, 8);
    CU_ASSERT(list[0].of->kind == NF_COST_START && list[2].of->nodes == 2);
    CU_ASSERT(list[3].amount == 1e6 && list[4].amount == 2e6);
    CU_ASSERT_STRING_EQUAL(list[5].of->what, "packed");
    CU_ASSERT_STRING_EQUAL(list[7].of->kernel, "b");
    free(list);
    nf_study_free(&study);
}

/* Never faster is beyond any size, an end of 0 beyond those tried. */
static void test_merged_sizes(void)
{
    nf_study study = {0};
    add_size(&study, "a", 1, 2, 300, 200, 400);
    add_size(&study, "a", 1, 2, 0, 1e6, 0);
    add_size(&study, "a", 1, 2, 500, 350, 0);
    add_size(&study, "b", 1, 2, 300, 200, 400);
    add_size(&study, "b", 1, 2, 64, 0, 64);
    add_size(&study, "c", 1, 2, 0, 1e6, 0);
    add_size(&study, "d", 1, 2, 300, 200, 400);
    add_size(&study, "d", 1, 2, 300, 0, 0);
    nf_costing *list = costings(&study, 4);
    CU_ASSERT(list[0].value == 500 && list[0].interval.low == 200);
    CU_ASSERT(isinf(list[0].interval.high));
    CU_ASSERT(list[1].value == 182 && list[1].interval.low == 0 && list[1].interval.high == 400);
    CU_ASSERT(isinf(list[2].value) && list[2].interval.known && list[2].interval.low == 1e6);
    CU_ASSERT(list[3].value == 300 && !list[3].interval.known);
    free(list);
    nf_study_free(&study);
}

static void test_deciding(void)
{
    nf_study study = {0};
    fill_points(&study);
    fill_shares(&study);
    fill_sends(&study);
    fill_memory(&study);
    add_share(&study, "lock", 2, 1, 90e-9, 0);
    nf_costing *list = costings(&study, 14);
    CU_ASSERT(nf_costing_find(list, 14, NF_COST_SHARE, "private")->value == 0.5e-9);
    CU_ASSERT(nf_costing_find(list, 14, NF_COST_SEND, "contiguous")->amount == 1e8);
    CU_ASSERT_PTR_NULL(nf_costing_find(list, 14, NF_COST_SEND, "lock"));
    for (size_t i = 0; i < 14; i++) /* no memory is oversubscribed */
        CU_ASSERT(list[i].oversubscribed == (list[i].of->ranks * list[i].of->threads == 4));
    const nf_costing *lock = nf_costing_find(list, 14, NF_COST_SHARE, "lock");
    CU_ASSERT(lock->of->threads == 2);
    CU_ASSERT(nf_costing_alone(list, 14, lock)->value == 20e-9);
    const nf_costing *op = nf_costing_find(list, 14, NF_COST_SHARE, "fetch and op");
    CU_ASSERT_PTR_NULL(nf_costing_alone(list, 14, op));
    free(list);
    nf_study_free(&study);
}

/* A kernel that waits is not oversubscribed by 8 threads on 4 cores, nor does it tell of work: a cost is. */
static void fill_waiting(nf_study *study)
{
    const nf_shape field = {{1, 1000, 1000}, 2, 1, NF_F32}, files = {{1, 1, 1000}, 1, 1, NF_NONE};
    add_point(study, "slow", field, 1, 1, 10e-3);
    add_point(study, "files", files, 1, 1, 1);
    add_point(study, "files", files, 1, 8, 0.2);
    for (size_t i = 0; i < study->nsamples; i++) {
        study->samples[i].cores = 4;
        study->samples[i].waits = strcmp(study->samples[i].kernel, "files") == 0;
        study->samples[i].oversubscribed = false;
    }
    add_start(study, "parallel region", 1, 4, 3e-6);
    add_start(study, "parallel region", 1, 5, 4e-6);
}

static void test_waiting(void)
{
    write_report(fill_waiting);
    CU_ASSERT(holds("report.md", "| 1\u00d74 | 100 | 3.000 \u00b5s | 2.940 to 3.090 | 300 cells | "
                                 "valid |"));
    CU_ASSERT(holds("report.md", "| 1\u00d75 | 100 | 4.000 \u00b5s | 3.920 to 4.120 | 400 cells | "
                                 "oversubscribed |"));
}

/* ---- tables ---- */

static void test_start(void)
{
    write_report(fill_all);
    /* 2 us of 10 ms for 1e6 cells: 200 cells; of 1 ms: 2,000. */
    CU_ASSERT(holds("report.md", "| parallel region | 1\u00d72 | 100 | 2.000 \u00b5s | 1.960 to "
                                 "2.060 | 200 cells to 2,000 indices | valid |"));
    CU_ASSERT(holds("report.md", "| parallel region | 1\u00d74 | 100 | 9.000 \u00b5s | 8.820 to "
                                 "9.270 | 900 cells to 9,000 indices | oversubscribed |"));
    CU_ASSERT(holds("report.md", "| process | 1\u00d71 | 100 | 600.0 \u00b5s |"));
    CU_ASSERT(holds("report.md", "| MPI process | 2\u00d71 | 1 | 400.0 ms | n&lt;6 |"));
    CU_ASSERT(holds("report.html", "<tr class=\"over\"><td>parallel region</td><td class=\"n\">"
                                   "1\u00d74</td><td class=\"n\">100</td><td class=\"n\">9.000 "
                                   "\u00b5s</td>"));
}

static void test_share(void)
{
    write_report(fill_all);
    CU_ASSERT(holds("report.md", "| How the counter is shared | 1\u00d71 | 1\u00d72 | 2\u00d71 | "
                                 "2\u00d72 (oversubscribed) |\n|:---|---:|---:|---:|---:|\n"));
    CU_ASSERT(
        holds("report.md", "\n| race | 1.00 ns | 3.00 ns, 3 times, 48% lost | \u2013 | \u2013 |"));
    CU_ASSERT(holds("report.md", "\n| lock | 20.0 ns | 85.0 ns, 4.2 times | \u2013 | \u2013 |"));
    CU_ASSERT(holds("report.md",
                    "\n| private | 1.00 ns | 0.50 ns, 0.5 times | \u2013 | 0.40 ns, 0.4 times |"));
    CU_ASSERT(holds("report.md", "\n| fetch and op | \u2013 | \u2013 | 2.35 \u00b5s | \u2013 |"));
    CU_ASSERT(holds("report.html", "<td class=\"n\">3.00 ns, 3 times, 48% lost</td>"));
}

/* 4e6 bytes go at the rate of 1e6 bytes, which is nearer than 1e8: 4 ms. By packing, 3.2 ms; read in place, the
 * 40 us that it takes for any bytes. */
static void test_send(void)
{
    write_report(fill_all);
    CU_ASSERT(holds("report.md", "| contiguous | 2\u00d71 | 977 KiB | 100 | 1.000 ms | 0.980 to "
                                 "1.030 | 1 | valid |"));
    CU_ASSERT(holds("report.md", "| packed | 2\u00d71 | 95.4 MiB | 100 | 80.00 ms | 78.40 to 82.40 "
                                 "| 1.25 | valid |"));
    CU_ASSERT(holds("report.md",
                    "| shared memory, in place | 2\u00d71 | 95.4 MiB | 100 | 40.00 \u00b5s "
                    "| 39.20 to 41.20 | \u2013 | valid |"));
    CU_ASSERT(holds("report.md", "| Kernel | Size | Input | Serial time | contiguous | packed | "
                                 "shared memory, in place |"));
    CU_ASSERT(holds("report.md", "| slow | 1000x1000 f32 | 3.81 MiB | 10.0 ms | 40% | 32% | "
                                 "0.4% |"));
    CU_ASSERT(holds("report.md", "| fast | 1000x1000 f32 | 3.81 MiB | 2.00 ms | 200% | 160% | "
                                 "2.0% |"));
    CU_ASSERT(lacks("report.md", "| count | n=1e6 | 0 B"));
}

static void test_sizes(void)
{
    write_report(fill_all);
    CU_ASSERT(holds("report.md", "| slow | threads | 1\u00d72 | 100 | 2,440 cells | 2,010 to 3,040 "
                                 "| 1,000,000 | valid |"));
    CU_ASSERT(holds("report.md", "| slow | ranks | 2\u00d71 | 100 | 9,750 cells | over 7,000 |"));
    CU_ASSERT(holds("report.md", "| fast | threads | 1\u00d72 | 100 | none: serial wins at every "
                                 "size tried (up to 1,000,000 cells) | over 1,000,000 |"));
    CU_ASSERT(holds("report.md", "| fast | ranks | 2\u00d71 | 100 | 64 cells at most: serial is "
                                 "shown to win at no size | up to 64 |"));
    CU_ASSERT(holds("report.md", "| count | threads | 1\u00d72 | 100 | 2,440 Cells | not shown |"));
    CU_ASSERT(holds("report.md", "| count | ranks | 2\u00d71 | 100 | none found up to 1,000,000 "
                                 "cells | over 5,000 |"));
}

static void fill_open_sizes(nf_study *study)
{
    fill_points(study);
    add_size(study, "slow", 1, 2, 300, 0, 400);
    add_size(study, "fast", 1, 2, 10, 0, 0);
}

/* Where either end is open, the size is more than a bound; what is not shown goes into no sentence. */
static void test_open_sizes(void)
{
    write_report(fill_open_sizes);
    CU_ASSERT(holds("report.md", "| slow | threads | 1\u00d72 | 100 | 300 cells | up to 400 |"));
    CU_ASSERT(holds("report.md", "| fast | threads | 1\u00d72 | 100 | 10 cells | not shown |"));
    CU_ASSERT(holds("report.md", "With 2 threads it is 300 cells (slow).\n"));
    CU_ASSERT(lacks("report.md", "One worker is faster for"));
}

static void test_memory(void)
{
    write_report(fill_all);
    CU_ASSERT(
        holds("report.md", "| input | 8\u00d71 | 20 MiB | 160 MiB | 140 MiB | 88% | valid |"));
    CU_ASSERT(holds("report.md", "The input is held once a node, not once a rank: 20 MiB instead "
                                 "of 160 MiB with 8 ranks. The 140 MiB saved (88%)"));
}

/* ---- costs.csv ---- */

static void test_csv(void)
{
    write_report(fill_all);
    CU_ASSERT(holds("costs.csv", "kind,what,label,kernel,unit,nodes,ranks,threads,workers,amount,"
                                 "n,launches,value,low,high,lost,valid,oversubscribed,counts\r\n"));
    CU_ASSERT(holds("costs.csv", "\nstart,\"parallel region\",\"\",\"\",\"s\",1,1,4,4,0,100,1,"
                                 "9e-06,8.82e-06,9.27e-06,,1,1,0\r\n"));
    CU_ASSERT(holds("costs.csv", "\nstart,\"MPI process\",\"\",\"\",\"s\",1,2,1,2,0,1,1,0.4,,,,1,0,"
                                 "1\r\n"));
    CU_ASSERT(holds("costs.csv", "\nshare,\"race\",\"\",\"\",\"s\",1,1,2,2,1000000,100,1,3e-09,"
                                 "2.94e-09,3.09e-09,0.48,1,0,1\r\n"));
    CU_ASSERT(holds("costs.csv", "\nbreak-even,\"ranks\",\"slow\",\"slow\",\"cells\",1,2,1,2,"
                                 "1000000,100,1,9751,7003,inf,,1,0,1\r\n"));
    CU_ASSERT(
        holds("costs.csv", "\"fast\",\"cells\",1,1,2,2,1000000,100,1,inf,1000000,inf,,1,0,1\r\n"));
    CU_ASSERT(holds("costs.csv", "\"fast\",\"cells\",1,2,1,2,1000000,100,1,64,0,64,,1,0,1\r\n"));
    CU_ASSERT(holds("costs.csv", "\nmemory,\"input\",\"\",\"\",\"B\",1,8,1,8,167772160,100,1,"
                                 "20971520,"));
}

/* ---- sentences ---- */

static void test_start_words(void)
{
    write_report(fill_all);
    CU_ASSERT(holds("report.md", "Starting a team of 2 threads takes 2.0 \u00b5s, a process 600 "
                                 "\u00b5s and an MPI process (2 ranks) 400 ms. "));
    /* T/2 + 2 us < T from 4 us on. 0.4 s / 2 us. */
    CU_ASSERT(holds("report.md", "in less than 4.0 \u00b5s is done before a team of 2 threads "
                                 "could help, and only from 40 \u00b5s on"));
    CU_ASSERT(holds("report.md", "(2 ranks) costs as much as 200,000 such starts"));
}

static void fill_team(nf_study *study)
{
    const nf_shape field = {{1, 1000, 1000}, 2, 1, NF_F32};
    add_point(study, "slow", field, 1, 1, 10e-3);
    add_start(study, "parallel region", 1, 4, 3e-6);
}

/* T/4 + 3 us < T from 4 us on. */
static void test_team_words(void)
{
    write_report(fill_team);
    CU_ASSERT(holds("report.md",
                    "Starting a team of 4 threads takes 3.0 \u00b5s. A loop that one "
                    "worker does in less than 4.0 \u00b5s is done before a team of 4 threads "
                    "could help, and only from 40 \u00b5s on"));
    CU_ASSERT(holds("report.md", "| 300 cells | valid |"));
}

static void fill_others(nf_study *study)
{
    fill_points(study);
    add_start(study, "green thread", 1, 2, 3e-6);
    add_share(study, "ticket", 1, 2, 9e-9, 0);
    add_share(study, "atomic", 1, 2, 7e-9, 0);
    add_share(study, "atomic", 1, 1, 3.5e-9, 0);
    add_share(study, "ticket", 1, 1, 20e-9, 0);
    add_share(study, "race", 1, 2, 2e-9, 0);
    add_send(study, "pigeon", 1e6, 2e-3);
    nf_cost far = cost(NF_COST_SEND, "pigeon", 2, 1, 4e-3);
    far.amount = 1e6;
    far.nodes = 2;
    keep(study, far);
}

/* Names that no rule knows are shown as they are; those of kinds that were not measured are not. */
static void test_other_names(void)
{
    write_report(fill_others);
    CU_ASSERT(holds("report.md", "Starting \"green thread\" takes 3.0 \u00b5s.\n"));
    CU_ASSERT(holds("report.md", "| green thread | 1\u00d72 | 100 | 3.000 \u00b5s |"));
    CU_ASSERT(holds("report.md",
                    "an increment takes 7.00 ns as an atomic and 9.00 ns by \"ticket\", 1.3 "
                    "times as much as the first. The cheapest way that loses nothing "
                    "is here as an atomic; more workers make one increment as an "
                    "atomic slower, not faster: 2 times what it takes one worker "
                    "alone; without synchronisation 2 threads lost none here, by "
                    "luck."));
    CU_ASSERT(holds("report.md", "Sent by \"pigeon\", 977 KiB take 2.00 ms (0.5 GB/s), between 2 "
                                 "nodes 4.00 ms (0.25 GB/s). "));
    CU_ASSERT(holds("report.md", "| Serial time | pigeon | pigeon, 2 nodes |"));
    CU_ASSERT(holds("report.md", "| 10.0 ms | 80% | 160% |"));
    CU_ASSERT(lacks("report.md", "### Break-even") && lacks("report.md", "### Memory"));
    CU_ASSERT(lacks("report.html", "Break-even</h3>"));
}

static void test_words(void)
{
    write_report(fill_all);
    CU_ASSERT(holds("report.md",
                    "With 2 threads that add to one counter an increment takes 0.50 ns "
                    "in a private partial and 85.0 ns behind a lock, 170 times as much "
                    "as the first. With 2 ranks that add to one counter an increment "
                    "takes 2.35 \u00b5s by a fetch and op through MPI. So let each worker"));
    CU_ASSERT(holds("report.md", "more workers make one increment behind a lock slower, not "
                                 "faster: 4.2 times what it takes one worker alone; without "
                                 "synchronisation 2 threads lost 48% of the increments."));
    CU_ASSERT(holds("report.md", "Sent as one message, 95.4 MiB take 50.0 ms (2 GB/s). Where the "
                                 "cells lie apart, it takes 80.0 ms packed by hand; ranks of one "
                                 "node need no message: 40.0 \u00b5s in place"));
    CU_ASSERT(
        holds("report.md", "Sent as one message it is 40% for slow to 200% for fast: over 50%"));
    CU_ASSERT(holds("report.md",
                    "With 2 threads it is 2,440 cells (slow), and none was found for "
                    "fast; with 2 ranks it is at most 64 cells (fast) to 9,750 cells (slow), and "
                    "none was found for count."));
    CU_ASSERT(holds("report.html", "none was found for fast; with 2"));
}

static void test_conclusions(void)
{
    write_report(fill_all);
    CU_ASSERT(holds("report.md", "One worker is faster for slow below 2,440 cells (2,010 to 3,040) "
                                 "than 2 threads, below 9,750 cells (at least 7,000) than 2 ranks; "
                                 "for fast at every size tried, up to 1,000,000 cells, than 2 "
                                 "threads; for count below 5,000 cells at least than 2 ranks. "));
}

/* ---- what is uncertain ---- */

/* Of few samples there is no interval: low and high are 0. */
static void add_unsure(nf_study *study, nf_cost one, double low, double high)
{
    one.low = low;
    one.high = high;
    one.n = high > 0 ? 100 : 3;
    keep(study, one);
}

static void fill_unsure(nf_study *study)
{
    fill_points(study);
    add_start(study, "process", 1, 1, 0.6e-3);
    add_unsure(study, cost(NF_COST_START, "barrier of ranks", 2, 1, 171e-6), 3.3e-6, 40.375e-3);
    add_unsure(study, cost(NF_COST_START, "parallel region", 1, 2, 2e-6), 0, 0);
    add_unsure(study, cost(NF_COST_SHARE, "lock", 1, 1, 50e-9), 11e-9, 89e-9);
    add_unsure(study, cost(NF_COST_SHARE, "lock", 1, 2, 60e-9), 20e-9, 269e-9);
    add_unsure(study, cost(NF_COST_SHARE, "private", 1, 2, 18e-9), 17e-9, 19e-9);
    add_unsure(study, cost(NF_COST_SHARE, "race", 1, 2, 2e-9), 0, 0);
    nf_cost message = cost(NF_COST_SEND, "contiguous", 2, 1, 1e-3), packed = message;
    message.amount = packed.amount = 1e6;
    packed.what = own("packed");
    add_unsure(study, message, 0.4e-3, 0.9e-3);
    add_unsure(study, packed, 0.7e-3, 1.2e-3);
}

/* Numbers of a wide interval, or of none, are told with it, and nothing is concluded from them. */
static void test_unsure(void)
{
    write_report(fill_unsure);
    CU_ASSERT(holds("report.md",
                    "Starting a process takes 600 \u00b5s, a team of 2 threads 2.0 \u00b5s "
                    "(uncertain: 3 samples) and a barrier of 2 ranks 171 \u00b5s (uncertain: 3.3 "
                    "\u00b5s to 40 ms).\n"));
    CU_ASSERT(lacks("report.md", "A loop that one worker") && lacks("report.md", "such starts"));
    CU_ASSERT(holds("report.md", "takes 18.0 ns in a private partial and 60.0 ns (uncertain: 20.0 "
                                 "ns to 269 ns) behind a lock. So let each worker count"));
    CU_ASSERT(lacks("report.md", "slower, not faster") && lacks("report.md", "as much as"));
    CU_ASSERT(holds("report.md", "\n| lock | 50.0 ns (uncertain: 11.0 ns to 89.0 ns) | 60.0 ns "
                                 "(uncertain: 20.0 ns to 269 ns) |"));
    CU_ASSERT(holds("report.md", "\n| race | \u2013 | 2.00 ns (uncertain: 3 samples) |"));
    CU_ASSERT(holds("report.md", "977 KiB take 1.00 ms (uncertain: 400 \u00b5s to 900 \u00b5s). "
                                 "Where the cells lie apart, it takes 1.00 ms packed by hand."));
    CU_ASSERT(holds("report.md", "| 40% (uncertain) | 40% |"));
    CU_ASSERT(holds("report.md", "40% for slow to 200% for fast, of times that are too uncertain "
                                 "to conclude from.\n"));
    char *text = terminal(fill_unsure);
    CU_ASSERT(strstr(text, "lock 60.0 ns (uncertain: 20.0 ns to 269 ns)") != NULL);
    CU_ASSERT(strstr(text, "parallel region 1\u00d72 2.00 \u00b5s (uncertain: 3 samples)") != NULL);
    check_width(text);
    free(text);
}

/* An interval of exactly a factor of 2 is firm; touching intervals are not apart. */
static void fill_close(nf_study *study)
{
    fill_points(study);
    add_unsure(study, cost(NF_COST_SHARE, "atomic", 1, 1, 15e-9), 10e-9, 20e-9);
    add_unsure(study, cost(NF_COST_SHARE, "atomic", 1, 2, 30e-9), 20e-9, 40e-9);
    add_unsure(study, cost(NF_COST_SHARE, "lock", 1, 2, 50e-9), 40e-9, 80e-9);
}

static void test_close(void)
{
    write_report(fill_close);
    CU_ASSERT(holds("report.md", "takes 30.0 ns as an atomic and 50.0 ns behind a lock. Which way "
                                 "is cheapest is not shown here.\n"));
    CU_ASSERT(holds("report.md", "\n| atomic | 15.0 ns | 30.0 ns |"));
}

/* ---- starting, once more ---- */

static void fill_first(nf_study *study)
{
    fill_points(study);
    add_start(study, "first parallel region", 1, 2, 16e-6);
    add_start(study, "parallel region", 1, 2, 44e-6);
    CU_ASSERT(nf_study_fact(study, "OMP_WAIT_POLICY", "passive") == NF_OK);
}

static void fill_dear_first(nf_study *study)
{
    fill_points(study);
    add_start(study, "first parallel region", 1, 2, 60e-6);
    add_start(study, "parallel region", 1, 2, 44e-6);
    CU_ASSERT(nf_study_fact(study, "OMP_WAIT_POLICY", "active") == NF_OK);
}

/* Threads that have to be made do not take less than those that are there. */
static void test_first(void)
{
    write_report(fill_first);
    CU_ASSERT(holds("report.html", "Starting a team of 2 threads takes 44 \u00b5s. Threads sleep "
                                   "between regions here (OMP_WAIT_POLICY=passive) and are woken"));
    CU_ASSERT(lacks("report.md", "threads must be made"));
    CU_ASSERT(holds("report.md", "| first parallel region | 1\u00d72 | 100 | 16.00 \u00b5s |"));
    char *text = terminal(fill_first);
    CU_ASSERT(strstr(text, "first parallel region") == NULL);
    free(text);
    write_report(fill_dear_first);
    CU_ASSERT(holds("report.md",
                    "44 \u00b5s and a first team, whose threads must be made and bound, 60 "
                    "\u00b5s. A loop"));
    CU_ASSERT(lacks("report.md", "Threads sleep"));
}

static void fill_one_core(nf_study *study)
{
    fill_points(study);
    add_start(study, "process", 1, 1, 0.6e-3);
    add_share(study, "lock", 1, 1, 20e-9, 0);
    add_share(study, "private", 1, 1, 1e-9, 0);
}

static void test_one_core(void)
{
    write_report(fill_one_core);
    CU_ASSERT(holds("report.md", "Starting a process takes 600 \u00b5s.\n"));
    CU_ASSERT(lacks("report.md", "before others could help"));
    CU_ASSERT(holds("report.md", "One worker alone has added to the counter"));
    CU_ASSERT(lacks("report.md", "counter counts"));
}

static void fill_long(nf_study *study)
{
    char name[32];
    fill_points(study);
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "%.*s", 3 + i, "a-name-of-some-length");
        add_start(study, name, 1, 1, 1e-3);
    }
}

static void test_long_lines(void)
{
    char *text = terminal(fill_long);
    check_width(text);
    CU_ASSERT(strstr(text, "a-name-of-some 1\u00d71 1.00 ms\n") != NULL);
    free(text);
}

static void test_terminal(void)
{
    static const char *const parts[] = {
        "what sharing out costs\n",
        "\n  start       parallel region 1\u00d72 2.00 \u00b5s; process 1\u00d71 600 \u00b5s; MPI "
        "process 2\u00d71 400 ms\n",
        "\n  share       1\u00d72: private 0.50 ns; lock 85.0 ns; race 3.00 ns, 48% lost\n",
        "\n  share       2\u00d71: fetch and op 2.35 \u00b5s\n",
        "\n  send        95.4 MiB: contiguous 50.0 ms (2 GB/s); packed 80.0 ms (1.25 GB/s); shared "
        "memory, in\n              place 40.0 \u00b5s\n",
        "\n  break-even  slow: 2 threads from 2,440 cells on; 2 ranks from 9,750 cells on\n"
        "              fast: 2 threads not up to 1,000,000 cells; 2 ranks from 64 cells on\n"
        "              count: 2 threads from 2,440 Cells on (not shown); 2 ranks not up to "
        "1,000,000 cells\n",
        "\n  memory      input: 20 MiB held instead of 160 MiB\n"};
    char *text = terminal(fill_all);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        bool found = strstr(text, parts[i]) != NULL;
        CU_ASSERT(found);
        if (!found)
            fprintf(stderr, "the terminal lacks: %s", parts[i]);
    }
    check_width(text);
    free(text);
}

/* ---- what does not count, and what is not there ---- */

static void fill_invalid(nf_study *study)
{
    fill_points(study);
    fill_shares(study);
    fill_starts(study);
    fill_sizes(study);
    for (size_t i = 0; i < study->ncosts; i++)
        study->costs[i].valid = false;
}

static void test_invalid(void)
{
    write_report(fill_invalid);
    CU_ASSERT(holds("report.md", "| lock | INVALID | INVALID | \u2013 | \u2013 |"));
    CU_ASSERT(holds("report.html", "<tr class=\"invalid\"><td>process</td>"));
    CU_ASSERT(holds("report.md", "Nothing that was started counts."));
    CU_ASSERT(holds("report.md", "No way by which several workers add to one counter counts."));
    CU_ASSERT(lacks("report.md", "One worker is faster for"));
    char *text = terminal(fill_invalid);
    CU_ASSERT(strstr(text, "  start") == NULL && strstr(text, "  break-even") == NULL);
    free(text);
}

/* Into a folder whose earlier report had costs. */
static void test_none(void)
{
    nf_study study = {0};
    write_report(fill_all);
    fill_points(&study);
    CU_ASSERT(nf_report_write(&study, folder, 0) == NF_OK);
    nf_study_free(&study);
    char path[256], *text = terminal(fill_points);
    snprintf(path, sizeof path, "%s/costs.csv", folder);
    CU_ASSERT(access(path, F_OK) != 0);
    CU_ASSERT(lacks("report.md", "sharing out") && lacks("report.html", "sharing out"));
    CU_ASSERT(lacks("report.html", "costs.csv"));
    CU_ASSERT(strstr(text, "sharing out") == NULL);
    free(text);
}

/* ---- text ---- */

static void fill_odd(nf_study *study)
{
    fill_points(study);
    add_size(study, "a|b<c>\"&", 1, 2, 100, 90, 110);
    add_send(study, "by <hand> | twice", 1e6, 1e-3);
    add_start(study, "_start_\"x\"", 1, 1, 1e-3);
}

static void test_escapes(void)
{
    write_report(fill_odd);
    CU_ASSERT(holds("report.md", "| a\\|b&lt;c>\"&amp; | threads |"));
    CU_ASSERT(holds("report.md", "With 2 threads it is 100 cells (a\\|b&lt;c>\"&amp;)."));
    CU_ASSERT(holds("report.md", "| Serial time | by &lt;hand> \\| twice |\n"));
    CU_ASSERT(holds("report.html", "<td>a|b&lt;c&gt;&quot;&amp;</td>"));
    CU_ASSERT(holds("report.html", "<th scope=\"col\" class=\"n\">by &lt;hand&gt; | twice</th>"));
    CU_ASSERT(holds("report.html", "(a|b&lt;c&gt;&quot;&amp;).</p>"));
    CU_ASSERT(lacks("report.html", "<hand>"));
    CU_ASSERT(holds("costs.csv", "start,\"_start_\"\"x\"\"\","));
}

/* ---- several files ---- */

static void write_records(const char *path, double value)
{
    nf_study study = {0};
    fill_points(&study);
    add_start(&study, "process", 1, 1, value);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(nf_record_write(file, path, &study) == NF_OK);
    fclose(file);
    nf_study_free(&study);
}

/* 1, 2 and 4 ms: the median is the second's, the interval goes from the first's to the third's. */
static void test_several(void)
{
    char a[64], b[64], c[64];
    char *const paths[] = {a, b, c};
    nf_study study = {0};
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof a, "%s-%d.jsonl", folder, i);
        write_records(paths[i], 1e-3 * (1 << i));
    }
    CU_ASSERT(nf_record_read_all(paths, 3, &study) == NF_OK);
    write_study(&study);
    CU_ASSERT(holds("report.md", "| process | 1\u00d71 | 300 of 3 launches | 2.000 ms | 0.980 to "
                                 "4.120 |"));
    CU_ASSERT(holds("costs.csv", ",300,3,0.002,0.00098,0.00412,"));
    nf_study_free(&study);
    for (int i = 0; i < 3; i++)
        CU_ASSERT(unlink(paths[i]) == 0);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"records of one cost", test_merged},
        {"costs that differ", test_apart},
        {"break-even sizes put together", test_merged_sizes},
        {"those that decide", test_deciding},
        {"beside a kernel that waits", test_waiting},
        {"starting", test_start},
        {"sharing", test_share},
        {"sending", test_send},
        {"break-even", test_sizes},
        {"break-even sizes with open ends", test_open_sizes},
        {"memory", test_memory},
        {"costs.csv", test_csv},
        {"sentences on starting", test_start_words},
        {"sentences on a team", test_team_words},
        {"sentences", test_words},
        {"other names", test_other_names},
        {"what is uncertain", test_unsure},
        {"intervals that touch", test_close},
        {"first regions", test_first},
        {"one core", test_one_core},
        {"conclusions", test_conclusions},
        {"the terminal", test_terminal},
        {"long lines of the terminal", test_long_lines},
        {"what does not count", test_invalid},
        {"a study without costs", test_none},
        {"text stays text", test_escapes},
        {"several files", test_several},
        CU_TEST_INFO_NULL,
    };
    char command[128];
    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    int result = nf_suite_run("report_costs", tests, 0);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? result : EXIT_FAILURE;
}
