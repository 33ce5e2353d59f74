/* png_write.c - writing PNG images: stripes of rows that threads filter and compress each by
 * itself.
 *
 * Which rows make a stripe depends on the image alone, so that any number of threads writes the
 * same file. Each stripe becomes one IDAT chunk of deflate blocks that end at a byte and look back
 * at nothing before them; together they are one zlib stream, whose checksum is combined from
 * theirs. */
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "drivers/engine/team.h"
#include "io/isal.h"
#include "io/note.h"
#include "io/png.h"
#include "io/png_data.h"
#include "io/png_filter.h"

enum {
    STRIPE_BYTES = 1 << 18, /* of rows: as many as fit, at least one */
    TURNS = 4,              /* stripes for each thread between two writes */
    LEVEL = 1,              /* of ISA-L, 0 to 3: files as small as by 3, and sooner */
    HEADER_BYTES = 2        /* of a zlib stream, before the first stripe's blocks */
};

/* A stripe's chunk, framed. */
typedef struct stripe {
    uint8_t *chunk;
    size_t bytes;
    uint64_t rows_bytes; /* of its rows with their filters' numbers */
    uint32_t adler;
    bool complete; /* false: it did not fit into the chunk */
    atomic_bool ready;
} stripe;

/* A thread's own. */
typedef struct worker {
    struct isal_zstream stream;
    uint8_t *tokens;   /* ISA-L's own room */
    uint8_t *filtered; /* a stripe */
    uint8_t *rows;     /* three rows: two with swapped bytes, one spare */
} worker;

typedef struct png_writer {
    nf_png common;
    int64_t stripe_rows, next_row; /* next_row: the first that was not compressed yet */
    uint8_t *held;                 /* the row before next_row, then rows of an unfinished stripe */
    int64_t held_rows;             /* without that one */
    int threads, crew;             /* crew: how many workers and stripes there are room for */
    worker *workers;
    stripe *stripes; /* TURNS for each thread */
    uint32_t adler;
    const uint8_t *rows; /* those that are being compressed; stripe 0 may be the held one */
    int64_t last_row;    /* where they end */
    int64_t count;       /* of stripes that the team compresses now */
    atomic_int_least64_t next_stripe; /* of these, that a thread takes next */
    int64_t written;                  /* of these, by thread 0 */
    nf_status status;                 /* of writing */
    off_t sum_at;                     /* where the text of the checksum is; 0: there is none */
    bool sealed;                      /* it is to tell */
    uint64_t checksum;                /* this one */
} png_writer;

static nf_status write_fail(const nf_png *common)
{
    return nf_fail(NF_ERR_FILE, "%s: PNG: cannot be written: %s", common->path, common->message);
}

static nf_status errno_fail(nf_png *common)
{
    snprintf(common->message, sizeof common->message, "%s", strerror(errno));
    return write_fail(common);
}

static nf_status no_memory(const png_writer *writer)
{
    return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG encoder", writer->common.path);
}

/* ---- what stands before the pixels ---- */

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
static void set_text(nf_png *common, const char *name, const char *text)
{
    if (text == NULL)
        return;
    png_text line = {.compression =
                         is_ascii(text) ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE};
    line.key = (png_charp)(uintptr_t)name;
    line.text = (png_charp)(uintptr_t)text;
    png_set_text(common->png, common->info, &line, 1);
}

static void set_metadata(nf_png *common, const nf_metadata *metadata)
{
    const double *given = metadata->resolution;
    double resolution[2];
    png_structp png = common->png;
    if (metadata->icc != NULL)
        png_set_iCCP(png, common->info, "ICC profile", PNG_COMPRESSION_TYPE_BASE, metadata->icc,
                     (png_uint_32)metadata->icc_bytes);
    if (metadata->exif != NULL)
        png_set_eXIf_1(png, common->info, (png_uint_32)metadata->exif_bytes, metadata->exif);
    if (nf_metadata_resolution(metadata, NF_UNIT_METRE, resolution))
        png_set_pHYs(png, common->info, (png_uint_32)(resolution[0] + 0.5),
                     (png_uint_32)(resolution[1] + 0.5), PNG_RESOLUTION_METER);
    else if (given[0] >= 1 && given[1] >= 1)
        png_set_pHYs(png, common->info, (png_uint_32)given[0], (png_uint_32)given[1],
                     PNG_RESOLUTION_UNKNOWN);
    for (int i = 0; i < NF_TEXTS; i++)
        set_text(common, nf_text_names[i], metadata->text[i]);
}

static bool write_header(nf_png *common, const nf_metadata *metadata, const nf_note *notes)
{
    static const int colours[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                  PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    const nf_shape *shape = &common->shape;
    png_structp png = common->png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(png, common->file, write_bytes, flush_nothing);
    png_set_IHDR(png, common->info, (png_uint_32)shape->dim[2], (png_uint_32)shape->dim[1],
                 (int)(8 * nf_dtype_size(shape->dtype)), colours[shape->channels],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_metadata(common, metadata);
    for (size_t i = 0; i < NF_NOTES; i++)
        set_text(common, notes[i].name, notes[i].text);
    png_write_info(png, common->info);
    return true;
}

/* The text that tells the checksum. It stands before the pixels, where readers know it sooner, and is
 * written there twice: with a number of as many digits when the file is begun. */
static bool put_checksum(FILE *file, uint64_t checksum)
{
    enum { NAME = sizeof NF_NOTE_CHECKSUM, DIGITS = NF_NOTE_DIGITS };
    uint8_t chunk[NF_PNG_FRAME + NAME + DIGITS];
    char digits[DIGITS + 1];
    snprintf(digits, sizeof digits, "%0*llu", DIGITS, (unsigned long long)checksum);
    memcpy(chunk + 2 * NF_PNG_LENGTH, NF_NOTE_CHECKSUM, NAME);
    memcpy(chunk + 2 * NF_PNG_LENGTH + NAME, digits, DIGITS);
    size_t bytes = nf_png_frame(chunk, "tEXt", NAME + DIGITS);
    return fwrite(chunk, 1, bytes, file) == bytes;
}

/* ---- a stripe ---- */

static size_t line_bytes(const png_writer *writer)
{
    return 1 + nf_png_row_bytes(&writer->common.shape);
}

/* Room for a stripe's chunk: codes made for their bytes take little more than these at worst. */
static size_t chunk_room(const png_writer *writer)
{
    size_t bytes = (size_t)writer->stripe_rows * line_bytes(writer);
    return bytes + bytes / 4 + (1 << 12);
}

/* The row as it stands in the file: itself, or swapped into `room`. */
static const uint8_t *file_row(const png_writer *writer, const uint8_t *row, uint8_t *room)
{
    if (!nf_png_must_swap(&writer->common.shape))
        return row;
    nf_png_swap(room, row, nf_png_row_bytes(&writer->common.shape));
    return room;
}

/* `up`: the row above; NULL: none. */
static void filter_stripe(const png_writer *writer, worker *w, const uint8_t *rows, int64_t count,
                          const uint8_t *up)
{
    const nf_shape *shape = &writer->common.shape;
    int bpp = shape->channels * (int)nf_dtype_size(shape->dtype);
    size_t bytes = nf_png_row_bytes(shape);
    if (up != NULL)
        up = file_row(writer, up, w->rows + bytes);
    for (int64_t y = 0; y < count; y++) {
        const uint8_t *row =
            file_row(writer, rows + (size_t)y * bytes, w->rows + (size_t)(y % 2) * bytes);
        nf_png_filter(bpp, row, up, bytes, w->filtered + (size_t)y * (bytes + 1),
                      w->rows + 2 * bytes);
        up = row;
    }
}

/* Compresses `bytes` filtered ones to s->chunk, behind what else its content begins with. */
static void compress_stripe(const png_writer *writer, worker *w, size_t bytes, size_t header,
                            stripe *s)
{
    size_t offset = 2 * NF_PNG_LENGTH + header;
    struct isal_zstream *z = &w->stream;
    isal_deflate_init(z);
    z->level = LEVEL;
    z->level_buf = w->tokens;
    z->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    z->flush = FULL_FLUSH;
    z->next_in = w->filtered;
    z->avail_in = (uint32_t)bytes;
    z->next_out = s->chunk + offset;
    z->avail_out = (uint32_t)(chunk_room(writer) - offset - NF_PNG_LENGTH);
    s->complete = isal_deflate(z) == COMP_OK && z->avail_in == 0 && z->avail_out > 0;
    s->bytes = nf_png_frame(s->chunk, "IDAT", header + z->total_out);
    s->adler = isal_adler32(1, w->filtered, bytes);
    nf_isal_leave();
    s->rows_bytes = bytes;
}

/* The i-th stripe of those that are being compressed. */
static void encode_stripe(const png_writer *writer, worker *w, int64_t item)
{
    stripe *s = &writer->stripes[item];
    int64_t y = writer->next_row + item * writer->stripe_rows, end = y + writer->stripe_rows;
    int64_t count = (end < writer->last_row ? end : writer->last_row) - y;
    size_t bytes = nf_png_row_bytes(&writer->common.shape), header = y == 0 ? HEADER_BYTES : 0;
    const uint8_t *rows = writer->held + bytes, *up = writer->held;
    if (item > 0 || writer->held_rows == 0)
        rows = writer->rows + (size_t)(item * writer->stripe_rows - writer->held_rows) * bytes;
    if (item > 0)
        up = rows - bytes;
    filter_stripe(writer, w, rows, count, y > 0 ? up : NULL);
    memcpy(s->chunk + 2 * NF_PNG_LENGTH, "\x78\x01", header);
    compress_stripe(writer, w, (size_t)count * line_bytes(writer), header, s);
}

static nf_status put(png_writer *writer, const uint8_t *bytes, size_t count)
{
    if (fwrite(bytes, 1, count, writer->common.file) == count)
        return NF_OK;
    return errno_fail(&writer->common);
}

/* Writes the stripes that are ready, in their order. */
static void put_ready(png_writer *writer)
{
    for (; writer->written < writer->count; writer->written++) {
        stripe *s = &writer->stripes[writer->written];
        if (writer->status != NF_OK || !atomic_load(&s->ready))
            return;
        writer->status = s->complete ? put(writer, s->chunk, s->bytes)
                                     : nf_fail(NF_ERR_FILE, "%s: PNG: rows cannot be compressed",
                                               writer->common.path);
        writer->adler = (uint32_t)adler32_combine(writer->adler, s->adler, (z_off_t)s->rows_bytes);
    }
}

/* A team's task. Each thread takes the next stripe as soon as it is free, for some take much
 * longer; the first, which is the caller, writes between its own. */
static void encode_stripes(void *context, int thread, int64_t item)
{
    png_writer *writer = context;
    (void)item;
    for (int64_t i; (i = atomic_fetch_add(&writer->next_stripe, 1)) < writer->count;) {
        encode_stripe(writer, &writer->workers[thread], i);
        atomic_store(&writer->stripes[i].ready, true);
        if (thread == 0)
            put_ready(writer);
    }
}

/* Compresses the next `count` stripes and writes them. */
static nf_status put_stripes(png_writer *writer, int64_t count)
{
    writer->count = count;
    writer->written = 0;
    atomic_store(&writer->next_stripe, 0);
    for (int64_t i = 0; i < count; i++)
        atomic_store(&writer->stripes[i].ready, false);
    nf_team_run(writer->crew, writer->crew, encode_stripes, writer);
    put_ready(writer);
    return writer->status;
}

/* ---- the writer ---- */

static void crew_free(png_writer *writer)
{
    for (int i = 0; i < writer->crew && writer->workers != NULL; i++) {
        free(writer->workers[i].tokens);
        free(writer->workers[i].filtered);
        free(writer->workers[i].rows);
    }
    for (int i = 0; i < TURNS * writer->crew && writer->stripes != NULL; i++)
        free(writer->stripes[i].chunk);
    free(writer->workers);
    free(writer->stripes);
}

/* Room for as many threads as there will be. */
static nf_status crew_make(png_writer *writer)
{
    size_t bytes = nf_png_row_bytes(&writer->common.shape);
    bool full = true;
    if (writer->crew > 0)
        return NF_OK;
    writer->crew = writer->threads;
    writer->workers = calloc((size_t)writer->crew, sizeof *writer->workers);
    writer->stripes = calloc((size_t)(TURNS * writer->crew), sizeof *writer->stripes);
    writer->held = malloc((size_t)(writer->stripe_rows + 1) * bytes);
    if (writer->workers == NULL || writer->stripes == NULL || writer->held == NULL)
        return no_memory(writer);
    for (int i = 0; i < writer->crew; i++) {
        worker *w = &writer->workers[i];
        w->tokens = malloc(ISAL_DEF_LVL1_DEFAULT);
        w->filtered = malloc((size_t)writer->stripe_rows * line_bytes(writer));
        w->rows = malloc(3 * bytes);
        full = full && w->tokens != NULL && w->filtered != NULL && w->rows != NULL;
    }
    for (int i = 0; i < TURNS * writer->crew; i++) {
        writer->stripes[i].chunk = malloc(chunk_room(writer));
        full = full && writer->stripes[i].chunk != NULL;
    }
    return full ? NF_OK : no_memory(writer);
}

void nf_png_abandon(void *state)
{
    png_writer *writer = state;
    if (writer == NULL)
        return;
    crew_free(writer);
    free(writer->held);
    png_destroy_write_struct(&writer->common.png, &writer->common.info);
    if (writer->common.file != NULL)
        fclose(writer->common.file);
    free(writer->common.path);
    free(writer);
}

static nf_status open_file(nf_png *common, const char *part, const char *target)
{
    common->path = strdup(target);
    common->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, common, nf_png_keep_error,
                                          nf_png_drop_warning);
    if (common->png != NULL)
        common->info = png_create_info_struct(common->png);
    if (common->path == NULL || common->info == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG encoder", target);
    common->file = fopen(part, "wbxe");
    if (common->file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be created: %s", part, strerror(errno));
    return NF_OK;
}

static nf_status open_writer(nf_png *common, const char *part, const char *target,
                             const nf_output *output)
{
    nf_metadata metadata;
    nf_note notes[NF_NOTES];
    nf_status status = open_file(common, part, target);
    if (status == NF_OK)
        status = nf_output_metadata(output, &common->shape, &metadata);
    if (status != NF_OK)
        return status;
    nf_notes(output->provenance, notes);
    status = write_header(common, &metadata, notes) ? NF_OK : write_fail(common);
    nf_metadata_free(&metadata);
    return status;
}

nf_status nf_png_create(const char *part, const char *target, const char *dataset,
                        const nf_shape *shape, const nf_output *output, void **state,
                        nf_layout *layout)
{
    (void)dataset;
    png_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG encoder", target);
    writer->common.shape = *shape;
    writer->threads = 1;
    writer->adler = 1;
    int64_t rows = STRIPE_BYTES / (int64_t)line_bytes(writer);
    writer->stripe_rows = rows > shape->dim[1] ? shape->dim[1] : rows > 0 ? rows : 1;
    nf_status status = open_writer(&writer->common, part, target, output);
    writer->sum_at = status == NF_OK && output->checksum ? ftello(writer->common.file) : 0;
    if (writer->sum_at > 0 && !put_checksum(writer->common.file, 0))
        status = errno_fail(&writer->common);
    if (status != NF_OK) {
        nf_png_abandon(writer);
        return status;
    }
    *state = writer;
    *layout = (nf_layout){.kind = NF_LAYOUT_NONE};
    return NF_OK;
}

void nf_png_write_threads(void *state, int threads)
{
    png_writer *writer = state;
    writer->threads = threads;
}

/* What is being compressed has been: up to row `end`. */
static void advance(png_writer *writer, int64_t end)
{
    size_t bytes = nf_png_row_bytes(&writer->common.shape);
    writer->rows += (size_t)(end - writer->next_row - writer->held_rows) * bytes;
    memcpy(writer->held, writer->rows - bytes, bytes);
    writer->held_rows = 0;
    writer->next_row = end;
}

/* Keeps the next `rows` of those that came for a stripe that is not complete yet. */
static void hold(png_writer *writer, int64_t rows)
{
    size_t bytes = nf_png_row_bytes(&writer->common.shape);
    memcpy(writer->held + (size_t)(1 + writer->held_rows) * bytes, writer->rows,
           (size_t)rows * bytes);
    writer->held_rows += rows;
    writer->rows += (size_t)rows * bytes;
}

nf_status nf_png_write_rows(void *state, int64_t y0, int64_t y1, const void *rows)
{
    png_writer *writer = state;
    int64_t step = writer->stripe_rows, missing = step - writer->held_rows;
    nf_status status = crew_make(writer);
    if (status != NF_OK)
        return status;
    writer->rows = rows;
    if (writer->held_rows > 0)
        hold(writer, missing < y1 - y0 ? missing : y1 - y0);
    bool last = y1 == writer->common.shape.dim[1];
    writer->last_row = last ? y1 : y1 - (y1 - writer->next_row) % step;
    while (writer->next_row < writer->last_row && status == NF_OK) {
        int64_t left = writer->last_row - writer->next_row, stripes = (left + step - 1) / step;
        int64_t count = stripes < TURNS * writer->crew ? stripes : TURNS * writer->crew;
        status = put_stripes(writer, count);
        advance(writer, writer->next_row + (count < stripes ? count * step : left));
    }
    if (status == NF_OK)
        hold(writer, y1 - writer->next_row - writer->held_rows);
    return status;
}

/* An empty block that says that it is the last, and the checksum. */
static nf_status put_end(png_writer *writer)
{
    uint8_t chunk[NF_PNG_FRAME + 6] = {0}, *content = chunk + 2 * NF_PNG_LENGTH;
    memcpy(content, "\x03\x00", 2);
    nf_png_put32(content + 2, writer->adler);
    nf_status status = put(writer, chunk, nf_png_frame(chunk, "IDAT", 6));
    return status == NF_OK ? put(writer, chunk, nf_png_frame(chunk, "IEND", 0)) : status;
}

void nf_png_seal(void *state, const uint64_t *checksum)
{
    png_writer *writer = state;
    writer->sealed = true;
    writer->checksum = *checksum;
}

nf_status nf_png_finish(void *state)
{
    png_writer *writer = state;
    nf_png *common = &writer->common;
    nf_status status = NF_OK;
    if (writer->next_row != common->shape.dim[1])
        status = nf_fail(NF_ERR_FILE, "%s: PNG: not all of its rows were written", common->path);
    else
        status = put_end(writer);
    if (status == NF_OK && writer->sealed &&
        (fseeko(common->file, writer->sum_at, SEEK_SET) != 0 ||
         !put_checksum(common->file, writer->checksum)))
        status = errno_fail(common);
    int closed = fclose(common->file);
    common->file = NULL;
    if (closed != 0 && status == NF_OK)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", common->path, strerror(errno));
    nf_png_abandon(writer);
    return status;
}
