/* sobel.c - gradient magnitude by the Sobel operator (gradient.h): smoothed by [1 2 1], the hypot of
 * scipy.ndimage.sobel along all axes. */
enum { EDGE = 1, CENTRE = 2 };
#include "kernels/gradient.h"

const nf_kernel NF_ISA_NAME(nf_kernel_sobel) = {
    .name = "sobel",
    .summary = "gradient magnitude by the Sobel operator, in volumes by three axes",
    .tolerance = 64,
    NF_GRADIENT_MEMBERS,
};
