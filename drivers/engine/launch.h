/* launch.h - whether this process is one of several that were started together. */
#ifndef NF_LAUNCH_H
#define NF_LAUNCH_H

#include <stdbool.h>

/* Whether MPI is to be started: some launcher has left its variables in the environment (mpirun or mpiexec of
 * Open MPI, MPICH and their kin, srun, flux, aprun, jsrun), be it for one process. NFOLD_MPI overrules that:
 * 0 never, anything else always. */
bool nf_launched(void);

#endif
