#include "io/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    MAX_PIECES = 1024, /* IOV_MAX of Linux */
    MAX_CALL = 1 << 30,
    BUFFER = 1 << 20 /* bytes that elements are converted through */
};

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

/* Pieces of memory that follow each other in the file, collected for one call. */
typedef struct run {
    int fd;
    bool writing;
    int64_t at;    /* file position of the first piece */
    int64_t bytes; /* of all pieces */
    int pieces;
    struct iovec piece[MAX_PIECES];
} run;

enum { ENDS_EARLY = -1 }; /* beside errno's values: the file does */

/* Leaves out the first `done` bytes. */
static int run_advance(run *r, int first, size_t done)
{
    while (first < r->pieces && done >= r->piece[first].iov_len)
        done -= r->piece[first++].iov_len;
    if (done > 0) {
        r->piece[first].iov_base = (char *)r->piece[first].iov_base + done;
        r->piece[first].iov_len -= done;
    }
    return first;
}

/* 0, an errno or ENDS_EARLY. Empties the run. */
static int run_flush(run *r)
{
    for (int first = 0; first < r->pieces;) {
        const struct iovec *from = r->piece + first;
        int count = r->pieces - first;
        ssize_t done =
            r->writing ? pwritev(r->fd, from, count, r->at) : preadv(r->fd, from, count, r->at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : r->writing ? EIO : ENDS_EARLY;
        r->at += done;
        first = run_advance(r, first, (size_t)done);
    }
    r->pieces = 0;
    r->bytes = 0;
    return 0;
}

/* Adds bytes at a file position; they may be longer than one call can be. */
static int run_add(run *r, int64_t at, char *memory, int64_t bytes)
{
    while (bytes > 0) {
        int64_t now = bytes < MAX_CALL ? bytes : MAX_CALL;
        struct iovec *last = r->pieces > 0 ? &r->piece[r->pieces - 1] : NULL;
        bool follows = last != NULL && r->at + r->bytes == at && r->bytes + now <= MAX_CALL;
        if (follows && (char *)last->iov_base + last->iov_len == memory) {
            last->iov_len += (size_t)now;
        } else {
            int error = follows && r->pieces < MAX_PIECES ? 0 : run_flush(r);
            if (error != 0)
                return error;
            if (r->pieces == 0)
                r->at = at;
            r->piece[r->pieces++] = (struct iovec){memory, (size_t)now};
        }
        r->bytes += now, at += now, memory += now, bytes -= now;
    }
    return 0;
}

static nf_status fail(const char *name, bool writing, int error)
{
    if (error == 0)
        return NF_OK;
    if (error == ENDS_EARLY)
        return nf_fail(NF_ERR_FILE,
                       "%s: ends before its array does: it was cut short, or is still "
                       "being written",
                       name);
    return nf_fail(NF_ERR_FILE, "%s: cannot be %s: %s", name, writing ? "written" : "read",
                   strerror(error));
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

/* ---- elements as they are in memory ---- */

static int move_rows(const nf_raw *raw, const nf_box *box, char *cells,
                     const ptrdiff_t stride[NF_DIMS], bool writing)
{
    run r = {.fd = raw->fd, .writing = writing};
    int64_t bytes = nf_box_extent(box, 2) * (int64_t)nf_cell_bytes(&raw->shape);
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(raw->shape.dtype);
    int error = 0;
    for (int64_t z = box->lo[0]; z < box->hi[0] && error == 0; z++)
        for (int64_t y = box->lo[1]; y < box->hi[1] && error == 0; y++) {
            ptrdiff_t row = (z - box->lo[0]) * stride[0] + (y - box->lo[1]) * stride[1];
            error = run_add(&r, row_at(raw, z, y, box->lo[2]), cells + row * size, bytes);
        }
    return error == 0 ? run_flush(&r) : error;
}

/* ---- elements of another type or byte order ---- */

/* One run of elements of a row, through the buffer. */
static int convert(const nf_raw *raw, int64_t at, int64_t count, char *cells, void *buffer,
                   bool writing)
{
    nf_element element = raw->layout.element;
    int64_t bytes = count * (int64_t)nf_element_size(element.type);
    run r = {.fd = raw->fd, .writing = writing};
    if (writing)
        nf_element_encode(element, raw->shape.dtype, count, cells, buffer);
    int error = run_add(&r, at, buffer, bytes);
    if (error == 0)
        error = run_flush(&r);
    if (error == 0 && !writing)
        nf_element_decode(element, count, buffer, cells);
    return error;
}

static int convert_row(const nf_raw *raw, int64_t at, int64_t count, char *cells, void *buffer,
                       bool writing)
{
    int64_t size = (int64_t)nf_element_size(raw->layout.element.type), most = BUFFER / size;
    int64_t own = (int64_t)nf_dtype_size(raw->shape.dtype);
    int error = 0;
    for (int64_t i = 0; i < count && error == 0; i += most) {
        int64_t n = count - i < most ? count - i : most;
        error = convert(raw, at + i * size, n, cells + i * own, buffer, writing);
    }
    return error;
}

static int convert_rows(const nf_raw *raw, const nf_box *box, char *cells,
                        const ptrdiff_t stride[NF_DIMS], bool writing)
{
    int64_t count = nf_box_extent(box, 2) * raw->shape.channels;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(raw->shape.dtype);
    void *buffer = aligned_alloc(64, BUFFER);
    int error = buffer == NULL ? ENOMEM : 0;
    for (int64_t z = box->lo[0]; z < box->hi[0] && error == 0; z++)
        for (int64_t y = box->lo[1]; y < box->hi[1] && error == 0; y++) {
            ptrdiff_t row = (z - box->lo[0]) * stride[0] + (y - box->lo[1]) * stride[1];
            error = convert_row(raw, row_at(raw, z, y, box->lo[2]), count, cells + row * size,
                                buffer, writing);
        }
    free(buffer);
    return error;
}

static nf_status move(const nf_raw *raw, const nf_box *box, char *cells,
                      const ptrdiff_t stride[NF_DIMS], bool writing)
{
    nf_element native = nf_element_native(raw->shape.dtype), there = raw->layout.element;
    bool same = native.type == there.type && !there.swapped;
    if (nf_box_empty(box))
        return NF_OK;
    return fail(raw->name, writing,
                (same ? move_rows : convert_rows)(raw, box, cells, stride, writing));
}

nf_status nf_raw_read(const nf_raw *raw, const nf_box *box, void *cells,
                      const ptrdiff_t stride[NF_DIMS])
{
    return move(raw, box, cells, stride, false);
}

nf_status nf_raw_write(const nf_raw *raw, const nf_box *box, const void *cells,
                       const ptrdiff_t stride[NF_DIMS])
{
    return move(raw, box, (char *)(uintptr_t)cells, stride, true); /* it is only read */
}

/* ---- plain bytes ---- */

static nf_status move_at(int fd, int64_t at, int64_t bytes, char *memory, const char *name,
                         bool writing)
{
    run r = {.fd = fd, .writing = writing};
    int error = run_add(&r, at, memory, bytes);
    return fail(name, writing, error == 0 ? run_flush(&r) : error);
}

nf_status nf_raw_read_at(int fd, int64_t at, int64_t bytes, void *to, const char *name)
{
    return move_at(fd, at, bytes, to, name, false);
}

nf_status nf_raw_write_at(int fd, int64_t at, int64_t bytes, const void *from, const char *name)
{
    return move_at(fd, at, bytes, (char *)(uintptr_t)from, name, true); /* it is only read */
}
