/* span.h - the least and the greatest of the finite elements.
 *
 * Included in both halves of a kernel's file; nf_span_add_TYPE adds a tile. */
#ifndef NF_SPAN_ONCE
#define NF_SPAN_ONCE
#include <math.h>

#include "kernels/kernel.h"

typedef struct nf_span {
    double min, max; /* the other way round while there is none */
} nf_span;

static inline void nf_span_start(nf_span *span)
{
    *span = (nf_span){INFINITY, -INFINITY};
}

static inline void nf_span_fold(nf_span *into, const nf_span *next)
{
    into->min = next->min < into->min ? next->min : into->min;
    into->max = next->max > into->max ? next->max : into->max;
}

/* What is found; of nothing, 0 to 0. -0 and 0 are equal: which was met first must not show. */
static inline nf_span nf_span_found(const nf_span *span)
{
    return span->min <= span->max ? (nf_span){span->min + 0.0, span->max + 0.0} : (nf_span){0, 0};
}

/* For references: one element after the other. */
static inline nf_span nf_span_plainly(const nf_cells *in)
{
    nf_span span;
    nf_span_start(&span);
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++) {
                    double v = in->at(in, z, y, x, c);
                    if (isfinite(v))
                        span.min = fmin(span.min, v), span.max = fmax(span.max, v);
                }
    return nf_span_found(&span);
}
#endif

#ifdef NF_T
static inline void NF_NAME(nf_span_one)(nf_span *span, double min, double max)
{
    span->min = min < span->min ? min : span->min;
    span->max = max > span->max ? max : span->max;
}

/* So many neighbours at a time, that the comparisons of floats, whose order a compiler keeps, are
 * vector instructions. What is not finite differs from itself by NaN. */
static void NF_NAME(nf_span_row)(nf_span *span, const NF_T *x, ptrdiff_t n)
{
    enum { LANES = 128 / sizeof(NF_T) };
    NF_T min[LANES], max[LANES];
    ptrdiff_t i = 0;
    for (int j = 0; j < LANES; j++) {
        min[j] = (NF_T)(sizeof(NF_T) == 1 ? 255 : sizeof(NF_T) == 2 ? 65535 : INFINITY);
        max[j] = (NF_T)(sizeof(NF_T) <= 2 ? 0 : -INFINITY);
    }
    for (; i + LANES <= n; i += LANES) {
        for (int j = 0; j < LANES; j++) {
            NF_T v = x[i + j], low = v - v == 0 ? v : min[j], high = v - v == 0 ? v : max[j];
            min[j] = low < min[j] ? low : min[j];
            max[j] = high > max[j] ? high : max[j];
        }
    }
    for (int j = 0; j < LANES && i > 0; j++)
        NF_NAME(nf_span_one)(span, (double)min[j], (double)max[j]);
    for (; i < n; i++)
        if (x[i] - x[i] == 0)
            NF_NAME(nf_span_one)(span, (double)x[i], (double)x[i]);
}

static inline void NF_NAME(nf_span_add)(nf_span *span, const nf_tile *tile)
{
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(nf_span_row)(span, NF_ROW_IN(tile, z, y), NF_ROW_LENGTH(tile));
}
#endif
