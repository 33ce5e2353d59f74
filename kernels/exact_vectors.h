/* exact_vectors.h - vectors as wide as the instruction set has them, and the few operations on them
 * that compilers do not find reliably. For the files of exact sums only. */
#ifndef NF_EXACT_VECTORS_H
#define NF_EXACT_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#if defined __AVX512F__ && defined __AVX512BW__
enum { VECTOR_BYTES = 64, LANES_BITS = 3, STEP_BITS = LANES_BITS + 1 };
#elif defined __AVX2__ && defined __FMA__
enum { VECTOR_BYTES = 32, LANES_BITS = 2, STEP_BITS = LANES_BITS + 1 };
#else
enum { VECTOR_BYTES = 16, LANES_BITS = 1, STEP_BITS = LANES_BITS + 2 };
#endif

enum {
    LANES = 1 << LANES_BITS, /* doubles of a vector */
    STEP = 1 << STEP_BITS,   /* elements of one round of the loops */
    AHEAD = 16384            /* bytes from what is read to what is fetched into the cache */
};

typedef double doubles __attribute__((vector_size(VECTOR_BYTES)));
typedef uint64_t longs __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t words __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t signed_words __attribute__((vector_size(VECTOR_BYTES)));
typedef uint16_t shorts __attribute__((vector_size(VECTOR_BYTES)));

/* Each set has: the larger and the smaller of two, the upper halves of products of integers, a
 * vector of floats as doubles, x * y + z rounded once where that is one instruction (else twice),
 * the difference x - y on the multipliers, which would else be idle, and the error x * y - p of a
 * rounded product p, which is exact where nothing underflows or overflows. */
#if defined __AVX512F__ && defined __AVX512BW__
static inline signed_words larger(signed_words a, signed_words b)
{
    return (signed_words)_mm512_max_epi32((__m512i)a, (__m512i)b);
}

static inline words smaller(words a, words b)
{
    return (words)_mm512_min_epu32((__m512i)a, (__m512i)b);
}

static inline shorts upper_products(shorts x, shorts y)
{
    return (shorts)_mm512_mulhi_epu16((__m512i)x, (__m512i)y);
}

static inline doubles load_widened(const float *x)
{
    return (doubles)_mm512_cvtps_pd(_mm256_loadu_ps(x));
}

static inline doubles multiply_add(doubles x, doubles y, doubles z)
{
    return (doubles)_mm512_fmadd_pd((__m512d)x, (__m512d)y, (__m512d)z);
}

static inline doubles difference(doubles x, doubles y)
{
    doubles one = (doubles){0} + 1;
    __asm__("" : "+x"(one)); /* or the compiler would see that this is a plain difference */
    return multiply_add(x, one, -y);
}

static inline doubles product_error(doubles x, doubles y, doubles p)
{
    return multiply_add(x, y, -p);
}
#elif defined __AVX2__ && defined __FMA__
static inline signed_words larger(signed_words a, signed_words b)
{
    return (signed_words)_mm256_max_epi32((__m256i)a, (__m256i)b);
}

static inline words smaller(words a, words b)
{
    return (words)_mm256_min_epu32((__m256i)a, (__m256i)b);
}

static inline shorts upper_products(shorts x, shorts y)
{
    return (shorts)_mm256_mulhi_epu16((__m256i)x, (__m256i)y);
}

static inline doubles load_widened(const float *x)
{
    return (doubles)_mm256_cvtps_pd(_mm_loadu_ps(x));
}

static inline doubles multiply_add(doubles x, doubles y, doubles z)
{
    return (doubles)_mm256_fmadd_pd((__m256d)x, (__m256d)y, (__m256d)z);
}

static inline doubles difference(doubles x, doubles y)
{
    doubles one = (doubles){0} + 1;
    __asm__("" : "+x"(one)); /* or the compiler would see that this is a plain difference */
    return multiply_add(x, one, -y);
}

static inline doubles product_error(doubles x, doubles y, doubles p)
{
    return multiply_add(x, y, -p);
}
#else
#ifdef __SSE2__
/* Of the upper halves of words only, and of the lower ones by themselves: that is enough where
 * exponents are compared. */
static inline signed_words larger(signed_words a, signed_words b)
{
    return (signed_words)_mm_max_epi16((__m128i)a, (__m128i)b);
}

static inline words smaller(words a, words b)
{
    const words flip = (words){0} + 0x80008000u; /* only signed ones can be compared */
    return (words)_mm_min_epi16((__m128i)(a ^ flip), (__m128i)(b ^ flip)) ^ flip;
}

static inline shorts upper_products(shorts x, shorts y)
{
    return (shorts)_mm_mulhi_epu16((__m128i)x, (__m128i)y);
}

static inline doubles load_widened(const float *x)
{
    double pair;
    memcpy(&pair, x, sizeof pair);
    return (doubles)_mm_cvtps_pd(_mm_castpd_ps(_mm_set_sd(pair)));
}
#else
static inline signed_words larger(signed_words a, signed_words b)
{
    signed_words is_a = a > b;
    return (a & is_a) | (b & ~is_a);
}

static inline words smaller(words a, words b)
{
    words is_a = (words)(a < b);
    return (a & is_a) | (b & ~is_a);
}

static inline shorts upper_products(shorts x, shorts y)
{
    shorts upper;
    for (int j = 0; j < 4 * LANES; j++)
        upper[j] = (uint16_t)((uint32_t)x[j] * y[j] >> 16);
    return upper;
}

static inline doubles load_widened(const float *x)
{
    doubles v;
    for (int j = 0; j < LANES; j++)
        v[j] = (double)x[j];
    return v;
}
#endif

static inline doubles multiply_add(doubles x, doubles y, doubles z)
{
    return x * y + z;
}

static inline doubles difference(doubles x, doubles y)
{
    return x - y;
}

/* The upper 26 bits of v, rounded, by way of its integer bits. */
static inline doubles upper_half(doubles v)
{
    const uint64_t half = (uint64_t)1 << 26;
    return (doubles)(((longs)v + half) & ~(2 * half - 1));
}

/* Dekker's product. */
static inline doubles product_error(doubles x, doubles y, doubles p)
{
    doubles a = upper_half(x), b = upper_half(y), c = x - a, d = y - b;
    return ((a * b - p) + (a * d + c * b)) + c * d;
}
#endif

static inline doubles splat(double x)
{
    return x - (doubles){0};
}

static inline doubles load(const double *x)
{
    doubles v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline uint64_t sum_longs(longs v)
{
    uint64_t sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += v[j];
    return sum;
}

static inline double sum_doubles(doubles v)
{
    double sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += v[j];
    return sum;
}

/* Without the arithmetic of pointers beyond the array's end, which C does not define. */
static inline void fetch_ahead(const void *x, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const void *)((uintptr_t)x + AHEAD + i));
}

#endif
