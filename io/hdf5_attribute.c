/* hdf5_attribute.c - small attributes in and out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5.h"

enum { TEXT_LIMIT = 60000 /* of an attribute; HDF5's own limit is 64 KiB */ };

/* An attribute with what it is; all negative if it is not there. */
typedef struct opened {
    hid_t id, type, space;
    hssize_t count;
} opened;

static opened open_attribute(hid_t object, const char *name)
{
    opened a = {-1, -1, -1, 0};
    if (H5Aexists(object, name) <= 0 || (a.id = H5Aopen(object, name, H5P_DEFAULT)) < 0)
        return a;
    a.type = H5Aget_type(a.id);
    a.space = H5Aget_space(a.id);
    a.count = a.space >= 0 && H5Sget_simple_extent_type(a.space) != H5S_NULL
                  ? H5Sget_simple_extent_npoints(a.space)
                  : 0;
    return a;
}

static void close_attribute(opened *a)
{
    nf_h5_release(H5Sclose, a->space);
    nf_h5_release(H5Tclose, a->type);
    nf_h5_release(H5Aclose, a->id);
}

int nf_h5_get_integer(hid_t object, const char *name, int missing)
{
    int value = missing;
    opened a = open_attribute(object, name);
    if (a.count != 1 || H5Tget_class(a.type) != H5T_INTEGER ||
        H5Aread(a.id, H5T_NATIVE_INT, &value) < 0)
        value = missing;
    close_attribute(&a);
    return value;
}

int nf_h5_get_numbers(hid_t object, const char *name, double *numbers, int room)
{
    opened a = open_attribute(object, name);
    int count = a.id < 0 ? 0 : -1;
    H5T_class_t class = a.type >= 0 ? H5Tget_class(a.type) : H5T_NO_CLASS;
    if ((class == H5T_INTEGER || class == H5T_FLOAT) && a.count <= room &&
        (a.count == 0 || H5Aread(a.id, H5T_NATIVE_DOUBLE, numbers) >= 0))
        count = (int)a.count;
    close_attribute(&a);
    return count;
}

/* Texts of variable length, of which one is taken. */
static bool read_variable(const opened *a, hssize_t at, char *text, size_t room)
{
    char **values = calloc((size_t)a->count, sizeof *values);
    hid_t type = H5Tcopy(a->type);
    bool fine = values != NULL && H5Aread(a->id, type, values) >= 0 && values[at] != NULL;
    if (fine)
        snprintf(text, room, "%s", values[at]);
    for (hssize_t i = 0; values != NULL && i < a->count; i++)
        H5free_memory(values[i]);
    free(values);
    H5Tclose(type);
    return fine;
}

static bool read_fixed(const opened *a, hssize_t at, char *text, size_t room)
{
    size_t size = H5Tget_size(a->type);
    char *values = calloc((size_t)a->count, size);
    bool fine = values != NULL && H5Aread(a->id, a->type, values) >= 0;
    if (fine)
        snprintf(text, room, "%.*s", size < room ? (int)size : (int)room,
                 values + size * (size_t)at);
    for (size_t end = fine ? strlen(text) : 0; end > 0 && text[end - 1] == ' '; end--)
        text[end - 1] = '\0'; /* Fortran's padding */
    free(values);
    return fine;
}

bool nf_h5_get_text_at(hid_t object, const char *name, int at, char *text, size_t room)
{
    opened a = open_attribute(object, name);
    bool fine = a.count > at && H5Tget_class(a.type) == H5T_STRING;
    if (fine)
        fine = H5Tis_variable_str(a.type) > 0 ? read_variable(&a, at, text, room)
                                              : read_fixed(&a, at, text, room);
    close_attribute(&a);
    return fine;
}

bool nf_h5_get_text(hid_t object, const char *name, char *text, size_t room)
{
    return nf_h5_get_text_at(object, name, 0, text, room);
}

bool nf_h5_text_is(hid_t object, const char *name, const char *text)
{
    char value[64];
    return nf_h5_get_text(object, name, value, sizeof value) && strcmp(value, text) == 0;
}

bool nf_h5_put(hid_t object, const char *name, hid_t type, hsize_t count, const void *value)
{
    if (H5Aexists(object, name) > 0 && H5Adelete(object, name) < 0)
        return false;
    hid_t space = count > 0 ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    nf_h5_release(H5Aclose, attribute);
    nf_h5_release(H5Sclose, space);
    return fine;
}

bool nf_h5_put_text(hid_t object, const char *name, const char *text)
{
    size_t length = strlen(text) + 1;
    hid_t type = H5Tcopy(H5T_C_S1);
    bool fine = H5Tset_size(type, length < TEXT_LIMIT ? length : TEXT_LIMIT) >= 0 &&
                nf_h5_put(object, name, type, 0, text);
    nf_h5_release(H5Tclose, type);
    return fine;
}
