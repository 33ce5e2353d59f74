/* Files that lie: samples of every format, cut short at 200 places and with bytes changed at 2,000, are read under
 * the address and undefined-behaviour sanitizers. Each must be read or refused with a message that names the file;
 * a crash, a hang, a leak, or memory beyond the limit is a failure. Samples are read in child processes, which tell
 * the parent where they are.
 *
 * What the HDF5 library does by itself is counted apart: it is not built with sanitizers, and version 1.10 is known
 * to believe what it reads. io/hdf5_crash.c is what stands between that and the user.
 *
 * test_fuzz SUFFIX: the samples whose names end so. test_fuzz SAMPLE CASE: that one case alone, in this process. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>

#include "io/array.h"
#include "io/image.h"
#include "tests/fuzz_samples.h"
#include "tests/suite.h"

enum {
    TRUNCATIONS = 200,
    FLIPS = 2000,
    CASES = TRUNCATIONS + FLIPS,
    BATCH = 550,  /* cases of one child */
    SECONDS = 10, /* for one case */
    SAMPLE_ROOM = 1 << 16,
    PIXELS = 1 << 18,     /* nf_max_pixels */
    ARRAY_BYTES = 1 << 24 /* larger ones are opened and not read: the caller cannot hold them */
};

/* One allocation, and all memory of a process, in MiB: far more than any sample needs. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=64:hard_rss_limit_mb=768:allocator_may_return_null=0:"
           "detect_leaks=1:leak_check_at_exit=0";
}
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

static const nf_world alone = {.size = 1, .threads = 1};
static char folder[128];
static const char *suffix = "";

/* What a child tells. */
static struct progress {
    int at; /* the case that it is in */
    int read, refused, library;
    bool bad;  /* the case broke a rule, and said so */
    bool hdf5; /* what the sanitizer found is HDF5's own */
} * progress;

/* Whose the error is: that of the library that called what the sanitizer has in its place. */
static void on_report(const char *report)
{
    const char *caller = strstr(report, "#1 ");
    const char *end = caller == NULL ? NULL : strchr(caller, '\n');
    const char *library = caller == NULL ? NULL : strstr(caller, "libhdf5");
    const char *own = strstr(report, "libhdf5"), *first = strstr(report, "#0 ");
    const char *line = first == NULL ? NULL : strchr(first, '\n');
    progress->hdf5 =
        (library != NULL && library < end) || (own != NULL && line != NULL && own < line);
}

/* ---- one case ---- */

static uint32_t next_random(uint64_t *state) /* Knuth's linear congruential generator */
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Where the sample is cut: half of the places in its first 2000 bytes, where headers are. */
static size_t cut_at(size_t count, int which)
{
    size_t head = count < 2000 ? count : 2000, half = TRUNCATIONS / 2, i = (size_t)which;
    return i < half ? head * i / half : count * (i - half) / half;
}

static void change(unsigned char *bytes, size_t count, int which)
{
    static const unsigned char odd[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    uint64_t state = (uint64_t)which * 0x9e3779b97f4a7c15u;
    for (uint32_t n = next_random(&state) % 4 + 1; n > 0; n--) {
        size_t room = next_random(&state) % 2 ? count : count < 700 ? count : 700;
        unsigned char *at = bytes + next_random(&state) % room;
        switch (next_random(&state) % 3) {
        case 0:
            *at ^= (unsigned char)(1u << next_random(&state) % 8);
            break;
        case 1:
            *at = odd[next_random(&state) % sizeof odd];
            break;
        default:
            *at = (unsigned char)next_random(&state);
        }
    }
}

static nf_status read_array(const fuzz_sample *sample, const char *path)
{
    char typed[300];
    snprintf(typed, sizeof typed, "%s%s", path, sample->dataset != NULL ? sample->dataset : "");
    nf_array_reader *reader;
    nf_shape shape;
    nf_field field;
    nf_halo none = {{0}, {0}};
    nf_status status = nf_array_open(&alone, typed, NULL, &reader, &shape);
    if (status != NF_OK)
        return status;
    if (nf_shape_bytes(&shape) <= ARRAY_BYTES) {
        nf_cut cut = nf_cut_choose(&shape, 1, &none, NULL);
        status = nf_field_create(&field, &cut, 0, &none);
        if (status == NF_OK)
            status = nf_array_read(&alone, reader, &field);
        nf_field_free(&field);
    }
    nf_array_close(reader);
    return status;
}

/* Whether the rules are kept. */
static bool run_case(const fuzz_sample *sample, const unsigned char *whole, size_t count, int which)
{
    static unsigned char bytes[SAMPLE_ROOM];
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, sample->name);
    memcpy(bytes, whole, count);
    bool cut = which < TRUNCATIONS;
    size_t length = cut ? cut_at(count, which) : count;
    if (!cut)
        change(bytes, count, which);
    if (!cut && which % 2 && sample->repair != NULL)
        sample->repair(bytes, count);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || close(fd) != 0)
        return false;
    alarm(SECONDS);
    nf_status status = read_array(sample, path);
    alarm(0);
    *(status == NF_OK ? &progress->read : &progress->refused) += 1;
    if (cut && status == NF_OK)
        printf("\n    %s, case %d: cut at byte %zu of %zu and read nevertheless", sample->name,
               which, length, count);
    bool named = status == NF_OK || strstr(nf_message(status), sample->name) != NULL;
    if (!named)
        printf("\n    %s, case %d: the message does not name it: %s", sample->name, which,
               nf_message(status));
    return named && !(cut && status == NF_OK);
}

/* ---- one sample ---- */

static size_t load_sample(const fuzz_sample *sample, unsigned char *bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, sample->name);
    if (!sample->make(path, sample->how) || read_array(sample, path) != NF_OK)
        return 0;
    FILE *file = fopen(path, "rb");
    size_t count = file == NULL ? 0 : fread(bytes, 1, SAMPLE_ROOM, file);
    if (file != NULL)
        fclose(file);
    return count < SAMPLE_ROOM ? count : 0;
}

static void run_batch(const fuzz_sample *sample, const unsigned char *bytes, size_t count, int end)
{
    __asan_set_error_report_callback(on_report);
    for (int i = progress->at; i < end; i++) {
        progress->at = i;
        progress->bad |= !run_case(sample, bytes, count, i);
    }
    progress->at = end;
    progress->bad |= __lsan_do_recoverable_leak_check() != 0;
    fflush(stdout);
    _exit(0);
}

/* How many cases broke the rules, at least. */
static int run_sample(const fuzz_sample *sample, const unsigned char *bytes, size_t count)
{
    int failures = 0;
    *progress = (struct progress){.at = 0};
    while (progress->at < CASES) {
        int state, end = progress->at + BATCH < CASES ? progress->at + BATCH : CASES;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            run_batch(sample, bytes, count, end);
        if (child < 0 || waitpid(child, &state, 0) != child)
            return -1;
        failures += progress->bad;
        progress->bad = false;
        if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
            continue;
        if (progress->hdf5)
            progress->library++;
        else
            failures++;
        printf("\n    %s, case %d: %s%s %d", sample->name, progress->at,
               progress->hdf5 ? "in HDF5 itself: " : "",
               WIFSIGNALED(state) ? "signal" : "exit status",
               WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state));
        progress->hdf5 = false;
        progress->at++; /* the others all the same */
    }
    return failures;
}

static void test_samples(void)
{
    static unsigned char bytes[SAMPLE_ROOM];
    for (const fuzz_sample *sample = fuzz_samples; sample->name != NULL; sample++) {
        if (strcmp(sample->name + strlen(sample->name) - strlen(suffix), suffix) != 0)
            continue;
        size_t count = load_sample(sample, bytes);
        CU_ASSERT(count > 0);
        if (count == 0) {
            printf("\n    %s: cannot be made or read: %s", sample->name, nf_message(NF_ERR_FILE));
            continue;
        }
        int failures = run_sample(sample, bytes, count);
        printf("\n    %-16s %5zu bytes: %4d read, %4d refused, %d in HDF5 itself, %d wrong",
               sample->name, count, progress->read, progress->refused, progress->library, failures);
        CU_ASSERT_EQUAL(failures, 0);
        CU_ASSERT(progress->refused >= TRUNCATIONS);
    }
}

/* ---- main ---- */

static int run_one(const char *name, int which)
{
    static unsigned char bytes[SAMPLE_ROOM];
    for (const fuzz_sample *sample = fuzz_samples; sample->name != NULL; sample++)
        if (strcmp(sample->name, name) == 0) {
            size_t count = load_sample(sample, bytes);
            bool fine = count > 0 && run_case(sample, bytes, count, which);
            printf("%s; the last message: %s\n", fine ? "fine" : "wrong", nf_message(NF_ERR_FILE));
            return fine ? EXIT_SUCCESS : EXIT_FAILURE;
        }
    fprintf(stderr, "test_fuzz: no sample %s\n", name);
    return EXIT_FAILURE;
}

static void remove_samples(void)
{
    char path[256];
    for (const fuzz_sample *sample = fuzz_samples; sample->name != NULL; sample++) {
        snprintf(path, sizeof path, "%s/%s", folder, sample->name);
        unlink(path);
    }
    rmdir(folder);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"files that lie", test_samples}, CU_TEST_INFO_NULL};
    progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(folder, sizeof folder, "%s/nfold-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (progress == MAP_FAILED || mkdtemp(folder) == NULL) {
        perror(folder);
        return EXIT_FAILURE;
    }
    nf_max_pixels = PIXELS;
    suffix = argc == 2 ? argv[1] : "";
    int result = argc == 3 ? run_one(argv[1], atoi(argv[2])) : nf_suite_run("fuzz", tests, 0);
    remove_samples();
    return result;
}
