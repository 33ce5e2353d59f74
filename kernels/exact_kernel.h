/* exact_kernel.h - what the kernels of one exact sum share: its accumulator is their partial result. */
#ifndef NF_EXACT_KERNEL_H
#define NF_EXACT_KERNEL_H

#include "kernels/exact.h"
#include "kernels/isa.h"
#include "kernels/kernel.h"

/* So many operations an element, of so many arrays. */
static inline nf_status nf_exact_prepare(nf_setup *setup, double flops, int arrays)
{
    setup->partial_bytes = sizeof(nf_exact);
    setup->flops_per_cell = flops;
    setup->bytes_per_cell = arrays * (double)nf_dtype_size(setup->in.dtype);
    return NF_OK;
}

static inline void nf_exact_fold_partials(void *into, const void *next, const void *config)
{
    (void)config;
    nf_exact_fold(into, next);
}

/* For references: the plain sum of all elements; of their products with those of `with`, unless NULL. */
static inline long double nf_plain_sum(const nf_cells *in, const nf_cells *with)
{
    long double sum = 0;
    for (int64_t z = 0; z < in->shape.dim[0]; z++)
        for (int64_t y = 0; y < in->shape.dim[1]; y++)
            for (int64_t x = 0; x < in->shape.dim[2]; x++)
                for (int c = 0; c < in->shape.channels; c++)
                    sum += (long double)in->at(in, z, y, x, c) *
                           (with != NULL ? with->at(with, z, y, x, c) : 1);
    return sum;
}

#endif
