/* test_launch.c - what tells that a launcher started a process, and what does not. */
#include <stdlib.h>

#include "drivers/engine/launch.h"
#include "tests/suite.h"

/* All that any launcher may have left: tests may be run in a job. */
static void clear(void)
{
    static const char *const names[] = {"NFOLD_MPI",
                                        "OMPI_COMM_WORLD_SIZE",
                                        "OMPI_COMM_WORLD_RANK",
                                        "PMIX_RANK",
                                        "PMIX_NAMESPACE",
                                        "PMI_RANK",
                                        "PMI_SIZE",
                                        "PMI_FD",
                                        "PMI_PORT",
                                        "MPI_LOCALNRANKS",
                                        "MPIRUN_RANK",
                                        "MV2_COMM_WORLD_SIZE",
                                        "PALS_RANKID",
                                        "ALPS_APP_PE",
                                        "FLUX_TASK_RANK",
                                        "JSM_NAMESPACE_SIZE",
                                        "MP_CHILD",
                                        "SLURM_PROCID",
                                        "SLURM_NTASKS",
                                        "SLURM_NPROCS",
                                        "SLURM_STEP_TASKS_PER_NODE",
                                        "SLURM_STEP_NUM_TASKS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

/* With these variables alone, up to two. */
static bool launched_with(const char *name, const char *value, const char *other,
                          const char *other_value)
{
    clear();
    setenv(name, value, 1);
    if (other != NULL)
        setenv(other, other_value, 1);
    bool launched = nf_launched();
    clear();
    return launched;
}

static void test_alone(void)
{
    clear();
    CU_ASSERT_FALSE(nf_launched());
}

/* Each by itself, and of one process, too, as mpirun -n 1 leaves them. */
static void test_launchers(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE",
                                        "PMIX_RANK",
                                        "PMI_RANK",
                                        "PMI_SIZE",
                                        "PMI_FD",
                                        "MPI_LOCALNRANKS",
                                        "ALPS_APP_PE",
                                        "MV2_COMM_WORLD_SIZE",
                                        "MP_CHILD",
                                        "PALS_RANKID",
                                        "JSM_NAMESPACE_SIZE",
                                        "FLUX_TASK_RANK",
                                        "PMIX_NAMESPACE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CU_ASSERT_TRUE(launched_with(names[i], "1", NULL, NULL));
        CU_ASSERT_TRUE(launched_with(names[i], "0", NULL, NULL));
    }
}

/* Batch scripts of several tasks run once; a step's tasks each. */
static void test_slurm(void)
{
    CU_ASSERT_FALSE(launched_with("SLURM_PROCID", "0", "SLURM_NTASKS", "4"));
    CU_ASSERT_FALSE(launched_with("SLURM_PROCID", "0", "SLURM_STEP_NUM_TASKS", "1"));
    CU_ASSERT_TRUE(launched_with("SLURM_PROCID", "0", "SLURM_STEP_NUM_TASKS", "2"));
    CU_ASSERT_TRUE(launched_with("SLURM_PROCID", "3", "SLURM_STEP_NUM_TASKS", "16"));
}

static void test_overruled(void)
{
    CU_ASSERT_TRUE(launched_with("NFOLD_MPI", "1", NULL, NULL));
    CU_ASSERT_FALSE(launched_with("NFOLD_MPI", "0", NULL, NULL));
    CU_ASSERT_FALSE(launched_with("NFOLD_MPI", "0", "OMPI_COMM_WORLD_SIZE", "2"));
    CU_ASSERT_TRUE(launched_with("NFOLD_MPI", "", "OMPI_COMM_WORLD_SIZE", "2"));
    CU_ASSERT_FALSE(launched_with("NFOLD_MPI", "", NULL, NULL));
}

int main(void)
{
    CU_TestInfo tests[] = {{"alone", test_alone},
                           {"launchers", test_launchers},
                           {"Slurm", test_slurm},
                           {"overruled", test_overruled},
                           CU_TEST_INFO_NULL};
    return nf_suite_run("launch", tests, 0);
}
