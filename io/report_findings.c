#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_parts.h"

/* ---- sentences ---- */

static nf_status no_memory(void)
{
    return nf_fail(NF_ERR_MEMORY, "no memory for the report's findings");
}

/* Takes `about`. */
static nf_status add(nf_report *report, char *about, char *text)
{
    nf_finding *findings =
        text == NULL ? NULL
                     : reallocarray(report->findings, report->nfindings + 1, sizeof *findings);
    if (findings == NULL) {
        free(about);
        free(text);
        return no_memory();
    }
    report->findings = findings;
    findings[report->nfindings++] = (nf_finding){about, text};
    return NF_OK;
}

static const char *layout_words(const nf_point *point, char text[NF_CELL])
{
    return nf_workers_text(point->of->ranks, point->of->threads, text);
}

static void speedup_interval(const nf_point *point, FILE *out)
{
    const nf_interval *interval = &point->speedup_interval;
    if (interval->known)
        fprintf(out, " (95%% interval %.2f to %.2f)", interval->low, interval->high);
    else
        fputs(" (n<6: no interval)", out);
}

/* ---- rules ---- */

static size_t count_kernels(const nf_report *report)
{
    size_t n = 0;
    for (size_t g = 0; g < report->ngroups; g++)
        n += g == 0 || strcmp(report->groups[g].points[0]->of->kernel,
                              report->groups[g - 1].points[0]->of->kernel) != 0;
    return n;
}

static nf_status say_scope(const nf_report *report, FILE *out)
{
    size_t kernels = count_kernels(report);
    size_t counted = nf_report_count(report, nf_point_counts);
    size_t over = nf_report_count(report, nf_point_oversubscribed);
    size_t invalid = nf_report_count(report, nf_point_invalid);
    if (report->npoints == 0) {
        fputs(
            "Nothing was measured: all points are simulated, and stand in a section of their own.",
            out);
        return NF_OK;
    }
    fprintf(out, "%zu point%s of %zu kernel%s, %zu sample%s. ", report->npoints,
            report->npoints == 1 ? "" : "s", kernels, kernels == 1 ? "" : "s", report->nsamples,
            report->nsamples == 1 ? "" : "s");
    if (over + invalid == 0) {
        fputs("All points count: none is oversubscribed, none is invalid.", out);
        return NF_OK;
    }
    fprintf(out, "%zu count%s. ", counted, counted == 1 ? "s" : "");
    if (over > 0)
        fprintf(out, "%zu ask%s for more workers than there are cores (oversubscribed)", over,
                over == 1 ? "s" : "");
    if (invalid > 0)
        fprintf(out, "%s%zu gave another result than the serial kernel (invalid)",
                over > 0 ? " and " : "", invalid);
    fputs(": left out of every conclusion.", out);
    return NF_OK;
}

static nf_status say_studies(const nf_report *report, FILE *out)
{
    const char *files = nf_study_find(report->study, "studies shown together");
    const char *facts = nf_study_find(report->study, "facts that differ");
    fprintf(out, "Several studies are shown together: %s. ", files);
    if (facts != NULL)
        fprintf(out,
                "They differ in: %s. The first one's facts are shown; samples of the same point "
                "are put together all the same.",
                facts);
    else
        fputs("Their facts agree.", out);
    return NF_OK;
}

/* Strong: the greatest speed-up. Weak: the most workers, then the greatest speed-up. */
static bool better(const nf_point *a, const nf_point *b)
{
    if (a->of->scaling == NF_WEAK && nf_point_workers(a) != nf_point_workers(b))
        return nf_point_workers(a) > nf_point_workers(b);
    return a->speedup > b->speedup;
}

static const nf_point *find_best(const nf_group *group)
{
    const nf_point *best = NULL;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (nf_point_is_more(point) && (best == NULL || better(point, best)))
            best = point;
    }
    return best;
}

/* Of a kernel that waits, in the place of an efficiency. */
static void say_cores(const nf_point *point, FILE *out)
{
    int cores = point->of->cores;
    if (cores > 0)
        fprintf(out, ", on %d core%s", cores, cores == 1 ? "" : "s");
    fputs(": it waits for files", out);
}

static void say_scaling(const nf_group *group, FILE *out)
{
    char layout[NF_CELL], time[NF_CELL], one[NF_CELL], with[NF_CELL];
    const nf_point *base = nf_group_base(group), *best = find_best(group);
    if (base == NULL) {
        fputs("No valid point to compare the others with, hence no speed-up. ", out);
        return;
    }
    nf_seconds_text(base->seconds, 3, one);
    layout_words(base, with);
    if (best == NULL) {
        fprintf(out, "With %s: %s; no point with more workers counts. ", with, one);
        return;
    }
    layout_words(best, layout);
    nf_seconds_text(best->seconds, 3, time);
    if (best->of->scaling == NF_STRONG)
        fprintf(out, "Best with %s: %s against %s with %s, %.2f times as fast", layout, time, one,
                with, best->speedup);
    else
        fprintf(out, "With %s and as much work a worker: %s against %s, %.2f times the rate",
                layout, time, one, best->speedup);
    speedup_interval(best, out);
    if (best->of->waits)
        say_cores(best, out);
    else
        fprintf(out, ", efficiency %.0f%%", 100 * best->efficiency);
    const nf_interval *interval = &best->speedup_interval;
    if (interval->known && interval->high < 1)
        fputs(": slower than that", out);
    else if (interval->known && interval->low <= 1)
        fputs(": the interval includes 1, no speed-up is shown", out);
    fputs(". ", out);
}

static void say_ways(const nf_group *group, FILE *out)
{
    const nf_point *first = NULL, *second = NULL;
    char layout[NF_CELL], time[NF_CELL];
    for (size_t w = 0; w < 4; w++) {
        const nf_point *point = nf_group_best(group, nf_ways[w], false);
        if (point == NULL)
            continue;
        if (first == NULL || point->seconds < first->seconds) {
            second = first;
            first = point;
        } else if (second == NULL || point->seconds < second->seconds) {
            second = point;
        }
    }
    if (second == NULL)
        return;
    fprintf(out, "Fastest for the same work: %s (%s)", nf_point_way(first),
            nf_layout_text(first, layout));
    fprintf(out, ", then %s (%s) with %s; ", nf_point_way(second), nf_layout_text(second, layout),
            nf_seconds_text(second->seconds, 3, time));
    if (!first->interval.known || !second->interval.known)
        fputs("with n<6 no difference between the two is shown. ", out);
    else if (first->interval.high >= second->interval.low)
        fputs("their intervals overlap, no difference is shown. ", out);
    else
        fputs("their intervals are apart. ", out);
}

static void say_overhead(const nf_group *group, FILE *out)
{
    const char *name = NULL;
    const nf_point *at = NULL;
    double share = 0;
    char layout[NF_CELL];
    for (size_t i = 0; i < group->n; i++) {
        const nf_phases *phases = &group->points[i]->phases;
        const double sum = nf_phases_sum(phases);
        const double parts[] = {phases->halo, phases->fold, phases->wait, phases->idle,
                                phases->runtime};
        static const char *const names[] = {"halo", "fold", "wait", "idle", "runtime"};
        for (size_t k = 0;
             k < sizeof parts / sizeof *parts && sum > 0 && nf_point_counts(group->points[i]); k++)
            if (parts[k] / sum > share) {
                share = parts[k] / sum;
                name = names[k];
                at = group->points[i];
            }
    }
    if (at != NULL)
        fprintf(out, "Largest share not spent computing: %s, %.*f%% of the time with %s.", name,
                share < 0.0995 ? 1 : 0, 100 * share, layout_words(at, layout));
}

/* ---- all ---- */

char *nf_report_words(const nf_report *report, nf_report_writer *write)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    bool fine = write(report, out) == NF_OK;
    if (fclose(out) != 0 || !fine) {
        free(text);
        return NULL;
    }
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
    return text;
}

static nf_status add_general(nf_report *report, nf_report_writer *say)
{
    return add(report, NULL, nf_report_words(report, say));
}

static nf_status add_group(nf_report *report, const nf_group *group)
{
    char *text = NULL, *about = nf_group_text(group);
    size_t length = 0;
    FILE *out = about == NULL ? NULL : open_memstream(&text, &length);
    if (out == NULL) {
        free(about);
        return no_memory();
    }
    say_scaling(group, out);
    if (group->points[0]->of->scaling == NF_STRONG)
        say_ways(group, out);
    say_overhead(group, out);
    if (fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    while (text != NULL && length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
    return add(report, about, text);
}

nf_status nf_report_find(nf_report *report)
{
    nf_status status = NF_OK;
    if (report->ngroups > 0)
        status = add_general(report, nf_conclude);
    if (status == NF_OK)
        status = add_general(report, say_scope);
    if (status == NF_OK && nf_study_find(report->study, "studies shown together") != NULL)
        status = add_general(report, say_studies);
    for (size_t g = 0; status == NF_OK && g < report->ngroups; g++)
        status = add_group(report, &report->groups[g]);
    return status;
}
