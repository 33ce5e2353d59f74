/* simulate_args.h - what simulate is asked for. */
#ifndef NF_SIMULATE_ARGS_H
#define NF_SIMULATE_ARGS_H

#include "drivers/cli.h"
#include "drivers/study/sample.h"

enum { SIMULATE_LIST = 32 };

typedef struct simulate_args {
    nf_chains chains;
    bool strong, weak;
    int ranks[SIMULATE_LIST]; /* ascending; 1, the base, first */
    size_t nranks;
    int64_t rows, columns;             /* of the strong study's array */
    int64_t block_rows, block_columns; /* of a rank in the weak study */
    nf_dtype dtype;
    double latency, bandwidth; /* of a link: seconds; bytes a second */
    int64_t radix, cores, jobs;
    const char *folder;
} simulate_args;

/* Give them to nf_cli_start, with simulate_defaults as input. */
extern const struct argp simulate_argp;
extern const simulate_args simulate_defaults;

/* Fills in what was not given. Errors: NF_ERR_USAGE, NF_ERR_MEMORY; what a chain says of the array. */
nf_status simulate_args_complete(const nf_cli *cli, simulate_args *args);

/* The array of a study at so many ranks: strong, the whole; weak, a block a rank, the blocks as square a
 * grid as the ranks allow. */
nf_shape simulate_shape(const simulate_args *args, nf_scaling scaling, int ranks);

#endif
