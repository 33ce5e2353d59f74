#include "drivers/study/sample.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/status.h"

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

static nf_fact *find_fact(const nf_study *study, const char *name)
{
    for (size_t i = 0; i < study->nfacts; i++)
        if (strcmp(study->facts[i].name, name) == 0)
            return &study->facts[i];
    return NULL;
}

static nf_status append_fact(nf_study *study, const char *name, char *value)
{
    nf_fact *facts = grow(study->facts, study->nfacts, sizeof *facts);
    if (facts == NULL)
        return no_memory();
    study->facts = facts;
    char *own = strdup(name);
    if (own == NULL)
        return no_memory();
    facts[study->nfacts++] = (nf_fact){own, value};
    return NF_OK;
}

nf_status nf_study_fact(nf_study *study, const char *name, const char *format, ...)
{
    char *value = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (length < 0)
        return no_memory();
    nf_fact *known = find_fact(study, name);
    if (known != NULL) {
        free(known->value);
        known->value = value;
        return NF_OK;
    }
    nf_status status = append_fact(study, name, value);
    if (status != NF_OK)
        free(value);
    return status;
}

/* Appends a copy of a sample to a list. */
static nf_status append(nf_sample **list, size_t *count, const nf_sample *sample)
{
    nf_sample *samples = grow(*list, *count, sizeof *samples);
    if (samples == NULL)
        return no_memory();
    *list = samples;
    nf_sample copy = *sample;
    copy.kernel = strdup(sample->kernel);
    copy.label = strdup(sample->label);
    if (copy.kernel == NULL || copy.label == NULL) {
        free(copy.kernel);
        free(copy.label);
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

const char *nf_study_find(const nf_study *study, const char *name)
{
    const nf_fact *fact = find_fact(study, name);
    return fact == NULL ? NULL : fact->value;
}

static void free_samples(nf_sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(samples[i].kernel);
        free(samples[i].label);
    }
    free(samples);
}

void nf_study_free(nf_study *study)
{
    for (size_t i = 0; i < study->nfacts; i++) {
        free(study->facts[i].name);
        free(study->facts[i].value);
    }
    free_samples(study->samples, study->nsamples);
    free_samples(study->predictions, study->npredictions);
    free(study->facts);
    *study = (nf_study){0};
}

const char *nf_way(int ranks, int threads)
{
    if (ranks > 1)
        return threads > 1 ? "hybrid" : "ranks";
    return threads > 1 ? "threads" : "serial";
}
