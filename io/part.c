#include "io/part.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool nf_part_many;

/* ---- part files that a signal must remove ---- */

enum {
    SLOTS = 256, /* files at once */
    /* Of a target's name and the host's, so that the part's is no longer than 255. */
    NAME_KEPT = 190,
    HOST_KEPT = 40
};

static struct {
    atomic_bool taken;
    volatile sig_atomic_t live; /* path is complete */
    pid_t owner;
    char path[PATH_MAX];
} slots[SLOTS];

void nf_part_remove_all(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].live && slots[i].owner == getpid())
            unlink(slots[i].path);
}

static void remove_parts(int signal_number)
{
    int kept = errno;
    nf_part_remove_all();
    errno = kept;
    raise(signal_number); /* its default action is in place again: SA_RESETHAND */
}

static void catch_signals(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        struct sigaction now, ours = {.sa_handler = remove_parts, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&ours.sa_mask);
        if (sigaction(caught[i], NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
            now.sa_handler == SIG_DFL)
            sigaction(caught[i], &ours, NULL);
    }
    nf_part_catch_limit();
}

void nf_part_catch_limit(void)
{
    struct sigaction limit;
    if (sigaction(SIGXFSZ, NULL, &limit) == 0 && limit.sa_handler == SIG_DFL)
        signal(SIGXFSZ, SIG_IGN);
}

static int slot_take(const char *path)
{
    catch_signals();
    for (int i = 0; i < SLOTS && strlen(path) < sizeof slots[i].path; i++) {
        if (atomic_exchange(&slots[i].taken, true))
            continue;
        memcpy(slots[i].path, path, strlen(path) + 1);
        slots[i].owner = getpid();
        atomic_signal_fence(memory_order_seq_cst);
        slots[i].live = 1;
        return i;
    }
    return -1;
}

static void slot_release(int slot)
{
    if (slot < 0)
        return;
    slots[slot].live = 0;
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store(&slots[slot].taken, false);
}

/* ---- names and checks ---- */

static void part_free(nf_part *part)
{
    slot_release(part->slot);
    free(part->target);
    free(part->path);
    *part = (nf_part){.slot = -1};
}

/* The folder part of a path, "." if there is none; the caller frees it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static nf_status check_folder(const char *target)
{
    char *folder = folder_of(target);
    struct stat info;
    nf_status status = NF_OK;
    if (folder == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    if (stat(folder, &info) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: folder %s: %s; make it first", target,
                         folder, strerror(errno));
    else if (!S_ISDIR(info.st_mode))
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s is no folder", target, folder);
    else if (access(folder, W_OK | X_OK) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: folder %s: %s", target, folder,
                         strerror(errno));
    free(folder);
    return status;
}

static nf_status check_target(const char *target)
{
    struct stat info;
    size_t length = strlen(target);
    if (length == 0)
        return nf_fail(NF_ERR_USAGE, "the output's file name is empty");
    bool exists = stat(target, &info) == 0;
    if (!exists && errno == ENAMETOOLONG)
        return nf_fail(NF_ERR_USAGE, "%s: the output's name is too long for its folder", target);
    if (target[length - 1] == '/' || (exists && S_ISDIR(info.st_mode)))
        return nf_fail(NF_ERR_FILE, "%s: is a directory; name a file in it", target);
    if (exists && !S_ISREG(info.st_mode))
        return nf_fail(NF_ERR_FILE,
                       "%s: is no regular file; the output takes the place of its "
                       "target when complete, so name a plain file",
                       target);
    if (exists && access(target, W_OK) != 0)
        return nf_fail(NF_ERR_FILE, "%s: exists and cannot be overwritten: %s", target,
                       strerror(errno));
    return check_folder(target);
}

nf_status nf_part_check(const char *file)
{
    return check_target(file);
}

/* The beginning that the names of a target's part files have on this host, `.NAME.HOST.`; the
 * caller frees it. NULL: no memory. */
static char *part_prefix(const char *target)
{
    const char *slash = strrchr(target, '/');
    char host[HOST_KEPT + 1] = "", *prefix = NULL;
    if (gethostname(host, sizeof host - 1) != 0)
        strcpy(host, "localhost");
    if (asprintf(&prefix, ".%.*s.%s.", NAME_KEPT, slash == NULL ? target : slash + 1, host) < 0)
        return NULL;
    return prefix;
}

static char *part_name(const char *target)
{
    char *prefix = part_prefix(target), *folder = folder_of(target), *path = NULL;
    if (prefix == NULL || folder == NULL ||
        asprintf(&path, "%s/%s%ld.part", folder, prefix, (long)getpid()) < 0)
        path = NULL;
    free(prefix);
    free(folder);
    return path;
}

bool nf_part_is_left(const char *name, const char *prefix, const char *suffix)
{
    size_t length = strlen(prefix);
    char *end;
    if (strncmp(name, prefix, length) != 0 || name[length] < '1' || name[length] > '9')
        return false;
    long pid = strtol(name + length, &end, 10);
    return strcmp(end, suffix) == 0 && pid <= INT_MAX && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void remove_left(const char *target)
{
    char *prefix = part_prefix(target), *folder = folder_of(target);
    DIR *list = prefix == NULL || folder == NULL ? NULL : opendir(folder);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        if (nf_part_is_left(entry->d_name, prefix, ".part"))
            unlinkat(dirfd(list), entry->d_name, 0);
    if (list != NULL)
        closedir(list);
    free(prefix);
    free(folder);
}

/* The target, checked; the part file has no name yet. Frees *part after a failure. */
static nf_status part_target(const char *file, nf_part *part)
{
    *part = (nf_part){.slot = -1};
    nf_status status = check_target(file);
    if (status != NF_OK)
        return status;
    part->target = realpath(file, NULL);
    struct stat link;
    if (part->target == NULL && lstat(file, &link) == 0)
        return nf_fail(NF_ERR_FILE,
                       "%s: is a link that leads nowhere (%s): remove it, or name its target", file,
                       strerror(errno));
    part->existed = part->target != NULL;
    if (part->target == NULL)
        part->target = strdup(file); /* a new file */
    if (part->target == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    status = check_folder(part->target);
    if (status != NF_OK)
        part_free(part);
    return status;
}

static nf_status remove_file(const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return NF_OK;
    return nf_fail(NF_ERR_FILE, "%s: cannot be removed: %s", path, strerror(errno));
}

nf_status nf_part_begin(const char *file, nf_part *part)
{
    nf_status status = part_target(file, part);
    if (status != NF_OK)
        return status;
    part->path = part_name(part->target);
    status = part->path != NULL ? remove_file(part->path)
                                : nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    if (status != NF_OK) {
        part_free(part);
        return status;
    }
    if (!nf_part_many)
        remove_left(part->target);
    part->slot = slot_take(part->path);
    return NF_OK;
}

static char *lasting_name(const char *target)
{
    const char *slash = strrchr(target, '/');
    const char *name = slash == NULL ? target : slash + 1;
    char *path = NULL;
    if (asprintf(&path, "%.*s.%.*s.resume.part", (int)(name - target), target, NAME_KEPT, name) < 0)
        return NULL;
    return path;
}

bool nf_part_has_lasting(const char *target)
{
    char *path = lasting_name(target);
    bool has = path != NULL && access(path, F_OK) == 0;
    free(path);
    return has;
}

void nf_part_discard_lasting(const char *target)
{
    char *path = lasting_name(target);
    if (path != NULL)
        unlink(path);
    free(path);
}

nf_status nf_part_begin_lasting(const char *file, bool again, nf_part *part)
{
    nf_status status = part_target(file, part);
    if (status != NF_OK)
        return status;
    part->lasting = true;
    part->path = lasting_name(part->target);
    if (part->path == NULL)
        status = nf_fail(NF_ERR_MEMORY, "no memory for a file name");
    else if (!again)
        status = remove_file(part->path);
    else if (access(part->path, R_OK | W_OK) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be taken up: %s", part->path, strerror(errno));
    catch_signals();
    if (status != NF_OK)
        part_free(part);
    return status;
}

/* ---- the end ---- */

static nf_status flush_file(const char *path, const char *target)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool fine = fd >= 0 && fsync(fd) == 0;
    nf_status status = NF_OK;
    if (!fine)
        status = nf_fail(NF_ERR_FILE, "%s: what was written does not reach the disk: %s", target,
                         strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

/* The rename itself must survive a crash. Some file systems cannot flush a folder: not an error. Frees the
 * name. */
static void flush_folder(char *folder)
{
    int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* The folder in which names have changed since it was flushed; NULL: none. */
static char *unflushed;
static pthread_mutex_t unflushed_lock = PTHREAD_MUTEX_INITIALIZER;

/* Makes `folder` the one that is to be flushed; the one before, if it is another one, is. */
static void flush_later(char *folder)
{
    pthread_mutex_lock(&unflushed_lock);
    char *before = unflushed;
    bool same = before != NULL && folder != NULL && strcmp(before, folder) == 0;
    if (!same)
        unflushed = folder;
    pthread_mutex_unlock(&unflushed_lock);
    if (same)
        free(folder);
    else
        flush_folder(before);
}

void nf_part_flush(void)
{
    flush_later(NULL);
}

/* rename(2), but for a target that must not be there. Some file systems cannot do that in one: they
 * make a second name instead, which fails where there is one. */
static int rename_new(const char *from, const char *to)
{
    int result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (result == 0 || (errno != EINVAL && errno != ENOSYS))
        return result;
    return link(from, to) == 0 ? unlink(from) : -1;
}

nf_status nf_part_commit(nf_part *part)
{
    bool new = part->no_clobber && !part->existed;
    struct stat old;
    nf_status status = flush_file(part->path, part->target);
    if (status == NF_OK && stat(part->target, &old) == 0 && S_ISREG(old.st_mode) &&
        chmod(part->path, old.st_mode & 0777) != 0)
        status =
            nf_fail(NF_ERR_FILE, "%s: its mode cannot be kept: %s", part->target, strerror(errno));
    if (status == NF_OK &&
        (new ? rename_new(part->path, part->target) : rename(part->path, part->target)) != 0)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be replaced by the finished file: %s",
                         part->target, strerror(errno));
    if (status != NF_OK) {
        nf_part_abort(part);
        return status;
    }
    if (nf_part_many)
        flush_later(folder_of(part->target));
    else
        flush_folder(folder_of(part->target));
    part_free(part);
    return NF_OK;
}

void nf_part_abort(nf_part *part)
{
    if (part->path != NULL && !part->lasting)
        unlink(part->path);
    part_free(part);
}

/* Whether a name is that of a part file of a target, of whatever host and process. */
static bool is_part_of(const char *name, const char *target)
{
    size_t length = strnlen(target, NAME_KEPT), end = strlen(name), suffix = strlen(".part");
    if (name[0] != '.' || strncmp(name + 1, target, length) != 0 || name[1 + length] != '.' ||
        end < length + 2 + suffix || strcmp(name + end - suffix, ".part") != 0)
        return false;
    for (end -= suffix; name[end - 1] >= '0' && name[end - 1] <= '9'; end--)
        ;
    return name[end] != '.' && name[end - 1] == '.' && end > length + 2;
}

void nf_part_sweep(const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash == NULL ? file : slash + 1;
    char *folder = folder_of(file);
    DIR *list = folder != NULL ? opendir(folder) : NULL;
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        if (is_part_of(entry->d_name, name))
            unlinkat(dirfd(list), entry->d_name, 0);
    if (list != NULL)
        closedir(list);
    free(folder);
}

/* ---- copies ---- */

static bool copy_plain(int in, int out)
{
    enum { PIECE = 1 << 16 };
    char piece[PIECE];
    for (;;) {
        ssize_t got = read(in, piece, PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(out, piece + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR)
                return false;
            done += put > 0 ? put : 0;
        }
    }
}

static bool copy_bytes(int in, int out)
{
    for (;;) {
        ssize_t moved = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0 && errno != ENOSPC && errno != EFBIG && errno != EIO && errno != EDQUOT)
            return copy_plain(in, out); /* goes on from the files' positions */
        if (moved <= 0)
            return moved == 0;
    }
}

nf_status nf_file_copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", from, strerror(errno));
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    nf_status status = NF_OK;
    if (out < 0 || !copy_bytes(in, out))
        status = nf_fail(NF_ERR_FILE, "%s: cannot be copied to %s: %s", from, to, strerror(errno));
    if (out >= 0 && close(out) != 0 && status == NF_OK)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", to, strerror(errno));
    close(in);
    return status;
}
