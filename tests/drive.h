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

/* The same for a chain as it is typed; where that cannot be read or run the test ends. */
nf_outcome nf_test_drive_typed(const nf_world *world, const char *typed, const nf_shape *shape,
                               const void *cells, const nf_plan_options *options);
/* Whether both have the same cells and numbers. */
bool nf_outcome_equal(const nf_outcome *a, const nf_outcome *b);

/* Checks a chain against its kernels' references (nf_check_chain), on these cells or on made-up ones;
 * says what went wrong, which is a failure of the test. `shape` NULL: a range. */
void nf_test_check(const char *typed, const nf_shape *shape);
void nf_test_check_cells(const char *typed, const nf_shape *shape, const void *cells);
/* A chain cannot be read, or prepared for that shape, and the message has the words. */
void nf_test_refuses(const char *typed, const nf_shape *shape, const char *words);

/* A reduction of a user's own, the sum of 1/x of f64, whose fold is not exact: the order of tiles must
 * save its bits. */
extern const nf_kernel nf_test_plain_sum;

/* Fills a field's own cells in the same way. */
void nf_test_fill(nf_field *field, const void *cells);

#endif
