#include "io/report_export.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Takes the object. */
static nf_status dump(json_t *object, FILE *out, size_t flags)
{
    if (object == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for an export (or a name that is no UTF-8)");
    bool fine = json_dumpf(object, out, flags | JSON_REAL_PRECISION(12)) == 0;
    json_decref(object);
    putc('\n', out);
    return fine ? NF_OK : nf_fail(NF_ERR_FILE, "an export cannot be written");
}

/* ---- Extra-P ---- */

static nf_status extrap_line(const nf_observation *at, const char *title, FILE *out)
{
    json_t *values = json_array();
    for (size_t i = 0; i < at->n && values != NULL; i++)
        json_array_append_new(values, json_real(at->samples[i]));
    return dump(json_pack("{s:{s:f}, s:s, s:s, s:o}", "params", "p", at->p, "callpath", title,
                          "metric", "time", "value", values),
                out, JSON_COMPACT);
}

static nf_status extrap(const nf_report *report, nf_scaling scaling, FILE *out)
{
    nf_status status = NF_OK;
    for (size_t g = 0; g < report->ngroups && status == NF_OK; g++) {
        const nf_series *series = &report->trends[g].series;
        if (report->groups[g].points[0]->of->scaling != scaling)
            continue;
        char *title = nf_group_text(&report->groups[g]);
        if (title == NULL)
            return nf_fail(NF_ERR_MEMORY, "no memory for an export");
        for (size_t i = 0; i < series->n && status == NF_OK; i++)
            status = extrap_line(&series->at[i], title, out);
        free(title);
    }
    return status;
}

nf_status nf_extrap_strong(const nf_report *report, FILE *out)
{
    return extrap(report, NF_STRONG, out);
}

nf_status nf_extrap_weak(const nf_report *report, FILE *out)
{
    return extrap(report, NF_WEAK, out);
}

/* ---- Google Benchmark ---- */

static json_t *gbench_context(const nf_report *report)
{
    static const char *const facts[][2] = {
        {"date", "time"}, {"host_name", "host"}, {"nfold_version", "nfold"}};
    json_t *context = json_object();
    const char *cores = nf_study_find(report->study, "cores that may be used");
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const char *value = nf_study_find(report->study, facts[i][1]);
        if (value != NULL)
            json_object_set_new(context, facts[i][0], json_string(value));
    }
    json_object_set_new(context, "executable", json_string("scale"));
    json_object_set_new(context, "num_cpus", json_integer(cores != NULL ? atoi(cores) : 0));
    json_object_set_new(context, "library_build_type", json_string("release"));
    return context;
}

/* "heat:steps=4/strong/1024x1024 u8/ranks:2/threads:1"; the caller frees it. */
static char *gbench_name(const nf_sample *of)
{
    char size[NF_SHAPE_TEXT], *name = NULL;
    int length = asprintf(&name, "%s/%s/%s/ranks:%d/threads:%d", of->label,
                          of->scaling == NF_STRONG ? "strong" : "weak",
                          nf_size_text(&of->shape, size), of->ranks, of->threads);
    return length < 0 ? NULL : name;
}

static double cpu_time(const nf_sample *sample)
{
    return sample->balance.known ? sample->balance.useful : sample->seconds;
}

/* What iterations and aggregates share; times in nanoseconds. */
static json_t *gbench_entry(const char *run, const char *name, const char *kind,
                            const nf_point *point, int runs, double real, double cpu)
{
    json_t *entry = json_pack(
        "{s:s, s:s, s:s, s:I, s:i, s:i, s:f, s:f, s:s}", "name", name, "run_name", run, "run_type",
        kind, "repetitions", (json_int_t)point->n, "threads", point->of->threads, "iterations",
        runs, "real_time", 1e9 * real, "cpu_time", 1e9 * cpu, "time_unit", "ns");
    if (entry == NULL)
        return NULL;
    if (point->valid)
        json_object_set_new(entry, "items_per_second", json_real((double)point->of->work / real));
    else {
        json_object_set_new(entry, "error_occurred", json_true());
        json_object_set_new(entry, "error_message",
                            json_string("the result differs from the serial one"));
    }
    return entry;
}

/* Appends a point's samples, and their median. */
static bool gbench_point(const nf_study *study, const nf_point *point, json_t *list)
{
    char *run = gbench_name(point->of), *name = NULL;
    double *cpu = calloc(point->n + 1, sizeof *cpu);
    bool fine = run != NULL && cpu != NULL && asprintf(&name, "%s_median", run) >= 0;
    size_t k = 0;
    for (size_t i = 0; i < study->nsamples && fine; i++) {
        const nf_sample *sample = &study->samples[i];
        if (!nf_sample_same_point(sample, point->of))
            continue;
        json_t *entry =
            gbench_entry(run, run, "iteration", point, sample->runs > 0 ? sample->runs : 1,
                         sample->seconds, cpu_time(sample));
        json_object_set_new(entry, "repetition_index", json_integer((json_int_t)k));
        cpu[k++] = cpu_time(sample);
        fine = json_array_append_new(list, entry) == 0;
    }
    if (fine) {
        json_t *entry = gbench_entry(run, name, "aggregate", point, (int)point->n, point->seconds,
                                     nf_median(cpu, k));
        json_object_set_new(entry, "aggregate_name", json_string("median"));
        json_object_set_new(entry, "aggregate_unit", json_string("time"));
        fine = json_array_append_new(list, entry) == 0;
        free(name);
    }
    free(run);
    free(cpu);
    return fine;
}

nf_status nf_gbench(const nf_report *report, FILE *out)
{
    json_t *list = json_array();
    bool fine = list != NULL;
    for (size_t i = 0; i < report->npoints && fine; i++)
        fine = gbench_point(report->study, &report->points[i], list);
    if (!fine) {
        json_decref(list);
        return dump(NULL, out, 0);
    }
    return dump(json_pack("{s:o, s:o}", "context", gbench_context(report), "benchmarks", list), out,
                JSON_INDENT(2));
}

/* ---- all ---- */

nf_status nf_report_export(const nf_report *report, const char *dir, unsigned formats)
{
    char *folder = NULL;
    if ((formats & ~(unsigned)NF_FORMAT_PDF) == 0)
        return NF_OK;
    if (asprintf(&folder, "%s/export", dir) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    nf_status status = nf_report_folder(folder);
    if (status == NF_OK && formats & NF_FORMAT_EXTRAP)
        status = nf_report_file(report, folder, "extrap-strong.jsonl", nf_extrap_strong);
    if (status == NF_OK && formats & NF_FORMAT_EXTRAP)
        status = nf_report_file(report, folder, "extrap-weak.jsonl", nf_extrap_weak);
    if (status == NF_OK && formats & NF_FORMAT_GBENCH)
        status = nf_report_file(report, folder, "gbench.json", nf_gbench);
    if (status == NF_OK && formats & NF_FORMAT_TALP)
        status = nf_talp_write(report, folder);
    free(folder);
    return status;
}
