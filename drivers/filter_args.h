/* filter_args.h - the options of filter: what users type, and what it comes to. */
#ifndef NF_FILTER_ARGS_H
#define NF_FILTER_ARGS_H

#include "drivers/storage_args.h"

typedef struct filter_args {
    const char *chain, *input, *output; /* NULL: not given */
    int quality;                        /* of JPEG, 1 to 100 */
    nf_element_type store;
    bool stack;
    int stack_dims; /* 0: as many as the items must not have */
    bool nexus;
    nf_hdf5_hints hints;
    nf_storage_args storage;
    bool no_clobber, checksum, resume;
} filter_args;

/* Options, arguments and help; takes an filter_args. */
extern const struct argp filter_argp;
/* How it begins: what is not typed. */
#define FILTER_ARGS ((filter_args){.quality = 90})

#endif
