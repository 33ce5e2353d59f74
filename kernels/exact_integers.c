/* exact_integers.c - exact sums of rows of integers, and of the products of two. */
#include "kernels/exact_rows.h"
#include "kernels/exact_vectors.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Sums of neighbours, in lanes of twice the width. */
static inline shorts pair_bytes(shorts v)
{
    return (v & 0xff) + (v >> 8);
}

static inline words pair_shorts(words v)
{
    return (v & 0xffff) + (v >> 16);
}

static inline longs pair_words(longs v)
{
    return (v & 0xffffffff) + (v >> 32);
}

static inline shorts load_integers(const void *x)
{
    shorts v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* Whole vectors of a row are summed in runs, as long as the narrow lanes can hold. */
enum {
    SHORTS = VECTOR_BYTES / 2,
    BYTES_RUN = 128 * VECTOR_BYTES,           /* of 2 * 255 in 16 bits each */
    BYTE_PRODUCTS_RUN = 16384 * VECTOR_BYTES, /* of 4 * 255^2 in 32 bits */
    SHORTS_RUN = 32768 * SHORTS               /* of 2 * 65535 in 32 bits */
};

static size_t run_end(size_t start, size_t n, size_t run)
{
    return n - start < run ? n : start + run;
}

void NF_ISA_NAME(nf_exact_sum_u8)(nf_exact *sum, const uint8_t *x, size_t n)
{
    size_t i = 0, whole = n / VECTOR_BYTES * VECTOR_BYTES;
    longs total = {0};
    while (i < whole) {
        shorts part = {0};
        for (size_t end = run_end(i, whole, BYTES_RUN); i < end; i += VECTOR_BYTES)
            part += pair_bytes(load_integers(x + i));
        total += pair_words((longs)pair_shorts((words)part));
    }
    uint64_t last = 0;
    for (; i < n; i++)
        last += x[i];
    nf_exact_add_integer(sum, 0, sum_longs(total) + last);
}

void NF_ISA_NAME(nf_exact_sum_u16)(nf_exact *sum, const uint16_t *x, size_t n)
{
    size_t i = 0, whole = n / SHORTS * SHORTS;
    longs total = {0};
    while (i < whole) {
        words part = {0};
        for (size_t end = run_end(i, whole, SHORTS_RUN); i < end; i += SHORTS)
            part += pair_shorts((words)load_integers(x + i));
        total += pair_words((longs)part);
    }
    uint64_t last = 0;
    for (; i < n; i++)
        last += x[i];
    nf_exact_add_integer(sum, 0, sum_longs(total) + last);
}

void NF_ISA_NAME(nf_exact_norm1_u8)(nf_exact *sum, const uint8_t *x, size_t n)
{
    NF_ISA_NAME(nf_exact_sum_u8)(sum, x, n);
}

void NF_ISA_NAME(nf_exact_norm1_u16)(nf_exact *sum, const uint16_t *x, size_t n)
{
    NF_ISA_NAME(nf_exact_sum_u16)(sum, x, n);
}

static ALWAYS_INLINE void add_bytes(nf_exact *sum, const uint8_t *x, const uint8_t *y, size_t n)
{
    size_t i = 0, whole = n / VECTOR_BYTES * VECTOR_BYTES;
    longs total = {0};
    while (i < whole) {
        words part = {0};
        for (size_t end = run_end(i, whole, BYTE_PRODUCTS_RUN); i < end; i += VECTOR_BYTES) {
            shorts a = load_integers(x + i), b = load_integers(y + i);
            shorts even = (a & 0xff) * (b & 0xff), odd = (a >> 8) * (b >> 8);
            part += pair_shorts((words)even) + pair_shorts((words)odd);
        }
        total += pair_words((longs)part);
    }
    uint64_t last = 0;
    for (; i < n; i++)
        last += (uint64_t)x[i] * y[i];
    nf_exact_add_integer(sum, 0, sum_longs(total) + last);
}

/* The lower and the upper halves of products, apart. */
static ALWAYS_INLINE void add_shorts(nf_exact *sum, const uint16_t *x, const uint16_t *y, size_t n)
{
    size_t i = 0, whole = n / SHORTS * SHORTS;
    longs low = {0}, high = {0};
    while (i < whole) {
        words low_part = {0}, high_part = {0};
        for (size_t end = run_end(i, whole, SHORTS_RUN); i < end; i += SHORTS) {
            shorts a = load_integers(x + i), b = load_integers(y + i);
            low_part += pair_shorts((words)(a * b));
            high_part += pair_shorts((words)upper_products(a, b));
        }
        low += pair_words((longs)low_part);
        high += pair_words((longs)high_part);
    }
    uint64_t last = 0, upper = sum_longs(high);
    for (; i < n; i++)
        last += (uint64_t)x[i] * y[i];
    nf_exact_add_integer(sum, 0, sum_longs(low) + last);
    nf_exact_add_integer(sum, upper >> 48, upper << 16);
}

void NF_ISA_NAME(nf_exact_sumsq_u8)(nf_exact *sum, const uint8_t *x, size_t n)
{
    add_bytes(sum, x, x, n);
}

void NF_ISA_NAME(nf_exact_dot_u8)(nf_exact *sum, const uint8_t *x, const uint8_t *y, size_t n)
{
    add_bytes(sum, x, y, n);
}

void NF_ISA_NAME(nf_exact_sumsq_u16)(nf_exact *sum, const uint16_t *x, size_t n)
{
    add_shorts(sum, x, x, n);
}

void NF_ISA_NAME(nf_exact_dot_u16)(nf_exact *sum, const uint16_t *x, const uint16_t *y, size_t n)
{
    add_shorts(sum, x, y, n);
}
