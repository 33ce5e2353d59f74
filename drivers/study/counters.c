#include "drivers/study/counters.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drivers/engine/sysfile.h"
#include "drivers/engine/team.h"

const nf_event nf_hardware_events[NF_EVENTS] = {
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
};

/* ---- events ---- */

typedef struct opening {
    nf_counters *counters;
    const nf_event *events;
} opening;

/* On the thread itself: its events, in a group, so that all count at the same time. */
static void open_events(void *context, int thread, int64_t item)
{
    const opening *o = context;
    int leader = -1;
    (void)item;
    for (int e = 0; e < NF_EVENTS; e++) {
        struct perf_event_attr event = {.size = sizeof event,
                                        .type = o->events[e].type,
                                        .config = o->events[e].config,
                                        .disabled = leader < 0,
                                        .exclude_kernel = 1,
                                        .exclude_hv = 1,
                                        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
                                                       PERF_FORMAT_TOTAL_TIME_RUNNING};
        int file = (int)syscall(SYS_perf_event_open, &event, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
        o->counters->files[thread][e] = file;
        leader = leader < 0 ? file : leader;
    }
}

/* Does `request` with each thread's group. */
static void control(const nf_counters *counters, unsigned long request)
{
    for (int t = 0; t < counters->threads && counters->files != NULL; t++)
        for (int e = 0; e < NF_EVENTS; e++)
            if (counters->files[t][e] >= 0) {
                ioctl(counters->files[t][e], request, PERF_IOC_FLAG_GROUP);
                break;
            }
}

/* What an event has counted, for all of the time although it may have had to share its counter. */
static double read_event(int file)
{
    uint64_t value[3] = {0, 0, 0}; /* count, time enabled, time running */
    if (read(file, value, sizeof value) != (ssize_t)sizeof value || value[2] == 0)
        return 0;
    return (double)value[0] * ((double)value[1] / (double)value[2]);
}

/* ---- energy ---- */

static bool read_number(const char *path, double *value)
{
    char line[NF_SYSTEM_LINE], *end;
    if (!nf_system_line(path, line))
        return false;
    *value = strtod(line, &end);
    return end != line;
}

/* A package is a zone without a parent: "intel-rapl:0", not "intel-rapl:0:1", which is a part of it. */
static bool is_package(const char *name)
{
    const char *colon = strchr(name, ':');
    return strncmp(name, "intel-rapl", 10) == 0 && colon != NULL && strchr(colon + 1, ':') == NULL;
}

static void find_domains(nf_counters *counters, const char *root)
{
    DIR *folder = root == NULL ? NULL : opendir(root);
    const struct dirent *entry;
    while (folder != NULL && counters->ndomains < NF_MAX_DOMAINS &&
           (entry = readdir(folder)) != NULL) {
        nf_domain *d = &counters->domains[counters->ndomains];
        char range[320];
        if (!is_package(entry->d_name) || strlen(root) + strlen(entry->d_name) > 200)
            continue;
        snprintf(d->path, sizeof d->path, "%.128s/%.100s/energy_uj", root, entry->d_name);
        snprintf(range, sizeof range, "%.128s/%.100s/max_energy_range_uj", root, entry->d_name);
        if (!read_number(range, &d->range))
            d->range = 0;
        counters->ndomains += read_number(d->path, &d->before);
    }
    if (folder != NULL)
        closedir(folder);
}

static double joules_since(const nf_counters *counters)
{
    double sum = 0, now = 0;
    for (int i = 0; i < counters->ndomains; i++) {
        const nf_domain *d = &counters->domains[i];
        if (!read_number(d->path, &now))
            continue;
        double spent = now - d->before;
        sum += spent < 0 ? spent + d->range : spent;
    }
    return 1e-6 * sum;
}

/* ---- all ---- */

void nf_counters_open(nf_counters *counters, int threads, const nf_event events[NF_EVENTS],
                      const char *root)
{
    *counters = (nf_counters){.threads = threads};
    counters->files = calloc((size_t)threads, sizeof *counters->files);
    for (int t = 0; t < threads && counters->files != NULL; t++)
        for (int e = 0; e < NF_EVENTS; e++)
            counters->files[t][e] = -1;
    opening o = {counters, events};
    if (counters->files != NULL)
        nf_team_run(threads, threads, open_events, &o);
    find_domains(counters, root);
}

void nf_counters_close(nf_counters *counters)
{
    for (int t = 0; t < counters->threads && counters->files != NULL; t++)
        for (int e = 0; e < NF_EVENTS; e++)
            if (counters->files[t][e] >= 0)
                close(counters->files[t][e]);
    free(counters->files);
    *counters = (nf_counters){0};
}

void nf_counters_start(nf_counters *counters)
{
    for (int i = 0; i < counters->ndomains; i++)
        read_number(counters->domains[i].path, &counters->domains[i].before);
    control(counters, PERF_EVENT_IOC_RESET);
    control(counters, PERF_EVENT_IOC_ENABLE);
}

nf_counts nf_counters_stop(nf_counters *counters)
{
    nf_counts counts = {.joules = 0};
    control(counters, PERF_EVENT_IOC_DISABLE);
    for (int t = 0; t < counters->threads && counters->files != NULL; t++)
        for (int e = 0; e < NF_EVENTS; e++)
            if (counters->files[t][e] >= 0)
                counts.event[e] += read_event(counters->files[t][e]);
    counts.joules = joules_since(counters);
    return counts;
}
