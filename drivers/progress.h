/* progress.h - how far a piece of work is, on standard error, once it has taken over a second. */
#ifndef NF_PROGRESS_H
#define NF_PROGRESS_H

#include <stdbool.h>

#include "drivers/engine/watch.h"

typedef struct nf_progress {
    const char *label;
    double bytes;        /* that the whole work moves; 0: it is told in percent a second */
    double start, shown; /* seconds on the clock: begun, last printed */
    bool silent, terminal, begun;
} nf_progress;

void nf_progress_start(nf_progress *progress, const char *label, bool silent);

/* `fraction` of the work is done, 0 to 1. On a terminal a bar with rate and time left, redrawn; in a
 * file a line every five seconds. `progress` is an nf_progress. */
void nf_progress_show(void *progress, double fraction);
nf_watch nf_progress_watch(nf_progress *progress); /* that function, for whoever does the work */

/* Ends the bar's line. */
void nf_progress_stop(nf_progress *progress);

#endif
