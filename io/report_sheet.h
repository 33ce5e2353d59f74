/* report_sheet.h - a table in memory, and how it is written in Markdown and in HTML. Internal to io/. */
#ifndef NF_REPORT_SHEET_H
#define NF_REPORT_SHEET_H

#include <stdbool.h>
#include <stdio.h>

#include "drivers/engine/status.h"

typedef struct nf_head {
    const char *text;
    bool numeric; /* set to the right */
} nf_head;

typedef struct nf_sheet {
    const nf_head *heads;
    nf_head *own; /* those that nf_sheet_head added, with their texts; owned */
    size_t head_room;
    size_t columns;
    char **cells; /* row by row; owned */
    size_t used, room;
    const char **rows; /* class of each row in HTML, NULL: none; the texts are constant */
    size_t nrows, row_room;
    bool no_memory;
} nf_sheet;

nf_sheet nf_sheet_of(const nf_head *heads, size_t columns);
void nf_sheet_free(nf_sheet *sheet);

/* One more column, for sheets without rows that began as {0}. */
void nf_sheet_head(nf_sheet *sheet, bool numeric, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Begins a row; then one cell after another. What memory is missing for is left out, and writing fails. */
void nf_sheet_row(nf_sheet *sheet, const char *kind);
void nf_sheet_cell(nf_sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Errors: NF_ERR_MEMORY. In HTML a click on a head sorts by it. */
nf_status nf_sheet_markdown(const nf_sheet *sheet, FILE *out);
nf_status nf_sheet_html(const nf_sheet *sheet, FILE *out);

#endif
