#include "io/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/part.h"
#include "io/report_parts.h"

/* ---- points and groups ---- */

const char *nf_point_way(const nf_point *point)
{
    return nf_way(point->of->ranks, point->of->threads);
}

bool nf_point_oversubscribed(const nf_point *point)
{
    return point->valid && point->oversubscribed;
}

bool nf_point_invalid(const nf_point *point)
{
    return !point->valid;
}

size_t nf_report_count(const nf_report *report, bool (*which)(const nf_point *))
{
    size_t n = 0;
    for (size_t i = 0; i < report->npoints; i++)
        n += which(&report->points[i]);
    return n;
}

double nf_phases_sum(const nf_phases *phases)
{
    return phases->compute + phases->idle + phases->runtime + phases->halo + phases->fold +
           phases->wait;
}

const nf_point *nf_group_best(const nf_group *group, const char *way, bool any)
{
    const nf_point *best = NULL;
    for (size_t i = 0; i < group->n; i++) {
        const nf_point *point = group->points[i];
        if (!point->valid || strcmp(nf_point_way(point), way) != 0 ||
            (point->oversubscribed && !any))
            continue;
        if (best == NULL || (best->oversubscribed && !point->oversubscribed) ||
            (best->oversubscribed == point->oversubscribed && point->seconds < best->seconds))
            best = point;
    }
    return best;
}

const nf_point *nf_group_base(const nf_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (group->points[i]->base != NULL && !group->points[i]->base->oversubscribed)
            return group->points[i]->base;
    return NULL;
}

bool nf_point_is_more(const nf_point *point)
{
    return nf_point_counts(point) && point->base != NULL &&
           nf_point_workers(point) > nf_point_workers(point->base);
}

static bool same_group(const nf_sample *a, const nf_sample *b)
{
    return a->simulated == b->simulated && a->scaling == b->scaling &&
           strcmp(a->kernel, b->kernel) == 0 &&
           (a->scaling == NF_WEAK || nf_shape_equal(&a->shape, &b->shape));
}

static bool grouped(const nf_report *report, size_t ngroups, const nf_sample *of)
{
    for (size_t g = 0; g < ngroups; g++)
        if (same_group(report->groups[g].points[0]->of, of))
            return true;
    return false;
}

/* Of all `n` points, the simulated ones last. */
static nf_status make_groups(nf_report *report, size_t n)
{
    report->order = calloc(n, sizeof(const nf_point *));
    report->groups = calloc(n, sizeof *report->groups);
    if (report->order == NULL || report->groups == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a report of %zu points", n);
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const nf_sample *of = report->points[i].of;
        size_t ngroups = report->ngroups + report->nsimulated;
        report->npoints += !of->simulated;
        report->nsamples += of->simulated ? 0 : report->points[i].n;
        if (grouped(report, ngroups, of))
            continue;
        nf_group *group = &report->groups[ngroups];
        *(of->simulated ? &report->nsimulated : &report->ngroups) += 1;
        group->points = report->order + used;
        for (size_t j = i; j < n; j++)
            if (same_group(of, report->points[j].of)) {
                report->order[used++] = &report->points[j];
                group->n++;
            }
    }
    return NF_OK;
}

nf_status nf_report_make(const nf_study *study, nf_report *report)
{
    *report = (nf_report){.study = study};
    if (study->nsamples == 0)
        return nf_fail(NF_ERR_FORMAT,
                       "the study holds no samples; measure some before it is reported");
    size_t n = 0;
    nf_status status = nf_points(study, &report->points, &n);
    if (status == NF_OK)
        status = make_groups(report, n);
    if (status == NF_OK)
        status = nf_report_detail(report, n);
    if (status == NF_OK)
        status = nf_report_follow(report);
    if (status == NF_OK)
        status = nf_costings(study, &report->costs, &report->ncosts);
    if (status == NF_OK)
        status = nf_report_find(report);
    return status;
}

void nf_report_free(nf_report *report)
{
    for (size_t i = 0; i < report->nfindings; i++) {
        free(report->findings[i].about);
        free(report->findings[i].text);
    }
    for (int i = 0; i < NF_FIGURES; i++)
        free(report->figures[i]);
    nf_trends_free(report);
    free(report->costs);
    free(report->details);
    free(report->findings);
    free(report->no_figures);
    free(report->groups);
    free(report->order);
    free(report->points);
    *report = (nf_report){0};
}

/* ---- files ---- */

char *nf_report_slurp(const char *path)
{
    char *text = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    ssize_t length = file == NULL ? -1 : getdelim(&text, &room, '\0', file);
    if (file != NULL)
        fclose(file);
    if (length >= 0)
        return text;
    free(text);
    return NULL;
}

static nf_status write_part(const nf_report *report, const nf_part *part, nf_report_writer *write)
{
    FILE *file = fopen(part->path, "we");
    if (file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be made: %s", part->path, strerror(errno));
    nf_status status = write(report, file);
    bool fine = fflush(file) == 0 && !ferror(file);
    int reason = errno;
    fine = fclose(file) == 0 && fine;
    if (status == NF_OK && !fine)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", part->target, strerror(reason));
    return status;
}

nf_status nf_report_file(const nf_report *report, const char *dir, const char *name,
                         nf_report_writer *write)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    nf_part part;
    nf_status status = nf_part_begin(path, &part);
    free(path);
    if (status != NF_OK)
        return status;
    status = write_part(report, &part, write);
    if (status == NF_OK)
        return nf_part_commit(&part);
    nf_part_abort(&part);
    return status;
}

nf_status nf_report_folder(const char *dir)
{
    char *path = strdup(dir);
    if (path == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    bool fine = true;
    for (char *at = path + 1; fine && path[0] != '\0'; at++) {
        bool last = *at == '\0';
        if (!last && *at != '/')
            continue;
        *at = '\0';
        fine = mkdir(path, 0777) == 0 || errno == EEXIST;
        if (last)
            break;
        *at = '/';
    }
    struct stat info;
    nf_status status = NF_OK;
    if (!fine || stat(dir, &info) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be made: %s", dir, strerror(errno));
    else if (!S_ISDIR(info.st_mode))
        status = nf_fail(NF_ERR_FILE, "%s: is no folder; name one for the report", dir);
    free(path);
    return status;
}

/* Of n rows; without any, no file of an earlier report stays beside the new one. */
static nf_status write_or_remove(const nf_report *report, const char *dir, const char *name,
                                 size_t n, nf_report_writer *write)
{
    char *path = NULL;
    if (n > 0)
        return nf_report_file(report, dir, name, write);
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    bool gone = unlink(path) == 0 || errno == ENOENT;
    int reason = errno;
    free(path);
    return gone ? NF_OK
                : nf_fail(NF_ERR_FILE, "%s/%s: an earlier report's cannot be removed: %s", dir,
                          name, strerror(reason));
}

nf_status nf_report_write(const nf_study *study, const char *dir, unsigned formats)
{
    nf_report report;
    nf_status status = nf_report_make(study, &report);
    if (status == NF_OK)
        status = nf_report_folder(dir);
    if (status == NF_OK)
        status = nf_report_file(&report, dir, "points.csv", nf_report_csv);
    if (status == NF_OK)
        status = write_or_remove(&report, dir, "costs.csv", report.ncosts, nf_costs_csv);
    if (status == NF_OK)
        status =
            write_or_remove(&report, dir, "simulated.csv", report.nsimulated, nf_simulated_csv);
    if (status == NF_OK)
        status = nf_report_draw(&report, dir, (formats & NF_FORMAT_PDF) != 0);
    if (status == NF_OK)
        status = nf_report_file(&report, dir, "report.md", nf_report_markdown);
    if (status == NF_OK)
        status = nf_report_file(&report, dir, "report.html", nf_report_html);
    if (status == NF_OK)
        status = nf_report_export(&report, dir, formats);
    nf_report_free(&report);
    return status;
}
