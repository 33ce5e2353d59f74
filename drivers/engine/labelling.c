/* labelling.c - the components of a block, by its threads. */
#include "drivers/engine/labelling.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/team.h"

/* ---- rows and bands ---- */

static int64_t band_row(const nf_labelling *l, int64_t band)
{
    return l->rows * band / l->bands;
}

static const void *cells_of(const nf_labelling *l, int64_t row)
{
    int64_t cell[NF_DIMS];
    nf_row_place(l, row, cell);
    return nf_field_at(l->from, cell);
}

static nf_run_row run_row(const nf_labelling *l, int64_t row)
{
    return (nf_run_row){.members = l->members + row * l->words,
                        .starts = l->starts + row * l->words,
                        .first = l->first[row],
                        .cells = l->stage->setup.selective ? cells_of(l, row) : NULL};
}

/* ---- packing ---- */

static void pack_row(const nf_labelling *l, int64_t row, uint8_t *bytes)
{
    const nf_setup *setup = &l->stage->setup;
    nf_tile tile = {.size = {1, 1, l->columns}, .channels = setup->in.channels, .out = bytes};
    nf_row_place(l, row, tile.lo);
    tile.in = nf_field_at(l->from, tile.lo);
    memcpy(tile.in_stride, l->from->stride, sizeof tile.in_stride);
    tile.out_stride[0] = tile.out_stride[1] = l->columns;
    tile.out_stride[2] = 1;
    l->stage->kernel->apply[setup->in.dtype](&tile, setup->config, NULL);
    l->first[row] = l->joining->loops->pack(bytes, l->columns, setup->selective,
                                            l->members + row * l->words, l->starts + row * l->words,
                                            l->seeds != NULL ? l->seeds + row * l->words : NULL);
}

static void pack_band(void *context, int thread, int64_t band)
{
    const nf_labelling *l = context;
    for (int64_t row = band_row(l, band); row < band_row(l, band + 1); row++)
        pack_row(l, row, l->bytes + thread * (l->columns + 64));
}

/* Numbers the runs, whose counts stand in `first`. */
static nf_status number_runs(nf_labelling *l)
{
    uint64_t runs = 0;
    for (int64_t row = 0; row <= l->rows; row++) {
        uint64_t mine = row < l->rows ? l->first[row] : 0;
        l->first[row] = (uint32_t)runs;
        runs += mine;
        if (runs >= NF_ROOT)
            return nf_fail(NF_ERR_SHAPE,
                           "'%s': a rank's block has more than 2^31 runs of cells; "
                           "use more ranks",
                           l->stage->kernel->name);
    }
    l->parent = nf_block_alloc(((size_t)runs + 1) * sizeof *l->parent);
    return l->parent ? NF_OK
                     : nf_fail(NF_ERR_MEMORY, "no memory for the components of %llu runs of cells",
                               (unsigned long long)runs);
}

/* ---- joining ---- */

static nf_row_link row_link(const nf_labelling *l, bool columns, bool fresh)
{
    const nf_setup *setup = &l->stage->setup;
    return (nf_row_link){.columns = columns,
                         .fresh = fresh,
                         .joins = setup->selective ? l->joining->joins[setup->in.dtype] : NULL,
                         .channels = setup->in.channels,
                         .cell_bytes = nf_cell_bytes(&setup->in)};
}

/* Joins a row with those before it that are neighbours and among `lo` and the rows after it, but before
 * `hi`. fresh: it has been joined with none before. */
static void unite_row(const nf_labelling *l, int64_t row, int64_t lo, int64_t hi, bool fresh)
{
    int connectivity = l->stage->setup.connectivity;
    int64_t z = row / l->rows_a_plane, y = row % l->rows_a_plane;
    for (int dz = z > 0 ? -1 : 0; dz <= 0; dz++) {
        for (int dy = -1; dy <= (dz < 0 ? 1 : -1); dy++) {
            int differ = (dz != 0) + (dy != 0);
            int64_t other = row + dz * l->rows_a_plane + dy;
            if (differ > connectivity || y + dy < 0 || y + dy >= l->rows_a_plane || other < lo ||
                other >= hi)
                continue;
            nf_run_row before = run_row(l, other), here = run_row(l, row);
            nf_row_link link = row_link(l, differ < connectivity, fresh);
            fresh = false;
            l->joining->loops->unite(&before, &here, l->words, &link, l->parent);
        }
    }
}

static void unite_band(void *context, int thread, int64_t band)
{
    const nf_labelling *l = context;
    int64_t lo = band_row(l, band), hi = band_row(l, band + 1);
    (void)thread;
    for (int64_t row = lo; row < hi; row++) {
        for (uint32_t run = l->first[row]; run < l->first[row + 1]; run++)
            l->parent[run] = run;
        unite_row(l, row, lo, row, true);
    }
}

/* Bands are joined in a tree: those of one round touch no runs of each other. */
typedef struct joining_round {
    const nf_labelling *l;
    int64_t bands; /* on each side of a seam */
} joining_round;

static void unite_seam(void *context, int thread, int64_t seam)
{
    const joining_round *r = context;
    const nf_labelling *l = r->l;
    int64_t first = 2 * r->bands * seam, end = first + 2 * r->bands;
    int64_t lo = band_row(l, first), middle = band_row(l, first + r->bands);
    int64_t hi = band_row(l, end < l->bands ? end : l->bands);
    int64_t reach = l->planes > 1 ? l->rows_a_plane + 1 : 1;
    (void)thread;
    for (int64_t row = middle; row < hi && row < middle + reach; row++)
        unite_row(l, row, lo, middle, false);
}

/* The forest of each band, then of two bands, of four ... */
static void unite_bands(nf_labelling *l, int threads)
{
    enum { ROUNDS = 40 }; /* of 2^40 bands */
    joining_round rounds[ROUNDS];
    nf_team_phase phases[1 + ROUNDS] = {{l->bands, unite_band, l}};
    size_t n = 0;
    for (int64_t bands = 1; bands < l->bands && n < ROUNDS; bands *= 2, n++) {
        rounds[n] = (joining_round){l, bands};
        phases[1 + n] =
            (nf_team_phase){(l->bands - bands - 1) / (2 * bands) + 1, unite_seam, &rounds[n]};
    }
    nf_team_run_phases(threads, phases, 1 + n);
}

/* ---- numbering ---- */

/* The first of the seams' entries that begins at this run or after it. */
static int64_t seam_from(const nf_seams *seams, uint32_t run)
{
    int64_t lo = 0, hi = seams != NULL ? seams->n : 0;
    while (lo < hi) {
        int64_t middle = lo + (hi - lo) / 2;
        if (seams->run[middle] < run)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

/* Roots of each row, but for those of components that began elsewhere; all of them of the band. */
static void count_band(void *context, int thread, int64_t band)
{
    const nf_labelling *l = context;
    int64_t lo = band_row(l, band), hi = band_row(l, band + 1);
    int64_t at = seam_from(l->seams, l->first[lo]);
    uint32_t all = 0;
    (void)thread;
    for (int64_t row = lo; row < hi; row++) {
        uint32_t roots = l->joining->loops->count(l->parent, l->first[row], l->first[row + 1]);
        int64_t next = seam_from(l->seams, l->first[row + 1]);
        all += roots;
        l->before[row] = roots;
        for (; at < next; at++)
            l->before[row] -= l->seams->root[at] != l->seams->index[at];
    }
    l->components[band + 1] = all;
}

static nf_status number_components(nf_labelling *l)
{
    const nf_setup *setup = &l->stage->setup;
    l->components[0] = 0;
    for (int64_t band = 0; band < l->bands; band++)
        l->components[band + 1] += l->components[band];
    size_t n = (size_t)l->components[l->bands] + 1;
    l->number = nf_block_alloc(n * sizeof *l->number);
    l->size = setup->sizes ? calloc(n, sizeof *l->size) : NULL;
    l->seeded = setup->seeds ? calloc(n, sizeof *l->seeded) : NULL;
    l->values = nf_block_alloc(n * nf_dtype_size(setup->out.dtype));
    if (!l->number || !l->values || (setup->sizes && !l->size) || (setup->seeds && !l->seeded))
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu components", n - 1);
    return NF_OK;
}

/* Whether the next of the components that a seam cuts, entry *at of those before `end`, is this one, and
 * began in another block. */
static bool began_elsewhere(const nf_labelling *l, int64_t *at, int64_t end, uint32_t component)
{
    const nf_seams *seams = l->seams;
    if (*at == end || l->parent[seams->run[*at]] != (NF_ROOT | component))
        return false;
    ++*at;
    return seams->root[*at - 1] != seams->index[*at - 1];
}

/* Parents become components, where their root is in this band; components get their numbers. */
static void number_band(void *context, int thread, int64_t band)
{
    const nf_labelling *l = context;
    int64_t lo = band_row(l, band), hi = band_row(l, band + 1);
    int64_t at = seam_from(l->seams, l->first[lo]);
    int64_t end = seam_from(l->seams, l->first[hi]);
    uint32_t component = l->components[band], begin = l->first[lo];
    (void)thread;
    for (int64_t row = lo; row < hi; row++) {
        int64_t number = l->before[row];
        uint32_t next = l->joining->loops->number(l->parent, begin, l->first[row],
                                                  l->first[row + 1], component);
        for (; component < next; component++) {
            bool foreign = began_elsewhere(l, &at, end, component);
            l->number[component] = foreign ? 0 : ++number;
        }
    }
}

/* ---- what a component is, beside its number ---- */

/* Cells of a run from bit `at` of a row on. */
static int64_t run_length(const nf_labelling *l, const nf_run_row *r, int64_t at)
{
    int64_t end = at + 1;
    while (end < l->columns && (r->members[end / 64] >> end % 64 & 1) &&
           !(r->starts[end / 64] >> end % 64 & 1))
        end++;
    return end - at;
}

static void add_sizes(const nf_labelling *l, int64_t row)
{
    nf_run_row r = run_row(l, row);
    uint32_t run = r.first;
    for (int64_t k = 0; k < l->words; k++)
        for (uint64_t starts = r.starts[k]; starts != 0; starts &= starts - 1, run++) {
            int64_t cells = run_length(l, &r, 64 * k + __builtin_ctzll(starts));
            atomic_fetch_add_explicit((_Atomic int64_t *)&l->size[nf_run_component(l->parent, run)],
                                      cells, memory_order_relaxed);
        }
}

static void note_seeds(const nf_labelling *l, int64_t row)
{
    nf_run_row r = run_row(l, row);
    uint32_t run = r.first;
    for (int64_t k = 0; k < l->words; k++) {
        uint64_t starts = r.starts[k];
        for (uint64_t seeds = l->seeds[row * l->words + k]; seeds != 0; seeds &= seeds - 1) {
            uint64_t upto = seeds ^ (seeds - 1);
            uint32_t it = run + (uint32_t)__builtin_popcountll(starts & upto) - 1;
            atomic_store_explicit((_Atomic uint8_t *)&l->seeded[nf_run_component(l->parent, it)], 1,
                                  memory_order_relaxed);
        }
        run += (uint32_t)__builtin_popcountll(starts);
    }
}

static void describe_band(void *context, int thread, int64_t band)
{
    const nf_labelling *l = context;
    (void)thread;
    for (int64_t row = band_row(l, band); row < band_row(l, band + 1); row++) {
        if (l->size != NULL)
            add_sizes(l, row);
        if (l->seeds != NULL)
            note_seeds(l, row);
    }
}

/* ---- the output ---- */

static void store(nf_dtype dtype, void *values, uint32_t i, double value)
{
    switch (dtype) {
    case NF_U8:
        ((uint8_t *)values)[i] = (uint8_t)value;
        break;
    case NF_U16:
        ((uint16_t *)values)[i] = (uint16_t)value;
        break;
    case NF_F32:
        ((float *)values)[i] = (float)value;
        break;
    default:
        ((double *)values)[i] = value;
        break;
    }
}

static void value_band(void *context, int thread, int64_t band)
{
    const nf_labelling *l = context;
    const nf_setup *setup = &l->stage->setup;
    (void)thread;
    for (uint32_t i = l->components[band]; i < l->components[band + 1]; i++) {
        nf_component c = {.number = l->number[i],
                          .size = l->size != NULL ? l->size[i] : 0,
                          .seeded = l->seeded != NULL && l->seeded[i]};
        store(setup->out.dtype, l->values, i, l->joining->value(&c, setup->config));
    }
}

static void paint_band(void *context, int thread, int64_t band)
{
    const nf_labelling *l = context;
    size_t size = nf_dtype_size(l->stage->setup.out.dtype);
    (void)thread;
    for (int64_t row = band_row(l, band); row < band_row(l, band + 1); row++) {
        int64_t cell[NF_DIMS];
        nf_run_row r = run_row(l, row);
        nf_row_place(l, row, cell);
        l->joining->loops->paint(&r, l->columns, l->parent, size, l->values,
                                 nf_field_at(l->to, cell));
    }
}

/* ---- all of it ---- */

static nf_status allocate(nf_labelling *l)
{
    size_t words = (size_t)(l->rows * l->words) + 1, rows = (size_t)l->rows + 1;
    bool seeds = l->stage->setup.seeds;
    l->members = nf_block_alloc(words * sizeof *l->members);
    l->starts = nf_block_alloc(words * sizeof *l->starts);
    l->seeds = seeds ? nf_block_alloc(words * sizeof *l->seeds) : NULL;
    l->first = malloc(rows * sizeof *l->first);
    l->before = malloc(rows * sizeof *l->before);
    l->bytes = malloc((size_t)(l->columns + 64) * (size_t)l->plan->world.threads);
    l->components = malloc(((size_t)l->bands + 1) * sizeof *l->components);
    if (!l->members || !l->starts || (seeds && !l->seeds) || !l->first || !l->before || !l->bytes ||
        !l->components)
        return nf_fail(NF_ERR_MEMORY, "no memory for the components of %lld rows of %lld cells",
                       (long long)l->rows, (long long)l->columns);
    return NF_OK;
}

static void release(nf_labelling *l)
{
    nf_seams_free(l->seams);
    void *const all[] = {l->members,    l->starts, l->seeds,  l->first, l->parent, l->bytes,
                         l->components, l->before, l->number, l->size,  l->seeded, l->values};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* As many bands as threads, or as high as tiles are told to be. */
static nf_labelling begin(const nf_plan *plan, const nf_pass *pass, nf_field *from, nf_field *to)
{
    const nf_box *own = &pass->tiling.own;
    nf_labelling l = {.plan = plan, .pass = pass, .stage = pass->stages[0], .from = from, .to = to};
    l.joining = l.stage->kernel->joining;
    l.planes = nf_box_extent(own, 0), l.rows_a_plane = nf_box_extent(own, 1);
    l.rows = l.planes * l.rows_a_plane, l.columns = nf_box_extent(own, 2);
    l.words = (l.columns + 63) / 64;
    int64_t told = plan->options.tile[pass->tiling.along];
    int64_t high = pass->tiling.along == 0 ? told * l.rows_a_plane : told;
    l.bands = high > 0 ? (l.rows + high - 1) / high : plan->world.threads;
    l.bands = l.bands < l.rows ? l.bands : l.rows;
    return l;
}

/* The forest of the block. */
static nf_status join_block(nf_labelling *l, int threads)
{
    nf_status status = allocate(l);
    if (status != NF_OK)
        return status;
    nf_team_run(threads, l->bands, pack_band, l);
    status = number_runs(l);
    if (status != NF_OK)
        return status;
    unite_bands(l, threads);
    return NF_OK;
}

/* More components than the output's type can tell apart. */
static nf_status check_count(const nf_labelling *l)
{
    const nf_setup *setup = &l->stage->setup;
    if (setup->most == 0 || l->count <= setup->most)
        return NF_OK;
    return nf_fail(NF_ERR_SHAPE,
                   "'%s': there are %lld components, and elements of type %s tell %lld apart; give "
                   "a wider type",
                   l->stage->text, (long long)l->count, nf_dtype_name(setup->out.dtype),
                   (long long)setup->most);
}

static nf_status label(nf_labelling *l, nf_times *times)
{
    const nf_world *world = &l->plan->world;
    int threads = world->threads;
    nf_status status = nf_agree(world, join_block(l, threads));
    double start = nf_seconds();
    if (status == NF_OK)
        status = nf_seams_find(l);
    times->halo += nf_seconds() - start;
    if (status != NF_OK)
        return status;
    nf_team_run(threads, l->bands, count_band, l);
    status = number_components(l);
    start = nf_seconds();
    status = nf_seams_number(l, status);
    times->halo += nf_seconds() - start;
    if (status == NF_OK)
        status = check_count(l);
    if (status != NF_OK)
        return status;
    nf_team_phase naming[] = {{l->bands, number_band, l},
                              {l->size || l->seeds ? l->bands : 0, describe_band, l}};
    nf_team_run_phases(threads, naming, 2);
    start = nf_seconds();
    status = nf_seams_share(l);
    times->halo += nf_seconds() - start;
    if (status != NF_OK)
        return status;
    nf_team_phase painting[] = {{l->bands, value_band, l}, {l->bands, paint_band, l}};
    nf_team_run_phases(threads, painting, 2);
    return NF_OK;
}

nf_status nf_label(const nf_plan *plan, nf_pass *pass, nf_field *from, nf_field *to,
                   nf_times *times)
{
    nf_labelling l = begin(plan, pass, from, to);
    double start = nf_seconds();
    if (pass->exchange != NULL) {
        nf_exchange_begin(pass->exchange, from);
        nf_exchange_end(pass->exchange, from);
    }
    times->halo += nf_seconds() - start;
    nf_status status = label(&l, times);
    pass->components = l.count;
    release(&l);
    return status;
}
