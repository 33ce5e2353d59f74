/* canny.c - OpenCV's Canny, aperture 3, bit for bit: white edges. canny_edges.c says what is an edge,
 * hysteresis.c which weak ones stay. */
#include "kernels/isa.h"
#include "kernels/kernel.h"

static const char *const yes_no[] = {"no", "yes", NULL};

static const nf_param params[] = {
    {"low", NF_PARAM_REAL, "magnitude", NULL, 0, 1e6, NULL,
     "ridges of the gradient above this are edges where they touch one"},
    {"high", NF_PARAM_REAL, "magnitude", NULL, 0, 1e6, NULL, "ridges above this are edges"},
    {"l2", NF_PARAM_CHOICE, "", "no", 0, 0, yes_no,
     "the magnitude is the root of the sum of squares, not the sum of absolute values"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_canny) = {
    .name = "canny",
    .summary = "Canny's edges",
    .kind = NF_ALIAS,
    .ndims = NF_2D,
    .params = params,
    .expansion = "canny_edges:low={low},high={high},l2={l2} | "
                 "hysteresis:low=0,high=1,connectivity=2",
};
