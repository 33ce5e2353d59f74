/* cast.c - another element type for the same values: to an integer type they are rounded to the
 * nearest (halves up) and saturate, NaN becomes 0; to f32 they are rounded as IEEE 754 says. */
#ifndef NF_T

#include "kernels/isa.h"
#define NF_BODY "kernels/cast.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    setup->out.dtype = (nf_dtype)(NF_U8 + setup->values[0].integer);
    nf_dtype *to = setup->alloc(setup, sizeof *to);
    if (to == NULL)
        return NF_ERR_MEMORY;
    *to = setup->out.dtype;
    setup->config = to;
    setup->bytes_per_cell =
        (double)(nf_dtype_size(setup->in.dtype) + nf_dtype_size(setup->out.dtype));
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    (void)config;
    return in->at(in, z, y, x, c);
}

static const char *const types[] = {"u8", "u16", "f32", "f64", NULL};

static const nf_param params[] = {
    {"to", NF_PARAM_CHOICE, "", NULL, 0, 0, types, "element type of the output"}, {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_cast) = {
    .name = "cast",
    .summary = "another element type; integers round and saturate",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 0,
};

#else

static void NF_NAME(cast_row)(const NF_T *restrict in, ptrdiff_t n, nf_dtype to, void *restrict out)
{
    switch (to) {
    case NF_U8:
        for (ptrdiff_t i = 0; i < n; i++)
            ((uint8_t *)out)[i] = (uint8_t)(int)(nf_clamp_f64((double)in[i], 255) + NF_HALF_F64);
        break;
    case NF_U16:
        for (ptrdiff_t i = 0; i < n; i++)
            ((uint16_t *)out)[i] =
                (uint16_t)(int)(nf_clamp_f64((double)in[i], 65535) + NF_HALF_F64);
        break;
    case NF_F32:
        for (ptrdiff_t i = 0; i < n; i++)
            ((float *)out)[i] = (float)in[i];
        break;
    case NF_F64:
        for (ptrdiff_t i = 0; i < n; i++)
            ((double *)out)[i] = (double)in[i];
        break;
    default:
        break;
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    nf_dtype to = *(const nf_dtype *)config;
    ptrdiff_t size = (ptrdiff_t)nf_dtype_size(to);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            ptrdiff_t row = z * tile->out_stride[0] + y * tile->out_stride[1];
            NF_NAME(cast_row)
            (NF_ROW_IN(tile, z, y), NF_ROW_LENGTH(tile), to, (char *)tile->out + row * size);
        }
    }
}

#endif
