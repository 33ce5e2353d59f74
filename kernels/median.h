/* median.h - the element of a given rank in a window (median.c), shared with percentile.c. */
#ifndef NF_MEDIAN_H
#define NF_MEDIAN_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

#define nf_median_u8         NF_ISA_NAME(nf_median_u8)
#define nf_median_u16        NF_ISA_NAME(nf_median_u16)
#define nf_median_f32        NF_ISA_NAME(nf_median_f32)
#define nf_median_f64        NF_ISA_NAME(nf_median_f64)
#define nf_median_large_u8   NF_ISA_NAME(nf_median_large_u8)
#define nf_median_large_u16  NF_ISA_NAME(nf_median_large_u16)
#define nf_median_large_f32  NF_ISA_NAME(nf_median_large_f32)
#define nf_median_large_f64  NF_ISA_NAME(nf_median_large_f64)
#define nf_median_large_rows NF_ISA_NAME(nf_median_large_rows)
#define nf_median_prepare    NF_ISA_NAME(nf_median_prepare)
#define nf_median_reference  NF_ISA_NAME(nf_median_reference)

/* The parameter that these kernels have first. */
#define NF_MEDIAN_SIZE_PARAM                                                                       \
    {                                                                                              \
        "size", NF_PARAM_INTEGER, "cells", "3", 1, 255, NULL, "the window's side, odd"             \
    }

/* Fills the set-up for the element of the given rank, percent as scipy.ndimage.percentile_filter reads
 * it: of n elements in order that at n * percent / 100, rounded down, counted from 0; the last at 100. */
nf_status nf_median_prepare(nf_setup *setup, double percent);

nf_apply nf_median_u8, nf_median_u16, nf_median_f32, nf_median_f64;
double nf_median_reference(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                           int channel);

/* Images, large windows (median_large.c): of each window of size x size cells the element of this rank,
 * counted from 0. It needs nf_median_large_rows(size) rows of scratch memory. */
typedef void nf_median_large(const nf_tile *tile, int size, int64_t rank);
nf_median_large nf_median_large_u8, nf_median_large_u16, nf_median_large_f32, nf_median_large_f64;
int nf_median_large_rows(int size);

#endif
