#include "tests/arrays.h"

#include <math.h>
#include <stdlib.h>

static uint64_t mix(uint64_t i)
{
    i = (i + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    i = (i ^ (i >> 27)) * 0x94d049bb133111ebu;
    return i ^ (i >> 31);
}

double nf_test_value(nf_dtype dtype, int64_t i)
{
    uint64_t bits = mix((uint64_t)i);
    double unit = (double)(bits >> 11) * 0x1p-53;
    if (dtype == NF_U8)
        return (double)(bits & 255);
    if (dtype == NF_U16)
        return (double)(bits & 65535);
    double sign = bits & 1 ? -1 : 1;
    return dtype == NF_F32 ? (double)(float)(sign * (1 + unit) * 100)
                           : sign * ldexp(1 + unit, (int)(bits >> 4 & 15) - 5);
}

void nf_test_store(nf_dtype dtype, void *element, double value)
{
    switch (dtype) {
    case NF_U8:
        *(uint8_t *)element = (uint8_t)value;
        break;
    case NF_U16:
        *(uint16_t *)element = (uint16_t)value;
        break;
    case NF_F32:
        *(float *)element = (float)value;
        break;
    default:
        *(double *)element = value;
        break;
    }
}

void *nf_test_array(const nf_shape *shape)
{
    char *cells = malloc(nf_shape_bytes(shape));
    for (int64_t i = 0; cells != NULL && i < nf_shape_elements(shape); i++)
        nf_test_store(shape->dtype, cells + (size_t)i * nf_dtype_size(shape->dtype),
                      nf_test_value(shape->dtype, i));
    return cells;
}

nf_shape nf_test_shape(int64_t planes, int64_t rows, int64_t columns, int channels, nf_dtype dtype)
{
    nf_shape shape = {.dim = {planes, rows, columns},
                      .ndim = planes > 1 ? 3 : 2,
                      .channels = channels,
                      .dtype = dtype};
    return shape;
}
