/* record_parts.h - records as JSON objects: what the two halves of reading and writing share.
 * Internal to io/. */
#ifndef NF_RECORD_PARTS_H
#define NF_RECORD_PARTS_H

#include <jansson.h>

#include "drivers/engine/status.h"
#include "drivers/study/sample.h"

enum { NF_SCHEMA = 2 };

/* A record of everything in it; the caller owns it. NULL: a number is not finite, a text is no
 * UTF-8, or there is no memory. */
json_t *nf_pack_sample(const nf_sample *sample, const char *kind);
json_t *nf_pack_ceiling(const nf_ceiling *ceiling);
json_t *nf_pack_cost(const nf_cost *cost);

/* What a record says. Texts belong to the record; the balance's arrays and `more` are the caller's
 * to free, also after an error. False: a member is missing, or of the wrong type. */
bool nf_unpack_sample(json_t *record, nf_sample *sample);
bool nf_unpack_ceiling(json_t *record, nf_ceiling *ceiling);
bool nf_unpack_cost(json_t *record, nf_cost *cost);

/* What `record` has beyond `known`, as JSON text that the caller frees; NULL: nothing, or no
 * memory. */
char *nf_record_beyond(const json_t *record, const json_t *known);
/* Adds that again. */
bool nf_record_restore(json_t *record, const char *more);

#endif
