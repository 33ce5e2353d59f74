/* dense.h - boxes of a dense array in a file, by plain reads and writes. */
#ifndef NF_DENSE_H
#define NF_DENSE_H

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"

typedef struct nf_dense {
    int fd;
    int64_t offset;   /* of the array's first element in the file */
    nf_shape shape;   /* C order, native type */
    const char *name; /* for messages; not owned */
} nf_dense;

/* A box from or to strided memory: `cells` is the element of cell box->lo, strides count elements.
 * Rows that are neighbours in the file go in one call, whether or not they are in memory; short
 * transfers are continued; an empty box is none. Errors: NF_ERR_FILE; the end of the file is one. */
nf_status nf_dense_read(const nf_dense *dense, const nf_box *box, void *cells,
                        const ptrdiff_t stride[NF_DIMS]);
nf_status nf_dense_write(const nf_dense *dense, const nf_box *box, const void *cells,
                         const ptrdiff_t stride[NF_DIMS]);

/* Plain bytes at a place in a file, with the same care. */
nf_status nf_bytes_read(int fd, int64_t at, int64_t bytes, void *to, const char *name);
nf_status nf_bytes_write(int fd, int64_t at, int64_t bytes, const void *from, const char *name);

#endif
