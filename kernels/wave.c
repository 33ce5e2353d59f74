/* wave.c - the second-order wave equation on a grid, from rest: the array is u at the beginning, and
 * becomes u after so many steps. wave_step.c says how; u and what it was a step before are two channels
 * meanwhile. */
#include "kernels/wave.h"

static const nf_param params[] = {
    {"steps", NF_PARAM_INTEGER, "steps", "10", 1, 1e9, NULL, "time steps"},
    NF_WAVE_COURANT,
    NF_WAVE_EDGES,
    NF_BORDER_PARAMS,
    {0}};

#define GIVEN "courant={courant},border={border},value={value}"

const nf_kernel NF_ISA_NAME(nf_kernel_wave) = {
    .name = "wave",
    .summary = "wave equation from rest, explicit steps; one channel of f32 or f64",
    .kind = NF_ALIAS,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .expansion = "wave_rest:" GIVEN " | wave_step:steps={steps},edges={edges}," GIVEN
                 " | channel:index=0",
};
