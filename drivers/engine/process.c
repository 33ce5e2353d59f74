#include "drivers/engine/process.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drivers/engine/sysfile.h"

/* The 22nd field of proc(5)'s stat, whole ticks since the machine was started; the name, which is
 * the second, ends with the last parenthesis. */
double nf_process_age(void)
{
    char line[NF_SYSTEM_LINE], *at;
    struct timespec now;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    unsigned long long start;
    if (!nf_system_line("/proc/self/stat", line) || (at = strrchr(line, ')')) == NULL)
        return 0;
    for (int field = 2; field < 22 && at != NULL; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL || sscanf(at, "%llu", &start) != 1 || ticks <= 0)
        return 0;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - ((double)start + 0.5) / ticks;
}
