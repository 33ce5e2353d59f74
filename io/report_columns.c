/* The columns of the tables that each group of points has. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_parts.h"

/* ---- cells of one kind ---- */

static void nothing(char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%s", nf_none);
}

/* An invalid point shows its time, and nothing that is derived from it. */
bool nf_point_compared(const nf_point *point)
{
    return point->valid && point->base != NULL;
}

static void percent(bool known, double share, char text[NF_CELL])
{
    if (known && isfinite(share))
        snprintf(text, NF_CELL, share > 0 && share < 0.0005 ? "<0.1%%" : "%.*f%%",
                 fabs(share) < 0.0995 ? 1 : 0, 100 * share);
    else
        nothing(text);
}

/* "0.95 to 0.97", in units of `unit`; why there is none. */
static void range(bool known, const nf_interval *interval, double unit, const char *mark,
                  char text[NF_CELL])
{
    if (!known || !isfinite(interval->low) || !isfinite(interval->high))
        nothing(text);
    else if (!interval->known)
        snprintf(text, NF_CELL, "n<6");
    else
        snprintf(text, NF_CELL, "%.*f to %.*f%s", unit > 1 ? 1 : 2, unit * interval->low,
                 unit > 1 ? 1 : 2, unit * interval->high, mark);
}

/* ---- which point it is ---- */

static void cell_way(const nf_row *row, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%s", nf_point_way(row->point));
}

static void cell_ranks(const nf_row *row, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d", row->point->of->ranks);
}

static void cell_threads(const nf_row *row, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d", row->point->of->threads);
}

static void cell_nodes(const nf_row *row, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d", row->point->of->nodes);
}

static void cell_layout(const nf_row *row, char text[NF_CELL])
{
    nf_layout_text(row->point, text);
}

static void cell_size(const nf_row *row, char text[NF_CELL])
{
    nf_size_text(&row->point->of->shape, text);
}

const char *nf_result_words(const nf_point *point)
{
    if (!point->valid)
        return "INVALID";
    return point->oversubscribed ? "oversubscribed" : "valid";
}

static void cell_result(const nf_row *row, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%s", nf_result_words(row->point));
}

/* ---- time ---- */

static void cell_n(const nf_row *row, char text[NF_CELL])
{
    if (row->detail->launches > 1)
        snprintf(text, NF_CELL, "%zu of %zu launches", row->point->n, row->detail->launches);
    else
        snprintf(text, NF_CELL, "%zu", row->point->n);
}

static void cell_median(const nf_row *row, char text[NF_CELL])
{
    nf_seconds_text(row->point->seconds, 4, text);
}

static void cell_interval(const nf_row *row, char text[NF_CELL])
{
    nf_interval_text(row->point, text);
}

static void cell_speedup(const nf_row *row, char text[NF_CELL])
{
    if (nf_point_compared(row->point))
        snprintf(text, NF_CELL, "%.2f", row->point->speedup);
    else
        nothing(text);
}

static void cell_speedup_interval(const nf_row *row, char text[NF_CELL])
{
    const nf_point *point = row->point;
    if (nf_point_compared(point) && point->base == point)
        snprintf(text, NF_CELL, "base");
    else
        range(nf_point_compared(point), &point->speedup_interval, 1, "", text);
}

static void cell_efficiency(const nf_row *row, char text[NF_CELL])
{
    if (nf_point_compared(row->point))
        snprintf(text, NF_CELL, "%.0f%%", 100 * row->point->efficiency);
    else
        nothing(text);
}

static void cell_efficiency_interval(const nf_row *row, char text[NF_CELL])
{
    if (nf_point_compared(row->point) && row->point->base == row->point)
        snprintf(text, NF_CELL, "base");
    else
        range(nf_point_compared(row->point), &row->detail->efficiency, 100, "%", text);
}

static void cell_serial(const nf_row *row, char text[NF_CELL])
{
    const nf_interval *interval = &row->detail->serial_interval;
    if (!isfinite(row->detail->serial))
        nothing(text);
    else if (interval->known && isfinite(interval->low) && isfinite(interval->high))
        snprintf(text, NF_CELL, "%.3f (%.3f to %.3f)", row->detail->serial, interval->low,
                 interval->high);
    else
        snprintf(text, NF_CELL, "%.3f", row->detail->serial);
}

static void cell_core_hours(const nf_row *row, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%.3g", row->detail->core_hours);
}

const char *nf_end_words(nf_end end)
{
    static const char *const words[] = {[NF_END_NONE] = "not said",
                                        [NF_END_PRECISION] = "precision",
                                        [NF_END_TIME] = "time",
                                        [NF_END_COUNT] = "count"};
    return words[end];
}

static void cell_end(const nf_row *row, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%s", nf_end_words(row->detail->end));
}

/* ---- where the time goes ---- */

static void phase(const nf_row *row, double seconds, char text[NF_CELL])
{
    double share = 100 * seconds / nf_phases_sum(&row->point->phases);
    if (!row->point->valid || !isfinite(share))
        nothing(text);
    else if (seconds > 0 && share < 0.05)
        snprintf(text, NF_CELL, "<0.1%%");
    else
        snprintf(text, NF_CELL, "%.1f%%", share);
}

static void cell_compute(const nf_row *row, char text[NF_CELL])
{
    phase(row, row->point->phases.compute, text);
}

static void cell_halo(const nf_row *row, char text[NF_CELL])
{
    phase(row, row->point->phases.halo, text);
}

static void cell_fold(const nf_row *row, char text[NF_CELL])
{
    phase(row, row->point->phases.fold, text);
}

static void cell_wait(const nf_row *row, char text[NF_CELL])
{
    phase(row, row->point->phases.wait, text);
}

static void cell_idle(const nf_row *row, char text[NF_CELL])
{
    phase(row, row->point->phases.idle, text);
}

static void cell_runtime(const nf_row *row, char text[NF_CELL])
{
    phase(row, row->point->phases.runtime, text);
}

static void cell_io(const nf_row *row, char text[NF_CELL])
{
    if (row->point->valid && row->point->phases.io > 0)
        nf_seconds_text(row->point->phases.io, 3, text);
    else
        nothing(text);
}

/* ---- the roof ---- */

static bool has_roof(const nf_row *row)
{
    return row->point->valid && (row->detail->bandwidth > 0 || row->detail->flops > 0);
}

static void rate(bool known, double value, char text[NF_CELL])
{
    if (known && value > 0)
        snprintf(text, NF_CELL, "%.3g", value / 1e9);
    else
        nothing(text);
}

static void cell_bandwidth(const nf_row *row, char text[NF_CELL])
{
    rate(row->point->valid, row->detail->bandwidth, text);
}

static void cell_flops(const nf_row *row, char text[NF_CELL])
{
    rate(row->point->valid, row->detail->flops, text);
}

static void cell_intensity(const nf_row *row, char text[NF_CELL])
{
    const nf_detail *detail = row->detail;
    if (row->point->valid && detail->bandwidth > 0 && detail->flops > 0)
        snprintf(text, NF_CELL, "%.3g", detail->flops / detail->bandwidth);
    else
        nothing(text);
}

static void cell_roof(const nf_row *row, char text[NF_CELL])
{
    double share = fmax(row->detail->memory_share, row->detail->flops_share);
    percent(row->point->valid && share > 0, share, text);
}

static void cell_bound(const nf_row *row, char text[NF_CELL])
{
    const nf_detail *detail = row->detail;
    if (!row->point->valid || fmax(detail->memory_share, detail->flops_share) <= 0)
        nothing(text);
    else
        snprintf(text, NF_CELL, "%s",
                 detail->memory_share >= detail->flops_share ? "bandwidth" : "operations");
}

/* ---- POP's efficiencies ---- */

static bool has_pop(const nf_row *row)
{
    return row->point->valid && row->detail->pop.known;
}

static void pop(const nf_row *row, nf_efficiency which, char text[NF_CELL])
{
    const nf_interval *interval = &row->detail->pop.interval[which];
    double value = row->detail->pop.of[which];
    if (!has_pop(row) || !isfinite(value))
        nothing(text);
    else if (interval->known && (which == NF_GLOBAL || which == NF_PARALLEL))
        snprintf(text, NF_CELL, "%.1f%% (%.1f to %.1f)", 100 * value, 100 * interval->low,
                 100 * interval->high);
    else
        snprintf(text, NF_CELL, "%.1f%%", 100 * value);
}

static void cell_global(const nf_row *row, char text[NF_CELL])
{
    pop(row, NF_GLOBAL, text);
}

static void cell_parallel(const nf_row *row, char text[NF_CELL])
{
    pop(row, NF_PARALLEL, text);
}

static void cell_balance(const nf_row *row, char text[NF_CELL])
{
    pop(row, NF_BALANCE, text);
}

static void cell_balance_ranks(const nf_row *row, char text[NF_CELL])
{
    pop(row, NF_BALANCE_RANKS, text);
}

static void cell_balance_threads(const nf_row *row, char text[NF_CELL])
{
    pop(row, NF_BALANCE_THREADS, text);
}

static void cell_serialisation(const nf_row *row, char text[NF_CELL])
{
    pop(row, NF_SERIALISATION, text);
}

static void cell_transfer(const nf_row *row, char text[NF_CELL])
{
    pop(row, NF_TRANSFER, text);
}

static void cell_computation(const nf_row *row, char text[NF_CELL])
{
    pop(row, NF_COMPUTATION, text);
}

static void cell_io_share(const nf_row *row, char text[NF_CELL])
{
    percent(row->point->valid, row->detail->pop.io, text);
}

static void cell_slowest(const nf_row *row, char text[NF_CELL])
{
    if (has_pop(row) && row->point->of->ranks > 1)
        snprintf(text, NF_CELL, "rank %d", row->detail->pop.slowest);
    else
        nothing(text);
}

/* ---- the tables ---- */

#define WHICH                                                                                      \
    {{"Way", false}, cell_way},                                                                    \
    {                                                                                              \
        {"Ranks\u00d7threads", true}, cell_layout                                                  \
    }

static const nf_column time_columns[] = {
    {{"Way", false}, cell_way},
    {{"Ranks", true}, cell_ranks},
    {{"Threads", true}, cell_threads},
    {{"Nodes", true}, cell_nodes},
    {{"Size", true}, cell_size},
    {{"n", true}, cell_n},
    {{"Ended by", false}, cell_end},
    {{"Median", true}, cell_median},
    {{"95% interval", true}, cell_interval},
    {{"Speed-up", true}, cell_speedup},
    {{"95% interval", true}, cell_speedup_interval},
    {{"Efficiency", true}, cell_efficiency},
    {{"95% interval", true}, cell_efficiency_interval},
    {{"Serial fraction", true}, cell_serial},
    {{"Core-hours", true}, cell_core_hours},
    {{"Result", false}, cell_result},
};
static const nf_column phase_columns[] = {
    WHICH,
    {{"Compute", true}, cell_compute},
    {{"Halo", true}, cell_halo},
    {{"Fold", true}, cell_fold},
    {{"Wait", true}, cell_wait},
    {{"Idle", true}, cell_idle},
    {{"Runtime", true}, cell_runtime},
    {{"I/O", true}, cell_io},
    {{"Result", false}, cell_result},
};
static const nf_column pop_columns[] = {
    WHICH,
    {{"Global", true}, cell_global},
    {{"Parallel", true}, cell_parallel},
    {{"Balance", true}, cell_balance},
    {{"of ranks", true}, cell_balance_ranks},
    {{"of threads", true}, cell_balance_threads},
    {{"Serialisation", true}, cell_serialisation},
    {{"Transfer", true}, cell_transfer},
    {{"Computation", true}, cell_computation},
    {{"I/O", true}, cell_io_share},
    {{"Slowest", false}, cell_slowest},
    {{"Result", false}, cell_result},
};
static const nf_column roof_columns[] = {
    WHICH,
    {{"GB/s", true}, cell_bandwidth},
    {{"Gflop/s", true}, cell_flops},
    {{"flop/B", true}, cell_intensity},
    {{"Share of the roof", true}, cell_roof},
    {{"Roof of", false}, cell_bound},
    {{"Result", false}, cell_result},
};

#define COLUMNS(list) list, sizeof list / sizeof *list

const nf_table nf_tables[] = {
    {"Time, speed-up and cost", COLUMNS(time_columns), NULL},
    {"Where the time goes", COLUMNS(phase_columns), NULL},
    {"Efficiencies (POP)", COLUMNS(pop_columns), has_pop},
    {"Against the machine's roof", COLUMNS(roof_columns), has_roof},
    {NULL, NULL, 0, NULL},
};

static const char *kind_of(const nf_point *point)
{
    if (!point->valid)
        return "invalid";
    return point->oversubscribed ? "over" : NULL;
}

nf_sheet nf_group_sheet(const nf_report *report, const nf_group *group, const nf_table *table,
                        nf_head *heads)
{
    bool any = table->has == NULL;
    for (size_t c = 0; c < table->n; c++)
        heads[c] = table->columns[c].head;
    nf_sheet sheet = nf_sheet_of(heads, table->n);
    for (size_t i = 0; i < group->n && !any; i++) {
        nf_row row = nf_report_row(report, group->points[i]);
        any = table->has(&row);
    }
    for (size_t i = 0; i < group->n && any; i++) {
        nf_row row = nf_report_row(report, group->points[i]);
        char text[NF_CELL];
        nf_sheet_row(&sheet, kind_of(row.point));
        for (size_t c = 0; c < table->n; c++) {
            table->columns[c].cell(&row, text);
            nf_sheet_cell(&sheet, "%s", text);
        }
    }
    return sheet;
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

void nf_table_wrap(FILE *out, const char *text, int indent, int width)
{
    for (const char *at = text; *at != '\0';) {
        int used;
        size_t bytes = cut(at, at == text ? width : width - indent, &used), all = bytes;
        while (at[bytes] != '\0' && at[bytes] != ' ' && bytes > 0)
            bytes--;
        bytes = bytes == 0 ? all : bytes;
        fprintf(out, "%*s%.*s\n", at == text ? 0 : indent, "", (int)bytes, at);
        at += bytes + strspn(at + bytes, " ");
    }
}

/* The interval's half-width, the larger one, in percent of the median. */
static void cell_relative(const nf_row *row, char text[NF_CELL])
{
    const nf_point *point = row->point;
    const nf_interval *interval = &point->interval;
    double half = fmax(interval->high - point->seconds, point->seconds - interval->low);
    if (interval->known)
        snprintf(text, NF_CELL, "\u00b1%.1f%%", 100 * half / point->seconds);
    else
        snprintf(text, NF_CELL, "n<6");
}

/* "wait 8%": the largest phase beside computing; or why the point does not count. */
static void cell_overhead(const nf_row *row, char text[NF_CELL])
{
    const nf_point *point = row->point;
    const nf_phases *phases = &point->phases;
    const double parts[] = {phases->halo, phases->fold, phases->wait, phases->idle,
                            phases->runtime};
    static const char *const names[] = {"halo", "fold", "wait", "idle", "runtime"};
    size_t largest = 0;
    for (size_t i = 1; i < sizeof parts / sizeof *parts; i++)
        if (parts[i] > parts[largest])
            largest = i;
    if (!nf_point_counts(point))
        snprintf(text, NF_CELL, "%s", nf_result_words(point));
    else if (parts[largest] > 0)
        snprintf(text, NF_CELL, "%s %.0f%%", names[largest],
                 100 * parts[largest] / nf_phases_sum(phases));
    else
        nothing(text);
}

/* Samples alone: no room for launches. */
static void cell_count(const nf_row *row, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%zu", row->point->n);
}

static void table_row(FILE *out, const nf_row *row)
{
    static const struct {
        int width;
        void (*cell)(const nf_row *, char[NF_CELL]);
    } fields[] = {
        {-7, cell_way},   {-7, cell_layout},  {20, cell_size},   {4, cell_count},
        {9, cell_median}, {8, cell_relative}, {9, cell_speedup}, {5, cell_efficiency},
    };
    char text[NF_CELL];
    putc(' ', out);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        fields[i].cell(row, text);
        putc(' ', out);
        nf_table_field(out, text, fields[i].width);
    }
    cell_overhead(row, text);
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
        for (size_t i = 0; i < report.groups[g].n; i++) {
            nf_row row = nf_report_row(&report, report.groups[g].points[i]);
            table_row(out, &row);
        }
    }
    nf_costs_table(&report, out);
    nf_simulated_table(&report, out);
    nf_report_free(&report);
}
