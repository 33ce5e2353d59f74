/* convolve.c - convolution of an image with a square mask of any odd size:
 *   out(y,x) = (sum over j, i of mask(j,i) in(y-j+r, x-i+r)) / scale + offset,   r = (size-1)/2,
 * a convolution proper, as scipy.ndimage.convolve (a correlation has the mask turned by half a
 * turn); scale and offset as Pillow's ImageFilter.Kernel. Each channel for itself. Integer masks on
 * u8 are exact before the division. */
#ifndef NF_T

#include <math.h>
#include <string.h>

#include "kernels/convolve.h"

/* A mask that is a column times a row is run as the two; as it is otherwise. Weights stand turned:
 * mask[j * size + i] goes with in(y+j-r, x+i-r). */
typedef struct convolve_weights {
    const double *f64;
    const float *f32;
    const int16_t *i16; /* narrow only */
} convolve_weights;

typedef struct convolve_config {
    int size;
    bool separable; /* mask(j,i) = down(j) along(i) */
    bool narrow;    /* integers, and no sum of 8-bit elements exceeds 16 bits */
    bool positive;  /* no weight is negative */
    int shift;      /* narrow: scale is 2^shift and offset 0; else -1 */
    double scale, offset;
    const double *given; /* the mask, size * size, as it came */
    convolve_weights mask, down, along;
} convolve_config;

enum { CHUNK = 512 }; /* elements that are summed at a time, in the first-level cache */

#define WEIGHTS(SUM, w)                                                                            \
    ((const SUM *)(sizeof(SUM) == 2   ? (const void *)(w).i16                                      \
                   : sizeof(SUM) == 4 ? (const void *)(w).f32                                      \
                                      : (const void *)(w).f64))

/* Defines `name`: sum[i] = the weighted sum of `rows` times `columns` elements of type FROM, `down` and
 * `step` apart, the first at in[i]; n at most CHUNK. */
#define DEFINE_SUM(name, name_of, FROM, SUM)                                                       \
    static inline __attribute__((always_inline)) void name_of(                                     \
        const FROM *restrict in, ptrdiff_t down, ptrdiff_t step, ptrdiff_t n,                      \
        const SUM *restrict weights, SUM *restrict sums, const int rows, const int columns)        \
    {                                                                                              \
        for (ptrdiff_t i = 0; i < n; i++) {                                                        \
            SUM sum = 0;                                                                           \
            _Pragma("GCC unroll 8") for (int r = 0; r < rows; r++) _Pragma(                        \
                "GCC unroll 8") for (int c = 0; c < columns; c++) sum =                            \
                (SUM)(sum + (SUM)(weights[r * columns + c] * (SUM)in[r * down + c * step + i]));   \
            sums[i] = sum;                                                                         \
        }                                                                                          \
    }                                                                                              \
    static void name(const FROM *restrict in, ptrdiff_t down, ptrdiff_t step, ptrdiff_t n,         \
                     const SUM *restrict weights, SUM *restrict sums, int rows, int columns)       \
    {                                                                                              \
        if (columns == 3 && rows == 3)                                                             \
            name_of(in, down, step, n, weights, sums, 3, 3);                                       \
        else if (columns == 5 && rows == 5)                                                        \
            name_of(in, down, step, n, weights, sums, 5, 5);                                       \
        else if (columns == 5 && rows == 1)                                                        \
            name_of(in, down, step, n, weights, sums, 1, 5);                                       \
        else if (columns == 7 && rows == 1)                                                        \
            name_of(in, down, step, n, weights, sums, 1, 7);                                       \
        else {                                                                                     \
            memset(sums, 0, (size_t)n * sizeof *sums);                                             \
            for (int r = 0; r < rows; r++)                                                         \
                for (int c = 0; c < columns; c++) {                                                \
                    SUM weight = weights[r * columns + c];                                         \
                    const FROM *from = in + r * down + c * step;                                   \
                    for (ptrdiff_t i = 0; i < n; i++)                                              \
                        sums[i] = (SUM)(sums[i] + (SUM)(weight * (SUM)from[i]));                   \
                }                                                                                  \
        }                                                                                          \
    }

/* Defines a row of the output: by the mask, or down the columns and then along the row. */
#define DEFINE_ROW(name, sum_cells, sum_sums, FROM, SUM, finish)                                   \
    static void name(const FROM *in, ptrdiff_t down, ptrdiff_t step, ptrdiff_t n,                  \
                     const convolve_config *conf, SUM *columns, FROM *out)                         \
    {                                                                                              \
        SUM sums[CHUNK];                                                                           \
        int size = conf->size;                                                                     \
        ptrdiff_t width = n + (size - 1) * step, some;                                             \
        for (ptrdiff_t i = 0; conf->separable && i < width; i += some) {                           \
            some = width - i < CHUNK ? width - i : CHUNK;                                          \
            sum_cells(in + i, 0, down, some, WEIGHTS(SUM, conf->down), columns + i, 1, size);      \
        }                                                                                          \
        for (ptrdiff_t i = 0; i < n; i += some) {                                                  \
            some = n - i < CHUNK ? n - i : CHUNK;                                                  \
            if (conf->separable)                                                                   \
                sum_sums(columns + i, 0, step, some, WEIGHTS(SUM, conf->along), sums, 1, size);    \
            else                                                                                   \
                sum_cells(in + i, down, step, some, WEIGHTS(SUM, conf->mask), sums, size, size);   \
            finish(sums, some, conf, out + i);                                                     \
        }                                                                                          \
    }

static void narrow_row(const uint8_t *in, ptrdiff_t down, ptrdiff_t step, ptrdiff_t n,
                       const convolve_config *conf, int16_t *columns, uint8_t *out);

#define NF_BODY "kernels/convolve.c"
#include "kernels/each_dtype.h"

/* The weights in each type; NULL where memory is exhausted. */
static nf_status set_weights(nf_setup *setup, const double *weights, size_t n, convolve_weights *w)
{
    double *f64 = setup->alloc(setup, n * sizeof *f64);
    float *f32 = setup->alloc(setup, n * sizeof *f32);
    int16_t *i16 = setup->alloc(setup, n * sizeof *i16);
    if (f64 == NULL || f32 == NULL || i16 == NULL)
        return NF_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        f64[i] = weights[i];
        f32[i] = (float)weights[i];
        i16[i] = fabs(weights[i]) <= 256 ? (int16_t)weights[i] : 0;
    }
    *w = (convolve_weights){f64, f32, i16};
    return NF_OK;
}

/* Narrow sums to elements, by a shift. Those of weights that are not negative have no sign, and are
 * shifted by a multiplication, which compilers keep in 16 bits. No sum rounds up beyond its type:
 * 128 * 255 + 64 < 2^15. */
static void shift_signed(const int16_t *restrict sums, ptrdiff_t n, int shift,
                         uint8_t *restrict out)
{
    int16_t half = (int16_t)((1 << shift) / 2);
    for (ptrdiff_t i = 0; i < n; i++) {
        int16_t v = (int16_t)((sums[i] + half) >> shift);
        v = v > 0 ? v : 0;
        out[i] = (uint8_t)(v < 255 ? v : 255);
    }
}

static void shift_unsigned(const int16_t *restrict sums, ptrdiff_t n, int shift,
                           uint8_t *restrict out)
{
    uint16_t half = (uint16_t)((1 << shift) / 2);
    uint32_t factor = 65536u >> shift;
    for (ptrdiff_t i = 0; i < n; i++) {
        uint16_t v = (uint16_t)((uint16_t)sums[i] + half);
        v = (uint16_t)(v * factor >> 16);
        out[i] = (uint8_t)(v < 255 ? v : 255);
    }
}

static void finish_narrow(const int16_t *restrict sums, ptrdiff_t n, const convolve_config *conf,
                          uint8_t *restrict out)
{
    float scale = (float)conf->scale, offset = (float)conf->offset;
    if (conf->shift >= 0 && conf->positive)
        shift_unsigned(sums, n, conf->shift, out);
    else if (conf->shift >= 0)
        shift_signed(sums, n, conf->shift, out);
    else if (conf->positive)
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] = nf_store_u8((float)(uint16_t)sums[i] / scale + offset);
    else
        for (ptrdiff_t i = 0; i < n; i++)
            out[i] = nf_store_u8((float)sums[i] / scale + offset);
}

DEFINE_SUM(narrow_cells, narrow_cells_of, uint8_t, int16_t)
DEFINE_SUM(narrow_sums, narrow_sums_of, int16_t, int16_t)
DEFINE_ROW(narrow_row, narrow_cells, narrow_sums, uint8_t, int16_t, finish_narrow)

static bool are_positive(const double *mask, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mask[i] < 0)
            return false;
    return true;
}

/* Whether all weights are integers that keep every sum of elements up to 255 within 16 bits. */
static bool are_narrow(const double *mask, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (mask[i] != floor(mask[i]))
            return false;
        sum += fabs(mask[i]);
    }
    return sum <= (are_positive(mask, n) ? 256 : 128);
}

static double common_divisor(double a, double b)
{
    while (b > 0) {
        double rest = fmod(a, b);
        a = b;
        b = rest;
    }
    return a;
}

/* down and along such that their products are the mask, exactly for integers and within the last places
 * otherwise; integers where the mask's are. Returns whether there are. */
static bool separate(const double *mask, int size, bool integers, double *down, double *along)
{
    int n = size * size, peak = 0;
    double divisor = integers ? 0 : 1;
    for (int i = 1; i < n; i++)
        peak = fabs(mask[i]) > fabs(mask[peak]) ? i : peak;
    if (mask[peak] == 0)
        return false;
    const double *row = mask + peak / size * size;
    for (int i = 0; i < size && integers; i++)
        divisor = common_divisor(fabs(row[i]), divisor);
    for (int i = 0; i < size; i++)
        along[i] = row[i] / divisor;
    for (int j = 0; j < size; j++)
        down[j] = mask[j * size + peak % size] / along[peak % size];
    for (int i = 0; i < n; i++)
        if (!(fabs(mask[i] - down[i / size] * along[i % size]) <= 1e-15 * fabs(mask[peak])))
            return false;
    return true;
}

/* shift of a division by a power of two up to 2^8, rounded in 16 bits; -1: no such division. */
static int shift_of(double scale, double offset)
{
    for (int shift = 0; shift <= 8; shift++)
        if (offset == 0 && scale == 1 << shift)
            return shift;
    return -1;
}

nf_status nf_convolve_prepare(nf_setup *setup, const double *mask, int size, double scale,
                              double offset)
{
    size_t n = (size_t)size * (size_t)size, row = (size_t)size;
    convolve_config *config = setup->alloc(setup, sizeof *config);
    double *given = setup->alloc(setup, n * sizeof *given);
    double *turned = setup->alloc(setup, (n + 2 * row) * sizeof *turned);
    if (config == NULL || given == NULL || turned == NULL)
        return NF_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        given[i] = mask[i];
        turned[i] = mask[n - 1 - i];
    }
    bool narrow = are_narrow(mask, n);
    *config = (convolve_config){.size = size, .scale = scale, .offset = offset, .given = given};
    config->narrow = narrow;
    config->positive = are_positive(mask, n);
    config->shift = shift_of(scale, offset);
    config->separable =
        size >= (narrow ? 5 : 7) && separate(turned, size, narrow, turned + n, turned + n + row);
    nf_status status = set_weights(setup, turned, n, &config->mask);
    if (status == NF_OK)
        status = set_weights(setup, turned + n, row, &config->down);
    if (status == NF_OK)
        status = set_weights(setup, turned + n + row, row, &config->along);
    setup->config = config;
    setup->halo = (nf_halo){{0, size / 2, size / 2}, {0, size / 2, size / 2}};
    setup->scratch_rows = config->separable ? 1 : 0;
    setup->flops_per_cell = 1 + (config->separable ? 4.0 * size : 2.0 * (double)n);
    return status;
}

double nf_convolve_reference(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    const convolve_config *conf = config;
    int r = conf->size / 2;
    double sum = 0;
    for (int j = -r; j <= r; j++)
        for (int i = -r; i <= r; i++)
            sum += conf->given[(j + r) * conf->size + i + r] * in->at(in, z, y - j, x - i, c);
    return sum / conf->scale + conf->offset;
}

static nf_status prepare(nf_setup *setup)
{
    const nf_value *mask = &setup->values[0];
    double scale = setup->values[1].real;
    int size = (int)lrint(sqrt((double)mask->count));
    if ((size_t)size * (size_t)size != mask->count || size % 2 == 0) {
        setup->param = "mask";
        setup->problem =
            "the mask must be square with an odd side: 1, 9, 25, 49, ... values, row by "
            "row";
        return NF_ERR_PARAM;
    }
    if (fabs(scale) < 1e-30) {
        setup->param = "scale";
        setup->problem = "the sum cannot be divided by 0, nor by less than 1e-30";
        return NF_ERR_PARAM;
    }
    return nf_convolve_prepare(setup, mask->list, size, scale, setup->values[2].real);
}

static const nf_param params[] = {
    {"mask", NF_PARAM_LIST, "1", NULL, -1e30, 1e30, NULL,
     "size x size values, row by row; size odd"},
    {"scale", NF_PARAM_REAL, "1", "1", -1e30, 1e30, NULL, "what the sum is divided by"},
    {"offset", NF_PARAM_REAL, "value", "0", -1e30, 1e30, NULL, "what is added at the end"},
    NF_BORDER_PARAMS,
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_convolve) = {
    .name = "convolve",
    .summary = "convolution with any odd square mask",
    .kind = NF_MAP,
    .ndims = NF_2D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(nf_convolve),
    .reference_cell = nf_convolve_reference,
    .tolerance = 64,
};

#else

static void NF_NAME(finish)(const NF_ACC *restrict sums, ptrdiff_t n, const convolve_config *conf,
                            NF_T *restrict out)
{
    NF_ACC scale = (NF_ACC)conf->scale, offset = (NF_ACC)conf->offset;
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = NF_STORE(sums[i] / scale + offset);
}

DEFINE_SUM(NF_NAME(cells), NF_NAME(cells_of), NF_T, NF_ACC)
DEFINE_SUM(NF_NAME(sums), NF_NAME(sums_of), NF_ACC, NF_ACC)
DEFINE_ROW(NF_NAME(row), NF_NAME(cells), NF_NAME(sums), NF_T, NF_ACC, NF_NAME(finish))

/* One output row by a mask of a size known to the compiler, in one loop: dividing then costs nothing
 * beside the sums. */
static inline __attribute__((always_inline)) void
NF_NAME(fixed_row)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t step, ptrdiff_t n,
                   const convolve_config *config, NF_T *restrict out, const int size)
{
    const NF_ACC *mask = WEIGHTS(NF_ACC, config->mask);
    NF_ACC scale = (NF_ACC)config->scale, offset = (NF_ACC)config->offset;
    for (ptrdiff_t i = 0; i < n; i++) {
        NF_ACC sum = 0;
#pragma GCC unroll 8
        for (int r = 0; r < size; r++)
#pragma GCC unroll 8
            for (int c = 0; c < size; c++)
                sum += mask[r * size + c] * (NF_ACC)in[r * down + i + c * step];
        out[i] = NF_STORE(sum / scale + offset);
    }
}

void NF_NAME(nf_convolve)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    const convolve_config *conf = config;
    ptrdiff_t down = tile->in_stride[1], step = tile->channels, r = conf->size / 2;
    ptrdiff_t n = NF_ROW_LENGTH(tile);
    for (int64_t y = 0; y < tile->size[1]; y++) {
        const NF_T *in = NF_ROW_IN(tile, 0, y - r) - r * step;
        NF_T *out = NF_ROW_OUT(tile, 0, y);
        if (conf->narrow && sizeof(NF_T) == 1)
            narrow_row((const void *)in, down, step, n, conf, (void *)tile->scratch, (void *)out);
        else if (conf->size == 3)
            NF_NAME(fixed_row)(in, down, step, n, conf, out, 3);
        else if (conf->size == 5)
            NF_NAME(fixed_row)(in, down, step, n, conf, out, 5);
        else
            NF_NAME(row)(in, down, step, n, conf, (void *)tile->scratch, out);
    }
}

#endif
