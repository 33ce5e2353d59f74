/* scale_break_even.h - the sizes from which more workers than one are worth it, kernel by kernel. */
#ifndef NF_SCALE_BREAK_EVEN_H
#define NF_SCALE_BREAK_EVEN_H

#include "drivers/scale_sample.h"

/* Collective over all ranks, after scale_measure. The break-even size of each kernel for threads
 * (one rank, all cores or the most that --threads says and cores allow) and for ranks (one thread
 * each, as many as have a core), those excepted that the study has already. Each is recorded at
 * once. The intervals are those of one launch: the next may place memory and processes otherwise,
 * which for runs of a few microseconds can matter more than what varies within one. */
nf_status scale_break_even(scale_run *run);

#endif
