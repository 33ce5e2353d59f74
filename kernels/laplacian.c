/* laplacian.c - the sum of the second differences along the axes, [1 -2 1] each, as
 * scipy.ndimage.laplace: the 5-point stencil, in volumes the 7-point one; each channel for itself.
 * `offset` is added at the end: 128 shows both signs in u8, which saturates as every integer type. */
#ifndef NF_T

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct laplacian_config {
    double offset;
    bool volume;
} laplacian_config;

#define NF_BODY "kernels/laplacian.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    laplacian_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    bool volume = setup->in.ndim == 3;
    *config = (laplacian_config){setup->values[0].real, volume};
    setup->config = config;
    setup->halo = (nf_halo){{volume, 1, 1}, {volume, 1, 1}};
    setup->flops_per_cell = volume ? 8 : 6;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    double sum = 0;
    for (int axis = 3 - in->shape.ndim; axis < 3; axis++)
        for (int i = -1; i <= 1; i++)
            sum += (i == 0 ? -2 : 1) *
                   in->at(in, z + (axis == 0) * i, y + (axis == 1) * i, x + (axis == 2) * i, c);
    return sum + ((const laplacian_config *)config)->offset;
}

static const nf_param params[] = {
    {"offset", NF_PARAM_REAL, "value", "0", -1e30, 1e30, NULL, "what is added at the end"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_laplacian) = {
    .name = "laplacian",
    .summary = "sum of second differences, the 5-point (volumes: 7-point) stencil",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 16,
};

#else

/* Integers: exact, and converted once. */
static void NF_NAME(plane_row)(const NF_T *restrict a, const NF_T *restrict b,
                               const NF_T *restrict c, ptrdiff_t step, ptrdiff_t n, NF_ACC offset,
                               NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] =
            NF_STORE((NF_ACC)(((a[i] + c[i]) + (b[i - step] + b[i + step])) - 4 * b[i]) + offset);
}

/* before, behind: the same row in the planes on both sides. */
static void NF_NAME(volume_row)(const NF_T *restrict a, const NF_T *restrict b,
                                const NF_T *restrict c, const NF_T *restrict before,
                                const NF_T *restrict behind, ptrdiff_t step, ptrdiff_t n,
                                NF_ACC offset, NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = NF_STORE(
            (NF_ACC)((((a[i] + c[i]) + (b[i - step] + b[i + step])) + (before[i] + behind[i])) -
                     6 * b[i]) +
            offset);
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const laplacian_config *conf = config;
    NF_ACC offset = (NF_ACC)conf->offset;
    ptrdiff_t down = tile->in_stride[1], deep = tile->in_stride[0], n = NF_ROW_LENGTH(tile);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *b = NF_ROW_IN(tile, z, y);
            NF_T *out = NF_ROW_OUT(tile, z, y);
            if (conf->volume)
                NF_NAME(volume_row)
            (b - down, b, b + down, b - deep, b + deep, tile->channels, n, offset, out);
            else NF_NAME(plane_row)(b - down, b, b + down, tile->channels, n, offset, out);
        }
    }
}

#endif
