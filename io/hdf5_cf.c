/* hdf5_cf.c - the CF conventions' packed data and missing values (CF 1.10, sections 2.5.1 and 8.1).
 */
#include <math.h>
#include <string.h>

#include "io/hdf5.h"

enum { BLOCK = 512 };

/* _Unsigned (netCDF's users' guide): integers that classic files could store as signed alone. */
static void take_unsigned(hid_t dataset, nf_element *element)
{
    char text[8];
    if (!nf_h5_get_text(dataset, "_Unsigned", text, sizeof text) || strcmp(text, "true") != 0)
        return;
    if (element->type == NF_EL_I8)
        element->type = NF_EL_U8;
    else if (element->type == NF_EL_I16)
        element->type = NF_EL_U16;
    else if (element->type == NF_EL_I32)
        element->type = NF_EL_U32;
}

/* The missing value that the attribute tells, as it is of the elements' sign and width. */
static void fold_unsigned(nf_element_type type, double *value)
{
    double range = type == NF_EL_U8 ? 0x1p8 : type == NF_EL_U16 ? 0x1p16 : 0x1p32;
    if ((type == NF_EL_U8 || type == NF_EL_U16 || type == NF_EL_U32) && *value < 0)
        *value += range;
}

static bool is_double(hid_t dataset, const char *name)
{
    hid_t attribute = H5Aexists(dataset, name) > 0 ? H5Aopen(dataset, name, H5P_DEFAULT) : -1;
    hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    bool wide = type >= 0 && (H5Tget_class(type) != H5T_FLOAT || H5Tget_size(type) > 4);
    nf_h5_release(H5Tclose, type);
    nf_h5_release(H5Aclose, attribute);
    return wide;
}

static nf_status no_number(const char *path, const char *name, const char *attribute)
{
    return nf_fail(NF_ERR_FORMAT,
                   "%s:%s: its attribute %s is no number, or too many: correct it, or read the "
                   "array without [cf]",
                   path, name, attribute);
}

static nf_status take_missing(hid_t dataset, const char *path, const char *name,
                              nf_element_type type, nf_h5_cf *cf)
{
    static const char *const attributes[] = {"_FillValue", "missing_value"};
    for (size_t i = 0; i < 2; i++) {
        int count = nf_h5_get_numbers(dataset, attributes[i], cf->missing + cf->count,
                                      NF_H5_MISSING - cf->count);
        if (count < 0)
            return no_number(path, name, attributes[i]);
        for (int j = 0; j < count; j++)
            fold_unsigned(type, &cf->missing[cf->count + j]);
        cf->count += count;
    }
    return NF_OK;
}

nf_status nf_h5_cf_read(hid_t dataset, const char *path, const char *name, nf_element *element,
                        nf_dtype *dtype, nf_h5_cf *cf)
{
    static const char *const attributes[] = {"scale_factor", "add_offset"};
    *cf = (nf_h5_cf){.scale = 1};
    double *to[] = {&cf->scale, &cf->offset};
    take_unsigned(dataset, element);
    *dtype = nf_element_dtype(element->type);
    bool wide = *dtype == NF_F64;
    for (size_t i = 0; i < 2; i++) {
        int count = nf_h5_get_numbers(dataset, attributes[i], to[i], 1);
        if (count < 0)
            return no_number(path, name, attributes[i]);
        cf->on = cf->on || count > 0;
        wide = wide || is_double(dataset, attributes[i]);
    }
    nf_status status = take_missing(dataset, path, name, element->type, cf);
    cf->on = cf->on || cf->count > 0;
    if (cf->on)
        *dtype = wide ? NF_F64 : NF_F32;
    return status;
}

static double stored_value(nf_dtype dtype, const void *from, int64_t i)
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

static double value_of(const nf_h5_cf *cf, double stored)
{
    for (int i = 0; i < cf->count; i++)
        if (stored == cf->missing[i])
            return NAN;
    return stored * cf->scale + cf->offset;
}

void nf_h5_cf_decode(const nf_h5_cf *cf, nf_element element, int64_t count, const void *from,
                     nf_dtype dtype, void *to)
{
    _Alignas(8) char block[BLOCK * 8];
    nf_dtype stored = nf_element_dtype(element.type);
    for (int64_t at = 0; at < count; at += BLOCK) {
        int64_t n = count - at < BLOCK ? count - at : BLOCK;
        nf_element_decode(element, n,
                          (const char *)from + (size_t)at * nf_element_size(element.type), block);
        for (int64_t i = 0; i < n; i++) {
            double value = value_of(cf, stored_value(stored, block, i));
            if (dtype == NF_F32)
                ((float *)to)[at + i] = (float)value;
            else
                ((double *)to)[at + i] = value;
        }
    }
}
