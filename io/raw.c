#include "io/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_PIECES = 1024 /* IOV_MAX of Linux */, MAX_CALL = 1 << 30 };

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
    int64_t at;    /* file position of the first piece */
    int64_t bytes; /* of all pieces */
    int pieces;
    struct iovec piece[MAX_PIECES];
} run;

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

/* 0 or an errno. Empties the run. */
static int run_flush(run *r)
{
    for (int first = 0; first < r->pieces;) {
        ssize_t done = pwritev(r->fd, r->piece + first, r->pieces - first, r->at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : EIO;
        r->at += done;
        first = run_advance(r, first, (size_t)done);
    }
    r->pieces = 0;
    r->bytes = 0;
    return 0;
}

/* Adds bytes at a file position; they may be longer than one call can be. 0 or an errno. */
static int run_add(run *r, int64_t at, const char *from, int64_t bytes)
{
    while (bytes > 0) {
        int64_t now = bytes < MAX_CALL ? bytes : MAX_CALL;
        struct iovec *last = r->pieces > 0 ? &r->piece[r->pieces - 1] : NULL;
        bool follows = last != NULL && r->at + r->bytes == at && r->bytes + now <= MAX_CALL;
        if (follows && (char *)last->iov_base + last->iov_len == from) {
            last->iov_len += (size_t)now;
        } else {
            int error = follows && r->pieces < MAX_PIECES ? 0 : run_flush(r);
            if (error != 0)
                return error;
            if (r->pieces == 0)
                r->at = at;
            /* pwritev reads only; iovec has no const. */
            r->piece[r->pieces++] = (struct iovec){(void *)(uintptr_t)from, (size_t)now};
        }
        r->bytes += now, at += now, from += now, bytes -= now;
    }
    return 0;
}

nf_status nf_raw_write(int fd, int64_t offset, const nf_field *field, const char *target)
{
    const nf_shape *shape = &field->cut.shape;
    const nf_box *own = &field->own;
    if (nf_box_empty(own))
        return NF_OK;
    int64_t cell = shape->channels * (int64_t)nf_dtype_size(shape->dtype);
    int error = 0;
    run r = {.fd = fd};
    for (int64_t z = own->lo[0]; z < own->hi[0] && error == 0; z++)
        for (int64_t y = own->lo[1]; y < own->hi[1] && error == 0; y++) {
            int64_t row = (z * shape->dim[1] + y) * shape->dim[2] + own->lo[2];
            const char *from = nf_field_at(field, (const int64_t[]){z, y, own->lo[2]});
            error = run_add(&r, offset + row * cell, from, nf_box_extent(own, 2) * cell);
        }
    if (error == 0)
        error = run_flush(&r);
    if (error != 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", target, strerror(error));
    return NF_OK;
}
