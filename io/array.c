/* array.c - arrays in files, for all ranks together: what a format does for one process, and the
 * rules that hold for every format. */
#include "io/array.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/engine/checksum.h"
#include "io/content.h"
#include "io/format.h"
#include "io/part.h"
#include "io/raw.h"

enum { BAND_BYTES = 16 << 20 /* of rows that rank 0 holds at a time */ };

/* ---- bands of rows ---- */

static int64_t band_rows(const nf_shape *shape)
{
    int64_t row = shape->dim[2] * shape->channels * (int64_t)nf_dtype_size(shape->dtype);
    int64_t rows = BAND_BYTES / row > 0 ? BAND_BYTES / row : 1;
    return rows < shape->dim[1] ? rows : shape->dim[1];
}

/* Rank 0's buffer for one band. Collective. */
static nf_status band_create(const nf_world *world, const nf_shape *shape, void **band)
{
    nf_status status = NF_OK;
    *band = NULL;
    if (world->rank == 0) {
        size_t bytes = (size_t)(band_rows(shape) * shape->dim[2] * shape->channels) *
                       nf_dtype_size(shape->dtype);
        if (posix_memalign(band, 64, bytes) != 0) {
            *band = NULL;
            status = nf_fail(NF_ERR_MEMORY, "no memory for %zu bytes of rows", bytes);
        }
    }
    status = nf_agree(world, status);
    if (status != NF_OK) {
        free(*band);
        *band = NULL;
    }
    return status;
}

/* ---- reading ---- */

struct nf_array_reader {
    nf_path path;
    const nf_format *format;
    void *state; /* NULL: not open on this rank */
    nf_shape shape;
    bool used; /* rows in order: they were read once already */
    nf_watch watch;
};

static nf_status reader_start(nf_array_reader *reader, nf_shape *shape)
{
    reader->used = false;
    return reader->format->open(reader->path.file, reader->path.dataset, &reader->state, shape);
}

static nf_status open_first(nf_array_reader *reader, const char *typed)
{
    nf_status status = nf_path_parse(typed, &reader->path);
    if (status == NF_OK)
        status = nf_content_format(reader->path.file, &reader->format);
    return status == NF_OK ? reader_start(reader, &reader->shape) : status;
}

/* The other ranks: rank 0 knows the format and the shape already. */
static nf_status open_more(nf_array_reader *reader, const char *typed, const nf_format *format)
{
    nf_shape shape;
    reader->format = format;
    nf_status status = nf_path_parse(typed, &reader->path);
    if (status != NF_OK || !format->random_access)
        return status;
    status = reader_start(reader, &shape);
    if (status == NF_OK && !nf_shape_equal(&shape, &reader->shape))
        status = nf_fail(NF_ERR_FILE,
                         "%s: is another array for rank 0 than for other ranks: the "
                         "file must be the same on all nodes",
                         typed);
    return status;
}

/* Collective. reader is NULL on a rank without memory. */
static nf_status open_all(const nf_world *world, nf_array_reader *reader, const char *typed)
{
    struct {
        size_t format;
        nf_shape shape;
    } news = {.format = 0};
    nf_status status = NF_OK;
    if (reader == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for a reader", typed);
    else if (world->rank == 0)
        status = open_first(reader, typed);
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    if (world->rank == 0) {
        news.shape = reader->shape;
        while (nf_format_at(news.format) != reader->format)
            news.format++;
    }
    nf_broadcast(world, &news, sizeof news, 0);
    reader->shape = news.shape;
    if (world->rank > 0)
        status = open_more(reader, typed, nf_format_at(news.format));
    return nf_agree(world, status);
}

nf_status nf_array_open(const nf_world *world, const char *typed, nf_array_reader **reader,
                        nf_shape *shape)
{
    *reader = calloc(1, sizeof **reader);
    nf_status status = open_all(world, *reader, typed);
    if (status == NF_OK) {
        *shape = (*reader)->shape;
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

static nf_box band_box(const nf_shape *shape, int64_t y0)
{
    nf_box box = nf_box_whole(shape);
    int64_t rows = band_rows(shape);
    box.lo[1] = y0;
    box.hi[1] = y0 + rows < shape->dim[1] ? y0 + rows : shape->dim[1];
    return box;
}

static nf_status read_bands(const nf_world *world, nf_array_reader *reader, nf_field *field)
{
    const nf_shape *shape = &reader->shape;
    ptrdiff_t stride[NF_DIMS];
    void *band;
    nf_status status = band_create(world, shape, &band);
    nf_dense_strides(shape->dim, shape->channels, stride);
    for (int64_t y = 0; y < shape->dim[1] && status == NF_OK; y += band_rows(shape)) {
        nf_box box = band_box(shape, y);
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

/* This rank's block, in pieces along its longest dimension but the columns. */
static nf_status read_own(nf_array_reader *reader, nf_field *field)
{
    const nf_box *own = &field->own;
    int d = nf_box_extent(own, 0) > 1 ? 0 : 1;
    int64_t pieces = (int64_t)(nf_shape_bytes(&reader->shape) / BAND_BYTES) + 1;
    int64_t step = nf_box_extent(own, d) / pieces + 1;
    nf_status status = NF_OK;
    nf_box box = *own;
    for (; !nf_box_empty(own) && box.lo[d] < own->hi[d] && status == NF_OK; box.lo[d] += step) {
        box.hi[d] = box.lo[d] + step < own->hi[d] ? box.lo[d] + step : own->hi[d];
        status =
            reader->format->read(reader->state, &box, nf_field_at(field, box.lo), field->stride);
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
    else if (world->rank == 0)
        status = reader_rewind(reader);
    reader->used = true;
    if (reader->format->random_access || world->size == 1)
        return nf_agree(world, status == NF_OK ? read_own(reader, field) : status);
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

void nf_array_close(nf_array_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->state != NULL)
        reader->format->close(reader->state);
    nf_path_free(&reader->path);
    free(reader);
}

nf_status nf_array_load(const char *typed, nf_shape *shape, void **cells)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_array_reader *reader;
    *cells = NULL;
    nf_status status = nf_array_open(&alone, typed, &reader, shape);
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
        status = reader->format->read(reader->state, &all, *cells, stride);
    }
    nf_array_close(reader);
    if (status != NF_OK) {
        free(*cells);
        *cells = NULL;
    }
    return status;
}

/* ---- writing ---- */

struct nf_array_writer {
    const nf_format *format;
    nf_shape shape;
    nf_part part;       /* rank 0 only */
    void *state;        /* rank 0 only */
    char *target;       /* for messages */
    int64_t raw_offset; /* -1: rows go through the format */
    int fd;             /* raw: this rank's own; otherwise -1 */
    nf_watch watch;     /* of rows that go through the format */
    bool summed;        /* the cells are, for the file to tell, into */
    nf_checksum checksum;
};

/* What would help where a format cannot hold an array. */
static nf_status cannot_hold(const nf_format *format, const char *typed, const nf_shape *shape)
{
    char text[NF_SHAPE_TEXT];
    nf_shape bytes = *shape;
    bytes.dtype = NF_U8;
    return nf_fail(NF_ERR_SHAPE,
                   "%s: %s cannot hold an array of %s (it holds %s): write to a .h5 "
                   "file%s",
                   typed, format->name, nf_shape_text(shape, text), format->holds,
                   format->can_hold(&bytes) ? ", or append `| cast:to=u8`" : "");
}

static nf_status choose_format(const nf_path *path, const char *typed, const nf_shape *shape,
                               const nf_format **format)
{
    nf_status status = NF_OK;
    if (path->dataset != NULL && nf_suffix_format(path->file, format) == NF_OK &&
        *format != &nf_format_hdf5)
        status = nf_fail(NF_ERR_FORMAT,
                         "%s: a %s file has no datasets; name a .h5 file, or leave out :%s", typed,
                         (*format)->name, path->dataset);
    else if (path->dataset != NULL)
        *format = &nf_format_hdf5;
    else
        status = nf_suffix_format(path->file, format);
    if (status == NF_OK && !(*format)->can_hold(shape))
        status = cannot_hold(*format, typed, shape);
    return status;
}

/* The output must not be the input: reached through whatever links. Another dataset of the same
 * file is another array. */
static nf_status refuse_same(const nf_path *output, const char *typed, const char *input_typed)
{
    struct stat in, out;
    nf_path input;
    if (input_typed == NULL || stat(output->file, &out) != 0)
        return NF_OK;
    nf_status status = nf_path_parse(input_typed, &input);
    if (status != NF_OK)
        return status;
    bool same = stat(input.file, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino;
    bool datasets = input.dataset != NULL && output->dataset != NULL;
    if (same && datasets)
        same = strcmp(input.dataset, output->dataset) == 0;
    if (same)
        status = nf_fail(
            NF_ERR_FILE, "%s: is the input (%s) itself: write to another file%s", typed,
            input_typed,
            nf_content_is_hdf5(input.file, NULL) ? ", or name two different datasets of it" : "");
    nf_path_free(&input);
    return status;
}

static nf_status refuse_existing(const char *typed)
{
    nf_path path;
    struct stat info;
    nf_status status = nf_path_parse(typed, &path);
    if (status != NF_OK)
        return status;
    bool there = lstat(path.file, &info) == 0, has = there;
    const nf_format *format;
    if (there && nf_content_is_hdf5(path.file, NULL) &&
        (path.dataset != NULL ||
         (nf_suffix_format(path.file, &format) == NF_OK && format == &nf_format_hdf5)))
        status = nf_h5_has(path.file, path.dataset, &has);
    if (status == NF_OK && has)
        status =
            nf_fail(NF_ERR_FILE, "%s: exists already, and --no-clobber says to keep it%s", typed,
                    path.dataset != NULL ? ": write to another dataset or file"
                                         : ": write to another file");
    nf_path_free(&path);
    return status;
}

nf_status nf_array_refuse_existing(const nf_world *world, const char *typed)
{
    return nf_agree(world, world->rank == 0 ? refuse_existing(typed) : NF_OK);
}

void nf_array_no_clobber(nf_array_writer *writer)
{
    writer->part.no_clobber = true;
}

static nf_status create_first(nf_array_writer *writer, const char *typed, const char *input_typed,
                              int quality, const nf_provenance *provenance)
{
    nf_path path;
    nf_status status = nf_shape_check(&writer->shape, typed);
    if (status == NF_OK)
        status = nf_path_parse(typed, &path);
    if (status != NF_OK)
        return status;
    status = refuse_same(&path, typed, input_typed);
    if (status == NF_OK)
        status = nf_part_begin(path.file, &writer->part);
    if (status == NF_OK)
        status = choose_format(&path, typed, &writer->shape, &writer->format);
    if (status == NF_OK && writer->summed && writer->format->seal == NULL)
        status =
            nf_fail(NF_ERR_FORMAT,
                    "%s: --checksum: %s cannot keep a checksum of exactly these cells: write to a "
                    ".h5 or .png file, or leave it out",
                    typed, writer->format->name);
    if (status == NF_OK)
        status = writer->format->create(writer->part.path, writer->part.target, path.dataset,
                                        &writer->shape, quality, provenance, &writer->state,
                                        &writer->raw_offset);
    nf_path_free(&path);
    return status;
}

static nf_status open_raw(nf_array_writer *writer, const char *part)
{
    writer->fd = open(part, O_WRONLY | O_CLOEXEC);
    if (writer->fd < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s; all ranks must see the same folder",
                       part, strerror(errno));
    return NF_OK;
}

/* Collective. writer is NULL on a rank without memory. */
static nf_status create_all(const nf_world *world, nf_array_writer *writer, const char *typed,
                            const char *input_typed, int quality, const nf_provenance *provenance)
{
    struct {
        int64_t raw_offset;
        char part[PATH_MAX];
    } news = {.raw_offset = -1};
    nf_status status = NF_OK;
    if (writer == NULL || (writer->target = strdup(typed)) == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for a writer", typed);
    else if (provenance != NULL && provenance->checksum)
        status = nf_checksum_begin(&writer->checksum, &writer->shape);
    if (status == NF_OK)
        writer->summed = provenance != NULL && provenance->checksum;
    if (status == NF_OK && world->rank == 0)
        status = create_first(writer, typed, input_typed, quality, provenance);
    if (status == NF_OK && world->rank == 0) {
        news.raw_offset = writer->raw_offset;
        if (strlen(writer->part.path) >= sizeof news.part)
            status = nf_fail(NF_ERR_FILE, "%s: its name is too long", typed);
        else
            memcpy(news.part, writer->part.path, strlen(writer->part.path) + 1);
    }
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    nf_broadcast(world, &news, sizeof news, 0);
    writer->raw_offset = news.raw_offset;
    return nf_agree(world, news.raw_offset >= 0 ? open_raw(writer, news.part) : NF_OK);
}

nf_status nf_array_create(const nf_world *world, const char *typed, const char *input_typed,
                          const nf_shape *shape, int quality, const nf_provenance *provenance,
                          nf_array_writer **writer)
{
    *writer = calloc(1, sizeof **writer);
    if (*writer != NULL)
        **writer = (nf_array_writer){.shape = *shape, .part.slot = -1, .raw_offset = -1, .fd = -1};
    nf_status status = create_all(world, *writer, typed, input_typed, quality, provenance);
    if (status != NF_OK) {
        nf_array_abort(world, *writer);
        *writer = NULL;
    }
    return status;
}

static nf_status write_bands(const nf_world *world, nf_array_writer *writer, const nf_field *field)
{
    const nf_shape *shape = &writer->shape;
    void *band;
    nf_status status = band_create(world, shape, &band);
    for (int64_t y = 0; y < shape->dim[1] && status == NF_OK; y += band_rows(shape)) {
        nf_box box = band_box(shape, y);
        status = nf_gather_rows(world, field, 0, box.lo[1], box.hi[1], band);
        if (status == NF_OK && world->rank == 0)
            status = writer->format->write_rows(writer->state, box.lo[1], box.hi[1], band);
        status = nf_agree(world, status);
        nf_watch_show(&writer->watch, (double)box.hi[1], (double)shape->dim[1]);
    }
    free(band);
    return status;
}

void nf_array_watch_writing(nf_array_writer *writer, nf_watch watch)
{
    writer->watch = watch;
}

nf_status nf_array_write(const nf_world *world, nf_array_writer *writer, const nf_field *field)
{
    nf_status status = NF_OK;
    if (!nf_shape_equal(&writer->shape, &field->cut.shape))
        status = nf_fail(NF_ERR_SHAPE, "%s: the field is not of the shape that was announced",
                         writer->target);
    else if (writer->raw_offset >= 0)
        status = nf_raw_write(writer->fd, writer->raw_offset, field, writer->target);
    status = nf_agree(world, status);
    if (status == NF_OK && writer->raw_offset < 0)
        status = write_bands(world, writer, field);
    if (status == NF_OK && writer->summed)
        nf_checksum_add(&writer->checksum, &field->own, field->origin, field->stride,
                        world->threads);
    return status;
}

/* Each rank flushes what it wrote: ranks may sit on different nodes. */
static nf_status flush_raw(nf_array_writer *writer)
{
    if (writer->fd < 0)
        return NF_OK;
    bool flushed = fsync(writer->fd) == 0;
    int error = errno;
    bool closed = close(writer->fd) == 0;
    writer->fd = -1;
    if (flushed && closed)
        return NF_OK;
    return nf_fail(NF_ERR_FILE, "%s: what was written does not reach the disk: %s", writer->target,
                   strerror(flushed ? errno : error));
}

nf_status nf_array_commit(const nf_world *world, nf_array_writer *writer)
{
    nf_status status = nf_agree(world, flush_raw(writer));
    uint64_t sum =
        status == NF_OK && writer->summed ? nf_checksum_value(world, &writer->checksum) : 0;
    if (status == NF_OK && world->rank == 0) {
        if (writer->summed)
            writer->format->seal(writer->state, sum);
        status = writer->format->finish(writer->state);
        writer->state = NULL;
        if (status == NF_OK)
            status = nf_part_commit(&writer->part);
    }
    status = nf_agree(world, status);
    nf_array_abort(world, writer); /* removes the part file if there still is one */
    return status;
}

void nf_array_abort(const nf_world *world, nf_array_writer *writer)
{
    (void)world;
    if (writer == NULL)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->state != NULL)
        writer->format->abandon(writer->state);
    nf_part_abort(&writer->part);
    nf_checksum_free(&writer->checksum);
    free(writer->target);
    free(writer);
}
