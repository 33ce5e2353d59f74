/* elementary.h - logarithm, exponential, cosine and sine by additions, multiplications and
 * divisions of doubles alone: they have the same bits in every instruction set, and loops of them,
 * without a branch, are vector instructions. Within 2 units of the last place on the arguments
 * named. */
#ifndef NF_ELEMENTARY_H
#define NF_ELEMENTARY_H

#include <stdint.h>
#include <string.h>

/* ln 2 in two parts: the first times any integer below 2^20 is exact. */
#define NF_LN2_HIGH 0x1.62e42feep-1
#define NF_LN2_LOW  0x1.a39ef35793c76p-33

/* Of a positive, normal, finite x. With x = m 2^k, m between the roots of 1/2 and 2, and s = (m -
 * 1) / (m + 1), log x = k ln 2 + 2 (s + s^3 / 3 + ... + s^21 / 21). */
static inline double nf_log(double x)
{
    uint64_t bits, k, shift;
    double kd, m;
    memcpy(&bits, &x, sizeof bits);
    k = (bits - 0x3fe6a09e667f3bcdu + ((uint64_t)1023 << 52)) >> 52; /* 1023 more than k */
    shift = k | 0x4330000000000000u;                                 /* 2^52 + k */
    memcpy(&kd, &shift, sizeof kd);
    bits -= (k - 1023) << 52;
    memcpy(&m, &bits, sizeof m);
    kd -= 0x1p52 + 1023;
    double s = (m - 1) / (m + 1), q = s * s;
    double p = 1.0 / 15 + q * (1.0 / 17 + q * (1.0 / 19 + q * (1.0 / 21)));
    p = 1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13 + q * p)));
    p = q * (1.0 / 3 + q * (1.0 / 5 + q * p));
    return kd * NF_LN2_HIGH + (2 * s + (2 * s * p + kd * NF_LN2_LOW));
}

/* Of x within [-700, 700]; what lies beyond counts as these. x = n ln 2 + g, and e^g by its Taylor
 * series up to g^13. */
static inline double nf_exp(double x)
{
    const double round = 0x1.8p52;
    x = x < 700 ? x : 700;
    x = x > -700 ? x : -700;
    double t = x * 0x1.71547652b82fep0 + round, n = t - round;
    double g = x - n * NF_LN2_HIGH - n * NF_LN2_LOW;
    double p = 1.0 / 39916800 + g * (1.0 / 479001600 + g * (1.0 / 6227020800));
    p = 1.0 / 40320 + g * (1.0 / 362880 + g * (1.0 / 3628800 + g * p));
    p = 1.0 / 120 + g * (1.0 / 720 + g * (1.0 / 5040 + g * p));
    p = 1 + g * (1 + g * (1.0 / 2 + g * (1.0 / 6 + g * (1.0 / 24 + g * p))));
    uint64_t shift, bits;
    memcpy(&shift, &t, sizeof shift);
    memcpy(&bits, &p, sizeof bits);
    bits += shift << 52;
    memcpy(&p, &bits, sizeof p);
    return p;
}

typedef struct nf_direction {
    double cosine, sine;
} nf_direction;

/* Of `turns` quarters of a turn, within [-1/2, 1/2]: Taylor series up to the 16th power. */
static inline nf_direction nf_direction_of(double turns)
{
    double a = turns * 0x1.921fb54442d18p0, q = a * a;
    double c = 1.0 / 40320 - q * (1.0 / 3628800 - q * (1.0 / 479001600 - q * (1.0 / 87178291200)));
    double s = 1.0 / 362880 - q * (1.0 / 39916800 - q * (1.0 / 6227020800));
    c += q * q * q * q * (1.0 / 20922789888000);
    s -= q * q * q * (1.0 / 1307674368000);
    c = 1 - q * (1.0 / 2 - q * (1.0 / 24 - q * (1.0 / 720 - q * c)));
    s = a - a * q * (1.0 / 6 - q * (1.0 / 120 - q * (1.0 / 5040 - q * s)));
    return (nf_direction){c, s};
}

#endif
