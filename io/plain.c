/* plain.c - files of a header and a dense array; and those of an array alone, which users describe. */
#include "io/plain.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/dense.h"
#include "io/extents.h"
#include "io/raw.h"

static const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

/* ---- reading ---- */

nf_status nf_plain_open(const char *file, const nf_layout *layout, void **reader)
{
    nf_layout *kept = malloc(sizeof *kept);
    if (kept == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a reader", file);
    *kept = *layout;
    *reader = kept;
    return NF_OK;
}

void nf_plain_layout(void *reader, nf_layout *layout)
{
    *layout = *(nf_layout *)reader;
}

void nf_plain_close(void *reader)
{
    free(reader);
}

nf_status nf_plain_no_dataset(const char *file, const char *dataset, const char *format)
{
    if (dataset == NULL)
        return NF_OK;
    return nf_fail(NF_ERR_FORMAT, "%s: a %s file has no datasets: leave out :%s", file, format,
                   dataset);
}

/* ---- writing ---- */

nf_status nf_plain_create(const char *part, const char *target, const void *header, size_t bytes,
                          const nf_shape *shape, nf_element element, bool again, void **writer,
                          nf_layout *layout)
{
    *writer = NULL; /* all is said here and now */
    *layout = (nf_layout){.kind = NF_LAYOUT_DENSE, .element = element, .offset = (int64_t)bytes};
    nf_raw raw = {.shape = *shape, .layout = *layout};
    if (again)
        return NF_OK;
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be created: %s", part, strerror(errno));
    nf_status status = nf_bytes_write(fd, 0, (int64_t)bytes, header, target);
    if (status == NF_OK)
        status = nf_raw_reserve(fd, layout->offset, nf_raw_bytes(&raw), target);
    if (close(fd) != 0 && status == NF_OK)
        status = nf_fail(NF_ERR_FILE, "%s: cannot be written: %s", target, strerror(errno));
    return status;
}

nf_status nf_plain_finish(void *writer)
{
    (void)writer;
    return NF_OK;
}

void nf_plain_abandon(void *writer)
{
    (void)writer;
}

/* ---- arrays without a header ---- */

static nf_status parse_extents(const char *text, nf_shape *shape)
{
    int64_t extent[NF_EXTENTS];
    int rank = 0;
    for (const char *at = text;; at++) {
        char *end;
        errno = 0;
        long long value = strtoll(at, &end, 10);
        if (!isdigit((unsigned char)*at) || errno != 0 || rank == NF_EXTENTS ||
            (*end != '\0' && *end != 'x'))
            return nf_fail(
                NF_ERR_USAGE,
                "--shape '%s': expected 1 to 3 extents and, if there are some, channels, "
                "as 512x389x3",
                text);
        extent[rank++] = value;
        at = end;
        if (*at == '\0')
            return nf_extents_shape(rank, extent, "--shape", shape);
    }
}

/* Byte order as a first character (numpy's) or a last word; this machine's by itself. */
static nf_status parse_element(const char *text, nf_element *element)
{
    char name[16];
    size_t length = strlen(text), used = 0;
    bool big = big_endian;
    if (length > 0 && strchr("<>=|", text[0]) != NULL) {
        big = text[0] == '>' || (text[0] != '<' && big_endian);
        used = 1;
    } else if (length > 2 &&
               (strcmp(text + length - 2, "le") == 0 || strcmp(text + length - 2, "be") == 0)) {
        length -= 2;
        big = text[length] == 'b';
    }
    snprintf(name, sizeof name, "%.*s", (int)(length - used), text + used);
    element->type = nf_element_named(name);
    element->swapped = big != big_endian && nf_element_size(element->type) > 1;
    if (element->type != NF_EL_NONE)
        return NF_OK;
    return nf_fail(NF_ERR_USAGE,
                   "--dtype '%s': expected u8 i8 u16 i16 u32 i32 f16 f32 or f64, and le or be "
                   "behind it where the bytes are not in this machine's order",
                   text);
}

nf_status nf_described_parse(const char *shape, const char *dtype, int64_t offset,
                             nf_described *described)
{
    if (shape == NULL || dtype == NULL)
        return nf_fail(NF_ERR_USAGE, "--shape, --dtype and --offset describe an array without a "
                                     "header: the first two must be given");
    *described = (nf_described){.offset = offset};
    nf_status status = parse_element(dtype, &described->element);
    described->shape.dtype = nf_element_dtype(described->element.type);
    if (status == NF_OK)
        status = parse_extents(shape, &described->shape);
    return status == NF_OK ? nf_shape_check(&described->shape, "--shape") : status;
}

static bool raw_can_hold(const nf_shape *shape)
{
    (void)shape;
    return true;
}

static nf_status raw_create(const char *part, const char *target, const char *dataset,
                            const nf_shape *shape, const nf_output *output, void **writer,
                            nf_layout *layout)
{
    (void)dataset;
    return nf_plain_create(part, target, "", 0, shape, nf_output_element(output, shape),
                           output->again, writer, layout);
}

static const char *const raw_suffixes[] = {".raw", ".bin", ".dat", NULL};

/* Read where it is described, never recognised. */
const nf_format nf_format_raw = {
    .name = "raw",
    .resumes = true,
    .stores = true,
    .suffixes = raw_suffixes,
    .holds = "any array",
    .random_access = true,
    .can_hold = raw_can_hold,
    .create = raw_create,
    .finish = nf_plain_finish,
    .abandon = nf_plain_abandon,
};
