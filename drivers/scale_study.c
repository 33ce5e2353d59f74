#include "drivers/scale_study.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/study/machine.h"
#include "io/array.h"
#include "io/record.h"
#include "io/report.h"

/* ---- facts ---- */

static nf_status describe_sampling(scale_run *run, nf_study *study)
{
    const scale_args *args = run->args;
    nf_status status = NF_OK;
    if (args->reps > 0)
        status = nf_study_fact(study, "sampling", "%lld samples a point", (long long)args->reps);
    else if (args->max_time > 0)
        status = nf_study_fact(study, "sampling",
                               "until the 95%% interval of the median is within %g%%, or %g s",
                               100 * args->precision, args->max_time);
    else
        status = nf_study_fact(study, "sampling",
                               "until the 95%% interval of the median is within %g%%, or a point's "
                               "share of 70 s is used up",
                               100 * args->precision);
    if (status == NF_OK)
        status = nf_study_fact(study, "order of points", "random, by seed %llu%s",
                               (unsigned long long)args->seed,
                               args->interleave ? "; a kernel's points in turn" : "");
    if (status == NF_OK)
        status = nf_study_fact(
            study, "timing",
            "monotonic clock, from a common moment (oversubscribed: a barrier) until the slowest "
            "rank is done; one warm-up, then samples; medians");
    if (status == NF_OK)
        status = nf_study_fact(study, "timer", "resolution %.3g ns, a reading takes %.3g ns",
                               1e9 * run->timer.resolution, 1e9 * run->timer.overhead);
    return status;
}

/* "sumsq: rows; sumsq_range: n": what each kernel's weak study grows, and a worker's work. */
static nf_status describe_growth(const scale_run *run, nf_study *study)
{
    char *text = NULL;
    size_t length = 0, last = SIZE_MAX;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a fact");
    for (size_t i = 0; i < run->points.count; i++) {
        const scale_point *p = &run->points.list[i];
        if (p->scaling != NF_WEAK || p->chain == last)
            continue;
        fprintf(out, "%s%s grows in %s, %.6g a worker", last == SIZE_MAX ? "" : "; ", p->key.label,
                p->grows, (double)p->key.work / ((double)p->layout.ranks * p->layout.threads));
        last = p->chain;
    }
    nf_status status = NF_OK;
    if (fclose(out) != 0)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a fact");
    else if (length > 0)
        status = nf_study_fact(study, "weak size", "%s", text);
    free(text);
    return status;
}

static nf_status describe_input(const scale_run *run, nf_study *study)
{
    char text[NF_SHAPE_TEXT];
    nf_shape strong = scale_strong_shape(run->args, run->source, NULL);
    nf_status status =
        nf_study_fact(study, "input", "%s (%s), %s in %.3f s", run->source->name,
                      nf_shape_text(&run->source->shape, text),
                      run->source->synthetic ? "made" : "read", run->source->seconds);
    if (status == NF_OK)
        status = nf_study_fact(study, "strong size", "%s, by mirrored tiling of the input",
                               nf_shape_text(&strong, text));
    return status == NF_OK ? describe_growth(run, study) : status;
}

static nf_status describe(scale_run *run, nf_study *study)
{
    const nf_cli *cli = run->cli;
    nf_status status = nf_machine_facts(study);
    if (status == NF_OK)
        status = nf_study_fact(study, "MPI", "%s", nf_mpi_version());
    if (status == NF_OK)
        status = nf_study_fact(study, "HDF5", "%s", nf_hdf5_version());
    if (status == NF_OK)
        status = nf_study_fact(study, "nodes", "%d", cli->node.nodes);
    if (status == NF_OK)
        status = nf_study_fact(study, "cores that may be used", "%d on this node", cli->node.cores);
    if (status == NF_OK)
        status = nf_study_fact(study, "binding",
                               "each worker on a core of its own; where there are more workers "
                               "than cores, unbound");
    if (status == NF_OK)
        status = describe_input(run, study);
    return status == NF_OK ? describe_sampling(run, study) : status;
}

/* ---- settings ---- */

/* Facts that would make other times of the same points. */
static const char *const binding_facts[] = {"processor",    "cores that may be used",
                                            "nodes",        "instruction set in use",
                                            "nfold commit", "compiler flags"};

static nf_status set_layouts(const char *name, const scale_layouts *layouts, nf_study *study)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a setting");
    for (size_t i = 0; i < layouts->count; i++)
        fprintf(out, "%s%dx%d", i > 0 ? "," : "", layouts->list[i].ranks, layouts->list[i].threads);
    nf_status status = fclose(out) == 0 ? nf_study_set(study, name, "%s", text)
                                        : nf_fail(NF_ERR_MEMORY, "no memory for a setting");
    free(text);
    return status;
}

static nf_status set_kernels(const scale_args *args, nf_study *study)
{
    nf_status status = NF_OK;
    for (size_t i = 0; i < args->chains.count && status == NF_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "kernel %zu", i + 1);
        status = nf_study_set(study, name, "%s", args->sizes[i].name);
    }
    return status;
}

static bool any_waits(const scale_args *args)
{
    bool any = false;
    for (size_t i = 0; i < args->chains.count; i++)
        any |= nf_chain_waits(&args->chains.list[i]);
    return any;
}

static nf_status set_plan(const nf_plan_options *o, nf_study *study)
{
    return nf_study_set(study, "plan",
                        "grid %dx%dx%d, tile %lldx%lldx%lld, halo depth %d (0: chosen)", o->grid[0],
                        o->grid[1], o->grid[2], (long long)o->tile[0], (long long)o->tile[1],
                        (long long)o->tile[2], o->halo_depth);
}

static nf_status set_sampling(const scale_args *args, nf_study *study)
{
    nf_status status = nf_study_set(study, "precision", "%g", args->precision);
    if (status == NF_OK)
        status = nf_study_set(study, "max-time", "%g", args->max_time);
    if (status == NF_OK)
        status = nf_study_set(study, "reps", "%lld", (long long)args->reps);
    if (status == NF_OK)
        status = nf_study_set(study, "seed", "%llu", (unsigned long long)args->seed);
    if (status == NF_OK)
        status = nf_study_set(study, "interleave", "%s", args->interleave ? "yes" : "no");
    return status;
}

/* What the study must agree in to be resumed, of a study whose facts are there. */
static nf_status set_all(const scale_run *run, const scale_layouts layouts[2], nf_study *study)
{
    const scale_args *args = run->args;
    char text[NF_SHAPE_TEXT], source[NF_SHAPE_TEXT];
    nf_shape strong = scale_strong_shape(args, run->source, NULL);
    nf_status status = set_kernels(args, study);
    if (status == NF_OK)
        status = nf_study_set(study, "scaling", "%s%s", args->strong ? "strong " : "",
                              args->weak ? "weak" : "");
    if (status == NF_OK)
        status = set_layouts("ranks x threads", &layouts[0], study);
    if (status == NF_OK && any_waits(args))
        status = set_layouts("ranks x threads of kernels that wait", &layouts[1], study);
    if (status == NF_OK)
        status =
            nf_study_set(study, "input", "%s, %s; strong size %s", run->source->name,
                         nf_shape_text(&run->source->shape, source), nf_shape_text(&strong, text));
    if (status == NF_OK)
        status = set_plan(&run->cli->plan_options, study);
    if (status == NF_OK)
        status = set_sampling(args, study);
    for (size_t i = 0; i < sizeof binding_facts / sizeof *binding_facts && status == NF_OK; i++) {
        const char *fact = nf_study_find(study, binding_facts[i]);
        if (fact != NULL)
            status = nf_study_set(study, binding_facts[i], "%s", fact);
    }
    return status;
}

/* ---- resuming ---- */

/* Says what differs, if anything does. */
static nf_status compare_settings(const nf_study *now, const nf_study *then, const char *path)
{
    char differs[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < now->nsettings && used < sizeof differs; i++) {
        const nf_fact *mine = &now->settings[i];
        const char *theirs = nf_study_setting(then, mine->name);
        if (theirs == NULL || strcmp(theirs, mine->value) != 0)
            used += (size_t)snprintf(differs + used, sizeof differs - used,
                                     "%s%s was '%s', is '%s'", used > 0 ? "; " : "", mine->name,
                                     theirs != NULL ? theirs : "", mine->value);
    }
    for (size_t i = 0; i < then->nsettings && used < sizeof differs; i++)
        if (nf_study_setting(now, then->settings[i].name) == NULL)
            used += (size_t)snprintf(differs + used, sizeof differs - used, "%s%s was '%s', is not",
                                     used > 0 ? "; " : "", then->settings[i].name,
                                     then->settings[i].value);
    if (used == 0)
        return NF_OK;
    return nf_fail(NF_ERR_USAGE,
                   "%s cannot be resumed, as other settings would be mixed: %s; ask for the same, "
                   "or begin another study",
                   path, differs);
}

static nf_status name_files(scale_run *run, char **complete)
{
    if (asprintf(&run->records_path, "%s/study.part.jsonl", run->args->folder) < 0)
        run->records_path = NULL;
    if (asprintf(complete, "%s/study.jsonl", run->args->folder) < 0)
        *complete = NULL;
    if (run->records_path != NULL && *complete != NULL)
        return NF_OK;
    return nf_fail(NF_ERR_MEMORY, "no memory for a path");
}

/* The number of this launch: the first that no sample has. */
static int next_launch(const nf_study *study)
{
    int launch = 0;
    for (size_t i = 0; i < study->nsamples; i++)
        launch = study->samples[i].launch >= launch ? study->samples[i].launch + 1 : launch;
    return launch;
}

nf_status scale_study_recall(scale_run *run)
{
    char *complete = NULL;
    const char *from = NULL;
    run->launch = (int)run->args->launch;
    nf_status status = name_files(run, &complete);
    if (status == NF_OK && run->args->resume) {
        from = access(run->records_path, F_OK) == 0 ? run->records_path : complete;
        if (access(from, F_OK) != 0)
            status = nf_fail(NF_ERR_FILE,
                             "--resume: %s: there is no study to resume; name its folder by -o",
                             run->args->folder);
    }
    if (status == NF_OK && from != NULL)
        status = nf_record_read(from, &run->study);
    if (status == NF_OK && from != NULL) {
        const char *seed = nf_study_setting(&run->study, "seed");
        run->launch = next_launch(&run->study);
        if (!run->args->seeded && seed != NULL)
            run->args->seed = strtoull(seed, NULL, 10);
    }
    free(complete);
    return status;
}

/* ---- the file ---- */

static nf_status make_folder(const char *folder)
{
    struct stat found;
    if (mkdir(folder, 0777) == 0)
        return NF_OK;
    if (errno != EEXIST)
        return nf_fail(NF_ERR_FILE, "%s: the folder cannot be made: %s", folder, strerror(errno));
    if (stat(folder, &found) == 0 && !S_ISDIR(found.st_mode))
        return nf_fail(NF_ERR_FILE, "%s is a file, not a folder", folder);
    return NF_OK;
}

static nf_status begin_file(scale_run *run)
{
    const char *path = run->records_path;
    nf_status made = make_folder(run->args->folder);
    if (made != NF_OK)
        return made;
    run->records = fopen(path, "we");
    if (run->records == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", path, strerror(errno));
    return nf_record_write(run->records, path, &run->study);
}

nf_status scale_study_note(scale_run *run, const char *name, const char *value)
{
    nf_study news = {.facts = NULL};
    nf_status status = nf_study_fact(&run->study, name, "%s", value);
    if (status == NF_OK)
        status = nf_study_fact(&news, name, "%s", value);
    if (status == NF_OK)
        status = nf_record_study(run->records, run->records_path, &news);
    nf_study_free(&news);
    return status;
}

/* Goes on with a part file, or with a part file of a complete study; a fact says that it did. */
static nf_status resume_file(scale_run *run, const nf_study *now)
{
    const char *path = run->records_path;
    char name[32], value[256];
    nf_status status = compare_settings(now, &run->study, run->args->folder);
    if (status != NF_OK)
        return status;
    snprintf(name, sizeof name, "launch %d", run->launch);
    const char *host = nf_study_find(now, "host"), *time = nf_study_find(now, "time");
    snprintf(value, sizeof value, "%s, on %s", time != NULL ? time : "", host != NULL ? host : "");
    if (access(path, F_OK) != 0)
        status = begin_file(run);
    else
        status = nf_record_append(path, &run->records);
    return status == NF_OK ? scale_study_note(run, name, value) : status;
}

nf_status scale_study_begin(scale_run *run, const scale_layouts layouts[2])
{
    nf_study now = {.facts = NULL};
    nf_status status = describe(run, &now);
    if (status == NF_OK)
        status = set_all(run, layouts, &now);
    if (status == NF_OK && run->args->resume) {
        status = resume_file(run, &now);
        nf_study_free(&now);
        return status;
    }
    run->study = now;
    return status == NF_OK ? begin_file(run) : status;
}

nf_status scale_study_conclude(scale_run *run)
{
    const char *folder = run->args->folder;
    char *path;
    if (asprintf(&path, "%s/study.jsonl", folder) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a path");
    nf_status status = NF_OK;
    if (rename(run->records_path, path) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be replaced: %s", path, strerror(errno));
    free(path);
    if (status != NF_OK || run->args->no_report)
        return status;
    status = nf_report_write(&run->study, folder, 0);
    if (status != NF_OK)
        return status;
    const char *growth = nf_study_find(&run->study, "weak size");
    nf_report_table(&run->study, stdout);
    if (growth != NULL)
        printf("\nWeak scaling: %s\n", growth);
    printf("\nReport: %s/report.html (also report.md, points.csv, %sstudy.jsonl)\n", folder,
           run->study.ncosts > 0 ? "costs.csv, " : "");
    return NF_OK;
}
