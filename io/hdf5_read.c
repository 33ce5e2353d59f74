/* hdf5_read.c - every process opens the file for itself and reads hyperslabs of one dataset. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5.h"
#include "io/note.h"

enum {
    DIRECT_CALL = 1 << 30, /* bytes of one read; two GiB and more fail */
    BOUNCE_CALL = 1 << 26, /* the same through a buffer of ours */
    LISTED = 10,           /* datasets named in a message */
    LIST_ROOM = 1200
};

/* ---- what a dataset is ---- */

static nf_dtype dtype_of(hid_t type)
{
    size_t size = H5Tget_size(type);
    bool full = H5Tget_precision(type) == 8 * size;
    if (H5Tget_class(type) == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE && full)
        return size == 1 ? NF_U8 : size == 2 ? NF_U16 : NF_NONE;
    if (H5Tget_class(type) == H5T_FLOAT && full)
        return size == 4 ? NF_F32 : size == 8 ? NF_F64 : NF_NONE;
    return NF_NONE;
}

enum { TYPE_TEXT = 32 };

static const char *type_text(hid_t type, char text[TYPE_TEXT])
{
    static const char *const classes[] = {
        [H5T_TIME] = "time",        [H5T_STRING] = "string",        [H5T_BITFIELD] = "bitfield",
        [H5T_OPAQUE] = "opaque",    [H5T_COMPOUND] = "compound",    [H5T_REFERENCE] = "reference",
        [H5T_ENUM] = "enumeration", [H5T_VLEN] = "variable-length", [H5T_ARRAY] = "array"};
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_INTEGER)
        snprintf(text, TYPE_TEXT, "%sint%zu", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "",
                 H5Tget_precision(type));
    else if (class == H5T_FLOAT)
        snprintf(text, TYPE_TEXT, "float%zu", H5Tget_precision(type));
    else if (class > H5T_NO_CLASS && class < H5T_NCLASSES && classes[class] != NULL)
        snprintf(text, TYPE_TEXT, "%s", classes[class]);
    else
        snprintf(text, TYPE_TEXT, "unknown type");
    return text;
}

/* A scalar integer attribute; `missing` if there is none. */
static int integer_attribute(hid_t object, const char *name, int missing)
{
    int value = missing;
    if (H5Aexists(object, name) <= 0)
        return missing;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return missing;
    hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
    if (H5Sget_simple_extent_npoints(space) != 1 || H5Tget_class(type) != H5T_INTEGER ||
        H5Aread(attribute, H5T_NATIVE_INT, &value) < 0)
        value = missing;
    H5Tclose(type);
    H5Sclose(space);
    H5Aclose(attribute);
    return value;
}

/* Whether the short fixed-length text of an attribute is `text`. */
static bool text_attribute_is(hid_t object, const char *name, const char *text)
{
    char value[64] = "";
    if (H5Aexists(object, name) <= 0)
        return false;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return false;
    hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
    if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
        H5Tget_size(type) < sizeof value && H5Sget_simple_extent_npoints(space) == 1)
        H5Aread(attribute, type, value);
    H5Tclose(type);
    H5Sclose(space);
    H5Aclose(attribute);
    return strcmp(value, text) == 0;
}

/* How many of the extents are channels: those said by the attribute that nfold writes; otherwise a
 * last extent of 2 to 4 where there are 3 dimensions or more, or of 1 where there are 4. */
static int channels_of(hid_t dataset, int rank, const hsize_t *extent)
{
    hsize_t last = rank > 0 ? extent[rank - 1] : 0;
    int said = integer_attribute(dataset, "nfold_channels", 0);
    if (said == 1 && rank <= NF_DIMS)
        return 0;
    if (said > 1 && said <= NF_MAX_CHANNELS && rank > 1 && last == (hsize_t)said)
        return said;
    if (rank > NF_DIMS)
        return last >= 1 && last <= NF_MAX_CHANNELS ? (int)last : 0;
    return rank == NF_DIMS && last >= 2 && last <= NF_MAX_CHANNELS ? (int)last : 0;
}

enum { ABOUT_TEXT = 200 };

/* One dataset: its shape if nfold takes it, and words for lists and messages. */
typedef struct about {
    bool taken;
    nf_shape shape;
    char text[ABOUT_TEXT];    /* "512x389x3 uint8" */
    char problem[ABOUT_TEXT]; /* why it is not taken */
} about;

static void about_text(about *a, int rank, const hsize_t *extent, const char *type)
{
    size_t used = 0;
    a->text[0] = '\0';
    for (int d = 0; d < rank && used < ABOUT_TEXT; d++)
        used += (size_t)snprintf(a->text + used, ABOUT_TEXT - used, "%s%llu", d > 0 ? "x" : "",
                                 (unsigned long long)extent[d]);
    if (used < ABOUT_TEXT)
        snprintf(a->text + used, ABOUT_TEXT - used, "%s%s", rank > 0 ? " " : "one ", type);
}

static void about_shape(about *a, hid_t dataset, int rank, const hsize_t *extent)
{
    int channels = channels_of(dataset, rank, extent);
    int ndim = channels > 0 ? rank - 1 : rank;
    if (rank < 1 || ndim > NF_DIMS) {
        snprintf(a->problem, ABOUT_TEXT, "it has %d dimensions; nfold takes 1 to 3, and channels",
                 rank);
        return;
    }
    nf_shape shape = {.dim = {1, 1, 1}, .ndim = ndim, .channels = channels > 0 ? channels : 1};
    shape.dtype = a->shape.dtype;
    for (int d = 0; d < ndim; d++) {
        if (extent[d] < 1 || extent[d] > INT64_MAX) {
            snprintf(a->problem, ABOUT_TEXT, "it is empty: extent %d is 0", d);
            return;
        }
        shape.dim[NF_DIMS - ndim + d] = (int64_t)extent[d];
    }
    a->shape = shape;
    a->taken = true;
}

/* false: HDF5 failed. */
static bool about_dataset(hid_t dataset, about *a)
{
    hsize_t extent[H5S_MAX_RANK];
    char name[TYPE_TEXT];
    *a = (about){.taken = false};
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    bool fine = type >= 0 && rank >= 0;
    if (fine) {
        a->shape.dtype = dtype_of(type);
        about_text(a, rank, extent, type_text(type, name));
        if (a->shape.dtype == NF_NONE)
            snprintf(a->problem, ABOUT_TEXT,
                     "its elements are of type %s; nfold takes uint8, uint16, float32 and float64: "
                     "convert it, with h5py for instance: f['x'][...].astype('f4')",
                     name);
        else
            about_shape(a, dataset, rank, extent);
    }
    nf_h5_release(H5Tclose, type);
    nf_h5_release(H5Sclose, space);
    return fine;
}

/* ---- what a file holds ---- */

typedef struct listing {
    int datasets, suitable;
    char first[1024];     /* path of the first suitable one; "" if too long */
    char text[LIST_ROOM]; /* the first LISTED of all */
    size_t used;
} listing;

/* Scales and palettes describe other datasets. */
static bool is_helper(hid_t dataset)
{
    return text_attribute_is(dataset, "CLASS", "DIMENSION_SCALE") ||
           text_attribute_is(dataset, "CLASS", "PALETTE");
}

static void list_dataset(listing *list, const char *name, const about *a, bool suitable)
{
    list->datasets++;
    if (suitable && list->suitable++ == 0 && strlen(name) + 2 <= sizeof list->first)
        snprintf(list->first, sizeof list->first, "/%s", name);
    if (list->datasets > LISTED || list->used >= LIST_ROOM)
        return;
    list->used += (size_t)snprintf(list->text + list->used, LIST_ROOM - list->used, "%s/%s (%s%s)",
                                   list->datasets > 1 ? ", " : "", name, a->text,
                                   suitable ? "" : ", not taken");
}

static herr_t visit_object(hid_t root, const char *name, const H5O_info_t *info, void *data)
{
    about a;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
    if (dataset < 0)
        return 0; /* a damaged object does not hide the others */
    if (about_dataset(dataset, &a))
        list_dataset(data, name, &a, a.taken && !is_helper(dataset));
    H5Dclose(dataset);
    return 0;
}

static nf_status list_file(hid_t file, const char *path, listing *list)
{
    *list = (listing){.datasets = 0};
    if (H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit_object, list, H5O_INFO_BASIC) < 0)
        return nf_h5_fail(path, NULL, "its content cannot be listed");
    size_t room = LIST_ROOM - list->used;
    if (list->datasets > LISTED && list->used < LIST_ROOM)
        snprintf(list->text + list->used, room, " and %d more", list->datasets - LISTED);
    return NF_OK;
}

/* The dataset to read where none is named; the caller frees *dataset. */
static nf_status choose_dataset(hid_t file, const char *path, char **dataset)
{
    listing list;
    nf_status status = list_file(file, path, &list);
    if (status != NF_OK)
        return status;
    if (list.datasets == 0)
        return nf_fail(NF_ERR_FORMAT, "%s: the HDF5 file holds no datasets", path);
    if (list.suitable == 0)
        return nf_fail(NF_ERR_FORMAT,
                       "%s: none of its datasets is one that nfold takes (1 to 3 dimensions and "
                       "channels, uint8, uint16, float32 or float64): %s",
                       path, list.text);
    if (list.suitable > 1 || list.first[0] == '\0')
        return nf_fail(NF_ERR_FORMAT, "%s: which dataset? name one as %s:/dataset; it holds %s",
                       path, path, list.text);
    *dataset = strdup(list.first);
    return *dataset != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "%s: no memory for a name", path);
}

static nf_status no_such_dataset(hid_t file, const char *path, const char *dataset,
                                 const char *problem)
{
    listing list;
    nf_status status = list_file(file, path, &list);
    if (status != NF_OK)
        return status;
    return nf_fail(NF_ERR_FORMAT, "%s: %s %s; it holds %s", path, dataset, problem,
                   list.datasets > 0 ? list.text : "no datasets");
}

/* ---- reading ---- */

typedef struct h5_reader {
    hid_t file, dataset, space;
    nf_shape shape;
    int rank;     /* dimensions of the dataset, channels counted */
    bool chunked; /* HDF5 is slow where memory and file selections differ in shape */
    char *path, *name;
} h5_reader;

void nf_h5_close(void *state)
{
    h5_reader *reader = state;
    if (reader == NULL)
        return;
    if (reader->space >= 0)
        H5Sclose(reader->space);
    if (reader->dataset >= 0)
        H5Dclose(reader->dataset);
    if (reader->file >= 0)
        H5Fclose(reader->file);
    free(reader->path);
    free(reader->name);
    free(reader);
}

bool nf_h5_checksum(void *state, uint64_t *sum)
{
    h5_reader *reader = state;
    nf_h5_enter(reader->path);
    bool found = H5Aexists(reader->dataset, NF_NOTE_CHECKSUM) > 0;
    hid_t attribute =
        found ? H5Aopen(reader->dataset, NF_NOTE_CHECKSUM, H5P_DEFAULT) : H5I_INVALID_HID;
    hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
    found = attribute >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
            H5Tget_class(type) == H5T_INTEGER && H5Aread(attribute, H5T_NATIVE_UINT64, sum) >= 0;
    nf_h5_release(H5Tclose, type);
    nf_h5_release(H5Sclose, space);
    nf_h5_release(H5Aclose, attribute);
    nf_h5_leave();
    return found;
}

static const char *filter_name(H5Z_filter_t id)
{
    static const struct {
        H5Z_filter_t id;
        const char *name;
    } known[] = {{H5Z_FILTER_SZIP, "szip"},
                 {307, "bzip2"},
                 {32000, "lzf"},
                 {32001, "blosc"},
                 {32004, "lz4"},
                 {32008, "bitshuffle"},
                 {32013, "zfp"},
                 {32015, "zstandard"},
                 {32017, "sz"},
                 {32026, "blosc2"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].id == id)
            return known[i].name;
    return "unknown to nfold";
}

static nf_status check_filters(h5_reader *reader)
{
    hid_t plist = H5Dget_create_plist(reader->dataset);
    if (plist < 0)
        return nf_h5_fail(reader->path, reader->name, "its layout cannot be read");
    reader->chunked = H5Pget_layout(plist) == H5D_CHUNKED;
    nf_status status = NF_OK;
    int filters = reader->chunked ? H5Pget_nfilters(plist) : 0;
    for (int i = 0; i < filters && status == NF_OK; i++) {
        unsigned flags;
        size_t values = 0;
        char name[1];
        H5Z_filter_t id =
            H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof name, name, NULL);
        if (id >= 0 && H5Zfilter_avail(id) <= 0)
            status = nf_fail(NF_ERR_FORMAT,
                             "%s:%s: is stored with HDF5 filter %d (%s), whose plugin is not "
                             "installed: install it and set HDF5_PLUGIN_PATH, or rewrite the file "
                             "with h5repack where it is",
                             reader->path, reader->name, (int)id, filter_name(id));
    }
    H5Pclose(plist);
    return status;
}

static nf_status open_dataset(h5_reader *reader)
{
    const char *path = reader->path, *name = reader->name;
    H5O_info_t info;
    if (H5Oget_info_by_name2(reader->file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return no_such_dataset(reader->file, path, name, "is not there");
    if (info.type != H5O_TYPE_DATASET)
        return no_such_dataset(reader->file, path, name, "is no dataset");
    reader->dataset = H5Dopen2(reader->file, name, H5P_DEFAULT);
    if (reader->dataset < 0)
        return nf_h5_fail(path, name, "cannot be opened");
    about a;
    reader->space = H5Dget_space(reader->dataset);
    if (reader->space < 0 || !about_dataset(reader->dataset, &a))
        return nf_h5_fail(path, name, "its shape cannot be read");
    if (!a.taken)
        return nf_fail(NF_ERR_SHAPE, "%s:%s (%s) cannot be taken: %s", path, name, a.text,
                       a.problem);
    reader->shape = a.shape;
    reader->rank = H5Sget_simple_extent_ndims(reader->space);
    return check_filters(reader);
}

static nf_status open_reader(h5_reader *reader, const char *file, const char *dataset)
{
    reader->path = strdup(file);
    if (reader->path == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 reader", file);
    reader->file = nf_h5_open_file(file, H5F_ACC_RDONLY);
    if (reader->file < 0)
        return nf_h5_fail(file, NULL, "cannot be opened");
    if (dataset == NULL) {
        nf_status status = choose_dataset(reader->file, file, &reader->name);
        if (status != NF_OK)
            return status;
    } else if ((reader->name = strdup(dataset)) == NULL) {
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 reader", file);
    }
    nf_status status = open_dataset(reader);
    return status == NF_OK ? nf_shape_check(&reader->shape, file) : status;
}

nf_status nf_h5_open(const char *file, const char *dataset, void **state, nf_shape *shape)
{
    h5_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 reader", file);
    reader->file = reader->dataset = reader->space = -1;
    nf_h5_enter(file);
    nf_status status = open_reader(reader, file, dataset);
    nf_h5_leave();
    if (status != NF_OK) {
        nf_h5_close(reader);
        return status;
    }
    *shape = reader->shape;
    *state = reader;
    return NF_OK;
}

/* Selects a box of cells in the dataset. */
static bool select_file(const h5_reader *reader, const nf_box *box)
{
    hsize_t start[NF_H5_RANK], count[NF_H5_RANK];
    int ndim = reader->shape.ndim;
    for (int d = 0; d < ndim; d++) {
        int from = NF_DIMS - ndim + d;
        start[d] = (hsize_t)box->lo[from];
        count[d] = (hsize_t)nf_box_extent(box, from);
    }
    if (reader->rank > ndim) {
        start[ndim] = 0;
        count[ndim] = (hsize_t)reader->shape.channels;
    }
    return H5Sselect_hyperslab(reader->space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
}

/* The place of a box in strided memory, as planes x rows x elements. */
static hid_t memory_space(const nf_box *box, int channels, const ptrdiff_t stride[NF_DIMS])
{
    hsize_t start[NF_DIMS] = {0, 0, 0}, count[NF_DIMS], extent[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        count[d] = (hsize_t)nf_box_extent(box, d);
    count[2] *= (hsize_t)channels;
    extent[2] = (hsize_t)stride[1] > count[2] ? (hsize_t)stride[1] : count[2];
    extent[1] = (hsize_t)(stride[0] / stride[1]);
    extent[1] = extent[1] > count[1] ? extent[1] : count[1];
    extent[0] = count[0];
    hid_t space = H5Screate_simple(NF_DIMS, extent, NULL);
    if (space >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0) {
        H5Sclose(space);
        return -1;
    }
    return space;
}

/* A box that is small enough for one call, straight to where it belongs. */
static nf_status read_direct(const h5_reader *reader, const nf_box *box, void *cells,
                             const ptrdiff_t stride[NF_DIMS])
{
    nf_status status = NF_OK;
    hid_t memory = memory_space(box, reader->shape.channels, stride);
    if (memory < 0 || !select_file(reader, box) ||
        H5Dread(reader->dataset, nf_h5_memory_type(reader->shape.dtype), memory, reader->space,
                H5P_DEFAULT, cells) < 0)
        status = nf_h5_fail(reader->path, reader->name, "cannot be read");
    if (memory >= 0)
        H5Sclose(memory);
    return status;
}

static void dense_stride(const nf_box *box, int channels, ptrdiff_t stride[NF_DIMS])
{
    stride[2] = channels;
    stride[1] = nf_box_extent(box, 2) * channels;
    stride[0] = stride[1] * nf_box_extent(box, 1);
}

/* The same with the dataset's own shape in memory, and copied from there. */
static nf_status read_bounced(const h5_reader *reader, const nf_box *box, void *cells,
                              const ptrdiff_t stride[NF_DIMS], void *buffer)
{
    ptrdiff_t dense[NF_DIMS];
    hsize_t count[NF_DIMS + 1];
    int64_t extent[NF_DIMS];
    const nf_shape *shape = &reader->shape;
    dense_stride(box, shape->channels, dense);
    for (int d = 0; d < NF_DIMS; d++)
        count[d] = (hsize_t)(extent[d] = nf_box_extent(box, d));
    count[NF_DIMS] = (hsize_t)shape->channels;
    nf_status status = NF_OK;
    hid_t memory = H5Screate_simple(reader->rank, count + NF_DIMS - shape->ndim, NULL);
    if (memory < 0 || !select_file(reader, box) ||
        H5Dread(reader->dataset, nf_h5_memory_type(shape->dtype), memory, reader->space,
                H5P_DEFAULT, buffer) < 0)
        status = nf_h5_fail(reader->path, reader->name, "cannot be read");
    else
        nf_copy_box(extent, shape->channels, shape->dtype, cells, stride, buffer, dense);
    if (memory >= 0)
        H5Sclose(memory);
    return status;
}

/* Steps in which a box is read, so that no call moves more than `limit` bytes. */
static void choose_steps(const nf_box *box, int64_t cell_bytes, int64_t limit,
                         int64_t step[NF_DIMS])
{
    int64_t bytes = cell_bytes;
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        int64_t fit = limit / bytes > 0 ? limit / bytes : 1;
        step[d] = nf_box_extent(box, d) < fit ? nf_box_extent(box, d) : fit;
        bytes = step[d] < nf_box_extent(box, d) ? limit : bytes * step[d];
    }
}

static nf_box piece_at(const nf_box *box, const int64_t at[NF_DIMS], const int64_t step[NF_DIMS])
{
    nf_box piece;
    for (int d = 0; d < NF_DIMS; d++) {
        piece.lo[d] = at[d];
        piece.hi[d] = at[d] + step[d] < box->hi[d] ? at[d] + step[d] : box->hi[d];
    }
    return piece;
}

static nf_status read_pieces(const h5_reader *reader, const nf_box *box, char *cells,
                             const ptrdiff_t stride[NF_DIMS], const int64_t step[NF_DIMS],
                             void *buffer)
{
    nf_status status = NF_OK;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(reader->shape.dtype);
    int64_t at[NF_DIMS];
    for (at[0] = box->lo[0]; at[0] < box->hi[0]; at[0] += step[0])
        for (at[1] = box->lo[1]; at[1] < box->hi[1]; at[1] += step[1])
            for (at[2] = box->lo[2]; at[2] < box->hi[2] && status == NF_OK; at[2] += step[2]) {
                nf_box piece = piece_at(box, at, step);
                ptrdiff_t offset = 0;
                for (int d = 0; d < NF_DIMS; d++)
                    offset += (at[d] - box->lo[d]) * stride[d];
                char *to = cells + offset * size;
                status = buffer != NULL ? read_bounced(reader, &piece, to, stride, buffer)
                                        : read_direct(reader, &piece, to, stride);
            }
    return status;
}

nf_status nf_h5_read(void *state, const nf_box *box, void *cells, const ptrdiff_t stride[NF_DIMS])
{
    const h5_reader *reader = state;
    int64_t step[NF_DIMS];
    int64_t cell_bytes = reader->shape.channels * (int64_t)nf_dtype_size(reader->shape.dtype);
    bool bounce =
        (reader->chunked && reader->rank > reader->shape.ndim) || stride[0] % stride[1] != 0;
    choose_steps(box, cell_bytes, bounce ? BOUNCE_CALL : DIRECT_CALL, step);
    void *buffer = bounce ? malloc((size_t)(step[0] * step[1] * step[2] * cell_bytes)) : NULL;
    if (bounce && buffer == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a buffer to read through", reader->path);
    nf_h5_enter(reader->path);
    nf_status status = read_pieces(reader, box, cells, stride, step, buffer);
    nf_h5_leave();
    free(buffer);
    return status;
}
