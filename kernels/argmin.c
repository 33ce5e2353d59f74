/* argmin.c - the least element and where it is, as numpy.argmin: the first of them, or of the NaNs.
 * extreme.h says how it is found. */
#define EXTREME_KERNEL  nf_kernel_argmin
#define EXTREME_NAME    "argmin"
#define EXTREME_SUMMARY "the least element and its place: the first of them in C order"
#define EXTREME_KEY(v)  (v)
#define EXTREME_LESS    <
#define EXTREME_LAST    (double)INFINITY
#define EXTREME_INDEXED 1
#include "kernels/extreme.h"
