#include "drivers/engine/shape.h"

#include <stdio.h>

#include "drivers/engine/status.h"

nf_box nf_box_whole(const nf_shape *shape)
{
    nf_box box = {{0, 0, 0}, {shape->dim[0], shape->dim[1], shape->dim[2]}};
    return box;
}

bool nf_box_empty(const nf_box *box)
{
    for (int d = 0; d < NF_DIMS; d++)
        if (box->hi[d] <= box->lo[d])
            return true;
    return false;
}

int64_t nf_box_extent(const nf_box *box, int d)
{
    return box->hi[d] - box->lo[d];
}

void nf_box_extents(const nf_box *box, int64_t extent[NF_DIMS])
{
    for (int d = 0; d < NF_DIMS; d++)
        extent[d] = nf_box_extent(box, d);
}

int64_t nf_box_cells(const nf_box *box)
{
    if (nf_box_empty(box))
        return 0;
    return nf_box_extent(box, 0) * nf_box_extent(box, 1) * nf_box_extent(box, 2);
}

nf_box nf_box_intersect(const nf_box *a, const nf_box *b)
{
    nf_box box;
    for (int d = 0; d < NF_DIMS; d++) {
        box.lo[d] = a->lo[d] > b->lo[d] ? a->lo[d] : b->lo[d];
        box.hi[d] = a->hi[d] < b->hi[d] ? a->hi[d] : b->hi[d];
    }
    return box;
}

nf_box nf_box_grow(const nf_box *box, const nf_halo *halo)
{
    nf_box grown = *box;
    for (int d = 0; d < NF_DIMS; d++) {
        grown.lo[d] -= halo->lo[d];
        grown.hi[d] += halo->hi[d];
    }
    return grown;
}

bool nf_box_contains(const nf_box *outer, const nf_box *inner)
{
    for (int d = 0; d < NF_DIMS; d++)
        if (inner->lo[d] < outer->lo[d] || inner->hi[d] > outer->hi[d])
            return false;
    return true;
}

bool nf_halo_none(const nf_halo *halo)
{
    for (int d = 0; d < NF_DIMS; d++)
        if (halo->lo[d] || halo->hi[d])
            return false;
    return true;
}

nf_halo nf_halo_sum(const nf_halo *a, const nf_halo *b)
{
    nf_halo sum = *a;
    for (int d = 0; d < NF_DIMS; d++) {
        sum.lo[d] += b->lo[d];
        sum.hi[d] += b->hi[d];
    }
    return sum;
}

void nf_dense_strides(const int64_t extent[NF_DIMS], int channels, ptrdiff_t stride[NF_DIMS])
{
    stride[2] = channels;
    stride[1] = extent[2] * channels;
    stride[0] = extent[1] * stride[1];
}

int64_t nf_shape_cells(const nf_shape *shape)
{
    return shape->dim[0] * shape->dim[1] * shape->dim[2];
}

int64_t nf_shape_elements(const nf_shape *shape)
{
    return nf_shape_cells(shape) * shape->channels;
}

size_t nf_cell_bytes(const nf_shape *shape)
{
    return (size_t)shape->channels * nf_dtype_size(shape->dtype);
}

size_t nf_shape_bytes(const nf_shape *shape)
{
    return (size_t)nf_shape_elements(shape) * nf_dtype_size(shape->dtype);
}

bool nf_shape_equal(const nf_shape *a, const nf_shape *b)
{
    for (int d = 0; d < NF_DIMS; d++)
        if (a->dim[d] != b->dim[d])
            return false;
    return a->ndim == b->ndim && a->channels == b->channels && a->dtype == b->dtype;
}

nf_status nf_shape_check(const nf_shape *shape, const char *what)
{
    if (shape->channels < 1 || shape->channels > NF_MAX_CHANNELS)
        return nf_fail(NF_ERR_SHAPE, "%s has %d channels; nfold takes 1 to %d", what,
                       shape->channels, NF_MAX_CHANNELS);
    int64_t bytes = shape->channels * (int64_t)nf_dtype_size(shape->dtype);
    for (int d = 0; d < NF_DIMS; d++) {
        if (shape->dim[d] < 1)
            return nf_fail(NF_ERR_SHAPE, "%s has an extent of %lld cells; at least 1 is needed",
                           what, (long long)shape->dim[d]);
        if (__builtin_mul_overflow(bytes, shape->dim[d], &bytes) || bytes > INT64_MAX / 2)
            return nf_fail(NF_ERR_SHAPE, "%s is larger than 2^62 bytes", what);
    }
    return NF_OK;
}

const char *nf_shape_text(const nf_shape *shape, char text[NF_SHAPE_TEXT])
{
    int used = 0;
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        used += snprintf(text + used, (size_t)(NF_SHAPE_TEXT - used), "%s%lld", used ? "x" : "",
                         (long long)shape->dim[d]);
    if (shape->channels > 1)
        used += snprintf(text + used, (size_t)(NF_SHAPE_TEXT - used), "x%d", shape->channels);
    snprintf(text + used, (size_t)(NF_SHAPE_TEXT - used), " %s", nf_dtype_name(shape->dtype));
    return text;
}

static int64_t modulo(int64_t i, int64_t n)
{
    int64_t r = i % n;
    return r < 0 ? r + n : r;
}

int64_t nf_border_index(int64_t i, int64_t n, nf_border border)
{
    if (i >= 0 && i < n)
        return i;
    switch (border) {
    case NF_CLAMP:
        return i < 0 ? 0 : n - 1;
    case NF_REFLECT:
        i = modulo(i, 2 * n);
        return i < n ? i : 2 * n - 1 - i;
    case NF_MIRROR:
        if (n == 1)
            return 0;
        i = modulo(i, 2 * n - 2);
        return i < n ? i : 2 * n - 2 - i;
    case NF_WRAP:
        return modulo(i, n);
    case NF_CONSTANT:
        break;
    }
    return -1;
}
