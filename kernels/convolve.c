/* convolve.c - convolution of an image with a square mask of any odd size:
 *   out(y,x) = (sum over j, i of mask(j,i) in(y-j+r, x-i+r)) / scale + offset,   r = (size-1)/2,
 * a convolution proper, as scipy.ndimage.convolve (a correlation has the mask turned by half a
 * turn); scale and offset as Pillow's ImageFilter.Kernel. Each channel for itself. Integer masks on
 * u8 are exact before the division. */
#ifndef NF_T

#include <math.h>

#include "kernels/convolve.h"

typedef struct convolve_config {
    int size;
    double scale, offset;
    const double *given;   /* the mask, size * size, as it came */
    const double *mask;    /* turned: mask[j * size + i] goes with in(y+j-r, x+i-r) */
    const float *mask_f32; /* the same */
} convolve_config;

enum { CHUNK = 256 }; /* elements that the general mask sums at a time, in the first-level cache */

#define NF_BODY "kernels/convolve.c"
#include "kernels/each_dtype.h"

nf_status nf_convolve_prepare(nf_setup *setup, const double *mask, int size, double scale,
                              double offset)
{
    size_t n = (size_t)size * (size_t)size;
    convolve_config *config = setup->alloc(setup, sizeof *config);
    double *given = setup->alloc(setup, n * sizeof *given);
    double *turned = setup->alloc(setup, n * sizeof *turned);
    float *turned_f32 = setup->alloc(setup, n * sizeof *turned_f32);
    if (config == NULL || given == NULL || turned == NULL || turned_f32 == NULL)
        return NF_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        given[i] = mask[i];
        turned[i] = mask[n - 1 - i];
        turned_f32[i] = (float)turned[i];
    }
    *config = (convolve_config){size, scale, offset, given, turned, turned_f32};
    setup->config = config;
    setup->halo = (nf_halo){{0, size / 2, size / 2}, {0, size / 2, size / 2}};
    setup->flops_per_cell = 2.0 * (double)n + 1;
    return NF_OK;
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

#define MASK_OF(config)                                                                            \
    (sizeof(NF_ACC) == sizeof(float) ? (const void *)(config)->mask_f32                            \
                                     : (const void *)(config)->mask)

/* One output row by a mask of a size known to the compiler; `in` is the mask's first row and
 * column. */
static inline __attribute__((always_inline)) void
NF_NAME(fixed_row)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t step, ptrdiff_t n,
                   const convolve_config *config, NF_T *restrict out, const int size)
{
    const NF_ACC *mask = MASK_OF(config);
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

/* One output row by a mask of any size, summed tap by tap over chunks. */
static void NF_NAME(any_row)(const NF_T *restrict in, ptrdiff_t down, ptrdiff_t step, ptrdiff_t n,
                             const convolve_config *config, NF_T *restrict out)
{
    const NF_ACC *mask = MASK_OF(config);
    NF_ACC scale = (NF_ACC)config->scale, offset = (NF_ACC)config->offset;
    for (ptrdiff_t first = 0; first < n; first += CHUNK) {
        NF_ACC sum[CHUNK] = {0};
        ptrdiff_t count = n - first < CHUNK ? n - first : CHUNK;
        for (int r = 0; r < config->size; r++) {
            for (int c = 0; c < config->size; c++) {
                NF_ACC weight = mask[r * config->size + c];
                const NF_T *from = in + r * down + first + c * step;
                for (ptrdiff_t i = 0; i < count; i++)
                    sum[i] += weight * (NF_ACC)from[i];
            }
        }
        for (ptrdiff_t i = 0; i < count; i++)
            out[first + i] = NF_STORE(sum[i] / scale + offset);
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
        if (conf->size == 3)
            NF_NAME(fixed_row)(in, down, step, n, conf, out, 3);
        else if (conf->size == 5)
            NF_NAME(fixed_row)(in, down, step, n, conf, out, 5);
        else
            NF_NAME(any_row)(in, down, step, n, conf, out);
    }
}

#undef MASK_OF
#endif
