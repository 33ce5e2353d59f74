/* stream_parts.h - what a stream is made of. For stream.c and stream_plan.c alone. */
#ifndef NF_STREAM_PARTS_H
#define NF_STREAM_PARTS_H

#include "drivers/engine/plan_parts.h"
#include "drivers/engine/scratch.h"
#include "drivers/engine/stream.h"

struct nf_stream {
    nf_plan *plan;
    nf_stream_ends ends;
    nf_stream_options options; /* with the bound and the folder filled in */
    nf_scratch scratch[2];
    int64_t resident, most; /* bytes of this rank: without and with a band */
    nf_watch watch;
    double done, mine; /* bytes that this rank has moved, of all that it will */
    nf_stream_times spent;
};

/* Bytes that a pass reads and writes for a band, about. */
double nf_pass_band_bytes(const nf_plan *plan, const nf_pass *pass, const nf_box *band);

#endif
