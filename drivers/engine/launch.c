#include "drivers/engine/launch.h"

#include <stddef.h>
#include <stdlib.h>

/* What tells that a launcher started this process and others, each with a rank of its own. A name too many
 * costs time; one that is missing makes every rank take itself for the only one. */
static const char *const left_by_launchers[] = {
    "OMPI_COMM_WORLD_SIZE",
    "OMPI_COMM_WORLD_RANK", /* Open MPI */
    "PMIX_RANK",
    "PMIX_NAMESPACE", /* PMIx: srun --mpi=pmix, prun, Open MPI */
    "PMI_RANK",
    "PMI_SIZE", /* PMI: MPICH, Intel MPI, Cray MPI */
    "PMI_FD",
    "PMI_PORT", /* PMI: Hydra */
    "MPI_LOCALNRANKS",
    "MPIRUN_RANK", /* Hydra; MVAPICH */
    "MV2_COMM_WORLD_SIZE",
    "PALS_RANKID", /* MVAPICH; Cray PALS */
    "ALPS_APP_PE",
    "FLUX_TASK_RANK", /* aprun; flux */
    "JSM_NAMESPACE_SIZE",
    "MP_CHILD" /* jsrun; POE */
};

/* Slurm sets its ranks in batch scripts, too, which it starts once: only steps of several tasks count. */
static bool in_slurm_step(void)
{
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    return tasks != NULL && strtol(tasks, NULL, 10) > 1;
}

bool nf_launched(void)
{
    const char *told = getenv("NFOLD_MPI");
    if (told != NULL && told[0] != '\0')
        return told[0] != '0';
    for (size_t i = 0; i < sizeof left_by_launchers / sizeof *left_by_launchers; i++)
        if (getenv(left_by_launchers[i]) != NULL)
            return true;
    return in_slurm_step();
}
