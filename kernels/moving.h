/* moving.h - kernels that put cells elsewhere and change none: crop, pad, flip, rotate90, transpose. */
#ifndef NF_MOVING_H
#define NF_MOVING_H

#include "kernels/isa.h"
#include "kernels/kernel.h"

/* The output cell at o is the input cell at i, with i[axis[d]] = first[d] + step[d] o[d] for each
 * dimension d. */
typedef struct nf_moving {
    int axis[NF_DIMS];      /* each once */
    int step[NF_DIMS];      /* 1 or -1 */
    int64_t first[NF_DIMS]; /* also beyond the array, for kernels with the border parameters */
    size_t element;         /* bytes */
} nf_moving;

#define nf_moving_make      NF_ISA_NAME(nf_moving_make)
#define nf_moving_turn      NF_ISA_NAME(nf_moving_turn)
#define nf_moving_source    NF_ISA_NAME(nf_moving_source)
#define nf_moving_apply     NF_ISA_NAME(nf_moving_apply)
#define nf_moving_reference NF_ISA_NAME(nf_moving_reference)

/* A config of the set-up that leaves every cell where it is; NULL: memory is exhausted. */
nf_moving *nf_moving_make(nf_setup *setup);
/* Turns the output round along dimension d. */
void nf_moving_turn(nf_moving *moving, const nf_setup *setup, int d);

void nf_moving_source(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                      int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS]);
nf_apply nf_moving_apply;
double nf_moving_reference(const nf_cells *in, const void *config, int64_t z, int64_t y, int64_t x,
                           int channel);

/* What the descriptors of these kernels have in common. */
#define NF_MOVING_KERNEL                                                                           \
    .kind = NF_RESAMPLE, .prepare = prepare, .source = nf_moving_source,                           \
    .apply = {[NF_U8] = nf_moving_apply,                                                           \
              [NF_U16] = nf_moving_apply,                                                          \
              [NF_F32] = nf_moving_apply,                                                          \
              [NF_F64] = nf_moving_apply},                                                         \
    .reference_cell = nf_moving_reference, .tolerance = 0

#endif
