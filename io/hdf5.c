/* hdf5.c - what reading and writing of HDF5 share, and the format's methods. */
#include "io/hdf5.h"

#include <stdio.h>
#include <string.h>

enum { ALIGNMENT = 4096 /* of the elements in the file */ };

static bool hdf5_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    return bytes >= 8 && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0;
}

static bool hdf5_can_hold(const nf_shape *shape)
{
    return shape->dtype != NF_NONE;
}

/* ---- errors ---- */

enum { WHY_TEXT = 200 };

/* The innermost reason; of those of a system call, whose lines tell times and addresses, the words
 * that the system has for it. */
static herr_t keep_innermost(unsigned n, const H5E_error2_t *error, void *text)
{
    static const char before[] = "error message = '";
    if (n > 0 || error->desc == NULL)
        return 0;
    const char *system = strstr(error->desc, before);
    if (system == NULL) {
        snprintf(text, WHY_TEXT, "%s", error->desc);
    } else {
        system += sizeof before - 1;
        snprintf(text, WHY_TEXT, "%.*s", (int)strcspn(system, "'"), system);
    }
    return 0;
}

nf_status nf_h5_fail(const char *file, const char *dataset, const char *what)
{
    char why[WHY_TEXT] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, why);
    return nf_fail(NF_ERR_FORMAT, "%s%s%s: HDF5: %s: %s", file, dataset != NULL ? ":" : "",
                   dataset != NULL ? dataset : "", what, why);
}

void nf_h5_release(herr_t (*close_id)(hid_t), hid_t id)
{
    if (id < 0)
        return;
    hid_t stack = H5Eget_current_stack();
    close_id(id);
    H5Eset_current_stack(stack);
}

hid_t nf_h5_access(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t plist = H5Pcreate(H5P_FILE_ACCESS);
    if (plist >= 0) {
        H5Pset_fapl_sec2(plist);
        H5Pset_alignment(plist, ALIGNMENT, ALIGNMENT);
        H5Pset_fclose_degree(plist, H5F_CLOSE_STRONG);
    }
    return plist;
}

hid_t nf_h5_open_file(const char *file, unsigned flags)
{
    hid_t plist = nf_h5_access();
    hid_t id = H5Fopen(file, flags, plist);
    nf_h5_release(H5Pclose, plist);
    return id;
}

hid_t nf_h5_memory_type(nf_dtype dtype)
{
    switch (dtype) {
    case NF_U8:
        return H5T_NATIVE_UINT8;
    case NF_U16:
        return H5T_NATIVE_UINT16;
    case NF_F32:
        return H5T_NATIVE_FLOAT;
    default:
        return H5T_NATIVE_DOUBLE;
    }
}

static const char *const hdf5_suffixes[] = {".h5", ".hdf5", NULL};

const nf_format nf_format_hdf5 = {
    .name = "HDF5",
    .suffixes = hdf5_suffixes,
    .holds = "u8, u16, f32 or f64, 1-D to 3-D, 1 to 4 channels",
    .random_access = true,
    .recognise = hdf5_recognise,
    .can_hold = hdf5_can_hold,
    .open = nf_h5_open,
    .read = nf_h5_read,
    .close = nf_h5_close,
    .checksum = nf_h5_checksum,
    .create = nf_h5_create,
    .seal = nf_h5_seal,
    .finish = nf_h5_finish,
    .abandon = nf_h5_abandon,
};
