#include "io/png_data.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "io/isal.h"

enum { INPUT_BYTES = 1 << 16 };

struct nf_png_data {
    FILE *file;
    const char *path;
    uint32_t left; /* bytes of the current chunk that were not read yet */
    uint32_t crc;  /* of its type and of what was read of it */
    bool in_idat;  /* false: the chunk that follows the last IDAT has begun */
    uint8_t type[NF_PNG_LENGTH];
    struct inflate_state stream;
    uint8_t input[INPUT_BYTES];
};

uint32_t nf_png_get32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

void nf_png_put32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

size_t nf_png_frame(uint8_t *chunk, const char *type, size_t bytes)
{
    nf_png_put32(chunk, (uint32_t)bytes);
    memcpy(chunk + NF_PNG_LENGTH, type, NF_PNG_LENGTH);
    uint32_t crc = crc32_gzip_refl(0, chunk + NF_PNG_LENGTH, NF_PNG_LENGTH + bytes);
    nf_isal_leave();
    nf_png_put32(chunk + 2 * NF_PNG_LENGTH + bytes, crc);
    return NF_PNG_FRAME + bytes;
}

static nf_status damaged(const nf_png_data *data, const char *what)
{
    return nf_fail(NF_ERR_FORMAT, "%s: PNG: cannot be decoded (damaged or cut short): %s",
                   data->path, what);
}

static nf_status get(nf_png_data *data, uint8_t *to, size_t bytes)
{
    if (fread(to, 1, bytes, data->file) == bytes)
        return NF_OK;
    return damaged(data, ferror(data->file) ? "it cannot be read" : "it ends too early");
}

/* The length and type of the next chunk. */
static nf_status begin_chunk(nf_png_data *data)
{
    uint8_t head[2 * NF_PNG_LENGTH];
    nf_status status = get(data, head, sizeof head);
    if (status != NF_OK)
        return status;
    data->left = nf_png_get32(head);
    memcpy(data->type, head + NF_PNG_LENGTH, NF_PNG_LENGTH);
    data->crc = crc32_gzip_refl(0, data->type, NF_PNG_LENGTH);
    nf_isal_leave();
    if (data->left > NF_PNG_MOST)
        return damaged(data, "a chunk of an impossible length");
    for (int i = 0; i < NF_PNG_LENGTH; i++)
        if ((data->type[i] | 32) < 'a' || (data->type[i] | 32) > 'z')
            return damaged(data, "a chunk of an impossible type");
    data->in_idat = memcmp(data->type, "IDAT", NF_PNG_LENGTH) == 0;
    return NF_OK;
}

/* As much of the current chunk as fits into `input`. */
static nf_status get_some(nf_png_data *data, size_t *bytes)
{
    *bytes = data->left < INPUT_BYTES ? data->left : INPUT_BYTES;
    nf_status status = get(data, data->input, *bytes);
    data->left -= (uint32_t)*bytes;
    data->crc = crc32_gzip_refl(data->crc, data->input, *bytes);
    nf_isal_leave();
    return status;
}

static nf_status end_chunk(nf_png_data *data)
{
    uint8_t crc[NF_PNG_LENGTH];
    nf_status status = get(data, crc, sizeof crc);
    if (status == NF_OK && nf_png_get32(crc) != data->crc)
        status = damaged(data, "the CRC of a chunk is wrong");
    return status;
}

nf_status nf_png_data_open(FILE *file, const char *path, nf_png_data **data)
{
    nf_png_data *d = malloc(sizeof *d);
    *data = d;
    if (d == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a PNG decoder", path);
    d->file = file;
    d->path = path;
    isal_inflate_init(&d->stream);
    d->stream.crc_flag = ISAL_ZLIB;
    nf_status status = begin_chunk(d);
    if (status == NF_OK && !d->in_idat)
        status = damaged(d, "an IDAT chunk was expected");
    return status;
}

void nf_png_data_close(nf_png_data *data)
{
    free(data);
}

/* Sees to it that the stream has input; empty chunks are passed over. */
static nf_status refill(nf_png_data *data)
{
    nf_status status = NF_OK;
    while (status == NF_OK && data->left == 0) {
        status = end_chunk(data);
        if (status == NF_OK)
            status = begin_chunk(data);
        if (status == NF_OK && !data->in_idat)
            return damaged(data, "its rows end too early");
    }
    size_t bytes = 0;
    if (status == NF_OK)
        status = get_some(data, &bytes);
    data->stream.next_in = data->input;
    data->stream.avail_in = (uint32_t)bytes;
    return status;
}

static bool is_finished(const nf_png_data *data)
{
    return data->stream.block_state == ISAL_BLOCK_FINISH;
}

static nf_status inflate_some(nf_png_data *data)
{
    int result = isal_inflate(&data->stream);
    nf_isal_leave();
    switch (result) {
    case ISAL_DECOMP_OK:
    case ISAL_END_INPUT:
        return NF_OK;
    case ISAL_INCORRECT_CHECKSUM:
        return damaged(data, "the checksum of its rows is wrong");
    default:
        return damaged(data, "its compressed data is invalid");
    }
}

/* Until `to` is full or the stream has ended. Output that the decoder still holds comes first: more
 * input is read only when it cannot go on without. */
static nf_status inflate_into(nf_png_data *data, uint8_t *to, uint32_t bytes)
{
    struct inflate_state *stream = &data->stream;
    nf_status status = NF_OK;
    stream->next_out = to;
    stream->avail_out = bytes;
    while (status == NF_OK && stream->avail_out > 0 && !is_finished(data)) {
        uint32_t in = stream->avail_in, out = stream->avail_out;
        status = inflate_some(data);
        if (status != NF_OK || stream->avail_out == 0 || is_finished(data))
            continue;
        if (stream->avail_in == 0)
            status = refill(data);
        else if (stream->avail_in == in && stream->avail_out == out)
            status = damaged(data, "its compressed data is invalid");
    }
    return status;
}

nf_status nf_png_data_read(nf_png_data *data, uint8_t *to, size_t bytes)
{
    nf_status status = NF_OK;
    while (status == NF_OK && bytes > 0) {
        uint32_t part = bytes < NF_PNG_MOST ? (uint32_t)bytes : NF_PNG_MOST;
        status = inflate_into(data, to, part);
        if (status == NF_OK && data->stream.avail_out > 0)
            status = damaged(data, "it has too few rows");
        to += part;
        bytes -= part;
    }
    return status;
}

/* The end of the stream, whose checksum may stand in further chunks. */
static nf_status finish_stream(nf_png_data *data)
{
    uint8_t more;
    nf_status status = inflate_into(data, &more, 1);
    if (status == NF_OK && data->stream.avail_out == 0)
        status = damaged(data, "it has too many rows");
    return status;
}

nf_status nf_png_data_end(nf_png_data *data)
{
    nf_status status = finish_stream(data);
    bool last = false;
    while (status == NF_OK && !last) {
        size_t bytes;
        while (status == NF_OK && data->left > 0)
            status = get_some(data, &bytes);
        if (status == NF_OK)
            status = end_chunk(data);
        last = memcmp(data->type, "IEND", NF_PNG_LENGTH) == 0;
        if (status == NF_OK && !last)
            status = begin_chunk(data);
    }
    return status;
}
