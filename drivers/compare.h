/* compare.h - what `report --compare` does: reads both studies, of one or more launches each. */
#ifndef NF_DRIVERS_COMPARE_H
#define NF_DRIVERS_COMPARE_H

#include "drivers/engine/status.h"
#include "drivers/study/compare.h"

typedef struct compare_request {
    char *const *a, *const *b; /* files, a launch each */
    size_t na, nb;
    nf_compare_options options;
    bool steady; /* launches count even if they did not take turns */
    bool gate;   /* --fail-if-slower: fail, and refuse where nothing could be shown */
    bool json, quiet;
} compare_request;

/* Splits n files at ":"; without one, two files are one of each. NF_ERR_USAGE. */
nf_status compare_split(char *const *files, size_t n, compare_request *request);

/* Compares, and prints to standard output. *failed: a point is shown to be slower by more than the
 * tolerance. Errors: those of reading and of nf_compare; NF_ERR_USAGE where a gate cannot fail. */
nf_status compare_run(const compare_request *request, bool *failed);

#endif
