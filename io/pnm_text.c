/* pnm_text.c - PNM images written out as text: P1, P2 and P3. They are only read, row by row. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/image.h"
#include "io/plain.h"
#include "io/pnm.h"

static bool text_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    return nf_pnm_magic(head, bytes, "123");
}

static bool text_can_hold(const nf_shape *shape)
{
    (void)shape;
    return false;
}

typedef struct text_reader {
    FILE *file;
    char *name;
    nf_pnm pnm;
    nf_shape shape;
} text_reader;

static void text_close(void *state)
{
    text_reader *reader = state;
    if (reader == NULL)
        return;
    if (reader->file != NULL)
        fclose(reader->file);
    free(reader->name);
    free(reader);
}

static nf_status open_reader(text_reader *reader, const char *file)
{
    reader->name = strdup(file);
    reader->file = fopen(file, "rbe");
    if (reader->file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    if (reader->name == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a name", file);
    nf_status status = nf_pnm_header(reader->file, file, &reader->pnm, &reader->shape);
    return status == NF_OK ? nf_image_check(&reader->shape, fileno(reader->file), file, "PNM")
                           : status;
}

static nf_status text_open(const char *file, const char *dataset, void **state, nf_shape *shape)
{
    nf_status status = nf_plain_no_dataset(file, dataset, "PNM");
    if (status != NF_OK)
        return status;
    text_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a reader", file);
    status = open_reader(reader, file);
    if (status != NF_OK) {
        text_close(reader);
        return status;
    }
    *shape = reader->shape;
    *state = reader;
    return NF_OK;
}

/* P1: digits need not be apart, and 1 is black. */
static int64_t next_bit(FILE *file)
{
    int c = nf_pnm_next(file);
    while (isspace(c))
        c = nf_pnm_next(file);
    return c == '1' ? 0 : c == '0' ? 1 : -1;
}

static bool read_row(text_reader *reader, void *row)
{
    int64_t count = reader->shape.dim[2] * reader->shape.channels;
    for (int64_t i = 0; i < count; i++) {
        int64_t value = reader->pnm.kind == '1' ? next_bit(reader->file)
                                                : nf_pnm_number(reader->file, UINT16_MAX);
        if (value < 0 || value > reader->pnm.maxval)
            return false;
        if (reader->shape.dtype == NF_U8)
            ((uint8_t *)row)[i] = (uint8_t)value;
        else
            ((uint16_t *)row)[i] = (uint16_t)value;
    }
    nf_pnm_scale(reader->pnm.maxval, reader->shape.dtype, count, row);
    return true;
}

static nf_status text_read(void *state, const nf_box *box, void *cells,
                           const ptrdiff_t stride[NF_DIMS])
{
    text_reader *reader = state;
    ptrdiff_t pitch = stride[1] * (ptrdiff_t)nf_dtype_size(reader->shape.dtype);
    for (int64_t y = box->lo[1]; y < box->hi[1]; y++)
        if (!read_row(reader, (char *)cells + (y - box->lo[1]) * pitch))
            return nf_fail(NF_ERR_FORMAT,
                           "%s: PNM: row %lld: expected numbers of 0 to %lld: damaged or cut short",
                           reader->name, (long long)y, (long long)reader->pnm.maxval);
    return NF_OK;
}

static const char *const no_suffixes[] = {NULL};

const nf_format nf_format_pnm_text = {
    .name = "PNM as text",
    .suffixes = no_suffixes,
    .holds = "nothing: it is only read",
    .recognise = text_recognise,
    .can_hold = text_can_hold,
    .open = text_open,
    .read = text_read,
    .close = text_close,
};
