/* tiff_strips.c - compressed strips, by all threads at once.
 *
 * Before they are compressed, rows are predicted: integers by the pixel before (TIFF 6.0, section 14); of
 * floats the bytes are put side by side by their significance first, the highest in front, and each byte is
 * predicted by that of the sample before (Adobe Photoshop TIFF Technical Note 3, 2005). */
#include "io/tiff_strips.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/dense.h"
#include "drivers/engine/team.h"
#include "io/codec.h"

enum {
    HELD = 8,        /* strips of each thread that are held */
    MOST = 64 << 20, /* bytes that are held, unless that is one strip */
    PROBLEM_TEXT = 512
};

typedef struct worker {
    nf_coder *coder;
    char *row; /* for floats */
    nf_status status;
    char problem[PROBLEM_TEXT]; /* messages are a thread's own */
} worker;

struct nf_tiff_strips {
    const char *name;
    nf_shape shape;
    nf_element element;
    nf_codec codec;
    int64_t rows; /* of a strip */
    size_t row_bytes;
    int threads;
    int64_t room, held; /* strips that there is room for; rows that are there */
    char *cells;        /* the rows, as elements in the file */
    nf_tiff_strip *list;
    worker *workers;
    atomic_int_fast64_t next; /* strip that no thread has taken yet */
    int64_t count;            /* of those that are being packed */
};

/* ---- prediction ---- */

static bool is_real(nf_element_type type)
{
    return type == NF_EL_F16 || type == NF_EL_F32 || type == NF_EL_F64;
}

#define DIFFERENCES(type)                                                                          \
    static void differences_##type(type *row, int64_t count, int channels)                         \
    {                                                                                              \
        for (int64_t i = count - 1; i >= channels; i--)                                            \
            row[i] = (type)(row[i] - row[i - channels]);                                           \
    }
DIFFERENCES(uint8_t)
DIFFERENCES(uint16_t)
DIFFERENCES(uint32_t)

static void predict_floats(char *row, char *copy, size_t size, size_t count, int channels)
{
    static const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    memcpy(copy, row, size * count);
    for (size_t byte = 0; byte < size; byte++) {
        char *to = row + (little ? size - 1 - byte : byte) * count;
        for (size_t i = 0; i < count; i++)
            to[i] = copy[i * size + byte];
    }
    differences_uint8_t((uint8_t *)row, (int64_t)(size * count), channels);
}

static void predict_row(const nf_tiff_strips *s, worker *w, char *row)
{
    size_t size = nf_element_size(s->element.type);
    int channels = s->shape.channels;
    int64_t count = s->shape.dim[2] * channels;
    if (is_real(s->element.type))
        predict_floats(row, w->row, size, (size_t)count, channels);
    else if (size == 1)
        differences_uint8_t((uint8_t *)row, count, channels);
    else if (size == 2)
        differences_uint16_t((uint16_t *)(void *)row, count, channels);
    else
        differences_uint32_t((uint32_t *)(void *)row, count, channels);
}

/* ---- a strip ---- */

static nf_status pack_strip(const nf_tiff_strips *s, worker *w, int64_t item)
{
    int64_t y = item * s->rows, rows = s->held - y < s->rows ? s->held - y : s->rows;
    char *cells = s->cells + (size_t)y * s->row_bytes;
    nf_tiff_strip *to = &s->list[item];
    const void *made;
    unsigned skipped;
    for (int64_t i = 0; i < rows; i++)
        predict_row(s, w, cells + (size_t)i * s->row_bytes);
    nf_status status =
        nf_coder_encode(w->coder, cells, (size_t)rows * s->row_bytes, &made, &to->count, &skipped);
    if (status == NF_OK && skipped != 0)
        status = nf_fail(NF_ERR_SYSTEM, "a strip cannot be compressed");
    if (status == NF_OK && (to->bytes = malloc(to->count)) == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for compressed strips");
    if (status == NF_OK)
        memcpy(to->bytes, made, to->count);
    return status;
}

/* A team's task: each thread takes the next strip as soon as it is free, for some take much longer. */
static void pack_strips(void *context, int thread, int64_t item)
{
    nf_tiff_strips *s = context;
    worker *w = &s->workers[thread];
    (void)item;
    for (int64_t i; w->status == NF_OK && (i = atomic_fetch_add(&s->next, 1)) < s->count;)
        w->status = pack_strip(s, w, i);
    if (w->status != NF_OK)
        snprintf(w->problem, sizeof w->problem, "%s", nf_message(w->status));
}

static void forget_packed(nf_tiff_strips *s)
{
    for (int64_t i = 0; i < s->room && s->list != NULL; i++) {
        free(s->list[i].bytes);
        s->list[i].bytes = NULL;
    }
}

/* ---- all of them ---- */

nf_status nf_tiff_strips_create(const char *name, const nf_shape *shape, nf_element_type type,
                                nf_codec codec, int64_t rows, nf_tiff_strips **strips)
{
    *strips = malloc(sizeof **strips);
    if (*strips == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for strips", name);
    **strips = (nf_tiff_strips){.name = name,
                                .shape = *shape,
                                .element = {type, false},
                                .codec = codec,
                                .rows = rows,
                                .threads = 1};
    if (codec.level == 0)
        (*strips)->codec.level = nf_codec_level(codec.id);
    (*strips)->row_bytes = (size_t)(shape->dim[2] * shape->channels) * nf_element_size(type);
    return NF_OK;
}

void nf_tiff_strips_free(nf_tiff_strips *strips)
{
    if (strips == NULL)
        return;
    for (int t = 0; t < strips->threads && strips->workers != NULL; t++) {
        nf_coder_free(strips->workers[t].coder);
        free(strips->workers[t].row);
    }
    forget_packed(strips);
    free(strips->workers);
    free(strips->list);
    free(strips->cells);
    free(strips);
}

void nf_tiff_strips_threads(nf_tiff_strips *strips, int threads)
{
    strips->threads = threads;
}

/* Everything whose size follows from the threads, once. */
static nf_status ready(nf_tiff_strips *s)
{
    size_t bytes = (size_t)s->rows * s->row_bytes;
    if (s->workers != NULL)
        return NF_OK;
    s->room = (int64_t)HELD * s->threads;
    if (s->room > (int64_t)(MOST / bytes))
        s->room = MOST / bytes > 0 ? (int64_t)(MOST / bytes) : 1;
    if (s->threads > s->room)
        s->threads = (int)s->room;
    s->cells = aligned_alloc(64, nf_round_up((size_t)s->room * bytes, 64));
    s->list = calloc((size_t)s->room, sizeof *s->list);
    s->workers = calloc((size_t)s->threads, sizeof *s->workers);
    bool fine = s->cells != NULL && s->list != NULL && s->workers != NULL;
    nf_status status = NF_OK;
    for (int t = 0; t < s->threads && fine && status == NF_OK; t++) {
        status = nf_coder_create(&s->codec, 1, 1, bytes, &s->workers[t].coder);
        if (status == NF_OK)
            nf_coder_insist(s->workers[t].coder); /* one compression is told for all strips */
        fine = !is_real(s->element.type) || (s->workers[t].row = malloc(s->row_bytes)) != NULL;
    }
    if (fine && status == NF_OK)
        return NF_OK;
    return nf_fail(NF_ERR_MEMORY, "%s: no memory for strips of %zu bytes", s->name, bytes);
}

bool nf_tiff_strips_full(const nf_tiff_strips *strips)
{
    return strips->held == strips->room * strips->rows;
}

nf_status nf_tiff_strips_take(nf_tiff_strips *s, const void *rows, int64_t count, int64_t *taken)
{
    nf_status status = ready(s);
    *taken = 0;
    if (status != NF_OK)
        return status;
    int64_t left = s->room * s->rows - s->held;
    *taken = count < left ? count : left;
    nf_element_encode(s->element, s->shape.dtype, *taken * s->shape.dim[2] * s->shape.channels,
                      rows, s->cells + (size_t)s->held * s->row_bytes);
    s->held += *taken;
    return NF_OK;
}

nf_status nf_tiff_strips_pack(nf_tiff_strips *s, const nf_tiff_strip **list, int64_t *count)
{
    forget_packed(s);
    *list = s->list;
    *count = s->count = (s->held + s->rows - 1) / s->rows;
    atomic_store(&s->next, 0);
    nf_team_run(s->threads, s->threads, pack_strips, s);
    s->held = 0;
    for (int t = 0; t < s->threads; t++)
        if (s->workers[t].status != NF_OK)
            return nf_fail(s->workers[t].status, "%s: TIFF: %s", s->name, s->workers[t].problem);
    return NF_OK;
}
