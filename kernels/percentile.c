/* percentile.c - the element at a percentage of the order of a window, as
 * scipy.ndimage.percentile_filter: an element of the input, never a mean of two; median.c does it. */
#include "kernels/median.h"

static nf_status prepare(nf_setup *setup)
{
    return nf_median_prepare(setup, setup->values[1].real);
}

static const nf_param params[] = {
    NF_MEDIAN_SIZE_PARAM,
    {"p", NF_PARAM_REAL, "percent", "50", 0, 100, NULL, "0: the smallest, 100: the largest"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_percentile) = {
    .name = "percentile",
    .summary = "the element at a percentage of a window's order",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_U8] = nf_median_u8,
              [NF_U16] = nf_median_u16,
              [NF_F32] = nf_median_f32,
              [NF_F64] = nf_median_f64},
    .reference_cell = nf_median_reference,
    .tolerance = 0,
};
