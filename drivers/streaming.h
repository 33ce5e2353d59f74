/* streaming.h - what filter and reduce share where an array does not fit into memory. */
#ifndef NF_STREAMING_H
#define NF_STREAMING_H

#include "drivers/cli.h"
#include "drivers/engine/stream.h"
#include "io/array.h"

/* Collective. A plan to be streamed, always, or where --memory asks for one or the arrays in memory
 * would need more than there is; otherwise *plan is NULL. No chain: a copy. Errors: those of
 * nf_plan_create. */
nf_status nf_streaming_plan(const nf_cli *cli, bool always, const nf_shape *in, nf_chain *chains,
                            size_t count, nf_plan **plan);

/* Collective. Once it is known how the output is stored: a plan whose bands suit its chunks takes the place
 * of *plan. Errors: those of nf_plan_create; *plan stays the caller's. */
nf_status nf_streaming_align(const nf_cli *cli, const nf_array_writer *out, const nf_shape *in,
                             nf_chain *chains, size_t count, nf_plan **plan);

typedef struct nf_streaming {
    nf_plan *plan;
    nf_array_reader *in, *with; /* with: where the plan has a second array */
    nf_shape shape, with_shape;
    nf_array_writer *out; /* NULL: the plan reduces */
    const char *output;   /* as typed; NULL likewise */
    nf_results *results;
} nf_streaming;

/* Collective. Runs the plan from files to a file; the writer is the caller's to commit. Says what
 * it does with --explain, and how far it is. */
nf_status nf_streaming_run(const nf_cli *cli, const nf_streaming *run);

#endif
