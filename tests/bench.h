/* bench.h - what the benchmarks share: a clock, medians, subjects that run in turn, a table.
 *
 * What is compared runs in one process, one after the other and again and again, so that whatever
 * else the machine does falls on all alike; what is shown are medians, and medians of the ratios
 * within a round. */
#ifndef NF_BENCH_TOOLS_H
#define NF_BENCH_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_MAX_ROUNDS = 201, BENCH_MAX_SUBJECTS = 16 };

double bench_seconds(void); /* on a monotonic clock */

/* Sorts x. n >= 1. */
double bench_median(double *x, size_t n);

/* Something to be timed. */
typedef struct bench_subject {
    void (*run)(void *context);
    void *context;
} bench_subject;

/* How often, and who else takes part. */
typedef struct bench_protocol {
    size_t rounds;        /* 1 to BENCH_MAX_ROUNDS */
    double least;         /* seconds that a sample lasts at least: short runs are repeated in it */
    void (*meet)(void *); /* called by every process before and after each sample; NULL: alone */
    /* Makes rank 0's count everybody's; NULL: alone. */
    size_t (*agree)(void *, size_t count);
    void *context;
} bench_protocol;

typedef struct bench_result {
    double seconds; /* one run, the median */
    double ratio;   /* to subject 0 in the same round, the median */
    double least;   /* seconds of one run, the least: what it costs where others work beside it */
} bench_result;

/* Runs every subject once to warm up, then `rounds` times in turn. Collective where there are
 * others; each process gets its own view. */
void bench_in_turn(const bench_protocol *protocol, const bench_subject *subjects, size_t count,
                   bench_result *results);

/* "met" where the ratio is at most the goal, "NOT MET" where it is more. */
const char *bench_verdict(double ratio, double goal);

/* The number in [least, most] that `text` is; ends the program with status 2 where it is none. */
long bench_number(const char *program, const char *what, const char *text, long least, long most);

#endif
