#include "drivers/engine/dense.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

enum { MAX_PIECES = 1024 /* IOV_MAX of Linux */, MAX_CALL = 1 << 30, AT_END = -1 };

/* Pieces of memory that follow each other in the file, collected for one call. */
typedef struct run {
    int fd;
    bool writes;
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

/* 0, an errno or AT_END. Empties the run. */
static int run_flush(run *r)
{
    for (int first = 0; first < r->pieces;) {
        const struct iovec *pieces = r->piece + first;
        ssize_t done = r->writes ? pwritev(r->fd, pieces, r->pieces - first, r->at)
                                 : preadv(r->fd, pieces, r->pieces - first, r->at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : r->writes ? EIO : AT_END;
        r->at += done;
        first = run_advance(r, first, (size_t)done);
    }
    r->pieces = 0;
    r->bytes = 0;
    return 0;
}

/* Adds bytes at a file position; they may be longer than one call can be. Returns as run_flush. */
static int run_add(run *r, int64_t at, char *cells, int64_t bytes)
{
    while (bytes > 0) {
        int64_t now = bytes < MAX_CALL ? bytes : MAX_CALL;
        struct iovec *last = r->pieces > 0 ? &r->piece[r->pieces - 1] : NULL;
        bool follows = last != NULL && r->at + r->bytes == at && r->bytes + now <= MAX_CALL;
        if (follows && (char *)last->iov_base + last->iov_len == cells) {
            last->iov_len += (size_t)now;
        } else {
            int error = follows && r->pieces < MAX_PIECES ? 0 : run_flush(r);
            if (error != 0)
                return error;
            if (r->pieces == 0)
                r->at = at;
            r->piece[r->pieces++] = (struct iovec){cells, (size_t)now};
        }
        r->bytes += now, at += now, cells += now, bytes -= now;
    }
    return 0;
}

static nf_status ended(const char *name, bool writes, int error)
{
    if (error == 0)
        return NF_OK;
    if (error == AT_END)
        return nf_fail(NF_ERR_FILE,
                       "%s: ends before its array does: it was cut short, or is still "
                       "being written",
                       name);
    return nf_fail(NF_ERR_FILE, "%s: cannot be %s: %s", name, writes ? "written" : "read",
                   strerror(error));
}

static nf_status move(const nf_dense *dense, const nf_box *box, char *cells,
                      const ptrdiff_t stride[NF_DIMS], bool writes)
{
    const int64_t *dim = dense->shape.dim;
    int64_t cell = (int64_t)nf_cell_bytes(&dense->shape), row = nf_box_extent(box, 2) * cell;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(dense->shape.dtype);
    int error = 0;
    run r = {.fd = dense->fd, .writes = writes};
    for (int64_t z = box->lo[0]; z < box->hi[0] && error == 0; z++)
        for (int64_t y = box->lo[1]; y < box->hi[1] && error == 0; y++) {
            int64_t at = (z * dim[1] + y) * dim[2] + box->lo[2];
            ptrdiff_t place = (z - box->lo[0]) * stride[0] + (y - box->lo[1]) * stride[1];
            error = run_add(&r, dense->offset + at * cell, cells + place * size, row);
        }
    if (error == 0)
        error = run_flush(&r);
    return ended(dense->name, writes, error);
}

nf_status nf_dense_read(const nf_dense *dense, const nf_box *box, void *cells,
                        const ptrdiff_t stride[NF_DIMS])
{
    return move(dense, box, cells, stride, false);
}

/* pwritev reads only; iovec has no const. */
nf_status nf_dense_write(const nf_dense *dense, const nf_box *box, const void *cells,
                         const ptrdiff_t stride[NF_DIMS])
{
    return move(dense, box, (void *)(uintptr_t)cells, stride, true);
}

static nf_status move_bytes(int fd, int64_t at, int64_t bytes, char *memory, const char *name,
                            bool writes)
{
    run r = {.fd = fd, .writes = writes};
    int error = run_add(&r, at, memory, bytes);
    return ended(name, writes, error == 0 ? run_flush(&r) : error);
}

nf_status nf_bytes_read(int fd, int64_t at, int64_t bytes, void *to, const char *name)
{
    return move_bytes(fd, at, bytes, to, name, false);
}

nf_status nf_bytes_write(int fd, int64_t at, int64_t bytes, const void *from, const char *name)
{
    return move_bytes(fd, at, bytes, (char *)(uintptr_t)from, name, true); /* it is only read */
}
