/* window.h - the rows that a separable filter of volumes keeps: sums across planes, one row for each
 * row of the input, as many of them as the pass down the rows reads. They lie one below the other, so
 * that this pass finds them a fixed stride apart; room for twice as many lets them stay where they
 * are until the room is full. */
#ifndef NF_KERNEL_WINDOW_H
#define NF_KERNEL_WINDOW_H

#include <string.h>

/* Row i of a tile's scratch. */
#define NF_SCRATCH_ROW(tile, i) ((void *)((tile)->scratch + (size_t)(i) * (tile)->scratch_stride))

typedef struct nf_window {
    char *rows;       /* room for 2 * height rows */
    size_t row_bytes; /* from one to the next */
    int height;       /* rows of the window */
    int first;        /* where it begins; 0 at the start */
    int filled;       /* rows in use, from the beginning of the room; 0 at the start */
} nf_window;

/* Row i of the window, 0 to height - 1. */
static inline void *nf_window_row(const nf_window *window, int i)
{
    return window->rows + (size_t)(window->first + i) * window->row_bytes;
}

/* Moves the window down by one row, at the start to the top. Returns the first of its rows that the
 * caller has to write: that one and those below it. */
static inline int nf_window_next(nf_window *window)
{
    window->first += window->filled > 0;
    if (window->first > window->height) {
        memcpy(window->rows, nf_window_row(window, 0),
               (size_t)(window->height - 1) * window->row_bytes);
        window->first = 0;
        window->filled = window->height - 1;
    }
    int missing = window->filled - window->first;
    window->filled = window->first + window->height;
    return missing;
}

#endif
