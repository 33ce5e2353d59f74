/* order.h - elements as integers that are in the same order: their keys.
 *
 * What is smallest, largest or in the middle is found among keys. Those of integers are the integers
 * themselves; those of floats follow IEEE 754's totalOrder: NaN with the sign set, -infinity, numbers,
 * -0, +0, numbers, infinity, NaN without the sign. So the order is total, the smallest of a set does
 * not depend on the order in which it is looked through, and an element comes back bit for bit. */
#ifndef NF_ORDER_H
#define NF_ORDER_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t nf_key_u8;
typedef uint16_t nf_key_u16;
typedef int32_t nf_key_f32;
typedef int64_t nf_key_f64;

/* In the half of a kernel that each_dtype.h repeats: the key's type, and the way there and back. */
#define NF_KEY           NF_NAME(nf_key)
#define NF_KEY_OF(v)     NF_NAME(nf_key_of)(v)
#define NF_ELEMENT(k)    NF_NAME(nf_element)(k)
#define NF_LESSER(a, b)  ((a) < (b) ? (a) : (b))
#define NF_GREATER(a, b) ((a) < (b) ? (b) : (a))

static inline nf_key_u8 nf_key_of_u8(uint8_t v)
{
    return v;
}

static inline uint8_t nf_element_u8(nf_key_u8 k)
{
    return k;
}

static inline nf_key_u16 nf_key_of_u16(uint16_t v)
{
    return v;
}

static inline uint16_t nf_element_u16(nf_key_u16 k)
{
    return k;
}

/* Negative floats are ordered by their magnitude, the wrong way round. */
static inline nf_key_f32 nf_key_of_f32(float v)
{
    int32_t k;
    memcpy(&k, &v, sizeof k);
    return k ^ (k < 0 ? INT32_MAX : 0);
}

static inline float nf_element_f32(nf_key_f32 k)
{
    float v;
    k ^= k < 0 ? INT32_MAX : 0;
    memcpy(&v, &k, sizeof v);
    return v;
}

static inline nf_key_f64 nf_key_of_f64(double v)
{
    int64_t k;
    memcpy(&k, &v, sizeof k);
    return k ^ (k < 0 ? INT64_MAX : 0);
}

static inline double nf_element_f64(nf_key_f64 k)
{
    double v;
    k ^= k < 0 ? INT64_MAX : 0;
    memcpy(&v, &k, sizeof v);
    return v;
}

/* The same order for references, by other means. NaN of the same sign are not told apart. */
static inline bool nf_precedes(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? signbit(a) && !signbit(b)
               : isnan(a)           ? signbit(a) != 0
                                    : !signbit(b);
    return a < b || (a == b && signbit(a) && !signbit(b));
}

#endif
