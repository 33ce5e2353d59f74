#include "drivers/engine/plan.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine/plan_parts.h"

/* ---- tiles ---- */

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

/* About 128 Ki elements: a few of them in different types fit in a core's second-level cache. At
 * most 4 Ki elements wide, and, so that small arrays can be shared out too, at least 32 tiles high.
 */
static void choose_tile(const nf_shape *shape, int64_t tile[NF_DIMS])
{
    enum { ELEMENTS = 1 << 17, WIDTH = 4096, PIECES = 32, MOST_RANGES = 4096 };
    tile[0] = tile[1] = 1;
    if (shape->dtype == NF_NONE) {
        tile[2] = clamp(ceil_div(shape->dim[2], MOST_RANGES), 1 << 16, INT64_MAX);
    } else if (shape->dim[0] * shape->dim[1] == 1) {
        tile[2] = clamp(ceil_div(shape->dim[2], PIECES), 4096, ELEMENTS / 2);
    } else {
        int64_t columns = ceil_div(shape->dim[2] * shape->channels, WIDTH);
        tile[2] = ceil_div(shape->dim[2], columns);
        int64_t rows = ELEMENTS / (tile[2] * shape->channels);
        tile[1] = clamp(rows, 1, clamp(ceil_div(shape->dim[1], PIECES), 8, 256));
        tile[0] = clamp(rows / shape->dim[1], 1, clamp(ceil_div(shape->dim[0], PIECES), 1, 64));
    }
    for (int d = 0; d < NF_DIMS; d++)
        tile[d] = clamp(tile[d], 1, shape->dim[d]);
}

static int64_t grid_place(const nf_plan *plan, int64_t i, int64_t at[NF_DIMS])
{
    int64_t number = 0;
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        at[d] = plan->first[d] + i % plan->mine[d];
        i /= plan->mine[d];
    }
    for (int d = 0; d < NF_DIMS; d++)
        number = number * plan->grid[d] + at[d];
    return number;
}

int64_t nf_plan_tile_number(const nf_plan *plan, int64_t i)
{
    int64_t at[NF_DIMS];
    return grid_place(plan, i, at);
}

nf_box nf_plan_tile(const nf_plan *plan, int64_t i)
{
    int64_t at[NF_DIMS];
    grid_place(plan, i, at);
    nf_box tile;
    for (int d = 0; d < NF_DIMS; d++) {
        tile.lo[d] = at[d] * plan->tile[d];
        tile.hi[d] = tile.lo[d] + plan->tile[d];
    }
    return nf_box_intersect(&tile, &plan->own);
}

void nf_plan_place(nf_plan *plan, int rank)
{
    plan->own = nf_cut_block(&plan->cut, rank);
    bool empty = nf_box_empty(&plan->own);
    for (int d = 0; d < NF_DIMS; d++) {
        plan->first[d] = plan->own.lo[d] / plan->tile[d];
        plan->mine[d] = empty ? 0 : ceil_div(plan->own.hi[d], plan->tile[d]) - plan->first[d];
    }
}

static int64_t own_tiles(const nf_plan *plan)
{
    return plan->mine[0] * plan->mine[1] * plan->mine[2];
}

/* ---- passes ---- */

void nf_pass_boxes(const nf_pass *pass, const nf_box *out, nf_box written[NF_MAX_FUSED],
                   nf_box needed[NF_MAX_FUSED])
{
    nf_box array = nf_box_whole(&pass->in);
    nf_box box = *out;
    for (size_t i = pass->count; i-- > 0;) {
        const nf_stage *stage = &pass->stages[i];
        written[i] = box;
        needed[i] = box = nf_box_grow(&box, &stage->setup.halo);
        /* What lies beyond the edges comes from the stage's border, but for wrapping: there the
         * stages before go on beyond them, too. */
        if (stage->fills)
            box = nf_box_intersect(&box, &array);
    }
}

/* Whether `stage` can follow in the same sweep. */
static bool can_fuse(const nf_pass *pass, const nf_stage *stage)
{
    if (pass->count == 0 || pass->count == NF_MAX_FUSED)
        return pass->count == 0;
    if (pass->steps > 1 || stage->setup.steps > 1)
        return false;
    if (stage->fills || nf_halo_none(&stage->setup.halo))
        return true;
    for (size_t i = 0; i < pass->count; i++)
        if (pass->stages[i].fills)
            return false;
    return true;
}

static void fuse(nf_pass *pass, const nf_stage *stage)
{
    if (pass->count == 0) {
        pass->stages = stage;
        pass->steps = stage->setup.steps;
        pass->in = stage->setup.in;
    }
    if (nf_halo_none(&pass->halo)) {
        pass->border = stage->border;
        pass->border_value = stage->border_value;
    }
    pass->count++;
    pass->halo = nf_halo_sum(&pass->halo, &stage->setup.halo);
    pass->out = stage->setup.out;
}

static nf_status make_passes(const nf_plan *plan, nf_group *group, const nf_chain *chain)
{
    size_t maps = nf_chain_maps(chain);
    group->passes = calloc(maps + 2, sizeof *group->passes);
    if (group->passes == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    nf_pass *pass = group->passes;
    *pass = (nf_pass){.steps = 1, .in = plan->in, .out = plan->in};
    for (size_t i = 0; i < maps; i++) {
        if (!can_fuse(pass, &chain->stages[i])) {
            nf_shape shape = pass->out;
            *++pass = (nf_pass){.steps = 1, .in = shape, .out = shape};
        }
        fuse(pass, &chain->stages[i]);
    }
    if (maps < chain->count) {
        if (pass->steps > 1 || pass->count == NF_MAX_FUSED) {
            nf_shape shape = pass->out;
            *++pass = (nf_pass){.steps = 1, .in = shape, .out = shape};
        }
        pass->reduces = true;
    }
    group->npasses = (size_t)(pass - group->passes) + 1;
    return NF_OK;
}

/* ---- groups ---- */

static bool same_maps(const nf_chain *a, const nf_chain *b)
{
    size_t maps = nf_chain_maps(a);
    if (nf_chain_maps(b) != maps)
        return false;
    for (size_t i = 0; i < maps; i++)
        if (strcmp(a->stages[i].text, b->stages[i].text) != 0)
            return false;
    return true;
}

static nf_status make_groups(nf_plan *plan, nf_chain *chains, size_t nchains)
{
    plan->groups = calloc(nchains, sizeof *plan->groups);
    const nf_chain **head = calloc(nchains, sizeof *head);
    nf_status status =
        plan->groups && head ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    for (size_t i = 0; status == NF_OK && i < nchains; i++) {
        const nf_chain *chain = &chains[i];
        size_t g = 0;
        while (g < plan->ngroups && !same_maps(head[g], chain))
            g++;
        nf_group *group = &plan->groups[g];
        if (g == plan->ngroups) {
            plan->ngroups++;
            head[g] = chain;
            group->ends = calloc(nchains, sizeof *group->ends);
            status = group->ends ? make_passes(plan, group, chain)
                                 : nf_fail(NF_ERR_MEMORY, "no memory for a plan");
        }
        if (status == NF_OK && nf_chain_maps(chain) < chain->count)
            group->ends[group->nends++] =
                (nf_partials){.stage = &chain->stages[chain->count - 1], .chain = i};
    }
    free(head);
    return status;
}

static nf_status check_chains(const nf_plan *plan, const nf_chain *chains, size_t nchains)
{
    for (size_t i = 0; i < nchains; i++) {
        for (size_t s = 0; s < nf_chain_maps(&chains[i]); s++) {
            const nf_setup *setup = &chains[i].stages[s].setup;
            if (memcmp(setup->out.dim, plan->in.dim, sizeof plan->in.dim) != 0)
                return nf_fail(NF_ERR_SHAPE,
                               "kernel '%s' changes the array's extents, which a plan "
                               "does not do yet",
                               chains[i].stages[s].kernel->name);
        }
    }
    return NF_OK;
}

/* ---- memory ---- */

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* The most that a tile of one pass asks of a thread. */
static void measure_pass(const nf_plan *plan, nf_pass *pass, size_t *scratch, size_t *buffer)
{
    int64_t extent[NF_DIMS];
    memcpy(extent, plan->tile, sizeof extent);
    for (size_t i = pass->count + 1; i-- > 0;) {
        const nf_shape *shape = i < pass->count ? &pass->stages[i].setup.in : &pass->out;
        for (int d = 0; d < NF_DIMS && i < pass->count; d++)
            extent[d] += pass->stages[i].setup.halo.lo[d] + pass->stages[i].setup.halo.hi[d];
        size_t row = (size_t)(extent[2] * shape->channels);
        size_t bytes =
            (size_t)(extent[0] * extent[1]) * round_up(row * nf_dtype_size(shape->dtype), 64);
        *buffer = bytes > *buffer ? bytes : *buffer;
        size_t stride = round_up(row, 8);
        pass->scratch_stride = stride > pass->scratch_stride ? stride : pass->scratch_stride;
    }
    for (size_t i = 0; i < pass->count; i++) {
        size_t rows = (size_t)pass->stages[i].setup.scratch_rows;
        size_t bytes = rows * pass->scratch_stride * sizeof(double);
        *scratch = bytes > *scratch ? bytes : *scratch;
    }
}

static nf_status allocate_workspace(nf_plan *plan)
{
    for (size_t g = 0; g < plan->ngroups; g++)
        for (size_t p = 0; p < plan->groups[g].npasses; p++)
            measure_pass(plan, &plan->groups[g].passes[p], &plan->scratch_bytes,
                         &plan->buffer_bytes);
    size_t a_thread = plan->scratch_bytes + 2 * plan->buffer_bytes;
    plan->workspace = aligned_alloc(64, round_up(a_thread * (size_t)plan->world.threads + 64, 64));
    if (plan->workspace == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu KiB of workspace a thread",
                       a_thread >> 10);
    return NF_OK;
}

static nf_status allocate_partials(nf_plan *plan, nf_partials *end)
{
    bool ordered = !end->stage->kernel->any_order;
    end->count = ordered ? own_tiles(plan) : plan->world.threads;
    end->stride = round_up(end->stage->setup.partial_bytes, ordered ? 16 : 128);
    end->memory = aligned_alloc(128, round_up((size_t)end->count * end->stride + 128, 128));
    end->spare = aligned_alloc(128, round_up(end->stride + 128, 128));
    if (end->memory == NULL || end->spare == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the partial results of '%s'",
                       end->stage->kernel->name);
    return NF_OK;
}

static nf_status allocate_fields(nf_plan *plan, nf_group *group, size_t p)
{
    nf_pass *pass = &group->passes[p];
    nf_cut cut = plan->cut;
    nf_status status = NF_OK;
    cut.shape = pass->out;
    for (int64_t i = 0; i < 2 && i < pass->steps - 1 && status == NF_OK; i++)
        status = nf_field_create(&pass->temp[i], &cut, plan->world.rank, &pass->halo);
    if (status == NF_OK && p + 1 < group->npasses)
        status = nf_field_create(&pass->result, &cut, plan->world.rank, &pass[1].halo);
    return status;
}

/* This rank's tiles: first those that can begin before the halo has come. */
static nf_status list_tiles(const nf_plan *plan, nf_pass *pass)
{
    pass->ntiles = own_tiles(plan);
    pass->tiles = malloc((size_t)(pass->ntiles + 1) * sizeof *pass->tiles);
    if (pass->tiles == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a list of %lld tiles",
                       (long long)pass->ntiles);
    int64_t used = 0;
    bool overlap = pass->exchange != NULL && !nf_exchange_is_local(pass->exchange);
    for (int outer = overlap ? 0 : 1; outer <= 1; outer++) {
        for (int64_t i = 0; i < pass->ntiles; i++) {
            nf_box written[NF_MAX_FUSED], needed[NF_MAX_FUSED], tile = nf_plan_tile(plan, i);
            if (pass->count > 0)
                nf_pass_boxes(pass, &tile, written, needed);
            bool inner = pass->count == 0 || nf_box_contains(&plan->own, &needed[0]);
            if (!overlap || inner == (outer == 0))
                pass->tiles[used++] = i;
        }
        pass->inner = outer == 0 ? used : pass->inner;
    }
    return NF_OK;
}

static nf_status finish_pass(nf_plan *plan, nf_group *group, size_t p)
{
    nf_pass *pass = &group->passes[p];
    nf_cut cut = plan->cut;
    cut.shape = pass->in;
    nf_status status = NF_OK;
    if (!nf_halo_none(&pass->halo))
        status = nf_exchange_create(&plan->world, &cut, &pass->halo, pass->border == NF_WRAP,
                                    &pass->exchange);
    if (status == NF_OK)
        status = list_tiles(plan, pass);
    return status == NF_OK ? allocate_fields(plan, group, p) : status;
}

/* ---- the plan ---- */

static nf_halo widest(const nf_halo *a, const nf_halo *b)
{
    nf_halo halo = *a;
    for (int d = 0; d < NF_DIMS; d++) {
        halo.lo[d] = b->lo[d] > halo.lo[d] ? b->lo[d] : halo.lo[d];
        halo.hi[d] = b->hi[d] > halo.hi[d] ? b->hi[d] : halo.hi[d];
    }
    return halo;
}

static void lay_out(nf_plan *plan)
{
    nf_halo any = {{0}, {0}};
    bool ordered = false;
    for (size_t g = 0; g < plan->ngroups; g++) {
        const nf_group *group = &plan->groups[g];
        plan->ghost = widest(&plan->ghost, &group->passes[0].halo);
        for (size_t p = 0; p < group->npasses; p++)
            any = widest(&any, &group->passes[p].halo);
        for (size_t e = 0; e < group->nends; e++)
            ordered = ordered || !group->ends[e].stage->kernel->any_order;
        plan->out = group->passes[group->npasses - 1].out;
    }
    choose_tile(&plan->in, plan->tile);
    /* A partial belongs to a whole tile, where their order counts. */
    plan->cut = nf_cut_choose(&plan->in, plan->world.size, &any, ordered ? plan->tile : NULL);
    for (int d = 0; d < NF_DIMS; d++)
        plan->grid[d] = ceil_div(plan->in.dim[d], plan->tile[d]);
    nf_plan_place(plan, plan->world.rank);
}

static nf_status build(nf_plan *plan, const nf_shape *in, nf_chain *chains, size_t nchains)
{
    nf_status status = NF_OK;
    for (size_t i = 0; i < nchains && status == NF_OK; i++)
        status = nf_chain_prepare(&chains[i], in);
    if (status != NF_OK)
        return status;
    if (nf_chain_is_range(&chains[0]))
        plan->in = (nf_shape){.dim = {1, 1, chains[0].stages[0].setup.indices},
                              .ndim = 1,
                              .channels = 1,
                              .dtype = NF_NONE};
    else
        plan->in = *in;
    status = check_chains(plan, chains, nchains);
    if (status == NF_OK)
        status = make_groups(plan, chains, nchains);
    if (status != NF_OK)
        return status;
    lay_out(plan);
    for (size_t g = 0; g < plan->ngroups; g++) {
        nf_group *group = &plan->groups[g];
        for (size_t p = 0; p < group->npasses && status == NF_OK; p++)
            status = finish_pass(plan, group, p);
        for (size_t e = 0; e < group->nends && status == NF_OK; e++)
            status = allocate_partials(plan, &group->ends[e]);
    }
    return status == NF_OK ? allocate_workspace(plan) : status;
}

nf_status nf_plan_create(const nf_world *world, const nf_shape *in, nf_chain *chains,
                         size_t nchains, nf_plan **made)
{
    nf_plan *plan = calloc(1, sizeof *plan);
    nf_status status;
    if (plan == NULL) {
        status = nf_fail(NF_ERR_MEMORY, "no memory for a plan");
    } else {
        plan->world = *world;
        status = build(plan, in, chains, nchains);
    }
    status = nf_agree(world, status);
    if (status != NF_OK) {
        nf_plan_free(plan);
        plan = NULL;
    }
    *made = plan;
    return status;
}

static void free_group(nf_group *group)
{
    for (size_t p = 0; p < group->npasses; p++) {
        nf_pass *pass = &group->passes[p];
        nf_exchange_free(pass->exchange);
        free(pass->tiles);
        nf_field_free(&pass->temp[0]);
        nf_field_free(&pass->temp[1]);
        nf_field_free(&pass->result);
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

const nf_cut *nf_plan_cut(const nf_plan *plan)
{
    return &plan->cut;
}

const nf_halo *nf_plan_ghost(const nf_plan *plan)
{
    return &plan->ghost;
}

const nf_shape *nf_plan_output(const nf_plan *plan)
{
    return &plan->out;
}
