/* scale_sample.h - measuring: points by their ranks while the others sleep, and the machine's
 * ceilings. */
#ifndef NF_SCALE_SAMPLE_H
#define NF_SCALE_SAMPLE_H

#include "drivers/progress.h"
#include "drivers/scale_check.h"
#include "drivers/scale_points.h"
#include "drivers/study/timer.h"

/* One launch of a study. */
typedef struct scale_run {
    const nf_cli *cli;
    scale_args *args;
    const nf_source *source;
    scale_points points;
    nf_timer timer;
    double deadline; /* when sampling should be over */
    size_t done;     /* points */
    nf_progress progress;
    char label[64]; /* the progress's */

    /* Rank 0: */
    nf_study study;
    FILE *records; /* of the study, flushed with every sample */
    char *records_path;
    int launch;    /* number of this one */
    int64_t order; /* samples it has taken */
    bool *checked; /* [chains]: agrees with its independent reference */
    scale_expectations expected;
} scale_run;

/* Collective over all ranks. Measures all points that are not done; each sample is recorded at
 * once. */
nf_status scale_measure(scale_run *run);

/* Collective over all ranks. The ceilings of the machine for every layout that has a core for each
 * worker, those excepted that the study has already. */
nf_status scale_ceilings(scale_run *run);

/* The first other rank on rank 0's node, or (far) on another one, on all ranks; 0: there is none, or
 * no core for it. Collective over all ranks. */
int scale_find_other(const scale_run *run, bool far);

/* How a job is planned for so many ranks: as was asked for, as far as it suits them. */
nf_plan_options scale_plan_options(const nf_cli *cli, int ranks, const nf_chain *chain);

/* The ranks of a layout, each worker bound as scale_bind says. */
typedef struct scale_part {
    const nf_world *world;
    int nodes;
    bool crowded; /* on some node there are more workers than cores */
} scale_part;

/* Collective over all ranks. The layout's ranks do the task, which is collective over them; the others
 * sleep. */
typedef nf_status scale_task(scale_run *run, const scale_part *part, void *context);
nf_status scale_by_layout(scale_run *run, const scale_layout *layout, scale_task *task,
                          void *context);

/* Each worker of a layout on a core of its own where there are enough, otherwise wherever it may;
 * returns whether there are not enough. scale_unbind undoes it. */
bool scale_bind(const nf_node *node, const scale_layout *layout);
void scale_unbind(const nf_node *node, const scale_layout *layout);

#endif
