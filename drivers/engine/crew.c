#include "drivers/engine/crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct queue {
    nf_task *first, **end;
    int64_t count;
} queue;

typedef struct member {
    nf_crew *crew;
    pthread_t thread;
    int number; /* of workers */
} member;

struct nf_crew {
    const nf_farm *farm;
    pthread_mutex_t lock;
    pthread_cond_t for_workers, for_helpers, for_main;
    queue given, ready, worked, done; /* to be fetched, to be worked on, to be finished */
    int64_t fetching;
    int64_t busy; /* the main thread's */
    bool news, over;
    int started;
    member *members; /* workers, then helpers */
};

/* ---- queues ---- */

static void put(queue *q, nf_task *task)
{
    task->next = NULL;
    *q->end = task;
    q->end = &task->next;
    q->count++;
}

static nf_task *get(queue *q)
{
    nf_task *task = q->first;
    if (task == NULL)
        return NULL;
    q->first = task->next;
    if (q->first == NULL)
        q->end = &q->first;
    q->count--;
    return task;
}

/* That a worker has taken an item, or that one is done: nothing else lets the main thread do something. */
static void tell_main(nf_crew *crew)
{
    crew->news = true;
    pthread_cond_signal(&crew->for_main);
}

/* ---- threads ---- */

static void *work(void *context)
{
    const member *me = context;
    nf_crew *crew = me->crew;
    const nf_farm *farm = crew->farm;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        nf_task *task = get(&crew->ready);
        if (task == NULL && crew->over)
            break;
        if (task == NULL) {
            pthread_cond_wait(&crew->for_workers, &crew->lock);
            continue;
        }
        tell_main(crew); /* there is room for another */
        pthread_mutex_unlock(&crew->lock);
        farm->work(farm->context, me->number, task->item, task->result);
        pthread_mutex_lock(&crew->lock);
        put(farm->finish != NULL ? &crew->worked : &crew->done, task);
        if (farm->finish != NULL)
            pthread_cond_signal(&crew->for_helpers);
        else
            tell_main(crew);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* What a helper does next: workers that would wait come first. */
static nf_task *choose(nf_crew *crew, bool *fetches)
{
    bool hungry = crew->ready.count < crew->farm->workers || crew->worked.count == 0;
    *fetches = crew->given.count > 0 && hungry;
    return get(*fetches ? &crew->given : &crew->worked);
}

static void help_with(nf_crew *crew, nf_task *task, bool fetches)
{
    const nf_farm *farm = crew->farm;
    crew->fetching += fetches;
    pthread_mutex_unlock(&crew->lock);
    if (fetches)
        farm->fetch(farm->context, task->item);
    else
        farm->finish(farm->context, task->item, task->result);
    pthread_mutex_lock(&crew->lock);
    crew->fetching -= fetches;
    put(fetches ? &crew->ready : &crew->done, task);
    if (fetches)
        pthread_cond_signal(&crew->for_workers);
    else
        tell_main(crew);
}

static void *help(void *context)
{
    nf_crew *crew = ((const member *)context)->crew;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        bool fetches;
        nf_task *task = choose(crew, &fetches);
        if (task != NULL)
            help_with(crew, task, fetches);
        else if (crew->over)
            break;
        else
            pthread_cond_wait(&crew->for_helpers, &crew->lock);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* ---- by the main thread ---- */

static nf_status start_threads(nf_crew *crew)
{
    const nf_farm *farm = crew->farm;
    int all = farm->workers + farm->helpers;
    crew->members = calloc((size_t)all, sizeof *crew->members);
    if (crew->members == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %d threads", all);
    for (int i = 0; i < all; i++) {
        member *m = &crew->members[i];
        *m = (member){.crew = crew, .number = i};
        int error = pthread_create(&m->thread, NULL, i < farm->workers ? work : help, m);
        if (error != 0)
            return nf_fail(NF_ERR_SYSTEM, "%d threads cannot be started: %s", all, strerror(error));
        crew->started++;
    }
    return NF_OK;
}

nf_status nf_crew_start(const nf_farm *farm, nf_crew **out)
{
    nf_crew *crew = *out = calloc(1, sizeof *crew);
    if (crew == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for threads");
    crew->farm = farm;
    queue *const queues[] = {&crew->given, &crew->ready, &crew->worked, &crew->done};
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++)
        queues[i]->end = &queues[i]->first;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->for_workers, NULL);
    pthread_cond_init(&crew->for_helpers, NULL);
    pthread_cond_init(&crew->for_main, NULL);
    return start_threads(crew);
}

void nf_crew_stop(nf_crew *crew)
{
    if (crew == NULL)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->over = true;
    pthread_cond_broadcast(&crew->for_workers);
    pthread_cond_broadcast(&crew->for_helpers);
    pthread_mutex_unlock(&crew->lock);
    for (int i = 0; i < crew->started; i++)
        pthread_join(crew->members[i].thread, NULL);
    pthread_cond_destroy(&crew->for_main);
    pthread_cond_destroy(&crew->for_helpers);
    pthread_cond_destroy(&crew->for_workers);
    pthread_mutex_destroy(&crew->lock);
    free(crew->members);
    free(crew);
}

bool nf_crew_wants(nf_crew *crew)
{
    enum { BEHIND = 4 /* items a thread that may wait for finish, and keep their memory */ };
    const nf_farm *farm = crew->farm;
    int64_t room = farm->workers > farm->helpers ? farm->workers : farm->helpers;
    pthread_mutex_lock(&crew->lock);
    bool wants = crew->given.count + crew->fetching + crew->ready.count < room &&
                 crew->worked.count < BEHIND * (farm->workers + farm->helpers);
    pthread_mutex_unlock(&crew->lock);
    return wants;
}

nf_task *nf_task_create(const nf_farm *farm)
{
    return calloc(1, sizeof(nf_task) + farm->result_bytes);
}

void nf_crew_give(nf_crew *crew, nf_task *task)
{
    bool fetches = crew->farm->fetch != NULL;
    crew->busy++;
    pthread_mutex_lock(&crew->lock);
    put(fetches ? &crew->given : &crew->ready, task);
    pthread_cond_signal(fetches ? &crew->for_helpers : &crew->for_workers);
    pthread_mutex_unlock(&crew->lock);
}

nf_task *nf_crew_take(nf_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    nf_task *task = get(&crew->done);
    pthread_mutex_unlock(&crew->lock);
    crew->busy -= task != NULL;
    return task;
}

int64_t nf_crew_busy(const nf_crew *crew)
{
    return crew->busy;
}

void nf_crew_wait(nf_crew *crew, double seconds)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    int64_t nanoseconds = end.tv_nsec + (int64_t)(seconds * 1e9);
    end.tv_sec += nanoseconds / 1000000000;
    end.tv_nsec = nanoseconds % 1000000000;
    pthread_mutex_lock(&crew->lock);
    while (!crew->news && pthread_cond_timedwait(&crew->for_main, &crew->lock, &end) == 0)
        ;
    crew->news = false;
    pthread_mutex_unlock(&crew->lock);
}
