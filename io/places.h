/* places.h - chunks of all ranks get their places in the file from the one process that knows it.
 * Internal to io/. */
#ifndef NF_PLACES_H
#define NF_PLACES_H

#include "io/chunks.h"
#include "io/format.h"

/* Collective. The chunks of a box, box NULL on ranks that have none this time, get their addresses
 * from format->allot on rank 0 (`state` is its writer there), in the order of the ranks. */
nf_status nf_places_allot(const nf_world *world, const nf_format *format, void *state, int64_t item,
                          const nf_layout *layout, const nf_box *box, nf_encoded *encoded);

#endif
