/* hdf5_keep.c - what an output keeps of the dataset that it was made from: the attributes that stay
 * true of it, and the dimension scales where its cells lie where the source's do.
 *
 * Not kept: what nfold, HDF5's scales and images, and netCDF write anew or by themselves; references
 * to objects, which mean nothing in another file; what tells how stored elements stand for values
 * (scale_factor, _FillValue, valid_range ...), unless the elements are the same; names of other
 * variables (coordinates, grid_mapping ...), unless the file is the same. */
#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/content.h"
#include "io/hdf5.h"

/* One output in the making, and its source. */
typedef struct keeping {
    hid_t file, dataset; /* the output's */
    hid_t source;
    const char *source_name; /* begins with a slash */
    const char *name;        /* of the output's dataset */
    bool same_file;          /* the output goes to the file that it comes from */
    bool same_grid;          /* its cells lie where the source's do */
    bool same_elements;      /* every element is what it was */
    bool cf;                 /* conventions were honoured */
    bool same_dimensions;    /* rank and extents are the source's */
    int dim;                 /* of the output, whose scales are being kept */
    hsize_t extent;          /* its */
    char *left;
    size_t room;
} keeping;

static void leave(const keeping *k, const char *name)
{
    size_t used = strlen(k->left);
    snprintf(k->left + used, k->room - used, "%s%s", used > 0 ? ", " : "", name);
}

/* ---- attributes ---- */

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

/* Written anew, or by a library for itself. */
static bool is_own(const char *name)
{
    static const char *const names[] = {
        "CLASS",         "INTERLACE_MODE", "DIMENSION_LIST",      "REFERENCE_LIST", "NAME",
        "_Netcdf4Dimid", "_nc3_strict",    "_Netcdf4Coordinates", "_NCProperties",  NULL};
    return strncmp(name, "nfold_", 6) == 0 || strncmp(name, "IMAGE_", 6) == 0 ||
           is_one_of(name, names);
}

typedef enum verdict { KEPT, LEFT, UNSAID } verdict;

static verdict judge(const keeping *k, const char *name, hid_t type)
{
    static const char *const packing[] = {"_FillValue", "missing_value", "scale_factor",
                                          "add_offset", "_Unsigned",     NULL};
    static const char *const of_elements[] = {"valid_min",     "valid_max",  "valid_range",
                                              "actual_range",  "flag_masks", "flag_values",
                                              "flag_meanings", NULL};
    static const char *const of_others[] = {
        "coordinates",   "grid_mapping",  "bounds", "ancillary_variables",
        "cell_measures", "formula_terms", NULL};
    if (is_own(name))
        return UNSAID;
    if (H5Tdetect_class(type, H5T_REFERENCE) != 0)
        return LEFT;
    if (is_one_of(name, packing) && k->cf)
        return UNSAID;
    if (is_one_of(name, packing) || is_one_of(name, of_elements))
        return k->same_elements ? KEPT : LEFT;
    if (strcmp(name, "DIMENSION_LABELS") == 0)
        return k->same_dimensions ? KEPT : LEFT;
    return !is_one_of(name, of_others) || k->same_file ? KEPT : LEFT;
}

/* Byte for byte as it is, strings and arrays of variable length included. */
static bool copy_attribute(hid_t from, hid_t type, hid_t object, const char *name)
{
    hid_t space = H5Aget_space(from);
    bool null = H5Sget_simple_extent_type(space) == H5S_NULL;
    hssize_t count = null ? 0 : H5Sget_simple_extent_npoints(space);
    void *value = calloc((size_t)count + 1, H5Tget_size(type));
    hid_t to = -1;
    bool fine = value != NULL && (null || H5Aread(from, type, value) >= 0) &&
                (to = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT)) >= 0 &&
                (null || H5Awrite(to, type, value) >= 0);
    if (value != NULL && !null)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
    free(value);
    nf_h5_release(H5Aclose, to);
    nf_h5_release(H5Sclose, space);
    return fine;
}

static herr_t visit_attribute(hid_t source, const char *name, const H5A_info_t *info, void *data)
{
    (void)info;
    const keeping *k = data;
    hid_t from = H5Aopen(source, name, H5P_DEFAULT);
    hid_t stored = from >= 0 ? H5Aget_type(from) : -1;
    hid_t type = stored >= 0 ? H5Tcopy(stored) : -1; /* not a named type of the other file */
    verdict found = type >= 0 ? judge(k, name, type) : LEFT;
    if (found == KEPT && !copy_attribute(from, type, k->dataset, name)) {
        if (H5Aexists(k->dataset, name) > 0)
            H5Adelete(k->dataset, name);
        found = LEFT;
    }
    if (found == LEFT)
        leave(k, name);
    nf_h5_release(H5Tclose, type);
    nf_h5_release(H5Tclose, stored);
    nf_h5_release(H5Aclose, from);
    return 0;
}

/* ---- dimension scales ---- */

static bool same_content(hid_t a, hid_t b, hsize_t count)
{
    hid_t type = H5Dget_type(a), other = H5Dget_type(b);
    size_t bytes = (size_t)count * H5Tget_size(type);
    char *values = H5Tequal(type, other) > 0 && H5Tis_variable_str(type) <= 0 &&
                           H5Tdetect_class(type, H5T_VLEN) <= 0
                       ? calloc(2, bytes)
                       : NULL;
    bool same = values != NULL && H5Dread(a, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
                H5Dread(b, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values + bytes) >= 0 &&
                memcmp(values, values + bytes, bytes) == 0;
    free(values);
    H5Tclose(other);
    H5Tclose(type);
    return same;
}

static bool has_extent(hid_t scale, hsize_t extent)
{
    hid_t space = H5Dget_space(scale);
    hsize_t own[H5S_MAX_RANK];
    bool fits = H5Sget_simple_extent_dims(space, own, NULL) == 1 && own[0] == extent;
    nf_h5_release(H5Sclose, space);
    return fits;
}

static bool copy_content(hid_t from, hid_t to)
{
    hid_t type = H5Dget_type(from), space = H5Dget_space(from);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    void *values = calloc((size_t)count, H5Tget_size(type));
    bool fine = values != NULL && H5Dread(from, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
                H5Dwrite(to, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (values != NULL)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
    free(values);
    H5Sclose(space);
    H5Tclose(type);
    return fine;
}

/* Without the times that H5Ocopy would copy and change, so that equal work gives equal bytes. */
static hid_t create_scale(const keeping *k, hid_t scale, const char *target)
{
    char name[256] = "", unused[256] = "";
    hid_t stored = H5Dget_type(scale), type = H5Tcopy(stored), space = H5Dget_space(scale);
    hid_t plist = H5Dget_create_plist(scale);
    H5Pset_obj_track_times(plist, 0);
    hid_t there = H5Dcreate2(k->file, target, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    bool fine = there >= 0 && copy_content(scale, there);
    keeping own = *k;
    own.dataset = there;
    own.same_elements = own.same_dimensions = true;
    own.left = unused, own.room = sizeof unused;
    if (fine && H5DSis_scale(scale) > 0 && H5DSget_scale_name(scale, name, sizeof name) >= 0)
        fine = H5DSset_scale(there, name[0] != '\0' ? name : NULL) >= 0;
    if (fine)
        H5Aiterate2(scale, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, &own);
    if (there >= 0 && !fine) {
        H5Dclose(there);
        H5Ldelete(k->file, target, H5P_DEFAULT);
        there = -1;
    }
    nf_h5_release(H5Pclose, plist);
    nf_h5_release(H5Sclose, space);
    nf_h5_release(H5Tclose, type);
    nf_h5_release(H5Tclose, stored);
    return there;
}

/* A copy of a scale; or the same one, if it is there already. */
static hid_t place_scale(const keeping *k, hid_t scale, const char *target)
{
    if (H5Lexists(k->file, target, H5P_DEFAULT) <= 0)
        return create_scale(k, scale, target);
    hid_t there = H5Dopen2(k->file, target, H5P_DEFAULT);
    if (there >= 0 && H5DSis_scale(there) > 0 && has_extent(there, k->extent) &&
        same_content(scale, there, k->extent))
        return there;
    nf_h5_release(H5Dclose, there);
    return -1;
}

static herr_t visit_scale(hid_t source, unsigned dim, hid_t scale, void *data)
{
    (void)source, (void)dim;
    const keeping *k = data;
    char name[512], target[1024];
    ssize_t length = H5Iget_name(scale, name, sizeof name);
    const char *last = length > 0 ? strrchr(name, '/') : NULL;
    if (last == NULL || (size_t)length >= sizeof name)
        return 0;
    int folder = (int)(strrchr(k->name, '/') - k->name);
    int used = snprintf(target, sizeof target, "%.*s%s", folder, k->name, last);
    bool fits =
        k->same_grid && used > 0 && (size_t)used < sizeof target && has_extent(scale, k->extent);
    hid_t there = fits && strcmp(target, k->name) != 0 ? place_scale(k, scale, target) : -1;
    if (there < 0 || H5DSattach_scale(k->dataset, there, (unsigned)k->dim) < 0)
        leave(k, last + 1);
    nf_h5_release(H5Dclose, there);
    return 0;
}

/* NeXus: the field that the group's attribute `axes` names for a dimension; it becomes a scale. */
static void keep_axis(keeping *k, int dim)
{
    char name[256];
    hid_t file = H5Iget_file_id(k->source);
    int folder = (int)(strrchr(k->source_name, '/') - k->source_name);
    hid_t group = -1, axis = -1;
    if (snprintf(name, sizeof name, "%.*s/", folder, k->source_name) < (int)sizeof name)
        group = H5Gopen2(file, name, H5P_DEFAULT);
    if (group >= 0 && nf_h5_text_is(group, "NX_class", "NXdata") &&
        nf_h5_get_text_at(group, "axes", dim, name, sizeof name) && strcmp(name, ".") != 0)
        axis = H5Dopen2(group, name, H5P_DEFAULT);
    if (axis >= 0)
        visit_scale(k->source, (unsigned)dim, axis, k);
    nf_h5_release(H5Dclose, axis);
    nf_h5_release(H5Gclose, group);
    nf_h5_release(H5Fclose, file);
}

static void keep_scales(keeping *k, const nf_h5_about *item, int given, const nf_shape *shape,
                        const nf_stack *stack)
{
    for (k->dim = 0; k->dim < stack->dims + shape->ndim; k->dim++) {
        int j = k->dim - stack->dims;
        int from = j < 0 ? given + k->dim : item->lead + j;
        int64_t extent = j < 0 ? stack->extent[k->dim] : shape->dim[NF_DIMS - shape->ndim + j];
        k->extent = (hsize_t)extent;
        int scales = from < item->rank ? H5DSget_num_scales(k->source, (unsigned)from) : 0;
        if (scales > 0)
            H5DSiterate_scales(k->source, (unsigned)from, NULL, visit_scale, k);
        else if (from < item->rank)
            keep_axis(k, from);
    }
}

/* ---- both ---- */

static void keep_all(keeping *k, const nf_h5_name *asked, const nf_shape *shape,
                     const nf_output *output)
{
    nf_h5_about item;
    if (!nf_h5_about_dataset(k->source, asked->indices + output->stack.dims, &item))
        return;
    hid_t stored = H5Dget_type(k->dataset);
    nf_element element = nf_h5_element(stored);
    nf_h5_release(H5Tclose, stored);
    k->cf = asked->cf;
    k->same_grid = (output->changes & (NF_CHANGED_GRID | NF_CHANGED_ORDER)) == 0;
    k->same_elements = output->changes == 0 && !asked->cf && element.type == item.element.type;
    k->same_dimensions = k->same_grid && item.lead == output->stack.dims && asked->indices == 0;
    H5Aiterate2(k->source, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, k);
    keep_scales(k, &item, asked->indices, shape, &output->stack);
}

static bool are_same(const char *a, const char *b)
{
    struct stat info_a, info_b;
    return stat(a, &info_a) == 0 && stat(b, &info_b) == 0 && info_a.st_dev == info_b.st_dev &&
           info_a.st_ino == info_b.st_ino;
}

nf_status nf_h5_keep(hid_t file, hid_t dataset, const char *name, const char *path,
                     const nf_shape *shape, const nf_output *output, char *left, size_t room)
{
    nf_path from;
    nf_h5_name asked = {.name = NULL};
    keeping k = {.file = file, .dataset = dataset, .name = name, .left = left, .room = room};
    if (output->source == NULL)
        return NF_OK;
    nf_status status = nf_path_parse(output->source, &from);
    if (status != NF_OK)
        return status;
    bool hdf5 = nf_content_is_hdf5(from.file, NULL);
    hid_t source = hdf5 ? nf_h5_open_file(from.file, H5F_ACC_RDONLY) : -1;
    if (hdf5 && source < 0)
        status = nf_h5_fail(from.file, NULL, "cannot be opened");
    if (source >= 0)
        status = nf_h5_name_parse(source, from.file, from.dataset, &asked);
    if (status == NF_OK && source >= 0 && asked.name == NULL)
        status = nf_h5_choose(source, from.file, &asked.name);
    if (status == NF_OK && source >= 0) {
        k.source_name = asked.name;
        k.same_file = are_same(from.file, path);
        k.source = H5Dopen2(source, asked.name, H5P_DEFAULT);
        if (k.source < 0)
            status = nf_h5_fail(from.file, asked.name, "cannot be opened");
        else
            keep_all(&k, &asked, shape, output);
        nf_h5_release(H5Dclose, k.source);
    }
    nf_h5_release(H5Fclose, source);
    free(asked.name);
    nf_path_free(&from);
    return status;
}
