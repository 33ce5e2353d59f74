#include "drivers/readfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/team.h"
#include "drivers/study/stats.h"

enum { PIECE = 1 << 16 };

/* A partial result: int64 numbers that add up. */
typedef struct sums {
    int64_t sum, bytes;
} sums;

/* ---- trouble ---- */

/* The first that any thread had since it was asked for. */
static atomic_bool troubled;
static char sentence[PATH_MAX + 256];

static void note(const char *name, const char *problem)
{
    if (!atomic_exchange(&troubled, true))
        snprintf(sentence, sizeof sentence, "%s/%s: %s", nf_small_files_path(), name, problem);
}

static const char *trouble(void)
{
    return atomic_exchange(&troubled, false) ? sentence : NULL;
}

/* ---- the arithmetic ---- */

static int64_t add_up(const unsigned char *bytes, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += bytes[i];
    return (int64_t)sum;
}

/* All bytes of an open file; -1: it cannot be read. */
static int64_t read_all(int fd, sums *to)
{
    unsigned char piece[PIECE];
    int64_t bytes = 0;
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -1;
        to->sum += n > 0 ? add_up(piece, (size_t)n) : 0;
        bytes += n > 0 ? n : 0;
    }
    to->bytes += bytes;
    return bytes;
}

static void read_file(int64_t bytes, int64_t file, bool drop, sums *to)
{
    char name[NF_SMALL_NAME], problem[200];
    nf_small_file_name(bytes, file, name);
    int fd = openat(nf_small_files_folder(), name, O_RDONLY | O_CLOEXEC);
    int64_t n = fd >= 0 ? read_all(fd, to) : -1;
    if (n < 0) {
        snprintf(problem, sizeof problem, "cannot be read: %s", strerror(errno));
        note(name, problem);
    } else if (n != bytes) {
        snprintf(problem, sizeof problem, "has %lld bytes, not %lld as it was written",
                 (long long)n, (long long)bytes);
        note(name, problem);
    }
    if (fd >= 0 && drop)
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (fd >= 0)
        close(fd);
}

static void apply(const nf_tile *tile, const void *config, void *partial)
{
    const nf_small_set *set = config;
    for (int64_t i = tile->lo[2]; i < tile->lo[2] + tile->size[2]; i++)
        read_file(set->bytes, i, true, partial);
}

static void fold(void *into, const void *next, const void *config)
{
    (void)config;
    ((sums *)into)->sum += ((const sums *)next)->sum;
    ((sums *)into)->bytes += ((const sums *)next)->bytes;
}

static void send(const sums *all, nf_sink *out)
{
    out->integer(out, "sum", 0, (uint64_t)all->sum);
    out->integer(out, "bytes", 0, (uint64_t)all->bytes);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    (void)config;
    send(partial, out);
}

/* Without the files: of what was to be written to them. */
static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    const nf_small_set *set = config;
    sums all = {0, set->files * set->bytes};
    (void)in;
    for (int64_t file = 0; file < set->files; file++)
        for (int64_t at = 0; at < set->bytes; at += PIECE) {
            unsigned char piece[PIECE];
            size_t n = set->bytes - at < PIECE ? (size_t)(set->bytes - at) : PIECE;
            nf_small_file_contents(file, at, piece, n);
            all.sum += add_up(piece, n);
        }
    send(&all, out);
}

/* ---- the kernel ---- */

static nf_status prepare(nf_setup *setup)
{
    nf_small_set *set = setup->alloc(setup, sizeof *set);
    if (set == NULL)
        return NF_ERR_MEMORY;
    *set = (nf_small_set){setup->values[0].integer, setup->values[1].integer};
    setup->config = set;
    setup->indices = set->files;
    setup->a_tile = 1;
    setup->partial_bytes = sizeof(sums);
    setup->flops_per_cell = (double)set->bytes;
    setup->bytes_per_cell = 0;
    return NF_OK;
}

static const nf_param params[] = {
    {"files", NF_PARAM_INTEGER, "files", "512", 1, 1 << 24, NULL, "how many are read"},
    {"bytes", NF_PARAM_INTEGER, "bytes", "16384", 1, 1 << 30, NULL, "how large each is"},
    {0}};

const nf_kernel nf_kernel_readfiles = {
    .name = "readfiles",
    .summary = "sum of the bytes of many small files, each read from the disk again: waits",
    .kind = NF_RANGE,
    .waits = true,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_NONE] = apply},
    .trouble = trouble,
    .fold = fold,
    .any_order = true,
    .adds = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 0,
    .grows = "files",
};

nf_small_set nf_readfiles_needs(const nf_chain *chain)
{
    if (chain->stages[0].kernel != &nf_kernel_readfiles)
        return (nf_small_set){0, 0};
    return *(const nf_small_set *)chain->stages[0].setup.config;
}

/* ---- what reading one takes ---- */

enum { PROBED = 64 };

/* The median over the first files, of which there are n. */
static double time_files(const nf_small_set *set, size_t n, bool drop)
{
    double seconds[PROBED];
    sums unused = {0, 0};
    for (size_t i = 0; i < n; i++) {
        double start = nf_seconds();
        read_file(set->bytes, (int64_t)i, drop, &unused);
        seconds[i] = nf_seconds() - start;
    }
    return nf_median(seconds, n);
}

nf_status nf_readfiles_probe(const nf_small_set *set, nf_readfiles_cost *cost)
{
    const size_t n = set->files < PROBED ? (size_t)set->files : PROBED;
    time_files(set, n, true); /* the folder's own pages are there from now on */
    cost->dropped = time_files(set, n, false);
    cost->kept = time_files(set, n, true);
    const char *wrong = trouble();
    return wrong == NULL ? NF_OK : nf_fail(NF_ERR_FILE, "%s", wrong);
}
