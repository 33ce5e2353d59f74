/* mpi_farm.c - the main threads of a farm: rank 0 hands items out, the others ask for them.
 *
 * A rank that wants an item sends NF_TAG_ASK and gets an item's number, or NOTHING for good, once rank 0
 * can tell; what came of an item goes to rank 0 with NF_TAG_RESULT. Only asked-for numbers are sent,
 * and no rank has asked twice, so that receives are always there in time.
 *
 * A shared counter (MPI_Fetch_and_op) would need no rank to answer. But nobody would know who holds which
 * item, nothing could be handed out with regard to what is still to come, and where MPI moves passive
 * targets in software it would stand still until its owner calls MPI. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/crew.h"
#include "drivers/engine/farm.h"
#include "drivers/engine/mpi_comm.h"

enum { NOTHING = -1, LATER = -2 };

/* Longer each time that nothing happened; a rank alone hears of everything from its threads. */
static double next_nap(const nf_world *world, double nap, bool happened)
{
    const double least = 50e-6, most = 2e-3, alone = 20e-3;
    if (world->size == 1)
        return alone;
    return happened ? least : nap < most / 2 ? 2 * nap : most;
}

/* Whether there is room for one more item; where memory is short there will be, once others are done. */
static bool have_spare(nf_task **spare, const nf_farm *farm)
{
    if (*spare == NULL)
        *spare = nf_task_create(farm);
    return *spare != NULL;
}

/* ---- rank 0 ---- */

typedef struct client {
    int workers;
    int64_t held;    /* items handed out to it that have not come back */
    double load;     /* their weight */
    bool asks, told; /* that there is nothing more */
} client;

typedef struct master {
    const nf_world *world;
    const nf_farm *farm;
    client *clients;   /* [ranks] */
    int *owner;        /* [items]: the rank that each was handed out to */
    int64_t workers;   /* of all ranks */
    int64_t next;      /* to be handed out */
    int64_t under_way; /* of all ranks */
    int told;          /* ranks */
    double left;       /* the weight of what is not handed out yet */
    char *message;     /* an item and its result */
    nf_task *spare;
    nf_status status;
    char reason[1024];
} master;

static double weight_of(const master *m, int64_t item)
{
    return m->farm->weight != NULL ? m->farm->weight[item] : 1;
}

static void give_up(master *m, nf_status status)
{
    if (status == NF_OK || m->status != NF_OK)
        return;
    m->status = status;
    strncpy(m->reason, nf_message(status), sizeof m->reason - 1);
}

/* Whether a rank whose workers all have something may hold one more: when what is left keeps all
 * workers busy for as long as it will be. */
static bool may_hold(const master *m, const client *c)
{
    if (c->held < c->workers)
        return true;
    double after = m->left - weight_of(m, m->next);
    return c->load / c->workers <= after / (double)m->workers;
}

/* An item for the rank, NOTHING for good, or LATER. */
static int64_t choose(master *m, int rank)
{
    const nf_farm *farm = m->farm;
    client *c = &m->clients[rank];
    if (m->status != NF_OK || m->next >= farm->items ||
        (farm->stop != NULL && farm->stop(farm->context)))
        return NOTHING;
    if ((m->next >= farm->alone && m->under_way > 0) || !may_hold(m, c))
        return LATER;
    give_up(m, farm->begin(farm->context, m->next));
    if (m->status != NF_OK)
        return NOTHING;
    m->owner[m->next] = rank;
    c->held++;
    c->load += weight_of(m, m->next);
    m->left -= weight_of(m, m->next);
    m->under_way++;
    return m->next++;
}

static void collect(master *m, int64_t item, const void *result)
{
    client *c = &m->clients[m->owner[item]];
    c->held--;
    c->load -= weight_of(m, item);
    m->under_way--;
    if (m->status == NF_OK)
        give_up(m, m->farm->collect(m->farm->context, item, result));
}

/* Whether a message came. */
static bool receive(master *m)
{
    MPI_Comm comm = m->world->comm->mpi;
    MPI_Status about;
    int64_t item;
    int came;
    MPI_Iprobe(MPI_ANY_SOURCE, NF_TAG_RESULT, comm, &came, &about);
    if (came) {
        MPI_Recv(m->message, (int)(sizeof item + m->farm->result_bytes), MPI_BYTE, about.MPI_SOURCE,
                 NF_TAG_RESULT, comm, MPI_STATUS_IGNORE);
        memcpy(&item, m->message, sizeof item);
        collect(m, item, m->message + sizeof item);
        return true;
    }
    MPI_Iprobe(MPI_ANY_SOURCE, NF_TAG_ASK, comm, &came, &about);
    if (came) {
        MPI_Recv(NULL, 0, MPI_BYTE, about.MPI_SOURCE, NF_TAG_ASK, comm, MPI_STATUS_IGNORE);
        m->clients[about.MPI_SOURCE].asks = true;
    }
    return came;
}

static bool answer(master *m, int rank)
{
    client *c = &m->clients[rank];
    int64_t item = choose(m, rank);
    if (item == LATER)
        return false;
    c->asks = false;
    c->told = item == NOTHING;
    m->told += c->told;
    MPI_Send(&item, 1, MPI_INT64_T, rank, NF_TAG_ITEM, m->world->comm->mpi);
    return true;
}

/* Rank 0's own threads; whether anything happened. */
static bool serve_own(master *m, nf_crew *crew)
{
    bool happened = false;
    client *c = &m->clients[0];
    for (nf_task *task; (task = nf_crew_take(crew)) != NULL; happened = true) {
        collect(m, task->item, task->result);
        free(task);
    }
    while (!c->told && nf_crew_wants(crew) && have_spare(&m->spare, m->farm)) {
        m->spare->item = choose(m, 0);
        if (m->spare->item == LATER)
            break;
        happened = true;
        c->told = m->spare->item == NOTHING;
        m->told += c->told;
        if (c->told)
            continue;
        nf_crew_give(crew, m->spare);
        m->spare = NULL;
    }
    return happened;
}

static nf_status hand_out(master *m, nf_crew *crew)
{
    double nap = 0;
    while (m->told < m->world->size || m->under_way > 0) {
        bool happened = serve_own(m, crew);
        while (m->world->size > 1 && receive(m))
            happened = true;
        for (int r = 1; r < m->world->size; r++)
            if (m->clients[r].asks)
                happened |= answer(m, r);
        nap = next_nap(m->world, nap, happened);
        nf_crew_wait(crew, nap);
    }
    return m->status == NF_OK ? NF_OK : nf_fail(m->status, "%s", m->reason);
}

static nf_status master_start(master *m)
{
    const nf_farm *farm = m->farm;
    m->clients = calloc((size_t)m->world->size, sizeof *m->clients);
    m->owner = calloc((size_t)farm->items + 1, sizeof *m->owner);
    m->message = malloc(sizeof(int64_t) + farm->result_bytes);
    for (int64_t i = 0; i < farm->items; i++)
        m->left += weight_of(m, i);
    if (m->clients == NULL || m->owner == NULL || m->message == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %lld items of work", (long long)farm->items);
    return NF_OK;
}

static void master_free(master *m)
{
    free(m->clients);
    free(m->owner);
    free(m->message);
    free(m->spare);
}

/* ---- the others ---- */

typedef struct asker {
    const nf_world *world;
    const nf_farm *farm;
    nf_crew *crew;
    nf_task *spare; /* gets the answer */
    MPI_Request answer;
    bool asked, over;
} asker;

/* Whether an answer came. */
static bool look(asker *a)
{
    int came = 0;
    if (a->asked)
        MPI_Test(&a->answer, &came, MPI_STATUS_IGNORE);
    if (!came)
        return false;
    a->asked = false;
    a->over = a->spare->item == NOTHING;
    if (!a->over) {
        nf_crew_give(a->crew, a->spare);
        a->spare = NULL;
    }
    return true;
}

static void ask(asker *a)
{
    if (a->asked || a->over || !nf_crew_wants(a->crew) || !have_spare(&a->spare, a->farm))
        return;
    MPI_Irecv(&a->spare->item, 1, MPI_INT64_T, 0, NF_TAG_ITEM, a->world->comm->mpi, &a->answer);
    MPI_Send(NULL, 0, MPI_BYTE, 0, NF_TAG_ASK, a->world->comm->mpi);
    a->asked = true;
}

static bool hand_back(asker *a, char *message)
{
    nf_task *task = nf_crew_take(a->crew);
    if (task == NULL)
        return false;
    memcpy(message, &task->item, sizeof task->item);
    memcpy(message + sizeof task->item, task->result, a->farm->result_bytes);
    MPI_Send(message, (int)(sizeof task->item + a->farm->result_bytes), MPI_BYTE, 0, NF_TAG_RESULT,
             a->world->comm->mpi);
    free(task);
    return true;
}

static void go_on_asking(asker *a, char *message)
{
    double nap = 0;
    while (!a->over || nf_crew_busy(a->crew) > 0) {
        bool happened = look(a);
        while (hand_back(a, message))
            happened = true;
        ask(a);
        nap = next_nap(a->world, nap, happened);
        nf_crew_wait(a->crew, nap);
    }
}

/* ---- all ---- */

nf_status nf_farm_run(const nf_world *world, const nf_farm *farm)
{
    nf_crew *crew = NULL;
    master m = {.world = world, .farm = farm};
    asker a = {.world = world, .farm = farm};
    char *message = malloc(sizeof(int64_t) + farm->result_bytes);
    int *workers = calloc((size_t)world->size, sizeof *workers);
    nf_status status = nf_crew_start(farm, &crew);
    if (status == NF_OK && (message == NULL || workers == NULL))
        status = nf_fail(NF_ERR_MEMORY, "no memory for results of work");
    if (status == NF_OK && world->rank == 0)
        status = master_start(&m);
    status = nf_agree(world, status);
    if (status == NF_OK) {
        a.crew = crew;
        nf_gather(world, &farm->workers, workers, sizeof *workers);
        for (int r = 0; world->rank == 0 && r < world->size; r++) {
            m.clients[r].workers = workers[r];
            m.workers += workers[r];
        }
        if (world->rank == 0)
            status = hand_out(&m, crew);
        else
            go_on_asking(&a, message);
        status = nf_agree(world, status);
    }
    nf_crew_stop(crew);
    master_free(&m);
    free(a.spare);
    free(workers);
    free(message);
    return status;
}
