/* record.h - studies as JSON lines: one self-describing object a line, appended as it is measured.
 *
 * Schema 2. Every record has "record", its kind, and "schema". The kinds:
 *
 *   study       the first line. "facts": {name: text}, what a reader must know; "settings":
 *               {name: text}, what a study must agree in to be resumed
 *   sample      one measurement of one point: the names of struct nf_sample (study/sample.h).
 *               "kernel" "label" "scaling" ("strong", "weak") "ranks" "threads" "nodes" "shape"
 *               "work" "launch" "rep" "seconds" "phases" "valid" "oversubscribed" are always
 *               there. Others stand only where they are known: "grows" "order" "runs" "clock"
 *               ("barrier", "window") "end" ("precision", "time", "count") "flops" "bytes" "moved"
 *               "cycles" "instructions" "misses" "joules" "cores" "waits" (true) "simulated" (true),
 *               and "balance": {"useful" "most" "rank_most" "bulk" "chain" (seconds) "steps"
 *               "slowest" (a rank), "threads_ns": useful time of each thread, rank by rank, "ranks_ns": {phase: its
 *               time on each rank}}, whole nanoseconds; both lists up to 4096 workers
 *   ceiling     what the machine can do at most: the names of struct nf_ceiling
 *   cost        what sharing out work costs: "kind" ("start", "share", "send", "break-even",
 *               "memory") and the names of struct nf_cost; "kernel" and "label" stand only in
 *               those of break-even, "lost" only where it is not 0
 *   prediction  what a formula predicts of a simulated point: as a sample
 *
 * Schema 1 had no settings, ceilings and balance; it is read as well. Unknown members and unknown
 * kinds of records are kept as they are, and written again with the study. */
#ifndef NF_RECORD_H
#define NF_RECORD_H

#include <stdio.h>

#include "drivers/engine/status.h"
#include "drivers/study/sample.h"

/* Each writes one whole line and flushes it to the system. */
nf_status nf_record_study(FILE *file, const char *path, const nf_study *study);
nf_status nf_record_sample(FILE *file, const char *path, const nf_sample *sample);
nf_status nf_record_prediction(FILE *file, const char *path, const nf_sample *prediction);
nf_status nf_record_ceiling(FILE *file, const char *path, const nf_ceiling *ceiling);
nf_status nf_record_cost(FILE *file, const char *path, const nf_cost *cost);

/* All of a study, what was not understood when it was read included. */
nf_status nf_record_write(FILE *file, const char *path, const nf_study *study);

/* Opens a file of records to append to; a torn last line of a killed run is cut off first, so that
 * the next record begins a line. A new file is made. Errors: NF_ERR_FILE. The caller closes *file.
 */
nf_status nf_record_append(const char *path, FILE **file);

/* Adds the records of a file to *study. A torn last line (a killed run) is left out; any other line
 * that is no record is an error that names file and line (NF_ERR_FORMAT). Facts of later files are
 * added where the name is new, and likewise settings. */
nf_status nf_record_read(const char *path, nf_study *study);

/* The number of a file's last line where it is torn, and was left out; else 0. */
size_t nf_record_torn(const char *path);

/* Reads n >= 1 files as one study. Of several, the first file's facts are kept, and two are added:
 * "studies shown together" (the files) and, if any differ, "facts that differ" (names and files).
 */
nf_status nf_record_read_all(char *const *paths, size_t n, nf_study *study);

#endif
