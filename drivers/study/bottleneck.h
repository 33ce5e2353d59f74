/* bottleneck.h - what keeps a point from its ideal time, by rules on its numbers. Pure functions. */
#ifndef NF_BOTTLENECK_H
#define NF_BOTTLENECK_H

#include "drivers/study/points.h"

/* Where the time of p workers goes that p times one worker's speed would not take (of a base of more
 * workers: p / p0 times theirs). */
typedef enum nf_loss {
    NF_LOSS_HALO,    /* exchanging halos */
    NF_LOSS_FOLD,    /* folding partial results */
    NF_LOSS_WAIT,    /* ranks that wait for the slowest one */
    NF_LOSS_IDLE,    /* threads that wait for the slowest of their rank */
    NF_LOSS_RUNTIME, /* starting and joining threads, and what one does alone */
    NF_LOSS_SLOWER,  /* tiles that take longer than those of one worker: memory, caches, clock */
    NF_LOSSES
} nf_loss;

typedef struct nf_bottleneck {
    bool known;        /* the point counts, and has a base that does */
    bool waits;        /* it waits for files, whatever its efficiency: never limited, no ceiling */
    double efficiency; /* the point's */
    bool limited;    /* the efficiency is shown to be under NF_GOOD (its interval's upper end, where
                               there is one), and some loss is at least NF_LEAST_LOSS */
    nf_loss largest; /* loss */
    double share;    /* of the point's time; SLOWER: how much of it the base's tiles would not
                               take */
    double repeated; /* of the point's time, for arithmetic done more than once beyond what the base
                               does; part of SLOWER's; 0: none, or unknown */
    double bandwidth; /* traffic a second, as a share of the highest that reading, copying or the
                               triad reached with these workers; 0: unknown */
    double flops;     /* nominal operations a second, as a share of the peak's; 0: unknown */
} nf_bottleneck;

/* Percent. NF_WORTH: workers are worth while at least this much of them is used: at the knee of
 * efficiency against time it is at least a half (Eager, Zahorjan & Lazowska, IEEE Trans. Computers 38,
 * 1989). NF_BOUND: from this share of a ceiling on, the ceiling is named. */
enum { NF_GOOD = 90, NF_LEAST_LOSS = 3, NF_WORTH = 50, NF_BOUND = 60 };

/* The most that as many ranks and threads as the sample's reached: bytes of traffic a second by reading,
 * copying or the triad, and operations a second of its type. 0: not measured, or the kernel waits. */
typedef struct nf_roof {
    double bandwidth, flops;
} nf_roof;
nf_roof nf_roof_of(const nf_study *study, const nf_sample *of);

/* base: the point that `point` is compared with (NULL: none). */
nf_bottleneck nf_bottleneck_of(const nf_study *study, const nf_point *point, const nf_point *base);

/* Whether memory is what the tiles wait for: the largest loss is SLOWER, or there is none, and the traffic
 * reaches NF_BOUND. */
bool nf_bound_by_memory(const nf_bottleneck *bottleneck);

#endif
