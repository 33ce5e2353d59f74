/* wave_step.c - explicit steps of the second-order wave equation on a grid, by leapfrog:
 *   u(n+1) = 2 u(n) - u(n-1) + C^2 L u(n),   L the 5-point, in volumes the 7-point Laplacian,
 * C = c dt / h, stable for C <= 1/sqrt(2), in volumes 1/sqrt(3). A cell's two channels are u(n) and
 * u(n-1), and become u(n+1) and u(n). With a border that repeats the edge or wraps, a discrete energy
 * is conserved but for rounding.
 *
 * Absorbing edges: there waves go outwards, u_t = -c u_n, n the normal (the first of Engquist and
 * Majda's conditions), which by central differences gives the neighbour beyond the edge; for a cell with
 * k of those
 *   (1 + k C) u(n+1) = 2 u(n) - (1 - k C) u(n-1) + C^2 L u(n),   L with the edge mirrored.
 * A wave that meets the edge head-on leaves but for a small echo; at grazing angles more of it stays. */
#ifndef NF_T

#include "kernels/wave.h"

typedef struct step_config {
    int64_t dim[NF_DIMS]; /* of the array, in dimensions with edges that absorb; otherwise 0 */
    double courant, square;
    bool volume;
} step_config;

/* Neighbours beyond absorbing edges in dimension d, of a cell with this index there. */
static int beyond(const step_config *conf, int d, int64_t i)
{
    return conf->dim[d] > 0 ? (i == 0) + (i == conf->dim[d] - 1) : 0;
}

/* Where the neighbour below (-1) or above (1) is, from such a cell: at a mirror on the other side. */
static int neighbour(const step_config *conf, int d, int64_t i, int side)
{
    bool inside = conf->dim[d] == 0 || (i + side >= 0 && i + side < conf->dim[d]);
    return inside ? side : conf->dim[d] > 1 ? -side : 0;
}

#define NF_FLOATS
#define NF_BODY "kernels/wave_step.c"
#include "kernels/each_dtype.h"

const char *const nf_wave_edges[] = {"border", "absorb", NULL};

enum { STEPS, COURANT, EDGES, BORDER }; /* and the border's value */

static const nf_param params[] = {
    [STEPS] = {"steps", NF_PARAM_INTEGER, "steps", "10", 1, 1e9, NULL, "time steps"},
    [COURANT] = NF_WAVE_COURANT,
    [EDGES] = NF_WAVE_EDGES,
    [BORDER] = NF_BORDER_PARAMS,
    {0}};

nf_status nf_wave_square(nf_setup *setup, int index, double *square)
{
    double courant = setup->values[index].real;
    *square = courant * courant;
    if (*square * setup->in.ndim <= 1)
        return NF_OK;
    setup->param = "courant";
    setup->problem = "above 1/sqrt(3) = 0.57735 the steps are unstable in a volume";
    return NF_ERR_PARAM;
}

static nf_status prepare(nf_setup *setup)
{
    step_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    if (setup->in.channels != 2) {
        setup->problem = "it takes two channels, u and what it was a step before: wave makes them";
        return NF_ERR_SHAPE;
    }
    nf_status status = nf_wave_square(setup, COURANT, &config->square);
    if (status != NF_OK)
        return status;
    bool absorb = setup->values[EDGES].integer == NF_WAVE_ABSORB;
    if (absorb && setup->values[BORDER].integer == NF_WRAP) {
        setup->param = "edges";
        setup->problem = "an array that wraps has no edges; leave border= out";
        return NF_ERR_PARAM;
    }
    for (int d = NF_DIMS - setup->in.ndim; d < NF_DIMS && absorb; d++)
        config->dim[d] = setup->in.dim[d];
    config->courant = setup->values[COURANT].real;
    config->volume = setup->in.ndim == 3;
    setup->config = config;
    setup->steps = setup->values[STEPS].integer;
    setup->halo = (nf_halo){{config->volume, 1, 1}, {config->volume, 1, 1}};
    setup->flops_per_cell = setup->in.ndim + 3;
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const step_config *conf = config;
    double u = in->at(in, z, y, x, 0), laplacian = 0, lost = 0;
    for (int side = -1; side <= 1; side += 2) {
        laplacian += in->at(in, z, y + neighbour(conf, 1, y, side), x, 0) - u;
        laplacian += in->at(in, z, y, x + neighbour(conf, 2, x, side), 0) - u;
        if (in->shape.ndim == 3)
            laplacian += in->at(in, z + neighbour(conf, 0, z, side), y, x, 0) - u;
    }
    lost = conf->courant * (beyond(conf, 0, z) + beyond(conf, 1, y) + beyond(conf, 2, x));
    double sum = 2 * u - (1 - lost) * in->at(in, z, y, x, 1) + conf->square * laplacian;
    return c == 0 ? sum / (1 + lost) : u;
}

const nf_kernel NF_ISA_NAME(nf_kernel_wave_step) = {
    .name = "wave_step",
    .summary = "wave equation, leapfrog steps of u and what it was a step before (a part of wave)",
    .kind = NF_MAP,
    .ndims = NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_F32] = apply_f32, [NF_F64] = apply_f64},
    .reference_cell = reference_cell,
    .tolerance = 16,
};

#else

typedef struct NF_NAME(weights) {
    NF_T square, keep, part; /* C^2; 1 - k C; 1 / (1 + k C) */
} NF_NAME(weights);

static NF_NAME(weights) NF_NAME(weights_of)(const step_config *conf, int neighbours)
{
    double lost = neighbours * conf->courant;
    return (NF_NAME(weights)){(NF_T)conf->square, (NF_T)(1 - lost), (NF_T)(1 / (1 + lost))};
}

/* `cells` cells; at[d]: from one to its neighbours in dimension d, at[0] in volumes alone. */
static inline __attribute__((always_inline)) void
NF_NAME(piece)(const NF_T *in, ptrdiff_t at[NF_DIMS][2], ptrdiff_t cells, NF_NAME(weights) w,
               NF_T *restrict out, bool volume)
{
    const NF_T *left = in + at[2][0], *right = in + at[2][1];
    const NF_T *before = in + at[0][0], *behind = in + at[0][1];
    const NF_T *above = in + at[1][0], *below = in + at[1][1];
    for (ptrdiff_t i = 0; i < 2 * cells; i += 2) {
        NF_T u = in[i], around = (above[i] + below[i]) + (left[i] + right[i]);
        NF_T laplacian = volume ? (around + (before[i] + behind[i])) - 6 * u : around - 4 * u;
        out[i] = ((2 * u - w.keep * in[i + 1]) + w.square * laplacian) * w.part;
        out[i + 1] = u;
    }
}

/* A row in up to three pieces: the array's first and last column, where edges absorb, by themselves. */
static void NF_NAME(row)(const nf_tile *tile, const step_config *conf, int64_t z, int64_t y)
{
    const NF_T *in = NF_ROW_IN(tile, z, y);
    NF_T *out = NF_ROW_OUT(tile, z, y);
    int64_t cell[NF_DIMS] = {tile->lo[0] + z, tile->lo[1] + y, tile->lo[2]};
    int64_t last = conf->dim[2] > 0 ? conf->dim[2] - 1 - tile->lo[2] : INT64_MAX;
    for (int64_t x = 0, end; x < tile->size[2]; x = end) {
        ptrdiff_t at[NF_DIMS][2];
        int lost = 0;
        cell[2] = tile->lo[2] + x;
        for (int d = 0; d < NF_DIMS; d++) {
            lost += beyond(conf, d, cell[d]);
            for (int side = 0; side < 2; side++)
                at[d][side] = neighbour(conf, d, cell[d], 2 * side - 1) * tile->in_stride[d];
        }
        end = beyond(conf, 2, cell[2]) > 0 ? x + 1 : last < tile->size[2] ? last : tile->size[2];
        NF_NAME(weights) w = NF_NAME(weights_of)(conf, lost);
        if (conf->volume)
            NF_NAME(piece)(in + 2 * x, at, end - x, w, out + 2 * x, true);
        else
            NF_NAME(piece)(in + 2 * x, at, end - x, w, out + 2 * x, false);
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(row)(tile, config, z, y);
}

#endif
