/* machine.h - the facts of the machine and the build that a reader of the study needs. */
#ifndef NF_MACHINE_H
#define NF_MACHINE_H

#include "drivers/study/sample.h"

/* Adds to the study: time (UTC), host, processor model, affinity mask, cores there are,
 * caches, memory, operating system, what limits the frequency and the cgroup, binding, Slurm job,
 * nodes and partition, compiler, flags, build type, nfold version and commit, hwloc version and the
 * instruction set in use. The versions of MPI and HDF5 are added by the program that uses them.
 * Nothing that was not found is added. Errors: NF_ERR_MEMORY. */
nf_status nf_machine_facts(nf_study *study);

/* What numbers measured on a machine hang on, in one line: processor model, cores and processors that
 * may be used, the control group's quota, caches, instruction set, nfold version, and how threads
 * wait and are bound. */
enum { NF_MACHINE_KEY = 1024 };
void nf_machine_key(int cores, int processors, char key[NF_MACHINE_KEY]);

#endif
