#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_parts.h"

static const char none[] = "\u2013"; /* a dash: nothing to show */

/* ---- numbers ---- */

typedef struct unit {
    double size;
    const char *name;
} unit;

static unit unit_of(double seconds)
{
    static const unit units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "\u00b5s"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (seconds >= 0.99995 * units[i].size)
            return units[i];
    return (unit){1e-9, "ns"};
}

/* Decimals that show so many significant digits of a value. */
static int decimals(double value, int digits)
{
    int whole = value >= 1 ? (int)floor(log10(value) + 1e-9) + 1 : 1;
    return whole < digits ? digits - whole : 0;
}

const char *nf_seconds_text(double seconds, int digits, char text[NF_CELL])
{
    unit u = unit_of(seconds);
    double value = seconds / u.size;
    snprintf(text, NF_CELL, "%.*f %s", decimals(value, digits), value, u.name);
    return text;
}

const char *nf_interval_text(const nf_point *point, char text[NF_CELL])
{
    if (!point->interval.known) {
        snprintf(text, NF_CELL, "n<6");
        return text;
    }
    unit u = unit_of(point->seconds);
    int places = decimals(point->seconds / u.size, 4);
    snprintf(text, NF_CELL, "%.*f to %.*f", places, point->interval.low / u.size, places,
             point->interval.high / u.size);
    return text;
}

/* 1000000000 as "1e9", 25000000 as "2.5e7"; numbers with more digits in full. */
static void count_text(int64_t count, char *text, size_t size)
{
    int zeros = 0, digits = 1;
    int64_t lead = count;
    for (; lead != 0 && lead % 10 == 0; lead /= 10)
        zeros++;
    for (int64_t rest = lead; rest >= 10; rest /= 10)
        digits++;
    if (zeros < 3 || digits > 3)
        snprintf(text, size, "%" PRId64, count);
    else
        snprintf(text, size, "%.*fe%d", digits - 1, (double)lead / pow(10, digits - 1),
                 zeros + digits - 1);
}

const char *nf_size_text(const nf_shape *shape, char text[NF_SHAPE_TEXT])
{
    if (shape->dtype != NF_NONE)
        return nf_shape_text(shape, text);
    memcpy(text, "n=", 3);
    count_text(shape->dim[2], text + 2, NF_SHAPE_TEXT - 2);
    return text;
}

const char *nf_layout_text(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d\u00d7%d", point->of->ranks, point->of->threads);
    return text;
}

char *nf_group_text(const nf_group *group)
{
    const nf_sample *of = group->points[0]->of;
    char size[NF_SHAPE_TEXT], *text = NULL;
    int length = of->scaling == NF_STRONG
                     ? asprintf(&text, "%s, strong, %s", of->label, nf_size_text(&of->shape, size))
                     : asprintf(&text, "%s, weak", of->label);
    return length < 0 ? NULL : text;
}

/* ---- the columns of the points' tables ---- */

/* An invalid point shows its time, and nothing that is derived from it. */
static bool has_speedup(const nf_point *point)
{
    return point->valid && point->has_base;
}

static void cell_way(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%s", nf_point_way(point));
}

static void cell_ranks(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d", point->of->ranks);
}

static void cell_threads(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d", point->of->threads);
}

static void cell_nodes(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d", point->of->nodes);
}

static void cell_size(const nf_point *point, char text[NF_CELL])
{
    nf_size_text(&point->of->shape, text);
}

static void cell_n(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%zu", point->n);
}

static void cell_median(const nf_point *point, char text[NF_CELL])
{
    nf_seconds_text(point->seconds, 4, text);
}

static void cell_interval(const nf_point *point, char text[NF_CELL])
{
    nf_interval_text(point, text);
}

static void cell_speedup(const nf_point *point, char text[NF_CELL])
{
    if (has_speedup(point))
        snprintf(text, NF_CELL, "%.2f", point->speedup);
    else
        snprintf(text, NF_CELL, "%s", none);
}

static void cell_speedup_interval(const nf_point *point, char text[NF_CELL])
{
    const nf_interval *interval = &point->speedup_interval;
    if (!has_speedup(point))
        snprintf(text, NF_CELL, "%s", none);
    else if (nf_point_workers(point) == 1)
        snprintf(text, NF_CELL, "base");
    else if (!interval->known)
        snprintf(text, NF_CELL, "n<6");
    else
        snprintf(text, NF_CELL, "%.2f to %.2f", interval->low, interval->high);
}

static void cell_efficiency(const nf_point *point, char text[NF_CELL])
{
    if (has_speedup(point))
        snprintf(text, NF_CELL, "%.0f%%", 100 * point->efficiency);
    else
        snprintf(text, NF_CELL, "%s", none);
}

static void share_text(const nf_point *point, double seconds, char text[NF_CELL])
{
    double share = 100 * seconds / nf_phases_sum(&point->phases);
    if (!point->valid || !isfinite(share))
        snprintf(text, NF_CELL, "%s", none);
    else if (seconds > 0 && share < 0.05)
        snprintf(text, NF_CELL, "<0.1%%");
    else
        snprintf(text, NF_CELL, "%.1f%%", share);
}

static void cell_compute(const nf_point *point, char text[NF_CELL])
{
    share_text(point, point->phases.compute, text);
}

static void cell_halo(const nf_point *point, char text[NF_CELL])
{
    share_text(point, point->phases.halo, text);
}

static void cell_fold(const nf_point *point, char text[NF_CELL])
{
    share_text(point, point->phases.fold, text);
}

static void cell_wait(const nf_point *point, char text[NF_CELL])
{
    share_text(point, point->phases.wait, text);
}

static void cell_idle(const nf_point *point, char text[NF_CELL])
{
    share_text(point, point->phases.idle, text);
}

static void cell_runtime(const nf_point *point, char text[NF_CELL])
{
    share_text(point, point->phases.runtime, text);
}

static void cell_io(const nf_point *point, char text[NF_CELL])
{
    if (point->valid && point->phases.io > 0)
        nf_seconds_text(point->phases.io, 3, text);
    else
        snprintf(text, NF_CELL, "%s", none);
}

static const char *result_words(const nf_point *point)
{
    if (!point->valid)
        return "INVALID";
    return point->oversubscribed ? "oversubscribed" : "valid";
}

static void cell_result(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%s", result_words(point));
}

const nf_column nf_columns[] = {
    {"Way", false, cell_way},
    {"Ranks", true, cell_ranks},
    {"Threads", true, cell_threads},
    {"Nodes", true, cell_nodes},
    {"Size", true, cell_size},
    {"n", true, cell_n},
    {"Median", true, cell_median},
    {"95% interval", true, cell_interval},
    {"Speed-up", true, cell_speedup},
    {"95% interval", true, cell_speedup_interval},
    {"Efficiency", true, cell_efficiency},
    {"Compute", true, cell_compute},
    {"Halo", true, cell_halo},
    {"Fold", true, cell_fold},
    {"Wait", true, cell_wait},
    {"Idle", true, cell_idle},
    {"Runtime", true, cell_runtime},
    {"I/O", true, cell_io},
    {"Result", false, cell_result},
};
const size_t nf_ncolumns = sizeof nf_columns / sizeof *nf_columns;

/* ---- the four ways ---- */

const char *const nf_ways[4] = {"serial", "threads", "ranks", "hybrid"};

void nf_way_cell(const nf_group *group, const char *way, char text[NF_CELL])
{
    const nf_point *best = nf_group_best(group, way, true);
    char time[NF_CELL], layout[NF_CELL], speedup[32] = "";
    if (best == NULL) {
        snprintf(text, NF_CELL, "%s", none);
        return;
    }
    if (best->has_base && nf_point_workers(best) > 1)
        snprintf(speedup, sizeof speedup, ", %.2f times", best->speedup);
    snprintf(text, NF_CELL, "%.30s%s (%.30s)%s", nf_seconds_text(best->seconds, 3, time), speedup,
             nf_layout_text(best, layout), best->oversubscribed ? " oversubscribed" : "");
}

/* ---- the method ---- */

const char *const nf_method[] = {
    "Time: of one run, on a monotonic clock, from a barrier until the last rank was done. Reading "
    "or "
    "filling the input is not part of it and is shown as I/O.",
    "Summary: the median of n runs and its exact 95% interval from binomial ranks, without any "
    "assumption of a distribution; it needs n of at least 6. Runs of one launch are taken as "
    "independent; where they are not, the interval is too narrow.",
    "Base: the same program with one rank and one thread; its absolute time stands in the tables. "
    "It is no separately tuned serial program.",
    "Strong scaling: S = T(1)/T(p). Weak scaling, by rate: S = [W(p)/T(p)] / [W(1)/T(1)], W being "
    "the work. Efficiency: S/p, p being ranks times threads.",
    "Interval of a speed-up: from the medians' intervals [L, U], [L(1)/U(p), U(1)/L(p)]; wider "
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
    "every conclusion.",
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
    "Figures: the ideal line is the upper bound T(1)/p (strong) or T(1) W(p)/(p W(1)) (weak). "
    "Lines "
    "join points of threads alone or of ranks alone; other points are not joined.",
    NULL};

/* ---- CSV (RFC 4180) ---- */

void nf_csv_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

void nf_csv_number(FILE *out, bool known, double value)
{
    if (known)
        fprintf(out, ",%.12g", value);
    else
        putc(',', out);
}

static void csv_point(FILE *out, const nf_point *point)
{
    const nf_sample *of = point->of;
    const nf_phases *phases = &point->phases;
    char size[NF_SHAPE_TEXT];
    bool speedup = has_speedup(point), interval = point->interval.known;
    bool both = speedup && point->speedup_interval.known;
    nf_csv_string(out, of->label);
    putc(',', out);
    nf_csv_string(out, of->kernel);
    fprintf(out, ",%s,%s,%d,%d,%d,%d,", of->scaling == NF_STRONG ? "strong" : "weak",
            nf_point_way(point), of->nodes, of->ranks, of->threads, nf_point_workers(point));
    nf_csv_string(out, nf_size_text(&of->shape, size));
    fprintf(out, ",%" PRId64 ",%zu", of->work, point->n);
    nf_csv_number(out, true, point->seconds);
    nf_csv_number(out, interval, point->interval.low);
    nf_csv_number(out, interval, point->interval.high);
    nf_csv_number(out, point->valid, (double)of->work / point->seconds);
    nf_csv_number(out, speedup, point->speedup);
    nf_csv_number(out, both, point->speedup_interval.low);
    nf_csv_number(out, both, point->speedup_interval.high);
    nf_csv_number(out, speedup, point->efficiency);
    const double times[] = {phases->compute, phases->halo,    phases->fold, phases->wait,
                            phases->idle,    phases->runtime, phases->io};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        nf_csv_number(out, true, times[i]);
    fprintf(out, ",%d,%d,%d\r\n", point->valid, point->oversubscribed, nf_point_counts(point));
}

nf_status nf_report_csv(const nf_report *report, FILE *out)
{
    fputs("label,kernel,scaling,way,nodes,ranks,threads,workers,size,work,n,median_s,low_s,high_s,"
          "work_per_s,speedup,speedup_low,speedup_high,efficiency,compute_s,halo_s,fold_s,wait_s,"
          "idle_s,runtime_s,io_s,valid,oversubscribed,counts\r\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++)
        for (size_t i = 0; i < report->groups[g].n; i++)
            csv_point(out, report->groups[g].points[i]);
    return NF_OK;
}

/* ---- Markdown ---- */

/* Text that stays text, in a table's cell too. */
void nf_md_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if (strchr("\n\r\t", *text) != NULL)
            putc(' ', out);
        else if (strchr("\\`*_[]|#~", *text) != NULL)
            fprintf(out, "\\%c", *text);
        else
            putc(*text, out);
    }
}

static void md_group(FILE *out, const nf_group *group)
{
    char text[NF_CELL], *title = nf_group_text(group);
    fputs("\n### ", out);
    nf_md_text(out, title == NULL ? group->points[0]->of->label : title);
    free(title);
    fputs("\n\n", out);
    for (size_t c = 0; c < nf_ncolumns; c++)
        fprintf(out, "| %s ", nf_columns[c].head);
    fputs("|\n", out);
    for (size_t c = 0; c < nf_ncolumns; c++)
        fputs(nf_columns[c].numeric ? "|---:" : "|:---", out);
    fputs("|\n", out);
    for (size_t i = 0; i < group->n; i++) {
        for (size_t c = 0; c < nf_ncolumns; c++) {
            nf_columns[c].cell(group->points[i], text);
            fputs("| ", out);
            nf_md_text(out, text);
            putc(' ', out);
        }
        fputs("|\n", out);
    }
}

static bool any_group(const nf_report *report, nf_scaling scaling)
{
    for (size_t g = 0; g < report->ngroups; g++)
        if (report->groups[g].points[0]->of->scaling == scaling)
            return true;
    return false;
}

static void md_groups(FILE *out, const nf_report *report, nf_scaling scaling, const char *title)
{
    if (!any_group(report, scaling))
        return;
    fprintf(out, "\n## %s\n", title);
    for (size_t g = 0; g < report->ngroups; g++)
        if (report->groups[g].points[0]->of->scaling == scaling)
            md_group(out, &report->groups[g]);
}

static void md_ways(FILE *out, const nf_report *report)
{
    char text[NF_CELL], size[NF_SHAPE_TEXT];
    if (!any_group(report, NF_STRONG))
        return;
    fputs(
        "\n## Four ways for the same work\n\nThe fastest point of each way: median, speed-up over "
        "one worker, (ranks\u00d7threads).\n\n"
        "| Kernel | Size | Serial | Threads | Ranks | Hybrid |\n|:---|---:|---:|---:|---:|---:|\n",
        out);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_sample *of = report->groups[g].points[0]->of;
        if (of->scaling != NF_STRONG)
            continue;
        fputs("| ", out);
        nf_md_text(out, of->label);
        fprintf(out, " | %s ", nf_size_text(&of->shape, size));
        for (size_t w = 0; w < 4; w++) {
            nf_way_cell(&report->groups[g], nf_ways[w], text);
            fprintf(out, "| %s ", text);
        }
        fputs("|\n", out);
    }
}

const char nf_no_figure[] = "left out, no valid point has what it would show.";

static void md_findings(FILE *out, const nf_report *report)
{
    fputs("# Scaling report\n\n", out);
    for (size_t i = 0; i < report->nfindings; i++) {
        const nf_finding *finding = &report->findings[i];
        fputs("- ", out);
        if (finding->about != NULL) {
            fputs("**", out);
            nf_md_text(out, finding->about);
            fputs("**: ", out);
        }
        nf_md_text(out, finding->text);
        putc('\n', out);
    }
}

void nf_md_figure(FILE *out, const nf_report *report, int figure)
{
    if (report->figures[figure] != NULL)
        fprintf(out, "\n![%s](%s.svg)\n\n%s\n", nf_figure_titles[figure], nf_figure_names[figure],
                nf_figure_captions[figure]);
    else
        fprintf(out, "\n%s: %s\n", nf_figure_titles[figure], nf_no_figure);
}

static void md_figures(FILE *out, const nf_report *report)
{
    fputs("\n## Figures\n", out);
    if (report->no_figures != NULL) {
        fputs("\nfigures left out: ", out);
        nf_md_text(out, report->no_figures);
        putc('\n', out);
        return;
    }
    for (int i = 0; i < NF_MEASURED_FIGURES; i++)
        nf_md_figure(out, report, i);
}

static void md_facts(FILE *out, const nf_report *report)
{
    const nf_study *study = report->study;
    const char *seen = NULL;
    fputs("\n## Kernels\n\n", out);
    for (size_t g = 0; g < report->ngroups + report->nsimulated; g++) {
        const nf_sample *of = report->groups[g].points[0]->of;
        if (seen != NULL && strcmp(seen, of->kernel) == 0)
            continue;
        seen = of->kernel;
        fputs("- ", out);
        nf_md_text(out, of->label);
        fputs(": ", out);
        nf_md_text(out, of->kernel);
        putc('\n', out);
    }
    fputs("\n## Machine and set-up\n\n| Fact | Value |\n|:---|:---|\n", out);
    for (size_t i = 0; i < study->nfacts; i++) {
        fputs("| ", out);
        nf_md_text(out, study->facts[i].name);
        fputs(" | ", out);
        nf_md_text(out, study->facts[i].value);
        fputs(" |\n", out);
    }
    fputs("\n## How it was measured\n\n", out);
    for (size_t i = 0; nf_method[i] != NULL; i++)
        fprintf(out, "- %s\n", nf_method[i]);
}

nf_status nf_report_markdown(const nf_report *report, FILE *out)
{
    md_findings(out, report);
    md_ways(out, report);
    if (report->ngroups > 0 || report->no_figures != NULL)
        md_figures(out, report);
    md_groups(out, report, NF_STRONG, "Strong scaling");
    md_groups(out, report, NF_WEAK, "Weak scaling");
    if (report->nsimulated > 0)
        nf_simulated_markdown(report, out);
    md_facts(out, report);
    return NF_OK;
}

/* ---- the terminal's table ---- */

/* Bytes of the text's first `room` characters; *used: how many characters there are. */
static size_t cut(const char *text, int room, int *used)
{
    size_t bytes = 0;
    *used = 0;
    while (text[bytes] != '\0' && (*used < room || ((unsigned char)text[bytes] & 0xc0) == 0x80))
        *used += ((unsigned char)text[bytes++] & 0xc0) != 0x80;
    return bytes;
}

/* Text in a field so many characters wide; a longer one is cut. Negative: to the left. */
void nf_table_field(FILE *out, const char *text, int width)
{
    int used;
    size_t bytes = cut(text, abs(width), &used);
    int pad = abs(width) - used;
    fprintf(out, "%*s%.*s%*s", width > 0 ? pad : 0, "", (int)bytes, text, width > 0 ? 0 : pad, "");
}

/* The interval's half-width, the larger one, in percent of the median. */
static void relative_text(const nf_point *point, char text[NF_CELL])
{
    const nf_interval *interval = &point->interval;
    double half = fmax(interval->high - point->seconds, point->seconds - interval->low);
    if (interval->known)
        snprintf(text, NF_CELL, "\u00b1%.1f%%", 100 * half / point->seconds);
    else
        snprintf(text, NF_CELL, "n<6");
}

/* "wait 8%": the largest phase beside computing; or why the point does not count. */
static void overhead_text(const nf_point *point, char text[NF_CELL])
{
    const nf_phases *phases = &point->phases;
    const double parts[] = {phases->halo, phases->fold, phases->wait, phases->idle,
                            phases->runtime};
    static const char *const names[] = {"halo", "fold", "wait", "idle", "runtime"};
    size_t largest = 0;
    for (size_t i = 1; i < sizeof parts / sizeof *parts; i++)
        if (parts[i] > parts[largest])
            largest = i;
    if (!nf_point_counts(point))
        snprintf(text, NF_CELL, "%s", result_words(point));
    else if (parts[largest] > 0)
        snprintf(text, NF_CELL, "%s %.0f%%", names[largest],
                 100 * parts[largest] / nf_phases_sum(phases));
    else
        snprintf(text, NF_CELL, "%s", none);
}

static void table_row(FILE *out, const nf_point *point)
{
    static const struct {
        int width;
        void (*cell)(const nf_point *, char[NF_CELL]);
    } row[] = {
        {20, cell_size},    {4, cell_n},       {9, cell_median},
        {8, relative_text}, {9, cell_speedup}, {5, cell_efficiency},
    };
    char text[NF_CELL];
    fputs("  ", out);
    nf_table_field(out, nf_point_way(point), -7);
    putc(' ', out);
    nf_table_field(out, nf_layout_text(point, text), -7);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        row[i].cell(point, text);
        putc(' ', out);
        nf_table_field(out, text, row[i].width);
    }
    overhead_text(point, text);
    fprintf(out, "  %s\n", text);
}

void nf_report_table(const nf_study *study, FILE *out)
{
    nf_report report;
    if (nf_report_make(study, &report) != NF_OK) {
        fprintf(out, "no table: %s\n", nf_message(NF_ERR_MEMORY));
        nf_report_free(&report);
        return;
    }
    if (report.ngroups > 0)
        fprintf(out, "  %-7s %-8s %20s %4s %9s %8s %9s %5s  %s\n", "way", "r\u00d7t", "size", "n",
                "median", "95%", "speed-up", "eff.", "overhead");
    for (size_t g = 0; g < report.ngroups; g++) {
        char *title = nf_group_text(&report.groups[g]);
        int used;
        if (title != NULL)
            fprintf(out, "%.*s\n", (int)cut(title, 100, &used), title);
        free(title);
        for (size_t i = 0; i < report.groups[g].n; i++)
            table_row(out, report.groups[g].points[i]);
    }
    nf_simulated_table(&report, out);
    nf_report_free(&report);
}
