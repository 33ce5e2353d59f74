/* mpi_halo.c - the exchange of ghost cells between ranks, by messages or through shared memory.
 *
 * What goes to one rank is packed into one buffer. Between nodes it is sent by persistent requests.
 * On a node the sender packs into the receiver's inbox, which has two halves that are used in turn,
 * and says so by a counter; the receiver unpacks, and says so by another. A sender is therefore never
 * more than two exchanges ahead of its receiver, and hardly ever waits for it. */
#include <mpi.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "drivers/engine/halo.h"
#include "drivers/engine/halo_list.h"
#include "drivers/engine/mpi_comm.h"

/* The head of a rank's inbox for another one; the two halves follow. */
typedef struct inbox {
    alignas(64) _Atomic uint64_t sent;  /* exchanges that are packed here */
    alignas(64) _Atomic uint64_t taken; /* and that are unpacked */
} inbox;

/* One side of a message. */
typedef struct lane {
    const nf_bundle *bundle;
    char *buffer;       /* packed cells; NULL where there is an inbox */
    inbox *box;         /* in shared memory; NULL: MPI messages */
    int64_t box_offset; /* of the inbox in the node's shared memory */
    int first, chunks;  /* its requests among all: as many as it has MPI messages */
    int left;           /* of them, still to come */
} lane;

typedef struct lanes {
    lane *list;
    int count;
    int shared; /* that go through an inbox */
    MPI_Request *requests;
    lane **of; /* a request's lane */
    int nrequests;
} lanes;

struct nf_exchange {
    MPI_Comm comm;
    nf_halo_lists lists;
    lanes in, out;
    uint64_t turn; /* exchanges begun */
    bool prepared; /* there are requests */
    nf_segment segment;
};

/* ---- making ---- */

static nf_status make_lanes(const nf_bundles *messages, lanes *all)
{
    size_t requests = 0;
    all->list = calloc((size_t)messages->count + 1, sizeof *all->list);
    if (all->list == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for halo messages");
    for (; all->count < messages->count; all->count++) {
        lane *l = &all->list[all->count];
        l->bundle = &messages->list[all->count];
        l->buffer = malloc(l->bundle->bytes);
        l->chunks = (int)((l->bundle->bytes - 1) / nf_mpi_chunk + 1);
        requests += (size_t)l->chunks;
        if (l->buffer == NULL)
            return nf_fail(NF_ERR_MEMORY, "no memory for a halo of %zu bytes", l->bundle->bytes);
    }
    all->requests = malloc((requests + 1) * sizeof *all->requests);
    all->of = malloc((requests + 1) * sizeof *all->of);
    if (all->requests == NULL || all->of == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu halo messages", requests);
    return NF_OK;
}

nf_status nf_exchange_create(const nf_world *world, const nf_cut *cut, const nf_halo *halo,
                             bool wrap, nf_exchange **exchange)
{
    nf_exchange *ex = *exchange = calloc(1, sizeof *ex);
    if (ex == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for halo messages");
    if (world->comm != NULL)
        ex->comm = world->comm->mpi;
    nf_status status = nf_halo_lists_make(cut, world->rank, halo, wrap, &ex->lists);
    if (status == NF_OK)
        status = make_lanes(&ex->lists.in, &ex->in);
    return status == NF_OK ? make_lanes(&ex->lists.out, &ex->out) : status;
}

static void free_lanes(lanes *all)
{
    for (int i = 0; i < all->nrequests; i++)
        MPI_Request_free(&all->requests[i]);
    for (int i = 0; i < all->count; i++)
        free(all->list[i].buffer);
    free(all->list);
    free(all->requests);
    free(all->of);
}

void nf_exchange_free(nf_exchange *ex)
{
    if (ex == NULL)
        return;
    free_lanes(&ex->in);
    free_lanes(&ex->out);
    nf_segment_free(&ex->segment);
    nf_halo_lists_free(&ex->lists);
    free(ex);
}

void nf_exchange_peers(const nf_exchange *ex, unsigned char *bits)
{
    const nf_bundles *const sides[] = {&ex->lists.in, &ex->lists.out};
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < sides[side]->count; i++) {
            int rank = sides[side]->list[i].rank;
            bits[rank / 8] |= (unsigned char)(1u << rank % 8);
        }
}

bool nf_exchange_is_local(const nf_exchange *ex)
{
    return ex->in.count == 0 && ex->out.count == 0;
}

nf_traffic nf_exchange_traffic(const nf_exchange *ex)
{
    nf_traffic t = {.messages = ex->in.count, .shared = ex->in.shared};
    for (int i = 0; i < ex->in.count; i++) {
        const nf_bundle *m = ex->in.list[i].bundle;
        t.bytes += (int64_t)m->bytes;
        for (size_t p = 0; p < m->count; p++)
            t.cells += nf_box_cells(&m->parts[p].ghost);
    }
    return t;
}

/* ---- inboxes ---- */

static size_t half_bytes(const lane *l)
{
    return (l->bundle->bytes + 63) / 64 * 64;
}

static char *half_of(const lane *l, uint64_t turn)
{
    return (char *)(l->box + 1) + turn % 2 * half_bytes(l);
}

/* Which lanes can use shared memory: those to ranks of this node, and with NFOLD_SHARED=n only to
 * those of the same n of them. Marks them by box_offset = 0, others by -1. */
static void find_neighbours(const nf_world *world, MPI_Comm node, lanes *all)
{
    const char *setting = getenv("NFOLD_SHARED");
    int most = setting != NULL ? atoi(setting) : 0, self;
    MPI_Group world_group, here;
    MPI_Comm_group(world->comm->mpi, &world_group);
    MPI_Comm_group(node, &here);
    MPI_Group_rank(here, &self);
    for (int i = 0; i < all->count; i++) {
        int rank;
        MPI_Group_translate_ranks(world_group, 1, &all->list[i].bundle->rank, here, &rank);
        bool near = rank != MPI_UNDEFINED;
        if (near && setting != NULL)
            near = most > 0 && rank / most == self / most;
        all->list[i].box_offset = near ? 0 : -1;
        all->shared += near;
    }
    MPI_Group_free(&world_group);
    MPI_Group_free(&here);
}

/* Gives each incoming lane of the node its place in this rank's part. Returns the part's bytes. */
static size_t place_inboxes(lanes *in)
{
    size_t used = 0;
    for (int i = 0; i < in->count; i++) {
        if (in->list[i].box_offset < 0)
            continue;
        in->list[i].box_offset = (int64_t)used;
        used += sizeof(inbox) + 2 * half_bytes(&in->list[i]);
    }
    return used;
}

/* Receivers tell senders where their inboxes are. */
static void tell_places(nf_exchange *ex)
{
    int received = 0, sent = 0;
    for (int i = 0; i < ex->out.count; i++) {
        lane *l = &ex->out.list[i];
        if (l->box_offset >= 0)
            MPI_Irecv(&l->box_offset, 1, MPI_INT64_T, l->bundle->rank, NF_TAG_HALO, ex->comm,
                      &ex->out.requests[received++]);
    }
    for (int i = 0; i < ex->in.count; i++) {
        lane *l = &ex->in.list[i];
        if (l->box_offset < 0)
            continue;
        l->box_offset += (int64_t)ex->segment.mine;
        MPI_Isend(&l->box_offset, 1, MPI_INT64_T, l->bundle->rank, NF_TAG_HALO, ex->comm,
                  &ex->in.requests[sent++]);
    }
    MPI_Waitall(received, ex->out.requests, MPI_STATUSES_IGNORE);
    MPI_Waitall(sent, ex->in.requests, MPI_STATUSES_IGNORE);
}

static void use_inboxes(const nf_exchange *ex, lanes *all)
{
    for (int i = 0; i < all->count; i++) {
        lane *l = &all->list[i];
        if (l->box_offset < 0)
            continue;
        free(l->buffer);
        l->buffer = NULL;
        l->box = (inbox *)(void *)(ex->segment.memory + l->box_offset);
    }
}

void nf_exchange_connect(const nf_world *world, nf_exchange *ex)
{
    if (world->comm == NULL)
        return;
    MPI_Comm node = nf_comm_node(world->comm);
    find_neighbours(world, node, &ex->in);
    find_neighbours(world, node, &ex->out);
    if (nf_segment_create(node, place_inboxes(&ex->in), &ex->segment) != NF_OK) {
        ex->in.shared = ex->out.shared = 0;
        return;
    }
    tell_places(ex);
    use_inboxes(ex, &ex->in);
    use_inboxes(ex, &ex->out);
}

/* ---- messages ---- */

static void prepare_lanes(const nf_exchange *ex, lanes *all, bool send)
{
    for (int i = 0; i < all->count; i++) {
        lane *l = &all->list[i];
        size_t bytes = l->bundle->bytes;
        if (l->box != NULL)
            continue;
        l->first = all->nrequests;
        for (size_t done = 0; done < bytes; done += nf_mpi_chunk) {
            char *chunk = l->buffer + done;
            int count = nf_chunk_at(done, bytes), rank = l->bundle->rank;
            MPI_Request *request = &all->requests[all->nrequests];
            all->of[all->nrequests++] = l;
            if (send)
                MPI_Send_init(chunk, count, MPI_BYTE, rank, NF_TAG_HALO, ex->comm, request);
            else
                MPI_Recv_init(chunk, count, MPI_BYTE, rank, NF_TAG_HALO, ex->comm, request);
        }
    }
}

/* ---- packing ---- */

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

static const void *owned_cells(const nf_field *field, const nf_part *p)
{
    int64_t cell[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        cell[d] = p->ghost.lo[d] + p->shift[d];
    return nf_field_at(field, cell);
}

static size_t part_bytes(const nf_shape *shape, const nf_part *p)
{
    return (size_t)(nf_box_cells(&p->ghost) * shape->channels) * nf_dtype_size(shape->dtype);
}

static void pack(const nf_field *field, const nf_bundle *m, char *to)
{
    const nf_shape *shape = &field->cut.shape;
    for (size_t i = 0; i < m->count; i++) {
        box_copy copy = copy_of(&m->parts[i].ghost, shape->channels);
        nf_copy_box(copy.extent, shape->channels, shape->dtype, to, copy.dense,
                    owned_cells(field, &m->parts[i]), field->stride);
        to += part_bytes(shape, &m->parts[i]);
    }
}

static void unpack(nf_field *field, const nf_bundle *m, const char *from)
{
    const nf_shape *shape = &field->cut.shape;
    for (size_t i = 0; i < m->count; i++) {
        box_copy copy = copy_of(&m->parts[i].ghost, shape->channels);
        nf_copy_box(copy.extent, shape->channels, shape->dtype,
                    nf_field_at(field, m->parts[i].ghost.lo), field->stride, from, copy.dense);
        from += part_bytes(shape, &m->parts[i]);
    }
}

static void copy_own(nf_field *field, const nf_bundles *own)
{
    const nf_shape *shape = &field->cut.shape;
    for (int s = 0; s < own->count; s++) {
        const nf_bundle *m = &own->list[s];
        for (size_t i = 0; i < m->count; i++) {
            box_copy copy = copy_of(&m->parts[i].ghost, shape->channels);
            nf_copy_box(copy.extent, shape->channels, shape->dtype,
                        nf_field_at(field, m->parts[i].ghost.lo), field->stride,
                        owned_cells(field, &m->parts[i]), field->stride);
        }
    }
}

/* ---- exchanging ---- */

/* Any call makes MPI go on. */
static void let_mpi_go_on(const nf_exchange *ex)
{
    int rank, found;
    MPI_Comm_rank(ex->comm, &rank);
    MPI_Iprobe(rank, NF_TAG_NEVER, ex->comm, &found, MPI_STATUS_IGNORE);
}

void nf_exchange_advance(const nf_exchange *ex)
{
    if (ex->in.nrequests + ex->out.nrequests > 0)
        let_mpi_go_on(ex);
}

/* Waiting: a few looks, which take no longer than handing over the processor does, then others of
 * this processor's ranks have their turn. MPI must go on meanwhile: a rank of another node may wait
 * for what this one is sending. */
static void wait_a_little(const nf_exchange *ex, int *looks)
{
    enum { LOOKS = 30 };
    if (++*looks < LOOKS)
        return;
    let_mpi_go_on(ex);
    sched_yield();
}

static void post(nf_exchange *ex, const nf_field *field, lane *l)
{
    for (int looks = 0; atomic_load_explicit(&l->box->taken, memory_order_acquire) + 2 < ex->turn;)
        wait_a_little(ex, &looks);
    pack(field, l->bundle, half_of(l, ex->turn));
    atomic_store_explicit(&l->box->sent, ex->turn, memory_order_release);
}

static bool take(nf_exchange *ex, nf_field *field, lane *l)
{
    if (atomic_load_explicit(&l->box->taken, memory_order_relaxed) == ex->turn ||
        atomic_load_explicit(&l->box->sent, memory_order_acquire) < ex->turn)
        return false;
    unpack(field, l->bundle, half_of(l, ex->turn));
    atomic_store_explicit(&l->box->taken, ex->turn, memory_order_release);
    return true;
}

void nf_exchange_begin(nf_exchange *ex, const nf_field *field)
{
    if (!ex->prepared) {
        prepare_lanes(ex, &ex->in, false);
        prepare_lanes(ex, &ex->out, true);
        ex->prepared = true;
    }
    ex->turn++;
    if (ex->in.nrequests > 0)
        MPI_Startall(ex->in.nrequests, ex->in.requests);
    for (int i = 0; i < ex->out.count; i++) {
        lane *l = &ex->out.list[i];
        if (l->box != NULL)
            continue;
        pack(field, l->bundle, l->buffer);
        MPI_Startall(l->chunks, &ex->out.requests[l->first]);
    }
    for (int i = 0; i < ex->out.count; i++)
        if (ex->out.list[i].box != NULL)
            post(ex, field, &ex->out.list[i]);
}

static void end_shared(nf_exchange *ex, nf_field *field)
{
    int looks = 0;
    for (int left = ex->in.shared; left > 0;) {
        bool any = false;
        for (int i = 0; i < ex->in.count; i++) {
            if (ex->in.list[i].box == NULL || !take(ex, field, &ex->in.list[i]))
                continue;
            any = true;
            left--;
        }
        if (any)
            looks = 0;
        else
            wait_a_little(ex, &looks);
    }
}

static void end_messages(nf_exchange *ex, nf_field *field)
{
    for (int i = 0; i < ex->in.count; i++)
        ex->in.list[i].left = ex->in.list[i].chunks;
    for (int left = ex->in.nrequests; left > 0; left--) {
        int i;
        MPI_Waitany(ex->in.nrequests, ex->in.requests, &i, MPI_STATUS_IGNORE);
        lane *l = ex->in.of[i];
        if (--l->left == 0)
            unpack(field, l->bundle, l->buffer);
    }
    if (ex->out.nrequests > 0)
        MPI_Waitall(ex->out.nrequests, ex->out.requests, MPI_STATUSES_IGNORE);
}

void nf_exchange_end(nf_exchange *ex, nf_field *field)
{
    copy_own(field, &ex->lists.own);
    end_shared(ex, field);
    end_messages(ex, field);
}
