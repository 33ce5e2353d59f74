/* min.c - the least element, all channels together, as numpy.min; NaN if there is one.
 * extreme.h says how it is found. */
#define EXTREME_KERNEL  nf_kernel_min
#define EXTREME_NAME    "min"
#define EXTREME_SUMMARY "the least element; NaN if there is one"
#define EXTREME_KEY(v)  (v)
#define EXTREME_LESS    <
#define EXTREME_LAST    (double)INFINITY
#define EXTREME_INDEXED 0
#include "kernels/extreme.h"
