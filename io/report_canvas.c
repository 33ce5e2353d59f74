/* Panels, legends and words of gnuplot's that all figures share. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_figures.h"

enum { STRIP = 46, PANEL_HEIGHT = 300 };

nf_canvas nf_canvas_of(const nf_report *report, nf_has_panel *has)
{
    int n[2] = {0};
    for (size_t g = 0; g < report->ngroups; g++)
        n[report->groups[g].points[0]->of->scaling] += has(report, &report->groups[g]);
    int most = n[NF_STRONG] > n[NF_WEAK] ? n[NF_STRONG] : n[NF_WEAK];
    nf_canvas c = {.columns = most > 2 && most != 4                       ? 3
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

nf_canvas nf_canvas_single(int width, int height)
{
    return (nf_canvas){
        .columns = 1, .width = width, .panel_width = width, .height = STRIP + height};
}

/* Only the quote itself is special. */
void nf_plot_quoted(FILE *out, const char *text, int room)
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

void nf_plot_begin(FILE *out, const char *name, const nf_canvas *c)
{
    fprintf(out,
            "# gnuplot %s.gp > ../%s.svg; gnuplot -e pdf=1 %s.gp > ../%s.pdf\n"
            "set encoding utf8\nset datafile missing 'NaN'\n"
            "if (exists('pdf')) {\n"
            "  set terminal pdfcairo size %.4fin,%.4fin noenhanced font 'sans-serif,9' "
            "background rgb 'white'\n"
            "} else {\n"
            "  set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,12' name '%s' "
            "background rgb 'white'\n"
            "}\n"
            "set multiplot\n",
            name, name, name, name, c->width / 96.0, c->height / 96.0, c->width, c->height, name);
}

enum { SAMPLE = 30, MARGIN = 62 };

nf_legend nf_legend_begin(FILE *out, const nf_canvas *c)
{
    fprintf(out, "set origin 0,0\nset size 1,1\nunset border\nunset tics\nunset key\n"
                 "set xrange [0:1]\nset yrange [0:1]\n");
    return (nf_legend){out, c, MARGIN, c->height - 14};
}

void nf_legend_entry(nf_legend *at, const char *name, const char *colour, int dash, int mark,
                     double size)
{
    const int text = 13 * (int)strlen(name) / 2; /* about */
    const double w = at->canvas->width, h = at->canvas->height;
    if (at->x > MARGIN && at->x + SAMPLE + text > at->canvas->width - 10) {
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

void nf_legend_end(const nf_legend *at)
{
    fputs("plot -1 notitle\nunset arrow\nunset label\n", at->out);
}

void nf_plot_panel(FILE *out, nf_canvas *c, const nf_group *group)
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
    nf_plot_quoted(out, of->label, c->panel_width / 9);
    fputs(" at graph 0,1.14 left font ',13' textcolor rgb '" INK "'\nset label 2 ", out);
    nf_plot_quoted(out, size, 60);
    fputs(" at graph 0,1.05 left font ',11' textcolor rgb '#666666'\n", out);
}

void nf_plot_frame(FILE *out)
{
    fputs(
        "\nunset key\nset border 3 lc rgb '#777777'\nset lmargin 9\nset rmargin 2\nset tmargin 4\n"
        "set bmargin 3.5\nset tics nomirror out scale 0.6 textcolor rgb '" INK "'\n"
        "set grid ytics lc rgb '#E4E4E4' lt 1 lw 1\nset bars 0.6\n",
        out);
}

/* ---- data ---- */

void nf_plot_number(FILE *out, bool known, double value)
{
    if (known && isfinite(value))
        fprintf(out, " %.9g", value);
    else
        fputs(" NaN", out);
}

void nf_plot_block(FILE *out, const nf_group *group, const char *name)
{
    char *title = nf_group_text(group);
    fputs("# ", out);
    for (const char *at = title; at != NULL && *at != '\0'; at++)
        putc((unsigned char)*at < ' ' ? ' ' : *at, out);
    fprintf(out, ": %s\n", name);
    free(title);
}

/* ---- ways ---- */

const nf_look nf_looks[NF_LOOKS] = {
    {"threads", BLUE, 7},
    {"ranks", RED, 4},
    {"hybrid", GREEN, 8},
    {"serial", BLACK, 13},
    {"oversubscribed (not counted)", GREY, 6},
};

int nf_look_of(const nf_point *point)
{
    for (int look = 0; look < NF_LOOKS - 1 && !point->oversubscribed; look++)
        if (strcmp(nf_looks[look].title, nf_point_way(point)) == 0)
            return look;
    return NF_LOOKS - 1;
}

void nf_legend_looks(nf_legend *at, const nf_report *report, nf_has_panel *has)
{
    bool there[NF_LOOKS] = {false};
    for (size_t g = 0; g < report->ngroups; g++)
        for (size_t i = 0; i < report->groups[g].n && has(report, &report->groups[g]); i++)
            if (report->groups[g].points[i]->valid)
                there[nf_look_of(report->groups[g].points[i])] = true;
    for (int look = 0; look < NF_LOOKS; look++)
        if (there[look])
            nf_legend_entry(at, nf_looks[look].title, nf_looks[look].colour, 0, nf_looks[look].mark,
                            MARK);
}
