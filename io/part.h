/* part.h - output files appear complete or not at all. Internal to io/.
 *
 * An output is written to a part file `.NAME.HOST.PID.part` in the target's folder and renamed when
 * it is complete. Part files are removed when this process is ended by SIGINT, SIGTERM or SIGHUP,
 * unless the program handles or ignores that signal itself; what a process leaves that was killed
 * otherwise is removed by the next one that writes the same target on the same host. */
#ifndef NF_PART_H
#define NF_PART_H

#include <sys/stat.h>

#include "drivers/engine/status.h"

typedef struct nf_part {
    char *target;    /* where links to an existing target lead */
    char *path;      /* the part file */
    int slot;        /* in the list that signals go through; -1: none */
    bool lasting;    /* stays when this is aborted */
    bool existed;    /* the target, at the beginning */
    bool no_clobber; /* for the caller to set: the commit fails where the target did not exist and
                        does now */
} nf_part;

/* Checks that the target can be written (no directory, no device, a folder that exists and lets
 * files be made), removes the target's part files whose processes are gone, and fixes the part
 * file's name; whoever creates the file calls this before. nf_part_catch_limit goes with it. */
nf_status nf_part_begin(const char *file, nf_part *part);

/* Those checks alone. */
nf_status nf_part_check(const char *file);

/* Writing beyond a limit on the size of files is an error from now on (EFBIG), no longer the end of the
 * process. For all who write to a part file. */
void nf_part_catch_limit(void);

/* The same for a part file that outlives this process, so that its journal (journal.h) can be taken up:
 * `.NAME.resume.part`, which neither signals nor nf_part_abort remove. again: that which is there; it
 * is an error if there is none. Otherwise it is removed. To be called while the journal is open, which
 * sees to it that no other process has the file. */
nf_status nf_part_begin_lasting(const char *file, bool again, nf_part *part);

/* Whether a target has one, and removing it. */
bool nf_part_has_lasting(const char *target);
void nf_part_discard_lasting(const char *target);

/* Flushes the part file and renames it to the target, whose mode is kept. Frees *part either way;
 * after a failure the part file is gone and the target as it was. */
nf_status nf_part_commit(nf_part *part);

/* Removes the part file and frees *part. Harmless on an empty one. */
void nf_part_abort(nf_part *part);

/* Whether a name consists of this beginning, the number of a process of this host that is gone, and this
 * end. */
bool nf_part_is_left(const char *name, const char *prefix, const char *suffix);

/* Removes the part files of an output that killed processes have left, on whatever host. Nobody may be
 * writing one. */
void nf_part_sweep(const char *file);

/* Set by programs that write many files: looking for such files once an output takes time in a folder of
 * many, so they see to that themselves; and a folder is flushed once its last output in a row is there, not
 * for each. They call nf_part_flush at the end; should the machine die before, renames may be lost, but no
 * file is there in part. */
extern bool nf_part_many;
void nf_part_flush(void);

/* Removes all part files of this process. Safe in a signal handler that does not return. */
void nf_part_remove_all(void);

/* Copies all bytes of a file to a new one. The copy shares storage where the file system can. */
nf_status nf_file_copy(const char *from, const char *to);

#endif
