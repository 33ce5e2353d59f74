#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/chain_parts.h"

size_t nf_params_count(const nf_kernel *kernel)
{
    size_t n = 0;
    while (kernel->params != NULL && kernel->params[n].name != NULL)
        n++;
    return n;
}

char *nf_trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

static nf_status bad_value(const nf_stage *stage, const nf_param *param, const char *text,
                           const char *expected)
{
    return nf_fail(NF_ERR_PARAM, "kernel '%s': %s=%s: %s", stage->kernel->name, param->name, text,
                   expected);
}

static nf_status parse_real(const nf_stage *stage, const nf_param *param, const char *text,
                            double *value)
{
    char *end;
    *value = strtod(text, &end);
    while (isspace((unsigned char)*end))
        end++;
    if (end == text || *end != '\0' || !isfinite(*value))
        return bad_value(stage, param, text, "expected a number");
    if (*value < param->min || *value > param->max) {
        char expected[96];
        snprintf(expected, sizeof expected, "out of range; expected %.10g to %.10g", param->min,
                 param->max);
        return bad_value(stage, param, text, expected);
    }
    return NF_OK;
}

static nf_status parse_integer(const nf_stage *stage, const nf_param *param, const char *text,
                               nf_value *value)
{
    nf_status status = parse_real(stage, param, text, &value->real);
    if (status != NF_OK)
        return status;
    if (value->real != trunc(value->real) || fabs(value->real) > 0x1p53)
        return bad_value(stage, param, text, "expected a whole number");
    value->integer = (int64_t)value->real;
    return NF_OK;
}

static nf_status parse_choice(const nf_stage *stage, const nf_param *param, const char *text,
                              nf_value *value)
{
    char expected[256] = "expected one of";
    for (int i = 0; param->choices[i] != NULL; i++) {
        if (strcmp(text, param->choices[i]) == 0) {
            value->integer = i;
            return NF_OK;
        }
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, " %s", param->choices[i]);
    }
    return bad_value(stage, param, text, expected);
}

static nf_status parse_list(const nf_stage *stage, const nf_param *param, const char *text,
                            nf_value *value)
{
    char *copy = strdup(text);
    double *list = calloc(strlen(text) + 1, sizeof *list);
    nf_status status = NF_OK;
    if (copy == NULL || list == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a list of numbers");
    char *rest = copy;
    for (char *item; status == NF_OK && (item = strsep(&rest, ",")) != NULL; value->count++)
        status = parse_real(stage, param, nf_trim(item), &list[value->count]);
    value->list = list;
    free(copy);
    return status;
}

/* The kernel chooses, unless the user does. */
static bool is_auto(const nf_param *param)
{
    return param->fallback != NULL && strcmp(param->fallback, "auto") == 0;
}

nf_status nf_value_parse(const nf_stage *stage, size_t index, const char *text)
{
    const nf_param *param = &stage->kernel->params[index];
    nf_value *value = &stage->values[index];
    if (is_auto(param) && strcmp(text, param->fallback) == 0) {
        value->given = false;
        return NF_OK;
    }
    switch (param->type) {
    case NF_PARAM_INTEGER:
        return parse_integer(stage, param, text, value);
    case NF_PARAM_REAL:
        return parse_real(stage, param, text, &value->real);
    case NF_PARAM_CHOICE:
        return parse_choice(stage, param, text, value);
    case NF_PARAM_LIST:
        return parse_list(stage, param, text, value);
    }
    return NF_ERR_PARAM;
}

void nf_value_write(FILE *out, const nf_param *param, const nf_value *value)
{
    if (is_auto(param) && !value->given) {
        fputs(param->fallback, out);
        return;
    }
    switch (param->type) {
    case NF_PARAM_INTEGER:
        fprintf(out, "%lld", (long long)value->integer);
        break;
    case NF_PARAM_REAL:
        fprintf(out, "%.17g", value->real);
        break;
    case NF_PARAM_CHOICE:
        fputs(param->choices[value->integer], out);
        break;
    case NF_PARAM_LIST:
        for (size_t i = 0; i < value->count; i++)
            fprintf(out, "%s%.17g", i ? "," : "", value->list[i]);
        break;
    }
}
