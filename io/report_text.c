#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_parts.h"

const char nf_none[] = "\u2013";

/* ---- numbers ---- */

const char *nf_interval_text(const nf_point *point, char text[NF_CELL])
{
    return nf_range_text(point->seconds, &point->interval, text);
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

const char *nf_workers_text(int ranks, int threads, char text[NF_CELL])
{
    if (ranks > 1 && threads > 1)
        snprintf(text, NF_CELL, "%d ranks of %d threads", ranks, threads);
    else if (ranks > 1)
        snprintf(text, NF_CELL, "%d ranks", ranks);
    else if (threads > 1)
        snprintf(text, NF_CELL, "%d threads", threads);
    else
        snprintf(text, NF_CELL, "one worker");
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

/* ---- the four ways ---- */

const char *const nf_ways[4] = {"serial", "threads", "ranks", "hybrid"};

void nf_way_cell(const nf_group *group, const char *way, char text[NF_CELL])
{
    const nf_point *best = nf_group_best(group, way, true);
    char time[NF_CELL], layout[NF_CELL], speedup[32] = "";
    if (best == NULL) {
        snprintf(text, NF_CELL, "%s", nf_none);
        return;
    }
    if (best->base != NULL && best->base != best)
        snprintf(speedup, sizeof speedup, ", %.2f times", best->speedup);
    snprintf(text, NF_CELL, "%.30s%s (%.30s)%s", nf_seconds_text(best->seconds, 3, time), speedup,
             nf_layout_text(best, layout), best->oversubscribed ? " oversubscribed" : "");
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

/* A table, its title and words before it; nothing where it has no rows. Frees the sheet. */
static nf_status md_sheet(FILE *out, const char *mark, const char *title, const char *words,
                          nf_sheet sheet)
{
    nf_status status = NF_OK;
    if (sheet.nrows > 0 || sheet.no_memory) {
        fprintf(out, "\n%s%s\n\n", mark, title);
        if (words != NULL) {
            nf_md_text(out, words);
            fputs("\n\n", out);
        }
        status = nf_sheet_markdown(&sheet, out);
    }
    nf_sheet_free(&sheet);
    return status;
}

static nf_status md_group(FILE *out, const nf_report *report, const nf_group *group)
{
    nf_head heads[NF_COLUMNS];
    nf_status status = NF_OK;
    char *title = nf_group_text(group);
    fputs("\n### ", out);
    nf_md_text(out, title == NULL ? group->points[0]->of->label : title);
    free(title);
    putc('\n', out);
    for (const nf_table *table = nf_tables; table->title != NULL && status == NF_OK; table++)
        status = md_sheet(out, "", table->title, NULL, nf_group_sheet(report, group, table, heads));
    return status;
}

static bool any_group(const nf_report *report, nf_scaling scaling)
{
    for (size_t g = 0; g < report->ngroups; g++)
        if (report->groups[g].points[0]->of->scaling == scaling)
            return true;
    return false;
}

static nf_status md_groups(FILE *out, const nf_report *report, nf_scaling scaling,
                           const char *title)
{
    nf_status status = NF_OK;
    if (!any_group(report, scaling))
        return NF_OK;
    fprintf(out, "\n## %s\n", title);
    for (size_t g = 0; g < report->ngroups && status == NF_OK; g++)
        if (report->groups[g].points[0]->of->scaling == scaling)
            status = md_group(out, report, &report->groups[g]);
    return status;
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
        fprintf(out, "\n![%s](%s.svg)\n\n%s\n", nf_figures[figure].title, nf_figures[figure].name,
                nf_figures[figure].caption);
    else
        fprintf(out, "\n%s: %s\n", nf_figures[figure].title, nf_no_figure);
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

static const char proposal_words[] =
    "Of each number of cores the fastest point that counts, of the kernels that compute.";

const nf_section nf_sections[] = {
    {"Models",
     "Fitted to the fastest points that count of each number of workers; the error is that of "
     "foretelling points left out. Extrapolated times are no measurements.",
     NULL, nf_models_sheet},
    {"For a proposal: strong scaling", proposal_words, NULL, nf_proposal_strong},
    {"For a proposal: weak scaling", proposal_words, NULL, nf_proposal_weak},
    {"Twelve rules of benchmarking",
     "After Hoefler and Belli, SC'15: how this very study meets each.", NULL, nf_rules_sheet},
    {NULL, NULL, NULL, NULL},
};

nf_status nf_section_words(const nf_report *report, const nf_section *section, char **said)
{
    *said = section->say != NULL ? nf_report_words(report, section->say) : strdup(section->words);
    return *said != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for the words of a table");
}

static nf_status md_sections(FILE *out, const nf_report *report, const char *mark,
                             const nf_section *list)
{
    nf_status status = NF_OK;
    for (const nf_section *s = list; s->title != NULL && status == NF_OK; s++) {
        char *said = NULL;
        status = nf_section_words(report, s, &said);
        if (status == NF_OK)
            status = md_sheet(out, mark, s->title, said, s->make(report));
        free(said);
    }
    return status;
}

static nf_status md_costs(FILE *out, const nf_report *report)
{
    if (report->ncosts == 0)
        return NF_OK;
    fprintf(out, "\n## %s\n\n%s\n", nf_costs_title, nf_costs_intro);
    return md_sections(out, report, "### ", nf_cost_sections);
}

nf_status nf_report_markdown(const nf_report *report, FILE *out)
{
    md_findings(out, report);
    md_ways(out, report);
    if (report->ngroups > 0 || report->no_figures != NULL)
        md_figures(out, report);
    nf_status status = md_groups(out, report, NF_STRONG, "Strong scaling");
    if (status == NF_OK)
        status = md_groups(out, report, NF_WEAK, "Weak scaling");
    if (status == NF_OK)
        status = md_costs(out, report);
    if (status == NF_OK && report->ngroups > 0)
        status = md_sections(out, report, "## ", nf_sections);
    if (report->nsimulated > 0)
        nf_simulated_markdown(report, out);
    md_facts(out, report);
    return status;
}
