/* plain.h - files of a header, or none, and a dense array behind it: what their formats share. Internal
 * to io/. */
#ifndef NF_PLAIN_H
#define NF_PLAIN_H

#include "io/format.h"

/* A reader that knows nothing but the layout. `open` of a format fills it in. */
nf_status nf_plain_open(const char *file, const nf_layout *layout, void **reader);
void nf_plain_layout(void *reader, nf_layout *layout);
void nf_plain_close(void *reader);

/* Fails where a dataset is named in a file that has none. */
nf_status nf_plain_no_dataset(const char *file, const char *dataset, const char *format);

/* Creates `part` with a header, and room behind it for the array. */
nf_status nf_plain_create(const char *part, const char *target, const void *header, size_t bytes,
                          const nf_shape *shape, nf_element element, bool again, void **writer,
                          nf_layout *layout);
nf_status nf_plain_finish(void *writer);
void nf_plain_abandon(void *writer);

#endif
