/* ranktest.h - tests of a difference that assume no distribution. Pure functions. */
#ifndef NF_RANKTEST_H
#define NF_RANKTEST_H

#include "drivers/study/stats.h"

/* Mann & Whitney's test (Annals of Mathematical Statistics 18, 1947) of whether b - shift is
 * distributed as a: the two-sided p. Exact for fewer than 50 values each without ties, else normal
 * with corrections for ties and continuity, as R's wilcox.test. na, nb >= 1. */
double nf_shift_p(const double *a, size_t na, const double *b, size_t nb, double shift);

/* How far b lies above a: the median of all differences (Hodges & Lehmann, Annals of Mathematical
 * Statistics 34, 1963), and in *interval the shifts that the test does not reject (Bauer, JASA 67,
 * 1972). differences: room for na * nb values. */
double nf_shift_estimate(const double *a, size_t na, const double *b, size_t nb, double level,
                         double *differences, nf_interval *interval);

/* The sign test of whether the median of the values is `median`: the two-sided exact p; values equal
 * to it are left out. nf_median_interval is its interval. */
double nf_sign_p(const double *values, size_t n, double median);

/* Holm's p of n tests (Scandinavian Journal of Statistics 6, 1979): if every one below 1 - level is
 * taken for a difference, the chance that any is none stays under 1 - level. order: room for n. */
void nf_holm(const double *p, size_t n, size_t *order, double *adjusted);

#endif
