#include "drivers/engine/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nf_number *next_number(nf_sink *sink, const char *name, nf_number_type type)
{
    nf_results *results = (nf_results *)sink;
    if (results->count == NF_MAX_NUMBERS) {
        results->status =
            nf_fail(NF_ERR_MEMORY, "a kernel gives more than %d numbers", NF_MAX_NUMBERS);
        return NULL;
    }
    nf_number *number = &results->numbers[results->count++];
    *number = (nf_number){.kernel = results->kernel, .type = type, .first = results->fresh};
    results->fresh = false;
    snprintf(number->name, sizeof number->name, "%s", name);
    return number;
}

static void keep_real(nf_sink *sink, const char *name, double value)
{
    nf_number *number = next_number(sink, name, NF_REAL);
    if (number != NULL)
        number->real = value;
}

static void keep_integer(nf_sink *sink, const char *name, uint64_t high, uint64_t low)
{
    nf_number *number = next_number(sink, name, NF_INTEGER);
    if (number != NULL)
        number->high = high, number->low = low;
}

static void keep_counts(nf_sink *sink, const char *name, const uint64_t *values, size_t n)
{
    nf_number *number = next_number(sink, name, NF_COUNTS);
    if (number == NULL)
        return;
    number->counts = malloc((n + 1) * sizeof *values);
    if (number->counts == NULL) {
        ((nf_results *)sink)->status = nf_fail(NF_ERR_MEMORY, "no memory for %zu counts", n);
        return;
    }
    memcpy(number->counts, values, n * sizeof *values);
    number->n = n;
}

void nf_results_init(nf_results *results)
{
    *results = (nf_results){.sink = {keep_real, keep_integer, keep_counts}};
}

void nf_results_from(nf_results *results, const char *kernel)
{
    results->kernel = kernel;
    results->fresh = true;
}

void nf_results_free(nf_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        free(results->numbers[i].counts);
    results->count = 0;
}

static bool same_kind(const nf_number *a, const nf_number *b)
{
    return strcmp(a->name, b->name) == 0 && a->type == b->type && a->n == b->n;
}

static bool same_integers(const nf_number *a, const nf_number *b)
{
    return a->high == b->high && a->low == b->low &&
           (a->n == 0 || memcmp(a->counts, b->counts, a->n * sizeof *a->counts) == 0);
}

bool nf_results_equal(const nf_results *a, const nf_results *b)
{
    if (a->count != b->count || a->status != NF_OK || b->status != NF_OK)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const nf_number *x = &a->numbers[i], *y = &b->numbers[i];
        if (!same_kind(x, y) || !same_integers(x, y) ||
            memcmp(&x->real, &y->real, sizeof x->real) != 0)
            return false;
    }
    return true;
}

static bool close_enough(const nf_number *got, const nf_number *expected, double tolerance)
{
    if (!same_kind(got, expected) || !same_integers(got, expected))
        return false;
    if (got->type != NF_REAL || got->real == expected->real ||
        (isnan(got->real) && isnan(expected->real)))
        return true;
    return fabs(got->real - expected->real) <= tolerance * fabs(expected->real);
}

nf_status nf_results_check(const char *what, const nf_results *got, const nf_results *expected,
                           double tolerance)
{
    if (got->count != expected->count)
        return nf_fail(NF_ERR_CHECK, "%s: %zu numbers instead of %zu", what, got->count,
                       expected->count);
    for (size_t i = 0; i < got->count; i++) {
        const nf_number *g = &got->numbers[i], *e = &expected->numbers[i];
        if (close_enough(g, e, tolerance))
            continue;
        if (g->type == NF_REAL)
            return nf_fail(NF_ERR_CHECK, "%s: %s is %.17g, its reference %.17g", what, g->name,
                           g->real, e->real);
        if (g->type == NF_COUNTS)
            return nf_fail(NF_ERR_CHECK, "%s: %s differ (%zu, %zu expected)", what, g->name, g->n,
                           e->n);
        char a[NF_INTEGER_TEXT], b[NF_INTEGER_TEXT];
        return nf_fail(NF_ERR_CHECK, "%s: %s is %s, its reference %s", what, g->name,
                       nf_integer_text(g->high, g->low, a), nf_integer_text(e->high, e->low, b));
    }
    return NF_OK;
}

const char *nf_integer_text(uint64_t high, uint64_t low, char text[NF_INTEGER_TEXT])
{
    __extension__ unsigned __int128 rest = ((unsigned __int128)high << 64) | low;
    char *digit = text + NF_INTEGER_TEXT - 1;
    *digit = '\0';
    do {
        *--digit = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    return memmove(text, digit, strlen(digit) + 1);
}
