/* stats.c - count, least, greatest, mean and population variance of all elements (all channels
 * together). Mean and variance are correctly rounded from exact sums, so that there is no
 * cancellation to fear. A NaN anywhere makes all but the count NaN, as numpy's min, max, mean and
 * var. */
#ifndef NF_T

#include <math.h>

#include "kernels/exact.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct stats_partial {
    nf_exact sum, squares;
    uint64_t count;
    double min, max; /* of what is not NaN */
} stats_partial;

#define NF_BODY "kernels/stats.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    setup->partial_bytes = sizeof(stats_partial);
    setup->flops_per_cell = 5;
    setup->bytes_per_cell = (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static void start(void *partial, const void *config)
{
    (void)config;
    stats_partial *stats = partial;
    stats->min = INFINITY;
    stats->max = -INFINITY;
}

static void fold(void *into, const void *next, const void *config)
{
    (void)config;
    stats_partial *a = into;
    const stats_partial *b = next;
    nf_exact_fold(&a->sum, &b->sum);
    nf_exact_fold(&a->squares, &b->squares);
    a->count += b->count;
    a->min = b->min < a->min ? b->min : a->min;
    a->max = b->max > a->max ? b->max : a->max;
}

static void send(nf_sink *out, uint64_t count, double min, double max, double mean, double variance)
{
    out->integer(out, "count", 0, count);
    out->real(out, "min", min);
    out->real(out, "max", max);
    out->real(out, "mean", mean);
    out->real(out, "variance", variance);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    (void)config;
    const stats_partial *stats = partial;
    bool nan = stats->sum.nans > 0;
    double min = stats->min + 0.0, max = stats->max + 0.0; /* -0 and 0 are equal: which was met
                                                              first must not show */
    send(out, stats->count, nan ? (double)NAN : min, nan ? (double)NAN : max,
         nf_exact_mean(&stats->sum, stats->count),
         nf_exact_variance(&stats->sum, &stats->squares, stats->count));
}

/* Two passes: the mean, then the squared distances from it. */
static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    (void)config;
    uint64_t count = (uint64_t)(in->shape.dim[0] * in->shape.dim[1] * in->shape.dim[2]) *
                     (uint64_t)in->shape.channels;
    long double sum = 0, squares = 0, mean = 0;
    double min = INFINITY, max = -INFINITY;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t z = 0; z < in->shape.dim[0]; z++)
            for (int64_t y = 0; y < in->shape.dim[1]; y++)
                for (int64_t x = 0; x < in->shape.dim[2]; x++)
                    for (int c = 0; c < in->shape.channels; c++) {
                        double v = in->at(in, z, y, x, c);
                        min = v < min ? v : min;
                        max = v > max ? v : max;
                        sum += pass == 0 ? v : 0;
                        squares += pass == 1 ? (v - mean) * (v - mean) : 0;
                    }
        mean = sum / (long double)count;
    }
    send(out, count, min, max, (double)mean, (double)(squares / (long double)count));
}

const nf_kernel NF_ISA_NAME(nf_kernel_stats) = {
    .name = "stats",
    .summary = "count, min, max, mean, population variance; correctly rounded",
    .kind = NF_REDUCE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .start = start,
    .fold = fold,
    .any_order = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 1e-12,
};

#else

/* A row at a time in pieces that stay in the first-level cache, so that memory is read once. */
static void NF_NAME(add_row)(stats_partial *stats, const NF_T *x, ptrdiff_t n)
{
    enum { PIECE = 2048 };
    for (ptrdiff_t first = 0; first < n; first += PIECE) {
        ptrdiff_t count = n - first < PIECE ? n - first : PIECE;
        const NF_T *piece = x + first;
        NF_NAME(nf_exact_sum)(&stats->sum, piece, (size_t)count);
        NF_NAME(nf_exact_sumsq)(&stats->squares, piece, (size_t)count);
        NF_T min = piece[0], max = piece[0];
        for (ptrdiff_t i = 1; i < count; i++) {
            min = piece[i] < min ? piece[i] : min;
            max = piece[i] > max ? piece[i] : max;
        }
        stats->min = (double)min < stats->min ? (double)min : stats->min;
        stats->max = (double)max > stats->max ? (double)max : stats->max;
    }
    stats->count += (uint64_t)n;
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)config;
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(add_row)(partial, NF_ROW_IN(tile, z, y), NF_ROW_LENGTH(tile));
}

#endif
