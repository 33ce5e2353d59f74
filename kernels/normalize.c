/* normalize.c - the whole array brought to a range, all channels together; computed in double.
 *
 * minmax   (x - min) (high - low) / (max - min) + low, OpenCV's NORM_MINMAX; never beyond low and
 *          high. min and max are those of the finite elements: infinities end at low and high, NaN
 *          stays (and becomes 0 where the elements are integers).
 * zscore   (x - mean) / deviation, scipy.stats.zscore: the population's deviation, mean and variance
 *          correctly rounded; floats only. A NaN or an infinity anywhere leaves nothing but NaN.
 * Where all elements are equal they become low; with zscore 0. Integers are rounded to the nearest,
 * halves up. */
#ifndef NF_T

#include <math.h>

#include "kernels/exact.h"
#include "kernels/isa.h"
#include "kernels/point.h"
#include "kernels/span.h"

enum { MINMAX, ZSCORE };

typedef struct normalize_config {
    int64_t method;
    uint64_t elements;
    double low, high;
    bool integers, bytes; /* elements are u8 or u16; u8 */
    nf_span span;         /* learned: minmax */
    double mean, variance;
    double from, by, to; /* (x - from) by + to, */
    double least, most;  /* within these; */
    bool single;         /* u8: or so, in float */
    float single_by, single_to;
} normalize_config;

typedef struct normalize_partial {
    nf_span span;
    nf_exact sum, squares; /* zscore alone has these */
} normalize_partial;

/* Integers may come to lie half-way between two: lifted so little they are rounded up, whatever the
 * products are rounded to, in double and in float. */
static const double lift = 0x1p-30, single_lift = 0x1p-12;

#define NF_BODY "kernels/normalize.c"
#include "kernels/each_dtype.h"

/* For u8: by a product and a sum in float, cut off; whether that gives the same for all values that
 * there are. */
static bool float_suffices(normalize_config *c)
{
    c->single_by = (float)c->by;
    c->single_to = (float)(c->to - c->from * c->by + 0.5 + single_lift);
    for (int v = (int)c->span.min; v <= (int)c->span.max; v++) {
        float y = (float)v * c->single_by + c->single_to;
        if (!(y >= 0 && y < 256) || (int)y != round_to_u8((v - c->from) * c->by + c->to))
            return false;
    }
    return true;
}

static nf_status prepare(nf_setup *setup)
{
    normalize_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    const nf_shape *in = &setup->in;
    config->method = setup->values[0].integer;
    config->low = setup->values[1].real;
    config->high = setup->values[2].given ? setup->values[2].real : nf_full(in->dtype);
    config->elements = (uint64_t)(in->dim[0] * in->dim[1] * in->dim[2] * in->channels);
    config->bytes = in->dtype == NF_U8;
    config->integers = config->bytes || in->dtype == NF_U16;
    setup->config = config;
    setup->partial_bytes = config->method == ZSCORE ? sizeof(normalize_partial) : sizeof(nf_span);
    setup->flops_per_cell = 4;
    if (config->method == MINMAX || !config->integers)
        return NF_OK;
    setup->param = "method";
    setup->problem = "integers cannot hold what zscore gives; put `cast:to=f32` before it";
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
    nf_span_fold(into, next);
    if (((const normalize_config *)config)->method != ZSCORE)
        return;
    normalize_partial *a = into;
    const normalize_partial *b = next;
    nf_exact_fold(&a->sum, &b->sum);
    nf_exact_fold(&a->squares, &b->squares);
}

static void set_minmax(normalize_config *c, nf_span span)
{
    c->span = span;
    c->from = span.min;
    c->by = span.max > span.min ? (c->high - c->low) / (span.max - span.min) : 0;
    c->to = c->low + (c->integers ? lift : 0);
    c->least = c->low < c->high ? c->low : c->high;
    c->most = c->low < c->high ? c->high : c->low;
    c->single = c->bytes && float_suffices(c);
}

static void set_zscore(normalize_config *c, const nf_exact *sum, const nf_exact *squares)
{
    c->mean = nf_exact_mean(sum, c->elements);
    c->variance = nf_exact_variance(sum, squares, c->elements);
    c->from = c->mean;
    c->by = c->variance > 0 ? 1 / sqrt(c->variance) : c->variance; /* 0, or NaN */
    c->to = 0;
    c->least = (double)-INFINITY;
    c->most = (double)INFINITY;
}

static bool learn(void *config, const void *partial)
{
    const normalize_partial *p = partial;
    normalize_config *c = config;
    if (partial == NULL)
        return true;
    if (c->method == ZSCORE)
        set_zscore(c, &p->sum, &p->squares);
    else
        set_minmax(c, nf_span_found(partial));
    return false;
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const normalize_config *c = config;
    (void)partial;
    if (c->method == ZSCORE) {
        out->real(out, "mean", c->mean);
        out->real(out, "variance", c->variance);
    } else {
        out->real(out, "min", c->span.min);
        out->real(out, "max", c->span.max);
    }
}

/* ---- the reference ---- */

static bool reference_learn(const nf_cells *in, void *config)
{
    normalize_config *c = config;
    nf_exact sum = {{0}, 0, 0, 0}, squares = sum;
    if (c->method == MINMAX) {
        set_minmax(c, nf_span_plainly(in));
        return false;
    }
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int k = 0; k < in->shape.channels; k++) {
                    double v = in->at(in, z, y, x, k);
                    nf_exact_add(&sum, v);
                    nf_exact_sumsq_f64(&squares, &v, 1);
                }
    set_zscore(c, &sum, &squares);
    return false;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int channel)
{
    const normalize_config *c = config;
    double v = in->at(in, z, y, x, channel);
    if (c->method == ZSCORE)
        return c->variance == 0 ? 0 : (v - c->mean) / sqrt(c->variance);
    if (c->span.min == c->span.max)
        return v - v == 0 ? c->low : (double)NAN;
    double part = (v - c->span.min) / (c->span.max - c->span.min);
    return c->low + (isnan(part) ? part : fmin(fmax(part, 0), 1)) * (c->high - c->low);
}

static const char *const methods[] = {"minmax", "zscore", NULL};

static const nf_param params[] = {
    {"method", NF_PARAM_CHOICE, "", "minmax", 0, 0, methods,
     "by the least and the greatest element, or by mean and deviation"},
    {"low", NF_PARAM_REAL, "value", "0", -1e300, 1e300, NULL, "minmax: what the least becomes"},
    {"high", NF_PARAM_REAL, "value", "auto", -1e300, 1e300, NULL,
     "minmax: what the greatest becomes; auto: 255 (u8), 65535 (u16), 1 (floats)"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_normalize) = {
    .name = "normalize",
    .summary = "the whole array to a range, or to mean 0 and deviation 1",
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
    .tolerance = 4,
};

#else

#include "kernels/point.h"
#include "kernels/span.h"

static void NF_NAME(survey)(const nf_tile *tile, const void *config, void *partial)
{
    normalize_partial *p = partial;
    if (((const normalize_config *)config)->method == MINMAX) {
        NF_NAME(nf_span_add)(partial, tile);
        return;
    }
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *x = NF_ROW_IN(tile, z, y);
            NF_NAME(nf_exact_sum)(&p->sum, x, (size_t)NF_ROW_LENGTH(tile));
            NF_NAME(nf_exact_sumsq)(&p->squares, x, (size_t)NF_ROW_LENGTH(tile));
        }
    }
}

static void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
                             int channels, const void *config)
{
    const normalize_config *c = config;
    double from = c->from, by = c->by, to = c->to, least = c->least, most = c->most;
    float single_by = c->single_by, single_to = c->single_to;
    ptrdiff_t n = cells * channels;
    for (ptrdiff_t i = 0; i < n && c->single; i++)
        out[i] = (NF_T)(int)((float)in[i] * single_by + single_to);
    for (ptrdiff_t i = 0; i < n && !c->single; i++) {
        double y = ((double)in[i] - from) * by + to;
        y = y < least ? least : y;
        out[i] = NF_NAME(round_to)(y > most ? most : y);
    }
}

NF_POINT_APPLY

#endif
