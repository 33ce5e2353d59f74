/* costs.h - the costs of a study, each once: records of one cost are put together. Pure functions. */
#ifndef NF_COSTS_H
#define NF_COSTS_H

#include "drivers/study/sample.h"
#include "drivers/study/stats.h"

typedef struct nf_costing {
    const nf_cost
        *of;        /* one of its records: kind, what, kernel, label, unit, ranks, threads, nodes */
    size_t records; /* one a launch */
    int n;          /* samples of all of them */
    double amount;  /* the largest */
    double value;   /* median of the records'; break-even: INFINITY where more workers never won */
    nf_interval interval; /* the widest; break-even: low 0 and high INFINITY lie beyond the sizes
                             that were tried */
    double lost;          /* median */
    bool valid;           /* all records are */
    bool oversubscribed;  /* a sample of as many workers a node, or of fewer, was */
} nf_costing;

/* Ordered by kind; then by the way and the kernel, as first met (break-even: by the kernel first); then
 * by nodes, workers, ranks and amount. Those of sending and memory are one cost only if their amounts agree.
 * The caller frees *list; it refers to the study. Errors: NF_ERR_MEMORY. */
nf_status nf_costs(const nf_study *study, nf_costing **list, size_t *n);

/* Valid, and not oversubscribed: conclusions may be drawn from it. */
bool nf_cost_counts(const nf_costing *cost);

int nf_cost_workers(const nf_costing *cost);

/* Of one kind and way that counts: the most workers, of these the most threads, then the largest amount;
 * kernel NULL: any. NULL: there is none. */
const nf_costing *nf_cost_most(const nf_costing *list, size_t n, nf_cost_kind kind,
                               const char *what, const char *kernel);

/* Of the cost's kind and way: the valid one of one worker. NULL: there is none. */
const nf_costing *nf_cost_alone(const nf_costing *list, size_t n, const nf_costing *cost);

#endif
