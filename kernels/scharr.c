/* scharr.c - gradient magnitude by the Scharr operator (gradient.h): smoothed by [3 10 3], the weights of
 * OpenCV's Scharr, not normalised; in volumes the same along both other axes. */
enum { EDGE = 3, CENTRE = 10 };
#include "kernels/gradient.h"

const nf_kernel NF_ISA_NAME(nf_kernel_scharr) = {
    .name = "scharr",
    .summary = "gradient magnitude by the Scharr operator, in volumes by three axes",
    .tolerance = 1024,
    NF_GRADIENT_MEMBERS,
};
