#include "io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAGIC = 0x316a666e, /* before every record: "nfj1" */
    SETTINGS = 1,       /* kinds of records */
    UNIT = 2,
    RECORD_LIMIT = 1 << 20, /* bytes; longer ones are damaged */
    PIECE = 1 << 20,        /* bytes of a unit that are hashed at a time */
    NAME_KEPT = 240         /* of a target's name, so that the journal's is no longer than 255 */
};

/* A record: this, `bytes` bytes, and 8 of the hash of both. */
typedef struct head {
    uint32_t magic, kind;
    uint64_t bytes;
} head;

struct nf_journal {
    char *path;
    int fd;
    int64_t end; /* of what is valid in the file */
    int64_t units;
    nf_done *unit; /* by index; bytes -1: not finished */
};

/* Each step is a bijection of the state for a given word, and of the word for a given state; the
 * multiplier is that of splitmix64 (Steele, Lea, Flood). */
static uint64_t hash_on(uint64_t state, const void *bytes, size_t count)
{
    const char *from = bytes;
    for (size_t at = 0; at < count; at += 8) {
        uint64_t word = 0;
        memcpy(&word, from + at, count - at < 8 ? count - at : 8);
        state = (state ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
        state ^= state >> 31;
    }
    return state;
}

uint64_t nf_journal_hash(const void *bytes, size_t count)
{
    return hash_on(count + 1, bytes, count);
}

static nf_status fail(const nf_journal *journal, const char *what)
{
    return nf_fail(NF_ERR_FILE, "%s: the journal of what is finished %s: %s", journal->path, what,
                   strerror(errno));
}

/* ---- the file ---- */

static char *journal_path(const char *target)
{
    const char *slash = strrchr(target, '/');
    const char *name = slash == NULL ? target : slash + 1;
    char *path = NULL;
    if (asprintf(&path, "%.*s.%.*s.resume", (int)(name - target), target, NAME_KEPT, name) < 0)
        return NULL;
    return path;
}

/* Whether the open file is still the one of that name: who had it open before may have removed it. */
static bool is_current(const nf_journal *journal)
{
    struct stat open_file, named;
    return fstat(journal->fd, &open_file) == 0 && stat(journal->path, &named) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/* A lock ends with the process, however that ends. Where there are none, nothing is locked. */
static nf_status open_locked(nf_journal *journal, int flags)
{
    journal->fd = open(journal->path, O_RDWR | O_CLOEXEC | flags, 0666);
    if (journal->fd < 0)
        return fail(journal, "cannot be opened");
    bool locked = flock(journal->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (locked && is_current(journal))
        return NF_OK;
    return nf_fail(NF_ERR_FILE,
                   "%s: another run has it open and is writing this output: wait for it, or write "
                   "to another file",
                   journal->path);
}

static nf_status journal_new(const char *target, int64_t units, nf_journal **journal)
{
    nf_journal *j = calloc(1, sizeof *j);
    *journal = j;
    if (j != NULL) {
        j->fd = -1;
        j->units = units;
        j->path = journal_path(target);
        j->unit = malloc((size_t)(units > 0 ? units : 1) * sizeof *j->unit);
    }
    if (j == NULL || j->path == NULL || j->unit == NULL) {
        nf_journal_close(j);
        *journal = NULL;
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a journal of %lld units", target,
                       (long long)units);
    }
    for (int64_t i = 0; i < units; i++)
        j->unit[i].bytes = -1;
    return NF_OK;
}

/* Writes at the end of what is valid, and takes it in when it is durable. */
static nf_status append(nf_journal *journal, const void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t put = pwrite(journal->fd, (const char *)bytes + done, count - done,
                             journal->end + (int64_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return fail(journal, "cannot be written");
        done += (size_t)put;
    }
    if (fdatasync(journal->fd) != 0)
        return fail(journal, "does not reach the disk");
    journal->end += (int64_t)count;
    return NF_OK;
}

/* The record's bytes at `to`, which has room for them; returns how many. */
static size_t put_record(char *to, uint32_t kind, const void *content, size_t bytes)
{
    head h = {MAGIC, kind, bytes};
    memcpy(to, &h, sizeof h);
    memcpy(to + sizeof h, content, bytes);
    uint64_t hash = nf_journal_hash(to, sizeof h + bytes);
    memcpy(to + sizeof h + bytes, &hash, sizeof hash);
    return sizeof h + bytes + sizeof hash;
}

/* ---- the settings: their number of units, then names and values, each ended by a zero byte ---- */

/* The caller frees it; NULL: no memory. */
static char *join(const nf_setting *settings, size_t count, int64_t units, size_t *bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, bytes);
    if (out == NULL)
        return NULL;
    fprintf(out, "units%c%lld%c", 0, (long long)units, 0);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%c%s%c", settings[i].name, 0, settings[i].value, 0);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* The text after a zero byte; NULL: there is none before the end. */
static const char *after(const char *text, const char *end)
{
    const char *zero = text == NULL ? NULL : memchr(text, 0, (size_t)(end - text));
    return zero == NULL || zero + 1 >= end ? NULL : zero + 1;
}

static nf_status compare_on(const nf_journal *journal, const char *then, const char *then_end,
                            const char *now, const char *now_end)
{
    while (then != NULL || now != NULL) {
        const char *name = now != NULL ? now : then;
        const char *was = after(then, then_end), *is = after(now, now_end);
        if (then == NULL || strcmp(then, name) != 0)
            was = NULL;
        if (was == NULL || is == NULL || strcmp(was, is) != 0)
            return nf_fail(
                NF_ERR_USAGE,
                "%s: the run that it is of cannot be resumed by this one: %s was '%s' and "
                "is '%s': give the same, or start over without --resume",
                journal->path, name, was != NULL ? was : "not given",
                is != NULL ? is : "not given");
        then = after(was, then_end);
        now = after(is, now_end);
    }
    return NF_OK;
}

/* The number of units comes last: it is another where some setting is that users know. */
static nf_status compare(const nf_journal *journal, const char *then, size_t then_bytes,
                         const char *now, size_t now_bytes)
{
    const char *then_end = then + then_bytes, *now_end = now + now_bytes;
    const char *then_next = after(after(then, then_end), then_end);
    const char *now_next = after(after(now, now_end), now_end);
    nf_status status = compare_on(journal, then_next, then_end, now_next, now_end);
    return status == NF_OK ? compare_on(journal, then, then_end, now, now_end) : status;
}

/* ---- reading ---- */

/* The content of the record at `at`, and where the next one is; NULL: none that is whole. */
static const char *get_record(const char *file, size_t size, size_t *at, uint32_t kind,
                              size_t *bytes)
{
    head h;
    uint64_t hash;
    if (size - *at < sizeof h + sizeof hash)
        return NULL;
    memcpy(&h, file + *at, sizeof h);
    if (h.magic != MAGIC || h.kind != kind || h.bytes > RECORD_LIMIT ||
        h.bytes > size - *at - sizeof h - sizeof hash)
        return NULL;
    *bytes = (size_t)h.bytes;
    const char *content = file + *at + sizeof h;
    memcpy(&hash, content + *bytes, sizeof hash);
    if (nf_journal_hash(file + *at, sizeof h + *bytes) != hash)
        return NULL;
    *at += sizeof h + *bytes + sizeof hash;
    return content;
}

static void take_unit(nf_journal *journal, const nf_done *unit)
{
    journal->unit[unit->index] = *unit;
}

static bool is_sound(const nf_journal *journal, const nf_done *unit)
{
    return unit->index >= 0 && unit->index < journal->units && unit->offset >= 0 &&
           unit->bytes >= 0;
}

static void take_units(nf_journal *journal, const char *file, size_t size, size_t at)
{
    nf_done unit;
    size_t bytes;
    const char *content;
    while ((content = get_record(file, size, &at, UNIT, &bytes)) != NULL && bytes == sizeof unit) {
        memcpy(&unit, content, sizeof unit);
        if (!is_sound(journal, &unit))
            return;
        take_unit(journal, &unit);
        journal->end = (int64_t)at;
    }
}

/* The whole file, for the caller to free. */
static nf_status slurp(const nf_journal *journal, char **file, size_t *size)
{
    struct stat info;
    *file = NULL;
    if (fstat(journal->fd, &info) != 0)
        return fail(journal, "cannot be read");
    *file = malloc((size_t)info.st_size + 1);
    if (*file == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for it", journal->path);
    *size = 0;
    for (ssize_t got; *size < (size_t)info.st_size; *size += (size_t)got) {
        got = pread(journal->fd, *file + *size, (size_t)info.st_size - *size, (off_t)*size);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return fail(journal, "cannot be read");
        got = got < 0 ? 0 : got;
    }
    return NF_OK;
}

/* *whole false: not even the settings are there. */
static nf_status load(nf_journal *journal, const nf_setting *settings, size_t count, bool *whole)
{
    char *file, *now = NULL;
    size_t size = 0, at = 0, then_bytes = 0, now_bytes;
    nf_status status = slurp(journal, &file, &size);
    const char *then = status == NF_OK ? get_record(file, size, &at, SETTINGS, &then_bytes) : NULL;
    *whole = then != NULL && then_bytes > 0 && then[then_bytes - 1] == '\0';
    if (*whole && (now = join(settings, count, journal->units, &now_bytes)) == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for it", journal->path);
    else if (*whole)
        status = compare(journal, then, then_bytes, now, now_bytes);
    if (*whole && status == NF_OK) {
        journal->end = (int64_t)at;
        take_units(journal, file, size, at);
        if (ftruncate(journal->fd, journal->end) != 0) /* what was torn goes */
            status = fail(journal, "cannot be written");
    }
    free(file);
    free(now);
    return status;
}

nf_status nf_journal_resume(const char *target, const nf_setting *settings, size_t count,
                            int64_t units, nf_journal **journal)
{
    bool whole = false;
    nf_status status = journal_new(target, units, journal);
    if (status != NF_OK)
        return status;
    bool there = access((*journal)->path, F_OK) == 0;
    if (there)
        status = open_locked(*journal, 0);
    if (there && status == NF_OK)
        status = load(*journal, settings, count, &whole);
    if (status != NF_OK || !whole) {
        nf_journal_close(*journal);
        *journal = NULL;
    }
    return status;
}

/* ---- writing ---- */

/* The file's name must survive a crash, too. Some file systems cannot flush a folder. */
static void flush_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

static nf_status write_settings(nf_journal *journal, const nf_setting *settings, size_t count)
{
    size_t bytes;
    char *text = join(settings, count, journal->units, &bytes), *record = NULL;
    nf_status status = NF_OK;
    if (text != NULL)
        record = malloc(sizeof(head) + bytes + sizeof(uint64_t));
    if (record == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for it", journal->path);
    else if (bytes > RECORD_LIMIT)
        status = nf_fail(NF_ERR_USAGE, "%s: the settings are too long to be kept", journal->path);
    else
        status = append(journal, record, put_record(record, SETTINGS, text, bytes));
    free(text);
    free(record);
    return status;
}

nf_status nf_journal_begin(const char *target, const nf_setting *settings, size_t count,
                           int64_t units, nf_journal **journal)
{
    nf_status status = journal_new(target, units, journal);
    if (status != NF_OK)
        return status;
    status = open_locked(*journal, O_CREAT);
    if (status == NF_OK && ftruncate((*journal)->fd, 0) != 0)
        status = fail(*journal, "cannot be written");
    if (status == NF_OK)
        status = write_settings(*journal, settings, count);
    if (status == NF_OK) {
        flush_folder((*journal)->path);
        return NF_OK;
    }
    nf_journal_close(*journal);
    *journal = NULL;
    return status;
}

nf_status nf_journal_note(nf_journal *journal, int fd, const nf_done *units, size_t count)
{
    enum { ROOM = sizeof(head) + sizeof(nf_done) + sizeof(uint64_t) };
    if (fd >= 0 && fdatasync(fd) != 0)
        return fail(journal, "gets no more, as the output does not reach the disk");
    char *records = malloc(count > 0 ? count * ROOM : 1);
    if (records == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for %zu records", journal->path, count);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += put_record(records + bytes, UNIT, &units[i], sizeof units[i]);
    nf_status status = append(journal, records, bytes);
    free(records);
    for (size_t i = 0; i < count && status == NF_OK; i++)
        take_unit(journal, &units[i]);
    return status;
}

/* ---- what is finished ---- */

bool nf_journal_done(const nf_journal *journal, int64_t index, nf_done *unit)
{
    if (index < 0 || index >= journal->units || journal->unit[index].bytes < 0)
        return false;
    *unit = journal->unit[index];
    return true;
}

/* Whether a unit's bytes are in the file as they were noted. */
static bool is_there(const nf_done *unit, int fd, char *piece)
{
    uint64_t hash = (uint64_t)unit->bytes + 1;
    for (int64_t done = 0; done < unit->bytes;) {
        size_t want = unit->bytes - done < PIECE ? (size_t)(unit->bytes - done) : PIECE, have = 0;
        while (have < want) {
            ssize_t got = pread(fd, piece + have, want - have, unit->offset + done + (int64_t)have);
            if (got == 0 || (got < 0 && errno != EINTR))
                return false;
            have += got > 0 ? (size_t)got : 0;
        }
        hash = hash_on(hash, piece, want);
        done += (int64_t)want;
    }
    return hash == unit->hash;
}

nf_status nf_journal_verify(nf_journal *journal, int fd)
{
    char *piece = malloc(PIECE);
    if (piece == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory to verify it", journal->path);
    for (int64_t i = 0; i < journal->units; i++)
        if (journal->unit[i].bytes >= 0 && !is_there(&journal->unit[i], fd, piece))
            journal->unit[i].bytes = -1;
    free(piece);
    return NF_OK;
}

/* ---- the end ---- */

bool nf_journal_discard(const char *target)
{
    nf_journal journal = {.path = journal_path(target), .fd = -1};
    bool there = journal.path != NULL && access(journal.path, F_OK) == 0 &&
                 open_locked(&journal, 0) == NF_OK && unlink(journal.path) == 0;
    if (journal.fd >= 0)
        close(journal.fd);
    free(journal.path);
    return there;
}

void nf_journal_close(nf_journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    free(journal->path);
    free(journal->unit);
    free(journal);
}

void nf_journal_finish(nf_journal *journal)
{
    if (journal != NULL)
        unlink(journal->path);
    nf_journal_close(journal);
}
