/* explain.h - a plan in words and numbers, on standard error. */
#ifndef NF_EXPLAIN_H
#define NF_EXPLAIN_H

#include "drivers/engine/plan.h"

/* Collective; rank 0 prints. */
void nf_explain(const nf_world *world, const nf_plan *plan);

#endif
