/* shuffle.c - bytes of elements put side by side by their significance, and Fletcher's checksum:
 * the steps of codec.h that are arithmetic of nfold's own. */
#include <string.h>

#include "io/codec.h"

/* ---- shuffle ---- */

typedef uint8_t bytes16 __attribute__((vector_size(16)));

static bytes16 load(const uint8_t *from)
{
    bytes16 v;
    memcpy(&v, from, sizeof v);
    return v;
}

static void store(uint8_t *to, bytes16 v)
{
    memcpy(to, &v, sizeof v);
}

/* The even and the odd bytes of two vectors; and the low and the high halves interleaved. */
static bytes16 evens(bytes16 a, bytes16 b)
{
    return __builtin_shuffle(a, b,
                             (bytes16){0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30});
}

static bytes16 odds(bytes16 a, bytes16 b)
{
    return __builtin_shuffle(a, b,
                             (bytes16){1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31});
}

static bytes16 zip_low(bytes16 a, bytes16 b)
{
    return __builtin_shuffle(a, b,
                             (bytes16){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23});
}

static bytes16 zip_high(bytes16 a, bytes16 b)
{
    return __builtin_shuffle(
        a, b, (bytes16){8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31});
}

enum { AT_ONCE = 16 /* elements, whose bytes are `size` vectors */ };

/* The bytes of 16 elements, in `size` vectors, seen as one row of bytes. Even ones first, then the odd
 * ones: each round moves the lowest bit of their numbers to the top, and after log2(size) rounds
 * v[j] holds the elements' j-th bytes. */
static inline __attribute__((always_inline)) void split(int size, bytes16 *v)
{
    bytes16 w[8];
    for (int round = 1; round < size; round *= 2) {
        for (int j = 0; j < size / 2; j++) {
            w[j] = evens(v[2 * j], v[2 * j + 1]);
            w[size / 2 + j] = odds(v[2 * j], v[2 * j + 1]);
        }
        memcpy(v, w, (size_t)size * sizeof *v);
    }
}

/* And back. */
static inline __attribute__((always_inline)) void join(int size, bytes16 *v)
{
    bytes16 w[8];
    for (int round = 1; round < size; round *= 2) {
        for (int j = 0; j < size / 2; j++) {
            w[2 * j] = zip_low(v[j], v[size / 2 + j]);
            w[2 * j + 1] = zip_high(v[j], v[size / 2 + j]);
        }
        memcpy(v, w, (size_t)size * sizeof *v);
    }
}

/* n elements as far as they fill vectors; how many were done. */
static inline __attribute__((always_inline)) size_t split_all(int size, size_t n,
                                                              const uint8_t *from, uint8_t *to)
{
    size_t i = 0;
    for (; i + AT_ONCE <= n; i += AT_ONCE) {
        bytes16 v[8];
        for (int j = 0; j < size; j++)
            v[j] = load(from + i * (size_t)size + (size_t)j * sizeof *v);
        split(size, v);
        for (int j = 0; j < size; j++)
            store(to + (size_t)j * n + i, v[j]);
    }
    return i;
}

static inline __attribute__((always_inline)) size_t join_all(int size, size_t n,
                                                             const uint8_t *from, uint8_t *to)
{
    size_t i = 0;
    for (; i + AT_ONCE <= n; i += AT_ONCE) {
        bytes16 v[8];
        for (int j = 0; j < size; j++)
            v[j] = load(from + (size_t)j * n + i);
        join(size, v);
        for (int j = 0; j < size; j++)
            store(to + i * (size_t)size + (size_t)j * sizeof *v, v[j]);
    }
    return i;
}

void nf_shuffle(size_t element, size_t bytes, const void *from, void *to)
{
    size_t n = bytes / element, done = 0;
    const uint8_t *f = from;
    uint8_t *t = to;
    if (element == 2)
        done = split_all(2, n, from, to);
    else if (element == 4)
        done = split_all(4, n, from, to);
    else if (element == 8)
        done = split_all(8, n, from, to);
    for (size_t j = 0; j < element; j++)
        for (size_t i = done; i < n; i++)
            t[j * n + i] = f[i * element + j];
    memcpy(t + n * element, f + n * element, bytes - n * element);
}

void nf_unshuffle(size_t element, size_t bytes, const void *from, void *to)
{
    size_t n = bytes / element, done = 0;
    const uint8_t *f = from;
    uint8_t *t = to;
    if (element == 2)
        done = join_all(2, n, from, to);
    else if (element == 4)
        done = join_all(4, n, from, to);
    else if (element == 8)
        done = join_all(8, n, from, to);
    for (size_t i = done; i < n; i++)
        for (size_t j = 0; j < element; j++)
            t[i * element + j] = f[j * n + i];
    memcpy(t + n * element, f + n * element, bytes - n * element);
}

/* ---- Fletcher's checksum ---- */

enum { BLOCK = 128 /* words whose weighted sum fits in 32 bits */ };

/* A sum that stands for all of its class modulo 65535, but is 0 only if it was. */
static uint64_t reduced(uint64_t sum)
{
    return sum > 0 ? (sum - 1) % 65535 + 1 : 0;
}

static uint32_t word_at(const uint8_t *from, size_t i)
{
    return (uint32_t)from[2 * i] << 8 | from[2 * i + 1];
}

uint32_t nf_fletcher32(const void *bytes, size_t count)
{
    const uint8_t *from = bytes;
    uint64_t plain = 0, weighted = 0; /* sums of the words, and of the sums up to each word */
    for (; count >= 2 * BLOCK; count -= 2 * BLOCK, from += 2 * BLOCK) {
        uint32_t sum = 0, sums = 0;
        for (uint32_t i = 0; i < BLOCK; i++) {
            uint32_t word = word_at(from, i);
            sum += word;
            sums += word * (BLOCK - i);
        }
        weighted = reduced(weighted + BLOCK * plain + sums);
        plain = reduced(plain + sum);
    }
    for (size_t i = 0; i < count / 2; i++)
        weighted += plain += word_at(from, i);
    if (count % 2 == 1)
        weighted += plain += (uint32_t)from[count - 1] << 8;
    return (uint32_t)(reduced(weighted) << 16 | reduced(plain));
}
