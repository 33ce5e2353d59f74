/* past_cache.h - rows that are put where nobody looks at them soon. Internal to io/. */
#ifndef NF_PAST_CACHE_H
#define NF_PAST_CACHE_H

#include <stddef.h>
#include <stdint.h>

/* Copies `rows` rows of `bytes` each, strides in bytes, without reading the lines that are written, nor
 * keeping them in the caches: for memory much larger than these. Where the processor has no such
 * stores, an ordinary copy. */
void nf_copy_past_cache(int64_t rows, size_t bytes, char *to, ptrdiff_t to_stride, const char *from,
                        ptrdiff_t from_stride);

#endif
