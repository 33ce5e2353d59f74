/* advise_launch.h - processes that advise starts to measure with, and what they tell. */
#ifndef NF_ADVISE_LAUNCH_H
#define NF_ADVISE_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "drivers/study/advice.h"

/* The environment that processes are started with; to be called before MPI starts, which adds to it
 * what is meant for this process alone. What an mpirun around this process has added is left out,
 * too. Never freed: it is as long-lived as the program. */
void advise_keep_environment(void);

/* This process gets SIGTERM when its parent ends, now if it has ended already. */
void advise_end_with_parent(pid_t parent);

typedef struct advise_launched {
    bool fine;                    /* it ran, and ended with 0 */
    bool late;                    /* its time was up */
    char error[NF_ADVICE_REASON]; /* the first line that it wrote to standard error, unless fine */
    double seconds;               /* from its start to its end */
    char *text;                   /* what it wrote to standard output; owned; NULL: nothing */
} advise_launched;

/* Runs this program again with `arguments` (NULL at their end), by mpirun with `ranks` processes, on
 * nodes of its own each with `apart`; ranks 0: without mpirun. One that takes longer than `limit`
 * seconds is ended. Free launched->text. */
void advise_launch(int ranks, bool apart, const char *const *arguments, double limit,
                   advise_launched *launched);

#endif
