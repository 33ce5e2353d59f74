/* stop.h - being asked by a signal to stop, for runs that keep what they have finished. */
#ifndef NF_STOP_H
#define NF_STOP_H

#include <stdbool.h>

/* From now on SIGTERM and SIGUSR1 ask this process to stop, instead of ending it. */
void nf_stop_on_signals(void);
bool nf_stop_asked(void);

#endif
