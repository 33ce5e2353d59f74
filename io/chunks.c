#include "io/chunks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/dense.h"
#include "drivers/engine/halo.h"
#include "drivers/engine/team.h"
#include "io/past_cache.h"
#include "io/raw.h"

/* ---- the grid of chunks ---- */

enum { CHUNK_BYTES = 1 << 20 /* of a chunk that nobody asked for */ };

/* The extents in ascending order, so that what a short one leaves is given to the longer ones. */
static void order_of(const int64_t extent[NF_DIMS], int order[NF_DIMS])
{
    for (int i = 0; i < NF_DIMS; i++) {
        int at = i;
        for (; at > 0 && extent[order[at - 1]] > extent[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

void nf_chunk_choose(const nf_shape *shape, size_t size, int64_t chunk[NF_DIMS])
{
    int order[NF_DIMS];
    double cells = (double)CHUNK_BYTES / (double)((size_t)shape->channels * size);
    order_of(shape->dim, order);
    for (int i = 0; i < NF_DIMS; i++) {
        int64_t extent = shape->dim[order[i]];
        double side = pow(cells, 1.0 / (NF_DIMS - i));
        int64_t parts = (int64_t)((double)extent / side + 0.5);
        parts = parts > 1 ? parts : 1;
        chunk[order[i]] = (extent + parts - 1) / parts;
        cells /= (double)chunk[order[i]];
        cells = cells > 1 ? cells : 1;
    }
}

nf_status nf_chunk_parse(const char *option, const char *text, int64_t chunk[NF_DIMS])
{
    int64_t extent[NF_DIMS];
    const char *at = text;
    char *end = NULL;
    int count = 0;
    memset(chunk, 0, NF_DIMS * sizeof *chunk);
    if (strcmp(text, "auto") == 0) {
        chunk[NF_DIMS - 1] = -1;
        return NF_OK;
    }
    for (; count < NF_DIMS && *at >= '0' && *at <= '9'; count++) {
        extent[count] = strtoll(at, &end, 10);
        if (extent[count] < 1 || extent[count] > UINT32_MAX)
            break;
        at = *end == 'x' ? end + 1 : end;
    }
    if (count == 0 || *at != '\0' || at != end)
        return nf_fail(NF_ERR_USAGE,
                       "%s %s: expected auto, or the chunk's extents from 1 on, one for each "
                       "dimension of the array: 256x256",
                       option, text);
    for (int d = 0; d < count; d++)
        chunk[NF_DIMS - count + d] = extent[d];
    return NF_OK;
}

int64_t nf_chunk_bytes(const nf_shape *shape, const nf_layout *layout)
{
    int64_t bytes = (int64_t)nf_element_size(layout->element.type) * shape->channels;
    for (int d = 0; d < NF_DIMS; d++)
        bytes = bytes > INT64_MAX / layout->chunk[d] ? INT64_MAX : bytes * layout->chunk[d];
    return bytes;
}

/* The chunks that a box reaches into, as a box of their indices. */
static nf_box range_of(const nf_layout *layout, const nf_box *box)
{
    nf_box range;
    for (int d = 0; d < NF_DIMS; d++) {
        range.lo[d] = box->lo[d] / layout->chunk[d];
        range.hi[d] = (box->hi[d] - 1) / layout->chunk[d] + 1;
    }
    return range;
}

int64_t nf_chunks_of(const nf_layout *layout, const nf_box *box)
{
    nf_box range = range_of(layout, box);
    return nf_box_empty(box) ? 0 : nf_box_cells(&range);
}

int64_t nf_chunk_count(const nf_shape *shape, const nf_layout *layout)
{
    nf_box all = nf_box_whole(shape);
    return nf_chunks_of(layout, &all);
}

void nf_chunk_index(const nf_layout *layout, const nf_box *box, int64_t i, int64_t index[NF_DIMS])
{
    nf_box range = range_of(layout, box);
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        int64_t extent = nf_box_extent(&range, d);
        index[d] = range.lo[d] + i % extent;
        i /= extent;
    }
}

const char *nf_chunk_text(const nf_shape *shape, const int64_t index[NF_DIMS],
                          char text[NF_CHUNK_TEXT])
{
    int used = 0;
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        used += snprintf(text + used, (size_t)(NF_CHUNK_TEXT - used), "%s%lld", used > 0 ? "," : "",
                         (long long)index[d]);
    return text;
}

/* ---- one thread's memory, and what went wrong in it ---- */

enum { PROBLEM_TEXT = 1024 };

typedef struct nf_chunk_worker {
    nf_coder *coder; /* NULL where there are no codecs */
    char *stored;    /* as in the file: as many bytes as a coder makes at most */
    char *plain;     /* decoded */
    nf_status status;
    int64_t item; /* that failed */
    char problem[PROBLEM_TEXT];
} worker;

void nf_chunked_free(nf_chunked *chunked)
{
    for (int t = 0; t < chunked->threads && chunked->workers != NULL; t++) {
        nf_coder_free(chunked->workers[t].coder);
        free(chunked->workers[t].stored);
        free(chunked->workers[t].plain);
    }
    free(chunked->workers);
    chunked->workers = NULL;
}

static nf_status worker_start(const nf_chunked *c, worker *w)
{
    size_t bytes = (size_t)nf_chunk_bytes(&c->shape, &c->layout);
    size_t size = nf_element_size(c->layout.element.type);
    nf_status status = NF_OK;
    if (c->layout.ncodecs > 0)
        status = nf_coder_create(c->layout.codec, c->layout.ncodecs, size, bytes, &w->coder);
    if (status != NF_OK)
        return nf_fail_in(status, "%s", c->name);
    size_t room = w->coder != NULL ? nf_coder_room(w->coder) : 64;
    w->plain = aligned_alloc(64, nf_round_up(bytes, 64));
    w->stored = aligned_alloc(64, nf_round_up(room, 64));
    if (w->plain == NULL || w->stored == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for its chunks of %zu bytes", c->name, bytes);
    return NF_OK;
}

static nf_status ready(nf_chunked *c)
{
    nf_status status = NF_OK;
    if (c->workers != NULL)
        return NF_OK;
    c->workers = calloc((size_t)c->threads, sizeof *c->workers);
    if (c->workers == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for threads", c->name);
    for (int t = 0; t < c->threads && status == NF_OK; t++)
        status = worker_start(c, &c->workers[t]);
    if (status != NF_OK)
        nf_chunked_free(c);
    return status;
}

/* Keeps what the first item of this thread to fail said: messages are a thread's own. */
static void keep_problem(worker *w, nf_status status, int64_t item)
{
    if (status == NF_OK)
        return;
    w->status = status;
    w->item = item;
    snprintf(w->problem, sizeof w->problem, "%s", nf_message(status));
}

/* That of the first item of all. */
static nf_status first_problem(nf_chunked *c)
{
    const worker *first = NULL;
    for (int t = 0; t < c->threads; t++) {
        const worker *w = &c->workers[t];
        if (w->status != NF_OK && (first == NULL || w->item < first->item))
            first = w;
    }
    return first == NULL ? NF_OK : nf_fail(first->status, "%s", first->problem);
}

/* ---- a chunk and a box ---- */

/* What all threads work on: a box in memory and its chunks. */
typedef struct job {
    nf_chunked *c;
    const nf_box *box;
    char *cells; /* when encoding they are only read */
    const ptrdiff_t *stride;
    nf_chunk *chunks;    /* reading */
    nf_encoded *encoded; /* encoding */
    bool native;         /* elements are in the file as in memory */
    bool large;          /* the box is far larger than the caches */
} job;

enum {
    LARGE = 8 << 20,      /* bytes of a box that is */
    STREAMED_ROW = 512,   /* bytes from which a row of it is put past the caches */
    DIRECT_ROW = 8 << 10, /* from which it is read to its place without a copy */
    PIECE = 256 << 10     /* of a chunk that is read for such rows: fits the second-level cache */
};

static job job_for(nf_chunked *c, const nf_box *box, const void *cells, const ptrdiff_t *stride)
{
    nf_element native = nf_element_native(c->shape.dtype), there = c->layout.element;
    job j = {.c = c,
             .box = box,
             .cells = (char *)(uintptr_t)cells,
             .stride = stride,
             .native = there.type == native.type && there.swapped == native.swapped,
             .large = nf_box_cells(box) * (int64_t)nf_cell_bytes(&c->shape) > LARGE};
    return j;
}

/* A chunk, and what it has in common with the box. */
typedef struct place {
    int64_t index[NF_DIMS];
    nf_box chunk, common;      /* in cells of the array; within the chunk */
    bool whole;                /* all of the chunk is in the box */
    bool dense;                /* and its cells follow each other in memory */
    char *at;                  /* the first common element in memory */
    ptrdiff_t inside[NF_DIMS]; /* strides of the chunk's own elements */
} place;

static place place_of(const job *j, int64_t item)
{
    place p;
    const int64_t *extent = j->c->layout.chunk;
    ptrdiff_t offset = 0;
    nf_chunk_index(&j->c->layout, j->box, item, p.index);
    for (int d = 0; d < NF_DIMS; d++) {
        p.chunk.lo[d] = p.index[d] * extent[d];
        p.chunk.hi[d] = p.chunk.lo[d] + extent[d];
    }
    nf_box common = nf_box_intersect(&p.chunk, j->box);
    nf_dense_strides(extent, j->c->shape.channels, p.inside);
    p.whole = nf_box_contains(&common, &p.chunk);
    p.dense = p.whole;
    for (int d = 0; d < NF_DIMS; d++) {
        offset += (common.lo[d] - j->box->lo[d]) * j->stride[d];
        p.dense = p.dense && (extent[d] == 1 || j->stride[d] == p.inside[d]);
        p.common.lo[d] = common.lo[d] - p.chunk.lo[d];
        p.common.hi[d] = common.hi[d] - p.chunk.lo[d];
    }
    p.at = j->cells + offset * (ptrdiff_t)nf_dtype_size(j->c->shape.dtype);
    return p;
}

static ptrdiff_t element_at(const place *p, int64_t z, int64_t y, int64_t x)
{
    return z * p->inside[0] + y * p->inside[1] + x * p->inside[2];
}

/* Between the common cells in memory and a whole chunk in the file's elements. */
static void convert(const job *j, const place *p, char *plain, bool encoding)
{
    nf_element element = j->c->layout.element;
    nf_dtype dtype = j->c->shape.dtype;
    ptrdiff_t size = (ptrdiff_t)nf_element_size(element.type);
    ptrdiff_t own = (ptrdiff_t)nf_dtype_size(dtype);
    int64_t count = nf_box_extent(&p->common, 2) * j->c->shape.channels;
    for (int64_t z = p->common.lo[0]; z < p->common.hi[0]; z++)
        for (int64_t y = p->common.lo[1]; y < p->common.hi[1]; y++) {
            char *in_chunk = plain + element_at(p, z, y, p->common.lo[2]) * size;
            ptrdiff_t row =
                (z - p->common.lo[0]) * j->stride[0] + (y - p->common.lo[1]) * j->stride[1];
            if (encoding)
                nf_element_encode(element, dtype, count, p->at + row * own, in_chunk);
            else
                nf_element_decode(element, count, in_chunk, p->at + row * own);
        }
}

/* The same where elements are alike, from the chunk. */
static void copy_out(const job *j, const place *p, const char *in_chunk)
{
    const nf_shape *shape = &j->c->shape;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(shape->dtype);
    int64_t extent[NF_DIMS];
    nf_box_extents(&p->common, extent);
    size_t row = (size_t)extent[2] * nf_cell_bytes(shape);
    if (!j->large || row < STREAMED_ROW) {
        nf_copy_box(extent, shape->channels, shape->dtype, p->at, j->stride, in_chunk, p->inside);
        return;
    }
    for (int64_t z = 0; z < extent[0]; z++)
        nf_copy_past_cache(extent[1], row, p->at + z * j->stride[0] * size, j->stride[1] * size,
                           in_chunk + z * p->inside[0] * size, p->inside[1] * size);
}

static void copy(const job *j, const place *p, char *plain, bool encoding)
{
    const nf_shape *shape = &j->c->shape;
    int64_t extent[NF_DIMS];
    char *in_chunk = plain + element_at(p, p->common.lo[0], p->common.lo[1], p->common.lo[2]) *
                                 (ptrdiff_t)nf_dtype_size(shape->dtype);
    nf_box_extents(&p->common, extent);
    if (!j->native)
        convert(j, p, plain, encoding);
    else if (encoding)
        nf_copy_box(extent, shape->channels, shape->dtype, in_chunk, p->inside, p->at, j->stride);
    else
        copy_out(j, p, in_chunk);
}

/* A chunk without codecs as a dense array of its own. */
static nf_raw raw_chunk(const nf_chunked *c, int64_t address)
{
    nf_raw raw = {.fd = c->fd, .name = c->name, .shape = c->shape, .layout = c->layout};
    memcpy(raw.shape.dim, c->layout.chunk, sizeof raw.shape.dim);
    raw.layout.kind = NF_LAYOUT_DENSE;
    raw.layout.offset = address;
    return raw;
}

/* ---- reading ---- */

/* Cells of a chunk that is not stored: one row, and the others from it. */
static void fill_common(const job *j, const place *p)
{
    const nf_shape *shape = &j->c->shape;
    size_t cell = nf_cell_bytes(shape);
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(shape->dtype);
    int64_t count = nf_box_extent(&p->common, 2);
    for (int64_t i = 0; i < count; i++)
        nf_border_cell(shape->dtype, shape->channels, j->c->layout.fill, p->at + (size_t)i * cell);
    for (int64_t z = 0; z < nf_box_extent(&p->common, 0); z++)
        for (int64_t y = 0; y < nf_box_extent(&p->common, 1); y++)
            if (z + y > 0)
                memcpy(p->at + (z * j->stride[0] + y * j->stride[1]) * size, p->at,
                       (size_t)count * cell);
}

/* Some rows of a chunk's plane, in whole, from `at` in the file: read, and copied as far as they are
 * wanted. */
static nf_status read_rows(const job *j, worker *w, const place *p, int64_t at, int64_t rows)
{
    int64_t bytes = rows * p->inside[1] * (int64_t)nf_element_size(j->c->layout.element.type);
    nf_status status = nf_bytes_read(j->c->fd, at, bytes, w->plain, j->c->name);
    if (status == NF_OK)
        copy(j, p, w->plain, false);
    return status;
}

/* The common part by rows of each plane, in pieces that a cache holds. */
static nf_status read_pieces(const job *j, worker *w, const place *p, int64_t address)
{
    ptrdiff_t size = (ptrdiff_t)nf_element_size(j->c->layout.element.type);
    ptrdiff_t own = (ptrdiff_t)nf_dtype_size(j->c->shape.dtype);
    int64_t most = PIECE / (p->inside[1] * size) + 1;
    nf_status status = NF_OK;
    for (int64_t z = p->common.lo[0]; z < p->common.hi[0]; z++)
        for (int64_t y = p->common.lo[1]; y < p->common.hi[1] && status == NF_OK; y += most) {
            int64_t rows = p->common.hi[1] - y < most ? p->common.hi[1] - y : most;
            place piece = *p;
            piece.common.lo[0] = piece.common.lo[1] = 0; /* the rows that are in `plain` */
            piece.common.hi[0] = 1;
            piece.common.hi[1] = rows;
            piece.at +=
                ((z - p->common.lo[0]) * j->stride[0] + (y - p->common.lo[1]) * j->stride[1]) * own;
            status = read_rows(j, w, &piece, address + element_at(p, z, y, 0) * size, rows);
        }
    return status;
}

/* Without codecs. Where memory takes whole rows they go there at once; but short ones of large boxes
 * faster by way of the cache. */
static nf_status read_plain(const job *j, worker *w, const place *p, const nf_chunk *chunk)
{
    const nf_chunked *c = j->c;
    int64_t all = nf_chunk_bytes(&c->shape, &c->layout);
    bool short_rows = p->inside[1] * (int64_t)nf_dtype_size(c->shape.dtype) < DIRECT_ROW;
    if (chunk->bytes != all)
        return nf_fail(NF_ERR_FORMAT, "it has %lld bytes where there must be %lld",
                       (long long)chunk->bytes, (long long)all);
    if (j->native && p->dense)
        return nf_bytes_read(c->fd, chunk->address, all, p->at, c->name);
    if (j->native && nf_box_extent(&p->common, 2) == c->layout.chunk[2] &&
        !(j->large && short_rows)) {
        nf_raw raw = raw_chunk(c, chunk->address);
        return nf_raw_read(&raw, &p->common, p->at, j->stride);
    }
    return read_pieces(j, w, p, chunk->address);
}

static nf_status read_encoded(const job *j, worker *w, const place *p, const nf_chunk *chunk)
{
    const nf_chunked *c = j->c;
    size_t bytes = (size_t)nf_chunk_bytes(&c->shape, &c->layout);
    bool straight = p->dense && j->native;
    char *plain = straight ? p->at : w->plain;
    if (chunk->bytes < 0 || (uint64_t)chunk->bytes > nf_coder_room(w->coder))
        return nf_fail(NF_ERR_FORMAT, "%lld bytes are told to be stored where %zu are the most",
                       (long long)chunk->bytes, nf_coder_room(w->coder));
    nf_status status = nf_bytes_read(c->fd, chunk->address, chunk->bytes, w->stored, c->name);
    if (status == NF_OK)
        status = nf_coder_decode(w->coder, w->stored, (size_t)chunk->bytes, chunk->skipped, plain,
                                 bytes);
    if (status == NF_OK && !straight)
        copy(j, p, plain, false);
    return status;
}

static void read_chunk(void *context, int thread, int64_t item)
{
    job *j = context;
    worker *w = &j->c->workers[thread];
    const nf_chunk *chunk = &j->chunks[item];
    if (w->status != NF_OK)
        return;
    place p = place_of(j, item);
    if (chunk->address < 0) {
        fill_common(j, &p);
        return;
    }
    nf_status status = (w->coder == NULL ? read_plain : read_encoded)(j, w, &p, chunk);
    if (status != NF_OK) {
        char text[NF_CHUNK_TEXT];
        nf_fail_in(status, "%s: chunk %s at byte %lld", j->c->name,
                   nf_chunk_text(&j->c->shape, p.index, text), (long long)chunk->address);
    }
    keep_problem(w, status, item);
}

static void forget_problems(nf_chunked *c)
{
    for (int t = 0; t < c->threads; t++)
        c->workers[t].status = NF_OK;
}

nf_status nf_chunked_read(nf_chunked *chunked, nf_chunk_locate *locate, void *reader,
                          const nf_box *box, void *cells, const ptrdiff_t stride[NF_DIMS])
{
    int64_t count = nf_chunks_of(&chunked->layout, box);
    job j = job_for(chunked, box, cells, stride);
    if (count == 0)
        return NF_OK;
    nf_status status = ready(chunked);
    if (status != NF_OK)
        return status;
    j.chunks = malloc((size_t)count * sizeof *j.chunks);
    if (j.chunks == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for the places of %lld chunks", chunked->name,
                       (long long)count);
    for (int64_t i = 0; i < count && status == NF_OK; i++) {
        int64_t index[NF_DIMS];
        nf_chunk_index(&chunked->layout, box, i, index);
        status = locate(reader, index, &j.chunks[i]);
    }
    if (status == NF_OK) {
        forget_problems(chunked);
        nf_team_run(chunked->threads, count, read_chunk, &j);
        status = first_problem(chunked);
    }
    free(j.chunks);
    return status;
}

/* ---- encoding ---- */

/* The chunk in the file's elements: where it is in memory already, or put together. */
static const char *plain_of(const job *j, worker *w, const place *p)
{
    if (p->dense && j->native)
        return p->at;
    if (!p->whole)
        memset(w->plain, 0, (size_t)nf_chunk_bytes(&j->c->shape, &j->c->layout));
    copy(j, p, w->plain, true);
    return w->plain;
}

static nf_status encode(const job *j, worker *w, const place *p, nf_encoded *to)
{
    const void *made = plain_of(j, w, p);
    size_t bytes = (size_t)nf_chunk_bytes(&j->c->shape, &j->c->layout);
    nf_status status = NF_OK;
    if (w->coder != NULL)
        status = nf_coder_encode(w->coder, made, bytes, &made, &bytes, &to->chunk.skipped);
    if (status != NF_OK)
        return nf_fail_in(status, "%s", j->c->name);
    to->bytes = malloc(bytes);
    if (to->bytes == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for encoded chunks", j->c->name);
    memcpy(to->bytes, made, bytes);
    to->chunk.bytes = (int64_t)bytes;
    return NF_OK;
}

static void encode_chunk(void *context, int thread, int64_t item)
{
    job *j = context;
    worker *w = &j->c->workers[thread];
    nf_encoded *to = &j->encoded[item];
    place p = place_of(j, item);
    to->chunk = (nf_chunk){.address = -1, .bytes = nf_chunk_bytes(&j->c->shape, &j->c->layout)};
    if (w->status != NF_OK || (w->coder == NULL && j->native && p.whole))
        return;
    keep_problem(w, encode(j, w, &p, to), item);
}

nf_status nf_chunked_encode(nf_chunked *chunked, const nf_box *box, const void *cells,
                            const ptrdiff_t stride[NF_DIMS], nf_encoded **list)
{
    int64_t count = nf_chunks_of(&chunked->layout, box);
    job j = job_for(chunked, box, cells, stride);
    nf_status status = ready(chunked);
    *list = NULL;
    if (count == 0 || status != NF_OK)
        return status;
    j.encoded = calloc((size_t)count, sizeof *j.encoded);
    if (j.encoded == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for %lld chunks", chunked->name,
                       (long long)count);
    forget_problems(chunked);
    nf_team_run(chunked->threads, count, encode_chunk, &j);
    status = first_problem(chunked);
    if (status != NF_OK)
        nf_encoded_free(j.encoded, count);
    else
        *list = j.encoded;
    return status;
}

nf_status nf_chunked_store(const nf_chunked *chunked, const nf_box *box, const void *cells,
                           const ptrdiff_t stride[NF_DIMS], const nf_encoded *list)
{
    nf_chunked same = *chunked;
    job j = job_for(&same, box, cells, stride);
    nf_status status = NF_OK;
    int64_t count = nf_chunks_of(&chunked->layout, box);
    for (int64_t i = 0; i < count && status == NF_OK; i++) {
        const nf_chunk *chunk = &list[i].chunk;
        if (list[i].bytes != NULL) {
            status = nf_bytes_write(chunked->fd, chunk->address, chunk->bytes, list[i].bytes,
                                    chunked->name);
        } else {
            place p = place_of(&j, i);
            nf_raw raw = raw_chunk(chunked, chunk->address);
            status = nf_raw_write(&raw, &p.common, p.at, stride);
        }
    }
    return status;
}

void nf_encoded_free(nf_encoded *list, int64_t count)
{
    for (int64_t i = 0; i < count && list != NULL; i++)
        free(list[i].bytes);
    free(list);
}
