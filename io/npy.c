/* npy.c - NumPy's .npy files, versions 1 to 3, as numpy.lib.format describes them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/dense.h"
#include "io/extents.h"
#include "io/plain.h"
#include "io/raw.h"

enum {
    MOST_EXTENTS = 32, /* numpy's own limit */
    MOST_HEADER = 1 << 20,
    ALIGN = 64 /* of the array in a file that is written */
};

static bool npy_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    return bytes >= 8 && memcmp(head, "\x93NUMPY", 6) == 0;
}

static bool npy_can_hold(const nf_shape *shape)
{
    (void)shape;
    return true;
}

/* ---- reading ---- */

/* What the header's dictionary says. */
typedef struct npy_header {
    char descr[32];
    bool fortran;
    int rank;
    int64_t extent[MOST_EXTENTS];
} npy_header;

/* Behind `'key':` and blanks, or NULL. */
static const char *value_of(const char *text, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s'", key);
    const char *at = strstr(text, quoted);
    if (at == NULL)
        return NULL;
    at += strlen(quoted);
    at += strspn(at, " ");
    return *at == ':' ? at + 1 + strspn(at + 1, " ") : NULL;
}

/* A tuple of whole numbers: (), (3,) or (3, 4); Python 2 puts an L behind large ones. */
static bool parse_tuple(const char *at, npy_header *header)
{
    if (*at++ != '(')
        return false;
    for (header->rank = 0;; header->rank++) {
        char *end;
        at += strspn(at, " ");
        if (*at == ')')
            return true;
        errno = 0;
        long long value = strtoll(at, &end, 10);
        if (end == at || errno != 0 || value < 0 || header->rank == MOST_EXTENTS)
            return false;
        header->extent[header->rank] = value;
        at = end + (*end == 'L');
        at += strspn(at, " ");
        if (*at != ',' && *at != ')')
            return false;
        at += *at == ',';
    }
}

static bool parse_header(const char *text, npy_header *header)
{
    const char *descr = value_of(text, "descr"), *order = value_of(text, "fortran_order");
    const char *shape = value_of(text, "shape");
    if (descr == NULL || order == NULL || shape == NULL || !parse_tuple(shape, header))
        return false;
    if (strncmp(order, "True", 4) != 0 && strncmp(order, "False", 5) != 0)
        return false;
    header->fortran = order[0] == 'T';
    size_t length = *descr == '\'' ? strcspn(descr + 1, "'") : 0;
    snprintf(header->descr, sizeof header->descr, "%.*s", (int)length, descr + 1);
    return true;
}

/* numpy's names: kind and bytes behind the byte order. Booleans are bytes of 0 and 1. */
static nf_status element_of(const char *file, const char *descr, nf_element *element)
{
    static const struct {
        const char *name;
        nf_element_type type;
    } types[] = {{"b1", NF_EL_U8},  {"u1", NF_EL_U8},  {"i1", NF_EL_I8},  {"u2", NF_EL_U16},
                 {"i2", NF_EL_I16}, {"u4", NF_EL_U32}, {"i4", NF_EL_I32}, {"f2", NF_EL_F16},
                 {"f4", NF_EL_F32}, {"f8", NF_EL_F64}};
    static const char other = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<';
    bool order = descr[0] != '\0' && strchr("<>=|", descr[0]) != NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(descr + order, types[i].name) == 0) {
            element->type = types[i].type;
            element->swapped = descr[0] == other && nf_element_size(element->type) > 1;
            return NF_OK;
        }
    return nf_fail(NF_ERR_FORMAT,
                   "%s: its elements are %s%s; nfold takes b1 u1 i1 u2 i2 u4 i4 f2 f4 and f8: save "
                   "it by numpy.save(FILE, a.astype('f8'))",
                   file, descr[0] != '\0' ? "of numpy's type " : "records",
                   descr[0] != '\0' ? descr : "");
}

/* The header's text, which the caller frees, and the position behind it. */
static nf_status read_text(int fd, const char *file, char **text, int64_t *end)
{
    unsigned char head[12];
    nf_status status = nf_bytes_read(fd, 0, sizeof head, head, file);
    if (status != NF_OK)
        return status;
    if (head[6] < 1 || head[6] > 3)
        return nf_fail(NF_ERR_FORMAT, "%s: is of NumPy's format %d.%d; nfold reads 1.0 to 3.0",
                       file, head[6], head[7]);
    int64_t begin = head[6] == 1 ? 10 : 12;
    int64_t bytes = head[8] | head[9] << 8;
    if (head[6] > 1)
        bytes |= (int64_t)head[10] << 16 | (int64_t)head[11] << 24;
    if (bytes > MOST_HEADER)
        return nf_fail(NF_ERR_FORMAT, "%s: a NumPy header of %lld bytes; is it damaged?", file,
                       (long long)bytes);
    *text = calloc(1, (size_t)bytes + 1);
    if (*text == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a header", file);
    *end = begin + bytes;
    return nf_bytes_read(fd, begin, bytes, *text, file);
}

static nf_status read_header(const char *file, npy_header *header, int64_t *end)
{
    char *text = NULL;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    nf_status status = read_text(fd, file, &text, end);
    if (status == NF_OK && !parse_header(text, header))
        status = nf_fail(NF_ERR_FORMAT, "%s: its NumPy header cannot be read: %.80s", file, text);
    free(text);
    close(fd);
    return status;
}

static bool is_line(const npy_header *header)
{
    int longer = 0;
    for (int d = 0; d < header->rank; d++)
        longer += header->extent[d] > 1;
    return longer <= 1;
}

static nf_status npy_open(const char *file, const char *dataset, void **reader, nf_shape *shape)
{
    npy_header header;
    nf_layout layout = {.kind = NF_LAYOUT_DENSE};
    nf_status status = nf_plain_no_dataset(file, dataset, "NumPy");
    if (status == NF_OK)
        status = read_header(file, &header, &layout.offset);
    if (status == NF_OK)
        status = element_of(file, header.descr, &layout.element);
    if (status == NF_OK)
        status = nf_extents_shape(header.rank, header.extent, file, shape);
    if (status != NF_OK)
        return status;
    if (header.fortran && !is_line(&header))
        return nf_fail(NF_ERR_FORMAT,
                       "%s: is in Fortran order; save it by "
                       "numpy.save(FILE, numpy.ascontiguousarray(a))",
                       file);
    shape->dtype = nf_element_dtype(layout.element.type);
    status = nf_shape_check(shape, file);
    return status == NF_OK ? nf_plain_open(file, &layout, reader) : status;
}

/* ---- writing ---- */

static const char *descr_of(nf_element_type type)
{
    static const char *const names[NF_EL_TYPES] = {
        [NF_EL_U8] = "u1",  [NF_EL_I8] = "i1",  [NF_EL_U16] = "u2", [NF_EL_I16] = "i2",
        [NF_EL_U32] = "u4", [NF_EL_I32] = "i4", [NF_EL_F32] = "f4", [NF_EL_F64] = "f8",
    };
    return names[type];
}

enum { HEADER = 256 };

/* Version 1.0. Returns its bytes, a multiple of ALIGN. */
static size_t make_header(const nf_shape *shape, nf_element_type type, char header[HEADER])
{
    static const char native = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';
    int64_t extent[NF_EXTENTS];
    int rank = nf_extents_of(shape, extent), used = 10;
    char order = nf_element_size(type) > 1 ? native : '|';
    used += snprintf(header + used, HEADER - (size_t)used,
                     "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order, descr_of(type));
    for (int d = 0; d < rank; d++)
        used += snprintf(header + used, HEADER - (size_t)used, "%s%lld%s", d > 0 ? " " : "",
                         (long long)extent[d], d < rank - 1 || rank == 1 ? "," : "");
    used += snprintf(header + used, HEADER - (size_t)used, "), }");
    size_t bytes = nf_round_up((size_t)used + 1, ALIGN);
    memset(header + used, ' ', bytes - (size_t)used);
    header[bytes - 1] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)((bytes - 10) & 255);
    header[9] = (char)((bytes - 10) >> 8);
    return bytes;
}

static nf_status npy_create(const char *part, const char *target, const char *dataset,
                            const nf_shape *shape, const nf_output *output, void **writer,
                            nf_layout *layout)
{
    (void)dataset;
    char header[HEADER];
    nf_element element = nf_output_element(output, shape);
    size_t bytes = make_header(shape, element.type, header);
    return nf_plain_create(part, target, header, bytes, shape, element, output->again, writer,
                           layout);
}

static const char *const npy_suffixes[] = {".npy", NULL};

const nf_format nf_format_npy = {
    .name = "NumPy",
    .resumes = true,
    .stores = true,
    .suffixes = npy_suffixes,
    .holds = "any array",
    .random_access = true,
    .recognise = npy_recognise,
    .can_hold = npy_can_hold,
    .open = npy_open,
    .layout = nf_plain_layout,
    .close = nf_plain_close,
    .create = npy_create,
    .finish = nf_plain_finish,
    .abandon = nf_plain_abandon,
};
