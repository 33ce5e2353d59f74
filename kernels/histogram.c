/* histogram.c - how many elements fall into each of `bins` equal intervals of [lo, hi]; the last
 * one includes hi, as numpy.histogram. Elements outside and NaN are counted apart. Without lo and
 * hi the range is that of an integer type, [0, 256] or [0, 65536], and [0, 1] for floats. */
#ifndef NF_T

#include <math.h>

#include "kernels/counts.h"
#include "kernels/isa.h"

#define NF_BODY "kernels/histogram.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    static const double full[NF_DTYPES] = {
        [NF_U8] = 256, [NF_U16] = 65536, [NF_F32] = 1, [NF_F64] = 1};
    nf_counts_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
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
    setup->config = config;
    setup->partial_bytes = nf_counts_bytes(config->bins);
    setup->flops_per_cell = 1;
    setup->bytes_per_cell = (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static void fold(void *into, const void *next, const void *config)
{
    nf_counts_fold(into, next, ((const nf_counts_config *)config)->bins);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const nf_counts_config *conf = config;
    const nf_counts *counts = partial;
    out->real(out, "lo", conf->lo);
    out->real(out, "hi", conf->hi);
    out->integer(out, "below", 0, (uint64_t)counts->below);
    out->integer(out, "above", 0, (uint64_t)counts->above);
    out->integer(out, "nans", 0, (uint64_t)counts->nans);
    out->counts(out, "counts", (const uint64_t *)counts->bin, (size_t)conf->bins);
}

static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    enum { MOST = 65536 };
    int64_t counted[sizeof(nf_counts) / sizeof(int64_t) + MOST] = {0};
    nf_counts_plainly(in, config, (nf_counts *)(void *)counted);
    finish(counted, config, out);
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
    .adds = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 0,
};

#else

#include "kernels/counts.h"

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    NF_NAME(nf_counts_add)(partial, config, tile);
}

#endif
