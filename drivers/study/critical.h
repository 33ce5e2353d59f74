/* critical.h - the critical path of a run on an ideal network, from the steps of all ranks. Pure
 * functions. */
#ifndef NF_CRITICAL_H
#define NF_CRITICAL_H

#include <stdbool.h>
#include <stddef.h>

#include "drivers/engine/steps.h"

/* Bytes of one rank's row of neighbours: bit r % 8 of byte r / 8 is set for rank r. */
static inline size_t nf_neighbour_bytes(int ranks)
{
    return ((size_t)ranks + 7) / 8;
}

/* bulk: the sum over the steps of the slowest rank's work. chain: a step's second part begins when
 * the rank has done its first and those that it meets the step before: r(i, s) = max(r(i, s-1) +
 * before(i, s), max over i's neighbours j of r(j, s-1)) + after(i, s); the largest of the last r. */
typedef struct nf_critical {
    double bulk, chain; /* seconds */
} nf_critical;

/* steps[rank * n + s], the same n on all ranks; neighbours: `ranks` rows. False: no memory. */
bool nf_critical_path(const nf_step *steps, int ranks, int64_t n, const unsigned char *neighbours,
                      nf_critical *path);

#endif
