/* test_linear.c - the linear filters against their independent references and by what must hold for
 * them whatever the reference says. CTest runs it once for each instruction set that the processor
 * has. */
#include <float.h>
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

/* ---- against the references ---- */

/* The filter with every border and type, on odd shapes and such as are smaller than a window; as
 * images, and where `volumes`, as volumes. */
static void check_filter(const char *filter, bool volumes)
{
    static const int64_t sizes[][3] = {{1, 1, 1}, {1, 1, 9}, {1, 11, 1}, {1, 2, 3},  {1, 37, 23},
                                       {2, 1, 3}, {3, 4, 2}, {9, 1, 1},  {6, 13, 7}, {4, 11, 19}};
    for (size_t i = 0; i < 4 * 5 * sizeof sizes / sizeof *sizes; i++) {
        const int64_t *size = sizes[i / 20];
        nf_shape shape =
            nf_test_shape(size[0], size[1], size[2], 1 + (int)(i / 20 % 4), dtypes[i / 5 % 4]);
        char typed[128];
        snprintf(typed, sizeof typed, "%sborder=%s", filter, borders[i % 5]);
        if (shape.ndim == 2 || volumes)
            nf_test_check(typed, &shape);
    }
}

static void test_box(void)
{
    check_filter("box:size=1,", true);
    check_filter("box:", true);
    check_filter("box:size=5,", true);
    check_filter("box:size=7,", true);
    check_filter("box:size=9,", true);
    check_filter("box:size=23,", true);
    check_filter("box:size=99,", false);
}

static void test_gradients(void)
{
    check_filter("sobel:", true);
    check_filter("scharr:", true);
    check_filter("prewitt:", true);
}

static void test_laplacian(void)
{
    check_filter("laplacian:", true);
    check_filter("laplacian:offset=128.25,", true);
}

static void test_gaussian(void)
{
    check_filter("gaussian:sigma=0.3,", true);
    check_filter("gaussian:sigma=1.1,truncate=3,", true);
    check_filter("gaussian:sigma=1.3,", true);
    check_filter("gaussian:sigma=9,truncate=2,", false);
}

static void test_of_gaussians(void)
{
    check_filter("unsharp:", false);
    check_filter("unsharp:radius=1.5,percent=80,threshold=0,", false);
    check_filter("dog:offset=128,", false);
    check_filter("dog:sigma1=3.2,sigma2=0.6,truncate=3,", false);
    check_filter("log:offset=128,", false);
    check_filter("log:sigma=2.4,truncate=5,", false);
    check_filter("log:sigma=0.3,", false);
}

/* ---- runs ---- */

static nf_outcome drive(const char *typed, const nf_shape *shape, const void *cells,
                        const nf_plan_options *options, int threads)
{
    const nf_world one = {.size = 1, .threads = threads};
    return nf_test_drive_typed(&one, typed, shape, cells, options);
}

/* The filters as the properties below take them. */
static const struct filter {
    const char *typed;
    bool volumes, linear;
    double gain; /* what a constant array is multiplied with */
} filters[] = {{"box:size=3", true, true, 1}, {"box:size=7", false, true, 1},
               {"box:size=9", true, true, 1}, {"box:size=31", false, true, 1},
               {"laplacian", true, true, 0},  {"sobel", true, false, 0},
               {"scharr", true, false, 0},    {"prewitt", true, false, 0}};

static void for_each_filter(void (*visit)(const struct filter *filter, const nf_shape *shape))
{
    for (size_t i = 0; i < 4 * sizeof filters / sizeof *filters; i++) {
        const struct filter *filter = &filters[i / 4];
        nf_shape image = nf_test_shape(1, 41, 67, 3, dtypes[i % 4]);
        nf_shape volume = nf_test_shape(9, 14, 21, 2, dtypes[i % 4]);
        visit(filter, &image);
        if (filter->volumes)
            visit(filter, &volume);
    }
}

/* ---- the same bits for any tile ---- */

static void check_tiles(const struct filter *filter, const nf_shape *shape)
{
    static const int64_t tiles[][3] = {{1, 1, 1}, {2, 3, 5}, {9, 7, 67}, {4, 41, 8}};
    void *cells = nf_test_array(shape);
    nf_outcome whole = drive(filter->typed, shape, cells, NULL, 1);
    for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++) {
        nf_plan_options options = {.tile = {tiles[t][0], tiles[t][1], tiles[t][2]}};
        nf_outcome cut = drive(filter->typed, shape, cells, &options, 1 + (int)t % 3);
        CU_ASSERT_EQUAL(cut.bytes, whole.bytes);
        CU_ASSERT_EQUAL(memcmp(cut.cells, whole.cells, whole.bytes), 0);
        nf_outcome_free(&cut);
    }
    nf_outcome_free(&whole);
    free(cells);
}

static void test_tiles(void)
{
    for_each_filter(check_tiles);
}

/* ---- what holds for any linear filter ---- */

/* With a wrapping border, an array that is shifted in a circle gives the output shifted: bit by bit,
 * since no result depends on where its cell is. */
static void check_shift(const struct filter *filter, const nf_shape *shape)
{
    enum { DZ = 2, DY = 5, DX = 3 };
    char wrapping[128];
    size_t cell = (size_t)shape->channels * nf_dtype_size(shape->dtype);
    char *cells = nf_test_array(shape), *shifted = malloc(nf_shape_bytes(shape));
    const int64_t *n = shape->dim;
    CU_ASSERT_FATAL(cells != NULL && shifted != NULL);
    snprintf(wrapping, sizeof wrapping, "%s%cborder=wrap", filter->typed,
             strchr(filter->typed, ':') ? ',' : ':');
    nf_outcome o = drive(wrapping, shape, cells, NULL, 1), s = {.cells = NULL};
    for (int turn = 0; turn < 2; turn++) { /* the input, then the output */
        const char *from = turn == 0 ? cells : o.cells;
        for (int64_t i = 0; i < n[0] * n[1] * n[2]; i++) {
            int64_t x = (i % n[2] + DX) % n[2], y = (i / n[2] % n[1] + DY) % n[1];
            int64_t z = (i / n[2] / n[1] + DZ) % n[0];
            memcpy(shifted + (size_t)((z * n[1] + y) * n[2] + x) * cell, from + (size_t)i * cell,
                   cell);
        }
        if (turn == 0)
            s = drive(wrapping, shape, shifted, NULL, 1);
    }
    CU_ASSERT_EQUAL(memcmp(s.cells, shifted, s.bytes), 0);
    nf_outcome_free(&o);
    nf_outcome_free(&s);
    free(cells);
    free(shifted);
}

static void test_shift(void)
{
    for_each_filter(check_shift);
}

/* f(3 a - 2 b) = 3 f(a) - 2 f(b), within what is rounded. */
static void check_linear(const struct filter *filter, const nf_shape *shape)
{
    size_t n = (size_t)nf_shape_elements(shape);
    if (!filter->linear || shape->dtype != NF_F64)
        return;
    double *a = nf_test_array(shape), *b = malloc(n * sizeof *b), *both = malloc(n * sizeof *both);
    CU_ASSERT_FATAL(a != NULL && b != NULL && both != NULL);
    for (size_t i = 0; i < n; i++) {
        b[i] = a[(i * 7 + 5) % n];
        both[i] = 3 * a[i] - 2 * b[i];
    }
    nf_outcome oa = drive(filter->typed, shape, a, NULL, 1),
               ob = drive(filter->typed, shape, b, NULL, 1),
               oc = drive(filter->typed, shape, both, NULL, 1);
    const double *fa = (void *)oa.cells, *fb = (void *)ob.cells, *fc = (void *)oc.cells;
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_DOUBLE_EQUAL(fc[i], 3 * fa[i] - 2 * fb[i], 1e-8);
    nf_outcome_free(&oa);
    nf_outcome_free(&ob);
    nf_outcome_free(&oc);
    free(a);
    free(b);
    free(both);
}

static void test_linear(void)
{
    for_each_filter(check_linear);
}

/* ---- answers worked out by hand ---- */

/* Each window with the impulse in it has 1000 / 27 of it. */
static void test_known_box(void)
{
    double impulse[125] = {[62] = 1000};
    nf_shape volume = nf_test_shape(5, 5, 5, 1, NF_F64);
    nf_outcome o = drive("box", &volume, impulse, NULL, 1);
    for (int i = 0; i < 125; i++) {
        int z = i / 25, y = i / 5 % 5, x = i % 5;
        bool near = abs(z - 2) < 2 && abs(y - 2) < 2 && abs(x - 2) < 2;
        CU_ASSERT_DOUBLE_EQUAL(((double *)(void *)o.cells)[i], near ? 1000.0 / 27 : 0, 1e-13);
    }
    nf_outcome_free(&o);
}

/* In the middle of a ramp of slope 1, 10, 100 along the axes, beside a cell that is off by one. */
static void test_known_gradients(void)
{
    double ramp[27], plane[9];
    nf_shape volume = nf_test_shape(3, 3, 3, 1, NF_F64), image = nf_test_shape(1, 3, 3, 1, NF_F64);
    for (int i = 0; i < 27; i++)
        ramp[i] = i % 3 + i / 3 % 3 * 10 + i / 9 * 100;
    memcpy(plane, ramp, sizeof plane);
    plane[0] -= 1; /* a corner: it tells the weights apart */
    const double s2 = sqrt(2 * 2 + 20 * 20 + 200 * 200);
    static const struct {
        const char *typed;
        double edge, sum;
    } operators[] = {{"sobel", 1, 4}, {"prewitt", 1, 3}, {"scharr", 3, 16}};
    for (int k = 0; k < 3; k++) {
        double edge = operators[k].edge, sum = operators[k].sum;
        nf_outcome o = drive(operators[k].typed, &volume, ramp, NULL, 1);
        CU_ASSERT_DOUBLE_EQUAL(((double *)(void *)o.cells)[13], sum * sum * s2, 1e-9);
        nf_outcome_free(&o);
        o = drive(operators[k].typed, &image, plane, NULL, 1);
        CU_ASSERT_DOUBLE_EQUAL(((double *)(void *)o.cells)[4],
                               hypot(2 * sum + edge, 20 * sum + edge), 1e-11);
        nf_outcome_free(&o);
    }
}

/* An impulse of 10: -60 in a volume, 10 beside it; bytes saturate around the offset. */
static void test_known_laplacian(void)
{
    double impulse[27] = {[13] = 10};
    unsigned char bytes[9] = {[4] = 40};
    nf_shape volume = nf_test_shape(3, 3, 3, 1, NF_F64), image = nf_test_shape(1, 3, 3, 1, NF_U8);
    nf_outcome o = drive("laplacian:border=constant", &volume, impulse, NULL, 1);
    const double *out = (void *)o.cells;
    CU_ASSERT(out[13] == -60 && out[4] == 10 && out[22] == 10 && out[14] == 10 && out[1] == 0);
    nf_outcome_free(&o);
    o = drive("laplacian:offset=128", &image, bytes, NULL, 1);
    CU_ASSERT((uint8_t)o.cells[4] == 0 && (uint8_t)o.cells[1] == 168 && (uint8_t)o.cells[0] == 128);
    nf_outcome_free(&o);
}

/* The weights of sigma 1, exp(-i^2 / 2) over its sum for i from -4 to 4, which is 2.5066208. */
static void test_known_gaussian(void)
{
    static const double weights[5] = {0.3989434694, 0.2419714457, 0.0539911274, 0.0044318616,
                                      0.0001338306};
    static double impulse[11 * 11 * 11] = {[665] = 1};
    nf_shape volume = nf_test_shape(11, 11, 11, 1, NF_F64);
    nf_outcome o = drive("gaussian:sigma=1", &volume, impulse, NULL, 1);
    for (int i = 0; i < 11 * 11 * 11; i++) {
        int z = abs(i / 121 - 5), y = abs(i / 11 % 11 - 5), x = abs(i % 11 - 5);
        double expected = z < 5 && y < 5 && x < 5 ? weights[z] * weights[y] * weights[x] : 0;
        CU_ASSERT_DOUBLE_EQUAL(((double *)(void *)o.cells)[i], expected, 1e-9);
    }
    nf_outcome_free(&o);
}

/* The value in the middle of an image of 25 x 25 that is 1 there and else 0. */
static double of_impulse(const char *typed, int dy, int dx)
{
    static double impulse[25 * 25] = {[12 * 25 + 12] = 1};
    nf_shape image = nf_test_shape(1, 25, 25, 1, NF_F64);
    nf_outcome o = drive(typed, &image, impulse, NULL, 1);
    double value = ((double *)(void *)o.cells)[(12 + dy) * 25 + 12 + dx];
    nf_outcome_free(&o);
    return value;
}

/* By the closed forms: (r^2 / sigma^4 - 2 / sigma^2) exp(-r^2 / (2 sigma^2)) / (2 pi sigma^2), which the
 * sampled and cut weights come close to; and what the Gaussian's weights in the middle, 0.3989434694
 * for sigma 1 and 0.1995 for 2, make of an impulse. */
static void test_known_of_gaussians(void)
{
    const double tau = 2 * 3.14159265358979323846, g1 = 1 / tau, g2 = 1 / (4 * tau);
    for (int dy = 0; dy < 5; dy++) {
        double square = dy * dy + 4, exact = (square / 16 - 0.5) * exp(-square / 8) * g2;
        CU_ASSERT_DOUBLE_EQUAL(of_impulse("log:sigma=2,truncate=6", dy, -2), exact, 1e-7);
    }
    CU_ASSERT_DOUBLE_EQUAL(of_impulse("dog:sigma2=2", 0, 0), g1 - g2, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(of_impulse("dog:sigma1=2,sigma2=1,offset=3", 0, 0), 3 + g2 - g1, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(of_impulse("unsharp:threshold=0.8", 0, 0), 1 + 1.5 * (1 - g2), 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(of_impulse("unsharp:percent=50,threshold=0", 0, 0), 1 + (1 - g2) / 2,
                           1e-4);
    CU_ASSERT_EQUAL(of_impulse("unsharp:threshold=0.97", 0, 0), 1);
    CU_ASSERT_EQUAL(of_impulse("unsharp:threshold=0.8", 0, 1), 0);
}

/* Integers: the exact mean, rounded once. A row whose window of 3, 5, ... has each sum that there can
 * be: s cells of 1 among zeros, then among 254s; as high as the window. */
static void check_exact_box(int size, nf_dtype dtype)
{
    int count = size * size, top = dtype == NF_U8 ? 255 : 65535;
    nf_shape square = nf_test_shape(1, size, size, 1, dtype);
    char typed[64];
    void *cells = malloc((size_t)count * nf_dtype_size(dtype));
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    snprintf(typed, sizeof typed, "box:size=%d,border=clamp", size);
    for (int lifted = 0; lifted <= count; lifted++) {
        int base = lifted * 5039 % top, sum = count * base + lifted;
        for (int i = 0; i < count; i++)
            nf_test_store(dtype, (char *)cells + (size_t)i * nf_dtype_size(dtype),
                          base + (i < lifted));
        nf_outcome o = drive(typed, &square, cells, NULL, 1);
        size_t middle = (size_t)(count / 2);
        int got =
            dtype == NF_U8 ? ((uint8_t *)o.cells)[middle] : ((uint16_t *)(void *)o.cells)[middle];
        CU_ASSERT_EQUAL(got, (2 * sum + count) / (2 * count));
        nf_outcome_free(&o);
    }
    free(cells);
}

static void test_exact_box(void)
{
    for (int size = 1; size <= 15; size += 2) {
        check_exact_box(size, NF_U8);
        check_exact_box(size, NF_U16);
    }
}

/* A constant is multiplied with the gain; in floats within the last places. */
static void check_constant(const struct filter *filter, const nf_shape *shape)
{
    size_t n = (size_t)nf_shape_elements(shape), size = nf_dtype_size(shape->dtype);
    bool whole = shape->dtype == NF_U8 || shape->dtype == NF_U16;
    double value = whole ? 201 : (double)12.3f;
    char *cells = malloc(n * size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    for (size_t i = 0; i < n; i++)
        nf_test_store(shape->dtype, cells + i * size, value);
    nf_outcome o = drive(filter->typed, shape, cells, NULL, 1);
    for (size_t i = 0; i < n; i++) {
        const void *at = o.cells + i * size;
        double got = shape->dtype == NF_U8    ? *(const uint8_t *)at
                     : shape->dtype == NF_U16 ? *(const uint16_t *)at
                     : shape->dtype == NF_F32 ? (double)*(const float *)at
                                              : *(const double *)at;
        double slack =
            whole ? 0 : value * 32 * (shape->dtype == NF_F32 ? (double)FLT_EPSILON : DBL_EPSILON);
        CU_ASSERT(fabs(got - filter->gain * value) <= slack);
    }
    nf_outcome_free(&o);
    free(cells);
}

static void test_constants(void)
{
    for_each_filter(check_constant);
}

/* How far the impulse response of four boxes is from the Gaussian's, over that one's peak; and its variance
 * along a row from sigma's square, over that. */
static void test_gaussian_boxes(void)
{
    enum { N = 121, MIDDLE = N / 2 };
    static const struct {
        double sigma, error, variance;
    } cases[] = {{2, 0.14, 0.01}, {5, 0.05, 0.05}, {10, 0.1, 0.03}};
    nf_shape image = nf_test_shape(1, N, N, 1, NF_F64);
    double *impulse = calloc(N * N, sizeof *impulse);
    CU_ASSERT_FATAL(impulse != NULL);
    impulse[MIDDLE * N + MIDDLE] = 1;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char typed[64];
        double s2 = cases[k].sigma * cases[k].sigma, peak = 1 / (2 * acos(-1) * s2);
        double worst = 0, variance = 0;
        snprintf(typed, sizeof typed, "gaussian_boxes:sigma=%g", cases[k].sigma);
        nf_outcome o = drive(typed, &image, impulse, NULL, 1);
        const double *got = (const void *)o.cells;
        for (int i = 0; i < N * N; i++) {
            double x = i % N - MIDDLE, y = i / N - MIDDLE;
            worst = fmax(worst, fabs(got[i] / peak - exp(-(x * x + y * y) / (2 * s2))));
            variance += got[i] * x * x;
        }
        CU_ASSERT(worst <= cases[k].error);
        CU_ASSERT(fabs(variance - s2) <= cases[k].variance * s2);
        if (worst > cases[k].error || getenv("SHOW"))
            printf("\n  %s: %g of the peak, variance %g\n", typed, worst, variance);
        nf_outcome_free(&o);
    }
    free(impulse);
}

int main(void)
{
    CU_TestInfo tests[] = {{"box", test_box},
                           {"gaussian", test_gaussian},
                           {"unsharp, dog, log", test_of_gaussians},
                           {"gradients", test_gradients},
                           {"laplacian", test_laplacian},
                           {"same bits for any tile", test_tiles},
                           {"shift", test_shift},
                           {"linearity", test_linear},
                           {"constants", test_constants},
                           {"box, known", test_known_box},
                           {"gaussian, known", test_known_gaussian},
                           {"unsharp, dog, log, known", test_known_of_gaussians},
                           {"gradients, known", test_known_gradients},
                           {"laplacian, known", test_known_laplacian},
                           {"box, exact", test_exact_box},
                           {"gaussian_boxes", test_gaussian_boxes},
                           CU_TEST_INFO_NULL};
    printf("instruction set: %s\n", nf_kernel_isa());
    return nf_suite_run("linear", tests, 0);
}
