/* test_edgekeep.c - filters that keep edges, and life: against their references, against answers
 * worked out by hand, and by properties; driven by these ranks, by 1 to 3 threads, in tiles that
 * do not divide, in each instruction set. CTest runs it for several numbers of ranks, and once for
 * each instruction set that the processor has. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/reference.h"
#include "kernels/exp.h"
#include "kernels/isa.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */

static const nf_dtype dtypes[] = {NF_U8, NF_U16, NF_F32, NF_F64};
static const char *const borders[] = {"clamp", "reflect", "mirror", "wrap", "constant,value=7"};
enum { TYPES = 4, BORDERS = 5 };

/* ---- against the references ---- */

/* One chain on one array; says what went wrong. Of no use to several ranks, each of which would do
 * the same. */
static void check_cells(const char *typed, const nf_shape *shape, const void *cells)
{
    if (world.size == 1)
        nf_test_check_cells(typed, shape, cells);
}

/* Made-up cells that are smooth enough for weights to be neither all 0 nor all 1; life finds few
 * of them alive. */
static void *smooth_array(const nf_shape *shape)
{
    char *cells = malloc(nf_shape_bytes(shape));
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    double scale = shape->dtype == NF_U16 ? 250 : 1;
    for (int64_t i = 0; i < nf_shape_elements(shape); i++) {
        int64_t cell = i / shape->channels, x = cell % shape->dim[2], y = cell / shape->dim[2];
        double noise = nf_test_value(NF_U8, i) / 8, v = 90 + 40 * sin(0.2 * (double)(x + 2 * y));
        v = floor(4 * (v + noise + (x % 11 < 4 ? 60 : 0))) / 4;
        nf_test_store(shape->dtype, cells + (size_t)i * nf_dtype_size(shape->dtype), scale * v);
    }
    return cells;
}

static void check(const char *typed, const nf_shape *shape)
{
    void *smooth = smooth_array(shape), *rough = nf_test_array(shape);
    check_cells(typed, shape, smooth);
    check_cells(typed, shape, rough);
    free(smooth);
    free(rough);
}

/* With each border and type, on shapes smaller than the window, odd ones, and 1 to 4 channels. */
static void check_images(const char *kernel)
{
    static const int64_t sizes[][2] = {{1, 1}, {1, 9}, {11, 1}, {2, 3}, {19, 37}, {17, 150}};
    for (size_t i = 0; i < TYPES * BORDERS; i++) {
        char typed[128];
        snprintf(typed, sizeof typed, "%s,border=%s", kernel, borders[i % BORDERS]);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            int channels = 1 + (int)(s + i) % 4;
            nf_shape shape =
                nf_test_shape(1, sizes[s][0], sizes[s][1], channels, dtypes[i / BORDERS]);
            if (s < 5 || i % BORDERS == 1)
                check(typed, &shape);
        }
    }
}

static void test_bilateral(void)
{
    check_images("bilateral:d=5,sigma_color=20,sigma_space=2");
    check_images("bilateral:sigma_color=70,sigma_space=0.3");
    check_images("bilateral:sigma_color=3000,sigma_space=1.7");
    nf_shape wide = nf_test_shape(1, 9, 1300, 1, NF_U8);
    check("bilateral:d=9", &wide);
}

static void test_nlm(void)
{
    check_images("nlm:h=20,patch=3,search=5");
    check_images("nlm:h=4000,patch=1,search=3");
    check_images("nlm:h=60,patch=5,search=3");
    for (int d = 0; d < TYPES; d++) {
        nf_shape shape = nf_test_shape(1, 21, 19, 1, dtypes[d]);
        check("nlm:h=30", &shape);
        check("nlm:h=30,patch=11,search=3", &shape);
        check("nlm:h=40,patch=21,search=3", &shape);
    }
}

static void test_anisotropic(void)
{
    static const char *const kernels[] = {"anisotropic:steps=1,kappa=20",
                                          "anisotropic:steps=3,kappa=9,lambda=0.25",
                                          "anisotropic:steps=2,kappa=15,conductance=quadratic"};
    for (int k = 0; k < 3; k++)
        check_images(kernels[k]);
    for (size_t i = 0; i < TYPES * BORDERS; i++) {
        char typed[128];
        nf_shape volume = nf_test_shape(6, 7, 13, 1 + (int)i % 3, dtypes[i / BORDERS]);
        snprintf(typed, sizeof typed, "anisotropic:steps=2,kappa=30,conductance=%s,border=%s",
                 i % 2 ? "exp" : "quadratic", borders[i % BORDERS]);
        check(typed, &volume);
    }
}

/* One cell in `part` lives. */
static unsigned char *living_array(const nf_shape *shape, int part)
{
    unsigned char *cells = nf_test_array(shape);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    for (int64_t i = 0; i < nf_shape_elements(shape); i++)
        if (cells[i] % part != 0)
            cells[i] = 0;
    return cells;
}

static void test_life(void)
{
    static const char *const rules[] = {"life", "life:steps=3,born=3,6", "life:born=2,survive=-1",
                                        "life:born=-1,survive=0,1,2,3,4,5,6,7,8",
                                        "life:born=0,1,2,3,4,5,6,7,8,survive=8,8,8"};
    static const int64_t sizes[][2] = {{1, 1}, {1, 9}, {11, 1}, {2, 3}, {37, 23}, {5, 2100}};
    for (size_t i = 0; i < 5 * BORDERS * 6; i++) {
        char typed[128];
        const char *rule = rules[i / BORDERS % 5];
        const int64_t *size = sizes[i / BORDERS / 5];
        nf_shape shape = nf_test_shape(1, size[0], size[1], 1 + (int)i % 4, NF_U8);
        unsigned char *cells = living_array(&shape, 1 + (int)i % 3);
        snprintf(typed, sizeof typed, "%s%cborder=%s", rule, strchr(rule, ':') ? ',' : ':',
                 borders[i % BORDERS]);
        check_cells(typed, &shape, cells);
        free(cells);
    }
}

/* ---- driven by all ranks ---- */

static const nf_plan_options told[] = {
    {.halo_depth = 0}, {.tile = {2, 3, 5}}, {.tile = {1, 1, 1}}, {.tile = {3, 17, 40}}};
enum { TOLD = sizeof told / sizeof *told };

/* By the kernel that `first` is, where that is not NULL, in place of the chain's first. */
static nf_outcome drive_by(const nf_kernel *first, const char *typed, const nf_shape *shape,
                           const void *cells, int how)
{
    nf_chain chain;
    nf_outcome o = {.status = nf_chain_parse(typed, &chain)};
    world.threads = how % 3 + 1;
    if (o.status == NF_OK && first != NULL)
        chain.stages[0].kernel = first;
    if (o.status == NF_OK)
        o = nf_test_drive(&world, &chain, shape, cells, &told[how]);
    CU_ASSERT_EQUAL_FATAL(o.status, NF_OK);
    nf_chain_free(&chain);
    return o;
}

/* The output, on every rank but 0 NULL; the caller frees it. */
static void *output_of(const char *typed, const nf_shape *shape, const void *cells)
{
    nf_outcome o = drive_by(NULL, typed, shape, cells, 0);
    if (world.rank == 0)
        return o.cells;
    nf_outcome_free(&o);
    return NULL;
}

static void check_layouts(const char *typed, const nf_shape *shape, const void *cells)
{
    nf_world alone = {.size = 1, .threads = 1};
    nf_chain chain;
    CU_ASSERT_EQUAL_FATAL(nf_chain_parse(typed, &chain), NF_OK);
    nf_outcome serial = nf_test_drive(&alone, &chain, shape, cells, NULL);
    CU_ASSERT_EQUAL_FATAL(serial.status, NF_OK);
    for (int how = 0; how < TOLD; how++) {
        nf_outcome o = drive_by(NULL, typed, shape, cells, how);
        CU_ASSERT(world.rank != 0 || memcmp(o.cells, serial.cells, serial.bytes) == 0);
        nf_outcome_free(&o);
    }
    nf_outcome_free(&serial);
    nf_chain_free(&chain);
}

static void test_layouts(void)
{
    static const char *const kernels[] = {
        "bilateral:d=5,sigma_color=20", "nlm:h=25,patch=3,search=5",
        "nlm:h=25,search=3,border=wrap", "anisotropic:steps=5,kappa=20",
        "nlm:h=25,search=3 | anisotropic:steps=2 | bilateral:d=3"};
    for (size_t i = 0; i < TYPES * sizeof kernels / sizeof *kernels; i++) {
        nf_shape shape = nf_test_shape(1, 41, 150, 1 + (int)i % 3, dtypes[i % TYPES]);
        void *cells = smooth_array(&shape);
        check_layouts(kernels[i / TYPES], &shape, cells);
        free(cells);
    }
    nf_shape volume = nf_test_shape(7, 9, 20, 2, NF_F32), flat = nf_test_shape(1, 45, 99, 2, NF_U8);
    void *cells = smooth_array(&volume), *living = living_array(&flat, 2);
    check_layouts("anisotropic:steps=3", &volume, cells);
    check_layouts("life:steps=7,border=wrap", &flat, living);
    check_layouts("life:steps=20", &flat, living);
    free(cells);
    free(living);
}

/* ---- the same bits in every instruction set ---- */

#ifdef NF_ISA_X86
#define EACH_ISA(name)                                                                             \
    {                                                                                              \
        &nf_kernel_##name##_baseline, &nf_kernel_##name##_v3, &nf_kernel_##name##_v4               \
    }
extern const nf_kernel nf_kernel_bilateral_baseline, nf_kernel_bilateral_v3, nf_kernel_bilateral_v4;
extern const nf_kernel nf_kernel_nlm_baseline, nf_kernel_nlm_v3, nf_kernel_nlm_v4;
extern const nf_kernel nf_kernel_anisotropic_baseline, nf_kernel_anisotropic_v3,
    nf_kernel_anisotropic_v4;
extern const nf_kernel nf_kernel_life_baseline, nf_kernel_life_v3, nf_kernel_life_v4;

static void check_sets(const char *typed, const nf_kernel *const each[3], const nf_shape *shape)
{
    void *cells = smooth_array(shape);
    nf_outcome baseline = drive_by(each[0], typed, shape, cells, 0);
    for (int level = 1; level <= nf_isa_highest(); level++) {
        nf_outcome o = drive_by(each[level], typed, shape, cells, level);
        CU_ASSERT(world.rank != 0 || memcmp(o.cells, baseline.cells, baseline.bytes) == 0);
        nf_outcome_free(&o);
    }
    nf_outcome_free(&baseline);
    free(cells);
}

static void test_sets(void)
{
    static const nf_kernel *const bilateral[] = EACH_ISA(bilateral), *const nlm[] = EACH_ISA(nlm);
    static const nf_kernel *const anisotropic[] = EACH_ISA(anisotropic), *const life[] =
                                                                             EACH_ISA(life);
    for (int d = 0; d < TYPES; d++) {
        for (int channels = 1; channels <= NF_MAX_CHANNELS; channels++) {
            nf_shape shape = nf_test_shape(1, 31, 83, channels, dtypes[d]);
            check_sets("bilateral:d=7,sigma_color=20", bilateral, &shape);
            check_sets("nlm:h=25,search=5", nlm, &shape);
            check_sets("anisotropic:steps=3", anisotropic, &shape);
            check_sets("anisotropic:steps=3,conductance=quadratic", anisotropic, &shape);
            if (dtypes[d] == NF_U8)
                check_sets("life", life, &shape);
        }
    }
}
#else
static void test_sets(void)
{
    CU_PASS("there is one");
}
#endif

/* ---- properties ---- */

static double element(nf_dtype dtype, const void *cells, int64_t i)
{
    return dtype == NF_U8    ? ((const uint8_t *)cells)[i]
           : dtype == NF_U16 ? ((const uint16_t *)cells)[i]
           : dtype == NF_F32 ? (double)((const float *)cells)[i]
                             : ((const double *)cells)[i];
}

/* Whether each element of the output is within `slack` of what is expected. */
static void check_near(const char *typed, const nf_shape *shape, const void *cells,
                       const void *expected, double slack)
{
    char *out = output_of(typed, shape, cells);
    double most = 0;
    for (int64_t i = 0; out != NULL && i < nf_shape_elements(shape); i++) {
        double d = fabs(element(shape->dtype, out, i) - element(shape->dtype, expected, i));
        most = d <= most ? most : d; /* NaN stays */
    }
    CU_ASSERT(most <= slack);
    if (!(most <= slack))
        printf("\n  %s on %s: off by %g\n", typed, nf_dtype_name(shape->dtype), most);
    free(out);
}

/* Both give the same but for rounding. */
static void check_alike(const char *one, const char *other, const nf_shape *shape, double slack)
{
    void *cells = smooth_array(shape), *expected = output_of(other, shape, cells);
    check_near(one, shape, cells, expected != NULL ? expected : cells,
               world.rank == 0 ? slack : HUGE_VAL);
    free(cells);
    free(expected);
}

static void test_constants(void)
{
    static const char *const kernels[] = {"bilateral:d=7", "nlm:patch=5,search=5",
                                          "anisotropic:steps=4",
                                          "anisotropic:conductance=quadratic"};
    for (int i = 0; i < TYPES * 4; i++) {
        nf_shape shape = nf_test_shape(1, 23, 31, 3, dtypes[i % TYPES]);
        size_t size = nf_dtype_size(shape.dtype);
        char *cells = malloc(nf_shape_bytes(&shape));
        double value = shape.dtype == NF_F32 ? (double)12.3f : shape.dtype == NF_F64 ? 12.3 : 201;
        CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
        for (int64_t k = 0; k < nf_shape_elements(&shape); k++)
            nf_test_store(shape.dtype, cells + (size_t)k * size, value);
        double slack = shape.dtype == NF_F32 ? 1e-5 : shape.dtype == NF_F64 ? 1e-13 : 0;
        check_near(kernels[i / TYPES], &shape, cells, cells, slack);
        free(cells);
    }
}

/* All alike: the mean by the Gaussian of the distance alone, over the disc. */
static void test_bilateral_of_alike(void)
{
    enum { ROWS = 9, COLUMNS = 11, RADIUS = 3 };
    const double sigma = 1.4;
    nf_shape shape = nf_test_shape(1, ROWS, COLUMNS, 1, NF_F64);
    double *cells = smooth_array(&shape), expected[ROWS * COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        double sum = 0, weights = 0;
        for (int dy = -RADIUS; dy <= RADIUS; dy++) {
            for (int dx = -RADIUS; dx <= RADIUS; dx++) {
                int y = (i / COLUMNS + dy + ROWS) % ROWS, x = (i + dx) % COLUMNS;
                x = (i % COLUMNS + dx + COLUMNS) % COLUMNS;
                double w = exp(-(dy * dy + dx * dx) / (2 * sigma * sigma));
                w = dy * dy + dx * dx <= RADIUS * RADIUS ? w : 0;
                sum += w * cells[y * COLUMNS + x];
                weights += w;
            }
        }
        expected[i] = sum / weights;
    }
    check_near("bilateral:d=7,sigma_color=1e9,sigma_space=1.4,border=wrap", &shape, cells, expected,
               1e-11);
    check_near("bilateral:d=6,sigma_color=1e9,sigma_space=1.4,border=wrap", &shape, cells, expected,
               1e-11);
    check_near("bilateral:d=7,sigma_color=1e-9,border=wrap", &shape, cells, cells, 1e-12);
    free(cells);
}

/* Where d is not given it is three sigma_space: 3.5 rounds to a radius of 4 or so. */
static void test_bilateral_radius(void)
{
    nf_shape shape = nf_test_shape(1, 40, 40, 1, NF_F32);
    check_alike("bilateral:sigma_space=2.4", "bilateral:d=9,sigma_space=2.4", &shape, 0);
    check_alike("bilateral:sigma_space=1.9", "bilateral:d=7,sigma_space=1.9", &shape, 0);
    check_alike("bilateral:sigma_space=0.1", "bilateral:d=3,sigma_space=0.1", &shape, 0);
}

/* Two cells in a row of three, of 3 channels: e^-1/2 by distance, e^-2 by colour, 1 + 2 + 3 = 2 *
 * 3. */
static void test_known_bilateral(void)
{
    const double cells[9] = {1, 2, 3, 0, 0, 0, 0, 0, 0}, w = exp(-2.5), side = exp(-0.5);
    nf_shape shape = nf_test_shape(1, 1, 3, 3, NF_F64);
    double *out =
        output_of("bilateral:d=3,sigma_color=3,sigma_space=1,border=constant", &shape, cells);
    for (int c = 0; c < 3 && out != NULL; c++) {
        /* beside: the cell, the other neighbour, and those above and below */
        double middle = w * (c + 1) / (1 + w + 3 * side), first = (c + 1) / (1 + 4 * w);
        CU_ASSERT_DOUBLE_EQUAL(out[3 + c], middle, 1e-14);
        CU_ASSERT_DOUBLE_EQUAL(out[c], first, 1e-14);
    }
    free(out);
}

/* All alike: the mean over the search window. None: the cell. */
static void test_nlm_extremes(void)
{
    for (int d = 0; d < TYPES; d++) {
        nf_shape shape = nf_test_shape(1, 33, 140, 1, dtypes[d]);
        double slack = dtypes[d] == NF_F32 ? 1e-4 : dtypes[d] == NF_F64 ? 1e-11 : 0;
        check_alike("nlm:h=1e9,search=7", "box:size=7", &shape, slack);
        check_alike("nlm:h=1e-9", "abs", &shape, 0);
    }
}

/* One cell that differs by d from all others, patches of one cell: its weight for the others is
 * e^-(d / 10)^2, which for 26 is 0.00116, for 27 below 1/1000. */
static void test_known_nlm(void)
{
    for (int d = 26; d <= 27; d++) {
        double cells[25] = {0}, w = d == 26 ? exp(-6.76) : 0;
        nf_shape shape = nf_test_shape(1, 5, 5, 1, NF_F64);
        cells[12] = d;
        double *out = output_of("nlm:h=10,patch=1,search=3", &shape, cells);
        if (out != NULL) {
            CU_ASSERT_DOUBLE_EQUAL(out[12], d / (1 + 8 * w), 1e-12);
            CU_ASSERT_DOUBLE_EQUAL(out[6], d * w / (8 + w), 1e-12);
            CU_ASSERT_EQUAL(out[0], 0);
        }
        free(out);
    }
}

static double sum_of(const nf_shape *shape, const double *cells)
{
    double sum = 0;
    for (int64_t i = 0; i < nf_shape_elements(shape); i++)
        sum += cells[i];
    return sum;
}

/* What flows out of one cell flows into another. */
static void test_anisotropic_mean(void)
{
    static const char *const kernels[] = {"anisotropic:steps=40,kappa=12",
                                          "anisotropic:steps=40,kappa=12,border=wrap",
                                          "anisotropic:steps=40,kappa=12,conductance=quadratic"};
    for (int i = 0; i < 6; i++) {
        nf_shape shape = nf_test_shape(i % 2 ? 9 : 1, 23, 31, 2, NF_F64);
        double *cells = smooth_array(&shape), before = sum_of(&shape, cells);
        double *out = output_of(kernels[i / 2], &shape, cells);
        CU_ASSERT(out == NULL || fabs(sum_of(&shape, out) - before) < 1e-11 * before);
        CU_ASSERT(out == NULL || memcmp(out, cells, nf_shape_bytes(&shape)) != 0);
        free(cells);
        free(out);
    }
}

/* Where nothing is an edge it is the heat equation; where everything is, nothing changes. */
static void test_anisotropic_extremes(void)
{
    nf_shape image = nf_test_shape(1, 23, 31, 2, NF_F64),
             volume = nf_test_shape(5, 9, 13, 1, NF_F64);
    check_alike("anisotropic:steps=7,kappa=1e9", "heat:steps=7", &image, 1e-10);
    check_alike("anisotropic:steps=7,kappa=1e9,conductance=quadratic", "heat:steps=7", &volume,
                1e-10);
    check_alike("anisotropic:steps=7,kappa=1e9", "heat:steps=7", &volume, 1e-10);
    check_alike("anisotropic:steps=7,kappa=1e-9", "abs", &image, 0);
}

/* An impulse of height kappa: a quarter of it times g(1) to each side. */
static void test_known_anisotropic(void)
{
    const double impulse[25] = {[12] = 3};
    nf_shape shape = nf_test_shape(1, 5, 5, 1, NF_F64);
    for (int k = 0; k < 2; k++) {
        double g = k == 0 ? exp(-1) : 0.5;
        double *out = output_of(k == 0 ? "anisotropic:steps=1,kappa=3,lambda=0.25"
                                       : "anisotropic:steps=1,kappa=3,lambda=0.25,"
                                         "conductance=quadratic",
                                &shape, impulse);
        if (out == NULL)
            continue;
        CU_ASSERT_DOUBLE_EQUAL(out[12], 3 - 3 * g, 1e-14);
        CU_ASSERT_DOUBLE_EQUAL(out[7], 0.75 * g, 1e-14);
        CU_ASSERT_DOUBLE_EQUAL(out[13], 0.75 * g, 1e-14);
        CU_ASSERT_EQUAL(out[6], 0);
        free(out);
    }
}

/* ---- life ---- */

/* `rows` of equal length, '#' where a cell lives: what `typed` makes of the one is the other. */
static void lives(const char *typed, const char *before, const char *after, int64_t rows)
{
    int64_t n = (int64_t)strlen(before);
    nf_shape shape = nf_test_shape(1, rows, n / rows, 1, NF_U8);
    uint8_t cells[100];
    for (int64_t i = 0; i < n; i++)
        cells[i] = (uint8_t)(before[i] == '#' ? 1 + i % 2 * 200 : 0); /* any but 0 lives */
    uint8_t *out = output_of(typed, &shape, cells);
    for (int64_t i = 0; out != NULL && i < n; i++)
        CU_ASSERT_EQUAL(out[i], after[i] == '#' ? 255 : 0);
    free(out);
}

static const char glider[] = ".#......"
                             "..#....."
                             "###....."
                             "........"
                             "........"
                             "........";
static const char glider_moved[] = "........"
                                   "..#....."
                                   "...#...."
                                   ".###...."
                                   "........"
                                   "........";

static void test_known_life(void)
{
    static const char blinker[] = "......."
                                  ".#####."
                                  ".......";
    static const char flat[] = "....."
                               "....."
                               ".###."
                               "....."
                               ".....";
    static const char upright[] = "....."
                                  "..#.."
                                  "..#.."
                                  "..#.."
                                  ".....";
    lives("life", flat, upright, 5);
    lives("life:steps=2", flat, flat, 5);
    lives("life:border=constant", "##..##.....", "...........", 1);
    lives("life:steps=9,border=constant", "....##..##......", "....##..##......", 4); /* a block */
    lives("life:steps=4,border=constant", glider, glider_moved, 6);
    lives("life:steps=4,border=wrap", glider, glider_moved, 6);
    lives("life:born=6,border=constant,value=9", "...", ".#.", 1); /* walls above and below */
    lives("life:born=1,survive=-1,border=constant", blinker, "#.....##.....##.....#", 3);
    lives("life:born=3,survive=2,3,border=constant", blinker, "..###....###....###..", 3);
}

/* A glider moves by one row and one column in 4 steps. On a torus of 6 x 8 it is back after 24
 * moves; after half of that, in the same rows and across. */
static void test_torus(void)
{
    static const char across[] = ".....#.."
                                 "......#."
                                 "....###."
                                 "........"
                                 "........"
                                 "........";
    lives("life:steps=48,border=wrap", glider, across, 6);
    lives("life:steps=96,border=wrap", glider, glider, 6);
}

/* ---- 2^-x ---- */

static void test_exp2(void)
{
    double worst_f32 = 0, worst_f64 = 0;
    CU_ASSERT(nf_exp2_minus_f32(0) == 1 && nf_exp2_minus_f64(0) == 1);
    for (int i = 0; i < 1 << 20; i++) {
        float x = (float)i * 0x1p-13f * 0.984f;
        double y = i * 0x1p-10 * 0.998;
        long double exact = exp2l(-(long double)x), exact_f64 = exp2l(-(long double)y);
        worst_f32 = fmax(worst_f32, (double)fabsl(nf_exp2_minus_f32(x) / exact - 1));
        worst_f64 = fmax(worst_f64, (double)fabsl(nf_exp2_minus_f64(y) / exact_f64 - 1));
    }
    CU_ASSERT(worst_f32 <= 3 * 0x1p-23);
    CU_ASSERT(worst_f64 <= 2 * 0x1p-52);
    CU_ASSERT(nf_exp2_minus_f32(127) == 0 && nf_exp2_minus_f32(FLT_MAX) == 0);
    CU_ASSERT(nf_exp2_minus_f32(HUGE_VALF) == 0 && nf_exp2_minus_f64(HUGE_VAL) == 0);
    CU_ASSERT(nf_exp2_minus_f64(1023) == 0 && nf_exp2_minus_f64(DBL_MAX) == 0);
}

/* ---- what is refused ---- */

static void refuses(const char *typed, nf_dtype dtype, const char *words)
{
    nf_shape shape = nf_test_shape(1, 4, 5, 1, dtype), volume = nf_test_shape(3, 4, 5, 1, dtype);
    nf_test_refuses(typed, strstr(typed, "lambda") != NULL ? &volume : &shape, words);
}

static void test_refusals(void)
{
    refuses("nlm:patch=4", NF_U8, "odd number");
    refuses("nlm:search=6", NF_U8, "odd number");
    refuses("nlm:patch=23", NF_U8, "out of range");
    refuses("anisotropic:lambda=0.2", NF_F32, "unstable");
    refuses("anisotropic:kappa=0", NF_F32, "out of range");
    refuses("bilateral:sigma_color=0", NF_F32, "out of range");
    refuses("life:born=2.5", NF_U8, "whole numbers");
    refuses("life:survive=1,9", NF_U8, "out of range");
    refuses("life", NF_F32, "does not take elements of type f32");
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"bilateral", test_bilateral},
                           {"nlm", test_nlm},
                           {"anisotropic", test_anisotropic},
                           {"life", test_life},
                           {"layouts", test_layouts},
                           {"instruction sets", test_sets},
                           {"constants", test_constants},
                           {"bilateral of what is alike", test_bilateral_of_alike},
                           {"bilateral, radius", test_bilateral_radius},
                           {"bilateral, known", test_known_bilateral},
                           {"nlm, extremes", test_nlm_extremes},
                           {"nlm, known", test_known_nlm},
                           {"anisotropic, mean", test_anisotropic_mean},
                           {"anisotropic, extremes", test_anisotropic_extremes},
                           {"anisotropic, known", test_known_anisotropic},
                           {"life, known", test_known_life},
                           {"life on a torus", test_torus},
                           {"2^-x", test_exp2},
                           {"refusals", test_refusals},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    printf("instruction set: %s\n", nf_kernel_isa());
    int status = nf_suite_run("edgekeep", tests, world.rank);
    nf_world_stop(&world);
    return status;
}
