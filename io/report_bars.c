/* Figures of layouts: where the time goes, and efficiency over ranks and threads. */
#include <math.h>
#include <string.h>

#include "io/report_figures.h"

/* ---- phases ---- */

static bool in_phases(const nf_point *point)
{
    return point->valid && nf_phases_sum(&point->phases) > 0;
}

bool nf_has_phases(const nf_report *report, const nf_group *group)
{
    (void)report;
    for (size_t i = 0; i < group->n; i++)
        if (in_phases(group->points[i]))
            return true;
    return false;
}

static void phases_row(FILE *out, const nf_point *point)
{
    const nf_phases *phases = &point->phases;
    const double scale = 100 / nf_phases_sum(phases);
    char layout[NF_CELL], io[NF_CELL] = "";
    if (phases->io > 0)
        nf_seconds_text(phases->io, 2, io);
    fprintf(out, "\"%s%s\" %.6g %.6g %.6g %.6g %.6g %.6g \"%s%s\"\n", nf_layout_text(point, layout),
            point->oversubscribed ? "*" : "", scale * phases->compute, scale * phases->halo,
            scale * phases->fold, scale * phases->wait, scale * phases->idle,
            scale * phases->runtime, io[0] != '\0' ? "I/O " : " ", io);
}

nf_status nf_phases_data(const nf_report *report, FILE *out)
{
    fputs("# ranks x threads, compute %, halo %, fold %, wait %, idle %, runtime %, I/O; one block "
          "a panel\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        if (!nf_has_phases(report, group))
            continue;
        nf_plot_block(out, group, "phases");
        for (size_t i = 0; i < group->n; i++)
            if (in_phases(group->points[i]))
                phases_row(out, group->points[i]);
        fputs("\n\n", out);
    }
    return NF_OK;
}

static const struct {
    const char *name, *colour;
} stack[] = {{"compute", BLUE}, {"halo", ORANGE}, {"fold", GREEN},
             {"wait", PURPLE},  {"idle", SKY},    {"runtime", GREY}};

enum { STACKED = sizeof stack / sizeof *stack };

static void phases_panel(FILE *out, const nf_group *group, int index)
{
    size_t bars = 0;
    bool io = false;
    for (size_t i = 0; i < group->n; i++) {
        bars += in_phases(group->points[i]);
        io |= in_phases(group->points[i]) && group->points[i]->phases.io > 0;
    }
    fprintf(out, "set xrange [-0.7:%.1f]\nset yrange [0:%d]\nset xtics nomirror %s\nplot ",
            (double)(bars > 5 ? bars : 5) - 0.3, io ? 150 : 105,
            bars > 8 ? "rotate by -60" : "norotate");
    for (int k = 0; k < STACKED; k++)
        fprintf(out, "%s'phases.dat' index %d using %d%s lc rgb '%s'", k > 0 ? ", \\\n  " : "",
                index, k + 2, k == 0 ? ":xtic(1)" : "", stack[k].colour);
    if (io)
        fprintf(out,
                ", \\\n  'phases.dat' index %d using 0:(102):8 with labels rotate left font ',9' "
                "textcolor rgb '#666666'",
                index);
    putc('\n', out);
}

nf_status nf_phases_script(const nf_report *report, FILE *out)
{
    nf_canvas c = nf_canvas_of(report, nf_has_phases);
    int panel = 0;
    nf_plot_begin(out, "phases", &c);
    nf_legend at = nf_legend_begin(out, &c);
    for (int k = 0; k < STACKED; k++)
        nf_legend_entry(&at, stack[k].name, stack[k].colour, 0, 5, 1.4);
    nf_legend_end(&at);
    nf_plot_frame(out);
    fputs("set style data histograms\nset style histogram rowstacked\n"
          "set style fill solid 1 noborder\nset boxwidth 0.7\n"
          "set ytics nomirror 0,20,100 format '%.0f%%'\n"
          "set xlabel 'ranks \u00d7 threads' textcolor rgb '" INK "' offset 0,0.4\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++)
        if (nf_has_phases(report, &report->groups[g])) {
            nf_plot_panel(out, &c, &report->groups[g]);
            phases_panel(out, &report->groups[g], panel++);
        }
    fputs("unset multiplot\n", out);
    return NF_OK;
}

/* ---- ranks and threads ---- */

enum { MOST_LEVELS = 64 }; /* numbers of ranks, or of threads, in one map */

/* The numbers of ranks or of threads of a group's compared points, ascending, each once. */
static int levels(const nf_group *group, bool ranks, int list[MOST_LEVELS])
{
    int n = 0;
    for (size_t i = 0; i < group->n; i++) {
        const nf_sample *of = group->points[i]->of;
        int value = ranks ? of->ranks : of->threads, at = 0;
        while (at < n && list[at] < value)
            at++;
        if (!nf_point_compared(group->points[i]) || n == MOST_LEVELS ||
            (at < n && list[at] == value))
            continue;
        memmove(&list[at + 1], &list[at], (size_t)(n - at) * sizeof *list);
        list[at] = value;
        n++;
    }
    return n;
}

static int level_of(const int *list, int n, int value)
{
    int at = 0;
    while (at < n && list[at] != value)
        at++;
    return at;
}

bool nf_has_map(const nf_report *report, const nf_group *group)
{
    int list[MOST_LEVELS];
    (void)report;
    return levels(group, true, list) > 1 && levels(group, false, list) > 1;
}

nf_status nf_map_data(const nf_report *report, FILE *out)
{
    fputs("# place of ranks, place of threads, efficiency %, colour of the text, text; one block a "
          "panel; *: oversubscribed\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        int ranks[MOST_LEVELS], threads[MOST_LEVELS];
        int nranks = levels(group, true, ranks), nthreads = levels(group, false, threads);
        if (!nf_has_map(report, group))
            continue;
        nf_plot_block(out, group, "efficiency");
        for (size_t i = 0; i < group->n; i++) {
            const nf_point *point = group->points[i];
            if (!nf_point_compared(point))
                continue;
            double percent = 100 * point->efficiency;
            fprintf(out, "%d %d %.6g %d \"%.0f%%%s\"\n", level_of(ranks, nranks, point->of->ranks),
                    level_of(threads, nthreads, point->of->threads), percent,
                    percent < 50 ? 0xffffff : 0, percent, point->oversubscribed ? "*" : "");
        }
        fputs("\n\n", out);
    }
    return NF_OK;
}

static void level_ticks(FILE *out, const char *axis, const int *list, int n)
{
    fprintf(out, "set %stics scale 0 nomirror (", axis);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s'%d' %d", i > 0 ? ", " : "", list[i], i);
    fprintf(out, ")\nset %srange [-0.5:%d.5]\n", axis, n - 1);
}

static void map_panel(FILE *out, const nf_group *group, int index)
{
    int list[MOST_LEVELS];
    int n = levels(group, true, list);
    level_ticks(out, "x", list, n);
    n = levels(group, false, list);
    level_ticks(out, "y", list, n);
    fprintf(
        out,
        "plot 'map.dat' index %d using 1:2:(0.48):(0.48):3 with boxxyerror fc palette fs solid 1 "
        "noborder, \\\n  'map.dat' index %d using 1:2:5:4 with labels textcolor rgb variable\n",
        index, index);
}

/* The colours of Cividis (Nunez, Anderton and Renslow, PLOS ONE 13, 2018), which all see alike. */
nf_status nf_map_script(const nf_report *report, FILE *out)
{
    nf_canvas c = nf_canvas_of(report, nf_has_map);
    int panel = 0;
    nf_plot_begin(out, "map", &c);
    nf_legend at = nf_legend_begin(out, &c);
    nf_legend_entry(&at, "0%", "#00224E", 0, 5, 1.6);
    nf_legend_entry(&at, "25%", "#434E6C", 0, 5, 1.6);
    nf_legend_entry(&at, "50%", "#7D7C78", 0, 5, 1.6);
    nf_legend_entry(&at, "75%", "#BCAF6F", 0, 5, 1.6);
    nf_legend_entry(&at, "100% and more", "#FEE838", 0, 5, 1.6);
    nf_legend_end(&at);
    nf_plot_frame(out);
    fputs("set palette defined (0 '#00224E', 0.25 '#434E6C', 0.5 '#7D7C78', 0.75 '#BCAF6F', 1 "
          "'#FEE838')\nset cbrange [0:100]\nunset colorbox\nunset grid\n"
          "set xlabel 'ranks' textcolor rgb '" INK "' offset 0,0.4\n"
          "set ylabel 'threads a rank' textcolor rgb '" INK "'\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++)
        if (nf_has_map(report, &report->groups[g])) {
            nf_plot_panel(out, &c, &report->groups[g]);
            map_panel(out, &report->groups[g], panel++);
        }
    fputs("unset multiplot\n", out);
    return NF_OK;
}
