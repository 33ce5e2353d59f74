/* test_point.c - maps of single cells, and reductions that find or digest elements: against their
 * references, against answers worked out by hand, and by properties; driven by these ranks, by 1 to
 * 3 threads, in tiles that do not divide. CTest runs it for several numbers of ranks, and once for
 * each instruction set that the processor has. */
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
enum { TYPES = 4 };

/* ---- against the references ---- */

/* One chain on one array of made-up cells, or these; says what went wrong. Every rank alone. */
static void check_cells(const char *typed, const nf_shape *shape, const void *cells)
{
    nf_chain chain;
    char text[NF_SHAPE_TEXT];
    nf_status status = nf_chain_parse(typed, &chain);
    if (status == NF_OK)
        status = nf_check_chain(&chain, shape, cells, NULL);
    CU_ASSERT_EQUAL(status, NF_OK);
    if (status != NF_OK)
        printf("\n  %s on %s: %s\n", typed, nf_shape_text(shape, text), nf_message(status));
    nf_chain_free(&chain);
}

static void check(const char *typed, const nf_shape *shape)
{
    void *cells = nf_test_array(shape);
    check_cells(typed, shape, cells);
    free(cells);
}

/* Degenerate shapes, odd ones, lines and volumes, of the numbers of channels from `least` on. */
static void check_shapes(const char *typed, nf_dtype dtype, int least)
{
    static const int64_t sizes[][3] = {{1, 1, 1},   {1, 1, 9},    {1, 11, 1}, {1, 37, 23},
                                       {3, 1, 300}, {1, 19, 705}, {7, 13, 29}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int channels = least; channels <= NF_MAX_CHANNELS; channels++) {
            nf_shape shape = nf_test_shape(sizes[s][0], sizes[s][1], sizes[s][2], channels, dtype);
            check(typed, &shape);
        }
    }
    nf_shape line = {.dim = {1, 1, 70001}, .ndim = 1, .channels = least, .dtype = dtype};
    check(typed, &line);
}

static void check_types(const char *typed)
{
    for (int d = 0; d < TYPES; d++)
        check_shapes(typed, dtypes[d], 1);
}

static void test_reductions(void)
{
    static const char *const typed[] = {"min", "max", "norminf", "argmin", "argmax", "checksum"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        check_types(typed[k]);
    nf_shape image = nf_test_shape(1, 61, 47, 3, NF_U8);
    check("gaussian:sigma=2 | argmax", &image);
    check("cast:to=f64 | sobel | norminf", &image);
    check("sharpen | checksum", &image);
}

/* ---- driven by all ranks ---- */

static const nf_plan_options told[] = {
    {.halo_depth = 0}, {.tile = {2, 3, 5}}, {.tile = {1, 1, 1}}, {.tile = {0, 4, 300}}};
enum { TOLD = sizeof told / sizeof *told };

static nf_outcome drive(const char *typed, const nf_shape *shape, const void *cells, int how)
{
    nf_chain chain;
    nf_outcome o = {.status = nf_chain_parse(typed, &chain)};
    world.threads = how % 3 + 1;
    if (o.status == NF_OK)
        o = nf_test_drive(&world, &chain, shape, cells, &told[how]);
    CU_ASSERT_EQUAL(o.status, NF_OK);
    if (o.status != NF_OK)
        printf("\n  %s: %s\n", typed, nf_message(o.status));
    nf_chain_free(&chain);
    return o;
}

static const nf_number *number(const nf_outcome *o, const char *name)
{
    for (size_t i = 0; i < o->results.count; i++)
        if (strcmp(o->results.numbers[i].name, name) == 0)
            return &o->results.numbers[i];
    return NULL;
}

static bool real_is(const nf_outcome *o, const char *name, double expected)
{
    const nf_number *n = number(o, name);
    return n != NULL && n->type == NF_REAL &&
           (isnan(expected) ? isnan(n->real) : memcmp(&n->real, &expected, sizeof expected) == 0);
}

static bool integer_is(const nf_outcome *o, const char *name, uint64_t expected)
{
    const nf_number *n = number(o, name);
    return n != NULL && n->type == NF_INTEGER && n->high == 0 && n->low == expected;
}

/* The kernel finds this value at this element, however it is driven; value -0 is shown as 0. */
static void finds(const char *typed, const nf_shape *shape, const void *cells, double value,
                  int64_t index)
{
    int64_t cell = index / shape->channels, x = cell % shape->dim[2];
    int64_t y = cell / shape->dim[2] % shape->dim[1], z = cell / shape->dim[2] / shape->dim[1];
    for (int how = 0; how < TOLD; how++) {
        nf_outcome o = drive(typed, shape, cells, how);
        bool found = world.rank != 0 ||
                     (real_is(&o, "value", value) && integer_is(&o, "index", (uint64_t)index) &&
                      integer_is(&o, "plane", (uint64_t)z) && integer_is(&o, "row", (uint64_t)y) &&
                      integer_is(&o, "column", (uint64_t)x) &&
                      integer_is(&o, "channel", (uint64_t)(index % shape->channels)));
        CU_ASSERT(found);
        if (!found)
            printf("\n  %s is not %g at %lld, way %d\n", typed, value, (long long)index, how);
        nf_outcome_free(&o);
    }
}

static void gives(const char *typed, const nf_shape *shape, const void *cells, double value)
{
    for (int how = 0; how < TOLD; how++) {
        nf_outcome o = drive(typed, shape, cells, how);
        CU_ASSERT(world.rank != 0 || real_is(&o, typed, value));
        nf_outcome_free(&o);
    }
}

/* An impulse in each corner of a volume, in its first and its last channel. */
static void test_corners(void)
{
    for (int d = 0; d < TYPES; d++) {
        nf_shape shape = nf_test_shape(5, 6, 7, 3, dtypes[d]);
        size_t size = nf_dtype_size(dtypes[d]);
        for (int corner = 0; corner < 16; corner++) {
            int64_t z = corner & 1 ? 4 : 0, y = corner & 2 ? 5 : 0, x = corner & 4 ? 6 : 0;
            int64_t i = ((z * 6 + y) * 7 + x) * 3 + (corner & 8 ? 2 : 0);
            char *cells = calloc(1, nf_shape_bytes(&shape));
            CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
            nf_test_store(dtypes[d], cells + (size_t)i * size, 9);
            finds("argmax", &shape, cells, 9, i);
            finds("argmin", &shape, cells, 0, i == 0);
            free(cells);
        }
    }
}

/* Of equal elements the first, of NaNs the first, before any number; infinities are numbers. */
static void test_ties_and_nans(void)
{
    enum { N = 12 * 9 };
    nf_shape shape = nf_test_shape(1, 12, 9, 1, NF_F64);
    double x[N];
    for (int i = 0; i < N; i++)
        x[i] = -3;
    finds("argmin", &shape, x, -3, 0);
    finds("argmax", &shape, x, -3, 0);
    x[40] = x[70] = 5, x[41] = x[71] = -8;
    finds("argmax", &shape, x, 5, 40);
    finds("argmin", &shape, x, -8, 41);
    gives("norminf", &shape, x, 8);
    x[90] = INFINITY, x[91] = -INFINITY;
    finds("argmax", &shape, x, (double)INFINITY, 90);
    finds("argmin", &shape, x, (double)-INFINITY, 91);
    gives("max", &shape, x, (double)INFINITY);
    gives("min", &shape, x, (double)-INFINITY);
    x[100] = NAN, x[77] = -(double)NAN, x[107] = NAN;
    finds("argmax", &shape, x, (double)NAN, 77);
    finds("argmin", &shape, x, (double)NAN, 77);
    gives("max", &shape, x, (double)NAN);
    gives("min", &shape, x, (double)NAN);
    gives("norminf", &shape, x, (double)NAN);
    for (int i = 0; i < N; i++)
        x[i] = i % 2 ? -0.0 : 0.0;
    finds("argmin", &shape, x, 0, 0);
    gives("max", &shape, x, 0);
    gives("min", &shape, x, 0);
    for (int i = 0; i < N; i++)
        x[i] = (double)-INFINITY;
    finds("argmax", &shape, x, (double)-INFINITY, 0);
}

/* An array of nothing but NaN, and a NaN in every lane of a long row of floats. */
static void test_nan_lanes(void)
{
    enum { N = 331 };
    nf_shape shape = nf_test_shape(1, 1, N, 1, NF_F32);
    float x[N];
    for (int at = 0; at < N; at += 7) {
        for (int i = 0; i < N; i++)
            x[i] = (float)(i % 10 + 1);
        x[at] = NAN;
        check_cells("argmin", &shape, x);
        check_cells("max", &shape, x);
        check_cells("norminf", &shape, x);
    }
    for (int i = 0; i < N; i++)
        x[i] = NAN;
    finds("argmax", &shape, x, (double)NAN, 0);
}

/* ---- checksum ---- */

static uint64_t checksum(const nf_shape *shape, const void *cells, int how)
{
    nf_outcome o = drive("checksum", shape, cells, how);
    const nf_number *n = number(&o, "checksum");
    uint64_t sum = n != NULL ? n->low : 0;
    nf_outcome_free(&o);
    return sum;
}

/* Known values come from the formula in checksum.c, worked out by a program in another language. */
static void checksum_is(const nf_shape *shape, const void *cells, uint64_t expected)
{
    for (int how = 0; how < TOLD; how++) {
        uint64_t sum = checksum(shape, cells, how);
        CU_ASSERT(world.rank != 0 || sum == expected);
    }
}

static void test_known_checksums(void)
{
    enum { N = 70 * 71 * 3 };
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
    static const double reals[] = {1, -2.5};
    static uint16_t words[N]; /* more than one block */
    for (int i = 0; i < N; i++)
        words[i] = (uint16_t)(i * 7919 % 65536);
    nf_shape six = nf_test_shape(1, 2, 3, 1, NF_U8), two = nf_test_shape(1, 1, 2, 1, NF_F64);
    nf_shape many = nf_test_shape(1, 70, 71, 3, NF_U16);
    checksum_is(&six, bytes, UINT64_C(0x4742ea76a03469bf));
    checksum_is(&two, reals, UINT64_C(0x1cd2fa8865452716));
    checksum_is(&many, words, UINT64_C(0xf817d966bfeb48d2));
}

static void swap(char *a, char *b, size_t size)
{
    char kept[8];
    memcpy(kept, a, size);
    memcpy(a, b, size);
    memcpy(b, kept, size);
}

/* Two elements swapped, near and far, and a single bit turned, show in it; as does another shape of
 * the same elements. */
static void test_checksum_changes(void)
{
    static const int64_t pairs[][2] = {{0, 1}, {5, 6}, {3, 4099}, {0, 8192}, {17, 14909}};
    for (int d = 0; d < TYPES; d++) {
        nf_shape shape = nf_test_shape(1, 70, 71, 3, dtypes[d]), turned = shape;
        size_t size = nf_dtype_size(dtypes[d]);
        char *cells = nf_test_array(&shape);
        CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
        uint64_t before = checksum(&shape, cells, 1);
        for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
            char *a = cells + (size_t)pairs[p][0] * size, *b = cells + (size_t)pairs[p][1] * size;
            CU_ASSERT(memcmp(a, b, size) != 0);
            swap(a, b, size);
            uint64_t after = checksum(&shape, cells, (int)p % TOLD);
            CU_ASSERT(world.rank != 0 || after != before);
            swap(a, b, size);
            a[size - 1] = (char)(a[size - 1] ^ 1);
            after = checksum(&shape, cells, (int)p % TOLD);
            CU_ASSERT(world.rank != 0 || after != before);
            a[size - 1] = (char)(a[size - 1] ^ 1);
        }
        checksum_is(&shape, cells, before);
        turned.dim[1] = 71, turned.dim[2] = 70;
        uint64_t other = checksum(&turned, cells, 0);
        CU_ASSERT(world.rank != 0 || other != before);
        free(cells);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"reductions", test_reductions},
                           {"corners", test_corners},
                           {"ties and NaN", test_ties_and_nans},
                           {"NaN in each lane", test_nan_lanes},
                           {"checksum, known", test_known_checksums},
                           {"checksum changes", test_checksum_changes},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    printf("instruction set: %s\n", nf_kernel_isa());
    int status = nf_suite_run("point", tests, world.rank);
    nf_world_stop(&world);
    return status;
}
