/* affine.h - images through an affine map, of which affine.c and rotate.c are made. */
#ifndef NF_AFFINE_H
#define NF_AFFINE_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef enum nf_interpolation { NF_WARP_NEAREST, NF_WARP_BILINEAR, NF_WARP_CUBIC } nf_interpolation;

/* The output cell (x, y) is the input at (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), where cells
 * have their centres at whole numbers. */
typedef struct nf_affine {
    double m[6];
    nf_interpolation method;
} nf_affine;

extern const char *const NF_ISA_NAME(nf_affine_methods)[];
#define nf_affine_methods   NF_ISA_NAME(nf_affine_methods)
#define nf_affine_prepare   NF_ISA_NAME(nf_affine_prepare)
#define nf_affine_source    NF_ISA_NAME(nf_affine_source)
#define nf_affine_cell      NF_ISA_NAME(nf_affine_cell)
#define nf_affine_apply_u8  NF_ISA_NAME(nf_affine_apply_u8)
#define nf_affine_apply_u16 NF_ISA_NAME(nf_affine_apply_u16)
#define nf_affine_apply_f32 NF_ISA_NAME(nf_affine_apply_f32)
#define nf_affine_apply_f64 NF_ISA_NAME(nf_affine_apply_f64)

/* The parameters that both kernels end with. What lies beyond the edges is constant by default, as in
 * scipy.ndimage. */
#define NF_AFFINE_PARAMS                                                                           \
    {"method", NF_PARAM_CHOICE, "", "bilinear", 0, 0, nf_affine_methods, "the interpolation"},     \
        {"border",                                                                                 \
         NF_PARAM_CHOICE,                                                                          \
         "",                                                                                       \
         "constant",                                                                               \
         0,                                                                                        \
         0,                                                                                        \
         nf_border_names,                                                                          \
         "how the array goes on beyond its edges"},                                                \
    {                                                                                              \
        "value", NF_PARAM_REAL, "", "0", -1e300, 1e300, NULL, "the value beyond a constant border" \
    }

/* Takes over the map as the set-up's configuration, for the output's extents in setup->out. Fails with
 * NF_ERR_PARAM where it leads further than 2^30 cells away, or NF_ERR_MEMORY. */
nf_status nf_affine_prepare(nf_setup *setup, const nf_affine *affine);

/* Descriptor members. */
void nf_affine_source(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                      int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS]);
double nf_affine_cell(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                      int channel);
nf_apply nf_affine_apply_u8, nf_affine_apply_u16, nf_affine_apply_f32, nf_affine_apply_f64;

#endif
