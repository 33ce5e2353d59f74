#include "io/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const nf_format *const formats[] = {
    &nf_format_png, &nf_format_jpeg,     &nf_format_hdf5, &nf_format_npy, &nf_format_tiff,
    &nf_format_pnm, &nf_format_pnm_text, &nf_format_pfm,  &nf_format_raw,
};

const nf_format *nf_format_at(size_t index)
{
    return index < sizeof formats / sizeof *formats ? formats[index] : NULL;
}

/* ---- what else a file may be ---- */

typedef struct look {
    const char *magic;
    size_t length, at;
    const char *name;
} look;

/* From the formats' specifications and file(1)'s list. */
static const look looks[] = {
    {"GIF8", 4, 0, "a GIF image"},
    {"BM", 2, 0, "a BMP image"},
    {"WEBP", 4, 8, "a WebP image"},
    {"\0\0\0\x0cjP  ", 8, 0, "a JPEG 2000 image"},
    {"\xff\x4f\xff\x51", 4, 0, "a JPEG 2000 codestream"},
    {"\x76\x2f\x31\x01", 4, 0, "an OpenEXR image"},
    {"CDF\x01", 4, 0, "a netCDF-3 file"},
    {"CDF\x02", 4, 0, "a netCDF-3 file"},
    {"CDF\x05", 4, 0, "a netCDF-3 file"},
    {"\x0e\x03\x13\x01", 4, 0, "an HDF4 file"},
    {"SIMPLE  =", 9, 0, "a FITS file"},
    {"\x1f\x8b", 2, 0, "gzip-compressed data"},
    {"BZh", 3, 0, "bzip2-compressed data"},
    {"\xfd"
     "7zXZ",
     5, 0, "xz-compressed data"},
    {"\x28\xb5\x2f\xfd", 4, 0, "zstd-compressed data"},
    {"PK\x03\x04", 4, 0, "a zip archive (such as NumPy's .npz)"},
    {"%PDF", 4, 0, "a PDF document"},
};

static bool is_text(const unsigned char *head, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((head[i] < 32 || head[i] == 127) && strchr("\t\n\r\f", head[i]) == NULL)
            return false;
    return memchr(head, 0, bytes) == NULL;
}

static const char *looks_like(const unsigned char *head, size_t bytes, char unknown[64])
{
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (bytes >= looks[i].at + looks[i].length &&
            memcmp(head + looks[i].at, looks[i].magic, looks[i].length) == 0)
            return looks[i].name;
    if (is_text(head, bytes))
        return "text";
    int used = snprintf(unknown, 64, "unknown binary data (");
    for (size_t i = 0; i < bytes && i < 8; i++)
        used += snprintf(unknown + used, 64 - (size_t)used, i > 0 ? " %02x" : "%02x", head[i]);
    snprintf(unknown + used, 64 - (size_t)used, " ...)");
    return unknown;
}

/* ---- recognition ---- */

static size_t read_head(int fd, int64_t at, unsigned char head[NF_HEAD])
{
    ssize_t got;
    do
        got = pread(fd, head, NF_HEAD, at);
    while (got < 0 && errno == EINTR);
    return got > 0 ? (size_t)got : 0;
}

static bool hdf5_behind(int fd, int64_t size, int64_t *user_block)
{
    unsigned char head[NF_HEAD];
    for (int64_t at = 0; at < size; at = at == 0 ? 512 : 2 * at)
        if (nf_format_hdf5.recognise(head, read_head(fd, at, head))) {
            *user_block = at;
            return true;
        }
    return false;
}

bool nf_content_is_hdf5(const char *file, int64_t *user_block)
{
    struct stat info;
    int64_t at = 0;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool found =
        fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && hdf5_behind(fd, info.st_size, &at);
    close(fd);
    if (user_block != NULL)
        *user_block = at;
    return found;
}

static void list_formats(char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; nf_format_at(i) != NULL && used < room; i++)
        if (nf_format_at(i)->recognise != NULL)
            used += (size_t)snprintf(text + used, room - used, "%s%s", i == 0 ? "" : ", ",
                                     nf_format_at(i)->name);
}

static nf_status recognise(int fd, const char *file, int64_t size, const nf_format **format)
{
    unsigned char head[NF_HEAD];
    size_t bytes = read_head(fd, 0, head);
    if (bytes == 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be read: %s", file,
                       errno != 0 ? strerror(errno) : "it ends at once");
    for (size_t i = 0; (*format = nf_format_at(i)) != NULL; i++)
        if ((*format)->recognise != NULL && (*format)->recognise(head, bytes))
            return NF_OK;
    int64_t user_block;
    *format = &nf_format_hdf5;
    if (hdf5_behind(fd, size, &user_block))
        return NF_OK;
    char unknown[64], known[128];
    list_formats(known, sizeof known);
    return nf_fail(
        NF_ERR_FORMAT,
        "%s: looks like %s; nfold reads %s: convert it first, or, if it is a bare array, "
        "say which by --shape and --dtype",
        file, looks_like(head, bytes, unknown), known);
}

/* A name typed as FILE.h5:name, which is not how a dataset is named. */
static const char *colon_hint(const char *file)
{
    return strstr(file, ".h5:") != NULL || strstr(file, ".hdf5:") != NULL
               ? " (a dataset is named as FILE:/dataset, with a slash)"
               : "";
}

nf_status nf_content_regular(const char *file)
{
    struct stat info;
    if (stat(file, &info) != 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s%s", file, strerror(errno),
                       colon_hint(file));
    if (S_ISDIR(info.st_mode))
        return nf_fail(NF_ERR_FILE, "%s: is a directory; name a file in it", file);
    if (!S_ISREG(info.st_mode))
        return nf_fail(NF_ERR_FILE, "%s: is no regular file; copy its content to one", file);
    return NF_OK;
}

nf_status nf_content_format(const char *file, const nf_format **format)
{
    struct stat info;
    nf_status status = nf_content_regular(file);
    if (status != NF_OK)
        return status;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    errno = 0;
    status = info.st_size == 0 ? nf_fail(NF_ERR_FORMAT, "%s: is an empty file", file)
                               : recognise(fd, file, info.st_size, format);
    close(fd);
    return status;
}

/* ---- suffixes ---- */

static bool has_suffix(const char *file, const char *suffix)
{
    size_t length = strlen(file), tail = strlen(suffix);
    return length > tail && strcasecmp(file + length - tail, suffix) == 0;
}

nf_status nf_suffix_format(const char *file, const nf_format **format)
{
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; (*format = nf_format_at(i)) != NULL; i++)
        for (const char *const *suffix = (*format)->suffixes; *suffix != NULL; suffix++) {
            if (has_suffix(file, *suffix))
                return NF_OK;
            if (used < sizeof known)
                used += (size_t)snprintf(known + used, sizeof known - used, " %s", *suffix);
        }
    return nf_fail(NF_ERR_USAGE, "%s: unknown suffix for an output; known are%s", file, known);
}
