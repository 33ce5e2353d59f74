/* test_survey.c - kernels that look at their whole input before they go on, or more than once: against
 * their references, against answers worked out by hand or by numpy, OpenCV and skimage, and by
 * properties; driven by these ranks, by 1 to 3 threads, in tiles that do not divide. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/facts.h"
#include "drivers/engine/reference.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */

static const nf_dtype dtypes[] = {NF_U8, NF_U16, NF_F32, NF_F64};
enum { TYPES = 4 };

/* ---- against the references ---- */

/* One chain on one array of made-up cells, or these; says what went wrong. Of no use to several
 * ranks, each of which would do the same. */
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

/* References count each element against each: small arrays, from a single element on. */
static void check_shapes(const char *typed, nf_dtype dtype, int channels)
{
    static const int64_t sizes[][3] = {{1, 1, 1},   {1, 1, 9},   {1, 11, 1}, {1, 37, 23},
                                       {3, 1, 100}, {1, 9, 105}, {5, 7, 13}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        nf_shape shape = nf_test_shape(sizes[s][0], sizes[s][1], sizes[s][2], channels, dtype);
        check(typed, &shape);
    }
}

static void test_maps(void)
{
    static const char *const typed[] = {"normalize",
                                        "normalize:low=10,high=200",
                                        "normalize:low=1,high=-1",
                                        "normalize:low=-60,high=300.5",
                                        "threshold:method=otsu",
                                        "cast:to=f32 | normalize:method=zscore",
                                        "cast:to=f64 | normalize:method=zscore | normalize",
                                        "normalize | threshold:method=otsu | normalize:high=7"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        for (int d = 0; d < TYPES; d++)
            check_shapes(typed[k], dtypes[d], 1 + (int)k % NF_MAX_CHANNELS);
    for (int channels = 1; channels <= 3; channels += 2) {
        check_shapes("equalize", NF_U8, channels);
        check_shapes("equalize", NF_U16, channels);
    }
}

static void test_chains(void)
{
    for (int d = 0; d < TYPES; d++) {
        nf_shape image = nf_test_shape(1, 61, 47, 1, dtypes[d]);
        check("gaussian:sigma=1 | normalize | sobel", &image);
        check("sobel | threshold:method=otsu | dilate | sum", &image);
        check("gaussian:sigma=2,border=wrap | quantile:q=0,0.25,0.999,1", &image);
        check("heat:steps=20 | normalize:high=100 | heat:steps=20 | normalize | stats", &image);
    }
    nf_shape bytes = nf_test_shape(1, 61, 31, 1, NF_U8);
    check("equalize | quantile:q=0.5", &bytes);
    check("gaussian:sigma=1 | equalize | box | equalize", &bytes);
}

static void test_quantiles(void)
{
    static const char *const typed[] = {
        "quantile",
        "quantile:q=0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,0,1,0.25,0.75,0.01,0.99,0.123",
        "quantile:q=0.31,0.77,method=lower",
        "quantile:q=0.31,0.77,method=higher",
        "quantile:q=0.31,0.77,method=nearest",
        "quantile:q=0.31,0.77,method=midpoint"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        for (int d = 0; d < TYPES; d++)
            check_shapes(typed[k], dtypes[d], 1 + (int)k % NF_MAX_CHANNELS);
}

static void test_jacobi(void)
{
    static const char *const typed[] = {
        "jacobi:steps=1",
        "jacobi:steps=37,border=wrap",
        "jacobi:steps=20,border=clamp",
        "jacobi:steps=100,tolerance=200,check_every=7,border=mirror",
        "jacobi:steps=13,tolerance=1e-4,check_every=5,border=constant,value=3",
        "jacobi:steps=64,tolerance=1e9,check_every=5,border=constant"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
        for (int channels = 1; channels <= 2; channels++)
            for (int d = 2; d < TYPES; d++)
                check_shapes(typed[k], dtypes[d], channels);
}

/* ---- driven by all ranks ---- */

static const nf_plan_options told[] = {{.halo_depth = 0},
                                       {.tile = {2, 3, 5}},
                                       {.tile = {1, 1, 1}, .halo_depth = 3},
                                       {.tile = {0, 4, 300}, .halo_depth = 1}};
enum { TOLD = sizeof told / sizeof *told };

static nf_outcome drive(const char *typed, const nf_shape *shape, const void *cells, int how)
{
    world.threads = how % 3 + 1;
    return nf_test_drive_typed(&world, typed, shape, cells, &told[how]);
}

/* However it is driven, all bits are those of one rank and one thread, and so is what is told. */
static void same_bits(const char *typed, const nf_shape *shape, const void *cells)
{
    nf_world alone = {.size = 1, .threads = 1};
    nf_outcome expected = nf_test_drive_typed(&alone, typed, shape, cells, NULL);
    for (int how = 0; how < TOLD; how++) {
        nf_outcome o = drive(typed, shape, cells, how);
        bool same = world.rank != 0 || nf_outcome_equal(&o, &expected);
        CU_ASSERT(same);
        if (!same)
            printf("\n  %s, way %d: other bits\n", typed, how);
        nf_outcome_free(&o);
    }
    nf_outcome_free(&expected);
}

static void test_layouts(void)
{
    static const char *const typed[] = {
        "normalize",
        "gaussian:sigma=1 | normalize | sobel",
        "threshold:method=otsu",
        "quantile:q=0.01,0.5,0.99",
        "cast:to=u8 | equalize | quantile:q=0.5",
        "cast:to=u16 | sobel | equalize | normalize | checksum",
        "cast:to=f32 | normalize:method=zscore | gaussian | normalize:low=-1"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        for (int d = 0; d < TYPES; d++) {
            nf_shape image = nf_test_shape(1, 67, 131, 1 + (int)k % 3, dtypes[d]);
            nf_shape volume = nf_test_shape(9, 5, 14, 1, dtypes[d]);
            same_bits(typed[k], &image, NULL);
            same_bits(typed[k], &volume, NULL);
        }
    }
}

static void test_iterations(void)
{
    static const char *const typed[] = {
        "jacobi:steps=40", "jacobi:steps=41,border=wrap",
        "jacobi:steps=500,tolerance=300,check_every=6,border=constant",
        "gaussian:sigma=1 | jacobi:steps=99,tolerance=1000,check_every=16 | normalize | sobel",
        "jacobi:steps=300,tolerance=100,check_every=12,border=constant | norm2"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        for (int d = 2; d < TYPES; d++) {
            nf_shape image = nf_test_shape(1, 53, 61, 1 + (int)k % 2, dtypes[d]);
            nf_shape volume = nf_test_shape(11, 9, 14, 1, dtypes[d]);
            same_bits(typed[k], &image, NULL);
            if (strstr(typed[k], "sobel") == NULL)
                same_bits(typed[k], &volume, NULL);
        }
    }
}

/* ---- known answers ---- */

static const nf_number *number(const nf_outcome *o, const char *name)
{
    for (size_t i = 0; i < o->results.count; i++)
        if (strcmp(o->results.numbers[i].name, name) == 0)
            return &o->results.numbers[i];
    return NULL;
}

/* Of a line of n elements. */
static void maps(const char *typed, int n, nf_dtype dtype, const void *in, const void *out,
                 size_t bytes)
{
    nf_shape line = {.dim = {1, 1, n}, .ndim = 1, .channels = 1, .dtype = dtype};
    for (int how = 0; how < TOLD; how++) {
        nf_outcome o = drive(typed, &line, in, how);
        bool same = world.rank != 0 || (o.bytes == bytes && memcmp(o.cells, out, bytes) == 0);
        CU_ASSERT(same);
        if (!same)
            printf("\n  %s: not as known, way %d\n", typed, how);
        nf_outcome_free(&o);
    }
}

static void tells(const char *typed, int n, nf_dtype dtype, const void *in, const char *name,
                  double value)
{
    nf_shape line = {.dim = {1, 1, n}, .ndim = 1, .channels = 1, .dtype = dtype};
    for (int how = 0; how < TOLD; how++) {
        nf_outcome o = drive(typed, &line, in, how);
        const nf_number *told_it = number(&o, name);
        bool same = world.rank != 0 ||
                    (told_it != NULL && (isnan(value) ? isnan(told_it->real)
                                                      : memcmp(&told_it->real, &value, 8) == 0));
        CU_ASSERT(same);
        if (!same)
            printf("\n  %s: %s is %.17g, expected %.17g, way %d\n", typed, name,
                   told_it != NULL ? told_it->real : 0, value, how);
        nf_outcome_free(&o);
    }
}

static void test_known_quantiles(void)
{
    const double x[] = {3, -1, 4, 1, -5, 9, 2, 6};
    tells("quantile", 8, NF_F64, x, "q0.5", 2.5);
    tells("quantile:q=0.3", 8, NF_F64, x, "q0.3", 1.1);
    tells("quantile:q=0.9", 8, NF_F64, x, "q0.9", 6.8999999999999995);
    tells("quantile:q=0", 8, NF_F64, x, "q0", -5);
    tells("quantile:q=1", 8, NF_F64, x, "q1", 9);
    tells("quantile:q=0.3,method=lower", 8, NF_F64, x, "q0.3", 1);
    tells("quantile:q=0.3,method=higher", 8, NF_F64, x, "q0.3", 2);
    tells("quantile:q=0.3,method=nearest", 8, NF_F64, x, "q0.3", 1);
    tells("quantile:q=0.5,method=nearest", 8, NF_F64, x, "q0.5", 3); /* 3.5: half to even */
    tells("quantile:q=0.3,method=midpoint", 8, NF_F64, x, "q0.3", 1.5);
    tells("quantile:q=0.125", 8, NF_F64, x, "q0.125", -1.5);
    const float y[] = {-0.0F, 0, INFINITY, -INFINITY, 1e-45F};
    tells("quantile:q=0.25", 5, NF_F32, y, "q0.25", 0);
    tells("quantile:q=0.75", 5, NF_F32, y, "q0.75", 0x1p-149);
    tells("quantile:q=1", 5, NF_F32, y, "q1", (double)INFINITY);
    tells("quantile:q=0", 5, NF_F32, y, "q0", (double)-INFINITY);
    const float z[] = {1, NAN, 2};
    tells("quantile:q=0", 3, NF_F32, z, "q0", (double)NAN);
    const uint16_t w[] = {65535, 0, 4096, 4095};
    tells("quantile:q=0.5", 4, NF_U16, w, "q0.5", 4095.5);
    tells("quantile:q=1", 4, NF_U16, w, "q1", 65535);
}

/* Of 0 ... n - 1 in another order, and of one value only. */
static void test_permuted_quantiles(void)
{
    enum { N = 60001 };
    float *x = malloc(N * sizeof *x);
    double *y = malloc(N * sizeof *y);
    CU_ASSERT_FATAL(x != NULL && y != NULL);
    for (int i = 0; i < N; i++) {
        x[i] = (float)((int64_t)i * 7919 % N);
        y[i] = 1e-300;
    }
    tells("quantile:q=0.25,0.5,0.75", N, NF_F32, x, "q0.25", 15000);
    tells("quantile:q=0.25,0.5,0.75", N, NF_F32, x, "q0.75", 45000);
    tells("quantile:q=0.00001", N, NF_F32, x, "q0.00001", 0.6000000000000001); /* q (n - 1) */
    tells("quantile:q=0.5", N, NF_F64, y, "q0.5", 1e-300);
    free(x);
    free(y);
}

static void test_known_maps(void)
{
    const uint8_t bytes[] = {10, 20, 30, 60}, wide[] = {0, 51, 102, 255}, same[] = {7, 7, 7, 7};
    const uint8_t none[] = {0, 0, 0, 0}, low[] = {3, 3, 3, 3}, turned[] = {255, 204, 153, 0};
    maps("normalize", 4, NF_U8, bytes, wide, 4);
    maps("normalize:low=255,high=0", 4, NF_U8, bytes, turned, 4);
    maps("normalize", 4, NF_U8, same, none, 4);
    maps("normalize:low=3", 4, NF_U8, same, low, 4);
    const float x[] = {-2, 0, 2, INFINITY, -INFINITY, NAN}, unit[] = {0, 0.5F, 1, 1, 0, NAN};
    maps("normalize", 6, NF_F32, x, unit, sizeof x);
    tells("normalize", 6, NF_F32, x, "min", -2);
    tells("normalize", 6, NF_F32, x, "max", 2);
    const double y[] = {1, 3, 1, 3}, z[] = {-1, 1, -1, 1};
    maps("normalize:method=zscore", 4, NF_F64, y, z, sizeof y);
    tells("normalize:method=zscore", 4, NF_F64, y, "mean", 2);
}

/* What is not finite, in each lane of a long row, does not widen the span. */
static void test_not_finite(void)
{
    enum { N = 331 };
    static const float strange[] = {INFINITY, -INFINITY, NAN};
    nf_shape shape = nf_test_shape(1, 1, N, 1, NF_F32);
    float x[N];
    for (int at = 0; at < N; at += 7) {
        for (int i = 0; i < N; i++)
            x[i] = (float)(i % 10 + 1);
        x[at] = strange[at % 3];
        tells("normalize", N, NF_F32, x, "min", 1);
        tells("normalize", N, NF_F32, x, "max", 10);
        check_cells("threshold:method=otsu", &shape, x);
    }
}

/* As cv2.equalizeHist and cv2.threshold(..., THRESH_OTSU) gave; skimage.filters.threshold_otsu. */
static void test_known_histograms(void)
{
    const uint8_t x[] = {5, 5, 9, 9, 9, 200, 201, 255},
                  flat[] = {0, 0, 128, 128, 128, 170, 212, 255};
    maps("equalize", 8, NF_U8, x, flat, 8);
    maps("equalize", 2, NF_U8, x, x, 2);
    const uint16_t w[] = {1, 2, 3, 1000}, spread[] = {0, 21845, 43690, 65535};
    maps("equalize", 4, NF_U16, w, spread, sizeof w);
    const uint8_t above[] = {0, 0, 0, 0, 0, 255, 255, 255};
    maps("threshold:method=otsu", 8, NF_U8, x, above, 8);
    tells("threshold:method=otsu", 8, NF_U8, x, "value", 9);
    tells("threshold:method=otsu", 2, NF_U8, x, "value", 0);
    tells("threshold:method=otsu", 4, NF_U16, w, "value", 3);
    const float f[] = {0, 0.25F, 0.25F, 8, 7.75F, NAN, INFINITY}, one[] = {2.5F, 2.5F};
    tells("threshold:method=otsu", 7, NF_F32, f, "value", 8.5 / 32);
    tells("threshold:method=otsu", 2, NF_F32, one, "value", 2.5);
}

/* An eigenvector of the iteration, sin sin between walls at 0: each step multiplies it by its
 * eigenvalue, cos(pi / (n + 1)). */
static void test_eigenvector(void)
{
    enum { N = 15, STEPS = 30 };
    const double pi = acos(-1), eigenvalue = cos(pi / (N + 1));
    double u[N * N];
    for (int i = 0; i < N * N; i++)
        u[i] = sin(pi * (i / N + 1) / (N + 1)) * sin(pi * (i % N + 1) / (N + 1));
    nf_shape square = nf_test_shape(1, N, N, 1, NF_F64);
    for (int how = 0; how < TOLD; how++) {
        nf_outcome o = drive("jacobi:steps=30,border=constant", &square, u, how);
        for (int i = 0; i < N * N && world.rank == 0 && o.status == NF_OK; i++)
            CU_ASSERT_DOUBLE_EQUAL(((const double *)(const void *)o.cells)[i],
                                   pow(eigenvalue, STEPS) * u[i], 1e-14);
        nf_outcome_free(&o);
    }
}

/* Poisson's equation on a square: the residual, worked out here, is as small as asked for, and as told;
 * it stops at a step at which it looks. */
static void test_convergence(void)
{
    enum { N = 12 };
    double uf[N * N * 2];
    for (int i = 0; i < N * N; i++) {
        uf[2 * i] = 0;
        uf[2 * i + 1] = i % 5 - 2;
    }
    nf_shape square = nf_test_shape(1, N, N, 2, NF_F64);
    const char *typed = "jacobi:steps=5000,tolerance=1e-9,check_every=10,border=constant";
    for (int how = 0; how < TOLD; how++) {
        nf_outcome o = drive(typed, &square, uf, how);
        const double *u = (const void *)o.cells;
        double sum = 0;
        for (int y = 0; y < N && world.rank == 0; y++)
            for (int x = 0; x < N; x++) {
                double up = y > 0 ? u[2 * ((y - 1) * N + x)] : 0;
                double down = y + 1 < N ? u[2 * ((y + 1) * N + x)] : 0;
                double left = x > 0 ? u[2 * (y * N + x - 1)] : 0;
                double right = x + 1 < N ? u[2 * (y * N + x + 1)] : 0;
                double r =
                    uf[2 * (y * N + x) + 1] - (up + down + left + right - 4 * u[2 * (y * N + x)]);
                sum += r * r;
            }
        const nf_number *steps = number(&o, "steps"), *residual = number(&o, "residual");
        if (world.rank == 0) {
            CU_ASSERT_FATAL(steps != NULL && residual != NULL);
            CU_ASSERT(sqrt(sum) <= 1e-9);
            CU_ASSERT_DOUBLE_EQUAL(residual->real, sqrt(sum), 1e-15);
            CU_ASSERT(steps->low % 10 == 0 && steps->low > 100 && steps->low < 5000);
        }
        nf_outcome_free(&o);
    }
}

/* From nothing to a given u, by its Laplacian, to within the tolerance and no earlier: in images and
 * volumes, after a whole number of looks and what is left over. */
static void test_poisson(int planes, int64_t bound)
{
    enum { ROWS = 9, COLUMNS = 11, MOST = 7 * ROWS * COLUMNS };
    nf_shape shape = nf_test_shape(planes, ROWS, COLUMNS, 2, NF_F64);
    double u[MOST], cells[2 * MOST];
    int n = planes * ROWS * COLUMNS;
    for (int i = 0; i < n; i++)
        u[i] = nf_test_value(NF_F64, i);
    for (int i = 0; i < n; i++) {
        int x = i % COLUMNS, y = i / COLUMNS % ROWS, z = i / COLUMNS / ROWS;
        double sum = (x > 0 ? u[i - 1] : 0) + (x + 1 < COLUMNS ? u[i + 1] : 0) +
                     (y > 0 ? u[i - COLUMNS] : 0) + (y + 1 < ROWS ? u[i + COLUMNS] : 0) +
                     (z > 0 ? u[i - ROWS * COLUMNS] : 0) +
                     (z + 1 < planes ? u[i + ROWS * COLUMNS] : 0);
        cells[2 * i] = 0;
        cells[2 * i + 1] = sum - (planes > 1 ? 6 : 4) * u[i];
    }
    char typed[128];
    snprintf(typed, sizeof typed, "jacobi:steps=%lld,tolerance=1e-7,check_every=9,border=constant",
             (long long)bound);
    same_bits(typed, &shape, cells);
    nf_outcome o = drive(typed, &shape, cells, 1);
    const nf_number *residual = number(&o, "residual"), *steps = number(&o, "steps");
    if (world.rank == 0) {
        const double *v = (const void *)o.cells;
        CU_ASSERT_FATAL(residual != NULL && steps != NULL);
        CU_ASSERT(residual->real <= 1e-7 && residual->real > 1e-9);
        CU_ASSERT(steps->low < (uint64_t)bound && steps->low % 9 == (uint64_t)bound % 9);
        for (int i = 0; i < n; i++) {
            CU_ASSERT(fabs(v[2 * i] - u[i]) < 1e-6);
            CU_ASSERT(v[2 * i + 1] == cells[2 * i + 1]);
        }
    }
    nf_outcome_free(&o);
}

static void test_poissons(void)
{
    test_poisson(1, 5000);
    test_poisson(7, 5003);
}

/* ---- a plan that runs twice, over different arrays ---- */

static char *run_over(nf_plan *plan, nf_fields *fields, const void *cells, size_t bytes,
                      nf_results *results)
{
    nf_times times = {0};
    const nf_shape *shape = &fields->out.cut.shape;
    char *out = calloc(1, bytes);
    nf_results_init(results);
    nf_test_fill(&fields->in, cells);
    nf_status status = nf_plan_run(plan, fields, results, &times);
    if (status == NF_OK)
        status = nf_gather_rows(&world, &fields->out, 0, 0, shape->dim[1], out);
    CU_ASSERT_EQUAL(status, NF_OK);
    return out;
}

static void rerun(const char *typed, nf_dtype dtype)
{
    nf_shape shape = nf_test_shape(1, 31, 17, 1, dtype);
    size_t bytes = nf_shape_bytes(&shape);
    char *first = nf_test_array(&shape), *other = nf_test_array(&shape);
    memset(other, 0, bytes); /* all equal but for two */
    memcpy(other + bytes / 2, first, 2 * nf_dtype_size(dtype));
    nf_chain chain;
    nf_plan *plan = NULL;
    nf_fields fields;
    nf_results results[3];
    world.threads = 2;
    CU_ASSERT_EQUAL_FATAL(nf_chain_parse(typed, &chain), NF_OK);
    CU_ASSERT_EQUAL_FATAL(nf_plan_create(&world, &shape, &chain, 1, NULL, &plan), NF_OK);
    CU_ASSERT_EQUAL_FATAL(nf_plan_fields(plan, &fields), NF_OK);
    char *once = run_over(plan, &fields, first, bytes, &results[0]);
    char *between = run_over(plan, &fields, other, bytes, &results[1]);
    char *again = run_over(plan, &fields, first, bytes, &results[2]);
    CU_ASSERT(memcmp(once, again, bytes) == 0 && nf_results_equal(&results[0], &results[2]));
    CU_ASSERT(world.rank != 0 || memcmp(once, between, bytes) != 0);
    nf_fields_free(&fields);
    nf_plan_free(plan);
    nf_chain_free(&chain);
    nf_outcome fresh = drive(typed, &shape, other, 0);
    CU_ASSERT(world.rank != 0 || (memcmp(between, fresh.cells, bytes) == 0 &&
                                  nf_results_equal(&results[1], &fresh.results)));
    nf_outcome_free(&fresh);
    for (int i = 0; i < 3; i++)
        nf_results_free(&results[i]);
    free(once), free(between), free(again), free(first), free(other);
}

static void test_reruns(void)
{
    rerun("normalize", NF_U8);
    rerun("normalize:method=zscore", NF_F32);
    rerun("equalize", NF_U16);
    rerun("threshold:method=otsu", NF_F32);
    rerun("jacobi:steps=900,tolerance=30,check_every=3,border=constant", NF_F32);
}

/* ---- what a plan says, and what is refused ---- */

static void test_facts(void)
{
    nf_shape shape = nf_test_shape(1, 64, 50, 1, NF_F32);
    static const struct {
        const char *typed;
        size_t passes, survey; /* the number of the survey */
        int64_t looks, steps;  /* of it; of all other passes together */
        bool may_stop;
    } cases[] = {{"gaussian:sigma=1 | normalize | sobel", 3, 1, 1, 3, false},
                 {"threshold:method=otsu", 2, 0, 2, 1, false},
                 {"threshold:value=1", 1, 9, 0, 1, false},
                 {"jacobi:steps=100,tolerance=1,check_every=8", 3, 1, 12, 100, true},
                 {"jacobi:steps=96,tolerance=1,check_every=8 | quantile", 3, 0, 12, 96, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_chain chain;
        nf_plan *plan = NULL;
        nf_plan_facts facts;
        nf_plan_options options = {.halo_depth = 4};
        int64_t steps = 0;
        CU_ASSERT_EQUAL_FATAL(nf_chain_parse(cases[i].typed, &chain), NF_OK);
        CU_ASSERT_EQUAL_FATAL(nf_plan_create(&world, &shape, &chain, 1, &options, &plan), NF_OK);
        nf_plan_tell(plan, &facts);
        CU_ASSERT_EQUAL(facts.passes, cases[i].passes);
        for (size_t p = 0; p < facts.passes; p++) {
            nf_pass_facts pass;
            nf_plan_tell_pass(plan, p, &pass);
            CU_ASSERT_EQUAL(pass.surveys, p == cases[i].survey);
            CU_ASSERT(!pass.surveys ||
                      (pass.sweeps == cases[i].looks && pass.may_stop == cases[i].may_stop));
            CU_ASSERT(pass.nends == 0 || pass.surveys || pass.sweeps == 3); /* quantile */
            steps += pass.sweeps * (int64_t)pass.count;
        }
        CU_ASSERT_EQUAL(steps, cases[i].steps);
        nf_plan_free(plan);
        nf_chain_free(&chain);
    }
}

/* A kernel whose survey cannot be folded in any order is not taken. */
static void test_bad_kernel(void)
{
    nf_kernel kernel = *nf_kernel_find("normalize");
    kernel.any_order = false;
    nf_shape shape = nf_test_shape(1, 4, 5, 1, NF_U8);
    nf_chain chain;
    CU_ASSERT_EQUAL_FATAL(nf_chain_parse("normalize", &chain), NF_OK);
    chain.stages[0].kernel = &kernel;
    nf_status status = nf_chain_prepare(&chain, &shape);
    CU_ASSERT_EQUAL(status, NF_ERR_PARAM);
    CU_ASSERT_PTR_NOT_NULL(strstr(nf_message(status), "must fold in any order"));
    nf_chain_free(&chain);
}

/* Says what it has not got, and what would do. */
static void test_refusals(void)
{
    static const char *const typed[] = {"quantile:q=1.5", "quantile:q=-0.1", "jacobi:steps=0",
                                        "normalize:method=rank"};
    for (size_t k = 0; k < sizeof typed / sizeof *typed; k++) {
        nf_chain chain;
        CU_ASSERT_EQUAL(nf_chain_parse(typed[k], &chain), NF_ERR_PARAM);
        nf_chain_free(&chain);
    }
    static const struct {
        const char *typed;
        nf_dtype dtype;
        int channels;
    } shapes[] = {{"equalize", NF_F32, 1}, {"jacobi", NF_F32, 3}, {"jacobi", NF_U8, 1}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        nf_chain chain;
        nf_plan *plan = NULL;
        nf_shape shape = nf_test_shape(1, 9, 9, shapes[k].channels, shapes[k].dtype);
        CU_ASSERT_EQUAL(nf_chain_parse(shapes[k].typed, &chain), NF_OK);
        nf_status status = nf_plan_create(&world, &shape, &chain, 1, NULL, &plan);
        CU_ASSERT(status != NF_OK);
        nf_plan_free(plan);
        nf_chain_free(&chain);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"maps", test_maps},
                           {"chains", test_chains},
                           {"quantiles", test_quantiles},
                           {"jacobi", test_jacobi},
                           {"layouts", test_layouts},
                           {"iterations", test_iterations},
                           {"known quantiles", test_known_quantiles},
                           {"permuted quantiles", test_permuted_quantiles},
                           {"known maps", test_known_maps},
                           {"known histograms", test_known_histograms},
                           {"not finite", test_not_finite},
                           {"jacobi, eigenvector", test_eigenvector},
                           {"jacobi, convergence", test_convergence},
                           {"jacobi, a given solution", test_poissons},
                           {"reruns", test_reruns},
                           {"facts", test_facts},
                           {"bad kernel", test_bad_kernel},
                           {"refusals", test_refusals},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    printf("instruction set: %s\n", nf_kernel_isa());
    int status = nf_suite_run("survey", tests, world.rank);
    nf_world_stop(&world);
    return status;
}
