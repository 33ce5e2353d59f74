/* tiff_write.c - TIFF files that nfold writes: strips of all channels, volumes as pages.
 *
 * Without compression the pixels lie in one block behind the file's header, as in a dense array, which
 * the ranks write themselves; libtiff is told where, and puts the directories behind it. With compression
 * the rows come here, one after the other, and go through tiff_strips.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/dense.h"
#include "io/note.h"
#include "io/plain.h"
#include "io/raw.h"
#include "io/tiff.h"
#include "io/tiff_strips.h"

enum {
    STRIP = 256 << 10,      /* bytes of a strip, if rows are shorter */
    BEGIN = 64,             /* of dense pixels */
    DIRECTORY = 16 << 10,   /* that one takes, besides 16 bytes a strip, at most */
    MOST_PAGES = UINT16_MAX /* that libtiff reads */
};

typedef struct tiff_writer {
    nf_tiff tiff;
    char *target;
    int fd;
    nf_shape shape;
    nf_element_type type;
    nf_codec codec;
    char *software; /* where the file comes from; "": not told */
    size_t sum_at;  /* the digits of the checksum in it; 0: there is none */
    bool sealed;    /* they are to be those of */
    uint64_t checksum;
    nf_metadata metadata; /* of the first page */
    int64_t row_bytes, strip_rows;
    int64_t next, written; /* row that comes, of all planes; strips of the plane that are written */
    nf_tiff_strips *strips; /* NULL: dense */
} tiff_writer;

bool nf_tiff_can_hold(const nf_shape *shape)
{
    return shape->ndim >= 2 && shape->dim[0] <= MOST_PAGES && shape->dim[1] <= INT32_MAX &&
           shape->dim[2] <= INT32_MAX / 64;
}

/* ---- the directory ---- */

/* The checksum stands at its end; what it is shows later. */
static nf_status make_software(tiff_writer *writer, const nf_output *output)
{
    nf_note notes[NF_NOTES];
    size_t bytes = 0;
    FILE *text = open_memstream(&writer->software, &bytes);
    nf_notes(output->provenance, notes);
    for (size_t i = 0; i < NF_NOTES && text != NULL; i++)
        if (notes[i].text != NULL)
            fprintf(text, "%s=%s\n", notes[i].name, notes[i].text);
    if (text != NULL && output->checksum)
        fprintf(text, "%s=%0*d\n", NF_NOTE_CHECKSUM, NF_NOTE_DIGITS, 0);
    if (text != NULL && fclose(text) == 0) {
        writer->sum_at = output->checksum ? bytes - 1 - NF_NOTE_DIGITS : 0;
        writer->tiff.text = writer->software;
        return NF_OK;
    }
    return nf_fail(NF_ERR_MEMORY, "%s: no memory for a text", writer->target);
}

static bool set_compression(TIFF *tif, const tiff_writer *writer)
{
    bool zstd = writer->codec.id == NF_CODEC_ZSTD;
    bool real = writer->type == NF_EL_F16 || writer->type == NF_EL_F32 || writer->type == NF_EL_F64;
    return TIFFSetField(tif, TIFFTAG_COMPRESSION,
                        zstd ? COMPRESSION_ZSTD : COMPRESSION_ADOBE_DEFLATE) == 1 &&
           TIFFSetField(tif, TIFFTAG_PREDICTOR,
                        real ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL) == 1;
}

static bool set_samples(TIFF *tif, const tiff_writer *writer)
{
    static const uint16_t alpha[] = {EXTRASAMPLE_UNASSALPHA};
    int channels = writer->shape.channels, format = SAMPLEFORMAT_UINT;
    if (writer->type == NF_EL_I8 || writer->type == NF_EL_I16 || writer->type == NF_EL_I32)
        format = SAMPLEFORMAT_INT;
    if (writer->type == NF_EL_F16 || writer->type == NF_EL_F32 || writer->type == NF_EL_F64)
        format = SAMPLEFORMAT_IEEEFP;
    bool fine = TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, 8 * (int)nf_element_size(writer->type)) &&
                TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT, format) &&
                TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, channels) &&
                TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) &&
                TIFFSetField(tif, TIFFTAG_PHOTOMETRIC,
                             channels > 2 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
    if (channels % 2 == 0)
        fine = fine && TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, 1, alpha);
    return fine;
}

static nf_status begin_page(tiff_writer *writer, int64_t z)
{
    TIFF *tif = writer->tiff.tif;
    const nf_shape *shape = &writer->shape;
    bool fine = TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)shape->dim[2]) &&
                TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)shape->dim[1]) &&
                set_samples(tif, writer) &&
                TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, (uint32_t)writer->strip_rows);
    if (shape->ndim > 2)
        fine = fine && TIFFSetField(tif, TIFFTAG_SUBFILETYPE, FILETYPE_PAGE) &&
               TIFFSetField(tif, TIFFTAG_PAGENUMBER, (int)z, (int)shape->dim[0]);
    if (z == 0 && writer->software[0] != '\0')
        fine = fine && TIFFSetField(tif, TIFFTAG_SOFTWARE, writer->software);
    if (z == 0)
        fine = fine && nf_tiff_set_metadata(tif, &writer->metadata);
    fine = fine &&
           (writer->strips == NULL ? TIFFSetField(tif, TIFFTAG_COMPRESSION, COMPRESSION_NONE) == 1
                                   : set_compression(tif, writer));
    return fine ? NF_OK : nf_tiff_fail(&writer->tiff, "its directory cannot be set up");
}

static nf_status end_page(tiff_writer *writer)
{
    if (TIFFWriteDirectory(writer->tiff.tif) == 1 && writer->tiff.errors == 0)
        return NF_OK;
    return nf_fail(NF_ERR_FILE, "%s: TIFF: a directory cannot be written: %s", writer->target,
                   writer->tiff.message);
}

/* ---- dense pixels ---- */

/* Tells libtiff of the strips of a page as if they were written at `at`. */
static nf_status place_strips(tiff_writer *writer, int64_t at)
{
    nf_tiff *tiff = &writer->tiff;
    static char nothing[1];
    tiff->place = at;
    for (int64_t y = 0, strip = 0; y < writer->shape.dim[1]; y += writer->strip_rows, strip++) {
        int64_t left = writer->shape.dim[1] - y;
        int64_t rows = left < writer->strip_rows ? left : writer->strip_rows;
        tmsize_t bytes = (tmsize_t)(rows * writer->row_bytes);
        if (TIFFWriteRawStrip(tiff->tif, (uint32_t)strip, nothing, bytes) != bytes)
            return nf_tiff_fail(tiff, "its strips cannot be placed");
    }
    tiff->place = -1;
    return NF_OK;
}

static nf_status write_directories(tiff_writer *writer, int64_t plane)
{
    nf_status status = NF_OK;
    writer->tiff.hole[0] = BEGIN;
    writer->tiff.hole[1] = writer->tiff.end = BEGIN + plane * writer->shape.dim[0];
    for (int64_t z = 0; z < writer->shape.dim[0] && status == NF_OK; z++) {
        status = begin_page(writer, z);
        if (status == NF_OK)
            status = place_strips(writer, BEGIN + z * plane);
        if (status == NF_OK)
            status = end_page(writer);
    }
    nf_tiff_close(&writer->tiff);
    if (status == NF_OK && writer->tiff.errors > 0)
        status = nf_tiff_fail(&writer->tiff, "cannot be written");
    if (status == NF_OK)
        status = nf_raw_reserve(writer->fd, BEGIN, plane * writer->shape.dim[0], writer->target);
    return status;
}

/* ---- creating ---- */

void nf_tiff_abandon(void *state)
{
    tiff_writer *writer = state;
    if (writer == NULL)
        return;
    nf_tiff_close(&writer->tiff);
    if (writer->fd >= 0)
        close(writer->fd);
    nf_tiff_strips_free(writer->strips);
    free(writer->software);
    nf_metadata_free(&writer->metadata);
    free(writer->target);
    free(writer);
}

static nf_status check_codec(const tiff_writer *writer)
{
    nf_codec_id id = writer->codec.id;
    if (id != NF_CODEC_NONE && id != NF_CODEC_DEFLATE && id != NF_CODEC_ZSTD)
        return nf_fail(NF_ERR_USAGE, "%s: TIFF is compressed by deflate or zstd, nothing else",
                       writer->target);
    if (id == NF_CODEC_ZSTD && !TIFFIsCODECConfigured(COMPRESSION_ZSTD))
        return nf_fail(NF_ERR_FORMAT, "%s: this libtiff was built without zstd: take deflate",
                       writer->target);
    return NF_OK;
}

static nf_status plan(tiff_writer *writer, const nf_shape *shape, const nf_output *output)
{
    writer->type = nf_output_element(output, shape).type;
    writer->codec = output->compression;
    nf_status status = check_codec(writer);
    if (status == NF_OK)
        status = make_software(writer, output);
    if (status == NF_OK)
        status = nf_output_metadata(output, shape, &writer->metadata);
    if (status != NF_OK)
        return status;
    writer->row_bytes = shape->dim[2] * shape->channels * (int64_t)nf_element_size(writer->type);
    writer->strip_rows = STRIP / writer->row_bytes > 1 ? STRIP / writer->row_bytes : 1;
    if (writer->strip_rows > shape->dim[1])
        writer->strip_rows = shape->dim[1];
    if (writer->codec.id == NF_CODEC_NONE)
        return NF_OK;
    return nf_tiff_strips_create(writer->target, shape, writer->type, writer->codec,
                                 writer->strip_rows, &writer->strips);
}

/* Whether positions need more than 32 bits. */
static bool is_big(const tiff_writer *writer)
{
    double strips = (double)writer->shape.dim[1] / (double)writer->strip_rows + 1;
    double page =
        (double)writer->row_bytes * (double)writer->shape.dim[1] + 16 * strips + DIRECTORY;
    return page * (double)writer->shape.dim[0] + (double)writer->metadata.icc_bytes >
           (double)(UINT32_MAX - DIRECTORY);
}

static nf_status create(tiff_writer *writer, const char *part, const nf_output *output,
                        nf_layout *layout)
{
    nf_status status = plan(writer, &writer->shape, output);
    if (status != NF_OK)
        return status;
    *layout =
        (nf_layout){.kind = NF_LAYOUT_DENSE, .element = {writer->type, false}, .offset = BEGIN};
    if (output->again)
        return NF_OK;
    writer->fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (writer->fd < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be created: %s", part, strerror(errno));
    writer->tiff.fd = writer->fd;
    status = nf_tiff_open(&writer->tiff, is_big(writer) ? "w8" : "w");
    if (status != NF_OK)
        return status;
    if (writer->strips == NULL)
        return write_directories(writer, writer->row_bytes * writer->shape.dim[1]);
    *layout = (nf_layout){.kind = NF_LAYOUT_NONE};
    return begin_page(writer, 0);
}

nf_status nf_tiff_create(const char *part, const char *target, const char *dataset,
                         const nf_shape *shape, const nf_output *output, void **state,
                         nf_layout *layout)
{
    (void)dataset;
    tiff_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL || (writer->target = strdup(target)) == NULL) {
        free(writer);
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a writer", target);
    }
    writer->fd = -1;
    writer->shape = *shape;
    writer->tiff = (nf_tiff){.name = writer->target, .fd = -1, .place = -1, .text_at = -1};
    nf_status status = create(writer, part, output, layout);
    if (status != NF_OK) {
        nf_tiff_abandon(writer);
        return status;
    }
    *state = writer;
    return NF_OK;
}

/* ---- compressed rows ---- */

void nf_tiff_write_threads(void *state, int threads)
{
    const tiff_writer *writer = state;
    if (writer->strips != NULL)
        nf_tiff_strips_threads(writer->strips, threads);
}

/* The strips of the rows that came, behind those that are written. */
static nf_status write_strips(tiff_writer *writer)
{
    const nf_tiff_strip *list;
    nf_tiff *tiff = &writer->tiff;
    int64_t count;
    nf_status status = nf_tiff_strips_pack(writer->strips, &list, &count);
    for (int64_t i = 0; i < count && status == NF_OK; i++) {
        tmsize_t bytes = (tmsize_t)list[i].count;
        if (TIFFWriteRawStrip(tiff->tif, (uint32_t)writer->written++, list[i].bytes, bytes) !=
                bytes ||
            tiff->errors > 0)
            status = nf_fail(NF_ERR_FILE, "%s: TIFF: a strip cannot be written: %s", writer->target,
                             tiff->message);
    }
    return status;
}

/* Of a plane that has all its rows: the directory, and the next plane's. */
static nf_status turn_page(tiff_writer *writer)
{
    int64_t z = writer->next / writer->shape.dim[1];
    nf_status status = end_page(writer);
    writer->written = 0;
    return status == NF_OK && z < writer->shape.dim[0] ? begin_page(writer, z) : status;
}

nf_status nf_tiff_write_rows(void *state, int64_t y0, int64_t y1, const void *rows)
{
    tiff_writer *writer = state;
    int64_t bytes = writer->shape.dim[2] * (int64_t)nf_cell_bytes(&writer->shape);
    int64_t height = writer->shape.dim[1], taken;
    nf_status status = NF_OK;
    for (int64_t y = y0; y < y1 && status == NF_OK; y += taken) {
        int64_t plane = height - writer->next % height, left = y1 - y < plane ? y1 - y : plane;
        status = nf_tiff_strips_take(writer->strips, (const char *)rows + (y - y0) * bytes, left,
                                     &taken);
        writer->next += taken;
        bool last = taken > 0 && writer->next % height == 0;
        if (status == NF_OK && (last || nf_tiff_strips_full(writer->strips)))
            status = write_strips(writer);
        if (status == NF_OK && last)
            status = turn_page(writer);
    }
    return status;
}

void nf_tiff_seal(void *state, const uint64_t *checksum)
{
    tiff_writer *writer = state;
    writer->sealed = true;
    writer->checksum = *checksum;
}

static nf_status put_checksum(const tiff_writer *writer)
{
    char digits[NF_NOTE_DIGITS + 1];
    int64_t at = writer->tiff.text_at;
    snprintf(digits, sizeof digits, "%0*llu", NF_NOTE_DIGITS, (unsigned long long)writer->checksum);
    if (at < 0)
        return nf_fail(NF_ERR_FORMAT, "%s: TIFF: its checksum has no place", writer->target);
    return nf_bytes_write(writer->fd, at + (int64_t)writer->sum_at, NF_NOTE_DIGITS, digits,
                          writer->target);
}

nf_status nf_tiff_finish(void *state)
{
    tiff_writer *writer = state;
    nf_tiff_close(&writer->tiff);
    nf_status status = NF_OK;
    if (writer->tiff.errors > 0)
        status = nf_fail(NF_ERR_FILE, "%s: TIFF: cannot be written: %s", writer->target,
                         writer->tiff.message);
    if (status == NF_OK && writer->sealed)
        status = put_checksum(writer);
    nf_tiff_abandon(writer);
    return status;
}
