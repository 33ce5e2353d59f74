/* scale_jobs.h - what a point runs: one kernel at one size. */
#ifndef NF_SCALE_JOBS_H
#define NF_SCALE_JOBS_H

#include "drivers/scale_args.h"
#include "drivers/source.h"
#include "drivers/study/sample.h"

/* Each worker of a weak study gets this part of the strong study's work. */
enum { SCALE_WEAK_SHARE = 4 };

typedef struct scale_job {
    const nf_chain *typed; /* as the user gave it */
    nf_chain chain; /* what runs: the same, but for the weak study of a range; this job's own */
    nf_scaling scaling;
    nf_shape shape;
    int64_t work;
    char grows[64]; /* weak: what grows, "rows" or "n^2" */
} scale_job;

/* The array of the strong study of one of args->chains; of the study where none is named. */
nf_shape scale_strong_shape(const scale_args *args, const nf_source *source, const nf_chain *typed);

/* The job for so many workers: strong, the whole; weak, a quarter of it (SCALE_WEAK_SHARE) each:
 * what grows is what the kernel says (nf_kernel.grows), to a whole row, column or number. Free it
 * with scale_job_free, also after an error. */
nf_status scale_job_make(const scale_args *args, const nf_source *source, const nf_chain *typed,
                         nf_scaling scaling, int workers, scale_job *job);
/* That of the strong study with `part` times the size, and set up: an array of the same aspect; a
 * range with as much less work. Errors: those of the chain where it does not take so small a one. */
nf_status scale_job_shrink(const scale_args *args, const nf_source *source, const nf_chain *typed,
                           double part, scale_job *job);
void scale_job_free(scale_job *job);

/* Nominal operations of a range that is set up; the same range with `part` times the work, set up.
 * */
double scale_range_work(const nf_chain *chain);
nf_status scale_range_resize(const nf_chain *chain, double part, nf_chain *resized);

#endif
