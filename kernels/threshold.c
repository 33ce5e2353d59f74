/* threshold.c - white (255, 65535, or 1 for floats) where x > value, 0 elsewhere and where x is
 * NaN: OpenCV's THRESH_BINARY. Nothing is rounded before it is compared.
 *
 * The value is given, or Otsu's: the one that parts the elements, all channels together, in two
 * classes whose means are as far apart as their sizes allow (Otsu 1979: the greatest variance between
 * them; of several the first). u8: OpenCV's THRESH_OTSU, but that also a class of less than 1e-7 of
 * all elements counts; u16: each value by itself, as OpenCV and skimage. Floats: skimage's
 * threshold_otsu, 256 equal bins from the least to the greatest finite element, the value being the
 * centre of the last bin of the lower class. Where all elements are equal it is 0, of floats their
 * value. */
#ifndef NF_T

#include <math.h>

#include "kernels/counts.h"
#include "kernels/isa.h"
#include "kernels/point.h"
#include "kernels/span.h"

enum { VALUE, OTSU, FLOAT_BINS = 256 };

typedef struct threshold_config {
    double value, full; /* the value is learned with otsu */
    bool integer, spanned;
    nf_counts_config counting; /* of floats it is known once their span is */
} threshold_config;

typedef struct threshold_partial {
    nf_span span;     /* of floats, in the first survey */
    int64_t counts[]; /* an nf_counts */
} threshold_partial;

static nf_counts *counts_of(threshold_partial *partial)
{
    return (nf_counts *)(void *)partial->counts;
}

#define NF_BODY "kernels/threshold.c"
#include "kernels/each_dtype.h"

static nf_status prepare_otsu(nf_setup *setup, threshold_config *config)
{
    int64_t bins = setup->in.dtype == NF_U8 ? 256 : config->integer ? 65536 : FLOAT_BINS;
    config->counting = nf_counts_make(bins, 0, (double)bins);
    setup->looks = config->integer ? 1 : 2;
    setup->partial_bytes = sizeof(threshold_partial) + nf_counts_bytes(bins);
    return NF_OK;
}

static nf_status prepare(nf_setup *setup)
{
    threshold_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    const nf_value *value = &setup->values[0];
    const nf_value *method = &setup->values[1];
    bool otsu = method->given ? method->integer == OTSU : !value->given;
    config->value = value->real;
    config->full = nf_full(setup->in.dtype);
    config->integer = setup->in.dtype == NF_U8 || setup->in.dtype == NF_U16;
    setup->config = config;
    setup->flops_per_cell = 1;
    if (otsu != value->given)
        return otsu ? prepare_otsu(setup, config) : NF_OK;
    setup->param = otsu ? "value" : "method";
    setup->problem = otsu ? "method=otsu finds it" : "method=value needs value=...";
    return NF_ERR_PARAM;
}

/* ---- learning ---- */

static void start(void *partial, const void *config)
{
    (void)config;
    nf_span_start(partial);
}

static void fold(void *into, const void *next, const void *config)
{
    threshold_partial *a = into;
    const threshold_partial *b = next;
    nf_span_fold(&a->span, &b->span);
    nf_counts_fold(counts_of(a), (const nf_counts *)(const void *)b->counts,
                   ((const threshold_config *)config)->counting.bins);
}

/* The last bin of the lower class; 0 where there are no two. */
static int64_t part(const int64_t *bin, int64_t bins)
{
    int64_t all = 0, sum = 0, lower = 0, lower_sum = 0, best = 0;
    double most = 0;
    for (int64_t i = 0; i < bins; i++)
        all += bin[i], sum += i * bin[i];
    for (int64_t i = 0; i < bins; i++) {
        lower += bin[i], lower_sum += i * bin[i];
        if (lower == 0 || lower == all)
            continue;
        double n = (double)lower, m = (double)(all - lower);
        double apart = (double)(sum - lower_sum) / m - (double)lower_sum / n;
        double variance = n * m * apart * apart;
        if (variance > most)
            most = variance, best = i;
    }
    return best;
}

/* Whether there are bins to count in. */
static bool set_span(threshold_config *c, nf_span span)
{
    c->spanned = true;
    c->value = span.min;
    c->counting = nf_counts_make(FLOAT_BINS, span.min, span.max);
    return span.max > span.min && isfinite(c->counting.per_unit) && isfinite(span.max - span.min);
}

static void set_value(threshold_config *c, int64_t bin)
{
    double width = (c->counting.hi - c->counting.lo) / (double)c->counting.bins;
    c->value = c->integer ? (double)bin : c->counting.lo + ((double)bin + 0.5) * width;
}

static bool learn(void *config, const void *partial)
{
    threshold_config *c = config;
    const threshold_partial *p = partial;
    if (partial == NULL) {
        c->spanned = c->integer;
        return true;
    }
    if (!c->spanned)
        return set_span(c, nf_span_found(&p->span));
    set_value(c, part(((const nf_counts *)(const void *)p->counts)->bin, c->counting.bins));
    return false;
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    (void)partial;
    out->real(out, "value", ((const threshold_config *)config)->value);
}

/* ---- the reference: of each element's bin, the variances within both classes that it makes ---- */

typedef struct class
{
    long double n, sum, squares;
} class;

static long double within(const class *k)
{
    return k->n > 0 ? k->squares - k->sum * k->sum / k->n : 0;
}

static double variance_within(const nf_cells *in, const nf_counts_config *counting, int64_t last)
{
    class k[2] = {{0, 0, 0}, {0, 0, 0}};
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++) {
                    double v = in->at(in, z, y, x, c);
                    if (!isfinite(v))
                        continue;
                    int64_t bin = nf_counts_bin(counting, v);
                    class *into = &k[bin > last];
                    into->n += 1, into->sum += bin, into->squares += bin * bin;
                }
    return k[0].n > 0 && k[1].n > 0 ? (double)(within(&k[0]) + within(&k[1])) : (double)INFINITY;
}

static bool reference_learn(const nf_cells *in, void *config)
{
    threshold_config *conf = config;
    double least = INFINITY;
    int64_t best = 0;
    if (!conf->integer && !set_span(conf, nf_span_plainly(in)))
        return false;
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++) {
                    double v = in->at(in, z, y, x, c);
                    int64_t bin = isfinite(v) ? nf_counts_bin(&conf->counting, v) : 0;
                    double inner = variance_within(in, &conf->counting, bin);
                    if (inner < least || (inner == least && inner < INFINITY && bin < best))
                        least = inner, best = bin;
                }
    set_value(conf, best);
    return false;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const threshold_config *conf = config;
    return in->at(in, z, y, x, c) > conf->value ? conf->full : 0;
}

static const char *const methods[] = {"value", "otsu", NULL};

static const nf_param params[] = {{"value", NF_PARAM_REAL, "value", "auto", -1e300, 1e300, NULL,
                                   "what is above this becomes white; auto: Otsu's"},
                                  {"method", NF_PARAM_CHOICE, "", "auto", 0, 0, methods,
                                   "auto: value where it is given, else otsu"},
                                  {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_threshold) = {
    .name = "threshold",
    .summary = "white above a value, given or Otsu's; 0 elsewhere",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .survey = NF_APPLY(survey),
    .start = start,
    .fold = fold,
    .any_order = true,
    .learn = learn,
    .finish = finish,
    .reference_cell = reference_cell,
    .reference_learn = reference_learn,
    .tolerance = 0,
};

#else

#include "kernels/counts.h"
#include "kernels/point.h"
#include "kernels/span.h"

static void NF_NAME(survey)(const nf_tile *tile, const void *config, void *partial)
{
    const threshold_config *c = config;
    threshold_partial *p = partial;
    if (c->spanned)
        NF_NAME(nf_counts_add)(counts_of(partial), &c->counting, tile);
    else
        NF_NAME(nf_span_add)(&p->span, tile);
}

static void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
                             int channels, const void *config)
{
    const threshold_config *conf = config;
    NF_T last = NF_NAME(last_below)(conf->value), full = NF_FULL;
    NF_T low = NF_IS_INTEGER && conf->value < 0 ? full : (NF_T)0; /* of 0, in an integer type */
    for (ptrdiff_t i = 0; i < cells * channels; i++)
        out[i] = in[i] > last ? full : low;
}

NF_POINT_APPLY

#endif
