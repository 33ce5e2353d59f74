#include "drivers/engine/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static nf_status create(const char *folder, nf_scratch *s)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/.nfold-scratch-XXXXXX", folder) >= (int)sizeof path)
        return nf_fail(NF_ERR_FILE, "%s: the name of this folder is too long", folder);
    s->dense.fd = mkostemp(path, O_CLOEXEC);
    if (s->dense.fd < 0)
        return nf_fail(NF_ERR_FILE,
                       "%s: no scratch file can be made there: %s; name another folder that all "
                       "ranks see (--scratch)",
                       folder, strerror(errno));
    s->named = true;
    s->path = strdup(path);
    return s->path != NULL ? NF_OK : nf_fail(NF_ERR_MEMORY, "no memory for a name");
}

static nf_status join(const char *path, nf_scratch *s)
{
    s->path = strdup(path);
    if (s->path == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a name");
    s->dense.fd = open(path, O_RDWR | O_CLOEXEC);
    if (s->dense.fd < 0)
        return nf_fail(NF_ERR_FILE,
                       "%s: cannot be opened: %s; all ranks must see the same folder: "
                       "name another one (--scratch)",
                       path, strerror(errno));
    return NF_OK;
}

static void forget_name(nf_scratch *s)
{
    if (s->named && s->path != NULL)
        unlink(s->path);
    s->named = false;
}

nf_status nf_scratch_open(const nf_world *world, const char *folder, int nodes, nf_scratch *s)
{
    char path[PATH_MAX] = "";
    *s = (nf_scratch){.dense = {.fd = -1}};
    nf_status status = nf_agree(world, world->rank == 0 ? create(folder, s) : NF_OK);
    if (status == NF_OK) {
        if (world->rank == 0)
            snprintf(path, sizeof path, "%s", s->path);
        nf_broadcast(world, path, sizeof path, 0);
        status = nf_agree(world, world->rank > 0 ? join(path, s) : NF_OK);
    }
    s->dense.name = s->path;
    if (status != NF_OK)
        nf_scratch_close(s);
    else if (nodes == 1)
        forget_name(s);
    return status;
}

void nf_scratch_close(nf_scratch *s)
{
    if (s->path == NULL && !s->named)
        return;
    forget_name(s);
    if (s->dense.fd >= 0)
        close(s->dense.fd);
    free(s->path);
    *s = (nf_scratch){.path = NULL};
}

static nf_status reserve(const nf_scratch *s, int64_t bytes)
{
    int result;
    do
        result = fallocate(s->dense.fd, 0, 0, bytes);
    while (result != 0 && errno == EINTR);
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)
        return NF_OK;
    return nf_fail(NF_ERR_FILE,
                   "%s: %lld MiB for an array between two sweeps cannot be reserved: %s; name "
                   "a folder with more room (--scratch)",
                   s->path, (long long)(bytes >> 20), strerror(errno));
}

nf_status nf_scratch_begin(const nf_world *world, nf_scratch *s, const nf_shape *shape)
{
    s->dense.shape = *shape;
    return nf_agree(world, world->rank == 0 ? reserve(s, (int64_t)nf_shape_bytes(shape)) : NF_OK);
}
