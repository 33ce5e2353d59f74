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

/* Access properties: the serial driver, whatever HDF5 was built for; elements aligned. */
hid_t nf_h5_access(void);
hid_t nf_h5_open_file(const char *file, unsigned flags);

/* Between these calls of one thread a crash inside HDF5 ends the process with a message that names the
 * file, and without part files. Not nested. */
void nf_h5_enter(const char *file);
void nf_h5_leave(void);

/* The native type; not to be closed. */
hid_t nf_h5_memory_type(nf_dtype dtype);

/* The methods of nf_format_hdf5; see io/format.h. */
nf_status nf_h5_open(const char *file, const char *dataset, void **state, nf_shape *shape);
nf_status nf_h5_read(void *state, const nf_box *box, void *cells, const ptrdiff_t stride[NF_DIMS]);
void nf_h5_close(void *state);
bool nf_h5_checksum(void *state, uint64_t *sum);
nf_status nf_h5_create(const char *part, const char *target, const char *dataset,
                       const nf_shape *shape, int quality, const nf_provenance *provenance,
                       void **state, int64_t *raw_offset);
void nf_h5_seal(void *state, uint64_t checksum);
nf_status nf_h5_finish(void *state);
void nf_h5_abandon(void *state);

#endif
