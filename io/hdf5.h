/* hdf5.h - what the hdf5*.c files share. Included by them alone.
 *
 * HDF5 is not safe for several threads: one thread of a process may be in it at a time. */
#ifndef NF_HDF5_H
#define NF_HDF5_H

#include <hdf5.h>

#include "io/format.h"

enum { NF_H5_RANK = NF_DIMS + 1 /* dimensions and channels */ };

/* Fails with HDF5's innermost reason. To be called right after the HDF5 call that failed: the next
 * one forgets its reason. dataset may be NULL. */
nf_status nf_h5_fail(const char *file, const char *dataset, const char *what);

/* Closes an identifier, if it is one, and keeps the reason of a call that failed before. */
void nf_h5_release(herr_t (*close_id)(hid_t), hid_t id);

/* Access properties: the driver below, whatever HDF5 was built for; elements aligned. */
hid_t nf_h5_access(void);
hid_t nf_h5_driver(void); /* not to be closed */

/* What HDF5 would have moved, in a file opened by that driver. */
typedef struct nf_h5_transfer {
    int count;              /* of transfers */
    int64_t address, bytes; /* of the last */
} nf_h5_transfer;

/* From now on elements are not moved, but noted; NULL: they are moved again. Metadata always are.
 * false: HDF5 failed. */
bool nf_h5_note(hid_t file, nf_h5_transfer *note);
hid_t nf_h5_open_file(const char *file, unsigned flags);

/* A chunked dataset, in a file that stays open: where its chunks are. */
typedef struct nf_h5_chunks {
    hid_t file, dataset;
    const char *path, *name; /* for messages; not owned */
    nf_shape shape;
    nf_layout layout;
} nf_h5_chunks;

/* Reading. Completes a layout whose `element` is set: NF_LAYOUT_CHUNKS if chunks.c can read them, all
 * of the channels in each and every filter known; otherwise NF_LAYOUT_NONE. */
void nf_h5_chunk_layout(hid_t dataset, const nf_shape *shape, nf_layout *layout);
nf_status nf_h5_chunk_locate(const nf_h5_chunks *chunks, const int64_t index[NF_DIMS],
                             nf_chunk *chunk);

/* Writing. The layout that an output asks for: NF_LAYOUT_CHUNKS or, unless it needs chunks,
 * NF_LAYOUT_DENSE; `element` is set. And its creation properties. */
nf_status nf_h5_chunk_choose(const char *target, const nf_shape *shape, const nf_output *output,
                             nf_layout *layout);
bool nf_h5_chunk_create(hid_t plist, const nf_shape *shape, const nf_layout *layout);

/* The dataset while its chunks are written: its file is open, and owned. */
typedef struct nf_h5_allotting nf_h5_allotting;
nf_status nf_h5_allot_begin(const char *part, const char *target, const char *name,
                            const nf_shape *shape, const nf_layout *layout,
                            nf_h5_allotting **allotting);
nf_status nf_h5_allot(nf_h5_allotting *allotting, size_t n, const int64_t (*index)[NF_DIMS],
                      nf_chunk *chunks);
/* Closes the file, opens it anew, and sees that all chunks of the array are there, each where it was
 * put and none upon another. Frees. */
nf_status nf_h5_allot_finish(nf_h5_allotting *allotting);
void nf_h5_allot_abandon(nf_h5_allotting *allotting); /* NULL is allowed */

/* The native type; not to be closed. */
hid_t nf_h5_memory_type(nf_dtype dtype);

/* The methods of nf_format_hdf5; see io/format.h. */
nf_status nf_h5_open(const char *file, const char *dataset, void **state, nf_shape *shape);
void nf_h5_layout(void *state, nf_layout *layout);
nf_status nf_h5_locate(void *state, const int64_t index[NF_DIMS], nf_chunk *chunk);
const char *nf_h5_dataset(const void *state);
nf_status nf_h5_read(void *state, const nf_box *box, void *cells, const ptrdiff_t stride[NF_DIMS]);
void nf_h5_close(void *state);
nf_status nf_h5_create(const char *part, const char *target, const char *dataset,
                       const nf_shape *shape, const nf_output *output, void **state,
                       nf_layout *layout);
nf_status nf_h5_give_places(void *state, size_t n, const int64_t (*index)[NF_DIMS],
                            nf_chunk *chunks);
nf_status nf_h5_finish(void *state);
void nf_h5_abandon(void *state);

#endif
