#include "io/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "drivers/engine/dense.h"

nf_status nf_raw_reserve(int fd, int64_t offset, int64_t bytes, const char *target)
{
    int result;
    do
        result = fallocate(fd, 0, offset, bytes);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return NF_OK;
    struct statvfs disk;
    bool known = fstatvfs(fd, &disk) == 0;
    unsigned long long free_bytes = known ? (unsigned long long)disk.f_bavail * disk.f_frsize : 0;
    bool cannot = errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
    if (cannot && (!known || free_bytes >= (unsigned long long)bytes))
        return NF_OK;
    return nf_fail(NF_ERR_FILE, "%s: %lld bytes cannot be reserved (%llu free on the disk): %s",
                   target, (long long)bytes, free_bytes, strerror(cannot ? ENOSPC : errno));
}

nf_status nf_raw_write(int fd, int64_t offset, const nf_field *field, const char *target)
{
    const nf_dense dense = {fd, offset, field->cut.shape, target};
    if (nf_box_empty(&field->own))
        return NF_OK;
    return nf_dense_write(&dense, &field->own, field->origin, field->stride);
}
