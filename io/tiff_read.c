/* tiff_read.c - boxes of TIFF files: pixels that lie densely by plain reads, all others by decoding
 * strips and tiles, on as many threads as there are, each with a handle of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/team.h"
#include "io/image.h"
#include "io/note.h"
#include "io/raw.h"
#include "io/tiff.h"

enum {
    STEP = 16 << 20 /* bytes of a strip or tile that boxes had better end at */
};

/* One thread's handle, and the strip or tile that it decoded last. */
typedef struct decoder {
    nf_tiff tiff;
    int64_t page, block; /* what `cells` holds; -1: nothing */
    void *cells;
    size_t room;
    void *row[2]; /* for conversions */
    size_t row_room;
    nf_status status;
    char problem[512]; /* its message: messages stay with the thread that failed */
} decoder;

typedef struct tiff_reader {
    char *name;
    int fd;
    nf_shape shape;
    nf_tiff_page *pages; /* those that make up the array */
    int64_t npages;
    nf_metadata metadata; /* of the first of them */
    bool whole;           /* not one page of several */
    bool summed;          /* the first one tells */
    uint64_t checksum;
    decoder **decoders;
    int ndecoders;
} tiff_reader;

/* ---- opening ---- */

static void decoder_free(decoder *d)
{
    if (d == NULL)
        return;
    nf_tiff_close(&d->tiff);
    free(d->cells);
    free(d->row[0]);
    free(d->row[1]);
    free(d);
}

static decoder *decoder_new(const tiff_reader *reader)
{
    decoder *d = calloc(1, sizeof *d);
    if (d != NULL)
        *d = (decoder){
            .tiff = {.fd = reader->fd, .name = reader->name, .place = -1}, .page = -1, .block = -1};
    return d;
}

void nf_tiff_close_reader(void *state)
{
    tiff_reader *reader = state;
    if (reader == NULL)
        return;
    for (int i = 0; i < reader->ndecoders; i++)
        decoder_free(reader->decoders[i]);
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->decoders);
    nf_metadata_free(&reader->metadata);
    free(reader->pages);
    free(reader->name);
    free(reader);
}

/* A line of the text that tells where the file comes from. */
static void keep_checksum(tiff_reader *reader)
{
    char *text = NULL, *at, *end;
    if (TIFFGetField(reader->decoders[0]->tiff.tif, TIFFTAG_SOFTWARE, &text) != 1 ||
        (at = strstr(text, NF_NOTE_CHECKSUM "=")) == NULL)
        return;
    at += sizeof NF_NOTE_CHECKSUM;
    errno = 0;
    reader->checksum = strtoull(at, &end, 10);
    reader->summed = *at >= '0' && *at <= '9' && *end == '\n' && errno == 0;
}

static nf_status add_page(tiff_reader *reader, int number)
{
    nf_tiff *tiff = &reader->decoders[0]->tiff;
    if ((reader->npages & (reader->npages - 1)) == 0) { /* at powers of two */
        size_t room = reader->npages > 0 ? 2 * (size_t)reader->npages : 1;
        nf_tiff_page *pages = realloc(reader->pages, room * sizeof *pages);
        if (pages == NULL)
            return nf_fail(NF_ERR_MEMORY, "%s: no memory for a list of pages", reader->name);
        reader->pages = pages;
    }
    nf_tiff_page *page = &reader->pages[reader->npages];
    *page = (nf_tiff_page){.number = number};
    nf_status status = nf_tiff_describe(tiff, page);
    if (status == NF_OK && reader->npages++ == 0) {
        status = nf_tiff_keep_metadata(tiff, &reader->metadata);
        keep_checksum(reader);
    }
    return status;
}

static nf_status pages_differ(const tiff_reader *reader, const nf_tiff_page *page)
{
    char first[NF_SHAPE_TEXT], other[NF_SHAPE_TEXT];
    return nf_fail(NF_ERR_FORMAT,
                   "%s: TIFF: its pages differ, so that they make no volume (page %d: %s, page %d: "
                   "%s): name one, as %s:/%d",
                   reader->name, reader->pages[0].number,
                   nf_shape_text(&reader->pages[0].shape, first), page->number,
                   nf_shape_text(&page->shape, other), reader->name, reader->pages[0].number);
}

static nf_status read_stack(tiff_reader *reader)
{
    nf_tiff *tiff = &reader->decoders[0]->tiff;
    nf_status status = NF_OK;
    for (int number = 0; status == NF_OK; number++) {
        if (!nf_tiff_is_helper(tiff))
            status = add_page(reader, number);
        const nf_tiff_page *last = reader->npages > 0 ? &reader->pages[reader->npages - 1] : NULL;
        if (status == NF_OK && last != NULL &&
            !nf_shape_equal(&last->shape, &reader->pages[0].shape))
            status = pages_differ(reader, last);
        if (status != NF_OK || TIFFLastDirectory(tiff->tif))
            break;
        nf_tiff_forget(tiff);
        if (TIFFReadDirectory(tiff->tif) != 1) {
            char what[64];
            snprintf(what, sizeof what, "page %d cannot be read", number + 1);
            status = nf_tiff_fail(tiff, what);
        }
    }
    if (status == NF_OK && reader->npages == 0)
        status = nf_fail(NF_ERR_FORMAT, "%s: TIFF: holds no image but thumbnails and masks",
                         reader->name);
    return status;
}

/* The page `/3`, whatever the others are. */
static nf_status read_one(tiff_reader *reader, const char *dataset)
{
    nf_tiff *tiff = &reader->decoders[0]->tiff;
    char *end;
    long number = strtol(dataset + 1, &end, 10);
    if (end == dataset + 1 || *end != '\0' || number < 0 || number > UINT16_MAX)
        return nf_fail(NF_ERR_FORMAT,
                       "%s: TIFF: :%s is no page; pages are counted from 0, as in %s:/0",
                       reader->name, dataset, reader->name);
    for (long i = 0; i < number; i++) {
        nf_tiff_forget(tiff);
        if (TIFFLastDirectory(tiff->tif))
            return nf_fail(NF_ERR_FORMAT, "%s: TIFF: has %ld page%s, the last is :/%ld",
                           reader->name, i + 1, i == 0 ? "" : "s", i);
        if (TIFFReadDirectory(tiff->tif) != 1)
            return nf_tiff_fail(tiff, "a page cannot be read");
    }
    return add_page(reader, (int)number);
}

static nf_status open_reader(tiff_reader *reader, const char *file, const char *dataset)
{
    reader->name = strdup(file);
    reader->fd = open(file, O_RDONLY | O_CLOEXEC);
    reader->decoders = calloc(1, sizeof *reader->decoders);
    if (reader->fd < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    if (reader->name == NULL || reader->decoders == NULL ||
        (reader->decoders[0] = decoder_new(reader)) == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a reader", file);
    reader->ndecoders = 1;
    reader->whole = dataset == NULL;
    nf_status status = nf_tiff_open(&reader->decoders[0]->tiff, "r");
    if (status == NF_OK)
        status = dataset != NULL ? read_one(reader, dataset) : read_stack(reader);
    if (status != NF_OK)
        return status;
    reader->shape = reader->pages[0].shape;
    reader->shape.dim[0] = reader->npages;
    reader->shape.ndim = reader->npages > 1 ? 3 : 2;
    return nf_image_check(&reader->shape, reader->fd, reader->name, "TIFF");
}

nf_status nf_tiff_open_reader(const char *file, const char *dataset, void **state, nf_shape *shape)
{
    tiff_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a reader", file);
    reader->fd = -1;
    nf_status status = open_reader(reader, file, dataset);
    if (status != NF_OK) {
        nf_tiff_close_reader(reader);
        return status;
    }
    *shape = reader->shape;
    *state = reader;
    return NF_OK;
}

void nf_tiff_share(void *state, int threads)
{
    tiff_reader *reader = state;
    decoder **more = realloc(reader->decoders, (size_t)threads * sizeof *more);
    if (more == NULL)
        return; /* fewer will do */
    reader->decoders = more;
    for (; reader->ndecoders < threads; reader->ndecoders++)
        if ((more[reader->ndecoders] = decoder_new(reader)) == NULL)
            return;
}

const nf_metadata *nf_tiff_metadata(void *state)
{
    return &((tiff_reader *)state)->metadata;
}

bool nf_tiff_checksum(void *state, uint64_t *sum)
{
    const tiff_reader *reader = state;
    *sum = reader->checksum;
    return reader->summed && reader->whole;
}

/* ---- layout ---- */

static bool all_dense(const tiff_reader *reader)
{
    int64_t plane = (int64_t)nf_shape_bytes(&reader->pages[0].shape);
    const nf_tiff_page *first = &reader->pages[0];
    plane =
        plane / (int64_t)nf_dtype_size(first->shape.dtype) * (int64_t)nf_element_size(first->type);
    for (int64_t i = 0; i < reader->npages; i++)
        if (first->dense < 0 || reader->pages[i].dense != first->dense + i * plane ||
            reader->pages[i].type != first->type)
            return false;
    return true;
}

static nf_layout page_layout(const nf_tiff_page *page)
{
    return (nf_layout){.kind = NF_LAYOUT_DENSE,
                       .element = {page->type, page->swapped && nf_element_size(page->type) > 1},
                       .offset = page->dense};
}

void nf_tiff_layout(void *state, nf_layout *layout)
{
    const tiff_reader *reader = state;
    if (all_dense(reader)) {
        *layout = page_layout(&reader->pages[0]);
        return;
    }
    const int64_t block[NF_DIMS] = {1, reader->pages[0].rows, reader->pages[0].columns};
    if (reader->pages[0].bytes <= STEP)
        memcpy(layout->chunk, block, sizeof block);
}

/* ---- one strip or tile ---- */

static nf_status room_for(decoder *d, const nf_tiff_page *page)
{
    size_t bytes = (size_t)page->bytes, row = (size_t)page->columns * NF_MAX_CHANNELS * 8;
    if (d->room < bytes) {
        free(d->cells);
        d->cells = aligned_alloc(64, nf_round_up(bytes, 64));
        d->room = d->cells != NULL ? bytes : 0;
    }
    for (int i = 0; i < 2 && d->row_room < row; i++) {
        free(d->row[i]);
        d->row[i] = malloc(row);
    }
    d->row_room = d->row[0] != NULL && d->row[1] != NULL && d->row_room < row ? row : d->row_room;
    if (d->cells != NULL && d->row_room >= row)
        return NF_OK;
    return nf_fail(NF_ERR_MEMORY, "%s: no memory for a strip or tile of %zu bytes", d->tiff.name,
                   bytes);
}

/* Bytes that a block must have: the last strip may be shorter. */
static int64_t block_bytes(const nf_tiff_page *page, int64_t block)
{
    int64_t y = block / page->across % page->down * page->rows;
    int64_t left = page->shape.dim[1] - y;
    return page->tiled || left >= page->rows ? page->bytes : page->bytes / page->rows * left;
}

static nf_status decode_block(decoder *d, const nf_tiff_page *page, int64_t block)
{
    nf_tiff *tiff = &d->tiff;
    nf_status status = tiff->tif == NULL ? nf_tiff_open(tiff, "r") : NF_OK;
    if (status == NF_OK)
        status = nf_tiff_turn(tiff, page);
    if (status == NF_OK)
        status = room_for(d, page);
    if (status != NF_OK)
        return status;
    int64_t bytes = block_bytes(page, block);
    nf_tiff_forget(tiff);
    tmsize_t got = page->tiled ? TIFFReadEncodedTile(tiff->tif, (uint32_t)block, d->cells, bytes)
                               : TIFFReadEncodedStrip(tiff->tif, (uint32_t)block, d->cells, bytes);
    /* libjpeg fills up what is missing, and only warns. */
    bool guessed = page->compression == COMPRESSION_JPEG && tiff->warnings > 0;
    if (got == bytes && tiff->errors == 0 && !guessed)
        return NF_OK;
    char what[128];
    snprintf(what, sizeof what, "page %d: %s %lld cannot be decoded", page->number,
             page->tiled ? "tile" : "strip", (long long)block);
    return nf_tiff_fail(tiff, what);
}

/* ---- rows of it ---- */

/* `count` samples of 1, 2 or 4 bits from the first one on; grays to 0 .. 255. */
static void unpack(const uint8_t *from, int64_t first, int64_t count, const nf_tiff_page *page,
                   uint8_t *to)
{
    int bits = page->bits, most = (1 << bits) - 1, factor = page->palette ? 1 : UINT8_MAX / most;
    for (int64_t i = 0; i < count; i++) {
        int64_t bit = (first + i) * bits;
        to[i] = (uint8_t)((from[bit / 8] >> (8 - bits - bit % 8) & most) * factor);
    }
}

static void invert(nf_element_type type, int64_t count, void *cells)
{
    for (int64_t i = 0; i < count; i++)
        if (type == NF_EL_U8)
            ((uint8_t *)cells)[i] = (uint8_t)(UINT8_MAX - ((uint8_t *)cells)[i]);
        else if (type == NF_EL_U16)
            ((uint16_t *)cells)[i] = (uint16_t)(UINT16_MAX - ((uint16_t *)cells)[i]);
        else
            ((double *)cells)[i] = (double)UINT32_MAX - ((double *)cells)[i];
}

/* Palettes are of 16 bits; very old ones of 8. */
static bool look_up(decoder *d, const nf_tiff_page *page, const void *indices, int64_t count,
                    uint8_t *to)
{
    uint16_t *map[3], most = 0;
    if (TIFFGetField(d->tiff.tif, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]) != 1)
        return false;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 1 << page->bits; i++)
            most = map[c][i] > most ? map[c][i] : most;
    int shift = most > UINT8_MAX ? 8 : 0;
    for (int64_t i = 0; i < count; i++) {
        int index = page->bits > 8 ? ((const uint16_t *)indices)[i] : ((const uint8_t *)indices)[i];
        for (int c = 0; c < 3; c++)
            *to++ = (uint8_t)(map[c][index] >> shift);
    }
    return true;
}

static void scatter(size_t size, const void *from, int64_t count, int channels, void *to)
{
    for (int64_t i = 0; i < count; i++)
        memcpy((char *)to + (size_t)(i * channels) * size, (const char *)from + (size_t)i * size,
               size);
}

/* Pixels x0 .. x0 + count of a row of the decoded block to cells. `plane`: the sample, where each has a
 * plane of its own. */
static nf_status put_row(decoder *d, const nf_tiff_page *page, const uint8_t *row, int64_t x0,
                         int64_t count, int plane, void *cells)
{
    int a_pixel = page->separate ? 1 : page->samples;
    int64_t samples = count * a_pixel, first = x0 * a_pixel;
    size_t size = nf_dtype_size(page->shape.dtype);
    const void *from = row + (size_t)first * nf_element_size(page->type);
    if (page->bits < 8) {
        unpack(row, first, samples, page, d->row[0]);
        from = d->row[0];
    }
    if (page->palette && look_up(d, page, from, count, cells))
        return NF_OK;
    if (page->palette)
        return nf_tiff_fail(&d->tiff, "its palette is missing");
    void *to = page->separate ? d->row[1] : cells;
    nf_element_decode((nf_element){page->type, false}, samples, from, to);
    if (page->inverted)
        invert(page->type, samples, to);
    if (page->separate)
        scatter(size, to, count, page->samples, (char *)cells + (size_t)plane * size);
    return NF_OK;
}

/* ---- boxes ---- */

/* What the threads share: the strips and tiles that a box needs, page by page. */
typedef struct job {
    tiff_reader *reader;
    const nf_box *box;
    char *cells;
    const ptrdiff_t *stride;
    int64_t *first; /* of each page's items, and the number of all behind them */
} job;

typedef struct item {
    int64_t page, block;
    int plane;
    nf_box part; /* of the box; planes as in the array */
} item;

static void span(const nf_tiff_page *page, const nf_box *box, int64_t lo[2], int64_t n[2])
{
    const int64_t extent[2] = {page->rows, page->columns};
    for (int d = 0; d < 2; d++) {
        lo[d] = box->lo[d + 1] / extent[d];
        n[d] = (box->hi[d + 1] - 1) / extent[d] + 1 - lo[d];
    }
}

static item item_at(const job *j, int64_t index)
{
    int64_t z = 0, end = nf_box_extent(j->box, 0), lo[2], n[2];
    while (end - z > 1) { /* first[z] <= index < first[end] */
        int64_t middle = (z + end) / 2;
        *(j->first[middle] <= index ? &z : &end) = middle;
    }
    const nf_tiff_page *page = &j->reader->pages[j->box->lo[0] + z];
    span(page, j->box, lo, n);
    int64_t i = index - j->first[z], row = lo[0] + i / n[1] % n[0], column = lo[1] + i % n[1];
    item it = {.page = j->box->lo[0] + z, .plane = (int)(i / (n[0] * n[1]))};
    it.block = (it.plane * page->down + row) * page->across + column;
    const nf_box block = {{it.page, row * page->rows, column * page->columns},
                          {it.page + 1, (row + 1) * page->rows, (column + 1) * page->columns}};
    it.part = nf_box_intersect(&block, j->box);
    return it;
}

static nf_status read_item(const job *j, decoder *d, const item *it)
{
    const nf_tiff_page *page = &j->reader->pages[it->page];
    nf_status status = NF_OK;
    if (d->page != it->page || d->block != it->block) {
        d->page = -1;
        status = decode_block(d, page, it->block);
    }
    if (status != NF_OK)
        return status;
    d->page = it->page;
    d->block = it->block;
    int64_t pitch = page->bytes / page->rows, count = nf_box_extent(&it->part, 2);
    int64_t x0 = it->part.lo[2] - it->block % page->across * page->columns;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(page->shape.dtype);
    for (int64_t y = it->part.lo[1]; y < it->part.hi[1] && status == NF_OK; y++) {
        ptrdiff_t at = (it->page - j->box->lo[0]) * j->stride[0] +
                       (y - j->box->lo[1]) * j->stride[1] +
                       (it->part.lo[2] - j->box->lo[2]) * j->stride[2];
        status = put_row(d, page, (const uint8_t *)d->cells + y % page->rows * pitch, x0, count,
                         it->plane, j->cells + at * size);
    }
    return status;
}

static void run_item(void *context, int thread, int64_t index)
{
    const job *j = context;
    decoder *d = j->reader->decoders[thread];
    item it = item_at(j, index);
    if (d->status != NF_OK)
        return;
    d->status = read_item(j, d, &it);
    if (d->status != NF_OK)
        snprintf(d->problem, sizeof d->problem, "%s", nf_message(d->status));
}

/* Whoever holds what the first item needs goes first: boxes that follow each other share blocks. */
static void reuse(const job *j)
{
    tiff_reader *reader = j->reader;
    item it = item_at(j, 0);
    for (int i = 1; i < reader->ndecoders; i++)
        if (reader->decoders[i]->page == it.page && reader->decoders[i]->block == it.block) {
            decoder *d = reader->decoders[i];
            reader->decoders[i] = reader->decoders[0];
            reader->decoders[0] = d;
            return;
        }
}

static nf_status decode_box(tiff_reader *reader, const nf_box *box, void *cells,
                            const ptrdiff_t stride[NF_DIMS])
{
    int64_t planes = nf_box_extent(box, 0), lo[2], n[2];
    job j = {reader, box, cells, stride, calloc((size_t)planes + 1, sizeof *j.first)};
    if (j.first == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory to read with", reader->name);
    for (int64_t z = 0; z < planes; z++) {
        const nf_tiff_page *page = &reader->pages[box->lo[0] + z];
        span(page, box, lo, n);
        j.first[z + 1] = j.first[z] + n[0] * n[1] * (page->separate ? page->samples : 1);
    }
    for (int i = 0; i < reader->ndecoders; i++)
        reader->decoders[i]->status = NF_OK;
    reuse(&j);
    int64_t items = j.first[planes];
    nf_team_run(items < reader->ndecoders ? (int)items : reader->ndecoders, items, run_item, &j);
    free(j.first);
    for (int i = 0; i < reader->ndecoders; i++)
        if (reader->decoders[i]->status != NF_OK)
            return nf_fail(reader->decoders[i]->status, "%s", reader->decoders[i]->problem);
    return NF_OK;
}

/* A plane whose pixels lie densely. */
static nf_status read_plane(const tiff_reader *reader, int64_t z, const nf_box *box, char *cells,
                            const ptrdiff_t stride[NF_DIMS])
{
    const nf_tiff_page *page = &reader->pages[z];
    const nf_raw raw = {reader->fd, reader->name, page->shape, page_layout(page)};
    nf_box plane = *box;
    plane.lo[0] = 0;
    plane.hi[0] = 1;
    ptrdiff_t at = (z - box->lo[0]) * stride[0] * (ptrdiff_t)nf_dtype_size(page->shape.dtype);
    return nf_raw_read(&raw, &plane, cells + at, stride);
}

nf_status nf_tiff_read(void *state, const nf_box *box, void *cells, const ptrdiff_t stride[NF_DIMS])
{
    tiff_reader *reader = state;
    bool dense = true;
    nf_status status = NF_OK;
    for (int64_t z = box->lo[0]; z < box->hi[0]; z++)
        dense = dense && reader->pages[z].dense >= 0;
    if (nf_box_empty(box))
        return NF_OK;
    if (!dense)
        return decode_box(reader, box, cells, stride);
    for (int64_t z = box->lo[0]; z < box->hi[0] && status == NF_OK; z++)
        status = read_plane(reader, z, box, cells, stride);
    return status;
}
