#include "drivers/engine/facts.h"

#include <string.h>

#include "drivers/engine/cost.h"
#include "drivers/engine/sweep.h"

void nf_plan_tell(const nf_plan *plan, nf_plan_facts *facts)
{
    *facts = (nf_plan_facts){.in = plan->in,
                             .ranks = plan->world.size,
                             .threads = plan->world.threads,
                             .ordered = plan->ordered,
                             .workspace = (int64_t)plan->workspace_stride,
                             .caches = plan->options.caches};
    facts->cut = plan->cut;
    facts->used = nf_cut_blocks(&plan->cut);
    for (size_t g = 0; g < plan->ngroups; g++)
        facts->passes += plan->groups[g].npasses;
}

/* The group and the pass in it that have this number among all of the plan. */
static const nf_pass *find_pass(const nf_plan *plan, size_t number, const nf_group **group)
{
    *group = plan->groups;
    while (number >= (*group)->npasses)
        number -= (*group)++->npasses;
    return &(*group)->passes[number];
}

/* Bytes of all arrays that a pass goes through, for a cell of each. */
static double arrays_a_cell(const nf_plan *plan, const nf_pass *pass, double store)
{
    double bytes = (double)nf_cell_bytes(&pass->in);
    if (pass->reduces && plan->with.dtype != NF_NONE)
        bytes += (double)nf_cell_bytes(&plan->with);
    return pass->reduces ? bytes : bytes + store * (double)nf_cell_bytes(&pass->out);
}

/* Whether they exceed what the last-level cache has for this rank. */
static bool exceeds_cache(const nf_plan *plan, const nf_pass *pass)
{
    double cells = (double)nf_box_cells(&pass->tiling.own);
    return cells * arrays_a_cell(plan, pass, 1) > (double)plan->options.caches.l3;
}

/* Nominal operations of the maps for each cell of the array, none done twice. */
static double map_flops_a_cell(const nf_pass_facts *f)
{
    double flops = 0;
    for (size_t i = 0; i < f->count; i++)
        flops += f->stages[i]->setup.out.channels * f->stages[i]->setup.flops_per_cell;
    return flops;
}

/* Likewise, with those of the reductions. */
static double flops_a_cell(const nf_pass_facts *f)
{
    double flops = map_flops_a_cell(f);
    for (size_t i = 0; i < f->nends; i++)
        flops += f->ends[i]->setup.in.channels * f->ends[i]->setup.flops_per_cell;
    return flops;
}

static double sum(const nf_plan *plan, double mine)
{
    return (double)nf_sum_u64(&plan->world, (uint64_t)mine);
}

/* What the ranks have each of its own, added up. */
static void add_up(const nf_plan *plan, const nf_pass *pass, nf_pass_facts *f)
{
    nf_traffic in = {.messages = 0};
    if (pass->exchange != NULL)
        in = nf_exchange_traffic(pass->exchange);
    f->halo_bytes = (int64_t)sum(plan, (double)in.bytes);
    f->halo_messages = (int64_t)sum(plan, in.messages);
    f->halo_shared = (int64_t)sum(plan, in.shared);
    f->tiles = (int64_t)sum(plan, (double)pass->ntiles);
    double once = sum(plan, (double)nf_box_cells(&pass->tiling.own) * map_flops_a_cell(f));
    f->repeated = once > 0 ? sum(plan, nf_sweep_flops(plan, pass)) / once - 1 : 0;
}

static void predict(const nf_plan *plan, const nf_pass *pass, nf_pass_facts *f)
{
    int used = nf_cut_blocks(&plan->cut);
    double workers = (double)used * plan->world.threads, cells = (double)nf_shape_cells(&pass->in);
    f->bytes = cells * arrays_a_cell(plan, pass, 2); /* a store reads what it overwrites */
    f->flops = cells * flops_a_cell(f) * (1 + f->repeated);
    f->compute = f->flops / nf_nominal_flops / workers;
    f->memory = f->bytes / (f->in_memory ? nf_nominal_memory : nf_nominal_cache) / workers;
    f->exchange =
        ((double)f->halo_messages * nf_nominal_latency + (double)f->halo_bytes / nf_nominal_link) /
        used;
}

void nf_plan_tell_pass(const nf_plan *plan, size_t number, nf_pass_facts *f)
{
    const nf_group *group;
    const nf_pass *pass = find_pass(plan, number, &group);
    *f = (nf_pass_facts){.count = pass->count,
                         .sweeps = pass->sweeps,
                         .in = pass->in,
                         .halo = pass->halo,
                         .border = pass->border,
                         .strip = pass->tiling.strip,
                         .in_memory = exceeds_cache(plan, pass)};
    memcpy(f->stages, pass->stages, sizeof f->stages);
    memcpy(f->tile, pass->tiling.largest, sizeof f->tile);
    for (; pass->reduces && f->nends < group->nends && f->nends < NF_MAX_TOLD; f->nends++)
        f->ends[f->nends] = group->ends[f->nends].stage;
    add_up(plan, pass, f);
    predict(plan, pass, f);
}
