/* jpeg.c - JPEG images by the libjpeg interface, streamed row by row. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "io/format.h"
#include "io/image.h"
#include "io/note.h"

enum {
    DEFAULT_QUALITY = 90,
    FULL_COLOUR = 90, /* from this quality on, colour is kept at full resolution */
    MAX_SCANS = 500,  /* of a progressive file; each costs a pass over the whole image */
    MAX_COMMENT = 65533
};

static bool jpeg_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    return bytes >= 3 && head[0] == 0xff && head[1] == 0xd8 && head[2] == 0xff;
}

static bool jpeg_can_hold(const nf_shape *shape)
{
    return shape->ndim == 2 && shape->dtype == NF_U8 &&
           (shape->channels == 1 || shape->channels == 3) && shape->dim[1] <= JPEG_MAX_DIMENSION &&
           shape->dim[2] <= JPEG_MAX_DIMENSION;
}

/* libjpeg's error manager and what ours adds. */
typedef struct errors {
    struct jpeg_error_mgr base; /* first: libjpeg hands out its address */
    jmp_buf back;
    long damage; /* warnings that mean that pixels are missing or wrong */
    char message[JMSG_LENGTH_MAX];
} errors;

static void on_error(j_common_ptr info)
{
    errors *e = (errors *)info->err;
    int why = errno;
    if (info->err->msg_code == JERR_FILE_WRITE && why != 0)
        snprintf(e->message, sizeof e->message, "%s", strerror(why));
    else
        info->err->format_message(info, e->message);
    longjmp(e->back, 1);
}

/* Harmless: odd version numbers in the header, and padding that some cameras leave before the end
 * marker. Every other warning says that the data is damaged or cut short. */
static bool is_harmless(const struct jpeg_error_mgr *base)
{
    return base->msg_code == JWRN_JFIF_MAJOR || base->msg_code == JWRN_ADOBE_XFORM ||
           (base->msg_code == JWRN_EXTRANEOUS_DATA && base->msg_parm.i[1] == JPEG_EOI);
}

static void on_message(j_common_ptr info, int level)
{
    errors *e = (errors *)info->err;
    if (level >= 0 || is_harmless(info->err))
        return;
    info->err->num_warnings++;
    if (e->damage++ == 0)
        info->err->format_message(info, e->message);
}

static void on_output(j_common_ptr info)
{
    (void)info;
}

static struct jpeg_error_mgr *errors_start(errors *e)
{
    jpeg_std_error(&e->base);
    e->base.error_exit = on_error;
    e->base.emit_message = on_message;
    e->base.output_message = on_output;
    return &e->base;
}

/* ---- reading ---- */

typedef struct jpeg_reader {
    struct jpeg_decompress_struct info;
    struct jpeg_progress_mgr progress;
    errors error;
    bool made; /* info was created */
    FILE *file;
    char *path;
    nf_shape shape;
} jpeg_reader;

static nf_status read_fail(const jpeg_reader *reader, const char *what)
{
    return nf_fail(NF_ERR_FORMAT, "%s: JPEG: %s: %s", reader->path, what, reader->error.message);
}

static void count_scans(j_common_ptr info)
{
    j_decompress_ptr decoder = (j_decompress_ptr)info;
    errors *e = (errors *)info->err;
    if (decoder->input_scan_number <= MAX_SCANS)
        return;
    snprintf(e->message, sizeof e->message, "more than %d progressive scans", MAX_SCANS);
    longjmp(e->back, 1);
}

static bool read_header(jpeg_reader *reader)
{
    if (setjmp(reader->error.back))
        return false;
    reader->made = true;
    jpeg_create_decompress(&reader->info);
    reader->progress.progress_monitor = count_scans;
    reader->info.progress = &reader->progress;
    jpeg_stdio_src(&reader->info, reader->file);
    jpeg_read_header(&reader->info, TRUE);
    return true;
}

static bool start_decoder(jpeg_reader *reader)
{
    if (setjmp(reader->error.back))
        return false;
    jpeg_start_decompress(&reader->info);
    return true;
}

static nf_status choose_colours(jpeg_reader *reader)
{
    struct jpeg_decompress_struct *info = &reader->info;
    switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE:
        info->out_color_space = JCS_GRAYSCALE;
        return NF_OK;
    case JCS_RGB:
    case JCS_YCbCr:
        info->out_color_space = JCS_RGB;
        return NF_OK;
    case JCS_CMYK:
    case JCS_YCCK:
        return nf_fail(NF_ERR_FORMAT,
                       "%s: JPEG: its colours are %s, made for a printer's inks, and have no RGB "
                       "values without its colour profile; convert it to RGB first",
                       reader->path, info->jpeg_color_space == JCS_CMYK ? "CMYK" : "YCCK");
    default:
        return nf_fail(NF_ERR_FORMAT,
                       "%s: JPEG: %d components of an unknown colour space; nfold takes gray and "
                       "RGB",
                       reader->path, info->num_components);
    }
}

static void jpeg_reader_close(void *state)
{
    jpeg_reader *reader = state;
    if (reader == NULL)
        return;
    if (reader->made)
        jpeg_destroy_decompress(&reader->info);
    if (reader->file != NULL)
        fclose(reader->file);
    free(reader->path);
    free(reader);
}

static nf_status open_reader(jpeg_reader *reader, const char *file)
{
    reader->path = strdup(file);
    reader->info.err = errors_start(&reader->error);
    if (reader->path == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a JPEG decoder", file);
    reader->file = fopen(file, "rbe");
    if (reader->file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    if (!read_header(reader))
        return read_fail(reader, "its header cannot be read");
    nf_status status = choose_colours(reader);
    if (status != NF_OK)
        return status;
    reader->shape = (nf_shape){.dim = {1, reader->info.image_height, reader->info.image_width},
                               .ndim = 2,
                               .channels = reader->info.out_color_space == JCS_RGB ? 3 : 1,
                               .dtype = NF_U8};
    return nf_image_check(&reader->shape, file, "JPEG");
}

static nf_status jpeg_open(const char *file, const char *dataset, void **state, nf_shape *shape)
{
    if (dataset != NULL)
        return nf_fail(NF_ERR_FORMAT, "%s: a JPEG image has no datasets: leave out :%s", file,
                       dataset);
    jpeg_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a JPEG decoder", file);
    nf_status status = open_reader(reader, file);
    if (status != NF_OK) {
        jpeg_reader_close(reader);
        return status;
    }
    *shape = reader->shape;
    *state = reader;
    return NF_OK;
}

static bool decode_rows(jpeg_reader *reader, int64_t rows, char *cells, ptrdiff_t pitch)
{
    struct jpeg_decompress_struct *info = &reader->info;
    if (setjmp(reader->error.back))
        return false;
    for (int64_t y = 0; y < rows; y++) {
        JSAMPROW row = (JSAMPROW)(cells + y * pitch);
        jpeg_read_scanlines(info, &row, 1);
    }
    if (info->output_scanline == info->output_height)
        jpeg_finish_decompress(info);
    return true;
}

static nf_status jpeg_read(void *state, const nf_box *box, void *cells,
                           const ptrdiff_t stride[NF_DIMS])
{
    jpeg_reader *reader = state;
    if (box->lo[1] == 0 && !start_decoder(reader))
        return read_fail(reader, "cannot be decoded");
    if (!decode_rows(reader, nf_box_extent(box, 1), cells, stride[1]))
        return read_fail(reader, "cannot be decoded");
    /* libjpeg only warns of a damaged or truncated file, and makes up what is missing. */
    if (reader->error.damage > 0)
        return read_fail(reader, "is damaged or cut short");
    return NF_OK;
}

/* ---- writing ---- */

typedef struct jpeg_writer {
    struct jpeg_compress_struct info;
    errors error;
    bool made;
    FILE *file;
    char *path;
} jpeg_writer;

static nf_status write_fail(const jpeg_writer *writer)
{
    return nf_fail(NF_ERR_FILE, "%s: JPEG: cannot be written: %s", writer->path,
                   writer->error.message);
}

/* The lines of provenance in one comment marker. NULL: no memory. */
static char *comment_text(const nf_provenance *provenance)
{
    nf_note notes[NF_NOTES];
    nf_notes(provenance, notes);
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < NF_NOTES; i++)
        if (notes[i].text != NULL)
            fprintf(out, "%s: %s\n", notes[i].name, notes[i].text);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static bool write_header(jpeg_writer *writer, const nf_shape *shape, int quality,
                         const char *comment)
{
    struct jpeg_compress_struct *info = &writer->info;
    if (setjmp(writer->error.back))
        return false;
    writer->made = true;
    jpeg_create_compress(info);
    jpeg_stdio_dest(info, writer->file);
    info->image_width = (JDIMENSION)shape->dim[2];
    info->image_height = (JDIMENSION)shape->dim[1];
    info->input_components = shape->channels;
    info->in_color_space = shape->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, quality, TRUE);
    if (quality >= FULL_COLOUR)
        info->comp_info[0].h_samp_factor = info->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(info, TRUE);
    size_t length = strlen(comment);
    if (length > 0)
        jpeg_write_marker(info, JPEG_COM, (const JOCTET *)comment,
                          (unsigned)(length < MAX_COMMENT ? length : MAX_COMMENT));
    return true;
}

static void jpeg_abandon(void *state)
{
    jpeg_writer *writer = state;
    if (writer == NULL)
        return;
    if (writer->made)
        jpeg_destroy_compress(&writer->info);
    if (writer->file != NULL)
        fclose(writer->file);
    free(writer->path);
    free(writer);
}

static nf_status open_writer(jpeg_writer *writer, const char *part, const char *target,
                             const nf_shape *shape, int quality, const nf_provenance *provenance)
{
    writer->path = strdup(target);
    writer->info.err = errors_start(&writer->error);
    char *comment = comment_text(provenance);
    nf_status status = NF_OK;
    if (writer->path == NULL || comment == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for a JPEG encoder", target);
    else if ((writer->file = fopen(part, "wbxe")) == NULL)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be created: %s", part, strerror(errno));
    else if (!write_header(writer, shape, quality, comment))
        status = write_fail(writer);
    free(comment);
    return status;
}

static nf_status jpeg_create(const char *part, const char *target, const char *dataset,
                             const nf_shape *shape, int quality, const nf_provenance *provenance,
                             void **state, int64_t *raw_offset)
{
    (void)dataset;
    if (quality == 0)
        quality = DEFAULT_QUALITY;
    if (quality < 1 || quality > 100)
        return nf_fail(NF_ERR_USAGE, "%s: a JPEG quality is 1 to 100, not %d", target, quality);
    jpeg_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a JPEG encoder", target);
    nf_status status = open_writer(writer, part, target, shape, quality, provenance);
    if (status != NF_OK) {
        jpeg_abandon(writer);
        return status;
    }
    *state = writer;
    *raw_offset = -1;
    return NF_OK;
}

static bool encode_rows(jpeg_writer *writer, int64_t rows, const char *cells)
{
    struct jpeg_compress_struct *info = &writer->info;
    size_t pitch = (size_t)info->image_width * (size_t)info->input_components;
    if (setjmp(writer->error.back))
        return false;
    for (int64_t y = 0; y < rows; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(cells + (size_t)y * pitch); /* only read from */
        jpeg_write_scanlines(info, &row, 1);
    }
    return true;
}

static nf_status jpeg_write_rows(void *state, int64_t y0, int64_t y1, const void *rows)
{
    jpeg_writer *writer = state;
    return encode_rows(writer, y1 - y0, rows) ? NF_OK : write_fail(writer);
}

static bool encode_end(jpeg_writer *writer)
{
    if (setjmp(writer->error.back))
        return false;
    jpeg_finish_compress(&writer->info);
    return true;
}

static nf_status jpeg_finish(void *state)
{
    jpeg_writer *writer = state;
    nf_status status = encode_end(writer) ? NF_OK : write_fail(writer);
    int closed = fclose(writer->file);
    writer->file = NULL;
    if (closed != 0 && status == NF_OK)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", writer->path, strerror(errno));
    jpeg_abandon(writer);
    return status;
}

static const char *const jpeg_suffixes[] = {".jpg", ".jpeg", NULL};

const nf_format nf_format_jpeg = {
    .name = "JPEG",
    .suffixes = jpeg_suffixes,
    .holds = "u8, 2-D, 1 or 3 channels, at most 65500 cells in each dimension",
    .recognise = jpeg_recognise,
    .can_hold = jpeg_can_hold,
    .open = jpeg_open,
    .read = jpeg_read,
    .close = jpeg_reader_close,
    .create = jpeg_create,
    .write_rows = jpeg_write_rows,
    .finish = jpeg_finish,
    .abandon = jpeg_abandon,
};
