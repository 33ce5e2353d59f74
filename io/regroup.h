/* regroup.h - fields that go into chunks: whole chunks to one rank each. Internal to io/. */
#ifndef NF_REGROUP_H
#define NF_REGROUP_H

#include "io/array.h"

/* Collective. Writes a field by the writer's boxes, in rounds of at most some 32 MiB a rank. Where the
 * ranks' blocks begin and end at chunks, each rank writes its own; otherwise a round's cells first
 * go to the ranks that write their chunks. */
nf_status nf_regroup_write(const nf_world *world, nf_array_writer *writer, const nf_field *field,
                           const nf_watch *watch);

#endif
