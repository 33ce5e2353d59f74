#include "io/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "drivers/engine/dense.h"

enum { BUFFER = 1 << 20 /* bytes that elements are converted through */ };

nf_status nf_raw_reserve(int fd, int64_t offset, int64_t bytes, const char *target)
{
    int result;
    do
        result = fallocate(fd, 0, offset, bytes);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return NF_OK;
    struct statvfs disk;
    bool known = fstatvfs(fd, &disk) == 0;
    unsigned long long free_bytes = known ? (unsigned long long)disk.f_bavail * disk.f_frsize : 0;
    bool cannot = errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
    if (cannot && (!known || free_bytes >= (unsigned long long)bytes))
        return NF_OK;
    return nf_fail(NF_ERR_FILE, "%s: %lld bytes cannot be reserved (%llu free on the disk): %s",
                   target, (long long)bytes, free_bytes, strerror(cannot ? ENOSPC : errno));
}

static int64_t row_at(const nf_raw *raw, int64_t z, int64_t y, int64_t x)
{
    const nf_shape *shape = &raw->shape;
    int64_t row = raw->layout.bottom_up ? shape->dim[1] - 1 - y : y;
    int64_t cell = (z * shape->dim[1] + row) * shape->dim[2] + x;
    int64_t size = (int64_t)nf_element_size(raw->layout.element.type);
    return raw->layout.offset + cell * shape->channels * size;
}

int64_t nf_raw_bytes(const nf_raw *raw)
{
    return nf_shape_elements(&raw->shape) * (int64_t)nf_element_size(raw->layout.element.type);
}

/* One run of elements of a row, through the buffer. */
static nf_status convert(const nf_raw *raw, int64_t at, int64_t count, char *cells, void *buffer,
                         bool writing)
{
    nf_element element = raw->layout.element;
    int64_t bytes = count * (int64_t)nf_element_size(element.type);
    if (writing) {
        nf_element_encode(element, raw->shape.dtype, count, cells, buffer);
        return nf_bytes_write(raw->fd, at, bytes, buffer, raw->name);
    }
    nf_status status = nf_bytes_read(raw->fd, at, bytes, buffer, raw->name);
    if (status == NF_OK)
        nf_element_decode(element, count, buffer, cells);
    return status;
}

static nf_status convert_row(const nf_raw *raw, int64_t at, int64_t count, char *cells,
                             void *buffer, bool writing)
{
    int64_t size = (int64_t)nf_element_size(raw->layout.element.type), most = BUFFER / size;
    int64_t own = (int64_t)nf_dtype_size(raw->shape.dtype);
    nf_status status = NF_OK;
    for (int64_t i = 0; i < count && status == NF_OK; i += most) {
        int64_t n = count - i < most ? count - i : most;
        status = convert(raw, at + i * size, n, cells + i * own, buffer, writing);
    }
    return status;
}

static nf_status convert_rows(const nf_raw *raw, const nf_box *box, char *cells,
                              const ptrdiff_t stride[NF_DIMS], bool writing)
{
    int64_t count = nf_box_extent(box, 2) * raw->shape.channels;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(raw->shape.dtype);
    nf_status status = NF_OK;
    void *buffer = aligned_alloc(64, BUFFER);
    if (buffer == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a buffer to convert in", raw->name);
    for (int64_t z = box->lo[0]; z < box->hi[0] && status == NF_OK; z++)
        for (int64_t y = box->lo[1]; y < box->hi[1] && status == NF_OK; y++) {
            ptrdiff_t row = (z - box->lo[0]) * stride[0] + (y - box->lo[1]) * stride[1];
            status = convert_row(raw, row_at(raw, z, y, box->lo[2]), count, cells + row * size,
                                 buffer, writing);
        }
    free(buffer);
    return status;
}

/* Elements as they are in memory, rows as they follow each other there. */
static bool is_plain(const nf_raw *raw)
{
    nf_element native = nf_element_native(raw->shape.dtype), there = raw->layout.element;
    return native.type == there.type && !there.swapped && !raw->layout.bottom_up;
}

nf_status nf_raw_read(const nf_raw *raw, const nf_box *box, void *cells,
                      const ptrdiff_t stride[NF_DIMS])
{
    const nf_dense dense = {raw->fd, raw->layout.offset, raw->shape, raw->name};
    if (is_plain(raw))
        return nf_dense_read(&dense, box, cells, stride);
    return convert_rows(raw, box, cells, stride, false);
}

nf_status nf_raw_write(const nf_raw *raw, const nf_box *box, const void *cells,
                       const ptrdiff_t stride[NF_DIMS])
{
    const nf_dense dense = {raw->fd, raw->layout.offset, raw->shape, raw->name};
    if (is_plain(raw))
        return nf_dense_write(&dense, box, cells, stride);
    return convert_rows(raw, box, (char *)(uintptr_t)cells, stride, true); /* it is only read */
}
