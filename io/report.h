/* report.h - everything shown of a study is derived from its records, and can be derived again. */
#ifndef NF_REPORT_H
#define NF_REPORT_H

#include <stdio.h>

#include "drivers/engine/status.h"
#include "drivers/study/points.h"

/* Writes DIR/points.csv, DIR/report.md, DIR/report.html (one file, figures inside), DIR/time.svg,
 * efficiency.svg, phases.svg, for simulated points simulated.csv, simulated_time.svg and
 * simulated_efficiency.svg, and, under DIR/figures/, the gnuplot scripts and data that drew them.
 * Makes DIR. Each file goes to a temporary name first. Without gnuplot the figures are left out and
 * the report says so. Errors: NF_ERR_FILE, NF_ERR_MEMORY; NF_ERR_FORMAT for a study without
 * samples. */
nf_status nf_report_write(const nf_study *study, const char *dir);

/* The main table for a terminal, at most 100 columns. */
void nf_report_table(const nf_study *study, FILE *out);

#endif
