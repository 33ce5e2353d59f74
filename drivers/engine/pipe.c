#include "drivers/engine/pipe.h"

#include <pthread.h>
#include <string.h>

#include "drivers/engine/team.h"

enum { MESSAGE = 2048, ROUNDS = 8 /* between two agreements, where nothing else is agreed on */ };

typedef struct running {
    const nf_pipe *pipe;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t fetched, computed, packed, placed, stored; /* bands that have gone through the step */
    nf_status status;                                  /* of the first step that failed */
    char message[MESSAGE];
    bool stop;
    nf_pipe_times times;
} running;

/* Waits until `*count` is at least that; false: there is nothing to wait for any more. */
static bool await(running *r, const int64_t *count, int64_t least)
{
    pthread_mutex_lock(&r->lock);
    while (!r->stop && *count < least)
        pthread_cond_wait(&r->changed, &r->lock);
    bool go_on = !r->stop;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void stop(running *r, nf_status status)
{
    pthread_mutex_lock(&r->lock);
    if (status != NF_OK && r->status == NF_OK) {
        r->status = status;
        strncpy(r->message, nf_message(status), MESSAGE - 1);
    }
    r->stop = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void advance(running *r, int64_t *count)
{
    pthread_mutex_lock(&r->lock);
    ++*count;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

/* One step of a band; whether it went well. */
static bool take(running *r, nf_pipe_step *step, int64_t band, int64_t *count, double *seconds)
{
    double start = nf_seconds();
    nf_status status = step != NULL ? step(r->pipe->context, band) : NF_OK;
    *seconds += nf_seconds() - start;
    if (status == NF_OK)
        advance(r, count);
    else
        stop(r, status);
    return status == NF_OK;
}

static void *read_ahead(void *context)
{
    running *r = context;
    const nf_pipe *p = r->pipe;
    for (int64_t band = 0; band < p->bands && await(r, &r->computed, band - 1); band++)
        if (!take(r, p->fetch, band, &r->fetched, &r->times.fetch))
            break;
    return NULL;
}

static void *write_behind(void *context)
{
    running *r = context;
    const nf_pipe *p = r->pipe;
    for (int64_t band = 0; band < p->bands; band++)
        if (!await(r, &r->computed, band + 1) ||
            !take(r, p->pack, band, &r->packed, &r->times.store) ||
            !await(r, &r->placed, p->place != NULL ? band + 1 : 0) ||
            !take(r, p->store, band, &r->stored, &r->times.store))
            break;
    return NULL;
}

/* Collective. What has failed up to now, wherever. */
static nf_status agree(const nf_world *world, running *r)
{
    pthread_mutex_lock(&r->lock);
    nf_status mine = r->status;
    pthread_mutex_unlock(&r->lock);
    if (mine != NF_OK) /* this thread is to have the message */
        nf_fail(mine, "%s", r->message);
    return nf_agree(world, mine);
}

static void compute(running *r, int64_t band)
{
    if (band < r->pipe->bands && await(r, &r->fetched, band + 1) && await(r, &r->stored, band - 1))
        take(r, r->pipe->compute, band, &r->computed, &r->times.compute);
}

/* Collective. The band before, while the writing thread has nothing else to do. */
static nf_status place(const nf_world *world, running *r, int64_t band)
{
    double seconds = 0;
    int64_t nothing = 0;
    bool mine = band < r->pipe->bands;
    if (mine)
        await(r, &r->packed, band + 1);
    nf_status status = agree(world, r);
    if (status != NF_OK)
        return status;
    return take(r, r->pipe->place, band, mine ? &r->placed : &nothing, &seconds) ? NF_OK
                                                                                 : r->status;
}

static nf_status go_through(const nf_world *world, running *r)
{
    const nf_pipe *p = r->pipe;
    nf_status status = NF_OK;
    for (int64_t round = 0; round < p->rounds && status == NF_OK; round++) {
        compute(r, round);
        if (p->place != NULL && round > 0)
            status = place(world, r, round - 1);
        else if (p->place == NULL && round % ROUNDS == ROUNDS - 1)
            status = agree(world, r);
    }
    if (p->place != NULL && p->rounds > 0 && status == NF_OK)
        status = place(world, r, p->rounds - 1);
    return status;
}

static bool start_thread(running *r, pthread_t *thread, void *(*work)(void *))
{
    int error = pthread_create(thread, NULL, work, r);
    if (error != 0)
        stop(r, nf_fail(NF_ERR_SYSTEM, "no thread can be started: %s", strerror(error)));
    return error == 0;
}

nf_status nf_pipe_run(const nf_world *world, const nf_pipe *pipe, nf_pipe_times *times)
{
    running r = {
        .pipe = pipe, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t reader, writer;
    bool writes = pipe->pack != NULL || pipe->place != NULL || pipe->store != NULL;
    r.stored = writes ? 0 : INT64_MAX;
    bool reading = start_thread(&r, &reader, read_ahead);
    bool writing = writes && start_thread(&r, &writer, write_behind);
    nf_status status = go_through(world, &r);
    if (status == NF_OK && writes) /* the last bands */
        await(&r, &r.stored, pipe->bands);
    stop(&r, NF_OK);
    if (reading)
        pthread_join(reader, NULL);
    if (writing)
        pthread_join(writer, NULL);
    times->fetch += r.times.fetch;
    times->compute += r.times.compute;
    times->store += r.times.store;
    return status == NF_OK ? agree(world, &r) : status;
}
