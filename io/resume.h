/* resume.h - what of a dense output is finished, for a run that is killed and goes on later. Internal to
 * io/.
 *
 * The array is cut along its slowest dimension into units of some MiB, by its shape alone, so that ranks,
 * threads and bands may be others when a run goes on. A rank that has stored units flushes them from time
 * to time; rank 0 notes them in the journal (journal.h), beside the part file that lasts (part.h). */
#ifndef NF_RESUME_H
#define NF_RESUME_H

#include "drivers/engine/world.h"
#include "io/array.h"
#include "io/journal.h"
#include "io/part.h"
#include "io/raw.h"

typedef struct nf_resume nf_resume;

/* The units of an array: their height along dimension `slow`. */
typedef struct nf_unit_cut {
    int slow;
    int64_t height, count, bytes; /* bytes of a unit in the file; the last may have fewer */
} nf_unit_cut;
nf_unit_cut nf_resume_cut(const nf_shape *shape, const nf_output *output);

/* Rank 0: takes up the journal and the part file of an output, or begins them. *again: the part file is
 * laid out already. `file` is the output's. NF_ERR_USAGE: this is not the run that was begun. */
nf_status nf_resume_begin(const char *file, const char *typed, const char *input_typed,
                          const nf_shape *shape, const nf_output *output, nf_part *part,
                          bool *again, nf_resume **resume);
/* Rank 0: the part file is laid out; what is in it from before is verified. */
nf_status nf_resume_laid_out(nf_resume *resume, const nf_part *part);

/* Collective, on all ranks; *resume is made where it is NULL. `raw` is this rank's file and stays. */
nf_status nf_resume_share(const nf_world *world, const nf_raw *raw, const nf_unit_cut *cut,
                          nf_resume **resume);

/* Whether all of a box, which is of whole units, was there when the run began. */
bool nf_resume_has(const nf_resume *resume, const nf_box *box);
/* Not collective, by any one thread at a time: a box was stored. Flushes when it is time. */
nf_status nf_resume_stored(nf_resume *resume, const nf_box *box);
/* Collective, now and then, by one thread, also while another is in nf_resume_stored: notes what was
 * flushed. NF_ERR_STOPPED, on all ranks, when any was asked to stop (stop.h): all that was stored is noted. */
nf_status nf_resume_note(const nf_world *world, nf_resume *resume);

/* finish: the output has taken its place; close: the journal stays. Both free. NULL is allowed. */
void nf_resume_finish(nf_resume *resume);
void nf_resume_close(nf_resume *resume);

/* Removes what a run that was begun has left of a target, unless another process is at it. */
void nf_resume_discard(const nf_part *part);

#endif
