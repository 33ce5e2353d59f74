/* format.h - the method table behind which every file format stands. Internal to io/.
 *
 * A format knows one process and one file; it knows nothing of ranks or threads. io/array_*.c bring
 * them. One thread at a time calls a reader or a writer; several may be called at once. */
#ifndef NF_FORMAT_H
#define NF_FORMAT_H

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"
#include "io/array.h"
#include "io/layout.h"

enum { NF_HEAD = 16 };   /* bytes that a format is recognised by */
enum { NF_SUMS = 4096 }; /* checksums of one output, at most: an attribute of HDF5 has 64 KiB */

typedef struct nf_format {
    const char *name;            /* "PNG" */
    const char *const *suffixes; /* NULL-terminated, lower case, with the dot */
    const char *holds;           /* for messages: "u8 or u16, 2-D, 1 to 4 channels" */
    bool random_access;          /* read: any box; otherwise rows in ascending order, each once */
    bool chunks;                 /* outputs: what nf_output asks of chunks and compression */
    bool compresses;             /* outputs: as nf_output asks, though without chunks */
    bool stores; /* outputs: elements of any nf_element_type, not only as they were computed */
    bool stacks; /* outputs: stacks of arrays */
    bool
        resumes; /* outputs: create takes up a part file that is laid out (output->again), if dense */

    /* NULL: never recognised, only described. */
    bool (*recognise)(const unsigned char head[NF_HEAD], size_t bytes);
    bool (*can_hold)(const nf_shape *shape);

    nf_status (*open)(const char *file, const char *dataset, void **reader, nf_shape *shape);
    /* Where the elements lie. NULL, or NF_LAYOUT_NONE: they come by read alone. */
    void (*layout)(void *reader, nf_layout *layout);
    /* Chunks: the place of the one with these indices (its box begins at index * chunk). */
    nf_status (*locate)(void *reader, const int64_t index[NF_DIMS], nf_chunk *chunk);
    /* The dataset that was opened, the reader's. NULL: the format has none. */
    const char *(*dataset)(const void *reader);
    nf_status (*read)(void *reader, const nf_box *box, void *cells,
                      const ptrdiff_t stride[NF_DIMS]);
    /* How many threads read may use, before any read; NULL: one alone. */
    void (*read_threads)(void *reader, int threads);
    /* See nf_array_shrink. NULL: it cannot. */
    bool (*shrink)(void *reader, int eighths, nf_shape *shape);
    /* What else the file tells; the reader's. NULL: nothing, ever. */
    const nf_metadata *(*metadata)(void *reader);
    const char *(*remark)(void *reader); /* see nf_array_remark. NULL: nothing, ever */
    void (*close)(void *reader);
    /* See nf_array_stack and nf_array_list; NULL: there are no stacks, one array a file. */
    nf_status (*stack)(const char *file, const char *dataset, int dims, nf_stack *stack);
    nf_status (*list)(const char *file, FILE *out);
    /* The checksum that the file has of the cells as they are read; false: it has none. NULL where the
     * format cannot keep one. */
    bool (*checksum)(void *reader, uint64_t *sum);

    /* Creates `part`, which takes the place of `target` later, and tells the layout in which the
     * ranks write the elements themselves; NF_LAYOUT_NONE: rows come by write_rows, in order, dense,
     * of the shape's type; y0 and y1 count the rows of all planes. */
    nf_status (*create)(const char *part, const char *target, const char *dataset,
                        const nf_shape *shape, const nf_output *output, void **writer,
                        nf_layout *layout);
    /* Chunks: gives each of n chunks of so many bytes, of an item of the stack (0 where there is
     * none), its place in the file. */
    nf_status (*allot)(void *writer, int64_t item, size_t n, const int64_t (*index)[NF_DIMS],
                       nf_chunk *chunks);
    /* How many threads write_rows may use, told before its first call. They change no byte of the
     * file. NULL: it uses one. */
    void (*write_threads)(void *writer, int threads);
    nf_status (*write_rows)(void *writer, int64_t y0, int64_t y1, const void *rows);
    const char *(*left)(void *writer); /* see nf_array_left. NULL: nothing, ever */
    /* The checksums to be kept in the file, of all items of a stack, before finish; only where
     * output->checksum; the array stays until then. NULL as above. */
    void (*seal)(void *writer, const uint64_t *checksums);
    nf_status (*finish)(void *writer); /* everything written: close; frees the writer */
    void (*abandon)(void *writer);     /* close whatever is open; frees the writer */
} nf_format;

/* Whether an existing HDF5 file has anything by the name of a dataset; NULL: that which is written
 * where none is named. Fails if the file cannot be opened. */
nf_status nf_h5_has(const char *file, const char *dataset, bool *has);

/* Whether an output asks for what needs chunks. */
static inline bool nf_output_chunked(const nf_output *output)
{
    return output->compression.id != NF_CODEC_NONE || output->shuffle || output->fletcher32 ||
           output->chunk[NF_DIMS - 1] != 0;
}

/* What the elements of an output are: as asked for, otherwise the shape's own type. */
static inline nf_element nf_output_element(const nf_output *output, const nf_shape *shape)
{
    return output->store != NF_EL_NONE ? (nf_element){output->store, false}
                                       : nf_element_native(shape->dtype);
}

extern const nf_format nf_format_hdf5, nf_format_png, nf_format_jpeg, nf_format_npy, nf_format_pnm,
    nf_format_pnm_text, nf_format_pfm, nf_format_raw, nf_format_tiff;

#endif
