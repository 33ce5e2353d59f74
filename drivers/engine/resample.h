/* resample.h - passes that make an array of other extents, or in another order: each rank brings
 * together the input cells that its output block reads, and its tiles read them there. */
#ifndef NF_RESAMPLE_H
#define NF_RESAMPLE_H

#include "drivers/engine/plan_parts.h"

/* The input cells that a stage reads for these output cells, and those of the array that stand for them
 * (none, where all lie beyond a constant border). */
nf_box nf_resample_source(const nf_stage *stage, const nf_box *out);
nf_box nf_resample_inside(const nf_stage *stage, const nf_box *source);

/* The index in the array that index i stands for along dimension d; -1: beyond a constant border. */
int64_t nf_resample_index(const nf_stage *stage, int64_t i, int d);

/* Chooses the tiles of this rank's block, which is not empty. */
void nf_resample_tile(const nf_plan *plan, const nf_pass *pass, nf_tiling *tiling);

/* Works out what this rank sends and receives, and allocates room for it. Not collective: agree on the
 * status afterwards. Error: NF_ERR_MEMORY. */
nf_status nf_sources_create(const nf_plan *plan, const nf_pass *pass, nf_sources **sources);
void nf_sources_free(nf_sources *sources);
/* Cells of the array that this rank's block reads; those of them that come from others. */
int64_t nf_sources_cells(const nf_sources *sources);
nf_traffic nf_sources_traffic(const nf_sources *sources);

/* Streams: room for the cells that bands of at most so many read, those inside the array and, with those
 * beyond it, all. Error: NF_ERR_MEMORY. */
nf_status nf_sources_reserve(const nf_pass *pass, int64_t inside, int64_t all,
                             nf_sources **sources);
/* From now on they are those of the band `out`. Returns the place of the cells inside, which are to be
 * brought there before nf_resample_band; its box may be empty. */
nf_patch nf_sources_aim(nf_sources *sources, const nf_pass *pass, const nf_box *out);
void nf_resample_band(nf_plan *plan, const nf_pass *pass, nf_sources *sources, const nf_field *to);
/* What a band reads: cells inside the array; and where some lie beyond it, all, else 0. */
void nf_sources_count(const nf_pass *pass, const nf_box *out, int64_t *inside, int64_t *all);

/* Bytes that a thread needs beside its nf_kept; sets the pass's scratch_stride. */
size_t nf_resample_measure(nf_pass *pass);

/* Collective. Runs the pass. */
void nf_resample(nf_plan *plan, const nf_pass *pass, const nf_field *from, const nf_field *to,
                 nf_times *times);

#endif
