#include "io/calibration.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 2, LONGEST = 1 << 16 };

/* ---- where ---- */

/* FNV-1a (Fowler, Noll, Vo), 64 bits: tells the files of machines apart; the key inside is what counts. */
static unsigned long long digest(const char *text)
{
    unsigned long long hash = 14695981039346656037ull;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211ull;
    return hash;
}

char *nf_calibration_path(const char *key)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int length = -1;
    if (cache != NULL && cache[0] == '/') /* others are to be ignored, its specification says */
        length = asprintf(&path, "%s/nfold/machine-%016llx.json", cache, digest(key));
    else if (home != NULL && home[0] == '/')
        length = asprintf(&path, "%s/.cache/nfold/machine-%016llx.json", home, digest(key));
    return length < 0 ? NULL : path;
}

/* ---- members ---- */

/* The numbers that stand by themselves, where they are in the structure, and whether they may be 0. */
static const struct {
    const char *name;
    size_t at;
    bool zero;
} members[] = {
    {"first_team", offsetof(nf_calibration, first_team), true},
    {"process", offsetof(nf_calibration, process), false},
    {"launch", offsetof(nf_calibration, launch), true},
    {"launch_rank", offsetof(nf_calibration, launch_rank), true},
    {"latency", offsetof(nf_calibration, latency), true},
    {"bandwidth", offsetof(nf_calibration, bandwidth), true},
    {"far_latency", offsetof(nf_calibration, far_latency), true},
    {"far_bandwidth", offsetof(nf_calibration, far_bandwidth), true},
    {"load", offsetof(nf_calibration, load), true},
};
enum { MEMBERS = sizeof members / sizeof *members };

static double *member(nf_calibration *c, size_t i)
{
    return (double *)(void *)((char *)c + members[i].at);
}

/* ---- reading ---- */

static bool read_number(const json_t *object, const char *name, bool zero, double *value)
{
    const json_t *found = json_object_get(object, name);
    *value = json_number_value(found);
    return json_is_number(found) && isfinite(*value) && (zero ? *value >= 0 : *value > 0);
}

static bool read_step(const json_t *object, nf_calibration *c)
{
    size_t i = c->steps++;
    double workers = 0;
    bool fine = read_number(object, "workers", false, &workers) &&
                read_number(object, "read", false, &c->read[i]) &&
                read_number(object, "flops", false, &c->flops[i]) &&
                read_number(object, "team", true, &c->team[i]) && workers <= c->cores &&
                workers == floor(workers);
    c->workers[i] = fine ? (int)workers : 0;
    return fine && (i == 0 ? c->workers[0] == 1 : c->workers[i] > c->workers[i - 1]);
}

static bool read_all(const json_t *root, const char *key, nf_calibration *c)
{
    const json_t *steps = json_object_get(root, "workers");
    const char *machine = json_string_value(json_object_get(root, "machine"));
    double cores = 0;
    bool fine = json_integer_value(json_object_get(root, "format")) == FORMAT && machine != NULL &&
                strcmp(machine, key) == 0 && read_number(root, "cores", false, &cores) &&
                cores <= 1 << 20 && cores == floor(cores);
    *c = (nf_calibration){.measured = true, .cores = fine ? (int)cores : 1};
    for (size_t i = 0; i < MEMBERS && fine; i++)
        fine = read_number(root, members[i].name, members[i].zero, member(c, i));
    size_t n = json_array_size(steps);
    fine = fine && n >= 1 && n <= NF_CALIBRATION_STEPS;
    for (size_t i = 0; i < n && fine; i++)
        fine = read_step(json_array_get(steps, i), c);
    return fine;
}

nf_calibration_found nf_calibration_load(const char *path, const char *key, nf_calibration *c)
{
    struct stat about;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT || errno == ENOTDIR ? NF_CALIBRATION_NONE : NF_CALIBRATION_DAMAGED;
    bool fine =
        fstat(fileno(file), &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= LONGEST;
    json_t *root = fine ? json_loadf(file, JSON_REJECT_DUPLICATES, NULL) : NULL;
    fclose(file);
    fine = root != NULL && read_all(root, key, c);
    if (fine)
        nf_calibration_settle(c);
    json_decref(root);
    return fine ? NF_CALIBRATION_THERE : NF_CALIBRATION_DAMAGED;
}

/* ---- writing ---- */

static json_t *written(const char *key, const nf_calibration *c)
{
    nf_calibration copy = *c;
    json_t *root =
        json_pack("{s:i, s:s, s:i}", "format", FORMAT, "machine", key, "cores", c->cores);
    json_t *steps = json_array();
    for (size_t i = 0; i < MEMBERS; i++)
        json_object_set_new(root, members[i].name, json_real(*member(&copy, i)));
    for (size_t i = 0; i < c->steps; i++)
        json_array_append_new(steps,
                              json_pack("{s:i, s:f, s:f, s:f}", "workers", c->workers[i], "read",
                                        c->read[i], "flops", c->flops[i], "team", c->team[i]));
    json_object_set_new(root, "workers", steps);
    return root;
}

/* The folders that hold the file, the last two of them. */
static void make_folders(const char *path)
{
    char *copy = strdup(path), *slash = copy == NULL ? NULL : strrchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
        char *above = strrchr(copy, '/');
        if (above != NULL && above != copy) {
            *above = '\0';
            mkdir(copy, 0700);
            *above = '/';
        }
        mkdir(copy, 0700);
    }
    free(copy);
}

nf_status nf_calibration_save(const char *path, const char *key, const nf_calibration *c)
{
    char *part = NULL;
    json_t *root = written(key, c);
    if (root == NULL || asprintf(&part, "%s.XXXXXX", path) < 0) {
        json_decref(root);
        return nf_fail(NF_ERR_MEMORY, "no memory for what was measured of the machine");
    }
    make_folders(path);
    int made = mkstemp(part);
    FILE *file = made < 0 ? NULL : fdopen(made, "w");
    if (file == NULL && made >= 0)
        close(made);
    bool fine = file != NULL && json_dumpf(root, file, JSON_INDENT(2)) == 0 &&
                fputc('\n', file) != EOF && fflush(file) == 0 && fsync(made) == 0;
    fine = (file == NULL || fclose(file) == 0) && fine && rename(part, path) == 0;
    nf_status status =
        fine ? NF_OK
             : nf_fail(NF_ERR_FILE, "%s: %s; what was measured of the machine is not kept", path,
                       strerror(errno));
    if (!fine && made >= 0)
        unlink(part);
    json_decref(root);
    free(part);
    return status;
}
