/* png.c - PNG images by libpng, streamed row by row. */
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/format.h"
#include "io/image.h"
#include "io/note.h"

enum { CHUNK_LIMIT = 1 << 24 /* bytes of a text or a profile: their lengths can lie, too */ };

static bool png_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    return bytes >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool png_can_hold(const nf_shape *shape)
{
    return shape->ndim == 2 && (shape->dtype == NF_U8 || shape->dtype == NF_U16) &&
           shape->dim[1] <= INT32_MAX && shape->dim[2] <= INT32_MAX / 8;
}

/* What libpng's callbacks need; the first member of reader and writer. */
typedef struct png_common {
    png_structp png;
    png_infop info;
    FILE *file;
    char *path;
    nf_shape shape;
    char checksum[24]; /* writing: its decimal digits; "": none */
    size_t limit;      /* reading: bytes that libpng may allocate at once */
    char message[200];
} png_common;

/* libpng requires an error function that does not return. */
static void keep_error(png_structp png, png_const_charp text)
{
    png_common *common = png_get_error_ptr(png);
    snprintf(common->message, sizeof common->message, "%s", text);
    png_longjmp(png, 1);
}

static void drop_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

/* libpng allocates what a chunk says is its length before it reads it. */
static png_voidp allocate(png_structp png, png_alloc_size_t bytes)
{
    const png_common *common = png_get_mem_ptr(png);
    return bytes <= common->limit ? malloc(bytes) : NULL;
}

static void release(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static nf_status read_fail(const png_common *common, const char *what)
{
    return nf_fail(NF_ERR_FORMAT, "%s: PNG: %s: %s", common->path, what, common->message);
}

static nf_status write_fail(const png_common *common)
{
    return nf_fail(NF_ERR_FILE, "%s: PNG: cannot be written: %s", common->path, common->message);
}

/* The rows of 16 bits are big-endian in the file. */
static bool must_swap(const nf_shape *shape)
{
    return shape->dtype == NF_U16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

/* ---- reading ---- */

typedef struct png_reader {
    png_common common;
    bool interlaced;
    int64_t next_row;
    unsigned char *whole; /* all rows of an interlaced image, once decoded */
} png_reader;

static size_t row_bytes(const nf_shape *shape)
{
    return (size_t)(shape->dim[2] * shape->channels) * nf_dtype_size(shape->dtype);
}

/* Leaves libpng without room for rows where the image is too large; the caller refuses it. */
static bool read_header(png_reader *reader)
{
    png_common *common = &reader->common;
    png_structp png = common->png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* the size is checked by us */
    png_init_io(png, common->file);
    png_read_info(png, common->info);
    png_set_expand(png); /* palette to RGB, less than 8 bits to 8, tRNS to alpha */
    nf_shape *shape = &common->shape;
    *shape = (nf_shape){.ndim = 2, .channels = png_get_channels(png, common->info)};
    shape->dim[0] = 1;
    shape->dim[1] = png_get_image_height(png, common->info);
    shape->dim[2] = png_get_image_width(png, common->info);
    shape->dtype = png_get_bit_depth(png, common->info) == 16 ? NF_U16 : NF_U8;
    if (nf_shape_cells(shape) > nf_max_pixels)
        return true;
    common->limit += (size_t)shape->dim[2] * 8;
    if (must_swap(shape))
        png_set_swap(png);
    reader->interlaced = png_get_interlace_type(png, common->info) != PNG_INTERLACE_NONE;
    png_set_interlace_handling(png);
    png_read_update_info(png, common->info);
    shape->channels = png_get_channels(png, common->info);
    return true;
}

static void png_close(void *state)
{
    png_reader *reader = state;
    if (reader == NULL)
        return;
    png_destroy_read_struct(&reader->common.png, &reader->common.info, NULL);
    if (reader->common.file != NULL)
        fclose(reader->common.file);
    free(reader->common.path);
    free(reader->whole);
    free(reader);
}

static nf_status open_reader(png_reader *reader, const char *file)
{
    png_common *common = &reader->common;
    common->path = strdup(file);
    common->limit = CHUNK_LIMIT;
    common->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, common, keep_error, drop_warning,
                                           common, allocate, release);
    if (common->png != NULL)
        common->info = png_create_info_struct(common->png);
    if (common->path == NULL || common->info == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG decoder", file);
    common->file = fopen(file, "rbe");
    if (common->file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    if (!read_header(reader))
        return read_fail(common, "its header cannot be read");
    nf_status status = nf_image_check(&common->shape, file, "PNG");
    if (status == NF_OK && row_bytes(&common->shape) != png_get_rowbytes(common->png, common->info))
        status = nf_fail(NF_ERR_FORMAT, "%s: PNG: rows of an unexpected length", file);
    return status;
}

static nf_status png_open(const char *file, const char *dataset, void **state, nf_shape *shape)
{
    if (dataset != NULL)
        return nf_fail(NF_ERR_FORMAT, "%s: a PNG image has no datasets: leave out :%s", file,
                       dataset);
    png_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG decoder", file);
    nf_status status = open_reader(reader, file);
    if (status != NF_OK) {
        png_close(reader);
        return status;
    }
    *shape = reader->common.shape;
    *state = reader;
    return NF_OK;
}

/* `rows` rows from the file; the last one of the image also checks the file's end. */
static bool decode_rows(png_reader *reader, int64_t rows, char *cells, ptrdiff_t pitch)
{
    png_structp png = reader->common.png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    for (int64_t y = 0; y < rows; y++)
        png_read_row(png, (png_bytep)(cells + y * pitch), NULL);
    if (reader->next_row + rows == reader->common.shape.dim[1])
        png_read_end(png, reader->common.info);
    return true;
}

static bool decode_interlaced(png_reader *reader, png_bytepp rows)
{
    if (setjmp(png_jmpbuf(reader->common.png)))
        return false;
    png_read_image(reader->common.png, rows);
    png_read_end(reader->common.png, reader->common.info);
    return true;
}

/* An interlaced image comes in seven passes over all rows: it is decoded at once. */
static nf_status read_whole(png_reader *reader)
{
    const nf_shape *shape = &reader->common.shape;
    size_t height = (size_t)shape->dim[1], pitch = row_bytes(shape);
    png_bytepp rows = malloc(height * sizeof *rows);
    reader->whole = malloc(height * pitch);
    nf_status status = NF_OK;
    if (rows == NULL || reader->whole == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for an interlaced image of %zu MiB",
                         reader->common.path, (height * pitch) >> 20);
    for (size_t y = 0; status == NF_OK && y < height; y++)
        rows[y] = reader->whole + y * pitch;
    if (status == NF_OK && !decode_interlaced(reader, rows))
        status = read_fail(&reader->common, "cannot be decoded");
    free(rows);
    return status;
}

static nf_status png_read(void *state, const nf_box *box, void *cells,
                          const ptrdiff_t stride[NF_DIMS])
{
    png_reader *reader = state;
    const nf_shape *shape = &reader->common.shape;
    ptrdiff_t pitch = stride[1] * (ptrdiff_t)nf_dtype_size(shape->dtype);
    int64_t rows = nf_box_extent(box, 1);
    if (reader->interlaced && reader->whole == NULL) {
        nf_status status = read_whole(reader);
        if (status != NF_OK)
            return status;
    }
    if (reader->interlaced) {
        size_t bytes = row_bytes(shape);
        for (int64_t y = 0; y < rows; y++)
            memcpy((char *)cells + y * pitch, reader->whole + (size_t)(box->lo[1] + y) * bytes,
                   bytes);
    } else if (!decode_rows(reader, rows, cells, pitch)) {
        return read_fail(&reader->common, "cannot be decoded (damaged or cut short)");
    }
    reader->next_row += rows;
    return NF_OK;
}

static bool png_checksum(void *state, uint64_t *sum)
{
    png_reader *reader = state;
    png_textp texts;
    int count = png_get_text(reader->common.png, reader->common.info, &texts, NULL);
    for (int i = 0; i < count; i++) {
        char *end = texts[i].text;
        if (strcmp(texts[i].key, NF_NOTE_CHECKSUM) != 0 || *end < '0' || *end > '9')
            continue;
        errno = 0;
        *sum = strtoull(texts[i].text, &end, 10);
        return *end == '\0' && errno == 0;
    }
    return false;
}

/* ---- writing ---- */

static void write_bytes(png_structp png, png_bytep data, size_t bytes)
{
    FILE *file = png_get_io_ptr(png);
    if (fwrite(data, 1, bytes, file) != bytes)
        png_error(png, strerror(errno));
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* tEXt is Latin-1; what is not plain ASCII goes to iTXt, which is UTF-8. */
static void set_notes(png_common *common, const nf_provenance *provenance)
{
    nf_note notes[NF_NOTES];
    nf_notes(provenance, notes);
    for (size_t i = 0; i < NF_NOTES; i++) {
        if (notes[i].text == NULL)
            continue;
        png_text line = {.compression = is_ascii(notes[i].text) ? PNG_TEXT_COMPRESSION_NONE
                                                                : PNG_ITXT_COMPRESSION_NONE};
        line.key = (png_charp)(uintptr_t)notes[i].name;
        line.text = (png_charp)(uintptr_t)notes[i].text;
        png_set_text(common->png, common->info, &line, 1);
    }
}

/* Level 1 and the SUB filter alone: about twenty times as fast as libpng's defaults, for files some
 * tenths larger; an output is read back more often than it is kept. */
static bool write_header(png_common *common, const nf_provenance *provenance)
{
    static const int colours[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                  PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    const nf_shape *shape = &common->shape;
    png_structp png = common->png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(png, common->file, write_bytes, flush_nothing);
    png_set_compression_level(png, 1);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_IHDR(png, common->info, (png_uint_32)shape->dim[2], (png_uint_32)shape->dim[1],
                 (int)(8 * nf_dtype_size(shape->dtype)), colours[shape->channels],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_notes(common, provenance);
    png_write_info(png, common->info);
    if (must_swap(shape))
        png_set_swap(png);
    return true;
}

static void png_abandon(void *state)
{
    png_common *common = state;
    if (common == NULL)
        return;
    png_destroy_write_struct(&common->png, &common->info);
    if (common->file != NULL)
        fclose(common->file);
    free(common->path);
    free(common);
}

static nf_status open_writer(png_common *common, const char *part, const char *target,
                             const nf_provenance *provenance)
{
    common->path = strdup(target);
    common->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, common, keep_error, drop_warning);
    if (common->png != NULL)
        common->info = png_create_info_struct(common->png);
    if (common->path == NULL || common->info == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG encoder", target);
    common->file = fopen(part, "wbxe");
    if (common->file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be created: %s", part, strerror(errno));
    return write_header(common, provenance) ? NF_OK : write_fail(common);
}

static nf_status png_create(const char *part, const char *target, const char *dataset,
                            const nf_shape *shape, int quality, const nf_provenance *provenance,
                            void **state, int64_t *raw_offset)
{
    (void)dataset, (void)quality;
    png_common *common = calloc(1, sizeof *common);
    if (common == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG encoder", target);
    common->shape = *shape;
    nf_status status = open_writer(common, part, target, provenance);
    if (status != NF_OK) {
        png_abandon(common);
        return status;
    }
    *state = common;
    *raw_offset = -1;
    return NF_OK;
}

static bool encode_rows(png_common *common, int64_t rows, const char *cells)
{
    size_t pitch = row_bytes(&common->shape);
    if (setjmp(png_jmpbuf(common->png)))
        return false;
    for (int64_t y = 0; y < rows; y++)
        png_write_row(common->png, (png_const_bytep)(cells + (size_t)y * pitch));
    return true;
}

static nf_status write_png_rows(void *state, int64_t y0, int64_t y1, const void *rows)
{
    png_common *common = state;
    return encode_rows(common, y1 - y0, rows) ? NF_OK : write_fail(common);
}

static void png_seal(void *state, uint64_t checksum)
{
    png_common *common = state;
    snprintf(common->checksum, sizeof common->checksum, "%llu", (unsigned long long)checksum);
}

/* The checksum comes behind the rows, as it is known only then. */
static bool encode_end(png_common *common)
{
    png_text line = {.compression = PNG_TEXT_COMPRESSION_NONE, .text = common->checksum};
    line.key = (png_charp)(uintptr_t)NF_NOTE_CHECKSUM;
    if (setjmp(png_jmpbuf(common->png)))
        return false;
    if (common->checksum[0] != '\0')
        png_set_text(common->png, common->info, &line, 1);
    png_write_end(common->png, common->info);
    return true;
}

static nf_status png_finish(void *state)
{
    png_common *common = state;
    nf_status status = encode_end(common) ? NF_OK : write_fail(common);
    int closed = fclose(common->file);
    common->file = NULL;
    if (closed != 0 && status == NF_OK)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", common->path, strerror(errno));
    png_abandon(common);
    return status;
}

static const char *const png_suffixes[] = {".png", NULL};

const nf_format nf_format_png = {
    .name = "PNG",
    .suffixes = png_suffixes,
    .holds = "u8 or u16, 2-D, 1 to 4 channels",
    .recognise = png_recognise,
    .can_hold = png_can_hold,
    .open = png_open,
    .read = png_read,
    .close = png_close,
    .checksum = png_checksum,
    .create = png_create,
    .write_rows = write_png_rows,
    .seal = png_seal,
    .finish = png_finish,
    .abandon = png_abandon,
};
