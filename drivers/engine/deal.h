/* deal.h - numbers dealt out among ranks, each to where it belongs. */
#ifndef NF_DEAL_H
#define NF_DEAL_H

#include "drivers/engine/world.h"

/* Collective. Of `send`, counts[r] numbers go to rank r, those for rank 0 first; *received gets those
 * from rank 0 first, received_counts[r] from rank r. Both arrays of counts are [world size]. The caller
 * frees *received, which is NULL after an error. Error: NF_ERR_MEMORY, also for 2^31 numbers or more. */
nf_status nf_deal(const nf_world *world, const int64_t *send, const int *counts, int64_t **received,
                  int *received_counts);

/* Sends to one rank while receiving as much from one, by those ranks too; -1: no such rank. */
void nf_shift(const nf_world *world, const void *send, int to, void *receive, int from,
              size_t bytes);

#endif
