#include "kernels/axis.h"

#include <math.h>

static double sinc(double x)
{
    const double pi = 3.14159265358979323846;
    return x == 0 ? 1 : sin(pi * x) / (pi * x);
}

/* Keys' piecewise cubic with a = -1/2. */
static double cubic(double x)
{
    const double a = -0.5;
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* The filter at distance x from the centre. */
static double filter(nf_method method, double x)
{
    double distance = fabs(x);
    switch (method) {
    case NF_BILINEAR:
        return distance < 1 ? 1 - distance : 0;
    case NF_CUBIC:
        return cubic(distance);
    case NF_LANCZOS:
        return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    default:
        return x > -0.5 && x <= 0.5;
    }
}

/* Where the filter ends, for a scale of 1. */
static double support_of(nf_method method)
{
    return method == NF_BILINEAR ? 1 : method == NF_CUBIC ? 2 : method == NF_LANCZOS ? 3 : 0.5;
}

/* How many times wider than a cell of the input the filter is. */
static double width_of(const nf_axis *axis)
{
    double scale = (double)axis->in / (double)axis->out;
    return axis->antialias && scale > 1 ? scale : 1;
}

/* The output cell's centre in the input, whose cell i reaches from i to i + 1. */
static double centre_of(const nf_axis *axis, int64_t i)
{
    return ((double)i + 0.5) * ((double)axis->in / (double)axis->out);
}

void nf_axis_window(const nf_axis *axis, int64_t i, int64_t *lo, int64_t *hi)
{
    double centre = centre_of(axis, i), support = support_of(axis->method) * width_of(axis);
    double low = centre - support + 0.5, high = centre + support + 0.5;
    *lo = low > 0 ? (int64_t)low : 0;
    *hi = high < (double)axis->in ? (int64_t)high : axis->in;
    if (axis->in == axis->out)
        *lo = i, *hi = i + 1;
}

static double raw_weight(const nf_axis *axis, int64_t i, int64_t from)
{
    double shift = (double)from - centre_of(axis, i) + 0.5;
    return filter(axis->method, shift * (1 / width_of(axis)));
}

double nf_axis_weight(const nf_axis *axis, int64_t i, int64_t from)
{
    int64_t lo, hi;
    double sum = 0;
    nf_axis_window(axis, i, &lo, &hi);
    for (int64_t j = lo; j < hi; j++)
        sum += raw_weight(axis, i, j);
    return axis->in == axis->out ? 1 : raw_weight(axis, i, from) / sum;
}

static void fill_weights(const nf_axis *axis, int64_t i, double *weights, int32_t *fixed)
{
    const double one = 1 << NF_FIXED_BITS;
    double sum = 0;
    for (int j = 0; j < axis->count[i]; j++) {
        weights[j] = axis->in == axis->out ? 1 : raw_weight(axis, i, axis->first[i] + j);
        sum += weights[j];
    }
    for (int j = 0; j < axis->count[i]; j++) {
        weights[j] /= sum;
        fixed[j] = (int32_t)(weights[j] * one + (weights[j] < 0 ? -0.5 : 0.5));
    }
}

/* As Pillow, which goes from centre to centre by adding the scale: where a centre lies on an edge
 * between two cells, the sum's rounding decides. */
static void fill_nearest(const nf_axis *axis, int64_t *first, int *count)
{
    double scale = (double)axis->in / (double)axis->out, at = scale * 0.5;
    for (int64_t i = 0; i < axis->out; i++, at += scale) {
        first[i] = (int64_t)at < axis->in ? (int64_t)at : axis->in - 1;
        count[i] = 1;
    }
}

nf_status nf_axis_make(nf_setup *setup, nf_axis *axis)
{
    size_t n = (size_t)axis->out;
    int64_t *first = setup->alloc(setup, n * sizeof *first), end;
    int *count = setup->alloc(setup, n * sizeof *count);
    if (first == NULL || count == NULL)
        return NF_ERR_MEMORY;
    axis->first = first;
    axis->count = count;
    axis->most = 1;
    if (axis->method == NF_NEAREST) {
        fill_nearest(axis, first, count);
        return NF_OK;
    }
    for (int64_t i = 0; i < axis->out; i++) {
        nf_axis_window(axis, i, &first[i], &end);
        count[i] = (int)(end - first[i]);
        axis->most = count[i] > axis->most ? count[i] : axis->most;
    }
    double *weights = setup->alloc(setup, n * (size_t)axis->most * sizeof *weights);
    int32_t *fixed = setup->alloc(setup, n * (size_t)axis->most * sizeof *fixed);
    if (weights == NULL || fixed == NULL)
        return NF_ERR_MEMORY;
    axis->weights = weights;
    axis->fixed = fixed;
    for (int64_t i = 0; i < axis->out; i++)
        fill_weights(axis, i, weights + i * axis->most, fixed + i * axis->most);
    return NF_OK;
}
