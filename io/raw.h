/* raw.h - one rank's block to its places in a dense array in a file, by plain writes. Internal to
 * io/.
 */
#ifndef NF_RAW_H
#define NF_RAW_H

#include "drivers/engine/field.h"

/* Reserves `bytes` from `offset` on, so that a full disk shows now and not after hours of work.
 * Where the file system cannot reserve, its free space is looked at. `target` is for the message.
 */
nf_status nf_raw_reserve(int fd, int64_t offset, int64_t bytes, const char *target);

/* Writes the field's own cells; the array's first element is at `offset`. As
 * nf_dense_write. */
nf_status nf_raw_write(int fd, int64_t offset, const nf_field *field, const char *target);

#endif
