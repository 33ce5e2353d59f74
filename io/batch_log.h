/* batch_log.h - what became of the files of a batch, as JSON lines, appended as it happens.
 *
 * {"record": "batch", "schema": 1, "recipe": ...} begins a run; {"record": "started", "input": ...}
 * stands before a file is handed out, {"record": "file", "input": ..., "status": ...} when it is done or
 * has failed; {"record": "stopped"}: the run was asked to stop, and whatever becomes of those under way is
 * not their fault. Bytes of names that are not UTF-8 are written %XX. */
#ifndef NF_BATCH_LOG_H
#define NF_BATCH_LOG_H

#include <stdio.h>

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"

typedef struct nf_batch_file {
    char *input, *output; /* as typed, or found below a folder that was; under the output folder */
    int64_t size;         /* bytes of the input */
    int64_t mtime;        /* its last change, nanoseconds since 1970 */
    char *problem;        /* why it cannot be taken; NULL: none */
} nf_batch_file;

typedef struct nf_batch_outcome {
    const char *status; /* "done", "failed", "quarantined" */
    nf_shape shape;     /* of the output; ndim 0: there is none */
    double seconds;     /* of one worker and one helper */
    int64_t bytes;      /* of the output file */
    const char *message;
} nf_batch_outcome;

nf_status nf_batch_log_run(FILE *log, const char *path, const char *recipe);
nf_status nf_batch_log_started(FILE *log, const char *path, const nf_batch_file *file);
nf_status nf_batch_log_outcome(FILE *log, const char *path, const nf_batch_file *file,
                               const nf_batch_outcome *outcome);
nf_status nf_batch_log_stopped(FILE *log, const char *path);

/* Opens the log to append to, or, unless `keep`, empties it; a torn last line is cut off. Nobody else
 * may have it open so (NF_ERR_FILE). The caller closes *log. */
nf_status nf_batch_log_open(const char *path, bool keep, FILE **log);

/* What earlier runs say of files. A file that does not exist says nothing. Lines that are no records
 * are errors (NF_ERR_FORMAT) that name file and line. */
typedef struct nf_batch_past nf_batch_past;
nf_status nf_batch_past_read(const char *path, nf_batch_past **past);
void nf_batch_past_free(nf_batch_past *past);

/* Whether this input, unchanged, was done by this recipe, and its output is there, as long as it was. */
bool nf_batch_past_done(const nf_batch_past *past, const nf_batch_file *file, const char *recipe);
/* How many runs have died since it was last finished, unchanged, while it was under way. */
int nf_batch_past_deaths(const nf_batch_past *past, const nf_batch_file *file);

#endif
