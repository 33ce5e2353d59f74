#include "drivers/study/ceilings.h"

#include <hwloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/cores.h"
#include "drivers/engine/team.h"
#include "drivers/study/roof_rows.h"
#include "drivers/study/stats.h"

enum { REPEATS = 7, ROUND_TRIPS = 100, LONG_MESSAGE = 4 << 20 };
static const double least_seconds = 5e-3; /* of a repetition of arithmetic */

/* ---- arrays ---- */

/* Last-level caches of this machine. */
static int count_caches(void)
{
    hwloc_topology_t topology;
    int n = 0;
    if (hwloc_topology_init(&topology) != 0)
        return 1;
    if (hwloc_topology_load(topology) == 0)
        n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_L3CACHE);
    hwloc_topology_destroy(topology);
    return n > 0 ? n : 1;
}

/* Elements of one array on this machine: beyond the caches, and all three within a quarter of
 * memory. */
static int64_t choose_elements(int workers)
{
    int64_t cache = (int64_t)nf_caches_find().l3, caches = count_caches();
    int64_t memory = (int64_t)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t bytes = 4 * (cache > 0 ? cache : 16 << 20) * (workers < caches ? workers : caches);
    bytes = bytes > 32 << 20 ? bytes : 32 << 20;
    bytes = bytes < memory / 12 ? bytes : memory / 12;
    return bytes / (int64_t)sizeof(double);
}

/* ---- one quantity ---- */

/* What the threads of this rank do. */
typedef struct roof {
    const nf_roof_rows *rows;
    double *array[3]; /* this rank's, `n` elements each */
    int64_t n, rounds;
    int threads;
    double sink; /* what must be used */
} roof;

typedef struct share {
    double *array[3];
    int64_t n;
} share;

static share share_of(const roof *r, int64_t t)
{
    int64_t first = nf_team_first(r->n, r->threads, t);
    share s = {.n = nf_team_first(r->n, r->threads, t + 1) - first};
    for (int a = 0; a < 3; a++)
        s.array[a] = r->array[a] + first;
    return s;
}

static void touch(void *context, int thread, int64_t item)
{
    share s = share_of(context, item);
    (void)thread;
    for (int a = 0; a < 3; a++)
        for (int64_t i = 0; i < s.n; i++)
            s.array[a][i] = a + 1;
}

static void do_read(void *context, int thread, int64_t item)
{
    roof *r = context;
    share s = share_of(r, item);
    uint64_t sum = r->rows->read((const uint64_t *)(const void *)s.array[0], s.n);
    if (thread == 0)
        r->sink += (double)sum;
}

static void do_copy(void *context, int thread, int64_t item)
{
    roof *r = context;
    share s = share_of(r, item);
    (void)thread;
    r->rows->copy((uint64_t *)(void *)s.array[0], (const uint64_t *)(const void *)s.array[1], s.n);
}

static void do_triad(void *context, int thread, int64_t item)
{
    roof *r = context;
    share s = share_of(r, item);
    (void)thread;
    r->rows->triad(s.array[0], s.array[1], s.array[2], 3, s.n);
}

static void do_f32(void *context, int thread, int64_t item)
{
    roof *r = context;
    double result = r->rows->f32(r->rounds);
    (void)item;
    if (thread == 0)
        r->sink += result;
}

static void do_f64(void *context, int thread, int64_t item)
{
    roof *r = context;
    double result = r->rows->f64(r->rounds);
    (void)item;
    if (thread == 0)
        r->sink += result;
}

/* Rank 0: seconds until the slowest rank was done. */
static double slowest(const nf_world *part, double mine, double *all)
{
    double most = 0;
    nf_gather(part, &mine, all, sizeof mine);
    for (int i = 0; part->rank == 0 && i < part->size; i++)
        most = all[i] > most ? all[i] : most;
    return most;
}

static double run_once(const nf_world *part, roof *r, nf_team_task *task, double *all)
{
    nf_barrier(part);
    double start = nf_seconds();
    nf_team_run(r->threads, r->threads, task, r);
    return slowest(part, nf_seconds() - start, all);
}

/* Rank 0: `amount` a second, from some repetitions after one that warms up. */
static void repeat(const nf_world *part, roof *r, nf_team_task *task, double amount, double *all,
                   nf_ceiling *c)
{
    double rates[REPEATS];
    run_once(part, r, task, all);
    for (int i = 0; i < REPEATS; i++)
        rates[i] = amount / run_once(part, r, task, all);
    c->n = REPEATS;
    c->median = nf_median(rates, REPEATS);
    c->best = rates[REPEATS - 1]; /* sorted */
}

/* ---- all of the workers ---- */

static const nf_roof_rows *choose_rows(void)
{
#ifdef NF_ISA_X86
    const nf_roof_rows *const levels[] = {&nf_roof_rows_baseline, &nf_roof_rows_v3,
                                          &nf_roof_rows_v4};
    return levels[nf_isa_level()];
#else
    return &nf_roof_rows_baseline;
#endif
}

/* Rounds of arithmetic that last long enough, the same on all ranks. */
static int64_t choose_rounds(const nf_world *part, const nf_roof_rows *rows, double *sink)
{
    int64_t rounds = 1000;
    for (double spent = 0; spent < least_seconds; rounds *= 2) {
        double start = nf_seconds();
        *sink += rows->f64(rounds);
        spent = nf_seconds() - start;
    }
    nf_broadcast(part, &rounds, sizeof rounds, 0);
    return rounds;
}

static const struct {
    const char *what, *unit;
    nf_team_task *task;
    double factor;
    int arrays; /* 0: arithmetic */
} quantities[NF_WORKER_CEILINGS] = {
    {"read", "B/s", do_read, 1, 1},         {"copy", "B/s", do_copy, 1.5, 2},
    {"triad", "B/s", do_triad, 4.0 / 3, 3}, {"f32", "flop/s", do_f32, 1, 0},
    {"f64", "flop/s", do_f64, 1, 0},
};

static void measure_all(const nf_world *part, int nodes, int64_t elements, roof *r, double *all,
                        nf_ceiling list[NF_WORKER_CEILINGS])
{
    const double operations[] = {r->rows->f32_operations, r->rows->f64_operations};
    nf_team_run(r->threads, r->threads, touch, r);
    r->rounds = choose_rounds(part, r->rows, &r->sink);
    for (int q = 0; q < NF_WORKER_CEILINGS; q++) {
        int arrays = quantities[q].arrays;
        double bytes = (double)elements * nodes * arrays * (double)sizeof(double);
        double amount = bytes;
        if (arrays == 0)
            amount = operations[q - 3] * (double)r->rounds * part->size * r->threads;
        list[q] = (nf_ceiling){.what = (char *)(uintptr_t)quantities[q].what,
                               .unit = (char *)(uintptr_t)quantities[q].unit,
                               .ranks = part->size,
                               .threads = r->threads,
                               .nodes = nodes,
                               .bytes = (int64_t)bytes,
                               .factor = quantities[q].factor};
        repeat(part, r, quantities[q].task, amount, all, &list[q]);
    }
}

nf_status nf_ceilings_workers(const nf_world *part, int nodes, int node_workers,
                              nf_ceiling list[NF_WORKER_CEILINGS])
{
    int64_t elements = choose_elements(node_workers);
    nf_broadcast(part, &elements, sizeof elements, 0);
    int64_t ranks = node_workers / part->threads; /* of this machine */
    roof r = {.rows = choose_rows(), .threads = part->threads};
    r.n = elements / (ranks > 0 ? ranks : 1);
    double *all = calloc((size_t)part->size, sizeof *all);
    bool fine = all != NULL;
    for (int a = 0; a < 3; a++)
        fine &= (r.array[a] = malloc((size_t)r.n * sizeof(double))) != NULL;
    nf_status status =
        nf_agree(part, fine ? NF_OK
                            : nf_fail(NF_ERR_MEMORY, "no memory for the arrays by which the "
                                                     "bandwidth of memory is measured"));
    if (status == NF_OK)
        measure_all(part, nodes, elements, &r, all, list);
    for (int a = 0; a < 3; a++)
        free(r.array[a]);
    free(all);
    return status;
}

/* ---- messages ---- */

/* Seconds of a message, from round trips. */
static double round_trips(const nf_world *world, int other, char *buffer, size_t bytes, int trips)
{
    double start = nf_seconds();
    for (int i = 0; i < trips && world->rank == 0; i++) {
        nf_send(world, buffer, bytes, other);
        nf_receive(world, buffer, bytes, other);
    }
    for (int i = 0; i < trips && world->rank == other; i++) {
        nf_receive(world, buffer, bytes, 0);
        nf_send(world, buffer, bytes, 0);
    }
    return (nf_seconds() - start) / (2 * trips);
}

void nf_ceilings_messages(const nf_world *world, int other, int nodes,
                          nf_ceiling list[NF_MESSAGE_CEILINGS])
{
    static char buffer[LONG_MESSAGE];
    static const struct {
        const char *what, *unit;
        size_t bytes;
        int trips;
    } messages[NF_MESSAGE_CEILINGS] = {{"latency", "s", 8, ROUND_TRIPS},
                                       {"bandwidth", "B/s", LONG_MESSAGE, 4}};
    for (int m = 0; m < NF_MESSAGE_CEILINGS; m++) {
        double values[REPEATS];
        size_t bytes = messages[m].bytes;
        round_trips(world, other, buffer, bytes, messages[m].trips);
        for (int i = 0; i < REPEATS; i++)
            values[i] = round_trips(world, other, buffer, bytes, messages[m].trips);
        list[m] = (nf_ceiling){.what = (char *)(uintptr_t)messages[m].what,
                               .unit = (char *)(uintptr_t)messages[m].unit,
                               .ranks = 2,
                               .threads = 1,
                               .nodes = nodes,
                               .bytes = (int64_t)bytes,
                               .factor = 1,
                               .n = REPEATS,
                               .median = nf_median(values, REPEATS)};
        list[m].best = values[0]; /* sorted: the shortest time */
        if (m == 1) {
            list[m].best = (double)bytes / list[m].best;
            list[m].median = (double)bytes / list[m].median;
        }
    }
}
