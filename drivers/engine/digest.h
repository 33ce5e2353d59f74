/* digest.h - a number that two equal arrays share, however they are cut. */
#ifndef NF_DIGEST_H
#define NF_DIGEST_H

#include "drivers/engine/field.h"

/* Collective. A sum modulo 2^64 over all elements of (bits + 1) times a weight that depends on the
 * element's global index: any single element that differs changes it. Not cryptographic. */
uint64_t nf_field_digest(const nf_world *world, const nf_field *field);

#endif
