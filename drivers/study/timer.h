/* timer.h - how fine the clock is, and so how long a measured interval must be. */
#ifndef NF_TIMER_H
#define NF_TIMER_H

typedef struct nf_timer {
    double
        resolution; /* seconds: the least difference between two readings that differ, the median */
    double overhead; /* seconds that one reading takes, the median */
} nf_timer;

/* Of nf_seconds on this thread; takes about a millisecond. */
nf_timer nf_timer_measure(void);

/* So many runs in a row make an interval in which reading the clock is under 5%, and whose length
 * is known to a tenth (Hoefler & Belli, SC'15), if one takes `seconds`; at least 1, at most
 * NF_MAX_RUNS. */
enum { NF_MAX_RUNS = 1000000 };
int nf_timer_runs(const nf_timer *timer, double seconds);

#endif
