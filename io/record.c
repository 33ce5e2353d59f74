#include "io/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/json_line.h"
#include "io/record_parts.h"

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

/* {name: text}; the caller owns it. */
static nf_status pack_facts(const char *path, const nf_fact *facts, size_t n, json_t **object)
{
    *object = json_object();
    nf_status status = *object == NULL ? no_memory(path) : NF_OK;
    for (size_t i = 0; status == NF_OK && i < n; i++) {
        json_t *value = json_string(facts[i].value);
        if (value == NULL)
            status =
                nf_fail(NF_ERR_FORMAT, "%s: the fact %s is no UTF-8 text", path, facts[i].name);
        else if (json_object_set_new(*object, facts[i].name, value) != 0)
            status = no_memory(path);
    }
    if (status == NF_OK)
        return NF_OK;
    json_decref(*object);
    *object = NULL;
    return status;
}

nf_status nf_record_study(FILE *file, const char *path, const nf_study *study)
{
    json_t *facts = NULL, *settings = NULL;
    nf_status status = pack_facts(path, study->facts, study->nfacts, &facts);
    if (status == NF_OK)
        status = pack_facts(path, study->settings, study->nsettings, &settings);
    if (status != NF_OK) {
        json_decref(facts);
        return status;
    }
    json_t *record = json_pack("{s:s, s:i, s:o, s:o}", "record", "study", "schema", NF_SCHEMA,
                               "facts", facts, "settings", settings);
    if (record == NULL)
        return no_memory(path);
    if (nf_record_restore(record, study->more))
        return nf_json_line(file, path, record);
    json_decref(record);
    return no_memory(path);
}

static nf_status write_sample(FILE *file, const char *path, const char *kind,
                              const nf_sample *sample)
{
    json_t *record = nf_pack_sample(sample, kind);
    if (record != NULL)
        return nf_json_line(file, path, record);
    return nf_fail(NF_ERR_FORMAT,
                   "%s: a sample of %s cannot be recorded: its times must be finite and its names "
                   "UTF-8",
                   path, sample->label);
}

nf_status nf_record_sample(FILE *file, const char *path, const nf_sample *sample)
{
    return write_sample(file, path, "sample", sample);
}

nf_status nf_record_prediction(FILE *file, const char *path, const nf_sample *prediction)
{
    return write_sample(file, path, "prediction", prediction);
}

nf_status nf_record_ceiling(FILE *file, const char *path, const nf_ceiling *ceiling)
{
    json_t *record = nf_pack_ceiling(ceiling);
    if (record != NULL)
        return nf_json_line(file, path, record);
    return nf_fail(NF_ERR_FORMAT, "%s: the ceiling '%s' is no finite number", path, ceiling->what);
}

nf_status nf_record_cost(FILE *file, const char *path, const nf_cost *cost)
{
    json_t *record = nf_pack_cost(cost);
    if (record != NULL)
        return nf_json_line(file, path, record);
    return nf_fail(NF_ERR_FORMAT, "%s: the cost '%s' is no finite number", path, cost->what);
}

nf_status nf_record_write(FILE *file, const char *path, const nf_study *study)
{
    nf_status status = nf_record_study(file, path, study);
    for (size_t i = 0; i < study->nceilings && status == NF_OK; i++)
        status = nf_record_ceiling(file, path, &study->ceilings[i]);
    for (size_t i = 0; i < study->ncosts && status == NF_OK; i++)
        status = nf_record_cost(file, path, &study->costs[i]);
    for (size_t i = 0; i < study->nsamples && status == NF_OK; i++)
        status = nf_record_sample(file, path, &study->samples[i]);
    for (size_t i = 0; i < study->npredictions && status == NF_OK; i++)
        status = nf_record_prediction(file, path, &study->predictions[i]);
    for (size_t i = 0; i < study->nothers && status == NF_OK; i++) {
        json_t *record = json_loads(study->others[i], 0, NULL);
        status = record == NULL ? no_memory(path) : nf_json_line(file, path, record);
    }
    return status;
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

/* Facts or settings: those whose names are new are added. */
static nf_status read_facts(const json_t *facts, const place *at, nf_study *study, bool settings)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)facts, name, value)
    {
        if (!json_is_string(value))
            return wrong(at, "a fact that is no text");
        const char *known = settings ? nf_study_setting(study, name) : nf_study_find(study, name);
        if (known != NULL)
            continue;
        nf_status status = settings ? nf_study_set(study, name, "%s", json_string_value(value))
                                    : nf_study_fact(study, name, "%s", json_string_value(value));
        if (status != NF_OK)
            return status;
    }
    return NF_OK;
}

static nf_status read_study(const json_t *record, const place *at, nf_study *study)
{
    const json_t *facts = json_object_get(record, "facts");
    const json_t *settings = json_object_get(record, "settings");
    if (!json_is_object(facts) || (settings != NULL && !json_is_object(settings)))
        return wrong(at, "a study record without facts");
    nf_status status = read_facts(facts, at, study, false);
    if (status == NF_OK && settings != NULL)
        status = read_facts(settings, at, study, true);
    if (status != NF_OK || study->more != NULL)
        return status;
    json_t *known =
        json_pack("{s:s, s:i, s:O, s:i}", "record", "", "schema", 0, "facts", facts, "settings", 0);
    study->more = nf_record_beyond(record, known);
    json_decref(known);
    return NF_OK;
}

static nf_status read_sample(json_t *record, const place *at, bool predicted, nf_study *study)
{
    nf_sample sample;
    nf_status status = NF_OK;
    if (!nf_unpack_sample(record, &sample))
        status = wrong(at, "a sample that lacks a member, has one of the wrong type, or one of "
                           "ranks, threads, work and seconds that is not positive");
    else
        status = predicted ? nf_study_predict(study, &sample) : nf_study_add(study, &sample);
    nf_balance_free(&sample.balance);
    free(sample.more);
    return status;
}

static nf_status read_ceiling(json_t *record, const place *at, nf_study *study)
{
    nf_ceiling ceiling;
    if (!nf_unpack_ceiling(record, &ceiling))
        return wrong(at, "a ceiling that lacks a member or has one of the wrong type");
    nf_status status = nf_study_ceiling(study, &ceiling);
    free(ceiling.more);
    return status;
}

static nf_status read_cost(json_t *record, const place *at, nf_study *study)
{
    nf_cost cost;
    if (!nf_unpack_cost(record, &cost))
        return wrong(at, "a cost that lacks a member or has one of the wrong type");
    nf_status status = nf_study_cost(study, &cost);
    free(cost.more);
    return status;
}

/* A kind of a later version. */
static nf_status read_other(const json_t *record, const place *at, nf_study *study)
{
    char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17));
    nf_status status = text == NULL ? no_memory(at->path) : nf_study_other(study, text);
    free(text);
    return status;
}

static nf_status read_kind(json_t *record, const place *at, nf_study *study)
{
    static const char *const kinds[] = {"study", "sample", "prediction", "ceiling", "cost"};
    const char *kind = json_string_value(json_object_get(record, "record"));
    json_int_t schema = json_integer_value(json_object_get(record, "schema"));
    size_t k = 0;
    if (kind == NULL)
        return wrong(at, "an object that says no kind of record");
    while (k < 5 && strcmp(kinds[k], kind) != 0)
        k++;
    if (k == 5)
        return read_other(record, at, study);
    if (schema < 1 || schema > NF_SCHEMA)
        return wrong(at, "a record of another schema than 1 or 2");
    if (k == 0)
        return read_study(record, at, study);
    if (k == 4)
        return read_cost(record, at, study);
    return k == 3 ? read_ceiling(record, at, study) : read_sample(record, at, k == 2, study);
}

static nf_status read_record(const char *text, size_t length, const place *at, nf_study *study)
{
    json_error_t error;
    json_t *record = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (record == NULL)
        return nf_fail(NF_ERR_FORMAT, "%s:%zu: no record of a study: %s (column %d)", at->path,
                       at->line, error.text, error.column);
    nf_status status = read_kind(record, at, study);
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

size_t nf_record_torn(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t line = 1;
    int last = '\n';
    if (file == NULL)
        return 0;
    for (int c = getc(file); c != EOF; c = getc(file)) {
        line += c == '\n';
        last = c;
    }
    fclose(file);
    return last == '\n' ? 0 : line;
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
    for (size_t i = 0; status == NF_OK && i < one.nceilings; i++)
        status = nf_study_ceiling(study, &one.ceilings[i]);
    for (size_t i = 0; status == NF_OK && i < one.ncosts; i++)
        status = nf_study_cost(study, &one.costs[i]);
    for (size_t i = 0; status == NF_OK && i < one.nothers; i++)
        status = nf_study_other(study, one.others[i]);
    for (size_t i = 0; status == NF_OK && i < one.nsettings; i++)
        if (nf_study_setting(study, one.settings[i].name) == NULL)
            status = nf_study_set(study, one.settings[i].name, "%s", one.settings[i].value);
    if (status == NF_OK && study->more == NULL) {
        study->more = one.more;
        one.more = NULL;
    }
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
