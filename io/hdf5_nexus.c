/* hdf5_nexus.c - NeXus's groups around an output: NXroot, NXentry, NXdata, each naming what is shown
 * by default (base classes of the NeXus definitions 2020.1). */
#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

#include "io/hdf5.h"

enum { ROOM = 256 };

/* Names of the axes as the attribute `axes` has them, one for each dimension. */
typedef struct axes {
    const char *folder; /* of the dataset */
    char name[NF_H5_RANK][ROOM];
} axes;

static herr_t take_scale(hid_t dataset, unsigned dim, hid_t scale, void *data)
{
    (void)dataset;
    axes *a = data;
    char name[ROOM];
    ssize_t length = H5Iget_name(scale, name, sizeof name);
    const char *last = length > 0 && length < ROOM ? strrchr(name, '/') : NULL;
    if (last == NULL || (size_t)(last - name) != strlen(a->folder) ||
        strncmp(name, a->folder, strlen(a->folder)) != 0)
        return 0;
    snprintf(a->name[dim], ROOM, "%s", last + 1);
    return 1; /* the first of them */
}

static bool put_axes(hid_t group, hid_t dataset, const char *folder, int rank)
{
    axes a = {.folder = folder};
    const char *names[NF_H5_RANK];
    bool known = false, fine = true;
    for (int d = 0; d < rank && fine; d++) {
        char attribute[ROOM + 16];
        snprintf(a.name[d], ROOM, ".");
        if (H5DSget_num_scales(dataset, (unsigned)d) > 0)
            H5DSiterate_scales(dataset, (unsigned)d, NULL, take_scale, &a);
        names[d] = a.name[d];
        if (strcmp(names[d], ".") == 0)
            continue;
        known = true;
        snprintf(attribute, sizeof attribute, "%s_indices", names[d]);
        fine = nf_h5_put(group, attribute, H5T_NATIVE_INT, 0, &d);
    }
    if (!known || !fine)
        return fine;
    hid_t type = H5Tcopy(H5T_C_S1);
    fine = H5Tset_size(type, H5T_VARIABLE) >= 0 &&
           nf_h5_put(group, "axes", type, (hsize_t)rank, names);
    nf_h5_release(H5Tclose, type);
    return fine;
}

/* A group of that class whose attribute `key` names the member. */
static nf_status put_group(hid_t file, const char *group, const char *class, const char *key,
                           const char *member, const char *path)
{
    char is[64];
    hid_t id = H5Gopen2(file, group, H5P_DEFAULT);
    nf_status status = NF_OK;
    if (id >= 0 && nf_h5_get_text(id, "NX_class", is, sizeof is) && strcmp(is, class) != 0)
        status = nf_fail(NF_ERR_FORMAT,
                         "%s: %s is of NeXus's class %s there, not %s: write to another group",
                         path, group, is, class);
    else if (id < 0 || !nf_h5_put_text(id, "NX_class", class) || !nf_h5_put_text(id, key, member))
        status = nf_h5_fail(path, group, "its attributes cannot be written");
    nf_h5_release(H5Gclose, id);
    return status;
}

static nf_status bad_depth(const char *path, const char *name)
{
    return nf_fail(NF_ERR_USAGE,
                   "%s:%s: --nexus needs a dataset in two groups, as :/entry/data/counts, or none "
                   "named",
                   path, name);
}

nf_status nf_h5_nexus_put(hid_t file, hid_t dataset, const char *name, const char *path,
                          const nf_shape *shape)
{
    char entry[ROOM], folder[ROOM];
    const char *second = strchr(name + 1, '/');
    const char *third = second != NULL ? strchr(second + 1, '/') : NULL;
    if (third == NULL || strchr(third + 1, '/') != NULL || third - name >= ROOM)
        return bad_depth(path, name);
    snprintf(entry, sizeof entry, "%.*s", (int)(second - name), name);
    snprintf(folder, sizeof folder, "%.*s", (int)(third - name), name);
    nf_status status = put_group(file, "/", "NXroot", "default", entry + 1, path);
    if (status == NF_OK)
        status = put_group(file, entry, "NXentry", "default", folder + strlen(entry) + 1, path);
    if (status == NF_OK)
        status = put_group(file, folder, "NXdata", "signal", third + 1, path);
    if (status != NF_OK)
        return status;
    hid_t group = H5Gopen2(file, folder, H5P_DEFAULT), space = H5Dget_space(dataset);
    const char *kind = shape->channels == 3   ? "rgb-image"
                       : shape->channels == 4 ? "rgba-image"
                                              : "image";
    bool fine = put_axes(group, dataset, folder, H5Sget_simple_extent_ndims(space)) &&
                (shape->ndim != 2 || shape->channels == 2 ||
                 nf_h5_put_text(dataset, "interpretation", kind));
    nf_h5_release(H5Sclose, space);
    nf_h5_release(H5Gclose, group);
    return fine ? NF_OK : nf_h5_fail(path, folder, "its attributes cannot be written");
}
