#include "drivers/study/critical.h"

#include <stdlib.h>

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double largest(const double *list, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = larger(most, list[i]);
    return most;
}

/* When all that rank i meets in this step have done the one before. */
static double others_ready(const nf_step *step, int ranks, const unsigned char *row,
                           const double *ready, double all)
{
    double latest = 0;
    if (step->meets == NF_MEET_ALL)
        return all;
    for (int j = 0; j < ranks && step->meets == NF_MEET_NEIGHBOURS; j++)
        if (row[j / 8] >> j % 8 & 1)
            latest = larger(latest, ready[j]);
    return latest;
}

bool nf_critical_path(const nf_step *steps, int ranks, int64_t n, const unsigned char *neighbours,
                      nf_critical *path)
{
    double *ready = calloc((size_t)ranks, sizeof *ready),
           *next = calloc((size_t)ranks, sizeof *next);
    bool fine = ready != NULL && next != NULL;
    *path = (nf_critical){0, 0};
    for (int64_t s = 0; fine && s < n; s++) {
        double all = largest(ready, ranks), slowest = 0;
        for (int i = 0; i < ranks; i++) {
            const nf_step *step = &steps[(int64_t)i * n + s];
            const unsigned char *row = neighbours + (size_t)i * nf_neighbour_bytes(ranks);
            double met = others_ready(step, ranks, row, ready, all);
            next[i] = larger(ready[i] + step->before, met) + step->after;
            slowest = larger(slowest, step->before + step->after);
        }
        path->bulk += slowest;
        double *swap = ready;
        ready = next;
        next = swap;
    }
    if (fine)
        path->chain = largest(ready, ranks);
    free(ready);
    free(next);
    return fine;
}
