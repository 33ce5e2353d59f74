/* anisotropic.c - anisotropic diffusion, which smooths within regions and keeps the edges between
 * them (Perona and Malik, 1990): explicit steps of
 *   u' = u + lambda sum over the neighbours v of (v - u) g(v - u),
 * along rows and columns, in volumes along planes, too, where the conductance g falls off with the
 * difference d:
 *   exp        e^(-(d / kappa)^2), which favours edges of high contrast
 *   quadratic  1 / (1 + (d / kappa)^2), which favours wide regions
 * Stable for lambda <= 1/4, in volumes 1/6. What flows from one cell to another leaves the one and
 * enters the other: with a reflecting or wrapping border the sum of u is conserved. Each channel
 * for itself. Integer types are rounded at every step, as by heat: differences that move less than
 * 1/2 stay; in floats, by a cast before, they do not.
 */
#ifndef NF_T

#include "kernels/exp.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"
#include "kernels/window.h"

enum { EXP, QUADRATIC };

typedef struct anisotropic_config {
    double lambda, kappa;
    double inverse; /* 1 / kappa, for exp to the base 2 */
    int conductance;
    bool volume;
} anisotropic_config;

/* Scratch rows: flows to the next cell of the row, to the row below and from the one above, and to
 * the planes on both sides. */
enum { ALONG, BELOW, ABOVE, BEHIND, BEFORE, SCRATCH_ROWS };

#define NF_BODY "kernels/anisotropic.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    anisotropic_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    const nf_value *values = setup->values;
    int volume = setup->in.ndim == 3, neighbours = 2 * setup->in.ndim;
    if (values[2].given && values[2].real * neighbours > 1) {
        setup->param = "lambda";
        setup->problem = "above 1/6 the steps are unstable in a volume";
        return NF_ERR_PARAM;
    }
    config->lambda = values[2].given ? values[2].real : 0.8 / neighbours;
    config->conductance = (int)values[3].integer;
    config->kappa = values[1].real;
    config->inverse = (config->conductance == EXP ? NF_ROOT_LOG2E : 1) / config->kappa;
    config->volume = volume;
    setup->steps = values[0].integer;
    setup->config = config;
    setup->halo = (nf_halo){{volume, 1, 1}, {volume, 1, 1}};
    setup->scratch_rows = SCRATCH_ROWS;
    setup->flops_per_cell = volume ? 80 : 45;
    return NF_OK;
}

static double flow_to(const nf_cells *in, const anisotropic_config *conf, double u, int64_t z,
                      int64_t y, int64_t x, int c)
{
    double d = in->at(in, z, y, x, c) - u, part = d / conf->kappa;
    return d * (conf->conductance == EXP ? exp(-part * part) : 1 / (1 + part * part));
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const anisotropic_config *conf = config;
    double u = in->at(in, z, y, x, c), sum = 0;
    for (int side = -1; side <= 1; side += 2) {
        sum += flow_to(in, conf, u, z, y + side, x, c) + flow_to(in, conf, u, z, y, x + side, c);
        if (in->shape.ndim == 3)
            sum += flow_to(in, conf, u, z + side, y, x, c);
    }
    return u + conf->lambda * sum;
}

static const char *const conductances[] = {"exp", "quadratic", NULL};

static const nf_param params[] = {
    {"steps", NF_PARAM_INTEGER, "steps", "10", 1, 1e9, NULL, "time steps"},
    {"kappa", NF_PARAM_REAL, "value", "30", 1e-30, 1e30, NULL,
     "differences well above this are edges, which are kept"},
    {"lambda", NF_PARAM_REAL, "1", "auto", 0, 0.25, NULL,
     "time step; above 1/4, in volumes 1/6, it is unstable; auto: 0.8 of that"},
    {"conductance", NF_PARAM_CHOICE, "", "exp", 0, 0, conductances,
     "how the flow falls off with the difference"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_anisotropic) = {
    .name = "anisotropic",
    .summary = "anisotropic (Perona-Malik) diffusion, explicit steps",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 8,
};

#else

/* What flows from a to b, n times. The opposite flow is the same with the opposite sign, bit for
 * bit. */
static void NF_NAME(flow)(const NF_T *restrict a, const NF_T *restrict b, ptrdiff_t n,
                          const anisotropic_config *conf, NF_ACC *restrict out)
{
    NF_ACC inverse = (NF_ACC)conf->inverse;
    if (conf->conductance == EXP)
        for (ptrdiff_t i = 0; i < n; i++) {
            NF_ACC d = (NF_ACC)a[i] - (NF_ACC)b[i], part = d * inverse;
            out[i] = d * NF_EXP2_MINUS(part * part);
        }
    else
        for (ptrdiff_t i = 0; i < n; i++) {
            NF_ACC d = (NF_ACC)a[i] - (NF_ACC)b[i], part = d * inverse;
            out[i] = d / (1 + part * part);
        }
}

/* along[i - step] and along[i]: into and out of element i along its row; above, below; before,
 * behind likewise. */
static void NF_NAME(plane_row)(const NF_T *restrict in, const NF_ACC *restrict along,
                               const NF_ACC *restrict above, const NF_ACC *restrict below,
                               ptrdiff_t step, ptrdiff_t n, NF_ACC lambda, NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_ACC gain = (along[i - step] - along[i]) + (above[i] - below[i]);
        out[i] = NF_STORE((NF_ACC)in[i] + lambda * gain);
    }
}

static void NF_NAME(volume_row)(const NF_T *restrict in, const NF_ACC *restrict along,
                                const NF_ACC *restrict above, const NF_ACC *restrict below,
                                const NF_ACC *restrict before, const NF_ACC *restrict behind,
                                ptrdiff_t step, ptrdiff_t n, NF_ACC lambda, NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_ACC gain = (along[i - step] - along[i]) + (above[i] - below[i]);
        out[i] = NF_STORE((NF_ACC)in[i] + lambda * (gain + (before[i] - behind[i])));
    }
}

/* A row, given what flows into it from above; leaves in `below` what flows out of it. */
static void NF_NAME(row)(const nf_tile *tile, const anisotropic_config *conf, int64_t z, int64_t y,
                         const NF_ACC *above, NF_ACC *below)
{
    const NF_T *in = NF_ROW_IN(tile, z, y);
    NF_T *out = NF_ROW_OUT(tile, z, y);
    ptrdiff_t step = tile->channels, n = NF_ROW_LENGTH(tile), deep = tile->in_stride[0];
    NF_ACC *along = NF_SCRATCH_ROW(tile, ALONG), *behind = NF_SCRATCH_ROW(tile, BEHIND);
    NF_ACC *before = NF_SCRATCH_ROW(tile, BEFORE), lambda = (NF_ACC)conf->lambda;
    NF_NAME(flow)(in - step, in, n + step, conf, along);
    NF_NAME(flow)(in, in + tile->in_stride[1], n, conf, below);
    if (!conf->volume) {
        NF_NAME(plane_row)(in, along + step, above, below, step, n, lambda, out);
        return;
    }
    NF_NAME(flow)(in - deep, in, n, conf, before);
    NF_NAME(flow)(in, in + deep, n, conf, behind);
    NF_NAME(volume_row)
    (in, along + step, above, below, before, behind, step, n, lambda, out);
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    ptrdiff_t down = tile->in_stride[1];
    (void)partial;
    for (int64_t z = 0; z < tile->size[0]; z++) {
        NF_ACC *above = NF_SCRATCH_ROW(tile, ABOVE), *below = NF_SCRATCH_ROW(tile, BELOW);
        const NF_T *first = NF_ROW_IN(tile, z, 0);
        NF_NAME(flow)(first - down, first, NF_ROW_LENGTH(tile), config, above);
        for (int64_t y = 0; y < tile->size[1]; y++) {
            NF_NAME(row)(tile, config, z, y, above, below);
            NF_ACC *swap = above;
            above = below;
            below = swap;
        }
    }
}

#endif
