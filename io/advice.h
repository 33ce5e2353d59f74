/* advice.h - advice on how to run a chain, for people and for programs. */
#ifndef NF_IO_ADVICE_H
#define NF_IO_ADVICE_H

#include <stdio.h>

#include "drivers/study/advice.h"

/* What was asked, and what came out. */
typedef struct nf_advised {
    const char *chain, *size;   /* as typed; size: "8192x8192 u8" or "n=1000000000" */
    const char *input, *output; /* NULL: none */
    const nf_calibration *machine;
    const char *origin; /* of its numbers, in words */
    const nf_limits *limits;
    const nf_workload *work;
    const nf_advice *advice;
    const char *command, *sbatch; /* lines for a shell; NULL: it is impossible */
} nf_advised;

void nf_advice_text(const nf_advised *advised, FILE *out);

/* One JSON object on one line: {"chain", "size", "input", "output", "advice": the sentence, "choice":
 * {"way", "nodes", "ranks", "threads", "start", "run", "read", "write", "seconds", "speedup",
 * "efficiency", "fits"}, "alone": the same of the choice for one run with its start, "choices": [the same of each], "reasons": [{"turn", "text"}], "command",
 * "sbatch", "machine": {...}, "limits": {...}, "work": {...}}; times in seconds; where it cannot
 * be run here, choice, alone, command and sbatch are null. Errors:
 * NF_ERR_MEMORY, NF_ERR_FILE. */
nf_status nf_advice_json(const nf_advised *advised, FILE *out);

#endif
