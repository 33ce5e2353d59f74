/* array.h - arrays in files: `FILE` or `FILE:/dataset`, whatever the format, to and from fields.
 *
 * A file's kind is told from its content when read, and from its suffix when written (.h5 .hdf5,
 * .png, .jpg .jpeg; a `:/dataset` always means HDF5).
 *
 * HDF5 datasets have 1 to 3 dimensions and, as a last extent of 2 to 4, channels: those that the
 * attribute `nfold_channels` tells (nfold writes it); without it, a dataset of 3 or 4 dimensions
 * whose last extent is 2 to 4 has channels, and so has one of 4 whose last extent is 1. Where no
 * dataset is named, the only suitable one is read, and `/data` is written. */
#ifndef NF_ARRAY_H
#define NF_ARRAY_H

#include "drivers/engine/field.h"
#include "drivers/engine/watch.h"

/* A file name as typed, split at its last ":/" unless there is a file of the whole name. */
typedef struct nf_path {
    char *file;
    char *dataset; /* without a leading colon, "/image"; NULL: none given */
} nf_path;

nf_status nf_path_parse(const char *typed, nf_path *path); /* owns its strings */
void nf_path_free(nf_path *path);

typedef struct nf_array_reader nf_array_reader;

/* Collective. Opens an array and tells its shape. Errors: missing or unreadable file, a directory,
 * an empty file, a content that is no known format (says what it looks like), several datasets and
 * none named (lists them), an element type or a rank that nfold does not take, a zero extent. */
nf_status nf_array_open(const nf_world *world, const char *typed, nf_array_reader **reader,
                        nf_shape *shape);
/* Collective. Fills the own cells of a field of that shape, the field's block wherever it lies:
 * HDF5 by each rank for itself, images by rank 0 in bands of rows (at most 16 MiB of them at a
 * time). */
nf_status nf_array_read(const nf_world *world, nf_array_reader *reader, nf_field *field);
/* Not collective, on rank 0, after the array was read: the `nfold_checksum` that the file has of it.
 * false: none. */
bool nf_array_checksum(const nf_array_reader *reader, uint64_t *checksum);
void nf_array_watch_reading(nf_array_reader *reader, nf_watch watch);
void nf_array_close(nf_array_reader *reader);

/* Not collective: the whole array, dense, into memory that the caller frees (64-byte aligned). */
nf_status nf_array_load(const char *typed, nf_shape *shape, void **cells);

/* What an output file says of itself; NULL members are left out. No member may depend on ranks or
 * threads, so that the same work gives the same bytes. */
typedef struct nf_provenance {
    const char *command; /* "filter" */
    const char *chain;   /* every parameter written out */
    const char *input;   /* as typed */
    bool checksum; /* keep what `reduce -k checksum` gives for the cells, as `nfold_checksum` */
} nf_provenance;

/* Collective, before any work is done: fails where the output is there already, be it the file or,
 * in an existing HDF5 file, the dataset. */
nf_status nf_array_refuse_existing(const nf_world *world, const char *typed);

typedef struct nf_array_writer nf_array_writer;

/* Collective, before any work is done. Checks that the output can hold this shape and type (the
 * message names a format or a cast that can), is not the input file, and that its folder can be
 * written; creates the part file `.NAME.HOST.PID.part` beside the target. HDF5: other objects of an
 * existing file are kept; a dataset of that name is replaced. `quality`: JPEG, 1 to 100. */
nf_status nf_array_create(const nf_world *world, const char *typed, const char *input_typed,
                          const nf_shape *shape, int quality, const nf_provenance *provenance,
                          nf_array_writer **writer);
/* From now on the commit fails where a target that was not there at the creation has come since. */
void nf_array_no_clobber(nf_array_writer *writer);
void nf_array_watch_writing(nf_array_writer *writer, nf_watch watch);
/* Collective. Writes the field (of the shape given to create). */
nf_status nf_array_write(const nf_world *world, nf_array_writer *writer, const nf_field *field);
/* Collective. Flushes, verifies the size, renames the part file to the target. Frees the writer. */
nf_status nf_array_commit(const nf_world *world, nf_array_writer *writer);
/* Removes the part file, leaves the target as it was. Frees the writer. NULL is allowed. */
void nf_array_abort(const nf_world *world, nf_array_writer *writer);

/* Name and version of the HDF5 library in use, "HDF5 1.10.8". Not owned. */
const char *nf_hdf5_version(void);

#endif
