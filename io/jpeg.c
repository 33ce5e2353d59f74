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
#include "io/jpeg_stream.h"
#include "io/note.h"

enum {
    DEFAULT_QUALITY = 90,
    FULL_COLOUR = 90,   /* from this quality on, colour is kept at full resolution */
    MAX_SCANS = 500,    /* of a progressive file; each costs a pass over the whole image */
    MAX_MARKER = 65533, /* bytes */
    MARKER_EXIF = JPEG_APP0 + 1,
    MARKER_ICC = JPEG_APP0 + 2
};

static const char exif_name[] = "Exif\0"; /* with two zeros before the block */

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
    nf_metadata metadata;
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
    nf_jpeg_read_from(&reader->info, reader->file);
    jpeg_save_markers(&reader->info, JPEG_COM, MAX_MARKER);
    jpeg_save_markers(&reader->info, MARKER_EXIF, MAX_MARKER);
    jpeg_save_markers(&reader->info, MARKER_ICC, MAX_MARKER);
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

/* The pieces of the ICC profile put together; *profile is NULL without one, or if it is damaged. */
static bool find_profile(jpeg_reader *reader, JOCTET **profile, unsigned *bytes)
{
    *profile = NULL;
    if (setjmp(reader->error.back))
        return false;
    long damage = reader->error.damage;
    if (!jpeg_read_icc_profile(&reader->info, profile, bytes))
        *profile = NULL;
    reader->error.damage = damage; /* what it warns of are not the pixels */
    return true;
}

static void keep_resolution(const struct jpeg_decompress_struct *info, nf_metadata *metadata)
{
    static const nf_unit units[] = {NF_UNIT_NONE, NF_UNIT_INCH, NF_UNIT_CM};
    bool told = info->density_unit > 0 || info->X_density != info->Y_density;
    if (!info->saw_JFIF_marker || info->density_unit > 2 || !told || info->X_density == 0 ||
        info->Y_density == 0)
        return;
    metadata->resolution[0] = info->X_density;
    metadata->resolution[1] = info->Y_density;
    metadata->unit = units[info->density_unit];
}

/* The comments that nfold writes of itself are not kept: the next output has its own. */
static nf_status keep_marker(const struct jpeg_marker_struct *marker, nf_metadata *metadata)
{
    const char *text = (const char *)marker->data;
    size_t bytes = marker->data_length, name = sizeof exif_name;
    if (marker->marker == MARKER_EXIF && bytes > name && memcmp(text, exif_name, name) == 0)
        return nf_metadata_set_exif(metadata, text + name, bytes - name);
    if (marker->marker == JPEG_COM && !(bytes > 6 && memcmp(text, "nfold_", 6) == 0))
        return nf_metadata_set_text(metadata, NF_TEXT_COMMENT, text, bytes, false);
    return NF_OK;
}

static nf_status keep_metadata(jpeg_reader *reader)
{
    JOCTET *profile;
    unsigned bytes = 0;
    if (!find_profile(reader, &profile, &bytes))
        return read_fail(reader, "its colour profile cannot be read");
    nf_status status = NF_OK;
    if (profile != NULL)
        status = nf_metadata_set_icc(&reader->metadata, profile, bytes);
    free(profile);
    const struct jpeg_marker_struct *marker = reader->info.marker_list;
    for (; marker != NULL && status == NF_OK; marker = marker->next)
        status = keep_marker(marker, &reader->metadata);
    keep_resolution(&reader->info, &reader->metadata);
    return status;
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
    nf_metadata_free(&reader->metadata);
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
    status = nf_image_check(&reader->shape, fileno(reader->file), file, "JPEG");
    return status == NF_OK ? keep_metadata(reader) : status;
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

/* Each block of 8x8 cells becomes one of fewer, from its coefficients of low frequency. */
static bool jpeg_shrink(void *state, int eighths, nf_shape *shape)
{
    jpeg_reader *reader = state;
    if (setjmp(reader->error.back))
        return false;
    reader->info.scale_num = (unsigned)eighths;
    reader->info.scale_denom = 8;
    jpeg_calc_output_dimensions(&reader->info);
    reader->shape.dim[1] = reader->info.output_height;
    reader->shape.dim[2] = reader->info.output_width;
    *shape = reader->shape;
    return true;
}

static const nf_metadata *jpeg_metadata(void *state)
{
    const jpeg_reader *reader = state;
    return &reader->metadata;
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

/* The lines of provenance, for a comment. NULL: no memory. */
static char *provenance_text(const nf_provenance *provenance)
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

/* A marker has room for 64 KiB: a longer comment is cut, a longer EXIF block left out. */
static void write_comment(struct jpeg_compress_struct *info, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (length > 0)
        jpeg_write_marker(info, JPEG_COM, (const JOCTET *)text,
                          (unsigned)(length < MAX_MARKER ? length : MAX_MARKER));
}

static void write_exif(struct jpeg_compress_struct *info, const nf_metadata *metadata)
{
    size_t bytes = sizeof exif_name + metadata->exif_bytes;
    if (metadata->exif == NULL || bytes > MAX_MARKER)
        return;
    jpeg_write_m_header(info, MARKER_EXIF, (unsigned)bytes);
    for (size_t i = 0; i < sizeof exif_name; i++)
        jpeg_write_m_byte(info, exif_name[i]);
    for (size_t i = 0; i < metadata->exif_bytes; i++)
        jpeg_write_m_byte(info, metadata->exif[i]);
}

/* JFIF counts in 16 bits: what does not fit is left out. */
static void set_resolution(struct jpeg_compress_struct *info, const nf_metadata *metadata)
{
    double resolution[2] = {metadata->resolution[0], metadata->resolution[1]};
    int unit = metadata->unit == NF_UNIT_NONE ? 0 : metadata->unit == NF_UNIT_CM ? 2 : 1;
    if (unit > 0)
        nf_metadata_resolution(metadata, unit == 1 ? NF_UNIT_INCH : NF_UNIT_CM, resolution);
    for (int i = 0; i < 2; i++)
        if (!(resolution[i] >= 0.5 && resolution[i] < 65535.5))
            return;
    info->density_unit = (UINT8)unit;
    info->X_density = (UINT16)(resolution[0] + 0.5);
    info->Y_density = (UINT16)(resolution[1] + 0.5);
}

/* What stands in the file's head beside the picture's format. */
typedef struct head {
    nf_metadata metadata;
    char *provenance;
} head;

static nf_status head_make(const nf_output *output, const nf_shape *shape, const char *target,
                           head *h)
{
    nf_status status = nf_output_metadata(output, shape, &h->metadata);
    h->provenance = provenance_text(output->provenance);
    if (status == NF_OK && h->provenance == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for a JPEG encoder", target);
    return status;
}

static void head_free(head *h)
{
    nf_metadata_free(&h->metadata);
    free(h->provenance);
}

static void write_head(struct jpeg_compress_struct *info, const head *h)
{
    const nf_metadata *metadata = &h->metadata;
    write_exif(info, metadata);
    if (metadata->icc != NULL)
        jpeg_write_icc_profile(info, metadata->icc, (unsigned)metadata->icc_bytes);
    for (int i = 0; i < NF_TEXTS; i++)
        write_comment(info, metadata->text[i]);
    write_comment(info, h->provenance);
}

static bool write_header(jpeg_writer *writer, const nf_shape *shape, int quality, const head *h)
{
    struct jpeg_compress_struct *info = &writer->info;
    if (setjmp(writer->error.back))
        return false;
    writer->made = true;
    jpeg_create_compress(info);
    nf_jpeg_write_to(info, writer->file);
    info->image_width = (JDIMENSION)shape->dim[2];
    info->image_height = (JDIMENSION)shape->dim[1];
    info->input_components = shape->channels;
    info->in_color_space = shape->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, quality, TRUE);
    if (quality >= FULL_COLOUR)
        info->comp_info[0].h_samp_factor = info->comp_info[0].v_samp_factor = 1;
    set_resolution(info, &h->metadata);
    jpeg_start_compress(info, TRUE);
    write_head(info, h);
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
                             const nf_shape *shape, int quality, const nf_output *output)
{
    head h = {.provenance = NULL};
    writer->path = strdup(target);
    writer->info.err = errors_start(&writer->error);
    nf_status status = head_make(output, shape, target, &h);
    if (status == NF_OK && writer->path == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for a JPEG encoder", target);
    if (status == NF_OK && (writer->file = fopen(part, "wbxe")) == NULL)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be created: %s", part, strerror(errno));
    if (status == NF_OK && !write_header(writer, shape, quality, &h))
        status = write_fail(writer);
    head_free(&h);
    return status;
}

static nf_status jpeg_create(const char *part, const char *target, const char *dataset,
                             const nf_shape *shape, const nf_output *output, void **state,
                             nf_layout *layout)
{
    (void)dataset;
    int quality = output->quality != 0 ? output->quality : DEFAULT_QUALITY;
    if (quality < 1 || quality > 100)
        return nf_fail(NF_ERR_USAGE, "%s: a JPEG quality is 1 to 100, not %d", target, quality);
    jpeg_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a JPEG encoder", target);
    nf_status status = open_writer(writer, part, target, shape, quality, output);
    if (status != NF_OK) {
        jpeg_abandon(writer);
        return status;
    }
    *state = writer;
    *layout = (nf_layout){.kind = NF_LAYOUT_NONE};
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
    .shrink = jpeg_shrink,
    .close = jpeg_reader_close,
    .metadata = jpeg_metadata,
    .create = jpeg_create,
    .write_rows = jpeg_write_rows,
    .finish = jpeg_finish,
    .abandon = jpeg_abandon,
};
