/* advise_files.h - what reading the input and writing the output take. */
#ifndef NF_ADVISE_FILES_H
#define NF_ADVISE_FILES_H

#include "drivers/advise_args.h"
#include "drivers/bench.h"
#include "drivers/study/advice.h"

/* Collective over `part`. Adds to times->read and sets times->write, in seconds for the whole arrays;
 * long ones are judged by a piece. bench: has run on this part of the input, whose output is written
 * beside the one that was named, and removed. Errors: those of reading and writing. */
nf_status advise_files_time(const advise_args *args, const nf_world *part, nf_bench *bench,
                            double piece, nf_way_times *times);

/* Not collective: whether the output could be written; its message says why not. */
nf_status advise_files_check(const advise_args *args, const nf_shape *output);

#endif
