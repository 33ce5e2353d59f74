#include "drivers/engine/digest.h"

#include <string.h>

/* A well-mixed odd number for an index: the finaliser of MurmurHash3 (Appleby), 32 bits. */
static inline uint32_t weight_of(uint32_t index)
{
    index ^= index >> 16;
    index *= 0x85ebca6bu;
    index ^= index >> 13;
    index *= 0xc2b2ae35u;
    index ^= index >> 16;
    return index | 1;
}

#define NF_DIGEST_ROW(T)                                                                           \
    static uint64_t digest_##T(const void *row, int64_t n, uint32_t seed)                          \
    {                                                                                              \
        const T *x = row;                                                                          \
        uint64_t sum = 0;                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            sum += ((uint64_t)x[i] + 1) * weight_of(seed + (uint32_t)i);                           \
        return sum;                                                                                \
    }
NF_DIGEST_ROW(uint8_t)
NF_DIGEST_ROW(uint16_t)
NF_DIGEST_ROW(uint32_t)
NF_DIGEST_ROW(uint64_t)

static uint64_t digest_row(const void *row, int64_t n, size_t size, uint32_t seed)
{
    switch (size) {
    case 1:
        return digest_uint8_t(row, n, seed);
    case 2:
        return digest_uint16_t(row, n, seed);
    case 4:
        return digest_uint32_t(row, n, seed);
    default:
        return digest_uint64_t(row, n, seed);
    }
}

uint64_t nf_field_digest(const nf_world *world, const nf_field *field)
{
    const nf_shape *shape = &field->cut.shape;
    int64_t n = nf_box_extent(&field->own, 2) * shape->channels;
    uint64_t sum = 0;
    for (int64_t z = field->own.lo[0]; z < field->own.hi[0]; z++) {
        for (int64_t y = field->own.lo[1]; y < field->own.hi[1] && n > 0; y++) {
            int64_t cell[NF_DIMS] = {z, y, field->own.lo[2]};
            int64_t index = (z * shape->dim[1] + y) * shape->dim[2] + field->own.lo[2];
            sum += digest_row(nf_field_at(field, cell), n, nf_dtype_size(shape->dtype),
                              (uint32_t)(index * shape->channels));
        }
    }
    return nf_sum_u64(world, sum);
}
