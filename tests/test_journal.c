/* The journal of what is finished: taken up after a kill, cut at every byte, changed at every byte. Whatever has
 * happened to it, no unit counts that was not noted, and none with other values. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/journal.h"
#include "io/part.h"
#include "tests/folder.h"

enum { UNITS = 12, NOTED = 9, ROOM = 4096, UNIT_BYTES = 1000 };

static char target[NAME_ROOM], journal_file[NAME_ROOM], data_file[NAME_ROOM];

static const nf_setting settings[] = {{"chain", "gaussian:sigma=2"},
                                      {"input", "photo.jpg"},
                                      {"input size", "120345"},
                                      {"shape", "512x389x3 u8"}};
enum { SETTINGS = sizeof settings / sizeof *settings };

/* In another order than that of their numbers; 3 twice. */
static const int64_t order[NOTED + 1] = {5, 0, 1, 3, 11, 2, 7, 3, 8, 10};

static nf_done unit_of(int64_t index, int turn)
{
    nf_done unit = {index, 4096 + UNIT_BYTES * index, UNIT_BYTES, 0};
    unit.hash = 0x1234567890abcdef * (uint64_t)(index + 100 * turn + 1);
    return unit;
}

static int64_t count_done(const nf_journal *journal, int64_t units)
{
    nf_done unit;
    int64_t count = 0;
    for (int64_t i = 0; i < units; i++)
        count += nf_journal_done(journal, i, &unit);
    return count;
}

static nf_status resume(nf_journal **journal)
{
    return nf_journal_resume(target, settings, SETTINGS, UNITS, journal);
}

static void note_all(void)
{
    nf_journal *journal;
    CU_ASSERT_EQUAL(nf_journal_begin(target, settings, SETTINGS, UNITS, &journal), NF_OK);
    for (int i = 0; i <= NOTED; i++) {
        nf_done unit = unit_of(order[i], i);
        CU_ASSERT_EQUAL(nf_journal_note(journal, -1, &unit, 1), NF_OK);
    }
    CU_ASSERT_EQUAL(count_done(journal, UNITS), NOTED);
    nf_journal_close(journal);
}

/* How many of the notes count, if exactly the first so many do; -1: others do. */
static int first_noted(const nf_journal *journal)
{
    for (int n = 0; n <= NOTED + 1; n++) {
        int64_t wrong = 0;
        for (int64_t index = 0; index < UNITS; index++) {
            nf_done unit, expected = {0};
            bool noted = false;
            for (int i = 0; i < n; i++)
                if (order[i] == index) {
                    expected = unit_of(index, i);
                    noted = true;
                }
            bool done = nf_journal_done(journal, index, &unit);
            wrong += done != noted || (done && memcmp(&unit, &expected, sizeof unit) != 0);
        }
        if (wrong == 0)
            return n;
    }
    return -1;
}

static size_t slurp(char bytes[ROOM])
{
    FILE *file = fopen(journal_file, "rb");
    size_t count = file == NULL ? 0 : fread(bytes, 1, ROOM, file);
    if (file != NULL)
        fclose(file);
    return count;
}

static bool spill(const char *bytes, size_t count)
{
    FILE *file = fopen(journal_file, "wb");
    return file != NULL && fwrite(bytes, 1, count, file) == count && fclose(file) == 0;
}

/* ---- tests ---- */

static void test_round_trip(void)
{
    nf_journal *journal;
    CU_ASSERT_EQUAL(resume(&journal), NF_OK);
    CU_ASSERT_PTR_NULL(journal);
    note_all();
    CU_ASSERT_EQUAL(resume(&journal), NF_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(journal);
    CU_ASSERT_EQUAL(first_noted(journal), NOTED + 1);
    nf_done more[2] = {unit_of(4, 0), unit_of(6, 0)}, unit;
    CU_ASSERT_EQUAL(nf_journal_note(journal, -1, more, 2), NF_OK);
    nf_journal_close(journal);
    CU_ASSERT_EQUAL(resume(&journal), NF_OK);
    CU_ASSERT_EQUAL(count_done(journal, UNITS), NOTED + 2);
    CU_ASSERT(nf_journal_done(journal, 6, &unit) && memcmp(&unit, &more[1], sizeof unit) == 0);
    CU_ASSERT(!nf_journal_done(journal, UNITS, &unit) && !nf_journal_done(journal, -1, &unit));
    nf_journal_finish(journal);
    CU_ASSERT(access(journal_file, F_OK) != 0);
    nf_journal_close(NULL);
    nf_journal_finish(NULL);
}

static void test_settings(void)
{
    nf_journal *journal;
    note_all();
    for (int i = 0; i < SETTINGS; i++) {
        nf_setting other[SETTINGS];
        memcpy(other, settings, sizeof settings);
        other[i].value = "other";
        nf_status status = nf_journal_resume(target, other, SETTINGS, UNITS, &journal);
        CU_ASSERT_EQUAL(status, NF_ERR_USAGE);
        CU_ASSERT(says(status, settings[i].name));
        CU_ASSERT(says(status, settings[i].value));
        CU_ASSERT(says(status, "'other'"));
        CU_ASSERT_PTR_NULL(journal);
    }
    nf_status status = nf_journal_resume(target, settings, SETTINGS - 1, UNITS, &journal);
    CU_ASSERT(says(status, "shape was '512x389x3 u8' and is 'not given'"));
    nf_setting more[SETTINGS + 1];
    memcpy(more, settings, sizeof settings);
    more[SETTINGS] = (nf_setting){"version", "2"};
    status = nf_journal_resume(target, more, SETTINGS + 1, UNITS, &journal);
    CU_ASSERT(says(status, "version was 'not given' and is '2'"));
    status = nf_journal_resume(target, settings, SETTINGS, UNITS + 1, &journal);
    CU_ASSERT(says(status, "units was '12' and is '13'"));
    /* None of that has harmed it. */
    CU_ASSERT_EQUAL(resume(&journal), NF_OK);
    CU_ASSERT_EQUAL(first_noted(journal), NOTED + 1);
    /* Beginning anew forgets all. */
    nf_journal_close(journal);
    CU_ASSERT_EQUAL(nf_journal_begin(target, more, SETTINGS + 1, 3, &journal), NF_OK);
    CU_ASSERT_EQUAL(count_done(journal, 3), 0);
    nf_journal_finish(journal);
}

static void test_lock(void)
{
    nf_journal *journal, *second;
    CU_ASSERT_EQUAL(nf_journal_begin(target, settings, SETTINGS, UNITS, &journal), NF_OK);
    CU_ASSERT(says(resume(&second), "another run"));
    CU_ASSERT(says(nf_journal_begin(target, settings, SETTINGS, UNITS, &second), "another run"));
    CU_ASSERT_PTR_NULL(second);
    nf_done unit = unit_of(1, 0);
    CU_ASSERT_EQUAL(nf_journal_note(journal, -1, &unit, 1), NF_OK);
    nf_journal_close(journal);
    CU_ASSERT_EQUAL(resume(&journal), NF_OK);
    CU_ASSERT_EQUAL(count_done(journal, UNITS), 1);
    nf_journal_finish(journal);
}

/* Cut at every byte: what counts is a beginning of what was noted, and it can be gone on with. */
static void test_truncated(void)
{
    char whole[ROOM];
    note_all();
    size_t count = slurp(whole);
    int before = 0, wrong = 0;
    CU_ASSERT(count > 0 && count < ROOM);
    for (size_t cut = 0; cut <= count; cut++) {
        nf_journal *journal;
        wrong += !spill(whole, cut) || resume(&journal) != NF_OK;
        int n = journal == NULL ? 0 : first_noted(journal);
        wrong += n < before;
        before = n;
        nf_done next = unit_of(order[n <= NOTED ? n : NOTED], n <= NOTED ? n : NOTED);
        wrong += journal != NULL && nf_journal_note(journal, -1, &next, 1) != NF_OK;
        nf_journal_close(journal);
        if (journal == NULL)
            continue;
        wrong += resume(&journal) != NF_OK || first_noted(journal) != (n <= NOTED ? n + 1 : n);
        nf_journal_close(journal);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(before, NOTED + 1);
}

/* Changed at every byte, in three ways. */
static void test_changed(void)
{
    static const char masks[] = {1, (char)0x80, (char)0xff};
    char whole[ROOM];
    note_all();
    size_t count = slurp(whole);
    int wrong = 0, less = 0, refused = 0;
    for (size_t at = 0; at < count; at++)
        for (size_t m = 0; m < sizeof masks; m++) {
            nf_journal *journal;
            whole[at] = (char)(whole[at] ^ masks[m]);
            wrong += !spill(whole, count);
            refused += resume(&journal) != NF_OK;
            int n = journal == NULL ? 0 : first_noted(journal);
            wrong += n < 0;
            less += n <= NOTED;
            nf_journal_close(journal);
            whole[at] = (char)(whole[at] ^ masks[m]);
        }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(less, (int)(3 * count)); /* every change costs something */
    CU_ASSERT_EQUAL(refused, 0);
}

/* ---- with a file that it tells of ---- */

static void fill(char bytes[UNIT_BYTES], int64_t index, int turn)
{
    for (int i = 0; i < UNIT_BYTES; i++)
        bytes[i] = (char)(index * 31 + i * 7 + turn);
}

static bool put_unit(nf_journal *journal, int fd, int64_t index, int turn)
{
    char bytes[UNIT_BYTES];
    fill(bytes, index, turn);
    nf_done unit = {index, UNIT_BYTES * index, UNIT_BYTES, nf_journal_hash(bytes, UNIT_BYTES)};
    return pwrite(fd, bytes, UNIT_BYTES, unit.offset) == UNIT_BYTES &&
           nf_journal_note(journal, fd, &unit, 1) == NF_OK;
}

static void test_verify(void)
{
    nf_journal *journal;
    nf_done unit;
    int fd = open(data_file, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CU_ASSERT_EQUAL(nf_journal_begin(target, settings, SETTINGS, UNITS, &journal), NF_OK);
    for (int64_t i = 0; i < UNITS; i += 2)
        CU_ASSERT(put_unit(journal, fd, i, 0));
    CU_ASSERT_EQUAL(nf_journal_verify(journal, fd), NF_OK);
    CU_ASSERT_EQUAL(count_done(journal, UNITS), UNITS / 2);
    CU_ASSERT_EQUAL(pwrite(fd, "x", 1, 4 * UNIT_BYTES + 999), 1);
    CU_ASSERT_EQUAL(ftruncate(fd, 11 * UNIT_BYTES - 1), 0);
    CU_ASSERT_EQUAL(nf_journal_verify(journal, fd), NF_OK);
    CU_ASSERT_EQUAL(count_done(journal, UNITS), UNITS / 2 - 2);
    CU_ASSERT(!nf_journal_done(journal, 4, &unit) && !nf_journal_done(journal, 10, &unit));
    CU_ASSERT(nf_journal_done(journal, 6, &unit));
    CU_ASSERT(put_unit(journal, fd, 4, 1));
    CU_ASSERT(nf_journal_done(journal, 4, &unit));
    nf_journal_finish(journal);
    close(fd);
    CU_ASSERT(nf_journal_hash("abcdefgh", 8) != nf_journal_hash("abcdefgh\0", 9));
    CU_ASSERT(nf_journal_hash("", 0) != nf_journal_hash("\0", 1));
}

/* A process that writes and notes is killed at any moment; what counts then is in the file. */
static void test_killed(void)
{
    static const nf_setting none[1] = {{"chain", "x"}};
    enum { MANY = 4000, ROUNDS = 30 };
    int wrong = 0;
    int64_t last = 0, grown = 0;
    long life = 1000000; /* nanoseconds */
    for (int round = 0; round < ROUNDS && last < MANY; round++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            nf_journal *journal;
            nf_done unit;
            int fd = open(data_file, O_RDWR | O_CREAT | (round == 0 ? O_TRUNC : 0), 0600);
            nf_status status =
                round == 0 ? NF_OK : nf_journal_resume(target, none, 1, MANY, &journal);
            if (round == 0 || (status == NF_OK && journal == NULL))
                status = nf_journal_begin(target, none, 1, MANY, &journal);
            for (int64_t i = 0; status == NF_OK && i < MANY; i++)
                if (!nf_journal_done(journal, i, &unit) && !put_unit(journal, fd, i, 0))
                    break;
            _exit(status != NF_OK);
        }
        const struct timespec nap = {.tv_nsec = life + 700000 * (round % 11)};
        nanosleep(&nap, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        nf_journal *journal;
        wrong += nf_journal_resume(target, none, 1, MANY, &journal) != NF_OK;
        if (journal == NULL)
            continue;
        int64_t count = count_done(journal, MANY);
        int fd = open(data_file, O_RDONLY);
        nf_journal_verify(journal, fd);
        wrong += count_done(journal, MANY) != count || count < last;
        grown += count > last;
        if (count == last && life < 400000000) /* a slow disk */
            life *= 2;
        last = count;
        close(fd);
        nf_journal_close(journal);
    }
    printf(" (%lld units in %lld of %d lives)", (long long)last, (long long)grown, ROUNDS);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(grown > 1);
    unlink(journal_file);
}

/* No room for a record: an error, and those before count. */
static void test_full(void)
{
    fflush(stdout);
    unlink(journal_file);
    pid_t child = fork();
    if (child == 0) {
        nf_journal *journal;
        struct rlimit limit = {500, 500};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        nf_status status = nf_journal_begin(target, settings, SETTINGS, UNITS, &journal);
        for (int i = 0; status == NF_OK && i <= NOTED; i++) {
            nf_done unit = unit_of(order[i], i);
            status = nf_journal_note(journal, -1, &unit, 1);
        }
        _exit(status == NF_ERR_FILE && strstr(nf_message(status), "File too large") ? 0 : 1);
    }
    int state = 0;
    waitpid(child, &state, 0);
    CU_ASSERT(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    nf_journal *journal;
    CU_ASSERT_EQUAL(resume(&journal), NF_OK);
    int n = journal == NULL ? -1 : first_noted(journal);
    CU_ASSERT(n > 0 && n <= NOTED);
    nf_journal_finish(journal);
}

/* A part file that is there to be taken up. */
static void test_lasting_part(void)
{
    nf_part part;
    char path[NAME_ROOM];
    snprintf(path, sizeof path, "%s/.out.h5.resume.part", folder);
    CU_ASSERT(says(nf_part_begin_lasting(target, true, &part), "cannot be taken up"));
    CU_ASSERT_EQUAL(nf_part_begin_lasting(target, false, &part), NF_OK);
    CU_ASSERT_STRING_EQUAL(part.path, path);
    FILE *file = fopen(part.path, "w");
    CU_ASSERT(file != NULL && fputs("half", file) >= 0 && fclose(file) == 0);
    nf_part_abort(&part);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_EQUAL(nf_part_begin(target, &part), NF_OK); /* another run leaves it alone */
    nf_part_abort(&part);
    CU_ASSERT_EQUAL(nf_part_begin_lasting(target, true, &part), NF_OK);
    CU_ASSERT_EQUAL(nf_part_commit(&part), NF_OK);
    CU_ASSERT(access(path, F_OK) != 0 && access(target, F_OK) == 0);
}

/* ---- main ---- */

static void name_files(void)
{
    snprintf(target, sizeof target, "%s/out.h5", folder);
    snprintf(journal_file, sizeof journal_file, "%s/.out.h5.resume", folder);
    snprintf(data_file, sizeof data_file, "%s/data", folder);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"names", name_files}, /* for those that follow */
        {"round trip", test_round_trip},
        {"settings", test_settings},
        {"one process at a time", test_lock},
        {"truncated at every byte", test_truncated},
        {"changed at every byte", test_changed},
        {"verified", test_verify},
        {"killed", test_killed},
        {"no room", test_full},
        {"part files that last", test_lasting_part},
        CU_TEST_INFO_NULL,
    };
    return nf_folder_run(&alone, "journal", tests);
}
