/* gradient.c - the morphological gradient: dilation less erosion by the same window, as
 * scipy.ndimage.morphological_gradient; erode.c does it, and says what the windows are. Floats are
 * subtracted in their own type; integers stop at 0, which a mask that is not symmetric may come to. */
#include "kernels/erode.h"

static nf_status prepare(nf_setup *setup)
{
    return nf_erode_prepare(setup, true, true);
}

const nf_kernel NF_ISA_NAME(nf_kernel_gradient) = {
    .name = "gradient",
    .summary = "morphological gradient, the largest less the smallest element of a window",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = nf_erode_params,
    .prepare = prepare,
    .apply = {[NF_U8] = nf_erode_u8,
              [NF_U16] = nf_erode_u16,
              [NF_F32] = nf_erode_f32,
              [NF_F64] = nf_erode_f64},
    .reference_cell = nf_erode_reference,
    .tolerance = 0,
};
