/* stats.c - count, least, greatest, mean and population variance of all elements (all channels
 * together); with moments=3 also their skewness, with moments=4 also their excess kurtosis, as
 * scipy.stats.skew and kurtosis (biased, of Fisher). Everything comes from exact sums of powers, so
 * that there is no cancellation to fear: mean and variance are correctly rounded, skewness and
 * kurtosis within 4 units of the last place. A NaN anywhere makes all but the count NaN, as in
 * numpy and scipy.
 *
 * Cubes and fourth powers do not fit in a double. Of bytes and 16-bit integers they are summed as
 * integers. Of floats the square is exact in a double, x^2 = p, and of doubles in two, x^2 = p + e;
 * then
 *   x^3 = x p + x e,    x^4 = p p + 2 p e + e e
 * are sums of products of two doubles, which exact sums take. For e to be exact, elements below
 * 2^-485 in magnitude count as 0 in cubes and fourth powers; both results are NaN where the
 * standard deviation is less than 2^-430 (1e-129), so that this can never be seen, or an element is
 * 2^511 (1e153) or more. */
#ifndef NF_T

#include <math.h>
#include <string.h>

#include "kernels/exact.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"

enum { MOST_MOMENTS = 4 };

typedef struct stats_partial {
    uint64_t count;
    double min, max;             /* of what is not NaN */
    nf_exact sums[MOST_MOMENTS]; /* of the powers from the first on; as many as there are moments */
} stats_partial;

typedef struct stats_config {
    int moments;
} stats_config;

/* p + e = x^2, or 0 or an infinity where e would not be exact. */
typedef struct stats_square {
    double p, e;
} stats_square;

static inline stats_square square_of(double x)
{
    double p = x * x;
#ifdef __FMA__
    double e = fma(x, x, -p);
#else /* Dekker's, of 26 bits and the rest */
    uint64_t bits;
    double high;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + ((uint64_t)1 << 26)) & ~(((uint64_t)1 << 27) - 1);
    memcpy(&high, &bits, sizeof high);
    double low = x - high, e = ((high * high - p) + 2 * high * low) + low * low;
#endif
    bool small = fabs(x) < 0x1p-485, large = !(fabs(x) < 0x1p511);
    p = large ? (double)INFINITY : p;
    return (stats_square){small ? 0 : p, small | large ? 0 : e};
}

#define NF_BODY "kernels/stats.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    stats_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->moments = (int)setup->values[0].integer;
    setup->config = config;
    setup->partial_bytes =
        offsetof(stats_partial, sums) + (size_t)config->moments * sizeof(nf_exact);
    setup->flops_per_cell = 2 * config->moments + 1;
    setup->bytes_per_cell = (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static void start(void *partial, const void *config)
{
    (void)config;
    stats_partial *stats = partial;
    stats->min = INFINITY;
    stats->max = -INFINITY;
}

static void fold(void *into, const void *next, const void *config)
{
    const stats_config *conf = config;
    stats_partial *a = into;
    const stats_partial *b = next;
    for (int i = 0; i < conf->moments; i++)
        nf_exact_fold(&a->sums[i], &b->sums[i]);
    a->count += b->count;
    a->min = b->min < a->min ? b->min : a->min;
    a->max = b->max > a->max ? b->max : a->max;
}

/* moment[k] is the mean (1), the variance (2), the skewness (3), the excess kurtosis (4). */
static void send(nf_sink *out, uint64_t count, double min, double max,
                 const double moment[MOST_MOMENTS + 1], int moments)
{
    static const char *const names[] = {"", "mean", "variance", "skewness", "kurtosis"};
    out->integer(out, "count", 0, count);
    out->real(out, "min", min);
    out->real(out, "max", max);
    for (int k = 1; k <= moments; k++)
        out->real(out, names[k], moment[k]);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const stats_config *conf = config;
    const stats_partial *stats = partial;
    const nf_exact *sums = stats->sums;
    bool nan = sums[0].nans > 0;
    double min = stats->min + 0.0, max = stats->max + 0.0; /* -0 and 0 are equal: which was met
                                                              first must not show */
    double moment[MOST_MOMENTS + 1] = {0};
    moment[1] = nf_exact_mean(&sums[0], stats->count);
    moment[2] = nf_exact_variance(&sums[0], &sums[1], stats->count);
    bool known = moment[2] >= 0x1p-860;
    if (conf->moments > 2)
        moment[3] = known ? nf_exact_skewness(sums, stats->count) : (double)NAN;
    if (conf->moments > 3)
        moment[4] = known ? nf_exact_kurtosis(sums, stats->count) : (double)NAN;
    send(out, stats->count, nan ? (double)NAN : min, nan ? (double)NAN : max, moment,
         conf->moments);
}

/* Two passes: the mean, then the powers of the distances from it. */
static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    const stats_config *conf = config;
    uint64_t count = (uint64_t)(in->shape.dim[0] * in->shape.dim[1] * in->shape.dim[2]) *
                     (uint64_t)in->shape.channels;
    long double sum = 0, mean = 0, powers[MOST_MOMENTS + 1] = {0};
    double min = INFINITY, max = -INFINITY;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t z = 0; z < in->shape.dim[0]; z++)
            for (int64_t y = 0; y < in->shape.dim[1]; y++)
                for (int64_t x = 0; x < in->shape.dim[2]; x++)
                    for (int c = 0; c < in->shape.channels; c++) {
                        double v = in->at(in, z, y, x, c);
                        min = v < min ? v : min;
                        max = v > max ? v : max;
                        sum += pass == 0 ? v : 0;
                        for (int k = 2; k <= MOST_MOMENTS && pass == 1; k++)
                            powers[k] += powl(v - mean, k) / (long double)count;
                    }
        mean = sum / (long double)count;
    }
    const double moment[] = {0, (double)mean, (double)powers[2],
                             (double)(powers[3] / powl(powers[2], 1.5L)),
                             (double)(powers[4] / (powers[2] * powers[2]) - 3)};
    send(out, count, min, max, moment, conf->moments);
}

static const nf_param params[] = {{"moments", NF_PARAM_INTEGER, "", "2", 2, MOST_MOMENTS, NULL,
                                   "3: also the skewness; 4: also the excess kurtosis"},
                                  {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_stats) = {
    .name = "stats",
    .summary = "count, min, max, mean, population variance; on request skewness, kurtosis",
    .kind = NF_REDUCE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .start = start,
    .fold = fold,
    .any_order = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 1e-12,
};

#else

/* Cubes and fourth powers of up to 2^15 integers. */
static void NF_NAME(add_integer_powers)(nf_exact *sums, const NF_T *x, size_t n, int moments)
{
    uint64_t cubes = 0, low = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = (uint32_t)x[i], square = v * v, fourth = square * square;
        cubes += square * v;
        low += (uint32_t)fourth;
        high += fourth >> 32;
    }
    nf_exact_add_integer(&sums[2], 0, cubes);
    if (moments < 4)
        return;
    nf_exact_add_integer(&sums[3], high >> 32, high << 32);
    nf_exact_add_integer(&sums[3], 0, low);
}

/* Cubes, and with 4 moments fourth powers. */
static void NF_NAME(add_powers)(nf_exact *sums, const NF_T *x, size_t n, int moments)
{
    enum { PIECE = 2048, ERRORS = sizeof(NF_T) == 8 };
    double value[PIECE], p[PIECE], e[PIECE];
    for (size_t i = 0; i < n; i++) {
        stats_square square = square_of((double)x[i]);
        value[i] = (double)x[i];
        p[i] = square.p;
        e[i] = square.e;
    }
    nf_exact_dot_f64(&sums[2], value, p, n);
    if (ERRORS)
        nf_exact_dot_f64(&sums[2], value, e, n);
    if (moments < 4)
        return;
    nf_exact_sumsq_f64(&sums[3], p, n);
    if (!ERRORS)
        return;
    nf_exact_sumsq_f64(&sums[3], e, n);
    for (size_t i = 0; i < n; i++)
        p[i] *= 2;
    nf_exact_dot_f64(&sums[3], p, e, n);
}

/* A row at a time in pieces that stay in the first-level cache, so that memory is read once. */
static void NF_NAME(add_row)(stats_partial *stats, const NF_T *x, ptrdiff_t n, int moments)
{
    enum { PIECE = 2048 };
    for (ptrdiff_t first = 0; first < n; first += PIECE) {
        ptrdiff_t count = n - first < PIECE ? n - first : PIECE;
        const NF_T *piece = x + first;
        NF_NAME(nf_exact_sum)(&stats->sums[0], piece, (size_t)count);
        NF_NAME(nf_exact_sumsq)(&stats->sums[1], piece, (size_t)count);
        if (moments > 2 && sizeof(NF_T) <= 2)
            NF_NAME(add_integer_powers)(stats->sums, piece, (size_t)count, moments);
        else if (moments > 2)
            NF_NAME(add_powers)(stats->sums, piece, (size_t)count, moments);
        NF_T min = piece[0], max = piece[0];
        for (ptrdiff_t i = 1; i < count; i++) {
            min = piece[i] < min ? piece[i] : min;
            max = piece[i] > max ? piece[i] : max;
        }
        stats->min = (double)min < stats->min ? (double)min : stats->min;
        stats->max = (double)max > stats->max ? (double)max : stats->max;
    }
    stats->count += (uint64_t)n;
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const stats_config *conf = config;
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(add_row)(partial, NF_ROW_IN(tile, z, y), NF_ROW_LENGTH(tile), conf->moments);
}

#endif
