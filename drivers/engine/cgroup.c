#include "drivers/engine/cgroup.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/sysfile.h"

enum { LINE = NF_SYSTEM_LINE, PATH = 4096 };

typedef double limit_reader(const char *folder);

/* cgroup v2: "QUOTA PERIOD" or "max PERIOD"; v1: two files, quota -1 for none. In cores. */
static double read_quota(const char *folder)
{
    char path[PATH + 64], line[LINE], period_line[LINE];
    double quota = 0, period = 0;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (nf_system_line(path, line))
        return sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period
                                                                           : INFINITY;
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!nf_system_line(path, line))
        return INFINITY;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (!nf_system_line(path, period_line))
        return INFINITY;
    quota = strtod(line, NULL);
    period = strtod(period_line, NULL);
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* In bytes; v1 writes a number near 2^63 for none. */
static double read_memory_limit(const char *folder)
{
    static const char *const names[] = {"memory.max", "memory.limit_in_bytes"};
    char path[PATH + 64], line[LINE];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (nf_system_line(path, line) && isdigit((unsigned char)line[0])) {
            double bytes = strtod(line, NULL);
            return bytes < 0x1p62 ? bytes : INFINITY;
        }
    }
    return INFINITY;
}

/* The least limit of the group ROOT/path and of all groups above it. */
static double least_upwards(const char *root, const char *path, limit_reader *reader)
{
    char folder[PATH];
    if (snprintf(folder, sizeof folder, "%s%s", root, path) >= (int)sizeof folder)
        return INFINITY;
    double least = INFINITY;
    while (strlen(folder) >= strlen(root)) {
        least = fmin(least, reader(folder));
        char *slash = strrchr(folder, '/');
        if (slash == NULL)
            break;
        *slash = '\0';
    }
    return least;
}

static bool lists(const char *controllers, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(controllers, name); at != NULL; at = strstr(at + 1, name))
        if ((at == controllers || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* The least limit over this process's groups, v2 and v1; INFINITY: none. */
static double cgroup_limit(const char *controller, limit_reader *reader)
{
    char line[PATH], root[LINE];
    double least = INFINITY;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        nf_strip(line);
        char *names = strchr(line, ':');
        char *path = names == NULL ? NULL : strchr(names + 1, ':');
        if (path == NULL)
            continue;
        *path++ = '\0';
        names++;
        if (names[0] == '\0') {
            least = fmin(least, least_upwards("/sys/fs/cgroup", path, reader));
        } else if (lists(names, controller)) {
            snprintf(root, sizeof root, "/sys/fs/cgroup/%.500s", names);
            least = fmin(least, least_upwards(root, path, reader));
            snprintf(root, sizeof root, "/sys/fs/cgroup/%s", controller);
            least = fmin(least, least_upwards(root, path, reader));
        }
    }
    if (file != NULL)
        fclose(file);
    return least;
}

double nf_cgroup_cores(void)
{
    return cgroup_limit("cpu", read_quota);
}

double nf_cgroup_memory(void)
{
    return cgroup_limit("memory", read_memory_limit);
}
