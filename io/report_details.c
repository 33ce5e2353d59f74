/* What a point's tables show beside its time: efficiencies, serial fraction, share of the roof, cost. */
#include <math.h>
#include <stdlib.h>

#include "drivers/study/bottleneck.h"
#include "io/report_parts.h"

/* Strong: Karp and Flatt's, from any base. Weak: Gustafson's, from one worker. */
static double serial_of(const nf_point *point, double speedup)
{
    double p = nf_point_workers(point), p0 = nf_point_workers(point->base);
    if (point->of->scaling == NF_STRONG)
        return nf_karp_flatt_from(1 / speedup, p0, p);
    return p0 <= 1 ? nf_gustafson(speedup, p) : NAN;
}

static void find_serial(const nf_point *point, nf_detail *detail)
{
    const nf_interval *speedup = &point->speedup_interval;
    detail->serial = NAN;
    if (!point->valid || point->base == NULL ||
        nf_point_workers(point) <= nf_point_workers(point->base))
        return;
    detail->serial = serial_of(point, point->speedup);
    detail->serial_interval = (nf_interval){serial_of(point, speedup->high),
                                            serial_of(point, speedup->low), speedup->known};
}

static void find_roof(const nf_study *study, const nf_point *point, nf_detail *detail)
{
    const nf_sample *of = point->of;
    detail->roof = nf_roof_of(study, of);
    detail->bandwidth = of->moved / point->seconds;
    detail->flops = of->flops / point->seconds;
    if (detail->roof.bandwidth > 0)
        detail->memory_share = detail->bandwidth / detail->roof.bandwidth;
    if (detail->roof.flops > 0)
        detail->flops_share = detail->flops / detail->roof.flops;
    double by_memory = detail->memory_share > 0 ? of->moved / detail->roof.bandwidth : 0;
    double by_flops = detail->flops_share > 0 ? of->flops / detail->roof.flops : 0;
    detail->least = fmax(by_memory, by_flops);
}

static void find_samples(const nf_study *study, const nf_point *point, nf_detail *detail)
{
    int last = -1;
    detail->shortest = INFINITY;
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *sample = &study->samples[i];
        if (!nf_sample_same_point(sample, point->of))
            continue;
        int runs = sample->runs > 0 ? sample->runs : 1;
        detail->launches += sample->launch != last;
        last = sample->launch;
        detail->end = sample->end != NF_END_NONE ? sample->end : detail->end;
        detail->shortest = fmin(detail->shortest, sample->seconds * runs);
    }
}

nf_status nf_report_detail(nf_report *report, size_t n)
{
    report->details = calloc(n, sizeof *report->details);
    if (report->details == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the report's tables");
    nf_status status = NF_OK;
    for (size_t i = 0; i < n && status == NF_OK; i++) {
        const nf_point *point = &report->points[i];
        nf_detail *detail = &report->details[i];
        status = nf_point_efficiencies(report->study, point, point->base, &detail->pop);
        detail->core_hours = point->seconds * nf_point_workers(point) / 3600;
        if (point->base != NULL) {
            double share = nf_point_share(point);
            detail->efficiency =
                (nf_interval){point->speedup_interval.low * share,
                              point->speedup_interval.high * share, point->speedup_interval.known};
        }
        find_serial(point, detail);
        find_roof(report->study, point, detail);
        find_samples(report->study, point, detail);
    }
    return status;
}

nf_row nf_report_row(const nf_report *report, const nf_point *point)
{
    return (nf_row){point, &report->details[point - report->points]};
}
