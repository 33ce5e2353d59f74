/* explain.h - a plan in words and numbers, on standard error. */
#ifndef NF_EXPLAIN_H
#define NF_EXPLAIN_H

#include "drivers/engine/stream.h"

/* Collective; rank 0 prints. `stream`: by which the plan is run; NULL: in memory. */
void nf_explain(const nf_world *world, const nf_plan *plan, const nf_stream *stream);

#endif
