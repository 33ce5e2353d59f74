/* The tables of what sharing out work costs, and costs.csv. */
#include <math.h>
#include <string.h>

#include "io/report_costs.h"

const char nf_costs_title[] = "What sharing out costs";
const char nf_costs_intro[] =
    "Measured by themselves in the same run: what threads and processes cost beside the work that "
    "they do. Medians with their 95% intervals; a cost that several launches measured is shown as "
    "the median of their medians, with the widest of their intervals. Nothing is concluded from "
    "costs that are oversubscribed or invalid.";

/* ---- what the tables share ---- */

static const char *result_of(const nf_costing *cost)
{
    if (!cost->valid)
        return "INVALID";
    return cost->oversubscribed ? "oversubscribed" : "valid";
}

static const char *class_of(const nf_costing *cost)
{
    if (!cost->valid)
        return "invalid";
    return cost->oversubscribed ? "over" : NULL;
}

const char *nf_cost_layout_text(const nf_cost *of, char text[NF_CELL])
{
    int length = snprintf(text, NF_CELL, "%d\u00d7%d", of->ranks, of->threads);
    if (of->nodes > 1)
        snprintf(text + length, NF_CELL - (size_t)length, ", %d nodes", of->nodes);
    return text;
}

static void cell_layout(nf_sheet *sheet, const nf_costing *cost)
{
    char text[NF_CELL];
    nf_sheet_cell(sheet, "%s", nf_cost_layout_text(cost->of, text));
}

const char *nf_times_text(double factor, char text[NF_CELL])
{
    if (factor >= 99.5)
        return nf_thousands_text(factor, text);
    snprintf(text, NF_CELL, factor < 9.95 ? "%.2g" : "%.0f", factor);
    return text;
}

const char *nf_share_text(double share, char text[NF_CELL])
{
    char number[NF_CELL];
    if (share < 0.0005)
        snprintf(text, NF_CELL, "<0.1%%");
    else if (share < 0.0995)
        snprintf(text, NF_CELL, "%.1f%%", 100 * share);
    else
        snprintf(text, NF_CELL, "%.100s%%", nf_thousands_text(100 * share, number));
    return text;
}

const char *nf_cost_time_text(const nf_costing *cost, int digits, char text[NF_CELL])
{
    char value[NF_AMOUNT], low[NF_AMOUNT], high[NF_AMOUNT];
    nf_seconds_text(cost->value, digits, value);
    if (nf_costing_firm(cost))
        snprintf(text, NF_CELL, "%s", value);
    else if (cost->interval.known)
        snprintf(text, NF_CELL, "%.30s (uncertain: %.30s to %.30s)", value,
                 nf_seconds_text(cost->interval.low, digits, low),
                 nf_seconds_text(cost->interval.high, digits, high));
    else
        snprintf(text, NF_CELL, "%.30s (uncertain: %d sample%s)", value, cost->n,
                 cost->n == 1 ? "" : "s");
    return text;
}

static void cell_n(nf_sheet *sheet, const nf_costing *cost)
{
    if (cost->records > 1)
        nf_sheet_cell(sheet, "%d of %zu launches", cost->n, cost->records);
    else
        nf_sheet_cell(sheet, "%d", cost->n);
}

/* The median and its interval. */
static void cells_time(nf_sheet *sheet, const nf_costing *cost)
{
    char text[NF_CELL];
    nf_sheet_cell(sheet, "%s", nf_seconds_text(cost->value, 4, text));
    nf_sheet_cell(sheet, "%s", nf_range_text(cost->value, &cost->interval, text));
}

bool nf_cost_same_layout(const nf_cost *a, const nf_cost *b)
{
    return a->ranks == b->ranks && a->threads == b->threads && a->nodes == b->nodes;
}

double nf_group_serial(const nf_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (nf_point_workers(group->points[i]) == 1 && nf_point_counts(group->points[i]))
            return group->points[i]->seconds;
    return 0;
}

double nf_group_bytes(const nf_group *group)
{
    const nf_sample *of = group->points[0]->of;
    if (of->scaling != NF_STRONG || of->shape.dtype == NF_NONE)
        return 0;
    return (double)nf_shape_bytes(&of->shape);
}

const nf_costing *nf_costing_next(const nf_report *report, nf_cost_kind kind,
                                  const nf_costing *last)
{
    for (const nf_costing *c = last == NULL ? report->costs : last + 1;
         c < report->costs + report->ncosts; c++)
        if (c->of->kind == kind && nf_costing_decides(report->costs, report->ncosts, c))
            return c;
    return NULL;
}

/* ---- starting ---- */

/* How much of the serial work of the kernels that compute takes as long, from the dearest kernel to the cheapest: "939 cells to
 * 25,500 indices". */
static void cell_work(nf_sheet *sheet, const nf_report *report, double seconds)
{
    double least = INFINITY, most = 0;
    const char *units[2] = {"", ""}; /* of the two */
    char low[NF_CELL], high[NF_CELL];
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_sample *of = report->groups[g].points[0]->of;
        double serial = nf_group_serial(&report->groups[g]);
        if (serial <= 0 || of->scaling != NF_STRONG || of->waits)
            continue;
        const char *unit = of->shape.dtype == NF_NONE ? "indices" : "cells";
        double work = seconds * (double)of->work / serial;
        units[0] = work < least ? unit : units[0];
        units[1] = work > most ? unit : units[1];
        least = fmin(least, work);
        most = fmax(most, work);
    }
    bool alike = strcmp(units[0], units[1]) == 0;
    if (most <= 0)
        nf_sheet_cell(sheet, "%s", nf_none);
    else if (most <= least)
        nf_sheet_cell(sheet, "%s %s", nf_thousands_text(most, high), units[1]);
    else
        nf_sheet_cell(sheet, "%s%s%s to %s %s", nf_thousands_text(least, low), alike ? "" : " ",
                      alike ? "" : units[0], nf_thousands_text(most, high), units[1]);
}

static nf_sheet start_sheet(const nf_report *report)
{
    static const nf_head heads[] = {{"What is started", false},
                                    {"Ranks\u00d7threads", true},
                                    {"n", true},
                                    {"Time", true},
                                    {"95% interval", true},
                                    {"One worker's work meanwhile", true},
                                    {"Result", false}};
    nf_sheet sheet = nf_sheet_of(heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *cost = &report->costs[i];
        if (cost->of->kind != NF_COST_START)
            continue;
        nf_sheet_row(&sheet, class_of(cost));
        nf_sheet_cell(&sheet, "%s", cost->of->what);
        cell_layout(&sheet, cost);
        cell_n(&sheet, cost);
        cells_time(&sheet, cost);
        cell_work(&sheet, report, cost->value);
        nf_sheet_cell(&sheet, "%s", result_of(cost));
    }
    return sheet;
}

/* ---- tables of ways by layouts or by kernels ---- */

/* Whether this cost is the first of its kind with its way, or with its layout. */
static bool first_way(const nf_report *report, const nf_costing *cost)
{
    for (const nf_costing *c = report->costs; c < cost; c++)
        if (c->of->kind == cost->of->kind && strcmp(c->of->what, cost->of->what) == 0)
            return false;
    return true;
}

static bool layout_before(const nf_cost *a, const nf_cost *b)
{
    int p = a->ranks * a->threads, q = b->ranks * b->threads;
    if (a->nodes != b->nodes)
        return a->nodes < b->nodes;
    return p != q ? p < q : a->ranks < b->ranks;
}

/* The layout of this kind that comes after `last` (NULL: the first one); NULL: there is none. */
static const nf_costing *next_layout(const nf_report *report, nf_cost_kind kind,
                                     const nf_costing *last)
{
    const nf_costing *next = NULL;
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *c = &report->costs[i];
        if (c->of->kind == kind && (last == NULL || layout_before(last->of, c->of)) &&
            (next == NULL || layout_before(c->of, next->of)))
            next = c;
    }
    return next;
}

static const nf_costing *find_cost(const nf_report *report, const nf_cost *way,
                                   const nf_cost *layout)
{
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_cost *of = report->costs[i].of;
        if (of->kind == way->kind && strcmp(of->what, way->what) == 0 &&
            nf_cost_same_layout(of, layout))
            return &report->costs[i];
    }
    return NULL;
}

/* ---- sharing ---- */

/* "85.0 ns, 6.1 times, 48% lost": times what one worker takes, where the intervals are apart. */
static void cell_share(nf_sheet *sheet, const nf_report *report, const nf_costing *cost)
{
    char times[40] = "", lost[40] = "", text[NF_CELL];
    if (cost == NULL || !cost->valid) {
        nf_sheet_cell(sheet, "%s", cost == NULL ? nf_none : "INVALID");
        return;
    }
    const nf_costing *alone = nf_costing_alone(report->costs, report->ncosts, cost);
    if (alone != NULL && nf_costing_firm(cost) && nf_costing_firm(alone) &&
        (nf_costing_exceeds(cost, alone) || nf_costing_exceeds(alone, cost)))
        snprintf(times, sizeof times, ", %.30s times",
                 nf_times_text(cost->value / alone->value, text));
    if (cost->lost > 0)
        snprintf(lost, sizeof lost, ", %.30s lost", nf_share_text(cost->lost, text));
    nf_sheet_cell(sheet, "%s%s%s", nf_cost_time_text(cost, 3, text), times, lost);
}

static nf_sheet share_sheet(const nf_report *report)
{
    nf_sheet sheet = {.heads = NULL};
    char layout[NF_CELL];
    nf_sheet_head(&sheet, false, "How the counter is shared");
    for (const nf_costing *c = NULL; (c = next_layout(report, NF_COST_SHARE, c)) != NULL;)
        nf_sheet_head(&sheet, true, "%s%s", nf_cost_layout_text(c->of, layout),
                      c->oversubscribed ? " (oversubscribed)" : "");
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *way = &report->costs[i];
        if (way->of->kind != NF_COST_SHARE || !first_way(report, way))
            continue;
        nf_sheet_row(&sheet, NULL);
        nf_sheet_cell(&sheet, "%s", way->of->what);
        for (const nf_costing *c = NULL; (c = next_layout(report, NF_COST_SHARE, c)) != NULL;)
            cell_share(&sheet, report, find_cost(report, way->of, c->of));
    }
    return sheet;
}

/* ---- sending ---- */

bool nf_cost_moves(const nf_cost *of)
{
    return strcmp(of->what, "shared memory, in place") != 0;
}

const char *nf_way_text(const nf_cost *of, char text[NF_CELL])
{
    if (of->nodes > 1)
        snprintf(text, NF_CELL, "%.90s, %d nodes", of->what, of->nodes);
    else
        snprintf(text, NF_CELL, "%.120s", of->what);
    return text;
}

static nf_sheet send_sheet(const nf_report *report)
{
    static const nf_head heads[] = {
        {"Way", false}, {"Ranks\u00d7threads", true}, {"Bytes", true}, {"n", true},
        {"Time", true}, {"95% interval", true},       {"GB/s", true},  {"Result", false}};
    nf_sheet sheet = nf_sheet_of(heads, sizeof heads / sizeof *heads);
    char size[NF_CELL];
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *cost = &report->costs[i];
        if (cost->of->kind != NF_COST_SEND)
            continue;
        nf_sheet_row(&sheet, class_of(cost));
        nf_sheet_cell(&sheet, "%s", cost->of->what);
        cell_layout(&sheet, cost);
        nf_sheet_cell(&sheet, "%s", nf_bytes_text(cost->amount, size));
        cell_n(&sheet, cost);
        cells_time(&sheet, cost);
        if (nf_cost_moves(cost->of))
            nf_sheet_cell(&sheet, "%.3g", cost->amount / cost->value / 1e9);
        else
            nf_sheet_cell(&sheet, "%s", nf_none);
        nf_sheet_cell(&sheet, "%s", result_of(cost));
    }
    return sheet;
}

const nf_costing *nf_send_nearest(const nf_report *report, const nf_costing *way, double bytes)
{
    const nf_costing *nearest = way;
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *c = &report->costs[i];
        if (c->of->kind == NF_COST_SEND && strcmp(c->of->what, way->of->what) == 0 &&
            nf_cost_same_layout(c->of, way->of) && c->valid && c->amount > 0 &&
            fabs(log(c->amount / bytes)) < fabs(log(nearest->amount / bytes)))
            nearest = c;
    }
    return nearest;
}

double nf_send_seconds(const nf_costing *nearest, double bytes)
{
    return nf_cost_moves(nearest->of) ? nearest->value * bytes / nearest->amount : nearest->value;
}

static nf_sheet kernel_send_sheet(const nf_report *report)
{
    nf_sheet sheet = {.heads = NULL};
    char text[NF_CELL], size[NF_SHAPE_TEXT];
    nf_sheet_head(&sheet, false, "Kernel");
    nf_sheet_head(&sheet, true, "Size");
    nf_sheet_head(&sheet, true, "Input");
    nf_sheet_head(&sheet, true, "Serial time");
    for (const nf_costing *c = NULL; (c = nf_costing_next(report, NF_COST_SEND, c)) != NULL;)
        nf_sheet_head(&sheet, true, "%s", nf_way_text(c->of, text));
    if (nf_costing_next(report, NF_COST_SEND, NULL) == NULL)
        return sheet;
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        double bytes = nf_group_bytes(group), serial = nf_group_serial(group);
        if (bytes <= 0 || serial <= 0)
            continue;
        nf_sheet_row(&sheet, NULL);
        nf_sheet_cell(&sheet, "%s", group->points[0]->of->label);
        nf_sheet_cell(&sheet, "%s", nf_size_text(&group->points[0]->of->shape, size));
        nf_sheet_cell(&sheet, "%s", nf_bytes_text(bytes, text));
        nf_sheet_cell(&sheet, "%s", nf_seconds_text(serial, 3, text));
        for (const nf_costing *c = NULL; (c = nf_costing_next(report, NF_COST_SEND, c)) != NULL;) {
            const nf_costing *nearest = nf_send_nearest(report, c, bytes);
            nf_share_text(nf_send_seconds(nearest, bytes) / serial, text);
            nf_sheet_cell(&sheet, "%s%s", text, nf_costing_firm(nearest) ? "" : " (uncertain)");
        }
    }
    return sheet;
}

/* ---- break-even ---- */

bool nf_costing_at_once(const nf_costing *cost)
{
    return cost->interval.known && cost->interval.low <= 0 && cost->interval.high <= cost->value;
}

bool nf_costing_nowhere(const nf_costing *cost)
{
    return cost->interval.known && cost->interval.low >= cost->amount;
}

static void cell_size(nf_sheet *sheet, const nf_costing *cost)
{
    char text[NF_CELL];
    const char *unit = cost->of->unit;
    if (!isfinite(cost->value))
        nf_sheet_cell(sheet,
                      nf_costing_nowhere(cost)
                          ? "none: serial wins at every size tried (up to %s %s)"
                          : "none found up to %s %s",
                      nf_thousands_text(cost->amount, text), unit);
    else
        nf_sheet_cell(sheet, "%s %s%s", nf_thousands_text(cost->value, text), unit,
                      nf_costing_at_once(cost) ? " at most: serial is shown to win at no size"
                                               : "");
}

static void cell_size_interval(nf_sheet *sheet, const nf_costing *cost)
{
    char low[NF_CELL], high[NF_CELL];
    nf_thousands_text(cost->interval.low, low);
    if (!cost->interval.known)
        nf_sheet_cell(sheet, "not shown");
    else if (!isfinite(cost->interval.high))
        nf_sheet_cell(sheet, "over %s", low);
    else if (cost->interval.low <= 0)
        nf_sheet_cell(sheet, "up to %s", nf_thousands_text(cost->interval.high, high));
    else
        nf_sheet_cell(sheet, "%s to %s", low, nf_thousands_text(cost->interval.high, high));
}

static nf_sheet break_even_sheet(const nf_report *report)
{
    static const nf_head heads[] = {{"Kernel", false},
                                    {"Instead of one worker", false},
                                    {"Ranks\u00d7threads", true},
                                    {"n", true},
                                    {"Break-even size", true},
                                    {"95% interval", true},
                                    {"Largest tried", true},
                                    {"Result", false}};
    nf_sheet sheet = nf_sheet_of(heads, sizeof heads / sizeof *heads);
    char text[NF_CELL];
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *cost = &report->costs[i];
        if (cost->of->kind != NF_COST_BREAK_EVEN)
            continue;
        nf_sheet_row(&sheet, class_of(cost));
        nf_sheet_cell(&sheet, "%s", cost->of->label);
        nf_sheet_cell(&sheet, "%s", cost->of->what);
        cell_layout(&sheet, cost);
        cell_n(&sheet, cost);
        cell_size(&sheet, cost);
        cell_size_interval(&sheet, cost);
        nf_sheet_cell(&sheet, "%s", nf_thousands_text(cost->amount, text));
        nf_sheet_cell(&sheet, "%s", result_of(cost));
    }
    return sheet;
}

/* ---- memory ---- */

static nf_sheet memory_sheet(const nf_report *report)
{
    static const nf_head heads[] = {{"Input", false},        {"Ranks\u00d7threads", true},
                                    {"Held together", true}, {"Each rank for itself", true},
                                    {"Saved", true},         {"Of it", true},
                                    {"Result", false}};
    nf_sheet sheet = nf_sheet_of(heads, sizeof heads / sizeof *heads);
    char text[NF_CELL];
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *cost = &report->costs[i];
        if (cost->of->kind != NF_COST_MEMORY)
            continue;
        nf_sheet_row(&sheet, class_of(cost));
        nf_sheet_cell(&sheet, "%s", cost->of->what);
        cell_layout(&sheet, cost);
        nf_sheet_cell(&sheet, "%s", nf_bytes_text(cost->value, text));
        nf_sheet_cell(&sheet, "%s", nf_bytes_text(cost->amount, text));
        nf_sheet_cell(&sheet, "%s", nf_bytes_text(fmax(cost->amount - cost->value, 0), text));
        nf_sheet_cell(&sheet, "%.0f%%", 100 * fmax(1 - cost->value / cost->amount, 0));
        nf_sheet_cell(&sheet, "%s", result_of(cost));
    }
    return sheet;
}

const nf_section nf_cost_sections[] = {
    {"Starting", NULL, nf_start_words, start_sheet},
    {"Sharing a counter", NULL, nf_share_words, share_sheet},
    {"Sending", NULL, nf_send_words, send_sheet},
    {"Sending as a share of computing", NULL, nf_kernel_send_words, kernel_send_sheet},
    {"Break-even", NULL, nf_break_even_words, break_even_sheet},
    {"Memory of a node", NULL, nf_memory_words, memory_sheet},
    {NULL, NULL, NULL, NULL},
};

/* ---- costs.csv ---- */

static void csv_value(FILE *out, bool known, double value)
{
    if (known && isinf(value))
        fputs(",inf", out);
    else
        nf_csv_number(out, known, value);
}

nf_status nf_costs_csv(const nf_report *report, FILE *out)
{
    fputs("kind,what,label,kernel,unit,nodes,ranks,threads,workers,amount,n,launches,value,low,"
          "high,lost,valid,oversubscribed,counts\r\n",
          out);
    for (size_t i = 0; i < report->ncosts; i++) {
        const nf_costing *cost = &report->costs[i];
        const nf_cost *of = cost->of;
        fprintf(out, "%s,", nf_cost_names[of->kind]);
        nf_csv_string(out, of->what);
        putc(',', out);
        nf_csv_string(out, of->label != NULL ? of->label : "");
        putc(',', out);
        nf_csv_string(out, of->kernel != NULL ? of->kernel : "");
        putc(',', out);
        nf_csv_string(out, of->unit);
        fprintf(out, ",%d,%d,%d,%d", of->nodes, of->ranks, of->threads, nf_costing_workers(cost));
        csv_value(out, true, cost->amount);
        fprintf(out, ",%d,%zu", cost->n, cost->records);
        csv_value(out, true, cost->value);
        csv_value(out, cost->interval.known, cost->interval.low);
        csv_value(out, cost->interval.known, cost->interval.high);
        csv_value(out, of->kind == NF_COST_SHARE, cost->lost);
        fprintf(out, ",%d,%d,%d\r\n", cost->valid, cost->oversubscribed, nf_costing_counts(cost));
    }
    return NF_OK;
}
