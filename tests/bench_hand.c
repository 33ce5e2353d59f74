#include "tests/bench_hand.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, TAG_UP = 1, TAG_DOWN = 2, TAG_ROW = 3 };

static int64_t share(int64_t count, int64_t i, int64_t parts)
{
    return count * i / parts;
}

static int64_t row_bytes(const hand_program *p)
{
    return p->layout.pitch * (int64_t)p->element;
}

/* ---- memory ---- */

/* Rows apart by one cache line more than they need: room for the element beyond each end, and rows
 * do not all fall into the same sets of the caches. */
static char *allocate(hand_program *p, int number)
{
    size_t bytes = (size_t)(row_bytes(p) * (p->mine + 2)) + 2 * LINE;
    if (posix_memalign(&p->memory[number], 4096, bytes) != 0) {
        p->memory[number] = NULL;
        return NULL;
    }
    return (char *)p->memory[number] + LINE + row_bytes(p);
}

static void touch(const hand_program *p, char *array, int64_t y, hand_fill *fill)
{
    char *row = array + y * row_bytes(p);
    memset(row - LINE, 0, (size_t)row_bytes(p));
    if (fill != NULL && y >= 0 && y < p->mine)
        fill(p->first + y, p->columns, row);
}

bool hand_create(hand_program *p, hand_fill *fill)
{
    p->first = share(p->rows, p->rank, p->size);
    p->mine = share(p->rows, p->rank + 1, p->size) - p->first;
    p->layout.columns = p->columns;
    p->layout.pitch =
        ((p->columns * (int64_t)p->element + LINE - 1) / LINE + 1) * LINE / (int64_t)p->element;
    p->layout.least = p->rank > 0 ? -1 : 0;
    p->layout.most = p->rank + 1 < p->size ? p->mine : p->mine - 1;
    p->in = allocate(p, 0);
    p->out = p->map != NULL ? allocate(p, 1) : NULL;
    p->spare = p->map != NULL && p->steps > 1 ? allocate(p, 2) : NULL;
    if (p->in == NULL || (p->map != NULL && (p->out == NULL || (p->steps > 1 && !p->spare))))
        return false;
#pragma omp parallel for schedule(static) num_threads(p->threads)
    for (int64_t y = 0; y < p->mine; y++) {
        touch(p, p->in, y, fill);
        if (p->out != NULL)
            touch(p, p->out, y, NULL);
        if (p->spare != NULL)
            touch(p, p->spare, y, NULL);
    }
    return true;
}

void hand_free(hand_program *p)
{
    for (int i = 0; i < 3; i++)
        free(p->memory[i]);
}

/* ---- maps ---- */

/* To and fro so that the last step writes `out`. */
static char *target(const hand_program *p, int64_t step)
{
    return (p->steps - step) % 2 != 0 ? p->out : p->spare;
}

static void map_serial(hand_program *p)
{
    const char *from = p->in;
    for (int64_t step = 0; step < p->steps; step++) {
        char *to = target(p, step);
        p->map(&p->layout, from, to, 0, p->mine);
        from = to;
    }
}

/* One parallel region for all steps. */
static void map_threads(hand_program *p)
{
#pragma omp parallel num_threads(p->threads)
    {
        int64_t me = omp_get_thread_num(), team = omp_get_num_threads();
        int64_t begin = share(p->mine, me, team), end = share(p->mine, me + 1, team);
        const char *from = p->in;
        for (int64_t step = 0; step < p->steps; step++) {
            char *to = target(p, step);
            p->map(&p->layout, from, to, begin, end);
            from = to;
#pragma omp barrier
        }
    }
}

/* Ghost rows into their place, own outermost rows from theirs; no buffers. */
static int exchange(const hand_program *p, char *array, MPI_Request request[4])
{
    int count = 0, bytes = (int)(p->columns * (int64_t)p->element);
    int64_t row = row_bytes(p);
    char *last = array + (p->mine - 1) * row;
    if (p->rank > 0) {
        MPI_Irecv(array - row, bytes, MPI_BYTE, p->rank - 1, TAG_DOWN, p->comm, &request[count++]);
        MPI_Isend(array, bytes, MPI_BYTE, p->rank - 1, TAG_UP, p->comm, &request[count++]);
    }
    if (p->rank + 1 < p->size) {
        MPI_Irecv(last + row, bytes, MPI_BYTE, p->rank + 1, TAG_UP, p->comm, &request[count++]);
        MPI_Isend(last, bytes, MPI_BYTE, p->rank + 1, TAG_DOWN, p->comm, &request[count++]);
    }
    return count;
}

/* Rows [begin, end) by all threads. */
static void map_rows(hand_program *p, const char *from, char *to, int64_t begin, int64_t end)
{
    if (p->threads == 1) {
        p->map(&p->layout, from, to, begin, end);
        return;
    }
#pragma omp parallel num_threads(p->threads)
    {
        int64_t me = omp_get_thread_num(), team = omp_get_num_threads();
        p->map(&p->layout, from, to, begin + share(end - begin, me, team),
               begin + share(end - begin, me + 1, team));
    }
}

/* The inner rows while the ghost rows are under way. */
static void map_ranks(hand_program *p)
{
    char *from = p->in;
    int64_t upper = p->rank > 0 ? 1 : 0, lower = p->rank + 1 < p->size ? p->mine - 1 : p->mine;
    for (int64_t step = 0; step < p->steps; step++) {
        MPI_Request request[4];
        char *to = target(p, step);
        int count = exchange(p, from, request);
        map_rows(p, from, to, upper, lower);
        MPI_Waitall(count, request, MPI_STATUSES_IGNORE);
        p->map(&p->layout, from, to, 0, upper);
        p->map(&p->layout, from, to, lower, p->mine);
        from = to;
    }
}

/* ---- sums ---- */

static void sum_all(hand_program *p)
{
    double sum = 0;
    if (p->threads == 1) {
        sum = p->sum(&p->layout, p->in, 0, p->mine);
    } else {
#pragma omp parallel num_threads(p->threads) reduction(+ : sum)
        {
            int64_t me = omp_get_thread_num(), team = omp_get_num_threads();
            sum +=
                p->sum(&p->layout, p->in, share(p->mine, me, team), share(p->mine, me + 1, team));
        }
    }
    p->total = sum;
    if (p->size > 1)
        MPI_Reduce(&sum, &p->total, 1, MPI_DOUBLE, MPI_SUM, 0, p->comm);
}

void hand_run(void *context)
{
    hand_program *p = context;
    if (p->sum != NULL)
        sum_all(p);
    else if (p->size > 1)
        map_ranks(p);
    else if (p->threads > 1)
        map_threads(p);
    else
        map_serial(p);
}

void hand_output_row(const hand_program *p, int64_t y, void *to)
{
    int owner = 0, bytes = (int)(p->columns * (int64_t)p->element);
    while (y >= share(p->rows, owner + 1, p->size))
        owner++;
    if (p->rank == owner) {
        const char *row = p->out + (y - p->first) * row_bytes(p);
        if (owner == 0)
            memcpy(to, row, (size_t)bytes);
        else
            MPI_Send(row, bytes, MPI_BYTE, 0, TAG_ROW, p->comm);
    } else if (p->rank == 0) {
        MPI_Recv(to, bytes, MPI_BYTE, owner, TAG_ROW, p->comm, MPI_STATUS_IGNORE);
    }
}
