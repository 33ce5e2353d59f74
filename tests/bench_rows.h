/* bench_rows.h - kernels as somebody writes them who needs just this one: loops over rows of a
 * plain array, compiled for the instruction sets that nfold's kernels are compiled for. */
#ifndef NF_BENCH_ROWS_H
#define NF_BENCH_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

/* Rows of `columns` elements (at least 2), `pitch` elements apart: one element before the first and
 * one after the last of each row may be read. Rows beyond `least` and `most` are taken to be like
 * those (a clamped border). */
typedef struct hand_rows {
    int64_t columns, pitch, least, most;
} hand_rows;

/* Rows [begin, end) of `out` from `in`; both point to the first element of row 0. */
typedef void hand_map(const hand_rows *rows, const void *in, void *out, int64_t begin, int64_t end);
/* The sum of the squares of rows [begin, end). */
typedef double hand_sum(const hand_rows *rows, const void *in, int64_t begin, int64_t end);

/* What they compute: the parameters that nfold's kernels are given. */
#define HAND_ALPHA 0.2
#define HAND_MASK  1, 2, 3, 4, 5, 6, 7, 8, 9 /* as convolve's mask= is typed; scale 1 */

typedef struct hand_set {
    const char *isa;
    hand_map *heat_f32, *heat_f64, *convolve_f32, *sobel_u8;
    hand_sum *sumsq_f64;
} hand_set;

extern const hand_set hand_baseline, hand_v3, hand_v4;

#endif
