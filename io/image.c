#include "io/image.h"

#include "drivers/engine/status.h"

nf_status nf_image_check(const nf_shape *shape, const char *file, const char *format)
{
    nf_status status = nf_shape_check(shape, file);
    if (status != NF_OK)
        return status;
    char text[NF_SHAPE_TEXT];
    if (nf_shape_bytes(shape) > (size_t)NF_IMAGE_LIMIT)
        return nf_fail(
            NF_ERR_SHAPE,
            "%s: a %s image of %s takes %zu MiB; the limit for images is %lld MiB: larger "
            "arrays go in HDF5",
            file, format, nf_shape_text(shape, text), nf_shape_bytes(shape) >> 20,
            (long long)(NF_IMAGE_LIMIT >> 20));
    return NF_OK;
}
