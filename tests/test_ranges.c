/* test_ranges.c - norm1, the higher moments of stats, and the kernels over index ranges: against
 * their references, against closed forms and published vectors, and the same bits from these ranks,
 * from 1 to 3 threads, in tiles that do not divide. CTest runs it for several numbers of ranks, and
 * once for each instruction set that the processor has. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/reference.h"
#include "kernels/elementary.h"
#include "kernels/philox.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */

static const nf_dtype dtypes[] = {NF_U8, NF_U16, NF_F32, NF_F64};
enum { TYPES = 4 };

/* ---- against the references ---- */

static void test_references(void)
{
    static const char *const reductions[] = {"norm1", "stats", "stats:moments=3",
                                             "stats:moments=4"};
    static const int64_t sizes[][3] = {{1, 1, 9}, {1, 37, 23}, {7, 13, 29}, {1, 1, 70001}};
    for (size_t d = 0; d < TYPES; d++)
        for (size_t k = 0; k < sizeof reductions / sizeof *reductions; k++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                nf_shape shape =
                    nf_test_shape(sizes[s][0], sizes[s][1], sizes[s][2], 1 + (int)s % 4, dtypes[d]);
                nf_test_check(reductions[k], &shape);
            }
}

static void test_range_references(void)
{
    static const char *const ranges[] = {
        "montecarlo:n=2",
        "montecarlo:n=10007",
        "montecarlo:n=300000,seed=9007199254740992",
        "montecarlo:n=10007,what=option",
        "montecarlo:n=200000,what=option,seed=77,spot=90,strike=110,rate=-0.01,volatility=0.5,"
        "years=3",
        "mandelbrot:height=1,width=1",
        "mandelbrot:height=37,width=91,limit=1",
        "mandelbrot:height=37,width=91,limit=13",
        "mandelbrot:height=301,width=207,limit=500",
        "mandelbrot:height=100,width=130,centre=-0.7453,0.1127,span=0.002,limit=3001",
        "mandelbrot:height=40,width=70,centre=2,-1,span=8",
        "nbody:n=2",
        "nbody:n=31",
        "nbody:n=33,softening=0",
        "nbody:n=1001,seed=5"};
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++)
        nf_test_check(ranges[k], NULL);
}

/* ---- the same bits however they are driven ---- */

/* As from one rank and one thread. */
static void compare(const char *typed, const nf_shape *shape)
{
    static const nf_plan_options told[] = {
        {.halo_depth = 0}, {.tile = {0, 11, 301}}, {.tile = {0, 2, 1003}}};
    nf_world alone = {.size = 1, .threads = 1};
    nf_chain chain;
    CU_ASSERT_EQUAL_FATAL(nf_chain_parse(typed, &chain), NF_OK);
    nf_outcome serial = {.status = NF_OK};
    if (world.rank == 0)
        serial = nf_test_drive(&alone, &chain, shape, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        world.threads = i + 1;
        nf_outcome o = nf_test_drive(&world, &chain, shape, NULL, &told[i]);
        uint64_t wrong = o.status != NF_OK || serial.status != NF_OK;
        if (world.rank == 0 && !wrong)
            wrong = o.results.count == 0 || !nf_results_equal(&o.results, &serial.results);
        if (wrong)
            printf("\n  %s, %d ranks x %d threads: %s\n", typed, world.size, world.threads,
                   o.status == NF_OK ? "other bits than serial" : nf_message(o.status));
        CU_ASSERT_EQUAL(nf_sum_u64(&world, wrong), 0);
        nf_outcome_free(&o);
    }
    nf_outcome_free(&serial);
    nf_chain_free(&chain);
}

static void test_layouts(void)
{
    static const char *const reductions[] = {"norm1", "stats:moments=3", "stats:moments=4"};
    static const char *const ranges[] = {"montecarlo:n=700001",
                                         "montecarlo:n=2",
                                         "montecarlo:n=300001,what=option",
                                         "mandelbrot:height=331,width=417,limit=200",
                                         "mandelbrot:height=2,width=1",
                                         "nbody:n=1531",
                                         "nbody:n=5"};
    for (size_t k = 0; k < sizeof reductions / sizeof *reductions; k++)
        for (size_t d = 0; d < TYPES; d++) {
            nf_shape shape = nf_test_shape(1, 127, 389, 1 + (int)d % 3, dtypes[d]);
            compare(reductions[k], &shape);
        }
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++)
        compare(ranges[k], NULL);
}

/* ---- answers ---- */

/* The outcome on one row of n elements; n = 0: of a range. */
static nf_outcome outcome_of(const char *typed, nf_dtype dtype, const void *cells, int64_t n)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_shape shape = nf_test_shape(1, 1, n, 1, dtype);
    return nf_test_drive_typed(&alone, typed, n > 0 ? &shape : NULL, cells, NULL);
}

static double number_of(const nf_outcome *o, const char *name)
{
    for (size_t i = 0; i < o->results.count; i++) {
        const nf_number *number = &o->results.numbers[i];
        if (strcmp(number->name, name) == 0)
            return number->type == NF_REAL ? number->real : (double)number->low;
    }
    CU_FAIL_FATAL("there is no such number");
    return 0;
}

/* One number of a range. */
static double answer_of(const char *typed, const char *name)
{
    nf_outcome o = outcome_of(typed, NF_NONE, NULL, 0);
    double answer = number_of(&o, name);
    nf_outcome_free(&o);
    return answer;
}

/* Within so many units of the last place; NaN is NaN. */
static void is_near(double got, double expected, double ulps)
{
    bool near =
        isnan(expected) ? isnan(got) : fabs(got - expected) <= ulps * DBL_EPSILON * fabs(expected);
    CU_ASSERT(near);
    if (!near)
        printf("\n  %.17g instead of %.17g\n", got, expected);
}

static void test_known_norm1(void)
{
    const double cancelling[] = {1e300, -1, -1e300, 1e-300, -0.0};
    nf_outcome o = outcome_of("norm1", NF_F64, cancelling, 5);
    CU_ASSERT_EQUAL(number_of(&o, "norm1"), 2e300);
    nf_outcome_free(&o);
    const float tiny[] = {-0x1p-149f, 0x1p-149f, -1};
    o = outcome_of("norm1", NF_F32, tiny, 3);
    CU_ASSERT_EQUAL(number_of(&o, "norm1"), 1);
    nf_outcome_free(&o);
    const double infinite[] = {-INFINITY, INFINITY, 1}, unknown[] = {-INFINITY, NAN};
    o = outcome_of("norm1", NF_F64, infinite, 3);
    CU_ASSERT_EQUAL(number_of(&o, "norm1"), (double)INFINITY);
    nf_outcome_free(&o);
    o = outcome_of("norm1", NF_F64, unknown, 2);
    CU_ASSERT(isnan(number_of(&o, "norm1")));
    nf_outcome_free(&o);
}

/* The sum of the magnitudes of x is the sum of |x|, bit for bit. */
static void test_norm1_of_magnitudes(void)
{
    nf_shape shape = nf_test_shape(1, 61, 509, 1, NF_F64);
    nf_world alone = {.size = 1, .threads = 1};
    nf_chain norm1, sum;
    CU_ASSERT_EQUAL_FATAL(nf_chain_parse("norm1", &norm1), NF_OK);
    CU_ASSERT_EQUAL_FATAL(nf_chain_parse("abs | sum", &sum), NF_OK);
    nf_outcome a = nf_test_drive(&alone, &norm1, &shape, NULL, NULL);
    nf_outcome b = nf_test_drive(&alone, &sum, &shape, NULL, NULL);
    CU_ASSERT_EQUAL(a.status, NF_OK);
    CU_ASSERT_EQUAL(number_of(&a, "norm1"), number_of(&b, "sum"));
    nf_outcome_free(&a);
    nf_outcome_free(&b);
    nf_chain_free(&norm1);
    nf_chain_free(&sum);
}

/* ---- skewness and kurtosis ---- */

enum { MANY = 40000 };

static void moments_are(nf_dtype dtype, const void *cells, int64_t n, double skewness,
                        double kurtosis)
{
    nf_outcome o = outcome_of("stats:moments=4", dtype, cells, n);
    is_near(number_of(&o, "skewness"), skewness, 6);
    is_near(number_of(&o, "kurtosis"), kurtosis, 6);
    nf_outcome_free(&o);
}

/* 1 to n: no skewness, and -6 (n^2 + 1) / (5 (n^2 - 1)). */
static void test_moments_of_steps(void)
{
    static double x[MANY];
    static uint16_t u[MANY];
    for (int i = 0; i < MANY; i++)
        x[i] = u[i] = (uint16_t)(i + 1);
    for (int64_t n = 2; n <= MANY; n = 3 * n + 1) {
        double square = (double)n * (double)n, kurtosis = -1.2 * (square + 1) / (square - 1);
        moments_are(NF_F64, x, n, 0, kurtosis);
        moments_are(NF_U16, u, n, 0, kurtosis);
    }
}

/* One value k times, another n - k times, in every type: with p = k / n and q = 1 - p, the skewness
 * is (1 - 2 p) / sqrt(p q), the kurtosis (1 - 6 p q) / (p q). */
static void test_moments_of_two_values(void)
{
    static unsigned char cells[MANY * sizeof(double)];
    for (size_t d = 0; d < TYPES; d++) {
        const double most = dtypes[d] == NF_U8 ? 255 : dtypes[d] == NF_U16 ? 65535 : 0x1p40;
        for (int k = 1; k < MANY; k = 7 * k + 3) {
            const double part = (double)k / MANY, product = part * (1 - part);
            for (int i = 0; i < MANY; i++)
                nf_test_store(dtypes[d], cells + (size_t)i * nf_dtype_size(dtypes[d]),
                              i < k ? most : most / 3 * 2);
            double skewness = (1 - 2 * part) / sqrt(product);
            moments_are(dtypes[d], cells, MANY, skewness, (1 - 6 * product) / product);
        }
    }
}

/* All but the last bits of the elements cancel: 3 of 4 are a little smaller. */
static void test_moments_that_cancel(void)
{
    double x[4096];
    float f[4096];
    for (int i = 0; i < 4096; i++) {
        x[i] = i % 4 == 1 ? 0x1p52 + 1 : 0x1p52;
        f[i] = i % 4 == 1 ? -0x1p23f : -0x1p23f - 1;
    }
    moments_are(NF_F64, x, 4096, 2 / sqrt(3), -2.0 / 3);
    moments_are(NF_F32, f, 4096, 2 / sqrt(3), -2.0 / 3);
}

/* A factor of a power of 2 changes no bit, as long as it is in bounds. */
static void test_moments_at_every_scale(void)
{
    enum { N = 1000 };
    double x[N], scaled[N], skewness = 0, kurtosis = 0;
    for (int i = 0; i < N; i++)
        x[i] = nf_test_value(NF_F64, i) + 3;
    for (int exponent = -520; exponent <= 510; exponent += 10) {
        for (int i = 0; i < N; i++)
            scaled[i] = ldexp(x[i], exponent);
        nf_outcome o = outcome_of("stats:moments=4", NF_F64, scaled, N);
        if (exponent == -520) {
            CU_ASSERT(isnan(number_of(&o, "skewness")));
        } else if (exponent == 510) {
            CU_ASSERT(isnan(number_of(&o, "kurtosis")));
        } else if (exponent == -400) {
            skewness = number_of(&o, "skewness");
            kurtosis = number_of(&o, "kurtosis");
        } else if (exponent > -400 && exponent <= 490) {
            CU_ASSERT_EQUAL(number_of(&o, "skewness"), skewness);
            CU_ASSERT_EQUAL(number_of(&o, "kurtosis"), kurtosis);
        }
        nf_outcome_free(&o);
    }
    CU_ASSERT(skewness > 0 && kurtosis != 0);
}

static void test_moments_of_specials(void)
{
    const double same[] = {0.1, 0.1, 0.1}, infinite[] = {1, 2, INFINITY}, unknown[] = {1, 2, NAN};
    const double tiny[] = {1, 2, 4, 1e-200, -1e-300}, zeros[] = {1, 2, 4, 0, 0};
    moments_are(NF_F64, same, 3, (double)NAN, (double)NAN);
    moments_are(NF_F64, infinite, 3, (double)NAN, (double)NAN);
    moments_are(NF_F64, unknown, 3, (double)NAN, (double)NAN);
    const double large[] = {0x1p509, 0x1p509, 0x1.8p510}, larger[] = {0x1p509, 0x1p509, 0x1p511};
    moments_are(NF_F64, large, 3, sqrt(0.5), -1.5);
    moments_are(NF_F64, larger, 3, (double)NAN, (double)NAN);
    nf_outcome a = outcome_of("stats:moments=4", NF_F64, tiny, 5);
    nf_outcome b = outcome_of("stats:moments=4", NF_F64, zeros, 5);
    CU_ASSERT_EQUAL(number_of(&a, "skewness"), number_of(&b, "skewness"));
    CU_ASSERT_EQUAL(number_of(&a, "kurtosis"), number_of(&b, "kurtosis"));
    nf_outcome_free(&a);
    nf_outcome_free(&b);
}

/* ---- random numbers and elementary functions ---- */

/* The known answers that the authors of Random123 publish. */
static void test_philox(void)
{
    static const struct {
        nf_philox counter;
        uint32_t key[2];
        nf_philox expected;
    } known[] = {{{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
                 {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
                  {0xffffffff, 0xffffffff},
                  {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
                 {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
                  {0xa4093822, 0x299f31d0},
                  {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}}};
    for (size_t i = 0; i < 3; i++) {
        nf_philox got = nf_philox_block(known[i].counter, known[i].key[0], known[i].key[1]);
        CU_ASSERT(memcmp(&got, &known[i].expected, sizeof got) == 0);
    }
}

/* Rows of words are those of single blocks, also where the counter carries into its second word. */
static void test_philox_rows(void)
{
    enum { N = 100 };
    const uint64_t seed = 0x123456789abcdefu, first = 0xffffffd0u;
    uint64_t even[N], odd[N];
    nf_philox_fill(seed, 7, first, N, even, odd);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t at = first + i;
        nf_philox counter = {{(uint32_t)at, (uint32_t)(at >> 32), 7, 0}};
        nf_philox r = nf_philox_block(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
        CU_ASSERT_EQUAL(even[i], r.word[0] + ((uint64_t)r.word[1] << 32));
        CU_ASSERT_EQUAL(odd[i], r.word[2] + ((uint64_t)r.word[3] << 32));
    }
    CU_ASSERT_EQUAL(nf_uniform(0), 0x1p-53);
    CU_ASSERT_EQUAL(nf_uniform(UINT64_MAX), 1 - 0x1p-53);
    CU_ASSERT_EQUAL(nf_uniform((uint64_t)1 << 63), 0.5 + 0x1p-53);
}

static double ulps_off(double got, long double expected)
{
    return (double)(fabsl((long double)got - expected) /
                    (fabsl(expected) * (long double)DBL_EPSILON));
}

static void test_elementary_functions(void)
{
    double worst[4] = {0};
    for (int64_t i = 0; i < 200000; i++) {
        double u = nf_uniform((uint64_t)i * 0x9e3779b97f4a7c15u), x = 1400 * (u - 0.5);
        double near = 1 + (u - 0.5) * 0x1p-20, far = ldexp(u, (int)(i % 1900) - 950);
        nf_direction d = nf_direction_of(u - 0.5);
        long double angle = acosl(-1) / 2 * ((long double)u - 0.5L);
        worst[0] = fmax(worst[0], ulps_off(nf_log(near), logl(near)));
        worst[0] = fmax(worst[0], ulps_off(nf_log(far), logl(far)));
        worst[0] = fmax(worst[0], ulps_off(nf_log(u), logl(u)));
        worst[1] = fmax(worst[1], ulps_off(nf_exp(x), expl(x)));
        worst[1] = fmax(worst[1], ulps_off(nf_exp(u), expl(u)));
        worst[2] = fmax(worst[2], ulps_off(d.cosine, cosl(angle)));
        worst[3] = fmax(worst[3], ulps_off(d.sine, sinl(angle)));
    }
    for (int i = 0; i < 4; i++)
        CU_ASSERT(worst[i] > 0 && worst[i] < 2);
    CU_ASSERT_EQUAL(nf_log(1), 0);
    CU_ASSERT_EQUAL(nf_exp(0), 1);
    CU_ASSERT_EQUAL(nf_exp(1e9), nf_exp(700));
    CU_ASSERT_EQUAL(nf_exp(-1e9), nf_exp(-700));
}

/* ---- Monte Carlo ---- */

/* The estimate is within 4 of the standard errors that it states of the closed form, for every
 * seed. */
static void test_estimates(void)
{
    static const char *const typed[] = {
        "montecarlo:n=200000,seed=%d", "montecarlo:n=100000,what=option,seed=%d",
        "montecarlo:n=100000,what=option,spot=80,strike=100,volatility=0.4,years=2,seed=%d"};
    for (size_t k = 0; k < 3; k++) {
        double squares = 0;
        for (int seed = 0; seed < 25; seed++) {
            char text[128];
            snprintf(text, sizeof text, typed[k], seed);
            nf_outcome o = outcome_of(text, NF_NONE, NULL, 0);
            double off =
                (number_of(&o, "estimate") - number_of(&o, "exact")) / number_of(&o, "std_error");
            CU_ASSERT(fabs(off) < 4);
            squares += off * off;
            nf_outcome_free(&o);
        }
        CU_ASSERT(squares > 11.5 && squares < 46.9); /* chi-squared of 25, 1% and 99.5% */
    }
}

/* Hull, Options, Futures, and Other Derivatives: spot 42, strike 40, 10%, 20%, half a year: 4.76.
 * */
static void test_known_price(void)
{
    const char *typed = "montecarlo:n=100,what=option,spot=42,strike=40,rate=0.1,years=0.5";
    CU_ASSERT_DOUBLE_EQUAL(answer_of(typed, "exact"), 4.759422392871532, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(answer_of("montecarlo:n=100", "exact"), acos(-1), 0);
}

/* 4 sqrt(p (1 - p) / (n - 1)) */
static void test_known_error(void)
{
    double p = answer_of("montecarlo:n=1001", "estimate") / 4;
    is_near(answer_of("montecarlo:n=1001", "std_error"), 4 * sqrt(p * (1 - p) / 1000), 4);
    CU_ASSERT_EQUAL(answer_of("montecarlo:n=1001", "count"), 1001);
    CU_ASSERT_NOT_EQUAL(answer_of("montecarlo:n=1001,seed=2", "estimate"), 4 * p);
}

/* ---- the Mandelbrot set ---- */

/* Within a circle of 1/4 around 0 everything stays inside; beyond 2 nothing takes a second step. */
static void test_known_cells(void)
{
    const char *inside = "mandelbrot:height=20,width=30,centre=0,0,span=0.3,limit=1000";
    CU_ASSERT_EQUAL(answer_of(inside, "inside"), 600);
    CU_ASSERT_EQUAL(answer_of(inside, "iterations"), 600000);
    is_near(answer_of(inside, "area"), 0.09, 1);
    const char *outside = "mandelbrot:height=20,width=30,centre=3,0,span=1,limit=1000";
    CU_ASSERT_EQUAL(answer_of(outside, "inside"), 0);
    CU_ASSERT_EQUAL(answer_of(outside, "iterations"), 600);
    /* One cell: -2 stays at 2 for ever; 0.26 takes 30 steps; -0.75 + 0.1 i takes 33. */
    CU_ASSERT_EQUAL(answer_of("mandelbrot:height=1,width=1,centre=-2,0", "inside"), 1);
    CU_ASSERT_EQUAL(answer_of("mandelbrot:height=1,width=1,centre=0.26,0", "iterations"), 30);
    CU_ASSERT_EQUAL(answer_of("mandelbrot:height=1,width=1,centre=-0.75,0.1", "iterations"), 33);
}

/* Around the real axis the two halves are alike; 1.50659 is the published area (Mitchell). */
static void test_area(void)
{
    double upper = answer_of("mandelbrot:height=96,width=200,centre=-0.5,0.75,span=1.5", "inside");
    double lower = answer_of("mandelbrot:height=96,width=200,centre=-0.5,-0.75,span=1.5", "inside");
    CU_ASSERT_EQUAL(upper, lower);
    double area = answer_of("mandelbrot:height=700,width=700,limit=2000", "area");
    CU_ASSERT_DOUBLE_EQUAL(area, 1.50659, 0.005);
}

/* ---- bodies ---- */

/* As the kernel's comment says how bodies are placed, with no more than philox. */
static void place(uint64_t seed, int64_t i, int64_t n, double x[3], double *mass)
{
    uint64_t w[4];
    for (uint32_t b = 0; b < 2; b++) {
        nf_philox counter = {{2 * (uint32_t)i + b, 0, 0, 0}};
        nf_philox r = nf_philox_block(counter, (uint32_t)seed, 0);
        w[2 * b] = r.word[0] | (uint64_t)r.word[1] << 32;
        w[2 * b + 1] = r.word[2] | (uint64_t)r.word[3] << 32;
    }
    for (int a = 0; a < 3; a++)
        x[a] = ((double)(w[a] >> 12) + 0.5) / 0x1p52;
    *mass = (((double)(w[3] >> 12) + 0.5) / 0x1p52 + 0.5) / (double)n;
}

/* Two bodies: -m m' / r, a force of m m' d / r^3, and nothing left of both. */
static void test_two_bodies(void)
{
    double x[2][3], mass[2], square = 0;
    for (int i = 0; i < 2; i++)
        place(9, i, 2, x[i], &mass[i]);
    for (int a = 0; a < 3; a++)
        square += (x[0][a] - x[1][a]) * (x[0][a] - x[1][a]);
    double r2 = square + 0.25 * 0.25, pair = mass[0] * mass[1];
    nf_outcome o = outcome_of("nbody:n=2,softening=0.25,seed=9", NF_NONE, NULL, 0);
    is_near(number_of(&o, "energy"), -pair / sqrt(r2), 4);
    is_near(number_of(&o, "max_force"), pair * sqrt(square) / (r2 * sqrt(r2)), 6);
    CU_ASSERT(number_of(&o, "net_force") < 1e-16);
    nf_outcome_free(&o);
}

/* The mean of 1 / r between two points of the unit cube is 1.8823126, so that bodies of total mass 1
 * have about -0.9412 of energy; nothing but rounding is left of the sum of all forces. */
static void test_many_bodies(void)
{
    nf_outcome o = outcome_of("nbody:n=4000,softening=0", NF_NONE, NULL, 0);
    CU_ASSERT_DOUBLE_EQUAL(number_of(&o, "energy"), -0.5 * 1.8823126, 0.02);
    CU_ASSERT(number_of(&o, "net_force") < 1e-12 * number_of(&o, "max_force"));
    CU_ASSERT(number_of(&o, "max_force") > 0);
    nf_outcome_free(&o);
}

/* ---- the same in every instruction set ---- */

/* Bits that were computed once: CTest runs this under every set. */
static void test_frozen_bits(void)
{
    CU_ASSERT_EQUAL(answer_of("montecarlo:n=1e5,what=option", "estimate"), 0x1.5018b56ebbd24p+3);
    CU_ASSERT_EQUAL(answer_of("montecarlo:n=1e5,what=option", "std_error"), 0x1.7de05ee48e971p-5);
    CU_ASSERT_EQUAL(answer_of("montecarlo:n=1e5", "estimate"), 3.14784);
    CU_ASSERT_EQUAL(answer_of("mandelbrot:height=200,width=300", "iterations"), 10350719);
    CU_ASSERT_EQUAL(answer_of("nbody:n=1000", "energy"), -0x1.dae712c7392f1p-1);
    CU_ASSERT_EQUAL(answer_of("nbody:n=1000", "net_force"), 0x1.c7a1337c1f5fap-55);
}

/* ---- what is refused ---- */

static void test_refusals(void)
{
    nf_test_refuses("stats:moments=5", NULL, "out of range");
    nf_test_refuses("montecarlo:n=1", NULL, "out of range");
    nf_test_refuses("montecarlo:what=e", NULL, "what");
    nf_test_refuses("montecarlo:years=0", NULL, "out of range");
    nf_test_refuses("mandelbrot:centre=1", NULL, "give two numbers");
    nf_test_refuses("nbody:n=1", NULL, "out of range");
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"references", test_references},
                           {"references of ranges", test_range_references},
                           {"layouts", test_layouts},
                           {"norm1, known", test_known_norm1},
                           {"norm1 of magnitudes", test_norm1_of_magnitudes},
                           {"moments of steps", test_moments_of_steps},
                           {"moments of two values", test_moments_of_two_values},
                           {"moments that cancel", test_moments_that_cancel},
                           {"moments at every scale", test_moments_at_every_scale},
                           {"moments of specials", test_moments_of_specials},
                           {"philox, known", test_philox},
                           {"philox in rows", test_philox_rows},
                           {"elementary functions", test_elementary_functions},
                           {"estimates", test_estimates},
                           {"price, known", test_known_price},
                           {"standard error, known", test_known_error},
                           {"mandelbrot, known", test_known_cells},
                           {"mandelbrot's area", test_area},
                           {"two bodies", test_two_bodies},
                           {"many bodies", test_many_bodies},
                           {"frozen bits", test_frozen_bits},
                           {"refusals", test_refusals},
                           CU_TEST_INFO_NULL};
    CU_TestInfo of_ranks[] = {{"layouts", test_layouts}, CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    printf("instruction set: %s\n", nf_kernel_isa());
    int status = nf_suite_run("ranges", world.size > 1 ? of_ranks : tests, world.rank);
    nf_world_stop(&world);
    return status;
}
