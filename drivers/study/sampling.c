#include "drivers/study/sampling.h"

#include <math.h>

#include "drivers/study/stats.h"

double nf_sampling_width(double *seconds, size_t n)
{
    if (n == 0)
        return INFINITY;
    nf_interval interval = nf_median_interval(seconds, n, 0.95);
    double median = nf_median(seconds, n);
    return interval.known ? fmax(interval.high - median, median - interval.low) / median : INFINITY;
}

nf_end nf_sampling_over(const nf_sampling *rule, double *seconds, size_t n, bool time_up)
{
    if (n == 0)
        return NF_END_NONE;
    if (rule->count > 0)
        return n < (size_t)rule->count ? NF_END_NONE : NF_END_COUNT;
    if (n >= NF_FEWEST && nf_sampling_width(seconds, n) <= rule->precision)
        return NF_END_PRECISION;
    if (time_up)
        return NF_END_TIME;
    return n < NF_MOST ? NF_END_NONE : NF_END_COUNT;
}

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

void nf_permute(size_t *order, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) { /* Fisher and Yates */
        size_t j = draw(&seed) % i, last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}
