#include "drivers/study/bottleneck.h"

#include <math.h>
#include <string.h>

/* The highest ceiling in this unit with the point's ranks and threads, in traffic; 0: not measured. */
static double find_ceiling(const nf_study *study, const nf_sample *of, const char *const *names,
                           size_t n)
{
    double most = 0;
    for (size_t i = 0; i < study->nceilings; i++) {
        const nf_ceiling *c = &study->ceilings[i];
        for (size_t k = 0; k < n && c->ranks == of->ranks && c->threads == of->threads; k++)
            if (strcmp(c->what, names[k]) == 0)
                most = fmax(most, c->best * c->factor);
    }
    return most;
}

nf_roof nf_roof_of(const nf_study *study, const nf_sample *of)
{
    static const char *const memory[] = {"read", "copy", "triad"}, *const peak[] = {"f32", "f64"};
    if (of->waits)
        return (nf_roof){0, 0};
    return (nf_roof){find_ceiling(study, of, memory, 3),
                     find_ceiling(study, of, of->shape.dtype == NF_F64 ? peak + 1 : peak, 1)};
}

static void compare_with_roof(const nf_study *study, const nf_point *point, nf_bottleneck *b)
{
    nf_roof roof = nf_roof_of(study, point->of);
    if (roof.bandwidth > 0)
        b->bandwidth = point->of->moved / point->seconds / roof.bandwidth;
    if (roof.flops > 0)
        b->flops = point->of->flops / point->seconds / roof.flops;
}

nf_bottleneck nf_bottleneck_of(const nf_study *study, const nf_point *point, const nf_point *base)
{
    const nf_phases *p = &point->phases;
    nf_bottleneck b = {.efficiency = point->efficiency, .waits = point->of->waits};
    if (base == NULL || point->base == NULL || !nf_point_counts(point) || !nf_point_counts(base))
        return b;
    const double work =
        point->of->scaling == NF_STRONG ? 1 : (double)point->of->work / (double)base->of->work;
    const double ideal = base->phases.compute * work * nf_point_share(point);
    const double losses[NF_LOSSES] = {p->halo, p->fold,    p->wait,
                                      p->idle, p->runtime, p->compute - ideal};
    b.known = true;
    for (int k = 0; k < NF_LOSSES; k++)
        if (losses[k] / point->seconds > b.share) {
            b.share = losses[k] / point->seconds;
            b.largest = (nf_loss)k;
        }
    const double more = (1 + point->of->repeated) / (1 + base->of->repeated) - 1;
    b.repeated = fmax(fmin(ideal * more, p->compute - ideal), 0) / point->seconds;
    const nf_interval *speedup = &point->speedup_interval;
    double most = speedup->known ? speedup->high * nf_point_share(point) : point->efficiency;
    b.limited = !b.waits && 100 * most < NF_GOOD && 100 * b.share >= NF_LEAST_LOSS;
    compare_with_roof(study, point, &b);
    return b;
}

bool nf_bound_by_memory(const nf_bottleneck *b)
{
    return b->known && 100 * b->bandwidth >= NF_BOUND &&
           (!b->limited || b->largest == NF_LOSS_SLOWER);
}
