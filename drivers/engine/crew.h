/* crew.h - the threads of one rank of a farm, and the items on their way through them. */
#ifndef NF_CREW_H
#define NF_CREW_H

#include "drivers/engine/farm.h"

typedef struct nf_crew nf_crew;

/* An item and what came of it. */
typedef struct nf_task {
    struct nf_task *next;
    int64_t item;
    _Alignas(16) char result[]; /* farm->result_bytes */
} nf_task;

/* Starts the threads. *farm stays as it is until nf_crew_stop. */
nf_status nf_crew_start(const nf_farm *farm, nf_crew **crew);
void nf_crew_stop(nf_crew *crew); /* once nothing is under way. NULL is allowed */

/* Room for an item, for free; NULL: no memory. */
nf_task *nf_task_create(const nf_farm *farm);

/* By the rank's main thread. Whether one more item would find a worker, or be fetched ahead; gives it;
 * takes back what is done (NULL: nothing); how many are given and not taken back. */
bool nf_crew_wants(nf_crew *crew);
void nf_crew_give(nf_crew *crew, nf_task *task);
nf_task *nf_crew_take(nf_crew *crew);
int64_t nf_crew_busy(const nf_crew *crew);

/* Sleeps until one of its threads has got on with something, but at most so long. */
void nf_crew_wait(nf_crew *crew, double seconds);

#endif
