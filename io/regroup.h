/* regroup.h - fields that go into chunks: whole chunks to one rank each. Internal to io/. */
#ifndef NF_REGROUP_H
#define NF_REGROUP_H

#include "io/array.h"

/* Bytes of a rank's share of a round; a variable so that tests can make it small, the same on all
 * ranks. */
extern int64_t nf_regroup_bytes;

/* Collective. Writes a field by the writer's boxes, in rounds. Where the
 * ranks' blocks begin and end at chunks, each rank writes its own; otherwise a round's cells first
 * go to the ranks that write their chunks. */
nf_status nf_regroup_write(const nf_world *world, nf_array_writer *writer, const nf_field *field,
                           const nf_watch *watch);

#endif
