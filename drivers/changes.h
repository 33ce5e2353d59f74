/* changes.h - what a chain does to the pixels that an image's metadata speaks of. */
#ifndef NF_CHANGES_H
#define NF_CHANGES_H

#include "drivers/engine/chain.h"

/* NF_CHANGED_ ... of io/metadata.h; chain NULL: nothing. */
unsigned nf_changes_of(const nf_chain *chain);

#endif
