/* axis.h - one dimension of a resize: of which input cells, weighted how, each output cell is the sum.
 * Weights are Pillow's: a filter around the output cell's centre in the input, widened by the scale on
 * the way down (antialiased), cut off at the array's edges and normalised to sum 1. */
#ifndef NF_AXIS_H
#define NF_AXIS_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef enum nf_method { NF_NEAREST, NF_BILINEAR, NF_CUBIC, NF_LANCZOS, NF_AREA } nf_method;

/* Fractional bits of integer weights, as Pillow has them for bytes: sums stay within 32 bits. */
enum { NF_FIXED_BITS = 22 };

typedef struct nf_axis {
    int64_t in, out; /* extents */
    nf_method method;
    bool antialias;
    int most;              /* the largest count */
    const int64_t *first;  /* for each output cell, the first input cell; never decreases */
    const int *count;      /* and how many */
    const double *weights; /* those of output cell i begin at i * most */
    const int32_t *fixed;  /* the same, times 2^NF_FIXED_BITS, rounded away from 0 at halves */
} nf_axis;

#define nf_axis_make   NF_ISA_NAME(nf_axis_make)
#define nf_axis_weight NF_ISA_NAME(nf_axis_weight)
#define nf_axis_window NF_ISA_NAME(nf_axis_window)

/* Fills the axis's tables for its extents and method. Where the extents agree, every cell is its own
 * input cell with the weight 1. NF_ERR_MEMORY is all that can go wrong. */
nf_status nf_axis_make(nf_setup *setup, nf_axis *axis);

/* The slow and obvious way, for references: the input cells [*lo, *hi) of output cell i, and the weight
 * of one of them. */
void nf_axis_window(const nf_axis *axis, int64_t i, int64_t *lo, int64_t *hi);
double nf_axis_weight(const nf_axis *axis, int64_t i, int64_t from);

#endif
