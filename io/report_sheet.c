#include "io/report_sheet.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "io/report_parts.h"

nf_sheet nf_sheet_of(const nf_head *heads, size_t columns)
{
    return (nf_sheet){.heads = heads, .columns = columns};
}

void nf_sheet_free(nf_sheet *sheet)
{
    for (size_t i = 0; i < sheet->used; i++)
        free(sheet->cells[i]);
    for (size_t c = 0; sheet->own != NULL && c < sheet->columns; c++)
        free((void *)(uintptr_t)sheet->own[c].text);
    free(sheet->own);
    free(sheet->cells);
    free(sheet->rows);
    *sheet = (nf_sheet){0};
}

/* Room for one more of so many bytes behind those in use. */
static bool grow(void **list, size_t used, size_t *room, size_t size)
{
    if (used < *room)
        return true;
    size_t more = 2 * *room + 16;
    void *grown = reallocarray(*list, more, size);
    if (grown == NULL)
        return false;
    *list = grown;
    *room = more;
    return true;
}

void nf_sheet_head(nf_sheet *sheet, bool numeric, const char *format, ...)
{
    char *text = NULL;
    void *heads = sheet->own;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0 || !grow(&heads, sheet->columns, &sheet->head_room, sizeof *sheet->own)) {
        if (length >= 0)
            free(text);
        sheet->no_memory = true;
        return;
    }
    sheet->heads = sheet->own = heads;
    sheet->own[sheet->columns++] = (nf_head){text, numeric};
}

void nf_sheet_row(nf_sheet *sheet, const char *kind)
{
    void *rows = sheet->rows;
    if (grow(&rows, sheet->nrows, &sheet->row_room, sizeof *sheet->rows)) {
        sheet->rows = rows;
        sheet->rows[sheet->nrows++] = kind;
    } else {
        sheet->no_memory = true;
    }
}

void nf_sheet_cell(nf_sheet *sheet, const char *format, ...)
{
    char *text = NULL;
    void *cells = sheet->cells;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0 || !grow(&cells, sheet->used, &sheet->room, sizeof *sheet->cells)) {
        if (length >= 0)
            free(text);
        sheet->no_memory = true;
        return;
    }
    sheet->cells = cells;
    sheet->cells[sheet->used++] = text;
}

static nf_status check(const nf_sheet *sheet)
{
    if (sheet->no_memory || sheet->used != sheet->nrows * sheet->columns)
        return nf_fail(NF_ERR_MEMORY, "no memory for a table of the report");
    return NF_OK;
}

nf_status nf_sheet_markdown(const nf_sheet *sheet, FILE *out)
{
    for (size_t c = 0; c < sheet->columns; c++) {
        fputs("| ", out);
        nf_md_text(out, sheet->heads[c].text);
        putc(' ', out);
    }
    fputs("|\n", out);
    for (size_t c = 0; c < sheet->columns; c++)
        fputs(sheet->heads[c].numeric ? "|---:" : "|:---", out);
    fputs("|\n", out);
    nf_status status = check(sheet);
    for (size_t i = 0; status == NF_OK && i < sheet->used; i++) {
        fputs("| ", out);
        nf_md_text(out, sheet->cells[i]);
        fputs((i + 1) % sheet->columns == 0 ? " |\n" : " ", out);
    }
    return status;
}

static void html_row(const nf_sheet *sheet, size_t row, FILE *out)
{
    if (sheet->rows[row] != NULL)
        fprintf(out, "<tr class=\"%s\">", sheet->rows[row]);
    else
        fputs("<tr>", out);
    for (size_t c = 0; c < sheet->columns; c++) {
        fputs(sheet->heads[c].numeric ? "<td class=\"n\">" : "<td>", out);
        nf_html_text(out, sheet->cells[row * sheet->columns + c]);
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
}

nf_status nf_sheet_html(const nf_sheet *sheet, FILE *out)
{
    fputs("<div class=\"scroll\" tabindex=\"0\"><table class=\"sorts\">\n<thead><tr>", out);
    for (size_t c = 0; c < sheet->columns; c++) {
        fprintf(out, "<th scope=\"col\"%s>", sheet->heads[c].numeric ? " class=\"n\"" : "");
        nf_html_text(out, sheet->heads[c].text);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    nf_status status = check(sheet);
    for (size_t r = 0; status == NF_OK && r < sheet->nrows; r++)
        html_row(sheet, r, out);
    fputs("</tbody></table></div>\n", out);
    return status;
}
