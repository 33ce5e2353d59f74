/* sharpen.c - the mask of Pillow's ImageFilter.SHARPEN, -2 around 32, divided by 16. Beyond the
 * edges the border goes on as for every filter here (Pillow leaves the outermost cells as they
 * are). */
#include "kernels/convolve.h"

static nf_status prepare(nf_setup *setup)
{
    static const double mask[9] = {-2, -2, -2, -2, 32, -2, -2, -2, -2};
    return nf_convolve_prepare(setup, mask, 3, 16, 0);
}

static const nf_param params[] = {NF_BORDER_PARAMS, {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_sharpen) = {
    .name = "sharpen",
    .summary = "the 3x3 mask -2 around 32, over 16",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_U8] = nf_convolve_u8,
              [NF_U16] = nf_convolve_u16,
              [NF_F32] = nf_convolve_f32,
              [NF_F64] = nf_convolve_f64},
    .reference_cell = nf_convolve_reference,
    .tolerance = 16,
};
