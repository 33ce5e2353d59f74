#include "drivers/engine/chain.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/chain_parts.h"
#include "drivers/engine/shape.h"

/* ---- memory of a set-up ---- */

typedef struct piece {
    struct piece *next;
    _Alignas(64) char bytes[];
} piece;

static void *arena_alloc(nf_setup *setup, size_t bytes)
{
    piece *p = NULL;
    size_t whole = (sizeof *p + bytes + 63) / 64 * 64;
    if (whole < bytes || (p = aligned_alloc(64, whole)) == NULL)
        return NULL;
    memset(p, 0, whole);
    p->next = setup->arena;
    setup->arena = p;
    return p->bytes;
}

static void arena_free(nf_setup *setup)
{
    for (piece *p = setup->arena; p != NULL;) {
        piece *next = p->next;
        free(p);
        p = next;
    }
    setup->arena = NULL;
}

/* ---- words ---- */

/* Edits (insert, delete, replace) from a to b, for short names. */
static int edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    int row[LONGEST + 1];
    size_t n = strlen(b);
    if (n > LONGEST || strlen(a) > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= n; j++)
        row[j] = (int)j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        int diagonal = row[0]++;
        for (size_t j = 1; j <= n; j++) {
            int best = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[n];
}

static nf_status unknown_kernel(const char *name)
{
    const nf_kernel *kernel, *nearest = NULL;
    int least = 3;
    for (size_t i = 0; (kernel = nf_kernel_at(i)) != NULL; i++) {
        int distance = edit_distance(name, kernel->name);
        if (distance < least)
            least = distance, nearest = kernel;
    }
    if (nearest != NULL)
        return nf_fail(NF_ERR_PARAM, "unknown kernel '%s'; did you mean '%s'? (--list shows all)",
                       name, nearest->name);
    return nf_fail(NF_ERR_PARAM, "unknown kernel '%s'; --list shows the kernels there are", name);
}

/* ---- one stage ---- */

/* Where the next parameter begins: after a comma that `key=` follows. NULL: there is none. */
static char *next_param(char *text)
{
    for (char *comma = text; (comma = strchr(comma, ',')) != NULL; comma++) {
        char *key = comma + 1;
        while (isspace((unsigned char)*key))
            key++;
        char *end = key;
        while (isalnum((unsigned char)*end) || *end == '_')
            end++;
        while (isspace((unsigned char)*end))
            end++;
        if (end > key && *end == '=' && isalpha((unsigned char)*key))
            return comma;
    }
    return NULL;
}

static nf_status parse_param(nf_stage *stage, char *text)
{
    const nf_kernel *kernel = stage->kernel;
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return nf_fail(NF_ERR_PARAM, "kernel '%s': '%s': expected parameter=value", kernel->name,
                       nf_trim(text));
    *equals = '\0';
    char *key = nf_trim(text), *value = nf_trim(equals + 1);
    char known[256] = "";
    for (size_t i = 0; i < nf_params_count(kernel); i++) {
        const char *name = kernel->params[i].name;
        if (strcmp(key, name) == 0) {
            if (stage->values[i].given)
                return nf_fail(NF_ERR_PARAM, "kernel '%s': %s is given twice", kernel->name, key);
            stage->values[i].given = true;
            return nf_value_parse(stage, i, value);
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, " %s", name);
    }
    return nf_fail(NF_ERR_PARAM, "kernel '%s' has no parameter '%s'; it has:%s", kernel->name, key,
                   known[0] ? known : " none");
}

static nf_status fill_defaults(nf_stage *stage)
{
    for (size_t i = 0; i < nf_params_count(stage->kernel); i++) {
        const nf_param *param = &stage->kernel->params[i];
        if (stage->values[i].given)
            continue;
        if (param->fallback == NULL)
            return nf_fail(NF_ERR_PARAM, "kernel '%s' needs %s=... (%s)", stage->kernel->name,
                           param->name, param->help);
        nf_status status = nf_value_parse(stage, i, param->fallback);
        if (status != NF_OK)
            return status;
    }
    return NF_OK;
}

static nf_status write_text(nf_stage *stage)
{
    size_t size;
    FILE *out = open_memstream(&stage->text, &size);
    if (out == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a kernel's text");
    fputs(stage->kernel->name, out);
    for (size_t i = 0; i < nf_params_count(stage->kernel); i++) {
        fprintf(out, "%c%s=", i ? ',' : ':', stage->kernel->params[i].name);
        nf_value_write(out, &stage->kernel->params[i], &stage->values[i]);
    }
    return fclose(out) == 0 ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a kernel's text");
}

static nf_status parse_stage(char *text, nf_stage *stage)
{
    char *colon = strchr(text, ':');
    if (colon != NULL)
        *colon = '\0';
    const char *name = nf_trim(text);
    if (*name == '\0')
        return nf_fail(NF_ERR_PARAM, "a kernel's name is missing; expected "
                                     "'NAME[:KEY=VALUE,...] | NAME...'");
    stage->kernel = nf_kernel_find(name);
    if (stage->kernel == NULL)
        return unknown_kernel(name);
    stage->values = calloc(nf_params_count(stage->kernel) + 1, sizeof *stage->values);
    if (stage->values == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for the parameters of '%s'", name);
    nf_status status = NF_OK;
    for (char *param = colon ? colon + 1 : NULL, *next; param != NULL && status == NF_OK;
         param = next) {
        next = next_param(param);
        if (next != NULL)
            *next++ = '\0';
        status = parse_param(stage, param);
    }
    if (status == NF_OK)
        status = fill_defaults(stage);
    if (status != NF_OK)
        return status;
    return write_text(stage);
}

/* ---- the chain ---- */

static nf_status check_order(const nf_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        const nf_kernel *kernel = chain->stages[i].kernel;
        if (!nf_kernel_maps(kernel) && i + 1 < chain->count)
            return nf_fail(NF_ERR_PARAM, "'%s' gives numbers, not an array: it must come last",
                           kernel->name);
        if (kernel->kind == NF_RANGE && i > 0)
            return nf_fail(NF_ERR_PARAM,
                           "'%s' works on an index range, not on an array: it must "
                           "stand alone",
                           kernel->name);
        nf_status status = nf_alias_blame(&chain->stages[i], nf_alias_check_place(chain, i));
        if (status != NF_OK)
            return status;
    }
    return NF_OK;
}

static nf_status join_texts(nf_chain *chain)
{
    size_t size;
    FILE *out = open_memstream(&chain->text, &size);
    if (out == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a chain's text");
    for (size_t i = 0; i < chain->count; i++)
        fprintf(out, "%s%s", i ? " | " : "", chain->stages[i].text);
    return fclose(out) == 0 ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a chain's text");
}

static void free_stage(nf_stage *stage)
{
    if (stage->values != NULL)
        for (size_t i = 0; i < nf_params_count(stage->kernel); i++)
            free((void *)(uintptr_t)stage->values[i].list);
    free(stage->values);
    free(stage->text);
    free(stage->within);
    arena_free(&stage->setup);
}

/* Where a stage stands: in the chain of this alias as it was typed, which begins with stage `origin`;
 * NULL: in none. */
typedef struct place {
    const char *typed;
    size_t origin;
    int depth; /* aliases around it */
} place;

static nf_status parse_stages(nf_chain *chain, char *text, const place *at);

/* Takes *stage over, also on failure. */
static nf_status append(nf_chain *chain, nf_stage *stage, const place *at)
{
    nf_stage *stages = realloc(chain->stages, (chain->count + 1) * sizeof *stages);
    stage->origin = at->origin;
    stage->within = at->typed != NULL ? strdup(at->typed) : NULL;
    if (stages != NULL)
        chain->stages = stages;
    if (stages == NULL || (at->typed != NULL && stage->within == NULL)) {
        free_stage(stage);
        return nf_fail(NF_ERR_MEMORY, "no memory for a chain of kernels");
    }
    chain->stages[chain->count++] = *stage;
    return NF_OK;
}

/* The chain that the alias stands for, in its place. */
static nf_status append_alias(nf_chain *chain, const nf_stage *alias, const place *within)
{
    enum { DEEPEST = 8 };
    char *text;
    if (within->depth > DEEPEST)
        return nf_fail(NF_ERR_PARAM, "kernel '%s' is part of its own chain", alias->kernel->name);
    nf_status status = nf_alias_expand(alias, &text);
    if (status == NF_OK)
        status = parse_stages(chain, text, within);
    free(text);
    if (status != NF_OK && within->depth == 1)
        return nf_fail_in(status, "'%s'", within->typed);
    return status;
}

static nf_status add_stage(nf_chain *chain, char *text, const place *at)
{
    char *typed = strdup(nf_trim(text));
    nf_stage stage = {.kernel = NULL};
    nf_status status = NF_OK;
    if (typed == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a chain of kernels");
    if (status == NF_OK)
        status = parse_stage(text, &stage);
    if (status == NF_OK && stage.kernel->kind != NF_ALIAS) {
        status = append(chain, &stage, at);
    } else {
        place within = {at->typed != NULL ? at->typed : typed, chain->count, at->depth + 1};
        if (status == NF_OK)
            status = append_alias(chain, &stage, &within);
        free_stage(&stage);
    }
    free(typed);
    return status;
}

static nf_status parse_stages(nf_chain *chain, char *text, const place *at)
{
    nf_status status = NF_OK;
    for (char *stage; status == NF_OK && (stage = strsep(&text, "|")) != NULL;)
        status = add_stage(chain, stage, at);
    return status;
}

nf_status nf_chain_parse(const char *typed, nf_chain *chain)
{
    const place outside = {.typed = NULL};
    *chain = (nf_chain){.typed = strdup(typed)};
    char *copy = strdup(typed);
    nf_status status = NF_OK;
    if (chain->typed == NULL || copy == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a chain of kernels");
    if (status == NF_OK)
        status = parse_stages(chain, copy, &outside);
    free(copy);
    if (status == NF_OK)
        status = check_order(chain);
    if (status != NF_OK)
        return nf_fail_in(status, "chain '%s'", typed);
    return join_texts(chain);
}

void nf_chain_free(nf_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        free_stage(&chain->stages[i]);
    free(chain->stages);
    free(chain->typed);
    free(chain->text);
    *chain = (nf_chain){.count = 0};
}

static nf_status check_accepts(const nf_kernel *kernel, const nf_shape *in)
{
    char text[NF_SHAPE_TEXT];
    if (kernel->kind == NF_RANGE)
        return NF_OK;
    if (!(kernel->ndims & (1u << (in->ndim - 1))))
        return nf_fail(NF_ERR_SHAPE, "kernel '%s' does not take an array of %d dimension%s (%s)",
                       kernel->name, in->ndim, in->ndim > 1 ? "s" : "", nf_shape_text(in, text));
    if (kernel->apply[in->dtype] == NULL)
        return nf_fail(NF_ERR_SHAPE,
                       "kernel '%s' does not take elements of type %s; put `cast:to=` "
                       "before it",
                       kernel->name, nf_dtype_name(in->dtype));
    return NF_OK;
}

static void note_border(nf_stage *stage)
{
    for (size_t i = 0; i < nf_params_count(stage->kernel); i++) {
        if (strcmp(stage->kernel->params[i].name, "border") == 0)
            stage->border = (nf_border)stage->values[i].integer;
        if (strcmp(stage->kernel->params[i].name, "value") == 0)
            stage->border_value = stage->values[i].real;
    }
    stage->fills = !nf_halo_none(&stage->setup.halo) && stage->border != NF_WRAP;
}

/* What a border that mirrors puts beyond one side lies as far within: a halo that is wider on one
 * side is needed on both. */
static void widen_halo(nf_stage *stage)
{
    nf_halo *halo = &stage->setup.halo;
    if (!stage->fills || (stage->border != NF_REFLECT && stage->border != NF_MIRROR))
        return;
    for (int d = 0; d < NF_DIMS; d++)
        halo->lo[d] = halo->hi[d] = halo->lo[d] > halo->hi[d] ? halo->lo[d] : halo->hi[d];
}

/* What every prepare must leave. */
static nf_status check_setup(const nf_kernel *kernel, nf_setup *setup)
{
    bool map = nf_kernel_maps(kernel);
    bool surveys = map && setup->partial_bytes > 0;
    bool whole_survey =
        kernel->survey[setup->in.dtype] != NULL && kernel->learn != NULL && kernel->any_order;
    if (!map && setup->partial_bytes == 0)
        setup->problem = "its prepare sets no partial_bytes";
    else if (kernel->two_inputs && kernel->kind == NF_RANGE)
        setup->problem = "an index range has no second array";
    else if (kernel->kind == NF_RANGE && setup->indices < 1)
        setup->problem = "its prepare sets no indices";
    else if (kernel->kind != NF_RANGE && kernel->waits)
        setup->problem = "only an index range waits";
    else if (kernel->kind == NF_RESAMPLE &&
             (kernel->source == NULL || setup->steps != 1 || !nf_halo_none(&setup->halo)))
        setup->problem = "a resample has a source, one step and no halo";
    else if (map && kernel->kind != NF_RESAMPLE &&
             memcmp(setup->in.dim, setup->out.dim, sizeof setup->in.dim) != 0)
        setup->problem = "only a resample has an output of other extents";
    else if (map && setup->steps > 1 && !nf_shape_equal(&setup->in, &setup->out))
        setup->problem =
            "it takes several steps, but its output is not of the input's shape and type";
    else if (map ? surveys && !whole_survey : kernel->learn != NULL && !kernel->any_order)
        setup->problem = "what it learns from must fold in any order, and needs a learn";
    else if (setup->survey_every > 0 && !surveys)
        setup->problem = "it asks for surveys between its steps, but has none";
    return setup->problem == NULL ? NF_OK : NF_ERR_PARAM;
}

/* Bytes for an output element where a cell is read for each that is written. */
static double plain_bytes(const nf_setup *setup)
{
    const nf_shape *in = &setup->in, *out = &setup->out;
    double read = (double)nf_dtype_size(in->dtype) * in->channels / out->channels;
    return read + (double)nf_dtype_size(out->dtype);
}

static nf_status prepare_stage(nf_stage *stage, const nf_shape *in)
{
    nf_status status = check_accepts(stage->kernel, in);
    if (status != NF_OK)
        return status;
    nf_setup *setup = &stage->setup;
    arena_free(setup);
    *setup = (nf_setup){.in = *in,
                        .out = *in,
                        .values = stage->values,
                        .alloc = arena_alloc,
                        .steps = 1,
                        .looks = 1,
                        .connectivity = 1,
                        .bytes_per_cell = -1};
    if (stage->kernel->prepare != NULL)
        status = stage->kernel->prepare(setup);
    if (setup->bytes_per_cell < 0)
        setup->bytes_per_cell = plain_bytes(setup);
    if (status == NF_OK)
        status = check_setup(stage->kernel, setup);
    note_border(stage);
    widen_halo(stage);
    if (status == NF_OK)
        return NF_OK;
    const char *problem = setup->problem ? setup->problem : "memory is exhausted";
    if (setup->param != NULL)
        return nf_fail(status, "kernel '%s', parameter '%s': %s", stage->kernel->name, setup->param,
                       problem);
    return nf_fail(status, "kernel '%s': %s", stage->kernel->name, problem);
}

nf_status nf_chain_prepare(nf_chain *chain, const nf_shape *in)
{
    nf_shape none = {.dim = {1, 1, 1}, .ndim = 1, .channels = 1, .dtype = NF_NONE};
    nf_shape shape = in == NULL || nf_chain_is_range(chain) ? none : *in;
    for (size_t i = 0; i < chain->count; i++) {
        nf_status status = prepare_stage(&chain->stages[i], &shape);
        if (status == NF_OK)
            status = nf_alias_check_inputs(chain, i);
        if (status != NF_OK)
            return nf_alias_blame(&chain->stages[i], status);
        shape = chain->stages[i].setup.out;
    }
    return NF_OK;
}

bool nf_kernel_maps(const nf_kernel *kernel)
{
    return kernel->kind == NF_MAP || kernel->kind == NF_COMPONENTS || kernel->kind == NF_RESAMPLE;
}

size_t nf_chain_maps(const nf_chain *chain)
{
    size_t n = 0;
    while (n < chain->count && nf_kernel_maps(chain->stages[n].kernel))
        n++;
    return n;
}

bool nf_chain_is_range(const nf_chain *chain)
{
    return chain->count == 1 && chain->stages[0].kernel->kind == NF_RANGE;
}

bool nf_chain_waits(const nf_chain *chain)
{
    return nf_chain_is_range(chain) && chain->stages[0].kernel->waits;
}

bool nf_stage_surveys(const nf_stage *stage)
{
    return stage->kernel->kind == NF_MAP && stage->setup.partial_bytes > 0;
}

bool nf_stage_surveys_after(const nf_stage *stage, int64_t done)
{
    int64_t steps = stage->setup.steps, every = stage->setup.survey_every;
    every = every < steps ? every : steps;
    return every > 0 && done > steps % every && (done - steps % every) % every == 0;
}

bool nf_stage_relooks(const nf_stage *stage)
{
    return stage->kernel->kind == NF_REDUCE && stage->kernel->learn != NULL;
}

bool nf_stage_learn(const nf_stage *stage, const void *partial)
{
    return stage->kernel->learn((void *)(uintptr_t)stage->setup.config, partial);
}
