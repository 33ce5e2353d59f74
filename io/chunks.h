/* chunks.h - boxes of an array that is stored in chunks, each encoded by itself: read and decoded,
 * encoded and written by all threads at once. Internal to io/. */
#ifndef NF_CHUNKS_H
#define NF_CHUNKS_H

#include "drivers/engine/status.h"
#include "io/codec.h"

enum {
    NF_CHUNK_MOST = 256 << 20, /* bytes of a chunk that is written */
    NF_CHUNK_TEXT = 72
};

/* A chunk's extents of about 1 MiB: alike in all dimensions as far as the array is, and so that the
 * chunks at the array's far edges are nearly full. `size`: bytes of an element in the file. */
void nf_chunk_choose(const nf_shape *shape, size_t size, int64_t chunk[NF_DIMS]);
/* "256x256": one to three extents, those that are missing before them being 0; "auto": 0, 0, -1. */
nf_status nf_chunk_parse(const char *option, const char *text, int64_t chunk[NF_DIMS]);

int64_t nf_chunk_bytes(const nf_shape *shape, const nf_layout *layout); /* decoded, in the file */
int64_t nf_chunk_count(const nf_shape *shape, const nf_layout *layout); /* of the whole array */
/* "3,5": the indices along the dimensions that the array has. */
const char *nf_chunk_text(const nf_shape *shape, const int64_t index[NF_DIMS],
                          char text[NF_CHUNK_TEXT]);

/* An array in chunks, in a file of this process's own. */
typedef struct nf_chunked {
    int fd;
    const char *name; /* for messages; not owned */
    nf_shape shape;
    nf_layout layout;
    int threads;
    struct nf_chunk_worker *workers; /* of each thread; NULL before they are needed */
} nf_chunked;

void nf_chunked_free(nf_chunked *chunked); /* the workers */

/* Where a chunk is: nf_format.locate and its reader. Called by the calling thread alone. */
typedef nf_status nf_chunk_locate(void *reader, const int64_t index[NF_DIMS], nf_chunk *chunk);

/* A box inside the array, to memory of the shape's type (strides in elements). Each thread holds at
 * most four chunks, decoded or not. Chunks that are damaged are named by their indices and place. */
nf_status nf_chunked_read(nf_chunked *chunked, nf_chunk_locate *locate, void *reader,
                          const nf_box *box, void *cells, const ptrdiff_t stride[NF_DIMS]);

/* A chunk on its way into the file. */
typedef struct nf_encoded {
    nf_chunk chunk;
    void *bytes; /* NULL: it is in the box as it shall be in the file */
} nf_encoded;

/* The chunks of a box that begins and ends at chunks or at the array's end, in C order, their cells
 * behind the array's end being 0. list[nf_chunks_of(box)] is the caller's to free by
 * nf_encoded_free. */
nf_status nf_chunked_encode(nf_chunked *chunked, const nf_box *box, const void *cells,
                            const ptrdiff_t stride[NF_DIMS], nf_encoded **list);
/* Writes them to their addresses, which are set. */
nf_status nf_chunked_store(const nf_chunked *chunked, const nf_box *box, const void *cells,
                           const ptrdiff_t stride[NF_DIMS], const nf_encoded *list);
void nf_encoded_free(nf_encoded *list, int64_t count); /* NULL is allowed */

/* How many chunks a box reaches into, and the indices of the i-th of them in C order. */
int64_t nf_chunks_of(const nf_layout *layout, const nf_box *box);
void nf_chunk_index(const nf_layout *layout, const nf_box *box, int64_t i, int64_t index[NF_DIMS]);

#endif
