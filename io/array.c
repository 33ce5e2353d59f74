/* array.c - arrays in files, for all ranks together: what a format does for one process, and the
 * rules that hold for every format. */
#include "io/array.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/engine/checksum.h"
#include "io/chunks.h"
#include "io/content.h"
#include "io/format.h"
#include "io/part.h"
#include "io/places.h"
#include "io/raw.h"
#include "io/regroup.h"
#include "io/resume.h"

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

static void step_of(const nf_layout *layout, int64_t step[NF_DIMS])
{
    for (int d = 0; d < NF_DIMS; d++)
        step[d] = layout->chunk[d] > 0 ? layout->chunk[d] : 1;
}

void nf_array_read_step(const nf_array_reader *reader, int64_t step[NF_DIMS])
{
    step_of(&reader->layout, step);
}

/* This rank's block, in pieces along its longest dimension but the columns, which end where chunks
 * do. */
static nf_status read_own(nf_array_reader *reader, nf_field *field)
{
    const nf_box *own = &field->own;
    int d = nf_box_extent(own, 0) > 1 ? 0 : 1;
    int64_t pieces = (int64_t)(nf_shape_bytes(&reader->shape) / BAND_BYTES) + 1;
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

/* ---- writing ---- */

nf_status nf_output_metadata(const nf_output *output, const nf_shape *shape, nf_metadata *kept)
{
    return nf_metadata_output(output->metadata, output->changes, shape, kept);
}

struct nf_array_writer {
    const nf_format *format;
    nf_shape shape;
    nf_part part; /* rank 0 only */
    void *state;  /* rank 0 only */
    char *target; /* for messages */
    nf_layout layout;
    nf_raw raw;         /* this rank's own file, unless rows go through the format; then fd -1 */
    nf_chunked chunked; /* the same file, in chunks */
    int threads;
    nf_watch watch;       /* of rows that go through the format */
    int64_t item;         /* of a stack, that is written */
    nf_checksum checksum; /* of the item, for the file to tell */
    uint64_t *sums;       /* of all items; NULL: nothing is to be told */
    int64_t items;
    nf_resume *resume; /* NULL: what is written is finished as a whole, or not at all */
    nf_unit_cut units; /* its */
};

/* What would help where a format cannot hold an array. */
static nf_status cannot_hold(const nf_format *format, const char *typed, const nf_shape *shape)
{
    char text[NF_SHAPE_TEXT];
    nf_shape bytes = *shape, floats = *shape;
    bytes.dtype = NF_U8;
    floats.dtype = NF_F32;
    const char *help = format->can_hold(&bytes)
                           ? ", or end the chain by cast:to=u8 (where values go beyond 255, by "
                             "normalize:low=0,high=255 | cast:to=u8)"
                       : format->can_hold(&floats) ? ", or end the chain by cast:to=f32"
                                                   : "";
    return nf_fail(NF_ERR_SHAPE,
                   "%s: %s cannot hold an array of %s (it holds %s): write to a .h5 file%s", typed,
                   format->name, nf_shape_text(shape, text), format->holds, help);
}

static nf_status choose_format(const nf_path *path, const char *typed, const nf_shape *shape,
                               const nf_format **format)
{
    nf_status status = NF_OK;
    if (path->dataset != NULL && path->dataset[strlen(path->dataset) - 1] == ']')
        status =
            nf_fail(NF_ERR_USAGE,
                    "%s: brackets pick an item of an input; an output is a whole dataset", typed);
    else if (path->dataset != NULL && nf_suffix_format(path->file, format) == NF_OK &&
             *format != &nf_format_hdf5)
        status = nf_fail(NF_ERR_USAGE,
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

/* What the user asked for and not every format can do. */
static nf_status check_wishes(const nf_format *format, const char *typed, const nf_shape *shape,
                              const nf_output *output)
{
    nf_element_type own = nf_element_native(shape->dtype).type;
    if (output->store != NF_EL_NONE && output->store != own && !format->stores)
        return nf_fail(NF_ERR_USAGE,
                       "%s: a %s file stores elements as they were computed, %s, not as %s: end "
                       "the chain by cast:to=..., or write to a .h5, .tif or .npy file",
                       typed, format->name, nf_dtype_name(shape->dtype),
                       nf_element_name(output->store));
    bool chunks = output->fletcher32 || output->chunk[NF_DIMS - 1] != 0;
    if (chunks && !format->chunks)
        return nf_fail(NF_ERR_USAGE,
                       "%s: a %s file has no chunks or checksums of them: write to a .h5 file",
                       typed, format->name);
    if (output->compression.id != NF_CODEC_NONE && !format->chunks && !format->compresses)
        return nf_fail(NF_ERR_USAGE,
                       "%s: a %s file has no choice of compression: write to a .h5 or .tif file",
                       typed, format->name);
    const nf_hdf5_hints *hints = &output->hints;
    bool tuned = hints->alignment > 0 || hints->meta_block > 0 || hints->page > 0 || hints->latest;
    if ((output->nexus || tuned) && format != &nf_format_hdf5)
        return nf_fail(NF_ERR_USAGE, "%s: --nexus and --hint are for .h5 files, not for %s", typed,
                       format->name);
    if (output->stack.dims > 0 && !format->stacks)
        return nf_fail(NF_ERR_USAGE, "%s: nfold writes no stack to a %s file: write to a .h5 file",
                       typed, format->name);
    return NF_OK;
}

/* Whether an input's dataset, perhaps an item of it, is that of the output. */
static bool same_dataset(const char *input, const char *output)
{
    size_t length = strlen(input);
    const char *open = input[length - 1] == ']' ? strrchr(input, '[') : NULL;
    if (open != NULL)
        length = (size_t)(open - input);
    return length == 0 || (strlen(output) == length && strncmp(input, output, length) == 0);
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
        same = same_dataset(input.dataset, output->dataset);
    if (same)
        status = nf_fail(
            NF_ERR_FILE, "%s: is the input (%s) itself: write to another file%s", typed,
            input_typed,
            nf_content_is_hdf5(input.file, NULL) ? ", or name two different datasets of it" : "");
    nf_path_free(&input);
    return status;
}

static nf_status refuse_existing(const nf_path *path, const char *typed)
{
    struct stat info;
    nf_status status = NF_OK;
    bool there = lstat(path->file, &info) == 0, has = there;
    const nf_format *format;
    if (there && nf_content_is_hdf5(path->file, NULL) &&
        (path->dataset != NULL ||
         (nf_suffix_format(path->file, &format) == NF_OK && format == &nf_format_hdf5)))
        status = nf_h5_has(path->file, path->dataset, &has);
    if (status == NF_OK && has)
        status =
            nf_fail(NF_ERR_FILE, "%s: exists already, and --no-clobber says to keep it%s", typed,
                    path->dataset != NULL ? ": write to another dataset or file"
                                          : ": write to another file");
    return status;
}

static nf_status check_sums(const nf_array_writer *writer, const char *typed,
                            const nf_output *output)
{
    nf_element_type own = nf_element_native(writer->shape.dtype).type;
    if (writer->format->seal == NULL)
        return nf_fail(NF_ERR_USAGE,
                       "%s: --checksum: %s cannot keep a checksum of exactly these cells: write to "
                       "a .h5, .tif or .png file, or leave it out",
                       typed, writer->format->name);
    if (output->store != NF_EL_NONE && output->store != own)
        return nf_fail(NF_ERR_USAGE,
                       "%s: --checksum: stored as %s the cells are not those that were computed: "
                       "append `| cast:to=...` instead of --store, or leave it out",
                       typed, nf_element_name(output->store));
    if (writer->items > NF_SUMS)
        return nf_fail(NF_ERR_USAGE,
                       "%s: --checksum: there is room for %d checksums, and the stack has %lld "
                       "items: leave it out",
                       typed, NF_SUMS, (long long)writer->items);
    return NF_OK;
}

static nf_status check_resume(const nf_format *format, const char *typed, const nf_output *output)
{
    if (!format->resumes || nf_output_chunked(output))
        return nf_fail(NF_ERR_USAGE,
                       "%s: --resume: only arrays that lie in one piece can be gone on with: write "
                       "to a .h5, .tif, .npy or .raw file without chunks and compression, and "
                       "convert that",
                       typed);
    if (output->stack.dims > 0 || output->checksum)
        return nf_fail(NF_ERR_USAGE, "%s: --resume goes with neither --stack nor --checksum",
                       typed);
    return NF_OK;
}

/* The part file, and a writer for it. */
static nf_status create_part(nf_array_writer *writer, const nf_path *path, const char *typed,
                             const char *input_typed, nf_output output)
{
    nf_status status;
    if (output.resume != NULL)
        status = nf_resume_begin(path->file, typed, input_typed, &writer->shape, &output,
                                 &writer->part, &output.again, &writer->resume);
    else
        status = nf_part_begin(path->file, &writer->part);
    writer->part.no_clobber = output.no_clobber;
    if (status == NF_OK && output.resume == NULL)
        nf_resume_discard(&writer->part);
    if (status == NF_OK)
        status = writer->format->create(writer->part.path, writer->part.target, path->dataset,
                                        &writer->shape, &output, &writer->state, &writer->layout);
    if (status == NF_OK && output.resume != NULL)
        status = nf_resume_laid_out(writer->resume, &writer->part);
    return status;
}

static nf_status create_first(nf_array_writer *writer, const char *typed, const char *input_typed,
                              const nf_output *output)
{
    nf_path path;
    nf_status status = nf_shape_check(&writer->shape, typed);
    if (status == NF_OK)
        status = nf_path_parse(typed, &path);
    if (status != NF_OK)
        return status;
    status = refuse_same(&path, typed, input_typed);
    if (status == NF_OK && output->no_clobber)
        status = refuse_existing(&path, typed);
    if (status == NF_OK)
        status = nf_part_check(path.file);
    if (status == NF_OK)
        status = choose_format(&path, typed, &writer->shape, &writer->format);
    if (status == NF_OK)
        status = check_wishes(writer->format, typed, &writer->shape, output);
    if (status == NF_OK && writer->sums != NULL)
        status = check_sums(writer, typed, output);
    if (status == NF_OK && output->resume != NULL)
        status = check_resume(writer->format, typed, output);
    if (status == NF_OK)
        status = create_part(writer, &path, typed, input_typed, *output);
    nf_path_free(&path);
    return status;
}

static nf_status open_raw(nf_array_writer *writer, const char *part)
{
    nf_part_catch_limit();
    writer->raw = (nf_raw){.fd = open(part, O_RDWR | O_CLOEXEC),
                           .name = writer->target,
                           .shape = writer->shape,
                           .layout = writer->layout};
    if (writer->raw.fd < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s; all ranks must see the same folder",
                       part, strerror(errno));
    writer->chunked = (nf_chunked){.fd = writer->raw.fd,
                                   .name = writer->target,
                                   .shape = writer->shape,
                                   .layout = writer->layout,
                                   .threads = writer->threads};
    return NF_OK;
}

static nf_status begin_sums(nf_array_writer *writer, const nf_output *output)
{
    writer->items = nf_stack_items(&output->stack);
    writer->sums = calloc((size_t)writer->items, sizeof *writer->sums);
    if (writer->sums == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for checksums", writer->target);
    return nf_checksum_begin(&writer->checksum, &writer->shape);
}

/* Collective. writer is NULL on a rank without memory. */
static nf_status create_all(const nf_world *world, nf_array_writer *writer, const char *typed,
                            const char *input_typed, const nf_output *output)
{
    struct {
        nf_layout layout;
        char part[PATH_MAX];
    } news = {.layout.kind = NF_LAYOUT_NONE};
    nf_status status = NF_OK;
    if (writer == NULL || (writer->target = strdup(typed)) == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for a writer", typed);
    else if (output->checksum)
        status = begin_sums(writer, output);
    if (status == NF_OK && world->rank == 0)
        status = create_first(writer, typed, input_typed, output);
    if (status == NF_OK && world->rank == 0 && writer->format->write_threads != NULL)
        writer->format->write_threads(writer->state, world->threads);
    if (status == NF_OK && world->rank == 0) {
        news.layout = writer->layout;
        if (strlen(writer->part.path) >= sizeof news.part)
            status = nf_fail(NF_ERR_FILE, "%s: its name is too long", typed);
        else
            memcpy(news.part, writer->part.path, strlen(writer->part.path) + 1);
    }
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    nf_broadcast(world, &news, sizeof news, 0);
    writer->layout = news.layout;
    status = nf_agree(world, nf_array_boxes(writer) ? open_raw(writer, news.part) : NF_OK);
    if (status != NF_OK || output->resume == NULL)
        return status;
    writer->units = nf_resume_cut(&writer->shape, output);
    return nf_resume_share(world, &writer->raw, &writer->units, &writer->resume);
}

nf_status nf_array_create(const nf_world *world, const char *typed, const char *input_typed,
                          const nf_shape *shape, const nf_output *output, nf_array_writer **writer)
{
    *writer = calloc(1, sizeof **writer);
    if (*writer != NULL)
        **writer = (nf_array_writer){
            .shape = *shape, .part.slot = -1, .raw.fd = -1, .threads = world->threads};
    nf_status status = create_all(world, *writer, typed, input_typed, output);
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
    for (int64_t z = 0; z < shape->dim[0]; z++)
        for (int64_t y = 0; y < shape->dim[1] && status == NF_OK; y += band_rows(shape)) {
            nf_box box = band_box(shape, y);
            int64_t before = z * shape->dim[1], y0 = before + box.lo[1], y1 = before + box.hi[1];
            status = nf_gather_rows(world, field, z, box.lo[1], box.hi[1], band);
            if (status == NF_OK && world->rank == 0)
                status = writer->format->write_rows(writer->state, y0, y1, band);
            status = nf_agree(world, status);
            nf_watch_show(&writer->watch, (double)y1, (double)(shape->dim[0] * shape->dim[1]));
        }
    free(band);
    return status;
}

void nf_array_item(nf_array_writer *writer, int64_t i)
{
    if (writer->sums != NULL) {
        writer->sums[writer->item] = writer->checksum.sum;
        writer->checksum.sum = writer->sums[i];
    }
    writer->item = i;
    writer->raw.layout.offset = writer->layout.offset + i * nf_raw_bytes(&writer->raw);
}

const char *nf_array_left(const nf_array_writer *writer)
{
    const nf_format *format = writer->format;
    return writer->state != NULL && format->left != NULL ? format->left(writer->state) : NULL;
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
    else if (writer->layout.kind == NF_LAYOUT_DENSE)
        status = nf_raw_write(&writer->raw, &field->own, field->origin, field->stride);
    status = nf_agree(world, status);
    if (status == NF_OK && writer->layout.kind == NF_LAYOUT_NONE)
        status = write_bands(world, writer, field);
    if (status == NF_OK && writer->layout.kind == NF_LAYOUT_CHUNKS)
        status = nf_regroup_write(world, writer, field, &writer->watch);
    else if (status == NF_OK && writer->sums != NULL) /* chunks are added as they are packed */
        nf_checksum_add(&writer->checksum, &field->own, field->origin, field->stride,
                        world->threads);
    return status;
}

/* ---- boxes on their way ---- */

struct nf_pack {
    nf_box box;
    const void *cells; /* the caller's */
    ptrdiff_t stride[NF_DIMS];
    nf_encoded *encoded; /* chunks: those of the box */
    int64_t count;
};

bool nf_array_boxes(const nf_array_writer *writer)
{
    return writer->layout.kind != NF_LAYOUT_NONE;
}

bool nf_array_bare(const nf_array_writer *writer)
{
    return writer->format == &nf_format_raw;
}

void nf_array_step(const nf_array_writer *writer, int64_t step[NF_DIMS])
{
    step_of(&writer->layout, step);
    if (writer->resume != NULL)
        step[writer->units.slow] = writer->units.height;
}

bool nf_array_places(const nf_array_writer *writer)
{
    return writer->layout.kind == NF_LAYOUT_CHUNKS || writer->resume != NULL;
}

bool nf_array_resumes(const nf_array_writer *writer)
{
    return writer->resume != NULL;
}

bool nf_array_has(const nf_array_writer *writer, const nf_box *box)
{
    return writer->resume != NULL && nf_resume_has(writer->resume, box);
}

/* What does not get smaller is kept as it is; chunks at the edges are whole. */
int64_t nf_array_pack_bytes(const nf_array_writer *writer, int64_t cells)
{
    int64_t size = writer->shape.channels * (int64_t)nf_element_size(writer->layout.element.type);
    return writer->layout.kind == NF_LAYOUT_CHUNKS ? cells * size : 0;
}

nf_status nf_array_pack(nf_array_writer *writer, const nf_box *box, const void *cells,
                        const ptrdiff_t stride[NF_DIMS], nf_pack **pack)
{
    nf_status status = NF_OK;
    *pack = malloc(sizeof **pack);
    if (*pack == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory to write with", writer->target);
    **pack = (nf_pack){.box = *box, .cells = cells};
    memcpy((*pack)->stride, stride, sizeof(*pack)->stride);
    if (writer->sums != NULL) /* chunks are encoded by as many threads */
        nf_checksum_add(&writer->checksum, box, cells, stride,
                        writer->layout.kind == NF_LAYOUT_CHUNKS ? writer->threads : 1);
    if (writer->layout.kind == NF_LAYOUT_CHUNKS) {
        status = nf_chunked_encode(&writer->chunked, box, cells, stride, &(*pack)->encoded);
        (*pack)->count = (*pack)->encoded != NULL ? nf_chunks_of(&writer->layout, box) : 0;
    }
    if (status != NF_OK) {
        nf_array_drop(*pack);
        *pack = NULL;
    }
    return status;
}

nf_status nf_array_place(const nf_world *world, nf_array_writer *writer, nf_pack *pack)
{
    if (writer->layout.kind == NF_LAYOUT_CHUNKS)
        return nf_places_allot(world, writer->format, writer->state, writer->item, &writer->layout,
                               pack != NULL ? &pack->box : NULL,
                               pack != NULL ? pack->encoded : NULL);
    if (writer->resume != NULL)
        return nf_resume_note(world, writer->resume);
    return NF_OK; /* in a dense array every box has its place */
}

nf_status nf_array_store(nf_array_writer *writer, nf_pack *pack)
{
    nf_status status = NF_OK;
    if (pack->encoded != NULL)
        status = nf_chunked_store(&writer->chunked, &pack->box, pack->cells, pack->stride,
                                  pack->encoded);
    else
        status = nf_raw_write(&writer->raw, &pack->box, pack->cells, pack->stride);
    if (status == NF_OK && writer->resume != NULL)
        status = nf_resume_stored(writer->resume, &pack->box);
    nf_array_drop(pack);
    return status;
}

nf_status nf_array_write_rows(nf_array_writer *writer, int64_t y0, int64_t y1, const void *rows)
{
    const nf_shape *shape = &writer->shape;
    int64_t z = y0 / shape->dim[1], before = z * shape->dim[1];
    const nf_box box = {{z, y0 - before, 0}, {z + 1, y1 - before, shape->dim[2]}};
    ptrdiff_t stride[NF_DIMS];
    nf_dense_strides(shape->dim, shape->channels, stride);
    if (writer->sums != NULL)
        nf_checksum_add(&writer->checksum, &box, rows, stride, writer->threads);
    return writer->format->write_rows(writer->state, y0, y1, rows);
}

void nf_array_drop(nf_pack *pack)
{
    if (pack == NULL)
        return;
    nf_encoded_free(pack->encoded, pack->count);
    free(pack);
}

/* Each rank flushes what it wrote: ranks may sit on different nodes. */
static nf_status flush_raw(nf_array_writer *writer)
{
    if (writer->raw.fd < 0)
        return NF_OK;
    bool flushed = fsync(writer->raw.fd) == 0;
    int error = errno;
    bool closed = close(writer->raw.fd) == 0;
    writer->raw.fd = -1;
    if (flushed && closed)
        return NF_OK;
    return nf_fail(NF_ERR_FILE, "%s: what was written does not reach the disk: %s", writer->target,
                   strerror(flushed ? errno : error));
}

/* Collective. */
static void finish_sums(const nf_world *world, nf_array_writer *writer)
{
    for (int64_t i = 0; i < writer->items; i++) {
        nf_array_item(writer, i);
        writer->checksum.sum = nf_checksum_value(world, &writer->checksum);
    }
    nf_array_item(writer, 0);
}

nf_status nf_array_commit(const nf_world *world, nf_array_writer *writer)
{
    nf_status status = nf_agree(world, flush_raw(writer));
    if (status == NF_OK && writer->sums != NULL)
        finish_sums(world, writer);
    if (status == NF_OK && world->rank == 0) {
        if (writer->sums != NULL)
            writer->format->seal(writer->state, writer->sums);
        status = writer->format->finish(writer->state);
        writer->state = NULL;
        if (status == NF_OK)
            status = nf_part_commit(&writer->part);
        if (status == NF_OK) {
            nf_resume_finish(writer->resume);
            writer->resume = NULL;
        }
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
    if (writer->raw.fd >= 0)
        close(writer->raw.fd);
    nf_chunked_free(&writer->chunked);
    if (writer->state != NULL)
        writer->format->abandon(writer->state);
    nf_part_abort(&writer->part);
    nf_resume_close(writer->resume);
    nf_checksum_free(&writer->checksum);
    free(writer->sums);
    free(writer->target);
    free(writer);
}
