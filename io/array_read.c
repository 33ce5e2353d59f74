/* array_read.c - arrays in files, read by all ranks together: what a format does for one process, and the
 * rules that hold for every format. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/chunks.h"
#include "io/content.h"
#include "io/format.h"
#include "io/raw.h"
#include "io/row_bands.h"

struct nf_array_reader {
    nf_path path;
    const nf_format *format;
    void *state; /* NULL: not open on this rank */
    nf_shape shape;
    nf_layout layout;
    nf_raw raw;         /* a file of this rank's own, where the layout is known; otherwise fd -1 */
    bool whole;         /* dense: nothing follows the array */
    nf_chunked chunked; /* the same file, in chunks */
    char *name;         /* of chunks, for messages */
    int threads;
    bool used; /* rows in order: they were read once already */
    nf_watch watch;
};

static nf_status reader_start(nf_array_reader *reader, nf_shape *shape)
{
    reader->used = false;
    return reader->format->open(reader->path.file, reader->path.dataset, &reader->state, shape);
}

static nf_status not_as_described(const nf_array_reader *reader, int64_t size, int64_t end)
{
    char text[NF_SHAPE_TEXT];
    return nf_fail(
        NF_ERR_FORMAT,
        "%s: has %lld bytes where an array of %s in %s elements takes %lld; other things "
        "before or behind it are passed over with --offset BYTES",
        reader->path.file, (long long)size, nf_shape_text(&reader->shape, text),
        nf_element_name(reader->layout.element.type), (long long)end);
}

static nf_status reader_open_chunks(nf_array_reader *reader)
{
    const char *dataset =
        reader->format->dataset != NULL ? reader->format->dataset(reader->state) : "";
    if (asprintf(&reader->name, "%s%s%s", reader->path.file, dataset[0] != '\0' ? ":" : "",
                 dataset) < 0) {
        reader->name = NULL;
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a reader", reader->path.file);
    }
    reader->chunked = (nf_chunked){.fd = reader->raw.fd,
                                   .name = reader->name,
                                   .shape = reader->shape,
                                   .layout = reader->layout,
                                   .threads = reader->threads};
    return NF_OK;
}

/* Where it is known how the elements lie: a file to read them from, which must be long enough. */
static nf_status reader_open_raw(nf_array_reader *reader)
{
    const char *file = reader->path.file;
    if (reader->layout.kind == NF_LAYOUT_NONE)
        return NF_OK;
    reader->raw = (nf_raw){.fd = open(file, O_RDONLY | O_CLOEXEC),
                           .name = file,
                           .shape = reader->shape,
                           .layout = reader->layout};
    struct stat info;
    if (reader->raw.fd < 0 || fstat(reader->raw.fd, &info) != 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s; all ranks must see the same file",
                       file, strerror(errno));
    if (reader->layout.kind == NF_LAYOUT_CHUNKS)
        return reader_open_chunks(reader);
    int64_t end = reader->layout.offset + nf_raw_bytes(&reader->raw);
    if (reader->whole && info.st_size != end)
        return not_as_described(reader, info.st_size, end);
    if (info.st_size < end)
        return nf_fail(NF_ERR_FILE,
                       "%s: has %lld bytes where its array ends at %lld: it was cut short, or is "
                       "still being written",
                       file, (long long)info.st_size, (long long)end);
    return NF_OK;
}

/* A bare array, as it is described. */
static nf_status open_described(nf_array_reader *reader, const nf_described *as)
{
    nf_status status = nf_content_regular(reader->path.file);
    if (status == NF_OK && reader->path.dataset != NULL)
        status = nf_fail(NF_ERR_USAGE, "%s: a bare array has no datasets: leave out :%s",
                         reader->path.file, reader->path.dataset);
    if (status != NF_OK)
        return status;
    reader->format = &nf_format_raw;
    reader->shape = as->shape;
    reader->layout = (nf_layout){
        .kind = NF_LAYOUT_DENSE, .element = as->element, .offset = as->offset < 0 ? 0 : as->offset};
    reader->whole = as->offset < 0;
    return reader_open_raw(reader);
}

static nf_status open_first(nf_array_reader *reader, const char *typed, const nf_described *as)
{
    nf_status status = nf_path_parse(typed, &reader->path);
    if (status == NF_OK && as != NULL)
        return open_described(reader, as);
    if (status == NF_OK)
        status = nf_content_format(reader->path.file, &reader->format);
    if (status == NF_OK)
        status = reader_start(reader, &reader->shape);
    if (status == NF_OK && reader->format->layout != NULL)
        reader->format->layout(reader->state, &reader->layout);
    return status == NF_OK ? reader_open_raw(reader) : status;
}

/* The other ranks: rank 0 knows the format, the shape and the layout already. */
static nf_status open_more(nf_array_reader *reader, const char *typed, const nf_format *format)
{
    nf_shape shape;
    reader->format = format;
    nf_status status = nf_path_parse(typed, &reader->path);
    if (status == NF_OK && reader->layout.kind == NF_LAYOUT_DENSE)
        return reader_open_raw(reader);
    if (status != NF_OK || !format->random_access)
        return status;
    status = reader_start(reader, &shape);
    if (status == NF_OK && !nf_shape_equal(&shape, &reader->shape))
        status = nf_fail(NF_ERR_FILE,
                         "%s: is another array for rank 0 than for other ranks: the "
                         "file must be the same on all nodes",
                         typed);
    nf_layout layout;
    if (status == NF_OK && format->layout != NULL)
        format->layout(reader->state, &layout);
    return status == NF_OK ? reader_open_raw(reader) : status;
}

/* Collective. reader is NULL on a rank without memory. */
static nf_status open_all(const nf_world *world, nf_array_reader *reader, const char *typed,
                          const nf_described *as)
{
    struct {
        size_t format;
        nf_shape shape;
        nf_layout layout;
    } news = {.format = 0};
    nf_status status = NF_OK;
    if (reader == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for a reader", typed);
    else if (world->rank == 0)
        status = open_first(reader, typed, as);
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    if (world->rank == 0) {
        news.shape = reader->shape;
        news.layout = reader->layout;
        while (nf_format_at(news.format) != reader->format)
            news.format++;
    }
    nf_broadcast(world, &news, sizeof news, 0);
    reader->shape = news.shape;
    reader->layout = news.layout;
    if (world->rank > 0)
        status = open_more(reader, typed, nf_format_at(news.format));
    return nf_agree(world, status);
}

nf_status nf_array_open(const nf_world *world, const char *typed, const nf_described *as,
                        nf_array_reader **reader, nf_shape *shape)
{
    *reader = calloc(1, sizeof **reader);
    if (*reader != NULL)
        **reader = (nf_array_reader){.raw.fd = -1, .threads = world->threads};
    nf_status status = open_all(world, *reader, typed, as);
    if (status == NF_OK) {
        *shape = (*reader)->shape;
        if ((*reader)->state != NULL && (*reader)->format->read_threads != NULL)
            (*reader)->format->read_threads((*reader)->state, world->threads);
        return NF_OK;
    }
    nf_array_close(*reader);
    *reader = NULL;
    return status;
}

/* Formats that give rows in order are opened again for a second read. */
static nf_status reader_rewind(nf_array_reader *reader)
{
    nf_shape shape;
    if (!reader->used || reader->format->random_access)
        return NF_OK;
    reader->format->close(reader->state);
    reader->state = NULL;
    nf_status status = reader_start(reader, &shape);
    if (status == NF_OK && !nf_shape_equal(&shape, &reader->shape))
        status = nf_fail(NF_ERR_FILE, "%s: has changed since it was opened", reader->path.file);
    return status;
}

static nf_status read_bands(const nf_world *world, nf_array_reader *reader, nf_field *field)
{
    const nf_shape *shape = &reader->shape;
    ptrdiff_t stride[NF_DIMS];
    void *band;
    nf_status status = nf_band_create(world, shape, &band);
    nf_dense_strides(shape->dim, shape->channels, stride);
    for (int64_t y = 0; y < shape->dim[1] && status == NF_OK; y += nf_band_rows(shape)) {
        nf_box box = nf_band_box(shape, y);
        if (world->rank == 0)
            status = reader->format->read(reader->state, &box, band, stride);
        status = nf_agree(world, status);
        if (status == NF_OK)
            status = nf_scatter_rows(world, field, 0, box.lo[1], box.hi[1], band);
        nf_watch_show(&reader->watch, (double)box.hi[1], (double)shape->dim[1]);
    }
    free(band);
    return status;
}

bool nf_array_random(const nf_array_reader *reader)
{
    return reader->format->random_access;
}

nf_status nf_array_read_box(nf_array_reader *reader, const nf_box *box, void *cells,
                            const ptrdiff_t stride[NF_DIMS])
{
    if (reader->layout.kind == NF_LAYOUT_DENSE)
        return nf_raw_read(&reader->raw, box, cells, stride);
    if (reader->layout.kind == NF_LAYOUT_CHUNKS)
        return nf_chunked_read(&reader->chunked, reader->format->locate, reader->state, box, cells,
                               stride);
    nf_status status = box->lo[1] == 0 ? reader_rewind(reader) : NF_OK;
    reader->used = true;
    return status == NF_OK ? reader->format->read(reader->state, box, cells, stride) : status;
}

void nf_array_read_step(const nf_array_reader *reader, int64_t step[NF_DIMS])
{
    nf_layout_step(&reader->layout, step);
}

/* This rank's block, in pieces along its longest dimension but the columns, which end where chunks
 * do. */
static nf_status read_own(nf_array_reader *reader, nf_field *field)
{
    const nf_box *own = &field->own;
    int d = nf_box_extent(own, 0) > 1 ? 0 : 1;
    int64_t pieces = (int64_t)(nf_shape_bytes(&reader->shape) / NF_BAND_BYTES) + 1;
    int64_t step = nf_box_extent(own, d) / pieces + 1, aligned[NF_DIMS];
    nf_status status = NF_OK;
    nf_box box = *own;
    nf_array_read_step(reader, aligned);
    step = (step + aligned[d] - 1) / aligned[d] * aligned[d];
    for (; !nf_box_empty(own) && box.lo[d] < own->hi[d] && status == NF_OK; box.lo[d] = box.hi[d]) {
        int64_t end = box.lo[d] / aligned[d] * aligned[d] + step;
        box.hi[d] = end < own->hi[d] ? end : own->hi[d];
        status = nf_array_read_box(reader, &box, nf_field_at(field, box.lo), field->stride);
        nf_watch_show(&reader->watch, (double)(box.hi[d] - own->lo[d]),
                      (double)nf_box_extent(own, d));
    }
    return status;
}

nf_status nf_array_read(const nf_world *world, nf_array_reader *reader, nf_field *field)
{
    nf_status status = NF_OK;
    if (!nf_shape_equal(&reader->shape, &field->cut.shape))
        status =
            nf_fail(NF_ERR_SHAPE, "%s: the field is not of the file's shape", reader->path.file);
    if (reader->format->random_access || world->size == 1)
        return nf_agree(world, status == NF_OK ? read_own(reader, field) : status);
    if (status == NF_OK && world->rank == 0)
        status = reader_rewind(reader);
    reader->used = true;
    status = nf_agree(world, status);
    return status == NF_OK ? read_bands(world, reader, field) : status;
}

bool nf_array_checksum(const nf_array_reader *reader, uint64_t *checksum)
{
    return reader->state != NULL && reader->format->checksum != NULL &&
           reader->format->checksum(reader->state, checksum);
}

void nf_array_watch_reading(nf_array_reader *reader, nf_watch watch)
{
    reader->watch = watch;
}

const nf_metadata *nf_array_metadata(const nf_array_reader *reader)
{
    if (reader->state == NULL || reader->format->metadata == NULL)
        return NULL;
    return reader->format->metadata(reader->state);
}

void nf_array_close(nf_array_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->state != NULL)
        reader->format->close(reader->state);
    if (reader->raw.fd >= 0)
        close(reader->raw.fd);
    nf_chunked_free(&reader->chunked);
    free(reader->name);
    nf_path_free(&reader->path);
    free(reader);
}

bool nf_array_shrink(nf_array_reader *reader, int eighths, nf_shape *shape)
{
    const nf_format *format = reader->format;
    if (reader->state == NULL || format->shrink == NULL || reader->used ||
        !format->shrink(reader->state, eighths, &reader->shape))
        return false;
    *shape = reader->shape;
    return true;
}

const char *nf_array_remark(const nf_array_reader *reader)
{
    const nf_format *format = reader->format;
    return reader->state != NULL && format->remark != NULL ? format->remark(reader->state) : NULL;
}

nf_status nf_array_load(const char *typed, nf_shape *shape, void **cells)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_array_reader *reader;
    *cells = NULL;
    nf_status status = nf_array_open(&alone, typed, NULL, &reader, shape);
    if (status != NF_OK)
        return status;
    ptrdiff_t stride[NF_DIMS];
    nf_box all = nf_box_whole(shape);
    nf_dense_strides(shape->dim, shape->channels, stride);
    if (posix_memalign(cells, 64, nf_shape_bytes(shape)) != 0) {
        *cells = NULL;
        status =
            nf_fail(NF_ERR_MEMORY, "%s: no memory for %zu MiB", typed, nf_shape_bytes(shape) >> 20);
    } else {
        status = nf_array_read_box(reader, &all, *cells, stride);
    }
    nf_array_close(reader);
    if (status != NF_OK) {
        free(*cells);
        *cells = NULL;
    }
    return status;
}
