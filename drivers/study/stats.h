/* stats.h - order statistics of repeated measurements. Pure functions. */
#ifndef NF_STATS_H
#define NF_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* The median of n >= 1 values (mean of the two middle ones for even n). Sorts the array. */
double nf_median(double *values, size_t n);

typedef struct nf_interval {
    double low, high;
    bool known; /* false: too few samples for the level; low and high are then the extremes */
} nf_interval;

/* The exact distribution-free confidence interval of the median from binomial ranks: the largest l
 * with sum over k = l .. n-l of C(n,k) / 2^n >= level gives [x(l), x(n+1-l)] of the sorted values
 * (David & Nagaraja, Order Statistics, 3rd ed., 7.1). level 0.95 needs n >= 6. Sorts the array. */
nf_interval nf_median_interval(double *values, size_t n, double level);

/* The z that a standard normal variable stays within, on either side, with probability `level`. */
double nf_normal_quantile(double level);

#endif
