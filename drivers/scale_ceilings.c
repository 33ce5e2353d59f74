/* scale_ceilings.c - what the machine can do at most, with the placement of the study's points. */
#include <stdlib.h>
#include <string.h>

#include "drivers/scale_sample.h"
#include "drivers/study/ceilings.h"
#include "io/record.h"

/* Rank 0: keeps what was measured. */
static nf_status keep(scale_run *run, const nf_ceiling *list, size_t n)
{
    nf_status status = NF_OK;
    for (size_t i = 0; i < n && status == NF_OK; i++) {
        status = nf_study_ceiling(&run->study, &list[i]);
        if (status == NF_OK)
            status = nf_record_ceiling(run->records, run->records_path, &list[i]);
    }
    return status;
}

/* Whether the study has them of an earlier launch; rank 0 says so to all. */
static bool known(const scale_run *run, const char *what, int ranks, int threads, int nodes)
{
    char there = 0;
    for (size_t i = 0; i < run->study.nceilings; i++) {
        const nf_ceiling *c = &run->study.ceilings[i];
        there |= strcmp(c->what, what) == 0 && c->ranks == ranks && c->threads == threads &&
                 (nodes == 0 || c->nodes == nodes);
    }
    nf_broadcast(&run->cli->world, &there, 1, 0);
    return there;
}

static nf_status on_members(scale_run *run, const scale_part *part, void *context)
{
    const nf_world *world = part->world;
    nf_ceiling list[NF_WORKER_CEILINGS];
    (void)context;
    if (part->crowded)
        return NF_OK;
    int workers = nf_node_members(&run->cli->node, world->size) * world->threads;
    nf_status status = nf_ceilings_workers(world, part->nodes, workers, list);
    if (status == NF_OK && world->rank == 0)
        status = keep(run, list, NF_WORKER_CEILINGS);
    return nf_agree(world, status);
}

static nf_status of_layout(scale_run *run, const scale_layout *l)
{
    if (known(run, "f64", l->ranks, l->threads, 0))
        return NF_OK;
    return scale_by_layout(run, l, on_members, NULL);
}

int scale_find_other(const scale_run *run, bool far)
{
    const nf_node *node = &run->cli->node;
    int other = 0;
    if (run->cli->world.rank == 0 && !far && node->size > 1 && node->cores > 1)
        other = node->world_ranks[1];
    for (int i = 0; run->cli->world.rank == 0 && far && node->nodes > 1 && other == 0; i++)
        if (i + 1 == node->size || node->world_ranks[i + 1] != node->world_ranks[i] + 1)
            other = node->world_ranks[i] + 1;
    nf_broadcast(&run->cli->world, &other, sizeof other, 0);
    return other;
}

static nf_status of_messages(scale_run *run, bool far)
{
    const nf_world *world = &run->cli->world;
    nf_ceiling list[NF_MESSAGE_CEILINGS];
    int other = scale_find_other(run, far);
    nf_status status = NF_OK;
    if (other == 0 || known(run, "latency", 2, 1, far ? 2 : 1))
        return NF_OK;
    if (world->rank == 0 || world->rank == other) {
        const scale_layout two = {other + 1, 1};
        scale_bind(&run->cli->node, &two);
        nf_ceilings_messages(world, other, far ? 2 : 1, list);
        scale_unbind(&run->cli->node, &two);
    }
    if (world->rank == 0)
        status = keep(run, list, NF_MESSAGE_CEILINGS);
    nf_sleep_barrier(world);
    return nf_agree(world, status);
}

nf_status scale_ceilings(scale_run *run)
{
    scale_layouts layouts;
    nf_status status = NF_OK;
    scale_layouts_choose(run->cli, run->args, false, &layouts);
    for (size_t i = 0; i < layouts.count && status == NF_OK; i++)
        status = of_layout(run, &layouts.list[i]);
    if (status == NF_OK)
        status = of_messages(run, false);
    return status == NF_OK ? of_messages(run, true) : status;
}
