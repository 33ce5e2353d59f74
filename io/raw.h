/* raw.h - boxes of a dense array in a file, by plain reads and writes. Internal to io/. */
#ifndef NF_RAW_H
#define NF_RAW_H

#include "drivers/engine/status.h"
#include "io/layout.h"

/* A file with a dense array of this shape. */
typedef struct nf_raw {
    int fd;
    const char *name; /* for messages; not owned */
    nf_shape shape;
    nf_layout layout;
} nf_raw;

/* Reserves `bytes` from `offset` on, so that a full disk shows now and not after hours of work.
 * Where the file system cannot reserve, its free space is looked at. `target` is for the message.
 */
nf_status nf_raw_reserve(int fd, int64_t offset, int64_t bytes, const char *target);

/* Bytes of the whole array in the file. */
int64_t nf_raw_bytes(const nf_raw *raw);

/* A box inside the array, to and from memory of the shape's type. Rows that are neighbours in the
 * file go in one call, whether or not they are in memory; short transfers are continued; a file that
 * ends too early is an error. Strides in elements. */
nf_status nf_raw_read(const nf_raw *raw, const nf_box *box, void *cells,
                      const ptrdiff_t stride[NF_DIMS]);
nf_status nf_raw_write(const nf_raw *raw, const nf_box *box, const void *cells,
                       const ptrdiff_t stride[NF_DIMS]);

#endif
