/* costs.h - what sharing out work costs beside the work: starting workers, raising a counter that
 * they share, moving an array from one process to another. Measured; engine/cost.h is what a plan is
 * thought to cost.
 *
 * All functions here are collective over the gauge's part, whose workers are bound as they are meant
 * to be. Costs are filled on rank 0; their texts are constants. */
#ifndef NF_COSTS_H
#define NF_COSTS_H

#include <stdatomic.h>

#include "drivers/engine/counter.h"
#include "drivers/engine/world.h"
#include "drivers/study/sample.h"
#include "drivers/study/window.h"

/* ---- medians ---- */

/* Who measures, how they start together, and for how long. */
typedef struct nf_gauge {
    const nf_world *part;
    int nodes;          /* that the part is on */
    double budget;      /* seconds: see nf_gauge_sample */
    nf_window window;   /* how the ranks' clocks differ, and their common moment */
    bool common;        /* they start at that moment; else after a barrier */
    double *samples;    /* [NF_MOST]: rank 0's, in ascending order once a cost is filled */
    double (*spans)[2]; /* [ranks]: when each began and ended, on rank 0's clock */
} nf_gauge;

/* near: this rank is on rank 0's node; crowded: there are more workers than cores, on one node.
 * Close it in any case. Error: NF_ERR_MEMORY. */
nf_status nf_gauge_open(const nf_world *part, int nodes, bool near, bool crowded, double budget,
                        nf_gauge *gauge);
void nf_gauge_close(nf_gauge *gauge);

/* All wait for each other. Returns the moment from which on time counts, on this rank's clock. */
double nf_gauge_start(const nf_gauge *gauge);
/* Of what this rank did from `start` to `end`. Returns on rank 0 the seconds from the first rank's
 * start to the last one's end. */
double nf_gauge_stop(const nf_gauge *gauge, double start, double end);

/* One sample; its value is rank 0's. */
typedef double nf_gauge_task(void *context);

/* Fills n, value, low and high: after one sample that warms up, as many as it takes until the 95%
 * interval of the median is within 5% of it on either side, or the budget is used up: four times
 * the budget as long as there are too few samples for an interval. */
void nf_gauge_sample(const nf_gauge *gauge, nf_gauge_task *task, void *context, nf_cost *cost);

/* ---- starting ---- */

/* "parallel region", by a part of one rank: an empty list for the part's threads, from the call of
 * nf_team_run until it returns; the mean of as many in a row as take a millisecond, so that threads
 * that wait spinning for the next region are found awake. */
void nf_cost_region(const nf_gauge *gauge, nf_cost *cost);
/* "first parallel region": once, by a new thread, whose team has to be started first; in it thread t
 * goes to cores[t], where later regions find it, and stays there. False: a thread cannot go there, or
 * the runtime had threads left for it, and this is not to be had. */
bool nf_cost_first_region(const nf_gauge *gauge, const int *cores, nf_cost *cost);
/* "barrier of ranks": nf_barrier, the mean of as many in a row as take a millisecond. */
void nf_cost_barrier(const nf_gauge *gauge, nf_cost *cost);
/* "process": from the call of posix_spawn until `true`, which does nothing, was waited for. False:
 * it cannot be run. */
bool nf_cost_process(const nf_gauge *gauge, nf_cost *cost);
/* "MPI process", by a part of all ranks: nf_mpi_start_seconds of the slowest; a single sample. False:
 * the system does not tell. */
bool nf_cost_mpi_process(const nf_gauge *gauge, nf_cost *cost);

/* ---- sharing ---- */

/* How workers raise a counter. All do so by the same number of ones. */
typedef enum nf_sharing_way {
    NF_RACE,      /* relaxed atomic load, then relaxed atomic store: loses counts */
    NF_LOCK,      /* a pthread mutex around it, one that processes share where there are several */
    NF_SPIN_LOCK, /* an atomic flag instead, waited for without sleep */
    NF_ATOMIC,    /* atomic fetch and add */
    NF_PRIVATE,   /* each its own, raised in memory as in a race, on a cache line of its own;
                     then each adds its to the counter */
    NF_ONE_LINE,  /* the same, but they lie side by side */
    NF_REDUCED,   /* as private; then the ranks' are added up by an MPI reduction */
    NF_FETCH_AND_OP, /* MPI's fetch and op, and a flush, for each; the counter lies on rank 0 */
    NF_SHARING_WAYS
} nf_sharing_way;
extern const char *const nf_sharing_names[NF_SHARING_WAYS];

/* Whether such workers can: one node for what needs common memory, several ranks for what MPI
 * does, by one thread each (MPI is started for a rank's main thread alone). */
bool nf_sharing_suits(nf_sharing_way way, int ranks, int threads, int nodes);

typedef struct nf_sharing {
    const nf_gauge *gauge;
    struct nf_sharing_memory *memory;
    nf_counter *remote; /* NULL: MPI has none between these ranks, or a rank has several threads */
    nf_sharing_way way;
    int64_t each;          /* increments of a worker */
    atomic_int come, gone; /* of this rank's threads, to the counter and from it */
    double began, ended;   /* when all of them had */
} nf_sharing;

/* Bytes of memory for so many workers. */
size_t nf_sharing_bytes(int workers);
/* memory: so many bytes, that all ranks of a node share. Free it in any case. NF_ERR_MEMORY. */
nf_status nf_sharing_create(const nf_gauge *gauge, void *memory, nf_sharing *sharing);
void nf_sharing_free(nf_sharing *sharing);

/* Every worker raises the counter `each` times, all starting together. Returns on rank 0 what the
 * counter shows, and in *seconds the time from when the first rank's threads were all there until
 * the last worker was done; starting and joining threads is no part of it. */
int64_t nf_sharing_run(nf_sharing *sharing, nf_sharing_way way, int64_t each, double *seconds);

/* Its time, divided by the number of increments, of which there are as many as take some
 * milliseconds. */
void nf_cost_share(nf_sharing *sharing, nf_sharing_way way, nf_cost *cost);

/* ---- sending ---- */

/* How rank 1 of a pair comes by a block of rank 0's. The time ends when it has every element in
 * cells of its own (in place: when it may read them); packing, unpacking and the making of types
 * are within it, memory for them is not. */
typedef enum nf_sending_way {
    NF_CONTIGUOUS, /* the block lies densely on both sides: one message */
    NF_DERIVED,    /* it is some columns of an array on both sides: a derived datatype */
    NF_PACKED,     /* likewise; packed into a dense buffer by hand, sent, unpacked by hand */
    NF_COPIED,     /* it lies densely in memory that both see: rank 0 sets a flag, rank 1 copies */
    NF_IN_PLACE,   /* likewise; rank 1 reads it where it lies. A flag is so quick that this is half
                      a round trip of flags, of which there are many in a row */
    NF_SENDING_WAYS
} nf_sending_way;
extern const char *const nf_sending_names[NF_SENDING_WAYS];

typedef struct nf_sending {
    const nf_gauge *gauge; /* of a pair of ranks */
    /* [rows][columns] on either side: columns [first, first + width) are the block. */
    int64_t rows, columns, first, width;
    uint64_t *array, *dense; /* [rows][columns]; [rows][width] */
    void *requests;
    struct nf_sending_memory *memory; /* that both see; NULL: none */
    uint64_t serial;                  /* of the sample: contents follow from it */
    nf_sending_way way;
    uint64_t wrong; /* rank 0: cells, of all samples */
} nf_sending;

/* Bytes of a block in memory that both see; and that an object takes on a rank. */
size_t nf_sending_shared_bytes(int64_t rows, int64_t width);
size_t nf_sending_bytes(int64_t rows, int64_t columns, int64_t width);
/* gauge, rows, columns, first and width are given. memory: so many bytes, or NULL. Free it in any
 * case. NF_ERR_MEMORY. */
nf_status nf_sending_create(nf_sending *sending, void *memory);
void nf_sending_free(nf_sending *sending);

/* Moves the block, whose contents are other ones each time, and looks at every cell of rank 1
 * afterwards: those outside the block must be 0, as they were. Returns on rank 0 the seconds, and
 * adds to `wrong`. The last two ways need memory that both see. */
double nf_sending_run(nf_sending *sending, nf_sending_way way);

void nf_cost_send(nf_sending *sending, nf_sending_way way, nf_cost *cost);

#endif
