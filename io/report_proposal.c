/* The tables that a proposal for computing time asks for (PRACE's form: strong scaling with the speed-up
 * against its first line, weak scaling without): of each number of cores the fastest point that counts. Kernels
 * that wait are left out: their workers are no cores. */
#include "io/report_parts.h"

static bool is_fastest(const nf_group *group, const nf_point *point)
{
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *other = group->points[i];
        if (nf_point_counts(other) && nf_point_workers(other) == nf_point_workers(point) &&
            (other->seconds < point->seconds ||
             (other->seconds <= point->seconds && other < point)))
            return false;
    }
    return nf_point_counts(point);
}

static void cells(nf_sheet *sheet, const nf_point *point)
{
    const nf_sample *of = point->of;
    char text[NF_CELL], size[NF_SHAPE_TEXT];
    nf_sheet_row(sheet, NULL);
    nf_sheet_cell(sheet, "%s", of->label);
    nf_sheet_cell(sheet, "%s", nf_size_text(&of->shape, size));
    nf_sheet_cell(sheet, "%d", nf_point_workers(point));
    nf_sheet_cell(sheet, "%d", of->nodes);
    nf_sheet_cell(sheet, "%d", of->ranks);
    nf_sheet_cell(sheet, "%d", of->threads);
    nf_sheet_cell(sheet, "%s", nf_seconds_text(point->seconds, 4, text));
}

static nf_sheet make(const nf_report *report, nf_scaling scaling, const nf_head *heads, size_t n)
{
    nf_sheet sheet = nf_sheet_of(heads, n);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        const nf_point *first = NULL;
        for (size_t i = 0; i < group->n && !group->points[0]->of->waits; i++) {
            const nf_point *point = group->points[i];
            if (point->of->scaling != scaling || !is_fastest(group, point))
                continue;
            first = first == NULL ? point : first;
            cells(&sheet, point);
            if (scaling == NF_STRONG)
                nf_sheet_cell(&sheet, "%.2f", first->seconds / point->seconds);
        }
    }
    return sheet;
}

/* The last head is that of strong scaling alone. */
static const nf_head heads[] = {
    {"Kernel", false},   {"Size", true},
    {"Cores", true},     {"Nodes", true},
    {"Processes", true}, {"Threads a process", true},
    {"Wall time", true}, {"Speed-up against the first", true},
};
enum { HEADS = sizeof heads / sizeof *heads };

nf_sheet nf_proposal_strong(const nf_report *report)
{
    return make(report, NF_STRONG, heads, HEADS);
}

nf_sheet nf_proposal_weak(const nf_report *report)
{
    return make(report, NF_WEAK, heads, HEADS - 1);
}
