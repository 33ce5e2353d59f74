/* report_parts.h - what the parts of a report share. Internal to io/. */
#ifndef NF_REPORT_PARTS_H
#define NF_REPORT_PARTS_H

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"
#include "drivers/study/amount.h"
#include "drivers/study/bottleneck.h"
#include "drivers/study/costing.h"
#include "drivers/study/efficiency.h"
#include "drivers/study/models.h"
#include "io/report.h"
#include "io/report_sheet.h"

/* Points that are compared with one another: one kernel, strong or weak scaling, all measured or all
 * simulated; strong: one shape. */
typedef struct nf_group {
    const nf_point *const *points; /* by workers, then ranks */
    size_t n;
} nf_group;

enum { NF_CELL = NF_AMOUNT };

/* What is derived of a point beside what nf_points says. */
typedef struct nf_detail {
    nf_efficiencies pop;
    nf_interval efficiency;
    double serial; /* strong: Karp and Flatt's fraction, weak: Gustafson's share; NAN: none */
    nf_interval serial_interval;
    double bandwidth, flops; /* traffic and nominal operations a second; 0: unknown */
    nf_roof roof;
    double memory_share,
        flops_share;   /* of the roof; the larger one is the share of the roofline; 0: unknown */
    double least;      /* seconds that the roof allows at least; 0: unknown */
    double core_hours; /* of one run */
    double shortest;   /* the shortest interval that was timed, seconds */
    size_t launches;
    nf_end end; /* why there are no more samples */
} nf_detail;

/* A point as the cells of tables see it. */
typedef struct nf_row {
    const nf_point *point;
    const nf_detail *detail;
} nf_row;

/* Models of a group: fitted, the best one also to samples drawn anew. */
enum { NF_COPIES = 200 };
typedef struct nf_trend {
    nf_series series;
    nf_fits fits;
    nf_model copies[NF_COPIES]; /* of the best */
    size_t ncopies;             /* 0: there is no band */
} nf_trend;

/* One statement that a rule derived from the numbers. */
typedef struct nf_finding {
    char *about; /* the kernel and how it was scaled; NULL: the whole study */
    char *text;
} nf_finding;

/* The first NF_MEASURED_FIGURES show what was measured, the others what was simulated. */
enum { NF_MEASURED_FIGURES = 7, NF_FIGURES = 9 };

/* A study, and all that is derived from it. */
typedef struct nf_report {
    const nf_study *study;
    nf_point *points;
    size_t npoints, nsamples; /* measured; simulated points stand behind them */
    const nf_point **order;   /* the groups' points */
    nf_group *groups;
    size_t ngroups;     /* of measured points: what conclusions are drawn from */
    size_t nsimulated;  /* groups of simulated points, behind those */
    nf_detail *details; /* one a point */
    nf_trend *trends;   /* one a group of measured points */
    nf_costing *costs;
    size_t ncosts;
    nf_finding *findings;
    size_t nfindings;
    char *figures[NF_FIGURES]; /* SVG as gnuplot wrote it; NULL: no point to draw in it */
    char *no_figures;          /* why there are none; NULL: they are there */
} nf_report;

typedef nf_status nf_report_writer(const nf_report *report, FILE *out);

/* A figure is drawn where a group has something for it. */
typedef struct nf_figure {
    const char *name, *title, *caption; /* NAME.svg */
    bool (*has)(const nf_report *report, const nf_group *group);
    nf_report_writer *script;
} nf_figure;
extern const nf_figure nf_figures[NF_FIGURES];

/* ---- report.c ---- */

nf_status nf_report_make(const nf_study *study, nf_report *report);
void nf_report_free(nf_report *report);

size_t nf_report_count(const nf_report *report, bool (*which)(const nf_point *));
bool nf_point_oversubscribed(const nf_point *point); /* and valid */
bool nf_point_invalid(const nf_point *point);
const char *nf_point_way(const nf_point *point);

/* The time of the phases of a run, which the shares refer to. */
double nf_phases_sum(const nf_phases *phases);

/* The group's fastest point of a way ("serial", ...) that counts; where none does and `any` is set,
 * the fastest oversubscribed one; NULL: none. Never an invalid one. */
const nf_point *nf_group_best(const nf_group *group, const char *way, bool any);

/* What the group's points are compared with (drivers/study/points.h); NULL: none, or it is
 * oversubscribed. */
const nf_point *nf_group_base(const nf_group *group);

/* Whether a point counts, and has more workers than its base. */
bool nf_point_is_more(const nf_point *point);

/* Writes DIR/NAME through `write`, complete or not at all. */
nf_status nf_report_file(const nf_report *report, const char *dir, const char *name,
                         nf_report_writer *write);

/* Makes a folder and those above it. */
nf_status nf_report_folder(const char *dir);

/* A file's contents, ended by a zero; the caller frees it. NULL: it cannot be read. */
char *nf_report_slurp(const char *path);

/* ---- report_details.c, report_models.c ---- */

/* Of all `n` points, simulated ones too. */
nf_status nf_report_detail(nf_report *report, size_t n);
nf_row nf_report_row(const nf_report *report, const nf_point *point);

/* Of each group of measured points. */
nf_status nf_report_follow(nf_report *report);
void nf_trends_free(nf_report *report);

/* With p workers, and the band of 95%; nothing where no model was fitted. p within NF_EXTRAPOLATION. */
nf_prediction nf_trend_at(const nf_trend *trend, int model, double p);

/* Tables over all groups; an empty one has no rows. The caller frees the sheet. */
typedef nf_sheet nf_sheet_maker(const nf_report *report);
nf_sheet_maker nf_models_sheet, nf_proposal_strong, nf_proposal_weak, nf_rules_sheet;

/* One column of the points' tables. */
typedef struct nf_column {
    nf_head head;
    void (*cell)(const nf_row *row, char text[NF_CELL]);
} nf_column;

/* The tables of a group's points, one after another; an empty title ends them. */
typedef struct nf_table {
    const char *title;
    const nf_column *columns;
    size_t n;
    bool (*has)(const nf_row *row); /* NULL: it is shown in any case */
} nf_table;
extern const nf_table nf_tables[];
/* Without rows: no point has what the table shows. */
nf_sheet nf_group_sheet(const nf_report *report, const nf_group *group, const nf_table *table,
                        nf_head *heads);
enum { NF_COLUMNS = 24 }; /* room for heads */

/* The sections of one table each, behind those of the points; a title that is NULL ends them. */
typedef struct nf_section {
    const char *title, *words;
    nf_report_writer *say; /* words that are derived from the numbers, in the place of `words` */
    nf_sheet_maker *make;
} nf_section;
extern const nf_section nf_sections[];

/* A section's words; the caller frees them. Errors: NF_ERR_MEMORY. */
nf_status nf_section_words(const nf_report *report, const nf_section *section, char **said);

/* What is written, spaces at its end left out; the caller frees it. NULL: no memory, or it failed. */
char *nf_report_words(const nf_report *report, nf_report_writer *write);

/* ---- report_costs.c, report_cost_words.c: what sharing out work costs ---- */

extern const char nf_costs_title[], nf_costs_intro[];
extern const nf_section nf_cost_sections[]; /* within one section of that title */
/* costs.csv: a cost a line; inf: more workers never won, or an end beyond the sizes that were tried. */
nf_report_writer nf_costs_csv;
/* The rows that decide, for a terminal of 100 columns; nothing without costs. */
void nf_costs_table(const nf_report *report, FILE *out);

/* ---- report_text.c ---- */

extern const char nf_none[]; /* a dash: nothing to show */

/* "4096x2048x3 u8"; index ranges "n=1e9". */
const char *nf_size_text(const nf_shape *shape, char text[NF_SHAPE_TEXT]);
const char *nf_interval_text(const nf_point *point, char text[NF_CELL]);
/* "2×1": ranks × threads. */
const char *nf_layout_text(const nf_point *point, char text[NF_CELL]);
/* Text of a CSV field; a number after a comma, nothing where it is not known. */
void nf_csv_string(FILE *out, const char *text);
void nf_csv_number(FILE *out, bool known, double value);
/* Text that stays text in Markdown, a table's cell included; in HTML. */
void nf_md_text(FILE *out, const char *text);
void nf_html_text(FILE *out, const char *text);
void nf_md_figure(FILE *out, const nf_report *report, int figure);
void nf_html_figure(FILE *out, const nf_report *report, int figure);
/* Text in lines of at most so many characters, broken at spaces, those after the first indented. */
void nf_table_wrap(FILE *out, const char *text, int indent, int width);
/* "2 threads", "2 ranks", "2 ranks of 2 threads", "one worker". */
const char *nf_workers_text(int ranks, int threads, char text[NF_CELL]);
/* Cut or padded to so many characters; negative: to the left. */
void nf_table_field(FILE *out, const char *text, int width);
/* "gaussian | sobel, strong, 4096x4096 u8"; the caller frees it. NULL: no memory. */
char *nf_group_text(const nf_group *group);

/* The table of the four ways: the fastest point of each way for the same work. */
extern const char *const nf_ways[4];
void nf_way_cell(const nf_group *group, const char *way, char text[NF_CELL]);

/* How it was measured and summarised: lines, ended by NULL. */
extern const char *const nf_method[];

extern const char nf_no_figure[]; /* what stands in the place of a figure without points */

nf_report_writer nf_report_csv, nf_report_markdown;

/* ---- report_columns.c ---- */

const char *nf_result_words(const nf_point *point); /* "valid", "oversubscribed", "INVALID" */
const char *nf_end_words(nf_end end);
bool nf_point_compared(const nf_point *point); /* it is valid, and has a base */

/* ---- report_simulated.c: everything about simulated points ---- */

/* Where a simulated kernel stops scaling. Between simulated points the formula is followed, moved to
 * meet them. */
typedef struct nf_limit {
    bool known; /* there is a base, and a point of more ranks */
    double
        half; /* ranks beyond which the efficiency is under 50%; INFINITY: none that is simulated */
    double fastest;  /* ranks of the least time */
    bool at_the_end; /* those are the most that were simulated */
    double most;     /* ranks of the largest simulated point */
} nf_limit;
nf_limit nf_group_limit(const nf_study *study, const nf_group *group);

nf_report_writer nf_simulated_csv, nf_simulated_markdown, nf_simulated_html;
void nf_simulated_table(const nf_report *report, FILE *out);

/* ---- report_conclusions.c ---- */

/* What limits each kernel, how many workers are worth it, what to try next: a sentence each. */
nf_report_writer nf_conclude;

/* ---- report_findings.c, report_figures.c, report_html.c ---- */

nf_status nf_report_find(nf_report *report);

/* Draws the figures in DIR, as PDF too where it is asked for, and keeps the SVG in the report, or says there
 * why not. */
nf_status nf_report_draw(nf_report *report, const char *dir, bool pdf);

nf_report_writer nf_report_html;

/* ---- report_export.c ---- */

/* The formats asked for, of NF_FORMAT_..., under DIR/export. */
nf_status nf_report_export(const nf_report *report, const char *dir, unsigned formats);

#endif
