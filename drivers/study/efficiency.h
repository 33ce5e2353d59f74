/* efficiency.h - what a scaling study's times say of the efficiency. Pure functions. */
#ifndef NF_EFFICIENCY_H
#define NF_EFFICIENCY_H

#include "drivers/engine/status.h"
#include "drivers/study/points.h"

/* ---- serial fractions ---- */

/* Karp & Flatt, CACM 33(5), 1990: the serial fraction that a time on p workers amounts to beside that on
 * p0: ratio = T(p)/T(p0), p > p0 >= 1. */
double nf_karp_flatt_from(double ratio, double p0, double p);
/* Gustafson, CACM 31(5), 1988: the serial share s of scaled speed-up p - s(p - 1), p > 1. */
double nf_gustafson(double scaled_speedup, double p);

/* ---- efficiencies of a run: POP's, multiplicative, for ranks with threads ----
 *
 * (POP Centre of Excellence, pop-coe.eu/node/69; ranks and threads apart as in its hybrid variant.)
 * U_ij is the useful time of thread j of rank i, T the run's time, Tc its critical path on a network
 * that costs nothing: the halo chain's where it is known, else that of steps which all wait for one
 * another. Input and output are outside T, a category of their own.
 *
 *   global = parallel * computation        computation = U of the base, for the same work / sum of U
 *   parallel = mean U / T = balance * serialisation * transfer
 *   balance = mean U / max U = ranks * threads, ranks = mean over i of (max over j of U_ij) / max U
 *   serialisation = max U / Tc             transfer = Tc / T
 */
typedef enum nf_efficiency {
    NF_GLOBAL,
    NF_PARALLEL,
    NF_BALANCE,
    NF_BALANCE_RANKS,
    NF_BALANCE_THREADS,
    NF_SERIALISATION,
    NF_TRANSFER,
    NF_COMPUTATION,
    NF_EFFICIENCIES
} nf_efficiency;

extern const char *const nf_efficiency_names[NF_EFFICIENCIES];

/* Of one run on so many workers in `seconds`; reference: useful seconds of the base for the same work,
 * 0: unknown. NAN: what cannot be known (no reference; no critical path). balance is known. */
void nf_efficiencies_of(const nf_balance *balance, int workers, double seconds, double reference,
                        double of[NF_EFFICIENCIES]);

typedef struct nf_efficiencies {
    bool known;                            /* every sample has a balance */
    double of[NF_EFFICIENCIES];            /* medians over the samples, each for itself */
    nf_interval interval[NF_EFFICIENCIES]; /* 95% of them */
    double io;                             /* input's share of the time with it: io / (io + T) */
    int slowest;                           /* the rank that was slowest most often */
} nf_efficiencies;

/* Of a point; base: what it is compared with (NULL: nothing), whose median is the reference, for weak scaling in
 * proportion to the work. Errors: NF_ERR_MEMORY. */
nf_status nf_point_efficiencies(const nf_study *study, const nf_point *point, const nf_point *base,
                                nf_efficiencies *efficiencies);

#endif
