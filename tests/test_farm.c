/* test_farm.c - every item once, whoever does it; large items hold nobody; what fails is told. Run under
 * mpirun for several numbers of ranks, and with several threads each. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/engine/farm.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */

/* Passes if no rank counted a failure; every rank comes to the same assertion. */
static void judge(uint64_t failures)
{
    CU_ASSERT_EQUAL(nf_sum_u64(&world, failures), 0);
}

enum { MOST = 500, WHOLE = 2000 /* bytes of a result */ };

/* What came of an item. */
typedef struct outcome {
    int64_t item;
    int steps; /* that it went through, one after the other: 0, 1, 2 */
    int rank, worker;
    char rest[WHOLE];
} outcome;

typedef struct trial {
    int64_t items, slow; /* the first `slow` items take SLOW seconds */
    int64_t failing_at;  /* the item whose collect, or begin, fails; -1: none */
    bool failing_begin;
    int64_t stop_after; /* results after which no more are to be handed out; -1: none */
    int workers;
    atomic_int fetched[MOST]; /* this rank's */
    /* Rank 0's. */
    int begun[MOST], collected[MOST];
    int64_t count, last, under_way, begun_count;
    int alone_wrong;
    int64_t alone;
    uint64_t wrong;
    int ranks_seen;
    bool by_rank[64];
} trial;

static void doze(double seconds)
{
    struct timespec nap = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&nap, NULL);
}

static void fetch(void *context, int64_t item)
{
    trial *t = context;
    atomic_fetch_add(&t->fetched[item], 1);
}

static void work(void *context, int worker, int64_t item, void *result)
{
    trial *t = context;
    outcome *o = result;
    o->item = item;
    o->steps = atomic_load(&t->fetched[item]) == 1 && o->steps == 0 ? 1 : -100;
    o->rank = world.rank;
    o->worker = worker;
    memset(o->rest, (int)(item % 100), sizeof o->rest);
    doze(item < t->slow ? 0.6 : 0.0005);
}

static void finish(void *context, int64_t item, void *result)
{
    outcome *o = result;
    (void)context;
    o->steps = o->steps == 1 && o->item == item ? 2 : -100;
}

static nf_status begin(void *context, int64_t item)
{
    trial *t = context;
    t->begun[item]++;
    t->begun_count++;
    t->wrong += item != t->begun_count - 1; /* in their order */
    if (item >= t->alone)
        t->alone_wrong += t->under_way != 0;
    if (t->failing_begin && item == t->failing_at)
        return nf_fail(NF_ERR_FILE, "item %lld does not begin", (long long)item);
    t->under_way++;
    return NF_OK;
}

static nf_status collect(void *context, int64_t item, const void *result)
{
    trial *t = context;
    const outcome *o = result;
    t->under_way--;
    t->count++;
    t->last = item;
    t->collected[item]++;
    t->wrong += o->item != item || o->steps != 2 || o->worker < 0 || o->worker >= t->workers;
    for (size_t i = 0; i < sizeof o->rest; i++)
        t->wrong += o->rest[i] != (char)(item % 100);
    t->ranks_seen += !t->by_rank[o->rank];
    t->by_rank[o->rank] = true;
    if (!t->failing_begin && item == t->failing_at)
        return nf_fail(NF_ERR_FILE, "item %lld cannot be collected", (long long)item);
    return NF_OK;
}

static bool stop(void *context)
{
    const trial *t = context;
    return t->stop_after >= 0 && t->count >= t->stop_after;
}

static trial *trial_create(int64_t items, int workers)
{
    trial *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->items = t->alone = items;
    t->failing_at = t->stop_after = -1;
    t->workers = workers;
    return t;
}

static nf_status farm_out(trial *t, int helpers, const double *weight)
{
    nf_farm farm = {.items = t->items,
                    .alone = t->alone,
                    .weight = weight,
                    .workers = t->workers,
                    .helpers = helpers,
                    .result_bytes = sizeof(outcome),
                    .context = t,
                    .fetch = fetch,
                    .work = work,
                    .finish = finish,
                    .begin = begin,
                    .collect = collect,
                    .stop = stop};
    return nf_farm_run(&world, &farm);
}

/* Items of the first n that were not done exactly once; of the others, that were. */
static uint64_t miscounted(const trial *t, int64_t n)
{
    uint64_t wrong = t->wrong;
    for (int64_t i = 0; i < MOST; i++)
        wrong += t->begun[i] != (i < n) || t->collected[i] != (i < n);
    return wrong;
}

static void test_each_once(void)
{
    static const int64_t counts[] = {0, 1, 2, 7, MOST};
    for (int workers = 1; workers <= 3; workers++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            trial *t = trial_create(counts[i], workers);
            nf_status status = farm_out(t, (int)i % 2 + 1, NULL);
            judge((status != NF_OK) + (world.rank == 0 ? miscounted(t, counts[i]) : 0));
            if (counts[i] == MOST && world.rank == 0)
                CU_ASSERT_EQUAL(t->ranks_seen, world.size);
            free(t);
        }
}

/* Of the two steps around work neither need be. */
static void test_work_only(void)
{
    trial *t = trial_create(50, 2);
    for (int i = 0; i < MOST; i++)
        atomic_store(&t->fetched[i], 1);
    nf_farm farm = {.items = 50,
                    .alone = 50,
                    .workers = 2,
                    .helpers = 1,
                    .result_bytes = sizeof(outcome),
                    .context = t,
                    .work = work,
                    .begin = begin,
                    .collect = collect};
    nf_status status = nf_farm_run(&world, &farm);
    uint64_t once = 0;
    for (int i = 0; i < 50; i++)
        once += (uint64_t)(t->collected[i] == 1);
    judge(status != NF_OK || (world.rank == 0 && once != 50));
    free(t);
}

/* One item takes as long as all others together would not: it comes back last, and none waits for it. */
static void test_slow_item(void)
{
    double weight[40];
    for (int workers = 1; workers <= 2; workers++) {
        trial *t = trial_create(40, workers);
        t->slow = 1;
        for (int i = 0; i < 40; i++)
            weight[i] = i == 0 ? 1000 : 1;
        nf_status status = farm_out(t, 1, weight);
        bool alone = world.size * workers == 1;
        judge((status != NF_OK) +
              (world.rank == 0 ? miscounted(t, 40) + (!alone && t->last != 0) : 0));
        free(t);
    }
}

/* Items from a given one on have the whole farm to themselves. */
static void test_alone(void)
{
    for (int64_t alone = 0; alone <= 30; alone += 15) {
        trial *t = trial_create(30, 2);
        t->alone = alone;
        nf_status status = farm_out(t, 2, NULL);
        judge((status != NF_OK) +
              (world.rank == 0 ? miscounted(t, 30) + (uint64_t)t->alone_wrong : 0));
        free(t);
    }
}

static void test_failures(void)
{
    for (int begins = 0; begins <= 1; begins++) {
        trial *t = trial_create(300, 2);
        t->failing_at = 20;
        t->failing_begin = begins;
        nf_status status = farm_out(t, 1, NULL);
        uint64_t wrong = status != NF_ERR_FILE || strstr(nf_message(status), "item 20 ") == NULL;
        judge(wrong + (world.rank == 0 && (t->begun_count == 300 || t->begun[299] != 0)));
        free(t);
    }
}

static void test_stop(void)
{
    trial *t = trial_create(300, 2);
    t->stop_after = 10;
    nf_status status = farm_out(t, 1, NULL);
    bool fine = status == NF_OK;
    if (world.rank == 0)
        fine = fine && t->count >= 10 && t->count < 300 && miscounted(t, t->count) == 0;
    judge(!fine);
    free(t);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"each item once", test_each_once},
                           {"work alone", test_work_only},
                           {"a slow item holds nobody", test_slow_item},
                           {"one at a time", test_alone},
                           {"failures", test_failures},
                           {"stopping", test_stop},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    int result = nf_suite_run("farm", tests, world.rank);
    nf_world_stop(&world);
    return result;
}
