/* cost_send.c - what it costs to move an array from one process to another. */
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/moves.h"
#include "drivers/engine/team.h"
#include "drivers/study/costs.h"

enum { LINE = 64, TRIPS = 100, PATIENCE = 1000 };

const char *const nf_sending_names[NF_SENDING_WAYS] = {
    "contiguous", "derived datatype", "packed", "shared memory, copied", "shared memory, in place"};

/* Each rank has a flag that it sets and the other one waits for. */
struct nf_sending_memory {
    alignas(LINE) atomic_ullong sent;
    alignas(LINE) atomic_ullong seen;
    alignas(LINE) uint64_t cells[]; /* [rows][width] */
};

size_t nf_sending_shared_bytes(int64_t rows, int64_t width)
{
    return sizeof(struct nf_sending_memory) + (size_t)(rows * width) * sizeof(uint64_t);
}

size_t nf_sending_bytes(int64_t rows, int64_t columns, int64_t width)
{
    return (size_t)(rows * (columns + width)) * sizeof(uint64_t);
}

nf_status nf_sending_create(nf_sending *s, void *memory)
{
    const nf_moves one = {.nin = 1};
    size_t all = (size_t)(s->rows * s->columns), block = (size_t)(s->rows * s->width);
    s->memory = memory;
    s->serial = s->wrong = 0;
    s->array = malloc(all * sizeof *s->array);
    s->dense = malloc(block * sizeof *s->dense);
    s->requests = malloc(nf_move_requests(&one));
    bool fine = s->array != NULL && s->dense != NULL && s->requests != NULL;
    if (fine) { /* touched, too; what rank 1 must not get differs from what it has */
        memset(s->array, s->gauge->part->rank == 0 ? 1 : 0, all * sizeof *s->array);
        memset(s->dense, 0, block * sizeof *s->dense);
    }
    if (memory != NULL && s->gauge->part->rank == 0) {
        atomic_store(&s->memory->sent, 0);
        atomic_store(&s->memory->seen, 0);
    }
    return nf_agree(s->gauge->part,
                    fine ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for an array that is sent"));
}

void nf_sending_free(nf_sending *s)
{
    free(s->array);
    free(s->dense);
    free(s->requests);
    *s = (nf_sending){.memory = NULL};
}

/* ---- contents ---- */

/* What follows from the sample and the cell's place, is no 0, and all the more not what it was. */
static uint64_t content(uint64_t serial, int64_t place)
{
    return serial * 0x9e3779b97f4a7c15 + (uint64_t)place;
}

static bool is_strided(nf_sending_way way)
{
    return way == NF_DERIVED || way == NF_PACKED;
}

/* The dense cells that the way sends from (rank 0) or receives in (rank 1). */
static uint64_t *dense_cells(const nf_sending *s, nf_sending_way way)
{
    bool common = way == NF_IN_PLACE || (way == NF_COPIED && s->gauge->part->rank == 0);
    return common ? s->memory->cells : s->dense;
}

static void fill(nf_sending *s, nf_sending_way way)
{
    bool strided = is_strided(way);
    uint64_t *cells = strided ? s->array + s->first : dense_cells(s, way);
    int64_t stride = strided ? s->columns : s->width;
    for (int64_t y = 0; y < s->rows; y++)
        for (int64_t x = 0; x < s->width; x++)
            cells[y * stride + x] = content(s->serial, y * s->width + x);
}

static uint64_t count_wrong(const nf_sending *s, nf_sending_way way)
{
    bool strided = is_strided(way);
    const uint64_t *cells = strided ? s->array : dense_cells(s, way);
    int64_t first = strided ? s->first : 0, columns = strided ? s->columns : s->width;
    uint64_t wrong = 0;
    for (int64_t y = 0; y < s->rows; y++) {
        const uint64_t *row = cells + y * columns;
        for (int64_t x = 0; x < first; x++)
            wrong += row[x] != 0;
        for (int64_t x = 0; x < s->width; x++)
            wrong += row[first + x] != content(s->serial, y * s->width + x);
        for (int64_t x = first + s->width; x < columns; x++)
            wrong += row[x] != 0;
    }
    return wrong;
}

/* ---- the ways ---- */

static void move_dense(const nf_sending *s, uint64_t *cells)
{
    size_t bytes = (size_t)(s->rows * s->width) * sizeof *cells;
    if (s->gauge->part->rank == 0)
        nf_send(s->gauge->part, cells, bytes, 1);
    else
        nf_receive(s->gauge->part, cells, bytes, 0);
}

static void move_derived(const nf_sending *s)
{
    nf_move move = {.rank = 1 - s->gauge->part->rank,
                    .box = {{0, 0, s->first}, {1, s->rows, s->first + s->width}}};
    nf_patch patch = {.box = {{0}, {1, s->rows, s->columns}},
                      .origin = (char *)s->array,
                      .stride = {s->rows * s->columns, s->columns, 1},
                      .channels = 1,
                      .dtype = NF_F64};
    bool sends = s->gauge->part->rank == 0;
    nf_moves moves = {.in = &move, .out = &move, .nin = !sends, .nout = sends};
    nf_move_boxes(s->gauge->part, &moves, &patch, &patch, s->requests);
}

static void move_packed(const nf_sending *s)
{
    size_t bytes = (size_t)s->width * sizeof *s->dense;
    bool sends = s->gauge->part->rank == 0;
    for (int64_t y = 0; sends && y < s->rows; y++)
        memcpy(s->dense + y * s->width, s->array + y * s->columns + s->first, bytes);
    move_dense(s, s->dense);
    for (int64_t y = 0; !sends && y < s->rows; y++)
        memcpy(s->array + y * s->columns + s->first, s->dense + y * s->width, bytes);
}

/* Gives way now and then: the other rank may have no core of its own. */
static void await(atomic_ullong *flag, uint64_t value)
{
    for (int i = 1; atomic_load_explicit(flag, memory_order_acquire) != value; i++)
        if (i % PATIENCE == 0)
            sched_yield();
}

/* `trips` flags there, and all but the last one back. */
static void hand_over(const nf_sending *s, uint64_t trips)
{
    uint64_t first = s->serial * TRIPS;
    for (uint64_t i = first; i < first + trips; i++) {
        if (s->gauge->part->rank == 0) {
            atomic_store_explicit(&s->memory->sent, i, memory_order_release);
            if (i + 1 < first + trips)
                await(&s->memory->seen, i);
        } else {
            await(&s->memory->sent, i);
            if (i + 1 < first + trips)
                atomic_store_explicit(&s->memory->seen, i, memory_order_release);
        }
    }
}

static void move(const nf_sending *s, nf_sending_way way)
{
    switch (way) {
    case NF_CONTIGUOUS:
        move_dense(s, s->dense);
        break;
    case NF_DERIVED:
        move_derived(s);
        break;
    case NF_PACKED:
        move_packed(s);
        break;
    case NF_COPIED:
        hand_over(s, 1);
        if (s->gauge->part->rank == 1)
            memcpy(s->dense, s->memory->cells, (size_t)(s->rows * s->width) * sizeof *s->dense);
        break;
    case NF_IN_PLACE:
        hand_over(s, TRIPS);
        break;
    case NF_SENDING_WAYS:
        break;
    }
}

double nf_sending_run(nf_sending *s, nf_sending_way way)
{
    const nf_world *pair = s->gauge->part;
    s->serial++;
    if (pair->rank == 0)
        fill(s, way);
    double start = nf_gauge_start(s->gauge);
    move(s, way);
    double end = pair->rank == 1 ? nf_seconds() : start;
    double seconds = nf_gauge_stop(s->gauge, start, end);
    s->wrong += nf_sum_u64(pair, pair->rank == 1 ? count_wrong(s, way) : 0);
    return way == NF_IN_PLACE ? seconds / (2 * TRIPS - 1) : seconds;
}

/* ---- the cost ---- */

static double take(void *context)
{
    nf_sending *s = context;
    return nf_sending_run(s, s->way);
}

void nf_cost_send(nf_sending *s, nf_sending_way way, nf_cost *cost)
{
    const nf_gauge *g = s->gauge;
    s->way = way;
    s->wrong = 0;
    *cost = (nf_cost){.kind = NF_COST_SEND,
                      .what = (char *)(uintptr_t)nf_sending_names[way],
                      .unit = (char *)(uintptr_t) "s",
                      .ranks = g->part->size,
                      .threads = 1,
                      .nodes = g->nodes,
                      .amount = (double)(s->rows * s->width) * (double)sizeof(uint64_t)};
    nf_gauge_sample(g, take, s, cost);
    cost->valid = s->wrong == 0;
}
