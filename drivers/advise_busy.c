#include "drivers/advise_busy.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "drivers/engine/team.h"

static bool is_ours(const nf_node *node, int processor)
{
    for (int i = 0; i < node->npus; i++)
        if (node->pus[i] == processor)
            return true;
    return false;
}

/* Ticks that these processors have worked: user, nice, system, interrupts and stolen ones (proc(5)). */
static double worked(const nf_node *node)
{
    char line[1024];
    double ticks = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        double user, nice, system, idle, waits, irq, softirq, stolen;
        int processor;
        if (sscanf(line, "cpu%d %lf %lf %lf %lf %lf %lf %lf %lf", &processor, &user, &nice, &system,
                   &idle, &waits, &irq, &softirq, &stolen) == 9 &&
            is_ours(node, processor))
            ticks += user + nice + system + irq + softirq + stolen;
    }
    if (file != NULL)
        fclose(file);
    return ticks;
}

static double seconds_of(int who)
{
    struct rusage used;
    if (getrusage(who, &used) != 0)
        return 0;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

void advise_busy_begin(const nf_node *node, advise_busy *b)
{
    b->at = nf_seconds();
    b->busy = worked(node) / (double)sysconf(_SC_CLK_TCK);
    b->own = seconds_of(RUSAGE_SELF) + seconds_of(RUSAGE_CHILDREN);
}

double advise_busy_end(const nf_node *node, const advise_busy *begun)
{
    advise_busy now;
    advise_busy_begin(node, &now);
    double others = (now.busy - begun->busy) - (now.own - begun->own), seconds = now.at - begun->at;
    return seconds > 0 ? fmax(0, others / seconds) : 0;
}
