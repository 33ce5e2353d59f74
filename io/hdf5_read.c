/* hdf5_read.c - every process opens the file for itself; contiguous elements are read from where
 * they lie, others as hyperslabs of the file's own type. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5.h"
#include "io/note.h"

enum {
    DIRECT_CALL = 1 << 30, /* bytes of one read; two GiB and more fail */
    BOUNCE_CALL = 1 << 26  /* the same through a buffer of ours */
};

void nf_h5_close(void *state)
{
    nf_h5_reader *reader = state;
    if (reader == NULL)
        return;
    nf_h5_release(H5Tclose, reader->type);
    nf_h5_release(H5Sclose, reader->space);
    nf_h5_release(H5Dclose, reader->dataset);
    nf_h5_release(H5Fclose, reader->file);
    free(reader->path);
    free(reader->name);
    free(reader);
}

/* One for the array, or one for each item along its leading dimensions. */
static bool get_checksum(const nf_h5_reader *reader, hid_t attribute, uint64_t *sum)
{
    uint64_t sums[NF_SUMS];
    hssize_t items = 1, item = 0;
    for (int d = 0; d < reader->about.lead; d++) {
        item = item * (hssize_t)reader->about.extent[d] + (hssize_t)reader->lead[d];
        items *= (hssize_t)reader->about.extent[d];
    }
    hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
    bool found = items <= NF_SUMS && H5Sget_simple_extent_npoints(space) == items &&
                 H5Tget_class(type) == H5T_INTEGER &&
                 H5Aread(attribute, H5T_NATIVE_UINT64, sums) >= 0;
    nf_h5_release(H5Tclose, type);
    nf_h5_release(H5Sclose, space);
    if (found)
        *sum = sums[item];
    return found;
}

bool nf_h5_checksum(void *state, uint64_t *sum)
{
    const nf_h5_reader *reader = state;
    bool found = false;
    nf_h5_enter(reader->path);
    if (!reader->cf.on && H5Aexists(reader->dataset, NF_NOTE_CHECKSUM) > 0) {
        hid_t attribute = H5Aopen(reader->dataset, NF_NOTE_CHECKSUM, H5P_DEFAULT);
        found = attribute >= 0 && get_checksum(reader, attribute, sum);
        nf_h5_release(H5Aclose, attribute);
    }
    nf_h5_leave();
    return found;
}

/* ---- opening ---- */

static nf_status not_there(nf_h5_reader *reader)
{
    char target[256], problem[400] = "is not there";
    H5L_info_t link;
    const char *name = reader->name;
    if (H5Lexists(reader->file, name, H5P_DEFAULT) > 0 &&
        H5Lget_info(reader->file, name, &link, H5P_DEFAULT) >= 0 &&
        link.u.val_size < sizeof target &&
        H5Lget_val(reader->file, name, target, sizeof target, H5P_DEFAULT) >= 0) {
        const char *file = NULL, *object = target;
        unsigned flags;
        if (link.type == H5L_TYPE_EXTERNAL)
            H5Lunpack_elink_val(target, link.u.val_size, &flags, &file, &object);
        snprintf(problem, sizeof problem, "is a link to %s%s%s, which is not there",
                 file != NULL ? file : "", file != NULL ? ":" : "", object);
    }
    return nf_h5_no_such(reader->file, reader->path, name, problem);
}

/* Looked for as HDF5 does: as it is named, and beside the file. */
static bool source_there(const char *path, const char *source)
{
    char *copy = strdup(path), *beside = NULL;
    bool there =
        strcmp(source, ".") == 0 || strchr(source, '%') != NULL || access(source, R_OK) == 0;
    if (!there && copy != NULL && asprintf(&beside, "%s/%s", dirname(copy), source) > 0)
        there = access(beside, R_OK) == 0;
    free(beside);
    free(copy);
    return there;
}

/* A virtual dataset reads as fill values where a source is missing: not to be passed over. */
static nf_status check_sources(const nf_h5_reader *reader, hid_t plist)
{
    size_t count = 0;
    char source[1024];
    if (H5Pget_layout(plist) == H5D_VIRTUAL && H5Pget_virtual_count(plist, &count) < 0)
        return nf_h5_fail(reader->path, reader->name, "its sources cannot be read");
    for (size_t i = 0; i < count; i++)
        if (H5Pget_virtual_filename(plist, i, source, sizeof source) >= 0 &&
            !source_there(reader->path, source))
            return nf_fail(NF_ERR_FILE,
                           "%s:%s: is put together from other files, of which %s is not there",
                           reader->path, reader->name, source);
    return NF_OK;
}

/* Room for the chunks that a row of cells goes through, so that each is decoded once where rows are
 * read in order. */
static void cache_chunks(nf_h5_reader *reader, hid_t plist)
{
    enum { LEAST = 1 << 20, MOST = 64 << 20, SLOTS = 12289 /* a prime */ };
    const nf_h5_about *a = &reader->about;
    hsize_t chunk[H5S_MAX_RANK];
    double bytes = (double)nf_element_size(a->element.type);
    int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
    int rows = a->rank - (a->channels > 0) - 2; /* the dimension of rows */
    for (int d = 0; d < rank; d++) {
        hsize_t chunks = d > rows ? (a->extent[d] + chunk[d] - 1) / chunk[d] : 1;
        bytes *= (double)(chunks * chunk[d]);
    }
    if (bytes <= LEAST || bytes > MOST)
        return;
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS), larger = -1;
    if (H5Pset_chunk_cache(access, SLOTS, (size_t)bytes, 1) >= 0)
        larger = H5Dopen2(reader->file, reader->name, access);
    if (larger >= 0) {
        H5Dclose(reader->dataset);
        reader->dataset = larger;
    }
    nf_h5_release(H5Pclose, access);
}

/* HDF5 makes no chunk that is longer than its dimension can become; nor does it check that when it
 * reads, and believes a file of few bytes that claims chunks of gigabytes. */
static nf_status check_chunk(const nf_h5_reader *reader, hid_t plist)
{
    hsize_t chunk[H5S_MAX_RANK], now[H5S_MAX_RANK], most[H5S_MAX_RANK];
    int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
    bool fine = rank == H5Sget_simple_extent_ndims(reader->space) &&
                H5Sget_simple_extent_dims(reader->space, now, most) == rank;
    for (int d = 0; d < rank && fine; d++)
        fine = chunk[d] > 0 && (most[d] == H5S_UNLIMITED || chunk[d] <= most[d]);
    return fine
               ? NF_OK
               : nf_fail(NF_ERR_FORMAT, "%s:%s: its chunks are larger than it: the file is damaged",
                         reader->path, reader->name);
}

static nf_status check_storage(nf_h5_reader *reader)
{
    H5O_info_t here, there;
    hid_t plist = H5Dget_create_plist(reader->dataset);
    if (plist < 0 || H5Oget_info2(reader->file, &here, H5O_INFO_BASIC) < 0 ||
        H5Oget_info2(reader->dataset, &there, H5O_INFO_BASIC) < 0) {
        nf_h5_release(H5Pclose, plist);
        return nf_h5_fail(reader->path, reader->name, "its layout cannot be read");
    }
    reader->chunked = H5Pget_layout(plist) == H5D_CHUNKED;
    reader->elsewhere = here.fileno != there.fileno;
    nf_status status = check_sources(reader, plist);
    if (status == NF_OK && reader->chunked)
        status = check_chunk(reader, plist);
    if (status == NF_OK && reader->chunked)
        cache_chunks(reader, plist);
    H5Pclose(plist);
    return status == NF_OK ? nf_h5_check_filters(reader->dataset, reader->path, reader->name)
                           : status;
}

/* Where the item is among the leading extents. */
static nf_status place_item(nf_h5_reader *reader, const nf_h5_name *asked)
{
    const nf_h5_about *a = &reader->about;
    for (int d = 0; d < asked->indices; d++) {
        int64_t extent = (int64_t)a->extent[d], index = asked->index[d];
        if (index < -extent || index >= extent)
            return nf_fail(NF_ERR_SHAPE,
                           "%s:%s (%s) has no item %lld: index %d goes from 0 to %lld, or from -1 "
                           "back to -%lld",
                           reader->path, reader->name, a->text, (long long)index, d,
                           (long long)extent - 1, (long long)extent);
        reader->lead[d] = (hsize_t)(index < 0 ? index + extent : index);
    }
    return NF_OK;
}

static nf_status open_dataset(nf_h5_reader *reader, const nf_h5_name *asked)
{
    const char *path = reader->path, *name = reader->name;
    nf_h5_about *a = &reader->about;
    H5O_info_t info;
    if (H5Oget_info_by_name2(reader->file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return not_there(reader);
    if (info.type != H5O_TYPE_DATASET)
        return nf_h5_no_such(reader->file, path, name, "is no dataset");
    reader->dataset = H5Dopen2(reader->file, name, H5P_DEFAULT);
    if (reader->dataset < 0)
        return nf_h5_fail(path, name, "cannot be opened");
    reader->space = H5Dget_space(reader->dataset);
    reader->type = H5Dget_type(reader->dataset);
    if (reader->space < 0 || reader->type < 0 ||
        !nf_h5_about_dataset(reader->dataset, asked->indices, a))
        return nf_h5_fail(path, name, "its shape cannot be read");
    if (a->taken || a->stack) {
        nf_status status = place_item(reader, asked);
        if (status != NF_OK)
            return status;
    }
    if (!a->taken)
        return nf_fail(NF_ERR_SHAPE, "%s:%s (%s) cannot be taken: %s", path, name, a->text,
                       a->problem);
    nf_status status = check_storage(reader);
    if (status == NF_OK && asked->cf)
        status =
            nf_h5_cf_read(reader->dataset, path, name, &a->element, &a->shape.dtype, &reader->cf);
    return status;
}

/* The file, and the name of the dataset: the one asked for, or the one that is meant. */
static nf_status open_named(nf_h5_reader *reader, const char *file, const char *dataset,
                            nf_h5_name *asked)
{
    reader->file = reader->dataset = reader->space = reader->type = -1;
    reader->path = strdup(file);
    if (reader->path == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 reader", file);
    reader->file = nf_h5_open_file(file, H5F_ACC_RDONLY);
    if (reader->file < 0)
        return nf_h5_fail(file, NULL, "cannot be opened");
    nf_status status = nf_h5_name_parse(reader->file, file, dataset, asked);
    if (status == NF_OK && asked->name == NULL)
        status = nf_h5_choose(reader->file, file, &asked->name);
    reader->name = asked->name;
    return status;
}

nf_status nf_h5_open(const char *file, const char *dataset, void **state, nf_shape *shape)
{
    nf_h5_name asked;
    nf_h5_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 reader", file);
    nf_h5_enter(file);
    nf_status status = open_named(reader, file, dataset, &asked);
    if (status == NF_OK)
        status = open_dataset(reader, &asked);
    if (status == NF_OK)
        status = nf_shape_check(&reader->about.shape, file);
    nf_h5_leave();
    if (status != NF_OK) {
        nf_h5_close(reader);
        return status;
    }
    *shape = reader->about.shape;
    *state = reader;
    return NF_OK;
}

const char *nf_h5_remark(void *state)
{
    const nf_h5_reader *reader = state;
    if (nf_h5_text_is(reader->dataset, "IMAGE_SUBCLASS", "IMAGE_INDEXED") ||
        H5Aexists(reader->dataset, "PALETTE") > 0)
        return "is an image with a palette: its elements are taken as they are stored, indices "
               "into the palette";
    if (nf_h5_text_is(reader->dataset, "INTERLACE_MODE", "INTERLACE_PLANE"))
        return "is an image stored colour by colour: it is taken as a stack of planes";
    return NULL;
}

nf_status nf_h5_stack(const char *file, const char *dataset, int dims, nf_stack *stack)
{
    nf_h5_name asked;
    nf_h5_about *a;
    nf_h5_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 reader", file);
    a = &reader->about;
    nf_status status = open_named(reader, file, dataset, &asked);
    if (status == NF_OK)
        status = open_dataset(reader, &asked);
    if (a->taken || a->stack) { /* whether or not it can be taken whole */
        int given = asked.indices, rest = a->rank - given;
        int least = a->stack ? rest - NF_DIMS - (a->channels > 0) : 1;
        stack->dims = dims > 0 ? dims : least;
        status = NF_OK;
        if (stack->dims < least || stack->dims > NF_STACK_DIMS - given ||
            stack->dims + (a->channels > 0) >= rest)
            status = nf_fail(NF_ERR_SHAPE,
                             "%s:%s (%s) is no stack of arrays over %d dimensions: items have 1 to "
                             "3, and channels, and a stack at most %d",
                             file, reader->name, a->text, stack->dims, NF_STACK_DIMS);
        int64_t elements = 1;
        for (int d = 0; d < rest && status == NF_OK; d++) {
            if (d < stack->dims)
                stack->extent[d] = (int64_t)a->extent[given + d];
            if (__builtin_mul_overflow(elements, (int64_t)a->extent[given + d], &elements) ||
                elements > INT64_MAX / 8)
                status =
                    nf_fail(NF_ERR_SHAPE, "%s:%s (%s) is too large", file, reader->name, a->text);
        }
    }
    nf_h5_close(reader);
    return status;
}

/* ---- where the elements lie ---- */

/* Position of the item that is read, in bytes from the first element of the dataset. */
static int64_t item_offset(const nf_h5_reader *reader)
{
    const nf_h5_about *a = &reader->about;
    hsize_t at = 0;
    for (int d = 0; d < a->rank; d++)
        at = at * a->extent[d] + (d < a->lead ? reader->lead[d] : 0);
    return (int64_t)(at * nf_element_size(a->element.type));
}

void nf_h5_layout(void *state, nf_layout *layout)
{
    nf_h5_reader *reader = state;
    const nf_h5_about *a = &reader->about;
    hid_t plist = H5Dget_create_plist(reader->dataset);
    haddr_t offset = H5Dget_offset(reader->dataset);
    *layout = (nf_layout){.kind = NF_LAYOUT_NONE, .element = a->element};
    if (plist >= 0 && reader->chunked && !reader->elsewhere && !reader->cf.on)
        nf_h5_chunk_layout(plist, &a->shape, a->rank, a->lead, layout);
    reader->chunks = (nf_h5_chunks){.file = reader->file,
                                    .dataset = reader->dataset,
                                    .path = reader->path,
                                    .name = reader->name,
                                    .shape = a->shape,
                                    .layout = *layout,
                                    .lead = a->lead};
    memcpy(reader->chunks.at, reader->lead, sizeof reader->lead);
    if (plist >= 0 && H5Pget_layout(plist) == H5D_CONTIGUOUS && H5Pget_external_count(plist) == 0 &&
        offset != HADDR_UNDEF && !reader->elsewhere && !reader->cf.on)
        *layout = (nf_layout){.kind = NF_LAYOUT_DENSE,
                              .element = reader->about.element,
                              .offset = (int64_t)offset + item_offset(reader)};
    nf_h5_release(H5Pclose, plist);
}

nf_status nf_h5_locate(void *state, const int64_t index[NF_DIMS], nf_chunk *chunk)
{
    const nf_h5_reader *reader = state;
    return nf_h5_chunk_locate(&reader->chunks, index, chunk);
}

const char *nf_h5_dataset(const void *state)
{
    return ((const nf_h5_reader *)state)->name;
}

/* ---- reading through HDF5 ---- */

/* Extents of a box of the item as the dataset has them; returns their number, the dataset's rank. */
static int box_extents(const nf_h5_reader *reader, const nf_box *box, hsize_t start[H5S_MAX_RANK],
                       hsize_t count[H5S_MAX_RANK])
{
    const nf_h5_about *a = &reader->about;
    int ndim = a->shape.ndim;
    for (int d = 0; d < a->lead; d++) {
        start[d] = reader->lead[d];
        count[d] = 1;
    }
    for (int d = 0; d < ndim; d++) {
        int from = NF_DIMS - ndim + d;
        start[a->lead + d] = (hsize_t)box->lo[from];
        count[a->lead + d] = (hsize_t)nf_box_extent(box, from);
    }
    if (a->rank > a->lead + ndim) {
        start[a->rank - 1] = 0;
        count[a->rank - 1] = (hsize_t)a->shape.channels;
    }
    return a->rank;
}

/* Reads a box to memory in the file's own type. */
static nf_status read_box(const nf_h5_reader *reader, const nf_box *box, hid_t memory, void *to)
{
    hsize_t start[H5S_MAX_RANK], count[H5S_MAX_RANK];
    box_extents(reader, box, start, count);
    if (memory < 0 ||
        H5Sselect_hyperslab(reader->space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(reader->dataset, reader->type, memory, reader->space, H5P_DEFAULT, to) < 0)
        return nf_h5_fail(reader->path, reader->name, "cannot be read");
    return NF_OK;
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
static nf_status read_direct(const nf_h5_reader *reader, const nf_box *box, void *cells,
                             const ptrdiff_t stride[NF_DIMS])
{
    hid_t memory = memory_space(box, reader->about.shape.channels, stride);
    nf_status status = read_box(reader, box, memory, cells);
    nf_h5_release(H5Sclose, memory);
    return status;
}

static void decode(const nf_h5_reader *reader, int64_t count, const void *from, void *to)
{
    const nf_h5_about *a = &reader->about;
    if (reader->cf.on)
        nf_h5_cf_decode(&reader->cf, a->element, count, from, a->shape.dtype, to);
    else
        nf_element_decode(a->element, count, from, to);
}

/* The same with the dataset's own shape and type in memory, and decoded from there. */
static nf_status read_bounced(const nf_h5_reader *reader, const nf_box *box, char *cells,
                              const ptrdiff_t stride[NF_DIMS], char *buffer)
{
    hsize_t start[H5S_MAX_RANK], count[H5S_MAX_RANK];
    const nf_shape *shape = &reader->about.shape;
    hid_t memory = H5Screate_simple(box_extents(reader, box, start, count), count, NULL);
    nf_status status = read_box(reader, box, memory, buffer);
    int64_t row = nf_box_extent(box, 2) * shape->channels, done = 0;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(shape->dtype);
    for (int64_t z = 0; z < nf_box_extent(box, 0) && status == NF_OK; z++)
        for (int64_t y = 0; y < nf_box_extent(box, 1); y++, done += row)
            decode(reader, row, buffer + (size_t)done * nf_element_size(reader->about.element.type),
                   cells + (z * stride[0] + y * stride[1]) * size);
    nf_h5_release(H5Sclose, memory);
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

static nf_status read_pieces(const nf_h5_reader *reader, const nf_box *box, char *cells,
                             const ptrdiff_t stride[NF_DIMS], const int64_t step[NF_DIMS],
                             void *buffer)
{
    nf_status status = NF_OK;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(reader->about.shape.dtype);
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
    const nf_h5_reader *reader = state;
    const nf_h5_about *a = &reader->about;
    int64_t step[NF_DIMS];
    int64_t cell_bytes = a->shape.channels * (int64_t)nf_element_size(a->element.type);
    bool bounce = (reader->chunked && a->rank > a->shape.ndim) || stride[0] % stride[1] != 0 ||
                  reader->cf.on || !nf_element_is_native(a->element);
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
