#include "drivers/batch_files.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/content.h"

/* ---- the list ---- */

static void free_file(nf_batch_file *file)
{
    free(file->input);
    free(file->output);
    free(file->problem);
}

nf_status nf_batch_files_add(nf_batch_files *files, const nf_batch_file *file)
{
    if (files->count == files->room) {
        size_t room = files->room == 0 ? 64 : 2 * files->room;
        nf_batch_file *list = realloc(files->list, room * sizeof *list);
        if (list == NULL)
            return nf_fail(NF_ERR_MEMORY, "no memory for the names of %zu files", room);
        files->list = list;
        files->room = room;
    }
    files->list[files->count++] = *file;
    return NF_OK;
}

void nf_batch_files_free(nf_batch_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free_file(&files->list[i]);
    free(files->list);
    *files = (nf_batch_files){NULL, 0, 0, 0};
}

/* ---- what is taken, and what it becomes ---- */

typedef struct collecting {
    nf_batch_files *files;
    const char *out, *format;
    struct stat out_info;
} collecting;

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Whether the name says an array that can be read. */
static bool has_format(const char *name)
{
    const nf_format *format;
    return nf_suffix_format(name, &format) == NF_OK && format->recognise != NULL;
}

/* OUT/RELATIVE, with the dataset in its name, and the suffix of the format. NULL: no memory. */
static char *output_name(const collecting *c, const char *relative, const char *dataset)
{
    const char *dot = strrchr(base_of(relative), '.');
    int stem = (int)(dot != NULL ? (size_t)(dot - relative) : strlen(relative));
    const char *suffix = c->format != NULL ? c->format : dot != NULL ? dot + 1 : "";
    char *output, *inner = strdup(dataset != NULL ? dataset : "");
    for (char *at = inner; at != NULL && *at != '\0'; at++)
        if (*at == '/')
            *at = '_';
    if (inner == NULL ||
        asprintf(&output, "%s/%.*s%s.%s", c->out, stem, relative, inner, suffix) < 0)
        output = NULL;
    free(inner);
    return output;
}

static char *problem_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *problem_text(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text;
}

/* `info` NULL: there is none. Takes over the problem. */
static nf_status add(collecting *c, const char *input, const char *relative, const char *dataset,
                     const struct stat *info, char *problem)
{
    nf_batch_file file = {
        .input = strdup(input), .output = output_name(c, relative, dataset), .problem = problem};
    if (info != NULL) {
        file.size = info->st_size;
        file.mtime = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
    }
    nf_status status = NF_OK;
    if (file.input == NULL || file.output == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for the names of files");
    if (status == NF_OK)
        status = nf_batch_files_add(c->files, &file);
    if (status != NF_OK)
        free_file(&file);
    return status;
}

/* ---- folders ---- */

/* Whether a path, all links resolved, is below a folder. */
static bool is_below(const char *path, const char *folder)
{
    char *whole = realpath(path, NULL), *root = realpath(folder, NULL);
    size_t length = root != NULL ? strlen(root) : 0;
    bool below = whole != NULL && root != NULL && strncmp(whole, root, length) == 0 &&
                 (whole[length] == '/' || whole[length] == '\0' || length == 1);
    free(whole);
    free(root);
    return below;
}

static nf_status take_link(collecting *c, const FTSENT *entry, const char *folder,
                           const char *relative)
{
    struct stat info;
    char *problem = NULL;
    bool there = stat(entry->fts_accpath, &info) == 0;
    if (!there)
        problem = problem_text("is a link that leads nowhere: %s", strerror(errno));
    else if (!is_below(entry->fts_accpath, folder))
        problem =
            problem_text("is a link that leads out of %s; name what it leads to itself", folder);
    else if (!S_ISREG(info.st_mode)) {
        c->files->skipped++; /* a folder: it is gone through where it is */
        return NF_OK;
    }
    return add(c, entry->fts_path, relative, NULL, there ? &info : NULL, problem);
}

static nf_status take_entry(collecting *c, FTS *walk, FTSENT *entry, const char *folder)
{
    const char *relative = entry->fts_path + strlen(folder);
    relative += strspn(relative, "/");
    bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level == 0 && same_file(entry->fts_statp, &c->out_info))
            return nf_fail(NF_ERR_USAGE, "%s: is the output folder itself", folder);
        if (hidden || same_file(entry->fts_statp, &c->out_info))
            fts_set(walk, entry, FTS_SKIP);
        return NF_OK;
    case FTS_F:
    case FTS_SL:
    case FTS_SLNONE:
        if (hidden || !has_format(entry->fts_name))
            c->files->skipped++;
        else if (entry->fts_info == FTS_F)
            return add(c, entry->fts_path, relative, NULL, entry->fts_statp, NULL);
        else
            return take_link(c, entry, folder, relative);
        return NF_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return nf_fail(NF_ERR_FILE, "%s: cannot be read: %s", entry->fts_path,
                       strerror(entry->fts_errno));
    case FTS_DEFAULT:
        c->files->skipped++; /* a pipe, a device */
        return NF_OK;
    default:
        return NF_OK;
    }
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static nf_status walk_folder(collecting *c, char *folder)
{
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        folder[--length] = '\0';
    char *roots[] = {folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (walk == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be read: %s", folder, strerror(errno));
    nf_status status = NF_OK;
    for (FTSENT *entry; status == NF_OK && (entry = fts_read(walk)) != NULL;)
        status = take_entry(c, walk, entry, folder);
    fts_close(walk);
    return status;
}

/* ---- what is typed ---- */

static nf_status take_file(collecting *c, const char *typed, const nf_path *path)
{
    struct stat info;
    bool there = stat(path->file, &info) == 0;
    char *problem = NULL;
    if (!there)
        problem = problem_text("cannot be opened: %s", strerror(errno));
    else if (c->format == NULL && !has_format(path->file))
        problem = problem_text("its name does not say what to write: give --format");
    return add(c, typed, base_of(path->file), path->dataset, there ? &info : NULL, problem);
}

static nf_status take_typed(collecting *c, const char *typed)
{
    nf_path path;
    struct stat info;
    nf_status status = nf_path_parse(typed, &path);
    if (status != NF_OK)
        return status;
    if (path.dataset == NULL && stat(path.file, &info) == 0 && S_ISDIR(info.st_mode))
        status = walk_folder(c, path.file);
    else
        status = take_file(c, typed, &path);
    nf_path_free(&path);
    return status;
}

static nf_status make_folder(const char *folder)
{
    struct stat info;
    if (mkdir(folder, 0777) == 0 || (stat(folder, &info) == 0 && S_ISDIR(info.st_mode)))
        return NF_OK;
    return nf_fail(NF_ERR_FILE, "%s: cannot be made: %s", folder, strerror(errno));
}

nf_status nf_batch_files_collect(nf_batch_files *files, char *const *typed, size_t count,
                                 const char *out, const char *format)
{
    collecting c = {.files = files, .out = out, .format = format};
    nf_status status = make_folder(out);
    if (status == NF_OK && stat(out, &c.out_info) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be read: %s", out, strerror(errno));
    for (size_t i = 0; i < count && status == NF_OK; i++)
        status = take_typed(&c, typed[i]);
    return status;
}

/* ---- names that clash ---- */

static int by_output(const void *a, const void *b)
{
    const nf_batch_file *f = a, *g = b;
    int order = strcmp(f->output, g->output);
    return order != 0 ? order : strcmp(f->input, g->input);
}

nf_status nf_batch_files_check(nf_batch_files *files)
{
    size_t kept = 0, clashes = 0;
    if (files->count > 0)
        qsort(files->list, files->count, sizeof *files->list, by_output);
    for (size_t i = 0; i < files->count; i++) {
        nf_batch_file *file = &files->list[i], *before = kept > 0 ? &files->list[kept - 1] : NULL;
        bool same = before != NULL && strcmp(before->output, file->output) == 0;
        if (same && strcmp(before->input, file->input) == 0) {
            free_file(file);
            continue;
        }
        if (same && clashes++ < 20)
            fprintf(stderr, "batch: %s: would come of %s and of %s\n", file->output, before->input,
                    file->input);
        files->list[kept++] = *file;
    }
    files->count = kept;
    if (clashes > 0)
        return nf_fail(NF_ERR_USAGE,
                       "%zu outputs would replace one another; nothing was done: rename inputs, or "
                       "write to several folders",
                       clashes);
    return NF_OK;
}

/* ---- folders of outputs ---- */

/* Whether something leads out of OUT by a link. */
static bool escapes(const char *path, const char *out)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode) && !is_below(path, out);
}

/* Makes what is missing of the folders between OUT and the output, none beyond a link out of it. */
static nf_status make_parents(char *output, const char *out, bool *escaped)
{
    nf_status status = NF_OK;
    char *at = output + strlen(out) + 1;
    *escaped = false;
    for (; status == NF_OK && !*escaped && (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        *escaped = escapes(output, out);
        status = *escaped ? NF_OK : make_folder(output);
        *at = '/';
    }
    *escaped = *escaped || escapes(output, out);
    return status;
}

nf_status nf_batch_files_make_folders(nf_batch_files *files, const char *out)
{
    nf_status status = NF_OK;
    for (size_t i = 0; i < files->count && status == NF_OK; i++) {
        nf_batch_file *file = &files->list[i];
        bool escaped;
        if (file->problem != NULL)
            continue;
        status = make_parents(file->output, out, &escaped);
        if (status == NF_OK && escaped)
            file->problem = problem_text("%s: a link leads out of %s", file->output, out);
    }
    return status;
}

/* ---- all ranks ---- */

static char *pack(const nf_batch_files *files, size_t *bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, bytes);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < files->count; i++) {
        fwrite(files->list[i].input, 1, strlen(files->list[i].input) + 1, out);
        fwrite(files->list[i].output, 1, strlen(files->list[i].output) + 1, out);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static nf_status unpack(const char *text, size_t bytes, nf_batch_files *files)
{
    nf_status status = NF_OK;
    for (const char *at = text; at < text + bytes && status == NF_OK;) {
        nf_batch_file file = {.input = strdup(at)};
        at += strlen(at) + 1;
        file.output = strdup(at);
        at += strlen(at) + 1;
        status = file.input != NULL && file.output != NULL
                     ? nf_batch_files_add(files, &file)
                     : nf_fail(NF_ERR_MEMORY, "no memory for the names of files");
        if (status != NF_OK)
            free_file(&file);
    }
    return status;
}

nf_status nf_batch_files_share(const nf_world *world, nf_batch_files *files)
{
    size_t bytes = 0;
    char *text = world->rank == 0 ? pack(files, &bytes) : NULL;
    if (world->rank == 0 && text == NULL)
        bytes = SIZE_MAX;
    nf_broadcast(world, &bytes, sizeof bytes, 0);
    if (world->rank > 0 && bytes < SIZE_MAX)
        text = malloc(bytes + 1);
    nf_status status = text == NULL ? nf_fail(NF_ERR_MEMORY, "no memory for names") : NF_OK;
    status = nf_agree(world, status);
    if (status == NF_OK) {
        nf_broadcast(world, text, bytes, 0);
        status = nf_agree(world, world->rank > 0 ? unpack(text, bytes, files) : NF_OK);
    }
    free(text);
    return status;
}
