/* status.h - how a failure travels: a code that is returned, and one message that explains it. */
#ifndef NF_STATUS_H
#define NF_STATUS_H

#include "kernels/kernel.h"

/* Keeps the formatted message for this thread and returns `code`, so that a function can end with
 * `return nf_fail(NF_ERR_FILE, "%s: %s", path, strerror(errno))`. The message says what, where,
 * what was expected and what to do; no trailing full stop or newline. */
nf_status nf_fail(nf_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts `prefix: ` before the message that this thread keeps. Returns code. */
nf_status nf_fail_in(nf_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message kept last by this thread; the code's general words if there is none. Never NULL. */
const char *nf_message(nf_status code);

/* What a program's main returns for a status: 0, 1 (failure), 2 (usage), or 75 (EX_TEMPFAIL of
 * sysexits.h: the same command goes on). */
int nf_exit_status(nf_status code);

#endif
