/* scale_costs.h - what sharing out work costs beside the work, in the same run and with the same
 * placement as the study's points: measured costs (study/costs.h), not engine/cost.h's nominal ones. */
#ifndef NF_SCALE_COSTS_H
#define NF_SCALE_COSTS_H

#include "drivers/scale_sample.h"

/* Collective over all ranks. Of --costs what starting, sharing, sending and holding memory take,
 * those excepted that the study has already; each is recorded at once. Of layouts with more workers
 * than cores those of one thread a rank, on one node, have their counters and barriers measured, too:
 * there it shows what waiting for one who has no core takes. (Threads that spin while they wait for
 * their team would show nothing else.) NF_ERR_CHECK where a counter or what was moved is not what it
 * must be, once that was recorded. */
nf_status scale_costs(scale_run *run);

#endif
