/* scale_break_even.h - the sizes from which more workers than one are worth it, kernel by kernel. */
#ifndef NF_SCALE_BREAK_EVEN_H
#define NF_SCALE_BREAK_EVEN_H

#include "drivers/scale_sample.h"

/* Collective over all ranks, after scale_measure. The break-even size of each kernel for threads
 * (one rank, all cores or the most that --threads says and cores allow) and for ranks (one thread
 * each, as many as have a core), those excepted that the study has already. Each is recorded at
 * once. */
nf_status scale_break_even(scale_run *run);

#endif
