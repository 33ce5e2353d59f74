/* ceilings.h - what the machine can do at most, measured with a study's own placement of workers.
 * */
#ifndef NF_CEILINGS_H
#define NF_CEILINGS_H

#include "drivers/engine/world.h"
#include "drivers/study/sample.h"

enum { NF_WORKER_CEILINGS = 5, NF_MESSAGE_CEILINGS = 2 };

/* Collective over the workers that are meant, bound as they will be. Bandwidth of memory by
 * reading, copying and a triad (STREAM's: McCalpin 1995; read 8, copy 16, triad 24 bytes an
 * element, what a store reads first left out), over arrays four times the last-level caches that so
 * many workers can have; and peak operations of f32 and f64, chains of multiply and add in the
 * vectors of the instruction set in use. Each the total of all workers, by the slowest one's time.
 * node_workers: workers of a machine. On rank 0 the list is filled; its texts are constant. Errors:
 * NF_ERR_MEMORY. */
nf_status nf_ceilings_workers(const nf_world *part, int nodes, int node_workers,
                              nf_ceiling list[NF_WORKER_CEILINGS]);

/* By rank 0 and rank `other`: half a round trip of 8 bytes, and the bytes a second of long
 * messages. */
void nf_ceilings_messages(const nf_world *world, int other, int nodes,
                          nf_ceiling list[NF_MESSAGE_CEILINGS]);

#endif
