/* counts.h - how many elements fall into each of `bins` equal intervals of [lo, hi]; the last one
 * includes hi, as numpy.histogram. Elements outside and NaN are counted apart. What histogram counts,
 * and what equalize and Otsu's threshold learn from.
 *
 * Included in both halves of a kernel's file; nf_counts_add_TYPE adds a tile. */
#ifndef NF_COUNTS_ONCE
#define NF_COUNTS_ONCE
#include <math.h>

#include "kernels/kernel.h"

typedef struct nf_counts_config {
    int64_t bins;
    double lo, hi, per_unit; /* bins per unit of value */
    bool by_value;           /* as many bins as a u16 has values: each value has its bin */
} nf_counts_config;

/* int64_t throughout, so that folding is adding. */
typedef struct nf_counts {
    int64_t below, above, nans, bin[];
} nf_counts;

static inline nf_counts_config nf_counts_make(int64_t bins, double lo, double hi)
{
    return (nf_counts_config){bins, lo, hi, (double)bins / (hi - lo),
                              bins == 65536 && lo == 0 && hi == 65536};
}

static inline size_t nf_counts_bytes(int64_t bins)
{
    return sizeof(nf_counts) + (size_t)bins * sizeof(int64_t);
}

/* The bin of v, or -1 below, bins above, -2 for NaN. The one place that decides. */
static inline int64_t nf_counts_bin(const nf_counts_config *config, double v)
{
    if (v >= config->lo && v < config->hi) {
        int64_t bin = (int64_t)((v - config->lo) * config->per_unit);
        return bin < config->bins ? bin : config->bins - 1;
    }
    if (v == config->hi)
        return config->bins - 1;
    return v < config->lo ? -1 : v > config->hi ? config->bins : -2;
}

static inline void nf_counts_at(nf_counts *counts, const nf_counts_config *config, int64_t bin,
                                int64_t times)
{
    if (bin >= 0 && bin < config->bins)
        counts->bin[bin] += times;
    else if (bin == -1)
        counts->below += times;
    else if (bin == config->bins)
        counts->above += times;
    else
        counts->nans += times;
}

static inline void nf_counts_fold(nf_counts *into, const nf_counts *next, int64_t bins)
{
    into->below += next->below, into->above += next->above, into->nans += next->nans;
    for (int64_t i = 0; i < bins; i++)
        into->bin[i] += next->bin[i];
}

/* For references: one element after the other, its bin by a division that is rounded down. */
static inline void nf_counts_plainly(const nf_cells *in, const nf_counts_config *config,
                                     nf_counts *counts)
{
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++) {
                    double v = in->at(in, z, y, x, c);
                    int64_t bin = (int64_t)floor((v - config->lo) * config->per_unit);
                    counts->below += v < config->lo;
                    counts->above += v > config->hi;
                    counts->nans += isnan(v) ? 1 : 0;
                    if (v >= config->lo && v <= config->hi)
                        counts->bin[bin < config->bins ? bin : config->bins - 1]++;
                }
}
#endif

#ifdef NF_T
/* u8: by value first, in four tables so that equal neighbours do not wait for each other. */
static void NF_NAME(nf_counts_bytes_of)(nf_counts *counts, const nf_counts_config *config,
                                        const nf_tile *tile)
{
    int64_t table[4][256] = {{0}};
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
        nf_counts_at(counts, config, nf_counts_bin(config, v),
                     table[0][v] + table[1][v] + table[2][v] + table[3][v]);
}

static void NF_NAME(nf_counts_row)(nf_counts *counts, const nf_counts_config *config, const NF_T *x,
                                   ptrdiff_t n)
{
    if (sizeof(NF_T) == 2 && config->by_value)
        for (ptrdiff_t i = 0; i < n; i++)
            counts->bin[(ptrdiff_t)x[i]]++;
    else
        for (ptrdiff_t i = 0; i < n; i++)
            nf_counts_at(counts, config, nf_counts_bin(config, (double)x[i]), 1);
}

static inline void NF_NAME(nf_counts_add)(nf_counts *counts, const nf_counts_config *config,
                                          const nf_tile *tile)
{
    if (sizeof(NF_T) == 1) {
        NF_NAME(nf_counts_bytes_of)(counts, config, tile);
        return;
    }
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(nf_counts_row)(counts, config, NF_ROW_IN(tile, z, y), NF_ROW_LENGTH(tile));
}
#endif
