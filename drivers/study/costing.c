#include "drivers/study/costing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/status.h"

/* ---- which records are one cost ---- */

static bool same_text(const char *a, const char *b)
{
    return (a == NULL || b == NULL) ? a == b : strcmp(a, b) == 0;
}

/* Of the others the amount is not chosen, but found. */
static bool has_size(nf_cost_kind kind)
{
    return kind == NF_COST_SEND || kind == NF_COST_MEMORY;
}

static bool same_cost(const nf_cost *a, const nf_cost *b)
{
    return a->kind == b->kind && strcmp(a->what, b->what) == 0 && strcmp(a->unit, b->unit) == 0 &&
           same_text(a->kernel, b->kernel) && a->ranks == b->ranks && a->threads == b->threads &&
           a->nodes == b->nodes && (!has_size(a->kind) || a->amount == b->amount);
}

/* ---- their order ---- */

typedef struct entry {
    nf_costing cost;
    size_t what, kernel; /* records in which the way and the kernel were first met */
} entry;

static size_t first_what(const nf_study *study, const nf_cost *of)
{
    size_t i = 0;
    while (study->costs[i].kind != of->kind || strcmp(study->costs[i].what, of->what) != 0)
        i++;
    return i;
}

static size_t first_kernel(const nf_study *study, const nf_cost *of)
{
    size_t i = 0;
    while (!same_text(study->costs[i].kernel, of->kernel))
        i++;
    return i;
}

#define ORDER(a, b)                                                                                \
    do {                                                                                           \
        if ((a) != (b))                                                                            \
            return (a) < (b) ? -1 : 1;                                                             \
    } while (0)

static int by_order(const void *one, const void *other)
{
    const entry *a = one, *b = other;
    const nf_cost *p = a->cost.of, *q = b->cost.of;
    ORDER(p->kind, q->kind);
    ORDER(a->kernel, b->kernel);
    ORDER(a->what, b->what);
    ORDER(p->nodes, q->nodes);
    ORDER(nf_costing_workers(&a->cost), nf_costing_workers(&b->cost));
    ORDER(p->ranks, q->ranks);
    ORDER(a->cost.amount, b->cost.amount);
    ORDER(p, q);
    return 0;
}

/* ---- putting together ---- */

static double value_of(const nf_cost *cost)
{
    return cost->kind == NF_COST_BREAK_EVEN && cost->value == 0 ? INFINITY : cost->value;
}

static double high_of(const nf_cost *cost)
{
    return cost->kind == NF_COST_BREAK_EVEN && cost->high == 0 ? INFINITY : cost->high;
}

/* The widest; a break-even size without either end could lie anywhere. */
static void widen(nf_interval *interval, const nf_cost *cost)
{
    if (cost->low == 0 && cost->high == 0 && cost->kind != NF_COST_BREAK_EVEN)
        return;
    interval->low = interval->known ? fmin(interval->low, cost->low) : cost->low;
    interval->high = interval->known ? fmax(interval->high, high_of(cost)) : high_of(cost);
    interval->known = true;
}

/* Of the record and those after it that are of the same cost. values: room for as many. */
static nf_costing merge(const nf_study *study, const nf_cost *of, double *values)
{
    nf_costing cost = {.of = of, .valid = true};
    double *lost = values + study->ncosts;
    for (size_t i = (size_t)(of - study->costs); i < study->ncosts; i++) {
        const nf_cost *record = &study->costs[i];
        if (!same_cost(record, of))
            continue;
        values[cost.records] = value_of(record);
        lost[cost.records++] = record->lost;
        cost.n += record->n;
        cost.amount = fmax(cost.amount, record->amount);
        cost.valid = cost.valid && record->valid;
        widen(&cost.interval, record);
    }
    if (cost.interval.low <= 0 && isinf(cost.interval.high))
        cost.interval.known = false;
    cost.value = nf_median(values, cost.records);
    cost.lost = nf_median(lost, cost.records);
    return cost;
}

static bool met_before(const nf_study *study, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (same_cost(&study->costs[j], &study->costs[i]))
            return true;
    return false;
}

/* How many workers a node are too many: as many as some sample's that was oversubscribed, or more than the
 * cores of a sample's nodes. */
typedef struct limit {
    double least, cores;
} limit;

static limit limit_of(const nf_study *study)
{
    limit l = {INFINITY, 0};
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *s = &study->samples[i];
        const double nodes = fmax(s->nodes, 1);
        if (s->oversubscribed && !s->simulated)
            l.least = fmin(l.least, (double)s->ranks * s->threads / nodes);
        if (!s->simulated)
            l.cores = fmax(l.cores, s->cores / nodes);
    }
    return l;
}

static bool too_many(const limit *l, const nf_costing *cost)
{
    double workers = nf_costing_workers(cost) / fmax(cost->of->nodes, 1);
    return cost->of->kind != NF_COST_MEMORY &&
           (workers >= l->least || (l->cores > 0 && workers > l->cores));
}

static size_t merge_all(const nf_study *study, entry *entries, double *values)
{
    const limit l = limit_of(study);
    size_t n = 0;
    for (size_t i = 0; i < study->ncosts; i++) {
        const nf_cost *of = &study->costs[i];
        if (met_before(study, i))
            continue;
        entry *e = &entries[n++];
        *e = (entry){merge(study, of, values), first_what(study, of), first_kernel(study, of)};
        e->cost.oversubscribed = too_many(&l, &e->cost);
    }
    qsort(entries, n, sizeof *entries, by_order);
    return n;
}

nf_status nf_costings(const nf_study *study, nf_costing **list, size_t *n)
{
    entry *entries = calloc(study->ncosts + 1, sizeof *entries);
    double *values = calloc(study->ncosts + 1, 2 * sizeof *values);
    *list = calloc(study->ncosts + 1, sizeof **list);
    *n = 0;
    nf_status status = NF_OK;
    if (entries == NULL || values == NULL || *list == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for %zu costs", study->ncosts);
    else
        *n = merge_all(study, entries, values);
    for (size_t i = 0; i < *n; i++)
        (*list)[i] = entries[i].cost;
    free(entries);
    free(values);
    if (status != NF_OK) {
        free(*list);
        *list = NULL;
    }
    return status;
}

/* ---- finding one ---- */

bool nf_costing_counts(const nf_costing *cost)
{
    return cost->valid && !cost->oversubscribed;
}

static bool is_single(const nf_costing *cost)
{
    return cost->of->kind == NF_COST_START && strcmp(cost->of->what, "MPI process") == 0;
}

bool nf_costing_firm(const nf_costing *cost)
{
    const nf_interval *i = &cost->interval;
    return is_single(cost) || (i->known && i->high <= 2 * i->low);
}

bool nf_costing_exceeds(const nf_costing *more, const nf_costing *less)
{
    bool known =
        (more->interval.known || is_single(more)) && (less->interval.known || is_single(less));
    double low = is_single(more) ? more->value : more->interval.low;
    double high = is_single(less) ? less->value : less->interval.high;
    return known && low > high;
}

int nf_costing_workers(const nf_costing *cost)
{
    return cost->of->ranks * cost->of->threads;
}

static bool is_more(const nf_costing *a, const nf_costing *b)
{
    int p = nf_costing_workers(a), q = nf_costing_workers(b);
    if (p != q)
        return p > q;
    return a->of->threads != b->of->threads ? a->of->threads > b->of->threads
                                            : a->amount > b->amount;
}

bool nf_costing_decides(const nf_costing *list, size_t n, const nf_costing *cost)
{
    const nf_cost *of = cost->of;
    for (size_t i = 0; i < n; i++) {
        const nf_cost *other = list[i].of;
        if (other->kind == of->kind && strcmp(other->what, of->what) == 0 &&
            same_text(other->kernel, of->kernel) &&
            (of->kind != NF_COST_SEND || other->nodes == of->nodes) &&
            nf_costing_counts(&list[i]) && is_more(&list[i], cost))
            return false;
    }
    return nf_costing_counts(cost);
}

const nf_costing *nf_costing_find(const nf_costing *list, size_t n, nf_cost_kind kind,
                                  const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].of->kind == kind && strcmp(list[i].of->what, what) == 0 &&
            nf_costing_decides(list, n, &list[i]))
            return &list[i];
    return NULL;
}

const nf_costing *nf_costing_alone(const nf_costing *list, size_t n, const nf_costing *cost)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].of->kind == cost->of->kind && strcmp(list[i].of->what, cost->of->what) == 0 &&
            nf_costing_workers(&list[i]) == 1 && list[i].valid)
            return &list[i];
    return NULL;
}
