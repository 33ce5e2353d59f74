/* heat.c - explicit steps of the heat equation on a grid, the 5-point stencil, in volumes the
 * 7-point one:
 *   u'(y,x) = u + alpha (u(y-1,x) + u(y+1,x) + u(y,x-1) + u(y,x+1) - 4 u),
 * forward in time, centred in space; stable for alpha = D dt / h^2 <= 1/4, in volumes 1/6. With a
 * reflecting or wrapping border the sum of u is conserved. Integer types are rounded at every step.
 */
#ifndef NF_T

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct heat_config {
    double alpha;
    bool volume;
} heat_config;

#define NF_BODY "kernels/heat.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    heat_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    const nf_value *alpha = &setup->values[1];
    int neighbours = 2 * setup->in.ndim;
    if (alpha->given && alpha->real * neighbours > 1) {
        setup->param = "alpha";
        setup->problem = "above 1/6 the steps are unstable in a volume";
        return NF_ERR_PARAM;
    }
    config->alpha = alpha->given ? alpha->real : 0.8 / neighbours;
    config->volume = setup->in.ndim == 3;
    setup->steps = setup->values[0].integer;
    setup->config = config;
    setup->halo = (nf_halo){{0, 1, 1}, {0, 1, 1}};
    setup->halo.lo[0] = setup->halo.hi[0] = setup->in.ndim == 3;
    setup->flops_per_cell = neighbours + 3;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    double u = in->at(in, z, y, x, c);
    double around = in->at(in, z, y - 1, x, c) + in->at(in, z, y + 1, x, c) +
                    in->at(in, z, y, x - 1, c) + in->at(in, z, y, x + 1, c);
    if (in->shape.ndim == 3)
        around += in->at(in, z - 1, y, x, c) + in->at(in, z + 1, y, x, c);
    return u + ((const heat_config *)config)->alpha * (around - 2 * in->shape.ndim * u);
}

static const nf_param params[] = {
    {"steps", NF_PARAM_INTEGER, "steps", "10", 1, 1e9, NULL, "time steps"},
    {"alpha", NF_PARAM_REAL, "1", "auto", 0, 0.25, NULL,
     "D dt / h^2; above 1/4, in volumes 1/6, it is unstable; auto: 0.8 of that"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_heat) = {
    .name = "heat",
    .summary = "heat equation, explicit 5-point (volumes: 7-point) steps",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 8,
};

#else

static void NF_NAME(plane_row)(const NF_T *restrict a, const NF_T *restrict b,
                               const NF_T *restrict c, ptrdiff_t step, ptrdiff_t n, NF_ACC alpha,
                               NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++) { /* integers: exact, and converted once */
        NF_ACC laplacian = (NF_ACC)(((a[i] + c[i]) + (b[i - step] + b[i + step])) - 4 * b[i]);
        out[i] = NF_STORE((NF_ACC)b[i] + alpha * laplacian);
    }
}

/* before, behind: the same row in the planes on both sides. */
static void NF_NAME(volume_row)(const NF_T *restrict a, const NF_T *restrict b,
                                const NF_T *restrict c, const NF_T *restrict before,
                                const NF_T *restrict behind, ptrdiff_t step, ptrdiff_t n,
                                NF_ACC alpha, NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_ACC laplacian =
            (NF_ACC)((((a[i] + c[i]) + (b[i - step] + b[i + step])) + (before[i] + behind[i])) -
                     6 * b[i]);
        out[i] = NF_STORE((NF_ACC)b[i] + alpha * laplacian);
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    NF_ACC alpha = (NF_ACC)((const heat_config *)config)->alpha;
    ptrdiff_t down = tile->in_stride[1], deep = tile->in_stride[0], n = NF_ROW_LENGTH(tile);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *row = NF_ROW_IN(tile, z, y);
            NF_T *out = NF_ROW_OUT(tile, z, y);
            if (((const heat_config *)config)->volume)
                NF_NAME(volume_row)
            (row - down, row, row + down, row - deep, row + deep, tile->channels, n, alpha, out);
            else NF_NAME(plane_row)(row - down, row, row + down, tile->channels, n, alpha, out);
        }
    }
}

#endif
