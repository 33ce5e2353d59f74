#include "io/batch_log.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/json_line.h"
#include "io/record.h"

enum { SCHEMA = 1 };

/* ---- writing ---- */

/* Text that may not be UTF-8. */
static json_t *text_of(const char *text)
{
    json_t *plain = json_string(text);
    if (plain != NULL)
        return plain;
    char *escaped = malloc(3 * strlen(text) + 1), *to = escaped;
    if (escaped == NULL)
        return NULL;
    for (; *text != '\0'; text++) {
        if (isascii(*text))
            *to++ = *text;
        else
            to += sprintf(to, "%%%02X", (unsigned char)*text);
    }
    *to = '\0';
    json_t *value = json_string(escaped);
    free(escaped);
    return value;
}

static nf_status write_record(FILE *log, const char *path, json_t *record)
{
    if (record == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a record", path);
    return nf_json_line(log, path, record);
}

nf_status nf_batch_log_run(FILE *log, const char *path, const char *recipe)
{
    return write_record(log, path,
                        json_pack("{s:s, s:i, s:o}", "record", "batch", "schema", SCHEMA, "recipe",
                                  text_of(recipe)));
}

nf_status nf_batch_log_stopped(FILE *log, const char *path)
{
    return write_record(log, path, json_pack("{s:s}", "record", "stopped"));
}

static json_t *pack_file(const char *kind, const nf_batch_file *file)
{
    return json_pack("{s:s, s:o, s:I, s:I}", "record", kind, "input", text_of(file->input), "size",
                     (json_int_t)file->size, "mtime", (json_int_t)file->mtime);
}

nf_status nf_batch_log_started(FILE *log, const char *path, const nf_batch_file *file)
{
    return write_record(log, path, pack_file("started", file));
}

static json_t *pack_shape(const nf_shape *shape)
{
    if (shape->ndim == 0)
        return json_null();
    json_t *list = json_array();
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        json_array_append_new(list, json_integer(shape->dim[d]));
    if (shape->channels > 1)
        json_array_append_new(list, json_integer(shape->channels));
    return list;
}

nf_status nf_batch_log_outcome(FILE *log, const char *path, const nf_batch_file *file,
                               const nf_batch_outcome *outcome)
{
    json_t *record = pack_file("file", file);
    json_t *more = json_pack("{s:s, s:o, s:o, s:f, s:I, s:o}", "status", outcome->status, "output",
                             file->output != NULL ? text_of(file->output) : json_null(), "shape",
                             pack_shape(&outcome->shape), "seconds", outcome->seconds, "bytes",
                             (json_int_t)outcome->bytes, "message",
                             text_of(outcome->message ? outcome->message : ""));
    if (record == NULL || more == NULL || json_object_update(record, more) != 0) {
        json_decref(record);
        record = NULL;
    }
    json_decref(more);
    return write_record(log, path, record);
}

nf_status nf_batch_log_open(const char *path, bool keep, FILE **log)
{
    nf_status status = nf_record_append(path, log);
    if (status != NF_OK)
        return status;
    if (flock(fileno(*log), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        status = nf_fail(NF_ERR_FILE, "%s: another batch is writing to this folder", path);
    else if (!keep && ftruncate(fileno(*log), 0) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be emptied: %s", path, strerror(errno));
    if (status == NF_OK)
        return NF_OK;
    fclose(*log);
    *log = NULL;
    return status;
}

/* ---- reading ---- */

/* files: of each input {"size", "mtime", "deaths", "flying", "spared", and of the last outcome "status",
 * "output", "bytes", "recipe"}. */
struct nf_batch_past {
    json_t *files;
    char *recipe; /* of the run that is being read */
};

/* A run is over that these did not survive. */
static void bury(nf_batch_past *past)
{
    const char *input;
    json_t *file;
    json_object_foreach(past->files, input, file)
    {
        if (!json_is_true(json_object_get(file, "flying")))
            continue;
        json_int_t deaths = json_integer_value(json_object_get(file, "deaths"));
        bool spared = deaths > 0 && json_is_true(json_object_get(file, "spared"));
        json_object_set_new(file, "deaths", json_integer(spared ? deaths : deaths + 1));
        json_object_set_new(file, "flying", json_false());
    }
}

/* The run was asked to stop: by its user, or because a rank had died, of one of the files under way. They
 * are suspects if they are not done after all, but no more than that, unless one was there alone. */
static void spare(nf_batch_past *past)
{
    const char *input;
    json_t *file;
    size_t flying = 0;
    json_object_foreach(past->files, input, file) flying +=
        json_is_true(json_object_get(file, "flying"));
    json_object_foreach(past->files, input, file)
        json_object_set_new(file, "spared", json_boolean(flying > 1));
}

static bool same_number(const json_t *a, const json_t *b, const char *name)
{
    return json_integer_value(json_object_get(a, name)) ==
           json_integer_value(json_object_get(b, name));
}

/* A file that has changed is another one. */
static bool take_started(nf_batch_past *past, json_t *record)
{
    const char *input = json_string_value(json_object_get(record, "input"));
    if (input == NULL)
        return false;
    json_t *known = json_object_get(past->files, input);
    json_int_t deaths = 0;
    if (known != NULL && same_number(known, record, "size") && same_number(known, record, "mtime"))
        deaths = json_integer_value(json_object_get(known, "deaths"));
    json_object_set_new(record, "deaths", json_integer(deaths));
    json_object_set_new(record, "flying", json_true());
    return json_object_set(past->files, input, record) == 0;
}

/* Quarantine is not an end: the file stays as deadly as it was. */
static bool take_outcome(nf_batch_past *past, json_t *record)
{
    const char *input = json_string_value(json_object_get(record, "input"));
    const char *status = json_string_value(json_object_get(record, "status"));
    if (input == NULL || status == NULL)
        return false;
    if (strcmp(status, "quarantined") == 0)
        return true;
    json_object_set_new(record, "recipe", json_string(past->recipe != NULL ? past->recipe : ""));
    return json_object_set(past->files, input, record) == 0;
}

static bool take_run(nf_batch_past *past, const json_t *record)
{
    const char *recipe = json_string_value(json_object_get(record, "recipe"));
    bury(past);
    free(past->recipe);
    past->recipe = recipe != NULL ? strdup(recipe) : NULL;
    return past->recipe != NULL;
}

static bool take(nf_batch_past *past, json_t *record)
{
    const char *kind = json_string_value(json_object_get(record, "record"));
    if (kind == NULL)
        return false;
    if (strcmp(kind, "batch") == 0)
        return take_run(past, record);
    if (strcmp(kind, "started") == 0)
        return take_started(past, record);
    if (strcmp(kind, "file") == 0)
        return take_outcome(past, record);
    if (strcmp(kind, "stopped") == 0)
        spare(past);
    return true;
}

/* A last line without its end was torn when the run was killed. */
static nf_status read_lines(FILE *file, const char *path, nf_batch_past *past)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    nf_status status = NF_OK;
    for (ssize_t length; status == NF_OK && (length = getline(&line, &room, file)) > 0;) {
        number++;
        if (line[length - 1] != '\n')
            break;
        json_t *record = json_loads(line, 0, NULL);
        if (!json_is_object(record) || !take(past, record))
            status = nf_fail(NF_ERR_FORMAT,
                             "%s:%zu: is no record of a batch: remove the line, or start anew "
                             "without --resume",
                             path, number);
        json_decref(record);
    }
    free(line);
    bury(past);
    return status;
}

nf_status nf_batch_past_read(const char *path, nf_batch_past **past)
{
    *past = calloc(1, sizeof **past);
    if (*past == NULL || ((*past)->files = json_object()) == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for its records", path);
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return NF_OK;
    if (file == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    nf_status status = read_lines(file, path, *past);
    fclose(file);
    return status;
}

void nf_batch_past_free(nf_batch_past *past)
{
    if (past == NULL)
        return;
    json_decref(past->files);
    free(past->recipe);
    free(past);
}

/* What is known of the file as it is now; NULL: nothing. */
static const json_t *find(const nf_batch_past *past, const nf_batch_file *file)
{
    json_t *name = text_of(file->input);
    const json_t *known =
        name != NULL ? json_object_get(past->files, json_string_value(name)) : NULL;
    json_decref(name);
    if (known == NULL || json_integer_value(json_object_get(known, "size")) != file->size ||
        json_integer_value(json_object_get(known, "mtime")) != file->mtime)
        return NULL;
    return known;
}

static bool text_is(const json_t *known, const char *name, const char *text)
{
    json_t *wanted = text_of(text);
    bool equal = json_equal(json_object_get(known, name), wanted);
    json_decref(wanted);
    return equal;
}

bool nf_batch_past_done(const nf_batch_past *past, const nf_batch_file *file, const char *recipe)
{
    const json_t *known = find(past, file);
    struct stat info;
    return known != NULL && text_is(known, "status", "done") && text_is(known, "recipe", recipe) &&
           text_is(known, "output", file->output) && stat(file->output, &info) == 0 &&
           S_ISREG(info.st_mode) &&
           info.st_size == json_integer_value(json_object_get(known, "bytes"));
}

int nf_batch_past_deaths(const nf_batch_past *past, const nf_batch_file *file)
{
    const json_t *known = find(past, file);
    return known == NULL ? 0 : (int)json_integer_value(json_object_get(known, "deaths"));
}
