#include "io/numbers.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/shape.h"
#include "io/json_text.h"

/* ---- the table ---- */

/* The fewest digits that read back as the same bits. */
static void print_real(FILE *out, double value)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, out);
}

static void print_counts(FILE *out, const nf_number *number)
{
    enum { SHOWN = 16 };
    for (size_t i = 0; i < number->n && i < SHOWN; i++)
        fprintf(out, "%s%" PRIu64, i ? " " : "", number->counts[i]);
    if (number->n > SHOWN)
        fprintf(out, " ... (%zu in all; --json has them)", number->n);
}

static void print_number(FILE *out, const nf_number *number)
{
    char text[NF_INTEGER_TEXT];
    if (number->type == NF_REAL)
        print_real(out, number->real);
    else if (number->type == NF_INTEGER)
        fputs(nf_integer_text(number->high, number->low, text), out);
    else
        print_counts(out, number);
}

void nf_numbers_table(const nf_reduced *reduced, FILE *out)
{
    char text[NF_SHAPE_TEXT];
    if (reduced->input != NULL)
        fprintf(out, "%s%s%s  %s\n", reduced->input, reduced->second != NULL ? "  " : "",
                reduced->second != NULL ? reduced->second : "",
                nf_shape_text(reduced->shape, text));
    for (size_t i = 0; i < reduced->n; i++) {
        const nf_results *results = &reduced->results[i];
        for (size_t k = 0; k < results->count; k++) {
            fprintf(out, "%-24s %-10s ", k == 0 ? reduced->kernels[i] : "",
                    results->numbers[k].name);
            print_number(out, &results->numbers[k]);
            fputc('\n', out);
        }
    }
}

void nf_numbers_lines(const char *program, const nf_results *results, FILE *out)
{
    for (size_t k = 0; k < results->count; k++) {
        const nf_number *number = &results->numbers[k];
        if (number->first)
            fprintf(out, "%s%s: %s:", k > 0 ? "\n" : "", program, number->kernel);
        fprintf(out, "%s %s ", number->first ? "" : ",", number->name);
        print_number(out, number);
    }
    if (results->count > 0)
        fputc('\n', out);
}

/* ---- JSON ---- */

/* A string literal, escaped. */
static bool put_literal(FILE *out, const char *text)
{
    json_t *string = nf_json_text(text);
    char *dumped = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (dumped != NULL)
        fputs(dumped, out);
    free(dumped);
    json_decref(string);
    return dumped != NULL;
}

static void put_number(FILE *out, const nf_number *number)
{
    char text[NF_INTEGER_TEXT];
    if (number->type == NF_INTEGER)
        fputs(nf_integer_text(number->high, number->low, text), out);
    else if (number->type == NF_REAL && isfinite(number->real))
        fprintf(out, "%.17g", number->real);
    else if (number->type == NF_REAL)
        fputs(isnan(number->real) ? "\"nan\"" : number->real > 0 ? "\"inf\"" : "\"-inf\"", out);
    for (size_t i = 0; number->type == NF_COUNTS && i < number->n; i++)
        fprintf(out, "%s%" PRIu64, i ? ", " : "[", number->counts[i]);
    if (number->type == NF_COUNTS)
        fputc(']', out);
}

static void put_results(FILE *out, const nf_results *results)
{
    if (results->count == 1) {
        put_number(out, &results->numbers[0]);
        return;
    }
    for (size_t k = 0; k < results->count; k++) {
        fprintf(out, "%s\"%s\": ", k ? ", " : "{", results->numbers[k].name);
        put_number(out, &results->numbers[k]);
    }
    fputc('}', out);
}

static bool put_input(FILE *out, const nf_reduced *reduced)
{
    fputs("{\"input\": ", out);
    if (reduced->input == NULL) {
        fputs("null, \"shape\": null, \"dtype\": null", out);
        return true;
    }
    if (!put_literal(out, reduced->input))
        return false;
    if (reduced->second != NULL) {
        fputs(", \"second\": ", out);
        if (!put_literal(out, reduced->second))
            return false;
    }
    const nf_shape *shape = reduced->shape;
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        fprintf(out, "%s%" PRId64, d == NF_DIMS - shape->ndim ? ", \"shape\": [" : ", ",
                shape->dim[d]);
    if (shape->channels > 1)
        fprintf(out, ", %d", shape->channels);
    fprintf(out, "], \"dtype\": \"%s\"", nf_dtype_name(shape->dtype));
    return true;
}

nf_status nf_numbers_json(const nf_reduced *reduced, FILE *out)
{
    bool ok = put_input(out, reduced);
    fputs(", \"results\": {", out);
    for (size_t i = 0; i < reduced->n && ok; i++) {
        fputs(i ? ", " : "", out);
        ok = put_literal(out, reduced->kernels[i]);
        fputs(": ", out);
        put_results(out, &reduced->results[i]);
    }
    fputs("}}\n", out);
    if (!ok)
        return nf_fail(NF_ERR_MEMORY, "no memory for JSON");
    return ferror(out) ? nf_fail(NF_ERR_FILE, "the results cannot be written") : NF_OK;
}
