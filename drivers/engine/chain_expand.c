/* chain_expand.c - names that stand for chains, and what their maps of two inputs may read. */
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/chain_parts.h"
#include "drivers/engine/shape.h"

/* ---- the chain that a name stands for ---- */

/* Writes the value of the parameter whose name is the first n characters at `name`. */
static nf_status write_named(FILE *out, const nf_stage *stage, const char *name, size_t n)
{
    const nf_kernel *alias = stage->kernel;
    for (size_t i = 0; i < nf_params_count(alias); i++) {
        const nf_param *param = &alias->params[i];
        if (strlen(param->name) != n || strncmp(param->name, name, n) != 0)
            continue;
        nf_value_write(out, param, &stage->values[i]);
        return NF_OK;
    }
    return nf_fail(NF_ERR_PARAM, "kernel '%s': its chain names a parameter '%.*s' that it has not",
                   alias->name, (int)n, name);
}

static nf_status write_expansion(FILE *out, const nf_stage *stage)
{
    nf_status status = NF_OK;
    for (const char *c = stage->kernel->expansion; *c != '\0' && status == NF_OK; c++) {
        if (*c != '{') {
            fputc(*c, out);
            continue;
        }
        size_t n = strcspn(c + 1, "}");
        status = write_named(out, stage, c + 1, n);
        c += n + (c[n + 1] == '}'); /* to the brace, or to the last character */
    }
    return status;
}

nf_status nf_alias_expand(const nf_stage *stage, char **text)
{
    size_t size;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    if (out == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the chain of '%s'", stage->kernel->name);
    nf_status status = write_expansion(out, stage);
    if (fclose(out) != 0 && status == NF_OK)
        status = nf_fail(NF_ERR_MEMORY, "no memory for the chain of '%s'", stage->kernel->name);
    return status;
}

nf_status nf_alias_blame(const nf_stage *stage, nf_status status)
{
    return status == NF_OK || stage->within == NULL ? status
                                                    : nf_fail_in(status, "'%s'", stage->within);
}

/* ---- maps of two inputs ---- */

static bool reads_origin(const nf_stage *stage)
{
    return stage->kernel->kind == NF_MAP && stage->kernel->two_inputs;
}

bool nf_alias_begins(const nf_chain *chain, size_t first)
{
    for (size_t i = first + 1; i < chain->count; i++)
        if (reads_origin(&chain->stages[i]) && chain->stages[i].origin == first)
            return true;
    return false;
}

bool nf_alias_spans(const nf_chain *chain, size_t i)
{
    for (size_t later = i; later < chain->count; later++)
        if (reads_origin(&chain->stages[later]) && chain->stages[later].origin <= i)
            return true;
    return false;
}

nf_status nf_alias_check_place(const nf_chain *chain, size_t i)
{
    const nf_stage *stage = &chain->stages[i];
    if (!reads_origin(stage) || (stage->within != NULL && stage->origin < i))
        return NF_OK;
    return nf_fail(NF_ERR_PARAM,
                   "'%s' also reads what the chain began with that another kernel stands for: it "
                   "is part of such kernels, and is not typed by itself",
                   stage->kernel->name);
}

nf_status nf_alias_check_inputs(const nf_chain *chain, size_t i)
{
    const nf_stage *stage = &chain->stages[i];
    if (!reads_origin(stage))
        return NF_OK;
    const nf_shape *first = &chain->stages[stage->origin].setup.in;
    char one[NF_SHAPE_TEXT], other[NF_SHAPE_TEXT];
    if (nf_shape_equal(first, &stage->setup.in))
        return NF_OK;
    return nf_fail(NF_ERR_SHAPE,
                   "kernel '%s' needs two arrays alike: its chain began with %s, and made %s of it",
                   stage->kernel->name, nf_shape_text(first, one),
                   nf_shape_text(&stage->setup.in, other));
}
