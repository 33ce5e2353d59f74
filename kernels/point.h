/* point.h - maps whose output cell depends on nothing but its input cell.
 *
 * A file that includes this after each_dtype.h's NF_BODY, in its half of the arithmetic, defines
 *     static void NF_NAME(map_row)(const NF_T *restrict in, NF_T *restrict out, ptrdiff_t cells,
 *                                  int channels, const void *config)
 * for `cells` cells of `channels` input elements each; NF_POINT_APPLY after it is its apply.
 *   NF_FULL          what stands for white: 255, 65535, or 1 for floats
 *   NF_IS_INTEGER    whether NF_T is u8 or u16
 *   NF_NAME(last_below)(v)  the greatest element that is not above a double v: x > v is x > last_below(v),
 *                    but for integers where v < 0
 *   NF_NAME(round_to)(v)  a double as an element, as NF_STORE does: integers are rounded to the
 *                    nearest (halves up) and saturate, NaN becomes 0; floats are rounded once */
#ifndef NF_POINT_ONCE
#define NF_POINT_ONCE
#include "kernels/kernel.h"

#define NF_IS_INTEGER (sizeof(NF_T) <= 2)
#define NF_FULL       ((NF_T)(sizeof(NF_T) == 1 ? 255 : sizeof(NF_T) == 2 ? 65535 : 1))
#define NF_POINT_APPLY                                                                             \
    static inline void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)      \
    {                                                                                              \
        (void)partial;                                                                             \
        for (int64_t z = 0; z < tile->size[0]; z++)                                                \
            for (int64_t y = 0; y < tile->size[1]; y++)                                            \
                NF_NAME(map_row)                                                                   \
        (NF_ROW_IN(tile, z, y), NF_ROW_OUT(tile, z, y), (ptrdiff_t)tile->size[2], tile->channels,  \
         config);                                                                                  \
    }

/* White, as a double, of an array of this type. */
static inline double nf_full(nf_dtype dtype)
{
    return dtype == NF_U8 ? 255 : dtype == NF_U16 ? 65535 : 1;
}
#endif

#ifdef NF_T
/* The greatest element that is not above the value; NF_FULL where none is, in an integer type. */
static inline NF_T NF_NAME(last_below)(double value)
{
    NF_T nearest = (NF_T)(NF_IS_INTEGER ? floor(nf_clamp_f64(value, (double)NF_FULL)) : value);
    if (!NF_IS_INTEGER && (double)nearest > value)
        nearest = (NF_T)(sizeof(NF_T) == 4 ? (double)nextafterf((float)nearest, -INFINITY)
                                           : nextafter((double)nearest, (double)-INFINITY));
    return nearest;
}

static inline NF_T NF_NAME(round_to)(double v)
{
    return NF_IS_INTEGER ? (NF_T)(int)(nf_clamp_f64(v, (double)NF_FULL) + NF_HALF_F64) : (NF_T)v;
}
#endif
