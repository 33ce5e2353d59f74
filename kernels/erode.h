/* erode.h - grey erosion and dilation (erode.c), shared by the kernels that are made of them. */
#ifndef NF_ERODE_H
#define NF_ERODE_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

#define nf_erode_u8        NF_ISA_NAME(nf_erode_u8)
#define nf_erode_u16       NF_ISA_NAME(nf_erode_u16)
#define nf_erode_f32       NF_ISA_NAME(nf_erode_f32)
#define nf_erode_f64       NF_ISA_NAME(nf_erode_f64)
#define nf_erode_prepare   NF_ISA_NAME(nf_erode_prepare)
#define nf_erode_reference NF_ISA_NAME(nf_erode_reference)
#define nf_erode_params    NF_ISA_NAME(nf_erode_params)

/* The window and the border: what each of these kernels takes, in this order. */
extern const nf_param nf_erode_params[];
/* The same in an alias's chain. */
#define NF_ERODE_GIVEN "size={size},shape={shape},mask={mask},border={border},value={value}"

/* Fills the set-up for the smallest (erodes), the largest (dilates), or, with both, the largest less
 * the smallest element of the window that the parameters give. */
nf_status nf_erode_prepare(nf_setup *setup, bool erodes, bool dilates);

nf_apply nf_erode_u8, nf_erode_u16, nf_erode_f32, nf_erode_f64;
double nf_erode_reference(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                          int channel);

#endif
