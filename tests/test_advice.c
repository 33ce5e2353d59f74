/* Advice on made-up machines: which choice is taken, with which reasons; and what is kept of a machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/engine/cost.h"
#include "drivers/study/advice.h"
#include "drivers/threads.h"
#include "io/calibration.h"
#include "tests/suite.h"

/* ---- made-up machines and work ---- */

static nf_calibration machine_of(int cores)
{
    nf_calibration m = nf_calibration_nominal(cores);
    m.measured = true;
    return m;
}

static nf_limits limits_of(int cores)
{
    return (nf_limits){.there = cores,
                       .processors = cores,
                       .cores = cores,
                       .quota = INFINITY,
                       .nodes = 1,
                       .memory = 0x1p34,
                       .launcher = true};
}

/* A run of `seconds` of serial work that so many workers can share; a team costs `team` a run, ranks
 * `message`. */
typedef struct model {
    double seconds, most, team, message;
} model;

static nf_workload work_of(const nf_limits *l, model m)
{
    nf_workload w = {.unit = "cells", .amount = 1e6, .bytes = 2e6, .moved = 0, .sample = 1};
    w.ways = nf_advice_ways(l->cores, l->launcher, w.way);
    for (size_t i = 0; i < w.ways; i++) {
        nf_way_times *t = &w.way[i];
        t->fixed = (t->threads > 1 ? m.team : 0) + (t->ranks > 1 ? m.message : 0);
        t->whole = t->fixed + m.seconds / fmin(t->ranks * t->threads, m.most);
    }
    return w;
}

static nf_advice advice;

static const nf_choice *chosen(const nf_calibration *m, const nf_limits *l, const nf_workload *w)
{
    nf_advise(m, l, w, &advice);
    return &advice.choices[advice.chosen];
}

static bool is(const nf_choice *c, int nodes, int ranks, int threads)
{
    return c->nodes == nodes && c->ranks == ranks && c->threads == threads;
}

/* The text of a turn; "": it was not taken. */
static const char *turn(const char *name)
{
    for (size_t i = 0; i < advice.nturns; i++)
        if (strcmp(advice.turns[i].name, name) == 0)
            return advice.turns[i].text;
    return "";
}

static bool says(const char *name, const char *words)
{
    return strstr(turn(name), words) != NULL;
}

/* ---- ways ---- */

static bool has(const nf_way_times *w, size_t n, int ranks, int threads)
{
    for (size_t i = 0; i < n; i++)
        if (w[i].ranks == ranks && w[i].threads == threads)
            return true;
    return false;
}

static void test_ways(void)
{
    nf_way_times w[NF_ADVICE_WAYS];
    CU_ASSERT(nf_advice_ways(1, true, w) == 1);
    CU_ASSERT(nf_advice_ways(2, true, w) == 3);
    CU_ASSERT(nf_advice_ways(2, false, w) == 2);
    size_t n = nf_advice_ways(6, true, w);
    CU_ASSERT(w[0].ranks == 1 && w[0].threads == 1);
    CU_ASSERT(has(w, n, 1, 6) && has(w, n, 6, 1) && has(w, n, 2, 3) && has(w, n, 1, 4));
    n = nf_advice_ways(192, true, w);
    CU_ASSERT(n < NF_ADVICE_WAYS && has(w, n, 1, 192) && has(w, n, 192, 1) && has(w, n, 64, 3));
    for (int cores = 1; cores < 300; cores++) {
        n = nf_advice_ways(cores, true, w);
        for (size_t i = 0; i < n; i++)
            CU_ASSERT(w[i].ranks * w[i].threads <= cores && !has(w, i, w[i].ranks, w[i].threads));
    }
}

/* ---- one node ---- */

static void test_two_cores(void)
{
    nf_calibration m = machine_of(2);
    nf_limits l = limits_of(2);
    nf_workload w = work_of(&l, (model){1e-2, 2, 2e-6, 2e-6});
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 2));
    CU_ASSERT(advice.count == 3 && says("ranks", "2 ranks gain nothing over threads"));
    const nf_choice *c = &advice.choices[1];
    CU_ASSERT(fabs(c->speedup - 1e-2 / (5e-3 + 2e-6)) < 1e-9);
    CU_ASSERT(fabs(c->efficiency - c->speedup / 2) < 1e-12);
    CU_ASSERT(strstr(advice.sentence, "2 threads") != NULL);
    w = work_of(&l, (model){1e-2, 2, 2e-3, 2e-6}); /* teams are slow: ranks */
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 2, 1) && says("ranks", "gain over"));
    w = work_of(&l, (model){1e-2, 2, 2e-6, 2e-3});
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 2) && says("ranks", "lose to"));
}

/* Memory that eight cores saturate: no more are taken. */
static void test_saturation(void)
{
    nf_calibration m = machine_of(64);
    nf_limits l = limits_of(64);
    for (size_t i = 0; i < m.steps; i++)
        m.read[i] = 2e10 * fmin(m.workers[i], 8);
    nf_workload w = work_of(&l, (model){0.1, 8, 1e-5, 1e-5});
    w.moved = 0.1 * 2e10;
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 8));
    CU_ASSERT(says("bound", "memory-bound") && says("bound", "read 8.00 times as fast"));
    w.moved = 0.1 * 2e9;
    chosen(&m, &l, &w);
    CU_ASSERT(says("bound", "arithmetic"));
    w = work_of(&l, (model){0.1, 64, 1e-5, 1e-5}); /* arithmetic: all */
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 64));
}

/* Serial wins below the size that the turn names. */
static void test_break_even(void)
{
    nf_calibration m = machine_of(2);
    nf_limits l = limits_of(2);
    nf_workload w = work_of(&l, (model){1e-6, 2, 2e-6, 3e-6});
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 1));
    /* 1e6 cells take 1 us: half of it pays for 2 us from 4e6 cells on. */
    CU_ASSERT(says("size", "serial wins below about 4,000,000 cells"));
    CU_ASSERT(strcmp(turn("ranks"), "") == 0);
    w = work_of(&l, (model){1e-3, 2, 2e-6, 3e-6});
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 2) &&
              says("size", "serial wins below about 4,000 cells"));
    w = work_of(&l, (model){1e-3, 2, 2e-3, 2e-6}); /* ranks win, and threads lose by their start */
    w.moved = 1e-3 * m.read[0];
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 2, 1) && says("bound", "bound by starting teams: "));
    w = work_of(&l, (model){1e-3, 1, 0, 0}); /* that cannot be shared */
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 1) && !says("size", "below"));
    CU_ASSERT(says("size", "gains too little"));
}

static void test_no_launcher(void)
{
    nf_calibration m = machine_of(4);
    nf_limits l = limits_of(4);
    l.launcher = false;
    l.nodes = 3;
    nf_workload w = work_of(&l, (model){1, 4, 1e-5, 1e-5});
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 4) && says("ranks", "mpirun does not run"));
    for (size_t i = 0; i < advice.count; i++)
        CU_ASSERT(advice.choices[i].ranks == 1);
    snprintf(l.why_not, sizeof l.why_not, "not as root");
    w = work_of(&l, (model){1e-9, 4, 1e-5, 1e-5}); /* serial: it is told, too */
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 1) && says("ranks", "left out: not as root"));
}

static void test_limits(void)
{
    nf_calibration m = machine_of(1);
    nf_limits l = limits_of(1);
    l.processors = l.there = 2;
    l.quota = 1.5;
    nf_workload w = work_of(&l, (model){1, 1, 0, 0});
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 1) && advice.count == 1);
    CU_ASSERT(says("limits", "the control group allows 1.5 cores' time of 2 processors"));
    l.quota = INFINITY;
    l.processors = 1;
    chosen(&m, &l, &w);
    CU_ASSERT(says("limits", "the affinity mask allows 1 of 2 processors"));
    l.processors = l.there = 8;
    l.allocated = 1;
    chosen(&m, &l, &w);
    CU_ASSERT(says("limits", "the allocation has 1 of 8 processors"));
}

/* ---- starts ---- */

static void test_runs(void)
{
    nf_calibration m = machine_of(2);
    nf_limits l = limits_of(2);
    m.process = 0.3;
    m.launch = 5;
    m.launch_rank = 0.1;
    nf_workload w = work_of(&l, (model){1e-2, 2, 5e-3, 0}); /* ranks halve a run, threads do not */
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 2, 1));
    CU_ASSERT(advice.alone == 0); /* with its start */
    m.launch = 0;
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 2, 1) && advice.alone == advice.chosen);
    m.launch = 5;
    w.runs = 10;
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 1));
    CU_ASSERT(fabs(advice.choices[0].seconds - (0.3 + 10 * 1e-2)) < 1e-9);
    CU_ASSERT(says("start", "10 runs share a start"));
    w.runs = 1e4;
    chosen(&m, &l, &w);
    CU_ASSERT(says("start", "10,000 runs share"));
    w.runs = 1e5;
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 2, 1));
    CU_ASSERT(fabs(advice.choices[advice.chosen].seconds - (5.2 + 1e5 * 5e-3)) < 1e-6);
}

static void test_command(void)
{
    nf_calibration m = machine_of(2);
    nf_limits l = limits_of(2);
    m.process = 0.3;
    nf_workload w = work_of(&l, (model){1, 2, 1e-5, 1e-5});
    w.command = true;
    for (size_t i = 0; i < w.ways; i++) {
        w.way[i].read = 0.5;
        w.way[i].write = w.way[i].threads > 1 ? 1 : 2;
    }
    const nf_choice *c = chosen(&m, &l, &w);
    CU_ASSERT(is(c, 1, 1, 2));
    CU_ASSERT(fabs(advice.choices[0].seconds - (0.3 + 0.5 + 1 + 2)) < 1e-9);
    CU_ASSERT(fabs(c->seconds - (c->start + 0.5 + c->run + 1)) < 1e-9);
    CU_ASSERT(says("start", "its start takes 300 ms and the files 1.50 s"));
    w = work_of(&l, (model){1e-3, 2, 1e-5, 1e-5}); /* what is gained is lost in the start */
    w.command = true;
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 1));
}

/* ---- nodes and memory ---- */

static nf_workload heat_of(const nf_limits *l, double seconds, int64_t n, double sweeps)
{
    nf_workload w = work_of(l, (model){seconds, l->cores, 1e-5, 1e-5});
    w.passes = 1;
    w.pass[0].shape = (nf_shape){.dim = {1, n, n}, .ndim = 2, .channels = 1, .dtype = NF_F32};
    w.pass[0].halo = (nf_halo){{0, 1, 1}, {0, 1, 1}};
    w.pass[0].sweeps = sweeps;
    return w;
}

static void test_nodes(void)
{
    nf_calibration m = machine_of(16);
    nf_limits l = limits_of(16);
    l.nodes = 4;
    nf_workload w = heat_of(&l, 160, 1 << 14, 100);
    const nf_choice *c = chosen(&m, &l, &w);
    CU_ASSERT(c->nodes == 4 && c->ranks * c->threads == 64);
    CU_ASSERT(says("nodes", "nominal messages"));
    /* Four nodes cut 2 x 2: a row and a column of halo, two messages a sweep. */
    double expected = 160.0 / 16 / 4 + 100 * (2 * 5e-6 + (16386.0 / 2 + 16384.0 / 2) * 4 / 3e9);
    CU_ASSERT(fabs(c->run - expected) < 0.01 * expected);
    m.far_latency = 1e-2; /* a slow network, which is measured */
    m.far_bandwidth = 1e7;
    w = heat_of(&l, 16, 1 << 14, 1000);
    CU_ASSERT(chosen(&m, &l, &w)->nodes == 1 && says("nodes", "measured messages of 10.0 ms"));
    l.nodes = 3;
    w = heat_of(&l, 1e4, 1 << 14, 1);
    CU_ASSERT(chosen(&m, &l, &w)->nodes == 3);
    w = heat_of(&l, 1e-6, 64, 1);
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 1));
}

static void test_memory(void)
{
    nf_calibration m = machine_of(4);
    nf_limits l = limits_of(4);
    nf_workload w = heat_of(&l, 1, 1 << 14, 1);
    w.bytes = 0x1p36; /* four times a node's memory */
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 4) && !advice.choices[advice.chosen].fits);
    CU_ASSERT(says("memory", "in bands") && says("memory", "64 GiB"));
    l.nodes = 8;
    m.far_latency = 10; /* slower in any case, but it fits */
    const nf_choice *c = chosen(&m, &l, &w);
    CU_ASSERT(c->nodes == 8 && c->fits && says("memory", "8 nodes hold them"));
    w.bytes = 1e6;
    CU_ASSERT(chosen(&m, &l, &w)->nodes == 1 && strcmp(turn("memory"), "") == 0);
    w.obstacle = "label"; /* which does not go in bands */
    CU_ASSERT(chosen(&m, &l, &w)->nodes == 1 && !advice.impossible);
    w.bytes = 0x1p36;
    CU_ASSERT(chosen(&m, &l, &w)->nodes == 8 && !advice.impossible);
    l.nodes = 1;
    chosen(&m, &l, &w);
    CU_ASSERT(advice.impossible && says("memory", "'label' cannot go through memory in bands"));
    CU_ASSERT(strstr(advice.sentence, "It cannot be run here: the arrays take 64 GiB") != NULL);
    w.bytes = 0.9 * l.memory;
    chosen(&m, &l, &w);
    CU_ASSERT(!advice.impossible && says("memory", "may not suffice"));
}

static void test_deterministic(void)
{
    static nf_advice first;
    nf_calibration m = machine_of(48);
    nf_limits l = limits_of(48);
    l.nodes = 5;
    nf_workload w = heat_of(&l, 3, 1000, 7);
    memset(&first, 1, sizeof first);
    memset(&advice, 2, sizeof advice);
    nf_advise(&m, &l, &w, &first);
    nf_advise(&m, &l, &w, &advice);
    CU_ASSERT(memcmp(&first, &advice, sizeof advice) == 0);
    CU_ASSERT(first.count > 30 && first.count < NF_ADVICE_CHOICES);
}

/* ---- without measuring ---- */

static void test_threads(void)
{
    nf_thread_reason r;
    nf_calibration m = nf_calibration_nominal(8);
    nf_thread_work tiny = {.flops = 1000, .bytes = 1000, .sweeps = 1};
    CU_ASSERT(nf_advice_threads(&m, 8, &tiny, &r) == 1 && r.team > r.serial);
    nf_thread_work large = {.flops = 1e11, .bytes = 1000, .sweeps = 1};
    CU_ASSERT(nf_advice_threads(&m, 8, &large, &r) == 8);
    CU_ASSERT(fabs(r.serial - 1e11 / nf_nominal_flops) < 1e-9 && r.team > r.serial / 8 &&
              r.team < r.serial / 7);
    CU_ASSERT(nf_advice_threads(&m, 3, &large, &r) == 3);
    CU_ASSERT(nf_advice_threads(&m, 1, &large, &r) == 1);
    nf_thread_work middle = {.flops = 1e7, .bytes = 1000, .sweeps = 1};
    int some = nf_advice_threads(&m, 8, &middle, &r);
    CU_ASSERT(some > 1 && some < 8);
    nf_thread_work coded = {.coded = 1e8, .sweeps = 1};
    CU_ASSERT(nf_advice_threads(&m, 8, &coded, &r) == 8);
    for (size_t i = 0; i < m.steps; i++)
        m.read[i] = 2e10 * fmin(m.workers[i], 2);
    nf_thread_work moved = {.bytes = 1e9, .sweeps = 1}; /* two saturate the memory */
    CU_ASSERT(nf_advice_threads(&m, 8, &moved, &r) == 2);
    CU_ASSERT(fabs(r.gain - 2) < 1e-12);
    for (size_t i = 0; i < m.steps; i++)
        m.flops[i] = m.flops[0];
    CU_ASSERT(nf_advice_threads(&m, 8, &large, &r) == 1 && r.gain == 1 && r.team < r.serial / 2);
}

/* Files, each by one thread: no thread without one. */
static void test_items(void)
{
    nf_cli cli = {.world = {.size = 1, .threads = 8}};
    nf_threads_for_items(&cli, 100);
    CU_ASSERT(cli.world.threads == 8);
    nf_threads_for_items(&cli, 3);
    CU_ASSERT(cli.world.threads == 3);
    nf_threads_for_items(&cli, 0);
    CU_ASSERT(cli.world.threads == 1);
    cli.world = (nf_world){.size = 4, .threads = 8};
    nf_threads_for_items(&cli, 6);
    CU_ASSERT(cli.world.threads == 2);
    cli.world.threads = 8;
    cli.threads_named = true;
    nf_threads_for_items(&cli, 1);
    CU_ASSERT(cli.world.threads == 8);
}

static void test_between(void)
{
    nf_calibration m = {.steps = 3, .workers = {1, 2, 6}, .read = {10, 20, 40}};
    CU_ASSERT(nf_calibration_at(&m, m.read, 1) == 10 && nf_calibration_at(&m, m.read, 2) == 20);
    CU_ASSERT(nf_calibration_at(&m, m.read, 4) == 30 && nf_calibration_at(&m, m.read, 6) == 40);
    CU_ASSERT(nf_calibration_at(&m, m.read, 100) == 40);
    m.steps = 1;
    CU_ASSERT(nf_calibration_at(&m, m.read, 5) == 10);
}

/* One probe beside other work: two workers no slower than one, none faster than so many. */
static void test_settled(void)
{
    nf_calibration m = {.measured = true,
                        .cores = 4,
                        .steps = 3,
                        .workers = {1, 2, 4},
                        .read = {10, 25, 15},
                        .flops = {2.56e11, 2.24e11, 9e11}};
    nf_calibration_settle(&m);
    CU_ASSERT(m.read[0] == 10 && m.read[1] == 20 && m.read[2] == 20);
    CU_ASSERT(m.flops[1] == 2.56e11 && m.flops[2] == 9e11);
    CU_ASSERT(!nf_calibration_busy(&m));
    m.load = 0.8;
    CU_ASSERT(nf_calibration_busy(&m));
    m.cores = 64;
    CU_ASSERT(!nf_calibration_busy(&m));
}

/* Two that are 3.8 times as fast as one are not. */
static void test_noisy(void)
{
    nf_calibration m = machine_of(2);
    nf_limits l = limits_of(2);
    nf_workload w = work_of(&l, (model){1, 2, 1e-5, 1e-5});
    CU_ASSERT(!nf_workload_noisy(&w));
    w.way[1].whole = 0.48; /* that may be */
    CU_ASSERT(!nf_workload_noisy(&w));
    nf_workload_settle(&w);
    CU_ASSERT(!w.noisy && w.way[1].whole == 0.48);
    w.way[2].whole = 0.26;
    CU_ASSERT(nf_workload_noisy(&w));
    nf_workload_settle(&w);
    CU_ASSERT(w.noisy && w.way[2].whole == 0.5 && w.way[1].whole == 0.48);
    CU_ASSERT(is(chosen(&m, &l, &w), 1, 1, 2) && says("noise", "is noisy"));
    CU_ASSERT(fabs(advice.choices[2].efficiency - 1) < 1e-12);
}

static void test_words(void)
{
    char text[NF_AMOUNT], how[96];
    CU_ASSERT(strcmp(nf_seconds_text(3.14159e-6, 3, text), "3.14 \u00b5s") == 0);
    CU_ASSERT(strcmp(nf_seconds_text(0.0412, 3, text), "41.2 ms") == 0);
    CU_ASSERT(strcmp(nf_seconds_text(0.99996, 3, text), "1.00 s") == 0);
    CU_ASSERT(strcmp(nf_seconds_text(0, 3, text), "0.00 ns") == 0);
    CU_ASSERT(strcmp(nf_bytes_text(1536, text), "1.5 KiB") == 0);
    CU_ASSERT(strcmp(nf_choice_text(&(nf_choice){.nodes = 2, .ranks = 4, .threads = 8}, how),
                     "4 ranks of 8 threads on 2 nodes") == 0);
}

/* ---- what is kept ---- */

static const char key[] = "a machine; 4 cores";

/* A folder of its own, and the file in it. */
static char *begin_folder(char folder[64])
{
    snprintf(folder, 64, "/tmp/nfold-advice-XXXXXX");
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    setenv("XDG_CACHE_HOME", folder, 1);
    char *path = nf_calibration_path(key);
    CU_ASSERT_FATAL(path != NULL);
    return path;
}

static void end_folder(const char *folder, char *path)
{
    char nfold[80];
    snprintf(nfold, sizeof nfold, "%s/nfold", folder);
    unlink(path);
    CU_ASSERT(rmdir(nfold) == 0); /* nothing else was left in it */
    rmdir(folder);
    free(path);
}

static void test_kept(void)
{
    char folder[64], *path = begin_folder(folder);
    nf_calibration m = machine_of(4), read;
    m.launch = 0.123456789012345678;
    m.load = 0.25;
    m.flops[1] = 0.9 * m.flops[0];
    CU_ASSERT(nf_calibration_load(path, key, &read) == NF_CALIBRATION_NONE);
    CU_ASSERT(nf_calibration_save(path, key, &m) == NF_OK);
    CU_ASSERT(nf_calibration_load(path, key, &read) == NF_CALIBRATION_THERE);
    CU_ASSERT(read.load == 0.25 && read.flops[1] == read.flops[0]);
    CU_ASSERT(read.launch == m.launch && read.steps == m.steps && read.cores == 4);
    CU_ASSERT(memcmp(read.team, m.team, sizeof m.team) == 0);
    CU_ASSERT(nf_calibration_load(path, "another machine", &read) == NF_CALIBRATION_DAMAGED);
    m.process = 2; /* a second time, in its place */
    CU_ASSERT(nf_calibration_save(path, key, &m) == NF_OK);
    CU_ASSERT(nf_calibration_load(path, key, &read) == NF_CALIBRATION_THERE && read.process == 2);
    end_folder(folder, path);
}

static void spoil(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_FATAL(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void test_damaged(void)
{
    static const char head[] =
        "{\"format\": 2, \"load\": 0, \"machine\": \"a machine; 4 cores\", \"cores\": 4, "
        "\"first_team\": 0, \"launch\": 1, \"launch_rank\": 0, \"latency\": 0, "
        "\"bandwidth\": 0, \"far_latency\": 0, \"far_bandwidth\": 0, ";
    static const char *const rest[] = {
        "\"process\": 1, \"workers\": [{\"workers\": 1, \"read\": 1, \"flops\": 1, \"team\": "
        "0}]}", /* sound */
        "\"process\": 1, \"workers\": []}",
        "\"process\": 0, \"workers\": [{\"workers\": 1, \"read\": 1, \"flops\": 1, \"team\": "
        "0}]}",
        "\"process\": \"1\", \"workers\": [{\"workers\": 1, \"read\": 1, \"flops\": 1, "
        "\"team\": 0}]}",
        "\"process\": 1, \"workers\": [{\"workers\": 1, \"read\": -1, \"flops\": 1, \"team\": "
        "0}]}",
        "\"process\": 1, \"workers\": [{\"workers\": 2, \"read\": 1, \"flops\": 1, \"team\": "
        "0}]}",
        "\"process\": 1, \"workers\": [{\"workers\": 1, \"read\": 1, \"flops\": 1, \"team\": "
        "0}, "
        "{\"workers\": 1, \"read\": 1, \"flops\": 1, \"team\": 0}]}",
        "\"process\": 1, \"workers\": [{\"workers\": 1, \"read\": 1, \"flops\": 1, \"team\": "
        "0}, "
        "{\"workers\": 9, \"read\": 1, \"flops\": 1, \"team\": 0}]}",
        "\"process\": 1, \"workers\": [{\"workers\": 1, \"read\": 1, \"flops\"",
        "\"process\": 1}",
    };
    char folder[64], text[2048], *path = begin_folder(folder);
    nf_calibration m = machine_of(4), read;
    CU_ASSERT(nf_calibration_save(path, key, &m) == NF_OK);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        snprintf(text, sizeof text, "%s%s", head, rest[i]);
        spoil(path, text);
        CU_ASSERT(nf_calibration_load(path, key, &read) ==
                  (i == 0 ? NF_CALIBRATION_THERE : NF_CALIBRATION_DAMAGED));
    }
    spoil(path, "");
    CU_ASSERT(nf_calibration_load(path, key, &read) == NF_CALIBRATION_DAMAGED);
    unlink(path);
    CU_ASSERT(mkdir(path, 0700) == 0); /* a folder in its place */
    CU_ASSERT(nf_calibration_load(path, key, &read) == NF_CALIBRATION_DAMAGED);
    CU_ASSERT(nf_calibration_save(path, key, &m) == NF_ERR_FILE);
    rmdir(path);
    end_folder(folder, path);
}

int main(void)
{
    CU_TestInfo tests[] = {{"the ways of a node", test_ways},
                           {"two cores", test_two_cores},
                           {"memory that saturates", test_saturation},
                           {"where serial wins", test_break_even},
                           {"no mpirun", test_no_launcher},
                           {"limits", test_limits},
                           {"runs that share a start", test_runs},
                           {"whole commands", test_command},
                           {"nodes", test_nodes},
                           {"memory", test_memory},
                           {"the same advice again", test_deterministic},
                           {"threads without measuring", test_threads},
                           {"threads for files", test_items},
                           {"between what was measured", test_between},
                           {"numbers of a noisy machine", test_settled},
                           {"noisy measurements", test_noisy},
                           {"words", test_words},
                           {"kept and read again", test_kept},
                           {"damaged", test_damaged},
                           CU_TEST_INFO_NULL};
    return nf_suite_run("advice", tests, 0);
}
