/* exp.h - 2^-x for weights that fall off: x at least 0. Without branches or tables, so that loops
 * of it are vector instructions, and by the same operations in every instruction set, so that the
 * bits are the same. NF_EXP2_MINUS(x), in the half of a kernel that each_dtype.h repeats, is that
 * of NF_ACC.
 *
 * With n the integer nearest to x and g = n - x, 2^-x = 2^-n 2^g; 2^g is 1 + g q(g), the
 * polynomial q interpolating (2^g - 1) / g at the Chebyshev nodes of [-1/2, 1/2]. 2^-0 is 1. The
 * relative error is at most 3 * 2^-23, in double 2 * 2^-52. Below 2^-126, in double 2^-1022, the
 * result is 0. */
#ifndef NF_EXP_H
#define NF_EXP_H

#include <stdint.h>
#include <string.h>

#define NF_EXP2_MINUS(x) NF_NAME(nf_exp2_minus)(x)

/* The square root of log2 e: e^-(x^2) = 2^-((NF_ROOT_LOG2E x)^2). */
#define NF_ROOT_LOG2E 0x1.337cc2183b05p+0

static inline float nf_exp2_minus_f32(float x)
{
    const float round = 0x1.8p23f, z = round - x, g = (round - z) - x;
    uint32_t bits, shift;
    float p = 0x1.3cbf6p-7f + g * 0x1.5ec866p-10f;
    p = 0x1.62e43p-1f + g * (0x1.ebfa4cp-3f + g * (0x1.c6afeep-5f + g * p));
    p = 1 + g * p;
    memcpy(&bits, &p, sizeof bits);
    memcpy(&shift, &z, sizeof shift);
    bits += shift << 23;
    memcpy(&p, &bits, sizeof p);
    return x > 126 ? 0 : p;
}

static inline double nf_exp2_minus_f64(double x)
{
    const double round = 0x1.8p52, z = round - x, g = (round - z) - x;
    uint64_t bits, shift;
    double p = 0x1.b524fae627834p-24 + g * (0x1.e6063f7217bc6p-28 + g * 0x1.e9d3fe3952179p-32);
    p = 0x1.430913096fd9fp-13 + g * (0x1.ffcbfc670dcd4p-17 + g * (0x1.62bfd47773353p-20 + g * p));
    p = 0x1.c6b08d704a0c2p-5 + g * (0x1.3b2ab6fba1ddap-7 + g * (0x1.5d87fe78a5276p-10 + g * p));
    p = 1 + g * (0x1.62e42fefa39efp-1 + g * (0x1.ebfbdff82c598p-3 + g * p));
    memcpy(&bits, &p, sizeof bits);
    memcpy(&shift, &z, sizeof shift);
    bits += shift << 52;
    memcpy(&p, &bits, sizeof p);
    return x > 1022 ? 0 : p;
}

/* What NF_ACC is for integers. */
static inline float nf_exp2_minus_u8(float x)
{
    return nf_exp2_minus_f32(x);
}

static inline double nf_exp2_minus_u16(double x)
{
    return nf_exp2_minus_f64(x);
}

#endif
