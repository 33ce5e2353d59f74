#include "drivers/engine/halo_list.h"

#include <stdlib.h>

/* One dimension of an exchange. */
typedef struct line {
    const nf_cut *cut;
    int d;
    int64_t n;      /* cells */
    int64_t lo, hi; /* ghost cells on either side */
    bool wrap;
} line;

static line line_of(const nf_cut *cut, int d, const nf_halo *halo, bool wrap)
{
    line l = {cut, d, cut->shape.dim[d], halo->lo[d], halo->hi[d], wrap};
    return l;
}

/* Blocks along a line, one after the other and on from the last to the first. */
typedef struct range {
    int first, count;
} range;

/* The blocks that hold cells of [lo, hi), which is not empty. */
static range blocks_in(const line *l, int64_t lo, int64_t hi)
{
    int parts = l->cut->parts[l->d];
    range all = {0, parts};
    if (l->wrap && hi - lo >= l->n)
        return all;
    int64_t from = lo, last = hi - 1;
    if (l->wrap) {
        from = nf_border_index(lo, l->n, NF_WRAP);
        last = nf_border_index(last, l->n, NF_WRAP);
    } else {
        from = from > 0 ? from : 0;
        last = last < l->n ? last : l->n - 1;
    }
    int a = nf_cut_owner(l->cut, l->d, from), b = nf_cut_owner(l->cut, l->d, last);
    if (last < from && a == b)
        return all; /* once around, into the block that it began in */
    range some = {a, (b - a + parts) % parts + 1};
    return some;
}

/* The blocks that block `index` needs something of, itself among them. */
static range givers_of(const line *l, int index)
{
    int64_t lo, hi;
    nf_cut_interval(l->cut, l->d, index, &lo, &hi);
    return blocks_in(l, lo - l->lo, hi + l->hi);
}

/* The blocks that need something of block `index`: a cell is in the ghost cells of those that are
 * as far from it, seen from the other side. */
static range takers_of(const line *l, int index)
{
    int64_t lo, hi;
    nf_cut_interval(l->cut, l->d, index, &lo, &hi);
    return blocks_in(l, lo - l->hi, hi + l->lo);
}

/* What one block needs of another along a line: intervals of the taker's ghost coordinates, one for
 * each time around, `period` cells apart. */
typedef struct spans {
    int64_t lo, hi;                /* what the taker needs, its own cells included */
    int64_t giver_lo, giver_hi, n; /* what the giver has */
    int64_t first;                 /* times around of the first interval */
    size_t count;
} spans;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static spans spans_between(const line *l, int taker, int giver)
{
    spans s = {.n = l->n};
    nf_cut_interval(l->cut, l->d, taker, &s.lo, &s.hi);
    nf_cut_interval(l->cut, l->d, giver, &s.giver_lo, &s.giver_hi);
    if (s.lo >= s.hi || s.giver_lo >= s.giver_hi)
        return s;
    s.lo -= l->lo;
    s.hi += l->hi;
    /* giver_hi + k n > lo and giver_lo + k n < hi */
    int64_t last = floor_div(s.hi - 1 - s.giver_lo, l->n);
    s.first = floor_div(s.lo - s.giver_hi, l->n) + 1;
    if (!l->wrap) {
        last = last < 0 ? last : 0;
        s.first = s.first > 0 ? s.first : 0;
    }
    s.count = last >= s.first ? (size_t)(last - s.first + 1) : 0;
    return s;
}

static void span_at(const spans *s, size_t i, int d, nf_part *part)
{
    int64_t shift = (s->first + (int64_t)i) * s->n;
    int64_t lo = s->giver_lo + shift, hi = s->giver_hi + shift;
    part->ghost.lo[d] = lo > s->lo ? lo : s->lo;
    part->ghost.hi[d] = hi < s->hi ? hi : s->hi;
    part->shift[d] = -shift;
}

static bool same_place(const int a[NF_DIMS], const int b[NF_DIMS])
{
    return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

/* The boxes that `taker` needs of `giver`, but for the taker's own cells where they are. */
static nf_status fill_message(const line l[NF_DIMS], const int taker[NF_DIMS],
                              const int giver[NF_DIMS], nf_bundle *m)
{
    spans s[NF_DIMS];
    size_t boxes = 1;
    for (int d = 0; d < NF_DIMS; d++) {
        s[d] = spans_between(&l[d], taker[d], giver[d]);
        boxes *= s[d].count;
    }
    bool self = same_place(taker, giver);
    const nf_shape *shape = &l[0].cut->shape;
    m->parts = malloc((boxes + 1) * sizeof *m->parts);
    if (m->parts == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a list of %zu halo boxes", boxes);
    for (size_t i = 0; i < boxes; i++) {
        nf_part *part = &m->parts[m->count];
        span_at(&s[0], i / s[2].count / s[1].count, 0, part);
        span_at(&s[1], i / s[2].count % s[1].count, 1, part);
        span_at(&s[2], i % s[2].count, 2, part);
        if (self && part->shift[0] == 0 && part->shift[1] == 0 && part->shift[2] == 0)
            continue;
        m->count++;
        m->bytes +=
            (size_t)(nf_box_cells(&part->ghost) * shape->channels) * nf_dtype_size(shape->dtype);
    }
    return NF_OK;
}

static void coordinates(const nf_cut *cut, int rank, int at[NF_DIMS])
{
    for (int d = NF_DIMS - 1; d >= 0; d--) {
        at[d] = rank % cut->parts[d];
        rank /= cut->parts[d];
    }
}

/* A message with each other rank of the ranges that shares cells with this one, which takes or
 * gives; or, `itself`, with this rank alone. */
static nf_status list_messages(const line l[NF_DIMS], int rank, bool takes, bool itself,
                               nf_bundles *m)
{
    const int *parts = l[0].cut->parts;
    int at[NF_DIMS];
    range r[NF_DIMS];
    size_t most = 1;
    coordinates(l[0].cut, rank, at);
    for (int d = 0; d < NF_DIMS; d++) {
        range alone = {at[d], 1};
        r[d] = itself ? alone : takes ? givers_of(&l[d], at[d]) : takers_of(&l[d], at[d]);
        most *= (size_t)r[d].count;
    }
    m->list = calloc(most, sizeof *m->list);
    if (m->list == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a list of %zu halo messages", most);
    for (size_t i = 0; i < most; i++) {
        size_t rest = i;
        int other[NF_DIMS];
        for (int d = NF_DIMS - 1; d >= 0; d--) {
            other[d] = (r[d].first + (int)(rest % (size_t)r[d].count)) % parts[d];
            rest /= (size_t)r[d].count;
        }
        if (same_place(at, other) != itself)
            continue;
        nf_bundle *to = &m->list[m->count];
        *to = (nf_bundle){.rank = (other[0] * parts[1] + other[1]) * parts[2] + other[2]};
        nf_status status = takes ? fill_message(l, at, other, to) : fill_message(l, other, at, to);
        if (status != NF_OK)
            return status;
        if (to->count > 0)
            m->count++;
        else
            free(to->parts);
    }
    return NF_OK;
}

nf_status nf_halo_lists_make(const nf_cut *cut, int rank, const nf_halo *halo, bool wrap,
                             nf_halo_lists *lists)
{
    *lists = (nf_halo_lists){.in = {NULL, 0}};
    nf_box own = nf_cut_block(cut, rank);
    if (nf_box_empty(&own) || nf_halo_none(halo))
        return NF_OK;
    line l[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        l[d] = line_of(cut, d, halo, wrap);
    nf_status status = list_messages(l, rank, true, false, &lists->in);
    if (status == NF_OK)
        status = list_messages(l, rank, false, false, &lists->out);
    return status == NF_OK ? list_messages(l, rank, true, true, &lists->own) : status;
}

static void free_messages(nf_bundles *m)
{
    for (int i = 0; i < m->count; i++)
        free(m->list[i].parts);
    free(m->list);
    *m = (nf_bundles){NULL, 0};
}

void nf_halo_lists_free(nf_halo_lists *lists)
{
    free_messages(&lists->in);
    free_messages(&lists->out);
    free_messages(&lists->own);
}
