/* hdf5_about.c - what a dataset is, and how one is asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5.h"

/* ---- names ---- */

static nf_status bad_name(const char *path, const char *dataset)
{
    return nf_fail(
        NF_ERR_USAGE,
        "%s:%s: expected whole numbers in the brackets, at most %d, that pick an item of "
        "a stack (negative ones from the end), and perhaps cf: [3], [3,-1], [cf]",
        path, dataset, NF_STACK_DIMS);
}

/* One member of the brackets. */
static bool take_member(const char *text, nf_h5_name *name)
{
    char *end;
    if (strcmp(text, "cf") == 0) {
        name->cf = true;
        return true;
    }
    errno = 0;
    long long index = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || name->indices == NF_STACK_DIMS)
        return false;
    name->index[name->indices++] = index;
    return true;
}

nf_status nf_h5_name_parse(hid_t file, const char *path, const char *dataset, nf_h5_name *name)
{
    *name = (nf_h5_name){.name = NULL};
    if (dataset == NULL || dataset[0] == '\0')
        return NF_OK;
    size_t length = strlen(dataset);
    const char *open = dataset[length - 1] == ']' ? strrchr(dataset, '[') : NULL;
    if (open != NULL && open > dataset && H5Lexists(file, dataset, H5P_DEFAULT) > 0)
        open = NULL;
    size_t plain = open != NULL ? (size_t)(open - dataset) : length;
    char *members = open != NULL ? strndup(open + 1, length - plain - 2) : NULL;
    bool fine = true;
    char *rest = members, *member;
    while (fine && (member = strsep(&rest, ",")) != NULL)
        fine = take_member(member, name);
    if (plain > 0)
        name->name = strndup(dataset, plain);
    bool memory = (plain == 0 || name->name != NULL) && (open == NULL || members != NULL);
    free(members);
    if (fine && memory)
        return NF_OK;
    free(name->name);
    name->name = NULL;
    return memory ? bad_name(path, dataset)
                  : nf_fail(NF_ERR_MEMORY, "%s: no memory for a name", path);
}

/* ---- shapes ---- */

/* How many of the extents are channels: those said by the attribute that nfold writes; otherwise a
 * last extent of 2 to 4 where there are 3 dimensions or more, or of 1 where there are 4. */
static int channels_of(hid_t dataset, int rank, const hsize_t *extent)
{
    hsize_t last = rank > 0 ? extent[rank - 1] : 0;
    int said = nf_h5_get_integer(dataset, "nfold_channels", 0);
    if (said == 1)
        return 0;
    if (said > 1 && said <= NF_MAX_CHANNELS && rank > 1 && last == (hsize_t)said)
        return said;
    if (rank > NF_DIMS)
        return last >= 1 && last <= NF_MAX_CHANNELS ? (int)last : 0;
    return rank == NF_DIMS && last >= 2 && last <= NF_MAX_CHANNELS ? (int)last : 0;
}

static void write_text(nf_h5_about *a, const char *type)
{
    size_t used = 0;
    a->text[0] = '\0';
    for (int d = 0; d < a->rank && used < NF_H5_TEXT; d++)
        used += (size_t)snprintf(a->text + used, NF_H5_TEXT - used, "%s%llu", d > 0 ? "x" : "",
                                 (unsigned long long)a->extent[d]);
    if (used < NF_H5_TEXT)
        snprintf(a->text + used, NF_H5_TEXT - used, "%s%s", a->rank > 0 ? " " : "one ", type);
}

/* Too many dimensions: those before the last three must be 1, or be picked from. */
static bool drop_ones(nf_h5_about *a, int indices, int ndim)
{
    int over = ndim - NF_DIMS;
    unsigned long long items = 1;
    bool ones = true;
    for (int d = indices; d < indices + over; d++) {
        items *= a->extent[d];
        ones = ones && a->extent[d] == 1;
    }
    if (ones) {
        a->lead = indices + over;
        while (a->rank - a->lead > 1 && a->lead < indices + ndim - 1 && a->extent[a->lead] == 1)
            a->lead++;
        return true;
    }
    a->stack = over <= NF_STACK_DIMS - indices;
    snprintf(
        a->problem, NF_H5_TEXT,
        "it has %d dimensions; nfold takes 1 to 3, and channels: name one of its %llu items by "
        "%d %s, as [%s] (negative from the end), or take all by filter --stack",
        a->rank, items, indices + over, indices + over > 1 ? "indices" : "index",
        indices + over > 1 ? "0,0" : "0");
    return false;
}

static void write_shape(nf_h5_about *a, hid_t dataset, int indices)
{
    int rank = a->rank - indices;
    int channels = a->channels = channels_of(dataset, rank, a->extent + indices);
    int ndim = channels > 0 ? rank - 1 : rank;
    a->lead = indices;
    for (int d = 0; d < a->rank; d++)
        if (a->extent[d] < 1 || a->extent[d] > INT64_MAX) {
            snprintf(a->problem, NF_H5_TEXT, "it is empty: extent %d is 0", d);
            return;
        }
    if (ndim < 1) {
        snprintf(a->problem, NF_H5_TEXT, "%d indices leave nothing of its %d dimensions", indices,
                 a->rank);
        return;
    }
    if (ndim > NF_DIMS && !drop_ones(a, indices, ndim))
        return;
    ndim -= a->lead - indices;
    nf_shape shape = {.dim = {1, 1, 1}, .ndim = ndim, .channels = channels > 0 ? channels : 1};
    shape.dtype = nf_element_dtype(a->element.type);
    for (int d = 0; d < ndim; d++)
        shape.dim[NF_DIMS - ndim + d] = (int64_t)a->extent[a->lead + d];
    a->shape = shape;
    a->taken = true;
}

bool nf_h5_about_dataset(hid_t dataset, int indices, nf_h5_about *a)
{
    char name[NF_H5_TYPE_TEXT];
    *a = (nf_h5_about){.taken = false};
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    H5S_class_t kind = space >= 0 ? H5Sget_simple_extent_type(space) : H5S_NO_CLASS;
    a->rank = H5Sget_simple_extent_dims(space, a->extent, NULL);
    bool fine = type >= 0 && a->rank >= 0;
    if (fine) {
        a->element = nf_h5_element(type);
        write_text(a, nf_h5_type_text(type, name));
        if (kind == H5S_NULL)
            snprintf(a->problem, NF_H5_TEXT, "it has no elements (a null dataspace)");
        else if (kind == H5S_SCALAR)
            snprintf(a->problem, NF_H5_TEXT, "it is one number (a scalar), no array");
        else if (a->element.type == NF_EL_NONE)
            snprintf(a->problem, NF_H5_TEXT, "its elements are of type %s: %s", name,
                     nf_h5_type_problem(type));
        else
            write_shape(a, dataset, indices);
    }
    nf_h5_release(H5Tclose, type);
    nf_h5_release(H5Sclose, space);
    return fine;
}

bool nf_h5_is_helper(hid_t dataset)
{
    return nf_h5_text_is(dataset, "CLASS", "DIMENSION_SCALE") ||
           nf_h5_text_is(dataset, "CLASS", "PALETTE");
}
