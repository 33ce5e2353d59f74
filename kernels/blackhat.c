/* blackhat.c - the black top-hat: the closing less the input, as scipy.ndimage.black_tophat; what is
 * darker than its surroundings and smaller than the window. Where a border makes the closing less than
 * the input, integers stop at 0. */
#include "kernels/erode.h"

const nf_kernel NF_ISA_NAME(nf_kernel_blackhat) = {
    .name = "blackhat",
    .summary = "black top-hat: the closing less the input",
    .kind = NF_ALIAS,
    .ndims = NF_2D | NF_3D,
    .params = nf_erode_params,
    .expansion = "close:" NF_ERODE_GIVEN " | subtract:from=made",
};
