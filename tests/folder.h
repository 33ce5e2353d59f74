/* folder.h - a folder of a test program's own, below $TMPDIR or /tmp, and what tests of files share. */
#ifndef NF_TEST_FOLDER_H
#define NF_TEST_FOLDER_H

#include "drivers/engine/world.h"
#include "tests/suite.h"

enum { NAMES = 4, NAME_ROOM = 512 };

extern const nf_world alone; /* this process by itself, one thread */
extern char folder[256];     /* its path; empty before nf_folder_run */

/* Collective: makes the folder for all ranks, runs the tests as nf_suite_run does, and removes it. */
int nf_folder_run(const nf_world *world, const char *name, CU_TestInfo *tests);

/* A name in the folder; good until the fourth next call. */
const char *in_folder(const char *name);

/* Whether this is a failure whose message has the words; prints it if not. */
bool says(nf_status status, const char *words);

#endif
