/* histogram.c - how many elements fall into each of `bins` equal intervals of [lo, hi]; the last
 * one includes hi, as numpy.histogram. Elements outside and NaN are counted apart. Without lo and
 * hi the range is that of an integer type, [0, 256] or [0, 65536], and [0, 1] for floats. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct histogram_config {
    int64_t bins;
    double lo, hi, per_unit; /* bins per unit of value */
} histogram_config;

typedef struct histogram_partial {
    uint64_t below, above, nans, counts[];
} histogram_partial;

/* The bin of v, or -1 below, bins above, -2 for NaN. The one place that decides. */
static inline int64_t bin_of(const histogram_config *config, double v)
{
    if (v >= config->lo && v < config->hi) {
        int64_t bin = (int64_t)((v - config->lo) * config->per_unit);
        return bin < config->bins ? bin : config->bins - 1;
    }
    if (v == config->hi)
        return config->bins - 1;
    return v < config->lo ? -1 : v > config->hi ? config->bins : -2;
}

static inline void count_at(histogram_partial *partial, const histogram_config *config, int64_t bin,
                            uint64_t times)
{
    if (bin >= 0 && bin < config->bins)
        partial->counts[bin] += times;
    else if (bin == -1)
        partial->below += times;
    else if (bin == config->bins)
        partial->above += times;
    else
        partial->nans += times;
}

#define NF_BODY "kernels/histogram.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    static const double full[NF_DTYPES] = {
        [NF_U8] = 256, [NF_U16] = 65536, [NF_F32] = 1, [NF_F64] = 1};
    histogram_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->bins = setup->values[0].integer;
    config->lo = setup->values[1].real;
    config->hi = setup->values[2].given ? setup->values[2].real : full[setup->in.dtype];
    config->per_unit = (double)config->bins / (config->hi - config->lo);
    if (config->hi <= config->lo) {
        setup->param = "hi";
        setup->problem = "the range is empty: hi must be greater than lo";
        return NF_ERR_PARAM;
    }
    if (!isfinite(config->per_unit) || !isfinite(config->hi - config->lo)) {
        setup->param = "hi";
        setup->problem = "the bins are too narrow, or the range too wide, for double precision";
        return NF_ERR_PARAM;
    }
    setup->config = config;
    setup->partial_bytes = sizeof(histogram_partial) + (size_t)config->bins * sizeof(uint64_t);
    setup->flops_per_cell = 1;
    setup->bytes_per_cell = (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static void fold(void *into, const void *next, const void *config)
{
    const histogram_config *conf = config;
    histogram_partial *a = into;
    const histogram_partial *b = next;
    a->below += b->below, a->above += b->above, a->nans += b->nans;
    for (int64_t i = 0; i < conf->bins; i++)
        a->counts[i] += b->counts[i];
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const histogram_config *conf = config;
    const histogram_partial *histogram = partial;
    out->real(out, "lo", conf->lo);
    out->real(out, "hi", conf->hi);
    out->integer(out, "below", 0, histogram->below);
    out->integer(out, "above", 0, histogram->above);
    out->integer(out, "nans", 0, histogram->nans);
    out->counts(out, "counts", histogram->counts, (size_t)conf->bins);
}

/* For each bin, the elements between its edges are counted. */
static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    enum { MOST = 65536 };
    const histogram_config *conf = config;
    uint64_t counts[MOST] = {0}, below = 0, above = 0, nans = 0;
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++) {
                    double v = in->at(in, z, y, x, c);
                    int64_t bin = (int64_t)floor((v - conf->lo) * conf->per_unit);
                    below += v < conf->lo;
                    above += v > conf->hi;
                    nans += isnan(v) ? 1 : 0;
                    if (v >= conf->lo && v <= conf->hi && bin < MOST)
                        counts[bin < conf->bins ? bin : conf->bins - 1]++;
                }
    out->real(out, "lo", conf->lo);
    out->real(out, "hi", conf->hi);
    out->integer(out, "below", 0, below);
    out->integer(out, "above", 0, above);
    out->integer(out, "nans", 0, nans);
    out->counts(out, "counts", counts, (size_t)(conf->bins < MOST ? conf->bins : MOST));
}

static const nf_param params[] = {
    {"bins", NF_PARAM_INTEGER, "bins", "256", 1, 65536, NULL, "number of equal intervals"},
    {"lo", NF_PARAM_REAL, "value", "0", -1e300, 1e300, NULL, "lower edge of the first bin"},
    {"hi", NF_PARAM_REAL, "value", "auto", -1e300, 1e300, NULL,
     "upper edge of the last bin; auto: 256 (u8), 65536 (u16), 1 (floats)"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_histogram) = {
    .name = "histogram",
    .summary = "counts of elements in equal intervals",
    .kind = NF_REDUCE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .fold = fold,
    .any_order = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 0,
};

#else

static void NF_NAME(add_row)(histogram_partial *partial, const histogram_config *config,
                             const NF_T *x, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        count_at(partial, config, bin_of(config, (double)x[i]), 1);
}

/* u8: by value first, in four tables so that equal neighbours do not wait for each other. */
static void NF_NAME(add_values)(histogram_partial *partial, const histogram_config *config,
                                const nf_tile *tile)
{
    uint64_t table[4][256] = {{0}};
    ptrdiff_t n = NF_ROW_LENGTH(tile);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const uint8_t *x = (const void *)NF_ROW_IN(tile, z, y);
            ptrdiff_t i = 0;
            for (; i + 4 <= n; i += 4)
                table[0][x[i]]++, table[1][x[i + 1]]++, table[2][x[i + 2]]++, table[3][x[i + 3]]++;
            for (; i < n; i++)
                table[0][x[i]]++;
        }
    }
    for (int v = 0; v < 256; v++)
        count_at(partial, config, bin_of(config, v),
                 table[0][v] + table[1][v] + table[2][v] + table[3][v]);
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    if (sizeof(NF_T) == 1) {
        NF_NAME(add_values)(partial, config, tile);
        return;
    }
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(add_row)(partial, config, NF_ROW_IN(tile, z, y), NF_ROW_LENGTH(tile));
}

#endif
