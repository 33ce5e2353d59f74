/* advise_source.h - the array that a chain is measured on. */
#ifndef NF_ADVISE_SOURCE_H
#define NF_ADVISE_SOURCE_H

#include "drivers/advise_args.h"
#include "drivers/source.h"

/* Collective over a node. Of the shape's type and channels: the first rows (planes) of the input, or
 * a photograph (nf_source_open), whose pixels take the shape's type. Errors: those of reading;
 * NF_ERR_MEMORY. */
nf_status advise_source_open(const nf_cli *cli, const advise_args *args, const nf_shape *shape,
                             nf_source *source);

#endif
