/* advise_args.h - what advise is asked for: its command line. */
#ifndef NF_ADVISE_ARGS_H
#define NF_ADVISE_ARGS_H

#include "drivers/cli.h"

/* What a process that advise has started for itself is to do. */
typedef enum advise_probe {
    ADVISE_PROBE_NOTHING, /* to give advice */
    ADVISE_PROBE_START,   /* to start and end */
    ADVISE_PROBE_MACHINE, /* to measure memory, arithmetic and teams */
    ADVISE_PROBE_MESSAGES,
    ADVISE_PROBE_CHAIN,
    ADVISE_PROBE_SMALL /* the same by less of the array */
} advise_probe;

typedef struct advise_args {
    const char *chain, *size, *dtype, *input, *output;
    int64_t runs; /* 0: not given */
    bool json, recalibrate;
    advise_probe probe;
} advise_args;

/* Give it to nf_cli_start with an advise_args as input. */
extern const struct argp advise_argp;

/* Checks what goes together, and parses the chain. Errors: NF_ERR_USAGE, NF_ERR_PARAM. The caller
 * frees the chain, also after an error. */
nf_status advise_args_check(const advise_args *args, nf_chain *chain);

/* Collective. The shape of the array that it is about: as --size says, or as the input has it.
 * Ranges: dtype NF_NONE. */
nf_status advise_args_shape(const nf_world *world, const advise_args *args, const nf_chain *chain,
                            nf_shape *shape);

#endif
