/* window.h - a moment at which all ranks start together: one that rank 0 announces.
 *
 * After a barrier ranks go on one after the other, as the network lets them. Here each waits for
 * the same moment instead, on clocks whose differences were measured; ranks of rank 0's node share
 * one clock. */
#ifndef NF_COMMON_START_H
#define NF_COMMON_START_H

#include "drivers/engine/world.h"

typedef struct nf_window {
    double offset; /* of rank 0's clock to this rank's: its reading minus mine, seconds */
    double ahead;  /* seconds from the announcement to the moment */
} nf_window;

/* Collective. near: this rank shares rank 0's clock. Measures the others' offsets by messages to
 * and fro, the shortest of many, and how long before an announcement must be for all to have it in
 * time. False: it is not to be had within NF_WINDOW_AHEAD seconds, and a barrier does as well. */
#define NF_WINDOW_AHEAD 5e-3
bool nf_window_open(const nf_world *world, bool near, nf_window *window);

/* Collective. Waits for the next moment; returns it, on this rank's clock. *late: seconds that have
 * passed since. */
double nf_window_wait(const nf_world *world, const nf_window *window, double *late);

#endif
