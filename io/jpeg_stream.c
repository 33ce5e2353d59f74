#include "io/jpeg_stream.h"

#include <jerror.h>

enum { PIECE = 1 << 17 /* bytes */ };

/* ---- reading ---- */

typedef struct source {
    struct jpeg_source_mgr base; /* first: libjpeg hands out its address */
    FILE *file;
    bool begun; /* something was read */
    JOCTET bytes[PIECE];
} source;

static void source_begin(j_decompress_ptr info)
{
    ((source *)info->src)->begun = false;
}

/* A file that ends before its picture does gets an end marker: the decoder makes up the rest. */
static boolean source_fill(j_decompress_ptr info)
{
    source *s = (source *)info->src;
    size_t bytes = fread(s->bytes, 1, PIECE, s->file);
    if (bytes == 0) {
        if (!s->begun)
            ERREXIT(info, JERR_INPUT_EMPTY);
        WARNMS(info, JWRN_JPEG_EOF);
        s->bytes[0] = 0xff;
        s->bytes[1] = JPEG_EOI;
        bytes = 2;
    }
    s->base.next_input_byte = s->bytes;
    s->base.bytes_in_buffer = bytes;
    s->begun = true;
    return TRUE;
}

static void source_skip(j_decompress_ptr info, long bytes)
{
    struct jpeg_source_mgr *base = info->src;
    for (; bytes > (long)base->bytes_in_buffer; source_fill(info))
        bytes -= (long)base->bytes_in_buffer;
    if (bytes > 0) {
        base->next_input_byte += bytes;
        base->bytes_in_buffer -= (size_t)bytes;
    }
}

static void source_end(j_decompress_ptr info)
{
    (void)info;
}

void nf_jpeg_read_from(j_decompress_ptr info, FILE *file)
{
    source *s = info->mem->alloc_large((j_common_ptr)info, JPOOL_PERMANENT, sizeof *s);
    s->base = (struct jpeg_source_mgr){.init_source = source_begin,
                                       .fill_input_buffer = source_fill,
                                       .skip_input_data = source_skip,
                                       .resync_to_restart = jpeg_resync_to_restart,
                                       .term_source = source_end};
    s->file = file;
    info->src = &s->base;
}

/* ---- writing ---- */

typedef struct target {
    struct jpeg_destination_mgr base; /* first, too */
    FILE *file;
    JOCTET bytes[PIECE];
} target;

static void target_begin(j_compress_ptr info)
{
    target *t = (target *)info->dest;
    t->base.next_output_byte = t->bytes;
    t->base.free_in_buffer = PIECE;
}

/* libjpeg calls it when the piece is full, whatever free_in_buffer says. */
static boolean target_empty(j_compress_ptr info)
{
    target *t = (target *)info->dest;
    if (fwrite(t->bytes, 1, PIECE, t->file) != PIECE)
        ERREXIT(info, JERR_FILE_WRITE);
    target_begin(info);
    return TRUE;
}

static void target_end(j_compress_ptr info)
{
    target *t = (target *)info->dest;
    size_t bytes = PIECE - t->base.free_in_buffer;
    if (fwrite(t->bytes, 1, bytes, t->file) != bytes || fflush(t->file) != 0)
        ERREXIT(info, JERR_FILE_WRITE);
}

void nf_jpeg_write_to(j_compress_ptr info, FILE *file)
{
    target *t = info->mem->alloc_large((j_common_ptr)info, JPOOL_PERMANENT, sizeof *t);
    t->base = (struct jpeg_destination_mgr){.init_destination = target_begin,
                                            .empty_output_buffer = target_empty,
                                            .term_destination = target_end};
    t->file = file;
    info->dest = &t->base;
}
