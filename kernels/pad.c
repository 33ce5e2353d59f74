/* pad.c - so many cells more on each side, which the border fills, as numpy.pad: clamp is its edge,
 * reflect its symmetric, mirror its reflect. */
#include "kernels/moving.h"

static nf_status prepare(nf_setup *setup)
{
    nf_moving *moving = nf_moving_make(setup);
    if (moving == NULL)
        return NF_ERR_MEMORY;
    for (int d = NF_DIMS - setup->in.ndim; d < NF_DIMS; d++) {
        const nf_value *before = &setup->values[2 * (NF_DIMS - 1 - d)];
        moving->first[d] = -before[0].integer;
        setup->out.dim[d] += before[0].integer + before[1].integer;
    }
    return NF_OK;
}

static const nf_param params[] = {
    {"left", NF_PARAM_INTEGER, "cells", "0", 0, 1e9, NULL, "columns before the first"},
    {"right", NF_PARAM_INTEGER, "cells", "0", 0, 1e9, NULL, "columns after the last"},
    {"top", NF_PARAM_INTEGER, "cells", "0", 0, 1e9, NULL, "rows before the first, from images on"},
    {"bottom", NF_PARAM_INTEGER, "cells", "0", 0, 1e9, NULL, "rows after the last"},
    {"front", NF_PARAM_INTEGER, "cells", "0", 0, 1e9, NULL, "planes before the first, in volumes"},
    {"back", NF_PARAM_INTEGER, "cells", "0", 0, 1e9, NULL, "planes after the last"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_pad) = {
    .name = "pad",
    .summary = "more cells on each side, which the border fills",
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    NF_MOVING_KERNEL,
};
