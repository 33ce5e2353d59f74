/* crop.c - a part of the array: `width` columns from column x on, `height` rows from row y on, in
 * volumes `depth` planes from plane z on. */
#include "kernels/moving.h"

static nf_status prepare(nf_setup *setup)
{
    static const char *const names[][2] = {{"z", "depth"}, {"y", "height"}, {"x", "width"}};
    nf_moving *moving = nf_moving_make(setup);
    if (moving == NULL)
        return NF_ERR_MEMORY;
    for (int d = 0; d < NF_DIMS; d++) {
        const nf_value *first = &setup->values[NF_DIMS - 1 - d], *extent = first + NF_DIMS;
        int64_t left = setup->in.dim[d] - first->integer;
        setup->param = names[d][left > 0];
        setup->problem = "the part reaches beyond the array";
        if (left < 1 || (extent->given && extent->integer > left))
            return NF_ERR_PARAM;
        moving->first[d] = first->integer;
        setup->out.dim[d] = extent->given ? extent->integer : left;
    }
    setup->param = setup->problem = NULL;
    return NF_OK;
}

static const nf_param params[] = {
    {"x", NF_PARAM_INTEGER, "cells", "0", 0, 1e15, NULL, "the first column"},
    {"y", NF_PARAM_INTEGER, "cells", "0", 0, 1e15, NULL, "the first row"},
    {"z", NF_PARAM_INTEGER, "cells", "0", 0, 1e15, NULL, "the first plane, in volumes"},
    {"width", NF_PARAM_INTEGER, "cells", "auto", 1, 1e15, NULL, "columns; auto: all the others"},
    {"height", NF_PARAM_INTEGER, "cells", "auto", 1, 1e15, NULL, "rows; auto: all the others"},
    {"depth", NF_PARAM_INTEGER, "cells", "auto", 1, 1e15, NULL, "planes; auto: all the others"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_crop) = {
    .name = "crop",
    .summary = "a part of the array",
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    NF_MOVING_KERNEL,
};
