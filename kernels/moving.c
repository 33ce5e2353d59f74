#include "kernels/moving.h"

#include <string.h>

nf_moving *nf_moving_make(nf_setup *setup)
{
    nf_moving *moving = setup->alloc(setup, sizeof *moving);
    if (moving == NULL)
        return NULL;
    *moving = (nf_moving){
        .axis = {0, 1, 2}, .step = {1, 1, 1}, .element = nf_dtype_size(setup->in.dtype)};
    setup->config = moving;
    return moving;
}

void nf_moving_turn(nf_moving *moving, const nf_setup *setup, int d)
{
    moving->first[d] += moving->step[d] * (setup->out.dim[d] - 1);
    moving->step[d] = -moving->step[d];
}

void nf_moving_source(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                      int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS])
{
    const nf_moving *m = config;
    for (int d = 0; d < NF_DIMS; d++) {
        int64_t a = m->first[d] + m->step[d] * lo[d], b = m->first[d] + m->step[d] * (hi[d] - 1);
        from_lo[m->axis[d]] = a < b ? a : b;
        from_hi[m->axis[d]] = (a < b ? b : a) + 1;
    }
}

double nf_moving_reference(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                           int channel)
{
    const nf_moving *m = config;
    int64_t to[NF_DIMS] = {z, y, x}, from[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        from[m->axis[d]] = m->first[d] + m->step[d] * to[d];
    return in->at(in, from[0], from[1], from[2], channel);
}

/* A plane of cells of `bytes` each; strides in bytes, those along a row of the output `bytes`. */
typedef struct plane {
    char *to;
    const char *from;
    ptrdiff_t to_down, from_down, from_along;
    int64_t rows, columns;
} plane;

/* Piece by piece, so that what lies next to each other in memory is read or written while it is in
 * cache. */
static inline __attribute__((always_inline)) void move_plane(const plane *p, const size_t bytes)
{
    enum { PIECE = 32 };
    for (int64_t y0 = 0; y0 < p->rows; y0 += PIECE) {
        int64_t y1 = p->rows - y0 < PIECE ? p->rows : y0 + PIECE;
        for (int64_t x0 = 0; x0 < p->columns; x0 += PIECE) {
            int64_t x1 = p->columns - x0 < PIECE ? p->columns : x0 + PIECE;
            for (int64_t y = y0; y < y1; y++) {
                char *to = p->to + y * p->to_down;
                const char *from = p->from + y * p->from_down;
                for (int64_t x = x0; x < x1; x++)
                    memcpy(to + (size_t)x * bytes, from + x * p->from_along, bytes);
            }
        }
    }
}

static void copy_rows(const plane *p, size_t bytes)
{
    for (int64_t y = 0; y < p->rows; y++)
        memcpy(p->to + y * p->to_down, p->from + y * p->from_down, (size_t)p->columns * bytes);
}

static void move(const plane *p, size_t bytes)
{
    if (p->from_along == (ptrdiff_t)bytes) {
        copy_rows(p, bytes);
        return;
    }
    switch (bytes) {
    case 1:
        move_plane(p, 1);
        break;
    case 2:
        move_plane(p, 2);
        break;
    case 3:
        move_plane(p, 3);
        break;
    case 4:
        move_plane(p, 4);
        break;
    case 8:
        move_plane(p, 8);
        break;
    default:
        move_plane(p, bytes);
        break;
    }
}

void nf_moving_apply(const nf_tile *tile, const void *config, void *partial)
{
    const nf_moving *m = config;
    ptrdiff_t element = (ptrdiff_t)m->element, along[NF_DIMS], first = 0;
    (void)partial;
    for (int d = 0; d < NF_DIMS; d++) {
        int from = m->axis[d];
        int64_t begin = m->first[d] + m->step[d] * tile->lo[d];
        along[d] = m->step[d] * tile->in_stride[from] * element;
        first += (begin - tile->in_lo[from]) * tile->in_stride[from] * element;
    }
    for (int64_t z = 0; z < tile->size[0]; z++) {
        plane p = {.to = (char *)tile->out + z * tile->out_stride[0] * element,
                   .from = (const char *)tile->in + first + z * along[0],
                   .to_down = tile->out_stride[1] * element,
                   .from_down = along[1],
                   .from_along = along[2],
                   .rows = tile->size[1],
                   .columns = tile->size[2]};
        move(&p, (size_t)(tile->channels * element));
    }
}
