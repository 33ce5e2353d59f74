/* advise_machine.h - what starting, sharing, computing and memory cost on this machine: measured
 * once, by processes of their own, and kept. */
#ifndef NF_ADVISE_MACHINE_H
#define NF_ADVISE_MACHINE_H

#include "drivers/cli.h"
#include "drivers/study/advice.h"

/* Of a node, that may be used: by affinity, the control group's quota and Slurm's allocation. */
int advise_cores(const nf_cli *cli);

/* Where the numbers are from, in words for a user. */
typedef struct advise_origin {
    char *path;     /* of the file; owned; NULL: there is no place for one */
    bool cached;    /* they were there */
    char text[512]; /* "measured now and kept in ..." */
} advise_origin;

/* By rank 0. Reads the machine's numbers, or, where there are none that are sound (or `again`),
 * measures and keeps them; that it cannot keep them is no error. Says on standard error what it is
 * about, unless quiet. Free origin->path. */
void advise_machine(const nf_cli *cli, bool again, nf_calibration *machine, advise_origin *origin);

/* The limits that this process finds; machine tells whether mpirun runs. */
nf_limits advise_limits(const nf_cli *cli, const nf_calibration *machine);

/* Collective over the processes that were started for it: measure, and tell it on standard output. The
 * first: what the first team of a process of its own takes. */
void advise_probe_start(const nf_cli *cli);
nf_status advise_probe_machine(const nf_cli *cli);
nf_status advise_probe_messages(const nf_cli *cli);

#endif
