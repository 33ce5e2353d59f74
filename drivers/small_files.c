#include "drivers/small_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/part.h"

enum { HOST_KEPT = 64, PIECE = 1 << 16 };

static struct {
    char path[PATH_MAX];
    int fd;
    bool mine, made_parent; /* this process has made the folder; and the one that it is in */
    nf_small_set sets[NF_SMALL_SETS];
    size_t nsets;
    pid_t watcher; /* 0: none */
    int line;      /* to it */
} store = {.fd = -1, .line = -1};

int nf_small_files_folder(void)
{
    return store.fd;
}

const char *nf_small_files_path(void)
{
    return store.path;
}

/* ---- names and contents ---- */

const char *nf_small_file_name(int64_t bytes, int64_t file, char name[NF_SMALL_NAME])
{
    snprintf(name, NF_SMALL_NAME, "%lld-%lld", (long long)bytes, (long long)file);
    return name;
}

/* The finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

void nf_small_file_contents(int64_t file, int64_t from, unsigned char *to, size_t bytes)
{
    const uint64_t seed = mix((uint64_t)file);
    uint64_t word = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (i % 8 == 0)
            word = mix(seed + (uint64_t)from / 8 + i / 8);
        to[i] = (unsigned char)(word >> (8 * (i % 8)));
    }
}

/* ---- removing ---- */

/* A shell that removes the folder once this process is gone, however it ended: a signal handler would
 * have a few milliseconds, as mpirun follows SIGTERM by SIGKILL, and none of that. It notices by its
 * standard input, a socket; a line there lets it go. In a session of its own, so that it outlives the
 * process's group. Where it cannot be started there is none. */
static void start_watcher(void)
{
    static char script[] = "trap '' INT TERM HUP; read -r line || rm -rf -- \"$0\"";
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, script, store.path, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    if (posix_spawn(&store.watcher, "/bin/sh", &files, &attributes, argv, environ) != 0)
        store.watcher = 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    store.line = ends[0];
}

static void stop_watcher(void)
{
    if (store.line < 0)
        return;
    send(store.line, "\n", 1, MSG_NOSIGNAL);
    close(store.line);
    if (store.watcher > 0)
        waitpid(store.watcher, NULL, 0);
    store.watcher = 0;
    store.line = -1;
}

static void remove_files(void)
{
    char name[NF_SMALL_NAME];
    for (size_t s = 0; s < store.nsets; s++)
        for (int64_t i = 0; i < store.sets[s].files; i++)
            unlinkat(store.fd, nf_small_file_name(store.sets[s].bytes, i, name), 0);
    rmdir(store.path);
}

void nf_small_files_remove(void)
{
    if (store.mine && store.fd >= 0)
        remove_files();
    stop_watcher();
    if (store.made_parent) {
        *strrchr(store.path, '/') = '\0';
        rmdir(store.path);
    }
    if (store.fd >= 0)
        close(store.fd);
    store.path[0] = '\0';
    store.fd = -1;
    store.mine = store.made_parent = false;
    store.nsets = 0;
}

/* ".readfiles.HOST." */
static void folder_prefix(char prefix[HOST_KEPT + 16])
{
    char host[HOST_KEPT + 1] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        strcpy(host, "localhost");
    snprintf(prefix, HOST_KEPT + 16, ".readfiles.%s.", host);
}

static void remove_tree(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        unlinkat(fd, entry->d_name, 0);
    if (list != NULL)
        closedir(list);
    else if (fd >= 0)
        close(fd);
    unlinkat(parent, name, AT_REMOVEDIR);
}

/* What processes of this host have left here that are gone. */
static void remove_left(const char *folder)
{
    char prefix[HOST_KEPT + 16];
    DIR *list = opendir(folder);
    folder_prefix(prefix);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        if (nf_part_is_left(entry->d_name, prefix, ""))
            remove_tree(dirfd(list), entry->d_name);
    if (list != NULL)
        closedir(list);
}

/* ---- making ---- */

static nf_status keep_sets(const nf_small_set *sets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t s = 0;
        while (s < store.nsets && store.sets[s].bytes != sets[i].bytes)
            s++;
        if (s == NF_SMALL_SETS)
            return nf_fail(NF_ERR_USAGE, "small files of more than %d sizes in one study",
                           NF_SMALL_SETS);
        if (s == store.nsets)
            store.sets[store.nsets++] = (nf_small_set){0, sets[i].bytes};
        if (sets[i].files > store.sets[s].files)
            store.sets[s].files = sets[i].files;
    }
    return NF_OK;
}

static nf_status name_folder(const char *folder)
{
    char prefix[HOST_KEPT + 16];
    folder_prefix(prefix);
    int length =
        snprintf(store.path, sizeof store.path, "%s/%s%ld", folder, prefix, (long)getpid());
    if (length < (int)sizeof store.path)
        return NF_OK;
    store.path[0] = '\0';
    return nf_fail(NF_ERR_FILE, "%s: the name of this folder is too long", folder);
}

static nf_status open_folder(void)
{
    store.fd = open(store.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return store.fd >= 0
               ? NF_OK
               : nf_fail(NF_ERR_FILE, "%s: the folder of small files cannot be opened: %s",
                         store.path, strerror(errno));
}

static bool write_all(int fd, const unsigned char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno != EINTR)
            return false;
        bytes += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static bool fill_file(int fd, int64_t bytes, int64_t file)
{
    static unsigned char piece[PIECE];
    for (int64_t at = 0; at < bytes; at += PIECE) {
        size_t n = bytes - at < PIECE ? (size_t)(bytes - at) : PIECE;
        nf_small_file_contents(file, at, piece, n);
        if (!write_all(fd, piece, n))
            return false;
    }
    return fsync(fd) == 0;
}

static nf_status make_file(int64_t bytes, int64_t file)
{
    char name[NF_SMALL_NAME];
    nf_small_file_name(bytes, file, name);
    int fd = openat(store.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool fine = fd >= 0 && fill_file(fd, bytes, file);
    int reason = errno;
    if (fine)
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (fd >= 0 && close(fd) != 0 && fine) {
        fine = false;
        reason = errno;
    }
    return fine ? NF_OK
                : nf_fail(NF_ERR_FILE, "%s/%s: cannot be written: %s", store.path, name,
                          strerror(reason));
}

static nf_status make_files(void)
{
    nf_status status = NF_OK;
    if (mkdir(store.path, 0777) != 0 && errno != EEXIST)
        return nf_fail(NF_ERR_FILE, "%s: the folder of small files cannot be made: %s", store.path,
                       strerror(errno));
    store.mine = true;
    start_watcher();
    nf_part_catch_limit();
    status = open_folder();
    for (size_t s = 0; s < store.nsets; s++)
        for (int64_t i = 0; i < store.sets[s].files && status == NF_OK; i++)
            status = make_file(store.sets[s].bytes, i);
    return status;
}

/* Whether this node sees what rank 0 has made: the last file of each set. */
static bool sees_files(void)
{
    char name[NF_SMALL_NAME];
    int fd = open(store.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool all = fd >= 0;
    for (size_t s = 0; s < store.nsets && all; s++)
        all = faccessat(fd, nf_small_file_name(store.sets[s].bytes, store.sets[s].files - 1, name),
                        R_OK, 0) == 0;
    if (fd >= 0)
        close(fd);
    return all;
}

/* A node's first rank, where files that rank 0 has made are not there. */
static nf_status make_beside(const char *folder)
{
    if (sees_files())
        return NF_OK;
    store.made_parent = mkdir(folder, 0777) == 0;
    return make_files();
}

nf_status nf_small_files_make(const nf_world *world, const nf_node *node, const char *folder,
                              const nf_small_set *sets, size_t n)
{
    nf_status status = keep_sets(sets, n);
    if (status == NF_OK && world->rank == 0) {
        remove_left(folder);
        status = name_folder(folder);
        if (status == NF_OK)
            status = make_files();
    }
    status = nf_agree(world, status);
    if (status != NF_OK)
        return status;
    nf_broadcast(world, store.path, sizeof store.path, 0);
    if (node->rank == 0 && world->rank > 0)
        status = make_beside(folder);
    status = nf_agree(world, status);
    if (status == NF_OK && store.fd < 0)
        status = open_folder();
    return nf_agree(world, status);
}
