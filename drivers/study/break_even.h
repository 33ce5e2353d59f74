/* break_even.h - the size from which more workers are faster than one: which sizes to try, and what
 * follows from the times. Pure functions.
 *
 * Sizes are the rungs of a ladder that is fixed beforehand. A climb in long steps finds about where
 * the others begin to win. The rungs there then get fresh samples, in random order; where one worker
 * is not shown to be faster from the lowest of them on, or the others are not up to the highest, more
 * rungs on that side do, too.
 *
 * The interval of the break-even size B takes for granted that the median of the ratios crosses 1
 * once, and that samples are independent; it asks for no distribution and no shape of the curve. If B
 * lay at rung i or above, the others would win at most half of the samples of all rungs up to i: a
 * sign test of rung i, of it and the two below, and of it and the eight below, each with a third of
 * the error, may refute that. Such tests from the highest rung down, up to the first that refutes
 * nothing, need no correction for their number (Hsu & Berger, Stepwise confidence intervals without
 * multiplicity adjustment, JASA 94, 1999), and B lies at or above the end that they lead to, as its
 * upper bound, with a probability of at most 2.5%. From the lowest rung up likewise.
 *
 * B itself is where the isotonic regression of the medians' logarithms, in straight lines over the
 * logarithm of the size, crosses 0 (as Stylianou & Flournoy, Biometrics 58, 2002, estimate a dose). */
#ifndef NF_BREAK_EVEN_H
#define NF_BREAK_EVEN_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/engine/status.h"

enum { NF_RUNG_SAMPLES = 20 };

typedef struct nf_rung {
    double size;
    double ratios[NF_RUNG_SAMPLES]; /* the time of one worker to that of the others */
    size_t n;
    bool fresh; /* not of the climb, which they would have ended or not: they may prove something */
} nf_rung;

typedef struct nf_break_even {
    double value;     /* 0: the others are not faster on any rung; the lowest rung's size: they are
                         on all */
    double low, high; /* 95% interval; 0 for an end that lies beyond the rungs that were tried */
    double largest;   /* that was tried; 0: none was */
    size_t n;         /* samples */
} nf_break_even;

/* Of rungs in ascending order, those without samples left out. Sorts their ratios. */
nf_break_even nf_break_even_of(nf_rung *rungs, size_t count);

/* A search for it. */
typedef struct nf_ladder {
    nf_rung *rungs; /* [count]; owned */
    size_t *order;  /* [count]; owned */
    size_t count;
    uint64_t seed;
    size_t low,
        high; /* the rungs that get samples, both included; of a climb, the first that has been
                         won without a break, and the one that it has come to */
    bool climbing;
} nf_ladder;

/* count >= 1 sizes, ascending. Free it also after an error. NF_ERR_MEMORY. */
nf_status nf_ladder_make(nf_ladder *ladder, const double *sizes, size_t count, uint64_t seed);
void nf_ladder_free(nf_ladder *ladder);

/* The number of the rung that is to be tried next, -1: no more; and what came of it, n >= 1 samples, of
 * which as many are kept as it has use for. */
int64_t nf_ladder_next(nf_ladder *ladder);
void nf_ladder_tell(nf_ladder *ladder, int64_t rung, const double *ratios, size_t n);

/* Whether every rung that gets samples has so many that an interval is likely. */
bool nf_ladder_suffices(const nf_ladder *ladder);

#endif
