#include "drivers/engine/plan.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/resample.h"
#include "drivers/engine/sweep.h"
#include "drivers/engine/team.h"

/* ---- groups ---- */

static bool same_maps(const nf_chain *a, const nf_chain *b)
{
    size_t maps = nf_chain_maps(a);
    if (nf_chain_maps(b) != maps)
        return false;
    for (size_t i = 0; i < maps; i++) {
        const nf_stage *x = &a->stages[i], *y = &b->stages[i];
        if (strcmp(x->text, y->text) != 0 || (x->kernel->two_inputs && x->origin != y->origin))
            return false;
    }
    return true;
}

static bool relooks(const nf_chain *chain)
{
    return nf_stage_relooks(&chain->stages[chain->count - 1]);
}

/* Reductions share a sweep, unless one looks more than once. */
static bool can_join(const nf_chain *head, const nf_chain *chain)
{
    return same_maps(head, chain) && !relooks(head) && !relooks(chain);
}

/* Of no chain: one that copies the array. */
static nf_status make_copy(nf_plan *plan)
{
    plan->groups = calloc(1, sizeof *plan->groups);
    nf_pass *pass = calloc(1, sizeof *pass);
    if (plan->groups == NULL || pass == NULL) {
        free(pass);
        return nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    }
    *pass = (nf_pass){.in = plan->in, .out = plan->in, .sweeps = 1};
    plan->ngroups = 1;
    plan->groups[0] = (nf_group){.passes = pass, .npasses = 1};
    return NF_OK;
}

static nf_status make_groups(nf_plan *plan, nf_chain *chains, size_t nchains)
{
    if (nchains == 0)
        return make_copy(plan);
    plan->groups = calloc(nchains, sizeof *plan->groups);
    const nf_chain **head = calloc(nchains, sizeof *head);
    nf_status status =
        plan->groups && head ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    for (size_t i = 0; status == NF_OK && i < nchains; i++) {
        const nf_chain *chain = &chains[i];
        size_t g = 0;
        while (g < plan->ngroups && !can_join(head[g], chain))
            g++;
        nf_group *group = &plan->groups[g];
        if (g == plan->ngroups) {
            plan->ngroups++;
            head[g] = chain;
            group->ends = calloc(nchains, sizeof *group->ends);
            status = group->ends ? nf_passes_make(plan, group, chain)
                                 : nf_fail(NF_ERR_MEMORY, "no memory for a plan");
        }
        if (status == NF_OK && nf_chain_maps(chain) < chain->count)
            group->ends[group->nends++] =
                (nf_partials){.stage = &chain->stages[chain->count - 1], .chain = i};
    }
    free(head);
    return status;
}

/* The second input is read as it is: it has the type that the kernels before leave of the first. */
static nf_status note_second(nf_plan *plan, const nf_chain *chain)
{
    const nf_stage *end = &chain->stages[chain->count - 1];
    if (end->kernel->kind == NF_MAP || !end->kernel->two_inputs)
        return NF_OK;
    if (plan->with.dtype != NF_NONE && !nf_shape_equal(&plan->with, &end->setup.in))
        return nf_fail(
            NF_ERR_SHAPE, "'%s' needs a second array of %s elements, another chain one of %s",
            chain->typed, nf_dtype_name(end->setup.in.dtype), nf_dtype_name(plan->with.dtype));
    plan->with = end->setup.in;
    return NF_OK;
}

/* ---- memory ---- */

size_t nf_workspace_stride(size_t most)
{
    return nf_round_up(nf_kept_bytes() + most, 4096);
}

nf_status nf_workspace_create(nf_plan *plan, size_t most)
{
    plan->workspace_stride = nf_workspace_stride(most);
    size_t bytes = plan->workspace_stride * (size_t)plan->world.threads;
    free(plan->workspace); /* of another stream */
    plan->workspace = aligned_alloc(4096, bytes);
    if (plan->workspace == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu KiB of workspace a thread",
                       plan->workspace_stride >> 10);
    for (int t = 0; t < plan->world.threads; t++)
        memset(plan->workspace + (size_t)t * plan->workspace_stride, 0, sizeof(nf_kept));
    return NF_OK;
}

static nf_status allocate_workspace(nf_plan *plan)
{
    size_t most = 0;
    for (size_t g = 0; g < plan->ngroups; g++) {
        for (size_t p = 0; p < plan->groups[g].npasses; p++) {
            nf_pass *pass = &plan->groups[g].passes[p];
            size_t bytes =
                pass->kind == NF_RESAMPLING ? nf_resample_measure(pass) : nf_sweep_measure(pass);
            most = bytes > most ? bytes : most;
        }
    }
    return nf_workspace_create(plan, most);
}

static nf_status allocate_partials(const nf_plan *plan, const nf_pass *pass, nf_partials *end)
{
    bool ordered = !end->stage->kernel->any_order;
    end->count = ordered ? pass->ntiles : plan->world.threads;
    end->stride = nf_round_up(end->stage->setup.partial_bytes, ordered ? 16 : 128);
    end->memory = aligned_alloc(128, nf_round_up((size_t)end->count * end->stride + 128, 128));
    end->spare = aligned_alloc(128, nf_round_up(end->stride + 128, 128));
    if (end->memory == NULL || end->spare == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the partial results of '%s'",
                       end->stage->kernel->name);
    return NF_OK;
}

/* ---- fields ---- */

typedef struct touching {
    const nf_tiling *tiling;
    const nf_field *field;
} touching;

/* Writes to each page of the tile's cells, ghost cells at the block's edges included. */
static void touch_tile(void *context, int thread, int64_t i)
{
    enum { PAGE = 4096 };
    const touching *t = context;
    const nf_field *field = t->field;
    nf_box box = nf_tiling_box(t->tiling, i);
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(field->cut.shape.dtype);
    (void)thread;
    for (int d = 0; d < NF_DIMS; d++) {
        box.lo[d] -= box.lo[d] == field->own.lo[d] ? field->ghost.lo[d] : 0;
        box.hi[d] += box.hi[d] == field->own.hi[d] ? field->ghost.hi[d] : 0;
    }
    ptrdiff_t row = nf_box_extent(&box, 2) * field->stride[2] * size;
    for (int64_t z = box.lo[0]; z < box.hi[0]; z++) {
        for (int64_t y = box.lo[1]; y < box.hi[1]; y++) {
            int64_t cell[NF_DIMS] = {z, y, box.lo[2]};
            volatile char *to = nf_field_at(field, cell);
            for (ptrdiff_t i_byte = 0; i_byte < row; i_byte += PAGE)
                to[i_byte] = 0;
        }
    }
}

/* A field of blocks by this cut, placed by the threads that will work there. Not collective. */
static nf_status make_field(const nf_plan *plan, const nf_cut *blocks, const nf_tiling *tiling,
                            const nf_shape *shape, const nf_halo *ghost, nf_field *field)
{
    nf_cut cut = *blocks;
    cut.shape = *shape;
    nf_status status = nf_field_create(field, &cut, plan->world.rank, ghost);
    touching t = {tiling, field};
    if (status == NF_OK)
        nf_team_run(plan->world.threads, nf_tiling_count(tiling), touch_tile, &t);
    return status;
}

static nf_status make_output(const nf_plan *plan, const nf_pass *pass, const nf_shape *shape,
                             const nf_halo *ghost, nf_field *field)
{
    return make_field(plan, &pass->cut, &pass->tiling, shape, ghost, field);
}

/* Where the first pass resamples, the input's block is parted in another way than its output's. */
static nf_status make_input(const nf_plan *plan, nf_field *field)
{
    const nf_pass *first = &plan->groups[0].passes[0];
    nf_tiling slabs = {.own = nf_cut_block(&plan->cut, plan->world.rank), .mine = {1, 1, 1}};
    int64_t rows = nf_box_empty(&slabs.own) ? 0 : nf_box_extent(&slabs.own, 1);
    slabs.mine[1] = rows < plan->world.threads ? rows : plan->world.threads;
    const nf_tiling *tiling = first->kind == NF_RESAMPLING ? &slabs : &first->tiling;
    return make_field(plan, &plan->cut, tiling, &plan->in, &plan->ghost, field);
}

static nf_status allocate_fields(nf_plan *plan, nf_group *group, size_t p)
{
    nf_pass *pass = &group->passes[p];
    nf_status status = NF_OK;
    if (plan->options.stream)
        return NF_OK;
    /* Where it may stop at any survey, no sweep can write the last field. */
    int64_t kept = pass->reduces ? 0 : pass->survey_every > 0 ? pass->sweeps : pass->sweeps - 1;
    for (int64_t i = 0; i < 2 && i < kept && status == NF_OK; i++)
        status = make_output(plan, pass, &pass->out, &pass->halo, &pass->temp[i]);
    if (status == NF_OK && p + 1 < group->npasses)
        status = make_output(plan, pass, &pass->out, &pass[1].halo, &pass->result);
    return status;
}

nf_status nf_plan_fields(nf_plan *plan, nf_fields *fields)
{
    const nf_halo none = {{0}, {0}};
    const nf_group *group = &plan->groups[0];
    const nf_pass *last = &group->passes[group->npasses - 1];
    nf_status status = NF_OK;
    *fields = (nf_fields){.in = {.memory = NULL}};
    if (plan->in.dtype != NF_NONE)
        status = make_input(plan, &fields->in);
    if (status == NF_OK && plan->with.dtype != NF_NONE)
        status = make_output(plan, last, &plan->with, &none, &fields->with);
    if (status == NF_OK && plan->out.dtype != NF_NONE)
        status = make_output(plan, last, &plan->out, &none, &fields->out);
    return nf_agree(&plan->world, status);
}

void nf_fields_free(nf_fields *fields)
{
    nf_field_free(&fields->in);
    nf_field_free(&fields->with);
    nf_field_free(&fields->out);
}

/* ---- passes ---- */

/* This rank's tiles: first those that can begin before the halo has come. */
static nf_status list_tiles(nf_pass *pass)
{
    int64_t count = pass->ntiles = nf_tiling_count(&pass->tiling), outer = count;
    bool overlap = pass->exchange != NULL && !nf_exchange_is_local(pass->exchange);
    pass->tiles = malloc((size_t)(count + 1) * sizeof *pass->tiles);
    if (pass->tiles == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a list of %lld tiles", (long long)count);
    for (int64_t i = count; i-- > 0;) { /* the outer ones from the end */
        nf_box tile = nf_tiling_box(&pass->tiling, i), needed = nf_pass_needs(pass, &tile);
        if (!overlap || !nf_box_contains(&pass->tiling.own, &needed))
            pass->tiles[--outer] = i;
    }
    pass->inner = outer;
    for (int64_t i = 0, left = 0, next = outer; i < count; i++) { /* the inner ones between them */
        if (next < count && pass->tiles[next] == i)
            next++;
        else
            pass->tiles[left++] = i;
    }
    return NF_OK;
}

static nf_status ready_pass(const nf_plan *plan, nf_pass *pass)
{
    nf_cut cut = pass->cut;
    cut.shape = pass->in;
    nf_status status = NF_OK;
    nf_box block = nf_cut_block(&pass->cut, plan->world.rank);
    if (plan->options.stream && pass->kind == NF_LABELLING) /* stream.c refuses it */
        return NF_OK;
    nf_tiling_choose(plan, pass, &block);
    if (plan->options.stream) { /* tiles are listed a band at a time */
        pass->ntiles = nf_tiling_count(&pass->tiling);
        return NF_OK;
    }
    if (!nf_halo_none(&pass->halo))
        status = nf_exchange_create(&plan->world, &cut, &pass->halo, pass->border == NF_WRAP,
                                    &pass->exchange);
    if (pass->kind == NF_RESAMPLING)
        status = nf_sources_create(plan, pass, &pass->sources);
    return status == NF_OK ? list_tiles(pass) : status;
}

static nf_status make_survey(const nf_plan *plan, nf_pass *pass)
{
    nf_status status = nf_survey_make(pass);
    if (status == NF_OK)
        status = ready_pass(plan, pass->survey);
    return status == NF_OK ? allocate_partials(plan, pass->survey, pass->survey->ends) : status;
}

static nf_status finish_pass(nf_plan *plan, nf_group *group, size_t p)
{
    nf_pass *pass = &group->passes[p];
    nf_status status = ready_pass(plan, pass);
    if (status == NF_OK && pass->learns != NULL)
        status = make_survey(plan, pass);
    return status == NF_OK ? allocate_fields(plan, group, p) : status;
}

static nf_status finish_group(nf_plan *plan, nf_group *group)
{
    nf_pass *last = &group->passes[group->npasses - 1];
    nf_status status = NF_OK;
    last->ends = group->ends;
    last->nends = group->nends;
    for (size_t p = 0; p < group->npasses && status == NF_OK; p++)
        status = finish_pass(plan, group, p);
    for (size_t e = 0; e < group->nends && status == NF_OK; e++)
        status = allocate_partials(plan, last, &group->ends[e]);
    return status;
}

/* ---- the plan ---- */

/* Grids and tiles are told in the dimensions that the array has. */
static nf_status check_options(const nf_plan *plan)
{
    for (int d = 0; d < NF_DIMS - plan->in.ndim; d++) {
        if (plan->options.grid[d] > 1)
            return nf_fail(NF_ERR_USAGE, "the grid has %d extents, the array %d dimension%s",
                           NF_DIMS - d, plan->in.ndim, plan->in.ndim > 1 ? "s" : "");
        if (plan->options.tile[d] > 0)
            return nf_fail(NF_ERR_USAGE, "the tile has %d extents, the array %d dimension%s",
                           NF_DIMS - d, plan->in.ndim, plan->in.ndim > 1 ? "s" : "");
    }
    return NF_OK;
}

static nf_status prepare(nf_plan *plan, const nf_shape *in, nf_chain *chains, size_t nchains)
{
    nf_status status = NF_OK;
    for (size_t i = 0; i < nchains && status == NF_OK; i++)
        status = nf_chain_prepare(&chains[i], in);
    if (status != NF_OK)
        return status;
    plan->in = (nf_shape){.dim = {1, 1, 1}, .ndim = 1, .channels = 1, .dtype = NF_NONE};
    plan->out = plan->with = plan->in;
    if (nchains > 0 && nf_chain_is_range(&chains[0]))
        plan->in.dim[2] = chains[0].stages[0].setup.indices;
    else
        plan->in = *in;
    for (size_t i = 0; i < nchains && status == NF_OK; i++)
        status = note_second(plan, &chains[i]);
    return status;
}

static void fill_caches(nf_caches *caches)
{
    enum { L2 = 1 << 20, L3 = 1 << 24 }; /* where nobody knows */
    nf_caches found = caches->l2 > 0 && caches->l3 > 0 ? *caches : nf_caches_find();
    caches->l2 = caches->l2 > 0 ? caches->l2 : found.l2 > 0 ? found.l2 : L2;
    caches->l3 = caches->l3 > 0 ? caches->l3 : found.l3 > 0 ? found.l3 : L3;
}

/* Collective. */
static struct nf_basis find_basis(const nf_world *world, const nf_plan_options *options)
{
    struct nf_basis basis = {world->threads, options->caches};
    nf_broadcast(world, &basis, sizeof basis, 0);
    return basis;
}

static nf_status build(nf_plan *plan, const nf_shape *in, nf_chain *chains, size_t nchains)
{
    nf_status status = prepare(plan, in, chains, nchains);
    if (status == NF_OK)
        status = check_options(plan);
    if (status == NF_OK)
        status = make_groups(plan, chains, nchains);
    if (status == NF_OK)
        status = nf_cuts_choose(plan);
    for (size_t g = 0; g < plan->ngroups && status == NF_OK; g++)
        status = finish_group(plan, &plan->groups[g]);
    if (status == NF_OK && !plan->options.stream)
        status = allocate_workspace(plan);
    return status;
}

static void connect_pass(const nf_plan *plan, const nf_pass *pass)
{
    if (pass->exchange != NULL)
        nf_exchange_connect(&plan->world, pass->exchange);
    if (pass->survey != NULL)
        connect_pass(plan, pass->survey);
}

/* Collective, once the plan is agreed on. */
static void connect_exchanges(const nf_plan *plan)
{
    for (size_t g = 0; g < plan->ngroups; g++)
        for (size_t p = 0; p < plan->groups[g].npasses; p++)
            connect_pass(plan, &plan->groups[g].passes[p]);
}

nf_status nf_plan_create(const nf_world *world, const nf_shape *in, nf_chain *chains,
                         size_t nchains, const nf_plan_options *options, nf_plan **made)
{
    nf_plan *plan = calloc(1, sizeof *plan);
    nf_plan_options filled = options != NULL ? *options : (nf_plan_options){.halo_depth = 0};
    nf_status status;
    fill_caches(&filled.caches);
    const struct nf_basis basis = find_basis(world, &filled);
    if (plan == NULL) {
        status = nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    } else {
        plan->world = *world;
        plan->options = filled;
        plan->basis = basis;
        status = build(plan, in, chains, nchains);
    }
    status = nf_agree(world, status);
    if (status != NF_OK) {
        nf_plan_free(plan);
        plan = NULL;
    } else {
        connect_exchanges(plan);
    }
    *made = plan;
    return status;
}

static void free_group(nf_group *group)
{
    for (size_t p = 0; p < group->npasses; p++) {
        nf_pass *pass = &group->passes[p];
        nf_exchange_free(pass->exchange);
        nf_sources_free(pass->sources);
        free(pass->tiles);
        nf_field_free(&pass->temp[0]);
        nf_field_free(&pass->temp[1]);
        nf_field_free(&pass->result);
        nf_survey_free(pass->survey);
    }
    for (size_t e = 0; e < group->nends; e++) {
        free(group->ends[e].memory);
        free(group->ends[e].spare);
    }
    free(group->passes);
    free(group->ends);
}

void nf_plan_free(nf_plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t g = 0; g < plan->ngroups; g++)
        free_group(&plan->groups[g]);
    free(plan->groups);
    free(plan->workspace);
    free(plan);
}

const nf_shape *nf_plan_output(const nf_plan *plan)
{
    return &plan->out;
}

bool nf_plan_has_second(const nf_plan *plan, nf_shape *with)
{
    *with = plan->with;
    return plan->with.dtype != NF_NONE;
}
