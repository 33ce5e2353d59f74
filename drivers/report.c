/* report - renders studies: tables, figures, and the facts behind them. Needs no MPI. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/status.h"
#include "io/record.h"
#include "io/report.h"

#ifndef NF_VERSION
#define NF_VERSION "unknown"
#endif

enum { USAGE = 2 };

const char *argp_program_version = "report (nfold) " NF_VERSION;

typedef struct request {
    const char *dir;
    bool quiet;
    char **studies;
    int nstudies;
} request;

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "folder for the report, made if need be (that of the first study)",
     0},
    {"quiet", 'q', NULL, 0, "write the report, print nothing", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    request *asked = state->input;
    switch (key) {
    case 'o':
        if (argument[0] == '\0')
            argp_error(state, "-o: the folder's name is empty");
        asked->dir = argument;
        return 0;
    case 'q':
        asked->quiet = true;
        return 0;
    case ARGP_KEY_ARGS:
        asked->studies = state->argv + state->next;
        asked->nstudies = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no study named; give the file that scale wrote, such as study.jsonl");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The folder that a file is in; the caller frees it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static nf_status report(const request *asked)
{
    nf_study study = {0};
    char *dir = asked->dir != NULL ? strdup(asked->dir) : folder_of(asked->studies[0]);
    nf_status status = NF_OK;
    if (dir == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    if (status == NF_OK)
        status = nf_record_read_all(asked->studies, (size_t)asked->nstudies, &study);
    if (status == NF_OK && study.nsamples == 0)
        status = nf_fail(NF_ERR_FORMAT, "%s: holds no samples; measure some with scale",
                         asked->studies[0]);
    if (status == NF_OK)
        status = nf_report_write(&study, dir);
    if (status == NF_OK && !asked->quiet) {
        nf_report_table(&study, stdout);
        printf("%s/report.html\n", dir);
        if (fflush(stdout) != 0 || ferror(stdout))
            status = nf_fail(NF_ERR_FILE, "the table cannot be written to standard output");
    }
    nf_study_free(&study);
    free(dir);
    return status;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "STUDY.jsonl...",
        "Renders studies that scale measured: report.html, report.md, points.csv and figures.\v"
        "Several studies are shown as one. Exit status: 0, 1 after a failure, 2 for a wrong "
        "command line.",
        NULL,
        NULL,
        NULL};
    request asked = {0};
    argp_err_exit_status = USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &asked) != 0)
        return USAGE;
    nf_status status = report(&asked);
    if (status != NF_OK)
        fprintf(stderr, "report: %s\n", nf_message(status));
    return nf_exit_status(status);
}
