/* prewitt.c - gradient magnitude by the Prewitt operator (gradient.h): smoothed by [1 1 1], the hypot of
 * scipy.ndimage.prewitt along all axes. */
enum { EDGE = 1, CENTRE = 1 };
#include "kernels/gradient.h"

const nf_kernel NF_ISA_NAME(nf_kernel_prewitt) = {
    .name = "prewitt",
    .summary = "gradient magnitude by the Prewitt operator, in volumes by three axes",
    .tolerance = 64,
    NF_GRADIENT_MEMBERS,
};
