#include "drivers/simulate_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Clean LogGP: no factors on latency and bandwidth, no cross traffic of acknowledgements, no time for
 * asking the time; the algorithms of Open MPI for small messages. Small sends as large ones: for each
 * detached one the simulator searches among all. It has then no overhead of messages (o) either. */
#define SETTINGS                                                                                   \
    "smpi/simulate-computation:no", "smpi/coll-selector:ompi", "smpi/bcast:binomial_tree",         \
        "smpi/allreduce:rdb", "smpi/barrier:ompi_recursivedoubling", "smpi/gather:ompi_binomial",  \
        "smpi/lat-factor:0:1", "smpi/bw-factor:0:1", "network/crosstraffic:no", "smpi/wtime:0",    \
        "smpi/send-is-detached-thresh:0", "smpi/iprobe:0", "contexts/stack-size:256"
static const char *const settings[] = {SETTINGS};
enum { NSETTINGS = sizeof settings / sizeof *settings };

const char simulate_settings[] =
    "SimGrid SMPI; computation as measured, not as it runs in the simulator; latency and bandwidth "
    "factors 1, no cross traffic, no overhead of a message beside the links' latency; collectives: "
    "recursive doubling and binomial trees; packing and unpacking a halo as measured, at the "
    "sender";

/* ---- what is needed ---- */

static bool in_path(const char *name)
{
    const char *path = getenv("PATH");
    char *copy = strdup(path != NULL ? path : ""), *rest = copy, *folder, full[PATH_MAX];
    bool found = false;
    while (copy != NULL && !found && (folder = strsep(&rest, ":")) != NULL) {
        snprintf(full, sizeof full, "%s/%s", folder, name);
        found = access(full, X_OK) == 0;
    }
    free(copy);
    return found;
}

nf_status simulate_find(char **program)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    *program = NULL;
    if (!in_path("smpirun"))
        return nf_fail(NF_ERR_SYSTEM, "smpirun is not found: install SimGrid (Debian: "
                                      "libsimgrid-dev) and build nfold again");
    if (length < 0)
        return nf_fail(NF_ERR_SYSTEM, "this program's folder is not known");
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    if (asprintf(program, "%s/simulated", self) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a path");
    if (access(*program, X_OK) == 0)
        return NF_OK;
    nf_status status = nf_fail(NF_ERR_SYSTEM,
                               "%s is not there: configure and build nfold again "
                               "now that SimGrid is installed",
                               *program);
    free(*program);
    *program = NULL;
    return status;
}

/* ---- the platform ---- */

static FILE *create(const char *dir, const char *name, nf_status *status)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        *status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", path, strerror(errno));
    return file;
}

static nf_status finish(FILE *file, const char *dir, const char *name)
{
    bool fine = !ferror(file);
    if (fclose(file) == 0 && fine)
        return NF_OK;
    return nf_fail(NF_ERR_FILE, "%s/%s: cannot be written: %s", dir, name, strerror(errno));
}

/* SimGrid's words for the tree: levels; ports down, ports up, parallel links, each by level. */
static void write_tree(const nf_fat_tree *tree, FILE *out)
{
    fprintf(out, "%d;", tree->levels);
    for (int l = 0; l < tree->levels; l++)
        fprintf(out, "%s%d", l > 0 ? "," : "", tree->down[l]);
    for (int l = 0; l < tree->levels; l++)
        fprintf(out, "%s%d", l > 0 ? "," : ";", l > 0 ? tree->down[l - 1] : 1);
    for (int l = 0; l < tree->levels; l++)
        fprintf(out, "%s1", l > 0 ? "," : ";");
}

nf_status simulate_write_platform(const nf_loggp *net, double bandwidth, const char *dir)
{
    nf_status status = NF_OK;
    int64_t nodes = nf_fat_tree_nodes(&net->tree);
    FILE *out = create(dir, "platform.xml", &status);
    if (out == NULL)
        return status;
    fprintf(out,
            "<?xml version='1.0'?>\n"
            "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
            "<platform version=\"4.1\">\n <zone id=\"world\" routing=\"Full\">\n"
            "  <cluster id=\"c\" prefix=\"n\" suffix=\"\" radical=\"0-%" PRId64 "\" speed=\"1Gf\" "
            "core=\"%d\" bw=\"%.0fBps\" lat=\"%.3fns\" sharing_policy=\"SPLITDUPLEX\" "
            "topology=\"FAT_TREE\" topo_parameters=\"",
            nodes - 1, net->tree.cores, bandwidth, net->link * 1e9);
    write_tree(&net->tree, out);
    fprintf(out, "\" loopback_bw=\"%.0fBps\" loopback_lat=\"%.3fns\"/>\n </zone>\n</platform>\n",
            bandwidth, net->loopback * 1e9);
    status = finish(out, dir, "platform.xml");
    out = status == NF_OK ? create(dir, "hosts", &status) : NULL;
    if (out == NULL)
        return status;
    for (int64_t i = 0; i < nodes; i++)
        fprintf(out, "n%" PRId64 ":%d\n", i, net->tree.cores);
    return finish(out, dir, "hosts");
}

/* ---- one job ---- */

static nf_status write_job(const char *dir, const simulate_job *job, const char *name)
{
    const nf_costs *costs = &job->cost->stages;
    nf_status status = NF_OK;
    FILE *out = create(dir, name, &status);
    if (out == NULL)
        return status;
    fprintf(out, "%" PRId64 " %" PRId64 " %s %a ", job->shape.dim[1], job->shape.dim[2],
            nf_dtype_name(job->shape.dtype), costs->fold);
    for (size_t i = 0; i < costs->count; i++)
        fprintf(out, "%s%a", i > 0 ? "," : "", costs->cell[i]);
    fprintf(out, " %s\n", job->chain->text);
    return finish(out, dir, name);
}

/* smpirun in the folder DIR, output and errors into its file `log`. errno's value. */
static int spawn(const char *dir, const char *log, char *const arguments[], pid_t *process)
{
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawn_file_actions_addchdir_np(&actions, dir);
    if (failed == 0)
        failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (failed == 0)
        failed =
            posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (failed == 0)
        failed = posix_spawnp(process, "smpirun", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

enum { WORD = 128, FIXED = 10 };

/* The job's file of this kind: "job-7.log". */
static void file_name(const simulate_job *job, const char *kind, char name[WORD])
{
    snprintf(name, WORD, "job-%d.%s", job->number, kind);
}

nf_status simulate_start(const simulate_args *args, const char *program, simulate_job *job)
{
    char points[WORD], results[WORD], log[WORD], np[WORD], words[NSETTINGS + 1][WORD];
    char *arguments[FIXED + NSETTINGS + 2];
    size_t n = 0, w = 0;
    file_name(job, "points", points);
    file_name(job, "results", results);
    file_name(job, "log", log);
    snprintf(np, sizeof np, "%d", job->ranks);
    for (; w < NSETTINGS; w++)
        snprintf(words[w], WORD, "--cfg=%s", settings[w]);
    /* Packing and unpacking: both at the sender, by the byte; the ranks of a halo do as much of each. */
    snprintf(words[w++], WORD, "--cfg=smpi/ois:0:0:%.12g", 2 * job->cost->pack);
    static char smpirun[] = "smpirun", np_word[] = "-np", platform_word[] = "-platform",
                platform[] = "platform.xml", hostfile_word[] = "-hostfile", hosts[] = "hosts";
    char *const fixed[] = {smpirun, np_word, np, platform_word, platform, hostfile_word, hosts};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        arguments[n++] = fixed[i];
    for (size_t i = 0; i < w; i++)
        arguments[n++] = words[i];
    arguments[n++] = (char *)(uintptr_t)program;
    arguments[n++] = points;
    arguments[n++] = results;
    arguments[n] = NULL;
    nf_status status = write_job(args->folder, job, points);
    int failed = status == NF_OK ? spawn(args->folder, log, arguments, &job->process) : 0;
    return failed == 0 ? status
                       : nf_fail(NF_ERR_SYSTEM, "smpirun cannot be run: %s", strerror(failed));
}

nf_status simulate_wait(simulate_job *jobs, size_t n, size_t *ended, int *state)
{
    for (;;) {
        pid_t process = waitpid(-1, state, 0);
        if (process < 0 && errno != EINTR)
            return nf_fail(NF_ERR_SYSTEM, "a simulation is lost: %s", strerror(errno));
        for (*ended = 0; *ended < n; (*ended)++)
            if (process > 0 && jobs[*ended].process == process) {
                jobs[*ended].process = 0;
                return NF_OK;
            }
    }
}

/* The last line of the log that is not about the simulator itself. */
static void last_words(const char *path, char words[WORD])
{
    char line[WORD];
    FILE *log = fopen(path, "r");
    snprintf(words, WORD, "no word of it");
    while (log != NULL && fgets(line, sizeof line, log) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0' && strncmp(line, "Execution failed", 16) != 0 &&
            strstr(line, "--cfg=") == NULL)
            memcpy(words, line, sizeof line);
    }
    if (log != NULL)
        fclose(log);
}

static bool read_outcome(const char *path, simulate_outcome *o)
{
    FILE *in = fopen(path, "r");
    bool fine =
        in != NULL &&
        fscanf(in, "%la %la %la %la %la %la %la %la ", &o->seconds, &o->compute, &o->halo, &o->fold,
               &o->wait, &o->plan_seconds, &o->exchange_seconds, &o->exchange_bytes) == 8 &&
        fgets(o->result, sizeof o->result, in) != NULL;
    if (fine)
        o->result[strcspn(o->result, "\n")] = '\0';
    if (in != NULL)
        fclose(in);
    return fine;
}

nf_status simulate_read(const simulate_args *args, const simulate_job *job, int state,
                        simulate_outcome *outcome)
{
    static const char *const kinds[] = {"points", "results", "log"};
    char name[WORD], path[PATH_MAX], words[WORD];
    file_name(job, "results", name);
    snprintf(path, sizeof path, "%s/%s", args->folder, name);
    bool fine = WIFEXITED(state) && WEXITSTATUS(state) == 0 && read_outcome(path, outcome);
    if (!fine) {
        file_name(job, "log", name);
        snprintf(path, sizeof path, "%s/%s", args->folder, name);
        last_words(path, words);
        return nf_fail(NF_ERR_SYSTEM, "the simulation of '%s' on %d ranks failed, see %s: %s",
                       job->chain->typed, job->ranks, path, words);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        file_name(job, kinds[i], name);
        snprintf(path, sizeof path, "%s/%s", args->folder, name);
        unlink(path);
    }
    return NF_OK;
}
