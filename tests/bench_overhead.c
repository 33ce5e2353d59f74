/* bench_overhead.c - what nfold's engine costs beside programs written by hand for one kernel.
 *
 * Serial, threads, ranks and both: each way as nfold drives it and as OpenMP and MPI written out
 * (bench_hand.c), in turn in the same processes, on the same values. The outputs must have the same
 * bits. Ratios above 1 are what nfold costs; `stamps` is the ratio of nfold with its threads' useful
 * time counted, as scale does it, to nfold without, of the least times.
 * usage: mpirun -n 2 bench_overhead [-k part of a kernel's name] [-w serial|threads|ranks|hybrid]
 *                                   [-s large side] [-r rounds] [-t threads]
 * Without -w: the ways that there are cores for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench.h"
#include "tests/bench_hand.h"
#include "tests/bench_subject.h"

static const double goal = 1.03;

/* ---- values ---- */

static uint32_t noise(int64_t row, int64_t column)
{
    uint32_t x = (uint32_t)row * 2654435761u ^ (uint32_t)column * 2246822519u;
    x ^= x >> 15;
    x *= 2246822519u;
    return x ^ x >> 13;
}

static void fill_u8(int64_t row, int64_t columns, void *to)
{
    for (int64_t i = 0; i < columns; i++)
        ((uint8_t *)to)[i] = (uint8_t)noise(row, i);
}

static void fill_f32(int64_t row, int64_t columns, void *to)
{
    for (int64_t i = 0; i < columns; i++)
        ((float *)to)[i] = (float)noise(row, i) * 0x1p-32f;
}

static void fill_f64(int64_t row, int64_t columns, void *to)
{
    for (int64_t i = 0; i < columns; i++)
        ((double *)to)[i] = (double)noise(row, i) * 0x1p-32;
}

/* Of ten bits: a plain sum of their squares is exact, and so has the bits of the exact one. */
static void fill_short(int64_t row, int64_t columns, void *to)
{
    for (int64_t i = 0; i < columns; i++)
        ((double *)to)[i] = (double)(noise(row, i) >> 22) * 0x1p-10;
}

/* ---- cases ---- */

typedef struct bench_case {
    const char *name, *chain;
    nf_dtype dtype;
    int64_t steps;
    bench_fill *fill;
    hand_map *map;
    hand_sum *sum;
    bool tiny; /* shown as microseconds a step on a tiny array */
} bench_case;

enum { CASES = 8, WAYS = 4, SUBJECTS = 3, TINY = 64, SMALL = 512, TINY_STEPS = 100 };

static void list_cases(const hand_set *hand, bench_case cases[CASES])
{
    static const char *const mask = "convolve:mask=1,2,3,4,5,6,7,8,9,border=clamp";
    const bench_case list[CASES] = {
        {"heat f32, 1 step", "heat:steps=1,border=clamp", NF_F32, 1, fill_f32, hand->heat_f32, 0,
         0},
        {"heat f32, 10 steps", "heat:steps=10,border=clamp", NF_F32, 10, fill_f32, hand->heat_f32,
         0, 0},
        {"heat f64, 1 step", "heat:steps=1,border=clamp", NF_F64, 1, fill_f64, hand->heat_f64, 0,
         0},
        {"heat f64, 10 steps", "heat:steps=10,border=clamp", NF_F64, 10, fill_f64, hand->heat_f64,
         0, 0},
        {"convolve 3x3 f32", mask, NF_F32, 1, fill_f32, hand->convolve_f32, 0, 0},
        {"sobel u8", "sobel:border=clamp", NF_U8, 1, fill_u8, hand->sobel_u8, 0, 0},
        {"sumsq f64", "sumsq", NF_F64, 1, fill_short, NULL, hand->sumsq_f64, 0},
        {"heat f32, a step", "heat:steps=100,border=clamp", NF_F32, TINY_STEPS, fill_f32,
         hand->heat_f32, 0, 1},
    };
    memcpy(cases, list, sizeof list);
}

typedef struct way {
    const char *name;
    int ranks, threads;
} way;

typedef struct options {
    const char *kernel; /* part of the name */
    const char *way;    /* NULL: all that the cores suffice for */
    int64_t large;
    size_t rounds;
    int threads;
} options;

/* ---- one comparison ---- */

typedef struct match {
    nf_world part;
    bench_chain nfold;
    nf_fields fields;
    hand_program hand;
} match;

static void set_up(const nf_world *world, const bench_case *c, const way *w, int64_t rows,
                   int64_t columns, match *m)
{
    *m = (match){.nfold = {.plan = NULL}};
    bench_check(nf_world_part(world, w->ranks, w->threads, &m->part));
    MPI_Comm comm;
    MPI_Comm_split(MPI_COMM_WORLD, m->part.size > 0 ? 0 : MPI_UNDEFINED, world->rank, &comm);
    if (m->part.size == 0)
        return;
    nf_shape shape = bench_shape(rows, columns, c->dtype);
    bench_chain_create(&m->part, c->chain, &shape, &m->nfold);
    bench_fields(&m->nfold, c->fill, &m->fields);
    m->hand = (hand_program){.comm = comm,
                             .rank = m->part.rank,
                             .size = m->part.size,
                             .threads = m->part.threads,
                             .rows = rows,
                             .columns = columns,
                             .element = nf_dtype_size(c->dtype),
                             .steps = c->steps,
                             .map = c->map,
                             .sum = c->sum};
    if (!hand_create(&m->hand, c->fill))
        bench_check(NF_ERR_MEMORY);
}

static void tear_down(match *m)
{
    if (m->part.size == 0)
        return;
    hand_free(&m->hand);
    MPI_Comm_free(&m->hand.comm);
    nf_fields_free(&m->fields);
    bench_chain_free(&m->nfold);
    nf_world_free(&m->part);
}

/* On rank 0: whether both outputs have the same bits. */
static bool same_cells(const match *m)
{
    size_t bytes = (size_t)m->hand.columns * m->hand.element;
    char *ours = calloc(1, bytes), *theirs = calloc(1, bytes);
    bool same = ours != NULL && theirs != NULL;
    if (!same)
        bench_check(NF_ERR_MEMORY);
    for (int64_t y = 0; y < m->hand.rows; y++) {
        bench_check(nf_gather_rows(&m->part, &m->fields.out, 0, y, y + 1, ours));
        hand_output_row(&m->hand, y, theirs);
        same = same && memcmp(ours, theirs, bytes) == 0;
    }
    free(ours);
    free(theirs);
    return same;
}

static bool same_bits(const match *m)
{
    if (m->hand.map != NULL)
        return same_cells(m);
    return m->part.rank != 0 ||
           memcmp(&m->nfold.results.numbers[0].real, &m->hand.total, sizeof m->hand.total) == 0;
}

static void meet(void *context)
{
    nf_barrier(context);
}

static size_t agree(void *context, size_t count)
{
    nf_broadcast(context, &count, sizeof count, 0);
    return count;
}

/* Collective over the world; false on rank 0 where the bits differ. */
static bool compare_way(const nf_world *world, const options *o, const bench_case *c, const way *w,
                        int64_t rows, int64_t columns, bench_result result[SUBJECTS])
{
    match m;
    bool same = true;
    set_up(world, c, w, rows, columns, &m);
    if (m.part.size > 0) {
        bench_protocol protocol = {o->rounds, 2e-3, meet, agree, &m.part};
        bench_subject subjects[SUBJECTS] = {
            {hand_run, &m.hand}, {bench_chain_run, &m.nfold}, {bench_chain_counted, &m.nfold}};
        bench_in_turn(&protocol, subjects, SUBJECTS, result);
        same = same_bits(&m);
    }
    tear_down(&m);
    nf_sleep_barrier(world);
    return same;
}

/* ---- the table ---- */

static void print_row(const bench_case *c, const char *size, const way *w, bool fits, bool same,
                      const bench_result result[SUBJECTS])
{
    double unit = c->tiny ? 1e6 / (double)c->steps : 1e3;
    printf("%-19s %-10s %-8s %dx%d %10.4g %10.4g %7.3f %7.3f  ", c->name, size, w->name, w->ranks,
           w->threads, unit * result[0].seconds, unit * result[1].seconds, result[1].ratio,
           result[2].least / result[1].least);
    if (!same)
        printf("THE BITS DIFFER\n");
    else if (!fits)
        printf("(oversubscribed)\n");
    else
        printf("%s\n", bench_verdict(result[1].ratio, goal));
    fflush(stdout);
}

static bool run_case(const nf_world *world, const options *o, const bench_case *c, int64_t side)
{
    int64_t rows =
        side > SMALL && c->dtype == NF_F64 ? side / 2 : side; /* arrays of the same bytes */
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    way ways[WAYS] = {{"serial", 1, 1},
                      {"threads", 1, o->threads},
                      {"ranks", world->size, 1},
                      {"hybrid", world->size, o->threads}};
    bool all_same = true;
    char size[32];
    snprintf(size, sizeof size, "%lldx%lld", (long long)rows, (long long)side);
    for (int i = 0; i < WAYS; i++) {
        bench_result result[SUBJECTS];
        bool fits = ways[i].ranks * ways[i].threads <= cores;
        bool itself = (i < 2 || world->size > 1) && (i % 2 == 0 || o->threads > 1);
        bool wanted = o->way != NULL ? strcmp(o->way, ways[i].name) == 0 : fits;
        if (!itself || !wanted)
            continue;
        bool same = compare_way(world, o, c, &ways[i], rows, side, result);
        if (world->rank == 0)
            print_row(c, size, &ways[i], fits, same, result);
        all_same = all_same && same;
    }
    return all_same;
}

static const hand_set *hand_for(const char *isa)
{
#ifdef __x86_64__
    if (strcmp(isa, hand_v3.isa) == 0)
        return &hand_v3;
    if (strcmp(isa, hand_v4.isa) == 0)
        return &hand_v4;
#endif
    (void)isa;
    return &hand_baseline;
}

static bool run_cases(const nf_world *world, const options *o)
{
    bench_case cases[CASES];
    const hand_set *hand = hand_for(nf_kernel_isa());
    bool same = true;
    list_cases(hand, cases);
    if (world->rank == 0)
        printf(
            "instruction set %s, medians of %zu rounds; ms, but microseconds for 'a step'; goal: a "
            "ratio of at most %.2f\n%-19s %-10s %-12s %10s %10s %7s %7s\n",
            hand->isa, o->rounds, goal, "", "size", "way    r x t", "by hand", "nfold", "ratio",
            "stamps");
    for (int i = 0; i < CASES; i++) {
        if (strstr(cases[i].name, o->kernel) == NULL)
            continue;
        same = run_case(world, o, &cases[i], cases[i].tiny ? TINY : SMALL) && same;
        if (!cases[i].tiny && o->large > SMALL)
            same = run_case(world, o, &cases[i], o->large) && same;
    }
    return same;
}

static options parse(int argc, char **argv)
{
    options o = {"", NULL, 8192, 15, 2};
    for (int option; (option = getopt(argc, argv, "k:w:s:r:t:")) != -1;) {
        if (option == 'k')
            o.kernel = optarg;
        else if (option == 'w')
            o.way = optarg;
        else if (option == 's')
            o.large = bench_number(argv[0], "-s, the large side,", optarg, SMALL, 1 << 16);
        else if (option == 'r')
            o.rounds =
                (size_t)bench_number(argv[0], "-r, the rounds,", optarg, 1, BENCH_MAX_ROUNDS);
        else if (option == 't')
            o.threads = (int)bench_number(argv[0], "-t, the threads,", optarg, 1, 1024);
        else
            exit(2);
    }
    return o;
}

int main(int argc, char **argv)
{
    nf_world world;
    bench_check(nf_world_start(&argc, &argv, &world));
    options o = parse(argc, argv);
    bool same = run_cases(&world, &o);
    nf_world_stop(&world);
    return world.rank == 0 && !same ? EXIT_FAILURE : EXIT_SUCCESS;
}
