/* png.c - reading PNG images row by row. */
#include "io/png.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "io/image.h"
#include "io/note.h"
#include "io/png_data.h"
#include "io/png_filter.h"

enum { WINDOW_BYTES = 1 << 17 /* of rows that are unfiltered at a time: they stay in cache */ };

enum { CHUNK_LIMIT = 1 << 24 /* bytes of a text or a profile: their lengths can lie, too */ };

static bool png_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    return bytes >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool png_can_hold(const nf_shape *shape)
{
    return shape->ndim == 2 && (shape->dtype == NF_U8 || shape->dtype == NF_U16) &&
           shape->dim[1] <= INT32_MAX && shape->dim[2] <= INT32_MAX / 16;
}

void nf_png_keep_error(png_structp png, png_const_charp text)
{
    nf_png *common = png_get_error_ptr(png);
    snprintf(common->message, sizeof common->message, "%s", text);
    png_longjmp(png, 1);
}

void nf_png_drop_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

size_t nf_png_row_bytes(const nf_shape *shape)
{
    return (size_t)(shape->dim[2] * shape->channels) * nf_dtype_size(shape->dtype);
}

bool nf_png_must_swap(const nf_shape *shape)
{
    return shape->dtype == NF_U16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

void nf_png_swap(void *to, const void *from, size_t bytes)
{
    uint8_t *restrict t = to;
    const uint8_t *restrict f = from;
    for (size_t i = 0; i + 1 < bytes; i += 2) {
        t[i] = f[i + 1];
        t[i + 1] = f[i];
    }
}

typedef struct png_reader {
    nf_png common;
    nf_metadata metadata;
    bool interlaced;
    bool plain; /* its rows are decoded here; otherwise by libpng */
    int64_t next_row;
    unsigned char *whole; /* all rows of an interlaced image, once decoded */
    nf_png_data *data;    /* plain only, like the rest */
    uint8_t *window; /* the row above (zeros at first), then window_rows; each after its filter */
    int64_t window_rows;
    size_t limit; /* bytes that libpng may allocate at once */
} png_reader;

/* libpng allocates what a chunk says is its length before it reads it. */
static png_voidp allocate(png_structp png, png_alloc_size_t bytes)
{
    const png_reader *reader = png_get_mem_ptr(png);
    return bytes <= reader->limit ? malloc(bytes) : NULL;
}

static void release(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static nf_status read_fail(const png_reader *reader, const char *what)
{
    return nf_fail(NF_ERR_FORMAT, "%s: PNG: %s: %s", reader->common.path, what,
                   reader->common.message);
}

/* ---- what stands before the pixels ---- */

static bool is_plain(png_structp png, png_infop info)
{
    return png_get_bit_depth(png, info) >= 8 &&
           png_get_color_type(png, info) != PNG_COLOR_TYPE_PALETTE &&
           png_get_interlace_type(png, info) == PNG_INTERLACE_NONE &&
           !png_get_valid(png, info, PNG_INFO_tRNS);
}

/* Leaves libpng without room for rows where the image is too large; the caller refuses it. */
static bool read_header(png_reader *reader)
{
    nf_png *common = &reader->common;
    png_structp png = common->png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* the size is checked by us */
    png_init_io(png, common->file);
    png_read_info(png, common->info);
    reader->plain = is_plain(png, common->info);
    png_set_expand(png); /* palette to RGB, less than 8 bits to 8, tRNS to alpha */
    nf_shape *shape = &common->shape;
    *shape = (nf_shape){.ndim = 2, .channels = png_get_channels(png, common->info)};
    shape->dim[0] = 1;
    shape->dim[1] = png_get_image_height(png, common->info);
    shape->dim[2] = png_get_image_width(png, common->info);
    shape->dtype = png_get_bit_depth(png, common->info) == 16 ? NF_U16 : NF_U8;
    if (nf_image_check(shape, fileno(common->file), common->path, "PNG") != NF_OK)
        return true;
    reader->limit += (size_t)shape->dim[2] * 8;
    if (nf_png_must_swap(shape))
        png_set_swap(png);
    reader->interlaced = png_get_interlace_type(png, common->info) != PNG_INTERLACE_NONE;
    png_set_interlace_handling(png);
    png_read_update_info(png, common->info);
    shape->channels = png_get_channels(png, common->info);
    return true;
}

/* Those texts that nf_text_names has. */
static nf_status keep_texts(const nf_png *common, nf_metadata *metadata)
{
    png_textp texts;
    int count = png_get_text(common->png, common->info, &texts, NULL);
    nf_status status = NF_OK;
    for (int i = 0; i < count; i++)
        for (int name = 0; name < NF_TEXTS && status == NF_OK; name++) {
            bool latin1 = texts[i].compression < PNG_ITXT_COMPRESSION_NONE;
            size_t bytes = latin1 ? texts[i].text_length : texts[i].itxt_length;
            if (strcmp(texts[i].key, nf_text_names[name]) == 0)
                status =
                    nf_metadata_set_text(metadata, (nf_text)name, texts[i].text, bytes, latin1);
        }
    return status;
}

static nf_status keep_metadata(const nf_png *common, nf_metadata *metadata)
{
    png_charp name;
    png_bytep bytes;
    png_uint_32 count, x, y;
    int kind;
    nf_status status = NF_OK;
    if (png_get_iCCP(common->png, common->info, &name, &kind, &bytes, &count))
        status = nf_metadata_set_icc(metadata, bytes, count);
    if (status == NF_OK && png_get_eXIf_1(common->png, common->info, &count, &bytes))
        status = nf_metadata_set_exif(metadata, bytes, count);
    if (png_get_pHYs(common->png, common->info, &x, &y, &kind) && x > 0 && y > 0) {
        metadata->resolution[0] = x;
        metadata->resolution[1] = y;
        metadata->unit = kind == PNG_RESOLUTION_METER ? NF_UNIT_METRE : NF_UNIT_NONE;
    }
    return status == NF_OK ? keep_texts(common, metadata) : status;
}

static void png_close(void *state)
{
    png_reader *reader = state;
    if (reader == NULL)
        return;
    nf_png_data_close(reader->data);
    png_destroy_read_struct(&reader->common.png, &reader->common.info, NULL);
    if (reader->common.file != NULL)
        fclose(reader->common.file);
    nf_metadata_free(&reader->metadata);
    free(reader->common.path);
    free(reader->whole);
    free(reader->window);
    free(reader);
}

/* libpng has read the length and the type of the first IDAT chunk. */
static nf_status open_plain(png_reader *reader)
{
    nf_png *common = &reader->common;
    size_t line = 1 + nf_png_row_bytes(&common->shape);
    reader->window_rows = line < WINDOW_BYTES ? (int64_t)(WINDOW_BYTES / line) : 1;
    reader->window = calloc((size_t)reader->window_rows * line + line + NF_PNG_SLACK, 1);
    if (reader->window == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for rows of %zu bytes", common->path, line);
    if (fseeko(common->file, -2 * NF_PNG_LENGTH, SEEK_CUR) != 0)
        return nf_fail(NF_ERR_FILE, "%s: PNG: %s", common->path, strerror(errno));
    return nf_png_data_open(common->file, common->path, &reader->data);
}

static nf_status open_reader(png_reader *reader, const char *file)
{
    nf_png *common = &reader->common;
    common->path = strdup(file);
    reader->limit = CHUNK_LIMIT;
    common->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, common, nf_png_keep_error,
                                           nf_png_drop_warning, reader, allocate, release);
    if (common->png != NULL)
        common->info = png_create_info_struct(common->png);
    if (common->path == NULL || common->info == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG decoder", file);
    common->file = fopen(file, "rbe");
    if (common->file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    if (!read_header(reader))
        return read_fail(reader, "its header cannot be read");
    nf_status status = nf_image_check(&common->shape, fileno(common->file), file, "PNG");
    if (status == NF_OK &&
        nf_png_row_bytes(&common->shape) != png_get_rowbytes(common->png, common->info))
        status = nf_fail(NF_ERR_FORMAT, "%s: PNG: rows of an unexpected length", file);
    if (status == NF_OK)
        status = keep_metadata(common, &reader->metadata);
    return status == NF_OK && reader->plain ? open_plain(reader) : status;
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

static const nf_metadata *png_metadata(void *state)
{
    const png_reader *reader = state;
    return &reader->metadata;
}

/* ---- the pixels ---- */

/* `rows` rows, at most window_rows, from the window, which holds them filtered, to cells. */
static nf_status unfilter_rows(png_reader *reader, int64_t rows, char *cells, ptrdiff_t pitch)
{
    const nf_shape *shape = &reader->common.shape;
    size_t bytes = nf_png_row_bytes(shape), line = bytes + 1;
    int bpp = shape->channels * (int)nf_dtype_size(shape->dtype);
    uint8_t *row = reader->window;
    for (int64_t y = 0; y < rows; y++, cells += pitch) {
        const uint8_t *up = row + 1;
        row += line;
        if (!nf_png_unfilter(row[0], bpp, row + 1, up, bytes))
            return nf_fail(NF_ERR_FORMAT, "%s: PNG: damaged: row %lld has the unknown filter %d",
                           reader->common.path, (long long)(reader->next_row + y), row[0]);
        if (nf_png_must_swap(shape))
            nf_png_swap(cells, row + 1, bytes);
        else
            memcpy(cells, row + 1, bytes);
    }
    memcpy(reader->window, row, line);
    return NF_OK;
}

static nf_status read_plain(png_reader *reader, int64_t rows, char *cells, ptrdiff_t pitch)
{
    size_t line = 1 + nf_png_row_bytes(&reader->common.shape);
    nf_status status = NF_OK;
    while (rows > 0 && status == NF_OK) {
        int64_t some = rows < reader->window_rows ? rows : reader->window_rows;
        status = nf_png_data_read(reader->data, reader->window + line, (size_t)some * line);
        if (status == NF_OK)
            status = unfilter_rows(reader, some, cells, pitch);
        reader->next_row += some;
        rows -= some;
        cells += some * pitch;
    }
    if (status == NF_OK && reader->next_row == reader->common.shape.dim[1])
        status = nf_png_data_end(reader->data);
    return status;
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
        png_read_end(png, NULL);
    return true;
}

static bool decode_interlaced(png_reader *reader, png_bytepp rows)
{
    if (setjmp(png_jmpbuf(reader->common.png)))
        return false;
    png_read_image(reader->common.png, rows);
    png_read_end(reader->common.png, NULL);
    return true;
}

/* An interlaced image comes in seven passes over all rows: it is decoded at once. */
static nf_status decode_whole(png_reader *reader)
{
    const nf_shape *shape = &reader->common.shape;
    size_t height = (size_t)shape->dim[1], pitch = nf_png_row_bytes(shape);
    png_bytepp rows = malloc(height * sizeof *rows);
    reader->whole = malloc(height * pitch);
    nf_status status = NF_OK;
    if (rows == NULL || reader->whole == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for an interlaced image of %zu MiB",
                         reader->common.path, (height * pitch) >> 20);
    for (size_t y = 0; status == NF_OK && y < height; y++)
        rows[y] = reader->whole + y * pitch;
    if (status == NF_OK && !decode_interlaced(reader, rows))
        status = read_fail(reader, "cannot be decoded (damaged or cut short)");
    free(rows);
    return status;
}

static nf_status read_interlaced(png_reader *reader, int64_t rows, char *cells, ptrdiff_t pitch)
{
    size_t bytes = nf_png_row_bytes(&reader->common.shape);
    nf_status status = reader->whole == NULL ? decode_whole(reader) : NF_OK;
    for (int64_t y = 0; status == NF_OK && y < rows; y++)
        memcpy(cells + y * pitch, reader->whole + (size_t)(reader->next_row + y) * bytes, bytes);
    reader->next_row += rows;
    return status;
}

static nf_status png_read(void *state, const nf_box *box, void *cells,
                          const ptrdiff_t stride[NF_DIMS])
{
    png_reader *reader = state;
    ptrdiff_t pitch = stride[1] * (ptrdiff_t)nf_dtype_size(reader->common.shape.dtype);
    int64_t rows = nf_box_extent(box, 1);
    if (reader->plain)
        return read_plain(reader, rows, cells, pitch);
    if (reader->interlaced)
        return read_interlaced(reader, rows, cells, pitch);
    if (!decode_rows(reader, rows, cells, pitch))
        return read_fail(reader, "cannot be decoded (damaged or cut short)");
    reader->next_row += rows;
    return NF_OK;
}

static bool png_checksum(void *state, uint64_t *sum)
{
    const png_reader *reader = state;
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

static const char *const png_suffixes[] = {".png", NULL};

const nf_format nf_format_png = {
    .name = "PNG",
    .suffixes = png_suffixes,
    .holds = "u8 or u16, 2-D, 1 to 4 channels, less than 2^27 columns",
    .recognise = png_recognise,
    .can_hold = png_can_hold,
    .open = png_open,
    .read = png_read,
    .close = png_close,
    .metadata = png_metadata,
    .checksum = png_checksum,
    .create = nf_png_create,
    .write_threads = nf_png_write_threads,
    .write_rows = nf_png_write_rows,
    .seal = nf_png_seal,
    .finish = nf_png_finish,
    .abandon = nf_png_abandon,
};
