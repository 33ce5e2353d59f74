/* histogram.c - how many elements fall into each of `bins` equal intervals of [lo, hi]; the last
 * one includes hi, as numpy.histogram. Elements outside and NaN are counted apart. Without lo and
 * hi the range is that of an integer type, [0, 256] or [0, 65536], and [0, 1] for floats. All channels
 * together, or each by itself. */
#ifndef NF_T

#include <math.h>

#include "kernels/counts.h"
#include "kernels/isa.h"

enum { TOGETHER, EACH }; /* channels */

typedef struct histogram_config {
    nf_counts_config counting;
    int each;     /* channels that are counted by themselves; 1: all together */
    size_t bytes; /* from one channel's counts to the next's */
} histogram_config;

/* Those of channel c. */
static inline nf_counts *counts_of(const void *partial, const histogram_config *config, int c)
{
    return (nf_counts *)(void *)((char *)(uintptr_t)partial + (size_t)c * config->bytes);
}

#define NF_BODY "kernels/histogram.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    static const double full[NF_DTYPES] = {
        [NF_U8] = 256, [NF_U16] = 65536, [NF_F32] = 1, [NF_F64] = 1};
    histogram_config *whole = setup->alloc(setup, sizeof *whole);
    if (whole == NULL)
        return NF_ERR_MEMORY;
    nf_counts_config *config = &whole->counting;
    double hi = setup->values[2].given ? setup->values[2].real : full[setup->in.dtype];
    *config = nf_counts_make(setup->values[0].integer, setup->values[1].real, hi);
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
    whole->each = setup->values[3].integer == EACH ? setup->in.channels : 1;
    whole->bytes = nf_counts_bytes(config->bins);
    setup->config = whole;
    setup->partial_bytes = (size_t)whole->each * whole->bytes;
    setup->flops_per_cell = 1;
    setup->bytes_per_cell = (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static void fold(void *into, const void *next, const void *config)
{
    const histogram_config *conf = config;
    for (int c = 0; c < conf->each; c++)
        nf_counts_fold(counts_of(into, conf, c), counts_of(next, conf, c), conf->counting.bins);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    static const char *const together[] = {"below", "above", "nans", "counts"};
    static const char *const each[NF_MAX_CHANNELS][4] = {
        {"below_0", "above_0", "nans_0", "counts_0"},
        {"below_1", "above_1", "nans_1", "counts_1"},
        {"below_2", "above_2", "nans_2", "counts_2"},
        {"below_3", "above_3", "nans_3", "counts_3"}};
    const histogram_config *conf = config;
    out->real(out, "lo", conf->counting.lo);
    out->real(out, "hi", conf->counting.hi);
    for (int c = 0; c < conf->each; c++) {
        const nf_counts *counts = counts_of(partial, conf, c);
        const char *const *name = conf->each == 1 ? together : each[c];
        out->integer(out, name[0], 0, (uint64_t)counts->below);
        out->integer(out, name[1], 0, (uint64_t)counts->above);
        out->integer(out, name[2], 0, (uint64_t)counts->nans);
        out->counts(out, name[3], (const uint64_t *)counts->bin, (size_t)conf->counting.bins);
    }
}

/* One channel as an array of its own, for the reference. */
typedef struct one_channel {
    nf_cells cells;
    const nf_cells *of;
    int channel;
} one_channel;

static double channel_at(const nf_cells *self, int64_t z, int64_t y, int64_t x, int channel)
{
    const one_channel *one = (const void *)self;
    return one->of->at(one->of, z, y, x, one->channel + channel);
}

static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    enum { MOST = sizeof(nf_counts) / sizeof(int64_t) + 65536 };
    const histogram_config *conf = config;
    int64_t counted[NF_MAX_CHANNELS * MOST] = {0};
    for (int c = 0; c < conf->each; c++) {
        one_channel one = {*in, in, c};
        one.cells.shape.channels = conf->each == 1 ? in->shape.channels : 1;
        one.cells.at = channel_at;
        nf_counts_plainly(&one.cells, &conf->counting, counts_of(counted, conf, c));
    }
    finish(counted, config, out);
}

static const char *const channel_choices[] = {"together", "each", NULL};

static const nf_param params[] = {
    {"bins", NF_PARAM_INTEGER, "bins", "256", 1, 65536, NULL, "number of equal intervals"},
    {"lo", NF_PARAM_REAL, "value", "0", -1e300, 1e300, NULL, "lower edge of the first bin"},
    {"hi", NF_PARAM_REAL, "value", "auto", -1e300, 1e300, NULL,
     "upper edge of the last bin; auto: 256 (u8), 65536 (u16), 1 (floats)"},
    {"channels", NF_PARAM_CHOICE, "", "together", 0, 0, channel_choices,
     "count all channels together, or each by itself"},
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
    .adds = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 0,
};

#else

#include "kernels/counts.h"

/* One channel of a row, so many elements at a time as an array of one channel. */
static void NF_NAME(channel_row)(const NF_T *row, int64_t cells, int channels, int c,
                                 const histogram_config *conf, nf_counts *counts)
{
    enum { SOME = 4096 };
    NF_T one[SOME];
    for (int64_t begin = 0; begin < cells; begin += SOME) {
        int64_t n = cells - begin < SOME ? cells - begin : SOME;
        for (int64_t i = 0; i < n; i++)
            one[i] = row[(begin + i) * channels + c];
        nf_tile part = {.size = {1, 1, n}, .channels = 1, .in = one};
        NF_NAME(nf_counts_add)(counts, &conf->counting, &part);
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const histogram_config *conf = config;
    if (conf->each == 1) {
        NF_NAME(nf_counts_add)(partial, &conf->counting, tile);
        return;
    }
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            for (int c = 0; c < conf->each; c++)
                NF_NAME(channel_row)
                (NF_ROW_IN(tile, z, y), tile->size[2], tile->channels, c, conf,
                 counts_of(partial, conf, c));
}

#endif
