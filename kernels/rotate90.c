/* rotate90.c - quarter turns of an image (in volumes of each plane), counter-clockwise as seen with row
 * 0 at the top, as numpy.rot90. */
#include "kernels/moving.h"

/* A transposition, turned round along one dimension; half a turn: along both. */
static nf_status prepare(nf_setup *setup)
{
    nf_moving *moving = nf_moving_make(setup);
    int turns = (int)setup->values[0].integer;
    if (moving == NULL)
        return NF_ERR_MEMORY;
    if (turns % 2 == 1) {
        moving->axis[1] = 2, moving->axis[2] = 1;
        setup->out.dim[1] = setup->in.dim[2];
        setup->out.dim[2] = setup->in.dim[1];
    }
    if (turns != 3)
        nf_moving_turn(moving, setup, 1);
    if (turns != 1)
        nf_moving_turn(moving, setup, 2);
    return NF_OK;
}

static const nf_param params[] = {
    {"turns", NF_PARAM_INTEGER, "1", "1", 1, 3, NULL, "quarter turns, counter-clockwise"}, {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_rotate90) = {
    .name = "rotate90",
    .summary = "quarter turns of an image",
    .ndims = NF_2D | NF_3D,
    .params = params,
    .turns = true,
    NF_MOVING_KERNEL,
};
