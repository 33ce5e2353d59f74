#include <stdlib.h>
#include <string.h>

#include "io/report_parts.h"

static const char style[] =
    ":root{--paper:#fff;--ink:#1b2126;--soft:#5c6770;--line:#dde2e6;--tint:#f5f7f9;--accent:#"
    "0072b2;"
    "--bad:#b3261e;--warn:#8a5a00;color-scheme:light dark}"
    "@media(prefers-color-scheme:dark){:root{--paper:#14181b;--ink:#e5e9ec;--soft:#9aa6af;"
    "--line:#333b41;--tint:#1c2226;--accent:#62b5e5;--bad:#ff8a80;--warn:#e9b44c}}"
    "*{box-sizing:border-box}"
    "html{-webkit-text-size-adjust:100%}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}"
    "main{max-width:80rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}"
    "h1{font-size:2rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}"
    "h2{font-size:1.3rem;margin:3rem 0 .75rem;padding-top:1rem;border-top:1px solid var(--line)}"
    "h4{font-size:.9rem;font-weight:600;color:var(--soft);margin:1rem 0 .25rem}"
    ".sorts thead th{cursor:pointer}.sorts thead th:hover{color:var(--accent)}"
    "th[aria-sort=ascending]::after{content:' \\2191'}th[aria-sort=descending]::after{content:' "
    "\\2193'}"
    "tr.chosen td{font-weight:600}tr.unmet td:nth-child(3){color:var(--bad);font-weight:600}"
    "tr.partly td:nth-child(3){color:var(--warn);font-weight:600}"
    "h3{font-size:1rem;margin:1.75rem 0 .5rem;overflow-wrap:anywhere}"
    "h3 small{font-weight:400;color:var(--soft);font-size:1em}"
    "p,li{max-width:46rem;overflow-wrap:anywhere}"
    ".lead,figcaption,.note{color:var(--soft)}"
    ".lead{margin:0}"
    ".numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;"
    "margin:1.75rem 0;padding:0}"
    ".numbers div{background:var(--tint);border:1px solid var(--line);border-radius:8px;"
    "padding:.8rem 1rem}"
    ".numbers dt{color:var(--soft);font-size:.85rem}"
    ".numbers dd{margin:0;font-size:1.6rem;font-weight:600;line-height:1.25;"
    "font-variant-numeric:tabular-nums}"
    ".findings{padding-left:0;list-style:none;display:grid;gap:1rem 1.75rem;margin:1rem 0;"
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}"
    ".findings li{padding-left:1rem;border-left:3px solid var(--accent)}"
    ".findings li.all{grid-column:1/-1;max-width:none}"
    ".findings strong{display:block;overflow-wrap:anywhere}"
    ".scroll{overflow-x:auto;margin:.5rem 0}"
    "table{border-collapse:collapse;font-size:.8rem;font-variant-numeric:tabular-nums;"
    "min-width:100%}"
    "th,td{padding:.36rem .36rem;text-align:left;border-bottom:1px solid var(--line);"
    "white-space:nowrap;vertical-align:top}"
    "thead th{font-weight:600;color:var(--soft);border-bottom:2px solid var(--line)}"
    "th:first-child,td:first-child{padding-left:.2rem}"
    ".n{text-align:right}"
    "tbody th{font-weight:600}"
    "tr.over td{color:var(--soft)}tr.over td:last-child,.over{color:var(--warn)}"
    "tr.invalid td{color:var(--bad)}tr.invalid td:last-child{font-weight:700}"
    "td small{display:block;color:var(--soft);font-size:.92em}td small.over{color:var(--warn)}"
    "table.facts{min-width:0}table.facts th,table.facts td{white-space:normal;"
    "overflow-wrap:anywhere}"
    "table.facts th{min-width:9rem;color:var(--soft);font-weight:400}"
    "figure{margin:1.25rem 0 2.25rem}"
    "figure .scroll{background:#fff;border:1px solid var(--line);border-radius:8px;padding:.75rem}"
    "figure svg{display:block;width:100%;height:auto;min-width:34rem;margin:0 auto}"
    "figcaption{font-size:.9rem;max-width:46rem;margin-top:.6rem}"
    "figcaption b{color:var(--ink)}"
    "footer{margin-top:3rem;color:var(--soft);font-size:.85rem}"
    "@media(max-width:40rem){main{padding:1.5rem 1rem 3rem}h1{font-size:1.6rem}}"
    "@page{size:A4 landscape;margin:14mm}"
    "@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--tint:#fff;"
    "--accent:#0072b2;--bad:#b3261e;--warn:#6b4600}body{font-size:10pt}main{max-width:none;"
    "padding:0}.scroll{overflow:visible}table{font-size:7.5pt}th,td{padding:.2rem .35rem}"
    "h2,h3{break-after:avoid}figure,tr,.findings li{break-inside:avoid}thead{display:"
    "table-header-group}figure svg{min-width:0;max-height:150mm}}";

/* Sorts a table by the column whose head is clicked, or on which Enter is pressed: numbers with their units
 * (of time or bytes) and commas between thousands by value, other texts by their characters; a second time the other way round. */
static const char script[] =
    "(function(){'use strict';"
    "var units={ns:1e-9,'\u00b5s':1e-6,ms:1e-3,s:1,B:1,KiB:1024,MiB:1048576,GiB:1073741824,"
    "TiB:1099511627776};"
    "function value(cell){var "
    "m=/^<?(-?[\\d.]+(?:e[-+]?\\d+)?)\\s*(ns|\u00b5s|ms|s|[KMGT]iB|B)?(?![\\w])/"
    ".exec(cell.textContent.trim().replace(/(\\d),(?=\\d{3})/g,'$1'));return "
    "m?parseFloat(m[1])*(m[2]?units[m[2]]:1):NaN}"
    "function sort(head){var table=head.closest('table'),body=table.tBodies[0],at=head.cellIndex,"
    "down=head.getAttribute('aria-sort')==='ascending';"
    "table.querySelectorAll('thead th').forEach(function(h){h.removeAttribute('aria-sort')});"
    "head.setAttribute('aria-sort',down?'descending':'ascending');"
    "Array.from(body.rows).sort(function(a,b){var x=value(a.cells[at]),y=value(b.cells[at]),"
    "d=isNaN(x)&&isNaN(y)?a.cells[at].textContent.localeCompare(b.cells[at].textContent,undefined,"
    "{numeric:true}):isNaN(x)?1:isNaN(y)?-1:x-y;return down?-d:d})"
    ".forEach(function(row){body.appendChild(row)})}"
    "document.querySelectorAll('table.sorts thead th').forEach(function(head){"
    "head.tabIndex=0;head.title='sort by this column';"
    "head.addEventListener('click',function(){sort(head)});"
    "head.addEventListener('keydown',function(e){if(e.key==='Enter'){sort(head)}})})})();";

/* ---- text ---- */

void nf_html_text(FILE *out, const char *from)
{
    for (; *from != '\0'; from++) {
        switch (*from) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            if ((unsigned char)*from >= ' ' || *from == '\n' || *from == '\t')
                putc(*from, out);
        }
    }
}

static void element(FILE *out, const char *tag, const char *content)
{
    fprintf(out, "<%s>", tag);
    nf_html_text(out, content);
    fprintf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

/* ---- the beginning ---- */

static void write_lead(const nf_report *report, FILE *out)
{
    static const char *const names[] = {"processor", "host", "time"};
    const char *separator = "";
    fputs("<p class=\"lead\">", out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = nf_study_find(report->study, names[i]);
        if (value == NULL)
            continue;
        fputs(separator, out);
        nf_html_text(out, value);
        separator = " \u00b7 ";
    }
    const char *version = nf_study_find(report->study, "nfold");
    if (version != NULL) {
        fprintf(out, "%snfold ", separator);
        nf_html_text(out, version);
    }
    fputs("</p>\n", out);
}

static void write_number(FILE *out, const char *name, size_t value)
{
    fprintf(out, "<div><dt>%s</dt><dd>%zu</dd></div>\n", name, value);
}

static void write_numbers(const nf_report *report, FILE *out)
{
    const nf_point *best = NULL;
    for (size_t i = 0; i < report->npoints; i++) {
        const nf_point *point = &report->points[i];
        if (nf_point_is_more(point) && point->of->scaling == NF_STRONG &&
            (best == NULL || point->speedup > best->speedup))
            best = point;
    }
    fputs("<dl class=\"numbers\">\n", out);
    if (best != NULL)
        fprintf(out, "<div><dt>best speed-up, %d workers</dt><dd>%.2f\u00d7</dd></div>\n",
                nf_point_workers(best), best->speedup);
    write_number(out, "samples", report->nsamples);
    write_number(out, "points that count", nf_report_count(report, nf_point_counts));
    write_number(out, "oversubscribed points", nf_report_count(report, nf_point_oversubscribed));
    write_number(out, "invalid points", nf_report_count(report, nf_point_invalid));
    fputs("</dl>\n", out);
}

static void write_findings(const nf_report *report, FILE *out)
{
    fputs("<ul class=\"findings\">\n", out);
    for (size_t i = 0; i < report->nfindings; i++) {
        fputs(report->findings[i].about == NULL ? "<li class=\"all\">" : "<li>", out);
        if (report->findings[i].about != NULL)
            element(out, "strong", report->findings[i].about);
        nf_html_text(out, report->findings[i].text);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

static void write_head(const nf_report *report, FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<title>Scaling report</title>\n<style>",
          out);
    fputs(style, out);
    fputs("</style>\n</head>\n<body>\n<main>\n<h1>Scaling report</h1>\n", out);
    write_lead(report, out);
    if (report->npoints > 0)
        write_numbers(report, out);
    write_findings(report, out);
}

/* ---- figures ---- */

/* Whether an attribute that names an id, or refers to one, has just begun at `at`. */
static size_t id_prefix(const char *at)
{
    static const char *const starts[] = {"id=\"", "id='", "href=\"#", "href='#", "url(#"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(at, starts[i], strlen(starts[i])) == 0)
            return strlen(starts[i]);
    return 0;
}

/* The SVG element alone, its ids made the figure's own: one page holds several figures. */
static void write_svg(const char *svg, const char *name, FILE *out)
{
    const char *at = strstr(svg, "<svg");
    while (at != NULL && *at != '\0') {
        size_t length = id_prefix(at);
        if (length > 0) {
            fprintf(out, "%.*s%s-", (int)length, at, name);
            at += length;
        } else {
            putc(*at++, out);
        }
    }
}

void nf_html_figure(FILE *out, const nf_report *report, int figure)
{
    const char *title = nf_figures[figure].title;
    if (report->figures[figure] == NULL) {
        fprintf(out, "<p class=\"note\">%s: %s</p>\n", title, nf_no_figure);
        return;
    }
    fprintf(out, "<figure>\n<div class=\"scroll\" role=\"img\" aria-label=\"%s\">\n", title);
    write_svg(report->figures[figure], nf_figures[figure].name, out);
    fprintf(out, "</div>\n<figcaption><b>%s.</b> %s</figcaption>\n</figure>\n", title,
            nf_figures[figure].caption);
}

static void write_figures(const nf_report *report, FILE *out)
{
    fputs("<h2>Figures</h2>\n", out);
    if (report->no_figures != NULL) {
        fputs("<p class=\"note\">figures left out: ", out);
        nf_html_text(out, report->no_figures);
        fputs("</p>\n", out);
        return;
    }
    for (int i = 0; i < NF_MEASURED_FIGURES; i++)
        nf_html_figure(out, report, i);
}

/* ---- tables ---- */

static bool any_group(const nf_report *report, nf_scaling scaling)
{
    for (size_t g = 0; g < report->ngroups; g++)
        if (report->groups[g].points[0]->of->scaling == scaling)
            return true;
    return false;
}

static void way_cell(FILE *out, const nf_group *group, const char *way)
{
    const nf_point *best = nf_group_best(group, way, true);
    char cell[NF_CELL], layout[NF_CELL];
    if (best == NULL) {
        fputs("<td class=\"n\">\u2013</td>", out);
        return;
    }
    fprintf(out, "<td class=\"n\">%s<small>", nf_seconds_text(best->seconds, 3, cell));
    if (best->base != NULL && best->base != best)
        fprintf(out, "%.2f times, ", best->speedup);
    fprintf(out, "%s</small>%s</td>", nf_layout_text(best, layout),
            best->oversubscribed ? "<small class=\"over\">oversubscribed</small>" : "");
}

static void write_ways(const nf_report *report, FILE *out)
{
    char size[NF_SHAPE_TEXT];
    if (!any_group(report, NF_STRONG))
        return;
    fputs("<h2>Four ways for the same work</h2>\n<p>The fastest point of each way: median time, "
          "speed-up over one worker, ranks\u00d7threads.</p>\n<div class=\"scroll\"><table>\n"
          "<thead><tr><th scope=\"col\">Kernel</th><th scope=\"col\" class=\"n\">Size</th>",
          out);
    for (size_t w = 0; w < 4; w++)
        fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>", nf_ways[w]);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_sample *of = report->groups[g].points[0]->of;
        if (of->scaling != NF_STRONG)
            continue;
        fputs("<tr>", out);
        element(out, "th scope=\"row\"", of->label);
        fprintf(out, "<td class=\"n\">%s</td>", nf_size_text(&of->shape, size));
        for (size_t w = 0; w < 4; w++)
            way_cell(out, &report->groups[g], nf_ways[w]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* A table behind its title, in this element; nothing where it has no rows. Frees the sheet. */
static nf_status write_sheet(const char *tag, const char *title, const char *words, nf_sheet sheet,
                             FILE *out)
{
    nf_status status = NF_OK;
    if (sheet.nrows > 0 || sheet.no_memory) {
        element(out, tag, title);
        if (words != NULL)
            element(out, "p", words);
        status = nf_sheet_html(&sheet, out);
    }
    nf_sheet_free(&sheet);
    return status;
}

static nf_status write_group(const nf_report *report, const nf_group *group, FILE *out)
{
    const nf_sample *of = group->points[0]->of;
    char size[NF_SHAPE_TEXT];
    nf_head heads[NF_COLUMNS];
    nf_status status = NF_OK;
    fputs("<h3>", out);
    nf_html_text(out, of->label);
    if (of->scaling == NF_STRONG)
        fprintf(out, " <small>%s</small>", nf_size_text(&of->shape, size));
    fputs("</h3>\n", out);
    for (const nf_table *table = nf_tables; table->title != NULL && status == NF_OK; table++)
        status =
            write_sheet("h4", table->title, NULL, nf_group_sheet(report, group, table, heads), out);
    return status;
}

static nf_status write_groups(const nf_report *report, nf_scaling scaling, const char *title,
                              FILE *out)
{
    nf_status status = NF_OK;
    if (!any_group(report, scaling))
        return NF_OK;
    element(out, "h2", title);
    for (size_t g = 0; g < report->ngroups && status == NF_OK; g++)
        if (report->groups[g].points[0]->of->scaling == scaling)
            status = write_group(report, &report->groups[g], out);
    return status;
}

static nf_status write_sections(const nf_report *report, const char *tag, const nf_section *list,
                                FILE *out)
{
    nf_status status = NF_OK;
    for (const nf_section *s = list; s->title != NULL && status == NF_OK; s++) {
        char *said = NULL;
        status = nf_section_words(report, s, &said);
        if (status == NF_OK)
            status = write_sheet(tag, s->title, said, s->make(report), out);
        free(said);
    }
    return status;
}

static nf_status write_costs(const nf_report *report, FILE *out)
{
    if (report->ncosts == 0)
        return NF_OK;
    element(out, "h2", nf_costs_title);
    element(out, "p", nf_costs_intro);
    return write_sections(report, "h3", nf_cost_sections, out);
}

/* ---- the end ---- */

static void facts_row(FILE *out, const char *name, const char *value)
{
    fputs("<tr>", out);
    element(out, "th scope=\"row\"", name);
    element(out, "td", value);
    fputs("</tr>\n", out);
}

static void write_facts(const nf_report *report, FILE *out)
{
    const char *seen = "";
    fputs("<h2>Kernels</h2>\n<p>As typed, and with every parameter written out.</p>\n"
          "<div class=\"scroll\"><table class=\"facts\"><tbody>\n",
          out);
    for (size_t g = 0; g < report->ngroups + report->nsimulated; g++) {
        const nf_sample *of = report->groups[g].points[0]->of;
        if (strcmp(seen, of->kernel) != 0)
            facts_row(out, of->label, of->kernel);
        seen = of->kernel;
    }
    fputs("</tbody></table></div>\n", out);
    if (report->study->nfacts == 0)
        return;
    fputs("<h2>Machine and set-up</h2>\n"
          "<div class=\"scroll\"><table class=\"facts\"><tbody>\n",
          out);
    for (size_t i = 0; i < report->study->nfacts; i++)
        facts_row(out, report->study->facts[i].name, report->study->facts[i].value);
    fputs("</tbody></table></div>\n", out);
}

static void write_method(const nf_report *report, FILE *out)
{
    fputs("<h2>How it was measured</h2>\n<ul>\n", out);
    for (size_t i = 0; nf_method[i] != NULL; i++) {
        element(out, "li", nf_method[i]);
        putc('\n', out);
    }
    fprintf(
        out,
        "</ul>\n<footer>All measured numbers are in points.csv%s; the figures' data and scripts "
        "are in figures/.</footer>\n</main>\n<script>",
        report->ncosts > 0 ? " and costs.csv" : "");
    fputs(script, out);
    fputs("</script>\n</body>\n</html>\n", out);
}

nf_status nf_report_html(const nf_report *report, FILE *out)
{
    write_head(report, out);
    write_ways(report, out);
    if (report->ngroups > 0 || report->no_figures != NULL)
        write_figures(report, out);
    nf_status status = write_groups(report, NF_STRONG, "Strong scaling", out);
    if (status == NF_OK)
        status = write_groups(report, NF_WEAK, "Weak scaling", out);
    if (status == NF_OK)
        status = write_costs(report, out);
    if (status == NF_OK && report->ngroups > 0)
        status = write_sections(report, "h2", nf_sections, out);
    if (report->nsimulated > 0)
        nf_simulated_html(report, out);
    write_facts(report, out);
    write_method(report, out);
    return status;
}
