/* cuts.c - how the array of each pass is cut into blocks over the ranks. Passes up to the first that
 * resamples share the input's cut; each of those, and the passes after it, share another. */
#include "drivers/engine/plan_parts.h"

static nf_halo widest(const nf_halo *a, const nf_halo *b)
{
    nf_halo halo = *a;
    for (int d = 0; d < NF_DIMS; d++) {
        halo.lo[d] = b->lo[d] > halo.lo[d] ? b->lo[d] : halo.lo[d];
        halo.hi[d] = b->hi[d] > halo.hi[d] ? b->hi[d] : halo.hi[d];
    }
    return halo;
}

/* The first pass from number p on that resamples; npasses: none. */
static size_t next_resampling(const nf_group *group, size_t p)
{
    while (p < group->npasses && group->passes[p].kind != NF_RESAMPLING)
        p++;
    return p;
}

static nf_halo widest_of(const nf_group *group, size_t begin, size_t end)
{
    nf_halo any = {{0}, {0}};
    for (size_t p = begin; p < end; p++)
        any = widest(&any, &group->passes[p].halo);
    return any;
}

static bool is_ordered(const nf_group *group)
{
    for (size_t e = 0; e < group->nends; e++)
        if (!group->ends[e].stage->kernel->any_order)
            return true;
    return false;
}

/* Block boundaries of the passes from `begin` on: a partial belongs to a whole tile, where their order
 * counts. */
static void align_to_tiles(const nf_group *group, size_t end, int64_t align[NF_DIMS])
{
    if (end == group->npasses && is_ordered(group))
        nf_tile_fixed(&group->passes[end - 1].in, align);
}

int nf_pass_slowest(const nf_pass *pass)
{
    unsigned whole = pass->kind == NF_RESAMPLING ? pass->stages[0]->setup.whole : 0;
    int d = 0;
    while (d < NF_DIMS - 1 && (pass->out.dim[d] == 1 || whole & 1U << d))
        d++;
    for (int any = 0; whole & 1U << d && any < NF_DIMS; any++)
        d = whole & 1U << any ? d : any; /* one of one cell, then */
    return d;
}

/* Slabs of what a pass writes. */
static nf_cut slabs_of(const nf_plan *plan, const nf_group *group, const nf_pass *pass)
{
    int slow = nf_pass_slowest(pass), size = plan->world.size;
    nf_cut cut = {.shape = pass->out, .parts = {1, 1, 1}, .align = {1, 1, 1}};
    if (is_ordered(group) && pass->reduces)
        nf_tile_fixed(&pass->in, cut.align);
    else if (plan->options.align > 1)
        cut.align[slow] = plan->options.align;
    int64_t units = (cut.shape.dim[slow] - 1) / cut.align[slow] + 1;
    cut.parts[slow] = units < size ? (int)units : size;
    return cut;
}

/* What goes through files between its passes may be cut otherwise in each. */
static nf_status choose_slabs(nf_plan *plan)
{
    const int *told = plan->options.grid;
    for (size_t g = 0; g < plan->ngroups; g++) {
        nf_group *group = &plan->groups[g];
        for (size_t p = 0; p < group->npasses; p++)
            group->passes[p].cut = slabs_of(plan, group, &group->passes[p]);
    }
    plan->cut = plan->groups[0].passes[0].cut;
    for (int d = 0; d < NF_DIMS && told[0] > 0; d++)
        if (told[d] != plan->cut.parts[d])
            return nf_fail(NF_ERR_USAGE, "an array that does not fit into memory is cut along its "
                                         "slowest dimension alone: leave out --grid");
    return NF_OK;
}

static nf_status choose_first(nf_plan *plan)
{
    nf_halo any = {{0}, {0}};
    int64_t align[NF_DIMS] = {1, 1, 1};
    for (size_t g = 0; g < plan->ngroups; g++) {
        const nf_group *group = &plan->groups[g];
        size_t end = next_resampling(group, 0);
        nf_halo these = widest_of(group, 0, end);
        any = widest(&any, &these);
        plan->ghost = widest(&plan->ghost, &group->passes[0].halo);
        align_to_tiles(group, end, align);
    }
    if (plan->options.grid[0] > 0)
        return nf_cut_given(&plan->in, plan->world.size, plan->options.grid, align, &plan->cut);
    plan->cut = nf_cut_choose(&plan->in, plan->world.size, &any, align);
    return NF_OK;
}

/* The pass number p resamples. */
static nf_cut choose_next(const nf_plan *plan, const nf_group *group, size_t p)
{
    const nf_pass *pass = &group->passes[p];
    size_t end = next_resampling(group, p + 1);
    nf_halo any = widest_of(group, p + 1, end);
    int64_t align[NF_DIMS] = {1, 1, 1};
    align_to_tiles(group, end, align);
    for (int d = 0; d < NF_DIMS; d++)
        if (pass->stages[0]->setup.whole & 1U << d)
            align[d] = pass->out.dim[d];
    return nf_cut_choose(&pass->out, plan->world.size, &any, align);
}

static void choose_rest(const nf_plan *plan, nf_group *group)
{
    nf_cut cut = plan->cut;
    for (size_t p = 0; p < group->npasses; p++) {
        nf_pass *pass = &group->passes[p];
        pass->from_cut = cut;
        if (pass->kind == NF_RESAMPLING)
            cut = choose_next(plan, group, p);
        pass->cut = cut;
    }
}

nf_status nf_cuts_choose(nf_plan *plan)
{
    for (size_t g = 0; g < plan->ngroups; g++) {
        plan->ordered = plan->ordered || is_ordered(&plan->groups[g]);
        if (plan->groups[g].nends == 0)
            plan->out = plan->groups[g].passes[plan->groups[g].npasses - 1].out;
    }
    if (plan->options.stream)
        return choose_slabs(plan);
    nf_status status = choose_first(plan);
    for (size_t g = 0; g < plan->ngroups && status == NF_OK; g++)
        choose_rest(plan, &plan->groups[g]);
    return status;
}
