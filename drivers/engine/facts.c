#include "drivers/engine/facts.h"

#include <string.h>

#include "drivers/engine/cost.h"
#include "drivers/engine/resample.h"
#include "drivers/engine/sweep.h"

/* The pass that has this number among all of the plan, each survey before the pass that it is for;
 * NULL: past the end. */
static const nf_pass *find_pass(const nf_plan *plan, size_t number)
{
    for (size_t g = 0; g < plan->ngroups; g++) {
        for (size_t p = 0; p < plan->groups[g].npasses; p++) {
            const nf_pass *pass = &plan->groups[g].passes[p];
            if (pass->survey != NULL && number-- == 0)
                return pass->survey;
            if (number-- == 0)
                return pass;
        }
    }
    return NULL;
}

static bool is_survey(const nf_pass *pass)
{
    return pass->nends == 1 && pass->ends->surveys;
}

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
    while (find_pass(plan, facts->passes) != NULL)
        facts->passes++;
}

/* Bytes of all arrays that a pass goes through, for a cell of each. */
static double arrays_a_cell(const nf_plan *plan, const nf_pass *pass, double store)
{
    double bytes = (double)nf_cell_bytes(&pass->in);
    if (pass->reduces && !is_survey(pass) && plan->with.dtype != NF_NONE)
        bytes += (double)nf_cell_bytes(&plan->with);
    return pass->reduces ? bytes : bytes + store * (double)nf_cell_bytes(&pass->out);
}

/* Whether they exceed what the last-level cache has for this rank. */
static bool exceeds_cache(const nf_plan *plan, const nf_pass *pass)
{
    double cells = (double)nf_box_cells(&pass->tiling.own);
    double bytes = cells * arrays_a_cell(plan, pass, 1);
    if (pass->sources != NULL)
        bytes +=
            ((double)nf_sources_cells(pass->sources) - cells) * (double)nf_cell_bytes(&pass->in);
    return bytes > (double)plan->options.caches.l3;
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
    if (pass->sources != NULL)
        in = nf_sources_traffic(pass->sources);
    f->halo_bytes = (int64_t)sum(plan, (double)in.bytes);
    f->halo_messages = (int64_t)sum(plan, in.messages);
    f->halo_shared = (int64_t)sum(plan, in.shared);
    f->tiles = (int64_t)sum(plan, (double)pass->ntiles);
    double once = sum(plan, (double)nf_box_cells(&pass->tiling.own) * map_flops_a_cell(f));
    f->repeated = once > 0 ? sum(plan, nf_sweep_flops(plan, pass)) / once - 1 : 0;
}

static void predict(const nf_plan *plan, const nf_pass *pass, nf_pass_facts *f)
{
    int used = nf_cut_blocks(&pass->cut);
    double workers = (double)used * plan->world.threads, cells = (double)nf_shape_cells(&pass->out);
    double others = 0; /* a resampling reads other cells than it writes */
    if (pass->kind == NF_RESAMPLING)
        others = sum(plan, (double)nf_sources_cells(pass->sources)) - cells;
    f->bytes = cells * arrays_a_cell(plan, pass, 2) + /* a store reads what it overwrites */
               others * (double)nf_cell_bytes(&pass->in);
    f->flops = cells * flops_a_cell(f) * (1 + f->repeated);
    f->compute = f->flops / nf_nominal_flops / workers;
    f->memory = f->bytes / (f->in_memory ? nf_nominal_memory : nf_nominal_cache) / workers;
    f->exchange =
        ((double)f->halo_messages * nf_nominal_latency + (double)f->halo_bytes / nf_nominal_link) /
        used;
}

static bool may_stop(const nf_pass *pass)
{
    return pass->survey_every > 0 || (is_survey(pass) && pass->ends->stage->setup.survey_every > 0);
}

void nf_plan_tell_pass(const nf_plan *plan, size_t number, nf_pass_facts *f)
{
    const nf_pass *pass = find_pass(plan, number);
    *f = (nf_pass_facts){.count = pass->count,
                         .surveys = is_survey(pass),
                         .sweeps = pass->sweeps,
                         .may_stop = may_stop(pass),
                         .resamples = pass->kind == NF_RESAMPLING,
                         .labels = pass->kind == NF_LABELLING,
                         .in = pass->in,
                         .cut = pass->cut,
                         .halo = pass->halo,
                         .border = pass->border,
                         .strip = pass->tiling.strip,
                         .in_memory = exceeds_cache(plan, pass)};
    f->cut.shape = pass->out;
    memcpy(f->stages, pass->stages, sizeof f->stages);
    memcpy(f->tile, pass->tiling.largest, sizeof f->tile);
    for (; f->nends < pass->nends && f->nends < NF_MAX_TOLD; f->nends++)
        f->ends[f->nends] = pass->ends[f->nends].stage;
    if (plan->options.stream) /* stream.h tells of those */
        return;
    add_up(plan, pass, f);
    predict(plan, pass, f);
}

void nf_plan_peers(const nf_plan *plan, unsigned char *bits)
{
    const nf_pass *pass;
    for (size_t p = 0; (pass = find_pass(plan, p)) != NULL; p++)
        if (pass->exchange != NULL)
            nf_exchange_peers(pass->exchange, bits);
}

/* Elements that a stage's nominal costs are counted in: maps give them, others read them. */
static double counted_elements(const nf_stage *stage)
{
    const nf_setup *setup = &stage->setup;
    if (stage->kernel->kind == NF_RANGE)
        return (double)setup->indices;
    const nf_shape *shape = nf_kernel_maps(stage->kernel) ? &setup->out : &setup->in;
    return (double)nf_shape_cells(shape) * shape->channels;
}

nf_nominal nf_chain_nominal(const nf_chain *chain)
{
    nf_nominal sum = {0, 0};
    for (size_t i = 0; i < chain->count; i++) {
        const nf_setup *setup = &chain->stages[i].setup;
        double times = (double)(nf_stage_relooks(&chain->stages[i]) ? setup->looks : setup->steps);
        double elements = times * counted_elements(&chain->stages[i]);
        sum.flops += elements * setup->flops_per_cell;
        sum.bytes += elements * setup->bytes_per_cell;
    }
    return sum;
}

double nf_plan_moved(const nf_plan *plan)
{
    nf_pass_facts facts;
    double bytes = 0;
    for (size_t p = 0; find_pass(plan, p) != NULL; p++) {
        nf_plan_tell_pass(plan, p, &facts);
        bytes += facts.in.dtype == NF_NONE ? 0 : facts.bytes * (double)facts.sweeps;
    }
    return bytes;
}

double nf_plan_repeated(const nf_plan *plan)
{
    nf_pass_facts facts;
    double once = 0, all = 0;
    for (size_t p = 0; find_pass(plan, p) != NULL; p++) {
        nf_plan_tell_pass(plan, p, &facts);
        all += facts.flops * (double)facts.sweeps;
        once += facts.flops * (double)facts.sweeps / (1 + facts.repeated);
    }
    return once > 0 ? all / once - 1 : 0;
}
