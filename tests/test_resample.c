/* test_resample.c - maps that change the array's extents or its order: against their references, known
 * answers and each other; driven by these ranks, by 1 to 3 threads, in tiles that do not divide. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/reference.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */

static const nf_dtype dtypes[] = {NF_U8, NF_U16, NF_F32, NF_F64};
static const char *const borders[] = {"clamp", "reflect", "mirror", "wrap", "constant,value=7"};
enum { TYPES = 4, BORDERS = 5 };

/* ---- against the references, by one rank ---- */

static void check(const char *typed, const nf_shape *shape)
{
    if (world.size == 1)
        nf_test_check(typed, shape);
}

static void test_moves(void)
{
    static const char *const images[] = {"crop:x=3,y=2,width=5,height=4",
                                         "crop:x=7",
                                         "flip",
                                         "flip:axis=y",
                                         "rotate90",
                                         "rotate90:turns=2",
                                         "rotate90:turns=3",
                                         "transpose",
                                         "transpose | flip | crop:x=1,y=1,width=5"};
    static const char *const volumes[] = {"crop:x=1,y=2,z=1,width=3,height=4,depth=2",
                                          "flip:axis=z",
                                          "flip:axis=y",
                                          "rotate90",
                                          "rotate90:turns=3",
                                          "transpose",
                                          "transpose:order=xyz",
                                          "transpose:order=yzx",
                                          "transpose:order=yxz",
                                          "transpose:order=xzy"};
    for (int d = 0; d < TYPES; d++) {
        nf_shape line = {.dim = {1, 1, 41}, .ndim = 1, .channels = 1 + d, .dtype = dtypes[d]};
        nf_shape small = nf_test_shape(1, 6, 8, 1 + d, dtypes[d]);
        nf_shape image = nf_test_shape(1, 71, 45, 4 - d, dtypes[d]);
        nf_shape volume = nf_test_shape(5, 7, 9, 1 + d % 3, dtypes[d]);
        check("flip", &line);
        check("crop:x=40", &line);
        for (size_t k = 0; k < sizeof images / sizeof *images; k++) {
            check(images[k], &small);
            check(images[k], &image);
        }
        for (size_t k = 0; k < sizeof volumes / sizeof *volumes; k++)
            check(volumes[k], &volume);
    }
}

/* Also by more cells than there are, and a line of one cell. */
static void test_pad(void)
{
    for (int d = 0; d < TYPES; d++) {
        for (int b = 0; b < BORDERS; b++) {
            char typed[128];
            nf_shape line = {.dim = {1, 1, 1}, .ndim = 1, .channels = 1 + d, .dtype = dtypes[d]};
            nf_shape image = nf_test_shape(1, 7, 5, 1 + d, dtypes[d]);
            nf_shape volume = nf_test_shape(3, 4, 5, 1, dtypes[d]);
            snprintf(typed, sizeof typed, "pad:left=3,right=40,border=%s", borders[b]);
            check(typed, &line);
            check(typed, &image);
            snprintf(typed, sizeof typed, "pad:left=1,right=2,top=3,bottom=25,border=%s",
                     borders[b]);
            check(typed, &image);
            snprintf(typed, sizeof typed, "pad:left=2,top=1,front=4,back=9,border=%s", borders[b]);
            check(typed, &volume);
        }
    }
}

static void test_chains(void)
{
    static const char *const typed[] = {
        "gaussian:sigma=1 | crop:x=5,y=4,width=20,height=17 | sobel | stats",
        "pad:left=9,top=7 | median | rotate90 | box",
        "heat:steps=9 | flip | heat:steps=20 | transpose | heat:steps=3",
        "transpose | normalize | flip:axis=y | quantile",
        "crop:width=30 | open:size=3 | rotate90 | tophat | sum",
        "rotate90 | argmax",
        "resize:width=20,height=60 | gaussian:sigma=1 | resize:width=61,height=20,method=bilinear",
        "sobel | rotate:angle=20 | median",
        "affine:matrix=1.2,0.3,-5,-0.4,0.9,8,border=reflect | histogram:bins=8,lo=0,hi=256"};
    for (int d = 0; d < TYPES; d++) {
        nf_shape image = nf_test_shape(1, 41, 37, 1, dtypes[d]);
        for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
            check(typed[k], &image);
    }
}

/* Masks of which most is not zero, half, and all. */
static void test_distance(void)
{
    static const char *const masks[] = {"threshold:value=9", "threshold:value=120", "clamp:lo=1"};
    static const char *const typed[] = {
        "%s | distance", "%s | distance:sampling=0.3,to=f64",
        "%s | distance_along:axis=y,to=f32 | sum",
        "%s | distance_along:axis=z | distance_along:axis=y,from=squared,to=f64"};
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++)
        for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
            char chain[128];
            nf_dtype dtype = dtypes[(m + k) % TYPES];
            nf_shape line = {.dim = {1, 1, 700}, .ndim = 1, .channels = 1, .dtype = dtype};
            nf_shape image = nf_test_shape(1, 31, 43, 1 + (int)k % 3, dtype);
            nf_shape volume = nf_test_shape(6, 9, 11, 1, dtype);
            snprintf(chain, sizeof chain, typed[k], masks[m]);
            check(chain, &line);
            check(chain, &image);
            check(chain, &volume);
        }
}

/* All of the transform at once, every cell with every zero: not the formula of one axis, which is the
 * kernel's reference. */
static void test_distance_of_all(void)
{
    enum { ROWS = 31, COLUMNS = 43 };
    unsigned char cells[ROWS * COLUMNS];
    uint64_t wrong = 0, zeros = 0;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        cells[i] = nf_test_value(NF_U8, i) > 6;
    nf_shape shape = nf_test_shape(1, ROWS, COLUMNS, 1, NF_U8);
    nf_chain chain;
    nf_outcome o = {.status = nf_chain_parse("distance:to=f64", &chain)};
    if (o.status == NF_OK)
        o = nf_test_drive(&world, &chain, &shape, cells, NULL);
    CU_ASSERT_EQUAL(o.status, NF_OK);
    for (int i = 0; i < ROWS * COLUMNS && world.rank == 0 && o.status == NF_OK; i++) {
        double best = (double)INFINITY;
        for (int j = 0; j < ROWS * COLUMNS; j++)
            if (cells[j] == 0)
                best = fmin(best, hypot(i / COLUMNS - j / COLUMNS, i % COLUMNS - j % COLUMNS));
        wrong += fabs(((const double *)(const void *)o.cells)[i] - best) > 1e-12;
        zeros += best == 0;
    }
    CU_ASSERT(wrong == 0 && (world.rank != 0 || zeros > 5));
    nf_outcome_free(&o);
    nf_chain_free(&chain);
}

/* ---- by all ranks ---- */

static const nf_plan_options told[] = {{.halo_depth = 0},
                                       {.tile = {2, 3, 5}},
                                       {.tile = {1, 1, 1}, .halo_depth = 3},
                                       {.tile = {0, 4, 300}, .halo_depth = 1}};
enum { TOLD = sizeof told / sizeof *told };

/* Two chains give the same bits, however the first is driven and with one rank the second. */
static void same(const char *typed, const char *as, const nf_shape *shape)
{
    nf_world alone = {.size = 1, .threads = 1};
    nf_outcome expected = nf_test_drive_typed(&alone, as, shape, NULL, NULL);
    for (int how = 0; how < TOLD; how++) {
        world.threads = how % 3 + 1;
        nf_outcome o = nf_test_drive_typed(&world, typed, shape, NULL, &told[how]);
        bool equal = world.rank != 0 || nf_outcome_equal(&o, &expected);
        CU_ASSERT(equal);
        if (!equal)
            printf("\n  %s, way %d: not the bits of %s\n", typed, how, as);
        nf_outcome_free(&o);
    }
    nf_outcome_free(&expected);
}

static void same_bits(const char *typed, const nf_shape *shape)
{
    same(typed, typed, shape);
}

/* Extents of one cell, fewer cells than ranks, and a source that is all on one rank or on all. */
static void test_layouts(void)
{
    static const char *const typed[] = {"crop:x=3,y=1,width=2,height=2",
                                        "crop:y=2",
                                        "flip",
                                        "flip:axis=y",
                                        "rotate90",
                                        "transpose",
                                        "pad:left=50,top=3,border=wrap",
                                        "pad:right=3,bottom=70,border=constant,value=3",
                                        "pad:left=5,top=5 | crop:x=2,y=3 | rotate90:turns=3",
                                        "gaussian:sigma=1 | rotate90 | sobel | stats",
                                        "heat:steps=12 | transpose | heat:steps=7,border=wrap",
                                        "crop:width=4,height=1 | flip | checksum",
                                        "transpose | normalize | quantile:q=0.1,0.9",
                                        "resize:width=31,height=57 | sobel | stats",
                                        "resize:width=90,height=3,method=bilinear",
                                        "resize:width=2,height=2,method=area",
                                        "gaussian:sigma=1 | rotate:angle=30 | box",
                                        "rotate:angle=-77,expand=yes,border=wrap",
                                        "threshold:value=40 | distance | stats",
                                        "crop:x=1 | distance:to=f64 | transpose",
                                        "affine:matrix=0.5,0.1,-3,-0.2,1.5,2,border=mirror"};
    static const int64_t sizes[][2] = {{3, 5}, {67, 41}, {4, 300}, {200, 6}};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            nf_dtype dtype = strstr(typed[k], "heat") ? NF_F32 : dtypes[(k + s) % TYPES];
            nf_shape image = nf_test_shape(1, sizes[s][0], sizes[s][1], 1 + (int)s % 3, dtype);
            if (strstr(typed[k], "quantile") != NULL)
                image.channels = 1;
            same_bits(typed[k], &image);
        }
    nf_shape volume = nf_test_shape(9, 10, 11, 2, NF_U16);
    same_bits("transpose:order=xyz | gaussian:sigma=1 | transpose:order=yzx", &volume);
    same_bits("crop:z=3,depth=4 | flip:axis=z | pad:front=5,back=20,border=mirror", &volume);
}

/* What must come to the same. */
static void test_identities(void)
{
    static const struct {
        const char *one, *other;
    } pairs[] = {{"transpose | transpose", "scale:a=1"},
                 {"rotate90 | rotate90 | rotate90 | rotate90", "scale:a=1"},
                 {"rotate90 | rotate90", "rotate90:turns=2"},
                 {"rotate90:turns=3 | rotate90", "scale:a=1"},
                 {"flip | flip:axis=y", "rotate90:turns=2"},
                 {"transpose | flip:axis=y", "rotate90"},
                 {"pad:left=4,right=3,top=2,bottom=9,border=wrap | crop:x=4,y=2,width=37,height=23",
                  "scale:a=1"},
                 {"flip | median | flip", "median"},
                 {"transpose | erode:size=5 | transpose", "erode:size=5"},
                 {"transpose | sum", "sum"},
                 {"crop:x=10,width=20 | sobel | crop:x=1,width=18", "sobel | crop:x=11,width=18"}};
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        for (int d = 0; d < TYPES; d++) {
            nf_shape image = nf_test_shape(1, 23, 37, 1 + d % 2, dtypes[d]);
            same(pairs[k].one, pairs[k].other, &image);
        }
}

static void test_known(void)
{
    static const struct {
        const char *typed;
        int rows, columns;
        unsigned char cells[12];
    } cases[] = {{"crop:x=1,y=1", 1, 2, {5, 6}},
                 {"flip", 2, 3, {3, 2, 1, 6, 5, 4}},
                 {"rotate90", 3, 2, {3, 6, 2, 5, 1, 4}},
                 {"rotate90:turns=3", 3, 2, {4, 1, 5, 2, 6, 3}},
                 {"transpose", 3, 2, {1, 4, 2, 5, 3, 6}},
                 {"pad:left=2,bottom=1,border=mirror | crop:height=3,width=4",
                  3,
                  4,
                  {3, 2, 1, 2, 6, 5, 4, 5, 3, 2, 1, 2}}};
    const unsigned char image[] = {1, 2, 3, 4, 5, 6};
    nf_shape shape = nf_test_shape(1, 2, 3, 1, NF_U8);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        nf_chain chain;
        nf_outcome o = {.status = nf_chain_parse(cases[k].typed, &chain)};
        if (o.status == NF_OK)
            o = nf_test_drive(&world, &chain, &shape, image, NULL);
        size_t bytes = (size_t)(cases[k].rows * cases[k].columns);
        CU_ASSERT_EQUAL(o.status, NF_OK);
        CU_ASSERT(world.rank != 0 ||
                  (o.bytes == bytes && memcmp(o.cells, cases[k].cells, bytes) == 0));
        nf_outcome_free(&o);
        nf_chain_free(&chain);
    }
}

static void test_refusals(void)
{
    static const char *const typed[] = {"crop:x=37",   "crop:y=20,height=4",
                                        "crop:z=1",    "crop:width=38",
                                        "flip:axis=z", "transpose:order=xyz"};
    nf_shape image = nf_test_shape(1, 23, 37, 1, NF_U8);
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        nf_chain chain;
        nf_plan *plan = NULL;
        CU_ASSERT_EQUAL(nf_chain_parse(typed[k], &chain), NF_OK);
        CU_ASSERT_EQUAL(nf_plan_create(&world, &image, &chain, 1, NULL, &plan), NF_ERR_PARAM);
        nf_plan_free(plan);
        nf_chain_free(&chain);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"moves", test_moves},
                           {"pad", test_pad},
                           {"chains", test_chains},
                           {"distance", test_distance},
                           {"distance of all", test_distance_of_all},
                           {"layouts", test_layouts},
                           {"identities", test_identities},
                           {"known", test_known},
                           {"refusals", test_refusals},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    int status = nf_suite_run("resample", tests, world.rank);
    nf_world_stop(&world);
    return status;
}
