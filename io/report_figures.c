#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/part.h"
#include "io/report_parts.h"

extern char **environ;

const char *const nf_figure_names[NF_FIGURES] = {"time", "efficiency", "phases", "simulated_time",
                                                 "simulated_efficiency"};
const char *const nf_figure_titles[NF_FIGURES] = {
    "Time against workers", "Efficiency against workers", "Where the time goes",
    "Simulated time against ranks", "Simulated efficiency against ranks"};
const char *const nf_figure_captions[NF_FIGURES] = {
    "Median time of one run, both axes logarithmic, with 95% intervals where n is at least 6. The "
    "dashed line is the ideal. Hollow grey points are oversubscribed: not joined, not counted. "
    "Threads and ranks "
    "stand a little aside of their number of workers.",
    "Speed-up divided by workers, with 95% intervals where n is at least 6. The dashed line is the "
    "ideal. Hollow grey points are oversubscribed: not joined, not counted. Threads and ranks "
    "stand a little aside of their number of workers.",
    "Shares of the time of a run, by ranks\u00d7threads. I/O, written above the bars, was spent "
    "once "
    "a point beside it. An asterisk marks oversubscribed points.",
    "Simulated, not measured: time of one run on the described cluster, both axes logarithmic, "
    "beside "
    "what the LogGP formula says. The dashed grey line is the ideal.",
    "Simulated, not measured: speed-up divided by ranks, beside what the LogGP formula says. The "
    "dashed "
    "grey line is the ideal.",
};

/* The palette of Okabe and Ito; shapes tell the series apart, too. */
#define BLACK  "#000000"
#define BLUE   "#0072B2"
#define RED    "#D55E00"
#define GREEN  "#009E73"
#define ORANGE "#E69F00"
#define PURPLE "#CC79A7"
#define SKY    "#56B4E9"
#define GREY   "#8A8A8A"
#define INK    "#333333"

#define MARK 0.9 /* size of a point */

/* ---- series ---- */

/* The blocks of a group's data, in the order of the file; an empty one is left out. */
typedef enum block {
    IDEAL,
    OVER,
    THREADS,
    RANKS,
    HYBRID,
    SERIAL,
    FORMULA,
    SIMULATED,
    BLOCKS
} block;

static const struct {
    const char *title, *colour;
    int mark, dash; /* gnuplot's point type; its dash type, 0: the points are not joined */
    double aside;   /* workers are multiplied by it, so that bars do not hide one another */
} series[BLOCKS] = {
    [IDEAL] = {"ideal", GREY, 0, 2, 1},
    [OVER] = {"oversubscribed (not counted)", GREY, 6, 0, 1},
    [THREADS] = {"threads", BLUE, 7, 1, 0.96},
    [RANKS] = {"ranks", RED, 4, 1, 1.04},
    [HYBRID] = {"hybrid", GREEN, 8, 0, 1},
    [SERIAL] = {"serial", BLACK, 13, 0, 1},
    [FORMULA] = {"LogGP formula", ORANGE, 0, 4, 1},
    [SIMULATED] = {"simulated", PURPLE, 12, 0, 1},
};

static const nf_point *base_of(const nf_group *group)
{
    return nf_group_best(group, "serial", false);
}

/* Whether a point stands in a block. Lines of threads and of ranks begin at the serial point. */
static bool belongs(const nf_group *group, const nf_point *point, block b)
{
    const char *way = nf_point_way(point);
    if (!point->valid)
        return false;
    if (b == IDEAL)
        return base_of(group) != NULL && point->base != NULL;
    if (b == FORMULA)
        return point->predicted > 0;
    if (point->of->simulated || b == SIMULATED)
        return point->of->simulated && b == SIMULATED;
    if (b == OVER || point->oversubscribed)
        return b == OVER && point->oversubscribed;
    if (b == THREADS || b == RANKS)
        return strcmp(way, series[b].title) == 0 || strcmp(way, "serial") == 0;
    return strcmp(way, series[b].title) == 0;
}

static size_t rows_of(const nf_group *group, block b)
{
    size_t rows = 0;
    bool own = false; /* a line that is more than the serial point */
    for (size_t i = 0; i < group->n; i++)
        if (belongs(group, group->points[i], b)) {
            rows++;
            own |= nf_point_workers(group->points[i]) > 1;
        }
    return (b == THREADS || b == RANKS) && !own ? 0 : rows;
}

static void number(FILE *out, bool known, double value)
{
    if (known && isfinite(value))
        fprintf(out, " %.9g", value);
    else
        fputs(" NaN", out);
}

static void point_row(FILE *out, const nf_group *group, const nf_point *point, block b)
{
    const int p = nf_point_workers(point);
    const nf_interval *time = &point->interval, *speedup = &point->speedup_interval;
    if (b == IDEAL) {
        const nf_point *base = base_of(group);
        double work =
            point->of->scaling == NF_STRONG ? 1 : (double)point->of->work / (double)base->of->work;
        fprintf(out, "%d %.9g NaN NaN 100 NaN NaN\n", p, base->seconds * work / p);
        return;
    }
    if (b == FORMULA) {
        const nf_point *base = base_of(group);
        bool known = base != NULL && base->predicted > 0;
        double work = !known || point->of->scaling == NF_STRONG
                          ? 1
                          : (double)point->of->work / (double)base->of->work;
        fprintf(out, "%d %.9g NaN NaN", p, point->predicted);
        number(out, known, known ? 100 * work * base->predicted / point->predicted / p : 0);
        fputs(" NaN NaN\n", out);
        return;
    }
    fprintf(out, "%d %.9g", p, point->seconds);
    number(out, time->known, time->low);
    number(out, time->known, time->high);
    number(out, point->base != NULL, 100 * point->efficiency);
    number(out, point->base != NULL && speedup->known && p > 1, 100 * speedup->low / p);
    number(out, point->base != NULL && speedup->known && p > 1, 100 * speedup->high / p);
    putc('\n', out);
}

static void block_title(FILE *out, const nf_group *group, const char *name)
{
    char *title = nf_group_text(group);
    fputs("# ", out);
    for (const char *at = title; at != NULL && *at != '\0'; at++)
        putc((unsigned char)*at < ' ' ? ' ' : *at, out);
    fprintf(out, ": %s\n", name);
    free(title);
}

static nf_status write_points(const nf_report *report, FILE *out)
{
    fputs("# workers, seconds, low, high, efficiency %, low, high; one block a series\n", out);
    for (size_t g = 0; g < report->ngroups; g++)
        for (block b = 0; b < BLOCKS; b++) {
            const nf_group *group = &report->groups[g];
            if (rows_of(group, b) == 0)
                continue;
            block_title(out, group, series[b].title);
            for (size_t i = 0; i < group->n; i++)
                if (belongs(group, group->points[i], b))
                    point_row(out, group, group->points[i], b);
            fputs("\n\n", out);
        }
    return NF_OK;
}

/* ---- panels ---- */

/* What a figure draws of a group; a panel that draws nothing is left out. */
typedef bool has_panel(const nf_group *group);

static bool has_time(const nf_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->valid)
            return true;
    return false;
}

static bool has_efficiency(const nf_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->valid && group->points[i]->base != NULL)
            return true;
    return false;
}

static bool in_phases(const nf_point *point)
{
    return point->valid && nf_phases_sum(&point->phases) > 0;
}

static bool has_phases(const nf_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (in_phases(group->points[i]))
            return true;
    return false;
}

/* Where the panels stand: a strip for the legend, then rows of panels, those of strong scaling
 * first and those of weak scaling from a row of their own; in pixels. */
typedef struct canvas {
    int columns, width, height, panel_width;
    int placed[2]; /* panels that stand already, by scaling */
    int first[2];  /* cell of the first one */
} canvas;

enum { STRIP = 46, PANEL_HEIGHT = 300 };

static canvas make_canvas(const nf_report *report, has_panel *has)
{
    int n[2] = {0};
    for (size_t g = 0; g < report->ngroups; g++)
        n[report->groups[g].points[0]->of->scaling] += has(&report->groups[g]);
    int most = n[NF_STRONG] > n[NF_WEAK] ? n[NF_STRONG] : n[NF_WEAK];
    canvas c = {.columns = most > 2 && most != 4                       ? 3
                           : most > 1 || n[NF_STRONG] + n[NF_WEAK] > 1 ? 2
                                                                       : 1};
    int strong_rows = (n[NF_STRONG] + c.columns - 1) / c.columns;
    int rows = strong_rows + (n[NF_WEAK] + c.columns - 1) / c.columns;
    c.first[NF_WEAK] = strong_rows * c.columns;
    if (most == 1) { /* side by side */
        c.first[NF_WEAK] = n[NF_STRONG];
        rows = 1;
    }
    c.panel_width = c.columns == 3 ? 350 : c.columns == 2 ? 480 : 640;
    c.width = c.columns * c.panel_width;
    c.height = STRIP + PANEL_HEIGHT * rows;
    return c;
}

/* A string of gnuplot's in single quotes, where only the quote itself is special; cut to a panel.
 */
static void quoted(FILE *out, const char *text, int room)
{
    int used = 0;
    putc('\'', out);
    for (; *text != '\0'; text++) {
        bool starts = ((unsigned char)*text & 0xc0) != 0x80;
        if (starts && used++ >= room) {
            fputs("\u2026", out);
            break;
        }
        if (*text == '\'')
            putc('\'', out);
        putc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
    putc('\'', out);
}

static void begin_script(FILE *out, const char *name, const canvas *c)
{
    fprintf(out,
            "# gnuplot %s.gp > ../%s.svg\n"
            "set encoding utf8\nset datafile missing 'NaN'\n"
            "set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,12' name '%s' "
            "background rgb 'white'\n"
            "set multiplot\n",
            name, name, c->width, c->height, name);
}

/* The legend: samples and names from the left, in a second row where the first is full. */
typedef struct legend {
    FILE *out;
    const canvas *c;
    int x, y; /* of the next sample's left end, in pixels from the left and from below */
} legend;

enum { SAMPLE = 30, MARGIN = 62 };

static legend begin_legend(FILE *out, const canvas *c)
{
    fprintf(out, "set origin 0,0\nset size 1,1\nunset border\nunset tics\nunset key\n"
                 "set xrange [0:1]\nset yrange [0:1]\n");
    return (legend){out, c, MARGIN, c->height - 14};
}

/* One entry: a line of a dash type, a point of a type, or both. */
static void legend_entry(legend *at, const char *name, const char *colour, int dash, int mark,
                         double size)
{
    const int text = 13 * (int)strlen(name) / 2; /* about */
    const double w = at->c->width, h = at->c->height;
    if (at->x > MARGIN && at->x + SAMPLE + text > at->c->width - 10) {
        at->x = MARGIN;
        at->y -= 20;
    }
    if (dash > 0)
        fprintf(at->out,
                "set arrow from screen %.6f,%.6f to screen %.6f,%.6f nohead lc rgb '%s' lw 2 dt %d "
                "front\n",
                at->x / w, at->y / h, (at->x + SAMPLE) / w, at->y / h, colour, dash);
    if (mark > 0)
        fprintf(at->out,
                "set label '' at screen %.6f,%.6f point pt %d ps %g lc rgb '%s' lw 1.5 front\n",
                (at->x + SAMPLE / 2.0) / w, at->y / h, mark, size, colour);
    fprintf(at->out, "set label '%s' at screen %.6f,%.6f left textcolor rgb '" INK "' front\n",
            name, (at->x + SAMPLE + 7) / w, at->y / h);
    at->x += SAMPLE + 7 + text + 22;
}

static void end_legend(const legend *at)
{
    fputs("plot -1 notitle\nunset arrow\nunset label\n", at->out);
}

/* Place and title of the next panel. */
static void begin_panel(FILE *out, canvas *c, const nf_group *group)
{
    const nf_sample *of = group->points[0]->of;
    double height = (double)PANEL_HEIGHT / c->height;
    int cell = c->first[of->scaling] + c->placed[of->scaling]++;
    int row = cell / c->columns, column = cell % c->columns;
    char size[NF_SHAPE_TEXT + 32];
    snprintf(size, sizeof size, "%s%s", of->simulated ? "simulated, " : "",
             of->scaling == NF_STRONG ? "strong, " : "weak, from ");
    nf_size_text(&of->shape, size + strlen(size));
    fprintf(out, "\nset origin %.6f,%.6f\nset size %.6f,%.6f\nset label 1 ",
            (double)column / c->columns, 1 - (double)STRIP / c->height - (row + 1) * height,
            1.0 / c->columns, height);
    quoted(out, of->label, c->panel_width / 9);
    fputs(" at graph 0,1.14 left font ',13' textcolor rgb '" INK "'\nset label 2 ", out);
    quoted(out, size, 60);
    fputs(" at graph 0,1.05 left font ',11' textcolor rgb '#666666'\n", out);
}

static void set_frame(FILE *out)
{
    fputs(
        "\nunset key\nset border 3 lc rgb '#777777'\nset lmargin 9\nset rmargin 2\nset tmargin 4\n"
        "set bmargin 3.5\nset tics nomirror out scale 0.6 textcolor rgb '" INK "'\n"
        "set grid ytics lc rgb '#E4E4E4' lt 1 lw 1\nset bars 0.6\n",
        out);
}

/* ---- time and efficiency ---- */

static void series_legend(FILE *out, const nf_report *report, const canvas *c)
{
    legend at = begin_legend(out, c);
    for (block b = 0; b < BLOCKS; b++) {
        size_t rows = 0;
        for (size_t g = 0; g < report->ngroups; g++)
            rows += rows_of(&report->groups[g], b);
        if (rows > 0)
            legend_entry(&at, series[b].title, series[b].colour, series[b].dash, series[b].mark,
                         MARK);
    }
    end_legend(&at);
}

/* The plot command's elements for one block: line, bars, points. */
static void plot_block(FILE *out, const char *data, block b, int index, bool time,
                       const char **comma)
{
    const char *value = time ? "2" : "5", *bars = time ? "2:3:4" : "5:6:7";
    char x[48];
    snprintf(x, sizeof x, "($1 > 1 ? $1 * %g : 1)", series[b].aside);
    if (series[b].dash > 0) {
        fprintf(out, "%s'%s' index %d using %s:%s with lines lc rgb '%s' lw %s dt %d", *comma, data,
                index, x, value, series[b].colour, b == IDEAL ? "1.5" : "2", series[b].dash);
        *comma = ", \\\n  ";
    }
    if (series[b].mark == 0)
        return;
    fprintf(out, "%s'%s' index %d using %s:%s with yerrorbars lc rgb '%s' lw 1.5 pt 0 ps 0", *comma,
            data, index, x, bars, series[b].colour);
    *comma = ", \\\n  ";
    fprintf(out, "%s'%s' index %d using %s:%s with points lc rgb '%s' lw 1.5 pt %d ps %g", *comma,
            data, index, x, value, series[b].colour, series[b].mark, MARK);
}

static void worker_ticks(FILE *out, const nf_group *group)
{
    int last = 0, most = 1;
    const char *comma = "";
    fputs("set xtics nomirror (", out);
    for (size_t i = 0; i < group->n; i++) {
        int p = nf_point_workers(group->points[i]);
        if (!group->points[i]->valid || p == last)
            continue;
        if (last == 0 || p > 1.12 * last)
            fprintf(out, "%s'%d' %d", comma, p, p);
        comma = ", ";
        last = most = p;
    }
    fprintf(out, ")\nset xrange [0.8:%.6g]\n", 1.3 * most);
}

/* Ticks at 1, 2, 5 of each decade, or at the decades alone where there are many. */
static void time_axis(FILE *out, const nf_group *group)
{
    double low = INFINITY, high = 0;
    const nf_point *base = base_of(group);
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (!point->valid)
            continue;
        low = fmin(low, point->interval.known ? point->interval.low : point->seconds);
        high = fmax(high, point->interval.known ? point->interval.high : point->seconds);
        if (base != NULL && point->of->scaling == NF_STRONG)
            low = fmin(low, base->seconds / nf_point_workers(point));
    }
    low *= 0.75;
    high *= 1.35;
    fprintf(out, "set logscale y\nset yrange [%.6g:%.6g]\nset ytics nomirror (", low, high);
    static const int steps[] = {1, 2, 5};
    const size_t nsteps = high / low > 300 ? 1 : 3;
    const char *comma = "";
    char text[NF_CELL];
    for (int decade = (int)floor(log10(low)); decade <= (int)ceil(log10(high)); decade++)
        for (size_t s = 0; s < nsteps; s++) {
            double tick = steps[s] * pow(10, decade);
            if (tick < low || tick > high)
                continue;
            fprintf(out, "%s'%s' %.6g", comma, nf_seconds_text(tick, 1, text), tick);
            comma = ", ";
        }
    fputs(")\n", out);
}

static void efficiency_axis(FILE *out, const nf_group *group)
{
    double high = 112;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        double top = point->speedup_interval.known
                         ? point->speedup_interval.high / nf_point_workers(point)
                         : point->efficiency;
        if (point->valid && point->base != NULL)
            high = fmax(high, 105 * top);
    }
    fprintf(
        out,
        "unset logscale y\nset yrange [0:%.6g]\nset ytics nomirror autofreq format '%%.0f%%%%'\n",
        high);
}

enum { TIME, EFFICIENCY, PHASES, SIMULATED_TIME, SIMULATED_EFFICIENCY }; /* the figures */

/* The report as if its simulated points were all that it has. */
static nf_report simulated_part(const nf_report *report)
{
    nf_report part = *report;
    part.groups += report->ngroups;
    part.ngroups = report->nsimulated;
    return part;
}

static void write_panels(const nf_report *report, FILE *out, int figure)
{
    bool time = figure == TIME || figure == SIMULATED_TIME;
    const char *data = figure < NF_MEASURED_FIGURES ? "points.dat" : "simulated.dat";
    has_panel *has = time ? has_time : has_efficiency;
    canvas c = make_canvas(report, has);
    int index = 0;
    begin_script(out, nf_figure_names[figure], &c);
    series_legend(out, report, &c);
    set_frame(out);
    fprintf(out, "set logscale x\nset xlabel '%s' textcolor rgb '" INK "' offset 0,0.4\n",
            figure < NF_MEASURED_FIGURES ? "workers" : "ranks");
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        bool draw = has(group);
        if (draw) {
            begin_panel(out, &c, group);
            worker_ticks(out, group);
            (time ? time_axis : efficiency_axis)(out, group);
        }
        const char *comma = "plot ";
        for (block b = 0; b < BLOCKS; b++)
            if (rows_of(group, b) > 0) {
                if (draw)
                    plot_block(out, data, b, index, time, &comma);
                index++;
            }
        putc('\n', out);
    }
    fputs("unset multiplot\n", out);
}

static nf_status write_time(const nf_report *report, FILE *out)
{
    write_panels(report, out, TIME);
    return NF_OK;
}

static nf_status write_efficiency(const nf_report *report, FILE *out)
{
    write_panels(report, out, EFFICIENCY);
    return NF_OK;
}

static nf_status write_simulated(const nf_report *report, FILE *out)
{
    nf_report part = simulated_part(report);
    return write_points(&part, out);
}

static nf_status write_simulated_time(const nf_report *report, FILE *out)
{
    nf_report part = simulated_part(report);
    write_panels(&part, out, SIMULATED_TIME);
    return NF_OK;
}

static nf_status write_simulated_efficiency(const nf_report *report, FILE *out)
{
    nf_report part = simulated_part(report);
    write_panels(&part, out, SIMULATED_EFFICIENCY);
    return NF_OK;
}

/* ---- phases ---- */

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

static nf_status write_shares(const nf_report *report, FILE *out)
{
    fputs("# ranks x threads, compute %, halo %, fold %, wait %, idle %, runtime %, I/O; one block "
          "a panel\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        if (!has_phases(group))
            continue;
        block_title(out, group, "phases");
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

static nf_status write_phases(const nf_report *report, FILE *out)
{
    canvas c = make_canvas(report, has_phases);
    int panel = 0;
    begin_script(out, nf_figure_names[PHASES], &c);
    legend at = begin_legend(out, &c);
    for (int k = 0; k < STACKED; k++)
        legend_entry(&at, stack[k].name, stack[k].colour, 0, 5, 1.4);
    end_legend(&at);
    set_frame(out);
    fputs("set style data histograms\nset style histogram rowstacked\n"
          "set style fill solid 1 noborder\nset boxwidth 0.7\n"
          "set ytics nomirror 0,20,100 format '%.0f%%'\n"
          "set xlabel 'ranks \u00d7 threads' textcolor rgb '" INK "' offset 0,0.4\n",
          out);
    for (size_t g = 0; g < report->ngroups; g++)
        if (has_phases(&report->groups[g])) {
            begin_panel(out, &c, &report->groups[g]);
            phases_panel(out, &report->groups[g], panel++);
        }
    fputs("unset multiplot\n", out);
    return NF_OK;
}

/* ---- gnuplot ---- */

/* Starts gnuplot in `folder` on SCRIPT.gp, its output into the file `svg`. errno's value. */
static int spawn_gnuplot(const char *folder, const char *script, const char *svg, int errors,
                         pid_t *child)
{
    char name[32];
    snprintf(name, sizeof name, "%s.gp", script);
    char *const arguments[] = {(char[]){"gnuplot"}, (char[]){"-d"}, name, NULL};
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (failed == 0)
        failed =
            posix_spawn_file_actions_addopen(&actions, 1, svg, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(&actions, errors, 2);
    if (failed == 0)
        failed = posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (failed == 0)
        failed = posix_spawnp(child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* What gnuplot complained of last: the last line that is not empty. */
static void last_words(FILE *errors, char words[NF_CELL])
{
    char line[NF_CELL];
    rewind(errors);
    while (fgets(line, sizeof line, errors) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[strspn(line, " \t^")] != '\0')
            memcpy(words, line, sizeof line);
    }
}

/* Returns NULL, or why there is no figure, in words that the caller frees ("" for no memory). */
static char *run_gnuplot(const char *folder, const char *script, const char *svg)
{
    char words[NF_CELL] = "", *problem = NULL;
    FILE *errors = tmpfile();
    if (errors == NULL)
        return asprintf(&problem, "no temporary file: %s", strerror(errno)) < 0 ? NULL : problem;
    pid_t child;
    int state = 0, length = 0;
    int failed = spawn_gnuplot(folder, script, svg, fileno(errors), &child);
    if (failed != 0) {
        length = asprintf(&problem, "gnuplot cannot be run: %s", strerror(failed));
    } else {
        while (waitpid(child, &state, 0) < 0 && errno == EINTR)
            ;
        last_words(errors, words);
        char *drawn = nf_report_slurp(svg);
        if (!WIFEXITED(state) || WEXITSTATUS(state) != 0 || drawn == NULL ||
            strstr(drawn, "</svg>") == NULL)
            length = asprintf(&problem, "gnuplot failed on %s.gp%s%s", script,
                              words[0] != '\0' ? ": " : "", words);
        free(drawn);
    }
    fclose(errors);
    return length < 0 ? strdup("gnuplot failed") : problem;
}

static nf_status draw_figure(nf_report *report, const char *dir, const char *folder, int figure)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s.svg", dir, nf_figure_names[figure]) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    nf_part part;
    nf_status status = nf_part_begin(path, &part);
    if (status == NF_OK) {
        report->no_figures = run_gnuplot(folder, nf_figure_names[figure], part.path);
        if (report->no_figures != NULL)
            nf_part_abort(&part);
        else
            status = nf_part_commit(&part);
    }
    if (status == NF_OK && report->no_figures == NULL) {
        report->figures[figure] = nf_report_slurp(path);
        if (report->figures[figure] == NULL)
            status = nf_fail(NF_ERR_FILE, "%s: cannot be read back", path);
    }
    free(path);
    return status;
}

/* No figure of an earlier report stays beside a new one. */
static void remove_figures(const char *dir)
{
    for (int i = 0; i < NF_FIGURES; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s.svg", dir, nf_figure_names[i]) < 0)
            return;
        unlink(path);
        free(path);
    }
}

static nf_status write_inputs(const nf_report *report, const char *folder)
{
    static const struct {
        const char *name;
        nf_report_writer *write;
    } files[] = {
        {"points.dat", write_points},
        {"phases.dat", write_shares},
        {"time.gp", write_time},
        {"efficiency.gp", write_efficiency},
        {"phases.gp", write_phases},
        {"simulated.dat", write_simulated},
        {"simulated_time.gp", write_simulated_time},
        {"simulated_efficiency.gp", write_simulated_efficiency},
    };
    const size_t n = sizeof files / sizeof *files - (report->nsimulated > 0 ? 0 : 3);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return nf_fail(NF_ERR_FILE, "%s: cannot be made: %s", folder, strerror(errno));
    nf_status status = NF_OK;
    for (size_t i = 0; status == NF_OK && i < n; i++)
        status = nf_report_file(report, folder, files[i].name, files[i].write);
    return status;
}

static bool anything(const nf_report *report, has_panel *has)
{
    for (size_t g = 0; g < report->ngroups; g++)
        if (has(&report->groups[g]))
            return true;
    return false;
}

nf_status nf_report_draw(nf_report *report, const char *dir)
{
    static has_panel *const has[NF_FIGURES] = {has_time, has_efficiency, has_phases, has_time,
                                               has_efficiency};
    const nf_report part = simulated_part(report);
    char *folder = NULL;
    if (asprintf(&folder, "%s/figures", dir) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    nf_status status = write_inputs(report, folder);
    if (status == NF_OK)
        remove_figures(dir);
    for (int i = 0; i < NF_FIGURES && status == NF_OK && report->no_figures == NULL; i++)
        if (anything(i < NF_MEASURED_FIGURES ? report : &part, has[i]))
            status = draw_figure(report, dir, folder, i);
    if (report->no_figures != NULL)
        remove_figures(dir);
    free(folder);
    return status;
}
