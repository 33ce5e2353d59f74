#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/report_export.h"

/* ---- one run ---- */

/* Seconds of all processors together, and of ranks alone. */
typedef struct times {
    double useful, mpi, imbalance, serial; /* of all threads */
    double busiest;                        /* outside MPI, of the rank with the most of it */
    double outside;                        /* outside MPI, the mean over ranks */
    bool by_rank;                          /* the ranks' own times are known */
} times;

static double in_mpi(const nf_phases *phases)
{
    return phases->halo + phases->fold + phases->wait;
}

static times times_of(const nf_sample *sample)
{
    const int ranks = sample->ranks, threads = sample->threads;
    times t = {.by_rank = sample->balance.ranks != NULL};
    for (int r = 0; r < ranks; r++) {
        const nf_phases *phases = t.by_rank ? &sample->balance.ranks[r] : &sample->phases;
        double outside = sample->seconds - in_mpi(phases);
        t.useful += threads * phases->compute;
        t.mpi += threads * in_mpi(phases);
        t.imbalance += threads * phases->idle;
        t.serial += threads * phases->runtime;
        t.outside += outside / ranks;
        t.busiest = fmax(t.busiest, outside);
    }
    return t;
}

static json_int_t nanoseconds(double seconds)
{
    return (json_int_t)llround(1e9 * seconds);
}

/* All efficiencies are quotients that are at most 1 but for the clock's noise. */
static double quotient(double part, double whole)
{
    return whole > 0 ? fmin(part / whole, 1) : 0;
}

static json_t *efficiencies(const nf_sample *sample, const times *t)
{
    const double cpu = t->useful + t->mpi; /* all but OpenMP's own */
    json_t *balance = json_real(quotient(t->outside, t->busiest));
    json_t *in = sample->nodes == 1 ? json_incref(balance) : json_null();
    return json_pack("{s:f, s:f, s:f, s:o, s:o, s:o, s:f, s:f, s:f, s:f}", "parallelEfficiency",
                     quotient(t->useful, sample->seconds * sample->ranks * sample->threads),
                     "mpiParallelEfficiency", quotient(t->outside, sample->seconds),
                     "mpiCommunicationEfficiency", quotient(t->busiest, sample->seconds),
                     "mpiLoadBalance", balance, "mpiLoadBalanceIn", in, "mpiLoadBalanceOut",
                     sample->nodes == 1 ? json_real(1) : json_null(), "ompParallelEfficiency",
                     quotient(cpu, cpu + t->imbalance + t->serial), "ompLoadBalance",
                     quotient(cpu + t->serial, cpu + t->serial + t->imbalance),
                     "ompSchedulingEfficiency", 1.0, "ompSerializationEfficiency",
                     quotient(cpu, cpu + t->serial));
}

static json_t *region(const nf_sample *sample)
{
    const times t = times_of(sample);
    const int cpus = sample->ranks * sample->threads;
    json_t *region = json_pack(
        "{s:i, s:i, s:i, s:f, s:f, s:f, s:i, s:i, s:I, s:i, s:I, s:I, s:I, s:I, s:i, s:I}",
        "numCpus", cpus, "numMpiRanks", sample->ranks, "numNodes", sample->nodes, "avgCpus",
        (double)cpus, "cycles", sample->cycles, "instructions", sample->instructions,
        "numMeasurements", 1, "numMpiCalls", 0, "numOmpParallels",
        (json_int_t)(sample->threads > 1 ? sample->balance.steps : 0), "numOmpTasks", 0,
        "elapsedTime", nanoseconds(sample->seconds), "usefulTime", nanoseconds(t.useful), "mpiTime",
        nanoseconds(t.mpi), "ompLoadImbalanceTime", nanoseconds(t.imbalance), "ompSchedulingTime",
        0, "ompSerializationTime", nanoseconds(t.serial));
    json_t *more = efficiencies(sample, &t);
    if (region == NULL || more == NULL || json_object_update(region, more) != 0) {
        json_decref(region);
        region = NULL;
    }
    json_decref(more);
    return region;
}

/* "2026-11-25T13:32:59+00:00" of "2026-11-25 13:32:59 UTC"; any other text as it is. */
static void iso_time(const char *fact, char text[NF_CELL])
{
    char day[11], hour[9];
    if (fact != NULL && sscanf(fact, "%10s %8s UTC", day, hour) == 2)
        snprintf(text, NF_CELL, "%sT%s+00:00", day, hour);
    else
        snprintf(text, NF_CELL, "%s", fact != NULL ? fact : "1970-01-01T00:00:00+00:00");
}

static json_t *document(const nf_study *study, const nf_sample *sample)
{
    char time[NF_CELL];
    const char *commit = nf_study_find(study, "nfold commit");
    iso_time(nf_study_find(study, "time"), time);
    json_t *all = json_pack("{s:s, s:s, s:{s:i, s:i, s:i}, s:{s:o}}", "dlbVersion",
                            "3.5 (this layout; written by nfold)", "timestamp", time, "resources",
                            "numCpus", sample->ranks * sample->threads, "numNodes", sample->nodes,
                            "numMpiRanks", sample->ranks, "Application", "Global", region(sample));
    if (all != NULL && commit != NULL)
        json_object_set_new(all, "metadata", json_pack("{s:s}", "gitCommit", commit));
    return all;
}

/* ---- which run ---- */

/* The sample whose time is nearest to the point's median, of those with a balance; NULL: none has one. */
static const nf_sample *typical(const nf_study *study, const nf_point *point)
{
    const nf_sample *found = NULL;
    for (size_t i = 0; i < study->nsamples; i++) {
        const nf_sample *sample = &study->samples[i];
        if (nf_sample_same_point(sample, point->of) && sample->balance.known &&
            (found == NULL ||
             fabs(sample->seconds - point->seconds) < fabs(found->seconds - point->seconds)))
            found = sample;
    }
    return found;
}

/* What the writer below writes, as nf_report_file takes a report alone. */
typedef struct nf_talp_report {
    nf_report report; /* first: the writer is given its address */
    const nf_sample *sample;
} nf_talp_report;

static nf_status write_document(const nf_report *report, FILE *out)
{
    const nf_talp_report *asked = (const nf_talp_report *)report;
    json_t *all = document(report->study, asked->sample);
    if (all == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for an export (or a name that is no UTF-8)");
    bool fine = json_dumpf(all, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0;
    json_decref(all);
    return fine ? NF_OK : nf_fail(NF_ERR_FILE, "an export cannot be written");
}

static nf_status write_group(const nf_report *report, const nf_group *group, const char *folder)
{
    nf_status status = NF_OK;
    bool made = false;
    for (size_t i = 0; i < group->n && status == NF_OK; i++) {
        const nf_point *point = group->points[i];
        nf_talp_report asked = {*report, point->valid ? typical(report->study, point) : NULL};
        char name[64];
        if (asked.sample == NULL)
            continue;
        status = made ? NF_OK : nf_report_folder(folder);
        made = true;
        snprintf(name, sizeof name, "%dx%d.json", point->of->ranks, point->of->threads);
        if (status == NF_OK)
            status = nf_report_file(&asked.report, folder, name, write_document);
    }
    return status;
}

/* DIR/talp/03-gaussian-sigma-2-sobel-strong; the caller frees it. */
static char *folder_of(const char *dir, size_t number, const nf_sample *of)
{
    char *path = NULL;
    int base = 0;
    if (asprintf(&path, "%s/talp/%02zu-%n%s-%s", dir, number, &base, of->label,
                 of->scaling == NF_STRONG ? "strong" : "weak") < 0)
        return NULL;
    char *to = path + base;
    for (const char *from = to; *from != '\0'; from++)
        if (isalnum((unsigned char)*from) || strchr("._", *from) != NULL)
            *to++ = *from;
        else if (to[-1] != '-')
            *to++ = '-';
    *to = '\0';
    return path;
}

nf_status nf_talp_write(const nf_report *report, const char *dir)
{
    nf_status status = NF_OK;
    for (size_t g = 0; g < report->ngroups && status == NF_OK; g++) {
        char *folder = folder_of(dir, g + 1, report->groups[g].points[0]->of);
        status = folder == NULL ? nf_fail(NF_ERR_MEMORY, "no memory for a file name")
                                : write_group(report, &report->groups[g], folder);
        free(folder);
    }
    return status;
}
