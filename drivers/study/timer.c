#include "drivers/study/timer.h"

#include <math.h>

#include "drivers/engine/team.h"
#include "drivers/study/stats.h"

enum { ROUNDS = 101, READINGS = 64 };

/* From one reading to the next that differs. */
static double tick(void)
{
    double first = nf_seconds(), next = first;
    while (!(next > first))
        next = nf_seconds();
    return next - first;
}

static double reading(void)
{
    double start = nf_seconds(), end = start;
    for (int i = 0; i < READINGS; i++)
        end = nf_seconds();
    return (end - start) / READINGS;
}

nf_timer nf_timer_measure(void)
{
    double ticks[ROUNDS], readings[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        ticks[i] = tick();
        readings[i] = reading();
    }
    return (nf_timer){nf_median(ticks, ROUNDS), nf_median(readings, ROUNDS)};
}

int nf_timer_runs(const nf_timer *timer, double seconds)
{
    /* An interval takes two readings, half of each within it. */
    double least = fmax(20 * timer->overhead, 10 * timer->resolution);
    double runs = seconds > 0 ? ceil(least / seconds) : NF_MAX_RUNS;
    return (int)fmin(fmax(runs, 1), NF_MAX_RUNS);
}
