/* report.h - everything shown of a study is derived from its records, and can be derived again. */
#ifndef NF_REPORT_H
#define NF_REPORT_H

#include <stdio.h>

#include "drivers/engine/status.h"
#include "drivers/study/points.h"

/* What is written beside the report. */
enum {
    NF_FORMAT_PDF = 1,    /* each figure as NAME.pdf, vectors */
    NF_FORMAT_TALP = 2,   /* export/talp/: a folder for TALP-Pages */
    NF_FORMAT_EXTRAP = 4, /* export/extrap-strong.jsonl, export/extrap-weak.jsonl: for Extra-P */
    NF_FORMAT_GBENCH = 8  /* export/gbench.json: as Google Benchmark writes it */
};

/* Writes DIR/points.csv, DIR/report.md, DIR/report.html (one file, figures inside), of each figure that
 * has something to show (time, efficiency, phases, map, roofline, samples, convergence; of simulated
 * points simulated_time, simulated_efficiency) DIR/NAME.svg, for simulated points simulated.csv, for costs
 * costs.csv, and,
 * under DIR/figures/, the gnuplot scripts and data that drew them; and the formats asked for. Makes DIR.
 * Each file goes to a temporary name first. Without gnuplot the figures are left out and the report says
 * so. Errors: NF_ERR_FILE, NF_ERR_MEMORY; NF_ERR_FORMAT for a study without samples. */
nf_status nf_report_write(const nf_study *study, const char *dir, unsigned formats);

/* The main table for a terminal, at most 100 columns. */
void nf_report_table(const nf_study *study, FILE *out);

#endif
