/* hdf5.c - what reading and writing of HDF5 share, and the format's methods. */
#include "io/hdf5.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* Plugins that are installed for another build of HDF5 do for this one, too; those of its own folder
 * and of HDF5_PLUGIN_PATH come first. */
static void find_plugins(void)
{
    static bool done;
    if (!done && access(NF_HDF5_PLUGINS, R_OK | X_OK) == 0)
        H5PLappend(NF_HDF5_PLUGINS);
    done = true;
}

hid_t nf_h5_access(const nf_hdf5_hints *hints)
{
    hsize_t alignment = ALIGNMENT;
    if (hints != NULL && hints->alignment > 0)
        alignment = (hsize_t)hints->alignment;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    find_plugins();
    hid_t plist = H5Pcreate(H5P_FILE_ACCESS);
    if (plist >= 0) {
        H5Pset_driver(plist, nf_h5_driver(), NULL);
        H5Pset_alignment(plist, alignment, alignment);
        if (hints != NULL && hints->meta_block > 0)
            H5Pset_meta_block_size(plist, (hsize_t)hints->meta_block);
        if (hints != NULL && hints->latest)
            H5Pset_libver_bounds(plist, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
        H5Pset_fclose_degree(plist, H5F_CLOSE_STRONG);
    }
    return plist;
}

hid_t nf_h5_creation(const nf_hdf5_hints *hints)
{
    hid_t plist = H5Pcreate(H5P_FILE_CREATE);
    if (plist >= 0 && hints->page > 0) {
        H5Pset_file_space_strategy(plist, H5F_FSPACE_STRATEGY_PAGE, false, 1);
        H5Pset_file_space_page_size(plist, (hsize_t)hints->page);
    }
    return plist;
}

hid_t nf_h5_open_file(const char *file, unsigned flags)
{
    hid_t plist = nf_h5_access(NULL);
    hid_t id = H5Fopen(file, flags, plist);
    nf_h5_release(H5Pclose, plist);
    return id;
}

/* ---- one thread of the process at a time, whatever the file ---- */

static pthread_mutex_t in_hdf5 = PTHREAD_MUTEX_INITIALIZER;

static nf_status locate(void *state, const int64_t index[NF_DIMS], nf_chunk *chunk)
{
    nf_h5_enter(((const nf_h5_reader *)state)->path);
    nf_status status = nf_h5_locate(state, index, chunk);
    nf_h5_leave();
    return status;
}

/* ALONE(RESULT, NAME, (PARAMETERS), CALL): a method that waits until no other thread is in HDF5. */
#define ALONE(result_type, name, parameters, call)                                                 \
    static result_type name parameters                                                             \
    {                                                                                              \
        pthread_mutex_lock(&in_hdf5);                                                              \
        result_type result = call;                                                                 \
        pthread_mutex_unlock(&in_hdf5);                                                            \
        return result;                                                                             \
    }
#define ALONE_VOID(name, parameters, call)                                                         \
    static void name parameters                                                                    \
    {                                                                                              \
        pthread_mutex_lock(&in_hdf5);                                                              \
        call;                                                                                      \
        pthread_mutex_unlock(&in_hdf5);                                                            \
    }

ALONE(nf_status, open_alone, (const char *file, const char *dataset, void **state, nf_shape *shape),
      nf_h5_open(file, dataset, state, shape))
ALONE_VOID(layout_alone, (void *state, nf_layout *layout), nf_h5_layout(state, layout))
ALONE(nf_status, locate_alone, (void *state, const int64_t index[NF_DIMS], nf_chunk *chunk),
      locate(state, index, chunk))
ALONE(nf_status, read_alone,
      (void *state, const nf_box *box, void *cells, const ptrdiff_t stride[NF_DIMS]),
      nf_h5_read(state, box, cells, stride))
ALONE(const char *, remark_alone, (void *state), nf_h5_remark(state))
ALONE_VOID(close_alone, (void *state), nf_h5_close(state))
ALONE(bool, checksum_alone, (void *state, uint64_t *sum), nf_h5_checksum(state, sum))
ALONE(nf_status, stack_alone, (const char *file, const char *dataset, int dims, nf_stack *stack),
      nf_h5_stack(file, dataset, dims, stack))
ALONE(nf_status, list_alone, (const char *file, FILE *out), nf_h5_list(file, out))
ALONE(nf_status, create_alone,
      (const char *part, const char *target, const char *dataset, const nf_shape *shape,
       const nf_output *output, void **state, nf_layout *layout),
      nf_h5_create(part, target, dataset, shape, output, state, layout))
ALONE(nf_status, allot_alone,
      (void *state, int64_t item, size_t n, const int64_t (*index)[NF_DIMS], nf_chunk *chunks),
      nf_h5_give_places(state, item, n, index, chunks))
ALONE_VOID(seal_alone, (void *state, const uint64_t *sums), nf_h5_seal(state, sums))
ALONE(nf_status, finish_alone, (void *state), nf_h5_finish(state))
ALONE_VOID(abandon_alone, (void *state), nf_h5_abandon(state))

nf_status nf_h5_has(const char *file, const char *dataset, bool *has)
{
    pthread_mutex_lock(&in_hdf5);
    nf_status status = nf_h5_find(file, dataset, has);
    pthread_mutex_unlock(&in_hdf5);
    return status;
}

static const char *const hdf5_suffixes[] = {".h5", ".hdf5", ".nc", ".nxs", NULL};

const nf_format nf_format_hdf5 = {
    .name = "HDF5",
    .resumes = true,
    .suffixes = hdf5_suffixes,
    .holds = "numbers, 1-D to 3-D, 1 to 4 channels",
    .random_access = true,
    .chunks = true,
    .stores = true,
    .stacks = true,
    .recognise = hdf5_recognise,
    .can_hold = hdf5_can_hold,
    .open = open_alone,
    .layout = layout_alone,
    .locate = locate_alone,
    .dataset = nf_h5_dataset,
    .read = read_alone,
    .remark = remark_alone,
    .close = close_alone,
    .checksum = checksum_alone,
    .stack = stack_alone,
    .list = list_alone,
    .create = create_alone,
    .allot = allot_alone,
    .left = nf_h5_left,
    .seal = seal_alone,
    .finish = finish_alone,
    .abandon = abandon_alone,
};
