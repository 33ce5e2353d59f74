/* open.c - opening: erosion, then dilation, as scipy.ndimage.grey_opening; each with its own border.
 * erode.c says what the windows are. */
#include "kernels/erode.h"

const nf_kernel NF_ISA_NAME(nf_kernel_open) = {
    .name = "open",
    .summary = "grey opening: erosion, then dilation",
    .kind = NF_ALIAS,
    .ndims = NF_2D | NF_3D,
    .params = nf_erode_params,
    .expansion = "erode:" NF_ERODE_GIVEN " | dilate:" NF_ERODE_GIVEN,
};
