/* reference.h - the independent answer: a chain done the slow and obvious way, compared at every
 * step. */
#ifndef NF_REFERENCE_H
#define NF_REFERENCE_H

#include "drivers/engine/chain.h"

/* Drives the chain over a whole array (dense, C order; NULL for a range) and, where its kernel has
 * two inputs, a second one of the shape and type that this kernel takes, on one rank and one thread,
 * and compares: every map, step by step, on its own input against the kernel's reference_cell, with
 * borders resolved cell by cell, and what it learns against reference_learn; the driven output bit for
 * bit with the steps' last, that of components with a flood fill; a reduction's or range's numbers with
 * its reference. Meant for small arrays: time grows with cells times mask size. Errors: those of
 * planning; NF_ERR_CHECK, saying where and how much. */
nf_status nf_check_chain(nf_chain *chain, const nf_shape *shape, const void *cells,
                         const void *second);

#endif
