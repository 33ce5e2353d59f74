/* farm.h - a task farm: items that take unequal times, each handed out to whichever thread of whichever
 * rank becomes free.
 *
 * Workers and helpers are threads of their own and make no MPI call. The main thread of each rank asks
 * rank 0 for items and hands back what came of them; it sleeps while there is nothing to move, and never
 * computes, so that rank 0 answers at once however long an item takes. */
#ifndef NF_FARM_H
#define NF_FARM_H

#include "drivers/engine/world.h"

typedef struct nf_farm {
    /* Rank 0's count. In this order: the largest first. */
    int64_t items;
    /* From this item on, one at a time in the whole farm: each begins when all before it are done. */
    int64_t alone;
    const double *weight; /* [items] on rank 0: the time that they take, in any unit; NULL: equal */
    int workers;          /* threads that compute, of this rank; at least 1 */
    int helpers;          /* threads for `fetch` and `finish`, of this rank; at least 1 */
    size_t result_bytes;  /* of what is known of an item when it is done, the same on all ranks */
    void *context;

    /* An item's way through the rank that it was handed out to; what fails is told in the result, zero at
     * first. fetch: by a helper, ahead of work. finish: by a helper, behind it. Both may be NULL. */
    void (*fetch)(void *context, int64_t item);
    void (*work)(void *context, int worker, int64_t item, void *result);
    void (*finish)(void *context, int64_t item, void *result);

    /* Of rank 0, by its main thread; NULL elsewhere. begin: before an item is handed out. collect: each
     * result, in the order in which they come. stop: asked often; true: no more items are to be handed
     * out; may be NULL. A failure of the first two has the same effect, and is nf_farm_run's. */
    nf_status (*begin)(void *context, int64_t item);
    nf_status (*collect)(void *context, int64_t item, const void *result);
    bool (*stop)(void *context);
} nf_farm;

/* Collective. Each item goes once through fetch, work, finish and collect. Besides those at work, a rank
 * holds items that are fetched ahead, but only while those left over would keep all others busy as
 * long: a large item does not keep one waiting behind it. Errors: NF_ERR_SYSTEM (threads),
 * NF_ERR_MEMORY, and those of begin and collect. */
nf_status nf_farm_run(const nf_world *world, const nf_farm *farm);

#endif
