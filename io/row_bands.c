#include "io/row_bands.h"

#include <stdlib.h>

#include "drivers/engine/status.h"

int64_t nf_band_rows(const nf_shape *shape)
{
    int64_t row = shape->dim[2] * shape->channels * (int64_t)nf_dtype_size(shape->dtype);
    int64_t rows = NF_BAND_BYTES / row > 0 ? NF_BAND_BYTES / row : 1;
    return rows < shape->dim[1] ? rows : shape->dim[1];
}

nf_status nf_band_create(const nf_world *world, const nf_shape *shape, void **band)
{
    nf_status status = NF_OK;
    *band = NULL;
    if (world->rank == 0) {
        size_t bytes = (size_t)(nf_band_rows(shape) * shape->dim[2] * shape->channels) *
                       nf_dtype_size(shape->dtype);
        if (posix_memalign(band, 64, bytes) != 0) {
            *band = NULL;
            status = nf_fail(NF_ERR_MEMORY, "no memory for %zu bytes of rows", bytes);
        }
    }
    status = nf_agree(world, status);
    if (status != NF_OK) {
        free(*band);
        *band = NULL;
    }
    return status;
}

nf_box nf_band_box(const nf_shape *shape, int64_t y0)
{
    nf_box box = nf_box_whole(shape);
    int64_t rows = nf_band_rows(shape);
    box.lo[1] = y0;
    box.hi[1] = y0 + rows < shape->dim[1] ? y0 + rows : shape->dim[1];
    return box;
}

void nf_layout_step(const nf_layout *layout, int64_t step[NF_DIMS])
{
    for (int d = 0; d < NF_DIMS; d++)
        step[d] = layout->chunk[d] > 0 ? layout->chunk[d] : 1;
}
