#include "io/image.h"

#include "drivers/engine/status.h"

int64_t nf_max_pixels = NF_MAX_PIXELS;

nf_status nf_image_check(const nf_shape *shape, const char *file, const char *format)
{
    nf_status status = nf_shape_check(shape, file);
    char text[NF_SHAPE_TEXT];
    if (status == NF_OK && nf_shape_cells(shape) > nf_max_pixels)
        status = nf_fail(NF_ERR_SHAPE,
                         "%s: a %s image of %s has %lld pixels; the limit for images is %lld: if "
                         "it is meant to be so large, raise that with --max-pixels",
                         file, format, nf_shape_text(shape, text), (long long)nf_shape_cells(shape),
                         (long long)nf_max_pixels);
    return status;
}
