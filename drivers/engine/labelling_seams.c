/* labelling_seams.c - components that are cut by the seams between ranks' blocks.
 *
 * Ranks exchange the planes of cells at their blocks' sides, each cell as the index of the part of a
 * component that it is in: along columns first, then along rows with the ghost columns, then along
 * planes with ghost rows and columns, so that corners come along. What meets there is joined in a forest
 * of all ranks. */
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/deal.h"
#include "drivers/engine/forest.h"
#include "drivers/engine/labelling.h"

/* ---- places and indices ---- */

static uint64_t upto(int64_t x)
{
    return ~UINT64_C(0) >> (63 - x % 64);
}

/* How many runs of a row begin before every STRETCH-th word of it, so that runs and cells find each other
 * without counting from the row's first cell on. A row is counted when it is first asked about. */
typedef struct run_counts {
    const nf_labelling *l;
    int64_t stretches; /* a row */
    uint32_t *before;  /* [rows * stretches]: the number plus 1; 0: not yet counted */
} run_counts;

enum { STRETCH = 16 };

static nf_status make_counts(run_counts *c)
{
    c->stretches = (c->l->words + STRETCH - 1) / STRETCH;
    c->before = calloc((size_t)(c->l->rows * c->stretches) + 1, sizeof *c->before);
    return c->before != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for counts of runs");
}

static const uint32_t *counts_of_row(const run_counts *c, int64_t row)
{
    uint32_t *before = c->before + row * c->stretches, runs = 1;
    const uint64_t *starts = c->l->starts + row * c->l->words;
    if (before[0] != 0)
        return before;
    before[0] = runs;
    for (int64_t i = 1; i < c->stretches; before[i++] = runs)
        for (int64_t k = (i - 1) * STRETCH; k < i * STRETCH; k++)
            runs += (uint32_t)__builtin_popcountll(starts[k]);
    return before;
}

/* The run at cell x of a row, which is a member. */
static uint32_t run_at(const run_counts *c, int64_t row, int64_t x)
{
    const uint64_t *starts = c->l->starts + row * c->l->words;
    int64_t word = x / 64, stretch = word / STRETCH;
    uint32_t runs = counts_of_row(c, row)[stretch] - 1;
    for (int64_t k = stretch * STRETCH; k < word; k++)
        runs += (uint32_t)__builtin_popcountll(starts[k]);
    runs += (uint32_t)__builtin_popcountll(starts[word] & upto(x));
    return c->l->first[row] + runs - 1;
}

static bool is_member(const nf_labelling *l, int64_t row, int64_t x)
{
    return l->members[row * l->words + x / 64] >> x % 64 & 1;
}

/* The root that a run hangs from. Halves the way there: a row may be one chain of all its runs, which is
 * asked about from each of them. */
static uint32_t root_of_run(const nf_labelling *l, uint32_t run)
{
    while (l->parent[run] != run)
        run = l->parent[run] = l->parent[l->parent[run]];
    return run;
}

/* The last of n ascending numbers, the first of which is no higher, that is no higher than `most`. */
static int64_t last_upto(const uint32_t *ascending, int64_t n, uint32_t most)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        int64_t middle = lo + (hi - lo + 1) / 2;
        if (ascending[middle] <= most)
            lo = middle;
        else
            hi = middle - 1;
    }
    return lo;
}

/* The global index of the cell where a run begins, plus 1. */
static int64_t index_of_run(const run_counts *c, uint32_t run)
{
    const nf_labelling *l = c->l;
    const int64_t *dim = l->pass->in.dim;
    int64_t row = last_upto(l->first, l->rows, run), cell[NF_DIMS];
    const uint64_t *starts = l->starts + row * l->words;
    const uint32_t *counts = counts_of_row(c, row);
    uint32_t nth = run - l->first[row] + 1; /* of the runs of its row, from 1 */
    int64_t stretch = last_upto(counts, c->stretches, nth), word = stretch * STRETCH;
    int before = (int)(nth - counts[stretch]);
    while (__builtin_popcountll(starts[word]) <= before)
        before -= __builtin_popcountll(starts[word++]);
    uint64_t rest = starts[word];
    while (before-- > 0)
        rest &= rest - 1;
    nf_row_place(l, row, cell);
    return (cell[0] * dim[1] + cell[1]) * dim[2] + cell[2] + 64 * word + __builtin_ctzll(rest) + 1;
}

static uint32_t run_of_index(const run_counts *c, int64_t index)
{
    const nf_box *own = &c->l->pass->tiling.own;
    const int64_t *dim = c->l->pass->in.dim;
    int64_t x = (index - 1) % dim[2], line = (index - 1) / dim[2];
    int64_t row = (line / dim[1] - own->lo[0]) * c->l->rows_a_plane + line % dim[1] - own->lo[1];
    return run_at(c, row, x - own->lo[2]);
}

/* The rank whose block has the cell of this index. */
static int owner_of(const void *context, int64_t index)
{
    const nf_cut *cut = context;
    int64_t cell = index - 1;
    int at[NF_DIMS];
    for (int d = NF_DIMS - 1; d >= 0; cell /= cut->shape.dim[d], d--)
        at[d] = nf_cut_owner(cut, d, cell % cut->shape.dim[d]);
    return (at[0] * cut->parts[1] + at[1]) * cut->parts[2] + at[2];
}

/* ---- planes ---- */

/* The planes across dimension d at both sides of the block, with one cell more around them, each cell as
 * an index, or 0: the block's own, and its neighbours' beyond them. */
typedef struct side_planes {
    int64_t *own[2], *ghost[2]; /* NULL: the array is not cut there */
    int across[2];              /* the plane's dimensions, rows first */
    int64_t extent[2];          /* their cells, those around them included */
} side_planes;

typedef struct shell {
    nf_labelling *l;
    const nf_cut *cut;
    int at[NF_DIMS]; /* the block's place among all blocks */
    side_planes planes[NF_DIMS];
    run_counts counts;
    uint32_t last_run; /* the index looked up last */
    int64_t last_index;
    int64_t *pairs;
    int64_t npairs, room;
} shell;

static int64_t plane_cells(const side_planes *p)
{
    return p->extent[0] * p->extent[1];
}

/* The place of a cell, by global indices, in the planes across d. */
static int64_t place_in_plane(const shell *s, int d, const int64_t cell[NF_DIMS])
{
    const side_planes *p = &s->planes[d];
    const int64_t *lo = s->l->pass->tiling.own.lo;
    return (cell[p->across[0]] - lo[p->across[0]] + 1) * p->extent[1] + cell[p->across[1]] -
           lo[p->across[1]] + 1;
}

/* -1, 0 or 1: below the block in dimension d, in it, above it. */
static int beyond(const shell *s, int d, int64_t i)
{
    const nf_box *own = &s->l->pass->tiling.own;
    return i < own->lo[d] ? -1 : i >= own->hi[d];
}

/* The index of a cell of the block's or of one around it whose plane has been exchanged; otherwise 0. */
static int64_t index_at(shell *s, const int64_t cell[NF_DIMS])
{
    const nf_labelling *l = s->l;
    const nf_box *own = &l->pass->tiling.own;
    for (int d = 0; d < NF_DIMS; d++) {
        int side = beyond(s, d, cell[d]);
        if (side == 0)
            continue;
        const int64_t *ghost = s->planes[d].ghost[side > 0];
        return ghost != NULL ? ghost[place_in_plane(s, d, cell)] : 0;
    }
    int64_t row = (cell[0] - own->lo[0]) * l->rows_a_plane + cell[1] - own->lo[1];
    int64_t x = cell[2] - own->lo[2];
    if (!is_member(l, row, x))
        return 0;
    uint32_t run = root_of_run(l, run_at(&s->counts, row, x));
    if (run != s->last_run || s->last_index == 0) {
        s->last_run = run;
        s->last_index = index_of_run(&s->counts, run);
    }
    return s->last_index;
}

static void take_plane(shell *s, int d, int side)
{
    const side_planes *p = &s->planes[d];
    const nf_box *own = &s->l->pass->tiling.own;
    int64_t cell[NF_DIMS], *to = p->own[side];
    cell[d] = side == 0 ? own->lo[d] : own->hi[d] - 1;
    for (int64_t i = 0; i < p->extent[0]; i++) {
        for (int64_t j = 0; j < p->extent[1]; j++) {
            cell[p->across[0]] = own->lo[p->across[0]] - 1 + i;
            cell[p->across[1]] = own->lo[p->across[1]] - 1 + j;
            *to++ = index_at(s, cell);
        }
    }
}

static nf_status make_planes(shell *s, int d)
{
    side_planes *p = &s->planes[d];
    const nf_box *own = &s->l->pass->tiling.own;
    p->across[0] = d == 0 ? 1 : 0, p->across[1] = d == 2 ? 1 : 2;
    for (int k = 0; k < 2; k++)
        p->extent[k] = nf_box_extent(own, p->across[k]) + 2;
    if (s->cut->parts[d] == 1 || nf_box_empty(own))
        return NF_OK;
    for (int side = 0; side < 2; side++) {
        p->own[side] = calloc((size_t)plane_cells(p), sizeof *p->own[side]);
        p->ghost[side] = calloc((size_t)plane_cells(p), sizeof *p->ghost[side]);
        if (p->own[side] == NULL || p->ghost[side] == NULL)
            return nf_fail(NF_ERR_MEMORY, "no memory for the sides of a block");
    }
    return NF_OK;
}

/* The block beside this one along d: its rank, or -1. */
static int neighbour(const shell *s, int d, int side)
{
    int at[NF_DIMS] = {s->at[0], s->at[1], s->at[2]};
    at[d] += side == 0 ? -1 : 1;
    if (at[d] < 0 || at[d] >= s->cut->parts[d])
        return -1;
    return (at[0] * s->cut->parts[1] + at[1]) * s->cut->parts[2] + at[2];
}

static void exchange_planes(shell *s, int d)
{
    const side_planes *p = &s->planes[d];
    size_t bytes = (size_t)plane_cells(p) * sizeof(int64_t);
    if (p->own[0] == NULL)
        return;
    for (int side = 0; side < 2; side++)
        take_plane(s, d, side);
    for (int side = 0; side < 2; side++)
        nf_shift(&s->l->plan->world, p->own[side], neighbour(s, d, side), p->ghost[1 - side],
                 neighbour(s, d, 1 - side), bytes);
}

/* ---- pairs ---- */

static nf_status add_pair(shell *s, int64_t a, int64_t b)
{
    const int64_t *last = s->pairs + 2 * (s->npairs - 1);
    if (s->npairs > 0 && last[0] == a && last[1] == b)
        return NF_OK;
    if (s->npairs == s->room) {
        s->room = 2 * s->room + 256;
        int64_t *more = realloc(s->pairs, 2 * (size_t)s->room * sizeof *more);
        if (more == NULL)
            return nf_fail(NF_ERR_MEMORY, "no memory for what meets at the sides of a block");
        s->pairs = more;
    }
    s->pairs[2 * s->npairs] = a;
    s->pairs[2 * s->npairs++ + 1] = b;
    return NF_OK;
}

static bool cells_join(const shell *s, const int64_t a[NF_DIMS], const int64_t b[NF_DIMS])
{
    const nf_labelling *l = s->l;
    const nf_setup *setup = &l->stage->setup;
    return !setup->selective ||
           l->joining->joins[setup->in.dtype](nf_field_at(l->from, a), nf_field_at(l->from, b),
                                              setup->in.channels);
}

/* Joins a cell at the block's low side along d with its neighbours beyond it. */
static nf_status pair_cell(shell *s, int d, const int64_t cell[NF_DIMS], int64_t index)
{
    const side_planes *p = &s->planes[d];
    nf_status status = NF_OK;
    for (int i = -1; i <= 1 && status == NF_OK; i++) {
        for (int j = -1; j <= 1 && status == NF_OK; j++) {
            int64_t other[NF_DIMS] = {cell[0], cell[1], cell[2]};
            other[d]--, other[p->across[0]] += i, other[p->across[1]] += j;
            if (1 + (i != 0) + (j != 0) > s->l->stage->setup.connectivity)
                continue;
            int64_t theirs = p->ghost[0][place_in_plane(s, d, other)];
            if (theirs != 0 && cells_join(s, cell, other))
                status = add_pair(s, index, theirs);
        }
    }
    return status;
}

static nf_status pair_plane(shell *s, int d)
{
    const side_planes *p = &s->planes[d];
    const nf_box *own = &s->l->pass->tiling.own;
    int64_t cell[NF_DIMS];
    nf_status status = NF_OK;
    if (p->own[0] == NULL || neighbour(s, d, 0) < 0)
        return NF_OK;
    cell[d] = own->lo[d];
    for (int64_t i = own->lo[p->across[0]]; i < own->hi[p->across[0]]; i++) {
        for (int64_t j = own->lo[p->across[1]]; j < own->hi[p->across[1]]; j++) {
            cell[p->across[0]] = i, cell[p->across[1]] = j;
            int64_t index = p->own[0][place_in_plane(s, d, cell)];
            if (index != 0 && status == NF_OK)
                status = pair_cell(s, d, cell, index);
        }
    }
    return status;
}

/* ---- nodes ---- */

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The block's own cells of its planes: how many are of components; where `to` is not NULL, their
 * indices, those that are the same as the one before left out. */
static int64_t list_indices(const shell *s, int64_t *to)
{
    int64_t n = 0, last = 0;
    for (int d = 0; d < NF_DIMS; d++) {
        const side_planes *p = &s->planes[d];
        for (int side = 0; side < 2 && p->own[side] != NULL; side++)
            for (int64_t i = 1; i + 1 < p->extent[0]; i++)
                for (int64_t j = 1; j + 1 < p->extent[1]; j++) {
                    int64_t index = p->own[side][i * p->extent[1] + j];
                    if (index == 0 || index == last)
                        continue;
                    last = index;
                    if (to != NULL)
                        to[n] = index;
                    n++;
                }
    }
    return n;
}

static nf_status list_nodes(shell *s)
{
    nf_labelling *l = s->l;
    size_t most = (size_t)list_indices(s, NULL);
    nf_seams *seams = l->seams = calloc(1, sizeof *seams);
    if (seams == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the components at the sides of a block");
    seams->index = malloc((most + 1) * sizeof *seams->index);
    seams->root = malloc((most + 1) * sizeof *seams->root);
    seams->run = malloc((most + 1) * sizeof *seams->run);
    if (!seams->index || !seams->root || !seams->run)
        return nf_fail(NF_ERR_MEMORY, "no memory for the components at the sides of a block");
    list_indices(s, seams->index);
    qsort(seams->index, most, sizeof *seams->index, ascending);
    for (size_t i = 0; i < most; i++)
        if (i == 0 || seams->index[i] != seams->index[seams->n - 1])
            seams->index[seams->n++] = seams->index[i];
    for (int64_t i = 0; i < seams->n; i++)
        seams->run[i] = run_of_index(&s->counts, seams->index[i]);
    return NF_OK;
}

static nf_forest forest_of(const nf_labelling *l)
{
    return (nf_forest){.n = l->seams->n,
                       .index = l->seams->index,
                       .root = l->seams->root,
                       .owner = owner_of,
                       .context = &l->from->cut};
}

/* ---- finding the seams ---- */

static void begin(nf_labelling *l, shell *s)
{
    int rank = l->plan->world.rank;
    *s = (shell){.l = l, .cut = &l->from->cut, .counts.l = l};
    for (int d = NF_DIMS - 1; d >= 0; rank /= s->cut->parts[d], d--)
        s->at[d] = rank % s->cut->parts[d];
}

static void end(shell *s)
{
    for (int d = 0; d < NF_DIMS; d++)
        for (int side = 0; side < 2; side++) {
            free(s->planes[d].own[side]);
            free(s->planes[d].ghost[side]);
        }
    free(s->counts.before);
    free(s->pairs);
}

static nf_status find(shell *s)
{
    const nf_world *world = &s->l->plan->world;
    nf_status status = make_counts(&s->counts);
    for (int d = 0; d < NF_DIMS && status == NF_OK; d++)
        status = make_planes(s, d);
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    for (int d = NF_DIMS - 1; d >= 0; d--)
        exchange_planes(s, d);
    for (int d = 0; d < NF_DIMS && status == NF_OK; d++)
        status = pair_plane(s, d);
    if (status == NF_OK)
        status = list_nodes(s);
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    nf_forest forest = forest_of(s->l);
    forest.pairs = s->pairs, forest.npairs = s->npairs;
    return nf_forest_join(world, &forest);
}

nf_status nf_seams_find(nf_labelling *l)
{
    shell s;
    if (nf_cut_blocks(&l->from->cut) == 1)
        return NF_OK;
    begin(l, &s);
    nf_status status = find(&s);
    end(&s);
    return status;
}

void nf_seams_free(nf_seams *seams)
{
    if (seams == NULL)
        return;
    free(seams->index);
    free(seams->run);
    free(seams->root);
    free(seams);
}

/* ---- numbers ---- */

/* Collective among the blocks in a line along d. Each of `values` becomes the sum of those of the blocks
 * before this one; `all` gets the sums over the line. */
static void scan_line(const shell *s, int d, int64_t *values, int64_t *all, int64_t n)
{
    const nf_world *world = &s->l->plan->world;
    int below = neighbour(s, d, 0), above = neighbour(s, d, 1);
    size_t bytes = (size_t)n * sizeof *values;
    memcpy(all, values, bytes);
    memset(values, 0, bytes);
    if (below >= 0)
        nf_receive(world, values, bytes, below);
    for (int64_t i = 0; i < n; i++)
        all[i] += values[i];
    if (above >= 0) {
        nf_send(world, all, bytes, above);
        nf_receive(world, all, bytes, above);
    }
    if (below >= 0)
        nf_send(world, all, bytes, below);
}

/* Roots in each row of the block become those before it in the whole array: in the planes before, in the
 * rows before, in the blocks to the left. all: of a row; plane, planes: of a plane. */
static void number_rows(nf_labelling *l, const shell *s, int64_t *all, int64_t *plane,
                        int64_t *planes)
{
    scan_line(s, 2, l->before, all, l->rows);
    memset(plane, 0, (size_t)l->planes * sizeof *plane);
    for (int64_t row = 0; row < l->rows; row++)
        plane[row / l->rows_a_plane] += all[row];
    scan_line(s, 1, plane, planes, l->planes);
    int64_t before = 0;
    for (int64_t z = 0; z < l->planes; z++)
        before += planes[z];
    scan_line(s, 0, &before, &l->count, 1);
    for (int64_t z = 0; z < l->planes; z++) {
        int64_t at = before + plane[z];
        for (int64_t row = z * l->rows_a_plane; row < (z + 1) * l->rows_a_plane; row++) {
            l->before[row] += at;
            at += all[row];
        }
        before += planes[z];
    }
}

nf_status nf_seams_number(nf_labelling *l, nf_status mine)
{
    const nf_world *world = &l->plan->world;
    size_t rows = (size_t)l->rows + 1, planes = (size_t)l->planes + 1;
    int64_t *sums = malloc((rows + 2 * planes) * sizeof *sums);
    shell s;
    if (mine == NF_OK && sums == NULL)
        mine = nf_fail(NF_ERR_MEMORY, "no memory for counts of components by rows");
    nf_status status = nf_agree(world, mine);
    begin(l, &s);
    if (status == NF_OK && l->rows > 0)
        number_rows(l, &s, sums, sums + rows, sums + rows + planes);
    if (status == NF_OK)
        nf_broadcast(world, &l->count, sizeof l->count, 0);
    free(sums);
    return status;
}

/* ---- what the ranks know of components ---- */

enum { SHARED = 3 }; /* number, size, seeds */

nf_status nf_seams_share(nf_labelling *l)
{
    const nf_world *world = &l->plan->world;
    if (l->seams == NULL)
        return NF_OK;
    const nf_seams *seams = l->seams;
    nf_forest forest = forest_of(l);
    size_t bytes = ((size_t)seams->n + 1) * SHARED * sizeof(int64_t);
    int64_t *values = malloc(bytes), *whole = malloc(bytes);
    nf_status status =
        values && whole ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for cut components");
    status = nf_agree(world, status);
    for (int64_t i = 0; i < seams->n && status == NF_OK; i++) {
        uint32_t component = nf_run_component(l->parent, seams->run[i]);
        values[SHARED * i] = l->number[component];
        values[SHARED * i + 1] = l->size != NULL ? l->size[component] : 0;
        values[SHARED * i + 2] = l->seeded != NULL ? l->seeded[component] : 0;
    }
    if (status == NF_OK)
        status = nf_forest_add(world, &forest, values, SHARED);
    if (status == NF_OK)
        status = nf_forest_ask(world, &forest, values, SHARED, seams->n, seams->root, whole);
    for (int64_t i = 0; i < seams->n && status == NF_OK; i++) {
        uint32_t component = nf_run_component(l->parent, seams->run[i]);
        l->number[component] = whole[SHARED * i];
        if (l->size != NULL)
            l->size[component] = whole[SHARED * i + 1];
        if (l->seeded != NULL)
            l->seeded[component] = whole[SHARED * i + 2] > 0;
    }
    free(values);
    free(whole);
    return status;
}
