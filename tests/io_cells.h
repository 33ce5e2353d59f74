/* io_cells.h - arrays of known content for the tests of io/. */
#ifndef NF_IO_CELLS_H
#define NF_IO_CELLS_H

#include <string.h>

#include "drivers/engine/field.h"

/* The element with index i of the dense array (channels last): scattered values over the whole
 * range of an integer type, exact fractions in a float type. */
static inline void io_element(nf_dtype dtype, int64_t i, void *to)
{
    uint64_t h = ((uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 29;
    uint8_t u8 = (uint8_t)(h >> 20);
    uint16_t u16 = (uint16_t)(h >> 20);
    float f32 = (float)((int32_t)(h >> 40) - (1 << 23)) / 1024.0F;
    double f64 = (double)((int64_t)(h >> 12) - ((int64_t)1 << 51)) / 1048576.0;
    const void *from = dtype == NF_U8    ? (void *)&u8
                       : dtype == NF_U16 ? (void *)&u16
                       : dtype == NF_F32 ? (void *)&f32
                                         : (void *)&f64;
    memcpy(to, from, nf_dtype_size(dtype));
}

static inline nf_shape io_shape(int ndim, int64_t planes, int64_t rows, int64_t columns,
                                int channels, nf_dtype dtype)
{
    nf_shape shape = {{planes, rows, columns}, ndim, channels, dtype};
    return shape;
}

/* Fills the own cells of a field, or counts those that differ from that. */
static inline uint64_t io_field(nf_field *field, bool fill)
{
    const nf_shape *shape = &field->cut.shape;
    const nf_box *own = &field->own;
    size_t size = nf_dtype_size(shape->dtype);
    uint64_t differ = 0;
    if (nf_box_empty(own))
        return 0;
    for (int64_t z = own->lo[0]; z < own->hi[0]; z++)
        for (int64_t y = own->lo[1]; y < own->hi[1]; y++) {
            char *row = nf_field_at(field, (const int64_t[]){z, y, own->lo[2]});
            int64_t first =
                ((z * shape->dim[1] + y) * shape->dim[2] + own->lo[2]) * shape->channels;
            int64_t count = nf_box_extent(own, 2) * shape->channels;
            for (int64_t i = 0; i < count; i++) {
                char expected[8];
                io_element(shape->dtype, first + i, expected);
                if (fill)
                    memcpy(row + (size_t)i * size, expected, size);
                else
                    differ += memcmp(row + (size_t)i * size, expected, size) != 0;
            }
        }
    return differ;
}

#endif
