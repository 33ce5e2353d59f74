/* array.h - arrays in files: `FILE` or `FILE:/dataset`, whatever the format, to and from fields.
 *
 * A file's kind is told from its content when read, and from its suffix when written (.h5 .hdf5
 * .nc .nxs, .png, .jpg .jpeg, .tif .tiff, .npy, .pgm .ppm .pnm .pam, .pfm, .raw .bin .dat; a
 * `:/dataset` always means HDF5 there). TIFF: `FILE:/3` is page 3, counted from 0; without it, all
 * pages, as a volume.
 *
 * `FILE:` is the same as FILE. Brackets behind an input's dataset, or behind the colon, pick an item
 * of a stack by its leading indices, negative ones from the end, and ask for the CF conventions of
 * netCDF: `FILE:/data[3]`, `FILE:[3,-1]`, `FILE:/sst[3,cf]`. With cf, `_FillValue` and
 * `missing_value` are read as NaN, others times `scale_factor` plus `add_offset`, as f32 or, where
 * attributes or elements are wider, f64; `_Unsigned` counts, too.
 *
 * HDF5 datasets have 1 to 3 dimensions and, as a last extent of 2 to 4, channels: those that the
 * attribute `nfold_channels` tells (nfold writes it); without it, a dataset of 3 or 4 dimensions
 * whose last extent is 2 to 4 has channels, and so has one of 4 whose last extent is 1. Of more
 * dimensions the leading ones must be 1, which are dropped, or be picked from. Where no dataset is
 * named, that is read to which the attributes `default` and `signal` of NeXus lead, or the only
 * suitable one, or of several the only one with 2 dimensions or more; `/data` is written. */
#ifndef NF_ARRAY_H
#define NF_ARRAY_H

#include <stdio.h>

#include "drivers/engine/field.h"
#include "drivers/engine/watch.h"
#include "io/element.h"
#include "io/layout.h"
#include "io/metadata.h"

/* A file name as typed, split at its last ":/" unless there is a file of the whole name. */
typedef struct nf_path {
    char *file;
    char *dataset; /* without a leading colon, "/image"; NULL: none given */
} nf_path;

nf_status nf_path_parse(const char *typed, nf_path *path); /* owns its strings */
void nf_path_free(nf_path *path);

/* A bare array, whose file tells nothing. */
typedef struct nf_described {
    nf_shape shape;
    nf_element element;
    int64_t offset; /* of its first byte; -1: the file is as long as the array */
} nf_described;

/* From what users type: "512x389x3" (1 to 3 extents and, behind them, channels: 2 to 4 where there are
 * 3 numbers or more), "u16", "u16be" or ">f4"; NULL: not given, an error. */
nf_status nf_described_parse(const char *shape, const char *dtype, int64_t offset,
                             nf_described *described);

typedef struct nf_array_reader nf_array_reader;

/* Collective. Opens an array and tells its shape; with `as`, a bare one, whatever the file's content
 * looks like. Errors: missing or unreadable file, a directory,
 * an empty file, a content that is no known format (says what it looks like), several datasets and
 * none named (lists them), an element type or a rank that nfold does not take, a zero extent. */
nf_status nf_array_open(const nf_world *world, const char *typed, const nf_described *as,
                        nf_array_reader **reader, nf_shape *shape);
/* Collective. Fills the own cells of a field of that shape, the field's block wherever it lies:
 * by each rank for itself, or, where a format gives rows in order only, by rank 0 in bands of rows
 * (at most 16 MiB of them at a time). */
nf_status nf_array_read(const nf_world *world, nf_array_reader *reader, nf_field *field);
/* What the file says beside its cells; NULL: nothing, or not known to this rank (rank 0 knows). The
 * reader's, until it is read for a second time. */
const nf_metadata *nf_array_metadata(const nf_array_reader *reader);
/* Not collective, on rank 0: the `nfold_checksum` that the file has of the array. false: none. */
bool nf_array_checksum(const nf_array_reader *reader, uint64_t *checksum);
void nf_array_watch_reading(nf_array_reader *reader, nf_watch watch);
void nf_array_close(nf_array_reader *reader);

/* In a world of one rank, before the array is read, once then: it is decoded at 1 to 8 eighths of its extents (rounded
 * up), by leaving out what its coding says of finer detail, and has another shape from now on. false:
 * the format cannot, and all is as before. */
bool nf_array_shrink(nf_array_reader *reader, int eighths, nf_shape *shape);

/* What a user should know of how the array is read; NULL: nothing. Rank 0's. Not owned. */
const char *nf_array_remark(const nf_array_reader *reader);

/* Arrays of one shape and type, one behind the other along leading dimensions. */
enum { NF_STACK_DIMS = 4 };
typedef struct nf_stack {
    int dims; /* leading ones; 0: no stack */
    int64_t extent[NF_STACK_DIMS];
} nf_stack;

/* Collective. The stack that an array is over so many leading dimensions; 0: as many as its items
 * must not have, at least one. */
nf_status nf_array_stack(const nf_world *world, const char *typed, int dims, nf_stack *stack);
int64_t nf_stack_items(const nf_stack *stack);
/* How item i of it is named, "FILE:/data[3,0]"; the caller frees it. */
nf_status nf_stack_name(const nf_stack *stack, const char *typed, int64_t i, char **name);

/* Not collective: what a file holds, in lines for people. */
nf_status nf_array_list(const char *typed, FILE *out);

/* Not collective, by any one thread at a time: a box inside the array, to memory of the shape's type.
 * Readers that nf_array_random is false for give rows in order only: rank 0 alone asks, for whole rows,
 * each once, in ascending order. */
bool nf_array_random(const nf_array_reader *reader);
nf_status nf_array_read_box(nf_array_reader *reader, const nf_box *box, void *cells,
                            const ptrdiff_t stride[NF_DIMS]);
/* Boxes that begin and end at multiples of this, or at the array's end, decode nothing twice. */
void nf_array_read_step(const nf_array_reader *reader, int64_t step[NF_DIMS]);

/* Not collective: the whole array, dense, into memory that the caller frees (64-byte aligned). */
nf_status nf_array_load(const char *typed, nf_shape *shape, void **cells);

/* What an output file says of itself; NULL members are left out. No member may depend on ranks or
 * threads, so that the same work gives the same bytes. */
typedef struct nf_provenance {
    const char *command; /* "filter" */
    const char *chain;   /* every parameter written out */
    const char *input;   /* as typed */
} nf_provenance;

/* How an HDF5 file is written; all zero: as it is by itself. */
typedef struct nf_hdf5_hints {
    int64_t alignment;  /* bytes, of what is as large; 0: 4096 */
    int64_t meta_block; /* bytes that metadata is gathered in; 0: HDF5's 2048 */
    int64_t page;       /* bytes of a page of the file's space; 0: no pages */
    bool latest; /* the newest form of metadata; false: the one that most programs can read */
} nf_hdf5_hints;

/* Takes one `KEY=VALUE`. Errors: an unknown key (the message lists them), a value out of range. */
nf_status nf_hdf5_hint(const char *text, nf_hdf5_hints *hints);

/* How an output is to be stored; all zero: as the format does by itself. */
typedef struct nf_output {
    int quality;           /* JPEG, 1 to 100; 0: 90 */
    nf_element_type store; /* the elements' type in the file; NF_EL_NONE: as computed */
    nf_codec compression;  /* HDF5, TIFF */
    bool shuffle, fletcher32;
    int64_t chunk[NF_DIMS]; /* cells, 0 in dimensions that the array has not; all 0: contiguous, or
                               what suits where it must be chunked; 0, 0, -1: what suits */
    const nf_provenance *provenance;
    const nf_metadata *metadata; /* to be carried over where the format can; NULL: none */
    const char *source;          /* HDF5: the typed input, whose attributes are kept; NULL: none */
    unsigned changes;            /* of the cells since the input: NF_CHANGED_ ... */
    nf_stack stack;              /* the shape is that of one item */
    bool nexus;                  /* HDF5: groups and attributes of NeXus's NXdata */
    nf_hdf5_hints hints;
    /* Refuse to replace an output, also one that comes meanwhile: the file or, in an existing HDF5
     * file, the dataset. */
    bool no_clobber;
    /* Keep what `reduce -k checksum` gives for the cells, of each item of a stack by itself, as
     * `nfold_checksum`. */
    bool checksum;
    /* Keep what is finished durable while it is written, and go on with what a run before has left; what
     * runs must have in common beside input, chain, output and its storage. NULL: neither. */
    const char *resume;
    bool again; /* for formats: the part file is laid out already */
} nf_output;

/* What of the metadata an output of that shape may say, in *kept (see nf_metadata_output). */
nf_status nf_output_metadata(const nf_output *output, const nf_shape *shape, nf_metadata *kept);

typedef struct nf_array_writer nf_array_writer;

/* Collective, before any work is done. Checks that the output can hold this shape and type (the
 * message names a format or a cast that can), is not the input file, and that its folder can be
 * written; creates the part file `.NAME.HOST.PID.part` beside the target. HDF5: other objects of an
 * existing file are kept; a dataset of that name is replaced. What *output points to stays the
 * caller's, and may go afterwards. */
nf_status nf_array_create(const nf_world *world, const char *typed, const char *input_typed,
                          const nf_shape *shape, const nf_output *output, nf_array_writer **writer);
void nf_array_watch_writing(nf_array_writer *writer, nf_watch watch);

/* A box of cells on its way into the file, in three steps, so that computing, compressing and
 * writing can go on side by side. Boxes begin at multiples of nf_array_step, and end there or at the
 * array's end; every cell is written once. Writers that nf_array_boxes is false for take whole fields
 * alone.
 * pack: not collective, by any one thread at a time. Keeps pointing to the cells, which stay until
 * store. place: collective, by the main thread; pack NULL on ranks that have none this time. store:
 * not collective, by any one thread at a time; frees the pack, also after an error. */
typedef struct nf_pack nf_pack;
bool nf_array_boxes(const nf_array_writer *writer);
/* Whether the file will not tell its shape and type. */
bool nf_array_bare(const nf_array_writer *writer);
void nf_array_step(const nf_array_writer *writer, int64_t step[NF_DIMS]);
bool nf_array_places(const nf_array_writer *writer); /* whether place does anything */
int64_t nf_array_pack_bytes(const nf_array_writer *writer, int64_t cells); /* a pack's, at most */
nf_status nf_array_pack(nf_array_writer *writer, const nf_box *box, const void *cells,
                        const ptrdiff_t stride[NF_DIMS], nf_pack **pack);
nf_status nf_array_place(const nf_world *world, nf_array_writer *writer, nf_pack *pack);
nf_status nf_array_store(nf_array_writer *writer, nf_pack *pack);
void nf_array_drop(nf_pack *pack); /* instead of store. NULL is allowed */
/* With output->resume: place is to be called for every box, and fails with NF_ERR_STOPPED, on all ranks,
 * when one was asked to stop (drivers/engine/stop.h). has: the box is in the file already. */
bool nf_array_resumes(const nf_array_writer *writer);
bool nf_array_has(const nf_array_writer *writer, const nf_box *box);
/* Not collective. Writers that take no boxes: rank 0 alone gives whole rows, dense, in ascending order,
 * those of all planes counted through, of one plane at a time. */
nf_status nf_array_write_rows(nf_array_writer *writer, int64_t y0, int64_t y1, const void *rows);

/* Stacks: what is written from now on is item i. */
void nf_array_item(nf_array_writer *writer, int64_t i);

/* Attributes of the source that were not kept, "_FillValue, scale_factor"; NULL: none. Rank 0's. Not
 * owned. */
const char *nf_array_left(const nf_array_writer *writer);

/* Collective. Writes the field (of the shape given to create). */
nf_status nf_array_write(const nf_world *world, nf_array_writer *writer, const nf_field *field);
/* Collective. Flushes, verifies the size, renames the part file to the target. Frees the writer. */
nf_status nf_array_commit(const nf_world *world, nf_array_writer *writer);
/* Removes the part file, leaves the target as it was. Frees the writer. NULL is allowed. */
void nf_array_abort(const nf_world *world, nf_array_writer *writer);

/* Name and version of the HDF5 library in use, "HDF5 1.10.8". Not owned. */
const char *nf_hdf5_version(void);

#endif
