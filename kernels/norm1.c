/* norm1.c - the sum of the magnitudes of all elements, correctly rounded: exact.h tells how. */
#ifndef NF_T

#include <math.h>

#include "kernels/exact_kernel.h"
#define NF_BODY "kernels/norm1.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    return nf_exact_prepare(setup, 2, 1);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    (void)config;
    out->real(out, "norm1", nf_exact_round(partial));
}

static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    (void)config;
    long double sum = 0;
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++)
                    sum += fabsl((long double)in->at(in, z, y, x, c));
    out->real(out, "norm1", (double)sum);
}

const nf_kernel NF_ISA_NAME(nf_kernel_norm1) = {
    .name = "norm1",
    .summary = "sum of the magnitudes of all elements, correctly rounded",
    .kind = NF_REDUCE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .prepare = prepare,
    .apply = NF_APPLY(apply),
    .fold = nf_exact_fold_partials,
    .any_order = true,
    .adds = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 1e-12,
};

#else

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    (void)config;
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(nf_exact_norm1)(partial, NF_ROW_IN(tile, z, y), (size_t)NF_ROW_LENGTH(tile));
}

#endif
