#include "drivers/study/roof_rows.h"

/* Bytes of a vector register. */
#if defined __AVX512F__
#define VECTOR 64
#elif defined __AVX__
#define VECTOR 32
#else
#define VECTOR 16
#endif

static uint64_t read_row(const uint64_t *from, int64_t n)
{
    uint64_t sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += from[i];
    return sum;
}

static void copy_row(uint64_t *restrict to, const uint64_t *restrict from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = from[i];
}

static void triad_row(double *restrict to, const double *restrict a, const double *restrict b,
                      double factor, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = a[i] + factor * b[i];
}

/* Chains of multiply and add that do not depend on each other: enough of them to fill two pipes of
 * a latency of five, few enough for the registers. They tend to 2. */
#define CHAIN_LIST(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define CHAINS        12
#define BEGIN(c)      x##c = zero + (3 + c);
#define STEP(c)       x##c = x##c * factor + 1;
#define SUM(c)        sum += x##c;
#define DEFINE_PEAK(type)                                                                          \
    typedef type type##_vector __attribute__((vector_size(VECTOR)));                               \
    static double peak_##type(int64_t rounds)                                                      \
    {                                                                                              \
        const type##_vector zero = {0}, factor = zero + (type)0.5;                                 \
        type##_vector x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, sum = zero;                \
        CHAIN_LIST(BEGIN)                                                                          \
        for (int64_t i = 0; i < rounds; i++) {                                                     \
            CHAIN_LIST(STEP)                                                                       \
        }                                                                                          \
        CHAIN_LIST(SUM)                                                                            \
        return (double)sum[0];                                                                     \
    }

DEFINE_PEAK(float)
DEFINE_PEAK(double)

const nf_roof_rows NF_ISA_NAME(nf_roof_rows) = {
    .read = read_row,
    .copy = copy_row,
    .triad = triad_row,
    .f32 = peak_float,
    .f64 = peak_double,
    .f32_operations = 2 * CHAINS * VECTOR / (int)sizeof(float),
    .f64_operations = 2 * CHAINS * VECTOR / (int)sizeof(double),
};
