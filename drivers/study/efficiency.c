#include "drivers/study/efficiency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double nf_karp_flatt(double speedup, double p)
{
    return (1 / speedup - 1 / p) / (1 - 1 / p);
}

double nf_karp_flatt_from(double ratio, double p0, double p)
{
    return (ratio / p0 - 1 / p) / (1 - 1 / p - ratio * (1 - 1 / p0));
}

double nf_gustafson(double scaled_speedup, double p)
{
    return (p - scaled_speedup) / (p - 1);
}

nf_interval nf_serial_interval(double (*fraction)(double, double), nf_interval speedup, double p)
{
    return (nf_interval){fraction(speedup.high, p), fraction(speedup.low, p), speedup.known};
}

nf_interval nf_efficiency_interval(nf_interval speedup, double p)
{
    return (nf_interval){speedup.low / p, speedup.high / p, speedup.known};
}

nf_roofline nf_roofline_at(double flops, double bytes, double seconds, double peak,
                           double bandwidth)
{
    nf_roofline at = {.intensity = flops / bytes, .rate = flops / seconds};
    at.memory_bound = at.intensity * bandwidth < peak;
    at.roof = at.memory_bound ? at.intensity * bandwidth : peak;
    at.share = at.rate / at.roof;
    return at;
}

nf_efficiencies nf_efficiencies_of(const double *useful, size_t ranks, size_t threads, double wall,
                                   double critical, double io, double reference)
{
    nf_efficiencies e = {0};
    double sum = 0, most = 0, slowest = 0; /* slowest: the sum over the ranks of their largest */
    for (size_t i = 0; i < ranks; i++) {
        double largest = 0;
        for (size_t t = 0; t < threads; t++) {
            const double u = useful[i * threads + t];
            sum += u;
            largest = u > largest ? u : largest;
            if (u > most) {
                most = u;
                e.slowest_rank = i;
                e.slowest_thread = t;
            }
        }
        slowest += largest;
    }
    const double mean = sum / (double)(ranks * threads);
    e.parallel = mean / wall;
    e.balance = mean / most;
    e.balance_ranks = slowest / (double)ranks / most;
    e.balance_threads = e.balance / e.balance_ranks;
    e.serialisation = most / critical;
    e.transfer = critical / (wall - io);
    e.io = (wall - io) / wall;
    e.computation = reference / sum;
    e.global = e.parallel * e.computation;
    return e;
}

static double largest(const double *values, size_t n)
{
    double most = values[0];
    for (size_t i = 1; i < n; i++)
        most = fmax(most, values[i]);
    return most;
}

double nf_critical_bulk(const double *of, size_t steps, size_t ranks)
{
    double sum = 0;
    for (size_t s = 0; s < steps; s++)
        sum += largest(of + s * ranks, ranks);
    return sum;
}

nf_status nf_critical_chain(const double *of, size_t steps, size_t ranks, const int *neighbours,
                            size_t each, double *critical)
{
    double *ready = calloc(2 * ranks, sizeof *ready), *next = ready + ranks;
    if (ready == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the critical path of %zu ranks", ranks);
    for (size_t s = 0; s < steps; s++) {
        for (size_t i = 0; i < ranks; i++) {
            double from = ready[i];
            for (size_t k = 0; k < each; k++) {
                const int other = neighbours[i * each + k];
                from = other >= 0 ? fmax(from, ready[other]) : from;
            }
            next[i] = of[s * ranks + i] + from;
        }
        memcpy(ready, next, ranks * sizeof *ready);
    }
    *critical = largest(ready, ranks);
    free(ready);
    return NF_OK;
}
