#include "io/extents.h"

#include <stdio.h>

static bool could_be_channels(int64_t extent)
{
    return extent >= 2 && extent <= NF_MAX_CHANNELS;
}

nf_status nf_extents_shape(int rank, const int64_t *extent, const char *what, nf_shape *shape)
{
    int64_t last = rank > 0 ? extent[rank - 1] : 0;
    bool channels = (rank >= NF_DIMS && could_be_channels(last)) || (rank > NF_DIMS && last == 1);
    int ndim = channels ? rank - 1 : rank;
    if (ndim < 1 || ndim > NF_DIMS)
        return nf_fail(
            NF_ERR_SHAPE,
            "%s: has %d dimensions; nfold takes 1 to 3 and, behind them, 1 to 4 channels", what,
            rank);
    *shape = (nf_shape){{1, 1, 1}, ndim, channels ? (int)last : 1, shape->dtype};
    for (int d = 0; d < ndim; d++) {
        if (extent[d] < 1)
            return nf_fail(NF_ERR_SHAPE, "%s: extent %d of its array is %lld; expected at least 1",
                           what, d, (long long)extent[d]);
        shape->dim[NF_DIMS - ndim + d] = extent[d];
    }
    return NF_OK;
}

int nf_extents_of(const nf_shape *shape, int64_t extent[NF_EXTENTS])
{
    int rank = 0;
    bool told = shape->channels > 1; /* as they are there */
    if (told && shape->ndim == 1)
        extent[rank++] = 1;
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        extent[rank++] = shape->dim[d];
    if (told || (rank == NF_DIMS && could_be_channels(extent[rank - 1])))
        extent[rank++] = shape->channels;
    return rank;
}

const char *nf_extents_text(int rank, const int64_t *extent, char text[NF_EXTENTS_TEXT])
{
    int used = 0;
    text[0] = '\0';
    for (int d = 0; d < rank; d++)
        used += snprintf(text + used, NF_EXTENTS_TEXT - (size_t)used, "%s%lld", d > 0 ? "x" : "",
                         (long long)extent[d]);
    return text;
}
