/* bench_components.c - connected components and Canny's edges beside OpenCV's, on images of u8: hills as a
 * photograph has them, noise, and a spiral of lines.
 *
 * In one process and in turn, at one thread and at two. Before anything is timed the results are compared:
 * edges cell by cell, components by how many there are.
 * usage: bench_components [-k part of an operation] [-s side] [-r rounds] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench.h"
#include "tests/bench_opencv.h"
#include "tests/bench_subject.h"

enum { MAX_THREADS = 2 };

static const double goals[MAX_THREADS] = {1 / 1.2, 1 / 1.5}; /* of OpenCV's time */

/* ---- images ---- */

static int64_t side = 8192;

static void fill_hills(int64_t y, int64_t columns, void *to)
{
    for (int64_t x = 0; x < columns; x++) {
        double fx = (double)x, fy = (double)y;
        double v = 128 + 60 * sin(fx / 97 + sin(fy / 61)) * cos(fy / 83) +
                   40 * sin(fx / 13 + fy / 29) * sin(fy / 17);
        ((uint8_t *)to)[x] = (uint8_t)(v + (double)((x * 7919 + y * 104729 + x * y) % 13));
    }
}

static void fill_noise(int64_t y, int64_t columns, void *to)
{
    uint64_t state = (uint64_t)y * 0x9e3779b97f4a7c15u + 1;
    for (int64_t x = 0; x < columns; x++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        ((uint8_t *)to)[x] = (uint8_t)(state >> 40);
    }
}

/* One line, one cell wide, three cells apart: squares, each open below its first corner and joined there
 * with the next. */
static void fill_spiral(int64_t y, int64_t columns, void *to)
{
    for (int64_t x = 0; x < columns; x++) {
        int64_t ring = y < side - 1 - y ? y : side - 1 - y;
        ring = x < ring ? x : ring;
        ring = side - 1 - x < ring ? side - 1 - x : ring;
        bool open = x == ring && y == ring + 1;
        bool bridge = y % 4 == 0 && y < side / 2 && x <= y && x >= y - 4;
        ((uint8_t *)to)[x] = bridge || (ring % 4 == 0 && !open) ? 255 : 0;
    }
}

/* ---- operations ---- */

static const struct {
    const char *name, *chain;
    peer_filter peer;
} operations[] = {
    {"components, 4 neighbours", "label:connectivity=1", PEER_COMPONENTS_4},
    {"components, 8 neighbours", "label:connectivity=2", PEER_COMPONENTS_8},
    {"canny", "canny:low=50,high=150", PEER_CANNY},
};

static const struct {
    const char *name;
    bench_fill *fill;
    bool binary; /* 0 or 255, from its value 128 on, where components are looked for */
} images[] = {
    {"hills", fill_hills, true}, {"noise", fill_noise, true}, {"spiral", fill_spiral, false}};

typedef struct setting {
    size_t operation, image;
    nf_fields fields;
    bench_chain chain;
    peer_chain peer;
} setting;

static void set_up(setting *s, int threads)
{
    nf_world alone = {.size = 1, .threads = threads};
    nf_shape shape = bench_shape(side, side, NF_U8);
    bench_chain_create(&alone, operations[s->operation].chain, &shape, &s->chain);
    bench_fields(&s->chain, images[s->image].fill, &s->fields);
    s->peer = (peer_chain){.images = peer_create((int)side, (int)side, 0),
                           .filters = {operations[s->operation].peer},
                           .count = 1};
    if (s->peer.images == NULL)
        bench_check(NF_ERR_MEMORY);
    peer_threads(threads);
    uint8_t *theirs = peer_input(s->peer.images);
    for (int64_t y = 0; y < side; y++) {
        int64_t at[NF_DIMS] = {0, y, 0};
        uint8_t *ours = nf_field_at(&s->fields.in, at);
        for (int64_t x = 0; x < side && operations[s->operation].peer != PEER_CANNY; x++)
            ours[x] = images[s->image].binary && ours[x] < 128 ? 0 : ours[x];
        memcpy(theirs + y * side, ours, (size_t)side);
    }
}

static void tear_down(setting *s)
{
    bench_chain_free(&s->chain);
    nf_fields_free(&s->fields);
    peer_free(s->peer.images);
}

/* ---- the same results ---- */

/* How many cells differ; of components, by how many there are more of them. */
static int64_t difference(const setting *s)
{
    int64_t differ = 0;
    float ours_most = 0;
    int theirs_most = 0;
    const void *theirs = peer_output(s->peer.images);
    bool edges = operations[s->operation].peer == PEER_CANNY;
    for (int64_t y = 0; y < side; y++) {
        int64_t at[NF_DIMS] = {0, y, 0};
        const void *row = nf_field_at(&s->fields.out, at);
        for (int64_t x = 0; x < side; x++) {
            if (edges) {
                differ += ((const uint8_t *)row)[x] != ((const uint8_t *)theirs)[y * side + x];
                continue;
            }
            float a = ((const float *)row)[x];
            int b = ((const int *)theirs)[y * side + x];
            ours_most = a > ours_most ? a : ours_most;
            theirs_most = b > theirs_most ? b : theirs_most;
            differ += (a == 0) != (b == 0);
        }
    }
    return differ + llabs((int64_t)ours_most - theirs_most);
}

/* ---- the table ---- */

static bool run_case(size_t operation, size_t image, int threads, size_t rounds)
{
    setting s = {.operation = operation, .image = image};
    bench_protocol protocol = {.rounds = rounds, .least = 2e-3};
    bench_result result[2];
    set_up(&s, threads);
    bench_subject subjects[] = {{bench_chain_run, &s.chain}, {peer_run, &s.peer}};
    bench_chain_run(&s.chain);
    peer_run(&s.peer);
    int64_t differ = difference(&s);
    printf("%-26s %-7s %d ", operations[operation].name, images[image].name, threads);
    if (differ > 0) {
        printf(" differs from OpenCV's: %lld\n", (long long)differ);
    } else {
        bench_in_turn(&protocol, subjects, 2, result);
        printf(" %8.1f %8.1f  %5.2f %s\n", 1e3 * result[0].seconds, 1e3 * result[1].seconds,
               1 / result[1].ratio, bench_verdict(1 / result[1].ratio, goals[threads - 1]));
    }
    fflush(stdout);
    tear_down(&s);
    return differ == 0;
}

int main(int argc, char **argv)
{
    const char *part = "";
    long rounds = 9;
    bool good = true;
    for (int option; (option = getopt(argc, argv, "k:s:r:")) != -1;) {
        if (option == 'k')
            part = optarg;
        else if (option == 's')
            side = bench_number(argv[0], "-s, the side,", optarg, 16, 1 << 15);
        else if (option == 'r')
            rounds = bench_number(argv[0], "-r, the rounds,", optarg, 1, BENCH_MAX_ROUNDS);
        else
            return 2;
    }
    printf("instruction set %s, %lldx%lld u8, medians of %ld rounds, ms; 'of cv': nfold's time as "
           "a part "
           "of that of OpenCV %s, goal at most %.2f at one thread, %.2f at two\n%-26s %-7s %s  %8s "
           "%8s  "
           "%5s\n",
           nf_kernel_isa(), (long long)side, (long long)side, rounds, peer_version(), goals[0],
           goals[1], "", "", "t", "nfold", "OpenCV", "of cv");
    for (size_t k = 0; k < sizeof operations / sizeof *operations; k++)
        for (size_t i = 0; i < sizeof images / sizeof *images; i++)
            for (int threads = 1; threads <= MAX_THREADS; threads++)
                if (strstr(operations[k].name, part) != NULL)
                    good = run_case(k, i, threads, (size_t)rounds) && good;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
