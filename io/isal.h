/* isal.h - what a caller of ISA-L does afterwards. Internal to io/. */
#ifndef NF_ISAL_H
#define NF_ISAL_H

#if defined(__x86_64__)
__attribute__((target("avx"))) static inline void nf_isal_clear(void)
{
    __builtin_ia32_vzeroupper();
}
#endif

/* ISA-L's vector code leaves the upper halves of the registers in use. SSE instructions, which are
 * what the rest of this library and much of the C library consist of, then take up to three times
 * as long, until the halves are cleared. To be called behind every call of ISA-L. */
static inline void nf_isal_leave(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx"))
        nf_isal_clear();
#endif
}

#endif
