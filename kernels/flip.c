/* flip.c - the array turned round along one dimension, as numpy.flip. */
#include "kernels/moving.h"

static nf_status prepare(nf_setup *setup)
{
    nf_moving *moving = nf_moving_make(setup);
    int d = NF_DIMS - 1 - (int)setup->values[0].integer;
    if (moving == NULL)
        return NF_ERR_MEMORY;
    nf_moving_turn(moving, setup, d);
    if (d >= NF_DIMS - setup->in.ndim)
        return NF_OK;
    setup->param = "axis";
    setup->problem = "the array has no such axis";
    return NF_ERR_PARAM;
}

static const char *const axes[] = {"x", "y", "z", NULL};

static const nf_param params[] = {{"axis", NF_PARAM_CHOICE, "", "x", 0, 0, axes,
                                   "x: left and right change places; y: top and bottom"},
                                  {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_flip) = {
    .name = "flip",
    .summary = "mirrored along an axis",
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .turns = true,
    NF_MOVING_KERNEL,
};
