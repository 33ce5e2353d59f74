/* compare.h - two studies, point by point: which ran faster, where that is shown. Pure functions.
 *
 * Samples of one launch are no independent witnesses: they share the processes' memory, placement
 * and cores, and the moment. What varies is the launch, so the launch is the unit (Kalibera & Jones,
 * ISMM 2013; Hoefler & Belli, SC'15, rule 6), by the median of its samples:
 *
 *   launches  of each study some: Mann & Whitney's test of their logarithms, with Hodges & Lehmann's
 *             ratio and interval. Assumes that launches of the two studies alternated, or that the
 *             machine did not change between them.
 *   pairs     where launch i of one study ran beside launch i of the other (asked for): the sign test
 *             of the logarithms of the pairs' ratios, their median and its interval. What drifts from
 *             pair to pair cancels.
 *   noise     one launch each: they say nothing about how far launches differ. Where that is told, as
 *             the standard deviation of the logarithm, a normal test with that and with each median's
 *             own error, which is widened by the samples' autocorrelation.
 *   nothing   one launch each and no noise told, or fewer than 6 samples in it: no test.
 *
 * Over the points, Holm's correction: what counts is that not one difference is false (a gate that
 * stops a change must not be raised by one point in twenty), hence the family-wise rate and not
 * Benjamini & Hochberg's rate of false ones among those shown. */
#ifndef NF_COMPARE_H
#define NF_COMPARE_H

#include "drivers/study/points.h"

typedef struct nf_compare_options {
    double level;        /* of intervals and verdicts: 0.95 */
    double tolerance;    /* slower by more than this share of the time fails: 0.05 */
    bool paired;         /* launch i of one study ran beside launch i of the other */
    double launch_noise; /* standard deviation of the logarithm between launches; 0: not told */
} nf_compare_options;

typedef enum nf_verdict { NF_NOT_SHOWN, NF_FASTER, NF_SLOWER } nf_verdict;
typedef enum nf_evidence { NF_BY_NOTHING, NF_BY_LAUNCHES, NF_BY_PAIRS, NF_BY_NOISE } nf_evidence;

/* One point that is in both studies and counts in both. */
typedef struct nf_difference {
    const nf_point *a, *b;
    size_t launches_a, launches_b; /* by pairs: both the pairs */
    nf_evidence by;
    double ratio;         /* of b's time to a's: over 1 is slower */
    nf_interval interval; /* of the ratio, of this point for itself; by nothing: not known */
    double p;             /* two-sided, of no difference, after Holm's correction; by nothing: 1 */
    double p_tolerance;   /* the same, of slower by the tolerance */
    nf_verdict verdict;   /* of b beside a */
    bool fails;           /* shown to be slower by more than the tolerance */
} nf_difference;

typedef struct nf_comparison {
    nf_difference *list; /* in the order of a's points */
    size_t n;
    size_t only_a, only_b; /* points of one study alone */
    size_t left_out; /* in both, but invalid or oversubscribed in either; simulated: not counted */
    size_t needed;   /* launches (pairs) each with which so many points can show anything */
    bool able;       /* some point has evidence enough to show a difference, however large */
    nf_point *points_a, *points_b;
} nf_comparison;

/* Compares study b with study a. The comparison refers to both studies. Errors: NF_ERR_FORMAT where
 * they have no point in common (says what differs: kernels, sizes, layouts), NF_ERR_MEMORY. */
nf_status nf_compare(const nf_study *a, const nf_study *b, const nf_compare_options *options,
                     nf_comparison *comparison);
void nf_comparison_free(nf_comparison *comparison);

/* Adds b's samples to a's as further launches, and the facts whose names are new. NF_ERR_MEMORY. */
nf_status nf_study_join(nf_study *a, const nf_study *b);

#endif
