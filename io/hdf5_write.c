/* hdf5_write.c - one process lays the file out with a contiguous dataset; the elements go to its
 * place in the file by plain writes, which no number of processes can reorder or lose without an
 * error. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/content.h"
#include "io/hdf5.h"
#include "io/note.h"
#include "io/part.h"
#include "io/raw.h"

#define DEFAULT_DATASET "/data"

enum { TEXT_LIMIT = 60000 /* of an attribute; HDF5's own limit is 64 KiB */ };

/* ---- attributes ---- */

static bool put_attribute(hid_t object, const char *name, hid_t type, hsize_t count,
                          const void *value)
{
    hid_t space = count > 0 ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    nf_h5_release(H5Aclose, attribute);
    nf_h5_release(H5Sclose, space);
    return fine;
}

static bool put_text(hid_t object, const char *name, const char *value)
{
    size_t length = strlen(value) + 1;
    hid_t type = H5Tcopy(H5T_C_S1);
    bool fine = H5Tset_size(type, length < TEXT_LIMIT ? length : TEXT_LIMIT) >= 0 &&
                put_attribute(object, name, type, 0, value);
    nf_h5_release(H5Tclose, type);
    return fine;
}

/* The HDF5 Image and Palette Specification, version 1.2. */
static bool put_image_attributes(hid_t dataset, const nf_shape *shape)
{
    static const uint8_t range[] = {0, 255};
    if (shape->ndim != 2 || shape->dtype != NF_U8 || shape->channels % 2 == 0)
        return true;
    bool colour = shape->channels == 3;
    return put_text(dataset, "CLASS", "IMAGE") && put_text(dataset, "IMAGE_VERSION", "1.2") &&
           put_text(dataset, "IMAGE_SUBCLASS", colour ? "IMAGE_TRUECOLOR" : "IMAGE_GRAYSCALE") &&
           (!colour || put_text(dataset, "INTERLACE_MODE", "INTERLACE_PIXEL")) &&
           put_attribute(dataset, "IMAGE_MINMAXRANGE", H5T_NATIVE_UINT8, 2, range);
}

static bool put_attributes(hid_t dataset, const nf_shape *shape, const nf_provenance *provenance)
{
    nf_note notes[NF_NOTES];
    nf_notes(provenance, notes);
    bool fine = put_image_attributes(dataset, shape) &&
                put_attribute(dataset, "nfold_channels", H5T_NATIVE_INT, 0, &shape->channels);
    for (size_t i = 0; i < NF_NOTES && fine; i++)
        fine = notes[i].text == NULL || put_text(dataset, notes[i].name, notes[i].text);
    const uint64_t later = 0; /* the room is taken now, so that no disk can be too full for it */
    if (fine && provenance != NULL && provenance->checksum)
        fine = put_attribute(dataset, NF_NOTE_CHECKSUM, H5T_NATIVE_UINT64, 0, &later);
    return fine;
}

/* ---- the place in the file ---- */

typedef struct h5_writer {
    char *part, *target, *dataset;
    int64_t offset, bytes; /* of the elements in the file */
    bool sealed;           /* the attribute is to be set to */
    uint64_t checksum;
    struct stat original; /* the target at the beginning; zeros: there was none */
} h5_writer;

void nf_h5_abandon(void *state)
{
    h5_writer *writer = state;
    if (writer == NULL)
        return;
    free(writer->part);
    free(writer->target);
    free(writer->dataset);
    free(writer);
}

/* What stands in the way of a dataset of that name is removed if it is a dataset, and refused if it
 * is a group; what leads there must be groups. */
static nf_status make_way(hid_t file, const h5_writer *writer)
{
    const char *name = writer->dataset;
    for (size_t end = 1; name[end - 1] != '\0'; end++) {
        if (name[end] != '/' && name[end] != '\0')
            continue;
        char *prefix = strndup(name, end);
        if (prefix == NULL)
            return nf_fail(NF_ERR_MEMORY, "%s: no memory for a name", writer->target);
        bool last = name[end] == '\0', there = H5Lexists(file, prefix, H5P_DEFAULT) > 0;
        H5O_info_t info;
        bool leads =
            there && H5Oget_info_by_name2(file, prefix, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0;
        nf_status status = NF_OK;
        if (there &&
            (last ? leads && info.type != H5O_TYPE_DATASET : !leads || info.type != H5O_TYPE_GROUP))
            status =
                nf_fail(NF_ERR_FILE, "%s: %s is %s there: write to another dataset", writer->target,
                        prefix, last ? "a group or a type" : "no group that could hold datasets");
        else if (there && last && H5Ldelete(file, prefix, H5P_DEFAULT) < 0)
            status = nf_h5_fail(writer->target, prefix, "cannot be replaced");
        free(prefix);
        if (status != NF_OK || !there)
            return status;
    }
    return NF_OK;
}

static hid_t create_space(const nf_shape *shape)
{
    hsize_t extent[NF_H5_RANK];
    int rank = 0;
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        extent[rank++] = (hsize_t)shape->dim[d];
    if (shape->channels > 1)
        extent[rank++] = (hsize_t)shape->channels;
    return H5Screate_simple(rank, extent, NULL);
}

/* Contiguous, with its place fixed at once and nothing written there; no times, so that equal work
 * gives equal bytes. */
static hid_t create_dataset(hid_t file, const char *name, const nf_shape *shape)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE), layout = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = create_space(shape);
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_layout(layout, H5D_CONTIGUOUS);
    H5Pset_alloc_time(layout, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(layout, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(layout, 0);
    hid_t dataset =
        H5Dcreate2(file, name, nf_h5_memory_type(shape->dtype), space, links, layout, H5P_DEFAULT);
    nf_h5_release(H5Sclose, space);
    nf_h5_release(H5Pclose, layout);
    nf_h5_release(H5Pclose, links);
    return dataset;
}

static nf_status fill_file(hid_t file, h5_writer *writer, const nf_shape *shape,
                           const nf_provenance *provenance)
{
    nf_status status = make_way(file, writer);
    if (status != NF_OK)
        return status;
    hid_t dataset = create_dataset(file, writer->dataset, shape);
    if (dataset < 0)
        return nf_h5_fail(writer->target, writer->dataset, "cannot be created");
    haddr_t offset = H5Dget_offset(dataset);
    if (offset == HADDR_UNDEF)
        status = nf_h5_fail(writer->target, writer->dataset, "has no place in the file");
    else if (!put_attributes(dataset, shape, provenance))
        status = nf_h5_fail(writer->target, writer->dataset, "its attributes cannot be written");
    writer->offset = (int64_t)offset;
    H5Dclose(dataset);
    return status;
}

/* ---- an existing file ---- */

/* Whether the members of a path are there, one after the other. */
static bool has_link(hid_t file, const char *name)
{
    char *prefix = strdup(name);
    bool there = prefix != NULL;
    for (size_t end = 1; there && name[end - 1] != '\0'; end++) {
        if (name[end] != '/' && name[end] != '\0')
            continue;
        prefix[end] = '\0';
        there = H5Lexists(file, prefix, H5P_DEFAULT) > 0;
        prefix[end] = name[end];
    }
    free(prefix);
    return there;
}

nf_status nf_h5_has(const char *path, const char *dataset, bool *has)
{
    hid_t file = nf_h5_open_file(path, H5F_ACC_RDONLY);
    if (file < 0)
        return nf_h5_fail(path, NULL, "the existing file cannot be opened");
    *has = has_link(file, dataset != NULL ? dataset : DEFAULT_DATASET);
    H5Fclose(file);
    return NF_OK;
}

/* Whether a link is the dataset that is to be replaced, or one of the groups that lead there and
 * have no attributes. 1 ends the visit: there is something to keep. */
static herr_t visit_link(hid_t root, const char *name, const H5L_info_t *link, void *data)
{
    const char *dataset = (const char *)data + 1; /* without the slash */
    size_t length = strlen(name);
    H5O_info_t info;
    if (link->type != H5L_TYPE_HARD || strncmp(name, dataset, length) != 0)
        return 1;
    if (dataset[length] == '\0')
        return 0;
    if (dataset[length] != '/' ||
        H5Oget_info_by_name2(root, name, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS, H5P_DEFAULT) <
            0)
        return 1;
    return info.num_attrs > 0;
}

/* Fails if the file is damaged. */
static nf_status holds_more(const char *path, char *dataset, bool *more)
{
    H5O_info_t info;
    hid_t file = nf_h5_open_file(path, H5F_ACC_RDONLY);
    if (file < 0) {
        nf_status status = nf_h5_fail(path, NULL, "the existing file cannot be opened");
        return nf_fail(status,
                       "%s; its other datasets could not be kept: remove it first or write "
                       "to another file",
                       nf_message(status));
    }
    *more = H5Oget_info2(file, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS) < 0 ||
            info.num_attrs > 0 ||
            H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit_link, dataset) != 0;
    H5Fclose(file);
    return NF_OK;
}

/* The part file: a copy of the target where that has other objects, so that everything in it stays
 * (links, references, attributes); otherwise new. */
static nf_status make_part(h5_writer *writer, bool named, hid_t *file)
{
    int64_t user_block = 0;
    bool more = false, exists = stat(writer->target, &writer->original) == 0;
    bool hdf5 = exists && nf_content_is_hdf5(writer->target, &user_block);
    if (exists && !hdf5 && named && writer->original.st_size > 0)
        return nf_fail(NF_ERR_FILE,
                       "%s: exists and is no HDF5 file, so that no dataset can be put "
                       "into it: remove it first or write to another file",
                       writer->target);
    nf_status status = hdf5 ? holds_more(writer->target, writer->dataset, &more) : NF_OK;
    if (status == NF_OK && (more || user_block > 0)) {
        status = nf_file_copy(writer->target, writer->part);
        if (status == NF_OK && (*file = nf_h5_open_file(writer->part, H5F_ACC_RDWR)) < 0)
            status = nf_h5_fail(writer->target, NULL, "a copy of it cannot be opened for writing");
    } else if (status == NF_OK) {
        hid_t plist = nf_h5_access();
        *file = H5Fcreate(writer->part, H5F_ACC_EXCL, H5P_DEFAULT, plist);
        if (*file < 0)
            status = nf_h5_fail(writer->target, NULL, "cannot be created");
        H5Pclose(plist);
    }
    return status;
}

static nf_status reserve(const h5_writer *writer)
{
    int fd = open(writer->part, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", writer->part, strerror(errno));
    nf_status status = nf_raw_reserve(fd, writer->offset, writer->bytes, writer->target);
    close(fd);
    return status;
}

static nf_status lay_out(h5_writer *writer, bool named, const nf_shape *shape,
                         const nf_provenance *provenance)
{
    hid_t file = -1;
    nf_status status = make_part(writer, named, &file);
    if (status != NF_OK)
        return status;
    status = fill_file(file, writer, shape, provenance);
    if (H5Fclose(file) < 0 && status == NF_OK)
        status = nf_h5_fail(writer->target, NULL, "cannot be written");
    return status == NF_OK ? reserve(writer) : status;
}

nf_status nf_h5_create(const char *part, const char *target, const char *dataset,
                       const nf_shape *shape, int quality, const nf_provenance *provenance,
                       void **state, int64_t *raw_offset)
{
    (void)quality;
    h5_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 writer", target);
    writer->part = strdup(part);
    writer->target = strdup(target);
    writer->dataset = strdup(dataset != NULL ? dataset : DEFAULT_DATASET);
    writer->bytes = (int64_t)nf_shape_bytes(shape);
    nf_status status = NF_OK;
    if (writer->part == NULL || writer->target == NULL || writer->dataset == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 writer", target);
    else
        status = lay_out(writer, dataset != NULL, shape, provenance);
    if (status != NF_OK) {
        nf_h5_abandon(writer);
        return status;
    }
    *state = writer;
    *raw_offset = writer->offset;
    return NF_OK;
}

/* The file is complete and HDF5 finds the elements where they were written. */
static nf_status verify(const h5_writer *writer)
{
    struct stat info;
    if (stat(writer->part, &info) != 0 || info.st_size < writer->offset + writer->bytes)
        return nf_fail(NF_ERR_FILE, "%s: is shorter than what was written to it", writer->target);
    hid_t file = nf_h5_open_file(writer->part, H5F_ACC_RDONLY);
    if (file < 0)
        return nf_h5_fail(writer->target, NULL, "what was written cannot be opened");
    hid_t dataset = H5Dopen2(file, writer->dataset, H5P_DEFAULT);
    bool fine = dataset >= 0 && H5Dget_offset(dataset) == (haddr_t)writer->offset &&
                H5Dget_storage_size(dataset) == (hsize_t)writer->bytes;
    nf_status status = NF_OK;
    if (!fine)
        status = nf_h5_fail(writer->target, writer->dataset, "is not as it was written");
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Fclose(file);
    return status;
}

/* Other datasets that have come into the target since it was looked at would be lost. */
static nf_status check_original(const h5_writer *writer)
{
    struct stat now;
    const struct stat *then = &writer->original;
    bool more = false, exists = stat(writer->target, &now) == 0;
    if (!exists || (now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
                    now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
                    now.st_mtim.tv_nsec == then->st_mtim.tv_nsec))
        return NF_OK;
    nf_status status = NF_OK;
    if (nf_content_is_hdf5(writer->target, NULL))
        status = holds_more(writer->target, writer->dataset, &more);
    if (status == NF_OK && more)
        status = nf_fail(NF_ERR_FILE,
                         "%s: another program has written to it meanwhile, which replacing it "
                         "would undo: run this again, or write to a file of its own",
                         writer->target);
    return status;
}

void nf_h5_seal(void *state, uint64_t checksum)
{
    h5_writer *writer = state;
    writer->sealed = true;
    writer->checksum = checksum;
}

static nf_status put_checksum(const h5_writer *writer)
{
    nf_status status = NF_OK;
    hid_t file = nf_h5_open_file(writer->part, H5F_ACC_RDWR);
    hid_t dataset = H5Dopen2(file, writer->dataset, H5P_DEFAULT);
    hid_t attribute = H5Aopen(dataset, NF_NOTE_CHECKSUM, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, H5T_NATIVE_UINT64, &writer->checksum) < 0)
        status = nf_h5_fail(writer->target, writer->dataset, "its checksum cannot be written");
    nf_h5_release(H5Aclose, attribute);
    nf_h5_release(H5Dclose, dataset);
    if (file >= 0 && H5Fclose(file) < 0 && status == NF_OK)
        status = nf_h5_fail(writer->target, NULL, "cannot be written");
    return status;
}

nf_status nf_h5_finish(void *state)
{
    const h5_writer *writer = state;
    nf_status status = writer->sealed ? put_checksum(writer) : NF_OK;
    if (status == NF_OK)
        status = verify(state);
    if (status == NF_OK)
        status = check_original(state);
    nf_h5_abandon(state);
    return status;
}
