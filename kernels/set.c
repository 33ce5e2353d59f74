/* set.c - the table of all kernels as compiled for one instruction set. */
#include "kernels/isa.h"
#include "kernels/kernel.h"

#define NF_KERNEL(name) extern const nf_kernel NF_ISA_NAME(nf_kernel_##name);
#include "kernels/list.h"
#undef NF_KERNEL

extern const nf_kernel *const NF_ISA_NAME(nf_kernels)[];
const nf_kernel *const NF_ISA_NAME(nf_kernels)[] = {
#define NF_KERNEL(name) &NF_ISA_NAME(nf_kernel_##name),
#include "kernels/list.h"
#undef NF_KERNEL
    NULL};
