#include "io/codec.h"

#include <libdeflate.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

struct nf_coder {
    nf_codec step[NF_MAX_CODECS];
    size_t count, element, most, room;
    bool insists;
    uint8_t *scratch[2]; /* `room` bytes each: what goes from step to step */
    struct libdeflate_compressor *deflate;
    struct libdeflate_decompressor *inflate;
    ZSTD_CCtx *zstd;
    ZSTD_DCtx *unzstd;
};

/* ---- HDF5's framing of LZ4: filter 32004 ---- */

/* All bytes and those of a block, big-endian; then each block behind its compressed size, which is
 * its own where it is stored as it is. */
enum { LZ4_HEAD = 12, LZ4_BLOCK = 1 << 30 };

static void put_be32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_be32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static size_t lz4_bound(size_t bytes)
{
    size_t blocks = bytes / LZ4_BLOCK + 1;
    return LZ4_HEAD + blocks * (4 + (size_t)LZ4_COMPRESSBOUND(0)) + bytes + bytes / 255;
}

static size_t lz4_encode(nf_coder *coder, int level, const uint8_t *from, size_t bytes, uint8_t *to)
{
    size_t block = bytes < LZ4_BLOCK ? bytes : LZ4_BLOCK, made = LZ4_HEAD;
    (void)level;
    put_be32(to, (uint32_t)((uint64_t)bytes >> 32));
    put_be32(to + 4, (uint32_t)bytes);
    put_be32(to + 8, (uint32_t)block);
    for (size_t at = 0; at < bytes; at += block) {
        size_t now = bytes - at < block ? bytes - at : block, room = coder->room - made - 4;
        int packed = LZ4_compress_default((const char *)from + at, (char *)to + made + 4, (int)now,
                                          (int)(room < INT32_MAX ? room : INT32_MAX));
        if (packed <= 0 || (size_t)packed >= now) {
            memcpy(to + made + 4, from + at, now);
            packed = (int)now;
        }
        put_be32(to + made, (uint32_t)packed);
        made += 4 + (size_t)packed;
    }
    return made;
}

static const char *lz4_decode(nf_coder *coder, const uint8_t *from, size_t from_bytes, uint8_t *to,
                              size_t bytes)
{
    (void)coder;
    if (from_bytes < LZ4_HEAD)
        return "ends within its header";
    if (((uint64_t)get_be32(from) << 32 | get_be32(from + 4)) != bytes)
        return "tells another size than the chunk has";
    size_t block = get_be32(from + 8), at = LZ4_HEAD;
    if (block == 0)
        return "tells blocks of no bytes";
    for (size_t done = 0; done < bytes; done += block) {
        block = bytes - done < block ? bytes - done : block;
        size_t packed = from_bytes - at >= 4 ? get_be32(from + at) : 0;
        if (packed == 0 || packed > INT32_MAX || from_bytes - at - 4 < packed)
            return "ends within a block";
        at += 4;
        if (packed == block)
            memcpy(to + done, from + at, block);
        else if (block > INT32_MAX ||
                 LZ4_decompress_safe((const char *)from + at, (char *)to + done, (int)packed,
                                     (int)block) != (int)block)
            return "is damaged";
        at += packed;
    }
    return at == from_bytes ? NULL : "goes on behind its end";
}

/* ---- deflate, in zlib's format ---- */

static size_t deflate_encode(nf_coder *coder, int level, const uint8_t *from, size_t bytes,
                             uint8_t *to)
{
    (void)level; /* the compressor has it */
    return libdeflate_zlib_compress(coder->deflate, from, bytes, to, coder->room);
}

static const char *deflate_decode(nf_coder *coder, const uint8_t *from, size_t from_bytes,
                                  uint8_t *to, size_t bytes)
{
    if (coder->inflate == NULL)
        coder->inflate = libdeflate_alloc_decompressor();
    if (coder->inflate == NULL)
        return "finds no memory";
    switch (libdeflate_zlib_decompress(coder->inflate, from, from_bytes, to, bytes, NULL)) {
    case LIBDEFLATE_SUCCESS:
        return NULL;
    case LIBDEFLATE_SHORT_OUTPUT:
        return "gives fewer bytes than the chunk has";
    case LIBDEFLATE_INSUFFICIENT_SPACE:
        return "gives more bytes than the chunk has";
    default:
        return "is damaged";
    }
}

/* ---- zstd: filter 32015, one frame ---- */

static size_t zstd_encode(nf_coder *coder, int level, const uint8_t *from, size_t bytes,
                          uint8_t *to)
{
    size_t made = ZSTD_compressCCtx(coder->zstd, to, coder->room, from, bytes, level);
    return ZSTD_isError(made) ? 0 : made;
}

static const char *zstd_decode(nf_coder *coder, const uint8_t *from, size_t from_bytes, uint8_t *to,
                               size_t bytes)
{
    if (coder->unzstd == NULL)
        coder->unzstd = ZSTD_createDCtx();
    if (coder->unzstd == NULL)
        return "finds no memory";
    size_t made = ZSTD_decompressDCtx(coder->unzstd, to, bytes, from, from_bytes);
    if (ZSTD_isError(made))
        return ZSTD_getErrorName(made);
    return made == bytes ? NULL : "gives fewer bytes than the chunk has";
}

/* ---- LZF: filter 32000, read only ---- */

/* A control byte below 32: so many literals and one more. Otherwise a copy from what was made: the
 * length, less 2, in its upper 3 bits (7: a byte more), the distance, less 1, in its lower 5 bits and
 * the byte behind. */
static const char *lzf_decode(nf_coder *coder, const uint8_t *from, size_t from_bytes, uint8_t *to,
                              size_t bytes)
{
    const uint8_t *end = from + from_bytes;
    size_t done = 0;
    (void)coder;
    while (from < end) {
        size_t control = *from++, length = control + 1;
        if (control < 32) {
            if ((size_t)(end - from) < length || bytes - done < length)
                return "is damaged";
            memcpy(to + done, from, length);
            from += length;
        } else {
            length = (control >> 5) + 2;
            if (length == 9 && from < end)
                length += *from++;
            if (from == end)
                return "ends within a copy";
            size_t distance = ((control & 31) << 8 | *from++) + 1;
            if (distance > done || bytes - done < length)
                return "is damaged";
            for (size_t i = done; i < done + length; i++) /* they may overlap */
                to[i] = to[i - distance];
        }
        done += length;
    }
    return done == bytes ? NULL : "gives fewer bytes than the chunk has";
}

/* ---- the compressions ---- */

typedef struct compression {
    nf_codec_id id;
    const char *name;
    int least, usual, most; /* levels; usual 0: it has none */
    /* 0: it failed. NULL: cannot be written. */
    size_t (*encode)(nf_coder *coder, int level, const uint8_t *from, size_t bytes, uint8_t *to);
    /* NULL, or what is wrong, to be put behind the name. */
    const char *(*decode)(nf_coder *coder, const uint8_t *from, size_t from_bytes, uint8_t *to,
                          size_t bytes);
} compression;

static const compression compressions[] = {
    {NF_CODEC_DEFLATE, "deflate", 1, 1, 9, deflate_encode, deflate_decode},
    {NF_CODEC_ZSTD, "zstd", 1, 3, 19, zstd_encode, zstd_decode},
    {NF_CODEC_LZ4, "lz4", 0, 0, 0, lz4_encode, lz4_decode},
    {NF_CODEC_LZF, "lzf", 0, 0, 0, NULL, lzf_decode},
};

enum { COMPRESSIONS = sizeof compressions / sizeof *compressions };

/* NULL: it is none. */
static const compression *compression_of(nf_codec_id id)
{
    for (size_t i = 0; i < COMPRESSIONS; i++)
        if (compressions[i].id == id)
            return &compressions[i];
    return NULL;
}

const char *nf_codec_name(nf_codec_id id)
{
    const compression *c = compression_of(id);
    if (c != NULL)
        return c->name;
    return id == NF_CODEC_SHUFFLE ? "shuffle" : id == NF_CODEC_FLETCHER32 ? "fletcher32" : "none";
}

nf_status nf_codec_parse(const char *option, const char *text, nf_codec *codec)
{
    size_t length = strcspn(text, ":");
    *codec = (nf_codec){.id = NF_CODEC_NONE};
    if (strcmp(text, "none") == 0)
        return NF_OK;
    for (size_t i = 0; i < COMPRESSIONS; i++) {
        const compression *c = &compressions[i];
        if (c->encode == NULL || strlen(c->name) != length || strncmp(c->name, text, length) != 0)
            continue;
        char *end = NULL;
        const char *digits = text + length + (text[length] == ':');
        long level = text[length] == ':' ? strtol(digits, &end, 10) : c->usual;
        bool number = end == NULL || (*end == '\0' && end > digits && *digits != ' ');
        if (text[length] == ':' && c->usual == 0)
            return nf_fail(NF_ERR_USAGE, "%s %s: %s has no levels", option, text, c->name);
        if (!number || level < c->least || level > c->most)
            return nf_fail(NF_ERR_USAGE, "%s %s: the level of %s is a number from %d to %d", option,
                           text, c->name, c->least, c->most);
        *codec = (nf_codec){.id = c->id, .level = (int)level};
        return NF_OK;
    }
    return nf_fail(NF_ERR_USAGE, "%s %s: expected none, deflate:1 (to 9), zstd:3 (1 to 19) or lz4",
                   option, text);
}

int nf_codec_level(nf_codec_id id)
{
    const compression *c = compression_of(id);
    return c != NULL ? c->usual : 0;
}

bool nf_codecs_known(const nf_codec *steps, size_t count)
{
    size_t compressed = 0;
    for (size_t i = 0; i < count; i++) {
        bool plain = steps[i].id == NF_CODEC_SHUFFLE || steps[i].id == NF_CODEC_FLETCHER32;
        if (!plain && (compression_of(steps[i].id) == NULL || compressed++ > 0))
            return false;
    }
    return count <= NF_MAX_CODECS;
}

/* ---- steps one after the other ---- */

/* Bytes that a piece may have between two steps, or behind the last. */
static size_t room_for(size_t most)
{
    size_t all = most + 4 * NF_MAX_CODECS, zstd = ZSTD_compressBound(all), lz4 = lz4_bound(all);
    size_t deflate = libdeflate_zlib_compress_bound(NULL, all);
    size_t room = zstd > lz4 ? zstd : lz4;
    return (room > deflate ? room : deflate) + 4 * NF_MAX_CODECS;
}

static bool coder_start(nf_coder *coder)
{
    bool fine = true;
    for (size_t i = 0; i < 2; i++)
        fine = (coder->scratch[i] = aligned_alloc(64, coder->room)) != NULL && fine;
    return fine;
}

nf_status nf_coder_create(const nf_codec *steps, size_t count, size_t element, size_t most,
                          nf_coder **coder)
{
    *coder = calloc(1, sizeof **coder);
    if (*coder != NULL) {
        **coder = (nf_coder){.count = count,
                             .element = element,
                             .most = most,
                             .room = nf_round_up(room_for(most), 64)};
        memcpy((*coder)->step, steps, count * sizeof *steps);
        if (coder_start(*coder))
            return NF_OK;
    }
    nf_coder_free(*coder);
    *coder = NULL;
    return nf_fail(NF_ERR_MEMORY, "no memory to encode or decode pieces of %zu bytes", most);
}

void nf_coder_insist(nf_coder *coder)
{
    coder->insists = true;
}

size_t nf_coder_room(const nf_coder *coder)
{
    return coder->room;
}

void nf_coder_free(nf_coder *coder)
{
    if (coder == NULL)
        return;
    libdeflate_free_compressor(coder->deflate);
    libdeflate_free_decompressor(coder->inflate);
    ZSTD_freeCCtx(coder->zstd);
    ZSTD_freeDCtx(coder->unzstd);
    free(coder->scratch[0]);
    free(coder->scratch[1]);
    free(coder);
}

/* What is made once a coder, when it is first needed. */
static bool encoder_ready(nf_coder *coder, const nf_codec *step)
{
    if (step->id == NF_CODEC_DEFLATE && coder->deflate == NULL)
        return (coder->deflate = libdeflate_alloc_compressor(step->level)) != NULL;
    if (step->id == NF_CODEC_ZSTD && coder->zstd == NULL)
        return (coder->zstd = ZSTD_createCCtx()) != NULL;
    return true;
}

/* The bytes between two steps. */
typedef struct span {
    const uint8_t *at;
    size_t bytes;
} span;

/* The scratch memory that the bytes do not lie in. */
static uint8_t *other_scratch(const nf_coder *coder, const uint8_t *at)
{
    return coder->scratch[at == coder->scratch[0]];
}

static void add_checksum(uint8_t *to, const uint8_t *from, size_t bytes)
{
    uint32_t sum = nf_fletcher32(from, bytes);
    memcpy(to, from, bytes);
    for (int i = 0; i < 4; i++)
        to[bytes + (size_t)i] = (uint8_t)(sum >> (8 * i));
}

/* false: the step is left out. */
static bool encode_step(nf_coder *coder, const nf_codec *step, span *data)
{
    uint8_t *to = other_scratch(coder, data->at);
    size_t made = data->bytes;
    if (step->id == NF_CODEC_SHUFFLE) {
        nf_shuffle(coder->element, data->bytes, data->at, to);
    } else if (step->id == NF_CODEC_FLETCHER32) {
        add_checksum(to, data->at, data->bytes);
        made += 4;
    } else {
        made = compression_of(step->id)->encode(coder, step->level, data->at, data->bytes, to);
        if (made == 0 || (made >= data->bytes && !coder->insists))
            return false;
    }
    *data = (span){to, made};
    return true;
}

nf_status nf_coder_encode(nf_coder *coder, const void *from, size_t bytes, const void **to,
                          size_t *to_bytes, unsigned *skipped)
{
    span data = {from, bytes};
    *skipped = 0;
    if (bytes > coder->most)
        return nf_fail(NF_ERR_SYSTEM,
                       "a piece of %zu bytes is to be encoded where %zu are the most", bytes,
                       coder->most);
    for (size_t i = 0; i < coder->count; i++) {
        if (!encoder_ready(coder, &coder->step[i]))
            return nf_fail(NF_ERR_MEMORY, "no memory to encode by %s",
                           nf_codec_name(coder->step[i].id));
        if (!encode_step(coder, &coder->step[i], &data))
            *skipped |= 1U << i;
    }
    *to = data.at;
    *to_bytes = data.bytes;
    return NF_OK;
}

/* A checksum's two halves, each with its bytes in the other order: so HDF5 wrote it before 1.6.3, and
 * reads it ever since. */
static uint32_t halves_swapped(uint32_t sum)
{
    return (sum & 0x00ff00ffU) << 8 | (sum >> 8 & 0x00ff00ffU);
}

static nf_status check_sum(span *data)
{
    if (data->bytes < 4)
        return nf_fail(NF_ERR_FORMAT, "%zu bytes hold no fletcher32 checksum", data->bytes);
    data->bytes -= 4;
    const uint8_t *stored = data->at + data->bytes;
    uint32_t is = nf_fletcher32(data->at, data->bytes), told = 0;
    for (int i = 0; i < 4; i++)
        told |= (uint32_t)stored[i] << (8 * i);
    if (is == told || halves_swapped(is) == told)
        return NF_OK;
    return nf_fail(NF_ERR_FORMAT, "its fletcher32 checksum is %08x where %08x was stored", is,
                   told);
}

/* Undoes step i. `made`: the bytes that there were before it, 0 where that is not known. */
static nf_status decode_step(nf_coder *coder, size_t i, span *data, uint8_t *to, size_t made)
{
    const nf_codec *step = &coder->step[i];
    const compression *c = compression_of(step->id);
    if (step->id == NF_CODEC_FLETCHER32)
        return check_sum(data);
    if (c == NULL) {
        if (data->bytes > coder->room)
            return nf_fail(NF_ERR_FORMAT, "%zu bytes are more than it can have", data->bytes);
        nf_unshuffle(coder->element, data->bytes, data->at, to);
        made = data->bytes;
    } else {
        const char *wrong = c->decode(coder, data->at, data->bytes, to, made);
        if (wrong != NULL)
            return nf_fail(NF_ERR_FORMAT, "its %s data (%zu bytes, which should give %zu) %s",
                           c->name, data->bytes, made, wrong);
    }
    *data = (span){to, made};
    return NF_OK;
}

/* The bytes that there were before each step of a piece of `bytes`, up to its compression. */
static void sizes_before(const nf_coder *coder, unsigned skipped, size_t bytes, size_t *before)
{
    for (size_t i = 0; i < coder->count; i++) {
        before[i] = bytes;
        if ((skipped >> i & 1) == 0 && coder->step[i].id == NF_CODEC_FLETCHER32)
            bytes += 4;
    }
}

nf_status nf_coder_decode(nf_coder *coder, const void *from, size_t from_bytes, unsigned skipped,
                          void *to, size_t bytes)
{
    size_t before[NF_MAX_CODECS];
    span data = {from, from_bytes};
    nf_status status = NF_OK;
    if (bytes > coder->most)
        return nf_fail(NF_ERR_SYSTEM,
                       "a piece of %zu bytes is to be decoded where %zu are the most", bytes,
                       coder->most);
    sizes_before(coder, skipped, bytes, before);
    for (size_t i = coder->count; i-- > 0 && status == NF_OK;) {
        bool last = (~skipped & ((1U << i) - 1)) == 0 && coder->step[i].id != NF_CODEC_FLETCHER32;
        bool direct = last && (coder->step[i].id != NF_CODEC_SHUFFLE || data.bytes == bytes);
        if ((skipped >> i & 1) == 0)
            status = decode_step(coder, i, &data, direct ? to : other_scratch(coder, data.at),
                                 before[i]);
    }
    if (status != NF_OK)
        return status;
    if (data.bytes != bytes)
        return nf_fail(NF_ERR_FORMAT, "%zu bytes are stored where there must be %zu", data.bytes,
                       bytes);
    if (data.at != (const uint8_t *)to)
        memcpy(to, data.at, bytes);
    return NF_OK;
}
