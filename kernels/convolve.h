/* convolve.h - the square mask that convolve.c applies, shared by the kernels that bring their own.
 */
#ifndef NF_CONVOLVE_H
#define NF_CONVOLVE_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

#define nf_convolve_u8        NF_ISA_NAME(nf_convolve_u8)
#define nf_convolve_u16       NF_ISA_NAME(nf_convolve_u16)
#define nf_convolve_f32       NF_ISA_NAME(nf_convolve_f32)
#define nf_convolve_f64       NF_ISA_NAME(nf_convolve_f64)
#define nf_convolve_prepare   NF_ISA_NAME(nf_convolve_prepare)
#define nf_convolve_reference NF_ISA_NAME(nf_convolve_reference)

/* Makes the set-up's config, halo and cost for: sum over the mask (size x size, row-major, turned
 * by half a turn as a convolution asks) divided by scale, plus offset. size is odd. */
nf_status nf_convolve_prepare(nf_setup *setup, const double *mask, int size, double scale,
                              double offset);

nf_apply nf_convolve_u8, nf_convolve_u16, nf_convolve_f32, nf_convolve_f64;
double nf_convolve_reference(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int channel);

#endif
