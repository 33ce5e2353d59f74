#include "tests/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double bench_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double bench_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare);
    return n % 2 != 0 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static void meet(const bench_protocol *p)
{
    if (p->meet != NULL)
        p->meet(p->context);
}

/* Seconds of one run among `repeats`. */
static double sample(const bench_protocol *p, const bench_subject *subject, size_t repeats)
{
    meet(p);
    double start = bench_seconds();
    for (size_t i = 0; i < repeats; i++)
        subject->run(subject->context);
    meet(p);
    return (bench_seconds() - start) / (double)repeats;
}

/* The first run touches memory and wakes threads; the second says how many fill a sample. */
static size_t choose_repeats(const bench_protocol *p, const bench_subject *subject)
{
    enum { MOST = 100000 };
    sample(p, subject, 1);
    double once = sample(p, subject, 1);
    size_t repeats = once * MOST <= p->least ? MOST : (size_t)(p->least / once) + 1;
    return p->agree != NULL ? p->agree(p->context, repeats) : repeats;
}

void bench_in_turn(const bench_protocol *p, const bench_subject *subjects, size_t count,
                   bench_result *results)
{
    static double time[BENCH_MAX_SUBJECTS][BENCH_MAX_ROUNDS], ratio[BENCH_MAX_ROUNDS];
    size_t repeats[BENCH_MAX_SUBJECTS];
    for (size_t s = 0; s < count; s++)
        repeats[s] = choose_repeats(p, &subjects[s]);
    for (size_t r = 0; r < p->rounds; r++)
        for (size_t s = 0; s < count; s++)
            time[s][r] = sample(p, &subjects[s], repeats[s]);
    for (size_t s = count; s-- > 0;) { /* subject 0 last: finding a median sorts */
        for (size_t r = 0; r < p->rounds; r++)
            ratio[r] = time[s][r] / time[0][r];
        double median = bench_median(time[s], p->rounds);
        results[s] = (bench_result){median, bench_median(ratio, p->rounds), time[s][0]};
    }
}

const char *bench_verdict(double ratio, double goal)
{
    return ratio <= goal ? "met" : "NOT MET";
}

long bench_number(const char *program, const char *what, const char *text, long least, long most)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || number < least || number > most) {
        fprintf(stderr, "%s: %s must be a number from %ld to %ld, not '%s'\n", program, what, least,
                most, text);
        exit(2);
    }
    return number;
}
