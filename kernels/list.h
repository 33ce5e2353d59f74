/* list.h - every kernel that nfold brings, once, in the order in which --list shows them.
 * A new kernel: its file beside this one (CMake takes every kernels/X.c named here), and a line. */
NF_KERNEL(sumsq)
NF_KERNEL(stats)
NF_KERNEL(histogram)
NF_KERNEL(sumsq_range)
NF_KERNEL(convolve)
NF_KERNEL(sharpen)
NF_KERNEL(gaussian)
NF_KERNEL(sobel)
NF_KERNEL(heat)
NF_KERNEL(cast)
