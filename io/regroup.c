#include "io/regroup.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/moves.h"

int64_t nf_regroup_bytes = 32 << 20;

/* ---- rounds: boxes of whole chunks, one after the other ---- */

static int64_t divided(int64_t n, int64_t by)
{
    return (n + by - 1) / by;
}

/* The extents, multiples of `step`, of boxes of at most so many bytes, but one chunk at least, in which
 * a larger box is worked through: full ones from the last dimension on. */
static void round_extents(const nf_box *all, const int64_t step[NF_DIMS], int64_t cell_bytes,
                          int64_t limit, int64_t extent[NF_DIMS])
{
    int64_t bytes = cell_bytes * step[0] * step[1] * step[2];
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        int64_t chunks = divided(nf_box_extent(all, d), step[d]), fit = limit / bytes;
        fit = fit < 1 ? 1 : fit < chunks ? fit : chunks;
        extent[d] = fit * step[d];
        bytes = fit < chunks ? limit + 1 : bytes * fit; /* no more in the dimensions before */
    }
}

static int64_t round_count(const nf_box *all, const int64_t extent[NF_DIMS])
{
    int64_t count = 1;
    for (int d = 0; d < NF_DIMS; d++)
        count *= divided(nf_box_extent(all, d), extent[d]);
    return nf_box_empty(all) ? 0 : count;
}

/* The i-th box of them; empty if there are fewer. */
static nf_box round_box(const nf_box *all, const int64_t extent[NF_DIMS], int64_t i)
{
    nf_box box = {{0, 0, 0}, {0, 0, 0}};
    if (i >= round_count(all, extent))
        return box;
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        int64_t count = divided(nf_box_extent(all, d), extent[d]);
        box.lo[d] = all->lo[d] + i % count * extent[d];
        box.hi[d] = box.lo[d] + extent[d] < all->hi[d] ? box.lo[d] + extent[d] : all->hi[d];
        i /= count;
    }
    return box;
}

/* Collective. One box of this rank's, or none. */
static nf_status write_box(const nf_world *world, nf_array_writer *writer, const nf_box *box,
                           const void *cells, const ptrdiff_t stride[NF_DIMS])
{
    nf_pack *pack = NULL;
    nf_status status = NF_OK;
    if (!nf_box_empty(box))
        status = nf_array_pack(writer, box, cells, stride, &pack);
    status = nf_agree(world, status);
    if (status == NF_OK)
        status = nf_array_place(world, writer, pack);
    if (status != NF_OK) {
        nf_array_drop(pack);
        return status;
    }
    return nf_agree(world, pack != NULL ? nf_array_store(writer, pack) : NF_OK);
}

/* ---- blocks of whole chunks ---- */

static bool aligned(const nf_cut *cut, const int64_t step[NF_DIMS])
{
    for (int d = 0; d < NF_DIMS; d++)
        for (int i = 1; i < cut->parts[d]; i++) {
            int64_t lo, hi;
            nf_cut_interval(cut, d, i, &lo, &hi);
            if (lo % step[d] != 0)
                return false;
        }
    return true;
}

static nf_status write_own(const nf_world *world, nf_array_writer *writer, const nf_field *field,
                           const int64_t step[NF_DIMS], const nf_watch *watch)
{
    int64_t extent[NF_DIMS], rounds = 0;
    int64_t cell = (int64_t)nf_cell_bytes(&field->cut.shape);
    nf_status status = NF_OK;
    for (int rank = 0; rank < nf_cut_blocks(&field->cut); rank++) {
        nf_box block = nf_cut_block(&field->cut, rank);
        round_extents(&block, step, cell, nf_regroup_bytes, extent);
        int64_t count = round_count(&block, extent);
        rounds = count > rounds ? count : rounds;
    }
    if (!nf_box_empty(&field->own))
        round_extents(&field->own, step, cell, nf_regroup_bytes, extent);
    for (int64_t i = 0; i < rounds && status == NF_OK; i++) {
        nf_box box = round_box(&field->own, extent, i);
        const void *cells = nf_box_empty(&box) ? NULL : nf_field_at(field, box.lo);
        status = write_box(world, writer, &box, cells, field->stride);
        nf_watch_show(watch, (double)(i + 1), (double)rounds);
    }
    return status;
}

/* ---- blocks that chunks straddle ---- */

/* The chunks of a round's box that a rank writes: shares along the dimension with the most chunks. */
static nf_box share_of(const nf_box *round, const int64_t step[NF_DIMS], int rank, int ranks)
{
    int most = 0;
    for (int d = 1; d < NF_DIMS; d++)
        if (divided(nf_box_extent(round, d), step[d]) >
            divided(nf_box_extent(round, most), step[most]))
            most = d;
    int64_t chunks = divided(nf_box_extent(round, most), step[most]);
    nf_box share = *round;
    share.lo[most] = round->lo[most] + chunks * rank / ranks * step[most];
    int64_t end = round->lo[most] + chunks * (rank + 1) / ranks * step[most];
    share.hi[most] = end < round->hi[most] ? end : round->hi[most];
    return share;
}

/* A buffer for this rank's share of each round, and what comes and goes. */
typedef struct regroup {
    const nf_field *field;
    int64_t step[NF_DIMS], extent[NF_DIMS];
    nf_moves moves;
    void *requests, *cells;
} regroup;

static void regroup_free(regroup *r)
{
    free(r->moves.in);
    free(r->moves.out);
    free(r->requests);
    free(r->cells);
}

static nf_status regroup_create(const nf_world *world, const nf_field *field, regroup *r)
{
    const nf_shape *shape = &field->cut.shape;
    nf_box all = nf_box_whole(shape);
    size_t ranks = (size_t)world->size, cell = nf_cell_bytes(shape), most = 0;
    r->field = field;
    round_extents(&all, r->step, (int64_t)cell, (int64_t)ranks * nf_regroup_bytes, r->extent);
    nf_box first = round_box(&all, r->extent, 0);
    for (int rank = 0; rank < world->size; rank++) { /* no round's shares are larger */
        nf_box share = share_of(&first, r->step, rank, world->size);
        size_t bytes = (size_t)nf_box_cells(&share) * cell;
        most = bytes > most ? bytes : most;
    }
    r->moves = (nf_moves){.in = calloc(ranks, sizeof *r->moves.in),
                          .out = calloc(ranks, sizeof *r->moves.out),
                          .nin = world->size,
                          .nout = world->size};
    r->requests = malloc(nf_move_requests(&r->moves) + 1);
    r->cells = nf_block_alloc(most);
    if (r->moves.in != NULL && r->moves.out != NULL && r->requests != NULL && r->cells != NULL)
        return NF_OK;
    return nf_fail(NF_ERR_MEMORY, "no memory for chunks of %zu MiB that come from other ranks",
                   most >> 20);
}

static void add_move(nf_move *moves, int *count, int rank, const nf_box *a, const nf_box *b)
{
    nf_box box = nf_box_intersect(a, b);
    if (!nf_box_empty(&box))
        moves[(*count)++] = (nf_move){rank, box};
}

/* What this rank has and others write, and the reverse. */
static void list_moves(const nf_world *world, regroup *r, const nf_box *round, const nf_box *mine)
{
    r->moves.nin = r->moves.nout = 0;
    for (int rank = 0; rank < world->size; rank++) {
        nf_box block = nf_cut_block(&r->field->cut, rank);
        nf_box share = share_of(round, r->step, rank, world->size);
        if (rank == world->rank)
            continue;
        add_move(r->moves.in, &r->moves.nin, rank, &block, mine);
        add_move(r->moves.out, &r->moves.nout, rank, &r->field->own, &share);
    }
}

/* Collective. The cells of this rank's share, from all ranks that have some. */
static void collect(const nf_world *world, regroup *r, const nf_box *round, const nf_patch *share)
{
    const nf_shape *shape = &r->field->cut.shape;
    nf_patch own = {.box = r->field->own,
                    .origin = r->field->origin,
                    .channels = shape->channels,
                    .dtype = shape->dtype};
    memcpy(own.stride, r->field->stride, sizeof own.stride);
    nf_box kept = nf_box_intersect(&own.box, &share->box);
    int64_t extent[NF_DIMS];
    nf_box_extents(&kept, extent);
    if (!nf_box_empty(&kept))
        nf_copy_box(extent, shape->channels, shape->dtype, nf_patch_at(share, kept.lo),
                    share->stride, nf_patch_at(&own, kept.lo), own.stride);
    list_moves(world, r, round, &share->box);
    nf_move_boxes(world, &r->moves, &own, share, r->requests);
}

static nf_status write_round(const nf_world *world, nf_array_writer *writer, regroup *r,
                             const nf_box *round)
{
    const nf_shape *shape = &r->field->cut.shape;
    nf_patch share = {.box = share_of(round, r->step, world->rank, world->size),
                      .origin = r->cells,
                      .channels = shape->channels,
                      .dtype = shape->dtype};
    int64_t extent[NF_DIMS];
    nf_box_extents(&share.box, extent);
    nf_dense_strides(extent, shape->channels, share.stride);
    collect(world, r, round, &share);
    return write_box(world, writer, &share.box, r->cells, share.stride);
}

static nf_status write_moved(const nf_world *world, nf_array_writer *writer, const nf_field *field,
                             const int64_t step[NF_DIMS], const nf_watch *watch)
{
    regroup r = {.cells = NULL};
    nf_box all = nf_box_whole(&field->cut.shape);
    memcpy(r.step, step, sizeof r.step);
    nf_status status = nf_agree(world, regroup_create(world, field, &r));
    int64_t rounds = round_count(&all, r.extent);
    for (int64_t i = 0; i < rounds && status == NF_OK; i++) {
        nf_box round = round_box(&all, r.extent, i);
        status = write_round(world, writer, &r, &round);
        nf_watch_show(watch, (double)(i + 1), (double)rounds);
    }
    regroup_free(&r);
    return status;
}

nf_status nf_regroup_write(const nf_world *world, nf_array_writer *writer, const nf_field *field,
                           const nf_watch *watch)
{
    int64_t step[NF_DIMS];
    nf_array_step(writer, step);
    return (aligned(&field->cut, step) ? write_own : write_moved)(world, writer, field, step,
                                                                  watch);
}
