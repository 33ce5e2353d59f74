/* measure.h - samples of one point: a planned chain, run and timed by the ranks that take part. */
#ifndef NF_MEASURE_H
#define NF_MEASURE_H

#include "drivers/bench.h"
#include "drivers/engine/node.h"
#include "drivers/engine/team.h"
#include "drivers/study/counters.h"
#include "drivers/study/sample.h"
#include "drivers/study/timer.h"
#include "drivers/study/window.h"

/* What this rank keeps from one sample to the next. */
typedef struct nf_measure {
    const nf_world *part;
    nf_bench *bench;
    int runs;       /* timed together in a sample */
    nf_clock clock; /* how ranks are started together */
    nf_window window;
    nf_team_work work;
    nf_steps steps; /* of a sample; room 0: too many */
    nf_counters counters;
    unsigned char *neighbours; /* rank 0: of all ranks (critical.h) */
    struct nf_tally *tallies;  /* rank 0: [ranks] */
    double *useful;            /* rank 0: [ranks * threads] */
    nf_step *all_steps;        /* rank 0: [ranks * room] */
} nf_measure;

/* Collective. Runs the bench once to warm up: memory is placed, connections are made, and it is
 * seen how long a run takes and of how many steps it is. Ranks start at a common moment where each
 * worker has a core (`crowded`: they have not), else after a barrier. `*seconds` becomes what that
 * run took. part, node and bench must outlive it. Call nf_measure_free also after an error. Errors:
 * those of nf_bench_run, NF_ERR_MEMORY. */
nf_status nf_measure_begin(const nf_world *part, const nf_node *node, nf_bench *bench,
                           const nf_timer *timer, bool crowded, nf_measure *measure,
                           double *seconds);
void nf_measure_free(nf_measure *measure);

/* The team's threads are others than before: counts on those. */
void nf_measure_again(nf_measure *measure, const nf_node *node);

/* Collective. One sample: rank 0's *sample gets all that is measured, the balance's arrays among it
 * (its own until it is freed by nf_balance_free, which ranks and threads of the sample must allow).
 * */
nf_status nf_measure_once(nf_measure *measure, nf_sample *sample);

#endif
