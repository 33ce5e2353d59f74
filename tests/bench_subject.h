/* bench_subject.h - nfold as a benchmark's subject: one chain over one array, planned. */
#ifndef NF_BENCH_SUBJECT_H
#define NF_BENCH_SUBJECT_H

#include "drivers/engine/plan.h"
#include "drivers/engine/team.h"

typedef struct bench_chain {
    nf_chain chain;
    nf_plan *plan;
    nf_fields *fields; /* not owned */
    nf_results results;
    nf_team_work work; /* where bench_chain_counted puts who did how much */
    nf_steps steps;
} bench_chain;

/* Puts the elements of one row, [0, columns), at `to`. */
typedef void bench_fill(int64_t row, int64_t columns, void *to);

/* Ends the process with the message where there is a failure. */
void bench_check(nf_status status);

nf_shape bench_shape(int64_t rows, int64_t columns, nf_dtype dtype);

/* Collective. The chain's plan; `fields` is set by the caller. */
void bench_chain_create(const nf_world *world, const char *text, const nf_shape *shape,
                        bench_chain *chain);
void bench_chain_free(bench_chain *chain);
void bench_chain_run(void *context);     /* collective */
void bench_chain_counted(void *context); /* the same, with threads' useful time and steps noted */

/* Collective. The chain's arrays, the input filled. */
void bench_fields(bench_chain *chain, bench_fill *fill, nf_fields *fields);

#endif
