/* bench_exact.c - how much slower an exact sum is than a plain one.
 *
 * The plain loop widens to double or to integers that hold the result, sums in many independent parts
 * and is compiled for the same instruction set. It, the exact sum, and a loop that only reads run in
 * turn on one array beyond the caches, on one thread and on two; shown are the medians, in GB/s, and
 * their ratios, beside the goal. usage: bench_exact [MiB] [rounds] [text that a case's name holds] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <omp.h>

#include "tests/bench.h"
#include "tests/exact_variants.h"

enum { PARTS = 64, AHEAD = 4096, MAX_ROUNDS = 101, MAX_THREADS = 2, ISAS = 3 };

/* ---- plain loops ---- */

typedef double plain_loop(const void *x, const void *y, size_t n);

/* Sums of floating-point numbers; n is a multiple of PARTS. */
#define REAL_BODY(type, term)                                                                      \
    const type *a = x, *b = y;                                                                     \
    double part[PARTS] = {0}, total = 0;                                                           \
    (void)b;                                                                                       \
    for (size_t i = 0; i < n; i += PARTS) {                                                        \
        for (size_t j = 0; j < PARTS * sizeof *a; j += 64)                                         \
            __builtin_prefetch((const void *)((uintptr_t)(a + i) + AHEAD + j));                    \
        for (size_t j = 0; j < PARTS; j++)                                                         \
            part[j] += term;                                                                       \
    }                                                                                              \
    for (size_t j = 0; j < PARTS; j++)                                                             \
        total += part[j];                                                                          \
    return total;

/* Sums of integers, in a type that holds runs of 2^15. */
#define INTEGER_BODY(type, run_type, term)                                                         \
    const type *a = x, *b = y;                                                                     \
    uint64_t total = 0;                                                                            \
    (void)b;                                                                                       \
    for (size_t first = 0; first < n; first += 1 << 15) {                                          \
        size_t end = n - first < 1 << 15 ? n : first + (1 << 15);                                  \
        run_type run = 0;                                                                          \
        for (size_t i = first; i < end; i++) {                                                     \
            const size_t j = 0;                                                                    \
            run += term;                                                                           \
        }                                                                                          \
        total += run;                                                                              \
    }                                                                                              \
    return (double)total;

#define READ_BODY                                                                                  \
    const uint64_t *a = x;                                                                         \
    uint64_t part[PARTS] = {0}, all = 0;                                                           \
    (void)y;                                                                                       \
    for (size_t i = 0; i < n / 8; i += PARTS) {                                                    \
        for (size_t j = 0; j < PARTS * sizeof *a; j += 64)                                         \
            __builtin_prefetch((const void *)((uintptr_t)(a + i) + AHEAD + j));                    \
        for (size_t j = 0; j < PARTS; j++)                                                         \
            part[j] ^= a[i + j];                                                                   \
    }                                                                                              \
    for (size_t j = 0; j < PARTS; j++)                                                             \
        all ^= part[j];                                                                            \
    return (double)all;

#ifdef __x86_64__
#define ON_V3 __attribute__((target("arch=x86-64-v3")))
#define ON_V4 __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#else
#define ON_V3
#define ON_V4
#endif

#define LOOP(name, body)                                                                           \
    static double name##_baseline(const void *x, const void *y, size_t n){                         \
        body} ON_V3 static double name##_v3(const void *x, const void *y, size_t n){               \
        body} ON_V4 static double name##_v4(const void *x, const void *y, size_t n)                \
    {                                                                                              \
        body                                                                                       \
    }                                                                                              \
    static plain_loop *const name[ISAS] = {name##_baseline, name##_v3, name##_v4};

#define A a[i + j]
#define B b[i + j]
LOOP(read_bytes, READ_BODY)
LOOP(plain_sum_u8, INTEGER_BODY(uint8_t, uint32_t, A))
LOOP(plain_sumsq_u8, INTEGER_BODY(uint8_t, uint32_t, (uint32_t)A *A))
LOOP(plain_dot_u8, INTEGER_BODY(uint8_t, uint32_t, (uint32_t)A *B))
LOOP(plain_sum_u16, INTEGER_BODY(uint16_t, uint32_t, A))
LOOP(plain_sumsq_u16, INTEGER_BODY(uint16_t, uint64_t, (uint32_t)A *A))
LOOP(plain_dot_u16, INTEGER_BODY(uint16_t, uint64_t, (uint32_t)A *B))
LOOP(plain_sum_f32, REAL_BODY(float, (double)A))
LOOP(plain_sumsq_f32, REAL_BODY(float, (double)A *(double)A))
LOOP(plain_dot_f32, REAL_BODY(float, (double)A *(double)B))
LOOP(plain_sum_f64, REAL_BODY(double, A))
LOOP(plain_sumsq_f64, REAL_BODY(double, A *A))
LOOP(plain_dot_f64, REAL_BODY(double, A *B))

/* ---- exact sums ---- */

typedef void exact_row(const nf_exact_rows *rows, nf_exact *sum, const void *x, const void *y,
                       size_t n);

#define EXACT(name, type)                                                                          \
    static void exact_sum_##name(const nf_exact_rows *rows, nf_exact *sum, const void *x,          \
                                 const void *y, size_t n)                                          \
    {                                                                                              \
        (void)y;                                                                                   \
        rows->sum_##name(sum, (const type *)x, n);                                                 \
    }                                                                                              \
    static void exact_sumsq_##name(const nf_exact_rows *rows, nf_exact *sum, const void *x,        \
                                   const void *y, size_t n)                                        \
    {                                                                                              \
        (void)y;                                                                                   \
        rows->sumsq_##name(sum, (const type *)x, n);                                               \
    }                                                                                              \
    static void exact_dot_##name(const nf_exact_rows *rows, nf_exact *sum, const void *x,          \
                                 const void *y, size_t n)                                          \
    {                                                                                              \
        rows->dot_##name(sum, (const type *)x, (const type *)y, n);                                \
    }
NF_EXACT_TYPES(EXACT)

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

/* What the values are: normal; normal, in pairs that cancel to 2^-20 of their size; with exponents
 * evenly over so many binades. */
enum { NORMAL = 0, CANCELLING = -1 };

static double value(int what, double before, size_t i)
{
    if (what == NORMAL || (what == CANCELLING && i % 2 == 0))
        return normal();
    if (what == CANCELLING)
        return -before * (1 - 0x1p-20);
    return (uniform() < 0.5 ? -1 : 1) * ldexp(1 + uniform(), (int)floor(what * (uniform() - 0.5)));
}

/* The first elements are drawn, and then repeated. */
static void fill(void *data, size_t bytes, size_t size, int what)
{
    enum { DRAWN = 1 << 22 };
    char *x = data;
    size_t n = (bytes < DRAWN ? bytes : DRAWN) / size;
    double last = 0;
    for (size_t i = 0; i < n; i++) {
        if (size > 2)
            last = value(what, last, i);
        if (size == 8)
            ((double *)data)[i] = last;
        else if (size == 4)
            ((float *)data)[i] = (float)last;
        else if (size == 2)
            ((uint16_t *)data)[i] = (uint16_t)(65536 * uniform());
        else
            ((uint8_t *)data)[i] = (uint8_t)(256 * uniform());
    }
    for (size_t done = n * size; done < bytes; done += n * size)
        memcpy(x + done, x, bytes - done < n * size ? bytes - done : n * size);
}

/* ---- measuring ---- */

typedef struct bench_case {
    const char *name;
    size_t size;
    int what, rows; /* rows that are read: 1, or 2 halves of the array */
    double goal;
    plain_loop *const *plain;
    exact_row *exact;
} bench_case;

#define CASES(op, name, size, what, rows, goal, words)                                             \
    {                                                                                              \
#op " " #name words, size, what, rows, goal, plain_##op##_##name, exact_##op##_##name      \
    }
#define THREE(name, size, what, goal, words)                                                       \
    CASES(sum, name, size, what, 1, goal, words), CASES(sumsq, name, size, what, 1, goal, words),  \
        CASES(dot, name, size, what, 2, goal, words)

static const bench_case cases[] = {
    THREE(u8, 1, NORMAL, 0.95, ""),
    THREE(u16, 2, NORMAL, 0.95, ""),
    THREE(f32, 4, NORMAL, 0.95, ", normal"),
    THREE(f64, 8, NORMAL, 0.95, ", normal"),
    CASES(sum, f32, 4, CANCELLING, 1, 0.95, ", condition 2^20"),
    CASES(sum, f64, 8, CANCELLING, 1, 0.95, ", condition 2^20"),
    CASES(dot, f64, 8, CANCELLING, 2, 0.95, ", condition 2^20"),
    THREE(f32, 4, 40, 0.4, ", 40 binades"),
    THREE(f64, 8, 40, 0.4, ", 40 binades"),
    THREE(f32, 4, 250, 0.15, ", 250 binades"),
    THREE(f64, 8, 1000, 0.15, ", 1000 binades"),
    THREE(f64, 8, 2040, 0.15, ", 2040 binades"),
};

/* Of this thread's processor time: what else runs on a shared machine takes cores away, and is not to be
 * counted. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The part of a thread: where it starts, of n elements; both are multiples of PARTS bytes. */
static size_t part_start(size_t n, int thread, int threads)
{
    return n * (size_t)thread / (size_t)threads / 4096 * 4096;
}

typedef enum method { READ, PLAIN, EXACT_SUM, METHODS } method;

static volatile double keep;

static double run_once(const bench_case *c, size_t isa, method how, const char *data, size_t bytes,
                       int threads)
{
    nf_exact part[MAX_THREADS];
    size_t n = bytes / c->size / (size_t)c->rows;
    const char *second = data + (c->rows - 1) * (ptrdiff_t)(bytes / 2);
    memset(part, 0, sizeof part);
    double longest = 0;
#pragma omp parallel num_threads(threads) reduction(max : longest)
    {
        double start = seconds();
        int thread = omp_get_thread_num();
        size_t from = part_start(n, thread, threads), to = part_start(n, thread + 1, threads);
        const char *x = data + from * c->size, *y = second + from * c->size;
        double got = 0;
        if (how == READ) {
            size_t half = (to - from) * c->size;
            got = read_bytes[isa](x, x, half) + (c->rows == 2 ? read_bytes[isa](y, y, half) : 0);
        } else if (how == PLAIN) {
            got = c->plain[isa](x, y, to - from);
        } else {
            c->exact(variants[isa].rows, &part[thread], x, y, to - from);
        }
        keep = got;
        longest = seconds() - start;
    }
    for (int t = 1; t < threads && how == EXACT_SUM; t++)
        nf_exact_fold(&part[0], &part[t]);
    keep = nf_exact_round(&part[0]);
    return longest; /* the slower thread's */
}

static void run_case(const bench_case *c, char *data, size_t bytes, size_t rounds)
{
    fill(data, bytes, c->size, c->what);
    for (size_t isa = 0; isa < variants_that_run(); isa++)
        for (int threads = 1; threads <= MAX_THREADS; threads++) {
            double time[METHODS][MAX_ROUNDS], speed[METHODS];
            for (size_t r = 0; r <= rounds; r++) /* the first warms up */
                for (method how = READ; how < METHODS; how++)
                    time[how][r > 0 ? r - 1 : 0] = run_once(c, isa, how, data, bytes, threads);
            for (method how = READ; how < METHODS; how++)
                speed[how] = 1e-9 * (double)bytes / bench_median(time[how], rounds);
            double ratio = speed[EXACT_SUM] / speed[PLAIN];
            printf("%-24s %-8s %d %7.1f %7.1f %6.2f %7.1f %6.2f %6.2f%s\n", c->name,
                   variants[isa].isa, threads, speed[READ], speed[PLAIN],
                   speed[PLAIN] / speed[READ], speed[EXACT_SUM], ratio, c->goal,
                   ratio < c->goal ? " missed" : "");
        }
}

int main(int argc, char **argv)
{
    size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 96) << 20;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 7;
    if (bytes == 0 || rounds == 0 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bench_exact [MiB] [rounds, 1 to %d] [case]\n", MAX_ROUNDS);
        return 2;
    }
    char *data = aligned_alloc(4096, bytes);
    if (data == NULL) {
        fprintf(stderr, "bench_exact: no memory for an array of %zu bytes\n", bytes);
        return EXIT_FAILURE;
    }
    printf("%-24s %-8s %s %7s %7s %6s %7s %6s %6s\n", "GB/s", "", "t", "read", "plain", "/read",
           "exact", "/plain", "goal");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (argc < 4 || strstr(cases[i].name, argv[3]) != NULL)
            run_case(&cases[i], data, bytes, rounds);
    free(data);
    return EXIT_SUCCESS;
}
