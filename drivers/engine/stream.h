/* stream.h - plans run over arrays that do not fit into memory.
 *
 * * Each rank goes through its slab of the array in bands, from low to high indices of the slowest
 * dimension: while one is computed the next one is read and the last one written. What one sweep
 * leaves to the next goes through scratch files. Bands, like blocks and tiles, change no bit of a
 * result. */
#ifndef NF_STREAM_H
#define NF_STREAM_H

#include "drivers/engine/plan.h"

/* Where an array comes from: any box of it, into memory whose strides count elements. Called by
 * one thread at a time, not always the same one, on each rank for itself. The cells, and what they
 * are, must not change while a plan runs. */
typedef struct nf_stream_source {
    void *context;
    nf_status (*read)(void *context, const nf_box *box, void *cells,
                      const ptrdiff_t stride[NF_DIMS]);
} nf_stream_source;

/* One band on its way out; after the last one, empty bands of ranks that have none left. */
typedef struct nf_stream_band {
    nf_box box;
    const void *cells;         /* the element of cell box.lo */
    ptrdiff_t stride[NF_DIMS]; /* in elements */
    int place;                 /* 0 or 1: two bands may be under way at the same time */
} nf_stream_band;

/* Where an array goes to: three steps for each band, in order; those that are not needed are NULL.
 * With the plan's options.align bands consist of whole rows (planes), from one multiple of it to
 * another; without, those of a resampling may be cut along another dimension. */
typedef struct nf_stream_sink {
    void *context;
    /* Whether a band is there from a run before: it is neither read nor computed, packed or stored; place
     * takes an empty one instead. From any thread. NULL: none is. Otherwise place sees to it that a run
     * which is asked to (stop.h) stops. */
    bool (*has)(void *context, const nf_box *box);
    /* By a thread that writes, on each rank for itself: converts or compresses. */
    nf_status (*pack)(void *context, const nf_stream_band *band);
    /* Collective, by the caller, on all ranks the same number of times: agrees on where it goes. */
    nf_status (*place)(void *context, const nf_stream_band *band);
    /* By the thread that packs: brings the bytes there. */
    nf_status (*store)(void *context, const nf_stream_band *band);
    /* Bytes that it holds for a band of so many cells while this is under way; NULL: none. */
    int64_t (*bytes)(void *context, int64_t cells);
} nf_stream_sink;

/* The arrays of a run; what a plan has no use for is left out (zero). */
typedef struct nf_stream_ends {
    nf_stream_source in, with; /* with: the second array of kernels with two inputs */
    nf_stream_sink out;
} nf_stream_ends;

typedef struct nf_stream_options {
    int64_t memory;      /* bytes that a rank may have resident at its peak; 0: 1 GiB */
    const char *scratch; /* a folder that all ranks see; NULL: $TMPDIR, or /var/tmp; not owned */
    int nodes;           /* that the ranks are on */
    int64_t band; /* the height of bands, rounded up to what they must be multiples of; 0: chosen */
} nf_stream_options;

typedef struct nf_stream nf_stream;

/* Collective. Chooses the bands. The plan was created with options.stream; it and what `ends`
 * points at must outlive the stream. Errors: NF_ERR_MEMORY, with the least bound that would do, or
 * where a pass cannot be done in bands; NF_ERR_USAGE. */
nf_status nf_stream_create(nf_plan *plan, const nf_stream_ends *ends,
                           const nf_stream_options *options, nf_stream **stream);
void nf_stream_free(nf_stream *stream);

/* The kernel of the plan that must have its whole array in memory; NULL: there is none. */
const nf_kernel *nf_stream_obstacle(const nf_plan *plan);

/* The folder that these options come to. */
const char *nf_stream_folder(const nf_stream_options *options);

/* Bytes that a rank holds when the same plan is run in memory, about; for plans with
 * options.stream. */
int64_t nf_stream_in_memory(const nf_plan *plan);

typedef struct nf_stream_facts {
    int64_t bytes;   /* that this rank holds at its peak, about */
    int64_t moved;   /* bytes read and written in all, by all ranks */
    int64_t scratch; /* bytes on disk between sweeps */
    bool may_stop;   /* those are bounds: the kernel says when it is done */
} nf_stream_facts;
nf_stream_facts nf_stream_tell(const nf_stream *stream);

/* The pass of this number, of as many as nf_plan_tell says. */
typedef struct nf_stream_pass {
    int64_t height, bands; /* of this rank: cells of a band along the slowest dimension */
    int64_t read, again;   /* bytes of a sweep by all ranks; read by two of them */
    int64_t written;
} nf_stream_pass;
nf_stream_pass nf_stream_tell_pass(const nf_stream *stream, size_t pass);

/* From now on shows how far a run is: the part of all bytes. */
void nf_stream_watch(nf_stream *stream, nf_watch watch);

/* Seconds that this rank spent at each; they overlap. */
typedef struct nf_stream_times {
    double read, compute, write, all;
} nf_stream_times;

/* Collective. As nf_plan_run. `times` is added to. Whatever fails on whichever rank, all stop. */
nf_status nf_stream_run(nf_stream *stream, nf_results *results, nf_stream_times *times);

#endif
