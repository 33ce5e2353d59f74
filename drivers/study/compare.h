/* compare.h - two studies, point by point: which ran faster, where that is shown. Pure functions.
 *
 * Samples of one launch are no independent witnesses: they share the processes' memory, placement
 * and cores, and the moment. What varies is the launch, so the launch is the unit (Kalibera & Jones,
 * ISMM 2013; Hoefler & Belli, SC'15, rule 6), by the median of its samples:
 *
 *   launches  of each study some, that alternated: Mann & Whitney's test of their logarithms, with
 *             Hodges & Lehmann's ratio and interval. Launches that ran first all of one study and then
 *             all of the other are no evidence, however many: whatever else changed on the machine
 *             meanwhile looks the same.
 *   pairs     where launch i of one study ran beside launch i of the other (asked for): the sign test
 *             of the logarithms of the pairs' ratios, their median and its interval. What drifts from
 *             pair to pair cancels.
 *   noise     otherwise, where it is told how far launches differ (the standard deviation of the
 *             logarithm): a normal test with that and with each median's own error, which is widened
 *             by the samples' autocorrelation.
 *   nothing   otherwise, or with fewer than 6 samples: no test.
 *
 * Over the points, Holm's correction: what counts is that not one difference is false (a gate that
 * stops a change must not be raised by one point in twenty), hence the family-wise rate and not
 * Benjamini & Hochberg's rate of false ones among those shown. */
#ifndef NF_COMPARE_H
#define NF_COMPARE_H

#include "drivers/study/points.h"

typedef struct nf_compare_options {
    double level;     /* of intervals and verdicts: 0.95 */
    double tolerance; /* slower by more than this share of the time fails: 0.05 */
    bool paired;      /* launch i of one study ran beside launch i of the other */
    bool
        alternated; /* launches of the two studies took turns, or the machine is known to be steady */
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

/* Whether launches that began at these times (text that sorts by time; NULL: unknown) took turns: in
 * order of time there are at least as many runs of one study's launches as the smaller study has
 * launches, as nearly every random order gives (Wald & Wolfowitz 1940). Fewer than 2 of either: false.
 * Sorts both. */
bool nf_launches_alternated(const char **a, size_t na, const char **b, size_t nb);

/* Adds b's samples to a's as further launches, and the facts whose names are new. NF_ERR_MEMORY. */
nf_status nf_study_join(nf_study *a, const nf_study *b);

#endif
