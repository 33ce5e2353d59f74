/* image.h - what the image codecs share. Internal to io/. */
#ifndef NF_IMAGE_H
#define NF_IMAGE_H

#include "drivers/engine/shape.h"

/* The largest image that is decoded, in bytes of pixels: a file of kilobytes can claim any size. */
#define NF_IMAGE_LIMIT ((int64_t)4 << 30)

/* Fails unless the shape is sound and within the limit. */
nf_status nf_image_check(const nf_shape *shape, const char *file, const char *format);

#endif
