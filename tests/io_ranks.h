/* io_ranks.h - what tests of io/ under mpirun share: a folder of their own, and checks that count on
 * all ranks together, so that no rank leaves the common way alone. */
#ifndef NF_IO_RANKS_H
#define NF_IO_RANKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/world.h"
#include "io/array.h"
#include "tests/suite.h"

static nf_world world;
static char folder[256];

enum { NAMES = 4, NAME_ROOM = 512 };

#define CHECK_ALL(fine) CU_ASSERT_EQUAL(nf_sum_u64(&world, (fine) ? 0 : 1), 0)

/* A name in the test's folder; good until the fourth next call. */
static const char *in_folder(const char *name)
{
    static char names[NAMES][NAME_ROOM];
    static int next;
    char *to = names[next++ % NAMES];
    snprintf(to, NAME_ROOM, "%s/%s", folder, name);
    return to;
}

/* Whether all ranks agree that this status is a failure and keep a message with these words. */
static bool all_say(nf_status status, const char *words)
{
    bool found = status != NF_OK && strstr(nf_message(status), words) != NULL;
    if (!found)
        printf("rank %d: expected \"%s\", got: %s\n", world.rank, words, nf_message(status));
    return nf_sum_u64(&world, found ? 0 : 1) == 0;
}

/* Main of such a test. */
static int run_ranks(int argc, char **argv, const char *name, CU_TestInfo *tests)
{
    const char *base = getenv("TMPDIR");
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return EXIT_FAILURE;
    snprintf(folder, sizeof folder, "%s/nfold-%s-XXXXXX", base != NULL ? base : "/tmp", name);
    bool made = world.rank != 0 || mkdtemp(folder) != NULL;
    nf_broadcast(&world, folder, sizeof folder, 0);
    int result = EXIT_FAILURE;
    if (nf_sum_u64(&world, made ? 0 : 1) == 0) {
        char command[NAME_ROOM];
        result = nf_suite_run(name, tests, world.rank);
        nf_barrier(&world);
        snprintf(command, sizeof command, "rm -r %s", folder);
        if (world.rank == 0 && system(command) != 0)
            perror(folder);
    }
    nf_world_stop(&world);
    return result;
}

#endif
