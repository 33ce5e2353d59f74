/* record.h - studies as JSON lines: one self-describing object a line, appended as it is measured.
 *
 * First line: {"record": "study", "schema": 1, "facts": {...}}; then one line a sample:
 * {"record": "sample", "schema": 1, "kernel": ..., ...}, the names of struct nf_sample; "simulated"
 * stands only where it is true. What a formula predicts of a simulated point is a record of its own,
 * "prediction", with the same names. Unknown names and unknown kinds of record are skipped when
 * read. */
#ifndef NF_RECORD_H
#define NF_RECORD_H

#include <stdio.h>

#include "drivers/engine/status.h"
#include "drivers/study/sample.h"

/* Each writes one whole line and flushes it to the system. */
nf_status nf_record_study(FILE *file, const char *path, const nf_study *study);
nf_status nf_record_sample(FILE *file, const char *path, const nf_sample *sample);
nf_status nf_record_prediction(FILE *file, const char *path, const nf_sample *prediction);

/* Opens a file of records to append to; a torn last line of a killed run is cut off first, so that
 * the next record begins a line. A new file is made. Errors: NF_ERR_FILE. The caller closes *file.
 */
nf_status nf_record_append(const char *path, FILE **file);

/* Adds the records of a file to *study. A torn last line (a killed run) is left out; any other line
 * that is no record is an error that names file and line (NF_ERR_FORMAT). Facts of later files are
 * added where the name is new. */
nf_status nf_record_read(const char *path, nf_study *study);

/* Reads n >= 1 files as one study. Of several, the first file's facts are kept, and two are added:
 * "studies shown together" (the files) and, if any differ, "facts that differ" (names and files).
 */
nf_status nf_record_read_all(char *const *paths, size_t n, nf_study *study);

#endif
