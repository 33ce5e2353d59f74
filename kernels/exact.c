/* exact.c - exact accumulators: adding one number, carrying, and rounding once. */
#include "kernels/exact.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 nf_u128;
__extension__ typedef __int128 nf_i128;

enum {
    LIMB_BITS = 32,
    MANTISSA_BITS = 53,
    SUBNORMAL_EXPONENT = -1074, /* of the unit of the smallest doubles */
    LARGEST_EXPONENT = 971,     /* of the unit of the largest ones */
    SPECIAL_FIELD = 2047,       /* exponent field of infinities and NaN */
    /* A moment of degree k is counted in units of 2^-(k BIAS): up to 4 * 137 limbs for the fourth
     * power of a sum, and room for a small factor. */
    BIAS_LIMBS = NF_EXACT_BIAS / LIMB_BITS,
    WIDE_LIMBS = 4 * (NF_EXACT_LIMBS + 1) + 4
};

/* Carries are due when a limb leaves (-2^41, 2^41). */
static const int64_t carry_due = (int64_t)1 << 41;

static const int64_t limb_mask = 0xffffffff;

/* A finite or infinite double taken apart: |x| = mantissa * 2^exponent. */
typedef struct parts {
    uint64_t mantissa;
    int exponent;
    bool negative, special;
} parts;

static inline parts take_apart(double x)
{
    const uint64_t hidden = (uint64_t)1 << 52;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int field = (int)(bits >> 52) & SPECIAL_FIELD;
    parts p = {bits & (hidden - 1), SUBNORMAL_EXPONENT, bits >> 63 != 0, field == SPECIAL_FIELD};
    if (__builtin_expect(field != 0, 1)) {
        p.mantissa |= hidden;
        p.exponent += field - 1;
    }
    return p;
}

static void count_special(nf_exact *sum, double x)
{
    if (x != x)
        sum->nans++;
    else if (x > 0)
        sum->positive_infinities++;
    else
        sum->negative_infinities++;
}

/* ---- adding ---- */

static bool is_due(int64_t limb)
{
    return limb >= carry_due || limb <= -carry_due;
}

void nf_exact_normalise(nf_exact *sum)
{
    int64_t carry = 0;
    for (int i = 0; i < NF_EXACT_LIMBS - 1; i++) {
        int64_t limb = sum->limb[i] + carry;
        sum->limb[i] = limb & limb_mask;
        carry = limb >> LIMB_BITS;
    }
    sum->limb[NF_EXACT_LIMBS - 1] += carry;
}

void nf_exact_add_scaled(nf_exact *sum, int64_t k, int exponent)
{
    int position = exponent + NF_EXACT_BIAS;
    int64_t *limb = sum->limb + position / LIMB_BITS;
    nf_i128 shifted = (nf_i128)k * ((int64_t)1 << position % LIMB_BITS);
    limb[0] += (int64_t)shifted & limb_mask;
    limb[1] += (int64_t)(shifted >> LIMB_BITS) & limb_mask;
    limb[2] += (int64_t)(shifted >> 2 * LIMB_BITS);
    if (is_due(limb[0]) || is_due(limb[1]) || is_due(limb[2]))
        nf_exact_normalise(sum);
}

void nf_exact_add(nf_exact *sum, double x)
{
    parts p = take_apart(x);
    if (p.special)
        count_special(sum, x);
    else
        nf_exact_add_scaled(sum, p.negative ? -(int64_t)p.mantissa : (int64_t)p.mantissa,
                            p.exponent);
}

void nf_exact_add_integer(nf_exact *sum, uint64_t high, uint64_t low)
{
    const int exponent[2] = {0, 64};
    const uint64_t word[2] = {low, high};
    for (int i = 0; i < 2; i++) {
        nf_exact_add_scaled(sum, (int64_t)(word[i] & (uint64_t)limb_mask), exponent[i]);
        nf_exact_add_scaled(sum, (int64_t)(word[i] >> LIMB_BITS), exponent[i] + LIMB_BITS);
    }
}

void nf_exact_fold(nf_exact *into, const nf_exact *next)
{
    for (int i = 0; i < NF_EXACT_LIMBS; i++)
        into->limb[i] += next->limb[i];
    into->nans += next->nans;
    into->positive_infinities += next->positive_infinities;
    into->negative_infinities += next->negative_infinities;
    nf_exact_normalise(into);
}

/* ---- rounding ---- */

/* A number of any sign as limbs of 32 bits, the lowest first; how many limbs, and what they count,
 * is known to those who use it. */
typedef struct magnitude {
    uint32_t limb[WIDE_LIMBS];
    bool negative;
    bool more; /* the number is a little larger than its limbs say: a remainder was dropped */
} magnitude;

static void negate(uint32_t *limb, int count)
{
    uint64_t carry = 1;
    for (int i = 0; i < count; i++) {
        carry += (uint32_t)~limb[i];
        limb[i] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
}

/* The value of an accumulator, its limbs starting at limb `at`; all others are zero. */
static magnitude magnitude_of(const nf_exact *sum, int at)
{
    nf_exact carried = *sum;
    nf_exact_normalise(&carried);
    uint64_t top = (uint64_t)carried.limb[NF_EXACT_LIMBS - 1];
    magnitude value = {.negative = top >> 63 != 0};
    uint32_t *limb = value.limb + at;
    for (int i = 0; i < NF_EXACT_LIMBS - 1; i++)
        limb[i] = (uint32_t)carried.limb[i];
    limb[NF_EXACT_LIMBS - 1] = (uint32_t)top;
    limb[NF_EXACT_LIMBS] = (uint32_t)(top >> LIMB_BITS);
    if (value.negative)
        negate(limb, NF_EXACT_LIMBS + 1);
    return value;
}

static void divide(magnitude *value, uint64_t divisor)
{
    nf_u128 rest = 0;
    for (int i = WIDE_LIMBS - 1; i >= 0; i--) {
        rest = rest << LIMB_BITS | value->limb[i];
        if (rest == 0)
            continue;
        value->limb[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    value->more = value->more || rest != 0;
}

static void multiply(magnitude *value, uint64_t factor)
{
    nf_u128 carry = 0;
    for (int i = 0; i < WIDE_LIMBS; i++) {
        carry += (nf_u128)value->limb[i] * factor;
        value->limb[i] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
}

/* How many limbs there are up to the highest that is not zero. */
static int length_of(const magnitude *value)
{
    int length = WIDE_LIMBS;
    while (length > 0 && value->limb[length - 1] == 0)
        length--;
    return length;
}

/* a b; there is room for it. */
static magnitude product(const magnitude *a, const magnitude *b)
{
    magnitude p = {.negative = a->negative != b->negative};
    const int rows = length_of(a), columns = length_of(b);
    for (int i = 0; i < rows; i++) {
        uint64_t carry = 0;
        if (a->limb[i] == 0)
            continue;
        for (int j = 0; j < columns; j++) {
            carry += (uint64_t)a->limb[i] * b->limb[j] + p.limb[i + j];
            p.limb[i + j] = (uint32_t)carry;
            carry >>= LIMB_BITS;
        }
        p.limb[i + columns] = (uint32_t)carry;
    }
    return p;
}

/* Magnitudes only: the sign becomes that of the difference. */
static void subtract(magnitude *value, const magnitude *other)
{
    uint64_t borrow = 0;
    for (int i = 0; i < WIDE_LIMBS; i++) {
        uint64_t difference = (uint64_t)value->limb[i] - other->limb[i] - borrow;
        value->limb[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    value->negative = borrow != 0;
    if (value->negative)
        negate(value->limb, WIDE_LIMBS);
}

static void add_limbs(magnitude *value, const magnitude *other)
{
    uint64_t carry = 0;
    for (int i = 0; i < WIDE_LIMBS; i++) {
        carry += (uint64_t)value->limb[i] + other->limb[i];
        value->limb[i] = (uint32_t)carry;
        carry >>= LIMB_BITS;
    }
}

/* value + factor n^power term */
static void add_term(magnitude *value, int factor, uint64_t n, int power, magnitude term)
{
    bool negative = value->negative;
    multiply(&term, (uint64_t)abs(factor));
    for (int i = 0; i < power; i++)
        multiply(&term, n);
    if ((term.negative != (factor < 0)) == negative) {
        add_limbs(value, &term);
    } else {
        subtract(value, &term);
        value->negative = value->negative != negative;
    }
}

static int bit_at(const magnitude *value, int i)
{
    return (int)(value->limb[i / LIMB_BITS] >> i % LIMB_BITS & 1);
}

/* The place of the highest bit that is set, -1: none is. */
static int highest_bit(const magnitude *value)
{
    int i = WIDE_LIMBS - 1;
    while (i >= 0 && value->limb[i] == 0)
        i--;
    if (i < 0)
        return -1;
    int bit = LIMB_BITS - 1;
    while (value->limb[i] >> bit == 0)
        bit--;
    return i * LIMB_BITS + bit;
}

static bool any_below(const magnitude *value, int end)
{
    bool found = value->more;
    for (int i = 0; i < end / LIMB_BITS && !found; i++)
        found = value->limb[i] != 0;
    uint32_t mask = ((uint32_t)1 << end % LIMB_BITS) - 1;
    return found || (value->limb[end / LIMB_BITS] & mask) != 0;
}

/* The double next to value * 2^-bias, ties to even. bias > 1075, so that the smallest unit of a
 * double is never the lowest bit. */
static double round_magnitude(const magnitude *value, int bias)
{
    int top = highest_bit(value);
    if (top < 0 && !value->more)
        return 0;
    int unit = top - (MANTISSA_BITS - 1) - bias;
    if (unit < SUBNORMAL_EXPONENT)
        unit = SUBNORMAL_EXPONENT;
    if (unit > LARGEST_EXPONENT)
        return value->negative ? -INFINITY : INFINITY;
    int lowest = unit + bias;
    uint64_t mantissa = 0;
    for (int i = top; i >= lowest; i--)
        mantissa = mantissa << 1 | (uint64_t)bit_at(value, i);
    if (bit_at(value, lowest - 1) && ((mantissa & 1) != 0 || any_below(value, lowest - 1)))
        mantissa++;
    double result = ldexp((double)mantissa, unit);
    return value->negative ? -result : result;
}

static bool is_special(const nf_exact *sum)
{
    return sum->nans > 0 || sum->positive_infinities > 0 || sum->negative_infinities > 0;
}

static double special_value(const nf_exact *sum)
{
    if (sum->nans > 0 || (sum->positive_infinities > 0 && sum->negative_infinities > 0))
        return NAN;
    return sum->positive_infinities > 0 ? INFINITY : -INFINITY;
}

double nf_exact_round(const nf_exact *sum)
{
    return nf_exact_mean(sum, 1);
}

double nf_exact_mean(const nf_exact *sum, uint64_t n)
{
    if (is_special(sum))
        return special_value(sum);
    magnitude value = magnitude_of(sum, 0);
    if (n > 1)
        divide(&value, n);
    return round_magnitude(&value, NF_EXACT_BIAS);
}

/* The largest integer whose square is not above x. */
static uint64_t integer_root(nf_u128 x)
{
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 63; bit != 0; bit >>= 1) {
        uint64_t next = root | bit;
        if ((nf_u128)next * next <= x)
            root = next;
    }
    return root;
}

/* bits * 2^first */
static void place(magnitude *value, uint64_t bits, int first)
{
    nf_u128 shifted = (nf_u128)bits << first % LIMB_BITS;
    for (int i = first / LIMB_BITS; shifted != 0; i++, shifted >>= LIMB_BITS)
        value->limb[i] = (uint32_t)shifted;
}

/* In units of 2^(-2 BIAS), so that the root is in units of 2^-BIAS. The upper 127 or 128 bits have a
 * root of 64 bits, cut off; what is below can only say that it is a little larger. */
double nf_exact_norm2(const nf_exact *squares)
{
    if (is_special(squares))
        return special_value(squares);
    magnitude value = magnitude_of(squares, BIAS_LIMBS);
    int top = highest_bit(&value);
    if (top < 0 || value.negative)
        return top < 0 ? 0 : (double)NAN;
    int first = (top - 126) & ~1; /* positive: the lowest bit set is beyond BIAS_LIMBS */
    nf_u128 upper = 0;
    for (int i = top; i >= first; i--)
        upper = upper << 1 | (unsigned)bit_at(&value, i);
    uint64_t bits = integer_root(upper);
    magnitude root = {.more = any_below(&value, first) || (nf_u128)bits * bits != upper};
    place(&root, bits, first / 2);
    return round_magnitude(&root, NF_EXACT_BIAS);
}

/* ---- central moments ---- */

/* n^2 m2 = n S2 - S1^2, of the sums of the first powers */
static magnitude second_moment(const nf_exact *sum, const nf_exact *squares, uint64_t n)
{
    magnitude s1 = magnitude_of(sum, 0), value = {.negative = false};
    add_term(&value, 1, n, 1, magnitude_of(squares, BIAS_LIMBS));
    add_term(&value, -1, n, 0, product(&s1, &s1));
    return value;
}

/* n^3 m3 = n^2 S3 - 3 n S1 S2 + 2 S1^3 */
static magnitude third_moment(const nf_exact powers[3], uint64_t n)
{
    magnitude s1 = magnitude_of(&powers[0], 0), s2 = magnitude_of(&powers[1], BIAS_LIMBS);
    magnitude square = product(&s1, &s1), value = {.negative = false};
    add_term(&value, 1, n, 2, magnitude_of(&powers[2], 2 * BIAS_LIMBS));
    add_term(&value, -3, n, 1, product(&s1, &s2));
    add_term(&value, 2, n, 0, product(&square, &s1));
    return value;
}

/* n^4 m4 = n^3 S4 - 4 n^2 S1 S3 + 6 n S1^2 S2 - 3 S1^4 */
static magnitude fourth_moment(const nf_exact powers[4], uint64_t n)
{
    magnitude s1 = magnitude_of(&powers[0], 0), s2 = magnitude_of(&powers[1], BIAS_LIMBS);
    magnitude s3 = magnitude_of(&powers[2], 2 * BIAS_LIMBS), square = product(&s1, &s1);
    magnitude value = {.negative = false};
    add_term(&value, 1, n, 3, magnitude_of(&powers[3], 3 * BIAS_LIMBS));
    add_term(&value, -4, n, 2, product(&s1, &s3));
    add_term(&value, 6, n, 1, product(&square, &s2));
    add_term(&value, -3, n, 0, product(&square, &square));
    return value;
}

double nf_exact_variance(const nf_exact *sum, const nf_exact *squares, uint64_t n)
{
    if (is_special(sum) || is_special(squares))
        return NAN;
    magnitude value = second_moment(sum, squares, n);
    divide(&value, n);
    divide(&value, n);
    return round_magnitude(&value, 2 * NF_EXACT_BIAS);
}

static bool any_special(const nf_exact *sums, int count)
{
    bool any = false;
    for (int i = 0; i < count; i++)
        any = any || is_special(&sums[i]);
    return any;
}

/* digits * 2^exponent, 1 <= |digits| <= 2 or 0, in whatever units the moment has. */
typedef struct leading {
    double digits;
    int exponent;
} leading;

static leading leading_of(const magnitude *moment)
{
    int top = highest_bit(moment);
    return (leading){round_magnitude(moment, top), top};
}

/* The powers of n on both sides of the fraction are the same, and so are the units. */
double nf_exact_skewness(const nf_exact powers[3], uint64_t n)
{
    magnitude second = second_moment(&powers[0], &powers[1], n), third = third_moment(powers, n);
    leading m2 = leading_of(&second), m3 = leading_of(&third);
    if (any_special(powers, 3) || m2.digits == 0)
        return NAN;
    int odd = m2.exponent % 2, half = (m2.exponent - odd) / 2;
    double even = odd ? 2 * m2.digits : m2.digits;
    return ldexp(m3.digits / (even * sqrt(even)), m3.exponent - 3 * half);
}

/* (m4 - 3 m2^2) / m2^2 */
double nf_exact_kurtosis(const nf_exact powers[4], uint64_t n)
{
    magnitude second = second_moment(&powers[0], &powers[1], n), fourth = fourth_moment(powers, n);
    add_term(&fourth, -3, n, 0, product(&second, &second));
    leading m2 = leading_of(&second), excess = leading_of(&fourth);
    if (any_special(powers, 4) || m2.digits == 0)
        return NAN;
    return ldexp(excess.digits / (m2.digits * m2.digits), excess.exponent - 2 * m2.exponent);
}
