/* Figures of the samples: how they are spread, and how their interval narrows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/study/sampling.h"
#include "io/report_figures.h"

/* The point's times in the order measured; the caller frees them. NULL: no memory. */
static double *times_of(const nf_study *study, const nf_point *point)
{
    double *times = calloc(point->n + 1, sizeof *times);
    size_t n = 0;
    for (size_t i = 0; i < study->nsamples && times != NULL; i++)
        if (nf_sample_same_point(&study->samples[i], point->of))
            times[n++] = study->samples[i].seconds;
    return times;
}

static nf_status no_memory(void)
{
    return nf_fail(NF_ERR_MEMORY, "no memory for the samples of a figure");
}

/* ---- samples ---- */

/* More samples than these are thinned: evenly by rank, the least and the largest kept. */
enum { SHOWN = 150 };

bool nf_has_samples(const nf_report *report, const nf_group *group)
{
    (void)report;
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->valid && group->points[i]->n > 1)
            return true;
    return false;
}

/* Rows "place, ratio" of one look's points, each beside its place by a share of the golden ratio, so that
 * samples hide one another least. */
static nf_status sample_rows(const nf_report *report, const nf_group *group, int look, FILE *out)
{
    int place = 0;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (!point->valid)
            continue;
        place++;
        if (nf_look_of(point) != look)
            continue;
        double *times = times_of(report->study, point);
        if (times == NULL)
            return no_memory();
        nf_median(times, point->n); /* sorts */
        size_t shown = point->n < SHOWN ? point->n : SHOWN;
        for (size_t k = 0; k < shown; k++) {
            size_t rank = shown > 1 ? k * (point->n - 1) / (shown - 1) : 0;
            double aside = fmod((double)k * 0.6180339887498949, 1) - 0.5;
            fprintf(out, "%.3f %.6g\n", place - 1 + 0.6 * aside, times[rank] / point->seconds);
        }
        free(times);
    }
    return NF_OK;
}

static void interval_rows(const nf_group *group, FILE *out)
{
    int place = 0;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (!point->valid)
            continue;
        fprintf(out, "%d 1", place++);
        nf_plot_number(out, point->interval.known, point->interval.low / point->seconds);
        nf_plot_number(out, point->interval.known, point->interval.high / point->seconds);
        putc('\n', out);
    }
}

static bool has_look(const nf_group *group, int look)
{
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->valid && nf_look_of(group->points[i]) == look)
            return true;
    return false;
}

nf_status nf_samples_data(const nf_report *report, FILE *out)
{
    nf_status status = NF_OK;
    fputs("# place of the point, time / median; one block a way; then of each point: place, 1, its "
          "interval\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        if (!nf_has_samples(report, group))
            continue;
        for (int look = 0; look < NF_LOOKS && status == NF_OK; look++) {
            if (!has_look(group, look))
                continue;
            nf_plot_block(out, group, nf_looks[look].title);
            status = sample_rows(report, group, look, out);
            fputs("\n\n", out);
        }
        nf_plot_block(out, group, "medians and their intervals");
        interval_rows(group, out);
        fputs("\n\n", out);
    }
    return status;
}

/* Ticks of a ratio where it is shown; the range is that of the samples. */
static void ratio_axis(const nf_report *report, const nf_group *group, FILE *out)
{
    static const double ticks[] = {0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 1,  1.05, 1.1,
                                   1.2, 1.5, 2,   3,   5,   10,   20, 50,   100};
    double low = 0.98, high = 1.02, last = 0;
    const char *comma = "";
    for (size_t i = 0; i < report->study->nsamples; i++)
        for (size_t k = 0; k < group->n; k++)
            if (group->points[k]->valid &&
                nf_sample_same_point(&report->study->samples[i], group->points[k]->of)) {
                double ratio = report->study->samples[i].seconds / group->points[k]->seconds;
                low = fmin(low, ratio);
                high = fmax(high, ratio);
            }
    low *= 0.97;
    high *= 1.03;
    fprintf(out, "set logscale y\nset yrange [%.6g:%.6g]\nset ytics nomirror (", low, high);
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        const double least = log(high / low) / 9;
        bool one = ticks[i] == 1, apart = last <= 0 || log(ticks[i] / last) > least;
        if (ticks[i] < low || ticks[i] > high || (!one && (!apart || fabs(log(ticks[i])) < least)))
            continue;
        fprintf(out, "%s'%g' %g", comma, ticks[i], ticks[i]);
        comma = ", ";
        last = ticks[i];
    }
    fputs(")\n", out);
}

/* The layouts' names, at most LABELS of them. */
static void layout_ticks(const nf_group *group, FILE *out)
{
    enum { LABELS = 12 };
    int place = 0, valid = 0;
    char text[NF_CELL];
    for (size_t i = 0; i < group->n; i++)
        valid += group->points[i]->valid;
    fputs("set xtics nomirror (", out);
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->valid) {
            bool named = place % ((valid + LABELS - 1) / LABELS) == 0;
            fprintf(out, "%s'%s' %d", place > 0 ? ", " : "",
                    named ? nf_layout_text(group->points[i], text) : "", place);
            place++;
        }
    fprintf(out, ") %s\nset xrange [-0.7:%d.7]\n", valid > 8 ? "rotate by -60" : "norotate",
            valid > 5 ? valid - 1 : 4);
}

nf_status nf_samples_script(const nf_report *report, FILE *out)
{
    nf_canvas c = nf_canvas_of(report, nf_has_samples);
    int index = 0;
    nf_plot_begin(out, "samples", &c);
    nf_legend at = nf_legend_begin(out, &c);
    nf_legend_looks(&at, report, nf_has_samples);
    nf_legend_entry(&at, "median and its 95% interval", BLACK, 1, 0, 1);
    nf_legend_end(&at);
    nf_plot_frame(out);
    fputs("set xlabel 'ranks \u00d7 threads' textcolor rgb '" INK "' offset 0,0.4\n"
          "set ylabel 'time / median' textcolor rgb '" INK "'\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        if (!nf_has_samples(report, group))
            continue;
        nf_plot_panel(out, &c, group);
        layout_ticks(group, out);
        ratio_axis(report, group, out);
        const char *comma = "plot ";
        for (int look = 0; look < NF_LOOKS; look++)
            if (has_look(group, look)) {
                fprintf(out,
                        "%s'samples.dat' index %d using 1:2 with points pt %d ps 0.35 lc rgb '%s'",
                        comma, index++, nf_looks[look].mark, nf_looks[look].colour);
                comma = ", \\\n  ";
            }
        fprintf(out,
                "%s'samples.dat' index %d using 1:2:3:4 with yerrorbars lc rgb '" BLACK
                "' lw 1.5 pt 0 ps 0, \\\n  'samples.dat' index %d using 1:2:(0.35) with xerrorbars "
                "lc rgb '" BLACK "' lw 1.5 pt 0 ps 0\n",
                comma, index, index);
        index++;
    }
    fputs("unset multiplot\n", out);
    return NF_OK;
}

/* ---- convergence ---- */

static bool converges(const nf_point *point)
{
    return point->valid && point->interval.known;
}

bool nf_has_convergence(const nf_report *report, const nf_group *group)
{
    (void)report;
    for (size_t i = 0; i < group->n; i++)
        if (converges(group->points[i]))
            return true;
    return false;
}

/* Rows "n, half-width %" of the first n samples; each n up to 20, then about ten a doubling. */
static nf_status convergence_rows(const nf_report *report, const nf_point *point, FILE *out)
{
    double *times = times_of(report->study, point);
    double *sorted = calloc(point->n + 1, sizeof *sorted);
    bool fine = times != NULL && sorted != NULL;
    for (size_t n = 6; n <= point->n && fine; n += n < 20 ? 1 : n / 14) {
        memcpy(sorted, times, n * sizeof *sorted);
        double width = nf_sampling_width(sorted, n);
        if (isfinite(width))
            fprintf(out, "%zu %.6g\n", n, fmax(100 * width, 0.01));
    }
    free(times);
    free(sorted);
    return fine ? NF_OK : no_memory();
}

nf_status nf_convergence_data(const nf_report *report, FILE *out)
{
    nf_status status = NF_OK;
    char layout[NF_CELL];
    fputs(
        "# samples so far, half-width of the median's 95% interval in % of it (0.01 at least); one "
        "block a point\n",
        out);
    for (size_t g = 0; g < report->ngroups; g++)
        for (size_t i = 0; i < report->groups[g].n && status == NF_OK; i++) {
            const nf_point *point = report->groups[g].points[i];
            if (!converges(point))
                continue;
            nf_plot_block(out, &report->groups[g], nf_layout_text(point, layout));
            status = convergence_rows(report, point, out);
            fputs("\n\n", out);
        }
    return status;
}

/* What the study asked for, in percent; 0: nothing. */
static double precision_of(const nf_study *study)
{
    const char *reps = nf_study_setting(study, "reps"),
               *text = nf_study_setting(study, "precision");
    bool counted = reps != NULL && strtoll(reps, NULL, 10) > 0;
    return text == NULL || counted ? 0 : 100 * strtod(text, NULL);
}

static void convergence_panel(const nf_report *report, const nf_group *group, int *index, FILE *out)
{
    const char *comma = "plot ";
    size_t most = 20;
    double asked = precision_of(report->study);
    for (size_t i = 0; i < group->n; i++)
        most =
            converges(group->points[i]) && group->points[i]->n > most ? group->points[i]->n : most;
    fprintf(out, "set xrange [5.5:%zu]\nset autoscale y\n", most + most / 5);
    if (asked > 0) {
        fprintf(out, "plot %g with lines lc rgb '" GREY "' lw 1.5 dt 2", asked);
        comma = ", \\\n  ";
    }
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        const nf_look *look = &nf_looks[nf_look_of(point)];
        if (!converges(point))
            continue;
        fprintf(out,
                "%s'convergence.dat' index %d using 1:2 with linespoints lc rgb '%s' lw 1.2 pt %d "
                "ps 0.5",
                comma, *index, look->colour, look->mark);
        comma = ", \\\n  ";
        ++*index;
    }
    putc('\n', out);
}

nf_status nf_convergence_script(const nf_report *report, FILE *out)
{
    nf_canvas c = nf_canvas_of(report, nf_has_convergence);
    int index = 0;
    nf_plot_begin(out, "convergence", &c);
    nf_legend at = nf_legend_begin(out, &c);
    nf_legend_looks(&at, report, nf_has_convergence);
    if (precision_of(report->study) > 0)
        nf_legend_entry(&at, "precision asked for", GREY, 2, 0, 1);
    nf_legend_end(&at);
    nf_plot_frame(out);
    fputs("set logscale xy\nset xlabel 'samples' textcolor rgb '" INK "' offset 0,0.4\n"
          "set xtics nomirror (6, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)\n"
          "set ytics nomirror ('0.01%%' 0.01, '0.1%%' 0.1, '0.5%%' 0.5, '1%%' 1, '2%%' 2, '5%%' 5, "
          "'10%%' "
          "10, '20%%' 20, '50%%' 50, '100%%' 100)\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++)
        if (nf_has_convergence(report, &report->groups[g])) {
            nf_plot_panel(out, &c, &report->groups[g]);
            convergence_panel(report, &report->groups[g], &index, out);
        }
    fputs("unset multiplot\n", out);
    return NF_OK;
}
