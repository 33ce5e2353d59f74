/* The roofline (Williams, Waterman & Patterson, CACM 52(4), 2009): one panel, the points of the fewest and of
 * the most workers that stand beside a roof of theirs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_figures.h"

/* Of a kernel with both, strong scaling stands for it. */
static bool has_strong(const nf_report *report, const char *kernel)
{
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_sample *of = report->groups[g].points[0]->of;
        if (of->scaling == NF_STRONG && strcmp(of->kernel, kernel) == 0)
            return true;
    }
    return false;
}

static bool stands(const nf_report *report, const nf_point *point)
{
    const nf_detail *detail = nf_report_row(report, point).detail;
    return nf_point_counts(point) &&
           (point->of->scaling == NF_STRONG || !has_strong(report, point->of->kernel)) &&
           detail->bandwidth > 0 && detail->flops > 0 && detail->roof.bandwidth > 0 &&
           detail->roof.flops > 0;
}

bool nf_has_roofline(const nf_report *report, const nf_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (stands(report, group->points[i]))
            return true;
    return false;
}

/* Of all points that stand: one with the fewest workers, or with the most. NULL: none. */
static const nf_point *extreme(const nf_report *report, bool most)
{
    const nf_point *found = NULL;
    for (size_t i = 0; i < report->npoints; i++) {
        const nf_point *point = &report->points[i];
        if (stands(report, point) &&
            (found == NULL || (most ? nf_point_workers(point) > nf_point_workers(found)
                                    : nf_point_workers(point) < nf_point_workers(found))))
            found = point;
    }
    return found;
}

static bool same_layout(const nf_point *a, const nf_point *b)
{
    return a->of->ranks == b->of->ranks && a->of->threads == b->of->threads;
}

/* flops a byte over all points that stand. */
static void intensities(const nf_report *report, double *low, double *high)
{
    *low = INFINITY;
    *high = 0;
    for (size_t i = 0; i < report->npoints; i++) {
        const nf_detail *detail = nf_report_row(report, &report->points[i]).detail;
        if (!stands(report, &report->points[i]))
            continue;
        *low = fmin(*low, detail->flops / detail->bandwidth);
        *high = fmax(*high, detail->flops / detail->bandwidth);
    }
}

static void roof_rows(const nf_report *report, const nf_point *point, FILE *out)
{
    const nf_roof roof = nf_report_row(report, point).detail->roof;
    const double ridge = roof.flops / roof.bandwidth;
    double low, high;
    intensities(report, &low, &high);
    low = fmin(low, ridge) / 4;
    high = fmax(high, ridge) * 4;
    fprintf(out, "%.6g %.6g\n%.6g %.6g\n%.6g %.6g\n\n\n", low, low * roof.bandwidth / 1e9, ridge,
            roof.flops / 1e9, high, roof.flops / 1e9);
}

/* A kernel's name up to its parameters, of each stage: "gaussian | sobel". */
static void short_name(const char *label, FILE *out)
{
    bool parameters = false;
    for (; *label != '\0'; label++) {
        parameters = *label == ':' || (parameters && *label != ' ' && *label != '|');
        if (!parameters && (unsigned char)*label >= ' ')
            putc(*label == '"' ? '\'' : *label, out);
    }
}

static void point_rows(const nf_report *report, const nf_point *like, FILE *out)
{
    for (size_t g = 0; g < report->ngroups; g++)
        for (size_t i = 0; i < report->groups[g].n; i++) {
            const nf_point *point = report->groups[g].points[i];
            const nf_detail *detail = nf_report_row(report, point).detail;
            if (!stands(report, point) || !same_layout(point, like))
                continue;
            fprintf(out, "%.6g %.6g \"", detail->flops / detail->bandwidth, detail->flops / 1e9);
            short_name(point->of->label, out);
            fprintf(out, "%s\"\n", point->of->scaling == NF_WEAK ? ", weak" : "");
        }
    fputs("\n\n", out);
}

nf_status nf_roofline_data(const nf_report *report, FILE *out)
{
    const nf_point *ends[] = {extreme(report, false), extreme(report, true)};
    char layout[NF_CELL];
    fputs("# operations a byte, Gflop/s, name; two blocks a layout: its roof, its points\n", out);
    for (int k = 0; k < 2 && ends[k] != NULL; k++) {
        fprintf(out, "# %s: roof\n", nf_layout_text(ends[k], layout));
        roof_rows(report, ends[k], out);
        fprintf(out, "# %s: points\n", layout);
        point_rows(report, ends[k], out);
        if (same_layout(ends[0], ends[1]))
            break;
    }
    return NF_OK;
}

/* "1×2: roof 20.1 GB/s, 190 Gflop/s". */
static void legend_text(const nf_report *report, const nf_point *point, char text[NF_CELL])
{
    const nf_roof roof = nf_report_row(report, point).detail->roof;
    char layout[NF_CELL];
    nf_layout_text(point, layout);
    snprintf(text, NF_CELL, "%.20s: %.*f GB/s, %.0f Gflop/s", layout, roof.bandwidth < 1e11,
             roof.bandwidth / 1e9, roof.flops / 1e9);
}

nf_status nf_roofline_script(const nf_report *report, FILE *out)
{
    static const char *const colours[] = {BLACK, RED};
    static const int marks[] = {13, 7};
    const nf_point *ends[] = {extreme(report, false), extreme(report, true)};
    nf_canvas c = nf_canvas_single(1050, 460);
    nf_plot_begin(out, "roofline", &c);
    nf_legend at = nf_legend_begin(out, &c);
    const char *comma = "plot ";
    int n = ends[0] == NULL ? 0 : same_layout(ends[0], ends[1]) ? 1 : 2;
    for (int k = 0; k < n; k++) {
        char text[NF_CELL];
        legend_text(report, ends[k], text);
        nf_legend_entry(&at, text, colours[k], 1, marks[k], MARK);
    }
    nf_legend_end(&at);
    nf_plot_frame(out);
    fputs("set origin 0,0\nset size 1,0.93\nset lmargin 11\nset tmargin 1\nset logscale xy\n"
          "set autoscale x\nset autoscale y\nset autoscale xfix\nset autoscale yfix\n"
          "set offsets graph 0.03, graph 0.08, graph 0.08, graph 0.05\n"
          "set xtics nomirror\nset ytics nomirror\n"
          "set xlabel 'nominal operations a byte of traffic' textcolor rgb '" INK "'\n"
          "set ylabel 'Gflop/s' textcolor rgb '" INK "' offset 1,0\nset grid xtics ytics\n",
          out);
    for (int k = 0; k < n; k++) {
        fprintf(out,
                "%s'roofline.dat' index %d using 1:2 with lines lc rgb '%s' lw 2, \\\n  "
                "'roofline.dat' index %d using 1:2 with points lc rgb '%s' pt %d ps 1, \\\n  "
                "'roofline.dat' index %d using 1:2:3 with labels %s offset %s font ',10' textcolor "
                "rgb '%s'",
                comma, 2 * k, colours[k], 2 * k + 1, colours[k], marks[k], 2 * k + 1,
                k == 0 ? "right" : "left", k == 0 ? "-0.8,0" : "0.8,0", colours[k]);
        comma = ", \\\n  ";
    }
    fputs("\nunset multiplot\n", out);
    return NF_OK;
}
