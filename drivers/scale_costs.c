#include "drivers/scale_costs.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/memory.h"
#include "drivers/study/costs.h"
#include "io/record.h"

/* Seconds that one cost is sampled, those of long messages longer. */
static const double brief = 0.05, longer = 0.2;

/* ---- records ---- */

static bool asked(const scale_run *run, nf_cost_kind kind)
{
    return (run->args->costs & 1u << kind) != 0;
}

/* Rank 0: whether the study has it of an earlier launch. amount 0: of any. */
static bool has(const scale_run *run, nf_cost_kind kind, const char *what, int ranks, int threads,
                int nodes, double amount)
{
    for (size_t i = 0; i < run->study.ncosts; i++) {
        const nf_cost *c = &run->study.costs[i];
        if (c->kind == kind && strcmp(c->what, what) == 0 && c->ranks == ranks &&
            c->threads == threads && c->nodes == nodes && (amount == 0 || c->amount == amount))
            return true;
    }
    return false;
}

/* Collective over the gauge's part: whether it has such a cost of these workers. */
static bool known(const scale_run *run, const nf_gauge *gauge, nf_cost_kind kind, const char *what,
                  double amount)
{
    const nf_world *part = gauge->part;
    char there =
        part->rank == 0 && has(run, kind, what, part->size, part->threads, gauge->nodes, amount);
    nf_broadcast(part, &there, 1, 0);
    return there;
}

static nf_status wrong(const nf_cost *c)
{
    if (c->kind == NF_COST_SHARE)
        return nf_fail(NF_ERR_CHECK,
                       "a counter that %dx%d workers raised (%s) does not show how often they did; "
                       "the study is not to be trusted, --resume goes on with it",
                       c->ranks, c->threads, c->what);
    return nf_fail(NF_ERR_CHECK,
                   "%.0f bytes that were sent (%s) came to be other ones; the study is not to be "
                   "trusted, --resume goes on with it",
                   c->amount, c->what);
}

/* Collective over the part, whose rank 0 has measured it: the study has it for good when this returns. */
static nf_status keep(scale_run *run, const nf_world *part, const nf_cost *cost)
{
    nf_status status = NF_OK;
    if (part->rank == 0) {
        status = nf_study_cost(&run->study, cost);
        if (status == NF_OK)
            status = nf_record_cost(run->records, run->records_path, cost);
        if (status == NF_OK && !cost->valid)
            status = wrong(cost);
    }
    return nf_agree(part, status);
}

/* ---- starting ---- */

/* Rank 0 alone: its threads bound one a core, as many as there are cores at most. */
static nf_status time_region(scale_run *run, const nf_gauge *gauge)
{
    const scale_layout layout = {1, gauge->part->threads};
    nf_cost cost;
    nf_status status = NF_OK;
    if (!known(run, gauge, NF_COST_START, "first parallel region", 0) &&
        nf_cost_first_region(gauge, run->cli->node.pus, &cost))
        status = keep(run, gauge->part, &cost);
    if (status != NF_OK || known(run, gauge, NF_COST_START, "parallel region", 0))
        return status;
    scale_bind(&run->cli->node, &layout);
    nf_cost_region(gauge, &cost);
    scale_unbind(&run->cli->node, &layout);
    return keep(run, gauge->part, &cost);
}

static nf_status of_region(scale_run *run, int threads)
{
    const nf_world alone = {.size = 1, .threads = threads};
    nf_gauge gauge;
    nf_status status = nf_gauge_open(&alone, 1, true, true, brief, &gauge);
    if (status == NF_OK)
        status = time_region(run, &gauge);
    nf_gauge_close(&gauge);
    return status;
}

static nf_status of_process(scale_run *run)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_cost cost;
    nf_gauge gauge;
    nf_status status = nf_gauge_open(&alone, 1, true, true, brief, &gauge);
    if (status == NF_OK && !known(run, &gauge, NF_COST_START, "process", 0) &&
        nf_cost_process(&gauge, &cost))
        status = keep(run, &alone, &cost);
    nf_gauge_close(&gauge);
    return status;
}

/* Rank 0: regions of each number of threads, and processes. */
static nf_status of_rank_0(scale_run *run, const scale_layouts *layouts)
{
    nf_status status = of_process(run);
    for (size_t i = 0; i < layouts->count && status == NF_OK; i++) {
        int threads = layouts->list[i].threads;
        if (threads > 1 && threads <= run->cli->node.cores)
            status = of_region(run, threads);
    }
    return status;
}

/* Collective over all ranks. */
static nf_status of_mpi(scale_run *run)
{
    nf_world all = run->cli->world;
    nf_cost cost;
    nf_gauge gauge;
    all.threads = 1;
    nf_status status = nf_gauge_open(&all, run->cli->node.nodes, true, true, brief, &gauge);
    if (status == NF_OK && !known(run, &gauge, NF_COST_START, "MPI process", 0) &&
        nf_cost_mpi_process(&gauge, &cost))
        status = keep(run, &all, &cost);
    nf_gauge_close(&gauge);
    return status;
}

/* ---- parts of the ranks ---- */

/* Measures something by the ranks of a layout. */
typedef nf_status gauge_task(scale_run *run, const nf_gauge *gauge, void *context);

typedef struct gauging {
    gauge_task *task;
    void *context;
} gauging;

static nf_status by_members(scale_run *run, const scale_part *part, void *context)
{
    const gauging *g = context;
    if (part->crowded && (part->nodes > 1 || part->world->threads > 1))
        return NF_OK;
    nf_gauge gauge = {.part = NULL};
    nf_status status = nf_gauge_open(part->world, part->nodes, run->cli->node.world_ranks[0] == 0,
                                     part->crowded, brief, &gauge);
    if (status == NF_OK)
        status = g->task(run, &gauge, g->context);
    nf_gauge_close(&gauge);
    return status;
}

static nf_status by_layout(scale_run *run, const scale_layout *l, gauge_task *task, void *context)
{
    gauging g = {task, context};
    return scale_by_layout(run, l, by_members, &g);
}

static nf_status time_barrier(scale_run *run, const nf_gauge *gauge, void *context)
{
    nf_cost cost;
    (void)context;
    if (known(run, gauge, NF_COST_START, "barrier of ranks", 0))
        return NF_OK;
    nf_cost_barrier(gauge, &cost);
    return keep(run, gauge->part, &cost);
}

static nf_status of_starting(scale_run *run, const scale_layouts *layouts)
{
    const nf_world *world = &run->cli->world;
    nf_status status = of_mpi(run);
    if (status == NF_OK && world->rank == 0)
        status = of_rank_0(run, layouts);
    nf_sleep_barrier(world);
    status = nf_agree(world, status);
    for (size_t i = 0; i < layouts->count && status == NF_OK; i++)
        if (layouts->list[i].ranks > 1 && layouts->list[i].threads == 1)
            status = by_layout(run, &layouts->list[i], time_barrier, NULL);
    return status;
}

/* ---- sharing ---- */

/* By the part, the ways that it can and the study has not. */
static nf_status time_sharing(scale_run *run, const nf_gauge *gauge, void *context)
{
    const nf_world *part = gauge->part;
    nf_sharing sharing;
    nf_cost cost;
    nf_status status = nf_sharing_create(gauge, context, &sharing);
    for (nf_sharing_way way = 0; way < NF_SHARING_WAYS && status == NF_OK; way++) {
        if (known(run, gauge, NF_COST_SHARE, nf_sharing_names[way], 0) ||
            !nf_sharing_suits(way, part->size, part->threads, gauge->nodes) ||
            (way == NF_FETCH_AND_OP && sharing.remote == NULL))
            continue;
        nf_cost_share(&sharing, way, &cost);
        status = keep(run, part, &cost);
    }
    nf_sharing_free(&sharing);
    return status;
}

static nf_status of_sharing(scale_run *run, const scale_layouts *layouts)
{
    nf_shared shared;
    int workers = 0;
    for (size_t i = 0; i < layouts->count; i++) {
        int these = layouts->list[i].ranks * layouts->list[i].threads;
        workers = these > workers ? these : workers;
    }
    nf_status status = nf_agree(&run->cli->world,
                                nf_node_share(&run->cli->node, nf_sharing_bytes(workers), &shared));
    for (size_t i = 0; i < layouts->count && status == NF_OK; i++)
        status = by_layout(run, &layouts->list[i], time_sharing, shared.memory);
    nf_node_unshare(&shared);
    return status;
}

/* ---- sending ---- */

enum { SIZES = 3 };

/* A block is half of each row: rows of them, each of twice as many cells. */
static const int64_t send_rows[SIZES] = {64, 512, 2048}; /* 64 KiB, 4 MiB, 64 MiB */

static nf_status time_sending(scale_run *run, const nf_gauge *gauge, int64_t rows, void *memory)
{
    nf_sending sending = {
        .gauge = gauge, .rows = rows, .columns = 4 * rows, .first = 2 * rows, .width = 2 * rows};
    nf_cost cost;
    double bytes = (double)sizeof(uint64_t) * (double)(rows * sending.width);
    nf_status status = nf_sending_create(&sending, memory);
    for (nf_sending_way way = 0; way < NF_SENDING_WAYS && status == NF_OK; way++) {
        if (known(run, gauge, NF_COST_SEND, nf_sending_names[way], bytes) ||
            (memory == NULL && (way == NF_COPIED || way == NF_IN_PLACE)))
            continue;
        nf_cost_send(&sending, way, &cost);
        status = keep(run, gauge->part, &cost);
    }
    nf_sending_free(&sending);
    return status;
}

/* By the pair alone. */
static nf_status by_pair(scale_run *run, const nf_world *pair, int other, bool far, int64_t rows,
                         void *memory)
{
    const nf_node *node = &run->cli->node;
    const scale_layout two = {other + 1, 1};
    nf_gauge gauge;
    scale_bind(node, &two);
    nf_status status = nf_gauge_open(pair, far ? 2 : 1, pair->rank == 0 || !far, false,
                                     rows == send_rows[SIZES - 1] ? longer : brief, &gauge);
    if (status == NF_OK)
        status = time_sending(run, &gauge, rows, memory);
    nf_gauge_close(&gauge);
    scale_unbind(node, &two);
    return status;
}

/* Whether both have memory enough: four times what it takes, their node's other ranks apart. */
static bool affordable(const nf_world *pair, int64_t rows)
{
    size_t each = nf_sending_bytes(rows, 4 * rows, 2 * rows);
    size_t both = 2 * each + nf_sending_shared_bytes(rows, 2 * rows);
    return nf_sum_u64(pair, nf_memory_available() < 4 * (int64_t)both) == 0;
}

/* Collective over all ranks. */
static nf_status of_size(scale_run *run, const nf_world *pair, int other, bool far, int64_t rows)
{
    const nf_world *world = &run->cli->world;
    const nf_node *node = &run->cli->node;
    nf_shared shared = {NULL, 0};
    nf_status status = NF_OK;
    char fits = pair->size > 0 && affordable(pair, rows);
    nf_broadcast(world, &fits, 1, 0);
    if (!fits)
        return NF_OK;
    if (!far && node->world_ranks[0] == 0 &&
        nf_node_share(node, nf_sending_shared_bytes(rows, 2 * rows), &shared) != NF_OK)
        shared.memory = NULL; /* they agree on it; messages can be measured all the same */
    if (pair->size > 0)
        status = by_pair(run, pair, other, far, rows, shared.memory);
    nf_sleep_barrier(world);
    nf_node_unshare(&shared);
    return nf_agree(world, status);
}

static nf_status of_sending(scale_run *run, bool far)
{
    int other = scale_find_other(run, far);
    nf_world pair;
    if (other == 0)
        return NF_OK;
    nf_status status = nf_world_pair(&run->cli->world, other, &pair);
    for (int i = 0; i < SIZES && status == NF_OK; i++)
        status = of_size(run, &pair, other, far, send_rows[i]);
    nf_world_free(&pair);
    return status;
}

/* ---- memory ---- */

typedef struct holding {
    int leader;    /* the first rank of its node */
    int64_t bytes; /* this rank's share; -1: unknown */
} holding;

/* Of the ranks of the node that has most, what they hold together. */
static nf_cost sum_up(const holding *all, int ranks, int64_t input, int64_t mapped)
{
    nf_cost most = {.kind = NF_COST_MEMORY,
                    .what = (char *)(uintptr_t) "input",
                    .unit = (char *)(uintptr_t) "B",
                    .threads = 1,
                    .nodes = 1,
                    .n = 1,
                    .valid = true};
    for (int leader = 0; leader < ranks; leader++) {
        int members = 0;
        double bytes = 0;
        bool told = true;
        for (int rank = leader; all[leader].leader == leader && rank < ranks; rank++) {
            if (all[rank].leader != leader)
                continue;
            members++;
            told &= all[rank].bytes >= 0;
            bytes += (double)all[rank].bytes;
        }
        if (members <= most.ranks)
            continue;
        most.ranks = members;
        most.value = told ? bytes : (double)mapped;
    }
    most.amount = (double)input * most.ranks;
    return most;
}

/* So that every rank has all of the input's pages. */
static void read_pages(const nf_source *source)
{
    const volatile char *cells = source->cells.memory;
    size_t bytes = nf_shape_bytes(&source->shape);
    for (size_t i = 0; i < bytes; i += 4096)
        (void)cells[i];
}

static nf_status of_memory(scale_run *run)
{
    const nf_world *world = &run->cli->world;
    const nf_source *source = run->source;
    nf_status status = NF_OK;
    holding *all = calloc((size_t)world->size, sizeof *all);
    status = nf_agree(world, all ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a list"));
    if (status == NF_OK) {
        read_pages(source);
        nf_barrier(world);
        const holding mine = {run->cli->node.world_ranks[0], nf_memory_share(source->cells.memory)};
        nf_gather(world, &mine, all, sizeof mine);
    }
    nf_cost cost = {.ranks = 0};
    if (status == NF_OK && world->rank == 0)
        cost = sum_up(all, world->size, (int64_t)nf_shape_bytes(&source->shape),
                      (int64_t)source->cells.mapped);
    free(all);
    char fresh =
        cost.ranks > 1 && !has(run, NF_COST_MEMORY, cost.what, cost.ranks, 1, 1, cost.amount);
    nf_broadcast(world, &fresh, 1, 0);
    return status == NF_OK && fresh ? keep(run, world, &cost) : status;
}

/* ---- all of them ---- */

nf_status scale_costs(scale_run *run)
{
    scale_layouts layouts;
    nf_status status = NF_OK;
    scale_layouts_choose(run->cli, run->args, false, &layouts);
    if (asked(run, NF_COST_START))
        status = of_starting(run, &layouts);
    if (status == NF_OK && asked(run, NF_COST_SHARE))
        status = of_sharing(run, &layouts);
    if (status == NF_OK && asked(run, NF_COST_SEND))
        status = of_sending(run, false);
    if (status == NF_OK && asked(run, NF_COST_SEND))
        status = of_sending(run, true);
    if (status == NF_OK && asked(run, NF_COST_MEMORY))
        status = of_memory(run);
    return status;
}
