/* extreme.h - the whole of a reduction that looks for one element: the file that includes it says
 * which by
 *   EXTREME_KERNEL   the descriptor's name
 *   EXTREME_NAME     the kernel's name, EXTREME_SUMMARY its summary
 *   EXTREME_KEY(v)   what of an element is compared
 *   EXTREME_LESS     `<` or `>`: the key that is wanted compares so with all others
 *   EXTREME_LAST     the key with which an empty search begins, as a double
 *   EXTREME_INDEXED  1: also where it is
 *
 * A NaN comes before every number, as in numpy: the result is NaN, its place that of the first NaN.
 * Of equal elements the first in C order counts, channels being the last index; -0 and 0 are equal,
 * and shown as 0. The place is part of what is compared, so that folding is exact in any order. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct extreme {
    double value;   /* the key; nothing where `nan` */
    uint64_t index; /* in C order, of elements; where not EXTREME_INDEXED, about there */
    bool nan;
} extreme;

static bool comes_before(const extreme *a, const extreme *b)
{
    if (a->nan != b->nan)
        return a->nan;
    if (!a->nan && a->value != b->value)
        return a->value EXTREME_LESS b->value;
    return a->index < b->index;
}

#define NF_BODY "kernels/extreme.h"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    nf_shape *shape = setup->alloc(setup, sizeof *shape);
    if (shape == NULL)
        return NF_ERR_MEMORY;
    *shape = setup->in;
    setup->config = shape;
    setup->partial_bytes = sizeof(extreme);
    setup->flops_per_cell = 1;
    setup->bytes_per_cell = (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static void start(void *partial, const void *config)
{
    (void)config;
    *(extreme *)partial = (extreme){.value = EXTREME_LAST, .index = UINT64_MAX};
}

static void fold(void *into, const void *next, const void *config)
{
    (void)config;
    if (comes_before(next, into))
        *(extreme *)into = *(const extreme *)next;
}

static void send(const nf_shape *shape, double value, uint64_t index, nf_sink *out)
{
    uint64_t channels = (uint64_t)shape->channels, cell = index / channels;
    uint64_t columns = (uint64_t)shape->dim[2], rows = (uint64_t)shape->dim[1];
    out->real(out, EXTREME_INDEXED ? "value" : EXTREME_NAME, value + 0.0);
    if (!EXTREME_INDEXED)
        return;
    out->integer(out, "index", 0, index);
    out->integer(out, "plane", 0, cell / columns / rows);
    out->integer(out, "row", 0, cell / columns % rows);
    out->integer(out, "column", 0, cell % columns);
    out->integer(out, "channel", 0, index % channels);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const extreme *found = partial;
    send(config, found->nan ? (double)NAN : found->value, found->index, out);
}

/* One element after the other. */
static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    double value = 0;
    uint64_t index = 0, place = 0;
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++, place++) {
                    double v = EXTREME_KEY(in->at(in, z, y, x, c));
                    bool better = v EXTREME_LESS value || isnan(v);
                    if (place == 0 || (better && !isnan(value)))
                        value = v, index = place;
                }
    send(config, value, index, out);
}

const nf_kernel NF_ISA_NAME(EXTREME_KERNEL) = {
    .name = EXTREME_NAME,
    .summary = EXTREME_SUMMARY,
    .kind = NF_REDUCE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .start = start,
    .fold = fold,
    .any_order = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 0,
};

#else

static bool NF_NAME(has_nan)(const NF_T *x, ptrdiff_t n)
{
    int nans = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        nans |= x[i] != x[i];
    return nans != 0;
}

/* The wanted key among n elements, one at least and no NaN: of so many neighbours at a time, that
 * the comparisons of floats, whose order a compiler keeps, are vector instructions. */
static NF_T NF_NAME(extreme_of)(const NF_T *x, ptrdiff_t n)
{
    enum { LANES = 128 / sizeof(NF_T) };
    NF_T lane[LANES], best;
    ptrdiff_t i = 0;
    for (int j = 0; j < LANES; j++)
        lane[j] = (NF_T)EXTREME_KEY(x[0]);
    for (; i + LANES <= n; i += LANES) {
        for (int j = 0; j < LANES; j++) {
            NF_T key = (NF_T)EXTREME_KEY(x[i + j]);
            lane[j] = key EXTREME_LESS lane[j] ? key : lane[j];
        }
    }
    best = lane[0];
    for (int j = 1; j < LANES; j++)
        best = lane[j] EXTREME_LESS best ? lane[j] : best;
    for (; i < n; i++) {
        NF_T key = (NF_T)EXTREME_KEY(x[i]);
        best = key EXTREME_LESS best ? key : best;
    }
    return best;
}

/* The first of n elements that has this key, or is a NaN; it is there. */
static ptrdiff_t NF_NAME(place_of)(const NF_T *x, ptrdiff_t n, NF_T key, bool nan)
{
    enum { BLOCK = 64 };
    ptrdiff_t i = 0;
    int hits = 0;
    for (; i + BLOCK <= n && !nan; i += BLOCK) {
        for (int j = 0; j < BLOCK; j++)
            hits |= (NF_T)EXTREME_KEY(x[i + j]) == key;
        if (hits)
            break;
    }
    while (nan ? x[i] == x[i] : (NF_T)EXTREME_KEY(x[i]) != key)
        i++;
    return i;
}

/* n elements side by side, the first of which has this index. */
static void NF_NAME(add_piece)(extreme *best, const NF_T *x, ptrdiff_t n, uint64_t index)
{
    extreme here = {.index = index, .nan = NF_NAME(has_nan)(x, n)};
    NF_T key = here.nan ? (NF_T)0 : NF_NAME(extreme_of)(x, n);
    here.value = (double)key;
    if (!comes_before(&here, best))
        return;
    if (EXTREME_INDEXED)
        here.index += (uint64_t)NF_NAME(place_of)(x, n, key, here.nan);
    *best = here;
}

/* A row in pieces that stay in the first-level cache, so that memory is read once. */
static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    enum { PIECE = 8192 / sizeof(NF_T) };
    const nf_shape *shape = config;
    ptrdiff_t n = NF_ROW_LENGTH(tile);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *x = NF_ROW_IN(tile, z, y);
            int64_t row = (tile->lo[0] + z) * shape->dim[1] + tile->lo[1] + y;
            int64_t index = (row * shape->dim[2] + tile->lo[2]) * tile->channels;
            for (ptrdiff_t i = 0; i < n; i += PIECE)
                NF_NAME(add_piece)
            (partial, x + i, n - i < PIECE ? n - i : PIECE, (uint64_t)(index + i));
        }
    }
}

#endif
