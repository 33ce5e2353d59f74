/* transpose.c - the dimensions in another order, as numpy.transpose: the output's first is the input's
 * named first. */
#include "kernels/moving.h"

static nf_status prepare(nf_setup *setup)
{
    static const int orders[][NF_DIMS] = {{0, 2, 1}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}};
    nf_moving *moving = nf_moving_make(setup);
    const int *order = orders[setup->values[0].integer];
    if (moving == NULL)
        return NF_ERR_MEMORY;
    for (int d = 0; d < NF_DIMS; d++) {
        moving->axis[d] = order[d];
        setup->out.dim[d] = setup->in.dim[order[d]];
    }
    if (setup->in.ndim == NF_DIMS || order[0] == 0)
        return NF_OK;
    setup->param = "order";
    setup->problem = "an image has no axis z; expected zxy, which swaps rows and columns";
    return NF_ERR_PARAM;
}

static const char *const order_names[] = {"zxy", "xyz", "yzx", "yxz", "xzy", NULL};

static const nf_param params[] = {{"order", NF_PARAM_CHOICE, "", "zxy", 0, 0, order_names,
                                   "the input's axes in the order in which the output has them, "
                                   "slowest first (zyx: as they are)"},
                                  {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_transpose) = {
    .name = "transpose",
    .summary = "rows and columns swapped, in volumes any order of axes",
    .ndims = NF_2D | NF_3D,
    .params = params,
    .turns = true,
    NF_MOVING_KERNEL,
};
