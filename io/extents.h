/* extents.h - shapes as the plain lists of extents that arrays have elsewhere. Internal to io/.
 *
 * A list has 1 to 3 dimensions and, behind them, channels: a last extent of 2 to 4 where there are 3 or
 * 4, or of 1 where there are 4. */
#ifndef NF_EXTENTS_H
#define NF_EXTENTS_H

#include "drivers/engine/status.h"

enum { NF_EXTENTS = NF_DIMS + 1 };

/* Fills dim, ndim and channels. `what` begins the message; fails for other ranks and for extents
 * below 1. */
nf_status nf_extents_shape(int rank, const int64_t *extent, const char *what, nf_shape *shape);

/* The list that is read as this shape again; returns its rank. A 1-D array with channels becomes one
 * row of an image. */
int nf_extents_of(const nf_shape *shape, int64_t extent[NF_EXTENTS]);

/* "512x389x3". */
enum { NF_EXTENTS_TEXT = 96 };
const char *nf_extents_text(int rank, const int64_t *extent, char text[NF_EXTENTS_TEXT]);

#endif
