/* json_text.h - text as JSON. Internal to io/. */
#ifndef NF_JSON_TEXT_H
#define NF_JSON_TEXT_H

#include <jansson.h>

/* A string; null for NULL. Text that is not UTF-8, which JSON cannot hold, as a file's name may be, has `?` for
 * each byte beyond ASCII. NULL: memory is exhausted. */
json_t *nf_json_text(const char *text);

#endif
