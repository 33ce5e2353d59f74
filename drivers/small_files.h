/* small_files.h - many small files of seeded contents, which a study reads: in a hidden folder
 * `.readfiles.HOST.PID` that goes when the study ends.
 *
 * They are flushed and dropped from the page cache as they are made, so that the first to read one
 * waits for the disk. A process has one such folder at a time. It is removed by
 * nf_small_files_remove, and, by a small process beside it, when this one has ended in any other way.
 * Where both were killed, the next one that makes files in the same place on the same host removes
 * what is left. */
#ifndef NF_SMALL_FILES_H
#define NF_SMALL_FILES_H

#include "drivers/engine/node.h"

/* So many files, numbered from 0, of so many bytes each. */
typedef struct nf_small_set {
    int64_t files, bytes;
} nf_small_set;

enum { NF_SMALL_SETS = 64, NF_SMALL_NAME = 48 };

/* Collective. Makes the files of all sets (of sets of the same size, as many as the largest has; at
 * most NF_SMALL_SETS sizes) in a hidden folder within `folder`, by rank 0; on each node that does
 * not see them there, also by the node's first rank, which makes `folder` too where it is missing.
 * Then all ranks hold that folder open. Call nf_small_files_remove also after an error. Errors:
 * NF_ERR_FILE, NF_ERR_USAGE for too many sizes. */
nf_status nf_small_files_make(const nf_world *world, const nf_node *node, const char *folder,
                              const nf_small_set *sets, size_t n);
void nf_small_files_remove(void); /* harmless where there are none */

/* The open folder, and its path; -1 and "" where there is none. */
int nf_small_files_folder(void);
const char *nf_small_files_path(void);

/* The name of a file within it. */
const char *nf_small_file_name(int64_t bytes, int64_t file, char name[NF_SMALL_NAME]);

/* What stands in file number `file`, whatever its size, from byte `from` on, a multiple of 8. */
void nf_small_file_contents(int64_t file, int64_t from, unsigned char *to, size_t bytes);

#endif
