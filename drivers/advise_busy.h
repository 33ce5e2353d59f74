/* advise_busy.h - how much of its processors others take while this process measures. */
#ifndef NF_ADVISE_BUSY_H
#define NF_ADVISE_BUSY_H

#include "drivers/engine/node.h"

typedef struct advise_busy {
    double at, busy, own; /* seconds: the clock, its processors' work, that of this process's own */
} advise_busy;

/* From /proc/stat, of the processors that the node's ranks may use. */
void advise_busy_begin(const nf_node *node, advise_busy *busy);

/* Cores' time that others than this process and those that it has started, and waited for, have had
 * since; 0 where /proc/stat does not tell. */
double advise_busy_end(const nf_node *node, const advise_busy *begun);

#endif
