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

typedef struct fill {
    const nf_patch *patch;
    nf_border border;
    ptrdiff_t size;  /* bytes of an element */
    char element[8]; /* the constant */
} fill;

/* `elements` contiguous elements at `to` from those at `from`, or the constant. */
static void fill_run(const fill *f, char *to, const char *from, int64_t elements)
{
    if (from != NULL) {
        memcpy(to, from, (size_t)(elements * f->size));
        return;
    }
    for (int64_t i = 0; i < elements; i++)
        memcpy(to + i * f->size, f->element, (size_t)f->size);
}

/* One index `i` outside the array in dimension d, for the cells of `region` in the other
 * dimensions. */
static void fill_slice(const fill *f, const nf_box *region, int d, int64_t i, int64_t n)
{
    int64_t source = nf_border_index(i, n, f->border);
    nf_box slice = *region;
    slice.lo[d] = i, slice.hi[d] = i + 1;
    int64_t run = nf_box_extent(&slice, 2) * f->patch->channels;
    for (int64_t z = slice.lo[0]; z < slice.hi[0]; z++) {
        for (int64_t y = slice.lo[1]; y < slice.hi[1]; y++) {
            int64_t to[NF_DIMS] = {z, y, slice.lo[2]}, from[NF_DIMS] = {z, y, slice.lo[2]};
            from[d] = source;
            fill_run(f, nf_patch_at(f->patch, to), source < 0 ? NULL : nf_patch_at(f->patch, from),
                     run);
        }
    }
}

void nf_fill_border(const nf_patch *patch, const int64_t dim[NF_DIMS], nf_border border,
                    double value)
{
    if (border == NF_WRAP)
        return;
    fill f = {.patch = patch, .border = border, .size = (ptrdiff_t)nf_dtype_size(patch->dtype)};
    element_of(patch->dtype, value, f.element);
    nf_box inside = {{0, 0, 0}, {dim[0], dim[1], dim[2]}};
    nf_box done = nf_box_intersect(&inside, &patch->box);
    for (int d = NF_DIMS - 1; d >= 0; d--) { /* columns, then whole rows, then whole planes */
        for (int64_t i = patch->box.lo[d]; i < 0; i++)
            fill_slice(&f, &done, d, i, dim[d]);
        for (int64_t i = dim[d] > patch->box.lo[d] ? dim[d] : patch->box.lo[d];
             i < patch->box.hi[d]; i++)
            fill_slice(&f, &done, d, i, dim[d]);
        done.lo[d] = patch->box.lo[d];
        done.hi[d] = patch->box.hi[d];
    }
}
