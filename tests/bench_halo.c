/* bench_halo.c - the exchange of halos, by messages and through shared memory, and in which blocks an
 * image is best cut; as times and ratios of medians. mpirun -n 2|4|8 bench_halo [row|column|face|cut].
 *
 * Each line: microseconds for begin and end by messages, and shared memory's as a ratio to it; for
 * cuts, by rows and in squares through shared memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/engine/halo.h"
#include "tests/arrays.h"

enum { ROUNDS = 15 };

static nf_world world;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct contest {
    nf_field field;
    nf_exchange *exchange;
    double seconds[ROUNDS];
} contest;

static void enter(contest *c, const nf_cut *cut, const nf_halo *halo, bool shared)
{
    nf_status status = nf_field_create(&c->field, cut, world.rank, halo);
    if (status == NF_OK)
        status = nf_exchange_create(&world, cut, halo, false, &c->exchange);
    if (nf_agree(&world, status) != NF_OK) {
        fprintf(stderr, "bench_halo: %s\n", nf_message(status));
        exit(1);
    }
    if (shared)
        nf_exchange_connect(&world, c->exchange);
    if (c->field.memory != NULL)
        for (int64_t y = c->field.own.lo[1]; y < c->field.own.hi[1]; y++)
            memset(nf_field_at(&c->field, (int64_t[]){c->field.own.lo[0], y, c->field.own.lo[2]}),
                   0, 4);
}

static double exchange_times(contest *c, int times)
{
    nf_barrier(&world);
    double start = now();
    for (int i = 0; i < times; i++) {
        nf_exchange_begin(c->exchange, &c->field);
        nf_exchange_end(c->exchange, &c->field);
    }
    nf_barrier(&world);
    return (now() - start) / times;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Two by turns; the medians in microseconds. */
static void compare(contest c[2], double median[2])
{
    int times = 1;
    double once = exchange_times(&c[0], 1);
    for (once = exchange_times(&c[0], 3); once * times < 0.01 && times < 500;)
        times *= 2;
    nf_broadcast(&world, &times, sizeof times, 0);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2; i++)
            c[i].seconds[round] = exchange_times(&c[i], times);
    for (int i = 0; i < 2; i++) {
        qsort(c[i].seconds, ROUNDS, sizeof(double), ascending);
        median[i] = c[i].seconds[ROUNDS / 2] * 1e6;
        nf_exchange_free(c[i].exchange);
        nf_field_free(&c[i].field);
    }
}

/* Messages of about `bytes` between neighbours that are cut in dimension d, or in all of them. */
static void compare_ways(const char *name, int d, int64_t bytes)
{
    int64_t cells = bytes / 4, side = 1;
    nf_halo halo = {{0}, {0}};
    int grid[NF_DIMS] = {1, 1, 1};
    nf_shape shape = nf_test_shape(1, 64, 64, 1, NF_F32);
    while (side * side < cells)
        side++;
    if (d < NF_DIMS) {
        halo.lo[d] = halo.hi[d] = 4;
        grid[d] = world.size;
        shape.dim[3 - d] = cells / 4; /* the other one of rows and columns */
        shape.dim[d] *= world.size;
    } else {
        for (int left = world.size, k = 0; left > 1; left /= 2, k++)
            grid[k % NF_DIMS] *= 2;
        for (int k = 0; k < NF_DIMS; k++) {
            halo.lo[k] = halo.hi[k] = grid[k] > 1;
            shape.dim[k] = side * grid[k];
        }
    }
    nf_cut cut;
    if (nf_shape_bytes(&shape) > 1 << 30 ||
        nf_cut_given(&shape, world.size, grid, NULL, &cut) != NF_OK)
        return; /* too large for this; faces: powers of two only */
    contest c[2];
    double median[2];
    enter(&c[0], &cut, &halo, false);
    enter(&c[1], &cut, &halo, true);
    compare(c, median);
    if (world.rank == 0)
        printf("%-6s %8lld B   messages %9.2f us   shared %.2f\n", name, (long long)bytes,
               median[0], median[1] / median[0]);
}

static void compare_cuts(int64_t n, int halo_width, int channels, nf_dtype dtype)
{
    nf_halo halo = {{0, halo_width, halo_width}, {0, halo_width, halo_width}};
    nf_shape shape = nf_test_shape(1, n, n, channels, dtype);
    int rows = 1;
    while (rows * rows < world.size)
        rows *= 2;
    nf_cut cut[2], chosen = nf_cut_choose(&shape, world.size, &halo, NULL);
    if (nf_cut_given(&shape, world.size, (int[]){1, world.size, 1}, NULL, &cut[0]) != NF_OK ||
        nf_cut_given(&shape, world.size, (int[]){1, rows, world.size / rows}, NULL, &cut[1]) !=
            NF_OK)
        return;
    contest c[2];
    double median[2];
    enter(&c[0], &cut[0], &halo, true);
    enter(&c[1], &cut[1], &halo, true);
    compare(c, median);
    char text[NF_SHAPE_TEXT];
    if (world.rank == 0)
        printf("%-18s halo %2d   %dx1 %9.2f us   %dx%d %.2f   chosen %dx%d\n",
               nf_shape_text(&shape, text), halo_width, world.size, median[0], rows,
               world.size / rows, median[1] / median[0], chosen.parts[1], chosen.parts[2]);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"cut", "row", "column", "face"};
    if (nf_world_start(&argc, &argv, &world) != NF_OK || world.size < 2)
        return 1;
    for (int d = 1; d <= NF_DIMS; d++)
        for (int64_t bytes = 1 << 10; bytes <= 1 << 22; bytes *= 8)
            if (argc < 2 || strcmp(argv[1], names[d]) == 0)
                compare_ways(names[d], d, bytes);
    for (int64_t n = 1024; n <= 8192 && world.size > 3; n *= 8)
        for (int halo = 1; halo <= 16; halo *= 4)
            if (argc < 2 || strcmp(argv[1], names[0]) == 0) {
                compare_cuts(n, halo, 1, NF_F32);
                compare_cuts(n, halo, 3, NF_U8);
            }
    nf_world_stop(&world);
    return 0;
}
