/* The sentences that a report opens with: what limits each kernel, how many workers are worth it, what
 * the models say beyond that, what to try next. Each comes from a rule on the numbers
 * (drivers/study/bottleneck.h), and shows them. A kernel is judged by its strong scaling, and by its weak
 * scaling where there is no strong:
 *
 *   limit   at the fastest point of the most workers: nf_bottleneck's
 *   worth   the fastest point whose efficiency is NF_WORTH percent or more
 *   model   the best of nf_models_fit over the fastest points of each number of workers, followed up to
 *           NF_EXTRAPOLATION times the most
 *   waits   of a kernel that waits for files there is neither limit nor worth: its fastest point is its
 *           best, told beside the fastest that has no more workers than cores
 *   size    where serial is faster below: the break-even sizes that were measured
 *   next    what helps against each limit; more workers where the most were worth it; more cores where
 *           nothing counts beside its base; more samples where intervals are wide */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/study/bottleneck.h"
#include "drivers/study/models.h"
#include "io/report_costs.h"

/* A kernel as it is concluded of: its strong group, or, without one, its weak one. */
typedef struct kernel {
    const nf_group *group;
    const nf_point *base,
        *largest;          /* nf_group_base's; the fastest of the most workers that count */
    const nf_point *worth; /* the fastest at NF_WORTH percent or more */
    nf_bottleneck limit;   /* at `largest` */
} kernel;

enum { SHOWN = 6 }; /* kernels in one sentence; the others are counted */

/* ---- what there is to say ---- */

static bool counts(const nf_point *point)
{
    return nf_point_counts(point) && point->base != NULL;
}

static const nf_point *find_largest(const nf_group *group)
{
    const nf_point *best = NULL;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (nf_point_is_more(point) &&
            (best == NULL || nf_point_workers(point) > nf_point_workers(best) ||
             (nf_point_workers(point) == nf_point_workers(best) && point->speedup > best->speedup)))
            best = point;
    }
    return best;
}

static const nf_point *find_worth(const nf_group *group)
{
    const nf_point *best = NULL;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (counts(point) && 100 * point->efficiency >= NF_WORTH &&
            (best == NULL || point->speedup > best->speedup))
            best = point;
    }
    return best;
}

static kernel examine(const nf_report *report, const nf_group *group)
{
    kernel k = {.group = group, .base = nf_group_base(group)};
    k.largest = k.base != NULL ? find_largest(group) : NULL;
    k.worth = find_worth(group);
    if (k.largest != NULL)
        k.limit = nf_bottleneck_of(report->study, k.largest, k.base);
    return k;
}

static const char *name_of(const kernel *k)
{
    return k->group->points[0]->of->label;
}

static bool has_strong(const nf_report *report, const char *name)
{
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_sample *of = report->groups[g].points[0]->of;
        if (of->scaling == NF_STRONG && strcmp(of->kernel, name) == 0)
            return true;
    }
    return false;
}

/* Those that wait, or those that do not. Returns how many; the most limited ones first. */
static size_t examine_all(const nf_report *report, bool waits, kernel *list)
{
    size_t n = 0;
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_sample *of = report->groups[g].points[0]->of;
        if (of->waits != waits || (of->scaling == NF_WEAK && has_strong(report, of->kernel)))
            continue;
        kernel k = examine(report, &report->groups[g]);
        size_t at = n++;
        for (; at > 0 && k.limit.known && list[at - 1].limit.known &&
               k.limit.efficiency < list[at - 1].limit.efficiency;
             at--)
            list[at] = list[at - 1];
        list[at] = k;
    }
    return n;
}

/* ---- what limits ---- */

static void say_workers(const nf_point *point, FILE *out)
{
    char text[NF_CELL];
    fputs(nf_workers_text(point->of->ranks, point->of->threads, text), out);
}

/* Whether cells that are computed twice are a loss to be told. */
static bool repeats(const nf_bottleneck *b)
{
    return b->limited && b->largest == NF_LOSS_SLOWER && !nf_bound_by_memory(b) &&
           100 * b->repeated >= NF_LEAST_LOSS;
}

static void say_loss(const kernel *k, FILE *out)
{
    static const char *const words[NF_LOSSES] = {
        [NF_LOSS_HALO] = "exchanging halos",
        [NF_LOSS_FOLD] = "folding partial results",
        [NF_LOSS_WAIT] = "waiting for the slowest rank",
        [NF_LOSS_IDLE] = "threads that wait for the slowest one",
        [NF_LOSS_RUNTIME] = "starting and joining threads",
        [NF_LOSS_SLOWER] = "tiles that take longer than those of one worker",
    };
    const nf_bottleneck *b = &k->limit;
    if (nf_bound_by_memory(b))
        fprintf(out, "by memory (%.0f%% of the bandwidth that was measured", 100 * b->bandwidth);
    else
        fprintf(out, "by %s (%.0f%% of the time", words[b->largest], 100 * b->share);
    fputs(" with ", out);
    say_workers(k->largest, out);
    if (repeats(b))
        fprintf(out, ", %.0f%% for cells computed twice so that %s less often", 100 * b->repeated,
                k->largest->of->ranks > 1 ? "halos are exchanged" : "memory is passed");
    if (nf_bound_by_memory(b) && b->bandwidth > 1)
        fputs(", more than memory gives: part of the array stays in cache", out);
    if (b->largest == NF_LOSS_SLOWER && b->bandwidth > 0 && !nf_bound_by_memory(b))
        fprintf(out, ", at %.0f%% of the bandwidth", 100 * b->bandwidth);
    fprintf(out, ", efficiency %.0f%%)", 100 * b->efficiency);
}

/* Between the parts of a sentence; before the first there is nothing. */
static void part(FILE *out, size_t *said)
{
    if ((*said)++ > 0)
        fputs("; ", out);
}

static bool shows_limit(const kernel *k)
{
    return k->limit.limited || nf_bound_by_memory(&k->limit);
}

static void say_limited(const kernel *list, size_t n, FILE *out)
{
    size_t said = 0, others = 0;
    for (size_t i = 0; i < n; i++) {
        if (!shows_limit(&list[i]))
            continue;
        if (said >= SHOWN) {
            others++;
            continue;
        }
        part(out, &said);
        fprintf(out, "%s is limited ", name_of(&list[i]));
        say_loss(&list[i], out);
    }
    if (others > 0)
        fprintf(out, "; %zu more kernel%s a limit at a higher efficiency", others,
                others == 1 ? " shows" : "s show");
    if (said > 0)
        fputs(". ", out);
}

static void say_unlimited(const kernel *list, size_t n, FILE *out)
{
    size_t said = 0, others = 0;
    for (size_t i = 0; i < n; i++) {
        const kernel *k = &list[i];
        if (shows_limit(k) || !k->limit.known)
            continue;
        if (said >= SHOWN) {
            others++;
            continue;
        }
        fputs(said++ == 0 ? "No limit shows in " : ", ", out);
        fprintf(out, "%s (efficiency %.0f%% with ", name_of(k), 100 * k->limit.efficiency);
        say_workers(k->largest, out);
        fputs(100 * k->limit.efficiency < NF_GOOD ? ", too uncertain to tell)" : ")", out);
    }
    if (others > 0)
        fprintf(out, " and %zu more kernel%s", others, others == 1 ? "" : "s");
    if (said > 0)
        fputs(". ", out);
}

static void say_unknown(const kernel *list, size_t n, FILE *out)
{
    size_t unknown = 0;
    for (size_t i = 0; i < n; i++)
        unknown += !list[i].limit.known;
    if (unknown == n && n > 0)
        fputs("No limit can be told: no point with more workers counts beside one with fewer. ",
              out);
    else if (unknown > 0)
        fprintf(out, "Of %zu kernel%s none can be told. ", unknown, unknown == 1 ? "" : "s");
}

/* ---- how many workers are worth it ---- */

static int worth_of(const kernel *k)
{
    return nf_point_workers(k->worth != NULL ? k->worth : k->base);
}

static bool worth_most(const kernel *k)
{
    return worth_of(k) == nf_point_workers(k->largest);
}

static bool alike(const kernel *a, const kernel *b)
{
    return a->largest != NULL && b->largest != NULL && worth_of(a) == worth_of(b) &&
           worth_most(a) == worth_most(b);
}

/* "sobel, heat and 2 more kernels (efficiency 93% to 98%": those alike the first. */
static void say_alike(const kernel *list, size_t n, const kernel *first, FILE *out)
{
    size_t with = 0;
    double low = INFINITY, high = 0, beyond = 0;
    for (size_t i = 0; i < n; i++) {
        const kernel *k = &list[i];
        if (!alike(first, k))
            continue;
        if (with++ < SHOWN)
            fprintf(out, "%s%s", with == 1 ? "" : ", ", name_of(k));
        double e = k->worth != NULL ? k->worth->efficiency : 1;
        low = fmin(low, e);
        high = fmax(high, e);
        beyond = fmax(beyond, k->largest->efficiency);
    }
    if (with > SHOWN)
        fprintf(out, " and %zu more", with - SHOWN);
    if (nf_point_workers(first->base) < worth_of(first)) {
        char least[NF_CELL], most[NF_CELL];
        snprintf(least, sizeof least, "%.0f%%", 100 * low);
        snprintf(most, sizeof most, "%.0f%%", 100 * high);
        fprintf(out, " (efficiency %s", least);
        if (strcmp(least, most) != 0)
            fprintf(out, " to %s", most);
        fputs(worth_most(first) ? "" : "; with the most workers ", out);
    } else {
        fputs(" (efficiency with the most workers ", out);
    }
    if (!worth_most(first))
        fprintf(out, "%s%.0f%%", with > 1 ? "at most " : "", 100 * beyond);
    putc(')', out);
}

static void say_no_more(const nf_point *base, FILE *out)
{
    int workers = nf_point_workers(base);
    if (workers == 1)
        fputs("not worth taking more than one worker for ", out);
    else
        fprintf(out, "not worth taking more than %d workers for ", workers);
}

static void say_worth(const kernel *list, size_t n, FILE *out)
{
    size_t said = 0;
    for (size_t i = 0; i < n; i++) {
        bool met = list[i].largest == NULL;
        for (size_t j = 0; j < i && !met; j++)
            met = alike(&list[j], &list[i]);
        if (met)
            continue;
        fputs(said++ == 0 ? "It is " : "; it is ", out);
        if (worth_of(&list[i]) > nf_point_workers(list[i].base))
            fprintf(out, "worth going to %d workers%s for ", worth_of(&list[i]),
                    worth_most(&list[i]) ? ", the most that count," : "");
        else
            say_no_more(list[i].base, out);
        say_alike(list, n, &list[i], out);
    }
    if (said > 0)
        fputs(". ", out);
}

/* ---- kernels that wait ---- */

static bool within_cores(const nf_point *point)
{
    return nf_point_workers(point) <= point->of->cores;
}

/* The fastest point, of those with no more workers than cores where that is asked for; weak: by the
 * rate. NULL: none. */
static const nf_point *find_fastest(const nf_group *group, bool within)
{
    const nf_point *best = NULL;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (counts(point) && (!within || within_cores(point)) &&
            (best == NULL || point->speedup > best->speedup))
            best = point;
    }
    return best;
}

/* Whether the intervals of the rates are apart, this one's being the higher. */
static bool shown_faster(const nf_point *point, const nf_point *than)
{
    return point->interval.known && than->interval.known &&
           (double)point->of->work / point->interval.high >
               (double)than->of->work / than->interval.low;
}

static void say_beyond(const nf_group *group, const nf_point *best, FILE *out)
{
    const nf_point *within = find_fastest(group, true);
    const nf_point *most = group->points[group->n - 1]; /* they are ordered by workers */
    if (within == NULL || within_cores(most)) {
        fputs(": no point with more workers than cores counts beside one with fewer; ", out);
        return;
    }
    bool helps = within != best && shown_faster(best, within);
    fprintf(out, ": more workers than cores %s; ", helps ? "help" : "are not shown to help");
}

/* "readfiles waits for files: more workers than cores help; fastest with 16 threads on 2 cores ...". */
static void say_waiting(const kernel *list, size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        const nf_group *group = list[i].group;
        const nf_point *best = find_fastest(group, false), *within = find_fastest(group, true);
        fprintf(out, "%s waits for files, not for processor or memory", name_of(&list[i]));
        if (best == NULL) {
            fputs("; no point counts. ", out);
            continue;
        }
        say_beyond(group, best, out);
        fputs("fastest with ", out);
        say_workers(best, out);
        if (best->of->cores > 0)
            fprintf(out, " on %d core%s", best->of->cores, best->of->cores == 1 ? "" : "s");
        if (best != best->base) {
            fprintf(out, ", %.2f times as fast as ", best->speedup);
            say_workers(best->base, out);
        }
        if (within != NULL && within != best && within != best->base) {
            fprintf(out, ", %.2f times as fast as ", best->speedup / within->speedup);
            say_workers(within, out);
        }
        fputs(". ", out);
    }
}

/* ---- at which sizes ---- */

/* "below 2,440 cells (2,000 to 3,000) than 2 threads". */
static void say_size(const nf_costing *cost, FILE *out)
{
    char size[NF_CELL], low[NF_CELL], high[NF_CELL];
    nf_thousands_text(cost->interval.low, low);
    if (nf_costing_nowhere(cost))
        fprintf(out, "at every size tried, up to %s %s,", low, cost->of->unit);
    else if (!isfinite(cost->value))
        fprintf(out, "below %s %s at least", low, cost->of->unit);
    else
        fprintf(out, "below %s %s", nf_thousands_text(cost->value, size), cost->of->unit);
    if (isfinite(cost->value) && isfinite(cost->interval.high))
        fprintf(out, " (%s to %s)", low, nf_thousands_text(cost->interval.high, high));
    else if (isfinite(cost->value))
        fprintf(out, " (at least %s)", low);
    fprintf(out, " than %s", nf_workers_text(cost->of->ranks, cost->of->threads, size));
}

/* Of each kernel, by threads and by ranks, in one sentence; nothing of those where one worker is not shown
 * to be faster at any size. */
static void say_sizes(const nf_report *report, FILE *out)
{
    const char *last = NULL;
    size_t said = 0, kernels = 0;
    for (const nf_costing *c = NULL;
         (c = nf_costing_next(report, NF_COST_BREAK_EVEN, c)) != NULL;) {
        bool first = last == NULL || strcmp(last, c->of->kernel) != 0;
        if (c->interval.low <= 0 || (first && kernels == SHOWN))
            continue;
        last = c->of->kernel;
        kernels += first;
        fputs(said++ == 0 ? "One worker is faster for " : first ? "; for " : ", ", out);
        if (first)
            fprintf(out, "%s ", c->of->label);
        say_size(c, out);
    }
    if (said > 0)
        fputs(". ", out);
}

/* ---- beyond what was measured ---- */

/* Efficiency by a model, the least workers of the series being its base. */
static double efficiency_at(const nf_model *model, double first, double p)
{
    double ratio = nf_model_seconds(model, first) / nf_model_seconds(model, p);
    return model->scaling == NF_STRONG ? ratio * first / p : ratio;
}

static void say_model(const char *name, const nf_model *model, const nf_series *series, FILE *out)
{
    const double first = series->at[0].p, last = series->at[series->n - 1].p;
    const double far = last * NF_EXTRAPOLATION, peak = nf_model_peak(model);
    double p = last;
    while (p < far && 100 * efficiency_at(model, first, p) >= NF_WORTH)
        p *= 1.01;
    fprintf(out, "%s (%s) ", name, nf_model_name(model->kind));
    if (p >= far)
        fprintf(out, "stays over %d%% up to %.0f workers, %d times what was measured", NF_WORTH,
                far, NF_EXTRAPOLATION);
    else if (p > last)
        fprintf(out, "falls under %d%% beyond about %.0f workers", NF_WORTH, p);
    else
        fprintf(out, "is under %d%% from %.0f workers on at the latest", NF_WORTH, last);
    if (peak <= far && model->scaling == NF_STRONG)
        fprintf(out, " and is fastest with about %.0f", peak);
}

/* What the models that foretell best say; nothing where there are too few points for any. */
static void say_models(const nf_report *report, const kernel *list, size_t n, FILE *out)
{
    size_t said = 0;
    for (size_t i = 0; i < n && said < SHOWN; i++) {
        const nf_trend *trend = &report->trends[list[i].group - report->groups];
        int best = trend->fits.best;
        if (list[i].largest == NULL || best < 0)
            continue;
        fputs(said++ == 0 ? "By the model that foretells its points best, the efficiency of "
                          : "; of ",
              out);
        say_model(name_of(&list[i]), &trend->fits.of[best].model, &trend->series, out);
    }
    if (said > 0)
        fputs(". ", out);
}

/* ---- what to try ---- */

static size_t count_wide(const nf_report *report, size_t *counted)
{
    const double widest = 0.1;
    size_t n = 0;
    *counted = 0;
    for (size_t i = 0; i < report->npoints; i++) {
        const nf_point *point = &report->points[i];
        if (!nf_point_counts(point))
            continue;
        ++*counted;
        n += !point->interval.known ||
             point->interval.high - point->interval.low > 2 * widest * point->seconds;
    }
    return n;
}

/* What may be tried: against each loss, against memory, and against cells computed twice. */
enum { AGAINST_MEMORY = NF_LOSSES, AGAINST_REPEATING, ADVICES };

static bool needs(const kernel *k, int advice)
{
    const nf_bottleneck *b = &k->limit;
    if (nf_bound_by_memory(b))
        return advice == AGAINST_MEMORY;
    if (advice == AGAINST_REPEATING)
        return repeats(b);
    return b->limited && (int)b->largest == advice;
}

static void advise_losses(const kernel *list, size_t n, FILE *out, size_t *said)
{
    enum { NAMED = 3 };
    static const char *const advice[ADVICES] = {
        [NF_LOSS_HALO] =
            "deeper halos exchanged less often (--halo-depth), squarer blocks (--grid) or "
            "a larger array",
        [NF_LOSS_FOLD] = "a larger array, or threads in the place of ranks",
        [NF_LOSS_WAIT] = "blocks of equal cost (--grid), and a look at what else runs on the cores",
        [NF_LOSS_IDLE] = "smaller tiles (--tile-size), which even out",
        [NF_LOSS_RUNTIME] = "a larger array, or ranks in the place of threads",
        [NF_LOSS_SLOWER] =
            "a look at what else runs on the cores, at their clock and at the caches they "
            "share",
        [AGAINST_MEMORY] =
            "a longer chain on each tile while it is in cache, or the same workers on more "
            "nodes",
        [AGAINST_REPEATING] = "a larger array or shallower halos (--halo-depth), so that a smaller "
                              "part of the cells is computed twice",
    };
    for (int a = 0; a < ADVICES; a++) {
        size_t with = 0;
        for (size_t i = 0; i < n; i++) {
            if (!needs(&list[i], a) || with++ >= NAMED)
                continue;
            if (with == 1)
                part(out, said);
            fprintf(out, "%s%s", with == 1 ? "for " : ", ", name_of(&list[i]));
        }
        if (with > 0)
            fprintf(out, "%s, %s", with > NAMED ? " and more" : "", advice[a]);
    }
}

static void say_next(const nf_report *report, const kernel *list, size_t n, FILE *out)
{
    size_t said = 0, counted, wide = count_wide(report, &counted), open = 0, most = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].largest != NULL && list[i].worth != NULL && worth_most(&list[i])) {
            open++;
            most = (size_t)nf_point_workers(list[i].largest) > most
                       ? (size_t)nf_point_workers(list[i].largest)
                       : most;
        }
    fputs("To try next: ", out);
    advise_losses(list, n, out, &said);
    if (open > 0) {
        part(out, &said);
        fprintf(out, "more than %zu workers (%zu of %zu kernel%s still gain%s)", most, open, n,
                n == 1 ? "" : "s", open == 1 ? "s" : "");
    } else if (counted <= n) {
        part(out, &said);
        fputs("a machine with more cores, for points that count", out);
    }
    if (wide > 0) {
        part(out, &said);
        fprintf(out,
                "more samples on a quieter machine (%zu of %zu intervals %s wider than "
                "\u00b110%% or not known)",
                wide, counted, wide == 1 ? "is" : "are");
    }
    fputs(said == 0 ? "nothing that these numbers call for." : ".", out);
}

/* ---- all ---- */

nf_status nf_conclude(const nf_report *report, FILE *out)
{
    kernel *list = calloc(report->ngroups + 1, sizeof *list);
    if (list == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the report's conclusions");
    size_t n = examine_all(report, false, list);
    size_t waiting = examine_all(report, true, list + n);
    say_limited(list, n, out);
    say_unlimited(list, n, out);
    say_unknown(list, n, out);
    say_worth(list, n, out);
    say_waiting(list + n, waiting, out);
    say_sizes(report, out);
    say_models(report, list, n, out);
    say_next(report, list, n, out);
    free(list);
    return NF_OK;
}
