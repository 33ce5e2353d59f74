#include "drivers/advise_machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/advise_launch.h"
#include "drivers/engine/cgroup.h"
#include "drivers/engine/memory.h"
#include "drivers/engine/team.h"
#include "drivers/scale_sample.h"
#include "drivers/study/ceilings.h"
#include "drivers/study/costs.h"
#include "drivers/study/machine.h"
#include "io/calibration.h"

/* Seconds that a process which measures may take, in all. */
static const double patience = 60;
/* Seconds that teams of a number of threads are sampled. */
static const double team_seconds = 0.05;

/* A whole number of the environment; 0: none. */
static int number_of(const char *name)
{
    const char *text = getenv(name);
    long number = text != NULL ? strtol(text, NULL, 10) : 0;
    return number >= 1 && number <= 1 << 20 ? (int)number : 0;
}

/* Processors of this node that Slurm has allocated, whether it confines the job to them or not; 0: no
 * allocation. */
static int allocated(void)
{
    return getenv("SLURM_JOB_ID") != NULL ? number_of("SLURM_CPUS_ON_NODE") : 0;
}

int advise_cores(const nf_cli *cli)
{
    int most = allocated();
    return most > 0 && most < cli->node.cores ? most : cli->node.cores;
}

/* ---- measuring: processes of their own ---- */

static void nothing(void *context, int thread, int64_t item)
{
    (void)context;
    (void)thread;
    (void)item;
}

/* Seconds to start and end a team that has been started before: the shortest sample, as others may be
 * busy here, too. */
static nf_status time_team(const nf_world *part, double *seconds)
{
    nf_cost cost;
    nf_gauge gauge;
    nf_status status = nf_gauge_open(part, 1, true, true, team_seconds, &gauge);
    if (status == NF_OK) {
        nf_cost_region(&gauge, &cost);
        *seconds = gauge.samples[0];
    }
    nf_gauge_close(&gauge);
    return status;
}

void advise_probe_start(const nf_cli *cli)
{
    int cores = advise_cores(cli);
    double start = nf_seconds();
    if (cli->world.size > 1 || cores == 1)
        return;
    nf_team_run(cores, cores, nothing, NULL);
    printf("first_team 1 %.9g\n", nf_seconds() - start);
}

nf_status advise_probe_machine(const nf_cli *cli)
{
    nf_status status = NF_OK;
    nf_calibration nominal =
        nf_calibration_nominal(advise_cores(cli)); /* for its numbers of workers */
    for (size_t i = 0; i < nominal.steps && status == NF_OK; i++) {
        int workers = nominal.workers[i];
        nf_ceiling list[NF_WORKER_CEILINGS];
        const nf_world part = {.size = 1, .threads = workers};
        const scale_layout layout = {1, workers};
        scale_bind(&cli->node, &layout);
        status = nf_ceilings_workers(&part, 1, workers, list);
        double team = 0;
        if (status == NF_OK && workers > 1)
            status = time_team(&part, &team);
        scale_unbind(&cli->node, &layout);
        for (int c = 0; c < NF_WORKER_CEILINGS && status == NF_OK; c++)
            printf("%s %d %.9g\n", list[c].what, workers, list[c].best);
        if (status == NF_OK)
            printf("team %d %.9g\n", workers, team);
    }
    return status;
}

nf_status advise_probe_messages(const nf_cli *cli)
{
    nf_ceiling list[NF_MESSAGE_CEILINGS];
    const scale_layout two = {2, 1};
    if (cli->world.size < 2)
        return nf_fail(NF_ERR_USAGE, "messages need two processes");
    scale_bind(&cli->node, &two);
    if (cli->world.rank < 2)
        nf_ceilings_messages(&cli->world, 1, cli->node.nodes, list);
    scale_unbind(&cli->node, &two);
    nf_sleep_barrier(&cli->world);
    for (int c = 0; c < NF_MESSAGE_CEILINGS && cli->world.rank == 0; c++)
        printf("%s %d %.9g\n", list[c].what, cli->node.nodes, list[c].best);
    return NF_OK;
}

/* ---- what they told ---- */

static size_t step_of(nf_calibration *m, int workers)
{
    size_t i = 0;
    while (i < m->steps && m->workers[i] != workers)
        i++;
    if (i == m->steps && i + 1 < NF_CALIBRATION_STEPS)
        m->workers[m->steps++] = workers;
    return i;
}

static void take_line(const char *name, int number, double value, nf_calibration *m)
{
    if (strcmp(name, "read") == 0)
        m->read[step_of(m, number)] = value;
    else if (strcmp(name, "f32") == 0)
        m->flops[step_of(m, number)] = value;
    else if (strcmp(name, "team") == 0)
        m->team[step_of(m, number)] = value;
    else if (strcmp(name, "first_team") == 0) /* of several processes, the soonest */
        m->first_team = m->first_team > 0 ? fmin(m->first_team, value) : value;
    else if (strcmp(name, "latency") == 0)
        *(number > 1 ? &m->far_latency : &m->latency) = value;
    else if (strcmp(name, "bandwidth") == 0)
        *(number > 1 ? &m->far_bandwidth : &m->bandwidth) = value;
}

static void take_lines(const char *text, nf_calibration *m)
{
    char name[32];
    int number;
    double value;
    for (const char *line = text; line != NULL && *line != '\0'; line++) {
        if (sscanf(line, "%31s %d %lf", name, &number, &value) == 3)
            take_line(name, number, value, m);
        line = strchr(line, '\n');
        if (line == NULL)
            break;
    }
}

/* Runs one probe and takes what it tells; the shortest of `times` runs, in seconds. 0: it failed. */
static double probe(int ranks, bool apart, const char *what, int times, nf_calibration *m)
{
    const char *const arguments[] = {"--probe", what, NULL};
    double least = INFINITY;
    for (int i = 0; i < times; i++) {
        advise_launched l;
        advise_launch(ranks, apart, arguments, patience, &l);
        if (l.fine)
            take_lines(l.text, m);
        free(l.text);
        if (!l.fine)
            return 0;
        least = fmin(least, l.seconds);
    }
    return least;
}

static void measure_launch(nf_calibration *m, int cores)
{
    int many = cores > 1 ? cores : 2;
    double one = probe(1, false, "start", 2, m),
           all = one > 0 ? probe(many, false, "start", 2, m) : 0;
    if (all <= 0)
        return; /* also where mpirun runs, but not for so many */
    m->launch_rank = fmax(0, all - one) / (many - 1);
    m->launch = one - fmin(one / 2, m->launch_rank);
    probe(2, false, "messages", 1, m);
}

/* Whether all is there that must be. */
static bool is_whole(const nf_calibration *m)
{
    bool whole = m->process > 0 && m->steps > 0 && m->workers[0] == 1;
    for (size_t i = 0; i < m->steps; i++)
        whole = whole && m->read[i] > 0 && m->flops[i] > 0;
    return whole;
}

static void measure(int cores, nf_calibration *m)
{
    *m = (nf_calibration){.cores = cores};
    m->process = probe(0, false, "start", 3, m);
    probe(0, false, "machine", 1, m);
    measure_launch(m, cores);
    m->measured = is_whole(m);
    if (!m->measured)
        *m = nf_calibration_nominal(cores);
}

/* ---- the machine ---- */

static int nodes_of_allocation(void)
{
    int nodes = number_of("SLURM_NNODES");
    return nodes > 0 ? nodes : 1;
}

/* What messages between nodes cost, where there are several and it is not known. */
static bool measure_nodes(nf_calibration *m)
{
    if (nodes_of_allocation() < 2 || m->launch <= 0 || m->far_latency > 0)
        return false;
    probe(2, true, "messages", 1, m);
    return m->far_latency > 0;
}

/* What a user should know of numbers that were measured beside other work. */
static const char *how_busy(int cores, char text[64])
{
    double load = 0;
    text[0] = '\0';
    if (getloadavg(&load, 1) == 1 && load > 0.75 * cores + 0.5)
        snprintf(text, 64, " on a busy machine (load %.1f): --recalibrate on a quiet one", load);
    return text;
}

static const char *why_anew(nf_calibration_found found, bool again)
{
    if (found == NF_CALIBRATION_DAMAGED)
        return again ? "" : " (the file there was damaged)";
    return again && found == NF_CALIBRATION_THERE ? " (as asked for)" : "";
}

void advise_machine(const nf_cli *cli, bool again, nf_calibration *m, advise_origin *origin)
{
    char key[NF_MACHINE_KEY], busy[64];
    nf_machine_key(advise_cores(cli), cli->node.npus, key);
    how_busy(advise_cores(cli), busy); /* before this process adds to it */
    *origin = (advise_origin){.path = nf_calibration_path(key)};
    nf_calibration_found found =
        origin->path != NULL ? nf_calibration_load(origin->path, key, m) : NF_CALIBRATION_NONE;
    origin->cached = found == NF_CALIBRATION_THERE && !again;
    if (!origin->cached && !cli->quiet)
        fputs("advise: measuring this machine, once; it takes some seconds\n", stderr);
    if (!origin->cached)
        measure(advise_cores(cli), m);
    bool more = measure_nodes(m);
    if (origin->cached && !more) {
        snprintf(origin->text, sizeof origin->text, "from %s", origin->path);
    } else if (!m->measured) {
        snprintf(origin->text, sizeof origin->text, "nominal: the machine could not be measured");
    } else if (origin->path == NULL) {
        snprintf(origin->text, sizeof origin->text,
                 "measured now; not kept, as neither XDG_CACHE_HOME nor HOME is set");
    } else {
        nf_status status = nf_calibration_save(origin->path, key, m);
        snprintf(origin->text, sizeof origin->text, "measured now%s%s%s%s", why_anew(found, again),
                 busy, status == NF_OK ? ", kept in " : "; ",
                 status == NF_OK ? origin->path : nf_message(status));
    }
}

/* ---- limits ---- */

nf_limits advise_limits(const nf_cli *cli, const nf_calibration *m)
{
    long there = sysconf(_SC_NPROCESSORS_ONLN);
    return (nf_limits){.there = there > cli->node.npus ? (int)there : cli->node.npus,
                       .processors = cli->node.npus,
                       .cores = advise_cores(cli),
                       .allocated = allocated(),
                       .quota = nf_cgroup_cores(),
                       .nodes = nodes_of_allocation(),
                       .memory = (double)nf_memory_available(),
                       .launcher = m->launch > 0 && m->measured};
}
