/* jacobi.c - steps of Jacobi's iteration for Laplace's equation, or Poisson's lap u = f, on a grid of
 * spacing 1, by the 5-point stencil, in volumes the 7-point one:
 *   u' = (sum of u's 2 n neighbours - f) / (2 n), in n dimensions.
 * One channel: u, and f = 0; two channels: u and f, of which f stays. What lies beyond the edges is the
 * border's: `constant` fixes u there, `reflect` lets nothing through.
 *
 * With tolerance > 0 it stops where the 2-norm of the residual, f - lap u over all cells, is not greater
 * than that; it looks every `check_every` steps (first steps % check_every are taken), `steps` is then a
 * bound. The squares' sum is exact, so that it stops after the same step however it is driven. Without
 * a tolerance all steps are taken. The residual at the end and the steps are told. */
#ifndef NF_T

#include <math.h>

#include "kernels/exact.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct jacobi_config {
    bool volume;
    int64_t steps, every; /* the bound, and from one look to the next */
    double tolerance;
    int64_t done; /* learned */
    double residual;
} jacobi_config;

#define NF_BODY "kernels/jacobi.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    jacobi_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    int64_t every = setup->values[2].integer;
    config->volume = setup->in.ndim == 3;
    config->steps = setup->steps = setup->values[0].integer;
    config->tolerance = setup->values[1].real;
    config->every = config->tolerance > 0 && every < config->steps ? every : config->steps;
    setup->survey_every = config->every;
    setup->partial_bytes = sizeof(nf_exact);
    setup->config = config;
    setup->halo = (nf_halo){{config->volume, 1, 1}, {config->volume, 1, 1}};
    setup->flops_per_cell = 2 * setup->in.ndim + 1;
    if (setup->in.channels <= 2)
        return NF_OK;
    setup->problem = "expected one channel (u), or two (u and f)";
    return NF_ERR_SHAPE;
}

static void fold(void *into, const void *next, const void *config)
{
    (void)config;
    nf_exact_fold(into, next);
}

static bool decide(jacobi_config *c, double residual)
{
    c->done += c->done == 0 ? c->steps % c->every + c->every : c->every;
    c->residual = residual;
    return !(residual <= c->tolerance);
}

static bool learn(void *config, const void *partial)
{
    jacobi_config *c = config;
    if (partial != NULL)
        return decide(c, nf_exact_norm2(partial));
    c->done = 0;
    return true;
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const jacobi_config *c = config;
    (void)partial;
    out->real(out, "residual", c->residual);
    out->integer(out, "steps", 0, (uint64_t)c->done);
}

/* ---- the reference ---- */

/* Added up as the kernel does: near the solution a residual is what rounding leaves. */
static double around(const nf_cells *in, int64_t z, int64_t y, int64_t x)
{
    double sum = (in->at(in, z, y - 1, x, 0) + in->at(in, z, y + 1, x, 0)) +
                 (in->at(in, z, y, x - 1, 0) + in->at(in, z, y, x + 1, 0));
    if (in->shape.ndim == 3)
        sum += in->at(in, z - 1, y, x, 0) + in->at(in, z + 1, y, x, 0);
    return sum;
}

static bool reference_learn(const nf_cells *in, void *config)
{
    long double squares = 0;
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++) {
                double f = in->shape.channels == 2 ? in->at(in, z, y, x, 1) : 0;
                double u = in->at(in, z, y, x, 0);
                double residual = f - (around(in, z, y, x) - 2 * in->shape.ndim * u);
                squares += (long double)residual * residual;
            }
    return decide(config, (double)sqrtl(squares));
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    (void)config;
    double f = in->shape.channels == 2 ? in->at(in, z, y, x, 1) : 0;
    return c == 1 ? f : (around(in, z, y, x) - f) / (2 * in->shape.ndim);
}

static const nf_param params[] = {
    {"steps", NF_PARAM_INTEGER, "steps", "1000", 1, 1e9, NULL, "steps, at most"},
    {"tolerance", NF_PARAM_REAL, "value", "0", 0, 1e300, NULL,
     "stops where the 2-norm of the residual is not greater; 0: never"},
    {"check_every", NF_PARAM_INTEGER, "steps", "64", 1, 1e9, NULL,
     "steps from one look at the residual to the next"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_jacobi) = {
    .name = "jacobi",
    .summary = "Jacobi's iteration for Laplace's or Poisson's equation",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_F32] = apply_f32, [NF_F64] = apply_f64},
    .survey = {[NF_F32] = survey_f32, [NF_F64] = survey_f64},
    .fold = fold,
    .any_order = true,
    .adds = true,
    .learn = learn,
    .finish = finish,
    .reference_cell = reference_cell,
    .reference_learn = reference_learn,
    .tolerance = 8,
};

#else

/* u's row and those around it: above, below; in the planes before and behind, in images NULL. They
 * have `step` elements a cell, f being the second one where it is 2. */
typedef struct NF_NAME(rows) {
    const NF_T *here, *above, *below, *before, *behind;
} NF_NAME(rows);

static inline NF_NAME(rows) NF_NAME(rows_at)(const nf_tile *tile, bool volume, int64_t z, int64_t y)
{
    const NF_T *u = NF_ROW_IN(tile, z, y);
    ptrdiff_t down = tile->in_stride[1], deep = volume ? tile->in_stride[0] : 0;
    return (NF_NAME(rows)){u, u - down, u + down, volume ? u - deep : NULL,
                           volume ? u + deep : NULL};
}

/* The sum of the neighbours, less f. */
static inline NF_ACC NF_NAME(pull)(const NF_NAME(rows) * r, ptrdiff_t i, ptrdiff_t step,
                                   bool volume)
{
    NF_ACC sum = ((NF_ACC)r->above[i] + (NF_ACC)r->below[i]) +
                 ((NF_ACC)r->here[i - step] + (NF_ACC)r->here[i + step]);
    if (volume)
        sum += (NF_ACC)r->before[i] + (NF_ACC)r->behind[i];
    return step == 2 ? sum - (NF_ACC)r->here[i + 1] : sum;
}

static inline void NF_NAME(step_row)(const NF_NAME(rows) * r, NF_T *restrict out, ptrdiff_t n,
                                     ptrdiff_t step, bool volume)
{
    const NF_ACC part = volume ? (NF_ACC)(1.0 / 6) : (NF_ACC)0.25;
    for (ptrdiff_t i = 0; i < n; i++) {
        out[i * step] = (NF_T)(part * NF_NAME(pull)(r, i * step, step, volume));
        if (step == 2)
            out[i * step + 1] = r->here[i * step + 1];
    }
}

/* Each of the four by itself, so that step and dimensions are known when this is compiled. */
static inline void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    bool volume = ((const jacobi_config *)config)->volume, poisson = tile->channels == 2;
    ptrdiff_t n = (ptrdiff_t)tile->size[2];
    (void)partial;
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            NF_NAME(rows) r = NF_NAME(rows_at)(tile, volume, z, y);
            NF_T *out = NF_ROW_OUT(tile, z, y);
            if (volume && poisson)
                NF_NAME(step_row)(&r, out, n, 2, true);
            else if (volume)
                NF_NAME(step_row)(&r, out, n, 1, true);
            else if (poisson)
                NF_NAME(step_row)(&r, out, n, 2, false);
            else
                NF_NAME(step_row)(&r, out, n, 1, false);
        }
    }
}

/* Residuals of cells first ... first + n, in double. */
static inline void NF_NAME(residuals)(const NF_NAME(rows) * r, double *restrict to, ptrdiff_t first,
                                      ptrdiff_t n, ptrdiff_t step, bool volume)
{
    for (ptrdiff_t k = 0; k < n; k++) {
        ptrdiff_t i = (first + k) * step;
        double sum = ((double)r->above[i] + (double)r->below[i]) +
                     ((double)r->here[i - step] + (double)r->here[i + step]);
        if (volume)
            sum += (double)r->before[i] + (double)r->behind[i];
        double lap = sum - (volume ? 6 : 4) * (double)r->here[i];
        to[k] = (step == 2 ? (double)r->here[i + 1] : 0) - lap;
    }
}

static inline void NF_NAME(survey)(const nf_tile *tile, const void *config, void *partial)
{
    enum { PIECE = 1024 };
    double piece[PIECE];
    bool volume = ((const jacobi_config *)config)->volume, poisson = tile->channels == 2;
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            NF_NAME(rows) r = NF_NAME(rows_at)(tile, volume, z, y);
            for (ptrdiff_t i = 0; i < tile->size[2]; i += PIECE) {
                ptrdiff_t left = (ptrdiff_t)tile->size[2] - i, n = left < PIECE ? left : PIECE;
                if (poisson)
                    NF_NAME(residuals)(&r, piece, i, n, 2, volume);
                else
                    NF_NAME(residuals)(&r, piece, i, n, 1, volume);
                nf_exact_sumsq_f64(partial, piece, (size_t)n);
            }
        }
    }
}

#endif
