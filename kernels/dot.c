/* dot.c - the dot product of two arrays of the same shape and type, correctly rounded: exact.h tells
 * how. */
#ifndef NF_T

#include "kernels/exact_kernel.h"
#define NF_BODY "kernels/dot.c"
#include "kernels/each_dtype.h"

static nf_status prepare(nf_setup *setup)
{
    return nf_exact_prepare(setup, 2, 2);
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    (void)config;
    out->real(out, "dot", nf_exact_round(partial));
}

static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    (void)config;
    out->real(out, "dot", (double)nf_plain_sum(in, in->with));
}

const nf_kernel NF_ISA_NAME(nf_kernel_dot) = {
    .name = "dot",
    .summary = "dot product of two arrays, correctly rounded",
    .kind = NF_REDUCE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .two_inputs = true,
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
    const NF_T *with = tile->with;
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++)
            NF_NAME(nf_exact_dot)
    (partial, NF_ROW_IN(tile, z, y), with + z * tile->with_stride[0] + y * tile->with_stride[1],
     (size_t)NF_ROW_LENGTH(tile));
}

#endif
