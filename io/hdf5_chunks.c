/* hdf5_chunks.c - chunked datasets: their layout, the places of their chunks, and places for new
 * ones. The bytes of chunks do not pass here. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/chunks.h"
#include "io/codec.h"
#include "io/hdf5.h"

/* ---- what a dataset's properties tell ---- */

/* The chunk's extents, if it holds one item alone and all of its channels. */
static bool chunk_extents(hid_t plist, const nf_shape *shape, int rank, int lead,
                          int64_t chunk[NF_DIMS])
{
    hsize_t extent[H5S_MAX_RANK];
    if (H5Pget_chunk(plist, H5S_MAX_RANK, extent) != rank || rank < lead + shape->ndim ||
        rank > lead + shape->ndim + 1)
        return false;
    for (int d = 0; d < lead; d++)
        if (extent[d] != 1)
            return false;
    if (rank > lead + shape->ndim ? extent[rank - 1] != (hsize_t)shape->channels
                                  : shape->channels > 1)
        return false;
    for (int d = 0; d < NF_DIMS; d++)
        chunk[d] =
            d < NF_DIMS - shape->ndim ? 1 : (int64_t)extent[lead + d - (NF_DIMS - shape->ndim)];
    return true;
}

static bool chunk_filters(hid_t plist, nf_layout *layout)
{
    int filters = H5Pget_nfilters(plist);
    if (filters < 0 || filters > NF_MAX_CODECS)
        return false;
    for (int i = 0; i < filters; i++) {
        unsigned flags, value[1] = {0};
        size_t values = 1;
        char name[1];
        H5Z_filter_t id =
            H5Pget_filter2(plist, (unsigned)i, &flags, &values, value, sizeof name, name, NULL);
        if (id == H5Z_FILTER_SHUFFLE && value[0] != nf_element_size(layout->element.type))
            return false;
        layout->codec[i] = (nf_codec){.id = (nf_codec_id)id};
    }
    layout->ncodecs = (size_t)filters;
    return nf_codecs_known(layout->codec, layout->ncodecs);
}

static bool fill_value(hid_t plist, double *fill)
{
    H5D_fill_value_t defined;
    *fill = 0;
    if (H5Pfill_value_defined(plist, &defined) < 0)
        return false;
    return defined == H5D_FILL_VALUE_UNDEFINED ||
           H5Pget_fill_value(plist, H5T_NATIVE_DOUBLE, fill) >= 0;
}

void nf_h5_chunk_layout(hid_t plist, const nf_shape *shape, int rank, int lead, nf_layout *layout)
{
    unsigned options = 0;
    layout->kind = NF_LAYOUT_NONE;
    if (H5Pget_chunk_opts(plist, &options) >= 0 && options == 0 &&
        layout->element.type != NF_EL_NONE &&
        chunk_extents(plist, shape, rank, lead, layout->chunk) && chunk_filters(plist, layout) &&
        fill_value(plist, &layout->fill))
        layout->kind = NF_LAYOUT_CHUNKS;
}

/* ---- where chunks are ---- */

static void chunk_offset(const nf_h5_chunks *chunks, const int64_t index[NF_DIMS],
                         hsize_t offset[NF_H5_RANK])
{
    int first = NF_DIMS - chunks->shape.ndim;
    memset(offset, 0, NF_H5_RANK * sizeof *offset);
    memcpy(offset, chunks->at, (size_t)chunks->lead * sizeof *offset);
    for (int d = first; d < NF_DIMS; d++)
        offset[chunks->lead + d - first] = (hsize_t)(index[d] * chunks->layout.chunk[d]);
}

static nf_status chunk_fail(const nf_h5_chunks *chunks, const int64_t index[NF_DIMS],
                            const char *what)
{
    char text[NF_CHUNK_TEXT];
    nf_chunk_text(&chunks->shape, index, text);
    nf_status status = nf_h5_fail(chunks->path, chunks->name, what);
    return nf_fail(status, "%s (chunk %s)", nf_message(status), text);
}

/* HDF5 1.10 takes it for a failure that a chunk without filters is not there: one of the call itself,
 * not of anything that it calls. */
static bool found_nothing(void)
{
    return H5Eget_num(H5E_DEFAULT) <= 2;
}

/* HDF5 looks it up, and reads it in vain. */
nf_status nf_h5_chunk_locate(const nf_h5_chunks *chunks, const int64_t index[NF_DIMS],
                             nf_chunk *chunk)
{
    hsize_t offset[NF_H5_RANK], bytes = 0;
    nf_h5_transfer note = {.count = 0};
    uint32_t mask = 0;
    char nothing[1];
    *chunk = (nf_chunk){.address = -1};
    chunk_offset(chunks, index, offset);
    if (H5Dget_chunk_storage_size(chunks->dataset, offset, &bytes) < 0 && !found_nothing())
        return chunk_fail(chunks, index, "a chunk cannot be found");
    if (bytes == 0)
        return NF_OK;
    bool fine = nf_h5_note(chunks->file, &note) &&
                H5Dread_chunk(chunks->dataset, H5P_DEFAULT, offset, &mask, nothing) >= 0;
    nf_h5_note(chunks->file, NULL);
    if (!fine || note.count != 1 || note.bytes != (int64_t)bytes)
        return chunk_fail(chunks, index, "a chunk has no place in the file");
    *chunk = (nf_chunk){.address = note.address, .bytes = note.bytes, .skipped = mask};
    return NF_OK;
}

/* ---- a new dataset ---- */

static nf_status given_chunk(const char *target, const nf_shape *shape, const int64_t *given,
                             nf_layout *layout)
{
    static const char *const names[] = {"", "one extent", "two extents", "three extents"};
    int count = 0;
    for (int d = 0; d < NF_DIMS; d++)
        count += given[d] > 0;
    if (count != shape->ndim)
        return nf_fail(NF_ERR_USAGE, "%s: the chunk has %s where the array has %d", target,
                       names[count], shape->ndim);
    for (int d = 0; d < NF_DIMS; d++) {
        int64_t extent = given[d] > 0 ? given[d] : 1;
        layout->chunk[d] = extent < shape->dim[d] ? extent : shape->dim[d];
    }
    return NF_OK;
}

nf_status nf_h5_chunk_choose(const char *target, const nf_shape *shape, const nf_output *output,
                             nf_layout *layout)
{
    size_t size = nf_element_size(layout->element.type), n = 0;
    nf_status status = NF_OK;
    layout->kind = nf_output_chunked(output) ? NF_LAYOUT_CHUNKS : NF_LAYOUT_DENSE;
    if (layout->kind == NF_LAYOUT_DENSE)
        return NF_OK;
    if (output->chunk[2] > 0)
        status = given_chunk(target, shape, output->chunk, layout);
    else
        nf_chunk_choose(shape, size, layout->chunk);
    if (status == NF_OK && nf_chunk_bytes(shape, layout) > NF_CHUNK_MOST)
        status = nf_fail(NF_ERR_USAGE, "%s: a chunk may have up to %d MiB: ask for a smaller one",
                         target, NF_CHUNK_MOST >> 20);
    if (output->shuffle && size > 1)
        layout->codec[n++] = (nf_codec){.id = NF_CODEC_SHUFFLE};
    if (output->compression.id != NF_CODEC_NONE)
        layout->codec[n++] = output->compression;
    if (output->fletcher32)
        layout->codec[n++] = (nf_codec){.id = NF_CODEC_FLETCHER32};
    layout->ncodecs = n;
    return status;
}

/* With the values by which the filters' own programs know their settings: LZ4's is its block's size,
 * 0 for its usual one. Filters that HDF5 has no program for here are put as optional ones, so that it
 * does not ask for them. */
static bool put_filter(hid_t plist, const nf_codec *codec)
{
    unsigned level = (unsigned)codec->level;
    switch (codec->id) {
    case NF_CODEC_SHUFFLE:
        return H5Pset_shuffle(plist) >= 0;
    case NF_CODEC_FLETCHER32:
        return H5Pset_fletcher32(plist) >= 0;
    case NF_CODEC_DEFLATE:
        return H5Pset_deflate(plist, level) >= 0;
    default:
        return H5Pset_filter(plist, (H5Z_filter_t)codec->id, H5Z_FLAG_OPTIONAL, 1, &level) >= 0;
    }
}

/* Nothing is written but what chunks.c writes; places are given one by one. */
bool nf_h5_chunk_create(hid_t plist, const nf_shape *shape, const nf_stack *stack,
                        const nf_layout *layout)
{
    hsize_t extent[NF_H5_RANK];
    int rank = 0;
    while (rank < stack->dims)
        extent[rank++] = 1;
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        extent[rank++] = (hsize_t)layout->chunk[d];
    if (shape->channels > 1)
        extent[rank++] = (hsize_t)shape->channels;
    bool fine = H5Pset_chunk(plist, rank, extent) >= 0 &&
                H5Pset_alloc_time(plist, H5D_ALLOC_TIME_INCR) >= 0 &&
                H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER) >= 0;
    for (size_t i = 0; i < layout->ncodecs && fine; i++)
        fine = put_filter(plist, &layout->codec[i]);
    return fine;
}

/* ---- places for chunks ---- */

typedef struct placed {
    int64_t item, index[NF_DIMS];
    nf_chunk chunk;
} placed;

struct nf_h5_allotting {
    nf_h5_chunks chunks; /* of the item that is written */
    nf_stack stack;
    nf_hdf5_hints hints;
    char *part, *target, *name;
    placed *placed; /* all that have a place */
    size_t count, room;
};

enum { PAGE = 4096, LARGE_PAGE = 2 << 20 };

/* The power of two that divides the chunk's bytes, from a page on: the system caches what is written at
 * such an address in as large pages, and reads of whole chunks are a fifth faster. */
static hsize_t natural_alignment(const nf_h5_chunks *chunks)
{
    int64_t bytes = nf_chunk_bytes(&chunks->shape, &chunks->layout), alignment = bytes & -bytes;
    return (hsize_t)(alignment < PAGE ? PAGE : alignment < LARGE_PAGE ? alignment : LARGE_PAGE);
}

/* Chunks lie as densely as they can, but for those that are written as they are. */
static nf_status open_chunks(nf_h5_allotting *a, unsigned flags)
{
    nf_h5_chunks *chunks = &a->chunks;
    hid_t access = nf_h5_access(&a->hints);
    if (chunks->layout.ncodecs > 0)
        H5Pset_alignment(access, 1, 1);
    else if (a->hints.alignment == 0)
        H5Pset_alignment(access, PAGE, natural_alignment(chunks));
    chunks->file = H5Fopen(a->part, flags, access);
    if (chunks->file >= 0)
        chunks->dataset = H5Dopen2(chunks->file, a->name, H5P_DEFAULT);
    nf_h5_release(H5Pclose, access);
    if (chunks->dataset < 0)
        return nf_h5_fail(a->target, a->name, "cannot be opened to be filled");
    return NF_OK;
}

static nf_status close_chunks(nf_h5_allotting *a)
{
    nf_h5_chunks *chunks = &a->chunks;
    nf_status status = NF_OK;
    if (chunks->dataset >= 0 && H5Dclose(chunks->dataset) < 0)
        status = nf_h5_fail(a->target, a->name, "cannot be closed");
    chunks->dataset = -1;
    if (chunks->file >= 0 && nf_h5_close_file(chunks->file, status == NF_OK) < 0)
        status = nf_h5_fail(a->target, NULL, "its metadata cannot be written");
    chunks->file = -1;
    return status;
}

void nf_h5_allot_abandon(nf_h5_allotting *a)
{
    if (a == NULL)
        return;
    if (a->chunks.dataset >= 0)
        H5Dclose(a->chunks.dataset);
    if (a->chunks.file >= 0)
        nf_h5_close_file(a->chunks.file, false);
    free(a->part);
    free(a->target);
    free(a->name);
    free(a->placed);
    free(a);
}

nf_status nf_h5_allot_begin(const char *part, const char *target, const char *name,
                            const nf_shape *shape, const nf_output *output, const nf_layout *layout,
                            nf_h5_allotting **allotting)
{
    nf_h5_allotting *a = calloc(1, sizeof *a);
    if (a == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 writer", target);
    a->part = strdup(part);
    a->target = strdup(target);
    a->name = strdup(name);
    a->stack = output->stack;
    a->hints = output->hints;
    a->chunks = (nf_h5_chunks){.file = -1,
                               .dataset = -1,
                               .path = a->target,
                               .name = a->name,
                               .shape = *shape,
                               .layout = *layout,
                               .lead = output->stack.dims};
    nf_status status = NF_OK;
    if (a->part == NULL || a->target == NULL || a->name == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 writer", target);
    else
        status = open_chunks(a, H5F_ACC_RDWR);
    if (status != NF_OK) {
        nf_h5_allot_abandon(a);
        return status;
    }
    *allotting = a;
    return NF_OK;
}

static void set_item(nf_h5_allotting *a, int64_t item)
{
    for (int d = a->stack.dims - 1; d >= 0; item /= a->stack.extent[d], d--)
        a->chunks.at[d] = (hsize_t)(item % a->stack.extent[d]);
}

/* HDF5 gives the chunk its place, and writes it in vain. */
static nf_status allot_one(nf_h5_allotting *a, int64_t item, const int64_t index[NF_DIMS],
                           nf_chunk *chunk)
{
    const nf_h5_chunks *chunks = &a->chunks;
    hsize_t offset[NF_H5_RANK];
    nf_h5_transfer note = {.count = 0};
    char nothing[1];
    chunk_offset(chunks, index, offset);
    bool fine = nf_h5_note(chunks->file, &note) &&
                H5Dwrite_chunk(chunks->dataset, H5P_DEFAULT, chunk->skipped, offset,
                               (size_t)chunk->bytes, nothing) >= 0;
    nf_h5_note(chunks->file, NULL);
    if (!fine || note.count != 1 || note.bytes != chunk->bytes)
        return chunk_fail(chunks, index, "a chunk cannot be given a place");
    chunk->address = note.address;
    a->placed[a->count] = (placed){.item = item, .chunk = *chunk};
    memcpy(a->placed[a->count].index, index, sizeof a->placed->index);
    a->count++;
    return NF_OK;
}

nf_status nf_h5_allot(nf_h5_allotting *a, int64_t item, size_t n, const int64_t (*index)[NF_DIMS],
                      nf_chunk *chunks)
{
    set_item(a, item);
    if (a->count + n > a->room) {
        size_t room = (a->count + n) * 2;
        placed *more = realloc(a->placed, room * sizeof *more);
        if (more == NULL)
            return nf_fail(NF_ERR_MEMORY, "%s: no memory for the places of %zu chunks", a->target,
                           room);
        a->placed = more;
        a->room = room;
    }
    nf_status status = NF_OK;
    for (size_t i = 0; i < n && status == NF_OK; i++)
        status = allot_one(a, item, index[i], &chunks[i]);
    return status;
}

/* ---- what was written ---- */

static int by_address(const void *left, const void *right)
{
    const placed *a = left, *b = right;
    return (a->chunk.address > b->chunk.address) - (a->chunk.address < b->chunk.address);
}

static nf_status verify_places(nf_h5_allotting *a, int64_t file_bytes)
{
    int64_t end = 0;
    if (a->count > 0)
        qsort(a->placed, a->count, sizeof *a->placed, by_address);
    for (size_t i = 0; i < a->count; i++) {
        const placed *p = &a->placed[i];
        nf_chunk is;
        char text[NF_CHUNK_TEXT];
        set_item(a, p->item);
        nf_status status = nf_h5_chunk_locate(&a->chunks, p->index, &is);
        if (status != NF_OK)
            return status;
        nf_chunk_text(&a->chunks.shape, p->index, text);
        if (is.address != p->chunk.address || is.bytes != p->chunk.bytes ||
            is.skipped != p->chunk.skipped)
            return nf_fail(NF_ERR_FILE, "%s:%s: chunk %s is not where it was written", a->target,
                           a->name, text);
        if (p->chunk.address < end || p->chunk.address + p->chunk.bytes > file_bytes)
            return nf_fail(NF_ERR_FILE,
                           "%s:%s: chunk %s lies upon another or behind the file's end", a->target,
                           a->name, text);
        end = p->chunk.address + p->chunk.bytes;
    }
    return NF_OK;
}

static nf_status verify(nf_h5_allotting *a)
{
    struct stat info;
    int64_t expected =
        nf_chunk_count(&a->chunks.shape, &a->chunks.layout) * nf_stack_items(&a->stack);
    if ((int64_t)a->count != expected)
        return nf_fail(NF_ERR_FILE, "%s:%s: %zu of %lld chunks were written", a->target, a->name,
                       a->count, (long long)expected);
    if (stat(a->part, &info) != 0)
        return nf_fail(NF_ERR_FILE, "%s: what was written is gone", a->target);
    nf_status status = open_chunks(a, H5F_ACC_RDONLY);
    return status == NF_OK ? verify_places(a, info.st_size) : status;
}

nf_status nf_h5_allot_finish(nf_h5_allotting *a)
{
    nf_status status = close_chunks(a);
    if (status == NF_OK)
        status = verify(a);
    nf_h5_allot_abandon(a);
    return status;
}
