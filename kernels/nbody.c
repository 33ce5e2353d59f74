/* nbody.c - the potential energy of n bodies under their gravity, by direct summation over all
 * pairs, and the sum of the forces on them, without an array: work of n for each of n indices.
 *
 * Bodies lie at random in the unit cube, with masses between 1/2 and 3/2 over n, by philox.h: body
 * i depends on the seed and i alone. With G = 1 and r^2 = |x_i - x_j|^2 + softening^2 (Aarseth,
 * Monthly Notices of the Royal Astronomical Society 126, 1963), energy is minus the sum of m_i m_j
 * / r over all pairs, and the force on i the sum of m_i m_j (x_j - x_i) / r^3 over all j but i.
 * net_force is the length of the sum of all forces, which Newton's third law makes zero: what is
 * left is rounding. max_force is there to compare it with.
 *
 * Of one body everything is summed over the others in their order, in doubles; over the bodies
 * exactly. Vectors run across bodies, so that neither their width nor the cut of the range can
 * show. */
#include <math.h>

#include "kernels/exact.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"
#include "kernels/philox.h"

enum { AXES = 3, GROUP = 32 /* bodies at a time */ };

typedef struct nbody_config {
    int64_t n;
    double softening2;
    const double *x[AXES], *mass;
} nbody_config;

typedef struct nbody_partial {
    nf_exact energy, force[AXES];
    double largest; /* square of the largest force */
} nbody_partial;

/* ---- bodies ---- */

/* Each draws two blocks of random bits: four words. */
static void place(uint64_t seed, int64_t i, double *x[AXES], double *mass, int64_t n)
{
    uint64_t even[2], odd[2];
    nf_philox_fill(seed, 0, 2 * (uint64_t)i, 2, even, odd);
    x[0][i] = nf_uniform(even[0]);
    x[1][i] = nf_uniform(odd[0]);
    x[2][i] = nf_uniform(even[1]);
    mass[i] = (0.5 + nf_uniform(odd[1])) / (double)n;
}

static nf_status prepare(nf_setup *setup)
{
    enum { FLOPS = 23 }; /* of a pair, its root and division counted as one each */
    const nf_value *v = setup->values;
    int64_t n = v[0].integer;
    nbody_config *config = setup->alloc(setup, sizeof *config);
    double *at = setup->alloc(setup, 4 * (size_t)n * sizeof *at);
    if (config == NULL || at == NULL)
        return NF_ERR_MEMORY;
    double *x[AXES] = {at, at + n, at + 2 * n}, *mass = at + 3 * n;
    for (int64_t i = 0; i < n; i++)
        place((uint64_t)v[2].integer, i, x, mass, n);
    *config = (nbody_config){
        .n = n, .softening2 = v[1].real * v[1].real, .x = {x[0], x[1], x[2]}, .mass = mass};
    setup->config = config;
    setup->indices = n;
    setup->partial_bytes = sizeof(nbody_partial);
    setup->flops_per_cell = FLOPS * (double)n;
    setup->bytes_per_cell = 0;
    return NF_OK;
}

/* ---- pairs ---- */

/* Up to GROUP bodies and what is summed of them, without their own masses. */
typedef struct group {
    double x[AXES][GROUP], force[AXES][GROUP], potential[GROUP];
} group;

/* Adds the pull of body j. `self`: its place in the group, or -1. */
static inline void pull(group *restrict g, const nbody_config *c, int64_t j, int64_t self)
{
    const double xj = c->x[0][j], yj = c->x[1][j], zj = c->x[2][j], mass = c->mass[j];
    const double softening2 = c->softening2;
    for (int64_t k = 0; k < GROUP; k++) {
        double dx = xj - g->x[0][k], dy = yj - g->x[1][k], dz = zj - g->x[2][k];
        double r2 = dx * dx + dy * dy + dz * dz + softening2;
        double inverse = k == self ? 0 : 1 / sqrt(r2), m = mass * inverse;
        double weight = m * (inverse * inverse);
        g->potential[k] += m;
        g->force[0][k] += weight * dx;
        g->force[1][k] += weight * dy;
        g->force[2][k] += weight * dz;
    }
}

static void pull_all(group *g, const nbody_config *c, int64_t first)
{
    int64_t end = c->n < first + GROUP ? c->n : first + GROUP;
    for (int64_t j = 0; j < first; j++)
        pull(g, c, j, -1);
    for (int64_t j = first; j < end; j++)
        pull(g, c, j, j - first);
    for (int64_t j = end; j < c->n; j++)
        pull(g, c, j, -1);
}

static void add_body(nbody_partial *p, double mass, const group *g, int64_t k)
{
    double square = 0;
    nf_exact_add(&p->energy, mass * g->potential[k]);
    for (int d = 0; d < AXES; d++) {
        double force = mass * g->force[d][k];
        nf_exact_add(&p->force[d], force);
        square += force * force;
    }
    p->largest = square > p->largest ? square : p->largest;
}

/* Places left over in the last group are filled with its first body. */
static void apply(const nf_tile *tile, const void *config, void *partial)
{
    const nbody_config *c = config;
    int64_t end = tile->lo[2] + tile->size[2];
    for (int64_t first = tile->lo[2]; first < end; first += GROUP) {
        int64_t count = end - first < GROUP ? end - first : GROUP;
        group g = {.potential = {0}};
        for (int64_t k = 0; k < GROUP; k++)
            for (int d = 0; d < AXES; d++)
                g.x[d][k] = c->x[d][first + (k < count ? k : 0)];
        pull_all(&g, c, first);
        for (int64_t k = 0; k < count; k++)
            add_body(partial, c->mass[first + k], &g, k);
    }
}

static void fold(void *into, const void *next, const void *config)
{
    (void)config;
    nbody_partial *a = into;
    const nbody_partial *b = next;
    nf_exact_fold(&a->energy, &b->energy);
    for (int d = 0; d < AXES; d++)
        nf_exact_fold(&a->force[d], &b->force[d]);
    a->largest = b->largest > a->largest ? b->largest : a->largest;
}

static double length(const double v[AXES])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    (void)config;
    const nbody_partial *p = partial;
    double net[AXES];
    for (int d = 0; d < AXES; d++)
        net[d] = nf_exact_round(&p->force[d]);
    out->real(out, "energy", -nf_exact_round(&p->energy) / 2);
    out->real(out, "net_force", length(net));
    out->real(out, "max_force", sqrt(p->largest));
}

/* ---- the reference ---- */

/* The force on body i and, returned, its share of the energy; each pair in long double, the sum
 * over the pairs as the kernel has it, because rounding is all that net_force consists of. */
static long double naive_body(const nbody_config *c, int64_t i, double force[AXES])
{
    long double potential = 0;
    force[0] = force[1] = force[2] = 0;
    for (int64_t j = 0; j < c->n; j++) {
        double d[AXES], r2 = 0;
        if (j == i)
            continue;
        for (int a = 0; a < AXES; a++) {
            d[a] = c->x[a][j] - c->x[a][i];
            r2 += d[a] * d[a];
        }
        r2 += c->softening2;
        double inverse = 1 / sqrt(r2), weight = c->mass[j] * inverse * (inverse * inverse);
        for (int a = 0; a < AXES; a++)
            force[a] += weight * d[a];
        if (j > i)
            potential -= (long double)c->mass[j] / sqrtl((long double)r2);
    }
    for (int a = 0; a < AXES; a++)
        force[a] *= c->mass[i];
    return potential * (long double)c->mass[i];
}

static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    (void)in;
    const nbody_config *c = config;
    long double energy = 0;
    double largest = 0, net[AXES];
    nf_exact sum[AXES] = {{.nans = 0}};
    for (int64_t i = 0; i < c->n; i++) {
        double force[AXES];
        energy += naive_body(c, i, force);
        largest = fmax(largest, length(force));
        for (int a = 0; a < AXES; a++)
            nf_exact_add(&sum[a], force[a]);
    }
    for (int a = 0; a < AXES; a++)
        net[a] = nf_exact_round(&sum[a]);
    out->real(out, "energy", (double)energy);
    out->real(out, "net_force", length(net));
    out->real(out, "max_force", largest);
}

static const nf_param params[] = {
    {"n", NF_PARAM_INTEGER, "bodies", "8192", 2, 0x1p24, NULL, "how many bodies"},
    {"softening", NF_PARAM_REAL, "sides of the cube", "0.01", 0, 1, NULL,
     "added in squares to distances"},
    {"seed", NF_PARAM_INTEGER, "", "1", 0, 0x1p53, NULL, "other seeds place them elsewhere"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_nbody) = {
    .name = "nbody",
    .summary = "energy and forces of n bodies by all pairs, without an array",
    .kind = NF_RANGE,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_NONE] = apply},
    .fold = fold,
    .any_order = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 1e-12,
    .grows = "n",
    .grows_power = 2,
};
