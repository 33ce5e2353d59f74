/* hdf5_driver.c - how HDF5 reaches its files here: plain reads and writes, as its own POSIX driver
 * does, that can be told to note where elements lie instead of moving them. HDF5 1.10 has no other
 * call that gives a chunk a place without writing it, and none that tells a chunk's place without
 * looking at all others. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hdf5.h"

typedef struct driver_file {
    H5FD_t shared; /* HDF5's part; first */
    int fd;
    haddr_t eoa, eof; /* ends of what HDF5 has given out, and of the file */
    dev_t device;
    ino_t inode;
    nf_h5_transfer *noted; /* NULL: elements are moved */
    bool dropped;          /* nothing is written any more */
} driver_file;

enum { MAX_OFFSET_BITS = 63, CALL = 1 << 30 };

/* HDF5's message becomes the system's. */
static herr_t driver_fail(const char *what)
{
    H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_IO, H5E_SEEKERROR,
             "%s: %s", what, errno != 0 ? strerror(errno) : "the file ends too early");
    return -1;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t plist, haddr_t most)
{
    struct stat info;
    int how = O_CLOEXEC | (flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY);
    how |= (flags & H5F_ACC_TRUNC ? O_TRUNC : 0) | (flags & H5F_ACC_CREAT ? O_CREAT : 0) |
           (flags & H5F_ACC_EXCL ? O_EXCL : 0);
    (void)plist, (void)most;
    driver_file *file = calloc(1, sizeof *file);
    int fd = file != NULL ? open(name, how, 0666) : -1;
    if (fd < 0 || fstat(fd, &info) != 0) {
        driver_fail("cannot be opened");
        if (fd >= 0)
            close(fd);
        free(file);
        return NULL;
    }
    file->fd = fd;
    file->eof = (haddr_t)info.st_size;
    file->device = info.st_dev;
    file->inode = info.st_ino;
    return &file->shared;
}

static herr_t driver_close(H5FD_t *shared)
{
    driver_file *file = (driver_file *)shared;
    herr_t result = close(file->fd) == 0 ? 0 : driver_fail("cannot be closed");
    free(file);
    return result;
}

static int driver_cmp(const H5FD_t *left, const H5FD_t *right)
{
    const driver_file *a = (const driver_file *)left, *b = (const driver_file *)right;
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    return a->inode == b->inode ? 0 : a->inode < b->inode ? -1 : 1;
}

static herr_t driver_query(const H5FD_t *shared, unsigned long *flags)
{
    (void)shared;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t driver_eoa(const H5FD_t *shared, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)shared)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *shared, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((driver_file *)shared)->eoa = address;
    return 0;
}

static haddr_t driver_eof(const H5FD_t *shared, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)shared)->eof;
}

static herr_t driver_handle(H5FD_t *shared, hid_t plist, void **handle)
{
    (void)plist;
    *handle = shared;
    return 0;
}

/* Whether this is a transfer of elements that is to be noted only. */
static bool noted(const driver_file *file, H5FD_mem_t type, haddr_t address, size_t bytes)
{
    if (file->noted == NULL || type != H5FD_MEM_DRAW)
        return false;
    *file->noted = (nf_h5_transfer){
        .count = file->noted->count + 1, .address = (int64_t)address, .bytes = (int64_t)bytes};
    return true;
}

/* What HDF5 gave out and never wrote reads as zeros, also behind the end of the file. */
static herr_t driver_read(H5FD_t *shared, H5FD_mem_t type, hid_t plist, haddr_t address,
                          size_t bytes, void *to)
{
    const driver_file *file = (const driver_file *)shared;
    char *at = to;
    (void)plist;
    if (noted(file, type, address, bytes))
        return 0;
    while (bytes > 0) {
        ssize_t done = pread(file->fd, at, bytes < CALL ? bytes : CALL, (off_t)address);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return driver_fail("cannot be read");
        if (done == 0) {
            memset(at, 0, bytes);
            return 0;
        }
        at += done, address += (haddr_t)done, bytes -= (size_t)done;
    }
    return 0;
}

static herr_t driver_write(H5FD_t *shared, H5FD_mem_t type, hid_t plist, haddr_t address,
                           size_t bytes, const void *from)
{
    driver_file *file = (driver_file *)shared;
    const char *at = from;
    (void)plist;
    if (noted(file, type, address, bytes))
        return 0;
    while (bytes > 0 && !file->dropped) {
        ssize_t done = pwrite(file->fd, at, bytes < CALL ? bytes : CALL, (off_t)address);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return driver_fail("cannot be written");
        at += done, address += (haddr_t)done, bytes -= (size_t)done;
        file->eof = address > file->eof ? address : file->eof;
    }
    return 0;
}

static herr_t driver_truncate(H5FD_t *shared, hid_t plist, hbool_t closing)
{
    driver_file *file = (driver_file *)shared;
    struct stat info;
    (void)plist, (void)closing;
    if (file->dropped)
        return 0;
    if (fstat(file->fd, &info) != 0) /* others may have written elements meanwhile */
        return driver_fail("has no size");
    if ((haddr_t)info.st_size != file->eoa && ftruncate(file->fd, (off_t)file->eoa) != 0)
        return driver_fail("cannot be given its size");
    file->eof = file->eoa;
    return 0;
}

/* File systems without locks are used without. */
static herr_t driver_lock(H5FD_t *shared, hbool_t writing)
{
    int how = (writing ? LOCK_EX : LOCK_SH) | LOCK_NB;
    if (flock(((driver_file *)shared)->fd, how) == 0 || errno == ENOSYS || errno == EOPNOTSUPP)
        return 0;
    return driver_fail("is in use by another program (HDF5_USE_FILE_LOCKING=FALSE overrules that)");
}

static herr_t driver_unlock(H5FD_t *shared)
{
    flock(((driver_file *)shared)->fd, LOCK_UN);
    return 0;
}

hid_t nf_h5_driver(void)
{
    static const H5FD_class_t methods = {
#ifdef H5FD_CLASS_VERSION
        .version = H5FD_CLASS_VERSION,
        .value = (H5FD_class_value_t)700, /* of those that are free for tests and own use */
#endif
        .name = "nfold",
        .maxaddr = ((haddr_t)1 << MAX_OFFSET_BITS) - 1,
        .fc_degree = H5F_CLOSE_WEAK,
        .open = driver_open,
        .close = driver_close,
        .cmp = driver_cmp,
        .query = driver_query,
        .get_eoa = driver_eoa,
        .set_eoa = driver_set_eoa,
        .get_eof = driver_eof,
        .get_handle = driver_handle,
        .read = driver_read,
        .write = driver_write,
        .truncate = driver_truncate,
        .lock = driver_lock,
        .unlock = driver_unlock,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    static hid_t driver = -1;
    if (driver < 0)
        driver = H5FDregister(&methods);
    return driver;
}

bool nf_h5_note(hid_t file, nf_h5_transfer *note)
{
    void *handle;
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0)
        return false;
    ((driver_file *)handle)->noted = note;
    return true;
}

herr_t nf_h5_close_file(hid_t file, bool keep)
{
    void *handle = NULL;
    herr_t result = keep ? H5Fflush(file, H5F_SCOPE_GLOBAL) : 0;
    if (keep && result >= 0)
        return H5Fclose(file);
    hid_t stack = H5Eget_current_stack();
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0)
        ((driver_file *)handle)->dropped = true;
    H5Fclose(file);
    H5Eset_current_stack(stack);
    return result;
}
