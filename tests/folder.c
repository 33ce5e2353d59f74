#include "tests/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const nf_world alone = {.size = 1, .threads = 1};
char folder[256];

int nf_folder_run(const nf_world *world, const char *name, CU_TestInfo *tests)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/nfold-%s-XXXXXX", base != NULL ? base : "/tmp", name);
    bool made = world->rank != 0 || mkdtemp(folder) != NULL;
    if (!made)
        perror(folder);
    nf_broadcast(world, folder, sizeof folder, 0);
    if (nf_sum_u64(world, made ? 0 : 1) != 0)
        return EXIT_FAILURE;
    int result = nf_suite_run(name, tests, world->rank);
    char command[NAME_ROOM];
    nf_barrier(world);
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (world->rank == 0 && system(command) != 0)
        perror(folder);
    return result;
}

const char *in_folder(const char *name)
{
    static char names[NAMES][NAME_ROOM];
    static int next;
    char *to = names[next++ % NAMES];
    snprintf(to, NAME_ROOM, "%s/%s", folder, name);
    return to;
}

bool says(nf_status status, const char *words)
{
    bool found = status != NF_OK && strstr(nf_message(status), words) != NULL;
    if (!found)
        printf("\n    expected \"%s\", got: %s\n", words, nf_message(status));
    return found;
}
