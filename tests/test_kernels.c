/* test_kernels.c - every kernel against its independent reference: all types, borders, odd shapes.
 * CTest runs it once for each instruction set that the processor has. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/reference.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static const nf_dtype dtypes[] = {NF_U8, NF_U16, NF_F32, NF_F64};
static const char *const borders[] = {"clamp", "reflect", "mirror", "wrap", "constant,value=7"};

/* Shapes that cross tiles in both directions, and degenerate ones. */
static void check_shapes(const char *typed, nf_dtype dtype)
{
    static const int64_t sizes[][2] = {{1, 1}, {1, 9}, {11, 1}, {2, 3}, {37, 23}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        nf_shape shape = nf_test_shape(1, sizes[s][0], sizes[s][1], 1 + (int)s % 4, dtype);
        nf_test_check(typed, &shape);
    }
}

/* The outcome of a chain on one row-major array of f64 or u8, one channel. */
static nf_outcome outcome_of(const char *typed, int64_t rows, int64_t columns, nf_dtype dtype,
                             const void *cells)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_shape shape = nf_test_shape(1, rows, columns, 1, dtype);
    return nf_test_drive_typed(&alone, typed, &shape, cells, NULL);
}

/* The kernel with each border and type; %s stands for the border. */
static void check_filter(const char *format)
{
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        for (size_t b = 0; b < sizeof borders / sizeof *borders; b++) {
            char typed[512];
            snprintf(typed, sizeof typed, format, borders[b], borders[b], borders[b]);
            check_shapes(typed, dtypes[d]);
        }
    }
}

static void test_sobel(void)
{
    check_filter("sobel:border=%s");
}

static void test_sharpen(void)
{
    check_filter("sharpen:border=%s");
}

static void test_gaussian(void)
{
    check_filter("gaussian:sigma=0.2,border=%s");
    check_filter("gaussian:sigma=1.3,border=%s");
    check_filter("gaussian:sigma=3,truncate=2.5,border=%s");
}

static void test_convolve(void)
{
    check_filter("convolve:mask=3,border=%s");
    check_filter("convolve:mask=1,2,-1,0,5,3,-2,1,4,scale=13,offset=1,border=%s");
    check_filter("convolve:mask=1,2,3,4,5, 6,7,8,9,10, -1,2,-3,4,-5, 0,1,0,2,0, "
                 "9,8,7,6,5,scale=80,border=%s");
    check_filter("convolve:mask=1,1,1,1,1,1,1, 1,2,2,2,2,2,1, 1,2,3,3,3,2,1, 1,2,3,4,3,2,1,"
                 "1,2,3,3,3,2,-5, 1,2,2,2,2,2,1, 1,1,1,1,1,1,9,scale=90,border=%s");
    check_filter("convolve:mask=-1,-2,3,4,40,-6,7,8,-9,scale=8,border=%s");
    check_filter("convolve:mask=0.5,1,0.5,1,2,1,0.5,1,0.5,scale=8,border=%s");
}

/* Masks that are a column times a row, of either sign, integers and not; sums that just fit 16 bits, and
 * sums that just do not. */
static void test_convolve_narrow(void)
{
    check_filter("convolve:mask=1,4,6,4,1, 4,16,24,16,4, 6,24,36,24,6, 4,16,24,16,4, 1,4,6,4,1,"
                 "scale=256,border=%s");
    check_filter("convolve:mask=-1,-2,0,2,1, -2,-4,0,4,2, -3,-6,0,6,3, -2,-4,0,4,2,"
                 "-1,-2,0,2,1,scale=4,border=%s");
    check_filter("convolve:mask=1,2,3,4,3,2,1, 2,4,6,8,6,4,2, 3,6,9,12,9,6,3, 0,0,0,0,0,0,0,"
                 "-3,-6,-9,-12,-9,-6,-3, -2,-4,-6,-8,-6,-4,-2, -1,-2,-3,-4,-3,-2,-1,"
                 "scale=2,offset=128,border=%s");
    check_filter("convolve:mask=.1,.2,.1,.3,.1,.1,.1, .2,.4,.2,.6,.2,.2,.2, .3,.6,.3,.9,.3,.3,.3,"
                 ".4,.8,.4,1.2,.4,.4,.4, .3,.6,.3,.9,.3,.3,.3, .2,.4,.2,.6,.2,.2,.2,"
                 ".1,.2,.1,.3,.1,.1,.1,scale=16,border=%s");
    check_filter("convolve:mask=0,0,0,0,256,0,0,0,0,border=%s");
    check_filter("convolve:mask=0,0,0,0,257,0,0,0,0,scale=2,border=%s");
    check_filter("convolve:mask=1,1,1,1,1,1,1, 1,1,1,1,1,1,1, 1,1,1,1,1,1,1, 1,1,1,1,1,1,1,"
                 "1,1,1,1,1,1,1, 1,1,1,1,1,1,1, 1,1,1,1,1,1,1.01,scale=49,border=%s");
    check_filter("convolve:mask=0,0,-1,0,127,0,0,0,0,scale=128,border=%s");
    check_filter("convolve:mask=0,0,-1,0,128,0,0,0,0,scale=128,border=%s");
}

/* The largest sums that there are, those of white. */
static void test_convolve_white(void)
{
    static const struct {
        const char *chain;
        int expected;
    } cases[] = {{"convolve:mask=1,4,6,4,1, 4,16,24,16,4, 6,24,36,24,6, 4,16,24,16,4, 1,4,6,4,1,"
                  "scale=256",
                  255},
                 {"convolve:mask=0,0,0,0,128,0,0,0,0,scale=128", 255},
                 {"convolve:mask=-1,0,0,0,127,0,0,0,0,scale=4", 255},
                 {"convolve:mask=0,0,0,0,-129,0,0,0,0,scale=129,offset=255", 0}};
    unsigned char white[81];
    memset(white, 255, sizeof white);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_outcome o = outcome_of(cases[i].chain, 9, 9, NF_U8, white);
        for (size_t c = 0; o.status == NF_OK && c < sizeof white; c++)
            CU_ASSERT_EQUAL((unsigned char)o.cells[c], cases[i].expected);
        nf_outcome_free(&o);
    }
}

static void test_heat(void)
{
    check_filter("heat:steps=1,border=%s");
    check_filter("heat:steps=5,alpha=0.25,border=%s");
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        nf_shape volume = nf_test_shape(7, 6, 13, 1 + (int)d % 2, dtypes[d]);
        for (size_t b = 0; b < sizeof borders / sizeof *borders; b++) {
            char typed[64];
            snprintf(typed, sizeof typed, "heat:steps=3,border=%s", borders[b]);
            nf_test_check(typed, &volume);
        }
    }
}

/* Bits equal to each kernel alone, one after the other; borders that cannot be fused among them. */
static void test_chains(void)
{
    check_filter("gaussian:sigma=1,border=%s | sharpen:border=%s | sobel:border=%s");
    check_filter("sobel:border=wrap | gaussian:sigma=0.7,border=%s | sharpen:border=wrap");
    check_filter("sharpen:border=%s | heat:steps=3,border=wrap | sobel:border=%s");
    check_filter("cast:to=f32 | gaussian:sigma=1,border=%s | cast:to=u16 | sobel:border=wrap");
    check_filter("gaussian:sigma=1,border=%s | stats");
    check_filter("heat:steps=2,border=%s | cast:to=u8 | histogram:bins=16");
}

/* Tiles cut the columns of a wide array, too; a chain may be longer than what is fused at once. */
static void test_tiles(void)
{
    nf_shape wide = nf_test_shape(1, 19, 4500, 1, NF_U8),
             colour = nf_test_shape(1, 17, 1700, 3, NF_F32);
    nf_test_check("gaussian:sigma=1 | sobel", &wide);
    nf_test_check("sharpen:border=wrap | gaussian:sigma=2,border=wrap", &colour);
    nf_test_check("stats", &wide);
    nf_shape small = nf_test_shape(1, 21, 13, 1, NF_U16);
    nf_test_check(
        "sobel|sobel|sobel|sobel|sobel|sobel|sobel|sobel|sobel|sobel|sobel|sobel|sobel|sobel|sobel|"
        "sobel|sobel|sobel|sharpen",
        &small);
}

static void test_cast(void)
{
    static const char *const to[] = {"cast:to=u8", "cast:to=u16", "cast:to=f32", "cast:to=f64"};
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
        for (size_t t = 0; t < sizeof to / sizeof *to; t++)
            check_shapes(to[t], dtypes[d]);
}

static void test_reductions(void)
{
    static const char *const typed[] = {"sum",
                                        "sumsq",
                                        "norm2",
                                        "dot",
                                        "stats",
                                        "histogram",
                                        "histogram:bins=9,lo=3,hi=200,channels=each",
                                        "histogram:bins=7,lo=3,hi=90",
                                        "histogram:bins=1,lo=-1,hi=0",
                                        "histogram:bins=60000,lo=1,hi=50000"};
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
            check_shapes(typed[k], dtypes[d]);
            nf_shape volume = nf_test_shape(7, 13, 29, 1, dtypes[d]);
            nf_test_check(typed[k], &volume);
            nf_shape line = {.dim = {1, 1, 70001}, .ndim = 1, .channels = 1, .dtype = dtypes[d]};
            nf_test_check(typed[k], &line);
        }
    }
}

/* Against the closed form, which the kernel does not use; across the change of method at 2^32, too.
 */
static void test_sumsq_range(void)
{
    static const char *const typed[] = {"sumsq_range:n=1", "sumsq_range:n=2",
                                        "sumsq_range:n=1000003", "sumsq_range:n=4.3e9"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        nf_chain chain;
        CU_ASSERT_EQUAL(nf_chain_parse(typed[k], &chain), NF_OK);
        CU_ASSERT_EQUAL(nf_check_chain(&chain, NULL, NULL, NULL), NF_OK);
        nf_chain_free(&chain);
    }
}

/* What is typed for a kernel by its defaults; one needs one of several parameters. */
static const char *by_defaults(const nf_kernel *kernel)
{
    return strcmp(kernel->name, "resize") == 0 ? "resize:scale=0.6" : kernel->name;
}

/* Whether the kernel, by its defaults, says that it takes such an array. */
static bool takes(const nf_kernel *kernel, const nf_shape *shape)
{
    nf_chain chain;
    nf_status status = nf_chain_parse(by_defaults(kernel), &chain);
    if (status == NF_OK)
        status = nf_chain_prepare(&chain, shape);
    nf_chain_free(&chain);
    return status != NF_ERR_SHAPE;
}

/* On each shape of this type that it takes; returns on how many. */
static int check_defaults(const nf_kernel *kernel, nf_dtype dtype)
{
    nf_shape shapes[] = {nf_test_shape(1, 1, 41, 1, dtype), nf_test_shape(1, 13, 17, 2, dtype),
                         nf_test_shape(1, 17, 13, 1, dtype), nf_test_shape(5, 6, 7, 1, dtype)};
    int taken = 0;
    shapes[0].ndim = 1;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        if (!takes(kernel, &shapes[s]))
            continue;
        nf_test_check(by_defaults(kernel), &shapes[s]);
        taken++;
    }
    return taken;
}

/* A kernel needs what its kind needs; and each, by its defaults, agrees with its reference on every type
 * and number of dimensions that it says it takes. A new kernel is tested so without a line here. */
static void test_every_kernel(void)
{
    const nf_kernel *kernel;
    for (size_t i = 0; (kernel = nf_kernel_at(i)) != NULL; i++) {
        bool map = nf_kernel_maps(kernel), alias = kernel->kind == NF_ALIAS;
        bool range = kernel->kind == NF_RANGE, required = false;
        CU_ASSERT(kernel->summary != NULL && kernel->summary[0] != '\0');
        CU_ASSERT(alias ? kernel->expansion != NULL
                  : map ? kernel->reference_cell != NULL
                        : kernel->reference != NULL && kernel->fold != NULL &&
                              kernel->finish != NULL);
        CU_ASSERT(range == (kernel->apply[NF_NONE] != NULL));
        for (const nf_param *p = kernel->params; p != NULL && p->name != NULL; p++) {
            CU_ASSERT(p->unit != NULL && p->help != NULL);
            required = required || p->fallback == NULL;
        }
        int taken = 0;
        for (nf_dtype dtype = NF_U8; dtype < NF_DTYPES && !required && !range; dtype++)
            taken += check_defaults(kernel, dtype);
        CU_ASSERT(taken > 0 || required || range);
    }
}

/* ---- answers worked out by hand, or published ---- */

/* An impulse brings out the mask as it was given: a convolution, not a correlation. */
static void test_known_convolve(void)
{
    double impulse[25] = {[12] = 1};
    nf_outcome o = outcome_of("convolve:mask=1,2,3,4,5,6,7,8,9", 5, 5, NF_F64, impulse);
    const double *out = (const void *)o.cells;
    for (int j = 0; j < 3; j++)
        for (int i = 0; i < 3; i++)
            CU_ASSERT_EQUAL(out[(j + 1) * 5 + i + 1], 3 * j + i + 1);
    CU_ASSERT_EQUAL(out[0], 0);
    nf_outcome_free(&o);
}

/* sqrt(8^2 + 24^2) in the middle of 1 to 9. */
static void test_known_sobel(void)
{
    const double ramp[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    nf_outcome o = outcome_of("sobel", 3, 3, NF_F64, ramp);
    CU_ASSERT_EQUAL(((const double *)(const void *)o.cells)[4], sqrt(640));
    nf_outcome_free(&o);
}

/* (32 * 26 - 2 * 80) / 16 in the middle, (32 * 10 - 2 * 96) / 16 beside it. */
static void test_known_sharpen(void)
{
    unsigned char image[25];
    memset(image, 10, sizeof image);
    image[12] = 26;
    nf_outcome o = outcome_of("sharpen", 5, 5, NF_U8, image);
    CU_ASSERT_EQUAL((unsigned char)o.cells[12], 42);
    CU_ASSERT_EQUAL((unsigned char)o.cells[7], 8);
    CU_ASSERT_EQUAL((unsigned char)o.cells[0], 10);
    nf_outcome_free(&o);
}

/* exp(-i^2 / 2) over its sum for i from -4 to 4, which is 2.5066208. */
static void test_known_gaussian(void)
{
    static const double weights[5] = {0.3989434694, 0.2419714457, 0.0539911274, 0.0044318616,
                                      0.0001338306};
    double impulse[121] = {[60] = 1};
    nf_outcome o = outcome_of("gaussian:sigma=1", 11, 11, NF_F64, impulse);
    const double *out = (const void *)o.cells;
    for (int j = 0; j < 5; j++)
        for (int i = 0; i < 5; i++)
            CU_ASSERT_DOUBLE_EQUAL(out[(5 + j) * 11 + 5 - i], weights[j] * weights[i], 1e-8);
    CU_ASSERT_EQUAL(out[0], 0); /* beyond the radius */
    nf_outcome_free(&o);
}

static void test_known_heat(void)
{
    double impulse[25] = {[12] = 1};
    nf_outcome o = outcome_of("heat:steps=2,alpha=0.25", 5, 5, NF_F64, impulse);
    const double *out = (const void *)o.cells;
    CU_ASSERT_EQUAL(out[12],
                    0.25); /* a quarter to each side, and a quarter of that back from each */
    CU_ASSERT_EQUAL(out[6], 0.125);
    CU_ASSERT_EQUAL(out[2], 0.0625);
    CU_ASSERT_EQUAL(out[7], 0);
    nf_outcome_free(&o);
}

static void test_known_reductions(void)
{
    const double values[6] = {0, 0.5, 1, 1.5, 2, 7};
    nf_outcome o = outcome_of("histogram:bins=2,hi=2", 1, 6, NF_F64, values);
    CU_ASSERT_EQUAL(o.results.numbers[5].counts[0], 2); /* the last bin has both its edges */
    CU_ASSERT_EQUAL(o.results.numbers[5].counts[1], 3);
    CU_ASSERT_EQUAL(o.results.numbers[3].low, 1); /* above */
    nf_outcome_free(&o);
    const double four[4] = {1, 2, 3, 4};
    o = outcome_of("stats", 2, 2, NF_F64, four);
    CU_ASSERT_EQUAL(o.results.numbers[3].real, 2.5);
    CU_ASSERT_EQUAL(o.results.numbers[4].real, 1.25);
    nf_outcome_free(&o);
    const double vanishing[4] = {1e16, 1, -1e16, 1e-3};
    o = outcome_of("stats", 2, 2, NF_F64, vanishing);
    CU_ASSERT_EQUAL(o.results.numbers[3].real, 1.001 / 4); /* no digit is lost on the way */
    nf_outcome_free(&o);
}

static void test_known_cast(void)
{
    const double values[8] = {2.5, 2.4999, -1, 300, NAN, 254.5, INFINITY, 0.49999999999999994};
    static const unsigned char expected[8] = {3, 2, 0, 255, 0, 255, 255, 0};
    nf_outcome o = outcome_of("cast:to=u8", 2, 4, NF_F64, values);
    for (int i = 0; i < 8; i++)
        CU_ASSERT_EQUAL((unsigned char)o.cells[i], expected[i]);
    nf_outcome_free(&o);
}

/* Filters that smooth or sharpen leave a constant as it is; heat keeps the sum. */
static void test_constants(void)
{
    static const char *const typed[] = {"gaussian:sigma=2", "sharpen", "heat:steps=4",
                                        "convolve:mask=1,2,1,2,4,2,1,2,1,scale=16"};
    nf_shape shape = nf_test_shape(1, 31, 17, 2, NF_U8);
    size_t bytes = nf_shape_bytes(&shape);
    unsigned char *cells = malloc(bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    memset(cells, 201, bytes);
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        char whole[256];
        snprintf(whole, sizeof whole, "%s | histogram", typed[k]);
        nf_chain chain;
        CU_ASSERT_EQUAL(nf_chain_parse(whole, &chain), NF_OK);
        CU_ASSERT_EQUAL(nf_check_chain(&chain, &shape, cells, cells), NF_OK);
        nf_chain_free(&chain);
    }
    free(cells);
}

int main(void)
{
    CU_TestInfo tests[] = {{"every kernel", test_every_kernel},
                           {"sobel", test_sobel},
                           {"sharpen", test_sharpen},
                           {"gaussian", test_gaussian},
                           {"convolve", test_convolve},
                           {"convolve, narrow", test_convolve_narrow},
                           {"convolve, white", test_convolve_white},
                           {"heat", test_heat},
                           {"chains", test_chains},
                           {"tiles", test_tiles},
                           {"cast", test_cast},
                           {"reductions", test_reductions},
                           {"sumsq_range", test_sumsq_range},
                           {"constants", test_constants},
                           {"convolve, known", test_known_convolve},
                           {"sobel, known", test_known_sobel},
                           {"sharpen, known", test_known_sharpen},
                           {"gaussian, known", test_known_gaussian},
                           {"heat, known", test_known_heat},
                           {"reductions, known", test_known_reductions},
                           {"cast, known", test_known_cast},
                           CU_TEST_INFO_NULL};
    printf("instruction set: %s\n", nf_kernel_isa());
    return nf_suite_run("kernels", tests, 0);
}
