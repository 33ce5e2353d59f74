/* tophat.c - the white top-hat: the input less its opening, as scipy.ndimage.white_tophat; what is
 * brighter than its surroundings and smaller than the window. Where a border makes the opening greater
 * than the input, integers stop at 0. */
#include "kernels/erode.h"

const nf_kernel NF_ISA_NAME(nf_kernel_tophat) = {
    .name = "tophat",
    .summary = "white top-hat: the input less its opening",
    .kind = NF_ALIAS,
    .ndims = NF_2D | NF_3D,
    .params = nf_erode_params,
    .expansion = "open:" NF_ERODE_GIVEN " | subtract:from=begun",
};
