/* field.h - an array spread over the ranks of a world: each holds one block, with room for a halo.
 */
#ifndef NF_FIELD_H
#define NF_FIELD_H

#include "drivers/engine/shape.h"
#include "drivers/engine/world.h"

/* How a shape is cut into blocks: parts[d] nearly equal intervals in dimension d. Rank r < product
 * of parts holds block r in C order; other ranks hold nothing. The cut depends on shape and ranks
 * only. */
typedef struct nf_cut {
    nf_shape shape;
    int parts[NF_DIMS];
    int64_t align[NF_DIMS]; /* block boundaries are multiples of this, >= 1 */
} nf_cut;

/* The cut into `ranks` blocks, or as many as there can be, whose busiest block exchanges its halo
 * soonest: by the bytes that it receives, the rows that they are copied in, and its neighbours
 * (ties: the slowest dimension first). halo may be none: then whole planes or rows. align NULL: 1.
 * Never more parts than aligned cells. */
nf_cut nf_cut_choose(const nf_shape *shape, int ranks, const nf_halo *halo,
                     const int64_t align[NF_DIMS]);

/* The cut into grid[d] parts in dimension d. NF_ERR_USAGE: a grid that has not as many parts as there
 * are ranks, or more in a dimension than aligned cells. */
nf_status nf_cut_given(const nf_shape *shape, int ranks, const int grid[NF_DIMS],
                       const int64_t align[NF_DIMS], nf_cut *cut);

int nf_cut_blocks(const nf_cut *cut);             /* how many there are */
nf_box nf_cut_block(const nf_cut *cut, int rank); /* empty beyond the last block */
/* The cells [*lo, *hi) of the blocks that are number `index` along dimension d; and, the inverse,
 * which blocks along it hold a cell inside the array. */
void nf_cut_interval(const nf_cut *cut, int d, int index, int64_t *lo, int64_t *hi);
int nf_cut_owner(const nf_cut *cut, int d, int64_t cell);

typedef struct nf_field {
    nf_cut cut;
    nf_box own;                /* this rank's block; may be empty */
    nf_halo ghost;             /* allocated ghost cells around it */
    ptrdiff_t stride[NF_DIMS]; /* elements from a cell to the next in each dimension */
    void *memory;              /* the allocation, aligned to 64 bytes, or to 2 MiB from that size
                                  on; NULL if own is empty */
    char *origin;              /* the element of cell own.lo, channel 0 */
} nf_field;

/* Memory aligned to 64 bytes; a large block in huge pages, where the system has them: touching it first
 * is several times faster. For free; NULL when memory is exhausted. */
void *nf_block_alloc(size_t bytes);

/* Allocates this rank's block; not collective (agree on the status afterwards). Contents undefined;
 * memory is not touched, so that the thread that writes first places it. */
nf_status nf_field_create(nf_field *field, const nf_cut *cut, int rank, const nf_halo *ghost);
/* The same of a box of the array that is nobody's block; `own` may then be set to other boxes that are
 * not larger in any dimension. */
nf_status nf_field_create_box(nf_field *field, const nf_shape *shape, const nf_box *own,
                              const nf_halo *ghost);
/* Bytes that it allocates, as far as they may become resident. */
size_t nf_field_bytes(const nf_shape *shape, const nf_box *own, const nf_halo *ghost);
void nf_field_free(nf_field *field);

/* The address of a cell, by global index; own and ghost cells. */
void *nf_field_at(const nf_field *field, const int64_t cell[NF_DIMS]);

/* Collective. Rows [y0, y1) of plane z in full width, dense, between rank 0's buffer and all
 * blocks: scatter fills the fields' own cells from `rows`, gather collects them into it. `rows` is
 * used on rank 0 only. */
nf_status nf_scatter_rows(const nf_world *world, nf_field *field, int64_t z, int64_t y0, int64_t y1,
                          const void *rows);
nf_status nf_gather_rows(const nf_world *world, const nf_field *field, int64_t z, int64_t y0,
                         int64_t y1, void *rows);

/* Copies a box of elements between two strided places. Strides in elements of `dtype`. */
void nf_copy_box(const int64_t extent[NF_DIMS], int channels, nf_dtype dtype, void *to,
                 const ptrdiff_t to_stride[NF_DIMS], const void *from,
                 const ptrdiff_t from_stride[NF_DIMS]);

#endif
