#include "drivers/engine/field.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 1 << 21 };

void *nf_block_alloc(size_t bytes)
{
    void *memory;
    if (posix_memalign(&memory, bytes >= HUGE_PAGE ? HUGE_PAGE : 64, bytes) != 0)
        return NULL;
    if (bytes >= HUGE_PAGE)
        madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

/* Sets the strides of a block that is not empty; its bytes, ghost cells included. */
static size_t lay_out(nf_field *field)
{
    nf_box all = nf_box_grow(&field->own, &field->ghost);
    size_t size = nf_dtype_size(field->cut.shape.dtype);
    ptrdiff_t line = (ptrdiff_t)(64 / size); /* elements of a cache line */
    field->stride[2] = field->cut.shape.channels;
    field->stride[1] = nf_box_extent(&all, 2) * field->cut.shape.channels;
    if (nf_box_extent(&all, 1) > 1)
        field->stride[1] = (field->stride[1] + line - 1) / line * line;
    /* Rows a multiple of a page apart share few sets of the first-level cache. */
    if ((size_t)field->stride[1] * size % 4096 == 0)
        field->stride[1] += line;
    field->stride[0] = field->stride[1] * nf_box_extent(&all, 1);
    return (size_t)(field->stride[0] * nf_box_extent(&all, 0)) * size;
}

static nf_status allocate(nf_field *field)
{
    if (nf_box_empty(&field->own))
        return NF_OK;
    size_t bytes = lay_out(field), size = nf_dtype_size(field->cut.shape.dtype);
    const int *ghost = field->ghost.lo;
    /* A line to spare before: the first own cell of each row starts a cache line. */
    ptrdiff_t line = (ptrdiff_t)(64 / size), before = 0;
    for (int d = 0; d < NF_DIMS; d++)
        before += ghost[d] * field->stride[d];
    ptrdiff_t pad = (line - before % line) % line;
    field->memory = nf_block_alloc(bytes + 64);
    if (field->memory == NULL) {
        char text[NF_SHAPE_TEXT];
        return nf_fail(NF_ERR_MEMORY, "no memory for a block of %zu MiB of an array of %s",
                       bytes >> 20, nf_shape_text(&field->cut.shape, text));
    }
    field->origin = (char *)field->memory + (size_t)(pad + before) * size;
    return NF_OK;
}

nf_status nf_field_create(nf_field *field, const nf_cut *cut, int rank, const nf_halo *ghost)
{
    *field = (nf_field){.cut = *cut, .own = nf_cut_block(cut, rank), .ghost = *ghost};
    return allocate(field);
}

static nf_field boxed(const nf_shape *shape, const nf_box *own, const nf_halo *ghost)
{
    return (nf_field){.cut = {.shape = *shape, .parts = {1, 1, 1}, .align = {1, 1, 1}},
                      .own = *own,
                      .ghost = *ghost};
}

nf_status nf_field_create_box(nf_field *field, const nf_shape *shape, const nf_box *own,
                              const nf_halo *ghost)
{
    *field = boxed(shape, own, ghost);
    return allocate(field);
}

size_t nf_field_bytes(const nf_shape *shape, const nf_box *own, const nf_halo *ghost)
{
    nf_field field = boxed(shape, own, ghost);
    size_t bytes = nf_box_empty(own) ? 0 : lay_out(&field) + 64;
    return nf_round_up(bytes, bytes >= HUGE_PAGE ? HUGE_PAGE : 4096);
}

void nf_field_free(nf_field *field)
{
    free(field->memory);
    *field = (nf_field){.memory = NULL};
}

void *nf_field_at(const nf_field *field, const int64_t cell[NF_DIMS])
{
    ptrdiff_t offset = 0;
    for (int d = 0; d < NF_DIMS; d++)
        offset += (cell[d] - field->own.lo[d]) * field->stride[d];
    return field->origin + offset * (ptrdiff_t)nf_dtype_size(field->cut.shape.dtype);
}

/* Rows of at least WIDTH bytes and at most twice that: two copies of fixed size, which may overlap.
 * Halo columns are many such rows, and a call for each would take longer than they do. */
#define COPY_SHORT_ROWS(WIDTH)                                                                     \
    for (int64_t y = 0; y < rows; y++) {                                                           \
        char first[WIDTH], last[WIDTH];                                                            \
        memcpy(first, from + y * from_stride, WIDTH);                                              \
        memcpy(last, from + y * from_stride + row - WIDTH, WIDTH);                                 \
        memcpy(to + y * to_stride, first, WIDTH);                                                  \
        memcpy(to + y * to_stride + row - WIDTH, last, WIDTH);                                     \
    }

/* `rows` rows of `row` bytes, the strides in bytes. */
static void copy_rows(int64_t rows, ptrdiff_t row, char *to, ptrdiff_t to_stride, const char *from,
                      ptrdiff_t from_stride)
{
    if (row >= 4 && row <= 8) {
        COPY_SHORT_ROWS(4)
    } else if (row > 8 && row <= 16) {
        COPY_SHORT_ROWS(8)
    } else if (row > 16 && row <= 32) {
        COPY_SHORT_ROWS(16)
    } else if (row > 32 && row <= 64) {
        COPY_SHORT_ROWS(32)
    } else {
        for (int64_t y = 0; y < rows; y++)
            memcpy(to + y * to_stride, from + y * from_stride, (size_t)row);
    }
}

void nf_copy_box(const int64_t extent[NF_DIMS], int channels, nf_dtype dtype, void *to,
                 const ptrdiff_t to_stride[NF_DIMS], const void *from,
                 const ptrdiff_t from_stride[NF_DIMS])
{
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(dtype);
    for (int64_t z = 0; z < extent[0]; z++)
        copy_rows(extent[1], extent[2] * channels * size, (char *)to + z * to_stride[0] * size,
                  to_stride[1] * size, (const char *)from + z * from_stride[0] * size,
                  from_stride[1] * size);
}

/* ---- rows to and from rank 0 ---- */

typedef struct row_band {
    nf_box box; /* full width rows of one plane */
    char *rows; /* dense; rank 0 only */
} row_band;

static nf_box band_of(const nf_field *field, const row_band *band, int rank)
{
    nf_box block = nf_cut_block(&field->cut, rank);
    return nf_box_intersect(&block, &band->box);
}

static void dense_strides(const nf_box *box, int channels, ptrdiff_t stride[NF_DIMS])
{
    int64_t extent[NF_DIMS];
    nf_box_extents(box, extent);
    nf_dense_strides(extent, channels, stride);
}

/* One rank's part of the band, between the band's rows and `piece` (dense, or the field itself). */
static void copy_part(const nf_field *field, const row_band *band, const nf_box *part, void *piece,
                      const ptrdiff_t piece_stride[NF_DIMS], bool to_piece)
{
    const nf_shape *shape = &field->cut.shape;
    ptrdiff_t stride[NF_DIMS];
    dense_strides(&band->box, shape->channels, stride);
    int64_t extent[NF_DIMS];
    ptrdiff_t offset = 0;
    nf_box_extents(part, extent);
    for (int d = 0; d < NF_DIMS; d++)
        offset += (part->lo[d] - band->box.lo[d]) * stride[d];
    char *rows = band->rows + offset * (ptrdiff_t)nf_dtype_size(shape->dtype);
    if (to_piece)
        nf_copy_box(extent, shape->channels, shape->dtype, piece, piece_stride, rows, stride);
    else
        nf_copy_box(extent, shape->channels, shape->dtype, rows, stride, piece, piece_stride);
}

static size_t part_bytes(const nf_field *field, const nf_box *part)
{
    const nf_shape *shape = &field->cut.shape;
    return (size_t)(nf_box_cells(part) * shape->channels) * nf_dtype_size(shape->dtype);
}

/* Rank 0's side: its own part directly, every other rank's through a dense buffer. */
static void serve_band(const nf_world *world, const nf_field *field, const row_band *band,
                       bool scatter, void *buffer)
{
    for (int rank = 0; rank < world->size; rank++) {
        nf_box part = band_of(field, band, rank);
        if (nf_box_empty(&part))
            continue;
        if (rank == 0) {
            copy_part(field, band, &part, nf_field_at(field, part.lo), field->stride, scatter);
            continue;
        }
        ptrdiff_t stride[NF_DIMS];
        dense_strides(&part, field->cut.shape.channels, stride);
        if (scatter) {
            copy_part(field, band, &part, buffer, stride, true);
            nf_send(world, buffer, part_bytes(field, &part), rank);
        } else {
            nf_receive(world, buffer, part_bytes(field, &part), rank);
            copy_part(field, band, &part, buffer, stride, false);
        }
    }
}

/* The other ranks' side. */
static void take_part(const nf_world *world, const nf_field *field, const nf_box *part,
                      bool scatter, void *buffer)
{
    const nf_shape *shape = &field->cut.shape;
    ptrdiff_t stride[NF_DIMS];
    int64_t extent[NF_DIMS];
    dense_strides(part, shape->channels, stride);
    nf_box_extents(part, extent);
    void *cells = nf_field_at(field, part->lo);
    if (scatter) {
        nf_receive(world, buffer, part_bytes(field, part), 0);
        nf_copy_box(extent, shape->channels, shape->dtype, cells, field->stride, buffer, stride);
    } else {
        nf_copy_box(extent, shape->channels, shape->dtype, buffer, stride, cells, field->stride);
        nf_send(world, buffer, part_bytes(field, part), 0);
    }
}

static nf_status move_rows(const nf_world *world, const nf_field *field, const row_band *band,
                           bool scatter)
{
    nf_box mine = band_of(field, band, world->rank);
    size_t bytes = world->rank == 0 ? part_bytes(field, &band->box) : part_bytes(field, &mine);
    void *buffer = NULL;
    nf_status status = NF_OK;
    if (world->size > 1) {
        buffer = malloc(bytes > 0 ? bytes : 1);
        if (buffer == NULL)
            status = nf_fail(NF_ERR_MEMORY, "no memory for %zu bytes of rows", bytes);
        status = nf_agree(world, status);
    }
    if (status == NF_OK && world->rank == 0)
        serve_band(world, field, band, scatter, buffer);
    else if (status == NF_OK && !nf_box_empty(&mine))
        take_part(world, field, &mine, scatter, buffer);
    free(buffer);
    return status;
}

static row_band band_at(const nf_field *field, int64_t z, int64_t y0, int64_t y1, void *rows)
{
    row_band band = {{{z, y0, 0}, {z + 1, y1, field->cut.shape.dim[2]}}, rows};
    return band;
}

nf_status nf_scatter_rows(const nf_world *world, nf_field *field, int64_t z, int64_t y0, int64_t y1,
                          const void *rows)
{
    row_band band = band_at(field, z, y0, y1, (void *)(uintptr_t)rows); /* only read from */
    return move_rows(world, field, &band, true);
}

nf_status nf_gather_rows(const nf_world *world, const nf_field *field, int64_t z, int64_t y0,
                         int64_t y1, void *rows)
{
    row_band band = band_at(field, z, y0, y1, rows);
    return move_rows(world, field, &band, false);
}
