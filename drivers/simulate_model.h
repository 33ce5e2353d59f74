/* simulate_model.h - what the LogGP formula says of a run, from its plan's geometry alone. */
#ifndef NF_SIMULATE_MODEL_H
#define NF_SIMULATE_MODEL_H

#include "drivers/simulate_cost.h"
#include "drivers/study/loggp.h"

/* Prepares the chain for the shape, and plans it as rank 0 of so many would. Each rank computes, exchanges its halos with nothing hidden behind
 * the computing, then all fold and agree; the slowest rank counts. Seconds. Errors: those of nf_plan_create. */
nf_status simulate_predict(const nf_loggp *net, nf_chain *chain, const nf_shape *shape, int ranks,
                           const simulate_cost *cost, double *predicted);

#endif
