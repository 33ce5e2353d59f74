#include "io/record.h"

#include "io/json_line.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCHEMA = 1 };

static const char *const scaling_names[] = {[NF_STRONG] = "strong", [NF_WEAK] = "weak"};

static nf_status no_memory(const char *path)
{
    return nf_fail(NF_ERR_MEMORY, "%s: no memory for a record", path);
}

/* ---- writing ---- */

nf_status nf_json_line(FILE *file, const char *path, json_t *record)
{
    char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(record);
    size_t length = text == NULL ? 0 : strlen(text);
    char *line = text == NULL ? NULL : realloc(text, length + 1);
    if (line == NULL) {
        free(text);
        return no_memory(path);
    }
    line[length] = '\n'; /* takes the place of the terminating zero */
    bool fine = fflush(file) == 0;
    for (size_t done = 0; fine && done < length + 1;) {
        ssize_t put = write(fileno(file), line + done, length + 1 - done);
        fine = put > 0 || (put < 0 && errno == EINTR);
        done += put > 0 ? (size_t)put : 0;
    }
    free(line);
    if (!fine)
        return nf_fail(NF_ERR_FILE, "%s: a record cannot be written: %s", path, strerror(errno));
    return NF_OK;
}

nf_status nf_record_study(FILE *file, const char *path, const nf_study *study)
{
    json_t *facts = json_object();
    for (size_t i = 0; facts != NULL && i < study->nfacts; i++) {
        const nf_fact *fact = &study->facts[i];
        json_t *value = json_string(fact->value);
        if (value == NULL) {
            json_decref(facts);
            return nf_fail(NF_ERR_FORMAT, "%s: the fact %s is no UTF-8 text", path, fact->name);
        }
        if (json_object_set_new(facts, fact->name, value) != 0) {
            json_decref(facts);
            return no_memory(path);
        }
    }
    json_t *record =
        json_pack("{s:s, s:i, s:o}", "record", "study", "schema", SCHEMA, "facts", facts);
    return record == NULL ? no_memory(path) : nf_json_line(file, path, record);
}

static json_t *pack_phases(const nf_phases *phases)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "compute", phases->compute, "halo", phases->halo,
                     "fold", phases->fold, "wait", phases->wait, "io", phases->io);
}

static json_t *pack_shape(const nf_shape *shape)
{
    return json_pack("{s:[I, I, I], s:i, s:i, s:s}", "dim", (json_int_t)shape->dim[0],
                     (json_int_t)shape->dim[1], (json_int_t)shape->dim[2], "ndim", shape->ndim,
                     "channels", shape->channels, "dtype", nf_dtype_name(shape->dtype));
}

static nf_status write_sample(FILE *file, const char *path, const char *kind,
                              const nf_sample *sample)
{
    json_t *record = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:o, s:I, s:i, s:i, s:f, s:o, s:b, s:b}",
        "record", kind, "schema", SCHEMA, "kernel", sample->kernel, "label", sample->label,
        "scaling", scaling_names[sample->scaling], "ranks", sample->ranks, "threads",
        sample->threads, "nodes", sample->nodes, "shape", pack_shape(&sample->shape), "work",
        (json_int_t)sample->work, "launch", sample->launch, "rep", sample->rep, "seconds",
        sample->seconds, "phases", pack_phases(&sample->phases), "valid", sample->valid,
        "oversubscribed", sample->oversubscribed);
    if (record == NULL)
        return nf_fail(NF_ERR_FORMAT,
                       "%s: a sample of %s cannot be recorded: its times must be finite and its "
                       "names UTF-8",
                       path, sample->label);
    if (sample->simulated && json_object_set_new(record, "simulated", json_true()) != 0) {
        json_decref(record);
        return no_memory(path);
    }
    return nf_json_line(file, path, record);
}

nf_status nf_record_sample(FILE *file, const char *path, const nf_sample *sample)
{
    return write_sample(file, path, "sample", sample);
}

nf_status nf_record_prediction(FILE *file, const char *path, const nf_sample *prediction)
{
    return write_sample(file, path, "prediction", prediction);
}

/* Where the last whole line of the file ends. */
static long end_of_lines(FILE *file)
{
    long end = 0, at = 0;
    for (int c = getc(file); c != EOF; c = getc(file)) {
        at++;
        if (c == '\n')
            end = at;
    }
    return end;
}

nf_status nf_record_append(const char *path, FILE **file)
{
    *file = fopen(path, "a+e");
    if (*file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened for records: %s", path, strerror(errno));
    rewind(*file);
    long end = end_of_lines(*file);
    bool fine = !ferror(*file) && fseek(*file, 0, SEEK_END) == 0;
    if (fine && ftell(*file) > end)
        fine = ftruncate(fileno(*file), end) == 0;
    if (fine)
        return NF_OK;
    nf_status status = nf_fail(NF_ERR_FILE, "%s: cannot be read: %s", path, strerror(errno));
    fclose(*file);
    *file = NULL;
    return status;
}

/* ---- reading ---- */

/* A line of a file that is being read: for messages. */
typedef struct place {
    const char *path;
    size_t line;
} place;

static nf_status wrong(const place *at, const char *problem)
{
    return nf_fail(NF_ERR_FORMAT, "%s:%zu: %s; remove the line or record the study again", at->path,
                   at->line, problem);
}

static nf_status read_facts(const json_t *record, const place *at, nf_study *study)
{
    json_t *facts = json_object_get(record, "facts");
    if (!json_is_object(facts))
        return wrong(at, "a study record without facts");
    const char *name;
    json_t *value;
    json_object_foreach(facts, name, value)
    {
        if (!json_is_string(value))
            return wrong(at, "a fact that is no text");
        if (nf_study_find(study, name) != NULL)
            continue;
        nf_status status = nf_study_fact(study, name, "%s", json_string_value(value));
        if (status != NF_OK)
            return status;
    }
    return NF_OK;
}

static bool find_scaling(const char *name, nf_scaling *scaling)
{
    for (int i = NF_STRONG; i <= NF_WEAK; i++)
        if (strcmp(scaling_names[i], name) == 0) {
            *scaling = (nf_scaling)i;
            return true;
        }
    return false;
}

static bool find_dtype(const char *name, nf_dtype *dtype)
{
    for (int i = NF_NONE; i < NF_DTYPES; i++)
        if (strcmp(nf_dtype_name((nf_dtype)i), name) == 0) {
            *dtype = (nf_dtype)i;
            return true;
        }
    return false;
}

static bool unpack_shape(json_t *record, nf_shape *shape)
{
    json_int_t dim[NF_DIMS];
    const char *dtype;
    if (json_unpack(record, "{s:{s:[I, I, I], s:i, s:i, s:s}}", "shape", "dim", &dim[0], &dim[1],
                    &dim[2], "ndim", &shape->ndim, "channels", &shape->channels, "dtype",
                    &dtype) != 0)
        return false;
    for (int d = 0; d < NF_DIMS; d++)
        shape->dim[d] = dim[d];
    return find_dtype(dtype, &shape->dtype) && shape->ndim >= 1 && shape->ndim <= NF_DIMS &&
           shape->channels >= 1;
}

static bool unpack_phases(json_t *record, nf_phases *phases)
{
    return json_unpack(record, "{s:{s:F, s:F, s:F, s:F, s:F}}", "phases", "compute",
                       &phases->compute, "halo", &phases->halo, "fold", &phases->fold, "wait",
                       &phases->wait, "io", &phases->io) == 0;
}

/* The sample's strings belong to the record. */
static bool unpack_sample(json_t *record, nf_sample *sample)
{
    const char *kernel, *label, *scaling;
    json_int_t work;
    int valid, oversubscribed;
    if (json_unpack(record, "{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:i, s:i, s:F, s:b, s:b}",
                    "kernel", &kernel, "label", &label, "scaling", &scaling, "ranks",
                    &sample->ranks, "threads", &sample->threads, "nodes", &sample->nodes, "work",
                    &work, "launch", &sample->launch, "rep", &sample->rep, "seconds",
                    &sample->seconds, "valid", &valid, "oversubscribed", &oversubscribed) != 0)
        return false;
    sample->kernel = (char *)(uintptr_t)kernel;
    sample->label = (char *)(uintptr_t)label;
    sample->work = work;
    sample->valid = valid;
    sample->oversubscribed = oversubscribed;
    return find_scaling(scaling, &sample->scaling) && unpack_shape(record, &sample->shape) &&
           unpack_phases(record, &sample->phases);
}

static nf_status read_sample(json_t *record, const place *at, bool predicted, nf_study *study)
{
    json_t *simulated = json_object_get(record, "simulated");
    nf_sample sample = {.simulated = json_is_true(simulated)};
    if (simulated != NULL && !json_is_boolean(simulated))
        return wrong(at, "a sample whose \"simulated\" is neither true nor false");
    if (!unpack_sample(record, &sample))
        return wrong(at, "a sample record that lacks a field or has one of the wrong type");
    if (sample.ranks < 1 || sample.threads < 1 || sample.ranks > INT_MAX / sample.threads ||
        sample.work < 1 || !(sample.seconds > 0))
        return wrong(at, "a sample whose ranks, threads, work and seconds are not all positive");
    return predicted ? nf_study_predict(study, &sample) : nf_study_add(study, &sample);
}

static nf_status read_record(const char *text, size_t length, const place *at, nf_study *study)
{
    json_error_t error;
    json_t *record = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (record == NULL)
        return nf_fail(NF_ERR_FORMAT, "%s:%zu: no record of a study: %s (column %d)", at->path,
                       at->line, error.text, error.column);
    const char *kind = json_string_value(json_object_get(record, "record"));
    json_t *schema = json_object_get(record, "schema");
    nf_status status = NF_OK;
    if (kind == NULL)
        status = wrong(at, "an object that says no kind of record");
    else if (strcmp(kind, "study") != 0 && strcmp(kind, "sample") != 0 &&
             strcmp(kind, "prediction") != 0)
        status = NF_OK; /* a kind of a later version */
    else if (json_integer_value(schema) != SCHEMA)
        status = wrong(at, "a record of another schema than 1");
    else if (strcmp(kind, "study") == 0)
        status = read_facts(record, at, study);
    else
        status = read_sample(record, at, strcmp(kind, "prediction") == 0, study);
    json_decref(record);
    return status;
}

nf_status nf_record_read(const char *path, nf_study *study)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat kind;
    if (fstat(fileno(file), &kind) != 0 || !S_ISREG(kind.st_mode)) {
        fclose(file);
        return nf_fail(NF_ERR_FILE, "%s: is not a regular file; expected a study.jsonl", path);
    }
    place at = {path, 0};
    char *line = NULL;
    size_t room = 0;
    nf_status status = NF_OK;
    ssize_t length;
    errno = 0;
    while (status == NF_OK && (length = getline(&line, &room, file)) >= 0) {
        at.line++;
        if (line[length - 1] == '\n') /* else torn: the run that wrote it was killed */
            status = read_record(line, (size_t)length, &at, study);
    }
    if (status == NF_OK && !feof(file))
        status = nf_fail(NF_ERR_FILE, "%s: cannot be read: %s", path, strerror(errno));
    free(line);
    fclose(file);
    return status;
}

/* ---- several studies ---- */

static const char *const merge_facts[] = {"studies shown together", "facts that differ"};

static nf_status extend(nf_study *study, const char *name, const char *more)
{
    const char *now = nf_study_find(study, name);
    if (now == NULL)
        return nf_study_fact(study, name, "%s", more);
    return nf_study_fact(study, name, "%s, %s", now, more);
}

/* Notes which facts of `one`, read from `path`, have another value in *study; the time always has.
 */
static nf_status note_differences(nf_study *study, const nf_study *one, const char *path)
{
    bool differs = false;
    nf_status status = NF_OK;
    for (size_t i = 0; status == NF_OK && i < one->nfacts; i++) {
        const char *known = nf_study_find(study, one->facts[i].name);
        if (known == NULL || strcmp(known, one->facts[i].value) == 0 ||
            strcmp(one->facts[i].name, "time") == 0)
            continue;
        status = extend(study, merge_facts[1], one->facts[i].name);
        differs = true;
    }
    if (status == NF_OK && differs)
        status = nf_study_fact(study, merge_facts[1], "%s (%s)",
                               nf_study_find(study, merge_facts[1]), path);
    return status;
}

static nf_status merge_file(const char *path, nf_study *study)
{
    nf_study one = {0};
    nf_status status = nf_record_read(path, &one);
    if (status == NF_OK)
        status = note_differences(study, &one, path);
    for (size_t i = 0; status == NF_OK && i < one.nfacts; i++)
        if (nf_study_find(study, one.facts[i].name) == NULL)
            status = nf_study_fact(study, one.facts[i].name, "%s", one.facts[i].value);
    for (size_t i = 0; status == NF_OK && i < one.nsamples; i++)
        status = nf_study_add(study, &one.samples[i]);
    for (size_t i = 0; status == NF_OK && i < one.npredictions; i++)
        status = nf_study_predict(study, &one.predictions[i]);
    nf_study_free(&one);
    return status;
}

nf_status nf_record_read_all(char *const *paths, size_t n, nf_study *study)
{
    if (n == 1)
        return nf_record_read(paths[0], study);
    nf_status status = NF_OK;
    for (size_t i = 0; status == NF_OK && i < n; i++) {
        status = extend(study, merge_facts[0], paths[i]);
        if (status == NF_OK)
            status = merge_file(paths[i], study);
    }
    return status;
}
