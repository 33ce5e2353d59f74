/* stream.h - copies that go around the caches: for output that will not be read again before it
 * has left them anyway. A plain store first reads the line that it overwrites; these do not. */
#ifndef NF_STREAM_H
#define NF_STREAM_H

#include "drivers/engine/shape.h"

/* As nf_copy_box (field.h), by streaming stores where the processor has them. nf_stream_end, by the
 * same thread, orders what it has stored before what it does next. */
void nf_stream_box(const int64_t extent[NF_DIMS], int channels, nf_dtype dtype, void *to,
                   const ptrdiff_t to_stride[NF_DIMS], const void *from,
                   const ptrdiff_t from_stride[NF_DIMS]);
void nf_stream_end(void);

#endif
