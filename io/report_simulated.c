/* report_simulated.c - simulated points: a section, a table and a file of their own. Nothing here goes into
 * what is said of measured points. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_parts.h"

/* ---- where a kernel stops scaling ---- */

/* A kernel's time at a number of ranks: simulated, or by the formula between two simulated points. */
typedef struct place {
    double ranks, work, seconds, efficiency;
} place;

static const nf_point *base_of(const nf_group *group)
{
    return nf_group_base(group);
}

/* The formula's time, times the ratio of simulated to predicted time, which goes from a simulated point's to
 * the next one's along the logarithm of the ranks. 0: outside of simulated points. */
static double moved(const nf_group *group, const nf_sample *formula)
{
    const nf_point *before = NULL, *after = NULL;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *p = group->points[i];
        if (!p->valid || p->predicted <= 0)
            continue;
        if (p->of->ranks <= formula->ranks)
            before = p;
        else if (after == NULL)
            after = p;
    }
    if (before == NULL || (after == NULL && before->of->ranks != formula->ranks))
        return 0;
    double a = before->seconds / before->predicted;
    if (after == NULL)
        return formula->seconds * a;
    double b = after->seconds / after->predicted;
    double way = log((double)formula->ranks / before->of->ranks) /
                 log((double)after->of->ranks / before->of->ranks);
    return formula->seconds * a * pow(b / a, way);
}

static bool of_group(const nf_group *group, const nf_sample *sample)
{
    const nf_sample *of = group->points[0]->of;
    return of->scaling == sample->scaling && strcmp(of->kernel, sample->kernel) == 0 &&
           (of->scaling == NF_WEAK || nf_shape_equal(&of->shape, &sample->shape));
}

static int by_ranks(const void *a, const void *b)
{
    const place *p = a, *q = b;
    return (p->ranks > q->ranks) - (p->ranks < q->ranks);
}

static void add_place(const nf_point *base, const nf_sample *of, double seconds, place *list,
                      size_t *n)
{
    double work = of->scaling == NF_STRONG ? 1 : (double)of->work / (double)base->of->work;
    for (size_t i = 0; i < *n; i++)
        if (list[i].ranks == of->ranks)
            return;
    list[(*n)++] = (place){of->ranks, work, seconds,
                           work * base->seconds / seconds * base->of->ranks / (double)of->ranks};
}

/* Ascending; the caller frees *list. Returns how many, 0 also without memory. */
static size_t list_places(const nf_study *study, const nf_group *group, place **list)
{
    const nf_point *base = base_of(group);
    size_t n = 0;
    *list = base != NULL ? calloc(group->n + study->npredictions, sizeof **list) : NULL;
    if (*list == NULL)
        return 0;
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->valid)
            add_place(base, group->points[i]->of, group->points[i]->seconds, *list, &n);
    for (size_t i = 0; i < study->npredictions; i++) {
        const nf_sample *formula = &study->predictions[i];
        double seconds = of_group(group, formula) ? moved(group, formula) : 0;
        if (seconds > 0)
            add_place(base, formula, seconds, *list, &n);
    }
    qsort(*list, n, sizeof **list, by_ranks);
    return n;
}

nf_limit nf_group_limit(const nf_study *study, const nf_group *group)
{
    place *list;
    size_t n = list_places(study, group, &list), last = 0, least = 0;
    nf_limit limit = {.known = n > 1, .half = INFINITY};
    for (size_t i = 0; i < n; i++) {
        last = list[i].efficiency >= 0.5 ? i : last;
        least = list[i].seconds < list[least].seconds ? i : least;
    }
    if (n > 1 &&
        last + 1 < n) { /* where the line between the two crosses one half, both logarithmic */
        double a = log(list[last].efficiency), b = log(list[last + 1].efficiency);
        double way = (a - log(0.5)) / (a - b);
        limit.half = list[last].ranks * pow(list[last + 1].ranks / list[last].ranks, way);
    }
    if (n > 1) {
        limit.fastest = list[least].ranks;
        limit.at_the_end = least + 1 == n;
        limit.most = list[n - 1].ranks;
    }
    free(list);
    return limit;
}

/* ---- sentences ---- */

/* Two digits: a simulated limit is no more exact. */
static double rounded(double ranks)
{
    double unit = pow(10, floor(log10(ranks)) - 1);
    return unit < 1 ? round(ranks) : round(ranks / unit) * unit;
}

static void say_limit(const nf_study *study, const nf_group *group, char text[2 * NF_CELL])
{
    nf_limit limit = nf_group_limit(study, group);
    char half[NF_CELL], fastest[NF_CELL] = "";
    if (!limit.known) {
        snprintf(text, 2 * NF_CELL, "no simulated point with one rank, hence no efficiency");
        return;
    }
    if (isfinite(limit.half))
        snprintf(half, sizeof half, "efficiency falls under 50%% beyond about %.0f ranks",
                 rounded(limit.half));
    else
        snprintf(half, sizeof half,
                 "efficiency stays over 50%% up to %.0f ranks, the most simulated", limit.most);
    if (group->points[0]->of->scaling == NF_STRONG && limit.at_the_end)
        snprintf(fastest, sizeof fastest,
                 "; time still falls at %.0f ranks: its minimum lies beyond what was simulated",
                 limit.most);
    else if (group->points[0]->of->scaling == NF_STRONG)
        snprintf(fastest, sizeof fastest, "; time is least at about %.0f ranks", limit.fastest);
    snprintf(text, 2 * NF_CELL, "%s%s", half, fastest);
}

static const char intro[] =
    "These points were simulated, not measured: the engine's own communication ran under SimGrid's "
    "SMPI on the cluster described under \"Machine and set-up\", each kernel took the time that it "
    "takes on one core of this machine, and nothing else (no noise, no memory shared by the cores "
    "of "
    "a node). LogGP: the formula for the same run, without the overlap of communication and "
    "computing, without what tiles compute twice, and without ranks of one node sharing its link. "
    "Nothing said of measured points rests on these.";

/* ---- cells ---- */

static void cell_ranks(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d", point->of->ranks);
}

static void cell_nodes(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%d", point->of->nodes);
}

static void cell_size(const nf_point *point, char text[NF_CELL])
{
    nf_size_text(&point->of->shape, text);
}

static void cell_time(const nf_point *point, char text[NF_CELL])
{
    nf_seconds_text(point->seconds, 4, text);
}

static void cell_formula(const nf_point *point, char text[NF_CELL])
{
    if (point->predicted > 0)
        nf_seconds_text(point->predicted, 4, text);
    else
        snprintf(text, NF_CELL, "%s", nf_none);
}

static void cell_ratio(const nf_point *point, char text[NF_CELL])
{
    if (point->valid && point->predicted > 0)
        snprintf(text, NF_CELL, "%.3f", point->seconds / point->predicted);
    else
        snprintf(text, NF_CELL, "%s", nf_none);
}

static void cell_speedup(const nf_point *point, char text[NF_CELL])
{
    if (point->valid && point->base != NULL)
        snprintf(text, NF_CELL, "%.4g", point->speedup);
    else
        snprintf(text, NF_CELL, "%s", nf_none);
}

static void cell_efficiency(const nf_point *point, char text[NF_CELL])
{
    if (point->valid && point->base != NULL)
        snprintf(text, NF_CELL, "%.0f%%", 100 * point->efficiency);
    else
        snprintf(text, NF_CELL, "%s", nf_none);
}

static void share(const nf_point *point, double seconds, char text[NF_CELL])
{
    double sum = nf_phases_sum(&point->phases);
    if (point->valid && sum > 0)
        snprintf(text, NF_CELL, "%.1f%%", 100 * seconds / sum);
    else
        snprintf(text, NF_CELL, "%s", nf_none);
}

static void cell_halo(const nf_point *point, char text[NF_CELL])
{
    share(point, point->phases.halo, text);
}

static void cell_fold(const nf_point *point, char text[NF_CELL])
{
    share(point, point->phases.fold, text);
}

static void cell_wait(const nf_point *point, char text[NF_CELL])
{
    share(point, point->phases.wait, text);
}

static void cell_result(const nf_point *point, char text[NF_CELL])
{
    snprintf(text, NF_CELL, "%s", point->valid ? "same bits" : "INVALID");
}

static const struct {
    const char *head;
    int width; /* in the terminal; 0: not there */
    void (*cell)(const nf_point *point, char text[NF_CELL]);
} columns[] = {
    {"ranks", 7, cell_ranks},      {"nodes", 0, cell_nodes},     {"size", 17, cell_size},
    {"simulated", 9, cell_time},   {"LogGP", 9, cell_formula},   {"ratio", 6, cell_ratio},
    {"speed-up", 8, cell_speedup}, {"eff.", 5, cell_efficiency}, {"halo", 6, cell_halo},
    {"fold", 6, cell_fold},        {"wait", 0, cell_wait},       {"result", 10, cell_result},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const nf_group *simulated(const nf_report *report, size_t i)
{
    return &report->groups[report->ngroups + i];
}

/* ---- the terminal ---- */

/* A line of the table: the point's, or for NULL the heads. */
static void table_row(const nf_point *point, FILE *out)
{
    char text[NF_CELL];
    for (size_t c = 0; c < COLUMNS; c++) {
        if (columns[c].width == 0)
            continue;
        if (point != NULL)
            columns[c].cell(point, text);
        else
            snprintf(text, sizeof text, "%s", columns[c].head);
        putc(' ', out);
        nf_table_field(out, text, columns[c].width);
    }
    putc('\n', out);
}

void nf_simulated_table(const nf_report *report, FILE *out)
{
    char limit[2 * NF_CELL];
    if (report->nsimulated == 0)
        return;
    fputs("simulated, not measured\n", out);
    table_row(NULL, out);
    for (size_t g = 0; g < report->nsimulated; g++) {
        const nf_group *group = simulated(report, g);
        char *title = nf_group_text(group);
        if (title != NULL)
            fprintf(out, "simulated: %.80s\n", title);
        free(title);
        for (size_t i = 0; i < group->n; i++)
            table_row(group->points[i], out);
        say_limit(report->study, group, limit);
        for (char *rest = limit, *part; (part = strsep(&rest, ";")) != NULL;)
            fprintf(out, "    %s\n", part + strspn(part, " "));
    }
}

/* ---- CSV ---- */

nf_status nf_simulated_csv(const nf_report *report, FILE *out)
{
    char size[NF_SHAPE_TEXT];
    fputs("source,label,kernel,scaling,nodes,ranks,size,work,simulated_s,loggp_s,ratio,speedup,"
          "efficiency,compute_s,halo_s,fold_s,wait_s,valid\r\n",
          out);
    for (size_t g = 0; g < report->nsimulated; g++)
        for (size_t i = 0; i < simulated(report, g)->n; i++) {
            const nf_point *point = simulated(report, g)->points[i];
            const nf_sample *of = point->of;
            bool formula = point->predicted > 0, speedup = point->valid && point->base != NULL;
            fputs("simulated,", out);
            nf_csv_string(out, of->label);
            putc(',', out);
            nf_csv_string(out, of->kernel);
            fprintf(out, ",%s,%d,%d,", of->scaling == NF_STRONG ? "strong" : "weak", of->nodes,
                    of->ranks);
            nf_csv_string(out, nf_size_text(&of->shape, size));
            fprintf(out, ",%" PRId64, of->work);
            nf_csv_number(out, true, point->seconds);
            nf_csv_number(out, formula, point->predicted);
            nf_csv_number(out, formula && point->valid, point->seconds / point->predicted);
            nf_csv_number(out, speedup, point->speedup);
            nf_csv_number(out, speedup, point->efficiency);
            nf_csv_number(out, true, point->phases.compute);
            nf_csv_number(out, true, point->phases.halo);
            nf_csv_number(out, true, point->phases.fold);
            nf_csv_number(out, true, point->phases.wait);
            fprintf(out, ",%d\r\n", point->valid);
        }
    return NF_OK;
}

/* ---- Markdown ---- */

static void md_group(const nf_report *report, const nf_group *group, FILE *out)
{
    char text[NF_CELL], limit[2 * NF_CELL], *title = nf_group_text(group);
    fputs("\n### simulated: ", out);
    nf_md_text(out, title == NULL ? group->points[0]->of->label : title);
    free(title);
    say_limit(report->study, group, limit);
    fprintf(out, "\n\nSimulated: %s.\n\n", limit);
    for (size_t c = 0; c < COLUMNS; c++)
        fprintf(out, "| %s ", columns[c].head);
    fputs("|\n", out);
    for (size_t c = 0; c < COLUMNS; c++)
        fputs("|---:", out);
    fputs("|\n", out);
    for (size_t i = 0; i < group->n; i++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            columns[c].cell(group->points[i], text);
            fputs("| ", out);
            nf_md_text(out, text);
            putc(' ', out);
        }
        fputs("|\n", out);
    }
}

nf_status nf_simulated_markdown(const nf_report *report, FILE *out)
{
    fprintf(out, "\n## Simulated scaling\n\n%s\n", intro);
    for (int i = NF_MEASURED_FIGURES; i < NF_FIGURES && report->no_figures == NULL; i++)
        nf_md_figure(out, report, i);
    for (size_t g = 0; g < report->nsimulated; g++)
        md_group(report, simulated(report, g), out);
    return NF_OK;
}

/* ---- HTML ---- */

static void html_group(const nf_report *report, const nf_group *group, FILE *out)
{
    char text[NF_CELL], limit[2 * NF_CELL], *title = nf_group_text(group);
    fputs("<h3><em>simulated</em> ", out);
    nf_html_text(out, title == NULL ? group->points[0]->of->label : title);
    free(title);
    say_limit(report->study, group, limit);
    fprintf(out, "</h3>\n<p>Simulated: %s.</p>\n<div class=\"scroll\"><table>\n<thead><tr>", limit);
    for (size_t c = 0; c < COLUMNS; c++)
        fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>", columns[c].head);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < group->n; i++) {
        fputs(group->points[i]->valid ? "<tr>" : "<tr class=\"invalid\">", out);
        for (size_t c = 0; c < COLUMNS; c++) {
            columns[c].cell(group->points[i], text);
            fputs("<td class=\"n\">", out);
            nf_html_text(out, text);
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

nf_status nf_simulated_html(const nf_report *report, FILE *out)
{
    fputs("<h2>Simulated scaling</h2>\n<p>", out);
    nf_html_text(out, intro);
    fputs("</p>\n", out);
    for (int i = NF_MEASURED_FIGURES; i < NF_FIGURES && report->no_figures == NULL; i++)
        nf_html_figure(out, report, i);
    for (size_t g = 0; g < report->nsimulated; g++)
        html_group(report, simulated(report, g), out);
    return NF_OK;
}
