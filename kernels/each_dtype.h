/* each_dtype.h - compiles one body once for each element type.
 *
 * A kernel file has two halves:
 *
 *     #ifndef NF_T                          the descriptor, prepare, reference: once
 *     #define NF_BODY "kernels/name.c"
 *     #include "kernels/each_dtype.h"       reads this file four more times, for its other half
 *     ...
 *     #else                                 the arithmetic: once a type
 *     ...
 *     #endif
 *
 * With NF_FLOATS defined beside NF_BODY it is read for f32 and f64 alone. In the other half stand
 *   NF_T          the element type
 *   NF_ACC        the type to compute in: float for u8 and f32, double for u16 (whose values and weights
 *                 fill a float's digits, so that sums would be rounded wrongly) and f64
 *   NF_NAME(x)    x_u8, x_u16, x_f32, x_f64: every function there is called so
 *   NF_STORE(v)   v, an NF_ACC, as an element: integers are rounded to the nearest (halves up) and
 *                 saturate, NaN becomes 0; floats stay as they are
 *   NF_SQRT(v)    the square root in NF_ACC
 *   NF_ROW_IN(tile, z, y), NF_ROW_OUT(tile, z, y), NF_ROW_LENGTH(tile)
 *                 the first element of a row of the box (in: also of its halo; out: for kernels whose
 *                 output has the input's type), and how many elements it has
 * and in the first half NF_APPLY(x) is the descriptor's table of x_u8, x_u16, x_f32, x_f64. */
#include <math.h>

#include "kernels/kernel.h"

#ifndef NF_EACH_DTYPE_ONCE
#define NF_EACH_DTYPE_ONCE

#define NF_APPLY(x)                                                                                \
    {                                                                                              \
        [NF_U8] = x##_u8, [NF_U16] = x##_u16, [NF_F32] = x##_f32, [NF_F64] = x##_f64               \
    }

#define NF_ROW_IN(tile, z, y)                                                                      \
    ((const NF_T *)(tile)->in + (z) * (tile)->in_stride[0] + (y) * (tile)->in_stride[1])
#define NF_ROW_OUT(tile, z, y)                                                                     \
    ((NF_T *)(tile)->out + (z) * (tile)->out_stride[0] + (y) * (tile)->out_stride[1])
#define NF_ROW_LENGTH(tile) ((ptrdiff_t)((tile)->size[2] * (tile)->channels))

/* The largest values below 1/2. Added before a value is cut off, they round it to the nearest integer,
 * halves up: 1/2 itself would lift the largest value below 1/2 to 1. */
#define NF_HALF_F32 0x1.fffffep-2f
#define NF_HALF_F64 0x1.fffffffffffffp-2

/* v within [0, most]; 0 where v is NaN. */
static inline float nf_clamp_f32(float v, float most)
{
    v = v > 0 ? v : 0;
    return v < most ? v : most;
}

static inline double nf_clamp_f64(double v, double most)
{
    v = v > 0 ? v : 0;
    return v < most ? v : most;
}

static inline uint8_t nf_store_u8(float v)
{
    return (uint8_t)(int)(nf_clamp_f32(v, 255) + NF_HALF_F32);
}

static inline uint16_t nf_store_u16(double v)
{
    return (uint16_t)(int)(nf_clamp_f64(v, 65535) + NF_HALF_F64);
}

static inline float nf_store_f32(float v)
{
    return v;
}

static inline double nf_store_f64(double v)
{
    return v;
}
#endif

#ifndef NF_FLOATS
#define NF_T        uint8_t
#define NF_ACC      float
#define NF_NAME(x)  x##_u8
#define NF_STORE(v) nf_store_u8(v)
#define NF_SQRT(v)  sqrtf(v)
#include NF_BODY
#undef NF_T
#undef NF_ACC
#undef NF_NAME
#undef NF_STORE
#undef NF_SQRT

#define NF_T        uint16_t
#define NF_ACC      double
#define NF_NAME(x)  x##_u16
#define NF_STORE(v) nf_store_u16(v)
#define NF_SQRT(v)  sqrt(v)
#include NF_BODY
#undef NF_T
#undef NF_ACC
#undef NF_NAME
#undef NF_STORE
#undef NF_SQRT
#endif

#define NF_T        float
#define NF_ACC      float
#define NF_NAME(x)  x##_f32
#define NF_STORE(v) nf_store_f32(v)
#define NF_SQRT(v)  sqrtf(v)
#include NF_BODY
#undef NF_T
#undef NF_ACC
#undef NF_NAME
#undef NF_STORE
#undef NF_SQRT

#define NF_T        double
#define NF_ACC      double
#define NF_NAME(x)  x##_f64
#define NF_STORE(v) nf_store_f64(v)
#define NF_SQRT(v)  sqrt(v)
#include NF_BODY
#undef NF_T
#undef NF_ACC
#undef NF_NAME
#undef NF_STORE
#undef NF_SQRT
#undef NF_BODY
#undef NF_FLOATS
