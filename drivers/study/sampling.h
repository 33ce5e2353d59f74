/* sampling.h - how many samples a point needs, and in which order points are measured. Pure
 * functions. */
#ifndef NF_SAMPLING_H
#define NF_SAMPLING_H

#include <stdint.h>

#include "drivers/study/sample.h"

/* Fewer samples than NF_FEWEST end no point by their precision: a narrow interval of few is luck.
 * No point has more than NF_MOST. */
enum { NF_FEWEST = 10, NF_MOST = 1000 };

typedef struct nf_sampling {
    double precision; /* half-width of the median's 95% interval, as part of the median */
    int64_t count;    /* this number of samples, whatever their precision; 0: by precision */
} nf_sampling;

/* Why n samples are enough; NF_END_NONE: they are not. `seconds` is sorted. time_up: no time is
 * left for another one. Looking again after each sample makes the interval cover the median a
 * little less often than in 95% of all points. */
nf_end nf_sampling_over(const nf_sampling *rule, double *seconds, size_t n, bool time_up);

/* The larger half-width of the interval as part of the median; INFINITY: too few samples. Sorts. */
double nf_sampling_width(double *seconds, size_t n);

/* An order of 0 .. n-1 that follows from the seed alone. */
void nf_permute(size_t *order, size_t n, uint64_t seed);

#endif
