/* mandelbrot.h - how fast points of the plane escape under z -> z^2 + c, several at a time.
 *
 * From z = 0, the iteration count of c is how many steps are taken until |z| > 2, at most `limit`:
 * with limit, c counts as inside the Mandelbrot set. In doubles, each step (x^2 - y^2 + re, 2 x y +
 * im) as written, so that counts are the same in every instruction set. */
#ifndef NF_MANDELBROT_H
#define NF_MANDELBROT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/kernel.h"

/* A rectangle of the plane, cut in width x height cells: of each the middle counts. */
typedef struct nf_mandelbrot {
    int64_t width, height, limit;
    double left, low, across, up; /* the middle of cell (0, 0), and the steps from cell to cell */
} nf_mandelbrot;

/* The square of this span around the centre. */
static inline nf_mandelbrot nf_mandelbrot_of(int64_t width, int64_t height, int64_t limit,
                                             const double centre[2], double span)
{
    double across = span / (double)width, up = span / (double)height;
    return (nf_mandelbrot){.width = width,
                           .height = height,
                           .limit = limit,
                           .left = centre[0] - span / 2 + across / 2,
                           .low = centre[1] - span / 2 + up / 2,
                           .across = across,
                           .up = up};
}

#if defined __AVX512F__
enum { NF_ESCAPE_BYTES = 64, NF_ESCAPE_CHAINS = 4 };
#elif defined __AVX2__
enum { NF_ESCAPE_BYTES = 32, NF_ESCAPE_CHAINS = 2 };
#else
enum { NF_ESCAPE_BYTES = 16, NF_ESCAPE_CHAINS = 2 };
#endif
enum { NF_ESCAPE_LANES = NF_ESCAPE_BYTES / 8, NF_ESCAPES = NF_ESCAPE_CHAINS * NF_ESCAPE_LANES };

typedef double nf_escape_doubles __attribute__((vector_size(NF_ESCAPE_BYTES)));
typedef int64_t nf_escape_longs __attribute__((vector_size(NF_ESCAPE_BYTES)));

/* NF_ESCAPES points at once. */
typedef struct nf_escape {
    nf_escape_doubles re[NF_ESCAPE_CHAINS], im[NF_ESCAPE_CHAINS];
    nf_escape_longs count[NF_ESCAPE_CHAINS];
} nf_escape;

static inline bool nf_escape_any(const nf_escape_longs active[NF_ESCAPE_CHAINS])
{
    nf_escape_longs all = active[0];
    int64_t any = 0;
    for (int c = 1; c < NF_ESCAPE_CHAINS; c++)
        all |= active[c];
    for (int lane = 0; lane < NF_ESCAPE_LANES; lane++)
        any |= all[lane];
    return any != 0;
}

/* Sets the counts. Points that have escaped are taken along, and count no more, until all have. */
static inline void nf_escape_run(nf_escape *e, int64_t limit)
{
    enum { STRIDE = 8 }; /* steps from one look at all to the next */
    nf_escape_doubles x[NF_ESCAPE_CHAINS] = {{0}}, y[NF_ESCAPE_CHAINS] = {{0}};
    nf_escape_longs active[NF_ESCAPE_CHAINS], count[NF_ESCAPE_CHAINS] = {{0}};
    for (int c = 0; c < NF_ESCAPE_CHAINS; c++)
        active[c] = ~(nf_escape_longs){0};
    for (int64_t done = 0; done < limit && nf_escape_any(active); done += STRIDE) {
        int64_t end = limit - done < STRIDE ? limit - done : STRIDE;
        for (int64_t step = 0; step < end; step++) {
#pragma GCC unroll 4
            for (int c = 0; c < NF_ESCAPE_CHAINS; c++) {
                nf_escape_doubles xx = x[c] * x[c], yy = y[c] * y[c], xy = x[c] * y[c];
                active[c] &= xx + yy <= 4.0;
                count[c] -= active[c];
                y[c] = xy + xy + e->im[c];
                x[c] = xx - yy + e->re[c];
            }
        }
    }
    for (int c = 0; c < NF_ESCAPE_CHAINS; c++)
        e->count[c] = count[c];
}

/* The counts of n cells in C order from this one on; n <= NF_ESCAPES, and none is beyond the last.
 * */
static inline void nf_mandelbrot_count(const nf_mandelbrot *m, int64_t first, int n,
                                       int64_t count[NF_ESCAPES])
{
    nf_escape e;
    int64_t row = first / m->width, column = first % m->width;
    for (int i = 0; i < NF_ESCAPES; i++) { /* those left over are far outside */
        e.re[i / NF_ESCAPE_LANES][i % NF_ESCAPE_LANES] =
            i < n ? m->left + (double)column * m->across : 9;
        e.im[i / NF_ESCAPE_LANES][i % NF_ESCAPE_LANES] = m->low + (double)row * m->up;
        bool last = ++column == m->width;
        column = last ? 0 : column;
        row += last;
    }
    nf_escape_run(&e, m->limit);
    for (int i = 0; i < n; i++)
        count[i] = e.count[i / NF_ESCAPE_LANES][i % NF_ESCAPE_LANES];
}

/* The slow and obvious way, for references. */
static inline int64_t nf_mandelbrot_naive(const nf_mandelbrot *m, int64_t row, int64_t column)
{
    double re = m->left + (double)column * m->across, im = m->low + (double)row * m->up;
    double x = 0, y = 0;
    int64_t count = 0;
    while (count < m->limit && x * x + y * y <= 4) {
        double next = x * x - y * y + re;
        y = 2 * x * y + im;
        x = next;
        count++;
    }
    return count;
}

#endif
