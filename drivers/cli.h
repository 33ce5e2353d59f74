/* cli.h - what every program does at its beginning and its end: MPI, the command line, messages. */
#ifndef NF_CLI_H
#define NF_CLI_H

#include <argp.h>

#include "drivers/engine/chain.h"
#include "drivers/engine/node.h"
#include "drivers/engine/plan.h"
#include "drivers/engine/world.h"
#include "io/array.h"

typedef struct nf_cli {
    const char *program; /* "filter" */
    nf_world world;      /* all ranks; world.threads as asked for, or as the node's cores allow */
    nf_node node;
    bool quiet;          /* -q: nothing but results and errors */
    bool done;           /* --help, --version or --list was answered: nothing else is to be done */
    bool explain;        /* --explain: print the plan before it runs */
    int asked_threads;   /* -t; 0: not given */
    bool threads_named;  /* -t or OMP_NUM_THREADS was given */
    int threads_most;    /* the cores that may be used, shared out over the ranks of the node */
    int64_t memory;      /* --memory: bytes a rank; 0: not given */
    const char *scratch; /* --scratch; NULL: not given */
    const char *shape, *dtype;     /* as typed, or NULL */
    int64_t offset;                /* -1: not given */
    nf_described input;            /* what those three say */
    const nf_described *described; /* that, or NULL: inputs tell themselves */
    nf_plan_options plan_options;  /* --grid, --tile-size, --halo-depth; and the caches of a rank */
} nf_cli;

/* Options that not all programs take: --threads; those that say how the work is shared out; those about
 * inputs, --shape, --dtype and --offset; those of arrays that do not fit into memory; and those about
 * images, --max-pixels, which sets nf_max_pixels. */
enum {
    NF_CLI_THREADS = 1,
    NF_CLI_PLAN = 2,
    NF_CLI_INPUT = 4,
    NF_CLI_MEMORY = 8,
    NF_CLI_IMAGES = 16
};

/* Starts MPI, parses the command line with the program's own argp (options, parser, documentation; no
 * children) plus the common options and those in the bit set `takes`, and finds the node and the number
 * of threads. The parser reports what is wrong by `return nf_cli_reject(...)`. Collective; all ranks
 * return the same. Call nf_cli_stop in any case. */
nf_status nf_cli_start(nf_cli *cli, int argc, char **argv, const struct argp *own, void *input,
                       unsigned takes);

/* For a program's option parser: keeps the message, and returns what argp wants for an error. */
error_t nf_cli_reject(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Collective. Rank 0 prints the message of a failure, once; what cannot be written to standard output is
 * one, too. Stops MPI. Returns main's exit status. */
int nf_cli_stop(nf_cli *cli, nf_status status);

/* Whether an input is named "FILE:", with nothing behind the colon: its content is to be listed. */
bool nf_cli_lists(const char *input);
nf_status nf_cli_list_file(const nf_cli *cli, const char *input); /* collective */

/* A number of bytes within [least, 2^60], as 64M, 1.5G or 4096; K, M, G and T stand for powers of 1024. */
nf_status nf_cli_bytes(const char *option, const char *text, int64_t least, int64_t *bytes);

/* The -k of a program that takes one chain; *chain: NULL at first. */
error_t nf_cli_chain(const char *text, const char **chain);
/* For a program's option parser, as nf_cli_reject: a whole or a real number within [least, most]; up to `room` whole
 * numbers as `1,2,4`; two as `4096x2048`. */
error_t nf_cli_integer(const char *option, const char *text, int64_t least, int64_t most,
                       int64_t *value);
error_t nf_cli_real(const char *option, const char *text, double least, double most, double *value);
error_t nf_cli_list(const char *option, const char *text, int *list, size_t room, size_t *count);
error_t nf_cli_pair(const char *option, const char *text, int64_t *a, int64_t *b);

/* Chains collected from repeated -k options. */
typedef struct nf_chains {
    nf_chain *list;
    size_t count;
} nf_chains;
nf_status nf_chains_add(nf_chains *chains, const char *typed);
void nf_chains_free(nf_chains *chains);

#endif
