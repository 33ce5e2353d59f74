#include "drivers/study/break_even.h"

#include <math.h>
#include <stdlib.h>

#include "drivers/study/ranktest.h"
#include "drivers/study/sampling.h"

/* Rungs of a step of the climb, each of which goes to whoever first has so many samples; two in a row
 * that the others win end it. Rungs that are added at a time. Samples of a rung that are likely to
 * prove something, with those of the rungs beside it. */
enum { STEP = 6, WINS = 2, MORE = 3, LIKELY = 4 };

/* ---- what follows from the ratios ---- */

/* Rungs that are tested together. */
enum { WIDTHS = 3, WIDEST = 9 };
static const size_t widths[WIDTHS] = {1, 3, WIDEST};

/* Whether a rung and those beside it, `width` fresh ones together, show that the others are faster
 * (side 1: there and below) or that one worker is (side -1: there and above). */
static bool shows_with(const nf_rung *rungs, size_t count, size_t rung, int side, size_t width)
{
    double ratios[WIDEST * NF_RUNG_SAMPLES];
    size_t n = 0;
    int lead = 0;
    for (size_t i = rung; i < count && width > 0; i -= (size_t)side) { /* below 0 is above count */
        for (size_t k = 0; rungs[i].fresh && k < rungs[i].n; k++) {
            double ratio = ratios[n++] = rungs[i].ratios[k];
            lead += side * ((ratio > 1) - (ratio < 1));
        }
        width -= rungs[i].fresh;
    }
    return lead > 0 && nf_sign_p(ratios, n, 1) <= 0.05 / WIDTHS;
}

static bool shows(const nf_rung *rungs, size_t count, size_t rung, int side)
{
    for (size_t i = 0; i < WIDTHS; i++)
        if (shows_with(rungs, count, rung, side, widths[i]))
            return true;
    return false;
}

static void find_interval(const nf_rung *rungs, size_t count, nf_break_even *even)
{
    for (size_t i = 0; i < count && (!rungs[i].fresh || shows(rungs, count, i, -1)); i++)
        even->low = rungs[i].fresh ? rungs[i].size : even->low;
    for (size_t i = count; i-- > 0 && (!rungs[i].fresh || shows(rungs, count, i, 1));)
        even->high = rungs[i].fresh ? rungs[i].size : even->high;
}

/* Samples of a rung, which are its weight, and the logarithm of their median as often. */
static double weighted(nf_rung *rung)
{
    return rung->n > 0 ? (double)rung->n * log(nf_median(rung->ratios, rung->n)) : 0;
}

/* The isotonic regression at one end of rungs that are all on one side of 0: from rung `from` on, up
 * or down by `step`, the mean of all so far that is nearest to 0. *nearest is the first rung that
 * has samples. */
static double level_at(nf_rung *rungs, size_t count, size_t from, int step, size_t *nearest)
{
    double sum = 0, weight = 0, level = INFINITY;
    for (size_t i = from; i < count; i += (size_t)step) { /* below 0 it is above count */
        if (rungs[i].n == 0)
            continue;
        if (weight == 0)
            *nearest = i;
        sum += weighted(&rungs[i]);
        weight += (double)rungs[i].n;
        level = fmin(level, fabs(sum / weight));
    }
    return level;
}

/* The isotonic regression is below 0, or 0, up to the rung where the sum of all so far is least, and
 * above 0 after that (Barlow et al., Statistical inference under order restrictions, 1972). */
static double find_value(nf_rung *rungs, size_t count)
{
    double sum = 0, least = 0;
    size_t above = 0, below = count, next = count;
    for (size_t i = 0; i < count; i++) {
        sum += weighted(&rungs[i]);
        if (rungs[i].n > 0 && sum <= least) {
            least = sum;
            above = i + 1;
        }
    }
    double up = level_at(rungs, count, above, 1, &next);
    double down = level_at(rungs, count, above - 1, -1, &below);
    if (next == count)
        return 0;
    if (below == count)
        return rungs[next].size;
    double part = down / (down + up);
    return rungs[below].size * pow(rungs[next].size / rungs[below].size, part);
}

nf_break_even nf_break_even_of(nf_rung *rungs, size_t count)
{
    nf_break_even even = {0};
    for (size_t i = 0; i < count; i++) {
        even.n += rungs[i].n;
        even.largest = rungs[i].n > 0 ? rungs[i].size : even.largest;
    }
    find_interval(rungs, count, &even);
    even.value = find_value(rungs, count);
    /* Rungs that only the climb has tried weigh little, but may lie far off. */
    even.value = even.value > 0 && even.value < even.low ? even.low : even.value;
    even.value = even.high > 0 && even.value > even.high ? even.high : even.value;
    return even;
}

/* ---- the search ---- */

nf_status nf_ladder_make(nf_ladder *l, const double *sizes, size_t count, uint64_t seed)
{
    *l = (nf_ladder){.count = count, .seed = seed, .climbing = true};
    l->rungs = calloc(count, sizeof *l->rungs);
    l->order = calloc(count, sizeof *l->order);
    if (l->rungs == NULL || l->order == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %zu sizes", count);
    for (size_t i = 0; i < count; i++)
        l->rungs[i].size = sizes[i];
    return NF_OK;
}

void nf_ladder_free(nf_ladder *l)
{
    free(l->rungs);
    free(l->order);
    *l = (nf_ladder){.rungs = NULL};
}

/* The rungs from low to high get samples, too: fresh ones. */
static void take_in(nf_ladder *l, size_t low, size_t high)
{
    for (size_t i = low; i <= high; i++)
        if (!l->rungs[i].fresh) {
            l->rungs[i].fresh = true;
            l->rungs[i].n = 0;
        }
    l->low = low;
    l->high = high;
    l->climbing = false;
}

static size_t down_by(size_t rung, size_t step)
{
    return rung > step ? rung - step : 0;
}

static size_t up_by(const nf_ladder *l, size_t rung, size_t step)
{
    return rung + step < l->count ? rung + step : l->count - 1;
}

/* Where an end shows nothing, and the ladder goes on. */
static bool widen(nf_ladder *l)
{
    size_t low = l->low, high = l->high;
    if (!shows(l->rungs, l->count, low, -1))
        low = down_by(low, MORE);
    if (!shows(l->rungs, l->count, high, 1))
        high = up_by(l, high, MORE);
    bool wider = low < l->low || high > l->high;
    if (wider)
        take_in(l, low, high);
    return wider;
}

static size_t fewest(const nf_ladder *l)
{
    size_t least = SIZE_MAX;
    for (size_t i = l->low; i <= l->high; i++)
        least = l->rungs[i].n < least ? l->rungs[i].n : least;
    return least;
}

/* One of the rungs that have the fewest samples. */
static int64_t choose(nf_ladder *l)
{
    size_t least = fewest(l), i = 0;
    nf_permute(l->order, l->count, l->seed++);
    while (l->order[i] < l->low || l->order[i] > l->high || l->rungs[l->order[i]].n > least)
        i++;
    return (int64_t)l->order[i];
}

int64_t nf_ladder_next(nf_ladder *l)
{
    if (l->climbing)
        return (int64_t)l->high;
    if (fewest(l) >= NF_RUNG_SAMPLES && !widen(l))
        return -1;
    return choose(l);
}

/* The climb has won the rung that it has come to, or lost it. */
static void climb_on(nf_ladder *l, bool won)
{
    bool again = won && l->low < l->high, top = l->high == l->count - 1;
    size_t next = up_by(l, l->high, STEP);
    if (again || top) {
        size_t low = down_by(again ? l->low : l->high, STEP);
        take_in(l, low, up_by(l, low, STEP));
        return;
    }
    l->low = won ? l->high : next;
    l->high = next;
}

/* Of the rung that the climb has come to. */
static void climb(nf_ladder *l, nf_rung *rung, double ratio)
{
    size_t wins = 0;
    rung->ratios[rung->n++] = ratio;
    for (size_t i = 0; i < rung->n; i++)
        wins += rung->ratios[i] > 1;
    if (wins == WINS || rung->n - wins == WINS)
        climb_on(l, wins == WINS);
}

void nf_ladder_tell(nf_ladder *l, int64_t rung, const double *ratios, size_t n)
{
    nf_rung *r = &l->rungs[rung];
    size_t i = 0;
    if (l->climbing)
        while (i < n && l->climbing && rung == (int64_t)l->high)
            climb(l, r, ratios[i++]);
    else
        while (i < n && r->n < NF_RUNG_SAMPLES)
            r->ratios[r->n++] = ratios[i++];
}

bool nf_ladder_suffices(const nf_ladder *l)
{
    return !l->climbing && fewest(l) >= LIKELY;
}
