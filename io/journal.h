/* journal.h - what of an output is finished, written down so that a killed run can be taken up again.
 * Internal to io/.
 *
 * Beside a target NAME stands `.NAME.resume`: a record of the settings, then a record for each unit of
 * the output that is durable (a band of rows, a chunk: what is cut from the array's shape alone, so
 * that ranks and threads do not matter). A record has its length before it and a hash behind it: the
 * first that is torn or damaged and all after it are dropped. What is not sure to be on the disk is
 * not claimed. One process writes a journal; while it has it open, no other can. */
#ifndef NF_JOURNAL_H
#define NF_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/engine/status.h"

/* Something that a run must have in common with the one that it takes up: "chain", "input",
 * "input size", "input time", "shape", "output", "version" and the like. */
typedef struct nf_setting {
    const char *name, *value;
} nf_setting;

/* A finished unit: where its bytes are in the part file, and nf_journal_hash of them. */
typedef struct nf_done {
    int64_t index, offset, bytes;
    uint64_t hash;
} nf_done;

typedef struct nf_journal nf_journal;

/* Begins a journal of `units` units, in place of one that may be there. It is durable on return.
 * NF_ERR_FILE: it cannot be written, or another process has it open. */
nf_status nf_journal_begin(const char *target, const nf_setting *settings, size_t count,
                           int64_t units, nf_journal **journal);

/* Takes up the one that is there. *journal NULL with NF_OK: there is none, or it has not even its
 * settings: begin one. NF_ERR_USAGE: some setting is another (the message names it, with both values).
 * NF_ERR_FILE: it cannot be read or written, or another process has it open. */
nf_status nf_journal_resume(const char *target, const nf_setting *settings, size_t count,
                            int64_t units, nf_journal **journal);

/* Removes the one that is there; false: there is none, or another process has it open. */
bool nf_journal_discard(const char *target);

/* Whether a unit is finished; then *unit is what was noted of it, last. */
bool nf_journal_done(const nf_journal *journal, int64_t index, nf_done *unit);

/* Reads the bytes of all finished units from the part file, and forgets those that are not as they
 * were noted; to be done before they are relied on. NF_ERR_MEMORY. */
nf_status nf_journal_verify(nf_journal *journal, int fd);

/* Notes finished units, after flushing the file that they were written to (fd; -1: whoever wrote them
 * has flushed them). They are durable on return. After a failure they may or may not count. */
nf_status nf_journal_note(nf_journal *journal, int fd, const nf_done *units, size_t count);

/* finish removes the journal (the output has taken its place), close leaves it. Both free. NULL is
 * allowed. */
void nf_journal_finish(nf_journal *journal);
void nf_journal_close(nf_journal *journal);

/* 64 bits that differ where any word of 8 bytes does. Not cryptographic. */
uint64_t nf_journal_hash(const void *bytes, size_t count);

#endif
