/* test_components.c - connected components: the same bits by these ranks, by 1 to 3 threads, in bands and
 * blocks of any shape, as serial and as a flood fill; numbers and sizes worked out by hand; what OpenCV's
 * Canny gives. CTest runs it for several numbers of ranks, and once for each instruction set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/forest.h"
#include "drivers/engine/reference.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */

/* Passes if no rank counted a failure; every rank comes to the same assertion. */
static void judge(uint64_t failures)
{
    CU_ASSERT_EQUAL(nf_sum_u64(&world, failures), 0);
}

/* ---- patterns: 1 and more where there is a component ---- */

typedef int pattern(const nf_shape *shape, int64_t z, int64_t y, int64_t x);

/* One cell in `of` is background, or is not. */
static bool chance(const nf_shape *shape, int64_t z, int64_t y, int64_t x, int percent)
{
    int64_t i = (z * shape->dim[1] + y) * shape->dim[2] + x;
    return nf_test_value(NF_U16, i) < 655.36 * percent;
}

static int sparse(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    return chance(s, z, y, x, 30);
}

static int half(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    return chance(s, z, y, x, 50) ? 1 + (int)(x + y) % 2 : 0;
}

/* Near where components of neighbours by sides first span an image. */
static int critical(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    return chance(s, z, y, x, s->ndim == 3 ? 31 : 59) ? 1 + (int)(y / 3) % 2 : 0;
}

static int full(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    (void)s, (void)z, (void)y, (void)x;
    return 1;
}

static int empty(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    (void)s, (void)z, (void)y, (void)x;
    return 0;
}

static int checkerboard(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    (void)s;
    return (z + y + x) % 2 == 0;
}

/* Each of few values a stripe of diagonals. */
static int stripes(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    (void)s;
    return (int)((x + 2 * y + 3 * z) / 2 % 4);
}

/* Teeth that only the last row joins, or the first plane. */
static int comb(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    return x % 2 == 0 || (y == s->dim[1] - 1 && z == 0);
}

/* The same, lying. */
static int rake(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    return (y + z) % 2 == 0 || x == s->dim[2] - 1;
}

/* One line that goes to and fro through all rows, and on through every other plane. */
static int snake(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    int64_t last = s->dim[2] - 1;
    if (z % 2 == 1)
        return y == (z % 4 == 1 ? s->dim[1] - 1 : 0) && x == 0;
    return y % 2 == 0 || x == (y % 4 == 1 ? last : 0);
}

/* A square spiral, one cell wide, one cell apart: the arm's way inwards ends where it meets itself. */
static int spiral(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    int64_t below = s->dim[1] - 1 - y, right = s->dim[2] - 1 - x;
    int64_t ring = y < below ? y : below;
    (void)z;
    ring = x < ring ? x : ring;
    ring = right < ring ? right : ring;
    if (y == ring + 1 && x == ring) /* steps in to the next ring */
        return ring % 2 == 1;
    return ring % 2 == 0;
}

static const struct {
    const char *name;
    pattern *at;
} patterns[] = {{"sparse", sparse},   {"half", half},    {"critical", critical},
                {"full", full},       {"empty", empty},  {"checkerboard", checkerboard},
                {"stripes", stripes}, {"comb", comb},    {"rake", rake},
                {"snake", snake},     {"spiral", spiral}};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

static void *draw(const nf_shape *shape, pattern *at)
{
    char *cells = malloc(nf_shape_bytes(shape)), *to = cells;
    for (int64_t i = 0; i < nf_shape_elements(shape); i++, to += nf_dtype_size(shape->dtype)) {
        int64_t cell = i / shape->channels, x = cell % shape->dim[2];
        int64_t y = cell / shape->dim[2] % shape->dim[1], z = cell / shape->dim[2] / shape->dim[1];
        nf_test_store(shape->dtype, to, at(shape, z, y, x));
    }
    return cells;
}

/* ---- however it is driven ---- */

static nf_outcome drive(const nf_world *part, const char *typed, const nf_shape *shape,
                        const void *cells, const nf_plan_options *options)
{
    nf_chain chain;
    nf_outcome o = {.status = nf_chain_parse(typed, &chain)};
    if (o.status == NF_OK)
        o = nf_test_drive(part, &chain, shape, cells, options);
    nf_chain_free(&chain);
    return o;
}

static bool differs(const nf_outcome *o, const nf_outcome *serial)
{
    if (o->status != NF_OK || serial->status != NF_OK)
        return true;
    if (world.rank != 0)
        return false;
    if (serial->cells != NULL && memcmp(o->cells, serial->cells, serial->bytes) != 0)
        return true;
    return !nf_results_equal(&o->results, &serial->results);
}

static void compare_told(const char *typed, const nf_shape *shape, const void *cells,
                         const nf_plan_options *options, const nf_outcome *serial, const char *what)
{
    nf_outcome o = drive(&world, typed, shape, cells, options);
    bool wrong = differs(&o, serial);
    char text[NF_SHAPE_TEXT];
    if (wrong)
        printf("\n  %s on %s, %s, %d ranks x %d threads, tile %d, grid %dx%dx%d: %s\n", typed,
               nf_shape_text(shape, text), what, world.size, world.threads, (int)options->tile[1],
               options->grid[0], options->grid[1], options->grid[2],
               o.status == NF_OK ? "other bits than serial" : nf_message(o.status));
    judge(wrong);
    nf_outcome_free(&o);
}

/* The blocks that the plan chooses, and in a line along each dimension, and in two. */
static void compare_grids(const char *typed, const nf_shape *shape, const void *cells,
                          const nf_outcome *serial, const char *what)
{
    int n = world.size, two = n % 2 == 0 ? 2 : 1, four = n % 4 == 0 ? 2 : 1;
    const int grids[][NF_DIMS] = {
        {0}, {1, n, 1}, {1, 1, n}, {1, two, n / two}, {n, 1, 1}, {two, four, n / two / four}};
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) {
        int64_t told = (int64_t)g % 3;
        nf_plan_options options = {.tile = {told, told, 40 * told}};
        bool fits = g < 4 || shape->ndim == 3;
        for (int d = 0; d < NF_DIMS; d++) {
            options.grid[d] = grids[g][d];
            fits = fits && grids[g][d] <= shape->dim[d];
        }
        world.threads = 1 + (int)g % 3;
        if (fits)
            compare_told(typed, shape, cells, &options, serial, what);
    }
    world.threads = 1;
}

/* On one rank alone, the flood fill. */
static void compare_flood(const char *typed, const nf_shape *shape, const void *cells,
                          const char *what)
{
    nf_chain chain;
    char text[NF_SHAPE_TEXT];
    nf_status status = nf_chain_parse(typed, &chain);
    if (status == NF_OK)
        status = nf_check_chain(&chain, shape, cells, NULL);
    if (status != NF_OK)
        printf("\n  %s on %s, %s: %s\n", typed, nf_shape_text(shape, text), what,
               nf_message(status));
    CU_ASSERT_EQUAL(status, NF_OK);
    nf_chain_free(&chain);
}

/* Many ranks on few cores take their time: they do some of the cases, two all. */
static bool is_left_out(void)
{
    static int64_t cases;
    int64_t every = world.size <= 2 ? 1 : world.size <= 4 ? 3 : 7;
    return cases++ % every != 0;
}

static void compare(const char *typed, const nf_shape *shape, size_t which)
{
    if (is_left_out())
        return;
    nf_world alone = {.size = 1, .threads = 1};
    nf_plan_options none = {.halo_depth = 0};
    void *cells = draw(shape, patterns[which].at);
    nf_outcome serial = {.status = NF_OK};
    if (world.rank == 0)
        serial = drive(&alone, typed, shape, cells, &none);
    compare_grids(typed, shape, cells, &serial, patterns[which].name);
    if (world.size == 1)
        compare_flood(typed, shape, cells, patterns[which].name);
    nf_outcome_free(&serial);
    free(cells);
}

/* ---- labels ---- */

static void test_images(void)
{
    static const int64_t sizes[][2] = {{41, 139}, {1, 1}, {1, 200}, {70, 1}, {3, 9}, {16, 64}};
    for (size_t p = 0; p < PATTERNS; p++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            nf_dtype dtype = (nf_dtype)(NF_U8 + (p + s) % 4);
            nf_shape shape = nf_test_shape(1, sizes[s][0], sizes[s][1], 1, dtype);
            compare("label", &shape, p);
            compare("label:connectivity=2,type=f64", &shape, p);
        }
    }
}

static void test_equal_values(void)
{
    for (size_t p = 0; p < PATTERNS; p++) {
        nf_shape shape = nf_test_shape(1, 23, 131, 1 + (int)p % 3, (nf_dtype)(NF_U8 + p % 4));
        nf_shape volume = nf_test_shape(8, 9, 11, 1, (nf_dtype)(NF_U8 + p % 4));
        compare("label:same=yes,type=u16", &shape, p);
        compare("label:same=yes,connectivity=2", &shape, p);
        compare("label:same=yes,connectivity=3", &volume, p);
    }
}

static void test_volumes(void)
{
    static const int64_t sizes[][3] = {{9, 10, 70}, {2, 1, 30}, {8, 8, 3}, {17, 2, 1}};
    for (size_t p = 0; p < PATTERNS; p++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            nf_shape shape = nf_test_shape(sizes[s][0], sizes[s][1], sizes[s][2], 1, NF_U8);
            compare("label", &shape, p);
            compare("label:connectivity=2", &shape, p);
            compare("label:connectivity=3", &shape, p);
        }
    }
}

static void test_sizes(void)
{
    for (size_t p = 0; p < PATTERNS; p++) {
        nf_shape shape = nf_test_shape(1, 41, 139, 1, NF_U8);
        nf_shape volume = nf_test_shape(9, 10, 70, 1, NF_F32);
        compare("label:value=size", &shape, p);
        compare("label:value=size,connectivity=2", &volume, p);
    }
}

/* What comes before and after, in passes of their own; several of them; and the numbers of a
 * reduction. */
static void test_chains(void)
{
    static const char *const typed[] = {
        "gaussian:sigma=1 | threshold:value=0.5 | label | sobel",
        "label:type=f64 | heat:steps=5 | stats",
        "label | max",
        "box:size=3,border=wrap | hysteresis:low=0.4,high=0.7 | label:same=yes | stats",
        "label:value=size | threshold:value=9 | label:connectivity=2,type=u16",
        "label | label | normalize",
        "normalize | label:value=size | max"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        for (size_t p = 0; p < 3; p++) {
            nf_shape shape = nf_test_shape(1, 37, 150, 1, k == 3 ? NF_F32 : NF_F64);
            compare(typed[k], &shape, p);
        }
}

/* ---- hysteresis and Canny ---- */

static void test_hysteresis(void)
{
    static const char *const typed[] = {
        "hysteresis:low=0,high=1",   "hysteresis:low=0,high=1.5,connectivity=2",
        "hysteresis:low=-1,high=1",  "hysteresis:low=3,high=0.5",
        "hysteresis:low=-2,high=-1", "hysteresis:low=7,high=9"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        for (size_t p = 0; p < PATTERNS; p++) {
            nf_dtype dtype = (nf_dtype)(NF_U8 + (k + p) % 4);
            nf_shape shape = nf_test_shape(1, 23, 139, 1 + (int)k % 2, dtype);
            nf_shape volume = nf_test_shape(9, 8, 30, 1, dtype);
            compare(typed[k], &shape, p);
            compare(typed[k], &volume, p);
        }
    }
}

/* Blobs of grey that a comb of thresholds cuts. */
static int hills(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    int64_t a = (x * x + 3 * y * y) / 40 % 128, b = (x + y) * 5 % 90;
    return (int)(a + b) + (chance(s, z, y, x, 10) ? 20 : 0);
}

static void compare_hills(const char *typed, const nf_shape *shape)
{
    if (is_left_out())
        return;
    nf_world alone = {.size = 1, .threads = 1};
    nf_plan_options none = {.halo_depth = 0};
    void *cells = draw(shape, hills);
    nf_outcome serial = {.status = NF_OK};
    if (world.rank == 0)
        serial = drive(&alone, typed, shape, cells, &none);
    compare_grids(typed, shape, cells, &serial, "hills");
    if (world.size == 1)
        compare_flood(typed, shape, cells, "hills");
    nf_outcome_free(&serial);
    free(cells);
}

static void test_canny(void)
{
    static const int64_t sizes[][2] = {{67, 90}, {1, 1}, {1, 70}, {50, 1}, {2, 2}, {3, 200}};
    static const char *const typed[] = {"canny_edges:low=40,high=120", "canny:low=40,high=120",
                                        "canny:low=120,high=40,l2=yes", "canny:low=0,high=0",
                                        "gaussian:sigma=1 | canny:low=20.5,high=60,l2=yes | stats"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            nf_shape shape =
                nf_test_shape(1, sizes[s][0], sizes[s][1], 1 + 2 * (int)(s % 2), NF_U8);
            compare_hills(typed[k], &shape);
        }
}

/* What cv2.Canny of OpenCV 4.6 makes of a pattern, thresholds 60 and 220. */
static const char known_l1[] = ".....##...#..#.."
                               "...##...##.....#"
                               ".##...##....#.##"
                               "#...##....##...#"
                               "..##....###..###"
                               "##....###..###.."
                               "....###..##.#..."
                               "...##...#....###"
                               ".##...#...#....."
                               "#...#....#.##..#"
                               "..#....#.....#.."
                               "#....##..#.##.##";
static const char known_l2[] = "..........#....."
                               "........##.....#"
                               "......##....#.##"
                               "....##....##...#"
                               "..##....###..###"
                               "#.....###..###.."
                               "....###..##.#..."
                               "...##...#....###"
                               ".##...#...#....."
                               "#......#.#.##.##"
                               ".......#.....#.."
                               "#....###...##.##";

static int known(const nf_shape *s, int64_t z, int64_t y, int64_t x)
{
    (void)s, (void)z;
    return (int)((x * x * 3 + y * y * 5) / 7 % 97 + (x + 2 * y) % 11 * 9);
}

static void test_known_canny(void)
{
    nf_shape shape = nf_test_shape(1, 12, 16, 1, NF_U8);
    void *cells = draw(&shape, known);
    for (int l2 = 0; l2 < 2; l2++) {
        const char *expected = l2 ? known_l2 : known_l1;
        nf_outcome o = drive(&world, l2 ? "canny:low=60,high=220,l2=yes" : "canny:low=60,high=220",
                             &shape, cells, NULL);
        uint64_t wrong = o.status != NF_OK;
        for (int i = 0; i < 12 * 16 && world.rank == 0 && wrong == 0; i++)
            wrong += (uint8_t)o.cells[i] != (expected[i] == '#' ? 255 : 0);
        judge(wrong);
        nf_outcome_free(&o);
    }
    free(cells);
}

/* ---- answers worked out by hand ---- */

/* Driven by all ranks; on rank 0 as expected. */
static void expect(const char *typed, int64_t rows, int64_t columns, const uint8_t *cells,
                   const float *expected)
{
    nf_shape shape = nf_test_shape(1, rows, columns, 1, NF_U8);
    nf_outcome o = drive(&world, typed, &shape, cells, NULL);
    bool wrong = o.status != NF_OK ||
                 (world.rank == 0 &&
                  memcmp(o.cells, expected, (size_t)(rows * columns) * sizeof *expected) != 0);
    if (wrong)
        printf("\n  %s: %s\n", typed, o.status == NF_OK ? "not as expected" : nf_message(o.status));
    judge(wrong);
    nf_outcome_free(&o);
}

static void test_known_labels(void)
{
    static const uint8_t cells[4 * 6] = {0, 1, 0, 0, 2, 2, /* */
                                         1, 0, 0, 2, 0, 2, /* */
                                         1, 1, 0, 0, 0, 0, /* */
                                         0, 0, 1, 0, 5, 4};
    static const float by_sides[] = {0, 1, 0, 0, 2, 2, /* */
                                     3, 0, 0, 4, 0, 2, /* */
                                     3, 3, 0, 0, 0, 0, /* */
                                     0, 0, 5, 0, 6, 6};
    static const float by_corners[] = {0, 1, 0, 0, 2, 2, /* */
                                       1, 0, 0, 2, 0, 2, /* */
                                       1, 1, 0, 0, 0, 0, /* */
                                       0, 0, 1, 0, 3, 3};
    static const float same[] = {0, 1, 0, 0, 2, 2, /* */
                                 1, 0, 0, 2, 0, 2, /* */
                                 1, 1, 0, 0, 0, 0, /* */
                                 0, 0, 1, 0, 3, 4};
    static const float sizes[] = {0, 1, 0, 0, 3, 3, /* */
                                  3, 0, 0, 1, 0, 3, /* */
                                  3, 3, 0, 0, 0, 0, /* */
                                  0, 0, 1, 0, 2, 2};
    expect("label", 4, 6, cells, by_sides);
    expect("label:connectivity=2", 4, 6, cells, by_corners);
    expect("label:connectivity=2,same=yes", 4, 6, cells, same);
    expect("label:value=size", 4, 6, cells, sizes);
}

/* ---- failures ---- */

/* Fails on all ranks alike with this in its message. */
static void expect_failure(const char *typed, const nf_shape *shape, pattern *at, nf_status code,
                           const char *words)
{
    void *cells = draw(shape, at);
    nf_outcome o = drive(&world, typed, shape, cells, NULL);
    judge(o.status != code || strstr(nf_message(o.status), words) == NULL);
    nf_outcome_free(&o);
    free(cells);
}

static void test_failures(void)
{
    nf_shape image = nf_test_shape(1, 400, 330, 1, NF_U8), line = image;
    expect_failure("label:type=u16", &image, checkerboard, NF_ERR_SHAPE,
                   "there are 66000 components");
    nf_shape fits = nf_test_shape(1, 400, 326, 1, NF_U8);
    compare("label:type=u16", &fits, 5); /* 65200 */
    expect_failure("label:connectivity=3", &image, full, NF_ERR_PARAM, "1 or 2");
    expect_failure("hysteresis:low=1,high=2,connectivity=3", &image, full, NF_ERR_PARAM, "1 or 2");
    line.ndim = 1, line.dim[1] = 1;
    expect_failure("label", &line, full, NF_ERR_SHAPE, "does not take an array of 1 dimension");
    image.dtype = NF_F32;
    expect_failure("canny:low=1,high=2", &image, full, NF_ERR_SHAPE, "does not take elements");
}

/* ---- the forest by itself ---- */

enum { NODES = 700 };

static int owner(const void *context, int64_t index)
{
    (void)context;
    return (int)(index * 7 % world.size);
}

/* Sets by plain repetition. */
static void join_slowly(int64_t pairs[][2], int64_t npairs, int64_t root[NODES])
{
    for (int64_t i = 0; i < NODES; i++)
        root[i] = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (int64_t i = 0; i < npairs; i++) {
            int64_t *a = &root[pairs[i][0]], *b = &root[pairs[i][1]];
            changed = changed || *a != *b;
            *a = *b = *a < *b ? *a : *b;
        }
    }
}

/* Every rank knows some of the pairs, and some rank owns each node: not the same. */
static void check_forest(int64_t pairs[][2], int64_t npairs)
{
    static int64_t index[NODES], root[NODES], mine[NODES][2], expected[NODES], ones[NODES];
    nf_forest forest = {.index = index, .root = root, .pairs = &mine[0][0], .owner = owner};
    join_slowly(pairs, npairs, expected);
    for (int64_t i = 0; i < NODES; i++)
        if (owner(NULL, i) == world.rank)
            index[forest.n++] = i;
    for (int64_t i = 0; i < npairs; i++)
        if (i % world.size == world.rank)
            memcpy(mine[forest.npairs++], pairs[i], sizeof *mine);
    uint64_t wrong = nf_forest_join(&world, &forest) != NF_OK;
    for (int64_t i = 0; i < forest.n; i++) {
        wrong += root[i] != expected[index[i]];
        ones[i] = 1;
    }
    wrong += nf_forest_add(&world, &forest, ones, 1) != NF_OK;
    for (int64_t i = 0; i < forest.n; i++) {
        int64_t size = 0;
        for (int64_t k = 0; k < NODES; k++)
            size += expected[k] == index[i];
        wrong += root[i] == index[i] && ones[i] != size;
    }
    judge(wrong);
}

static void test_forest(void)
{
    static int64_t pairs[NODES][2];
    check_forest(pairs, 0);
    for (int64_t i = 0; i + 1 < NODES; i++) /* a chain, whose order is not that of the indices */
        pairs[i][0] = i * 37 % NODES, pairs[i][1] = (i + 1) * 37 % NODES;
    check_forest(pairs, NODES - 1);
    for (int64_t i = 0; i + 1 < NODES; i++) /* a star around the last */
        pairs[i][0] = NODES - 1, pairs[i][1] = i;
    check_forest(pairs, NODES - 1);
    for (int64_t n = 50; n < NODES; n += 130) {
        for (int64_t i = 0; i < n; i++)
            for (int k = 0; k < 2; k++)
                pairs[i][k] = (int64_t)nf_test_value(NF_U16, 2 * i + k + n) % NODES;
        check_forest(pairs, n);
    }
}

/* Planes that go as many messages. */
static void test_short_messages(void)
{
    size_t chunk = nf_mpi_chunk;
    nf_shape shape = nf_test_shape(1, 41, 139, 1, NF_U8);
    nf_mpi_chunk = 64;
    compare("label", &shape, 2);
    nf_mpi_chunk = chunk;
}

/* So wide that work which grew with the square of a row's width would not end: blocks that seams cut
 * along the rows, and across them. Many ranks would only wait for each other. */
static void test_wide(void)
{
    enum { WIDE = 500000 };
    static const size_t which[] = {1, 2, 5}; /* half, critical, checkerboard */
    nf_shape image = nf_test_shape(1, 3, WIDE, 1, NF_U8);
    nf_shape volume = nf_test_shape(3, 1, WIDE, 1, NF_U8);
    if (world.size > 3)
        return;
    for (size_t k = 0; k < sizeof which / sizeof *which; k++) {
        const nf_shape *shape = k == 1 ? &volume : &image;
        const char *typed = k == 2 ? "label:value=size,connectivity=2" : "label:type=f64";
        nf_world alone = {.size = 1, .threads = 1};
        void *cells = draw(shape, patterns[which[k]].at);
        nf_outcome serial = {.status = NF_OK};
        if (world.rank == 0)
            serial = drive(&alone, typed, shape, cells, NULL);
        for (int across = 0; across < 2; across++) {
            nf_plan_options options = {.grid = {1, 1, 1}};
            options.grid[across == 1 ? 2 : k == 1 ? 0 : 1] = world.size;
            compare_told(typed, shape, cells, &options, &serial, "a wide row");
        }
        nf_outcome_free(&serial);
        free(cells);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"images", test_images},
                           {"equal values", test_equal_values},
                           {"volumes", test_volumes},
                           {"sizes", test_sizes},
                           {"chains", test_chains},
                           {"hysteresis", test_hysteresis},
                           {"canny", test_canny},
                           {"canny, known", test_known_canny},
                           {"labels, known", test_known_labels},
                           {"failures", test_failures},
                           {"forest", test_forest},
                           {"short messages", test_short_messages},
                           {"wide rows", test_wide},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    if (world.rank == 0)
        printf("instruction set: %s\n", nf_kernel_isa());
    int status = nf_suite_run("components", tests, world.rank);
    nf_world_stop(&world);
    return status;
}
