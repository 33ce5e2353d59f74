#include "drivers/study/ranktest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT = 50 }; /* values each, as R's wilcox.test */

/* ---- the distribution of Mann and Whitney's U ---- */

static double log_choose(size_t n, size_t k)
{
    return lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
}

/* Whether all counts are integers that a double holds. */
static bool countable(size_t na, size_t nb)
{
    return na < EXACT && nb < EXACT && log_choose(na + nb, na) < 50 * M_LN2;
}

/* P(U = u), u = 0 .. na * nb: the coefficients of the Gaussian binomial of na + nb over na. */
static void distribution(size_t na, size_t nb, double p[EXACT * EXACT])
{
    const size_t all = na * nb;
    memset(p, 0, (all + 1) * sizeof *p);
    p[0] = 1;
    for (size_t i = 1; i <= na; i++) {
        for (size_t u = all; u >= nb + i; u--)
            p[u] -= p[u - nb - i];
        for (size_t u = i; u <= all; u++)
            p[u] += p[u - i];
    }
    double sum = 0;
    for (size_t u = 0; u <= all; u++)
        sum += p[u];
    for (size_t u = 0; u <= all; u++)
        p[u] /= sum;
}

/* How often b - shift is above a; an equal pair counts half. */
static double count_above(const double *a, size_t na, const double *b, size_t nb, double shift)
{
    double u = 0;
    for (size_t i = 0; i < na; i++)
        for (size_t j = 0; j < nb; j++) {
            const double d = b[j] - shift;
            u += d > a[i] ? 1 : d < a[i] ? 0 : 0.5;
        }
    return u;
}

static double value_at(const double *a, size_t na, const double *b, size_t i, double shift)
{
    return i < na ? a[i] : b[i - na] - shift;
}

/* The sum over all values of t^2 - 1, t of them being equal: over the groups of equal ones t^3 - t. */
static double count_ties(const double *a, size_t na, const double *b, size_t nb, double shift)
{
    double ties = 0;
    for (size_t i = 0; i < na + nb; i++) {
        double equal = 0, mine = value_at(a, na, b, i, shift);
        for (size_t j = 0; j < na + nb; j++) {
            const double other = value_at(a, na, b, j, shift);
            equal += other <= mine && other >= mine;
        }
        ties += equal * equal - 1;
    }
    return ties;
}

static double normal_p(double u, double na, double nb, double ties)
{
    const double n = na + nb;
    double variance = na * nb / 12 * (n + 1 - ties / (n * (n - 1)));
    double away = fmax(0, fabs(u - na * nb / 2) - 0.5);
    return variance > 0 ? fmin(1, erfc(away / sqrt(variance) * M_SQRT1_2)) : 1;
}

double nf_shift_p(const double *a, size_t na, const double *b, size_t nb, double shift)
{
    double u = count_above(a, na, b, nb, shift), ties = count_ties(a, na, b, nb, shift);
    if (!countable(na, nb) || ties > 0)
        return normal_p(u, (double)na, (double)nb, ties);
    double p[EXACT * EXACT], tail = 0;
    const double all = (double)(na * nb);
    distribution(na, nb, p);
    for (size_t k = 0; (double)k <= fmin(u, all - u); k++)
        tail += p[k];
    return fmin(1, 2 * tail);
}

/* ---- Hodges and Lehmann's shift ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How many of the sorted differences lie below the interval; -1: none may, it has no bounds. */
static double outside(size_t na, size_t nb, double level)
{
    if (!countable(na, nb)) {
        const double m = (double)na, n = (double)nb;
        return floor(m * n / 2 - 0.5 - nf_normal_quantile(level) * sqrt(m * n * (m + n + 1) / 12));
    }
    double p[EXACT * EXACT], tail = 0, below = -1;
    distribution(na, nb, p);
    for (size_t k = 0; k <= na * nb; k++) {
        tail += p[k];
        if (2 * tail > 1 - level)
            break;
        below = (double)k;
    }
    return below;
}

double nf_shift_estimate(const double *a, size_t na, const double *b, size_t nb, double level,
                         double *differences, nf_interval *interval)
{
    const size_t all = na * nb;
    for (size_t i = 0; i < na; i++)
        for (size_t j = 0; j < nb; j++)
            differences[i * nb + j] = b[j] - a[i];
    qsort(differences, all, sizeof *differences, ascending);
    double below = outside(na, nb, level);
    size_t k = below < 0 ? 0 : (size_t)below;
    *interval = (nf_interval){differences[k], differences[all - 1 - k], below >= 0};
    return nf_median(differences, all);
}

/* ---- signs, and many tests ---- */

double nf_sign_p(const double *values, size_t n, double median)
{
    size_t above = 0, below = 0;
    for (size_t i = 0; i < n; i++) {
        above += values[i] > median;
        below += values[i] < median;
    }
    const size_t all = above + below, few = above < below ? above : below;
    double tail = 0;
    for (size_t k = 0; k <= few; k++)
        tail += exp(log_choose(all, k) - (double)all * M_LN2);
    return fmin(1, 2 * tail);
}

void nf_holm(const double *p, size_t n, size_t *order, double *adjusted)
{
    for (size_t i = 0; i < n; i++) { /* by insertion: n is the number of a study's points */
        size_t k = i;
        for (; k > 0 && p[order[k - 1]] > p[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    double least = 0;
    for (size_t k = 0; k < n; k++) {
        least = fmax(least, fmin(1, (double)(n - k) * p[order[k]]));
        adjusted[order[k]] = least;
    }
}
