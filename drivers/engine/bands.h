/* bands.h - how a rank's slab of an array is gone through in bands, and what these take of memory. */
#ifndef NF_BANDS_H
#define NF_BANDS_H

#include "drivers/engine/plan_parts.h"

/* The bands of a slab: its cells between two multiples of `height` along dimension `slow`. */
typedef struct nf_bands {
    nf_box slab;
    int slow;
    int64_t height, first, count; /* first: the multiple that the first band begins at, or after */
} nf_bands;

nf_bands nf_bands_of(const nf_pass *pass, int rank); /* with the height pass->band */
nf_box nf_bands_box(const nf_bands *bands, int64_t number);
int64_t nf_bands_most(const nf_plan *plan, const nf_pass *pass); /* that any rank has */

/* What band heights are multiples of: tiles of a fixed grid, or the alignment of the plan's
 * options. */
int64_t nf_bands_unit(const nf_plan *plan, const nf_pass *pass);

/* The cells inside the array that a band of a sweep reads, indices beyond its edges along `slow`
 * standing for what wraps around. */
nf_box nf_bands_reads(const nf_pass *pass, const nf_bands *bands, const nf_box *band);

/* How many cells a band reads, of any pass; of a resampling in two places: see nf_sources_count. */
int64_t nf_bands_cells(const nf_pass *pass, const nf_bands *bands, const nf_box *band,
                       int64_t *beyond);
/* The most that any band of this rank reads. */
int64_t nf_bands_most_cells(const nf_pass *pass, const nf_bands *bands, int64_t *beyond);

/* Makes the pass's tiles those of this band. NF_ERR_MEMORY. */
nf_status nf_bands_tile(const nf_plan *plan, nf_pass *pass, const nf_box *band);

/* Bytes of this rank while it goes through the pass in bands of this height, beside what the plan
 * has allocated; and those of a thread's workspace in them. Leaves pass->band at the height. */
int64_t nf_bands_bytes(const nf_plan *plan, nf_pass *pass, int64_t height, size_t *workspace);

#endif
