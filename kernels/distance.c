/* distance.c - the exact Euclidean distance transform, as scipy.ndimage.distance_transform_edt: of each
 * cell that is not zero the distance to the nearest that is; infinity where there is none. */
#include "kernels/isa.h"
#include "kernels/kernel.h"

static const char *const types[] = {"f32", "f64", NULL};

static const nf_param params[] = {
    {"sampling", NF_PARAM_REAL, "1", "1", 1e-100, 1e100, NULL, "from a cell to the next"},
    {"to", NF_PARAM_CHOICE, "", "f32", 0, 0, types, "element type of the output"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_distance) = {
    .name = "distance",
    .summary = "Euclidean distance to the nearest zero",
    .kind = NF_ALIAS,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .expansion = "distance_along:axis=y,sampling={sampling} | "
                 "distance_along:axis=x,from=squared,sampling={sampling} | "
                 "distance_along:axis=z,from=squared,sampling={sampling},to={to}",
};
