/* advise_lines.h - the lines for a shell that do what was advised. */
#ifndef NF_ADVISE_LINES_H
#define NF_ADVISE_LINES_H

#include "drivers/advise_args.h"
#include "drivers/study/advice.h"

/* Both are the caller's to free; NULL: no memory. `folder`: of the programs, as typed, with a slash at
 * its end, or empty. What was not named is INPUT, SECOND or OUTPUT in them. */
char *advise_command(const char *folder, const advise_args *args, const nf_chain *chain,
                     const nf_choice *choice);
/* A filter whose output can be resumed: by jobs/filter.sbatch; else the command itself. */
char *advise_sbatch(const char *folder, const advise_args *args, const nf_chain *chain,
                    const nf_choice *choice);

#endif
