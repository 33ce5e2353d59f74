/* Figures over the number of workers: time, with its bounds and the chosen model, and efficiency. */
#include <math.h>
#include <string.h>

#include "io/report_figures.h"

/* The blocks of a group's data, in the order of the file; an empty one is left out. */
typedef enum block {
    BAND,
    IDEAL,
    ROOF,
    OVER,
    THREADS,
    RANKS,
    HYBRID,
    SERIAL,
    FORMULA,
    SIMULATED,
    MODEL,
    BEYOND,
    BLOCKS
} block;

static const struct {
    const char *title, *colour;
    int mark, dash; /* gnuplot's point type; its dash type, 0: the points are not joined */
    double aside;   /* workers are multiplied by it, so that bars do not hide one another */
} series[BLOCKS] = {
    [BAND] = {"95% band of the model", ORANGE, 5, 0, 1},
    [IDEAL] = {"ideal", GREY, 0, 2, 1},
    [ROOF] = {"bound by the roof", PURPLE, 0, 3, 1},
    [OVER] = {"oversubscribed (not counted)", GREY, 6, 0, 1},
    [THREADS] = {"threads", BLUE, 7, 1, 0.96},
    [RANKS] = {"ranks", RED, 4, 1, 1.04},
    [HYBRID] = {"hybrid", GREEN, 8, 0, 1},
    [SERIAL] = {"serial", BLACK, 13, 0, 1},
    [FORMULA] = {"LogGP formula", ORANGE, 0, 4, 1},
    [SIMULATED] = {"simulated", PURPLE, 12, 0, 1},
    [MODEL] = {"chosen model", ORANGE, 0, 1, 1},
    [BEYOND] = {"extrapolated", ORANGE, 0, 2, 1},
};

/* Whether a point stands in a block. Lines of threads and of ranks begin at the serial point. */
static bool belongs(const nf_group *group, const nf_point *point, block b)
{
    const char *way = nf_point_way(point);
    if (!point->valid)
        return false;
    if (b == IDEAL)
        return nf_group_base(group) != NULL && point->base != NULL;
    if (b == BAND || b == ROOF || b == MODEL || b == BEYOND)
        return false; /* no points */
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

/* ---- what is no point: the roof, and models ---- */

/* The least time that the roof allows with as many workers as the point has; 0: unknown, or another point
 * of as many workers says it. */
static double roof_at(const nf_report *report, const nf_group *group, size_t which)
{
    double least = 0;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        double mine = nf_report_row(report, point).detail->least;
        if (nf_point_workers(point) != nf_point_workers(group->points[which]) ||
            !nf_point_counts(point) || mine <= 0)
            continue;
        if (i < which)
            return 0;
        least = least <= 0 || mine < least ? mine : least;
    }
    return least;
}

static const nf_trend *trend_of(const nf_report *report, const nf_group *group)
{
    const nf_trend *trend = report->trends == NULL ? NULL : &report->trends[group - report->groups];
    return trend != NULL && trend->fits.best >= 0 ? trend : NULL;
}

/* The last number of workers that a group's figures show. */
static double last_of(const nf_report *report, const nf_group *group)
{
    const nf_trend *trend = trend_of(report, group);
    return trend == NULL ? 0 : NF_EXTRAPOLATION * trend->series.at[trend->series.n - 1].p;
}

enum { STEPS = 24 }; /* of a curve */

static void curve_rows(FILE *out, const nf_trend *trend, block b)
{
    const double most = trend->series.at[trend->series.n - 1].p;
    const double from = b == BEYOND ? most : trend->series.at[0].p,
                 to = b == MODEL ? most : NF_EXTRAPOLATION * most;
    for (int i = 0; i <= STEPS; i++) {
        double p = i == STEPS ? to : from * pow(to / from, (double)i / STEPS);
        nf_prediction at = nf_trend_at(trend, trend->fits.best, p);
        fprintf(out, "%.6g %.9g", p, at.seconds);
        nf_plot_number(out, at.band.known, at.band.low);
        nf_plot_number(out, at.band.known, at.band.high);
        fputs(" NaN NaN NaN\n", out);
    }
}

static size_t rows_of(const nf_report *report, const nf_group *group, block b)
{
    const nf_trend *trend = trend_of(report, group);
    size_t rows = 0;
    bool own = false; /* a line that is more than the serial point */
    if (b == MODEL || b == BEYOND || b == BAND)
        return trend != NULL && (b != BAND || trend->ncopies > 0) ? STEPS + 1 : 0;
    for (size_t i = 0; i < group->n; i++) {
        bool roof = b == ROOF && roof_at(report, group, i) > 0;
        if (roof || belongs(group, group->points[i], b)) {
            rows++;
            own |= nf_point_workers(group->points[i]) > 1;
        }
    }
    return (b == THREADS || b == RANKS) && !own ? 0 : rows;
}

static void point_row(FILE *out, const nf_group *group, const nf_point *point, block b)
{
    const int p = nf_point_workers(point);
    const nf_interval *time = &point->interval, *speedup = &point->speedup_interval;
    if (b == IDEAL) {
        const nf_point *base = nf_group_base(group);
        double work =
            point->of->scaling == NF_STRONG ? 1 : (double)point->of->work / (double)base->of->work;
        fprintf(out, "%d %.9g NaN NaN 100 NaN NaN\n", p,
                base->seconds * work * nf_point_workers(base) / p);
        return;
    }
    if (b == FORMULA) {
        const nf_point *base = nf_group_base(group);
        bool known = base != NULL && base->predicted > 0;
        double work = !known || point->of->scaling == NF_STRONG
                          ? 1
                          : (double)point->of->work / (double)base->of->work;
        fprintf(out, "%d %.9g NaN NaN", p, point->predicted);
        nf_plot_number(
            out, known,
            known ? 100 * work * base->predicted / point->predicted * nf_point_share(point) : 0);
        fputs(" NaN NaN\n", out);
        return;
    }
    fprintf(out, "%d %.9g", p, point->seconds);
    nf_plot_number(out, time->known, time->low);
    nf_plot_number(out, time->known, time->high);
    nf_plot_number(out, point->base != NULL, 100 * point->efficiency);
    nf_plot_number(out, point->base != NULL && speedup->known && point->base != point,
                   100 * (point->base != NULL ? nf_point_share(point) : 1) * speedup->low);
    nf_plot_number(out, point->base != NULL && speedup->known && point->base != point,
                   100 * (point->base != NULL ? nf_point_share(point) : 1) * speedup->high);
    putc('\n', out);
}

static void block_rows(FILE *out, const nf_report *report, const nf_group *group, block b)
{
    nf_plot_block(out, group, series[b].title);
    if (b == MODEL || b == BEYOND || b == BAND)
        curve_rows(out, trend_of(report, group), b);
    for (size_t i = 0; i < group->n; i++) {
        double roof = b == ROOF ? roof_at(report, group, i) : 0;
        if (roof > 0)
            fprintf(out, "%d %.9g NaN NaN NaN NaN NaN\n", nf_point_workers(group->points[i]), roof);
        else if (belongs(group, group->points[i], b))
            point_row(out, group, group->points[i], b);
    }
    fputs("\n\n", out);
}

nf_status nf_points_data(const nf_report *report, FILE *out)
{
    fputs("# workers, seconds, low, high, efficiency %, low, high; one block a series\n", out);
    for (size_t g = 0; g < report->ngroups; g++)
        for (block b = 0; b < BLOCKS; b++)
            if (rows_of(report, &report->groups[g], b) > 0)
                block_rows(out, report, &report->groups[g], b);
    return NF_OK;
}

/* ---- panels ---- */

bool nf_has_time(const nf_report *report, const nf_group *group)
{
    (void)report;
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->valid)
            return true;
    return false;
}

bool nf_has_efficiency(const nf_report *report, const nf_group *group)
{
    (void)report;
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->valid && group->points[i]->base != NULL)
            return true;
    return false;
}

/* The blocks that only the figures of time show. */
static bool of_time(block b)
{
    return b == BAND || b == ROOF || b == MODEL || b == BEYOND;
}

static void series_legend(FILE *out, const nf_report *report, const nf_canvas *c, bool time)
{
    nf_legend at = nf_legend_begin(out, c);
    for (block b = 0; b < BLOCKS; b++) {
        size_t rows = 0;
        for (size_t g = 0; g < report->ngroups; g++)
            rows += time || !of_time(b) ? rows_of(report, &report->groups[g], b) : 0;
        if (rows > 0)
            nf_legend_entry(&at, series[b].title, series[b].colour, series[b].dash, series[b].mark,
                            MARK);
    }
    nf_legend_end(&at);
}

/* The plot command's elements for one block: line, bars, points. */
static void plot_block(FILE *out, const char *data, block b, int index, bool time,
                       const char **comma)
{
    const char *value = time ? "2" : "5", *bars = time ? "2:3:4" : "5:6:7";
    char x[48];
    if (b == BAND) {
        fprintf(
            out,
            "%s'%s' index %d using 1:3:4 with filledcurves fs transparent solid 0.2 noborder lc "
            "rgb '%s'",
            *comma, data, index, series[b].colour);
        *comma = ", \\\n  ";
        return;
    }
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

static void worker_ticks(FILE *out, const nf_group *group, double last_shown)
{
    int last = 0, most = 1, first = 0;
    const char *comma = "";
    fputs("set xtics nomirror (", out);
    for (size_t i = 0; i < group->n; i++) {
        int p = nf_point_workers(group->points[i]);
        if (!group->points[i]->valid || p == last)
            continue;
        if (last == 0 || p > 1.12 * last)
            fprintf(out, "%s'%d' %d", comma, p, p);
        comma = ", ";
        first = first == 0 ? p : first;
        last = most = p;
    }
    if (last_shown > most)
        fprintf(out, "%s'%.0f' %.0f", comma, last_shown, last_shown);
    fprintf(out, ")\nset xrange [%.6g:%.6g]\n", 0.8 * (first > 0 ? first : 1),
            1.3 * fmax(most, last_shown));
}

/* Ticks at 1, 2, 5 of each decade, or at the decades alone where there are many. */
static void time_axis(FILE *out, const nf_report *report, const nf_group *group)
{
    double low = INFINITY, high = 0;
    const nf_point *base = nf_group_base(group);
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (!point->valid)
            continue;
        low = fmin(low, point->interval.known ? point->interval.low : point->seconds);
        high = fmax(high, point->interval.known ? point->interval.high : point->seconds);
        if (base != NULL && point->of->scaling == NF_STRONG)
            low = fmin(low, base->seconds * nf_point_workers(base) / nf_point_workers(point));
    }
    const nf_trend *trend = trend_of(report, group);
    for (size_t i = 0; i < group->n; i++) {
        double roof = roof_at(report, group, i);
        low = roof > 0 && roof > low / 10 ? fmin(low, roof) : low;
    }
    if (trend != NULL) {
        nf_prediction far = nf_trend_at(trend, trend->fits.best, last_of(report, group));
        low = fmin(low, far.band.known ? far.band.low : far.seconds);
        high = fmax(high, far.band.known ? far.band.high : far.seconds);
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

static void efficiency_axis(FILE *out, const nf_report *report, const nf_group *group)
{
    double high = 112;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        const nf_interval *interval = &nf_report_row(report, point).detail->efficiency;
        double top = interval->known ? interval->high : point->efficiency;
        if (point->valid && point->base != NULL)
            high = fmax(high, 105 * top);
    }
    fprintf(
        out,
        "unset logscale y\nset yrange [0:%.6g]\nset ytics nomirror autofreq format '%%.0f%%%%'\n",
        high);
}

nf_report nf_simulated_part(const nf_report *report)
{
    nf_report part = *report;
    part.groups += report->ngroups;
    part.ngroups = report->nsimulated;
    part.trends = NULL;
    return part;
}

/* Both figures, of measured and of simulated points. */
static nf_status write_panels(const nf_report *report, FILE *out, const char *name, bool time,
                              bool simulated)
{
    const char *data = simulated ? "simulated.dat" : "points.dat";
    nf_has_panel *has = time ? nf_has_time : nf_has_efficiency;
    nf_canvas c = nf_canvas_of(report, has);
    int index = 0;
    nf_plot_begin(out, name, &c);
    series_legend(out, report, &c, time);
    nf_plot_frame(out);
    fprintf(out, "set logscale x\nset xlabel '%s' textcolor rgb '" INK "' offset 0,0.4\n",
            simulated ? "ranks" : "workers");
    for (size_t g = 0; g < report->ngroups; g++) {
        const nf_group *group = &report->groups[g];
        bool draw = has(report, group);
        if (draw) {
            nf_plot_panel(out, &c, group);
            worker_ticks(out, group, time ? last_of(report, group) : 0);
            (time ? time_axis : efficiency_axis)(out, report, group);
        }
        const char *comma = "plot ";
        for (block b = 0; b < BLOCKS; b++)
            if (rows_of(report, group, b) > 0) {
                if (draw && (time || !of_time(b)))
                    plot_block(out, data, b, index, time, &comma);
                index++;
            }
        putc('\n', out);
    }
    fputs("unset multiplot\n", out);
    return NF_OK;
}

nf_status nf_time_script(const nf_report *report, FILE *out)
{
    return write_panels(report, out, "time", true, false);
}

nf_status nf_efficiency_script(const nf_report *report, FILE *out)
{
    return write_panels(report, out, "efficiency", false, false);
}

nf_status nf_simulated_data(const nf_report *report, FILE *out)
{
    nf_report part = nf_simulated_part(report);
    return nf_points_data(&part, out);
}

nf_status nf_simulated_time_script(const nf_report *report, FILE *out)
{
    nf_report part = nf_simulated_part(report);
    return write_panels(&part, out, "simulated_time", true, true);
}

nf_status nf_simulated_efficiency_script(const nf_report *report, FILE *out)
{
    nf_report part = nf_simulated_part(report);
    return write_panels(&part, out, "simulated_efficiency", false, true);
}
