/* The figures, and gnuplot, which draws them. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/part.h"
#include "io/report_figures.h"

extern char **environ;

const nf_figure nf_figures[NF_FIGURES] = {
    {"time", "Time against workers",
     "Median time of one run, both axes logarithmic, with 95% intervals where n is at least 6. The "
     "dashed grey line is the ideal; the dotted one the least time that the measured bandwidth and "
     "peak of as many workers allow; the orange one the model that foretells left-out points best, "
     "dashed where it is extrapolated, to four times the most workers at most. Hollow grey points "
     "are oversubscribed: not joined, not counted. Threads and ranks stand a little aside of their "
     "number of workers.",
     nf_has_time, nf_time_script},
    {"efficiency", "Efficiency against workers",
     "Speed-up by workers, the base's being 100%, with 95% intervals where n is at least 6. The "
     "dashed line is the ideal. Hollow grey points are oversubscribed: not joined, not counted. "
     "Threads and ranks stand a little aside of their number of workers.",
     nf_has_efficiency, nf_efficiency_script},
    {"phases", "Where the time goes",
     "Shares of the time of a run, by ranks\u00d7threads. I/O, written above the bars, was spent "
     "once a point beside it. An asterisk marks oversubscribed points.",
     nf_has_phases, nf_phases_script},
    {"map", "Efficiency over ranks and threads",
     "Efficiency of each layout of ranks and threads; an asterisk marks oversubscribed points. Of "
     "kernels measured with several numbers of both.",
     nf_has_map, nf_map_script},
    {"roofline", "Roofline",
     "Nominal operations a second against nominal operations a byte that the plan moves, of the "
     "points of the fewest and of the most workers, below the bandwidth and the peak that as many "
     "workers reached in this study. Above the sloping line a kernel works from caches.",
     nf_has_roofline, nf_roofline_script},
    {"samples", "The samples",
     "Each run's time by its point's median, on a logarithmic axis: at most 150 a point, evenly by "
     "rank, the least and the largest among them. Bars: the median's 95% interval.",
     nf_has_samples, nf_samples_script},
    {"convergence", "How the interval narrows",
     "Half the width of the median's 95% interval, in percent of the median, after as many "
     "samples; "
     "a line a point.",
     nf_has_convergence, nf_convergence_script},
    {"simulated_time", "Simulated time against ranks",
     "Simulated, not measured: time of one run on the described cluster, both axes logarithmic, "
     "beside what the LogGP formula says. The dashed grey line is the ideal.",
     nf_has_time, nf_simulated_time_script},
    {"simulated_efficiency", "Simulated efficiency against ranks",
     "Simulated, not measured: speed-up divided by ranks, beside what the LogGP formula says. The "
     "dashed grey line is the ideal.",
     nf_has_efficiency, nf_simulated_efficiency_script},
};

static const struct {
    const char *name;
    nf_report_writer *write;
    bool simulated;
} data_files[] = {
    {"points.dat", nf_points_data, false},
    {"phases.dat", nf_phases_data, false},
    {"map.dat", nf_map_data, false},
    {"roofline.dat", nf_roofline_data, false},
    {"samples.dat", nf_samples_data, false},
    {"convergence.dat", nf_convergence_data, false},
    {"simulated.dat", nf_simulated_data, true},
};

/* Whether a figure shows anything. */
static bool shows(const nf_report *report, int figure)
{
    const nf_report part = figure < NF_MEASURED_FIGURES ? *report : nf_simulated_part(report);
    for (size_t g = 0; g < part.ngroups; g++)
        if (nf_figures[figure].has(&part, &part.groups[g]))
            return true;
    return false;
}

/* ---- gnuplot ---- */

/* Starts gnuplot in `folder` on SCRIPT.gp, its output into the file `drawn`. errno's value. */
static int spawn_gnuplot(const char *folder, const char *script, const char *drawn, bool pdf,
                         int errors, pid_t *child)
{
    char name[32];
    snprintf(name, sizeof name, "%s.gp", script);
    char *const arguments[] = {(char[]){"gnuplot"},
                               (char[]){"-d"},
                               (char[]){"-e"},
                               pdf ? (char[]){"pdf=1"} : (char[]){";"},
                               name,
                               NULL};
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (failed == 0)
        failed = posix_spawn_file_actions_addopen(&actions, 1, drawn, O_WRONLY | O_CREAT | O_TRUNC,
                                                  0666);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(&actions, errors, 2);
    if (failed == 0)
        failed = posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (failed == 0)
        failed = posix_spawnp(child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* What gnuplot complained of last: the last line that is not empty. */
static void last_words(FILE *errors, char words[NF_CELL])
{
    char line[NF_CELL];
    rewind(errors);
    while (fgets(line, sizeof line, errors) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[strspn(line, " \t^")] != '\0')
            memcpy(words, line, sizeof line);
    }
}

/* Whether gnuplot came to the figure's end. */
static bool is_whole(const char *path, bool pdf)
{
    struct stat info;
    char *drawn = pdf ? NULL : nf_report_slurp(path);
    bool whole = pdf ? stat(path, &info) == 0 && info.st_size > 0
                     : drawn != NULL && strstr(drawn, "</svg>") != NULL;
    free(drawn);
    return whole;
}

/* Returns NULL, or why there is no figure, in words that the caller frees ("" for no memory). */
static char *run_gnuplot(const char *folder, const char *script, const char *path, bool pdf)
{
    char words[NF_CELL] = "", *problem = NULL;
    FILE *errors = tmpfile();
    if (errors == NULL)
        return asprintf(&problem, "no temporary file: %s", strerror(errno)) < 0 ? NULL : problem;
    pid_t child;
    int state = 0, length = 0;
    int failed = spawn_gnuplot(folder, script, path, pdf, fileno(errors), &child);
    if (failed != 0) {
        length = asprintf(&problem, "gnuplot cannot be run: %s", strerror(failed));
    } else {
        while (waitpid(child, &state, 0) < 0 && errno == EINTR)
            ;
        last_words(errors, words);
        if (!WIFEXITED(state) || WEXITSTATUS(state) != 0 || !is_whole(path, pdf))
            length = asprintf(&problem, "gnuplot failed on %s.gp%s%s", script,
                              words[0] != '\0' ? ": " : "", words);
    }
    fclose(errors);
    return length < 0 ? strdup("gnuplot failed") : problem;
}

/* Draws DIR/NAME.svg, or .pdf. */
static nf_status draw_figure(nf_report *report, const char *dir, const char *folder, int figure,
                             bool pdf)
{
    const char *name = nf_figures[figure].name;
    char *path = NULL;
    if (asprintf(&path, "%s/%s.%s", dir, name, pdf ? "pdf" : "svg") < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    nf_part part;
    nf_status status = nf_part_begin(path, &part);
    if (status == NF_OK) {
        report->no_figures = run_gnuplot(folder, name, part.path, pdf);
        if (report->no_figures != NULL)
            nf_part_abort(&part);
        else
            status = nf_part_commit(&part);
    }
    if (status == NF_OK && report->no_figures == NULL && !pdf) {
        report->figures[figure] = nf_report_slurp(path);
        if (report->figures[figure] == NULL)
            status = nf_fail(NF_ERR_FILE, "%s: cannot be read back", path);
    }
    free(path);
    return status;
}

/* No figure of an earlier report stays beside a new one. */
static void remove_figures(const char *dir)
{
    static const char *const endings[] = {"svg", "pdf"};
    for (int i = 0; i < 2 * NF_FIGURES; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s.%s", dir, nf_figures[i / 2].name, endings[i % 2]) < 0)
            return;
        unlink(path);
        free(path);
    }
}

/* A script of each figure that shows something. */
static nf_status write_scripts(const nf_report *report, const char *folder)
{
    nf_status status = NF_OK;
    for (int i = 0; i < NF_FIGURES && status == NF_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s.gp", nf_figures[i].name);
        if (shows(report, i))
            status = nf_report_file(report, folder, name, nf_figures[i].script);
    }
    return status;
}

static nf_status write_inputs(const nf_report *report, const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return nf_fail(NF_ERR_FILE, "%s: cannot be made: %s", folder, strerror(errno));
    nf_status status = NF_OK;
    for (size_t i = 0; status == NF_OK && i < sizeof data_files / sizeof *data_files; i++)
        if (!data_files[i].simulated || report->nsimulated > 0)
            status = nf_report_file(report, folder, data_files[i].name, data_files[i].write);
    return status == NF_OK ? write_scripts(report, folder) : status;
}

nf_status nf_report_draw(nf_report *report, const char *dir, bool pdf)
{
    char *folder = NULL;
    if (asprintf(&folder, "%s/figures", dir) < 0)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    nf_status status = write_inputs(report, folder);
    if (status == NF_OK)
        remove_figures(dir);
    for (int i = 0; i < NF_FIGURES && status == NF_OK && report->no_figures == NULL; i++)
        if (shows(report, i)) {
            status = draw_figure(report, dir, folder, i, false);
            if (status == NF_OK && pdf && report->no_figures == NULL)
                status = draw_figure(report, dir, folder, i, true);
        }
    if (report->no_figures != NULL)
        remove_figures(dir);
    free(folder);
    return status;
}
