#include "drivers/study/efficiency.h"

#include <math.h>
#include <stdlib.h>

double nf_karp_flatt_from(double ratio, double p0, double p)
{
    return (ratio / p0 - 1 / p) / (1 - 1 / p - ratio * (1 - 1 / p0));
}

double nf_gustafson(double scaled_speedup, double p)
{
    return (p - scaled_speedup) / (p - 1);
}

const char *const nf_efficiency_names[] = {
    "global",        "parallel", "balance",    "balance of ranks", "balance of threads",
    "serialisation", "transfer", "computation"};

void nf_efficiencies_of(const nf_balance *balance, int workers, double seconds, double reference,
                        double of[NF_EFFICIENCIES])
{
    const double mean = balance->useful / workers, most = balance->most;
    const double critical = balance->chain > 0 ? balance->chain : balance->bulk;
    of[NF_PARALLEL] = mean / seconds;
    of[NF_BALANCE] = mean / most;
    of[NF_BALANCE_RANKS] = balance->rank_most / most;
    of[NF_BALANCE_THREADS] = mean / balance->rank_most;
    of[NF_SERIALISATION] = critical > 0 ? most / critical : NAN;
    of[NF_TRANSFER] = critical > 0 ? critical / seconds : NAN;
    of[NF_COMPUTATION] = reference > 0 ? reference / balance->useful : NAN;
    of[NF_GLOBAL] = of[NF_PARALLEL] * of[NF_COMPUTATION];
}

/* The median of the useful seconds of a point's samples; 0: a sample has no balance. */
static double useful_of(const nf_study *study, const nf_point *point, double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *sample = &study->samples[i];
        if (!nf_sample_same_point(sample, point->of))
            continue;
        if (!sample->balance.known)
            return 0;
        values[n++] = sample->balance.useful;
    }
    return nf_median(values, n);
}

/* The rank that most of the point's samples name; of several the lowest. */
static int find_slowest(const nf_study *study, const nf_point *point)
{
    size_t most = 0;
    int slowest = 0;
    for (int rank = 0; rank < point->of->ranks; rank++) {
        size_t n = 0;
        for (size_t i = 0; i < study->nsamples; i++)
            n += study->samples[i].balance.slowest == rank &&
                 nf_sample_same_point(&study->samples[i], point->of);
        if (n > most) {
            most = n;
            slowest = rank;
        }
    }
    return slowest;
}

/* One efficiency of all samples into values[]; returns how many there are; 0: one is not known. */
static size_t gather(const nf_study *study, const nf_point *point, double reference,
                     nf_efficiency which, double *values)
{
    const nf_sample *of = point->of;
    size_t n = 0;
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *sample = &study->samples[i];
        double all[NF_EFFICIENCIES];
        if (!nf_sample_same_point(sample, of))
            continue;
        nf_efficiencies_of(&sample->balance, of->ranks * of->threads, sample->seconds, reference,
                           all);
        if (isnan(all[which]))
            return 0;
        values[n++] = all[which];
    }
    return n;
}

nf_status nf_point_efficiencies(const nf_study *study, const nf_point *point, const nf_point *base,
                                nf_efficiencies *efficiencies)
{
    double *values = calloc(study->nsamples + 1, sizeof *values);
    *efficiencies = (nf_efficiencies){.known = false};
    if (values == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the efficiencies of a point");
    efficiencies->io = point->phases.io / (point->phases.io + point->seconds);
    efficiencies->known = useful_of(study, point, values) > 0;
    if (efficiencies->known) {
        double reference = base != NULL ? useful_of(study, base, values) : 0;
        if (base != NULL && point->of->scaling == NF_WEAK)
            reference *= (double)point->of->work / (double)base->of->work;
        efficiencies->slowest = find_slowest(study, point);
        for (int k = 0; k < NF_EFFICIENCIES; k++) {
            size_t n = gather(study, point, reference, (nf_efficiency)k, values);
            efficiencies->of[k] = n > 0 ? nf_median(values, n) : NAN;
            efficiencies->interval[k] =
                n > 0 ? nf_median_interval(values, n, 0.95) : (nf_interval){NAN, NAN, false};
        }
    }
    free(values);
    return NF_OK;
}
