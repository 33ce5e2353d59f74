/* image.h - what the image codecs share. Internal to io/, but for the limit. */
#ifndef NF_IMAGE_H
#define NF_IMAGE_H

#include "drivers/engine/shape.h"

/* Pixels (cells, those of all pages together) of the largest image that is read: `--max-pixels`, the
 * same on all ranks. 0: not told, which is NF_MAX_PIXELS where an image takes more than NF_EXPANSION
 * times the bytes of its file, as one of few bytes can claim to be of any size and even be so, and no
 * limit elsewhere. */
extern int64_t nf_max_pixels;
#define NF_MAX_PIXELS ((int64_t)1 << 30) /* 32768 x 32768 */
enum { NF_EXPANSION = 100 };

/* Fails unless the shape is sound and within the limit. To be called before anything is allocated.
 * `fd`: the image's file. */
nf_status nf_image_check(const nf_shape *shape, int fd, const char *file, const char *format);

#endif
