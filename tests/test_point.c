/* test_point.c - maps of single cells, and reductions that find or digest elements: against their
 * references, against answers worked out by hand, and by properties; driven by these ranks, by 1 to
 * 3 threads, in tiles that do not divide. CTest runs it for several numbers of ranks, and once for
 * each instruction set that the processor has. */
#include <float.h>
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

/* One chain on one array of made-up cells, or these; says what went wrong. Of no use to
 * several ranks, each of which would do the same. */
static void check_cells(const char *typed, const nf_shape *shape, const void *cells)
{
    if (world.size == 1)
        nf_test_check_cells(typed, shape, cells);
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
    world.threads = how % 3 + 1;
    return nf_test_drive_typed(&world, typed, shape, cells, &told[how]);
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
        x[i] = i % 2 ? 0.0 : -0.0;
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
    checksum_is(&six, bytes, UINT64_C(0xf59909e6e59d3f0a));
    checksum_is(&two, reals, UINT64_C(0x1cd2fa8865452716));
    checksum_is(&many, words, UINT64_C(0xd7d43db3ed02d98b));
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

/* ---- maps against the references ---- */

static void test_maps(void)
{
    static const char *const typed[] = {"scale",
                                        "scale:a=0,b=7",
                                        "scale:a=-1.5,b=300.25",
                                        "scale:a=1e300,b=-1",
                                        "scale:a=0.5",
                                        "clamp",
                                        "clamp:lo=20",
                                        "clamp:hi=99.5",
                                        "clamp:lo=-3.5,hi=70000",
                                        "clamp:lo=10.1,hi=10.1",
                                        "threshold:value=127",
                                        "threshold:value=126.5",
                                        "threshold:value=-1",
                                        "threshold:value=1e300",
                                        "threshold:value=-1e300",
                                        "invert",
                                        "abs",
                                        "gamma:exponent=2.2",
                                        "gamma:exponent=0.45",
                                        "gamma:exponent=3",
                                        "gamma:exponent=0",
                                        "gamma:exponent=18.3",
                                        "gray"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        check_types(typed[k]);
    for (int d = 0; d < TYPES; d++) {
        if (dtypes[d] != NF_U16)
            check_shapes("rgb2hsv", dtypes[d], 1);
        check_shapes("channel:index=0", dtypes[d], 1);
        check_shapes("channel:index=1", dtypes[d], 2);
        check_shapes("channel:index=3", dtypes[d], 4);
    }
}

static const char *const chains[] = {
    "gray | sobel",
    "gaussian:sigma=1 | gray | threshold:value=100",
    "rgb2hsv | channel:index=2 | heat:steps=3 | invert",
    "sharpen | rgb2hsv | cast:to=f32 | gaussian:sigma=1,border=wrap | channel:index=1",
    "sobel | gray | argmax",
    "channel:index=1 | scale:a=0.3,b=9 | checksum"};
enum { CHAINS = sizeof chains / sizeof *chains };

/* Maps that change the number of channels, before, between and after those that read around. */
static void test_chains(void)
{
    nf_shape shape = nf_test_shape(1, 61, 47, 3, NF_U8);
    for (size_t k = 0; k < CHAINS; k++)
        check(chains[k], &shape);
}

static bool same(const nf_outcome *a, const nf_outcome *b)
{
    if (world.rank != 0)
        return true;
    if (a->cells == NULL)
        return a->results.count > 0 && nf_results_equal(&a->results, &b->results);
    return a->bytes == b->bytes && memcmp(a->cells, b->cells, a->bytes) == 0;
}

/* The same bits from all ranks, in whatever tiles, as from one. */
static void test_layouts(void)
{
    nf_shape shape = nf_test_shape(1, 61, 47, 3, NF_U8);
    nf_world all = world, alone = {.size = 1, .threads = 1};
    for (size_t k = 0; k < CHAINS; k++) {
        world = alone;
        nf_outcome serial = drive(chains[k], &shape, NULL, 0);
        world = all;
        for (int how = 0; how < TOLD; how++) {
            nf_outcome o = drive(chains[k], &shape, NULL, how);
            CU_ASSERT(same(&o, &serial));
            nf_outcome_free(&o);
        }
        nf_outcome_free(&serial);
    }
}

/* ---- maps, worked out by hand ---- */

/* A map of one row of n cells gives these bytes. */
static void maps(const char *typed, int64_t n, int channels, nf_dtype dtype, const void *cells,
                 const void *expected, size_t bytes)
{
    nf_shape shape = nf_test_shape(1, 1, n, channels, dtype);
    nf_outcome o = drive(typed, &shape, cells, 0);
    bool right = world.rank != 0 || (o.bytes == bytes && memcmp(o.cells, expected, bytes) == 0);
    CU_ASSERT(right);
    if (!right)
        printf("\n  %s of %s is not as expected\n", typed, nf_dtype_name(dtype));
    nf_outcome_free(&o);
}

static void test_known_scale(void)
{
    const uint8_t bytes[] = {0, 1, 2, 3, 127, 255};
    const uint8_t half[] = {0, 1, 1, 2, 64, 128}, down[] = {2, 1, 0, 0, 0, 0};
    const uint8_t twice[] = {1, 3, 5, 7, 255, 255}, sevens[] = {7, 7, 7, 7, 7, 7};
    maps("scale:a=0.5", 6, 1, NF_U8, bytes, half, 6);
    /* 0.01 * 49 + 0.01 is 1/2 in double and less in float. */
    maps("scale:a=0.01,b=0.01", 2, 1, NF_U8, (const uint8_t[]){48, 49}, (const uint8_t[]){0, 1}, 2);
    maps("scale:a=-1,b=2", 6, 1, NF_U8, bytes, down, 6);
    maps("scale:a=2,b=0.5", 6, 1, NF_U8, bytes, twice, 6);
    maps("scale:a=0,b=7.49", 6, 1, NF_U8, bytes, sevens, 6);
    const double reals[] = {-0.5, (double)INFINITY, 1e300, 3};
    const double tens[] = {-5, (double)INFINITY, 1e301, 30};
    maps("scale:a=10", 4, 1, NF_F64, reals, tens, sizeof tens);
}

static void test_known_clamp(void)
{
    const float x[] = {-1, 0.25f, 7, NAN, (float)-INFINITY, (float)INFINITY};
    const float expected[] = {0, 0.25f, 1, NAN, 0, 1};
    maps("clamp:lo=0,hi=1", 6, 1, NF_F32, x, expected, sizeof x);
    const uint8_t bytes[] = {0, 9, 10, 11, 19, 20, 21}, bounded[] = {10, 10, 10, 11, 19, 20, 20};
    maps("clamp:lo=9.5,hi=20.4", 7, 1, NF_U8, bytes, bounded, sizeof bytes);
}

/* Above, not equal; what is compared is not rounded: 0.1f is above 0.1. */
static void test_known_threshold(void)
{
    const uint8_t bytes[] = {0, 99, 100, 101, 255}, above[] = {0, 0, 0, 255, 255};
    const uint8_t whole[] = {255, 255, 255, 255, 255}, none[5] = {0};
    maps("threshold:value=100", 5, 1, NF_U8, bytes, above, 5);
    maps("threshold:value=100.9", 5, 1, NF_U8, bytes, above, 5);
    maps("threshold:value=-0.1", 5, 1, NF_U8, bytes, whole, 5);
    maps("threshold:value=255", 5, 1, NF_U8, bytes, none, 5);
    const uint16_t words[] = {65534, 65535}, last[] = {0, 65535};
    maps("threshold:value=65534", 2, 1, NF_U16, words, last, sizeof words);
    const float x[] = {0.1f, 0.2f, -0.3f, NAN, (float)INFINITY}, y[] = {1, 1, 0, 0, 1};
    maps("threshold:value=0.1", 5, 1, NF_F32, x, y, sizeof x);
    const float z[] = {0, 0, 0, 0, 1};
    maps("threshold:value=0.2000000030", 5, 1, NF_F32, x, z, sizeof x);
    maps("threshold:value=1e300", 5, 1, NF_F32, x, z, sizeof x);
}

/* Inverting twice, scaling by 1, and magnitudes of magnitudes change nothing. */
static void test_identities(void)
{
    static const char *const typed[] = {"invert | invert", "scale:a=1", "clamp", "gamma:exponent=1",
                                        "scale:a=-1,b=255 | invert"};
    uint8_t bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    uint16_t *words = malloc(65536 * sizeof *words);
    float *floats = malloc(65536 * sizeof *floats);
    CU_ASSERT_FATAL(words != NULL && floats != NULL);
    for (int i = 0; i < 65536; i++) {
        words[i] = (uint16_t)i;
        floats[i] = (float)i * 0x1p-16f; /* 1 minus these is exact */
    }
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        maps(typed[k], 256, 1, NF_U8, bytes, bytes, sizeof bytes);
    for (size_t k = 0; k < 4; k++) {
        maps(typed[k], 65536, 1, NF_U16, words, words, 65536 * sizeof *words);
        maps(typed[k], 65536, 1, NF_F32, floats, floats, 65536 * sizeof *floats);
    }
    maps("abs", 256, 1, NF_U8, bytes, bytes, sizeof bytes);
    const double signs[] = {-0.0, -1.5, 2, (double)-INFINITY};
    const double magnitudes[] = {0, 1.5, 2, (double)INFINITY};
    maps("abs", 4, 1, NF_F64, signs, magnitudes, sizeof signs);
    free(words);
    free(floats);
}

static void test_known_gamma(void)
{
    const uint8_t bytes[] = {0, 1, 128, 254, 255}, square[] = {0, 0, 64, 253, 255};
    const uint8_t root[] = {0, 16, 181, 254, 255}, white[] = {255, 255, 255, 255, 255};
    maps("gamma:exponent=2", 5, 1, NF_U8, bytes, square, 5);
    maps("gamma:exponent=0.5", 5, 1, NF_U8, bytes, root, 5);
    maps("gamma:exponent=0", 5, 1, NF_U8, bytes, white, 5);
    const uint16_t words[] = {0, 32768, 65535}, squares[] = {0, 16384, 65535};
    maps("gamma:exponent=2", 3, 1, NF_U16, words, squares, sizeof words);
    const float x[] = {0, 0.25f, 1, 4, -2, (float)INFINITY};
    const float cubes[] = {0, 0.015625f, 1, 64, -8, (float)INFINITY};
    maps("gamma:exponent=3", 6, 1, NF_F32, x, cubes, sizeof x);
    maps("gamma:exponent=3", 4, 1, NF_F32, x, cubes, 4 * sizeof *x);
    const float far[] = {1e30f, 1e-30f, 0x1p-149f, FLT_MAX, 0},
                near[] = {(float)INFINITY, 0, 0, (float)INFINITY, 0};
    maps("gamma:exponent=100", 5, 1, NF_F32, far, near, sizeof far);
    const double wide[] = {0, 0x1p-1000, 16}, fourth[] = {0, 0x1p-250, 2};
    maps("gamma:exponent=0.25", 3, 1, NF_F64, wide, fourth, sizeof wide);
}

/* Powers of positive floats have a way of their own: over all magnitudes. */
static void test_powers(void)
{
    enum { N = 3000 };
    nf_shape shape = nf_test_shape(1, 1, N, 1, NF_F32);
    float x[N];
    for (int i = 0; i < N; i++)
        x[i] = (float)ldexp(1 + (double)i / N, i % 277 - 149);
    check_cells("gamma:exponent=2.2", &shape, x);
    check_cells("gamma:exponent=0.4545", &shape, x);
    check_cells("gamma:exponent=0", &shape, x);
    check_cells("gamma:exponent=1", &shape, x);
    for (int i = 0; i < N; i++)
        x[i] = (float)(0.5 + (double)i / N);
    check_cells("gamma:exponent=99.9", &shape, x);
}

/* What Pillow gives for pure colours. */
static void test_known_gray(void)
{
    const uint8_t rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3};
    const uint8_t rgba[] = {255, 0, 0, 9, 0, 255, 0, 8}, luma[] = {76, 150, 29, 255, 2};
    maps("gray", 5, 3, NF_U8, rgb, luma, 5);
    maps("gray", 2, 4, NF_U8, rgba, luma, 2);
    maps("gray", 3, 2, NF_U8, rgb, (const uint8_t[]){255, 0, 255}, 3);
    const uint16_t white[] = {65535, 65535, 65535, 65535, 0, 0};
    maps("gray", 2, 3, NF_U16, white, (const uint16_t[]){65535, 19595}, 4);
}

/* A quarter of all hues and of the rest, by whole numbers: the fast one divides floats. */
static void test_every_hue(void)
{
    enum { STEP = 5, LEVELS = 52, N = LEVELS * LEVELS * LEVELS };
    uint8_t *rgb = malloc(3 * N), *hsv = malloc(3 * N);
    CU_ASSERT_FATAL(rgb != NULL && hsv != NULL);
    for (int i = 0; i < N; i++) {
        int r = i / LEVELS / LEVELS * STEP, g = i / LEVELS % LEVELS * STEP, b = i % LEVELS * STEP;
        r += i % 7 == 0 && r < 255 ? 1 : 0;
        b += i % 11 == 0 && b < 255 ? 1 : 0;
        int v = r > g ? r : g, least = r < g ? r : g;
        v = v > b ? v : b;
        int d = v - (least < b ? least : b);
        int up = v == r ? 60 * (g - b) : v == g ? 60 * (b - r) + 120 * d : 60 * (r - g) + 240 * d;
        up = up < -d ? up + 360 * d : up; /* of 2 d */
        rgb[3 * i] = (uint8_t)r, rgb[3 * i + 1] = (uint8_t)g, rgb[3 * i + 2] = (uint8_t)b;
        hsv[3 * i] = (uint8_t)(d == 0 ? 0 : (up + d) / (2 * d));
        hsv[3 * i + 1] = (uint8_t)(v == 0 ? 0 : (2 * 255 * d + v) / (2 * v));
        hsv[3 * i + 2] = (uint8_t)v;
    }
    maps("rgb2hsv", N, 3, NF_U8, rgb, hsv, 3 * N);
    free(rgb);
    free(hsv);
}

static void test_known_hsv(void)
{
    const uint8_t rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9, 255, 0, 1, 0, 0, 0};
    const uint8_t hsv[] = {0, 255, 255, 60, 255, 255, 120, 255, 255, 0, 0, 9, 0, 255, 255, 0, 0, 0};
    maps("rgb2hsv", 6, 3, NF_U8, rgb, hsv, sizeof hsv);
    const double real[] = {1, 0, 0.5, 0.25, 0.25, 0.25, 0.5, 1, 0};
    const double degrees[] = {330, 1, 1, 0, 0, 0.25, 90, 1, 1};
    maps("rgb2hsv", 3, 3, NF_F64, real, degrees, sizeof degrees);
    const uint8_t rgba[] = {0, 0, 255, 1, 7, 7, 7, 2}, blue[] = {120, 255, 255, 0, 0, 7};
    maps("rgb2hsv", 2, 4, NF_U8, rgba, blue, sizeof blue);
    maps("channel:index=3", 2, 4, NF_U8, rgba, (const uint8_t[]){1, 2}, 2);
}

/* ---- what is refused ---- */

static void refuses(const char *typed, nf_dtype dtype, const char *words)
{
    nf_shape shape = nf_test_shape(1, 4, 5, 3, dtype);
    nf_test_refuses(typed, &shape, words);
}

static void test_refusals(void)
{
    refuses("channel:index=3", NF_U8, "no such channel");
    refuses("gray | channel:index=1", NF_U8, "no such channel");
    refuses("channel:index=4", NF_U8, "out of range");
    refuses("channel", NF_U8, "needs index");
    refuses("clamp:lo=2,hi=1", NF_F32, "hi must not be less");
    refuses("rgb2hsv", NF_U16, "does not take elements of type u16");
    refuses("gamma", NF_U8, "needs exponent");
    refuses("threshold:method=value", NF_U8, "needs value");
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"reductions", test_reductions},
                           {"corners", test_corners},
                           {"ties and NaN", test_ties_and_nans},
                           {"NaN in each lane", test_nan_lanes},
                           {"checksum, known", test_known_checksums},
                           {"checksum changes", test_checksum_changes},
                           {"maps", test_maps},
                           {"chains", test_chains},
                           {"layouts", test_layouts},
                           {"scale, known", test_known_scale},
                           {"clamp, known", test_known_clamp},
                           {"threshold, known", test_known_threshold},
                           {"identities", test_identities},
                           {"gamma, known", test_known_gamma},
                           {"powers", test_powers},
                           {"gray, known", test_known_gray},
                           {"every hue", test_every_hue},
                           {"rgb2hsv, known", test_known_hsv},
                           {"refusals", test_refusals},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    printf("instruction set: %s\n", nf_kernel_isa());
    int status = nf_suite_run("point", tests, world.rank);
    nf_world_stop(&world);
    return status;
}
