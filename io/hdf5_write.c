/* hdf5_write.c - one process lays the file out with a dataset; the elements go to their places in
 * the file by plain writes, which no number of processes can reorder or lose without an
 * error. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/chunks.h"
#include "io/content.h"
#include "io/hdf5.h"
#include "io/note.h"
#include "io/part.h"
#include "io/raw.h"

#define DEFAULT_DATASET "/data"
#define NEXUS_DATASET   "/entry/data/data"

/* ---- attributes ---- */

/* The HDF5 Image and Palette Specification, version 1.2. */
static bool put_image_attributes(hid_t dataset, const nf_shape *shape)
{
    static const uint8_t range[] = {0, 255}, black = 0;
    bool colour = shape->channels == 3;
    if (!nf_h5_put_text(dataset, "CLASS", "IMAGE") ||
        !nf_h5_put_text(dataset, "IMAGE_VERSION", "1.2") ||
        !nf_h5_put_text(dataset, "IMAGE_SUBCLASS", colour ? "IMAGE_TRUECOLOR" : "IMAGE_GRAYSCALE"))
        return false;
    if (colour)
        return nf_h5_put_text(dataset, "INTERLACE_MODE", "INTERLACE_PIXEL");
    return nf_h5_put(dataset, "IMAGE_MINMAXRANGE", H5T_NATIVE_UINT8, 2, range) &&
           nf_h5_put(dataset, "IMAGE_WHITE_IS_ZERO", H5T_NATIVE_UINT8, 0, &black);
}

static bool put_attributes(hid_t dataset, const nf_shape *shape, nf_element_type type,
                           const nf_output *output)
{
    nf_note notes[NF_NOTES];
    nf_notes(output->provenance, notes);
    bool image =
        shape->ndim == 2 && shape->channels % 2 == 1 && type == NF_EL_U8 && output->stack.dims == 0;
    bool fine = (!image || put_image_attributes(dataset, shape)) &&
                nf_h5_put(dataset, "nfold_channels", H5T_NATIVE_INT, 0, &shape->channels);
    for (size_t i = 0; i < NF_NOTES && fine; i++)
        fine = notes[i].text == NULL || nf_h5_put_text(dataset, notes[i].name, notes[i].text);
    static const uint64_t later[NF_SUMS]; /* room is taken now: no disk can be too full for it */
    hsize_t sums = output->stack.dims > 0 ? (hsize_t)nf_stack_items(&output->stack) : 0;
    if (fine && output->checksum)
        fine = nf_h5_put(dataset, NF_NOTE_CHECKSUM, H5T_NATIVE_UINT64, sums, later);
    return fine;
}

/* ---- the place in the file ---- */

typedef struct h5_writer {
    char *part, *target, *dataset;
    int64_t bytes;              /* of all elements in the file */
    nf_layout layout;           /* of an item */
    nf_h5_allotting *allotting; /* chunks; otherwise NULL */
    char left[512];             /* attributes that were not kept */
    const uint64_t *checksums;  /* that the attribute is to be set to; NULL: there is none */
    struct stat original;       /* the target at the beginning; zeros: there was none */
} h5_writer;

void nf_h5_abandon(void *state)
{
    h5_writer *writer = state;
    if (writer == NULL)
        return;
    nf_h5_allot_abandon(writer->allotting);
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

static hid_t create_space(const nf_shape *shape, const nf_stack *stack)
{
    hsize_t extent[NF_H5_RANK];
    int rank = 0;
    while (rank < stack->dims) {
        extent[rank] = (hsize_t)stack->extent[rank];
        rank++;
    }
    for (int d = NF_DIMS - shape->ndim; d < NF_DIMS; d++)
        extent[rank++] = (hsize_t)shape->dim[d];
    if (shape->channels > 1)
        extent[rank++] = (hsize_t)shape->channels;
    return H5Screate_simple(rank, extent, NULL);
}

/* Contiguous, with its place fixed at once, or in chunks; nothing is written there. No times, so that
 * equal work gives equal bytes. */
static hid_t create_dataset(hid_t file, const char *name, const nf_shape *shape,
                            const nf_layout *stored, const nf_output *output)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE), layout = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = create_space(shape, &output->stack), type = nf_h5_file_type(stored->element.type);
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_layout(layout, H5D_CONTIGUOUS);
    H5Pset_alloc_time(layout, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(layout, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(layout, 0);
    hid_t dataset = -1;
    if (stored->kind == NF_LAYOUT_DENSE ||
        nf_h5_chunk_create(layout, shape, &output->stack, stored))
        dataset = H5Dcreate2(file, name, type, space, links, layout, H5P_DEFAULT);
    nf_h5_release(H5Tclose, type);
    nf_h5_release(H5Sclose, space);
    nf_h5_release(H5Pclose, layout);
    nf_h5_release(H5Pclose, links);
    return dataset;
}

/* What stands beside the elements. */
static nf_status describe(hid_t file, hid_t dataset, h5_writer *writer, const nf_shape *shape,
                          const nf_output *output)
{
    nf_status status = nf_h5_keep(file, dataset, writer->dataset, writer->target, shape, output,
                                  writer->left, sizeof writer->left);
    if (status == NF_OK && !put_attributes(dataset, shape, writer->layout.element.type, output))
        status = nf_h5_fail(writer->target, writer->dataset, "its attributes cannot be written");
    if (status == NF_OK && output->nexus)
        status = nf_h5_nexus_put(file, dataset, writer->dataset, writer->target, shape);
    return status;
}

static nf_status fill_file(hid_t file, h5_writer *writer, const nf_shape *shape,
                           const nf_output *output)
{
    nf_status status = make_way(file, writer);
    if (status != NF_OK)
        return status;
    hid_t dataset = create_dataset(file, writer->dataset, shape, &writer->layout, output);
    if (dataset < 0)
        return nf_h5_fail(writer->target, writer->dataset, "cannot be created");
    haddr_t offset = H5Dget_offset(dataset);
    if (offset == HADDR_UNDEF && writer->layout.kind == NF_LAYOUT_DENSE)
        status = nf_h5_fail(writer->target, writer->dataset, "has no place in the file");
    else
        status = describe(file, dataset, writer, shape, output);
    writer->layout.offset = (int64_t)offset;
    H5Dclose(dataset);
    return status;
}

const char *nf_h5_left(void *state)
{
    const h5_writer *writer = state;
    return writer->left[0] != '\0' ? writer->left : NULL;
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

nf_status nf_h5_find(const char *path, const char *dataset, bool *has)
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
static nf_status make_part(h5_writer *writer, bool named, const nf_hdf5_hints *hints, hid_t *file)
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
        hid_t access = nf_h5_access(hints);
        if (status == NF_OK && (*file = H5Fopen(writer->part, H5F_ACC_RDWR, access)) < 0)
            status = nf_h5_fail(writer->target, NULL, "a copy of it cannot be opened for writing");
        nf_h5_release(H5Pclose, access);
    } else if (status == NF_OK) {
        hid_t access = nf_h5_access(hints), create = nf_h5_creation(hints);
        *file = H5Fcreate(writer->part, H5F_ACC_EXCL, create, access);
        if (*file < 0)
            status = nf_h5_fail(writer->target, NULL, "cannot be created");
        nf_h5_release(H5Pclose, create);
        nf_h5_release(H5Pclose, access);
    }
    return status;
}

/* Chunks as they are come behind what there is; how long compressed ones become shows later. */
static nf_status reserve(const h5_writer *writer, const nf_shape *shape, const nf_output *output)
{
    const nf_layout *layout = &writer->layout;
    int64_t offset = layout->offset, bytes = writer->bytes;
    struct stat info;
    if (layout->ncodecs > 0)
        return NF_OK;
    int fd = open(writer->part, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", writer->part, strerror(error));
    }
    if (layout->kind == NF_LAYOUT_CHUNKS) {
        offset = info.st_size;
        bytes = nf_chunk_count(shape, layout) * nf_stack_items(&output->stack) *
                nf_chunk_bytes(shape, layout);
    }
    nf_status status = nf_raw_reserve(fd, offset, bytes, writer->target);
    close(fd);
    return status;
}

static nf_status lay_out(h5_writer *writer, bool named, const nf_shape *shape,
                         const nf_output *output)
{
    hid_t file = -1;
    nf_status status = make_part(writer, named, &output->hints, &file);
    if (status != NF_OK)
        return status;
    status = fill_file(file, writer, shape, output);
    if (nf_h5_close_file(file, status == NF_OK) < 0 && status == NF_OK)
        status = nf_h5_fail(writer->target, NULL, "cannot be written");
    if (status == NF_OK)
        status = reserve(writer, shape, output);
    if (status == NF_OK && writer->layout.kind == NF_LAYOUT_CHUNKS)
        status = nf_h5_allot_begin(writer->part, writer->target, writer->dataset, shape, output,
                                   &writer->layout, &writer->allotting);
    return status;
}

/* The part file as lay_out has left it. */
static nf_status take_up(h5_writer *writer)
{
    hid_t file = nf_h5_open_file(writer->part, H5F_ACC_RDONLY);
    hid_t dataset = file >= 0 ? H5Dopen2(file, writer->dataset, H5P_DEFAULT) : -1;
    haddr_t offset = dataset >= 0 ? H5Dget_offset(dataset) : HADDR_UNDEF;
    nf_status status = NF_OK;
    if (offset == HADDR_UNDEF)
        status = nf_h5_fail(writer->part, writer->dataset, "cannot be taken up");
    writer->layout.offset = (int64_t)offset;
    nf_h5_release(H5Dclose, dataset);
    nf_h5_release(H5Fclose, file);
    if (stat(writer->target, &writer->original) != 0)
        memset(&writer->original, 0, sizeof writer->original);
    return status;
}

nf_status nf_h5_create(const char *part, const char *target, const char *dataset,
                       const nf_shape *shape, const nf_output *output, void **state,
                       nf_layout *layout)
{
    h5_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 writer", target);
    writer->part = strdup(part);
    writer->target = strdup(target);
    writer->dataset = strdup(dataset != NULL ? dataset
                             : output->nexus ? NEXUS_DATASET
                                             : DEFAULT_DATASET);
    writer->layout.element = nf_output_element(output, shape);
    writer->bytes = nf_shape_elements(shape) * nf_stack_items(&output->stack) *
                    (int64_t)nf_element_size(writer->layout.element.type);
    nf_status status = nf_h5_chunk_choose(target, shape, output, &writer->layout);
    if (writer->part == NULL || writer->target == NULL || writer->dataset == NULL)
        status = nf_fail(NF_ERR_MEMORY, "%s: no memory for an HDF5 writer", target);
    if (status == NF_OK)
        status = output->again ? take_up(writer) : lay_out(writer, dataset != NULL, shape, output);
    if (status != NF_OK) {
        nf_h5_abandon(writer);
        return status;
    }
    *state = writer;
    *layout = writer->layout;
    return NF_OK;
}

nf_status nf_h5_give_places(void *state, int64_t item, size_t n, const int64_t (*index)[NF_DIMS],
                            nf_chunk *chunks)
{
    return nf_h5_allot(((h5_writer *)state)->allotting, item, n, index, chunks);
}

/* The file is complete and HDF5 finds the elements where they were written. */
static nf_status verify(const h5_writer *writer)
{
    struct stat info;
    if (stat(writer->part, &info) != 0 || info.st_size < writer->layout.offset + writer->bytes)
        return nf_fail(NF_ERR_FILE, "%s: is shorter than what was written to it", writer->target);
    hid_t file = nf_h5_open_file(writer->part, H5F_ACC_RDONLY);
    if (file < 0)
        return nf_h5_fail(writer->target, NULL, "what was written cannot be opened");
    hid_t dataset = H5Dopen2(file, writer->dataset, H5P_DEFAULT);
    bool fine = dataset >= 0 && H5Dget_offset(dataset) == (haddr_t)writer->layout.offset &&
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

void nf_h5_seal(void *state, const uint64_t *checksums)
{
    h5_writer *writer = state;
    writer->checksums = checksums;
}

static nf_status put_checksum(const h5_writer *writer)
{
    nf_status status = NF_OK;
    hid_t file = nf_h5_open_file(writer->part, H5F_ACC_RDWR);
    hid_t dataset = H5Dopen2(file, writer->dataset, H5P_DEFAULT);
    hid_t attribute = H5Aopen(dataset, NF_NOTE_CHECKSUM, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, H5T_NATIVE_UINT64, writer->checksums) < 0)
        status = nf_h5_fail(writer->target, writer->dataset, "its checksum cannot be written");
    nf_h5_release(H5Aclose, attribute);
    nf_h5_release(H5Dclose, dataset);
    if (file >= 0 && H5Fclose(file) < 0 && status == NF_OK)
        status = nf_h5_fail(writer->target, NULL, "cannot be written");
    return status;
}

nf_status nf_h5_finish(void *state)
{
    h5_writer *writer = state;
    nf_status status = NF_OK;
    if (writer->allotting != NULL)
        status = nf_h5_allot_finish(writer->allotting);
    writer->allotting = NULL;
    if (status == NF_OK && writer->checksums != NULL)
        status = put_checksum(writer);
    if (status == NF_OK && writer->layout.kind == NF_LAYOUT_DENSE)
        status = verify(writer);
    if (status == NF_OK)
        status = check_original(writer);
    nf_h5_abandon(writer);
    return status;
}
