/* report_compare.h - two studies beside one another, for people and for programs. */
#ifndef NF_REPORT_COMPARE_H
#define NF_REPORT_COMPARE_H

#include <stdio.h>

#include "drivers/engine/status.h"
#include "drivers/study/compare.h"

/* What was compared: names for the text, and what is known of both. */
typedef struct nf_compared {
    const char *name_a, *name_b; /* "old.jsonl", "old1.jsonl and 6 more" */
    const nf_study *a, *b;
    const nf_compare_options *options;
    const nf_comparison *comparison;
} nf_compared;

/* A table, at most 100 columns, and sentences. */
void nf_compare_text(const nf_compared *compared, FILE *out);

/* One JSON object and a newline: {"record": "comparison", "schema": 1, "first", "second" (names), "level",
 * "tolerance", "correction": "Holm", "able", "faster", "slower", "not_shown", "failed",
 * "points": [{"kernel", "scaling", "ranks", "threads", "size", "seconds": [a, b], "launches": [a, b],
 * "by": "launches" | "pairs" | "noise" | "nothing", "ratio", "interval": [low, high] | null, "p",
 * "p_tolerance", "verdict": "faster" | "slower" | "no difference shown", "fails"}]}.
 * Errors: NF_ERR_MEMORY, NF_ERR_FORMAT (a name that is no UTF-8). */
nf_status nf_compare_json(const nf_compared *compared, FILE *out);

/* Points shown to be slower by more than the tolerance. */
size_t nf_compare_failures(const nf_comparison *comparison);

#endif
