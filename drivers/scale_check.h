/* scale_check.h - what scale compares its points with: serial results, and independent references.
 * */
#ifndef NF_SCALE_CHECK_H
#define NF_SCALE_CHECK_H

#include "drivers/bench.h"
#include "drivers/scale_jobs.h"

/* Rank 0: the kernel agrees with its independent reference, on a corner of the input; a range, or
 * as much of it as takes about a second, with its own. A kernel that does not is no error: *passed
 * says so. */
nf_status scale_check_kernel(const nf_source *source, nf_chain *chain, bool *passed);

/* Results of one worker, kept by kernel and size. */
typedef struct scale_expected {
    const nf_chain *typed;
    nf_shape shape;
    nf_expectation result;
} scale_expected;

typedef struct scale_expectations {
    scale_expected **list;
    size_t count;
} scale_expectations;

/* Rank 0: the serial result of this job, worked out where it is not known yet. It lives as long as
 * the expectations. NULL: *status says why. */
const nf_expectation *scale_expect(scale_expectations *all, const nf_source *source, scale_job *job,
                                   nf_status *status);
void scale_expectations_free(scale_expectations *all);

#endif
