/* sample.h - what a scaling study measures: one sample is one timed run of one point. */
#ifndef NF_SAMPLE_H
#define NF_SAMPLE_H

#include "kernels/kernel.h"

/* Where the time of one run went, in seconds; of a rank, or the mean over the ranks. They add up to
 * the run's time: compute + idle + runtime + halo + fold + wait = seconds. `io` (bringing the input
 * into the blocks, once a point) stands beside it and is not part of `seconds`. */
typedef struct nf_phases {
    double compute; /* in the kernels' tiles, the borders filled included: the mean over threads */
    double halo;    /* exchanging halos between ranks: packing, sending, waiting, unpacking */
    double fold;    /* folding partial results over threads and ranks */
    double wait;    /* ready, until the last rank was ready */
    double io;      /* reading or filling the input */
    double idle;    /* threads that have done their tiles, until the last of their rank has */
    double runtime; /* starting and joining the threads, and what one does between their regions */
} nf_phases;

/* Who did how much of one run. Useful time is time in tiles: what the efficiencies of POP are made
 * of (pop-coe.eu), T being the sample's seconds. */
typedef struct nf_balance {
    bool known;       /* false: nothing below is */
    double useful;    /* seconds, of all threads of all ranks together */
    double most;      /* of the busiest thread */
    double rank_most; /* of each rank's busiest thread, the mean over the ranks */
    double bulk;     /* critical path where each step waits for all ranks: the sum over the steps of
                         the slowest rank's tiles; 0: too many steps */
    double chain;    /* critical path where a step waits for its neighbours alone; 0: likewise */
    int64_t steps;   /* sweeps and the like that a run takes */
    int slowest;     /* the rank whose tiles took longest */
    double *threads; /* [ranks * threads] useful seconds, rank by rank; owned; NULL: too many */
    nf_phases *ranks; /* [ranks]; owned; NULL: too many */
} nf_balance;

/* More workers than these, and a sample keeps the sums of its balance alone. */
enum { NF_BALANCE_WORKERS = 4096 };

/* How the ranks' clocks are started together. */
typedef enum nf_clock {
    NF_CLOCK_NONE,    /* not known */
    NF_CLOCK_BARRIER, /* each after a barrier; the time is the slowest rank's own */
    NF_CLOCK_WINDOW   /* at a moment that rank 0 has announced: the time is from there to the end */
} nf_clock;

/* Why a point has no more samples. */
typedef enum nf_end {
    NF_END_NONE,      /* there are more, or it was broken off */
    NF_END_PRECISION, /* the interval of the median is as narrow as was asked for */
    NF_END_TIME,      /* the point's time is used up */
    NF_END_COUNT      /* as many as were asked for, or as are ever taken */
} nf_end;

typedef enum nf_scaling { NF_STRONG, NF_WEAK } nf_scaling;

typedef struct nf_sample {
    char *kernel; /* the chain, every parameter written out; owned */
    char *label;  /* the chain as the user typed it; owned */
    nf_scaling scaling;
    int ranks, threads; /* workers = ranks * threads */
    int nodes;          /* different machines that the ranks ran on */
    int cores;          /* of those, that may be used; 0: not known */
    nf_shape shape;     /* of the input; dtype NF_NONE: dim[2] is the size of the index range */
    int64_t work;       /* cells or indices: what weak scaling keeps constant a worker */
    char *grows;     /* weak: what grows with the workers, "rows" or "n^2"; owned; NULL: unknown */
    int launch, rep; /* repetition `rep` (from 0) of launch `launch` (from 0) */
    int64_t order;   /* place among all samples of its launch, in the order measured */
    int runs;        /* runs in a row that were timed together; all times are a run's share */
    double seconds;  /* until the last rank was done; from where on: `clock` */
    nf_clock clock;
    nf_phases phases; /* means over the ranks */
    nf_balance balance;
    double flops; /* nominal operations of a run; 0: none, or unknown */
    double bytes; /* nominal traffic, as if each stage of the chain ran by itself; 0: likewise */
    double moved; /* bytes that the plan moves: each pass's arrays once a sweep, what a store
                            reads first included; 0: none, or unknown */
    double
        repeated; /* part of the arithmetic that is done more than once, where tiles or ranks meet;
                            0: none, or unknown */
    double cycles, instructions,
        misses;    /* of all workers, last-level cache misses; 0: not counted */
    double joules; /* of the processors of all nodes; 0: not measured */
    nf_end end;    /* of the point's last sample */
    bool valid;    /* the result equals the serial one, bit for bit, and its check passed */
    bool waits; /* of a kernel that waits, as for files, longer than it computes: workers beyond the
                   cores are not too many */
    bool oversubscribed; /* more workers than cores that may be used, of a kernel that computes */
    bool simulated;      /* the engine ran under a simulator: times are the simulator's */
    char *more;          /* members of its record that this version does not know, JSON; owned */
} nf_sample;

/* What the machine can do at most, measured in the same run and with the same placement. */
typedef struct nf_ceiling {
    char *what; /* "read", "copy", "triad", "f32", "f64", "latency", "bandwidth"; owned */
    char *unit; /* "B/s", "flop/s", "s"; owned */
    int ranks, threads, nodes; /* that took part; two ranks for messages */
    int64_t bytes;             /* of the arrays together, or of the message; 0: none */
    double factor; /* memory traffic a byte counted, as stores read first what they write: 1.5 for
                       copies, 4/3 for triads, else 1 */
    int n;         /* repetitions */
    double best, median; /* of them */
    char *more;          /* as of a sample */
} nf_ceiling;

/* What sharing out work costs beside the work, measured by itself in the same run. */
typedef enum nf_cost_kind {
    NF_COST_START, /* starting workers: "parallel region", "process", ... */
    NF_COST_SHARE, /* one of `amount` increments of a counter that all workers share: "lock", ... */
    NF_COST_SEND,  /* moving `amount` bytes from one process to another: "contiguous", ... */
    NF_COST_BREAK_EVEN, /* the size from which more workers are faster than one: "threads", "ranks" */
    NF_COST_MEMORY,     /* what ranks of a node hold together instead of each for itself */
    NF_COSTS
} nf_cost_kind;
extern const char *const nf_cost_names[NF_COSTS]; /* as in records and on command lines */

typedef struct nf_cost {
    nf_cost_kind kind;
    char *what;           /* the way; owned */
    char *kernel, *label; /* break-even: the chain, as of a sample; else NULL; owned */
    char *unit; /* of the value: "s", "B"; break-even: "cells" or "indices" of the input; owned */
    int ranks, threads, nodes; /* that took part */
    double amount; /* increments, of all workers together; bytes; break-even: the largest size that
                      was tried; else 0 */
    int n;         /* samples */
    double value;  /* the median; break-even: 0 where more workers were not faster at any size */
    double low,
        high;    /* 95% interval of it, ends included; break-even: 0 for an end that lies beyond
                         the sizes that were tried. Both 0: too few samples for one */
    double lost; /* NF_COST_SHARE: part of the increments that the counter does not show */
    bool valid;  /* the counter, or what was moved, is what it must be; of a race always true */
    char *more;  /* as of a sample */
} nf_cost;

/* A study: how it was set up (facts, name = value, in the order shown; and settings, which a study
 * must agree in to be resumed) and its samples. */
typedef struct nf_fact {
    char *name, *value; /* owned */
} nf_fact;

typedef struct nf_study {
    nf_fact *facts;
    size_t nfacts;
    nf_fact *settings;
    size_t nsettings;
    nf_ceiling *ceilings;
    size_t nceilings;
    nf_cost *costs;
    size_t ncosts;
    nf_sample *samples;
    size_t nsamples;
    nf_sample
        *predictions; /* what a formula says of simulated points, those between them included */
    size_t npredictions;
    char **others; /* records of kinds that this version does not know, JSON; owned */
    size_t nothers;
    char *more; /* members of the study's record that it does not know, JSON; owned; NULL: none */
} nf_study;

/* They copy their arguments' strings and arrays. A fact or setting whose name is there already gets
 * the new value. Errors: NF_ERR_MEMORY. */
nf_status nf_study_fact(nf_study *study, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
nf_status nf_study_set(nf_study *study, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
nf_status nf_study_add(nf_study *study, const nf_sample *sample);
nf_status nf_study_predict(nf_study *study, const nf_sample *prediction);
nf_status nf_study_ceiling(nf_study *study, const nf_ceiling *ceiling);
nf_status nf_study_cost(nf_study *study, const nf_cost *cost);
nf_status nf_study_other(nf_study *study, const char *record);
const char *nf_study_find(const nf_study *study, const char *name);    /* NULL: no such fact */
const char *nf_study_setting(const nf_study *study, const char *name); /* NULL: no such setting */
void nf_study_free(nf_study *study);

/* Room for the arrays of a balance, all zero; free with nf_balance_free. NF_ERR_MEMORY. */
nf_status nf_balance_make(nf_balance *balance, int ranks, int threads);
void nf_balance_free(nf_balance *balance);

/* Whether two samples are of one point: kernel, scaling, ranks, threads, shape, and whether
 * simulated. */
bool nf_sample_same_point(const nf_sample *a, const nf_sample *b);

/* "serial", "threads", "ranks" or "hybrid". */
const char *nf_way(int ranks, int threads);

#endif
