/* costing.h - the costs of a study, each once: records of one cost (study/costs.h: measured, not
 * engine/cost.h's nominal ones) are put together. Pure functions. */
#ifndef NF_COSTING_H
#define NF_COSTING_H

#include "drivers/study/sample.h"
#include "drivers/study/stats.h"

typedef struct nf_costing {
    const nf_cost
        *of;        /* one of its records: kind, what, kernel, label, unit, ranks, threads, nodes */
    size_t records; /* one a launch */
    int n;          /* samples of all of them */
    double amount;  /* the largest */
    double value;   /* median of the records'; break-even: INFINITY where more workers never won */
    nf_interval interval; /* the widest; break-even: low 0 or high INFINITY lies beyond the sizes
                             that were tried, both: not known */
    double lost;          /* median */
    bool valid;           /* all records are */
    bool oversubscribed; /* a sample of as many workers a node, or of fewer, was, or had fewer cores
                             a node; never of memory, which does not depend on cores */
} nf_costing;

/* Ordered by kind; then by the way and the kernel, as first met (break-even: by the kernel first); then
 * by nodes, workers, ranks and amount. Those of sending and memory are one cost only if their amounts agree.
 * The caller frees *list; it refers to the study. Errors: NF_ERR_MEMORY. */
nf_status nf_costings(const nf_study *study, nf_costing **list, size_t *n);

/* Valid, and not oversubscribed: conclusions may be drawn from it. */
bool nf_costing_counts(const nf_costing *cost);

/* Whether its time may be told as a plain number: the interval is known and not wider than a factor of 2, or
 * it is that of an MPI process, of which there is one sample by nature. */
bool nf_costing_firm(const nf_costing *cost);

/* Whether `more` is shown to take longer: their intervals are apart. */
bool nf_costing_exceeds(const nf_costing *more, const nf_costing *less);

int nf_costing_workers(const nf_costing *cost);

/* Whether it counts, and of those of its kind, way and kernel (sending: and nodes) that do none has more workers,
 * or as many and more threads, or then a larger amount. */
bool nf_costing_decides(const nf_costing *list, size_t n, const nf_costing *cost);

/* The first of a kind and way that decides. NULL: there is none. */
const nf_costing *nf_costing_find(const nf_costing *list, size_t n, nf_cost_kind kind,
                                  const char *what);

/* Of the cost's kind and way: the valid one of one worker. NULL: there is none. */
const nf_costing *nf_costing_alone(const nf_costing *list, size_t n, const nf_costing *cost);

#endif
