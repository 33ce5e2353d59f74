/* test_costs.c - counters that workers share, arrays that are sent, and what their costs are said to be.
 * Run under mpirun for several numbers of ranks, and with several threads each. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/engine/memory.h"
#include "drivers/engine/node.h"
#include "drivers/engine/process.h"
#include "drivers/engine/team.h"
#include "drivers/study/costs.h"
#include "drivers/study/sampling.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */
static nf_node node;

enum { MOST_THREADS = 3 };
static const double budget = 5e-3;

/* Passes if no rank counted a failure; every rank comes to the same assertion. */
static void judge(uint64_t failures)
{
    CU_ASSERT_EQUAL(nf_sum_u64(&world, failures), 0);
}

/* ---- gauges ---- */

/* Each worker on a core of its own where there are enough, or (cores NULL) wherever it may. */
static void place(const nf_world *part, const int *cores)
{
    const int *first = cores != NULL ? cores + part->rank * part->threads : NULL;
    if (part->size * part->threads <= node.cores)
        nf_team_bind(part->threads, first, node.pus, node.npus);
}

/* Of the first `ranks`; false: this rank takes no part. Ranks may be more than cores here. */
static bool open_gauge(int ranks, int threads, nf_world *part, nf_gauge *gauge)
{
    CU_ASSERT_FATAL(nf_world_part(&world, ranks, threads, part) == NF_OK);
    if (part->size == 0)
        return false;
    bool crowded = ranks * threads > node.cores;
    place(part, node.pus);
    CU_ASSERT_FATAL(nf_gauge_open(part, 1, true, crowded, budget, gauge) == NF_OK);
    return true;
}

static void close_gauge(nf_world *part, nf_gauge *gauge)
{
    if (part->size > 0) {
        nf_gauge_close(gauge);
        place(part, NULL);
    }
    nf_world_free(part);
}

typedef struct script {
    const double *values;
    int n, next;
} script;

static double next_value(void *context)
{
    script *s = context;
    return s->values[s->next++ % s->n];
}

static void test_gauge(void)
{
    static const double steady[] = {3}, wild[] = {1, 100};
    nf_world part;
    nf_gauge g;
    nf_cost cost = {.n = 0};
    open_gauge(world.size, 1, &part, &g);
    script s = {steady, 1, 0};
    nf_gauge_sample(&g, next_value, &s, &cost);
    bool fine = part.rank != 0 ||
                (cost.n == NF_FEWEST && cost.value == 3 && cost.low == 3 && cost.high == 3);
    judge(!fine || s.next != NF_FEWEST + 1);
    s = (script){wild, 2, 0};
    double start = nf_seconds();
    nf_gauge_sample(&g, next_value, &s, &cost);
    fine = part.rank != 0 || (cost.n >= NF_FEWEST && cost.low == 1 && cost.high == 100);
    judge(!fine || nf_seconds() - start > 20);
    /* The first rank to begin and the last one to end count, whoever they are. */
    g.window.offset = 0;
    double span = nf_gauge_stop(&g, 10 - part.rank, 20 + (part.rank == 1) * 5);
    judge(part.rank == 0 && span != (part.size > 1 ? 25 : 20) - (10 - (part.size - 1)));
    close_gauge(&part, &g);
}

/* ---- starting ---- */

static bool plausible(const nf_cost *c, const char *what, int ranks, int threads)
{
    return c->kind == NF_COST_START && strcmp(c->what, what) == 0 && strcmp(c->unit, "s") == 0 &&
           c->ranks == ranks && c->threads == threads && c->nodes == 1 && c->n >= 1 &&
           c->value > 1e-9 && c->value < 60 && c->valid &&
           (c->high == 0 || (c->low <= c->value && c->value <= c->high));
}

/* On a core each. clang's runtime keeps the threads of a team that has gone: there is no first region. */
static bool starts_first(const nf_gauge *g, nf_cost *c)
{
    bool told = nf_cost_first_region(g, node.pus, c);
#ifdef __clang__
    if (!told)
        return true;
#endif
    return told && plausible(c, "first parallel region", 1, 2);
}

static void test_starting(void)
{
    nf_world part;
    nf_gauge g;
    nf_cost c;
    uint64_t wrong = 0;
    if (open_gauge(1, 2, &part, &g)) {
        nf_cost_region(&g, &c);
        wrong += !plausible(&c, "parallel region", 1, 2);
        if (node.npus > 1)
            wrong += !starts_first(&g, &c);
    }
    close_gauge(&part, &g);
    judge(wrong);
    if (open_gauge(1, 1, &part, &g))
        wrong = !nf_cost_process(&g, &c) || !plausible(&c, "process", 1, 1) || c.value < 2e-5;
    close_gauge(&part, &g);
    judge(wrong);
    for (int ranks = 2; ranks <= world.size; ranks++) {
        if (open_gauge(ranks, 1, &part, &g)) {
            nf_cost_barrier(&g, &c);
            wrong += part.rank == 0 && !plausible(&c, "barrier of ranks", ranks, 1);
        }
        close_gauge(&part, &g);
    }
    judge(wrong);
}

/* Nothing starts where there is no program to start. */
static void test_no_process(void)
{
    nf_world part;
    nf_gauge g;
    nf_cost c;
    uint64_t wrong = 0;
    if (open_gauge(1, 1, &part, &g)) {
        const char *now = getenv("PATH");
        char *path = strdup(now != NULL ? now : "");
        setenv("PATH", "/nowhere", 1);
        wrong = path == NULL || nf_cost_process(&g, &c);
        setenv("PATH", path, 1);
        free(path);
    }
    close_gauge(&part, &g);
    judge(wrong);
}

/* A process of its own is as old as the time since it was forked; MPI took part of this one's age. */
static void test_age(void)
{
    double age = nf_process_age();
    struct timespec nap = {.tv_nsec = 200000000};
    nanosleep(&nap, NULL);
    double later = nf_process_age();
    uint64_t wrong = !(age > 0 && later - age > 0.19 && later - age < 10);
    wrong += !(nf_mpi_start_seconds() > 0 && nf_mpi_start_seconds() < age + 0.011);
    pid_t child = fork();
    if (child == 0)
        _exit(nf_process_age() > -0.006 && nf_process_age() < later - 0.15 ? 0 : 1);
    int state = 1;
    wrong += waitpid(child, &state, 0) != child || state != 0;
    judge(wrong);
    nf_world part;
    nf_gauge g;
    nf_cost c;
    open_gauge(world.size, 1, &part, &g);
    wrong = !nf_cost_mpi_process(&g, &c);
    double slowest = part.rank == 0 ? c.value : 0;
    nf_broadcast(&part, &slowest, sizeof slowest, 0);
    judge(wrong || slowest < nf_mpi_start_seconds() ||
          (part.rank == 0 && !plausible(&c, "MPI process", world.size, 1)));
    close_gauge(&part, &g);
}

/* ---- the counter of MPI ---- */

/* Numbers that are taken from it are all different, and none is left out. */
static void test_counter(void)
{
    enum { EACH = 200 };
    nf_counter *counter;
    CU_ASSERT_FATAL(nf_counter_create(&world, &counter) == NF_OK);
    int64_t last = -1, sum = 0;
    uint64_t wrong = 0;
    nf_barrier(&world);
    for (int i = 0; i < EACH; i++) {
        int64_t now = nf_counter_add(counter, 1);
        wrong += now <= last;
        last = now;
        sum += now;
    }
    uint64_t all = (uint64_t)EACH * (uint64_t)world.size;
    judge(wrong);
    CU_ASSERT_EQUAL(nf_sum_u64(&world, (uint64_t)sum), all * (all - 1) / 2);
    nf_barrier(&world);
    int64_t end = nf_counter_add(counter, 0);
    judge(end != (int64_t)all);
    nf_counter_free(counter);
}

/* ---- sharing ---- */

static bool open_sharing(int ranks, int threads, nf_world *part, nf_gauge *gauge,
                         const nf_shared *shared, nf_sharing *sharing)
{
    if (!open_gauge(ranks, threads, part, gauge))
        return false;
    CU_ASSERT_FATAL(nf_sharing_create(gauge, shared->memory, sharing) == NF_OK);
    return true;
}

static void close_sharing(nf_world *part, nf_gauge *gauge, nf_sharing *sharing)
{
    if (part->size > 0)
        nf_sharing_free(sharing);
    close_gauge(part, gauge);
}

/* What the counter shows, twice in a row, so that it must begin at 0 again. */
static uint64_t count_twice(nf_sharing *s, nf_sharing_way way, int64_t each)
{
    const nf_world *part = s->gauge->part;
    int64_t wanted = each * part->size * part->threads;
    uint64_t wrong = 0;
    for (int i = 0; i < 2; i++) {
        double seconds = -1;
        int64_t shown = nf_sharing_run(s, way, each, &seconds);
        if (part->rank != 0)
            continue;
        wrong += way == NF_RACE ? shown < (each > 0) || shown > wanted : shown != wanted;
        wrong += part->size * part->threads == 1 && shown != wanted;
        wrong += !(seconds > 0 && seconds < 100);
    }
    return wrong;
}

/* Of every way that such workers can. */
static void count_all(int ranks, int threads, const nf_shared *shared)
{
    const int64_t most = ranks == 1 ? 1000000 : 200000; /* threads start together at once */
    const int64_t each[] = {0, 7, most / (ranks * threads)};
    nf_world part;
    nf_gauge g;
    nf_sharing s;
    uint64_t wrong[NF_SHARING_WAYS] = {0};
    if (open_sharing(ranks, threads, &part, &g, shared, &s))
        for (nf_sharing_way way = 0; way < NF_SHARING_WAYS; way++)
            for (size_t i = 0; i < sizeof each / sizeof *each; i++)
                if (nf_sharing_suits(way, ranks, threads, 1))
                    wrong[way] += count_twice(&s, way, each[i]);
    close_sharing(&part, &g, &s);
    for (nf_sharing_way way = 0; way < NF_SHARING_WAYS; way++) {
        if (world.rank == 0 && wrong[way] > 0)
            fprintf(stderr, "%s by %dx%d workers: wrong\n", nf_sharing_names[way], ranks, threads);
        judge(wrong[way]);
    }
}

static void test_exact_counters(void)
{
    nf_shared shared;
    CU_ASSERT_FATAL(nf_node_share(&node, nf_sharing_bytes(world.size * MOST_THREADS), &shared) ==
                    NF_OK);
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        count_all(1, threads, &shared);
        if (world.size > 1)
            count_all(world.size, threads, &shared);
    }
    nf_node_unshare(&shared);
}

static uint64_t misjudged(const nf_cost *c, nf_sharing_way way, int workers)
{
    bool counts = c->amount >= workers && fmod(c->amount, workers) == 0;
    return c->kind != NF_COST_SHARE || strcmp(c->what, nf_sharing_names[way]) != 0 ||
           strcmp(c->unit, "s") != 0 || c->ranks * c->threads != workers || c->nodes != 1 ||
           !counts || c->n < 1 || !c->valid || !(c->value > 0 && c->value < 1) ||
           (c->high != 0 && !(c->low <= c->value && c->value <= c->high)) ||
           (way == NF_RACE && workers > 1 ? c->lost < 0 || c->lost >= 1 : c->lost != 0);
}

static void test_sharing_costs(void)
{
    nf_shared shared;
    int ranks = world.size, threads = ranks > 2 ? 1 : 2;
    nf_world part;
    nf_gauge g;
    nf_sharing s;
    nf_cost c = {.n = 0};
    uint64_t wrong = 0;
    CU_ASSERT_FATAL(nf_node_share(&node, nf_sharing_bytes(ranks * threads), &shared) == NF_OK);
    open_sharing(ranks, threads, &part, &g, &shared, &s);
    for (nf_sharing_way way = 0; way < NF_SHARING_WAYS; way++) {
        if (!nf_sharing_suits(way, ranks, threads, 1))
            continue;
        nf_cost_share(&s, way, &c);
        wrong += part.rank == 0 && misjudged(&c, way, ranks * threads);
    }
    judge(wrong);
    close_sharing(&part, &g, &s);
    nf_node_unshare(&shared);
}

/* Somebody else raises the counter, too. */
typedef struct meddler {
    atomic_llong *count;
    atomic_bool over;
} meddler;

static void *meddle(void *context)
{
    meddler *m = context;
    struct timespec nap = {.tv_nsec = 100000};
    while (!atomic_load(&m->over)) {
        atomic_fetch_add(m->count, 1);
        nanosleep(&nap, NULL);
    }
    return NULL;
}

static void test_wrong_counter(void)
{
    nf_shared shared;
    nf_world part;
    nf_gauge g;
    nf_sharing s;
    nf_cost c = {.valid = true};
    CU_ASSERT_FATAL(nf_node_share(&node, nf_sharing_bytes(1), &shared) == NF_OK);
    if (open_sharing(1, 1, &part, &g, &shared, &s)) {
        meddler m = {(atomic_llong *)(void *)s.memory, false};
        pthread_t thread;
        CU_ASSERT_FATAL(pthread_create(&thread, NULL, meddle, &m) == 0);
        nf_cost_share(&s, NF_ATOMIC, &c);
        atomic_store(&m.over, true);
        pthread_join(thread, NULL);
    }
    judge(world.rank == 0 && c.valid);
    close_sharing(&part, &g, &s);
    nf_node_unshare(&shared);
}

/* Only what can be: common memory on one node, MPI by one thread a rank. */
static void test_suits(void)
{
    CU_ASSERT(nf_sharing_suits(NF_ATOMIC, 1, 1, 1) && nf_sharing_suits(NF_LOCK, 4, 2, 1));
    CU_ASSERT(!nf_sharing_suits(NF_ATOMIC, 4, 1, 2) && !nf_sharing_suits(NF_PRIVATE, 2, 1, 2));
    CU_ASSERT(!nf_sharing_suits(NF_ONE_LINE, 1, 1, 1) && nf_sharing_suits(NF_ONE_LINE, 1, 2, 1));
    CU_ASSERT(nf_sharing_suits(NF_FETCH_AND_OP, 2, 1, 2) &&
              !nf_sharing_suits(NF_FETCH_AND_OP, 2, 2, 1));
    CU_ASSERT(nf_sharing_suits(NF_REDUCED, 2, 2, 2) && !nf_sharing_suits(NF_REDUCED, 1, 4, 1));
}

/* ---- sending ---- */

static void test_pair(void)
{
    for (int other = 1; other < world.size; other++) {
        nf_world pair;
        CU_ASSERT_FATAL(nf_world_pair(&world, other, &pair) == NF_OK);
        bool member = world.rank == 0 || world.rank == other;
        uint64_t wrong = pair.size != (member ? 2 : 0) || pair.threads != 1;
        wrong += member && pair.rank != (world.rank != 0);
        int token = world.rank == 0 ? 17 * other : 0;
        if (member)
            nf_broadcast(&pair, &token, sizeof token, 0);
        wrong += member && token != 17 * other;
        nf_world_free(&pair);
        judge(wrong);
    }
}

/* Rank 0's block and rank 1's, in its order, into block[rows * width] on each. */
static void copy_block(const nf_sending *s, nf_sending_way way, const void *shared, uint64_t *block)
{
    size_t cells = (size_t)(s->rows * s->width), bytes = cells * sizeof *block;
    bool common = way == NF_IN_PLACE || (way == NF_COPIED && s->gauge->part->rank == 0);
    const char *end = (const char *)shared + nf_sending_shared_bytes(s->rows, s->width);
    if (way == NF_CONTIGUOUS || (way == NF_COPIED && !common))
        memcpy(block, s->dense, bytes);
    else if (common)
        memcpy(block, end - bytes, bytes);
    else
        for (int64_t y = 0; y < s->rows; y++)
            for (int64_t x = 0; x < s->width; x++)
                block[y * s->width + x] = s->array[y * s->columns + s->first + x];
}

/* Cells of rank 1's block that are not rank 0's, all cells if rank 0 sent the same as before; by the
 * pair's messages, on rank 1. */
static uint64_t compare_blocks(const nf_sending *s, nf_sending_way way, const void *shared,
                               uint64_t *before)
{
    const nf_world *pair = s->gauge->part;
    size_t cells = (size_t)(s->rows * s->width), bytes = cells * sizeof(uint64_t);
    uint64_t *mine = malloc(bytes), *theirs = malloc(bytes), wrong = 0;
    CU_ASSERT_FATAL(mine != NULL && theirs != NULL);
    copy_block(s, way, shared, mine);
    if (pair->rank == 0)
        nf_send(pair, mine, bytes, 1);
    else
        nf_receive(pair, theirs, bytes, 0);
    for (size_t i = 0; pair->rank == 1 && i < cells; i++)
        wrong += mine[i] != theirs[i] || mine[i] == *before || (i > 0 && mine[i] == mine[i - 1]);
    *before = mine[0];
    free(mine);
    free(theirs);
    return wrong;
}

/* Rank 1's cells beside the block are still 0. */
static uint64_t count_touched(const nf_sending *s)
{
    uint64_t touched = 0;
    for (int64_t i = 0; s->gauge->part->rank == 1 && i < s->rows * s->columns; i++) {
        int64_t x = i % s->columns;
        touched += (x < s->first || x >= s->first + s->width) && s->array[i] != 0;
    }
    return touched;
}

typedef struct block {
    int64_t rows, columns, first, width;
} block;

/* Collective over the world: that block by every way, some times, between ranks 0 and `other`. */
static void send_block(int other, const block *b)
{
    nf_world pair;
    nf_shared shared;
    nf_gauge g;
    uint64_t wrong = 0, before = 0;
    CU_ASSERT_FATAL(nf_world_pair(&world, other, &pair) == NF_OK);
    CU_ASSERT_FATAL(nf_node_share(&node, nf_sending_shared_bytes(b->rows, b->width), &shared) ==
                    NF_OK);
    if (pair.size > 0) {
        nf_sending s = {.gauge = &g,
                        .rows = b->rows,
                        .columns = b->columns,
                        .first = b->first,
                        .width = b->width};
        CU_ASSERT_FATAL(nf_gauge_open(&pair, 1, true, node.cores < 2, budget, &g) == NF_OK);
        CU_ASSERT_FATAL(nf_sending_create(&s, shared.memory) == NF_OK);
        for (int i = 0; i < 2 * NF_SENDING_WAYS; i++) {
            nf_sending_way way = (nf_sending_way)(i % NF_SENDING_WAYS);
            double seconds = nf_sending_run(&s, way);
            wrong += pair.rank == 0 && !(seconds > 0 && seconds < 60);
            wrong += compare_blocks(&s, way, shared.memory, &before) + count_touched(&s);
        }
        wrong += s.wrong;
        nf_sending_free(&s);
        nf_gauge_close(&g);
    }
    nf_world_free(&pair);
    nf_node_unshare(&shared);
    judge(wrong);
}

static void test_right_elements(void)
{
    static const block blocks[] = {{1, 1, 0, 1},       {7, 13, 3, 5},      {64, 33, 32, 1},
                                   {5, 9, 0, 9},       {100, 257, 0, 129}, {100, 257, 128, 129},
                                   {300, 1000, 1, 999}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks && world.size > 1; i++) {
        send_block(1, &blocks[i]);
        if (world.size > 2)
            send_block(world.size - 1, &blocks[i]);
    }
    CU_PASS("one rank sends to nobody");
}

/* What is not as it was sent, and what is beside the block, counts as wrong. */
static uint64_t damage(const nf_gauge *g)
{
    nf_sending s = {.gauge = g, .rows = 6, .columns = 10, .first = 3, .width = 4};
    nf_cost c = {.valid = true};
    uint64_t wrong = 0;
    CU_ASSERT_FATAL(nf_sending_create(&s, NULL) == NF_OK);
    nf_cost_send(&s, NF_DERIVED, &c);
    wrong += g->part->rank == 0 &&
             (!c.valid || c.kind != NF_COST_SEND || c.ranks != 2 || c.threads != 1 ||
              c.amount != 6 * 4 * 8 || c.n < 1 || !(c.value > 0) || strcmp(c.unit, "s") != 0 ||
              strcmp(c.what, "derived datatype") != 0);
    if (g->part->rank == 1)
        s.array[2] = 5;
    nf_cost_send(&s, NF_PACKED, &c);
    wrong += g->part->rank == 0 && c.valid;
    if (g->part->rank == 1)
        s.array[2] = 0;
    s.serial += (uint64_t)g->part->rank; /* rank 1 takes it for another sample */
    s.wrong = 0;
    nf_sending_run(&s, NF_CONTIGUOUS);
    wrong += g->part->rank == 0 && s.wrong != 6 * 4;
    nf_sending_free(&s);
    return wrong;
}

static void test_wrong_elements(void)
{
    nf_world pair = {.size = 0};
    nf_gauge g;
    uint64_t wrong = 0;
    if (world.size > 1)
        CU_ASSERT_FATAL(nf_world_pair(&world, world.size - 1, &pair) == NF_OK);
    if (pair.size > 0) {
        CU_ASSERT_FATAL(nf_gauge_open(&pair, 1, true, node.cores < 2, budget, &g) == NF_OK);
        wrong = damage(&g);
        nf_gauge_close(&g);
    }
    nf_world_free(&pair);
    judge(wrong);
}

/* ---- memory ---- */

/* Together the ranks have the shared pages once, however many they are; alone each has its own. */
static void test_memory(void)
{
    enum { BYTES = 3 << 20 };
    nf_shared shared;
    CU_ASSERT_FATAL(nf_node_share(&node, BYTES, &shared) == NF_OK);
    volatile char *cells = shared.memory;
    for (size_t i = 0; i < BYTES && world.rank == 0; i += 4096)
        cells[i] = 1;
    nf_node_barrier(&node, &shared);
    uint64_t wrong = 0;
    for (size_t i = 0; i < BYTES; i += 4096)
        wrong += cells[i] != 1;
    nf_node_barrier(&node, &shared);
    int64_t mine = nf_memory_share(shared.memory);
    judge(wrong || mine < 0);
    uint64_t sum = nf_sum_u64(&world, (uint64_t)mine);
    if (world.size > 1) /* else it is part of the heap */
        CU_ASSERT(sum <= BYTES + 65536 && sum >= (uint64_t)BYTES - 65536);
    nf_node_unshare(&shared);
    char *own = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(own != MAP_FAILED);
    int64_t before = nf_memory_share(own);
    memset(own, 1, BYTES);
    int64_t grown = nf_memory_share(own) - before;
    judge(before < 0 || grown < BYTES - 65536 || grown > BYTES + (4 << 20));
    munmap(own, BYTES);
    judge(nf_memory_share((const void *)8) != -1);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"medians", test_gauge},
                           {"what starting costs", test_starting},
                           {"nothing to start", test_no_process},
                           {"how old a process is", test_age},
                           {"a counter of MPI", test_counter},
                           {"counters are exact", test_exact_counters},
                           {"what sharing costs", test_sharing_costs},
                           {"a wrong counter is told", test_wrong_counter},
                           {"what suits", test_suits},
                           {"pairs of ranks", test_pair},
                           {"the right elements", test_right_elements},
                           {"wrong elements are told", test_wrong_elements},
                           {"shares of memory", test_memory},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK || nf_node_find(&world, &node) != NF_OK)
        return 1;
    int result = nf_suite_run("costs", tests, world.rank);
    nf_node_free(&node);
    nf_world_stop(&world);
    return result;
}
