/* The kernel that reads small files: sums against the files read otherwise, the same bits from these ranks and
 * several threads, what becomes of a file that cannot be read or written, and that the files go. CTest runs it for
 * several numbers of ranks. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/engine/facts.h"
#include "drivers/engine/reference.h"
#include "drivers/readfiles.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world;
static nf_node node;
static char folder[PATH_MAX] = "/tmp/nfold-readfiles-XXXXXX"; /* rank 0's, for all */

static const nf_small_set sets[] = {{37, 1000}, {7, 70001}, {5, 1}, {3, 65536}, {11, 1000}};
enum { SETS = sizeof sets / sizeof *sets, LONGEST = PATH_MAX + NF_SMALL_NAME + 1 };

static void path_of(const nf_small_set *set, int64_t file, char path[LONGEST])
{
    char name[NF_SMALL_NAME];
    snprintf(path, LONGEST, "%s/%s", nf_small_files_path(),
             nf_small_file_name(set->bytes, file, name));
}

static nf_chain chain_of(const nf_small_set *set)
{
    char typed[100];
    nf_chain chain;
    snprintf(typed, sizeof typed, "readfiles:files=%lld,bytes=%lld", (long long)set->files,
             (long long)set->bytes);
    CU_ASSERT_FATAL(nf_chain_parse(typed, &chain) == NF_OK);
    return chain;
}

/* On all ranks: asserted on each. */
#define ALL_TRUE(here) CU_ASSERT_EQUAL(nf_sum_u64(&world, !(here)), 0)

static void make(void)
{
    ALL_TRUE(nf_small_files_make(&world, &node, folder, sets, SETS) == NF_OK);
}

/* ---- sums ---- */

/* Byte by byte, by the C library. */
static uint64_t read_otherwise(const nf_small_set *set)
{
    uint64_t sum = 0;
    char path[LONGEST];
    for (int64_t i = 0; i < set->files; i++) {
        path_of(set, i, path);
        FILE *file = fopen(path, "r");
        int64_t bytes = 0;
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        for (int c; (c = getc(file)) != EOF; bytes++)
            sum += (uint64_t)c;
        fclose(file);
        CU_ASSERT_EQUAL(bytes, set->bytes);
    }
    return sum;
}

static bool has_sum(const nf_results *results, uint64_t sum, uint64_t bytes)
{
    return results->count == 2 && strcmp(results->numbers[0].name, "sum") == 0 &&
           results->numbers[0].low == sum && results->numbers[0].high == 0 &&
           results->numbers[1].low == bytes && results->numbers[1].high == 0;
}

static void test_sums(void)
{
    make();
    for (size_t s = 0; s < SETS; s++) {
        nf_chain chain = chain_of(&sets[s]);
        uint64_t sum = world.rank == 0 ? read_otherwise(&sets[s]) : 0;
        for (int threads = 1; threads <= 9; threads += 4) {
            nf_world part = world;
            part.threads = threads;
            nf_outcome o = nf_test_drive(&part, &chain, NULL, NULL, NULL);
            ALL_TRUE(o.status == NF_OK);
            ALL_TRUE(world.rank > 0 ||
                     has_sum(&o.results, sum, (uint64_t)(sets[s].files * sets[s].bytes)));
            nf_outcome_free(&o);
        }
        ALL_TRUE(world.rank > 0 || nf_check_chain(&chain, NULL, NULL, NULL) == NF_OK);
        nf_chain_free(&chain);
    }
    nf_small_files_remove();
}

/* Files differ from one another, and do not depend on where their reading begins. */
static void test_contents(void)
{
    unsigned char whole[64], part[64], other[64];
    nf_small_file_contents(3, 0, whole, 64);
    nf_small_file_contents(3, 24, part, 40);
    nf_small_file_contents(4, 0, other, 64);
    CU_ASSERT(memcmp(whole + 24, part, 40) == 0);
    CU_ASSERT(memcmp(whole, other, 64) != 0);
}

/* Whether any page of a file is in the page cache. */
static bool is_cached(const char *path, int64_t bytes)
{
    unsigned char pages[64] = {0};
    int fd = open(path, O_RDONLY);
    void *at = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0);
    bool any = false;
    CU_ASSERT_FATAL(fd >= 0 && at != MAP_FAILED);
    CU_ASSERT_FATAL(mincore(at, (size_t)bytes, pages) == 0);
    for (size_t i = 0; i < sizeof pages; i++)
        any |= pages[i] & 1;
    munmap(at, (size_t)bytes);
    close(fd);
    return any;
}

static size_t count_cached(const nf_small_set *set)
{
    char path[LONGEST];
    size_t n = 0;
    for (int64_t i = 0; i < set->files; i++) {
        path_of(set, i, path);
        n += is_cached(path, set->bytes);
    }
    return n;
}

/* On file systems where dropping a file works (tmpfs has no disk to read from again), each is dropped
 * when it was made, and when it was read. */
static void test_dropped(void)
{
    make();
    nf_chain chain = chain_of(&sets[1]);
    bool works = false;
    if (world.rank == 0) {
        char path[LONGEST];
        CU_ASSERT(count_cached(&sets[1]) == 0 || count_cached(&sets[1]) == 7);
        works = count_cached(&sets[1]) == 0;
        read_otherwise(&sets[1]);
        CU_ASSERT_EQUAL(count_cached(&sets[1]), 7);
        path_of(&sets[1], 0, path);
        int fd = open(path, O_RDONLY);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
        CU_ASSERT_EQUAL(works, !is_cached(path, sets[1].bytes));
    }
    nf_barrier(&world);
    nf_outcome o = nf_test_drive(&world, &chain, NULL, NULL, NULL);
    ALL_TRUE(o.status == NF_OK && (!works || count_cached(&sets[1]) == 0));
    nf_outcome_free(&o);
    nf_chain_free(&chain);
    nf_readfiles_cost cost;
    ALL_TRUE(world.rank > 0 || nf_readfiles_probe(&sets[1], &cost) == NF_OK);
    ALL_TRUE(world.rank > 0 || (cost.dropped > 0 && cost.kept > 0));
    ALL_TRUE(!works || count_cached(&sets[1]) == 0);
    nf_barrier(&world);
    nf_small_files_remove();
}

/* ---- trouble ---- */

/* Every rank fails, and knows why. */
static void expect_trouble(nf_chain *chain, const char *name, const char *problem)
{
    nf_world part = world;
    part.threads = 3;
    nf_outcome o = nf_test_drive(&part, chain, NULL, NULL, NULL);
    const char *message = nf_message(o.status);
    ALL_TRUE(o.status == NF_ERR_FILE && strstr(message, name) != NULL &&
             strstr(message, problem) != NULL);
    nf_outcome_free(&o);
}

static void test_trouble(void)
{
    make();
    nf_chain chain = chain_of(&sets[0]);
    unsigned char bytes[1000];
    char path[LONGEST];
    path_of(&sets[0], 36, path); /* the last rank's */
    nf_small_file_contents(36, 0, bytes, sizeof bytes);
    if (world.rank == 0)
        CU_ASSERT_FATAL(truncate(path, 10) == 0);
    nf_barrier(&world);
    expect_trouble(&chain, "1000-36", "has 10 bytes, not 1000");
    if (world.rank == 0)
        CU_ASSERT_FATAL(unlink(path) == 0);
    nf_barrier(&world);
    expect_trouble(&chain, "1000-36", "cannot be read: No such file");
    if (world.rank == 0) {
        FILE *file = fopen(path, "w");
        CU_ASSERT_FATAL(file != NULL && fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes);
        fclose(file);
    }
    nf_barrier(&world);
    nf_outcome o = nf_test_drive(&world, &chain, NULL, NULL, NULL); /* it is forgotten */
    ALL_TRUE(o.status == NF_OK);
    nf_outcome_free(&o);
    nf_chain_free(&chain);
    nf_small_files_remove();
}

static void test_not_made(void)
{
    char missing[PATH_MAX + 8];
    struct rlimit limit, small;
    snprintf(missing, sizeof missing, "%s/none", folder);
    nf_status status = nf_small_files_make(&world, &node, missing, sets, SETS);
    ALL_TRUE(status == NF_ERR_FILE && strstr(nf_message(status), "cannot be made") != NULL);
    nf_small_files_remove();
    CU_ASSERT_FATAL(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    small = limit;
    small.rlim_cur = 5000; /* the files of 70001 bytes are too many */
    setrlimit(RLIMIT_FSIZE, &small);
    status = nf_small_files_make(&world, &node, folder, sets, SETS);
    setrlimit(RLIMIT_FSIZE, &limit);
    ALL_TRUE(status == NF_ERR_FILE && strstr(nf_message(status), "70001-0: cannot be written"));
    nf_small_files_remove();
    nf_barrier(&world);
    ALL_TRUE(rmdir(folder) == 0 || errno == ENOENT); /* nothing is left in it */
    nf_barrier(&world);
    ALL_TRUE(world.rank > 0 || mkdir(folder, 0700) == 0);
}

/* ---- folders ---- */

static void test_removed(void)
{
    char path[PATH_MAX];
    make();
    snprintf(path, sizeof path, "%s", nf_small_files_path());
    ALL_TRUE(access(path, F_OK) == 0 && nf_small_files_folder() >= 0);
    nf_barrier(&world);
    nf_small_files_remove();
    nf_barrier(&world);
    ALL_TRUE(access(path, F_OK) != 0 && nf_small_files_folder() < 0);
}

/* A folder as a process leaves it that is killed; returns its path. */
static void leave(const char *host, long pid, char path[PATH_MAX + 200])
{
    char file[PATH_MAX + 300];
    snprintf(path, PATH_MAX + 200, "%s/.readfiles.%s.%ld", folder, host, pid);
    snprintf(file, sizeof file, "%s/1000-0", path);
    CU_ASSERT_FATAL(mkdir(path, 0700) == 0);
    FILE *made = fopen(file, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    fclose(made);
}

static void test_left(void)
{
    char host[65] = "", dead[PATH_MAX + 200], alive[PATH_MAX + 200], far[PATH_MAX + 200];
    gethostname(host, sizeof host - 1);
    if (world.rank == 0) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
        leave(host, child, dead);
        leave(host, getppid(), alive);
        leave("elsewhere", child, far);
    }
    make();
    if (world.rank == 0) {
        CU_ASSERT(access(dead, F_OK) != 0);
        CU_ASSERT(access(alive, F_OK) == 0 && access(far, F_OK) == 0);
        char command[3 * PATH_MAX];
        snprintf(command, sizeof command, "rm -r '%s' '%s'", alive, far);
        CU_ASSERT(system(command) == 0);
    }
    nf_small_files_remove();
    nf_barrier(&world);
}

/* A node that does not see rank 0's folder: every rank a node of its own, with a folder that is there on
 * rank 0 alone. */
static void test_elsewhere(void)
{
    const nf_node apart = {.rank = 0, .size = 1, .nodes = world.size};
    char here[PATH_MAX], own[PATH_MAX + 24], path[LONGEST];
    snprintf(own, sizeof own, "%s/node%d", folder, world.rank);
    CU_ASSERT_FATAL(getcwd(here, sizeof here) != NULL && mkdir(own, 0700) == 0);
    CU_ASSERT_FATAL(chdir(own) == 0 && (world.rank > 0 || mkdir("study", 0700) == 0));
    ALL_TRUE(nf_small_files_make(&world, &apart, "study", sets, SETS) == NF_OK);
    path_of(&sets[1], 6, path);
    ALL_TRUE(access(path, R_OK) == 0);
    nf_chain chain = chain_of(&sets[1]);
    nf_outcome o = nf_test_drive(&world, &chain, NULL, NULL, NULL);
    ALL_TRUE(o.status == NF_OK &&
             (world.rank > 0 || has_sum(&o.results, read_otherwise(&sets[1]), 7 * 70001)));
    nf_outcome_free(&o);
    nf_chain_free(&chain);
    nf_small_files_remove();
    ALL_TRUE((access("study", F_OK) == 0) == (world.rank == 0));
    ALL_TRUE((world.rank > 0 || rmdir("study") == 0) && chdir(here) == 0 && rmdir(own) == 0);
}

/* ---- how it is driven ---- */

/* A file a tile, so that any number of threads shares them out evenly. */
static void test_tiles(void)
{
    const nf_small_set many = {512, 16384};
    nf_world part = world;
    nf_plan *plan;
    nf_pass_facts facts;
    nf_chain chain = chain_of(&many);
    part.threads = 16;
    CU_ASSERT_FATAL(nf_plan_create(&part, NULL, &chain, 1, NULL, &plan) == NF_OK);
    nf_plan_tell_pass(plan, 0, &facts);
    ALL_TRUE(facts.tile[2] == 1 && (world.rank > 0 || facts.tiles == 512));
    nf_plan_free(plan);
    nf_chain_free(&chain);
}

static void test_registry(void)
{
    static nf_kernel others[NF_MAX_ADDED];
    static char names[NF_MAX_ADDED][8];
    nf_kernel same = *nf_kernel_find("sum");
    size_t n = 0, added = 0;
    CU_ASSERT(nf_kernel_find("readfiles") == &nf_kernel_readfiles && nf_kernel_readfiles.waits);
    CU_ASSERT(!nf_kernel_add(&nf_kernel_readfiles) && !nf_kernel_add(&same));
    while (nf_kernel_at(n) != NULL)
        n++;
    CU_ASSERT(nf_kernel_at(n - 1) == &nf_kernel_readfiles);
    for (size_t i = 0; i < NF_MAX_ADDED; i++) {
        snprintf(names[i], sizeof names[i], "k%zu", i);
        others[i] = nf_kernel_readfiles;
        others[i].name = names[i];
        added += nf_kernel_add(&others[i]);
    }
    CU_ASSERT_EQUAL(added, NF_MAX_ADDED - 1);
    CU_ASSERT(nf_kernel_at(n + added) == NULL && nf_kernel_at(n + added - 1) == &others[added - 1]);
    CU_ASSERT_PTR_NULL(nf_kernel_at(SIZE_MAX));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"sums", test_sums},
        {"contents", test_contents},
        {"the page cache", test_dropped},
        {"trouble", test_trouble},
        {"files that cannot be made", test_not_made},
        {"files go", test_removed},
        {"what killed processes left", test_left},
        {"other nodes", test_elsewhere},
        {"tiles", test_tiles},
        {"the registry", test_registry},
        CU_TEST_INFO_NULL,
    };
    if (nf_world_start(&argc, &argv, &world) != NF_OK || nf_node_find(&world, &node) != NF_OK)
        return EXIT_FAILURE;
    nf_kernel_add(&nf_kernel_readfiles);
    if (world.rank == 0 && mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    nf_broadcast(&world, folder, sizeof folder, 0);
    int status = nf_suite_run("readfiles", tests, world.rank);
    nf_barrier(&world);
    if (world.rank == 0 && rmdir(folder) != 0)
        status = EXIT_FAILURE;
    nf_node_free(&node);
    nf_world_stop(&world);
    return status;
}
