/* philox.h - random numbers by counter: the n-th number is a function of a seed and n alone, so
 * that whoever draws it gets the same bits.
 *
 * Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC11: ten rounds turn a counter of 128 bits into as many random ones, under a key of 64. Integers
 * only. */
#ifndef NF_PHILOX_H
#define NF_PHILOX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct nf_philox {
    uint32_t word[4];
} nf_philox;

static inline nf_philox nf_philox_round(nf_philox c, uint32_t key0, uint32_t key1)
{
    uint64_t a = (uint64_t)0xd2511f53u * c.word[0], b = (uint64_t)0xcd9e8d57u * c.word[2];
    return (nf_philox){{(uint32_t)(b >> 32) ^ c.word[1] ^ key0, (uint32_t)b,
                        (uint32_t)(a >> 32) ^ c.word[3] ^ key1, (uint32_t)a}};
}

static inline nf_philox nf_philox_block(nf_philox counter, uint32_t key0, uint32_t key1)
{
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        counter = nf_philox_round(counter, key0, key1);
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    return counter;
}

/* Random words of 64 bits, two of each block: of blocks [first, first + n) words 0 and 1 to `even`,
 * 2 and 3 to `odd`. Different streams of one seed have nothing in common. */
static inline void nf_philox_fill(uint64_t seed, uint32_t stream, uint64_t first, size_t n,
                                  uint64_t *restrict even, uint64_t *restrict odd)
{
    const uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = first + i;
        nf_philox counter = {{(uint32_t)at, (uint32_t)(at >> 32), stream, 0}};
        nf_philox r = nf_philox_block(counter, key0, key1);
        even[i] = r.word[0] | (uint64_t)r.word[1] << 32;
        odd[i] = r.word[2] | (uint64_t)r.word[3] << 32;
    }
}

/* A random word as a double within (0, 1), one of the 2^52 midpoints of equal intervals; its lowest
 * 12 bits do not count. */
static inline double nf_uniform(uint64_t word)
{
    uint64_t bits = word >> 12 | (uint64_t)1023 << 52;
    double one_to_two;
    memcpy(&one_to_two, &bits, sizeof one_to_two);
    return one_to_two - 1 + 0x1p-53;
}

#endif
