/* test_rank.c - the kernels that pick elements by their order, against their references and against
 * what must hold of them. Their results are elements of the input: bits are compared, too. CTest runs
 * it once for each instruction set that the processor has. */
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
enum { DTYPES = 4, BORDERS = 5 };

/* With each border and type, on shapes smaller than the window, odd ones, and 1 to 4 channels. */
static void check_images(const char *kernel)
{
    static const int64_t sizes[][2] = {{1, 1}, {1, 9}, {11, 1}, {2, 3}, {37, 23}, {5, 150}};
    for (size_t d = 0; d < DTYPES; d++) {
        for (size_t b = 0; b < BORDERS; b++) {
            char typed[128];
            snprintf(typed, sizeof typed, "%s,border=%s", kernel, borders[b]);
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                nf_shape shape =
                    nf_test_shape(1, sizes[s][0], sizes[s][1], 1 + (int)s % 4, dtypes[d]);
                nf_test_check(typed, &shape);
            }
        }
    }
}

static void check_volumes(const char *kernel)
{
    for (size_t d = 0; d < DTYPES; d++) {
        for (size_t b = 0; b < BORDERS; b++) {
            char typed[128];
            snprintf(typed, sizeof typed, "%s,border=%s", kernel, borders[b]);
            nf_shape shape = nf_test_shape(6, 9, 11, 1 + (int)d % 3, dtypes[d]);
            nf_test_check(typed, &shape);
            shape = nf_test_shape(2, 3, 4, 1, dtypes[d]);
            nf_test_check(typed, &shape);
        }
    }
}

/* A chain's output on one image, driven; the caller frees it. */
static void *output_of(const char *typed, const nf_shape *shape, const void *cells)
{
    nf_world alone = {.size = 1, .threads = 1};
    nf_chain chain;
    nf_outcome o = {.status = nf_chain_parse(typed, &chain)};
    if (o.status == NF_OK)
        o = nf_test_drive(&alone, &chain, shape, cells, NULL);
    CU_ASSERT_EQUAL_FATAL(o.status, NF_OK);
    nf_chain_free(&chain);
    return o.cells;
}

/* Both chains give the same bits. */
static void check_same(const char *one, const char *other, const nf_shape *shape, const void *cells)
{
    void *a = output_of(one, shape, cells), *b = output_of(other, shape, cells);
    bool same = memcmp(a, b, nf_shape_bytes(shape)) == 0;
    CU_ASSERT(same);
    if (!same)
        printf("\n  %s and %s differ\n", one, other);
    free(a);
    free(b);
}

static nf_status status_of(const char *typed, const nf_shape *shape)
{
    nf_chain chain;
    void *cells = nf_test_array(shape);
    nf_status status = nf_chain_parse(typed, &chain);
    if (status == NF_OK)
        status = nf_check_chain(&chain, shape, cells, NULL);
    nf_chain_free(&chain);
    free(cells);
    return status;
}

/* ---- erosion, dilation ---- */

static void test_morphology(void)
{
    static const char *const windows[] = {"size=1",
                                          "size=3",
                                          "size=5",
                                          "size=7",
                                          "size=13",
                                          "size=1,shape=disc",
                                          "size=5,shape=cross",
                                          "size=3,shape=disc",
                                          "size=5,shape=disc",
                                          "size=11,shape=disc"};
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        char typed[64];
        snprintf(typed, sizeof typed, "erode:%s", windows[w]);
        check_images(typed);
        snprintf(typed, sizeof typed, "dilate:%s", windows[w]);
        check_images(typed);
        snprintf(typed, sizeof typed, "gradient:%s", windows[w]);
        check_images(typed);
    }
    nf_shape wide = nf_test_shape(1, 75, 5000, 1, NF_F32);
    nf_test_check("erode:size=33", &wide);
    nf_test_check("dilate:size=17,shape=disc", &wide);
}

static void test_morphology_of_volumes(void)
{
    static const char *const kernels[] = {
        "erode:size=3", "dilate:size=5",           "gradient:size=3",
        "erode:size=9", "erode:size=5,shape=disc", "gradient:size=3,shape=cross"};
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        check_volumes(kernels[k]);
}

/* erode(-x) = -dilate(x), bit for bit; for integers the complement takes the place of -x. */
static void test_duality(void)
{
    nf_shape shape = nf_test_shape(1, 41, 67, 2, NF_F32);
    size_t n = (size_t)nf_shape_elements(&shape);
    float *cells = nf_test_array(&shape), *minus = malloc(n * sizeof *minus);
    unsigned char *bytes = malloc(n), *complement = malloc(n);
    CU_ASSERT_FATAL(cells != NULL && minus != NULL && bytes != NULL && complement != NULL);
    for (size_t i = 0; i < n; i++) {
        minus[i] = -cells[i];
        bytes[i] = (unsigned char)nf_test_value(NF_U8, (int64_t)i);
        complement[i] = (unsigned char)~bytes[i];
    }
    float *eroded = output_of("erode:size=7,shape=disc", &shape, minus);
    float *dilated = output_of("dilate:size=7,shape=disc", &shape, cells);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_EQUAL(eroded[i], -dilated[i]);
    free(eroded);
    free(dilated);
    shape.dtype = NF_U8;
    unsigned char *e = output_of("erode:size=5", &shape, complement);
    unsigned char *d = output_of("dilate:size=5", &shape, bytes);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_EQUAL(e[i], (unsigned char)~d[i]);
    free(e);
    free(d);
    free(cells);
    free(minus);
    free(bytes);
    free(complement);
}

/* Opening and closing twice is opening and closing once. */
static void test_idempotence(void)
{
    static const char *const once[] = {"erode:%s | dilate:%s", "dilate:%s | erode:%s"};
    static const char *const windows[] = {"size=3", "size=5,shape=disc", "size=5,shape=cross",
                                          "size=15"};
    for (size_t d = 0; d < DTYPES; d++) {
        nf_shape shape = nf_test_shape(1, 61, 47, 1, dtypes[d]);
        void *cells = nf_test_array(&shape);
        for (size_t w = 0; w < 4; w++) {
            for (size_t o = 0; o < 2; o++) {
                char one[128], two[300];
                snprintf(one, sizeof one, once[o], windows[w], windows[w]);
                snprintf(two, sizeof two, "%s | %s", one, one);
                check_same(one, two, &shape, cells);
            }
        }
        free(cells);
    }
}

/* A square is a cross of one row after one of one column: larger squares are made of smaller ones. */
static void test_composition(void)
{
    nf_shape shape = nf_test_shape(1, 90, 70, 3, NF_U16);
    void *cells = nf_test_array(&shape);
    check_same("erode:size=9", "erode:size=3 | erode:size=5 | erode:size=3", &shape, cells);
    check_same("dilate:size=31", "dilate:size=11 | dilate:size=21", &shape, cells);
    free(cells);
}

/* NaN, infinities and signed zeros in the order that IEEE 754 gives them, whatever their places. */
static void test_special_floats(void)
{
    const float ordered[] = {-NAN, -INFINITY, -1, -0.0f, 0.0f, 1, INFINITY, NAN};
    nf_shape shape = nf_test_shape(1, 1, 2, 1, NF_F32);
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 8; j++) {
            float cells[2] = {ordered[i], ordered[j]};
            float *least = output_of("erode:size=3", &shape, cells);
            float *most = output_of("dilate:size=3", &shape, cells);
            for (int k = 0; k < 2; k++) {
                CU_ASSERT(memcmp(&least[k], &ordered[i < j ? i : j], sizeof(float)) == 0);
                CU_ASSERT(memcmp(&most[k], &ordered[i < j ? j : i], sizeof(float)) == 0);
            }
            free(least);
            free(most);
        }
    }
}

/* The window of an impulse is what dilation makes of it. */
static void test_windows(void)
{
    static const char *const typed[] = {"dilate:size=5", "dilate:size=5,shape=cross",
                                        "dilate:size=5,shape=disc"};
    static const char *const expected[] = {"#########################", "..#....#..#####..#....#..",
                                           "..#...###.#####.###...#.."};
    nf_shape shape = nf_test_shape(1, 9, 9, 1, NF_U8);
    unsigned char impulse[81] = {[40] = 255};
    for (int k = 0; k < 3; k++) {
        unsigned char *out = output_of(typed[k], &shape, impulse);
        for (int y = 0; y < 9; y++)
            for (int x = 0; x < 9; x++) {
                bool inside = y >= 2 && y < 7 && x >= 2 && x < 7;
                bool set = inside && expected[k][(y - 2) * 5 + x - 2] == '#';
                CU_ASSERT_EQUAL(out[y * 9 + x], set ? 255 : 0);
            }
        free(out);
    }
}

/* ---- median, percentile ---- */

static void test_median(void)
{
    static const char *const typed[] = {"median:size=1",           "median:size=3",
                                        "median:size=5",           "median:size=7",
                                        "median:size=17",          "percentile:size=3,p=0",
                                        "percentile:size=5,p=3",   "percentile:size=5,p=99",
                                        "percentile:size=9,p=100", "percentile:size=17,p=70"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        check_images(typed[k]);
    nf_shape wide = nf_test_shape(1, 30, 5000, 1, NF_U8);
    nf_test_check("median:size=3", &wide);
    nf_test_check("median:size=5", &wide);
    nf_test_check("percentile:size=15,p=40", &wide);
}

static void test_median_of_volumes(void)
{
    check_volumes("median:size=3");
    check_volumes("median:size=5");
    check_volumes("percentile:size=7,p=20");
}

/* Ends of the order are erosion and dilation; half of it is the median: three codes, the same bits. */
static void test_ranks(void)
{
    static const int sizes[] = {1, 3, 5, 9, 19};
    for (size_t d = 0; d < DTYPES; d++) {
        nf_shape shape = nf_test_shape(1, 33, 95, 2, dtypes[d]);
        void *cells = nf_test_array(&shape);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            char one[64], other[64];
            snprintf(one, sizeof one, "percentile:size=%d,p=0", sizes[s]);
            snprintf(other, sizeof other, "erode:size=%d", sizes[s]);
            check_same(one, other, &shape, cells);
            snprintf(one, sizeof one, "percentile:size=%d,p=100", sizes[s]);
            snprintf(other, sizeof other, "dilate:size=%d", sizes[s]);
            check_same(one, other, &shape, cells);
            snprintf(one, sizeof one, "percentile:size=%d,p=50", sizes[s]);
            snprintf(other, sizeof other, "median:size=%d", sizes[s]);
            check_same(one, other, &shape, cells);
        }
        free(cells);
    }
}

/* By the 0-1 principle a network that selects the median of all zeros and ones selects it always: each
 * of the 2^n windows, side by side, so that no two share a cell. */
static void check_network(int size, int64_t first, int64_t count)
{
    int64_t across = 1 << 9, down = count >> 9;
    nf_shape shape = nf_test_shape(1, down * size, across * size, 1, NF_U8);
    unsigned char *cells = calloc(nf_shape_bytes(&shape), 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    for (int64_t w = 0; w < count; w++)
        for (int bit = 0; bit < size * size; bit++) {
            int64_t y = w / across * size + bit / size, x = w % across * size + bit % size;
            cells[y * shape.dim[2] + x] = (unsigned char)((first + w) >> bit & 1);
        }
    char typed[64];
    snprintf(typed, sizeof typed, "median:size=%d", size);
    unsigned char *out = output_of(typed, &shape, cells);
    int64_t wrong = 0;
    for (int64_t w = 0; w < count; w++) {
        int64_t y = w / across * size + size / 2, x = w % across * size + size / 2;
        int ones = __builtin_popcountll((unsigned long long)(first + w));
        wrong += out[y * shape.dim[2] + x] != (ones > size * size / 2);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(cells);
    free(out);
}

static void test_networks(void)
{
    check_network(3, 0, 1 << 9);
    for (int64_t first = 0; first < 1 << 25; first += 1 << 20)
        check_network(5, first, 1 << 20);
}

static void test_median_of_impulse(void)
{
    nf_shape shape = nf_test_shape(1, 25, 25, 1, NF_F32);
    float impulse[625] = {[312] = 9}, nothing[625] = {0};
    static const char *const typed[] = {"median:size=3", "median:size=5", "median:size=9"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        float *out = output_of(typed[k], &shape, impulse);
        CU_ASSERT(memcmp(out, nothing, sizeof nothing) == 0);
        free(out);
    }
}

static void test_constants(void)
{
    static const char *const typed[] = {"median:size=3",  "median:size=5",         "median:size=7",
                                        "median:size=21", "percentile:size=3,p=9", "erode:size=9",
                                        "dilate:size=9"};
    nf_shape shape = nf_test_shape(1, 31, 17, 3, NF_F64);
    size_t n = (size_t)nf_shape_elements(&shape);
    double *cells = malloc(n * sizeof *cells);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    for (size_t i = 0; i < n; i++)
        cells[i] = -2.75;
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        double *out = output_of(typed[k], &shape, cells);
        CU_ASSERT(memcmp(out, cells, n * sizeof *cells) == 0);
        free(out);
    }
    free(cells);
}

/* scipy.ndimage.percentile_filter: of 9 elements, 33 percent is the one at 2, counted from 0. */
static void test_known_percentiles(void)
{
    static const struct {
        const char *typed;
        unsigned char middle;
    } known[] = {{"percentile:p=0", 1},  {"percentile:p=11", 1},  {"percentile:p=33", 3},
                 {"percentile:p=34", 4}, {"percentile:p=50", 5},  {"percentile:p=99", 9},
                 {"median", 5},          {"percentile:p=100", 9}, {"percentile:p=88", 8}};
    nf_shape shape = nf_test_shape(1, 3, 3, 1, NF_U8);
    static const unsigned char cells[9] = {7, 2, 9, 4, 1, 6, 3, 8, 5};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        unsigned char *out = output_of(known[k].typed, &shape, cells);
        CU_ASSERT_EQUAL(out[4], known[k].middle);
        free(out);
    }
}

static void test_refusals(void)
{
    nf_shape image = nf_test_shape(1, 9, 9, 1, NF_U8), volume = nf_test_shape(3, 4, 5, 1, NF_U8);
    CU_ASSERT_EQUAL(status_of("erode:size=4", &image), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("dilate:size=0", &image), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("gradient:mask=1", &volume), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("erode:mask=0,0,0,0,0,0,0,0,0", &image), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("erode:mask=1,1,1,1", &image), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("erode:mask=1,1,0.5,1,1,1,1,1,1", &image), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("dilate:mask=1,size=3", &image), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("dilate:mask=1,shape=disc", &image), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("median:size=4", &image), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("percentile:size=41", &volume), NF_ERR_PARAM);
    CU_ASSERT_EQUAL(status_of("percentile:p=101", &image), NF_ERR_PARAM);
}

int main(void)
{
    CU_TestInfo tests[] = {{"morphology", test_morphology},
                           {"morphology of volumes", test_morphology_of_volumes},
                           {"duality", test_duality},
                           {"idempotence", test_idempotence},
                           {"composition", test_composition},
                           {"special floats", test_special_floats},
                           {"windows", test_windows},
                           {"median", test_median},
                           {"median of volumes", test_median_of_volumes},
                           {"ranks", test_ranks},
                           {"networks", test_networks},
                           {"median of an impulse", test_median_of_impulse},
                           {"constants", test_constants},
                           {"percentiles, known", test_known_percentiles},
                           {"refusals", test_refusals},
                           CU_TEST_INFO_NULL};
    printf("instruction set: %s\n", nf_kernel_isa());
    return nf_suite_run("rank", tests, 0);
}
