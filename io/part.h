/* part.h - output files appear complete or not at all. Internal to io/.
 *
 * An output is written to a part file `.NAME.PID.part` in the target's folder and renamed when it
 * is complete. Part files are removed when this process is ended by SIGINT, SIGTERM or SIGHUP,
 * unless the program handles or ignores that signal itself. */
#ifndef NF_PART_H
#define NF_PART_H

#include <sys/stat.h>

#include "drivers/engine/status.h"

typedef struct nf_part {
    char *target; /* where links to an existing target lead */
    char *path;   /* the part file */
    int slot;     /* in the list that signals go through; -1: none */
} nf_part;

/* Checks that the target can be written (no directory, no device, a folder that exists and lets
 * files be made) and fixes the part file's name; whoever creates the file calls this before. */
nf_status nf_part_begin(const char *file, nf_part *part);

/* Flushes the part file and renames it to the target, whose mode is kept. Frees *part either way;
 * after a failure the part file is gone and the target as it was. */
nf_status nf_part_commit(nf_part *part);

/* Removes the part file and frees *part. Harmless on an empty one. */
void nf_part_abort(nf_part *part);

/* Removes the part files of an output that killed processes have left. Nobody may be writing one. */
void nf_part_sweep(const char *file);

/* Copies all bytes of a file to a new one. The copy shares storage where the file system can. */
nf_status nf_file_copy(const char *from, const char *to);

#endif
