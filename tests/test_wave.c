/* test_wave.c - the wave equation against what is known of its discrete form: standing and travelling
 * waves with the frequencies that the grid gives them, the energy that leapfrog conserves, edges that
 * absorb. CTest runs it once for each instruction set that the processor has. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/reference.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static const nf_world alone = {.size = 1, .threads = 1};
static const double pi = 3.14159265358979323846;

static nf_outcome driven(const char *typed, const nf_shape *shape, const void *cells)
{
    return nf_test_drive_typed(&alone, typed, shape, cells, NULL);
}

static double *make_cells(const nf_shape *shape)
{
    double *cells = calloc((size_t)nf_shape_elements(shape), sizeof *cells);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    return cells;
}

/* ---- against the reference ---- */

static void test_references(void)
{
    static const char *const edges[] = {"border=clamp",
                                        "border=reflect",
                                        "border=mirror",
                                        "border=wrap",
                                        "border=constant,value=7",
                                        "edges=absorb",
                                        "edges=absorb,border=constant"};
    static const int64_t sizes[][3] = {{1, 1, 1}, {1, 1, 9}, {1, 11, 1}, {1, 37, 23}};
    static const int64_t volumes[][3] = {{1, 1, 1}, {2, 1, 9}, {7, 6, 13}};
    for (size_t e = 0; e < sizeof edges / sizeof *edges; e++) {
        for (nf_dtype dtype = NF_F32; dtype <= NF_F64; dtype++) {
            char typed[96];
            snprintf(typed, sizeof typed, "wave:steps=6,courant=0.55,%s", edges[e]);
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                nf_shape image = nf_test_shape(1, sizes[s][1], sizes[s][2], 1, dtype);
                nf_test_check(typed, &image);
            }
            for (size_t s = 0; s < sizeof volumes / sizeof *volumes; s++) {
                nf_shape volume =
                    nf_test_shape(volumes[s][0], volumes[s][1], volumes[s][2], 1, dtype);
                volume.ndim = 3;
                nf_test_check(typed, &volume);
            }
        }
    }
}

/* ---- standing waves ---- */

/* A mode of n cells in one dimension, number k, under each border: its value at cell i; its angle a cell,
 * 2 (1 - cos angle) being what the second difference multiplies it by, the sign apart. */
static double mode_at(nf_border border, int64_t n, int k, int64_t i)
{
    switch (border) {
    case NF_WRAP:
        return cos(2 * pi * k * (double)i / (double)n);
    case NF_MIRROR:
        return cos(pi * k * (double)i / (double)(n - 1));
    case NF_CONSTANT:
        return sin(pi * k * (double)(i + 1) / (double)(n + 1));
    default:
        return cos(pi * k * ((double)i + 0.5) / (double)n);
    }
}

static double mode_angle(nf_border border, int64_t n, int k)
{
    return border == NF_WRAP       ? 2 * pi * k / (double)n
           : border == NF_MIRROR   ? pi * k / (double)(n - 1)
           : border == NF_CONSTANT ? pi * k / (double)(n + 1)
                                   : pi * k / (double)n;
}

/* u(m) = cos(m w) u(0), where sin^2(w/2) = C^2 times the sum over the dimensions of sin^2(angle/2). */
static void check_standing(nf_border border, const nf_shape *shape, double courant, int steps)
{
    static const int number[NF_DIMS] = {2, 3, 5};
    double sum = 0, worst = 0, *cells = make_cells(shape);
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        sum += pow(sin(mode_angle(border, shape->dim[d], number[d]) / 2), 2);
    double w = 2 * asin(courant * sqrt(sum));
    for (int64_t i = 0; i < nf_shape_cells(shape); i++) {
        int64_t at[NF_DIMS] = {i / shape->dim[2] / shape->dim[1], i / shape->dim[2] % shape->dim[1],
                               i % shape->dim[2]};
        cells[i] = 1;
        for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
            cells[i] *= mode_at(border, shape->dim[d], number[d], at[d]);
    }
    char typed[128];
    snprintf(typed, sizeof typed, "wave:steps=%d,courant=%.17g,border=%s", steps, courant,
             nf_border_names[border]);
    nf_outcome o = driven(typed, shape, cells);
    for (int64_t i = 0; i < nf_shape_cells(shape); i++) {
        double off = fabs(((const double *)(const void *)o.cells)[i] - cos(steps * w) * cells[i]);
        worst = off > worst ? off : worst;
    }
    CU_ASSERT(worst < 1e-11);
    if (!(worst < 1e-11))
        printf("\n  %s, %d dimensions: off by %g\n", typed, shape->ndim, worst);
    nf_outcome_free(&o);
    free(cells);
}

static void test_standing(void)
{
    nf_shape image = nf_test_shape(1, 23, 40, 1, NF_F64),
             volume = nf_test_shape(9, 12, 17, 1, NF_F64);
    for (nf_border border = NF_CLAMP; border <= NF_CONSTANT; border++) {
        check_standing(border, &image, 0.5, 1);
        check_standing(border, &image, 0.7, 133);
        check_standing(border, &volume, 0.3, 50);
        check_standing(border, &volume, 0.57, 133);
    }
}

/* ---- a travelling wave, from both of its beginnings ---- */

static void test_travelling(void)
{
    enum { ROWS = 24, COLUMNS = 32, STEPS = 200 };
    nf_shape shape = nf_test_shape(1, ROWS, COLUMNS, 2, NF_F64);
    double *cells = make_cells(&shape), courant = 0.6;
    double ky = 2 * pi * 2 / ROWS, kx = 2 * pi * 3 / COLUMNS;
    double w = 2 * asin(courant * sqrt(pow(sin(ky / 2), 2) + pow(sin(kx / 2), 2)));
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        double phase = ky * (i / COLUMNS) + kx * (i % COLUMNS);
        cells[2 * i] = cos(phase);
        cells[2 * i + 1] = cos(phase + w);
    }
    nf_outcome o = driven("wave_step:steps=200,courant=0.6,border=wrap", &shape, cells);
    const double *out = (const void *)o.cells;
    double worst = 0;
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        double phase = ky * (i / COLUMNS) + kx * (i % COLUMNS) - STEPS * w;
        worst = fmax(worst, fabs(out[2 * i] - cos(phase)));
        worst = fmax(worst, fabs(out[2 * i + 1] - cos(phase + w)));
    }
    CU_ASSERT(worst < 1e-11);
    nf_outcome_free(&o);
    free(cells);
}

/* ---- energy ---- */

/* Of a state on an image: |u - v|^2 + C^2 (differences of u) (those of v), u and v being two times that
 * follow each other. Cells at edges that absorb count half, and so do differences along them. */
static double energy(const nf_shape *shape, const double *state, double courant, bool absorb)
{
    int64_t rows = shape->dim[1], columns = shape->dim[2];
    double kinetic = 0, potential = 0;
    for (int64_t y = 0; y < rows; y++) {
        for (int64_t x = 0; x < columns; x++) {
            const double *u = &state[2 * (y * columns + x)];
            double wy = absorb && (y == 0 || y + 1 == rows) ? 0.5 : 1;
            double wx = absorb && (x == 0 || x + 1 == columns) ? 0.5 : 1;
            kinetic += wy * wx * (u[0] - u[1]) * (u[0] - u[1]);
            if (x + 1 < columns)
                potential += wy * (u[2] - u[0]) * (u[3] - u[1]);
            if (y + 1 < rows)
                potential += wx * (u[2 * columns] - u[0]) * (u[2 * columns + 1] - u[1]);
        }
    }
    return kinetic + courant * courant * potential;
}

/* After so many steps, from a heap in the middle that is at rest. */
static double energy_after(int64_t side, int steps, const char *more, double courant)
{
    nf_shape shape = nf_test_shape(1, side, side, 1, NF_F64);
    double *cells = make_cells(&shape);
    for (int64_t i = 0; i < side * side; i++) {
        double y = (double)(i / side) - (double)side / 2, x = (double)(i % side) - (double)side / 2;
        cells[i] = exp(-(y * y + x * x) / 18);
    }
    char typed[200];
    int used = snprintf(typed, sizeof typed, "wave_rest:courant=%.17g", courant);
    if (steps > 0)
        snprintf(typed + used, sizeof typed - (size_t)used, " | wave_step:steps=%d,courant=%.17g%s",
                 steps, courant, more);
    nf_outcome o = driven(typed, &shape, cells);
    double result = energy(&shape, (const void *)o.cells, courant, more[0] != '\0');
    nf_outcome_free(&o);
    free(cells);
    return result;
}

static void test_energy(void)
{
    double before = energy_after(48, 0, "", 0.7);
    CU_ASSERT(before > 1);
    static const int steps[] = {1, 50, 3000};
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_DOUBLE_EQUAL(energy_after(48, steps[i], "", 0.7), before, 1e-11 * before);
}

/* Nothing is lost before the wave is at the edge; then nearly all of it, and never less than before. */
static void test_absorption(void)
{
    double before = energy_after(64, 0, "", 0.5), last = before;
    CU_ASSERT_DOUBLE_EQUAL(energy_after(64, 20, ",edges=absorb", 0.5), before, 1e-6 * before);
    for (int steps = 20; steps <= 200; steps += 10) {
        double now = energy_after(64, steps, ",edges=absorb", 0.5);
        CU_ASSERT(now <= last * (1 + 1e-12));
        last = now;
    }
    CU_ASSERT(last < 0.002 * before);
}

/* The largest cell that is left, in the middle row, of a ridge that has run to both sides, met the
 * edges head-on and been as far again. So far from the upper and lower edges nothing is known of them. */
static double echo(const char *typed)
{
    enum { ROWS = 301, COLUMNS = 61 };
    nf_shape shape = nf_test_shape(1, ROWS, COLUMNS, 1, NF_F64);
    double *cells = make_cells(&shape), most = 0;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        cells[i] = exp(-pow((i % COLUMNS - COLUMNS / 2) / 5.0, 2));
    nf_outcome o = driven(typed, &shape, cells);
    const double *out = (const double *)(const void *)o.cells + ROWS / 2 * COLUMNS;
    for (int x = 0; x < COLUMNS; x++)
        most = fmax(most, fabs(out[x]));
    nf_outcome_free(&o);
    free(cells);
    return most;
}

static void test_echo(void)
{
    CU_ASSERT(echo("wave:steps=120,courant=0.5") > 0.9); /* both halves meet again */
    CU_ASSERT(echo("wave:steps=120,courant=0.5,edges=absorb") < 0.005);
}

/* ---- what is refused ---- */

static void check_refused(const char *typed, const nf_shape *shape, nf_status expected,
                          const char *words)
{
    nf_chain chain;
    nf_status status = nf_chain_parse(typed, &chain);
    if (status == NF_OK)
        status = nf_chain_prepare(&chain, shape);
    CU_ASSERT_EQUAL(status, expected);
    CU_ASSERT_PTR_NOT_NULL(strstr(nf_message(status), words));
    nf_chain_free(&chain);
}

static void test_refusals(void)
{
    nf_shape image = nf_test_shape(1, 9, 9, 1, NF_F32), volume = nf_test_shape(3, 4, 5, 1, NF_F32);
    nf_shape bytes = nf_test_shape(1, 9, 9, 1, NF_U8), colours = nf_test_shape(1, 9, 9, 3, NF_F32);
    check_refused("wave:courant=0.71", &image, NF_ERR_PARAM, "'wave': courant=0.71");
    check_refused("wave:courant=0.6", &volume, NF_ERR_PARAM, "'wave:courant=0.6'");
    check_refused("wave:edges=absorb,border=wrap", &image, NF_ERR_PARAM, "has no edges");
    check_refused("wave", &bytes, NF_ERR_SHAPE, "'wave'");
    check_refused("wave", &colours, NF_ERR_SHAPE, "one channel");
    check_refused("wave_step", &image, NF_ERR_SHAPE, "two channels");
}

int main(void)
{
    CU_TestInfo tests[] = {{"references", test_references},
                           {"standing waves", test_standing},
                           {"a travelling wave", test_travelling},
                           {"energy", test_energy},
                           {"absorption", test_absorption},
                           {"echo", test_echo},
                           {"refusals", test_refusals},
                           CU_TEST_INFO_NULL};
    printf("instruction set: %s\n", nf_kernel_isa());
    return nf_suite_run("wave", tests, 0);
}
