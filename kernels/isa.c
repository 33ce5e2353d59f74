/* isa.c - the instruction set in use. */
#include "kernels/isa.h"

#include <stdlib.h>
#include <string.h>

/* What tells the levels of x86-64 apart on processors that there are, by names that gcc and clang
 * both know. */
int nf_isa_highest(void)
{
    int level = 0;
#ifdef NF_ISA_X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        level = 1;
    if (level == 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        level = 2;
#endif
    return level;
}

int nf_isa_level(void)
{
    static const char *const names[] = {"baseline", "v3", "v4"};
    const char *wanted = getenv("NFOLD_ISA");
    int highest = nf_isa_highest();
    for (int level = 0; wanted != NULL && level < highest; level++)
        if (strcmp(wanted, names[level]) == 0)
            return level;
    return highest;
}
