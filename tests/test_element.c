/* Element types of files against their definitions: every 8- and 16-bit pattern, edges of the others. */
#include <math.h>
#include <string.h>

#include "io/element.h"
#include "tests/suite.h"

static void test_names(void)
{
    for (nf_element_type type = NF_EL_U8; type < NF_EL_TYPES; type++)
        CU_ASSERT(nf_element_named(nf_element_name(type)) == type);
    CU_ASSERT(nf_element_named("int16") == NF_EL_I16 && nf_element_named("float64") == NF_EL_F64);
    CU_ASSERT(nf_element_named("i64") == NF_EL_NONE && nf_element_named("") == NF_EL_NONE);
    for (nf_dtype dtype = NF_U8; dtype <= NF_F64; dtype++) {
        nf_element native = nf_element_native(dtype);
        CU_ASSERT(nf_element_is_native(native) && nf_element_dtype(native.type) == dtype);
        CU_ASSERT(nf_element_size(native.type) == nf_dtype_size(dtype));
        native.swapped = true;
        CU_ASSERT_FALSE(nf_element_is_native(native));
    }
    CU_ASSERT_FALSE(nf_element_is_native((nf_element){NF_EL_I16, false}));
}

static void test_small_integers(void)
{
    int8_t i8[256];
    int16_t i16[65536], swapped[65536];
    static float f8[256], f16[65536], s16[65536];
    for (int i = 0; i < 256; i++)
        i8[i] = (int8_t)(i - 128);
    for (int i = 0; i < 65536; i++) {
        i16[i] = (int16_t)(i - 32768);
        swapped[i] = (int16_t)__builtin_bswap16((uint16_t)i16[i]);
    }
    nf_element_decode((nf_element){NF_EL_I8, false}, 256, i8, f8);
    nf_element_decode((nf_element){NF_EL_I16, false}, 65536, i16, f16);
    nf_element_decode((nf_element){NF_EL_I16, true}, 65536, swapped, s16);
    int wrong = 0;
    for (int i = 0; i < 256; i++)
        wrong += f8[i] != (float)(i - 128);
    for (int i = 0; i < 65536; i++)
        wrong += f16[i] != (float)(i - 32768) || s16[i] != f16[i];
    CU_ASSERT_EQUAL(wrong, 0);
    int16_t back[65536];
    nf_element_encode((nf_element){NF_EL_I16, true}, NF_F32, 65536, s16, back);
    CU_ASSERT(memcmp(back, swapped, sizeof back) == 0);
}

/* Values from IEEE 754-2008's binary16. */
static void test_halves(void)
{
    const uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x8000, 0x7c00};
    const float values[] = {1, -2, 65504, 0x1p-14f, 0x1.ff8p-15f, 0x1p-24f, -0.0f, INFINITY};
    float got[9];
    nf_element_decode((nf_element){NF_EL_F16, false}, 8, halves, got);
    CU_ASSERT(memcmp(got, values, sizeof values) == 0);
    uint16_t all[65536], back[65536];
    static float wide[65536];
    int wrong = 0;
    for (int i = 0; i < 65536; i++)
        all[i] = (uint16_t)i;
    nf_element_decode((nf_element){NF_EL_F16, false}, 65536, all, wide);
    nf_element_encode((nf_element){NF_EL_F16, false}, NF_F32, 65536, wide, back);
    for (int i = 0; i < 65536; i++)
        wrong += isnan(wide[i]) ? (back[i] & 0x7fff) <= 0x7c00 : back[i] != all[i];
    CU_ASSERT_EQUAL(wrong, 0);
    /* Halfway and just beside it, by each side; too large; too small. */
    const double between[] = {1 + 0x1p-11, 1 + 0x3p-11, 1 + 0x1p-11 + 0x1p-40, 65519.999,  65520,
                              -0x1p-25,    0x1.8p-25,   0x1.ffcp-15,           0x1.ffep-15};
    const uint16_t rounded[] = {0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00,
                                0x8000, 0x0001, 0x0400, 0x0400};
    nf_element_encode((nf_element){NF_EL_F16, false}, NF_F64, 9, between, back);
    CU_ASSERT(memcmp(back, rounded, sizeof rounded) == 0);
    const uint16_t nan = 0x7e00;
    nf_element_decode((nf_element){NF_EL_F16, false}, 1, &nan, got);
    CU_ASSERT(isnan(got[0]));
}

static void test_large_integers(void)
{
    const uint32_t u32[] = {0, 1, UINT32_MAX, 0x01020304};
    const int32_t i32[] = {INT32_MIN, -1, INT32_MAX, 0};
    double got[4];
    nf_element_decode((nf_element){NF_EL_U32, false}, 4, u32, got);
    CU_ASSERT(got[0] == 0 && got[1] == 1 && got[2] == 4294967295.0 && got[3] == 16909060);
    nf_element_decode((nf_element){NF_EL_U32, true}, 4, u32, got);
    CU_ASSERT(got[3] == 0x04030201);
    nf_element_decode((nf_element){NF_EL_I32, false}, 4, i32, got);
    CU_ASSERT(got[0] == -2147483648.0 && got[1] == -1 && got[2] == 2147483647.0);
    int32_t back[4];
    nf_element_encode((nf_element){NF_EL_I32, false}, NF_F64, 4, got, back);
    CU_ASSERT(memcmp(back, i32, sizeof i32) == 0);
}

/* Half to even, clipped, NaN as 0. */
static void test_rounding(void)
{
    const double values[] = {0.5, 1.5, 2.5, -0.5, -1.5, 300, -300, 1e300, -INFINITY, NAN};
    const int8_t expected[] = {0, 2, 2, 0, -2, 127, -128, 127, -128, 0};
    const uint8_t unsigned_ones[] = {0, 2, 2, 0, 0, 255, 0, 255, 0, 0};
    int8_t i8[10];
    uint8_t u8[10];
    nf_element_encode((nf_element){NF_EL_I8, false}, NF_F64, 10, values, i8);
    nf_element_encode((nf_element){NF_EL_U8, false}, NF_F64, 10, values, u8);
    CU_ASSERT(memcmp(i8, expected, sizeof i8) == 0);
    CU_ASSERT(memcmp(u8, unsigned_ones, sizeof u8) == 0);
}

/* Lengths around the blocks that elements go through, from unaligned places; floats in other orders. */
static void test_places(void)
{
    static char file[3001 * 4 + 1];
    static double got[3001];
    int wrong = 0;
    for (int32_t i = 0; i < 3001; i++) {
        int32_t value = (int32_t)__builtin_bswap32((uint32_t)(i * 7919 - 5000000));
        memcpy(file + 1 + 4 * i, &value, sizeof value);
    }
    for (int n = 1; n <= 3001; n += n < 1000 ? 1 : 17) {
        got[n - 1] = 0;
        nf_element_decode((nf_element){NF_EL_I32, true}, n, file + 1, got);
        wrong += got[n - 1] != (n - 1) * 7919 - 5000000 || got[0] != -5000000;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    double pi = 3.141592653589793, swapped;
    nf_element_encode((nf_element){NF_EL_F64, true}, NF_F64, 1, &pi, &swapped);
    CU_ASSERT(swapped != pi);
    nf_element_decode((nf_element){NF_EL_F64, true}, 1, &swapped, &swapped); /* in place */
    CU_ASSERT(swapped == pi);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"names", test_names},       {"integers of 8 and 16 bits", test_small_integers},
        {"halves", test_halves},     {"integers of 32 bits", test_large_integers},
        {"rounding", test_rounding}, {"places and lengths", test_places},
        CU_TEST_INFO_NULL,
    };
    return nf_suite_run("element", tests, 0);
}
