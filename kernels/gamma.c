/* gamma.c - x to the power of `exponent`, values scaled to 0..1: white (x / white)^exponent for
 * integers, rounded to the nearest (halves up); skimage.exposure.adjust_gamma cuts off instead.
 * Floats are taken as they are, neither scaled nor saturated: above 1 they stay so, below 0 the
 * power is what C's pow says, NaN but for whole exponents. f32 is computed in double and rounded
 * once. */
#ifndef NF_T

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/isa.h"
#include "kernels/point.h"

typedef struct gamma_config {
    double exponent, full;
    uint16_t table[]; /* integers: the result for each value */
} gamma_config;

/* x^exponent for x of 2^-1000 or more, within 2^-39 of it, 2^200 or more being 2^200 and 2^-200 or
 * less 2^-200: what lies beyond a float. Without branches, so that loops of it are vector
 * instructions. With x = m 2^k, m between the roots of 1/2 and 2, and s = (m - 1) / (m + 1),
 *   log2 x = k + 2 (s + s^3 / 3 + ... + s^15 / 15) / ln 2,
 * and 2^y is 2^n, n the nearest integer, times the Taylor series of e^((y - n) ln 2). */
static inline double power(double x, double exponent)
{
    const double round = 0x1.8p52, ln2 = 0x1.62e42fefa39efp-1;
    uint64_t bits, k, shift;
    double kd, m, t, p;
    memcpy(&bits, &x, sizeof bits);
    k = (bits - 0x3fe6a09e667f3bcdu + ((uint64_t)1023 << 52)) >> 52; /* 1023 more than k */
    shift = k | 0x4330000000000000u;                                 /* 2^52 + k */
    memcpy(&kd, &shift, sizeof kd);
    bits -= (k - 1023) << 52;
    memcpy(&m, &bits, sizeof m);
    double s = (m - 1) / (m + 1), q = s * s;
    double series = 1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15)));
    series = 1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * series)));
    double y = exponent * (kd - (0x1p52 + 1023) + 2 / ln2 * s * series);
    y = y < 200 ? y : 200;
    y = y > -200 ? y : -200;
    t = y + round;
    double g = (y - (t - round)) * ln2;
    p = 1 + g * (1.0 / 8) * (1 + g * (1.0 / 9) * (1 + g * (1.0 / 10) * (1 + g * (1.0 / 11))));
    p = 1 + g * (1.0 / 4) * (1 + g * (1.0 / 5) * (1 + g * (1.0 / 6) * (1 + g * (1.0 / 7) * p)));
    p = 1 + g * (1 + g * (1.0 / 2) * (1 + g * (1.0 / 3) * p));
    memcpy(&shift, &t, sizeof shift);
    memcpy(&bits, &p, sizeof bits);
    bits += shift << 52;
    memcpy(&p, &bits, sizeof p);
    return p;
}

#define NF_BODY "kernels/gamma.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    bool integer = setup->in.dtype == NF_U8 || setup->in.dtype == NF_U16;
    double full = nf_full(setup->in.dtype);
    size_t values = integer ? (size_t)full + 1 : 0;
    gamma_config *config = setup->alloc(setup, sizeof *config + values * sizeof *config->table);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->exponent = setup->values[0].real;
    config->full = full;
    for (size_t v = 0; v < values; v++)
        config->table[v] = nf_store_u16(full * pow((double)v / full, config->exponent));
    setup->config = config;
    setup->flops_per_cell = integer ? 1 : 40;
    return NF_OK;
}

/* By logarithms where it can be. */
static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const gamma_config *conf = config;
    long double v = in->at(in, z, y, x, c) / (long double)conf->full;
    long double power =
        v > 0 ? expl((long double)conf->exponent * logl(v)) : powl(v, (long double)conf->exponent);
    return (double)((long double)conf->full * power);
}

static const nf_param params[] = {
    {"exponent", NF_PARAM_REAL, "1", NULL, 0, 100, NULL, "less than 1 brightens, more darkens"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_gamma) = {
    .name = "gamma",
    .summary = "x^exponent, with white as 1",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 4,
};

#else

#include "kernels/point.h"

/* Whether n elements are floats that `power` takes: none negative, infinite or NaN. */
static bool NF_NAME(are_plain)(const NF_T *x, ptrdiff_t n)
{
    int others = sizeof(NF_T) != 4;
    for (ptrdiff_t i = 0; i < n; i++)
        others |= !((double)x[i] >= 0) | ((double)x[i] > (double)FLT_MAX);
    return !others;
}

static void NF_NAME(map_piece)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t n,
                               const gamma_config *conf)
{
    double exponent = conf->exponent, of_zero = exponent > 0 ? 0 : 1;
    if (NF_IS_INTEGER)
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] = (NF_T)conf->table[(size_t)in[i]];
    else if (NF_NAME(are_plain)(in, n))
        for (ptrdiff_t i = 0; i < n; i++) {
            double x = (double)in[i], p = power(x > 0 ? x : 1, exponent);
            out[i] = (NF_T)(x > 0 ? p : of_zero);
        }
    else
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] = (NF_T)pow((double)in[i], exponent);
}

static void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
                             int channels, const void *config)
{
    enum { PIECE = 512 };
    for (ptrdiff_t i = 0, n = cells * channels; i < n; i += PIECE)
        NF_NAME(map_piece)(in + i, out + i, n - i < PIECE ? n - i : PIECE, config);
}

NF_POINT_APPLY

#endif
