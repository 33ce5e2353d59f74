/* rotate.c - an image turned counter-clockwise about its centre, as scipy.ndimage.rotate; with expand=yes
 * the output has room for all of it (scipy's reshape). Multiples of 90 degrees are exact. Interpolation
 * and borders as in affine.c. */
#include <math.h>

#include "kernels/affine.h"

/* The cosine of an angle in degrees, from 0 to below 360. */
static double cosine(double angle)
{
    if (angle == 90 || angle == 270)
        return 0;
    return angle == 180 ? -1 : cos(angle * (3.14159265358979323846 / 180));
}

static double in_turn(double angle)
{
    double rest = fmod(angle, 360);
    return rest < 0 ? rest + 360 : rest;
}

static nf_status prepare(nf_setup *setup)
{
    double angle = in_turn(setup->values[0].real), c = cosine(angle);
    double s = cosine(in_turn(angle + 270)); /* the sine */
    double height = (double)setup->in.dim[1], width = (double)setup->in.dim[2];
    if (setup->values[1].integer == 1) {
        setup->out.dim[1] = (int64_t)(fabs(c) * height + fabs(s) * width + 0.5);
        setup->out.dim[2] = (int64_t)(fabs(c) * width + fabs(s) * height + 0.5);
    }
    double x = ((double)setup->out.dim[2] - 1) / 2, y = ((double)setup->out.dim[1] - 1) / 2;
    nf_affine affine = {.m = {c, -s, (width - 1) / 2 - (c * x - s * y), /* centre to centre */
                              s, c, (height - 1) / 2 - (s * x + c * y)},
                        .method = (nf_interpolation)setup->values[2].integer};
    return nf_affine_prepare(setup, &affine);
}

static const char *const no_yes[] = {"no", "yes", NULL};
static const nf_param params[] = {
    {"angle", NF_PARAM_REAL, "degrees", NULL, -1e6, 1e6, NULL, "counter-clockwise"},
    {"expand", NF_PARAM_CHOICE, "", "no", 0, 0, no_yes, "whether the output has room for all"},
    NF_AFFINE_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_rotate) = {
    .name = "rotate",
    .summary = "an image turned counter-clockwise about its centre",
    .kind = NF_RESAMPLE,
    .turns = true,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .source = nf_affine_source,
    .apply = {[NF_U8] = nf_affine_apply_u8,
              [NF_U16] = nf_affine_apply_u16,
              [NF_F32] = nf_affine_apply_f32,
              [NF_F64] = nf_affine_apply_f64},
    .reference_cell = nf_affine_cell,
    .tolerance = 32,
};
