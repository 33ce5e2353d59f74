/* sample.h - what a scaling study measures: one sample is one timed run of one point. */
#ifndef NF_SAMPLE_H
#define NF_SAMPLE_H

#include "kernels/kernel.h"

/* Where the time of one run went, in seconds; the mean over the ranks, so that they add up to the
 * run's time: compute + halo + fold + wait = seconds. `io` (bringing the input into the blocks,
 * once a point) stands beside it and is not part of `seconds`. */
typedef struct nf_phases {
    double compute; /* in the kernels' tiles, the borders filled included */
    double halo;    /* exchanging halos between ranks: packing, sending, waiting, unpacking */
    double fold;    /* folding partial results over threads and ranks */
    double wait;    /* ready, until the last rank was ready */
    double io;      /* reading or filling the input */
} nf_phases;

typedef enum nf_scaling { NF_STRONG, NF_WEAK } nf_scaling;

typedef struct nf_sample {
    char *kernel; /* the chain, every parameter written out; owned */
    char *label;  /* the chain as the user typed it; owned */
    nf_scaling scaling;
    int ranks, threads; /* workers = ranks * threads */
    int nodes;          /* different machines that the ranks ran on */
    nf_shape shape;     /* of the input; dtype NF_NONE: dim[2] is the size of the index range */
    int64_t work;       /* cells or indices: what weak scaling keeps constant a worker */
    int launch, rep;    /* repetition `rep` (from 0) of launch `launch` (from 0) */
    double seconds;     /* from a barrier until the last rank was done */
    nf_phases phases;
    bool valid;          /* the result equals the serial one, bit for bit, and its check passed */
    bool oversubscribed; /* more workers than cores that may be used */
    bool simulated;      /* the engine ran under a simulator: times are the simulator's */
} nf_sample;

/* A study: how it was set up (facts, name = value, in the order shown) and its samples. */
typedef struct nf_fact {
    char *name, *value; /* owned */
} nf_fact;

typedef struct nf_study {
    nf_fact *facts;
    size_t nfacts;
    nf_sample *samples;
    size_t nsamples;
    nf_sample
        *predictions; /* what a formula says of simulated points, those between them included */
    size_t npredictions;
} nf_study;

/* They copy their arguments' strings. A fact whose name is there already gets the new value.
 * Errors: NF_ERR_MEMORY. */
nf_status nf_study_fact(nf_study *study, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
nf_status nf_study_add(nf_study *study, const nf_sample *sample);
nf_status nf_study_predict(nf_study *study, const nf_sample *prediction);
const char *nf_study_find(const nf_study *study, const char *name); /* NULL: no such fact */
void nf_study_free(nf_study *study);

/* "serial", "threads", "ranks" or "hybrid". */
const char *nf_way(int ranks, int threads);

#endif
