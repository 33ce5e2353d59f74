/* passes.c - which maps of a chain go together in one sweep over the array, and what each of them
 * must write for what the last one does. */
#include <stdlib.h>

#include "drivers/engine/chain_parts.h"
#include "drivers/engine/plan_parts.h"

int nf_stage_reach(const nf_stage *stage, int d)
{
    return stage->setup.halo.lo[d] + stage->setup.halo.hi[d];
}

/* ---- boxes ---- */

void nf_pass_boxes(const nf_pass *pass, const nf_box *out, nf_box written[NF_MAX_FUSED])
{
    nf_box array = nf_box_whole(&pass->in), box = *out;
    for (size_t i = pass->count; i-- > 0;) {
        const nf_stage *stage = pass->stages[i];
        written[i] = box;
        box = nf_box_grow(&box, &stage->setup.halo);
        /* What lies beyond the edges comes from the stage's border, but for wrapping: there the
         * stages before go on beyond them, too. */
        if (stage->fills)
            box = nf_box_intersect(&box, &array);
    }
}

nf_box nf_pass_needs(const nf_pass *pass, const nf_box *out)
{
    nf_box written[NF_MAX_FUSED];
    if (pass->count == 0)
        return nf_box_grow(out, &pass->halo);
    nf_pass_boxes(pass, out, written);
    return nf_box_grow(&written[0], &pass->stages[0]->setup.halo);
}

int64_t nf_pass_margin(const nf_pass *pass, size_t i, int d)
{
    int64_t margin = 0;
    for (size_t later = i + 1; later < pass->count; later++)
        margin += nf_stage_reach(pass->stages[later], d);
    return margin;
}

/* ---- fusing ---- */

/* Whether it goes over its own output. */
static bool iterates(const nf_pass *pass)
{
    return pass->sweeps > 1 || pass->survey_every > 0;
}

/* Whether `stage` can follow in the same sweep. */
static bool can_fuse(const nf_pass *pass, const nf_stage *stage)
{
    if (pass->count == 0)
        return true;
    if (pass->count == NF_MAX_FUSED || iterates(pass) || pass->kind != NF_SWEEPS)
        return false;
    if (stage->fills || nf_halo_none(&stage->setup.halo))
        return true;
    for (size_t i = 0; i < pass->count; i++)
        if (pass->stages[i]->fills)
            return false;
    return true;
}

static void fuse(nf_pass *pass, const nf_stage *stage)
{
    if (nf_halo_none(&pass->halo)) {
        pass->border = stage->border;
        pass->border_value = stage->border_value;
    }
    pass->stages[pass->count++] = stage;
    pass->halo = nf_halo_sum(&pass->halo, &stage->setup.halo);
    pass->out = stage->setup.out;
}

static nf_pass empty_pass(const nf_shape *in)
{
    return (nf_pass){.sweeps = 1, .in = *in, .out = *in};
}

static nf_pass *next_pass(nf_pass *pass)
{
    pass[1] = empty_pass(&pass->out);
    return pass + 1;
}

/* One step after the other, in the same sweep as what came before where that is possible. */
static nf_pass *add_steps(nf_pass *pass, const nf_stage *stage, int64_t steps)
{
    for (int64_t step = 0; step < steps; step++) {
        if (!can_fuse(pass, stage))
            pass = next_pass(pass);
        fuse(pass, stage);
    }
    return pass;
}

/* A pass of its own. */
static nf_pass *add_alone(nf_pass *pass, const nf_stage *stage, nf_pass_kind kind)
{
    if (pass->count > 0)
        pass = next_pass(pass);
    fuse(pass, stage);
    pass->kind = kind;
    return pass;
}

/* Steps of a map: so many of them in each of several sweeps, and the rest in one. */
static nf_pass *add_sweeps(nf_pass *pass, const nf_stage *stage, int64_t steps, int64_t depth)
{
    if (steps <= depth)
        return add_steps(pass, stage, steps);
    if (pass->count > 0)
        pass = next_pass(pass);
    pass = add_steps(pass, stage, depth);
    pass->sweeps = steps / depth;
    return steps % depth == 0 ? pass : add_steps(next_pass(pass), stage, steps % depth);
}

/* An iteration with surveys: what is left over comes first, then sweeps that the surveys divide. */
static nf_pass *add_checked(nf_pass *pass, const nf_stage *stage, int64_t depth)
{
    int64_t steps = stage->setup.steps, every = stage->setup.survey_every;
    every = every < steps ? every : steps;
    int64_t rest = steps % every;
    if (steps < 2 * every) /* one survey, at the end */
        rest = steps % depth, every = steps - rest;
    while (every % depth != 0)
        depth--;
    pass = add_sweeps(pass, stage, rest, depth);
    if (pass->count > 0)
        pass = next_pass(pass);
    pass = add_steps(pass, stage, depth);
    pass->learns = stage;
    pass->sweeps = (steps - rest) / depth;
    pass->survey_every = every / depth;
    return pass;
}

/* All steps of a map; `whole`: all of them in one sweep, if there are not too many. */
static nf_pass *add_map(const nf_plan *plan, nf_pass *pass, const nf_stage *stage, bool whole)
{
    if (stage->kernel->kind == NF_COMPONENTS)
        return add_alone(pass, stage, NF_LABELLING);
    if (stage->kernel->kind == NF_RESAMPLE)
        return add_alone(pass, stage, NF_RESAMPLING);
    int64_t depth = whole ? NF_MAX_FUSED : nf_cost_depth(plan, stage);
    if (!nf_stage_surveys(stage))
        return add_sweeps(pass, stage, stage->setup.steps, depth);
    if (stage->setup.survey_every > 0)
        return add_checked(pass, stage, depth);
    if (pass->count > 0)
        pass = next_pass(pass);
    pass->learns = stage;
    return add_sweeps(pass, stage, stage->setup.steps, depth);
}

static nf_pass *add_end(nf_pass *pass, const nf_stage *stage)
{
    bool relooks = nf_stage_relooks(stage);
    if (iterates(pass) || pass->kind != NF_SWEEPS || (relooks && pass->count > 0))
        pass = next_pass(pass);
    pass->reduces = true;
    pass->sweeps = relooks ? stage->setup.looks : 1;
    return pass;
}

/* Where the alias's chain began whose maps of two inputs are still to come: they read what that pass
 * reads, and so must be stages of it. */
typedef struct opening {
    const nf_pass *pass;
    size_t origin;
} opening;

static nf_status check_opening(const opening *begun, const nf_pass *pass, const nf_stage *stage)
{
    if (stage->kernel->kind != NF_MAP || !stage->kernel->two_inputs)
        return NF_OK;
    if (pass == begun->pass && pass->sweeps == 1 && stage->origin == begun->origin)
        return NF_OK;
    return nf_alias_blame(
        stage,
        nf_fail(NF_ERR_PARAM,
                "kernel '%s' reads what its chain began with, but the stages up to it do not "
                "go together in one sweep: they are more than %d, steps counted, or their "
                "borders differ",
                stage->kernel->name, NF_MAX_FUSED));
}

nf_status nf_passes_make(const nf_plan *plan, nf_group *group, const nf_chain *chain)
{
    size_t maps = nf_chain_maps(chain);
    /* Each map begins four at most: before it, its sweeps, what remains of its steps, and steps with
     * surveys. */
    group->passes = calloc(4 * maps + 2, sizeof *group->passes);
    if (group->passes == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    nf_pass *pass = group->passes;
    *pass = empty_pass(&plan->in);
    opening begun = {NULL, 0};
    for (size_t i = 0; i < maps; i++) {
        if (nf_alias_begins(chain, i)) {
            pass = pass->count > 0 ? next_pass(pass) : pass;
            begun = (opening){pass, i};
        }
        pass = add_map(plan, pass, &chain->stages[i], nf_alias_spans(chain, i));
        nf_status status = check_opening(&begun, pass, &chain->stages[i]);
        if (status != NF_OK)
            return status;
    }
    if (plan->options.stream && plan->options.align > 1 && pass->kind == NF_RESAMPLING)
        pass = next_pass(pass); /* a copy, in bands that have that alignment */
    if (maps < chain->count)
        pass = add_end(pass, &chain->stages[maps]);
    group->npasses = (size_t)(pass - group->passes) + 1;
    return NF_OK;
}
