/* format.h - the method table behind which every file format stands. Internal to io/.
 *
 * A format knows one process and one file; it knows nothing of ranks. io/array.c brings the ranks.
 */
#ifndef NF_FORMAT_H
#define NF_FORMAT_H

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"
#include "io/array.h"

enum { NF_HEAD = 16 }; /* bytes that a format is recognised by */

typedef struct nf_format {
    const char *name;            /* "PNG" */
    const char *const *suffixes; /* NULL-terminated, lower case, with the dot */
    const char *holds;           /* for messages: "u8 or u16, 2-D, 1 to 4 channels" */
    bool random_access;          /* read: any box; otherwise rows in ascending order, each once */

    bool (*recognise)(const unsigned char head[NF_HEAD], size_t bytes);
    bool (*can_hold)(const nf_shape *shape);

    nf_status (*open)(const char *file, const char *dataset, void **reader, nf_shape *shape);
    nf_status (*read)(void *reader, const nf_box *box, void *cells,
                      const ptrdiff_t stride[NF_DIMS]);
    void (*close)(void *reader);
    /* The checksum that the file has of the cells, known when they were read; false: it has none. NULL
     * where the format cannot keep one. */
    bool (*checksum)(void *reader, uint64_t *sum);

    /* Creates `part`, which takes the place of `target` later. Where the format stores rows raw at
     * a fixed place, *raw_offset is set to the file position of the first element (dense, C order,
     * native type) and the bytes are written by the ranks themselves; otherwise it is -1 and rows
     * come by write_rows, in order, dense. */
    nf_status (*create)(const char *part, const char *target, const char *dataset,
                        const nf_shape *shape, int quality, const nf_provenance *provenance,
                        void **writer, int64_t *raw_offset);
    nf_status (*write_rows)(void *writer, int64_t y0, int64_t y1, const void *rows);
    void (*seal)(void *writer,
                 uint64_t checksum);   /* to be kept in the file, before finish; only where
                                                      provenance->checksum; NULL as above */
    nf_status (*finish)(void *writer); /* everything written: close; frees the writer */
    void (*abandon)(void *writer);     /* close whatever is open; frees the writer */
} nf_format;

/* Whether an existing HDF5 file has anything by the name of a dataset; NULL: that which is written
 * where none is named. Fails if the file cannot be opened. */
nf_status nf_h5_has(const char *file, const char *dataset, bool *has);

extern const nf_format nf_format_hdf5, nf_format_png, nf_format_jpeg;

#endif
