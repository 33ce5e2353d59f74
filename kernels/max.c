/* max.c - the greatest element, all channels together, as numpy.max; NaN if there is one.
 * extreme.h says how it is found. */
#define EXTREME_KERNEL  nf_kernel_max
#define EXTREME_NAME    "max"
#define EXTREME_SUMMARY "the greatest element; NaN if there is one"
#define EXTREME_KEY(v)  (v)
#define EXTREME_LESS    >
#define EXTREME_LAST    (double)-INFINITY
#define EXTREME_INDEXED 0
#include "kernels/extreme.h"
