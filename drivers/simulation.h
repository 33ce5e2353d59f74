/* simulation.h - what `simulate` and the program that it runs under SMPI share: the array they work on,
 * stand-ins that time the kernels or take the time that was measured, results as text. */
#ifndef NF_SIMULATION_H
#define NF_SIMULATION_H

#include "drivers/engine/plan.h"

enum { NF_MAX_STAGES = 16, NF_RESULT_TEXT = 8192 };

/* The caches that a simulated rank plans for: of the core that it has for itself, and its share of the
 * last-level one. */
extern const nf_plan_options nf_simulated_core;

/* What a chain's parts cost on one core, in seconds: a stage for each cell of a tile that it writes
 * (maps) or reads (reductions), in one step; one fold of two partial results. */
typedef struct nf_costs {
    size_t count;
    double cell[NF_MAX_STAGES];
    double fold;
} nf_costs;

/* Stands in for a stage's kernel: does its work, then sleeps for what the work costs. Under SMPI work
 * takes no time and sleep is simulated time; elsewhere costs of 0 leave the work alone, timed. */
typedef struct nf_stand_in {
    nf_kernel kernel; /* the real one's properties, and the functions that stand in */
    const nf_kernel *real;
    nf_apply *apply, *survey; /* the real one's, for the type at hand */
    const void *config;
    double cost, fold_cost;
    double seconds; /* spent in apply, work and sleep */
    int64_t cells;  /* of all tiles so far */
} nf_stand_in;

/* Puts stand-ins in the place of the kernels of a chain that a plan was made for (which sets the
 * chain up), until the next preparation. stand_ins[chain->count] must live as long as the plan. */
void nf_stand_ins_put(nf_chain *chain, const nf_costs *costs, nf_stand_in *stand_ins);

/* Puts the real kernels back. */
void nf_stand_ins_take(nf_chain *chain, const nf_stand_in *stand_ins);

/* Fills the field's own cells: of magnitudes and signs that no floating-point sum survives in any
 * order, the same for a global index however the array is cut. NF_F32 or NF_F64. */
void nf_made_fill(const nf_field *field);

/* Collective. A run's result, every bit of it: "digest=..." for the array that maps wrote, else
 * "NAME=..." a number. Text on rank 0. Errors: NF_ERR_MEMORY (more text than there is room for). */
nf_status nf_result_text(const nf_world *world, const nf_field *out, const nf_results *results,
                         char text[NF_RESULT_TEXT]);

#endif
