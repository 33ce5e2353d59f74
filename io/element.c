#include "io/element.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name, *other;
    size_t size;
    nf_dtype dtype;
    double least, most; /* of integers */
} types[NF_EL_TYPES] = {
    [NF_EL_NONE] = {"none", "none", 0, NF_NONE, 0, 0},
    [NF_EL_U8] = {"u8", "uint8", 1, NF_U8, 0, UINT8_MAX},
    [NF_EL_I8] = {"i8", "int8", 1, NF_F32, INT8_MIN, INT8_MAX},
    [NF_EL_U16] = {"u16", "uint16", 2, NF_U16, 0, UINT16_MAX},
    [NF_EL_I16] = {"i16", "int16", 2, NF_F32, INT16_MIN, INT16_MAX},
    [NF_EL_U32] = {"u32", "uint32", 4, NF_F64, 0, UINT32_MAX},
    [NF_EL_I32] = {"i32", "int32", 4, NF_F64, INT32_MIN, INT32_MAX},
    [NF_EL_F16] = {"f16", "float16", 2, NF_F32, 0, 0},
    [NF_EL_F32] = {"f32", "float32", 4, NF_F32, 0, 0},
    [NF_EL_F64] = {"f64", "float64", 8, NF_F64, 0, 0},
};

size_t nf_element_size(nf_element_type type)
{
    return types[type].size;
}

const char *nf_element_name(nf_element_type type)
{
    return types[type].name;
}

nf_element_type nf_element_named(const char *name)
{
    for (nf_element_type type = NF_EL_U8; type < NF_EL_TYPES; type++)
        if (strcmp(name, types[type].name) == 0 || strcmp(name, types[type].other) == 0)
            return type;
    return NF_EL_NONE;
}

nf_element nf_element_native(nf_dtype dtype)
{
    static const nf_element_type native[] = {
        [NF_NONE] = NF_EL_NONE, [NF_U8] = NF_EL_U8,   [NF_U16] = NF_EL_U16,
        [NF_F32] = NF_EL_F32,   [NF_F64] = NF_EL_F64,
    };
    return (nf_element){native[dtype], false};
}

nf_dtype nf_element_dtype(nf_element_type type)
{
    return types[type].dtype;
}

bool nf_element_is_native(nf_element element)
{
    return !element.swapped && nf_element_native(types[element.type].dtype).type == element.type;
}

/* ---- byte order ---- */

/* Blocks of elements go through here on their way. */
enum { BLOCK = 1024, ELEMENT = 8 };

#define SWAP(bits)                                                                                 \
    static void swap_##bits(int64_t count, const void *from, void *to)                             \
    {                                                                                              \
        const char *in = from;                                                                     \
        char *out = to;                                                                            \
        for (int64_t i = 0; i < count; i++) {                                                      \
            uint##bits##_t x;                                                                      \
            memcpy(&x, in + (size_t)i * sizeof x, sizeof x);                                       \
            x = __builtin_bswap##bits(x);                                                          \
            memcpy(out + (size_t)i * sizeof x, &x, sizeof x);                                      \
        }                                                                                          \
    }
SWAP(16)
SWAP(32)
SWAP(64)

/* Copies elements of `size` bytes in the other order. */
static void swap(size_t size, int64_t count, const void *from, void *to)
{
    if (size == 2)
        swap_16(count, from, to);
    else if (size == 4)
        swap_32(count, from, to);
    else if (size == 8)
        swap_64(count, from, to);
    else if (from != to)
        memcpy(to, from, (size_t)count);
}

/* ---- decoding ---- */

/* IEEE 754's binary16, by the value of its fields. */
static float from_half(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float value = exponent == 0    ? ldexpf((float)fraction, -24)
                  : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                   : ldexpf((float)(fraction + 1024), exponent - 25);
    return half >> 15 ? -value : value;
}

#define WIDEN(name, from_type, to_type, convert)                                                   \
    static void widen_##name(int64_t count, const void *from, void *to)                            \
    {                                                                                              \
        const from_type *in = from;                                                                \
        to_type *out = to;                                                                         \
        for (int64_t i = 0; i < count; i++)                                                        \
            out[i] = convert(in[i]);                                                               \
    }
WIDEN(i8, int8_t, float, (float))
WIDEN(i16, int16_t, float, (float))
WIDEN(u32, uint32_t, double, (double))
WIDEN(i32, int32_t, double, (double))
WIDEN(f16, uint16_t, float, from_half)

static void widen(nf_element_type type, int64_t count, const void *from, void *to)
{
    static void (*const widening[NF_EL_TYPES])(int64_t, const void *, void *) = {
        [NF_EL_I8] = widen_i8,   [NF_EL_I16] = widen_i16, [NF_EL_U32] = widen_u32,
        [NF_EL_I32] = widen_i32, [NF_EL_F16] = widen_f16,
    };
    if (widening[type] != NULL)
        widening[type](count, from, to);
    else
        memcpy(to, from, (size_t)count * types[type].size);
}

void nf_element_decode(nf_element element, int64_t count, const void *from, void *to)
{
    size_t size = types[element.type].size, wide = nf_dtype_size(types[element.type].dtype);
    if (size == wide) {
        if (element.swapped)
            swap(size, count, from, to);
        else if (from != to)
            memcpy(to, from, (size_t)count * size);
        return;
    }
    _Alignas(ELEMENT) char block[BLOCK * ELEMENT]; /* aligned, in this machine's order */
    for (int64_t at = 0; at < count; at += BLOCK) {
        int64_t n = count - at < BLOCK ? count - at : BLOCK;
        const char *in = (const char *)from + (size_t)at * size;
        if (element.swapped)
            swap(size, n, in, block);
        else
            memcpy(block, in, (size_t)n * size);
        widen(element.type, n, block, (char *)to + (size_t)at * wide);
    }
}

/* ---- encoding ---- */

static double value_at(nf_dtype dtype, const void *from, int64_t i)
{
    switch (dtype) {
    case NF_U8:
        return ((const uint8_t *)from)[i];
    case NF_U16:
        return ((const uint16_t *)from)[i];
    case NF_F32:
        return (double)((const float *)from)[i];
    default:
        return ((const double *)from)[i];
    }
}

/* Rounded half to even and clipped; NaN as 0. */
static double rounded(nf_element_type type, double value)
{
    if (isnan(value))
        return 0;
    value = rint(value);
    return value < types[type].least  ? types[type].least
           : value > types[type].most ? types[type].most
                                      : value;
}

/* IEEE 754's binary16, rounded half to even in one step; beyond its range infinite. */
static uint16_t to_half(double value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double size = fabs(value);
    if (isnan(value))
        return sign | 0x7e00;
    if (size >= 65520)
        return sign | 0x7c00;
    if (size < 0x1p-14) /* subnormal, or rounded up to the least that is not */
        return (uint16_t)(sign | (uint16_t)rint(size * 0x1p24));
    int exponent = ilogb(size);
    int fraction = (int)rint(scalbn(size, 10 - exponent)); /* 1024 to 2048 */
    return (uint16_t)(sign | (((exponent + 15) << 10) + fraction - 1024));
}

/* Writes count elements of a type at an aligned place. */
static void narrow(nf_element_type type, nf_dtype dtype, int64_t count, const void *from, void *to)
{
#define EACH(name, ctype, expression)                                                              \
    case name:                                                                                     \
        for (int64_t i = 0; i < count; i++)                                                        \
            ((ctype *)to)[i] = (ctype)(expression);                                                \
        break
    switch (type) {
        EACH(NF_EL_U8, uint8_t, rounded(type, value_at(dtype, from, i)));
        EACH(NF_EL_I8, int8_t, rounded(type, value_at(dtype, from, i)));
        EACH(NF_EL_U16, uint16_t, rounded(type, value_at(dtype, from, i)));
        EACH(NF_EL_I16, int16_t, rounded(type, value_at(dtype, from, i)));
        EACH(NF_EL_U32, uint32_t, rounded(type, value_at(dtype, from, i)));
        EACH(NF_EL_I32, int32_t, rounded(type, value_at(dtype, from, i)));
        EACH(NF_EL_F16, uint16_t, to_half(value_at(dtype, from, i)));
        EACH(NF_EL_F32, float, value_at(dtype, from, i));
        EACH(NF_EL_F64, double, value_at(dtype, from, i));
    default:
        break;
    }
#undef EACH
}

void nf_element_encode(nf_element element, nf_dtype dtype, int64_t count, const void *from,
                       void *to)
{
    size_t size = types[element.type].size, own = nf_dtype_size(dtype);
    if (nf_element_native(dtype).type == element.type) {
        if (element.swapped)
            swap(size, count, from, to);
        else if (from != to)
            memcpy(to, from, (size_t)count * size);
        return;
    }
    _Alignas(ELEMENT) char block[BLOCK * ELEMENT];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int64_t n = count - at < BLOCK ? count - at : BLOCK;
        narrow(element.type, dtype, n, (const char *)from + (size_t)at * own, block);
        char *out = (char *)to + (size_t)at * size;
        if (element.swapped)
            swap(size, n, block, out);
        else
            memcpy(out, block, (size_t)n * size);
    }
}
