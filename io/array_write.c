/* array_write.c - arrays in files, written by all ranks together: what a format does for one process, and
 * the rules that hold for every format. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/checksum.h"
#include "io/chunks.h"
#include "io/output_rules.h"
#include "io/part.h"
#include "io/places.h"
#include "io/raw.h"
#include "io/regroup.h"
#include "io/resume.h"
#include "io/row_bands.h"

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
    status = nf_output_check(&path, typed, input_typed, &writer->shape, output, &writer->format);
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
    nf_status status = nf_band_create(world, shape, &band);
    for (int64_t z = 0; z < shape->dim[0]; z++)
        for (int64_t y = 0; y < shape->dim[1] && status == NF_OK; y += nf_band_rows(shape)) {
            nf_box box = nf_band_box(shape, y);
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
    nf_layout_step(&writer->layout, step);
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
