/* One sample of a point: who did how much, what ranks did meanwhile, and who was slow. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/facts.h"
#include "drivers/engine/team.h"
#include "drivers/measure.h"
#include "drivers/scale_args.h"
#include "tests/suite.h"

static nf_world world;
static nf_node node;

/* ---- a point of so many ranks and threads ---- */

typedef struct subject {
    nf_world part;
    nf_chain chain;
    nf_source source;
    nf_bench bench;
    nf_measure measure;
    nf_sample sample;
    double warm; /* seconds of the run that warmed up */
    double wall; /* seconds that taking the sample took */
} subject;

enum { ROWS = 300, COLUMNS = 200 };

static void make_source(nf_source *source)
{
    *source = (nf_source){.shape = {{1, ROWS, COLUMNS}, 2, 1, NF_F32}, .name = "test"};
    float *cells = malloc(ROWS * COLUMNS * sizeof *cells);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        cells[i] = (float)(i % 251);
    source->cells.memory = cells;
}

/* `kernel` takes the place of the chain's first where it is not NULL. False: this rank takes no
 * part. */
static bool open_subject(const char *text, const nf_kernel *kernel, int ranks, int threads,
                         const nf_timer *timer, bool crowded, subject *s)
{
    *s = (subject){.warm = 0};
    CU_ASSERT_FATAL(nf_world_part(&world, ranks, threads, &s->part) == NF_OK);
    if (s->part.size == 0)
        return false;
    make_source(&s->source);
    CU_ASSERT_FATAL(nf_chain_parse(text, &s->chain) == NF_OK);
    if (kernel != NULL)
        s->chain.stages[0].kernel = kernel;
    CU_ASSERT_FATAL(nf_bench_create(&s->part, &s->source, &s->chain, &s->source.shape, NULL,
                                    &s->bench) == NF_OK);
    CU_ASSERT_FATAL(nf_measure_begin(&s->part, &node, &s->bench, timer, crowded, &s->measure,
                                     &s->warm) == NF_OK);
    double start = nf_seconds();
    CU_ASSERT_FATAL(nf_measure_once(&s->measure, &s->sample) == NF_OK);
    s->wall = nf_seconds() - start;
    return true;
}

static void close_subject(subject *s)
{
    nf_balance_free(&s->sample.balance);
    nf_measure_free(&s->measure);
    nf_bench_free(&s->bench);
    nf_chain_free(&s->chain);
    free(s->source.cells.memory);
    nf_world_free(&s->part);
}

/* ---- what must hold of every sample ---- */

static double sum_of(const nf_phases *p)
{
    return p->compute + p->idle + p->runtime + p->halo + p->fold + p->wait;
}

static bool none_negative(const nf_phases *p)
{
    const double least = -1e-9; /* sums of many stamps, rounded */
    return p->compute >= least && p->idle >= least && p->runtime >= least && p->halo >= least &&
           p->fold >= least && p->wait >= least;
}

static void check_ranks(const nf_sample *sample, int ranks, int threads)
{
    const nf_balance *b = &sample->balance;
    double useful = 0, most = 0;
    for (int i = 0; i < ranks; i++) {
        double compute = 0;
        CU_ASSERT_DOUBLE_EQUAL(sum_of(&b->ranks[i]), sample->seconds, 1e-9);
        CU_ASSERT(none_negative(&b->ranks[i]));
        for (int t = 0; t < threads; t++) {
            double mine = b->threads[i * threads + t];
            CU_ASSERT(mine > 0 && mine <= sample->seconds);
            compute += mine / threads;
            most = mine > most ? mine : most;
        }
        CU_ASSERT_DOUBLE_EQUAL(b->ranks[i].compute, compute, 1e-9);
        useful += compute * threads;
    }
    CU_ASSERT_DOUBLE_EQUAL(b->useful, useful, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(b->most, most, 1e-12);
}

/* max U <= Tc <= T, and waiting for all takes no less than waiting for neighbours. */
static void check_paths(const nf_sample *sample)
{
    const nf_balance *b = &sample->balance;
    CU_ASSERT(b->steps > 0);
    CU_ASSERT(b->chain >= b->most - 1e-9);
    CU_ASSERT(b->bulk >= b->chain - 1e-9);
    if (sample->clock == NF_CLOCK_WINDOW)
        CU_ASSERT(b->chain <= sample->seconds + 1e-9);
    CU_ASSERT(b->rank_most <= b->most + 1e-12 && b->rank_most > 0);
}

static const nf_timer fine_timer = {1e-9, 1e-9};

static void test_adds_up(void)
{
    static const char *const chains[] = {
        "gaussian:sigma=2 | sobel",
        "heat:steps=20",
        "stats",
        "sobel | histogram:bins=9",
        "normalize | sobel",
        "rotate90",
        "jacobi:steps=30,tolerance=1e-9",
        "label",
    };
    for (size_t c = 0; c < sizeof chains / sizeof *chains; c++)
        for (int threads = 1; threads <= 3; threads += 2)
            for (int crowded = 0; crowded < 2; crowded++) {
                subject s;
                bool whole = strcmp(chains[c], "label") == 0;
                if (open_subject(chains[c], NULL, world.size, threads, &fine_timer, crowded, &s) &&
                    s.part.rank == 0) {
                    CU_ASSERT(s.sample.balance.known && s.sample.runs == 1);
                    CU_ASSERT(!crowded || s.sample.clock == NF_CLOCK_BARRIER);
                    CU_ASSERT_DOUBLE_EQUAL(sum_of(&s.sample.phases), s.sample.seconds, 1e-9);
                    check_ranks(&s.sample, world.size, threads);
                    check_paths(&s.sample);
                    CU_ASSERT(whole || s.sample.balance.steps >= 1);
                }
                close_subject(&s);
            }
}

/* Fewer rows than threads: some have nothing to do, which is idle time, not useful. */
static void test_idle_threads(void)
{
    subject s;
    nf_sample *sample = &s.sample;
    if (open_subject("sobel", NULL, 1, 64, &fine_timer, true, &s)) {
        int busy = 0;
        for (int t = 0; t < 64; t++)
            busy += sample->balance.threads[t] > 0;
        CU_ASSERT(busy > 0 && busy <= 64);
        CU_ASSERT_DOUBLE_EQUAL(sum_of(&sample->phases), sample->seconds, 1e-9);
        CU_ASSERT(sample->phases.idle > 0);
    }
    close_subject(&s);
}

/* ---- a rank that is slow ---- */

static const nf_kernel *honest;
static int slow_rank;
static nf_apply *slow_apply;

/* Sobel, after a while on one rank. */
static void apply_slowly(const nf_tile *tile, const void *config, void *partial)
{
    double start = nf_seconds();
    while (world.rank == slow_rank && nf_seconds() - start < 100e-3) {
    }
    slow_apply(tile, config, partial);
}

static void test_slow_rank(void)
{
    honest = nf_kernel_find("sobel");
    CU_ASSERT_PTR_NOT_NULL_FATAL(honest);
    nf_kernel slow = *honest;
    slow_apply = honest->apply[NF_F32];
    slow.apply[NF_F32] = apply_slowly;
    for (slow_rank = 0; slow_rank < world.size; slow_rank++) {
        subject s;
        if (open_subject("sobel", &slow, world.size, 1, &fine_timer, false, &s) &&
            s.part.rank == 0) {
            const nf_balance *b = &s.sample.balance;
            CU_ASSERT(b->slowest == slow_rank);
            CU_ASSERT(b->threads[slow_rank] >= 100e-3);
            for (int i = 0; i < world.size; i++)
                CU_ASSERT(i == slow_rank || b->threads[i] < b->threads[slow_rank]);
            check_ranks(&s.sample, world.size, 1);
        }
        close_subject(&s);
    }
}

/* ---- runs in a row ---- */

/* A clock so coarse that it takes several runs to see anything; times are still those of one. */
static void test_runs(void)
{
    const nf_timer coarse = {2e-3, 1e-7};
    subject s;
    if (open_subject("heat:steps=2", NULL, world.size, 1, &coarse, false, &s) && s.part.rank == 0) {
        const nf_sample *sample = &s.sample;
        CU_ASSERT(sample->runs == (int)fmax(ceil(20e-3 / s.warm), 1));
        CU_ASSERT(sample->seconds * sample->runs <= s.wall);
        CU_ASSERT_DOUBLE_EQUAL(sum_of(&sample->phases), sample->seconds, 1e-9);
        check_ranks(sample, world.size, 1);
        check_paths(sample);
        CU_ASSERT(sample->balance.steps < 10);
    }
    close_subject(&s);
}

/* ---- nominal work ---- */

/* Operations and bytes an element of an array of 10 x 20 cells, by hand from what each kernel does.
 * */
static void test_nominal(void)
{
    static const struct {
        const char *chain;
        nf_dtype dtype;
        int channels;
        double flops, bytes; /* of all */
    } known[] = {
        /* Four neighbours, itself, alpha: 7 operations a step; a step reads and writes. */
        {"heat:steps=3", NF_F32, 1, 200 * 3 * 7, 200 * 3 * 8},
        {"invert", NF_U16, 3, 600 * 1, 600 * 4},
        {"scale:a=2", NF_F64, 1, 200 * 2, 200 * 16},
        {"sumsq", NF_F64, 2, 400 * 2, 400 * 8},
        {"dot", NF_F32, 1, 200 * 2, 200 * 8}, /* two arrays */
        {"gray", NF_U8, 3, 200 * 5, 200 * 4}, /* three channels become one */
        /* A radius of 8, once along each dimension: 2 x 8 additions, 9 multiplications. */
        {"gaussian:sigma=2", NF_U8, 3, 600 * 2 * 25, 600 * 2},
        {"invert | heat:steps=2 | sumsq", NF_F32, 1, 200 * (1 + 14 + 2), 200 * (8 + 16 + 4)},
        {"cast:to=f64 | abs", NF_U8, 1, 200 * 1, 200 * (9 + 16)},
        {"canny_edges:low=1,high=2", NF_U8, 3, 200 * 40, 200 * (3 + 1)},
        {"sumsq_range:n=1000", NF_NONE, 1, 2000, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const nf_shape shape = {{1, 10, 20}, 2, known[i].channels, known[i].dtype};
        nf_chain chain;
        CU_ASSERT_FATAL(nf_chain_parse(known[i].chain, &chain) == NF_OK);
        CU_ASSERT_FATAL(nf_chain_prepare(&chain, &shape) == NF_OK);
        nf_nominal nominal = nf_chain_nominal(&chain);
        CU_ASSERT_DOUBLE_EQUAL(nominal.flops, known[i].flops, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(nominal.bytes, known[i].bytes, 1e-6);
        nf_chain_free(&chain);
    }
}

/* ---- the points of a study ---- */

/* The same on all ranks, also where their nodes have not as many cores. */
static void test_layouts(void)
{
    static const scale_args args;
    nf_cli cli = {.world = world, .node = node};
    scale_layouts mine, first;
    cli.node.cores = 4 << world.rank;
    scale_layouts_choose(&cli, &args, false, &mine);
    first = mine;
    nf_broadcast(&world, &first, sizeof first, 0);
    CU_ASSERT(mine.count > 2 && mine.list[0].ranks * mine.list[0].threads == 1);
    CU_ASSERT(memcmp(&mine, &first, sizeof mine) == 0);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"phases add up", test_adds_up},
        {"threads without work", test_idle_threads},
        {"a slow rank is named", test_slow_rank},
        {"runs in a row", test_runs},
        {"nominal work", test_nominal},
        {"layouts", test_layouts},
        CU_TEST_INFO_NULL,
    };
    if (nf_world_start(&argc, &argv, &world) != NF_OK || nf_node_find(&world, &node) != NF_OK)
        return EXIT_FAILURE;
    int result = nf_suite_run("measure", tests, world.rank);
    nf_node_free(&node);
    nf_world_stop(&world);
    return result;
}
