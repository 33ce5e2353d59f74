/* simulate_cost.h - what a simulated rank's work costs, measured on one core of this machine. */
#ifndef NF_SIMULATE_COST_H
#define NF_SIMULATE_COST_H

#include "drivers/simulation.h"

typedef struct simulate_cost {
    nf_costs stages; /* what the stand-ins sleep */
    double cell;     /* seconds of a whole run for each cell of the array, all steps */
    double pack;     /* seconds for packing a byte of a halo; 0: the chain has none */
    double partial;  /* bytes of a partial result; 0: maps */
    nf_shape measured_on;
} simulate_cost;

/* Times a chain serially through nf_plan_run: the median of some runs. The stages' costs are in
 * proportion to their own times and add up to the time of the run. Changes what the chain is set up for.
 */
nf_status simulate_measure(nf_chain *chain, const nf_shape *shape, simulate_cost *cost);

/* The result's bits of a serial run, as nf_result_text gives them. */
nf_status simulate_expect(nf_chain *chain, const nf_shape *shape, char text[NF_RESULT_TEXT]);

#endif
