#include "drivers/engine/stream.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

enum { LINE = 64 };

static void stream_row(char *to, const char *from, size_t bytes)
{
    size_t head = (LINE - (uintptr_t)to % LINE) % LINE;
    head = head < bytes ? head : bytes;
    memcpy(to, from, head);
    size_t i = head;
    for (; i + LINE <= bytes; i += LINE) {
        __m128i *line = (__m128i *)(void *)(to + i);
        for (int j = 0; j < LINE / 16; j++)
            _mm_stream_si128(line + j,
                             _mm_loadu_si128((const __m128i *)(const void *)(from + i) + j));
    }
    memcpy(to + i, from + i, bytes - i);
}

void nf_stream_end(void)
{
    _mm_sfence();
}
#else
static void stream_row(char *to, const char *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

void nf_stream_end(void)
{
}
#endif

void nf_stream_box(const int64_t extent[NF_DIMS], int channels, nf_dtype dtype, void *to,
                   const ptrdiff_t to_stride[NF_DIMS], const void *from,
                   const ptrdiff_t from_stride[NF_DIMS])
{
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(dtype);
    size_t row = (size_t)(extent[2] * channels * size);
    for (int64_t z = 0; z < extent[0]; z++)
        for (int64_t y = 0; y < extent[1]; y++)
            stream_row((char *)to + (z * to_stride[0] + y * to_stride[1]) * size,
                       (const char *)from + (z * from_stride[0] + y * from_stride[1]) * size, row);
}
