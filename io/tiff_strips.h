/* tiff_strips.h - rows on their way into compressed strips: predicted and compressed by all threads at
 * once. Included by tiff_*.c alone. */
#ifndef NF_TIFF_STRIPS_H
#define NF_TIFF_STRIPS_H

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"
#include "io/layout.h"

typedef struct nf_tiff_strips nf_tiff_strips;

/* Strips of so many rows of a page of `shape`, elements of `type`, by a codec that compresses. `name`: for
 * messages; not copied. Errors: NF_ERR_MEMORY. */
nf_status nf_tiff_strips_create(const char *name, const nf_shape *shape, nf_element_type type,
                                nf_codec codec, int64_t rows, nf_tiff_strips **strips);
void nf_tiff_strips_free(nf_tiff_strips *strips); /* NULL is allowed */

/* How many threads work, before any rows come; by itself one. They change no byte. */
void nf_tiff_strips_threads(nf_tiff_strips *strips, int threads);

/* Takes up to `count` rows, dense, of the shape's type; how many there was room for. */
nf_status nf_tiff_strips_take(nf_tiff_strips *strips, const void *rows, int64_t count,
                              int64_t *taken);
bool nf_tiff_strips_full(const nf_tiff_strips *strips);

/* A strip as it stands in the file; the strips' own, until more rows are taken. */
typedef struct nf_tiff_strip {
    void *bytes;
    size_t count;
} nf_tiff_strip;

/* Compresses the rows that were taken, the last strip perhaps of fewer rows, and forgets them. */
nf_status nf_tiff_strips_pack(nf_tiff_strips *strips, const nf_tiff_strip **list, int64_t *count);

#endif
