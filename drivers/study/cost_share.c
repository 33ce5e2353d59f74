/* cost_share.c - what it costs that workers raise one counter. */
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "drivers/engine/team.h"
#include "drivers/study/costs.h"

/* ALONE: bytes to the next one where nothing is shared, as processors fetch lines of 64 in pairs. */
enum { ALONE = 128, FIRST_TRY = 64, TRIES = 3, MOST_EACH = 1 << 28 };

static const double least_seconds = 2e-3, wanted_seconds = 4e-3; /* of a sample */
static const double patience = 20e-3; /* seconds that threads wait for each other at most */

const char *const nf_sharing_names[NF_SHARING_WAYS] = {"race",
                                                       "lock",
                                                       "spin lock",
                                                       "atomic",
                                                       "private",
                                                       "private, one cache line",
                                                       "private, reduced",
                                                       "fetch and op"};

typedef struct own_count {
    alignas(ALONE) atomic_llong count;
} own_count;

/* What is guarded lies beside its lock. */
struct nf_sharing_memory {
    alignas(ALONE) atomic_llong count;
    alignas(ALONE) pthread_mutex_t lock;
    int64_t locked;
    alignas(ALONE) atomic_flag busy;
    int64_t spun;
    own_count own[]; /* [workers]; behind them as many counts side by side */
};

size_t nf_sharing_bytes(int workers)
{
    size_t each = sizeof(own_count) + sizeof(atomic_llong);
    return ALONE + sizeof(struct nf_sharing_memory) + (size_t)workers * each;
}

bool nf_sharing_suits(nf_sharing_way way, int ranks, int threads, int nodes)
{
    if (way == NF_FETCH_AND_OP)
        return ranks > 1 && threads == 1;
    if (way == NF_REDUCED)
        return ranks > 1;
    return nodes == 1 && (way != NF_ONE_LINE || ranks * threads > 1);
}

/* ---- the ways ---- */

static int workers_of(const nf_sharing *s)
{
    return s->gauge->part->size * s->gauge->part->threads;
}

static atomic_llong *in_line(const nf_sharing *s, int worker)
{
    return (atomic_llong *)(void *)&s->memory->own[workers_of(s)] + worker;
}

/* Two steps that others may come between. */
static void raise_plainly(atomic_llong *count, int64_t times)
{
    for (int64_t i = 0; i < times; i++) {
        long long now = atomic_load_explicit(count, memory_order_relaxed);
        atomic_store_explicit(count, now + 1, memory_order_relaxed);
    }
}

static void raise_locked(struct nf_sharing_memory *m, int64_t times)
{
    for (int64_t i = 0; i < times; i++) {
        pthread_mutex_lock(&m->lock);
        m->locked++;
        pthread_mutex_unlock(&m->lock);
    }
}

static void raise_spinning(struct nf_sharing_memory *m, int64_t times)
{
    for (int64_t i = 0; i < times; i++) {
        while (atomic_flag_test_and_set_explicit(&m->busy, memory_order_acquire))
            ;
        m->spun++;
        atomic_flag_clear_explicit(&m->busy, memory_order_release);
    }
}

static void raise_atomically(atomic_llong *count, int64_t times)
{
    for (int64_t i = 0; i < times; i++)
        atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

static void raise_and_fold(struct nf_sharing_memory *m, atomic_llong *own, int64_t times)
{
    raise_plainly(own, times);
    atomic_fetch_add(&m->count, atomic_load(own));
}

static void raise_remotely(nf_counter *counter, int64_t times)
{
    for (int64_t i = 0; i < times; i++)
        nf_counter_add(counter, 1);
}

/* Until all threads of this rank are there, or do not come: a team may have fewer than asked for. */
static void await_threads(nf_sharing *s)
{
    int threads = s->gauge->part->threads;
    double now = nf_seconds(), limit = now + patience;
    if (atomic_fetch_add(&s->come, 1) + 1 == threads) {
        s->began = now;
        return;
    }
    while (atomic_load(&s->come) < threads && now < limit) {
        sched_yield(); /* those that are to come may have no core of their own */
        now = nf_seconds();
    }
}

static void raise_one_way(const nf_sharing *s, int worker)
{
    struct nf_sharing_memory *m = s->memory;
    switch (s->way) {
    case NF_RACE:
        raise_plainly(&m->count, s->each);
        break;
    case NF_LOCK:
        raise_locked(m, s->each);
        break;
    case NF_SPIN_LOCK:
        raise_spinning(m, s->each);
        break;
    case NF_ATOMIC:
        raise_atomically(&m->count, s->each);
        break;
    case NF_PRIVATE:
        raise_and_fold(m, &m->own[worker].count, s->each);
        break;
    case NF_ONE_LINE:
        raise_and_fold(m, in_line(s, worker), s->each);
        break;
    case NF_REDUCED:
        raise_plainly(&m->own[worker].count, s->each);
        break;
    case NF_FETCH_AND_OP:
        raise_remotely(s->remote, s->each);
        break;
    case NF_SHARING_WAYS:
        break;
    }
}

static void work(void *context, int thread, int64_t item)
{
    nf_sharing *s = context;
    (void)thread;
    await_threads(s);
    raise_one_way(s, s->gauge->part->rank * s->gauge->part->threads + (int)item);
    if (atomic_fetch_add(&s->gone, 1) + 1 == s->gauge->part->threads)
        s->ended = nf_seconds();
}

/* ---- one run ---- */

static nf_status make_lock(pthread_mutex_t *lock, bool processes)
{
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a lock");
    bool fine =
        (!processes || pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0) &&
        pthread_mutex_init(lock, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    return fine ? NF_OK : nf_fail(NF_ERR_SYSTEM, "no lock is to be had that processes share");
}

nf_status nf_sharing_create(const nf_gauge *g, void *memory, nf_sharing *s)
{
    uintptr_t address = ((uintptr_t)memory + ALONE - 1) / ALONE * ALONE;
    nf_status status = NF_OK;
    *s = (nf_sharing){.gauge = g, .memory = (struct nf_sharing_memory *)address};
    if (g->part->rank == 0) {
        status = make_lock(&s->memory->lock, g->part->size > 1);
        atomic_flag_clear(&s->memory->busy);
    }
    status = nf_agree(g->part, status);
    if (status != NF_OK || g->part->size == 1 || g->part->threads > 1)
        return status;
    status = nf_counter_create(g->part, &s->remote);
    return status == NF_ERR_SYSTEM ? NF_OK : status;
}

void nf_sharing_free(nf_sharing *s)
{
    if (s->memory != NULL && s->gauge->part->rank == 0)
        pthread_mutex_destroy(&s->memory->lock);
    nf_counter_free(s->remote);
    *s = (nf_sharing){.memory = NULL};
}

/* This rank's workers', and on rank 0 what is common; others wait for it in nf_gauge_start. */
static void reset(nf_sharing *s)
{
    const nf_world *part = s->gauge->part;
    struct nf_sharing_memory *m = s->memory;
    atomic_store(&s->come, 0);
    atomic_store(&s->gone, 0);
    for (int t = 0; t < part->threads; t++) {
        atomic_store(&m->own[part->rank * part->threads + t].count, 0);
        atomic_store(in_line(s, part->rank * part->threads + t), 0);
    }
    if (part->rank == 0) {
        atomic_store(&m->count, 0);
        m->locked = m->spun = 0;
    }
    atomic_thread_fence(memory_order_seq_cst);
}

/* NF_REDUCED: the ranks' partial counts together. */
static int64_t reduce(const nf_sharing *s)
{
    const nf_world *part = s->gauge->part;
    long long mine = 0;
    for (int t = 0; t < part->threads; t++)
        mine += atomic_load(&s->memory->own[part->rank * part->threads + t].count);
    return (int64_t)nf_sum_u64(part, (uint64_t)mine);
}

static int64_t look(const nf_sharing *s, int64_t remote_before)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (s->way == NF_FETCH_AND_OP)
        return nf_counter_add(s->remote, 0) - remote_before;
    if (s->way == NF_LOCK || s->way == NF_SPIN_LOCK)
        return s->way == NF_LOCK ? s->memory->locked : s->memory->spun;
    return atomic_load(&s->memory->count);
}

int64_t nf_sharing_run(nf_sharing *s, nf_sharing_way way, int64_t each, double *seconds)
{
    const nf_world *part = s->gauge->part;
    bool asks = part->rank == 0;
    s->way = way;
    s->each = each;
    reset(s);
    int64_t before = asks && way == NF_FETCH_AND_OP ? nf_counter_add(s->remote, 0) : 0, sum = 0;
    nf_gauge_start(s->gauge);
    nf_team_run(part->threads, part->threads, work, s);
    if (way == NF_REDUCED) {
        sum = reduce(s);
        s->ended = nf_seconds();
    }
    *seconds = nf_gauge_stop(s->gauge, s->began, s->ended);
    if (way == NF_REDUCED)
        return sum;
    return asks ? look(s, before) : 0;
}

/* ---- the cost ---- */

/* Of all samples, on rank 0. */
typedef struct tally {
    nf_sharing *sharing;
    nf_sharing_way way;
    int64_t each;
    double seconds; /* of the last one */
    double wanted, shown;
    bool exact;
} tally;

static double take(void *context)
{
    tally *t = context;
    int64_t wanted = t->each * workers_of(t->sharing);
    int64_t shown = nf_sharing_run(t->sharing, t->way, t->each, &t->seconds);
    t->exact &= shown == wanted;
    t->wanted += (double)wanted;
    t->shown += (double)shown;
    return t->seconds / (double)wanted;
}

/* As many increments as take long enough, some times in a row: one hitch is no reason. */
static void choose_each(tally *t)
{
    for (int enough = 0; enough < TRIES;) {
        take(t);
        double factor = wanted_seconds / (t->seconds > 0 ? t->seconds : 1e-9);
        char fine = t->seconds >= least_seconds || t->each >= MOST_EACH;
        nf_broadcast(t->sharing->gauge->part, &fine, 1, 0);
        enough = fine ? enough + 1 : 0;
        if (!fine)
            t->each *= factor < 2 ? 2 : factor > 64 ? 64 : (int64_t)factor;
        nf_broadcast(t->sharing->gauge->part, &t->each, sizeof t->each, 0);
    }
}

void nf_cost_share(nf_sharing *s, nf_sharing_way way, nf_cost *cost)
{
    const nf_gauge *g = s->gauge;
    tally t = {.sharing = s, .way = way, .each = FIRST_TRY, .exact = true};
    choose_each(&t);
    t.wanted = t.shown = 0;
    *cost = (nf_cost){.kind = NF_COST_SHARE,
                      .what = (char *)(uintptr_t)nf_sharing_names[way],
                      .unit = (char *)(uintptr_t) "s",
                      .ranks = g->part->size,
                      .threads = g->part->threads,
                      .nodes = g->nodes,
                      .amount = (double)t.each * workers_of(s)};
    nf_gauge_sample(g, take, &t, cost);
    cost->valid = way == NF_RACE || t.exact;
    cost->lost = way == NF_RACE ? 1 - t.shown / t.wanted : 0;
}
