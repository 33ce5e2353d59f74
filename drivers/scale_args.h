/* scale_args.h - what scale is asked for: its command line, and the points that follow from it. */
#ifndef NF_SCALE_ARGS_H
#define NF_SCALE_ARGS_H

#include "drivers/cli.h"
#include "drivers/study/sample.h"

enum { SCALE_LIST = 32, SCALE_LAYOUTS = SCALE_LIST * SCALE_LIST + 1 };

/* What `-k CHAIN @ ROWSxCOLUMNS` says beside the chain. */
typedef struct scale_size {
    int64_t rows, columns; /* of this chain's strong study; 0: as --size and --tile say */
    char *label;           /* chain and size as typed; owned */
    char *name;            /* the same with every parameter written out; owned */
} scale_size;

typedef struct scale_args {
    nf_chains chains;
    scale_size *sizes; /* [chains.count] */
    bool strong, weak;
    int ranks[SCALE_LIST], threads[SCALE_LIST];
    size_t nranks, nthreads;
    int64_t rows, columns;           /* --size; 0: not given */
    int64_t tile_rows, tile_columns; /* --tile */
    const char *input, *folder;
    int64_t reps;     /* 0: not given */
    double precision; /* half-width of the median's interval, as part of it */
    double max_time;  /* seconds that a point is sampled at most; 0: its share of the study's */
    uint64_t seed;    /* of the order of points */
    bool seeded;      /* --seed was given */
    bool interleave, resume, no_ceilings, no_report;
    unsigned costs; /* those to measure: bit 1 << NF_COST_... */
    int64_t launch; /* of those that make up a study */
} scale_args;

/* Give them to nf_cli_start with a scale_args as input. */
extern const struct argp scale_argp;

/* Fills in what was not given, and checks what needs the world. Errors: NF_ERR_USAGE,
 * NF_ERR_MEMORY. */
nf_status scale_args_complete(const nf_cli *cli, scale_args *args);
void scale_args_free(scale_args *args);

/* The size that goes with one of args->chains. */
const scale_size *scale_size_of(const scale_args *args, const nf_chain *chain);

typedef struct scale_layout {
    int ranks, threads;
} scale_layout;

typedef struct scale_layouts {
    scale_layout list[SCALE_LAYOUTS];
    size_t count;
} scale_layouts;

/* Whether --grid was given, and is one for so many ranks. */
bool scale_grid_fits(const nf_plan_options *options, int ranks);

/* Collective. The points to measure: what was asked for, or serial, threads, ranks and both by
 * powers of two, up to as many threads as rank 0 has cores, of a kernel that waits up to eight times
 * as many. The serial point, which everything is compared with, is always there, and first. */
void scale_layouts_choose(const nf_cli *cli, const scale_args *args, bool waits,
                          scale_layouts *layouts);
/* NF_ERR_USAGE where a --grid was given that suits none of them. */
nf_status scale_layouts_check(const nf_cli *cli, const scale_layouts *layouts);

#endif
