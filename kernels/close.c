/* close.c - closing: dilation, then erosion, as scipy.ndimage.grey_closing; each with its own border.
 * erode.c says what the windows are. */
#include "kernels/erode.h"

const nf_kernel NF_ISA_NAME(nf_kernel_close) = {
    .name = "close",
    .summary = "grey closing: dilation, then erosion",
    .kind = NF_ALIAS,
    .ndims = NF_2D | NF_3D,
    .params = nf_erode_params,
    .expansion = "dilate:" NF_ERODE_GIVEN " | erode:" NF_ERODE_GIVEN,
};
