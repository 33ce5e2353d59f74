#include "io/image.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers/engine/status.h"

int64_t nf_max_pixels;

nf_status nf_image_check(const nf_shape *shape, int fd, const char *file, const char *format)
{
    struct stat info;
    char text[NF_SHAPE_TEXT];
    nf_status status = nf_shape_check(shape, file);
    if (status != NF_OK)
        return status;
    if (fstat(fd, &info) != 0)
        return nf_fail(NF_ERR_FILE, "%s: %s", file, strerror(errno));
    if (nf_max_pixels == 0 && (int64_t)nf_shape_bytes(shape) / NF_EXPANSION <= info.st_size)
        return NF_OK;
    int64_t most = nf_max_pixels > 0 ? nf_max_pixels : NF_MAX_PIXELS;
    if (nf_shape_cells(shape) <= most)
        return NF_OK;
    return nf_fail(NF_ERR_SHAPE,
                   "%s: a %s image of %s has %lld pixels; the limit for images is %lld: if it is "
                   "meant to be so large, raise that with --max-pixels",
                   file, format, nf_shape_text(shape, text), (long long)nf_shape_cells(shape),
                   (long long)most);
}
