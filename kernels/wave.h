/* wave.h - what the kernels of the wave equation share (wave_step.c). */
#ifndef NF_WAVE_H
#define NF_WAVE_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

#define nf_wave_edges  NF_ISA_NAME(nf_wave_edges)
#define nf_wave_square NF_ISA_NAME(nf_wave_square)

extern const char *const nf_wave_edges[];
enum { NF_WAVE_BORDER, NF_WAVE_ABSORB };

/* clang-format off */
#define NF_WAVE_COURANT                                                                            \
    {"courant", NF_PARAM_REAL, "1", "0.5", 0, 0.7071067811865475, NULL,                            \
     "c dt / h; above 1/sqrt(2), in volumes 1/sqrt(3), it is unstable"}
#define NF_WAVE_EDGES                                                                              \
    {"edges", NF_PARAM_CHOICE, "", "border", 0, 0, nf_wave_edges,                                  \
     "border: as that says (reflect: free, constant: held); absorb: waves leave"}
/* clang-format on */

/* The square of the Courant number, parameter number `index`. Errors: NF_ERR_PARAM where it is too
 * large for the number of dimensions. */
nf_status nf_wave_square(nf_setup *setup, int index, double *square);

#endif
