/* efficiency.h - what a scaling study's times say of the efficiency. Pure functions. */
#ifndef NF_EFFICIENCY_H
#define NF_EFFICIENCY_H

#include "drivers/engine/status.h"
#include "drivers/study/stats.h"

/* ---- serial fractions ---- */

/* Karp & Flatt, CACM 33(5), 1990: the serial fraction that a speed-up on p > 1 workers amounts to. */
double nf_karp_flatt(double speedup, double p);
/* The same where the base has p0 workers: ratio = T(p)/T(p0), p > p0 >= 1. */
double nf_karp_flatt_from(double ratio, double p0, double p);
/* Gustafson, CACM 31(5), 1988: the serial share s of scaled speed-up p - s(p - 1), p > 1. */
double nf_gustafson(double scaled_speedup, double p);
/* Either falls as the speed-up grows: the interval of it, [f(high), f(low)]. */
nf_interval nf_serial_interval(double (*fraction)(double, double), nf_interval speedup, double p);

/* Of a speed-up's interval, the efficiency's. */
nf_interval nf_efficiency_interval(nf_interval speedup, double p);

/* ---- roofline (Williams, Waterman & Patterson, CACM 52(4), 2009) ---- */

typedef struct nf_roofline {
    double intensity;  /* flops a byte */
    double rate;       /* flops a second reached */
    double roof;       /* the most: min(peak, intensity * bandwidth) */
    double share;      /* rate / roof */
    bool memory_bound; /* left of the ridge, where the roof is the bandwidth's */
} nf_roofline;

/* flops and bytes (write-allocate counted by the caller) of one run, its time; ceilings in flops and
 * bytes a second. All positive. */
nf_roofline nf_roofline_at(double flops, double bytes, double seconds, double peak,
                           double bandwidth);

/* ---- efficiencies of a run: POP's, for ranks with threads ----
 *
 * useful[i * threads + t]: useful seconds of thread t of rank i. wall: the run's time T, `io` of it
 * input and output (a category of its own, neither useful nor communication). critical: the critical
 * path Tc, the time on a network that costs nothing. reference: the sum of the useful times of the
 * base, for the same work. Multiplicative (POP Centre of Excellence; hybrid as Gimenez et al.):
 *
 *   global = parallel * computation         computation = reference / sum U
 *   parallel = mean U / T = balance * serialisation * transfer * io
 *   balance = mean U / max U = ranks * threads: ranks = mean over i of (max over t of U) / max U
 *   serialisation = max U / Tc, transfer = Tc / (T - io), io = (T - io) / T
 */
typedef struct nf_efficiencies {
    double global, parallel, balance, balance_ranks, balance_threads, serialisation, transfer, io,
        computation;
    size_t slowest_rank, slowest_thread; /* where max U is */
} nf_efficiencies;

nf_efficiencies nf_efficiencies_of(const double *useful, size_t ranks, size_t threads, double wall,
                                   double critical, double io, double reference);

/* ---- critical paths, from the seconds of each step on each rank: of[s * ranks + i] ---- */

/* Steps that all wait for one another: the sum over the steps of the slowest rank's. */
double nf_critical_bulk(const double *of, size_t steps, size_t ranks);

/* Steps that wait for the neighbours alone, as halos do: r_i(s) = of_i(s) + the largest r(s-1) of i and
 * its neighbours; the largest r at the end. neighbours[i * each + k]: the k-th of rank i, -1: none.
 * Errors: NF_ERR_MEMORY. */
nf_status nf_critical_chain(const double *of, size_t steps, size_t ranks, const int *neighbours,
                            size_t each, double *critical);

#endif
