/* mpi_halo.c - the exchange of ghost cells between ranks.
 *
 * In each dimension the interval that a block needs falls into pieces that one block owns each; a
 * box that is needed is one piece from each dimension. The receiver and the sender list the boxes
 * between them in the same order, so one message a pair of ranks holds them all, without a
 * description. */
#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/halo.h"
#include "drivers/engine/mpi_comm.h"

/* An interval of the receiver's ghost coordinates, the block along this dimension that owns it, and
 * how far its cells lie from there: owned index = ghost index + shift. */
typedef struct piece {
    int64_t lo, hi, shift;
    int owner;
} piece;

typedef struct pieces {
    piece *list;
    int count;
} pieces;

/* A box of the receiver's ghost cells, and where the sender finds it. */
typedef struct part {
    nf_box ghost;
    int64_t shift[NF_DIMS];
} part;

typedef struct message {
    int rank;
    part *parts;
    int count;
    size_t bytes;
    char *buffer;
} message;

typedef struct messages {
    message *list;
    int count;
    MPI_Request *requests;
} messages;

struct nf_exchange {
    MPI_Comm comm;
    nf_cut cut;
    messages in, out, self; /* self: at most one, copied without MPI */
};

/* ---- who needs what ---- */

static nf_cut line_of(const nf_cut *cut, int d)
{
    nf_cut line = {.shape = {.dim = {cut->shape.dim[d], 1, 1}},
                   .parts = {cut->parts[d], 1, 1},
                   .align = {cut->align[d], 1, 1}};
    return line;
}

/* Room for one more in a list of `count`: it doubles where count is a power of two. NULL: no
 * memory. */
static void *grow(void *list, int count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return list;
    return realloc(list, (count > 0 ? 2 * (size_t)count : 1) * size);
}

/* The pieces that block `index` along dimension d needs, in ascending order. */
static bool find_pieces(const nf_cut *cut, int d, int index, const nf_halo *halo, bool wrap,
                        pieces *found)
{
    nf_cut line = line_of(cut, d);
    nf_box own = nf_cut_block(&line, index);
    int64_t n = cut->shape.dim[d], end = own.hi[0] + halo->hi[d];
    *found = (pieces){NULL, 0};
    for (int64_t i = own.lo[0] - halo->lo[d]; i < end;) {
        int64_t at = wrap ? nf_border_index(i, n, NF_WRAP) : i;
        if (at < 0 || at >= n) {
            i = at < 0 ? 0 : end;
            continue;
        }
        int owner = 0;
        nf_box block;
        while (block = nf_cut_block(&line, owner), block.hi[0] <= at)
            owner++;
        int64_t length = block.hi[0] - at < end - i ? block.hi[0] - at : end - i;
        piece *list = grow(found->list, found->count, sizeof *list);
        if (list == NULL)
            return false;
        found->list = list;
        list[found->count++] = (piece){i, i + length, at - i, owner};
        i += length;
    }
    return true;
}

static void coordinates(const nf_cut *cut, int rank, int at[NF_DIMS])
{
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        at[d] = rank % cut->parts[d];
        rank /= cut->parts[d];
    }
}

static int rank_at(const nf_cut *cut, const int at[NF_DIMS])
{
    return (at[0] * cut->parts[1] + at[1]) * cut->parts[2] + at[2];
}

static message *message_for(messages *m, int rank)
{
    for (int i = 0; i < m->count; i++)
        if (m->list[i].rank == rank)
            return &m->list[i];
    message *list = grow(m->list, m->count, sizeof *list);
    if (list == NULL)
        return NULL;
    m->list = list;
    list[m->count] = (message){.rank = rank};
    return &list[m->count++];
}

static bool add_part(messages *m, int rank, const part *p, size_t cell_bytes)
{
    message *to = message_for(m, rank);
    if (to == NULL)
        return false;
    part *parts = grow(to->parts, to->count, sizeof *parts);
    if (parts == NULL)
        return false;
    to->parts = parts;
    parts[to->count++] = *p;
    to->bytes += (size_t)nf_box_cells(&p->ghost) * cell_bytes;
    return true;
}

static size_t cell_bytes(const nf_cut *cut)
{
    return (size_t)cut->shape.channels * nf_dtype_size(cut->shape.dtype);
}

/* Adds to `m` each box that the pieces span: all of them, under the rank that owns it (taker < 0); or those
 * that `giver` owns, under the taker. */
static bool add_boxes(const nf_cut *cut, const pieces needed[NF_DIMS], int giver, int taker,
                      messages *m)
{
    for (int a = 0; a < needed[0].count; a++) {
        for (int b = 0; b < needed[1].count; b++) {
            for (int c = 0; c < needed[2].count; c++) {
                const piece *p[NF_DIMS] = {&needed[0].list[a], &needed[1].list[b],
                                           &needed[2].list[c]};
                int at[NF_DIMS] = {p[0]->owner, p[1]->owner, p[2]->owner};
                int owner = rank_at(cut, at);
                if (taker >= 0 && owner != giver)
                    continue;
                part box;
                for (int d = 0; d < NF_DIMS; d++) {
                    box.ghost.lo[d] = p[d]->lo, box.ghost.hi[d] = p[d]->hi;
                    box.shift[d] = p[d]->shift;
                }
                if (!add_part(m, taker < 0 ? owner : taker, &box, cell_bytes(cut)))
                    return false;
            }
        }
    }
    return true;
}

static void free_pieces(pieces needed[NF_DIMS])
{
    for (int d = 0; d < NF_DIMS; d++)
        free(needed[d].list);
}

/* What block `rank` needs: pieces in each dimension. */
static bool needs_of(const nf_cut *cut, int rank, const nf_halo *halo, bool wrap,
                     pieces needed[NF_DIMS])
{
    int at[NF_DIMS];
    bool ok = true;
    coordinates(cut, rank, at);
    for (int d = 0; d < NF_DIMS; d++) {
        needed[d] = (pieces){NULL, 0};
        ok = ok && find_pieces(cut, d, at[d], halo, wrap, &needed[d]);
    }
    return ok;
}

static bool owns_any(const pieces *needed, int owner)
{
    for (int i = 0; i < needed->count; i++)
        if (needed->list[i].owner == owner)
            return true;
    return false;
}

/* The blocks along dimension d that need something of block `owner` along it. */
static int *takers_of(const nf_cut *cut, int d, int owner, const nf_halo *halo, bool wrap,
                      int *count)
{
    int *takers = malloc((size_t)cut->parts[d] * sizeof *takers);
    *count = 0;
    for (int index = 0; takers != NULL && index < cut->parts[d]; index++) {
        pieces needed;
        if (!find_pieces(cut, d, index, halo, wrap, &needed)) {
            free(needed.list);
            free(takers);
            return NULL;
        }
        if (owns_any(&needed, owner))
            takers[(*count)++] = index;
        free(needed.list);
    }
    return takers;
}

/* ---- building ---- */

static bool list_incoming(nf_exchange *ex, int rank, const nf_halo *halo, bool wrap)
{
    pieces needed[NF_DIMS];
    bool ok = needs_of(&ex->cut, rank, halo, wrap, needed) &&
              add_boxes(&ex->cut, needed, rank, -1, &ex->in);
    free_pieces(needed);
    return ok;
}

static bool list_outgoing(nf_exchange *ex, int rank, const nf_halo *halo, bool wrap)
{
    int at[NF_DIMS], count[NF_DIMS] = {0}, *takers[NF_DIMS] = {NULL};
    bool ok = true;
    coordinates(&ex->cut, rank, at);
    for (int d = 0; d < NF_DIMS && ok; d++)
        ok = (takers[d] = takers_of(&ex->cut, d, at[d], halo, wrap, &count[d])) != NULL;
    for (int a = 0; ok && a < count[0]; a++) {
        for (int b = 0; ok && b < count[1]; b++) {
            for (int c = 0; ok && c < count[2]; c++) {
                int to_at[NF_DIMS] = {takers[0][a], takers[1][b], takers[2][c]};
                int to = rank_at(&ex->cut, to_at);
                pieces needed[NF_DIMS];
                ok = needs_of(&ex->cut, to, halo, wrap, needed) &&
                     (to == rank || add_boxes(&ex->cut, needed, rank, to, &ex->out));
                free_pieces(needed);
            }
        }
    }
    for (int d = 0; d < NF_DIMS; d++)
        free(takers[d]);
    return ok;
}

/* Takes this rank's own boxes out of what comes in; but for wrapped ones they are in place already.
 */
static bool split_self(nf_exchange *ex, int rank)
{
    bool ok = true;
    for (int i = 0; i < ex->in.count; i++) {
        message m = ex->in.list[i];
        if (m.rank != rank)
            continue;
        for (int p = 0; p < m.count && ok; p++) {
            const int64_t *shift = m.parts[p].shift;
            if (shift[0] || shift[1] || shift[2])
                ok = add_part(&ex->self, rank, &m.parts[p], cell_bytes(&ex->cut));
        }
        free(m.parts);
        ex->in.list[i] = ex->in.list[--ex->in.count];
        break;
    }
    return ok;
}

static nf_status allocate(messages *m)
{
    m->requests = malloc((size_t)(m->count + 1) * sizeof *m->requests);
    if (m->requests == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for halo messages");
    for (int i = 0; i < m->count; i++) {
        m->requests[i] = MPI_REQUEST_NULL;
        if (m->list[i].bytes > INT_MAX)
            return nf_fail(NF_ERR_SHAPE,
                           "a halo message of %zu bytes is over 2 GiB; use more ranks",
                           m->list[i].bytes);
        m->list[i].buffer = malloc(m->list[i].bytes);
        if (m->list[i].buffer == NULL)
            return nf_fail(NF_ERR_MEMORY, "no memory for a halo of %zu bytes", m->list[i].bytes);
    }
    return NF_OK;
}

nf_status nf_exchange_create(const nf_world *world, const nf_cut *cut, const nf_halo *halo,
                             bool wrap, nf_exchange **exchange)
{
    nf_exchange *ex = *exchange = calloc(1, sizeof *ex);
    if (ex == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for halo messages");
    ex->cut = *cut;
    if (world->comm != NULL)
        ex->comm = world->comm->mpi;
    nf_box own = nf_cut_block(cut, world->rank);
    if (nf_box_empty(&own) || nf_halo_none(halo))
        return NF_OK;
    if (!list_incoming(ex, world->rank, halo, wrap) || !split_self(ex, world->rank) ||
        !list_outgoing(ex, world->rank, halo, wrap))
        return nf_fail(NF_ERR_MEMORY, "no memory for halo messages");
    nf_status status = allocate(&ex->in);
    return status == NF_OK ? allocate(&ex->out) : status;
}

static void free_messages(messages *m)
{
    for (int i = 0; i < m->count; i++) {
        free(m->list[i].parts);
        free(m->list[i].buffer);
    }
    free(m->list);
    free(m->requests);
}

void nf_exchange_free(nf_exchange *ex)
{
    if (ex == NULL)
        return;
    free_messages(&ex->in);
    free_messages(&ex->out);
    free_messages(&ex->self);
    free(ex);
}

/* ---- exchanging ---- */

typedef struct box_copy {
    int64_t extent[NF_DIMS];
    ptrdiff_t dense[NF_DIMS];
} box_copy;

static box_copy copy_of(const nf_box *box, int channels)
{
    box_copy copy;
    nf_box_extents(box, copy.extent);
    nf_dense_strides(copy.extent, channels, copy.dense);
    return copy;
}

static const void *owned_cells(const nf_field *field, const part *p)
{
    int64_t cell[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        cell[d] = p->ghost.lo[d] + p->shift[d];
    return nf_field_at(field, cell);
}

static void pack(const nf_field *field, const message *m)
{
    const nf_shape *shape = &field->cut.shape;
    char *to = m->buffer;
    for (int i = 0; i < m->count; i++) {
        box_copy copy = copy_of(&m->parts[i].ghost, shape->channels);
        nf_copy_box(copy.extent, shape->channels, shape->dtype, to, copy.dense,
                    owned_cells(field, &m->parts[i]), field->stride);
        to += (size_t)nf_box_cells(&m->parts[i].ghost) * cell_bytes(&field->cut);
    }
}

static void unpack(nf_field *field, const message *m)
{
    const nf_shape *shape = &field->cut.shape;
    const char *from = m->buffer;
    for (int i = 0; i < m->count; i++) {
        box_copy copy = copy_of(&m->parts[i].ghost, shape->channels);
        nf_copy_box(copy.extent, shape->channels, shape->dtype,
                    nf_field_at(field, m->parts[i].ghost.lo), field->stride, from, copy.dense);
        from += (size_t)nf_box_cells(&m->parts[i].ghost) * cell_bytes(&field->cut);
    }
}

void nf_exchange_begin(nf_exchange *ex, const nf_field *field)
{
    for (int i = 0; i < ex->in.count; i++) {
        message *m = &ex->in.list[i];
        MPI_Irecv(m->buffer, (int)m->bytes, MPI_BYTE, m->rank, NF_TAG_HALO, ex->comm,
                  &ex->in.requests[i]);
    }
    for (int i = 0; i < ex->out.count; i++) {
        message *m = &ex->out.list[i];
        pack(field, m);
        MPI_Isend(m->buffer, (int)m->bytes, MPI_BYTE, m->rank, NF_TAG_HALO, ex->comm,
                  &ex->out.requests[i]);
    }
}

void nf_exchange_end(nf_exchange *ex, nf_field *field)
{
    for (int s = 0; s < ex->self.count; s++) {
        const message *m = &ex->self.list[s];
        for (int i = 0; i < m->count; i++) {
            box_copy copy = copy_of(&m->parts[i].ghost, field->cut.shape.channels);
            nf_copy_box(copy.extent, field->cut.shape.channels, field->cut.shape.dtype,
                        nf_field_at(field, m->parts[i].ghost.lo), field->stride,
                        owned_cells(field, &m->parts[i]), field->stride);
        }
    }
    for (int left = ex->in.count; left > 0; left--) {
        int i;
        MPI_Waitany(ex->in.count, ex->in.requests, &i, MPI_STATUS_IGNORE);
        unpack(field, &ex->in.list[i]);
    }
    if (ex->out.count > 0)
        MPI_Waitall(ex->out.count, ex->out.requests, MPI_STATUSES_IGNORE);
}

void nf_exchange_received(const nf_exchange *ex, int64_t *bytes, int *senders)
{
    *bytes = 0;
    *senders = ex->in.count;
    for (int i = 0; i < ex->in.count; i++)
        *bytes += (int64_t)ex->in.list[i].bytes;
}

bool nf_exchange_is_local(const nf_exchange *ex)
{
    return ex->in.count == 0 && ex->out.count == 0;
}
