/* readfiles.h - a kernel that waits rather than computes: it reads many small files and adds up their
 * bytes. Each file is dropped from the page cache once it is read (posix_fadvise), so that the next
 * run waits for the disk again; whether that works, and what it costs, the file system decides, and
 * nf_readfiles_probe tells.
 *
 * It is no kernel of nfold's library, as it calls the system: a program that offers it adds it to the
 * registry (nf_kernel_add), and makes its files (small_files.h) before it runs. A file that cannot be
 * read is its trouble (kernel.h). */
#ifndef NF_READFILES_H
#define NF_READFILES_H

#include "drivers/engine/chain.h"
#include "drivers/small_files.h"

extern const nf_kernel nf_kernel_readfiles;

/* The files that a prepared chain reads; {0, 0}: none. */
nf_small_set nf_readfiles_needs(const nf_chain *chain);

/* Seconds that reading one file takes, the median over the first of them: from the disk, and from the
 * page cache. The files are there. Errors: NF_ERR_FILE. */
typedef struct nf_readfiles_cost {
    double dropped, kept;
} nf_readfiles_cost;
nf_status nf_readfiles_probe(const nf_small_set *set, nf_readfiles_cost *cost);

#endif
