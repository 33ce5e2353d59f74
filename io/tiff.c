/* tiff.c - TIFF and BigTIFF by libtiff: the format, and the functions that libtiff works through. */
#include "io/tiff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/engine/dense.h"
#include "io/raw.h"

static bool tiff_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    static const char marks[4][5] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    for (size_t i = 0; i < 4; i++)
        if (bytes >= 4 && memcmp(head, marks[i], 4) == 0)
            return true;
    return false;
}

static const char *const tiff_suffixes[] = {".tif", ".tiff", NULL};

const nf_format nf_format_tiff = {
    .name = "TIFF",
    .resumes = true,
    .compresses = true,
    .stores = true,
    .suffixes = tiff_suffixes,
    .holds = "2-D and 3-D, 1 to 4 channels",
    .random_access = true,
    .recognise = tiff_recognise,
    .can_hold = nf_tiff_can_hold,
    .open = nf_tiff_open_reader,
    .layout = nf_tiff_layout,
    .read_threads = nf_tiff_share,
    .read = nf_tiff_read,
    .metadata = nf_tiff_metadata,
    .checksum = nf_tiff_checksum,
    .close = nf_tiff_close_reader,
    .list = nf_tiff_list,
    .create = nf_tiff_create,
    .write_threads = nf_tiff_write_threads,
    .write_rows = nf_tiff_write_rows,
    .seal = nf_tiff_seal,
    .finish = nf_tiff_finish,
    .abandon = nf_tiff_abandon,
};

/* ---- messages ---- */

/* The first error counts; it is nearest to the cause. */
static void keep_message(nf_tiff *tiff, bool error, const char *format, va_list arguments)
{
    if (tiff->errors == 0 && (error || tiff->warnings == 0))
        vsnprintf(tiff->message, sizeof tiff->message, format, arguments);
    *(error ? &tiff->errors : &tiff->warnings) += 1;
}

void nf_tiff_forget(nf_tiff *tiff)
{
    tiff->errors = tiff->warnings = 0;
    tiff->message[0] = '\0';
}

nf_status nf_tiff_fail(const nf_tiff *tiff, const char *what)
{
    return nf_fail(NF_ERR_FORMAT, "%s: TIFF: %s%s%s", tiff->name, what,
                   tiff->message[0] != '\0' ? ": " : "", tiff->message);
}

/* ---- what libtiff works through ---- */

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t bytes)
{
    nf_tiff *tiff = handle;
    tmsize_t done = 0;
    while (done < bytes) {
        ssize_t got = pread(tiff->fd, (char *)to + done, (size_t)(bytes - done), tiff->at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += got;
        tiff->at += got;
    }
    return done;
}

/* What falls in the hole is not written: others write it. */
static tmsize_t write_bytes(thandle_t handle, void *from, tmsize_t bytes)
{
    nf_tiff *tiff = handle;
    bool others = tiff->at >= tiff->hole[0] && tiff->at < tiff->hole[1];
    if (!others && nf_bytes_write(tiff->fd, tiff->at, bytes, from, tiff->name) != NF_OK) {
        tiff->errors++;
        snprintf(tiff->message, sizeof tiff->message, "%s", strerror(errno));
        return -1;
    }
    if (tiff->text != NULL && (size_t)bytes == strlen(tiff->text) + 1 &&
        memcmp(from, tiff->text, (size_t)bytes) == 0)
        tiff->text_at = tiff->at;
    tiff->at += bytes;
    if (others)
        tiff->place = tiff->at;
    tiff->end = tiff->at > tiff->end ? tiff->at : tiff->end;
    return bytes;
}

static toff_t file_size(thandle_t handle)
{
    struct stat info;
    const nf_tiff *tiff = handle;
    return fstat(tiff->fd, &info) == 0 ? (toff_t)info.st_size : 0;
}

/* libtiff goes to the end of the file to find a place for whatever it writes next. */
static toff_t seek_to(thandle_t handle, toff_t offset, int whence)
{
    nf_tiff *tiff = handle;
    bool writing = tiff->end >= 0;
    int64_t base = 0;
    if (whence == SEEK_CUR)
        base = tiff->at;
    else if (whence == SEEK_END)
        base = !writing ? (int64_t)file_size(handle) : tiff->place >= 0 ? tiff->place : tiff->end;
    if (offset > (toff_t)INT64_MAX - (toff_t)base)
        return (toff_t)-1;
    tiff->at = base + (int64_t)offset;
    return (toff_t)tiff->at;
}

static int close_nothing(thandle_t handle)
{
    (void)handle;
    return 0;
}

#if TIFFLIB_VERSION >= 20221213 /* 4.5: messages and limits of one handle */

static int on_error(TIFF *tif, void *user, const char *module, const char *format,
                    va_list arguments)
{
    (void)tif, (void)module;
    keep_message(user, true, format, arguments);
    return 1;
}

static int on_warning(TIFF *tif, void *user, const char *module, const char *format,
                      va_list arguments)
{
    (void)tif, (void)module;
    keep_message(user, false, format, arguments);
    return 1;
}

static TIFF *open_client(nf_tiff *tiff, const char *mode)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, tiff);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, tiff);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)NF_TIFF_BLOCK);
    TIFF *tif = TIFFClientOpenExt(tiff->name, mode, tiff, read_bytes, write_bytes, seek_to,
                                  close_nothing, file_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tif;
}

#else /* the handle is what the process's handlers are given */

static void on_error(thandle_t handle, const char *module, const char *format, va_list arguments)
{
    (void)module;
    keep_message(handle, true, format, arguments);
}

static void on_warning(thandle_t handle, const char *module, const char *format, va_list arguments)
{
    (void)module;
    keep_message(handle, false, format, arguments);
}

static TIFF *open_client(nf_tiff *tiff, const char *mode)
{
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    TIFFSetErrorHandlerExt(on_error);
    TIFFSetWarningHandlerExt(on_warning);
    return TIFFClientOpen(tiff->name, mode, tiff, read_bytes, write_bytes, seek_to, close_nothing,
                          file_size, NULL, NULL);
}

#endif

nf_status nf_tiff_open(nf_tiff *tiff, const char *mode)
{
    char whole[8];
    nf_tiff_forget(tiff);
    tiff->at = 0;
    tiff->end = mode[0] == 'w' ? 0 : -1;
    snprintf(whole, sizeof whole, "%sm", mode); /* m: no memory mapping, whose reads can crash */
    tiff->tif = open_client(tiff, whole);
    return tiff->tif != NULL ? NF_OK : nf_tiff_fail(tiff, "cannot be opened");
}

void nf_tiff_close(nf_tiff *tiff)
{
    if (tiff->tif != NULL)
        TIFFClose(tiff->tif);
    tiff->tif = NULL;
}
