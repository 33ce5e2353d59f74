/* report_figures.h - what the figures share: colours, panels, legends, gnuplot's words. Internal to io/. */
#ifndef NF_REPORT_FIGURES_H
#define NF_REPORT_FIGURES_H

#include "io/report_parts.h"

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

/* What a figure draws of a group; a panel that draws nothing is left out. */
typedef bool nf_has_panel(const nf_report *report, const nf_group *group);

/* Where the panels stand: a strip for the legend, then rows of panels, those of strong scaling
 * first and those of weak scaling from a row of their own; in pixels. */
typedef struct nf_canvas {
    int columns, width, height, panel_width;
    int placed[2]; /* panels that stand already, by scaling */
    int first[2];  /* cell of the first one */
} nf_canvas;

nf_canvas nf_canvas_of(const nf_report *report, nf_has_panel *has);
/* One panel alone, of this size. */
nf_canvas nf_canvas_single(int width, int height);

/* The script's beginning; with -e pdf=1 it draws a PDF of the same proportions. */
void nf_plot_begin(FILE *out, const char *name, const nf_canvas *canvas);
void nf_plot_frame(FILE *out);
/* Place and title of the next panel. */
void nf_plot_panel(FILE *out, nf_canvas *canvas, const nf_group *group);
/* A string of gnuplot's in single quotes, cut to so many characters. */
void nf_plot_quoted(FILE *out, const char *text, int room);
/* " 0.5", " NaN" */
void nf_plot_number(FILE *out, bool known, double value);
/* "# kernel, strong, size: name" before a block of data. */
void nf_plot_block(FILE *out, const nf_group *group, const char *name);

/* The legend: samples and names from the left, in a second row where the first is full. */
typedef struct nf_legend {
    FILE *out;
    const nf_canvas *canvas;
    int x, y; /* of the next sample's left end, in pixels from the left and from below */
} nf_legend;

nf_legend nf_legend_begin(FILE *out, const nf_canvas *canvas);
/* One entry: a line of a dash type, a point of a type, or both; 0: none. */
void nf_legend_entry(nf_legend *at, const char *name, const char *colour, int dash, int mark,
                     double size);
void nf_legend_end(const nf_legend *at);

/* How a way is drawn: "threads", BLUE, filled circles ...; "oversubscribed" where it is. */
typedef struct nf_look {
    const char *title, *colour;
    int mark;
} nf_look;
enum { NF_LOOKS = 5 };
extern const nf_look nf_looks[NF_LOOKS];
int nf_look_of(const nf_point *point); /* an index of nf_looks */
/* Entries for those that some valid point of a panel has. */
void nf_legend_looks(nf_legend *at, const nf_report *report, nf_has_panel *has);

/* ---- the figures ---- */

nf_has_panel nf_has_time, nf_has_efficiency, nf_has_phases, nf_has_map, nf_has_roofline,
    nf_has_samples, nf_has_convergence;
nf_report_writer nf_points_data, nf_phases_data, nf_map_data, nf_roofline_data, nf_samples_data,
    nf_convergence_data;
nf_report_writer nf_time_script, nf_efficiency_script, nf_phases_script, nf_map_script,
    nf_roofline_script, nf_samples_script, nf_convergence_script;
nf_report_writer nf_simulated_data, nf_simulated_time_script, nf_simulated_efficiency_script;

/* The report as if its simulated points were all that it has. */
nf_report nf_simulated_part(const nf_report *report);

#endif
