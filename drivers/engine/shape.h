/* shape.h - boxes of cells, halos, and how indices beyond an edge are resolved. Pure arithmetic. */
#ifndef NF_SHAPE_H
#define NF_SHAPE_H

#include "kernels/kernel.h"

/* A half-open box of global cell indices: lo <= index < hi in each dimension. */
typedef struct nf_box {
    int64_t lo[NF_DIMS], hi[NF_DIMS];
} nf_box;

nf_box nf_box_whole(const nf_shape *shape);
bool nf_box_empty(const nf_box *box);
int64_t nf_box_extent(const nf_box *box, int d);
void nf_box_extents(const nf_box *box, int64_t extent[NF_DIMS]);
int64_t nf_box_cells(const nf_box *box); /* 0 if empty */
nf_box nf_box_intersect(const nf_box *a, const nf_box *b);
nf_box nf_box_grow(const nf_box *box, const nf_halo *halo);
bool nf_box_contains(const nf_box *outer, const nf_box *inner);

bool nf_halo_none(const nf_halo *halo);
nf_halo nf_halo_sum(const nf_halo *a, const nf_halo *b);

static inline size_t nf_round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Bytes of a cell: all its channels. */
size_t nf_cell_bytes(const nf_shape *shape);

/* Strides, in elements, of cells stored densely in C order. */
void nf_dense_strides(const int64_t extent[NF_DIMS], int channels, ptrdiff_t stride[NF_DIMS]);

int64_t nf_shape_cells(const nf_shape *shape);
int64_t nf_shape_elements(const nf_shape *shape); /* cells * channels */
size_t nf_shape_bytes(const nf_shape *shape);
bool nf_shape_equal(const nf_shape *a, const nf_shape *b);

/* Fails with NF_ERR_SHAPE unless every extent is at least 1, channels are 1 to 4, and the size in
 * bytes fits in 62 bits. `what` begins the message. */
nf_status nf_shape_check(const nf_shape *shape, const char *what);

/* "512x389x3 u8", "1000000 f64": extents that the array has, channels if more than one, type. */
enum { NF_SHAPE_TEXT = 96 };
const char *nf_shape_text(const nf_shape *shape, char text[NF_SHAPE_TEXT]);

/* The index in [0, n) that index i (any integer) stands for under a border; -1 for NF_CONSTANT
 * outside. As scipy.ndimage: also right where |i| exceeds n. n >= 1. */
int64_t nf_border_index(int64_t i, int64_t n, nf_border border);

#endif
