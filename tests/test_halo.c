/* test_halo.c - cuts, halos and what they stand on: every ghost cell comes once, from where it should,
 * through messages of any length and through shared memory. Run under mpirun for several numbers of
 * ranks; what is pure arithmetic is tested for more ranks than there are. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drivers/engine/fold.h"
#include "drivers/engine/halo.h"
#include "drivers/engine/halo_list.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */

/* Passes if no rank counted a failure; every rank comes to the same assertion. */
static void judge(uint64_t failures)
{
    CU_ASSERT_EQUAL(nf_sum_u64(&world, failures), 0);
}

/* ---- cuts: every cell in exactly one block ---- */

static uint64_t wrong_owners(const nf_cut *cut)
{
    uint64_t wrong = 0;
    for (int d = 0; d < NF_DIMS; d++) {
        for (int64_t i = 0; i < cut->shape.dim[d]; i++) {
            int64_t lo, hi;
            nf_cut_interval(cut, d, nf_cut_owner(cut, d, i), &lo, &hi);
            wrong += i < lo || i >= hi;
        }
    }
    return wrong;
}

static void test_cuts(void)
{
    nf_halo halo = {{1, 1, 1}, {1, 1, 1}};
    uint64_t wrong = 0;
    for (int ranks = 1; ranks <= 17; ranks++) {
        for (int64_t n = 1; n <= 19; n++) {
            nf_shape shape = nf_test_shape(n % 3 + 1, n, 20 - n, 1, NF_U8);
            int64_t align[NF_DIMS] = {1, n % 4 + 1, 3}, cells = 0;
            nf_cut cut = nf_cut_choose(&shape, ranks, &halo, n % 2 ? align : NULL);
            for (int r = 0; r < ranks; r++) {
                nf_box box = nf_cut_block(&cut, r);
                cells += nf_box_cells(&box);
                for (int d = 0; d < NF_DIMS; d++)
                    wrong += box.lo[d] % cut.align[d] != 0;
                for (int q = 0; q < r; q++) {
                    nf_box other = nf_cut_block(&cut, q), both = nf_box_intersect(&box, &other);
                    wrong += !nf_box_empty(&both);
                }
            }
            wrong += cells != nf_shape_cells(&shape);
            wrong += wrong_owners(&cut);
        }
    }
    judge(wrong);
}

/* Boundaries and their inverse where the product of cells and blocks does not fit in 64 bits. */
static void test_long_cuts(void)
{
    nf_shape shape = {
        .dim = {1, 1, ((int64_t)1 << 61) - 3}, .ndim = 1, .channels = 1, .dtype = NF_U8};
    nf_cut cut = {.shape = shape, .parts = {1, 1, 65536}, .align = {1, 1, 5}};
    uint64_t wrong = 0;
    int64_t end = 0;
    for (int r = 0; r < 65536; r++) {
        nf_box box = nf_cut_block(&cut, r);
        wrong += box.lo[2] != end || box.hi[2] <= box.lo[2];
        wrong += nf_cut_owner(&cut, 2, box.lo[2]) != r || nf_cut_owner(&cut, 2, box.hi[2] - 1) != r;
        end = box.hi[2];
    }
    judge(wrong + (end != shape.dim[2]));
}

static bool parts_are(const nf_cut *cut, int a, int b, int c)
{
    return cut->parts[0] == a && cut->parts[1] == b && cut->parts[2] == c;
}

static void test_given_cuts(void)
{
    nf_shape image = nf_test_shape(1, 30, 20, 1, NF_U8);
    int64_t align[NF_DIMS] = {1, 8, 1};
    nf_cut cut;
    judge(nf_cut_given(&image, 8, (int[]){1, 4, 2}, align, &cut) != NF_OK ||
          !parts_are(&cut, 1, 4, 2) || cut.align[1] != 8);
    static const struct {
        int grid[NF_DIMS];
        const char *message;
    } wrong[] = {{{1, 4, 3}, "does not have a block for each of 8 ranks"},
                 {{1, 2, 2}, "does not have a block for each of 8 ranks"},
                 {{1, 8, 1}, "the grid 8x1 cuts 30 rows into 8 blocks; 1 to 4 are"},
                 {{2, 4, 1}, "cuts 1 planes into 2 blocks; 1 to 1"},
                 {{1, 0, 8}, "cuts 30 rows into 0"},
                 {{1, -4, -2}, "cuts 30 rows into -4"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        nf_status status = nf_cut_given(&image, 8, wrong[i].grid, align, &cut);
        judge(status != NF_ERR_USAGE || strstr(nf_message(status), wrong[i].message) == NULL);
    }
}

/* A thin halo of a wide image goes by rows, a thick one of many small blocks by squares; primes and
 * arrays with fewer cells than ranks are cut as far as they can be. */
static void test_choice(void)
{
    nf_halo thin = {{0, 1, 1}, {0, 1, 1}}, thick = {{0, 16, 16}, {0, 16, 16}}, none = {{0}, {0}};
    nf_halo solid = {{2, 2, 2}, {2, 2, 2}};
    nf_shape image = nf_test_shape(1, 4096, 4096, 1, NF_F32);
    nf_shape tall = nf_test_shape(1, 100, 3, 1, NF_U8), volume = {{512, 512, 512}, 3, 1, NF_F32};
    nf_cut cut = nf_cut_choose(&image, 4, &thin, NULL);
    judge(!parts_are(&cut, 1, 4, 1));
    cut = nf_cut_choose(&image, 64, &thick, NULL);
    judge(cut.parts[1] < 8 || cut.parts[2] < 4 || cut.parts[1] * cut.parts[2] != 64);
    cut = nf_cut_choose(&image, 7, &thick, NULL);
    judge(cut.parts[1] * cut.parts[2] != 7);
    cut = nf_cut_choose(&image, 8, &none, NULL);
    judge(!parts_are(&cut, 1, 8, 1));
    cut = nf_cut_choose(&tall, 1000, &thin, NULL);
    judge(!parts_are(&cut, 1, 100, 3));
    cut = nf_cut_choose(&volume, 64, &solid, NULL);
    judge(cut.parts[0] < 2 || cut.parts[1] < 2);
}

/* ---- lists: brute force on small cuts ---- */

/* The index of a cell among those of the rank's block and its ghost cells. */
static int64_t place_of(const nf_box *all, const int64_t cell[NF_DIMS])
{
    int64_t place = 0;
    for (int d = 0; d < NF_DIMS; d++)
        place = place * nf_box_extent(all, d) + cell[d] - all->lo[d];
    return place;
}

typedef struct walk {
    const nf_cut *cut;
    nf_box own, all; /* the rank's block; with its ghost cells */
    uint8_t *times;  /* how often each cell of `all` comes */
    uint64_t wrong;
} walk;

/* Counts the cells of one message, and checks that the sender has them. */
static void walk_bundle(walk *w, const nf_bundle *b, bool wrap)
{
    const int64_t *dim = w->cut->shape.dim;
    nf_box giver = nf_cut_block(w->cut, b->rank);
    size_t cells = 0;
    for (size_t p = 0; p < b->count; p++) {
        const nf_box *g = &b->parts[p].ghost;
        cells += (size_t)nf_box_cells(g);
        for (int64_t z = g->lo[0]; z < g->hi[0]; z++)
            for (int64_t y = g->lo[1]; y < g->hi[1]; y++)
                for (int64_t x = g->lo[2]; x < g->hi[2]; x++) {
                    int64_t cell[NF_DIMS] = {z, y, x};
                    w->times[place_of(&w->all, cell)]++;
                    for (int d = 0; d < NF_DIMS; d++) {
                        int64_t from = cell[d] + b->parts[p].shift[d];
                        int64_t expected =
                            wrap ? nf_border_index(cell[d], dim[d], NF_WRAP) : cell[d];
                        w->wrong += from != expected || from < giver.lo[d] || from >= giver.hi[d];
                    }
                }
    }
    w->wrong += b->bytes != cells * (size_t)w->cut->shape.channels;
}

/* Each ghost cell inside the array (or any, if wrapped) must have come once, the others never. */
static void check_times(walk *w, bool wrap)
{
    nf_box array = nf_box_whole(&w->cut->shape);
    for (int64_t z = w->all.lo[0]; z < w->all.hi[0]; z++)
        for (int64_t y = w->all.lo[1]; y < w->all.hi[1]; y++)
            for (int64_t x = w->all.lo[2]; x < w->all.hi[2]; x++) {
                int64_t cell[NF_DIMS] = {z, y, x};
                nf_box one = {{z, y, x}, {z + 1, y + 1, x + 1}};
                bool comes =
                    (wrap || nf_box_contains(&array, &one)) && !nf_box_contains(&w->own, &one);
                w->wrong += w->times[place_of(&w->all, cell)] != comes;
            }
}

static bool same_parts(const nf_bundle *a, const nf_bundle *b)
{
    if (a->count != b->count || a->bytes != b->bytes)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (memcmp(&a->parts[i], &b->parts[i], sizeof *a->parts) != 0)
            return false;
    return true;
}

/* What `from` sends to `to` as it says itself; NULL: nothing. Two messages to one rank are one too
 * many. */
static const nf_bundle *bundle_with(const nf_bundles *bundles, int rank, uint64_t *wrong)
{
    const nf_bundle *found = NULL;
    for (int i = 0; i < bundles->count; i++) {
        if (bundles->list[i].rank != rank)
            continue;
        *wrong += found != NULL;
        found = &bundles->list[i];
    }
    return found;
}

static uint64_t check_lists(const nf_cut *cut, const nf_halo *halo, bool wrap, nf_halo_lists *lists)
{
    int ranks = cut->parts[0] * cut->parts[1] * cut->parts[2];
    uint64_t wrong = 0;
    for (int r = 0; r < ranks; r++)
        wrong += nf_halo_lists_make(cut, r, halo, wrap, &lists[r]) != NF_OK;
    for (int r = 0; r < ranks; r++) {
        walk w = {.cut = cut, .own = nf_cut_block(cut, r)};
        w.all = nf_box_grow(&w.own, halo);
        w.times = calloc((size_t)nf_box_cells(&w.all) + 1, 1);
        for (int i = 0; i < lists[r].in.count; i++)
            walk_bundle(&w, &lists[r].in.list[i], wrap);
        for (int i = 0; i < lists[r].own.count; i++)
            walk_bundle(&w, &lists[r].own.list[i], wrap);
        if (!nf_box_empty(&w.own))
            check_times(&w, wrap);
        for (int q = 0; q < ranks; q++) {
            const nf_bundle *in = bundle_with(&lists[r].in, q, &w.wrong);
            const nf_bundle *out = bundle_with(&lists[q].out, r, &w.wrong);
            w.wrong += (in == NULL) != (out == NULL) || (in != NULL && !same_parts(in, out));
        }
        wrong += w.wrong;
        free(w.times);
    }
    for (int r = 0; r < ranks; r++)
        nf_halo_lists_free(&lists[r]);
    return wrong;
}

/* All grids of up to five blocks a side, over arrays that they do not divide, with blocks that are
 * thinner than the halo or empty. */
static void test_lists(void)
{
    static const nf_halo halos[] = {{{0, 1, 1}, {0, 1, 1}},
                                    {{1, 0, 3}, {0, 2, 0}},
                                    {{2, 3, 1}, {2, 3, 1}},
                                    {{0, 9, 12}, {5, 0, 8}}};
    static const int64_t dims[][NF_DIMS] = {{1, 7, 11}, {3, 5, 4}, {2, 1, 3}};
    static const int grids[][NF_DIMS] = {{1, 1, 1}, {1, 1, 5}, {1, 4, 1}, {1, 3, 5},
                                         {3, 2, 2}, {2, 5, 1}, {2, 1, 4}};
    nf_halo_lists lists[15];
    uint64_t wrong = 0;
    for (size_t s = 0; s < sizeof dims / sizeof *dims; s++)
        for (size_t g = 0; g < sizeof grids / sizeof *grids; g++)
            for (size_t h = 0; h < sizeof halos / sizeof *halos; h++)
                for (int wrap = 0; wrap < 2; wrap++) {
                    nf_cut cut = {.shape = nf_test_shape(0, 0, 0, 2, NF_U8),
                                  .align = {1, 1, (int64_t)(h % 2) + 1}};
                    memcpy(cut.shape.dim, dims[s], sizeof dims[s]);
                    memcpy(cut.parts, grids[g], sizeof grids[g]);
                    wrong += check_lists(&cut, &halos[h], wrap, lists);
                }
    judge(wrong);
}

/* ---- planning for more ranks than there are ---- */

/* Bytes that this process has allocated; 0 where nobody counts them. */
static size_t allocated(void)
{
#if defined __GLIBC_PREREQ && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

/* A rank of `size` in all: as many messages and cells as its surface asks for, and memory for no
 * more than these. */
static uint64_t check_plan(const nf_cut *cut, int size, int rank, const nf_halo *halo, bool wrap)
{
    nf_world fake = {.size = size, .rank = rank, .threads = 1};
    nf_exchange *exchange;
    size_t before = allocated();
    uint64_t wrong = nf_exchange_create(&fake, cut, halo, wrap, &exchange) != NF_OK;
    size_t used = allocated() - before;
    nf_box own = nf_cut_block(cut, rank), all = nf_box_grow(&own, halo);
    nf_box array = nf_box_whole(&cut->shape);
    if (!wrap)
        all = nf_box_intersect(&all, &array);
    int64_t most = 1;
    for (int d = 0; d < NF_DIMS; d++) {
        int64_t thinnest = cut->shape.dim[d] / cut->parts[d];
        int64_t wide = nf_box_extent(&all, d) / thinnest + 2;
        most *= wide < cut->parts[d] ? wide : cut->parts[d];
    }
    nf_traffic t = nf_exchange_traffic(exchange);
    wrong += t.cells != nf_box_cells(&all) - nf_box_cells(&own);
    wrong += t.bytes != t.cells * 4 || t.messages < 1 || t.messages > most - 1 || t.shared != 0;
    wrong += used > 4096 + 1024 * (size_t)t.messages + 4 * (size_t)t.bytes;
    nf_exchange_free(exchange);
    return wrong;
}

/* All ranks are planned, one after the other: were any of it linear in the ranks, this would not end
 * before the time-out. */
static void test_many_ranks(void)
{
    static const struct {
        int64_t dim[NF_DIMS];
        int grid[NF_DIMS];
        nf_halo halo;
    } cases[] = {{{1, 1, 1 << 20}, {1, 1, 65536}, {{0, 0, 3}, {0, 0, 3}}},
                 {{1, 1, 1 << 20}, {1, 1, 65536}, {{0, 0, 100}, {0, 0, 0}}},
                 {{1, 70000, 16}, {1, 65536, 1}, {{0, 2, 0}, {0, 2, 0}}},
                 {{1, 6000, 7000}, {1, 64, 64}, {{0, 4, 4}, {0, 4, 4}}},
                 {{100, 110, 120}, {16, 16, 16}, {{1, 1, 1}, {1, 1, 1}}},
                 {{90, 100, 110}, {32, 32, 64}, {{3, 2, 5}, {3, 0, 5}}}};
    uint64_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_cut cut = {.shape = {.ndim = 3, .channels = 1, .dtype = NF_F32}, .align = {1, 1, 1}};
        memcpy(cut.shape.dim, cases[i].dim, sizeof cut.shape.dim);
        memcpy(cut.parts, cases[i].grid, sizeof cut.parts);
        int size = cut.parts[0] * cut.parts[1] * cut.parts[2];
        for (int rank = world.rank; rank < size; rank += world.size)
            wrong += check_plan(&cut, size, rank, &cases[i].halo, i % 2);
    }
    judge(wrong);
}

/* ---- exchanging: every ghost cell against where it comes from ---- */

/* The ways that neighbours reach each other. */
typedef enum way {
    MESSAGES, /* never connected */
    SHARED,   /* all through the node's memory */
    MIXED,    /* through memory between pairs of ranks, by messages otherwise */
    WAYS
} way;

/* Collective. An exchange by that way; checks that it is so. */
static nf_exchange *make_exchange(const nf_cut *cut, const nf_halo *halo, bool wrap, way how)
{
    nf_exchange *exchange;
    judge(nf_exchange_create(&world, cut, halo, wrap, &exchange) != NF_OK);
    setenv("NFOLD_SHARED", "2", 1);
    if (how == SHARED)
        unsetenv("NFOLD_SHARED");
    if (how != MESSAGES)
        nf_exchange_connect(&world, exchange);
    unsetenv("NFOLD_SHARED");
    nf_traffic t = nf_exchange_traffic(exchange);
    judge(t.shared > (how == MIXED ? 1 : t.messages) || (how == MESSAGES && t.shared > 0) ||
          (how == SHARED && t.shared < t.messages));
    return exchange;
}

static void fill(const nf_field *field, double offset)
{
    nf_test_fill((nf_field *)(uintptr_t)field, NULL);
    for (int64_t z = field->own.lo[0]; z < field->own.hi[0]; z++)
        for (int64_t y = field->own.lo[1]; y < field->own.hi[1]; y++)
            for (int64_t x = field->own.lo[2]; x < field->own.hi[2]; x++)
                *(double *)nf_field_at(field, (int64_t[]){z, y, x}) += offset;
}

static uint64_t wrong_ghosts(const nf_field *field, const nf_halo *halo, nf_border border,
                             double offset)
{
    const nf_shape *shape = &field->cut.shape;
    nf_box all = nf_box_grow(&field->own, halo);
    uint64_t wrong = 0;
    for (int64_t z = all.lo[0]; z < all.hi[0]; z++)
        for (int64_t y = all.lo[1]; y < all.hi[1]; y++)
            for (int64_t x = all.lo[2]; x < all.hi[2]; x++) {
                int64_t at[NF_DIMS] = {z, y, x}, from[NF_DIMS];
                bool constant = false;
                for (int d = 0; d < NF_DIMS; d++) {
                    from[d] = nf_border_index(at[d], shape->dim[d], border);
                    constant = constant || from[d] < 0;
                }
                int64_t cell = (from[0] * shape->dim[1] + from[1]) * shape->dim[2] + from[2];
                double expected = constant ? -9 : nf_test_value(NF_F64, cell) + offset;
                wrong += *(double *)nf_field_at(field, at) != expected;
            }
    return wrong;
}

/* The field's borders are filled first: its ghost cells are right, then. */
static uint64_t check_field(nf_field *field, const nf_halo *halo, nf_border border, double offset)
{
    if (nf_box_empty(&field->own))
        return 0;
    nf_patch patch = nf_field_patch(field);
    nf_fill_border(&patch, field->cut.shape.dim, border, -9);
    return wrong_ghosts(field, halo, border, offset);
}

static void check_halo(const nf_cut *cut, const nf_halo *halo, nf_border border, way how)
{
    nf_field field;
    judge(nf_field_create(&field, cut, world.rank, halo) != NF_OK);
    nf_exchange *exchange = make_exchange(cut, halo, border == NF_WRAP, how);
    uint64_t wrong = 0;
    for (int round = 0; round < 3; round++) {
        if (!nf_box_empty(&field.own))
            fill(&field, round);
        nf_exchange_begin(exchange, &field);
        nf_exchange_end(exchange, &field);
        wrong += check_field(&field, halo, border, round);
    }
    judge(wrong);
    nf_exchange_free(exchange);
    nf_field_free(&field);
}

/* Blocks thinner than the halo, halos wider than the array, one-sided ones, planes and columns cut.
 */
static void check_halos(way how)
{
    static const nf_halo halos[] = {{{0, 1, 1}, {0, 1, 1}},
                                    {{0, 5, 0}, {0, 0, 7}},
                                    {{2, 3, 1}, {2, 3, 1}},
                                    {{9, 40, 17}, {9, 40, 17}}};
    nf_shape shapes[] = {nf_test_shape(1, 37, 29, 1, NF_F64), nf_test_shape(1, 3, 50, 1, NF_F64),
                         nf_test_shape(9, 10, 11, 1, NF_F64), nf_test_shape(1, 1, 1, 1, NF_F64),
                         nf_test_shape(30, 2, 3, 1, NF_F64)};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t h = 0; h < sizeof halos / sizeof *halos; h++)
            for (nf_border border = NF_CLAMP; border <= NF_CONSTANT; border++) {
                if (h == 1 && (border == NF_REFLECT || border == NF_MIRROR))
                    continue; /* those want both sides */
                nf_cut cut = nf_cut_choose(&shapes[s], world.size, &halos[h], NULL);
                check_halo(&cut, &halos[h], border, how);
            }
    nf_cut columns = {.shape = shapes[0], .parts = {1, 1, world.size}, .align = {1, 1, 1}};
    check_halo(&columns, &halos[0], NF_REFLECT, how);
}

static void test_messages(void)
{
    check_halos(MESSAGES);
}

static void test_shared(void)
{
    check_halos(SHARED);
}

static void test_mixed(void)
{
    check_halos(MIXED);
}

/* Messages of one to hundreds of pieces, of which the last is shorter. */
static void test_chunks(void)
{
    static const nf_halo halo = {{2, 3, 1}, {2, 0, 4}};
    nf_shape shapes[] = {nf_test_shape(1, 37, 29, 1, NF_F64), nf_test_shape(9, 10, 11, 1, NF_F64)};
    size_t usual = nf_mpi_chunk;
    nf_mpi_chunk = 56;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        nf_cut cut = nf_cut_choose(&shapes[s], world.size, &halo, NULL);
        check_halo(&cut, &halo, NF_CONSTANT, MESSAGES);
        check_halo(&cut, &halo, NF_WRAP, MIXED);
    }
    nf_mpi_chunk = usual;
}

static void dawdle(int round, int period)
{
    if (period > 0 && (round + world.rank) % period == 0)
        usleep(1500);
}

/* Three exchanges of different fields under way at once, one of them one-sided, so that some ranks
 * wait for nobody; each rank is late now and then, and rank 0 or the last one always. */
static void check_flights(way how, int late)
{
    enum { FLIGHTS = 3, ROUNDS = 30 };
    static const nf_halo halos[FLIGHTS] = {
        {{0, 2, 1}, {0, 2, 1}}, {{0, 3, 0}, {0, 0, 0}}, {{0, 0, 4}, {0, 5, 1}}};
    static const nf_border borders[FLIGHTS] = {NF_CLAMP, NF_CONSTANT, NF_WRAP};
    nf_shape shape = nf_test_shape(1, 40, 31, 1, NF_F64);
    nf_field fields[FLIGHTS];
    nf_exchange *exchanges[FLIGHTS];
    uint64_t wrong = 0;
    for (int i = 0; i < FLIGHTS; i++) {
        nf_cut cut = {.shape = shape, .parts = {1, world.size, 1}, .align = {1, 1, 1}};
        judge(nf_field_create(&fields[i], &cut, world.rank, &halos[i]) != NF_OK);
        exchanges[i] = make_exchange(&cut, &halos[i], borders[i] == NF_WRAP, how);
    }
    for (int round = 0; round < ROUNDS; round++) {
        dawdle(round, world.rank == late ? 1 : 7);
        for (int i = 0; i < FLIGHTS; i++) {
            fill(&fields[i], round + 0.5 * i);
            nf_exchange_begin(exchanges[i], &fields[i]);
        }
        dawdle(round, 5);
        for (int i = FLIGHTS - 1; i >= 0; i--) {
            nf_exchange_end(exchanges[i], &fields[i]);
            wrong += check_field(&fields[i], &halos[i], borders[i], round + 0.5 * i);
        }
    }
    for (int i = 0; i < FLIGHTS; i++) { /* on each rank as soon as it is through */
        nf_exchange_free(exchanges[i]);
        nf_field_free(&fields[i]);
    }
    judge(wrong);
}

static void test_flights(void)
{
    for (way how = MESSAGES; how < WAYS; how++) {
        check_flights(how, 0);
        check_flights(how, world.size - 1);
    }
}

/* Parts of the world exchange for themselves, and the whole world after them. */
static void test_parts(void)
{
    nf_world all = world, part;
    judge(nf_world_part(&world, (world.size + 1) / 2, 1, &part) != NF_OK);
    nf_shape shape = nf_test_shape(1, 37, 29, 1, NF_F64);
    nf_halo halo = {{0, 2, 2}, {0, 2, 2}};
    if (part.size > 0) {
        world = part;
        nf_cut cut = nf_cut_choose(&shape, part.size, &halo, NULL);
        check_halo(&cut, &halo, NF_WRAP, SHARED);
        world = all;
    }
    nf_world_free(&part);
    nf_cut cut = nf_cut_choose(&shape, world.size, &halo, NULL);
    check_halo(&cut, &halo, NF_WRAP, SHARED);
}

/* The rows of the table in kernels/kernel.h, written out twice as far. */
static void test_borders(void)
{
    static const struct {
        nf_border border;
        const char *before, *after; /* of a b c d; k: the constant */
    } rows[] = {{NF_CLAMP, "aaaaaaaaa", "ddddddddd"},
                {NF_REFLECT, "aabcddcba", "dcbaabcdd"},
                {NF_MIRROR, "dcbabcdcb", "cbabcdcba"},
                {NF_WRAP, "dabcdabcd", "abcdabcda"},
                {NF_CONSTANT, "kkkkkkkkk", "kkkkkkkkk"}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (int i = 0; i < 9; i++) {
            int64_t before = nf_border_index(i - 9, 4, rows[r].border);
            int64_t after = nf_border_index(i + 4, 4, rows[r].border);
            CU_ASSERT_EQUAL(before < 0 ? 'k' : "abcd"[before], rows[r].before[i]);
            CU_ASSERT_EQUAL(after < 0 ? 'k' : "abcd"[after], rows[r].after[i]);
        }
        CU_ASSERT_EQUAL(nf_border_index(2, 4, rows[r].border), 2);
        CU_ASSERT_EQUAL(nf_border_index(-7, 1, rows[r].border),
                        rows[r].border == NF_CONSTANT ? -1 : 0);
    }
}

/* ---- what is moved between rank 0 and the others, in many pieces ---- */

static uint64_t check_moves(size_t bytes)
{
    size_t size = (size_t)world.size, me = (size_t)world.rank;
    unsigned char *mine = malloc(bytes), *all = malloc(bytes * size);
    uint64_t wrong = 0;
    for (size_t i = 0; i < bytes; i++)
        mine[i] = (unsigned char)(7 * i + 31 * me);
    memset(all, 0xee, bytes * size);
    nf_gather(&world, mine, all, bytes);
    for (size_t i = 0; i < bytes * size; i++)
        wrong += all[i] != (me == 0 ? (unsigned char)(7 * (i % bytes) + 31 * (i / bytes)) : 0xee);
    nf_broadcast(&world, mine, bytes, world.size - 1);
    for (size_t i = 0; i < bytes; i++)
        wrong += mine[i] != (unsigned char)(7 * i + 31 * (size - 1));
    if (world.rank == 0)
        for (int r = 1; r < world.size; r++)
            nf_send(&world, all + (size_t)r * bytes, bytes, r);
    else
        nf_receive(&world, mine, bytes, 0);
    for (size_t i = 0; world.rank > 0 && i < bytes; i++)
        wrong += mine[i] != (unsigned char)(7 * i + 31 * me);
    free(mine);
    free(all);
    return wrong;
}

static uint64_t check_rows(void)
{
    nf_shape shape = nf_test_shape(2, 13, 17, 3, NF_U16);
    nf_halo halo = {{1, 1, 1}, {1, 1, 1}};
    nf_cut cut = nf_cut_choose(&shape, world.size, &halo, NULL);
    nf_field field;
    uint64_t wrong = nf_field_create(&field, &cut, world.rank, &halo) != NF_OK;
    size_t plane = nf_shape_bytes(&shape) / 2;
    char *from = nf_test_array(&shape), *to = calloc(2, plane);
    for (int64_t z = 0; z < 2; z++) {
        wrong += nf_scatter_rows(&world, &field, z, 0, 13, from + (size_t)z * plane) != NF_OK;
        wrong += nf_gather_rows(&world, &field, z, 0, 13, to + (size_t)z * plane) != NF_OK;
    }
    wrong += world.rank == 0 && memcmp(from, to, 2 * plane) != 0;
    nf_field_free(&field);
    free(from);
    free(to);
    return wrong;
}

static void test_moves(void)
{
    static const size_t chunks[] = {8, 64, 1 << 30};
    size_t usual = nf_mpi_chunk;
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        nf_mpi_chunk = chunks[c];
        judge(check_moves(1) + check_moves(64) + check_moves(1001) + check_rows());
    }
    nf_mpi_chunk = usual;
}

/* ---- folds over ranks ---- */

enum { SUMS = 1001 };

static void fold_max(void *into, const void *next, const void *config)
{
    (void)config;
    int64_t *a = into;
    const int64_t *b = next;
    for (int i = 0; i < SUMS; i++)
        a[i] = b[i] > a[i] ? b[i] : a[i];
}

static int64_t partial_of(int rank, int i)
{
    return (int64_t)nf_test_value(NF_U16, 1000 * rank + i) << 40;
}

static uint64_t check_fold(bool adds)
{
    nf_kernel kernel = {.name = "k", .any_order = true, .adds = adds, .fold = fold_max};
    nf_stage stage = {.kernel = &kernel, .setup = {.partial_bytes = SUMS * sizeof(int64_t)}};
    int64_t partial[SUMS], spare[SUMS];
    uint64_t wrong = 0;
    for (int i = 0; i < SUMS; i++)
        partial[i] = partial_of(world.rank, i);
    nf_fold_ranks(&world, &stage, partial, spare);
    for (int i = 0; world.rank == 0 && i < SUMS; i++) {
        int64_t expected = 0;
        for (int r = 0; r < world.size; r++) {
            int64_t p = partial_of(r, i);
            expected = adds ? expected + p : p > expected ? p : expected;
        }
        wrong += partial[i] != expected;
    }
    return wrong;
}

static void test_folds(void)
{
    size_t usual = nf_mpi_chunk;
    judge(check_fold(true) + check_fold(false));
    nf_mpi_chunk = 64;
    judge(check_fold(true) + check_fold(false));
    nf_mpi_chunk = usual;
}

/* ---- fields ---- */

/* Large blocks begin where a huge page can, and nobody has touched them. */
static void test_fields(void)
{
    nf_halo ghost = {{0, 2, 3}, {0, 2, 3}};
    for (int64_t rows = 3; rows <= 3000; rows *= 1000) {
        nf_shape shape = nf_test_shape(1, rows, 5001, 1, NF_F32);
        nf_cut cut = {.shape = shape, .parts = {1, 1, 1}, .align = {1, 1, 1}};
        nf_field field;
        judge(nf_field_create(&field, &cut, 0, &ghost) != NF_OK);
        bool large = rows > 3;
        uint64_t wrong = (uintptr_t)field.memory % (large ? 1 << 21 : 64) != 0;
        for (int64_t y = 0; y < rows; y++)
            wrong += (uintptr_t)nf_field_at(&field, (int64_t[]){0, y, 0}) % 64 != 0;
        size_t pages = (size_t)(rows * 5001 * 4) / 4096, touched = 0;
        unsigned char *there = malloc(pages + 1);
        wrong += mincore(field.memory, pages * 4096, there) != 0 && large;
        for (size_t i = 0; i < pages && large; i++)
            touched += there[i] & 1;
        judge(wrong + (touched > pages / 10)); /* an allocator may write to the first */
        free(there);
        nf_field_free(&field);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"cuts", test_cuts},
                           {"long cuts", test_long_cuts},
                           {"given cuts", test_given_cuts},
                           {"choice", test_choice},
                           {"lists", test_lists},
                           {"many ranks", test_many_ranks},
                           {"messages", test_messages},
                           {"shared memory", test_shared},
                           {"both", test_mixed},
                           {"chunks", test_chunks},
                           {"flights", test_flights},
                           {"parts", test_parts},
                           {"borders", test_borders},
                           {"moves", test_moves},
                           {"folds", test_folds},
                           {"fields", test_fields},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    int status = nf_suite_run("halo", tests, world.rank);
    nf_world_stop(&world);
    return status;
}
