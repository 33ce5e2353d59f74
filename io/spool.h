/* spool.h - arrays in files as what streams read from and write to. */
#ifndef NF_SPOOL_H
#define NF_SPOOL_H

#include "drivers/engine/scratch.h"
#include "drivers/engine/stream.h"
#include "io/array.h"

/* A format that gives or takes rows in order only goes through a scratch file: rank 0 decodes all
 * of it before the stream begins, or encodes it when the stream is done. */
typedef struct nf_spool {
    nf_scratch scratch; /* closed: the format itself is read from, or written to */
    nf_array_reader *reader;
    nf_array_writer *writer;
    const nf_world *world;
    nf_pack *packs[2]; /* bands on their way into the file */
} nf_spool;

/* Collective. `folder` and `nodes` as for nf_scratch_open. The spool must stay where it is while
 * the source or the sink is used; close it also after an error. */
nf_status nf_spool_in(const nf_world *world, nf_array_reader *reader, const nf_shape *shape,
                      const char *folder, int nodes, nf_spool *spool, nf_stream_source *source);
nf_status nf_spool_out(const nf_world *world, nf_array_writer *writer, const nf_shape *shape,
                       const char *folder, int nodes, nf_spool *spool, nf_stream_sink *sink);
/* Collective, after a stream that wrote: what is still to be encoded. */
nf_status nf_spool_finish(const nf_world *world, nf_spool *spool);
void nf_spool_close(nf_spool *spool); /* harmless on one that is zero */

#endif
