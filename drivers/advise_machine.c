#include "drivers/advise_machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "drivers/advise_busy.h"
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
/* A file of a busy machine is measured again when it is older than so many seconds. */
static const double soon = 600;
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

static void take_more(double *rate, double value)
{
    *rate = fmax(*rate, value);
}

static void take_less(double *seconds, double value)
{
    *seconds = *seconds > 0 ? fmin(*seconds, value) : value;
}

/* Of several processes, the best: others may have been busy beside one. */
static void take_line(const char *name, int number, double value, nf_calibration *m)
{
    if (strcmp(name, "read") == 0)
        take_more(&m->read[step_of(m, number)], value);
    else if (strcmp(name, "f32") == 0)
        take_more(&m->flops[step_of(m, number)], value);
    else if (strcmp(name, "team") == 0)
        take_less(&m->team[step_of(m, number)], value);
    else if (strcmp(name, "first_team") == 0)
        take_less(&m->first_team, value);
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

/* Why mpirun did not run, in its words. */
static char why_not[NF_ADVICE_REASON];

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
        if (!l.fine) {
            snprintf(why_not, sizeof why_not, "%s", l.late ? "it did not end in time" : l.error);
            return 0;
        }
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
    why_not[0] = '\0';
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

static void measure(const nf_cli *cli, nf_calibration *m)
{
    int cores = advise_cores(cli);
    advise_busy busy;
    *m = (nf_calibration){.cores = cores};
    advise_busy_begin(&cli->node, &busy);
    m->process = probe(0, false, "start", 3, m);
    probe(0, false, "machine", 2, m);
    measure_launch(m, cores);
    m->load = advise_busy_end(&cli->node, &busy);
    m->measured = is_whole(m);
    nf_calibration_settle(m);
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

static const char *why_anew(nf_calibration_found found, bool again, bool busy)
{
    if (found == NF_CALIBRATION_DAMAGED)
        return again ? "" : " (the file there was damaged)";
    if (found != NF_CALIBRATION_THERE)
        return "";
    return again ? " (as asked for)" : busy ? " (those there were of a busy machine)" : "";
}

static bool is_old(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && difftime(time(NULL), about.st_mtime) > soon;
}

/* What is to be told of them now and in later runs. */
static void tell_origin(const nf_calibration *m, const char *anew, nf_status kept,
                        advise_origin *origin)
{
    char busy[128] = "";
    if (nf_calibration_busy(m))
        snprintf(busy, sizeof busy, ", of a busy machine (others took %.1f of its %d cores)",
                 m->load, m->cores);
    if (!m->measured)
        snprintf(origin->text, sizeof origin->text, "nominal: the machine could not be measured");
    else if (anew == NULL)
        snprintf(origin->text, sizeof origin->text, "from %s%s", origin->path, busy);
    else if (origin->path == NULL)
        snprintf(origin->text, sizeof origin->text,
                 "measured now%s; not kept, as neither XDG_CACHE_HOME nor HOME is set", busy);
    else
        snprintf(origin->text, sizeof origin->text, "measured now%s%s%s%s", anew, busy,
                 kept == NF_OK ? ", kept in " : "; ",
                 kept == NF_OK ? origin->path : nf_message(kept));
}

/* An mpirun that failed, for want of a permission, say, may run now: that is not kept. */
static bool retry_launch(const nf_cli *cli, nf_calibration *m)
{
    if (m->launch > 0 || (advise_cores(cli) == 1 && nodes_of_allocation() == 1))
        return false;
    measure_launch(m, advise_cores(cli));
    return m->launch > 0;
}

void advise_machine(const nf_cli *cli, bool again, nf_calibration *m, advise_origin *origin)
{
    char key[NF_MACHINE_KEY];
    nf_calibration there;
    nf_status status = NF_OK;
    nf_machine_key(advise_cores(cli), cli->node.npus, key);
    *origin = (advise_origin){.path = nf_calibration_path(key)};
    nf_calibration_found found =
        origin->path != NULL ? nf_calibration_load(origin->path, key, &there) : NF_CALIBRATION_NONE;
    bool busy =
        found == NF_CALIBRATION_THERE && nf_calibration_busy(&there) && is_old(origin->path);
    origin->cached = found == NF_CALIBRATION_THERE && !again && !busy;
    if (!origin->cached && !cli->quiet)
        fputs("advise: measuring this machine, once; it takes some seconds\n", stderr);
    if (origin->cached)
        *m = there;
    else
        measure(cli, m);
    if (busy && !again && (!m->measured || m->load > there.load))
        *m = there; /* that was not better; in a while, again */
    bool more = origin->cached && retry_launch(cli, m);
    more |= measure_nodes(m);
    if ((more || !origin->cached) && m->measured && origin->path != NULL)
        status = nf_calibration_save(origin->path, key, m);
    tell_origin(m, origin->cached && !more ? NULL : why_anew(found, again, busy), status, origin);
}

/* ---- limits ---- */

nf_limits advise_limits(const nf_cli *cli, const nf_calibration *m)
{
    long there = sysconf(_SC_NPROCESSORS_ONLN);
    nf_limits limits = {.there = there > cli->node.npus ? (int)there : cli->node.npus,
                        .processors = cli->node.npus,
                        .cores = advise_cores(cli),
                        .allocated = allocated(),
                        .quota = nf_cgroup_cores(),
                        .nodes = nodes_of_allocation(),
                        .memory = (double)nf_memory_available(),
                        .launcher = m->launch > 0 && m->measured};
    if (!limits.launcher)
        snprintf(limits.why_not, sizeof limits.why_not, "%s", why_not);
    return limits;
}
