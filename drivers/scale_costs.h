/* scale_costs.h - what sharing out work costs beside the work, in the same run and with the same
 * placement as the study's points. */
#ifndef NF_SCALE_COSTS_H
#define NF_SCALE_COSTS_H

#include "drivers/scale_sample.h"

/* Collective over all ranks. Of --costs what starting, sharing, sending and holding memory take,
 * those excepted that the study has already; each is recorded at once. Layouts with more workers
 * than cores are measured where their counters or barriers are: that workers wait for one another
 * who have no core shows there. NF_ERR_CHECK where a counter or what was moved is not what it must
 * be, once it was recorded. */
nf_status scale_costs(scale_run *run);

#endif
