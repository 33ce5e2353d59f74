#include <string.h>

#include "drivers/engine/halo.h"

void *nf_patch_at(const nf_patch *patch, const int64_t cell[NF_DIMS])
{
    ptrdiff_t offset = 0;
    for (int d = 0; d < NF_DIMS; d++)
        offset += (cell[d] - patch->box.lo[d]) * patch->stride[d];
    return patch->origin + offset * (ptrdiff_t)nf_dtype_size(patch->dtype);
}

nf_patch nf_field_patch(const nf_field *field)
{
    nf_patch patch = {.box = nf_box_grow(&field->own, &field->ghost),
                      .channels = field->cut.shape.channels,
                      .dtype = field->cut.shape.dtype};
    memcpy(patch.stride, field->stride, sizeof patch.stride);
    patch.origin = nf_field_at(field, patch.box.lo);
    return patch;
}

static void element_of(nf_dtype dtype, double value, void *element)
{
    double most = dtype == NF_U8 ? 255 : 65535;
    double whole = value > 0 ? (value < most ? value : most) + 0x1.fffffffffffffp-2 : 0;
    switch (dtype) {
    case NF_U8:
        *(uint8_t *)element = (uint8_t)whole;
        break;
    case NF_U16:
        *(uint16_t *)element = (uint16_t)whole;
        break;
    case NF_F32:
        *(float *)element = (float)value;
        break;
    case NF_F64:
        *(double *)element = value;
        break;
    default:
        break;
    }
}

void nf_border_cell(nf_dtype dtype, int channels, double value, void *cell)
{
    for (int c = 0; c < channels; c++)
        element_of(dtype, value, (char *)cell + (size_t)c * nf_dtype_size(dtype));
}

typedef struct fill {
    const nf_patch *patch;
    nf_border border;
    ptrdiff_t size;   /* bytes of an element */
    char element[64]; /* the constant, again and again: a cell at least */
} fill;

/* `count` cells, `stride` bytes from one to the next, from others as far apart, or from one
 * (from_stride 0). Inlined for each size, so that no cell is a call. */
static inline __attribute__((always_inline)) void copy_cells(char *to, ptrdiff_t stride,
                                                             const char *from,
                                                             ptrdiff_t from_stride, int64_t count,
                                                             size_t bytes)
{
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * stride, from + i * from_stride, bytes);
}

static void copy_column(char *to, ptrdiff_t stride, const char *from, ptrdiff_t from_stride,
                        int64_t count, size_t bytes)
{
    switch (bytes) {
    case 1:
        copy_cells(to, stride, from, from_stride, count, 1);
        break;
    case 3:
        copy_cells(to, stride, from, from_stride, count, 3);
        break;
    case 4:
        copy_cells(to, stride, from, from_stride, count, 4);
        break;
    case 8:
        copy_cells(to, stride, from, from_stride, count, 8);
        break;
    default:
        copy_cells(to, stride, from, from_stride, count, bytes);
        break;
    }
}

/* The column i outside the array, in the rows and planes of `region`. */
static void fill_column(const fill *f, const nf_box *region, int64_t i, int64_t n)
{
    const nf_patch *patch = f->patch;
    int64_t source = nf_border_index(i, n, f->border), rows = nf_box_extent(region, 1);
    ptrdiff_t stride = patch->stride[1] * f->size;
    size_t bytes = (size_t)(patch->channels * f->size);
    for (int64_t z = region->lo[0]; z < region->hi[0]; z++) {
        int64_t to[NF_DIMS] = {z, region->lo[1], i}, from[NF_DIMS] = {z, region->lo[1], source};
        bool constant = source < 0;
        copy_column(nf_patch_at(patch, to), stride,
                    constant ? f->element : nf_patch_at(patch, from), constant ? 0 : stride, rows,
                    bytes);
    }
}

/* `bytes` at `to` from those at `from`, or the constant. */
static void fill_run(const fill *f, char *to, const char *from, size_t bytes)
{
    if (from != NULL) {
        memcpy(to, from, bytes);
        return;
    }
    for (size_t done = 0; done < bytes; done += sizeof f->element)
        memcpy(to + done, f->element,
               bytes - done < sizeof f->element ? bytes - done : sizeof f->element);
}

/* The row (d 1) or plane (d 0) i outside the array, as wide and high as `region`. */
static void fill_rows(const fill *f, const nf_box *region, int d, int64_t i, int64_t n)
{
    int64_t source = nf_border_index(i, n, f->border);
    nf_box slice = *region;
    slice.lo[d] = i, slice.hi[d] = i + 1;
    size_t bytes = (size_t)(nf_box_extent(&slice, 2) * f->patch->channels * f->size);
    for (int64_t z = slice.lo[0]; z < slice.hi[0]; z++) {
        for (int64_t y = slice.lo[1]; y < slice.hi[1]; y++) {
            int64_t to[NF_DIMS] = {z, y, slice.lo[2]}, from[NF_DIMS] = {z, y, slice.lo[2]};
            from[d] = source;
            fill_run(f, nf_patch_at(f->patch, to), source < 0 ? NULL : nf_patch_at(f->patch, from),
                     bytes);
        }
    }
}

static void fill_slice(const fill *f, const nf_box *region, int d, int64_t i, int64_t n)
{
    if (d == 2)
        fill_column(f, region, i, n);
    else
        fill_rows(f, region, d, i, n);
}

/* The cells that are there when dimension d is filled: inside the array, and all of the dimensions
 * after d. */
static nf_box filled_before(const nf_patch *patch, const int64_t dim[NF_DIMS], int d)
{
    nf_box inside = {{0, 0, 0}, {dim[0], dim[1], dim[2]}};
    nf_box box = nf_box_intersect(&inside, &patch->box);
    for (int later = d + 1; later < NF_DIMS; later++) {
        box.lo[later] = patch->box.lo[later];
        box.hi[later] = patch->box.hi[later];
    }
    return box;
}

void nf_fill_border_share(const nf_patch *patch, const int64_t dim[NF_DIMS], nf_border border,
                          double value, int d, int64_t part, int64_t parts)
{
    fill f = {.patch = patch, .border = border, .size = (ptrdiff_t)nf_dtype_size(patch->dtype)};
    nf_border_cell(patch->dtype, (int)sizeof f.element / (int)f.size, value, f.element);
    nf_box box = filled_before(patch, dim, d);
    int shared = d == 0 ? 1 : dim[0] > 1 ? 0 : 1;
    if (shared != d) {
        int64_t lo = box.lo[shared], extent = nf_box_extent(&box, shared);
        box.lo[shared] = lo + extent * part / parts;
        box.hi[shared] = lo + extent * (part + 1) / parts;
    }
    int64_t end = dim[d] > patch->box.lo[d] ? dim[d] : patch->box.lo[d];
    for (int64_t i = patch->box.lo[d]; i < 0 && (shared != d || part == 0); i++)
        fill_slice(&f, &box, d, i, dim[d]);
    for (int64_t i = end; i < patch->box.hi[d] && (shared != d || part == parts - 1); i++)
        fill_slice(&f, &box, d, i, dim[d]);
}

void nf_fill_border(const nf_patch *patch, const int64_t dim[NF_DIMS], nf_border border,
                    double value)
{
    for (int d = NF_DIMS - 1; d >= 0 && border != NF_WRAP;
         d--) /* columns, then whole rows, then whole planes */
        nf_fill_border_share(patch, dim, border, value, d, 0, 1);
}
