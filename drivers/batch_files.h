/* batch_files.h - which files a batch takes, and what each becomes. */
#ifndef NF_BATCH_FILES_H
#define NF_BATCH_FILES_H

#include "drivers/engine/world.h"
#include "io/batch_log.h"

typedef struct nf_batch_files {
    nf_batch_file *list;
    size_t count, room;
    int64_t skipped; /* files below folders that are no kind of array, or hidden */
} nf_batch_files;

/* Rank 0's. Files as typed (FILE or FILE:/dataset) become OUT/NAME, what is found below folders
 * OUT/PATH below the folder, with the suffix of `format` where that is not NULL ("jpg"). The folder
 * OUT is made if it is missing. What cannot be taken has a problem: a missing file, a link that leads
 * out of its folder, a suffix that says no format. Errors: a folder that cannot be read, or is OUT;
 * NF_ERR_MEMORY. */
nf_status nf_batch_files_collect(nf_batch_files *files, char *const *typed, size_t count,
                                 const char *out, const char *format);

/* Rank 0's. Drops what is listed twice; two inputs with one output are an error, which tells how many,
 * after a line for each on standard error. */
nf_status nf_batch_files_check(nf_batch_files *files);

/* Rank 0's. Makes the folders of the outputs. One that is a link out of OUT becomes a problem of its
 * files; so does an output that is one. */
nf_status nf_batch_files_make_folders(nf_batch_files *files, const char *out);

/* Collective. The names of rank 0's list on all ranks. */
nf_status nf_batch_files_share(const nf_world *world, nf_batch_files *files);

/* Takes over its strings. */
nf_status nf_batch_files_add(nf_batch_files *files, const nf_batch_file *file);
void nf_batch_files_free(nf_batch_files *files);

#endif
