/* block.h - blocks of 16 rows of 16 elements, turned so that the rows become columns: what a filter
 * along the rows needs that works on 16 rows at once, side by side in vectors. */
#ifndef NF_BLOCK_H
#define NF_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { NF_BLOCK = 16 };

/* nf_block_turn_TYPE(from, stride, to): to[16 j + i] = from[stride i + j] for i, j from 0 to 15.
 * Squares of as many elements as 16 bytes have are turned in registers: in each step the rows of the
 * upper half are zipped with those of the lower one, as often as halves can be halved. */
#define NF_BLOCK_DEFINE(type, T, ZIP_LOW, ZIP_HIGH)                                                \
    typedef T nf_square_row_##type __attribute__((vector_size(16)));                               \
    static inline void nf_block_turn_##type(const T *from, ptrdiff_t stride, T *to)                \
    {                                                                                              \
        enum { SIDE = 16 / (int)sizeof(T) };                                                       \
        nf_square_row_##type v[SIDE], w[SIDE];                                                     \
        for (ptrdiff_t i = 0; i < NF_BLOCK; i += SIDE) {                                           \
            for (ptrdiff_t j = 0; j < NF_BLOCK; j += SIDE) {                                       \
                _Pragma("GCC unroll 16") for (int k = 0; k < SIDE; k++)                            \
                    memcpy(&v[k], from + (i + k) * stride + j, sizeof *v);                         \
                _Pragma("GCC unroll 4") for (int step = 1; step < SIDE; step *= 2)                 \
                {                                                                                  \
                    _Pragma("GCC unroll 8") for (int k = 0; k < SIDE / 2; k++)                     \
                    {                                                                              \
                        w[2 * k] = __builtin_shufflevector(v[k], v[k + SIDE / 2], ZIP_LOW);        \
                        w[2 * k + 1] = __builtin_shufflevector(v[k], v[k + SIDE / 2], ZIP_HIGH);   \
                    }                                                                              \
                    _Pragma("GCC unroll 16") for (int k = 0; k < SIDE; k++) v[k] = w[k];           \
                }                                                                                  \
                _Pragma("GCC unroll 16") for (int k = 0; k < SIDE; k++)                            \
                    memcpy(to + (j + k) * NF_BLOCK + i, &v[k], sizeof *v);                         \
            }                                                                                      \
        }                                                                                          \
    }
#define NF_LIST(...) __VA_ARGS__
NF_BLOCK_DEFINE(u8, uint8_t, NF_LIST(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
                NF_LIST(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
NF_BLOCK_DEFINE(u16, uint16_t, NF_LIST(0, 8, 1, 9, 2, 10, 3, 11),
                NF_LIST(4, 12, 5, 13, 6, 14, 7, 15))
NF_BLOCK_DEFINE(f32, float, NF_LIST(0, 4, 1, 5), NF_LIST(2, 6, 3, 7))
NF_BLOCK_DEFINE(f64, double, NF_LIST(0, 2), NF_LIST(1, 3))
#undef NF_LIST
#undef NF_BLOCK_DEFINE

#endif
