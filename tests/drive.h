/* drive.h - a chain driven over an array, its outcome brought together on rank 0. */
#ifndef NF_TEST_DRIVE_H
#define NF_TEST_DRIVE_H

#include "drivers/engine/plan.h"

typedef struct nf_outcome {
    nf_status status;
    char *cells; /* maps, on rank 0: the whole output, dense */
    size_t bytes;
    nf_results results; /* reductions, on rank 0 */
} nf_outcome;

/* Collective. `cells`: the whole input, dense, on every rank; NULL: nf_test_value of each element, as a
 * second input always has. `options` NULL: the plan chooses; tiles may
 * have more extents than the array. Runs twice, so that what one run leaves behind cannot help or hurt the next. */
nf_outcome nf_test_drive(const nf_world *world, nf_chain *chain, const nf_shape *shape,
                         const void *cells, const nf_plan_options *options);
void nf_outcome_free(nf_outcome *outcome);

/* Fills a field's own cells in the same way. */
void nf_test_fill(nf_field *field, const void *cells);

#endif
