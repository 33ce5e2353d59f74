#include "drivers/engine/cores.h"

#include <hwloc.h>
#include <stdio.h>
#include <string.h>

/* ---- the cgroup's quota
 * -------------------------------------------------------------------------- */

static double quota_v2(const char *folder)
{
    char path[4400], quota[32];
    double period;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    int read = fscanf(file, "%31s %lf", quota, &period);
    fclose(file);
    double value;
    return read == 2 && sscanf(quota, "%lf", &value) == 1 && period > 0 ? value / period : 0;
}

static double number_in(const char *folder, const char *name)
{
    char path[4400];
    double value = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lf", &value) != 1)
        value = 0;
    fclose(file);
    return value;
}

static double quota_v1(const char *folder)
{
    double quota = number_in(folder, "cpu.cfs_quota_us");
    double period = number_in(folder, "cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : 0;
}

/* The smallest quota of a group and those above it, below `root`. */
static double smallest_quota(const char *root, char *group, double (*quota_of)(const char *))
{
    double least = 0;
    for (;;) {
        char folder[4300];
        snprintf(folder, sizeof folder, "%s%s", root, group);
        double quota = quota_of(folder);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

double nf_cores_quota(void)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[4200];
    double least = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *group = NULL;
        if (controllers != NULL)
            group = strchr(++controllers, ':');
        if (group == NULL)
            continue;
        *group++ = '\0';
        double quota = 0;
        if (*controllers == '\0')
            quota = smallest_quota("/sys/fs/cgroup", group, quota_v2);
        else if (strncmp(controllers, "cpu", 3) == 0 && strncmp(controllers, "cpuset", 6) != 0)
            quota = smallest_quota("/sys/fs/cgroup/cpu", group, quota_v1);
        if (quota > 0 && (least == 0 || quota < least))
            least = quota;
    }
    if (file != NULL)
        fclose(file);
    return least;
}

/* ---- the topology
 * -------------------------------------------------------------------------------- */

/* The OS indices of the n-th allowed hardware thread of each core. */
static int list_round(hwloc_topology_t topology, const cpu_set_t *mask, int n, int *pus)
{
    int found = 0, cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    for (int c = 0; c < cores; c++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)c);
        int seen = 0;
        for (int pu = -1; (pu = hwloc_bitmap_next(core->cpuset, pu)) >= 0 && pu < CPU_SETSIZE;)
            if (CPU_ISSET((size_t)pu, mask) && seen++ == n)
                pus[found++] = pu;
    }
    return found;
}

static int list_by_topology(const cpu_set_t *mask, int *pus, int *cores)
{
    hwloc_topology_t topology;
    int listed = 0, round = 0, found;
    if (hwloc_topology_init(&topology) != 0)
        return 0;
    if (hwloc_topology_load(topology) == 0) {
        while ((found = list_round(topology, mask, round, pus + listed)) > 0) {
            *cores = round++ == 0 ? found : *cores;
            listed += found;
        }
    }
    hwloc_topology_destroy(topology);
    return listed;
}

int nf_cores_order(const cpu_set_t *mask, int *pus, int *cores)
{
    int listed = list_by_topology(mask, pus, cores);
    if (listed != CPU_COUNT(mask)) { /* the topology does not tell: every processor is a core */
        listed = 0;
        for (int pu = 0; pu < CPU_SETSIZE; pu++)
            if (CPU_ISSET((size_t)pu, mask))
                pus[listed++] = pu;
        *cores = listed;
    }
    double quota = nf_cores_quota();
    if (quota > 0 && *cores > quota)
        *cores = quota < 1 ? 1 : (int)quota;
    return listed;
}
