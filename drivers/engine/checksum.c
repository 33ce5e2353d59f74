#include "drivers/engine/checksum.h"

#include "drivers/engine/results.h"
#include "drivers/engine/team.h"

enum { PIECE_CELLS = 1 << 16 /* that one thread adds at a time */ };

nf_status nf_checksum_begin(nf_checksum *checksum, const nf_shape *shape)
{
    *checksum = (nf_checksum){.sum = 0};
    nf_status status = nf_chain_parse("checksum", &checksum->chain);
    return status == NF_OK ? nf_chain_prepare(&checksum->chain, shape) : status;
}

void nf_checksum_free(nf_checksum *checksum)
{
    nf_chain_free(&checksum->chain);
}

/* A box, dealt out in pieces of rows of one plane or, where rows are long, of one row. */
typedef struct adding {
    nf_checksum *checksum;
    const nf_box *box;
    const char *cells;
    const ptrdiff_t *stride;
    int64_t step[NF_DIMS], pieces[NF_DIMS]; /* cells of a piece; pieces along a dimension */
} adding;

static void add_piece(void *context, int thread, int64_t item)
{
    const adding *a = context;
    const nf_stage *stage = &a->checksum->chain.stages[0];
    const nf_shape *shape = &stage->setup.in;
    nf_tile tile = {.channels = shape->channels};
    ptrdiff_t offset = 0;
    (void)thread;
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        int64_t at = item % a->pieces[d] * a->step[d], room = nf_box_extent(a->box, d) - at;
        item /= a->pieces[d];
        tile.lo[d] = a->box->lo[d] + at;
        tile.size[d] = room < a->step[d] ? room : a->step[d];
        tile.in_stride[d] = a->stride[d];
        offset += at * a->stride[d];
    }
    tile.in = a->cells + offset * (ptrdiff_t)nf_dtype_size(shape->dtype);
    uint64_t partial = 0;
    stage->kernel->apply[shape->dtype](&tile, stage->setup.config, &partial);
    a->checksum->sum += partial;
}

void nf_checksum_add(nf_checksum *checksum, const nf_box *box, const void *cells,
                     const ptrdiff_t stride[NF_DIMS], int threads)
{
    adding a = {.checksum = checksum, .box = box, .cells = cells, .stride = stride};
    int64_t items = 1, columns = nf_box_extent(box, 2);
    if (nf_box_empty(box))
        return;
    a.step[0] = 1;
    a.step[1] = columns < PIECE_CELLS ? PIECE_CELLS / columns : 1;
    a.step[2] = columns < PIECE_CELLS ? columns : PIECE_CELLS;
    for (int d = 0; d < NF_DIMS; d++) {
        a.pieces[d] = (nf_box_extent(box, d) + a.step[d] - 1) / a.step[d];
        items *= a.pieces[d];
    }
    nf_team_run(threads, items, add_piece, &a);
}

uint64_t nf_checksum_value(const nf_world *world, const nf_checksum *checksum)
{
    const nf_stage *stage = &checksum->chain.stages[0];
    uint64_t sum = nf_sum_u64(world, checksum->sum);
    nf_results results;
    nf_results_init(&results);
    stage->kernel->finish(&sum, stage->setup.config, &results.sink);
    return results.numbers[0].low;
}
