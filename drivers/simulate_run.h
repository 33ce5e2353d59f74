/* simulate_run.h - a described cluster, and smpirun on it. */
#ifndef NF_SIMULATE_RUN_H
#define NF_SIMULATE_RUN_H

#include <sys/types.h>

#include "drivers/simulate_args.h"
#include "drivers/simulate_cost.h"
#include "drivers/study/loggp.h"

/* The program `simulated`, which stands beside this one, and smpirun in the PATH; the caller frees
 * *program. Errors: NF_ERR_SYSTEM, which says what to install. */
nf_status simulate_find(char **program);

/* Writes DIR/platform.xml and DIR/hosts: a fat tree with as many upward as downward ports on a switch. */
nf_status simulate_write_platform(const nf_loggp *net, double bandwidth, const char *dir);

/* One simulation: a point, and the smpirun that works on it. */
typedef struct simulate_job {
    int number; /* names its files in DIR */
    int ranks;
    nf_shape shape;
    const nf_chain *chain;
    const simulate_cost *cost;
    pid_t process; /* 0: not running */
} simulate_job;

/* What the simulated program reported. */
typedef struct simulate_outcome {
    double seconds, compute, halo, fold, wait;
    double plan_seconds, exchange_seconds, exchange_bytes;
    char result[NF_RESULT_TEXT];
} simulate_outcome;

/* Starts smpirun on the job. What it prints goes to DIR/job-N.log. */
nf_status simulate_start(const simulate_args *args, const char *program, simulate_job *job);
/* Waits until one of the jobs ends; *ended: which one. */
nf_status simulate_wait(simulate_job *jobs, size_t n, size_t *ended, int *state);
/* Reads what an ended job reported and removes its files. Errors: NF_ERR_SYSTEM with the last words of
 * its log. */
nf_status simulate_read(const simulate_args *args, const simulate_job *job, int state,
                        simulate_outcome *outcome);

/* The settings of the simulator, for the study's facts. */
extern const char simulate_settings[];

#endif
