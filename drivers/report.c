/* report - renders studies: tables, figures, and the facts behind them. Needs no MPI. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/compare.h"
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
    unsigned formats; /* NF_FORMAT_... */
    char **studies;
    int nstudies;
    bool compare, compare_options; /* --compare; one of the options that need it */
    compare_request comparing;
} request;

enum {
    KEY_FORMAT = 0x20000,
    KEY_COMPARE,
    KEY_JSON,
    KEY_FAIL,
    KEY_PAIRED,
    KEY_STEADY,
    KEY_NOISE,
    KEY_LEVEL
};

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "folder for the report, made if need be (that of the first study)",
     0},
    {"quiet", 'q', NULL, 0, "write the report, print nothing", 0},
    {"format", KEY_FORMAT, "LIST", 0,
     "write also: pdf (each figure as vectors), talp (for TALP-Pages), extrap (for Extra-P), "
     "gbench "
     "(as Google Benchmark does), separated by commas; exports go to DIR/export",
     0},
    {"compare", KEY_COMPARE, NULL, 0,
     "compare the second study with the first, point by point: A B, or several launches of each, "
     "A1 A2 "
     "... : B1 B2 ...; no report is written",
     1},
    {"fail-if-slower", KEY_FAIL, "PERCENT", 0,
     "exit status 1 where a point is shown to be slower by more than this", 2},
    {"level", KEY_LEVEL, "PERCENT", 0, "of intervals, and of the verdicts together (95)", 2},
    {"paired", KEY_PAIRED, NULL, 0,
     "launch i of the one ran beside launch i of the other: compare them in pairs", 2},
    {"steady", KEY_STEADY, NULL, 0,
     "the machine does not change: launches count even if the studies did not take turns", 2},
    {"launch-noise", KEY_NOISE, "PERCENT", 0,
     "by how much launches of one build differ (standard deviation), where the studies' launches "
     "do not "
     "show it",
     2},
    {"json", KEY_JSON, NULL, 0, "print the comparison as a JSON object", 2},
    {0},
};

/* A share from "5%" or "5", more than `low` and less than 1. */
static double parse_percent(const char *option, const char *text, double low,
                            struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end) / 100;
    if (end == text || (*end != '\0' && strcmp(end, "%") != 0) || !(value > low) || !(value < 1))
        argp_error(state, "%s: expected a percentage under 100, such as 5%%; got '%s'", option,
                   text);
    return value;
}

static unsigned parse_formats(const char *text, struct argp_state *state)
{
    static const struct {
        const char *name;
        unsigned format;
    } known[] = {{"pdf", NF_FORMAT_PDF},
                 {"talp", NF_FORMAT_TALP},
                 {"extrap", NF_FORMAT_EXTRAP},
                 {"gbench", NF_FORMAT_GBENCH}};
    unsigned formats = 0;
    for (const char *at = text; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        size_t length = strcspn(at, ","), i = 0;
        while (i < sizeof known / sizeof *known &&
               (strlen(known[i].name) != length || strncmp(known[i].name, at, length) != 0))
            i++;
        if (i == sizeof known / sizeof *known)
            argp_error(state, "--format: expected pdf, talp, extrap or gbench; got '%.*s'",
                       (int)length, at);
        else
            formats |= known[i].format;
    }
    return formats;
}

/* The options that belong to --compare. */
static error_t parse_compare(int key, char *argument, struct argp_state *state)
{
    request *asked = state->input;
    compare_request *c = &asked->comparing;
    asked->compare_options = true;
    switch (key) {
    case KEY_FAIL:
        c->gate = true;
        c->options.tolerance = parse_percent("--fail-if-slower", argument, -1e-9, state);
        return 0;
    case KEY_LEVEL:
        c->options.level = parse_percent("--level", argument, 0.5, state);
        return 0;
    case KEY_NOISE:
        c->options.launch_noise = parse_percent("--launch-noise", argument, 0, state);
        return 0;
    case KEY_PAIRED:
        c->options.paired = true;
        return 0;
    case KEY_STEADY:
        c->steady = true;
        return 0;
    case KEY_JSON:
        c->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_end(const request *asked, struct argp_state *state)
{
    if (asked->compare_options && !asked->compare)
        argp_error(state,
                   "--fail-if-slower, --level, --paired, --steady, --launch-noise and --json "
                   "belong to --compare");
    if (asked->compare && (asked->dir != NULL || asked->formats != 0))
        argp_error(state, "--compare writes no report: leave out -o and --format");
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    request *asked = state->input;
    switch (key) {
    case KEY_COMPARE:
        asked->compare = true;
        return 0;
    case 'o':
        if (argument[0] == '\0')
            argp_error(state, "-o: the folder's name is empty");
        asked->dir = argument;
        return 0;
    case KEY_FORMAT:
        asked->formats |= parse_formats(argument, state);
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
    case ARGP_KEY_END:
        return parse_end(asked, state);
    default:
        return key >= KEY_JSON && key <= KEY_LEVEL ? parse_compare(key, argument, state)
                                                   : ARGP_ERR_UNKNOWN;
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

/* Says which studies, all of them read, end in the middle of a line. */
static void remark_torn(const request *asked)
{
    for (int i = 0; i < asked->nstudies && !asked->quiet; i++) {
        const char *path = asked->studies[i];
        size_t line = strcmp(path, ":") != 0 ? nf_record_torn(path) : 0;
        if (line > 0)
            fprintf(stderr, "%s:%zu is cut short and left out\n", path, line);
    }
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
    if (status == NF_OK)
        remark_torn(asked);
    if (status == NF_OK && study.nsamples == 0)
        status = nf_fail(NF_ERR_FORMAT, "%s: holds no samples; measure some with scale",
                         asked->studies[0]);
    if (status == NF_OK)
        status = nf_report_write(&study, dir, asked->formats);
    if (status == NF_OK && !asked->quiet) {
        nf_report_table(&study, stdout);
        printf("%s/report.html\n", dir);
        if (fflush(stdout) != 0 || ferror(stdout))
            status = nf_fail(NF_ERR_FILE, "the table cannot be written to standard output: %s",
                             strerror(errno));
    }
    nf_study_free(&study);
    free(dir);
    return status;
}

static nf_status compare(request *asked, bool *failed)
{
    compare_request *c = &asked->comparing;
    nf_status status = compare_split(asked->studies, (size_t)asked->nstudies, c);
    c->quiet = asked->quiet;
    if (status == NF_OK)
        status = compare_run(c, failed);
    if (status == NF_OK)
        remark_torn(asked);
    return status;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "STUDY.jsonl...\n--compare A.jsonl... [:] B.jsonl...",
        "Renders studies that scale measured: report.html, report.md, points.csv, costs.csv and "
        "figures.\v"
        "Several studies are shown as one.\n\nWith --compare, a difference is shown only where "
        "several launches of each study show it that took turns (A B A B ...): the times of one "
        "launch "
        "do not tell how far launches differ. Exit status: 0, 1 after a failure or where "
        "--fail-if-slower finds one, 2 for a wrong command line and for a --fail-if-slower that "
        "could "
        "not fail.\n\nExamples:\n"
        "  report --format pdf,gbench study.jsonl\n"
        "  report -o both monday/study.jsonl tuesday/study.jsonl\n"
        "  report --compare --fail-if-slower 5% old*/study.jsonl : new*/study.jsonl",
        NULL,
        NULL,
        NULL};
    request asked = {.comparing.options = {.level = 0.95, .tolerance = 0.05}};
    bool failed = false;
    argp_err_exit_status = USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &asked) != 0)
        return USAGE;
    nf_status status = asked.compare ? compare(&asked, &failed) : report(&asked);
    if (status != NF_OK)
        fprintf(stderr, "report: %s\n", nf_message(status));
    return status == NF_OK && failed ? EXIT_FAILURE : nf_exit_status(status);
}
