/* points.h - from samples to points: medians, intervals, speed-up, efficiency. Pure functions. */
#ifndef NF_POINTS_H
#define NF_POINTS_H

#include "drivers/study/sample.h"
#include "drivers/study/stats.h"

typedef struct nf_point {
    const nf_sample *of;  /* one of its samples: kernel, scaling, ranks, threads, shape, work */
    size_t n;             /* samples */
    double seconds;       /* median */
    nf_interval interval; /* 95% of the median */
    nf_phases phases;     /* medians over the samples, each phase for itself */
    bool valid;           /* all samples valid */
    bool oversubscribed;
    const struct nf_point
        *base;      /* the fewest workers, p0, of the same kernel and scaling (strong: and
                       shape; weak: of the nearest work a worker) that gave the serial bits; more than one
                       worker: and not oversubscribed; of several the fastest. NULL: none */
    double speedup; /* strong: T(p0)/T(p). weak: scaled, [W(p)/T(p)] / [W(p0)/T(p0)] */
    nf_interval speedup_interval; /* [L0/Up, U0/Lp] of the medians' intervals (scaled if weak); the
                                     base itself: [1, 1] */
    double efficiency;            /* speedup * p0 / p */
    double predicted; /* seconds that the formula says of a simulated point; 0: nothing */
} nf_point;

/* Groups a study's samples by kernel, scaling, ranks, threads and shape, measured and simulated ones
 * apart; the measured points first, each part ordered by kernel (as the study's settings name them,
 * others behind as first met), scaling, workers, ranks. The caller frees *points; they refer to the study's samples.
 * Errors: NF_ERR_MEMORY. */
nf_status nf_points(const nf_study *study, nf_point **points, size_t *npoints);

/* Ranks times threads. */
int nf_point_workers(const nf_point *point);

/* What a speed-up of the point is multiplied by to be an efficiency: p0 / p. It has a base. */
double nf_point_share(const nf_point *point);

/* A point from which conclusions may be drawn: measured, valid, not oversubscribed. */
bool nf_point_counts(const nf_point *point);

#endif
