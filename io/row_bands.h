/* row_bands.h - rows that go through rank 0, band by band, and the steps of layouts: what reading and
 * writing arrays share. Included by array_read.c and array_write.c alone. */
#ifndef NF_ROW_BANDS_H
#define NF_ROW_BANDS_H

#include "drivers/engine/world.h"
#include "io/layout.h"

enum { NF_BAND_BYTES = 16 << 20 /* of rows that rank 0 holds at a time */ };

int64_t nf_band_rows(const nf_shape *shape);
/* The band that begins with row y0, over all planes. */
nf_box nf_band_box(const nf_shape *shape, int64_t y0);
/* Collective. Rank 0's buffer for one band of one plane, NULL on the others; freed by free. */
nf_status nf_band_create(const nf_world *world, const nf_shape *shape, void **band);

/* What boxes had better begin and end at multiples of: the layout's chunk, or one cell. */
void nf_layout_step(const nf_layout *layout, int64_t step[NF_DIMS]);

#endif
