/* wave_rest.c - the state that wave_step takes, of an array at rest: u(0) and u(-1), two channels. At
 * rest u(-1) is u(1), so that by a step of leapfrog
 *   u(-1) = u(0) + C^2 / 2 L u(0),
 * which is as exact as the steps are: second order. */
#ifndef NF_T

#include "kernels/wave.h"

typedef struct rest_config {
    double half_square; /* C^2 / 2 */
    bool volume;
} rest_config;

#define NF_FLOATS
#define NF_BODY "kernels/wave_rest.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    rest_config *config = setup->alloc(setup, sizeof *config);
    double square;
    if (config == NULL)
        return NF_ERR_MEMORY;
    if (setup->in.channels != 1) {
        setup->problem = "it takes one channel; put `channel:index=` or `gray` before it";
        return NF_ERR_SHAPE;
    }
    nf_status status = nf_wave_square(setup, 0, &square);
    if (status != NF_OK)
        return status;
    *config = (rest_config){square / 2, setup->in.ndim == 3};
    setup->config = config;
    setup->out.channels = 2;
    setup->halo = (nf_halo){{config->volume, 1, 1}, {config->volume, 1, 1}};
    setup->flops_per_cell = setup->in.ndim + 2;
    setup->bytes_per_cell = 1.5 * (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    double u = in->at(in, z, y, x, 0);
    double around = in->at(in, z, y - 1, x, 0) + in->at(in, z, y + 1, x, 0) +
                    in->at(in, z, y, x - 1, 0) + in->at(in, z, y, x + 1, 0);
    if (in->shape.ndim == 3)
        around += in->at(in, z - 1, y, x, 0) + in->at(in, z + 1, y, x, 0);
    double laplacian = around - 2 * in->shape.ndim * u;
    return c == 0 ? u : u + ((const rest_config *)config)->half_square * laplacian;
}

static const nf_param params[] = {NF_WAVE_COURANT, NF_BORDER_PARAMS, {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_wave_rest) = {
    .name = "wave_rest",
    .summary = "the state of a wave at rest: u and what it was a step before (a part of wave)",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_F32] = apply_f32, [NF_F64] = apply_f64},
    .reference_cell = reference_cell,
    .tolerance = 8,
};

#else

/* deep: from a plane to the next, 0 in images. */
static void NF_NAME(row)(const NF_T *in, ptrdiff_t down, ptrdiff_t deep, ptrdiff_t n, NF_T half,
                         NF_T *restrict out)
{
    const NF_T *a = in - down, *b = in + down, *before = in - deep, *behind = in + deep;
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_T u = in[i], around = (a[i] + b[i]) + (in[i - 1] + in[i + 1]);
        NF_T laplacian = deep > 0 ? (around + (before[i] + behind[i])) - 6 * u : around - 4 * u;
        out[2 * i] = u;
        out[2 * i + 1] = u + half * laplacian;
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const rest_config *conf = config;
    (void)partial;
    ptrdiff_t down = tile->in_stride[1], deep = conf->volume ? tile->in_stride[0] : 0;
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(row)
    (NF_ROW_IN(tile, z, y), down, deep, NF_ROW_LENGTH(tile), (NF_T)conf->half_square,
     NF_ROW_OUT(tile, z, y));
}

#endif
