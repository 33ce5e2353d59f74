/* content.h - which format a file's content is, or what else it looks like. Internal to io/. */
#ifndef NF_CONTENT_H
#define NF_CONTENT_H

#include "io/format.h"

/* The known formats in the order in which they are tried; NULL past the end. */
const nf_format *nf_format_at(size_t index);

/* The format of a file that is to be read, by its first bytes (HDF5 also behind a user block of
 * 512 * 2^k bytes). Fails for what cannot be opened, for directories, empty files and anything that
 * no format recognises; the message says what it looks like. */
nf_status nf_content_format(const char *file, const nf_format **format);

/* Fails unless there is a regular file of this name. */
nf_status nf_content_regular(const char *file);

/* Whether an existing file is HDF5; false if it cannot be read. *user_block (may be NULL): the
 * signature's position. */
bool nf_content_is_hdf5(const char *file, int64_t *user_block);

/* The format of a file that is to be written, by its suffix. */
nf_status nf_suffix_format(const char *file, const nf_format **format);

#endif
