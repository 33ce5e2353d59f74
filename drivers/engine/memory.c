#include "drivers/engine/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "drivers/engine/cgroup.h"

int64_t nf_memory_resident(void)
{
    long long pages = 0, all = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL && fscanf(file, "%lld %lld", &all, &pages) != 2)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

int64_t nf_memory_share(const void *address)
{
    char line[512];
    unsigned long long from, to, at = (uintptr_t)address;
    long long kib = -1;
    bool inside = false;
    FILE *file = fopen("/proc/self/smaps", "re");
    while (file != NULL && kib < 0 && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
            inside = at >= from && at < to;
        else if (inside && sscanf(line, "Pss: %lld kB", &kib) != 1)
            kib = -1;
    }
    if (file != NULL)
        fclose(file);
    return kib >= 0 ? (int64_t)kib << 10 : -1;
}

int64_t nf_memory_available(void)
{
    char line[256];
    long long kib = -1;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file != NULL && kib < 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %lld kB", &kib) != 1)
            kib = -1;
    if (file != NULL)
        fclose(file);
    int64_t pages = sysconf(_SC_PHYS_PAGES);
    int64_t bytes = kib >= 0 ? (int64_t)kib << 10 : pages * sysconf(_SC_PAGESIZE);
    double allowed = nf_cgroup_memory();
    return allowed < (double)bytes ? (int64_t)allowed : bytes;
}
