/* norminf.c - the largest magnitude, as numpy.linalg.norm(x, inf) of all elements.
 * extreme.h says how it is found. */
#define EXTREME_KERNEL  nf_kernel_norminf
#define EXTREME_NAME    "norminf"
#define EXTREME_SUMMARY "the largest magnitude (the maximum norm); NaN if there is one"
#define EXTREME_KEY(v)  fabs((double)(v))
#define EXTREME_LESS    >
#define EXTREME_LAST    -1.0
#define EXTREME_INDEXED 0
#include "kernels/extreme.h"
