/* dilate.c - grey dilation: the largest element of a window, as scipy.ndimage.grey_dilation; erode.c
 * does it, and says what the windows are. */
#include "kernels/erode.h"

static nf_status prepare(nf_setup *setup)
{
    return nf_erode_prepare(setup, false, true);
}

const nf_kernel NF_ISA_NAME(nf_kernel_dilate) = {
    .name = "dilate",
    .summary = "grey dilation, the largest element of a square, cross, disc or mask",
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
