/* window.h - the part of an array that stands in memory while a band of it is worked on. */
#ifndef NF_WINDOW_H
#define NF_WINDOW_H

#include "drivers/engine/bands.h"
#include "drivers/engine/stream.h"

typedef struct nf_window {
    nf_field field; /* own: the band; the halo around it */
    nf_box cells;   /* that it holds of the array; see nf_bands_reads */
} nf_window;

/* Reads a band of `from` and the halo around it, but for the cells that `before` holds already
 * (NULL: nothing): those are copied. Cells beyond edges that do not wrap around along the slowest
 * dimension are left as they are. */
nf_status nf_window_read(const nf_pass *pass, const nf_bands *bands, int64_t number,
                         const nf_stream_source *from, const nf_window *before, nf_window *window);

/* Where the pass wraps around: fills what lies beyond the edges of the other dimensions, by
 * threads. */
void nf_window_wrap(const nf_plan *plan, const nf_pass *pass, int slow, const nf_window *window);

#endif
