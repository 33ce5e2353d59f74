/* subtract.c - the difference of what a chain began with and what its stages have made of it, cell by
 * cell: what tophat and blackhat end with. Integers saturate at 0; floats are subtracted in their own
 * type. */
#ifndef NF_T

#include "kernels/isa.h"
#include "kernels/point.h"

#define NF_BODY "kernels/subtract.c"
#include "kernels/each_dtype.h"

enum { BEGUN, MADE };

static nf_status prepare(nf_setup *setup)
{
    bool *from_made = setup->alloc(setup, sizeof *from_made);
    if (from_made == NULL)
        return NF_ERR_MEMORY;
    *from_made = setup->values[0].integer == MADE;
    setup->config = from_made;
    setup->flops_per_cell = 1;
    setup->bytes_per_cell = 3.0 * (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int c)
{
    double difference = in->with->at(in->with, z, y, x, c) - in->at(in, z, y, x, c);
    return *(const bool *)config ? -difference : difference;
}

static const char *const sides[] = {"begun", "made", NULL};

static const nf_param params[] = {
    {"from", NF_PARAM_CHOICE, "", NULL, 0, 0, sides,
     "begun: what the chain began with, less what its stages made; made: the reverse"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_subtract) = {
    .name = "subtract",
    .summary = "what a chain began with less what it made (a part of other kernels)",
    .kind = NF_MAP,
    .ndims = NF_1D | NF_2D | NF_3D,
    .two_inputs = true,
    .params = params,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 0,
};

#else

static void NF_NAME(subtract_row)(const NF_T *restrict a, const NF_T *restrict b, ptrdiff_t n,
                                  NF_T *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = (NF_T)(NF_IS_INTEGER && a[i] < b[i] ? 0 : a[i] - b[i]);
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)partial;
    ptrdiff_t n = NF_ROW_LENGTH(tile);
    for (int64_t z = 0; z < tile->size[0]; z++) {
        for (int64_t y = 0; y < tile->size[1]; y++) {
            const NF_T *made = NF_ROW_IN(tile, z, y), *begun = tile->with;
            begun += z * tile->with_stride[0] + y * tile->with_stride[1];
            if (*(const bool *)config)
                NF_NAME(subtract_row)(made, begun, n, NF_ROW_OUT(tile, z, y));
            else
                NF_NAME(subtract_row)(begun, made, n, NF_ROW_OUT(tile, z, y));
        }
    }
}

#endif
