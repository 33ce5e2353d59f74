#include "drivers/study/sample.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"

const char *const nf_cost_names[NF_COSTS] = {"start", "share", "send", "break-even", "memory"};

static nf_status no_memory(void)
{
    return nf_fail(NF_ERR_MEMORY, "no memory for the study's records");
}

/* Room for one more element in an array whose capacity is the power of two from its count on. */
static void *grow(void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    return reallocarray(array, count == 0 ? 1 : 2 * count, size);
}

/* Facts or settings. */
typedef struct fact_list {
    nf_fact **list;
    size_t *count;
} fact_list;

static nf_fact *find_fact(const nf_fact *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return (nf_fact *)(uintptr_t)&list[i];
    return NULL;
}

static nf_status append_fact(fact_list to, const char *name, char *value)
{
    nf_fact *facts = grow(*to.list, *to.count, sizeof *facts);
    if (facts == NULL)
        return no_memory();
    *to.list = facts;
    char *own = strdup(name);
    if (own == NULL)
        return no_memory();
    facts[(*to.count)++] = (nf_fact){own, value};
    return NF_OK;
}

static nf_status put_fact(fact_list to, const char *name, const char *format, va_list arguments)
{
    char *value = NULL;
    if (vasprintf(&value, format, arguments) < 0)
        return no_memory();
    nf_fact *known = find_fact(*to.list, *to.count, name);
    if (known != NULL) {
        free(known->value);
        known->value = value;
        return NF_OK;
    }
    nf_status status = append_fact(to, name, value);
    if (status != NF_OK)
        free(value);
    return status;
}

nf_status nf_study_fact(nf_study *study, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    nf_status status =
        put_fact((fact_list){&study->facts, &study->nfacts}, name, format, arguments);
    va_end(arguments);
    return status;
}

nf_status nf_study_set(nf_study *study, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    nf_status status =
        put_fact((fact_list){&study->settings, &study->nsettings}, name, format, arguments);
    va_end(arguments);
    return status;
}

/* ---- samples ---- */

nf_status nf_balance_make(nf_balance *balance, int ranks, int threads)
{
    balance->threads = calloc((size_t)ranks * (size_t)threads, sizeof *balance->threads);
    balance->ranks = calloc((size_t)ranks, sizeof *balance->ranks);
    if (balance->threads != NULL && balance->ranks != NULL)
        return NF_OK;
    nf_balance_free(balance);
    return no_memory();
}

void nf_balance_free(nf_balance *balance)
{
    free(balance->threads);
    free(balance->ranks);
    balance->threads = NULL;
    balance->ranks = NULL;
}

static void free_sample(nf_sample *sample)
{
    free(sample->kernel);
    free(sample->label);
    free(sample->grows);
    free(sample->more);
    nf_balance_free(&sample->balance);
}

/* A copy of a text that may be missing; clears *fine where there is no memory. */
static char *copy_text(const char *text, bool *fine)
{
    char *copy = text == NULL ? NULL : strdup(text);
    *fine &= text == NULL || copy != NULL;
    return copy;
}

static bool copy_balance(const nf_sample *from, nf_balance *to)
{
    const nf_balance *balance = &from->balance;
    to->threads = NULL;
    to->ranks = NULL;
    if (balance->threads == NULL || balance->ranks == NULL)
        return true;
    if (nf_balance_make(to, from->ranks, from->threads) != NF_OK)
        return false;
    size_t ranks = (size_t)from->ranks, workers = ranks * (size_t)from->threads;
    memcpy(to->threads, balance->threads, workers * sizeof *to->threads);
    memcpy(to->ranks, balance->ranks, ranks * sizeof *to->ranks);
    return true;
}

/* Appends a copy of a sample to a list. */
static nf_status append(nf_sample **list, size_t *count, const nf_sample *sample)
{
    nf_sample *samples = grow(*list, *count, sizeof *samples);
    if (samples == NULL)
        return no_memory();
    *list = samples;
    nf_sample copy = *sample;
    bool fine = true;
    copy.kernel = copy_text(sample->kernel, &fine);
    copy.label = copy_text(sample->label, &fine);
    copy.grows = copy_text(sample->grows, &fine);
    copy.more = copy_text(sample->more, &fine);
    fine &= copy_balance(sample, &copy.balance);
    if (!fine) {
        free_sample(&copy);
        return no_memory();
    }
    samples[(*count)++] = copy;
    return NF_OK;
}

nf_status nf_study_add(nf_study *study, const nf_sample *sample)
{
    return append(&study->samples, &study->nsamples, sample);
}

nf_status nf_study_predict(nf_study *study, const nf_sample *prediction)
{
    return append(&study->predictions, &study->npredictions, prediction);
}

static void free_ceiling(nf_ceiling *ceiling)
{
    free(ceiling->what);
    free(ceiling->unit);
    free(ceiling->more);
}

nf_status nf_study_ceiling(nf_study *study, const nf_ceiling *ceiling)
{
    nf_ceiling *list = grow(study->ceilings, study->nceilings, sizeof *list);
    if (list == NULL)
        return no_memory();
    study->ceilings = list;
    nf_ceiling copy = *ceiling;
    bool fine = true;
    copy.what = copy_text(ceiling->what, &fine);
    copy.unit = copy_text(ceiling->unit, &fine);
    copy.more = copy_text(ceiling->more, &fine);
    if (!fine) {
        free_ceiling(&copy);
        return no_memory();
    }
    list[study->nceilings++] = copy;
    return NF_OK;
}

static void free_cost(nf_cost *cost)
{
    free(cost->what);
    free(cost->kernel);
    free(cost->label);
    free(cost->unit);
    free(cost->more);
}

nf_status nf_study_cost(nf_study *study, const nf_cost *cost)
{
    nf_cost *list = grow(study->costs, study->ncosts, sizeof *list);
    if (list == NULL)
        return no_memory();
    study->costs = list;
    nf_cost copy = *cost;
    bool fine = true;
    copy.what = copy_text(cost->what, &fine);
    copy.kernel = copy_text(cost->kernel, &fine);
    copy.label = copy_text(cost->label, &fine);
    copy.unit = copy_text(cost->unit, &fine);
    copy.more = copy_text(cost->more, &fine);
    if (!fine) {
        free_cost(&copy);
        return no_memory();
    }
    list[study->ncosts++] = copy;
    return NF_OK;
}

nf_status nf_study_other(nf_study *study, const char *record)
{
    char **list = grow(study->others, study->nothers, sizeof *list);
    if (list == NULL)
        return no_memory();
    study->others = list;
    list[study->nothers] = strdup(record);
    if (list[study->nothers] == NULL)
        return no_memory();
    study->nothers++;
    return NF_OK;
}

const char *nf_study_find(const nf_study *study, const char *name)
{
    const nf_fact *fact = find_fact(study->facts, study->nfacts, name);
    return fact == NULL ? NULL : fact->value;
}

const char *nf_study_setting(const nf_study *study, const char *name)
{
    const nf_fact *setting = find_fact(study->settings, study->nsettings, name);
    return setting == NULL ? NULL : setting->value;
}

static void free_facts(nf_fact *facts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(facts[i].name);
        free(facts[i].value);
    }
    free(facts);
}

static void free_samples(nf_sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free_sample(&samples[i]);
    free(samples);
}

void nf_study_free(nf_study *study)
{
    free_facts(study->facts, study->nfacts);
    free_facts(study->settings, study->nsettings);
    free_samples(study->samples, study->nsamples);
    free_samples(study->predictions, study->npredictions);
    for (size_t i = 0; i < study->nceilings; i++)
        free_ceiling(&study->ceilings[i]);
    for (size_t i = 0; i < study->ncosts; i++)
        free_cost(&study->costs[i]);
    for (size_t i = 0; i < study->nothers; i++)
        free(study->others[i]);
    free(study->ceilings);
    free(study->costs);
    free(study->others);
    free(study->more);
    *study = (nf_study){0};
}

bool nf_sample_same_point(const nf_sample *a, const nf_sample *b)
{
    return a->simulated == b->simulated && a->ranks == b->ranks && a->threads == b->threads &&
           a->scaling == b->scaling && nf_shape_equal(&a->shape, &b->shape) &&
           strcmp(a->kernel, b->kernel) == 0;
}

const char *nf_way(int ranks, int threads)
{
    if (ranks > 1)
        return threads > 1 ? "hybrid" : "ranks";
    return threads > 1 ? "threads" : "serial";
}
