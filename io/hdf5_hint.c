/* hdf5_hint.c - settings of HDF5 files, as typed. Elements are written by plain calls and metadata by
 * one process, so that hints for MPI-IO would say nothing to anyone. */
#include <stdlib.h>
#include <string.h>

#include "io/array.h"

/* "64K", "1M", "1G" or a plain number; -1: none of these. */
static int64_t take_size(const char *text)
{
    char *end;
    long long size = strtoll(text, &end, 10);
    int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (end == text || size < 0 || size > 1 << 30 || end[shift > 0] != '\0')
        return -1;
    return (int64_t)size << shift;
}

static nf_status take(const char *text, const char *value, int64_t least, int64_t most, int64_t *to)
{
    int64_t size = take_size(value);
    if (size < least || size > most)
        return nf_fail(NF_ERR_USAGE, "--hint %s: expected bytes from %lld to %lld, as 64K or 1M",
                       text, (long long)least, (long long)most);
    *to = size;
    return NF_OK;
}

nf_status nf_hdf5_hint(const char *text, nf_hdf5_hints *hints)
{
    const char *equal = strchr(text, '='), *value = equal != NULL ? equal + 1 : "";
    size_t length = equal != NULL ? (size_t)(equal - text) : strlen(text);
    const struct {
        const char *key;
        int64_t least, most, *to;
    } sizes[] = {{"alignment", 1, 1 << 30, &hints->alignment},
                 {"meta_block", 1, 1 << 26, &hints->meta_block},
                 {"page", 512, 1 << 26, &hints->page}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strlen(sizes[i].key) == length && strncmp(text, sizes[i].key, length) == 0)
            return take(text, value, sizes[i].least, sizes[i].most, sizes[i].to);
    if (strcmp(text, "libver=latest") == 0 || strcmp(text, "libver=earliest") == 0) {
        hints->latest = strcmp(value, "latest") == 0;
        return NF_OK;
    }
    return nf_fail(NF_ERR_USAGE,
                   "--hint %s: expected alignment=BYTES, meta_block=BYTES, page=BYTES, "
                   "libver=earliest or libver=latest",
                   text);
}
