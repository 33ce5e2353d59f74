/* isa.h - one source, several instruction sets: names that carry the set they were compiled for.
 *
 * CMake compiles each kernel file once for each set, with NF_ISA defined as baseline, v3 (AVX2 and
 * FMA) or v4 (AVX-512): kernels/registry.c picks one when the program runs. Contraction of a * b +
 * c is off in all of them, so that they give the same bits. */
#ifndef NF_ISA_H
#define NF_ISA_H

#ifndef NF_ISA
#define NF_ISA baseline
#endif
#if defined __x86_64__ && !defined NF_ISA_ONE
#define NF_ISA_X86 /* there are v3 and v4 beside baseline */
#endif
#define NF_ISA_JOIN2(name, isa) name##_##isa
#define NF_ISA_JOIN(name, isa)  NF_ISA_JOIN2(name, isa)
#define NF_ISA_NAME(name)       NF_ISA_JOIN(name, NF_ISA)

/* The best set that this processor has, or the one that the environment variable NFOLD_ISA names
 * (unknown or impossible: the best; programs refuse it): 0 baseline, 1 v3, 2 v4. */
int nf_isa_level(void);
/* The best set that this processor has. */
int nf_isa_highest(void);

#endif
