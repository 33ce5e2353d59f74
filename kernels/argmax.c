/* argmax.c - the greatest element and where it is, as numpy.argmax: the first of them, or of the
 * NaNs. extreme.h says how it is found. */
#define EXTREME_KERNEL  nf_kernel_argmax
#define EXTREME_NAME    "argmax"
#define EXTREME_SUMMARY "the greatest element and its place: the first of them in C order"
#define EXTREME_KEY(v)  (v)
#define EXTREME_LESS    >
#define EXTREME_LAST    (double)-INFINITY
#define EXTREME_INDEXED 1
#include "kernels/extreme.h"
