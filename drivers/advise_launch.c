#include "drivers/advise_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/engine/team.h"

enum { MOST_ARGUMENTS = 40, ROOM = 1 << 16, HOST = 256 };

/* ---- the environment ---- */

static char **kept;

/* Whether mpirun has set it for the process that it started. */
static bool of_mpirun(const char *entry)
{
    static const char *const begins[] = {
        "PMIX_",          "OMPI_COMM_WORLD_",     "OMPI_APP_CTX",          "OMPI_ARGV=",
        "OMPI_COMMAND=",  "OMPI_FILE_LOCATION=",  "OMPI_FIRST_RANKS=",     "OMPI_NUM_APP_CTX=",
        "OMPI_MCA_ess",   "OMPI_MCA_orte_",       "OMPI_MCA_pmix=",        "OMPI_MCA_initial_wdir=",
        "OMPI_UNIVERSE_", "OMPI_MCA_mpi_oversub", "OMPI_MCA_shmem_RUNTIME"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(entry, begins[i], strlen(begins[i])) == 0)
            return strncmp(entry, "OMPI_MCA_orte_tmpdir_base", 25) != 0;
    return false;
}

void advise_keep_environment(void)
{
    bool within = getenv("OMPI_COMM_WORLD_SIZE") != NULL;
    size_t n = 0, used = 0;
    while (environ[n] != NULL)
        n++;
    kept = calloc(n + 1, sizeof *kept);
    for (size_t i = 0; kept != NULL && i < n; i++)
        if (!within || !of_mpirun(environ[i]))
            kept[used++] = strdup(environ[i]);
}

/* ---- a process ---- */

void advise_end_with_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it has ended before */
        raise(SIGTERM);
}

/* Its standard output until it ends or the time is up. */
static void listen_to(int from, pid_t child, double end, advise_launched *l)
{
    size_t used = 0;
    char *text = l->text;
    bool killed = false;
    for (;;) {
        double left = end - nf_seconds();
        struct pollfd ready = {.fd = from, .events = POLLIN};
        int n = poll(&ready, 1, left > 0 && !killed ? (int)(1e3 * left) + 1 : 2000);
        if (n == 0) {
            kill(child, killed ? SIGKILL : SIGTERM); /* mpirun hands it on to its processes */
            if (killed)
                break;
            killed = l->late = true;
            continue;
        }
        ssize_t got = n < 0 ? -1 : read(from, text + used, ROOM - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    text[used] = '\0';
}

static bool end_of(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* In the new process: becomes that program, which is ended when this one is, however it ends. */
static void become(char *const *argv, int output, int errors, pid_t parent)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    advise_end_with_parent(parent);
    if (nowhere >= 0 && dup2(nowhere, 0) >= 0 && dup2(output, 1) >= 0 &&
        dup2(errors >= 0 ? errors : nowhere, 2) >= 0)
        execvpe(argv[0], argv, kept ? kept : environ);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* The first line of words: mpirun draws lines around its own. */
static void keep_error(int errors, advise_launched *l)
{
    char text[4096];
    ssize_t length = errors >= 0 ? pread(errors, text, sizeof text - 1, 0) : 0;
    text[length > 0 ? length : 0] = '\0';
    for (const char *line = text; *line != '\0'; line += line[0] == '\n') {
        size_t width = strcspn(line, "\n");
        if (strspn(line, "- \t") < width) {
            snprintf(l->error, sizeof l->error, "%.*s", (int)width, line);
            return;
        }
        line += width;
    }
}

static void start(char *const *argv, double limit, advise_launched *l)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    int errors = memfd_create("errors", MFD_CLOEXEC);
    double begun = nf_seconds();
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        become(argv, ends[1], errors, parent);
    close(ends[1]);
    if (child > 0)
        listen_to(ends[0], child, begun + limit, l);
    close(ends[0]); /* one that has more to tell than there is room for would wait for ever */
    if (child > 0) {
        l->fine = end_of(child);
        l->seconds = nf_seconds() - begun;
    }
    if (!l->fine)
        keep_error(errors, l);
    if (errors >= 0)
        close(errors);
}

/* In an allocation mpirun would begin on any of its nodes. */
static bool in_allocation(void)
{
    return getenv("SLURM_JOB_ID") != NULL;
}

void advise_launch(int ranks, bool apart, const char *const *arguments, double limit,
                   advise_launched *l)
{
    static char self[4096], count[16], host[HOST + 16];
    const char *argv[MOST_ARGUMENTS];
    size_t n = 0;
    *l = (advise_launched){.text = calloc(ROOM, 1)};
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0 || l->text == NULL)
        return;
    self[length] = '\0';
    if (ranks > 0) {
        snprintf(count, sizeof count, "%d", ranks);
        argv[n++] = "mpirun", argv[n++] = "-n", argv[n++] = count;
        argv[n++] = "--bind-to", argv[n++] = "none";
    }
    if (ranks > 0 && apart) {
        argv[n++] = "--map-by", argv[n++] = "ppr:1:node";
    } else if (ranks > 0 && in_allocation() && gethostname(host, HOST) == 0) {
        snprintf(host + strlen(host), 16, ":%d", ranks);
        argv[n++] = "--host", argv[n++] = host;
    }
    argv[n++] = self;
    for (; *arguments != NULL && n + 1 < MOST_ARGUMENTS; arguments++)
        argv[n++] = *arguments;
    argv[n] = NULL;
    start((char *const *)(uintptr_t)argv, limit, l);
}
