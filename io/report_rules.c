/* How it was measured; and Hoefler and Belli's twelve rules (Scientific Benchmarking of Parallel Computing
 * Systems, SC'15), each with how this very study meets it, or that it does not. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_parts.h"

/* ---- the method ---- */

const char *const nf_method[] = {
    "Time: of one run, on a monotonic clock, from a barrier until the last rank was done. Reading "
    "or "
    "filling the input is not part of it and is shown as I/O.",
    "Summary: the median of n runs and its exact 95% interval from binomial ranks, without any "
    "assumption of a distribution; it needs n of at least 6. Runs of one launch are taken as "
    "independent; where they are not, the interval is too narrow.",
    "Base: the same program with the fewest workers that gave the serial bits, p0 (one rank and "
    "one "
    "thread where the study has that point); its absolute time stands in the tables. It is no "
    "separately tuned serial program.",
    "Strong scaling: S = T(p0)/T(p). Weak scaling, by rate: S = [W(p)/T(p)] / [W(p0)/T(p0)], W "
    "being the work. Efficiency: S p0/p, p being ranks times threads.",
    "Interval of a speed-up: from the medians' intervals [L, U], [L(p0)/U(p), U(p0)/L(p)]; wider "
    "than "
    "95% needs. Two points differ only where their intervals are apart.",
    "Each speed-up is one quotient of two medians; no ratios are averaged, no kernels are summed "
    "up.",
    "Phases: medians over the runs of the mean over the ranks, as shares of their sum, the "
    "run. Wait: ready, until the last rank was ready. Idle: threads that had done their tiles, "
    "until the last of their rank had. Runtime: starting and joining threads, and what one thread "
    "does between.",
    "Valid: the result equals the one-worker result bit for bit and its independent check passed. "
    "Invalid points are listed, never drawn, and nothing is derived from them.",
    "Oversubscribed: more workers than cores that may be used. Such points are listed and left out "
    "of "
    "every conclusion. Not so those of a kernel that waits for files longer than it computes: more "
    "threads than cores are no mistake there, the fastest point is its best whatever its "
    "efficiency, and "
    "no ceiling of processor or memory is its bound.",
    "The opening sentences: a limit is named where the efficiency with the most workers that count "
    "is "
    "shown to be under 90%, by the largest share of the time that goes into halos, folds, waiting, "
    "the "
    "threads' runtime or slower tiles (memory: from 60% of the bandwidth on that was measured with "
    "as many "
    "workers); workers are worth it at an efficiency of 50% or more.",
    "Models (Amdahl or Gustafson, logarithm, USL, PMNF; from 4 numbers of workers on) are fitted "
    "to relative "
    "errors of the fastest valid, not oversubscribed points; the simplest of those that foretell "
    "left-out "
    "points best is followed up to 4 times the most workers.",
    "Figures: the ideal line is the upper bound T(p0) p0/p (strong) or T(p0) p0 W(p)/(p W(p0)) "
    "(weak). "
    "Lines "
    "join points of threads alone or of ranks alone; other points are not joined.",
    NULL};

/* ---- what the rules are judged by ---- */

/* Of the points that count. */
typedef struct tally {
    size_t points, intervals, bases, roofs, launches, precise;
    size_t clocks[3];     /* samples, by nf_clock */
    double shortest;      /* interval that was timed, seconds */
    double first_seconds; /* of the first base */
    int most_base;        /* workers of the largest base */
} tally;

static void count_point(const nf_report *report, const nf_point *point, tally *t)
{
    const nf_detail *detail = nf_report_row(report, point).detail;
    t->points++;
    t->intervals += point->interval.known;
    t->roofs += detail->least > 0;
    t->precise += detail->end == NF_END_PRECISION;
    t->shortest = fmin(t->shortest, detail->shortest);
    t->launches = detail->launches > t->launches ? detail->launches : t->launches;
    if (point->base == NULL)
        return;
    t->bases++;
    t->most_base =
        nf_point_workers(point->base) > t->most_base ? nf_point_workers(point->base) : t->most_base;
    if (t->first_seconds <= 0)
        t->first_seconds = point->base->seconds;
}

static tally count(const nf_report *report)
{
    tally t = {.shortest = INFINITY};
    for (size_t i = 0; i < report->npoints; i++)
        if (nf_point_counts(&report->points[i]))
            count_point(report, &report->points[i], &t);
    for (size_t i = 0; i < report->study->nsamples; i++)
        t.clocks[report->study->samples[i].clock] += !report->study->samples[i].simulated;
    return t;
}

typedef enum verdict { NO, PARTLY, YES } verdict;

/* All of them: yes; some: partly. */
static verdict judge(size_t some, size_t all)
{
    return some == 0 ? NO : some < all ? PARTLY : YES;
}

static void rule(nf_sheet *sheet, const char *asks, verdict met, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void rule(nf_sheet *sheet, const char *asks, verdict met, const char *format, ...)
{
    static const char *const words[] = {[NO] = "no", [PARTLY] = "partly", [YES] = "yes"};
    static const char *const kinds[] = {[NO] = "unmet", [PARTLY] = "partly", [YES] = NULL};
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    nf_sheet_row(sheet, kinds[met]);
    nf_sheet_cell(sheet, "%zu", sheet->nrows);
    nf_sheet_cell(sheet, "%s", asks);
    nf_sheet_cell(sheet, "%s", words[met]);
    nf_sheet_cell(sheet, "%s", length < 0 ? "" : text);
    if (length >= 0)
        free(text);
}

/* ---- the rules ---- */

static void base_rule(nf_sheet *sheet, const tally *t)
{
    char time[NF_CELL];
    nf_seconds_text(t->first_seconds, 3, time);
    rule(sheet,
         "Say whether the base of a speed-up is one parallel process or the best serial code, "
         "and its absolute time",
         judge(t->bases, t->points),
         "%zu of %zu points that count have a base: the same program with %s; the first one's time "
         "is %s, the others stand in the tables. No separately tuned serial program was measured.",
         t->bases, t->points,
         t->most_base > 1 ? "the fewest workers of the study, named in each table" : "one worker",
         t->bases > 0 ? time : "not known");
}

static void subset_rule(nf_sheet *sheet, const nf_report *report)
{
    const char *kernels = nf_study_find(report->study, "why these kernels");
    rule(sheet, "Say why a subset of benchmarks or resources was chosen",
         kernels != NULL ? YES : NO, "%s",
         kernels != NULL
             ? kernels
             : "The study does not record why these kernels, sizes and workers were chosen: say "
               "so where you use it.");
}

static void interval_rule(nf_sheet *sheet, const nf_report *report, const tally *t)
{
    size_t invalid = nf_report_count(report, nf_point_invalid);
    rule(sheet, "Say whether values are deterministic; confidence intervals where they are not",
         judge(t->intervals, t->points),
         "Times are not: %zu of %zu points that count have a 95%% interval of the median (%zu "
         "reached "
         "the precision asked for). Results are: %zu of %zu points gave the serial bits.",
         t->intervals, t->points, t->precise, report->npoints - invalid, report->npoints);
}

static void comparison_rule(nf_sheet *sheet, const nf_report *report, const tally *t)
{
    const char *order = nf_study_find(report->study, "order of points");
    bool random = order != NULL && strstr(order, "random") != NULL;
    rule(sheet, "Compare by statistically sound means",
         t->intervals == t->points && random && t->launches > 1 ? YES
         : t->intervals > 0                                     ? PARTLY
                                                                : NO,
         "Points differ only where their intervals are apart. Order of points: %s. Launches: at "
         "most "
         "%zu a point%s.",
         order != NULL ? order : "not recorded", t->launches,
         t->launches > 1 ? "" : "; one launch does not show how far launches differ");
}

static void set_up_rule(nf_sheet *sheet, const nf_report *report)
{
    static const char *const needed[] = {
        "processor", "memory",         "operating system",      "compiler",
        "MPI",       "compiler flags", "nfold commit",          "nodes",
        "binding",   "input",          "cores that may be used"};
    enum { NEEDED = sizeof needed / sizeof *needed };
    char missing[256] = "";
    size_t used = 0, there = 0;
    for (size_t i = 0; i < NEEDED; i++) {
        bool known = nf_study_find(report->study, needed[i]) != NULL;
        there += known;
        if (!known && used < sizeof missing)
            used += (size_t)snprintf(missing + used, sizeof missing - used, "%s%s",
                                     used > 0 ? ", " : "", needed[i]);
    }
    rule(sheet, "Document every factor and the whole set-up", judge(there, NEEDED),
         "%zu facts and %zu settings are recorded, below and in the study's file. Missing: %s.",
         report->study->nfacts, report->study->nsettings,
         used > 0 ? missing : "none of those needed");
}

/* A reading of the clock must take under 5% of what is timed, and resolve a tenth of it. */
static void clock_rule(nf_sheet *sheet, const nf_report *report, const tally *t)
{
    const char *fact = nf_study_find(report->study, "timer");
    double resolution = 0, overhead = 0;
    char shortest[NF_CELL];
    bool known = fact != NULL && sscanf(fact, "resolution %lf ns, a reading takes %lf ns",
                                        &resolution, &overhead) == 2;
    bool fine = known && 1e-9 * overhead < 0.05 * t->shortest && 1e-8 * resolution <= t->shortest;
    nf_seconds_text(isfinite(t->shortest) ? t->shortest : 0, 3, shortest);
    rule(
        sheet, "Say how time was measured, synchronised and summarised",
        known && fine ? YES : PARTLY,
        "Samples begun at a common moment: %zu, after a barrier: %zu, not recorded: %zu; until the "
        "slowest rank is done; medians. Timer: %s; the shortest interval timed is %s: reading it "
        "takes %s than 5%% of that, and it is %s ten times finer.",
        t->clocks[NF_CLOCK_WINDOW], t->clocks[NF_CLOCK_BARRIER], t->clocks[NF_CLOCK_NONE],
        fact != NULL ? fact : "not recorded", shortest,
        !known                                 ? "nobody knows whether more"
        : 1e-9 * overhead < 0.05 * t->shortest ? "less"
                                               : "more",
        !known                             ? "not known to be"
        : 1e-8 * resolution <= t->shortest ? "at least"
                                           : "not");
}

static void bound_rule(nf_sheet *sheet, const nf_report *report, const tally *t)
{
    rule(sheet, "Show upper bounds",
         t->bases == 0                       ? NO
         : judge(t->roofs, t->points) == YES ? YES
                                             : PARTLY,
         "The ideal line stands in every figure of time; %zu of %zu points that count stand beside "
         "the "
         "roof of as many workers (%zu ceilings were measured).",
         t->roofs, t->points, report->study->nceilings);
}

static void plot_rule(nf_sheet *sheet, const nf_report *report)
{
    rule(
        sheet, "Plot what is needed, and join points only where a trend is meant",
        report->no_figures == NULL ? YES : NO, "%s",
        report->no_figures == NULL
            ? "Lines join points of threads alone or of ranks alone, by their number; other points "
              "are not joined. Samples are shown beside the medians; models are lines of their "
              "own, dashed where they are extrapolated."
            : "The figures are left out.");
}

static const nf_head heads[] = {
    {"Rule", true}, {"What it asks", false}, {"Met", false}, {"How, in this study", false}};

nf_sheet nf_rules_sheet(const nf_report *report)
{
    nf_sheet sheet = nf_sheet_of(heads, sizeof heads / sizeof *heads);
    tally t = count(report);
    base_rule(&sheet, &t);
    subset_rule(&sheet, report);
    rule(
        &sheet, "Arithmetic means for costs only, harmonic means for rates", YES,
        "No means over points or kernels are formed. Phases are means of times over the ranks of a "
        "run; rates are work by median time.");
    rule(&sheet, "Do not summarise ratios", YES,
         "Each speed-up, efficiency and share is one quotient of one point; none are averaged.");
    interval_rule(&sheet, report, &t);
    rule(&sheet, "Do not assume a normal distribution without a check", YES,
         "None is assumed: intervals are those of binomial ranks, bands of models are drawn from "
         "the "
         "samples themselves, and the samples are shown.");
    comparison_rule(&sheet, report, &t);
    rule(&sheet, "Choose the percentile that the question needs", YES,
         "The median: what a run typically takes, for cost and speed-up. For the slowest runs look "
         "at "
         "the figure of the samples.");
    set_up_rule(&sheet, report);
    clock_rule(&sheet, report, &t);
    bound_rule(&sheet, report, &t);
    plot_rule(&sheet, report);
    return sheet;
}
