#include <string.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"

const char *const nf_border_names[] = {"clamp", "reflect", "mirror", "wrap", "constant", NULL};

extern const nf_kernel *const nf_kernels_baseline[];
#ifdef NF_ISA_X86
extern const nf_kernel *const nf_kernels_v3[], *const nf_kernels_v4[];
#endif

typedef struct isa_set {
    const char *name;
    const nf_kernel *const *kernels;
} isa_set;

static isa_set choose(void)
{
    const isa_set sets[] = {{"baseline", nf_kernels_baseline},
#ifdef NF_ISA_X86
                            {"v3", nf_kernels_v3},
                            {"v4", nf_kernels_v4}
#endif
    };
    return sets[nf_isa_level()];
}

static const nf_kernel *added[NF_MAX_ADDED + 1]; /* ends with NULL */

const nf_kernel *nf_kernel_at(size_t index)
{
    const nf_kernel *const *kernels = choose().kernels;
    size_t own = 0;
    for (; kernels[own] != NULL; own++)
        if (own == index)
            return kernels[own];
    return index - own < NF_MAX_ADDED ? added[index - own] : NULL;
}

bool nf_kernel_add(const nf_kernel *kernel)
{
    size_t n = 0;
    while (added[n] != NULL)
        n++;
    if (n == NF_MAX_ADDED || nf_kernel_find(kernel->name) != NULL)
        return false;
    added[n] = kernel;
    return true;
}

const nf_kernel *nf_kernel_find(const char *name)
{
    const nf_kernel *kernel;
    for (size_t i = 0; (kernel = nf_kernel_at(i)) != NULL; i++)
        if (strcmp(kernel->name, name) == 0)
            return kernel;
    return NULL;
}

const char *nf_kernel_isa(void)
{
    return choose().name;
}

size_t nf_dtype_size(nf_dtype dtype)
{
    static const size_t sizes[NF_DTYPES] = {0, 1, 2, 4, 8};
    return sizes[dtype];
}

const char *nf_dtype_name(nf_dtype dtype)
{
    static const char *const names[NF_DTYPES] = {"none", "u8", "u16", "f32", "f64"};
    return names[dtype];
}
