/* hdf5.h - what the hdf5*.c files share. Included by them alone.
 *
 * HDF5 is not safe for several threads: one thread of a process may be in it at a time. The methods of
 * nf_format_hdf5 see to that. */
#ifndef NF_HDF5_H
#define NF_HDF5_H

#include <hdf5.h>

#include "io/format.h"

enum { NF_H5_RANK = NF_STACK_DIMS + NF_DIMS + 1 /* dimensions of a stack, its items, channels */ };

/* ---- files and errors (hdf5.c) ---- */

/* Fails with HDF5's innermost reason. To be called right after the HDF5 call that failed: the next
 * one forgets its reason. dataset may be NULL. */
nf_status nf_h5_fail(const char *file, const char *dataset, const char *what);

/* Closes an identifier, if it is one, and keeps the reason of a call that failed before. */
void nf_h5_release(herr_t (*close_id)(hid_t), hid_t id);

/* Access properties: the driver below, whatever HDF5 was built for; elements aligned. And those of a
 * new file. */
hid_t nf_h5_access(const nf_hdf5_hints *hints); /* NULL: none */
hid_t nf_h5_creation(const nf_hdf5_hints *hints);
hid_t nf_h5_open_file(const char *file, unsigned flags);

/* Between these calls of one thread a crash inside HDF5 ends the process with a message that names the
 * file, and without part files. Not nested. */
void nf_h5_enter(const char *file);
void nf_h5_leave(void);

/* ---- how files are reached (hdf5_driver.c) ---- */

hid_t nf_h5_driver(void); /* not to be closed */

/* What HDF5 would have moved, in a file opened by that driver. */
typedef struct nf_h5_transfer {
    int count;              /* of transfers */
    int64_t address, bytes; /* of the last */
} nf_h5_transfer;

/* From now on elements are not moved, but noted; NULL: they are moved again. Metadata always are.
 * false: HDF5 failed. */
bool nf_h5_note(hid_t file, nf_h5_transfer *note);

/* Closes a file. Where its metadata cannot be written, or is not to be kept, it is closed without:
 * HDF5 keeps files open that it could not write, and fails on them when the program ends. */
herr_t nf_h5_close_file(hid_t file, bool keep);

/* ---- types (hdf5_type.c) ---- */

/* Integers and floats whose bits all count, and h5py's booleans (as u8); otherwise NF_EL_NONE. */
nf_element nf_h5_element(hid_t type);

/* The type of elements in a file, in this machine's byte order; the caller closes it. */
hid_t nf_h5_file_type(nf_element_type type);

enum { NF_H5_TYPE_TEXT = 32 };
const char *nf_h5_type_text(hid_t type, char text[NF_H5_TYPE_TEXT]);
const char *nf_h5_type_problem(hid_t type); /* why it is not taken */

/* ---- attributes (hdf5_attribute.c) ---- */

/* A scalar integer; `missing` if there is none. */
int nf_h5_get_integer(hid_t object, const char *name, int missing);

/* A text, of fixed or variable length, cut off to the room; of several the first, or that with this
 * index. false: there is none. */
bool nf_h5_get_text_at(hid_t object, const char *name, int at, char *text, size_t room);
bool nf_h5_get_text(hid_t object, const char *name, char *text, size_t room);
bool nf_h5_text_is(hid_t object, const char *name, const char *text);

/* Up to `room` numbers; how many there are, -1: the attribute is something else. */
int nf_h5_get_numbers(hid_t object, const char *name, double *numbers, int room);

/* count 0: a scalar. Replaces what is there. */
bool nf_h5_put(hid_t object, const char *name, hid_t type, hsize_t count, const void *value);
bool nf_h5_put_text(hid_t object, const char *name, const char *text);

/* ---- what a dataset is (hdf5_about.c) ---- */

/* What is asked of a dataset: FILE:/name[INDEX,...,cf]. */
typedef struct nf_h5_name {
    char *name; /* "/name"; NULL: none is given */
    int indices;
    int64_t index[NF_STACK_DIMS]; /* as typed: negative ones count from the end */
    bool cf;
} nf_h5_name;

/* `dataset` as nf_path has it, or NULL. A link of the whole name wins over its brackets. The caller
 * frees name->name. */
nf_status nf_h5_name_parse(hid_t file, const char *path, const char *dataset, nf_h5_name *name);

enum { NF_H5_TEXT = 256 };

typedef struct nf_h5_about {
    bool taken;
    bool stack; /* not taken, but its items would be */
    nf_shape shape;
    nf_element element;
    int rank;     /* all extents */
    int channels; /* the last extent's, where it is one; otherwise 0 */
    int lead;     /* those before the item's: indexed, or 1 */
    hsize_t extent[H5S_MAX_RANK];
    char text[NF_H5_TEXT];    /* "512x389x3 uint8" */
    char problem[NF_H5_TEXT]; /* why it is not taken */
} nf_h5_about;

/* The dataset, or its items after so many leading indices. false: HDF5 failed. */
bool nf_h5_about_dataset(hid_t dataset, int indices, nf_h5_about *about);

/* Scales and palettes describe other datasets. */
bool nf_h5_is_helper(hid_t dataset);

/* ---- what a file holds (hdf5_list.c) ---- */

/* The dataset to read where none is named; the caller frees *dataset. */
nf_status nf_h5_choose(hid_t file, const char *path, char **dataset);
nf_status nf_h5_no_such(hid_t file, const char *path, const char *dataset, const char *problem);

/* The dataset that the attributes `default` and `signal` of NeXus lead to, in `name`. */
bool nf_h5_nexus_default(hid_t file, char *name, size_t room);

/* The first filter that is not there fails: number, name and package. */
nf_status nf_h5_check_filters(hid_t dataset, const char *path, const char *name);

/* ---- conventions of netCDF (hdf5_cf.c) ---- */

enum { NF_H5_MISSING = 16 };

/* How stored elements stand for values: NaN where missing, value * scale + offset elsewhere. */
typedef struct nf_h5_cf {
    bool on;
    double scale, offset, missing[NF_H5_MISSING];
    int count; /* of missing */
} nf_h5_cf;

/* Reads the dataset's attributes; may change the element's sign (_Unsigned) and the type that it is
 * read as: the attributes', at least f32. Without such attributes cf->on is false. */
nf_status nf_h5_cf_read(hid_t dataset, const char *path, const char *name, nf_element *element,
                        nf_dtype *dtype, nf_h5_cf *cf);
void nf_h5_cf_decode(const nf_h5_cf *cf, nf_element element, int64_t count, const void *from,
                     nf_dtype dtype, void *to);

/* ---- chunks (hdf5_chunks.c) ---- */

/* A chunked dataset, in a file that stays open: where the chunks of an item of it are. */
typedef struct nf_h5_chunks {
    hid_t file, dataset;
    const char *path, *name; /* for messages; not owned */
    nf_shape shape;          /* of an item */
    nf_layout layout;
    int lead; /* dimensions before the item's */
    hsize_t at[NF_H5_RANK];
} nf_h5_chunks;

/* Reading. Completes a layout whose `element` is set, of an item behind `lead` dimensions:
 * NF_LAYOUT_CHUNKS if chunks.c can read them, each with all channels of one item alone and every
 * filter known; otherwise NF_LAYOUT_NONE. */
void nf_h5_chunk_layout(hid_t plist, const nf_shape *shape, int rank, int lead, nf_layout *layout);
nf_status nf_h5_chunk_locate(const nf_h5_chunks *chunks, const int64_t index[NF_DIMS],
                             nf_chunk *chunk);

/* Writing. The layout that an output asks for: NF_LAYOUT_CHUNKS or, unless it needs chunks,
 * NF_LAYOUT_DENSE; `element` is set. And its creation properties. */
nf_status nf_h5_chunk_choose(const char *target, const nf_shape *shape, const nf_output *output,
                             nf_layout *layout);
bool nf_h5_chunk_create(hid_t plist, const nf_shape *shape, const nf_stack *stack,
                        const nf_layout *layout);

/* The dataset while its chunks are written: its file is open, and owned. */
typedef struct nf_h5_allotting nf_h5_allotting;
nf_status nf_h5_allot_begin(const char *part, const char *target, const char *name,
                            const nf_shape *shape, const nf_output *output, const nf_layout *layout,
                            nf_h5_allotting **allotting);
nf_status nf_h5_allot(nf_h5_allotting *allotting, int64_t item, size_t n,
                      const int64_t (*index)[NF_DIMS], nf_chunk *chunks);
/* Closes the file, opens it anew, and sees that all chunks of the array are there, each where it was
 * put and none upon another. Frees. */
nf_status nf_h5_allot_finish(nf_h5_allotting *allotting);
void nf_h5_allot_abandon(nf_h5_allotting *allotting); /* NULL is allowed */

/* ---- reading ---- */

typedef struct nf_h5_reader {
    hid_t file, dataset, space, type;
    nf_h5_about about; /* of the item that is read */
    nf_h5_cf cf;
    hsize_t lead[NF_H5_RANK]; /* where the item is */
    bool chunked;             /* HDF5 is slow where memory and file selections differ in shape */
    bool elsewhere;           /* in another file, by a link */
    nf_h5_chunks chunks;
    char *path, *name;
} nf_h5_reader;

/* ---- what an output keeps (hdf5_keep.c, hdf5_nexus.c) ---- */

/* Copies the attributes that stay true from the source to the dataset, and where the grid is the
 * same the scales, into the group of `name`. What is left out is listed in `left`. */
nf_status nf_h5_keep(hid_t file, hid_t dataset, const char *name, const char *path,
                     const nf_shape *shape, const nf_output *output, char *left, size_t room);

/* Makes the groups around a dataset /ENTRY/DATA/NAME NeXus's, with it as the default. */
nf_status nf_h5_nexus_put(hid_t file, hid_t dataset, const char *name, const char *path,
                          const nf_shape *shape);

/* The methods of nf_format_hdf5; see io/format.h. */
nf_status nf_h5_open(const char *file, const char *dataset, void **state, nf_shape *shape);
void nf_h5_layout(void *state, nf_layout *layout);
nf_status nf_h5_locate(void *state, const int64_t index[NF_DIMS], nf_chunk *chunk);
const char *nf_h5_dataset(const void *state);
nf_status nf_h5_read(void *state, const nf_box *box, void *cells, const ptrdiff_t stride[NF_DIMS]);
const char *nf_h5_remark(void *state);
void nf_h5_close(void *state);
nf_status nf_h5_find(const char *file, const char *dataset, bool *has); /* nf_h5_has's */
bool nf_h5_checksum(void *state, uint64_t *sum);
nf_status nf_h5_stack(const char *file, const char *dataset, int dims, nf_stack *stack);
nf_status nf_h5_list(const char *file, FILE *out);
nf_status nf_h5_create(const char *part, const char *target, const char *dataset,
                       const nf_shape *shape, const nf_output *output, void **state,
                       nf_layout *layout);
nf_status nf_h5_give_places(void *state, int64_t item, size_t n, const int64_t (*index)[NF_DIMS],
                            nf_chunk *chunks);
const char *nf_h5_left(void *state);
void nf_h5_seal(void *state, const uint64_t *checksums);
nf_status nf_h5_finish(void *state);
void nf_h5_abandon(void *state);

#endif
