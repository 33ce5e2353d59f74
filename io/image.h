/* image.h - what the image codecs share. Internal to io/, but for the limit. */
#ifndef NF_IMAGE_H
#define NF_IMAGE_H

#include "drivers/engine/shape.h"

/* Pixels (cells, those of all pages together) of the largest image that is decoded: a file of
 * kilobytes can claim any number, and can even hold it. `--max-pixels`; the same on all ranks. */
extern int64_t nf_max_pixels;
#define NF_MAX_PIXELS ((int64_t)1 << 30) /* what it is at first: 32768 x 32768 */

/* Fails unless the shape is sound and within the limit. To be called before anything is allocated. */
nf_status nf_image_check(const nf_shape *shape, const char *file, const char *format);

#endif
