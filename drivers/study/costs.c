#include "drivers/study/costs.h"

#include <stdlib.h>

#include "drivers/engine/team.h"
#include "drivers/study/sampling.h"
#include "drivers/study/stats.h"

enum { INTERVAL_SAMPLES = 6, MOST_BUDGETS = 4 };

nf_status nf_gauge_open(const nf_world *part, int nodes, bool near, bool crowded, double budget,
                        nf_gauge *g)
{
    *g = (nf_gauge){.part = part, .nodes = nodes, .budget = budget};
    g->samples = calloc(NF_MOST, sizeof *g->samples);
    g->spans = calloc((size_t)part->size, sizeof *g->spans);
    bool fine = g->samples != NULL && g->spans != NULL;
    nf_status status =
        nf_agree(part, fine ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for samples of costs"));
    if (status == NF_OK && !crowded)
        g->common = nf_window_open(part, near, &g->window);
    return status;
}

void nf_gauge_close(nf_gauge *g)
{
    free(g->samples);
    free(g->spans);
    *g = (nf_gauge){.part = NULL};
}

double nf_gauge_start(const nf_gauge *g)
{
    double late;
    if (g->common)
        return nf_window_wait(g->part, &g->window, &late);
    nf_barrier(g->part);
    return nf_seconds();
}

double nf_gauge_stop(const nf_gauge *g, double start, double end)
{
    double mine[2] = {start + g->window.offset, end + g->window.offset};
    nf_gather(g->part, mine, g->spans, sizeof mine);
    double first = g->spans[0][0], last = g->spans[0][1];
    for (int rank = 1; g->part->rank == 0 && rank < g->part->size; rank++) {
        first = g->spans[rank][0] < first ? g->spans[rank][0] : first;
        last = g->spans[rank][1] > last ? g->spans[rank][1] : last;
    }
    return last - first;
}

static void summarise(const nf_gauge *g, size_t n, nf_cost *cost)
{
    nf_interval interval = nf_median_interval(g->samples, n, 0.95);
    cost->n = (int)n;
    cost->value = nf_median(g->samples, n);
    cost->low = interval.known ? interval.low : 0;
    cost->high = interval.known ? interval.high : 0;
}

void nf_gauge_sample(const nf_gauge *g, nf_gauge_task *task, void *context, nf_cost *cost)
{
    const nf_sampling rule = {0.05, 0};
    nf_end end = NF_END_NONE;
    task(context);
    double start = nf_seconds();
    size_t n = 0;
    while (end == NF_END_NONE) {
        g->samples[n++] = task(context);
        double budget = g->budget * (n < INTERVAL_SAMPLES ? MOST_BUDGETS : 1);
        if (g->part->rank == 0)
            end = nf_sampling_over(&rule, g->samples, n, nf_seconds() - start >= budget);
        nf_broadcast(g->part, &end, sizeof end, 0);
    }
    if (g->part->rank == 0)
        summarise(g, n, cost);
}
