/* series.h - the points of a study that a curve over the number of workers is drawn through. */
#ifndef NF_SERIES_H
#define NF_SERIES_H

#include "drivers/study/points.h"

/* One number of workers. Samples of a launch stand together. */
typedef struct nf_observation {
    double p;       /* workers */
    double seconds; /* median */
    const double *samples;
    const int *launch; /* of each sample */
    size_t n;
} nf_observation;

typedef struct nf_series {
    nf_scaling scaling;
    nf_observation *at; /* p ascending, each once */
    size_t n;
    double *samples; /* what the observations refer to */
    int *launches;
} nf_series;

/* The points that count (measured, valid, not oversubscribed) of a kernel and scaling (strong: and
 * shape) as those of `like`: the fastest of each number of workers. `way`: only those of this way and
 * the serial one; NULL: all. Weak scaling: times are brought to the work a worker of the fewest workers.
 * The caller frees it with nf_series_free. Errors: NF_ERR_MEMORY. */
nf_status nf_series_make(const nf_study *study, const nf_point *points, size_t npoints,
                         const nf_sample *like, const char *way, nf_series *series);
void nf_series_free(nf_series *series);

#endif
