/* hdf5_type.c - HDF5's datatypes and nfold's elements. */
#include <stdio.h>

#include "io/hdf5.h"

/* IEEE 754's layouts, by the members of H5Tget_fields. */
static nf_element_type float_type(hid_t type)
{
    static const struct {
        size_t size, sign, exponent, exponent_bits, fraction_bits, bias;
        nf_element_type type;
    } known[] = {{2, 15, 10, 5, 10, 15, NF_EL_F16},
                 {4, 31, 23, 8, 23, 127, NF_EL_F32},
                 {8, 63, 52, 11, 52, 1023, NF_EL_F64}};
    size_t sign = 0, exponent = 0, exponent_bits = 0, fraction = 0, fraction_bits = 0;
    if (H5Tget_fields(type, &sign, &exponent, &exponent_bits, &fraction, &fraction_bits) < 0 ||
        H5Tget_norm(type) != H5T_NORM_IMPLIED || H5Tget_offset(type) != 0 || fraction != 0)
        return NF_EL_NONE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (H5Tget_size(type) == known[i].size && sign == known[i].sign &&
            exponent == known[i].exponent && exponent_bits == known[i].exponent_bits &&
            fraction_bits == known[i].fraction_bits && H5Tget_ebias(type) == known[i].bias)
            return known[i].type;
    return NF_EL_NONE;
}

static nf_element_type integer_type(hid_t type)
{
    static const nf_element_type of_size[2][5] = {
        {[1] = NF_EL_U8, [2] = NF_EL_U16, [4] = NF_EL_U32},
        {[1] = NF_EL_I8, [2] = NF_EL_I16, [4] = NF_EL_I32}};
    size_t size = H5Tget_size(type);
    if (size > 4 || H5Tget_precision(type) != 8 * size || H5Tget_offset(type) != 0)
        return NF_EL_NONE;
    return of_size[H5Tget_sign(type) == H5T_SGN_NONE ? 0 : 1][size];
}

/* h5py's booleans: one byte, of which 0 and 1 alone have names. */
static bool is_boolean(hid_t type)
{
    bool fine = H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2;
    for (unsigned i = 0; i < 2 && fine; i++) {
        unsigned char value = 0;
        fine = H5Tget_member_value(type, i, &value) >= 0 && value == i;
    }
    return fine;
}

nf_element nf_h5_element(hid_t type)
{
    nf_element element = {NF_EL_NONE, false};
    H5T_class_t class = H5Tget_class(type);
    H5T_order_t order = H5Tget_order(type);
    if (class == H5T_INTEGER)
        element.type = integer_type(type);
    else if (class == H5T_FLOAT)
        element.type = float_type(type);
    else if (class == H5T_ENUM && is_boolean(type))
        element.type = NF_EL_U8;
    if (nf_element_size(element.type) > 1)
        element.swapped = order != H5Tget_order(H5T_NATIVE_INT);
    if (element.swapped && order != H5T_ORDER_LE && order != H5T_ORDER_BE)
        element.type = NF_EL_NONE;
    return element;
}

static hid_t half(void)
{
    hid_t type = H5Tcopy(H5T_NATIVE_FLOAT);
    if (type >= 0 && (H5Tset_fields(type, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type, 2) < 0 ||
                      H5Tset_ebias(type, 15) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

hid_t nf_h5_file_type(nf_element_type type)
{
    switch (type) {
    case NF_EL_U8:
        return H5Tcopy(H5T_NATIVE_UINT8);
    case NF_EL_I8:
        return H5Tcopy(H5T_NATIVE_INT8);
    case NF_EL_U16:
        return H5Tcopy(H5T_NATIVE_UINT16);
    case NF_EL_I16:
        return H5Tcopy(H5T_NATIVE_INT16);
    case NF_EL_U32:
        return H5Tcopy(H5T_NATIVE_UINT32);
    case NF_EL_I32:
        return H5Tcopy(H5T_NATIVE_INT32);
    case NF_EL_F16:
        return half();
    case NF_EL_F32:
        return H5Tcopy(H5T_NATIVE_FLOAT);
    default:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    }
}

/* ---- in words ---- */

const char *nf_h5_type_text(hid_t type, char text[NF_H5_TYPE_TEXT])
{
    static const char *const classes[] = {
        [H5T_TIME] = "time",        [H5T_STRING] = "string",        [H5T_BITFIELD] = "bitfield",
        [H5T_OPAQUE] = "opaque",    [H5T_COMPOUND] = "compound",    [H5T_REFERENCE] = "reference",
        [H5T_ENUM] = "enumeration", [H5T_VLEN] = "variable-length", [H5T_ARRAY] = "array"};
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_INTEGER)
        snprintf(text, NF_H5_TYPE_TEXT, "%sint%zu", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "",
                 H5Tget_precision(type));
    else if (class == H5T_FLOAT)
        snprintf(text, NF_H5_TYPE_TEXT, "float%zu", H5Tget_precision(type));
    else if (class == H5T_ENUM && is_boolean(type))
        snprintf(text, NF_H5_TYPE_TEXT, "boolean");
    else if (class > H5T_NO_CLASS && class < H5T_NCLASSES && classes[class] != NULL)
        snprintf(text, NF_H5_TYPE_TEXT, "%s", classes[class]);
    else
        snprintf(text, NF_H5_TYPE_TEXT, "unknown type");
    return text;
}

const char *nf_h5_type_problem(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_INTEGER && H5Tget_size(type) > 4)
        return "no type of nfold's holds all integers of 64 bits: convert it to int32 or float64";
    if (class == H5T_INTEGER)
        return "some of its bits are padding: convert it to a full integer";
    if (class == H5T_FLOAT)
        return "it is no float of IEEE 754 with 16, 32 or 64 bits: convert it to float64";
    if (class == H5T_COMPOUND)
        return "each of its members (a complex number's parts, perhaps) must be an array of its "
               "own";
    if (class == H5T_ENUM)
        return "of enumerations booleans alone are taken: convert it to its integers";
    return "nfold takes numbers: int8 to int32, uint8 to uint32, float16 to float64 and booleans";
}
