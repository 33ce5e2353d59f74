#include "drivers/study/stats.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double nf_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
    if (n % 2 == 1)
        return values[n / 2];
    return values[n / 2 - 1] + (values[n / 2] - values[n / 2 - 1]) / 2;
}

/* C(n,k) / 2^n, by logarithms: neither factor overflows or vanishes for large n. */
static double binomial_half(size_t n, size_t k)
{
    double log_choose = lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
    return exp(log_choose - (double)n * M_LN2);
}

/* The largest l whose coverage, 1 - 2 * sum over k < l of C(n,k) / 2^n, reaches the level; 0: none.
 */
static size_t lower_rank(size_t n, double level)
{
    double outside = 0;
    size_t rank = 0;
    while (2 * (rank + 1) <= n) {
        outside += 2 * binomial_half(n, rank);
        if (1 - outside < level)
            break;
        rank++;
    }
    return rank;
}

nf_interval nf_median_interval(double *values, size_t n, double level)
{
    qsort(values, n, sizeof *values, ascending);
    size_t rank = lower_rank(n, level);
    if (rank == 0)
        return (nf_interval){values[0], values[n - 1], false};
    return (nf_interval){values[rank - 1], values[n - rank], true};
}

double nf_normal_quantile(double level)
{
    double low = 0, high = 40;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        *(erfc(middle * M_SQRT1_2) > 1 - level ? &low : &high) = middle;
    }
    return low;
}
