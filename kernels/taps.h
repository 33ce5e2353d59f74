/* taps.h - sums weighted symmetrically along one axis, of which gaussian.c, unsharp.c, dog.c and log.c
 * are made:
 *   out[i] = weights[0] in[i] + sum over j of weights[j] (in[i - j step] + in[i + j step]),  j from 1 to
 * radius, in this order, whatever the rows' lengths and positions. Nothing is rounded to the element
 * type but in nf_taps_store. */
#ifndef NF_TAPS_H
#define NF_TAPS_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct nf_taps {
    int radius;
    const double *weights;    /* weights[i] for the distance i, 0 to radius */
    const float *weights_f32; /* the same */
} nf_taps;

#define nf_taps_gaussian    NF_ISA_NAME(nf_taps_gaussian)
#define nf_gaussian_cell    NF_ISA_NAME(nf_gaussian_cell)
#define nf_taps_columns_u8  NF_ISA_NAME(nf_taps_columns_u8)
#define nf_taps_columns_u16 NF_ISA_NAME(nf_taps_columns_u16)
#define nf_taps_columns_f32 NF_ISA_NAME(nf_taps_columns_f32)
#define nf_taps_columns_f64 NF_ISA_NAME(nf_taps_columns_f64)
#define nf_taps_row_u8      NF_ISA_NAME(nf_taps_row_u8)
#define nf_taps_row_u16     NF_ISA_NAME(nf_taps_row_u16)
#define nf_taps_row_f32     NF_ISA_NAME(nf_taps_row_f32)
#define nf_taps_row_f64     NF_ISA_NAME(nf_taps_row_f64)
#define nf_taps_store_u8    NF_ISA_NAME(nf_taps_store_u8)
#define nf_taps_store_u16   NF_ISA_NAME(nf_taps_store_u16)
#define nf_taps_store_f32   NF_ISA_NAME(nf_taps_store_f32)
#define nf_taps_store_f64   NF_ISA_NAME(nf_taps_store_f64)
#define nf_taps_image_u8    NF_ISA_NAME(nf_taps_image_u8)
#define nf_taps_image_u16   NF_ISA_NAME(nf_taps_image_u16)
#define nf_taps_image_f32   NF_ISA_NAME(nf_taps_image_f32)
#define nf_taps_image_f64   NF_ISA_NAME(nf_taps_image_f64)

/* Weights of a Gaussian as scipy.ndimage has them: exp(-i^2 / (2 sigma^2)), normalised to sum 1, cut at
 * radius floor(truncate sigma + 1/2); `second`: those of its second derivative, these times
 * i^2 / sigma^4 - 1 / sigma^2. NF_ERR_MEMORY is all that can go wrong. */
nf_status nf_taps_gaussian(nf_setup *setup, double sigma, double truncate, bool second,
                           nf_taps *taps);

/* The sum over the square (in a volume: cube) around a cell, weighted by a Gaussian of the distance,
 * over the sum of the weights; `laplacian`: by the Laplacian of the Gaussian, over the same sum. The
 * slow and obvious way, for references. */
double nf_gaussian_cell(const nf_cells *in, double sigma, int radius, bool laplacian, int64_t z,
                        int64_t y, int64_t x, int channel);

/* T: the element type, ACC: what it is computed in (each_dtype.h).
 * columns: n sums across rows that are `down` elements apart; `in`: the row in the middle.
 * row: n sums of ACC, `step` elements apart; store: the same, stored as elements.
 * image: a row of the box of an image, summed down the columns, then along the row; spare: room for
 * the row with along->radius cells more on both sides. */
#define NF_TAPS_DECLARE(type, T, ACC)                                                              \
    void nf_taps_columns_##type(const T *in, ptrdiff_t down, ptrdiff_t n, const nf_taps *taps,     \
                                ACC *out);                                                         \
    void nf_taps_row_##type(const ACC *in, ptrdiff_t step, ptrdiff_t n, const nf_taps *taps,       \
                            ACC *out);                                                             \
    void nf_taps_store_##type(const ACC *in, ptrdiff_t step, ptrdiff_t n, const nf_taps *taps,     \
                              T *out);                                                             \
    void nf_taps_image_##type(const nf_tile *tile, int64_t y, const nf_taps *down,                 \
                              const nf_taps *along, ACC *spare, ACC *out);
NF_TAPS_DECLARE(u8, uint8_t, float)
NF_TAPS_DECLARE(u16, uint16_t, double)
NF_TAPS_DECLARE(f32, float, float)
NF_TAPS_DECLARE(f64, double, double)
#undef NF_TAPS_DECLARE

#endif
