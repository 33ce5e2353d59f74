#include "io/past_cache.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __SSE2__
enum { LINE = 64 };

static void copy_row(char *to, const char *from, size_t bytes)
{
    size_t head = (size_t)(-(uintptr_t)to % LINE);
    head = head < bytes ? head : bytes;
    memcpy(to, from, head);
    for (to += head, from += head, bytes -= head; bytes >= LINE;
         to += LINE, from += LINE, bytes -= LINE)
        for (int i = 0; i < LINE; i += (int)sizeof(__m128i))
            _mm_stream_si128((__m128i *)(void *)(to + i),
                             _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
    memcpy(to, from, bytes);
}
#else
static void copy_row(char *to, const char *from, size_t bytes)
{
    memcpy(to, from, bytes);
}
#endif

void nf_copy_past_cache(int64_t rows, size_t bytes, char *to, ptrdiff_t to_stride, const char *from,
                        ptrdiff_t from_stride)
{
    for (int64_t y = 0; y < rows; y++)
        copy_row(to + y * to_stride, from + y * from_stride, bytes);
#ifdef __SSE2__
    _mm_sfence(); /* other threads find what was written before them */
#endif
}
