/* bench_exact.c - how much slower an exact sum is than a plain one.
 *
 * The plain loop widens to double or to 64-bit integers, sums in 32 independent parts and is
 * compiled for the same instruction set. Both run in turn on one array beyond the caches, on one
 * thread; shown are the medians, in GB/s, and their ratio. usage: bench_exact [MiB] [rounds] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/exact_variants.h"

enum { PARTS = 32, MAX_ROUNDS = 101 };

/* ---- plain loops ---- */

#define PLAIN_BODY(type, part_type, term)                                                          \
    const type *x = data;                                                                          \
    part_type part[PARTS] = {0}, total = 0;                                                        \
    for (size_t i = 0; i + PARTS <= n; i += PARTS)                                                 \
        for (size_t j = 0; j < PARTS; j++) {                                                       \
            part_type v = (part_type)x[i + j];                                                     \
            part[j] += term;                                                                       \
        }                                                                                          \
    for (size_t j = 0; j < PARTS; j++)                                                             \
        total += part[j];                                                                          \
    return (double)total;

#ifdef __x86_64__
#define ON_V3 __attribute__((target("arch=x86-64-v3")))
#define ON_V4 __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#else
#define ON_V3
#define ON_V4
#endif

#define PLAIN(name, type, part_type, term)                                                         \
    static double name##_baseline(const void *data, size_t n){PLAIN_BODY(                          \
        type, part_type, term)} ON_V3 static double name##_v3(const void *data, size_t n){         \
        PLAIN_BODY(type, part_type, term)} ON_V4 static double name##_v4(const void *data,         \
                                                                         size_t n)                 \
    {                                                                                              \
        PLAIN_BODY(type, part_type, term)                                                          \
    }

PLAIN(sum_u8, uint8_t, uint64_t, v)
PLAIN(sum_u16, uint16_t, uint64_t, v)
PLAIN(sum_f32, float, double, v)
PLAIN(sum_f64, double, double, v)
PLAIN(sumsq_u8, uint8_t, uint64_t, v *v)
PLAIN(sumsq_u16, uint16_t, uint64_t, v *v)
PLAIN(sumsq_f32, float, double, v *v)
PLAIN(sumsq_f64, double, double, v *v)

/* ---- exact sums ---- */

#define EXACT(name, type)                                                                          \
    static double exact_##name(const variant *v, const void *data, size_t n)                       \
    {                                                                                              \
        nf_exact sum = {{0}, 0, 0, 0};                                                             \
        v->name(&sum, (const type *)data, n);                                                      \
        return nf_exact_round(&sum);                                                               \
    }

EXACT(sum_u8, uint8_t)
EXACT(sum_u16, uint16_t)
EXACT(sum_f32, float)
EXACT(sum_f64, double)
EXACT(sumsq_u8, uint8_t)
EXACT(sumsq_u16, uint16_t)
EXACT(sumsq_f32, float)
EXACT(sumsq_f64, double)

/* ---- data ---- */

static uint64_t state = 1;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

/* The binades that the values span: 0 for a normal distribution. */
static double value(double binades)
{
    return binades == 0.0 ? normal() : ldexp(uniform() - 0.5, (int)(binades * (uniform() - 0.5)));
}

static void fill_f64(void *data, size_t n, double binades)
{
    double *x = data;
    for (size_t i = 0; i < n; i++)
        x[i] = value(binades);
}

static void fill_f32(void *data, size_t n, double binades)
{
    float *x = data;
    for (size_t i = 0; i < n; i++)
        x[i] = (float)value(binades);
}

static void fill_bytes(void *data, size_t n, double elements)
{
    uint8_t *x = data;
    size_t bytes = n * (size_t)elements;
    for (size_t i = 0; i < bytes; i++)
        x[i] = (uint8_t)(256 * uniform());
}

/* ---- measuring ---- */

typedef double plain_loop(const void *data, size_t n);

typedef struct bench_case {
    const char *name;
    size_t size;
    double spread; /* passed to fill */
    void (*fill)(void *data, size_t n, double spread);
    plain_loop *plain[3];
    double (*exact)(const variant *v, const void *data, size_t n);
} bench_case;

#define PLAIN_LOOPS(name)                                                                          \
    {                                                                                              \
        name##_baseline, name##_v3, name##_v4                                                      \
    }

static const bench_case cases[] = {
    {"sum u8", 1, 1, fill_bytes, PLAIN_LOOPS(sum_u8), exact_sum_u8},
    {"sumsq u8", 1, 1, fill_bytes, PLAIN_LOOPS(sumsq_u8), exact_sumsq_u8},
    {"sum u16", 2, 2, fill_bytes, PLAIN_LOOPS(sum_u16), exact_sum_u16},
    {"sumsq u16", 2, 2, fill_bytes, PLAIN_LOOPS(sumsq_u16), exact_sumsq_u16},
    {"sum f32, normal", 4, 0, fill_f32, PLAIN_LOOPS(sum_f32), exact_sum_f32},
    {"sumsq f32, normal", 4, 0, fill_f32, PLAIN_LOOPS(sumsq_f32), exact_sumsq_f32},
    {"sum f32, 60 binades", 4, 60, fill_f32, PLAIN_LOOPS(sum_f32), exact_sum_f32},
    {"sumsq f32, 60 binades", 4, 60, fill_f32, PLAIN_LOOPS(sumsq_f32), exact_sumsq_f32},
    {"sum f64, normal", 8, 0, fill_f64, PLAIN_LOOPS(sum_f64), exact_sum_f64},
    {"sumsq f64, normal", 8, 0, fill_f64, PLAIN_LOOPS(sumsq_f64), exact_sumsq_f64},
    {"sum f64, 60 binades", 8, 60, fill_f64, PLAIN_LOOPS(sum_f64), exact_sum_f64},
    {"sumsq f64, 60 binades", 8, 60, fill_f64, PLAIN_LOOPS(sumsq_f64), exact_sumsq_f64},
    {"sum f64, 1000 binades", 8, 1000, fill_f64, PLAIN_LOOPS(sum_f64), exact_sum_f64},
    {"sumsq f64, 1000 binades", 8, 1000, fill_f64, PLAIN_LOOPS(sumsq_f64), exact_sumsq_f64},
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare);
    return n % 2 != 0 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Median times of `rounds` runs of both, in turn. */
static void measure(const bench_case *c, size_t isa, const void *data, size_t n, size_t rounds,
                    double result[2])
{
    double time[2][MAX_ROUNDS];
    volatile double keep;
    for (size_t r = 0; r <= rounds; r++) { /* the first warms up */
        double start = seconds();
        keep = c->plain[isa](data, n);
        double middle = seconds();
        keep = c->exact(&variants[isa], data, n);
        double end = seconds();
        time[0][r > 0 ? r - 1 : 0] = middle - start;
        time[1][r > 0 ? r - 1 : 0] = end - middle;
    }
    (void)keep;
    result[0] = median(time[0], rounds);
    result[1] = median(time[1], rounds);
}

static void run_case(const bench_case *c, void *data, size_t bytes, size_t rounds)
{
    c->fill(data, bytes / c->size, c->spread);
    for (size_t isa = 0; isa < variants_that_run(); isa++) {
        double time[2];
        measure(c, isa, data, bytes / c->size, rounds, time);
        printf("%-25s %-9s %7.1f %7.1f %7.2f\n", c->name, variants[isa].isa,
               1e-9 * (double)bytes / time[0], 1e-9 * (double)bytes / time[1], time[0] / time[1]);
    }
}

int main(int argc, char **argv)
{
    size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 256) << 20;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 15;
    if (bytes == 0 || rounds == 0 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bench_exact [MiB] [rounds, 1 to %d]\n", MAX_ROUNDS);
        return 2;
    }
    void *data = aligned_alloc(64, bytes);
    if (data == NULL) {
        fprintf(stderr, "bench_exact: no memory for an array of %zu bytes\n", bytes);
        return EXIT_FAILURE;
    }
    printf("%-25s %-9s %7s %7s %7s\n", "", "", "plain", "exact", "ratio");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run_case(&cases[i], data, bytes, rounds);
    free(data);
    return EXIT_SUCCESS;
}
