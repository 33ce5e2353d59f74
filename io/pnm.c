/* pnm.c - binary PNM images as netpbm describes them: P4 (bits), P5, P6, and PAM (P7).
 *
 * Samples of 0 to maxval are scaled to 0 .. 255, or to 0 .. 65535 where maxval is above 255, rounded
 * to nearest, as Pillow does; those above maxval are taken as maxval. Bits become 0 and 255. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "io/image.h"
#include "io/plain.h"
#include "io/pnm.h"
#include "io/raw.h"

static bool pnm_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    return nf_pnm_magic(head, bytes, "4567");
}

bool nf_pnm_magic(const unsigned char *head, size_t bytes, const char *kinds)
{
    return bytes >= 3 && head[0] == 'P' && head[1] != '\0' && strchr(kinds, head[1]) != NULL &&
           (isspace(head[2]) || head[2] == '#');
}

/* ---- headers ---- */

int nf_pnm_next(FILE *file)
{
    int c = getc(file);
    if (c == '#')
        while (c != '\n' && c != '\r' && c != EOF)
            c = getc(file);
    return c;
}

int64_t nf_pnm_number(FILE *file, int64_t most)
{
    int c = nf_pnm_next(file);
    while (isspace(c))
        c = nf_pnm_next(file);
    if (!isdigit(c))
        return -1;
    int64_t value = 0;
    for (; isdigit(c); c = nf_pnm_next(file)) {
        value = 10 * value + (c - '0');
        if (value > most)
            return -1;
    }
    if (c != EOF && !isspace(c))
        return -1;
    return value;
}

/* The lines of a PAM header, up to ENDHDR. */
static bool read_pam(FILE *file, nf_pnm *pnm)
{
    char line[256], key[16];
    long long value;
    pnm->maxval = pnm->width = pnm->height = pnm->channels = -1;
    while (fgets(line, sizeof line, file) != NULL) {
        int found = sscanf(line, "%15s %lld", key, &value);
        if (found < 1 || key[0] == '#')
            continue;
        if (strcmp(key, "ENDHDR") == 0)
            return true;
        int64_t *to = strcmp(key, "WIDTH") == 0    ? &pnm->width
                      : strcmp(key, "HEIGHT") == 0 ? &pnm->height
                      : strcmp(key, "DEPTH") == 0  ? &pnm->channels
                      : strcmp(key, "MAXVAL") == 0 ? &pnm->maxval
                                                   : NULL;
        if (to != NULL)
            *to = found == 2 ? value : -1;
    }
    return false;
}

static bool read_fields(FILE *file, nf_pnm *pnm)
{
    if (getc(file) != 'P')
        return false;
    pnm->kind = getc(file);
    if (pnm->kind == '7')
        return read_pam(file, pnm);
    pnm->width = nf_pnm_number(file, INT32_MAX);
    pnm->height = nf_pnm_number(file, INT32_MAX);
    pnm->channels = pnm->kind == '3' || pnm->kind == '6' ? 3 : 1;
    pnm->maxval = pnm->kind == '1' || pnm->kind == '4' ? 1 : nf_pnm_number(file, UINT16_MAX);
    return true;
}

nf_status nf_pnm_header(FILE *file, const char *name, nf_pnm *pnm, nf_shape *shape)
{
    if (!read_fields(file, pnm) || pnm->maxval < 1 || pnm->maxval > UINT16_MAX || ferror(file))
        return nf_fail(NF_ERR_FORMAT, "%s: PNM: its header is damaged or cut short", name);
    if (pnm->channels < 1 || pnm->channels > NF_MAX_CHANNELS)
        return nf_fail(NF_ERR_FORMAT, "%s: PAM: has %lld samples a pixel; nfold takes 1 to 4", name,
                       (long long)pnm->channels);
    *shape = (nf_shape){{1, pnm->height, pnm->width},
                        2,
                        (int)pnm->channels,
                        pnm->maxval > UINT8_MAX ? NF_U16 : NF_U8};
    pnm->offset = ftell(file);
    return nf_shape_check(shape, name);
}

void nf_pnm_scale(int64_t maxval, nf_dtype dtype, int64_t count, void *samples)
{
    int64_t most = dtype == NF_U8 ? UINT8_MAX : UINT16_MAX;
    for (int64_t i = 0; i < count && maxval < most; i++) {
        uint8_t *u8 = (uint8_t *)samples + i;
        uint16_t *u16 = (uint16_t *)samples + i;
        int64_t value = dtype == NF_U8 ? *u8 : *u16;
        value = value < maxval ? (value * most * 2 + maxval) / (2 * maxval) : most;
        if (dtype == NF_U8)
            *u8 = (uint8_t)value;
        else
            *u16 = (uint16_t)value;
    }
}

/* ---- reading ---- */

typedef struct pnm_reader {
    nf_pnm pnm;
    nf_raw raw;     /* P4: of bytes of eight pixels each */
    nf_shape shape; /* of the image */
    char *name;
} pnm_reader;

static void pnm_close(void *state)
{
    pnm_reader *reader = state;
    if (reader == NULL)
        return;
    if (reader->raw.fd >= 0)
        close(reader->raw.fd);
    free(reader->name);
    free(reader);
}

static nf_status open_reader(pnm_reader *reader, const char *file)
{
    static const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    FILE *stream = fopen(file, "rbe");
    if (stream == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    nf_status status = nf_pnm_header(stream, file, &reader->pnm, &reader->shape);
    fclose(stream);
    nf_shape stored = reader->shape;
    if (reader->pnm.kind == '4')
        stored.dim[2] = (stored.dim[2] + 7) / 8;
    nf_element element = nf_element_native(stored.dtype);
    element.swapped = little && stored.dtype == NF_U16;
    reader->name = strdup(file);
    reader->raw = (nf_raw){
        .fd = open(file, O_RDONLY | O_CLOEXEC),
        .name = reader->name,
        .shape = stored,
        .layout = {.kind = NF_LAYOUT_DENSE, .element = element, .offset = reader->pnm.offset}};
    if (status == NF_OK && (reader->raw.fd < 0 || reader->name == NULL))
        status = nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    return status;
}

static nf_status pnm_open(const char *file, const char *dataset, void **state, nf_shape *shape)
{
    nf_status status = nf_plain_no_dataset(file, dataset, "PNM");
    if (status != NF_OK)
        return status;
    pnm_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a reader", file);
    reader->raw.fd = -1;
    status = open_reader(reader, file);
    if (status == NF_OK &&
        lseek(reader->raw.fd, 0, SEEK_END) < reader->pnm.offset + nf_raw_bytes(&reader->raw))
        status =
            nf_fail(NF_ERR_FILE, "%s: PNM: ends before its image does: it was cut short", file);
    if (status == NF_OK)
        status = nf_image_check(&reader->shape, reader->raw.fd, file, "PNM");
    if (status != NF_OK) {
        pnm_close(reader);
        return status;
    }
    *shape = reader->shape;
    *state = reader;
    return NF_OK;
}

static void pnm_layout(void *state, nf_layout *layout)
{
    const pnm_reader *reader = state;
    if (reader->pnm.maxval == UINT8_MAX || reader->pnm.maxval == UINT16_MAX)
        *layout = reader->raw.layout;
}

/* A row of a P4 image: a bit that is set is black. */
static nf_status read_bits(const pnm_reader *reader, int64_t y, int64_t x0, int64_t x1, uint8_t *to,
                           uint8_t *bytes)
{
    nf_box box = {{0, y, x0 / 8}, {1, y + 1, (x1 + 7) / 8}};
    ptrdiff_t stride[NF_DIMS] = {0, 0, 1};
    nf_status status = nf_raw_read(&reader->raw, &box, bytes, stride);
    for (int64_t x = x0; x < x1 && status == NF_OK; x++)
        to[x - x0] = bytes[x / 8 - x0 / 8] >> (7 - x % 8) & 1 ? 0 : UINT8_MAX;
    return status;
}

/* Boxes of images that are no dense array of full-range samples. */
static nf_status pnm_read(void *state, const nf_box *box, void *cells,
                          const ptrdiff_t stride[NF_DIMS])
{
    const pnm_reader *reader = state;
    bool bits = reader->pnm.kind == '4';
    uint8_t *bytes = bits ? malloc((size_t)reader->raw.shape.dim[2]) : NULL;
    nf_status status = NF_OK;
    if (bits && bytes == NULL)
        return nf_fail(NF_ERR_MEMORY, "%s: no memory for a row", reader->name);
    if (!bits)
        status = nf_raw_read(&reader->raw, box, cells, stride);
    int64_t samples = nf_box_extent(box, 2) * reader->shape.channels;
    for (int64_t y = box->lo[1]; y < box->hi[1] && status == NF_OK; y++) {
        ptrdiff_t row =
            (y - box->lo[1]) * stride[1] * (ptrdiff_t)nf_dtype_size(reader->shape.dtype);
        if (bits)
            status = read_bits(reader, y, box->lo[2], box->hi[2], (uint8_t *)cells + row, bytes);
        else
            nf_pnm_scale(reader->pnm.maxval, reader->shape.dtype, samples, (char *)cells + row);
    }
    free(bytes);
    return status;
}

/* ---- writing ---- */

static bool pnm_can_hold(const nf_shape *shape)
{
    return shape->ndim == 2 && (shape->dtype == NF_U8 || shape->dtype == NF_U16) &&
           shape->dim[1] <= INT32_MAX && shape->dim[2] <= INT32_MAX;
}

static nf_status make_header(const char *target, const nf_shape *shape, char *header, size_t room)
{
    static const char *const tuples[] = {"", "GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA"};
    const char *suffix = strrchr(target, '.');
    int channels = shape->channels, maxval = shape->dtype == NF_U8 ? UINT8_MAX : UINT16_MAX;
    long long height = shape->dim[1], width = shape->dim[2];
    bool pgm = strcasecmp(suffix, ".pgm") == 0, ppm = strcasecmp(suffix, ".ppm") == 0;
    bool pam = strcasecmp(suffix, ".pam") == 0;
    const char *fits = channels == 1 ? ".pgm" : channels == 3 ? ".ppm" : ".pam";
    if (!pam && ((pgm && channels != 1) || (ppm && channels != 3) || channels % 2 == 0))
        return nf_fail(NF_ERR_SHAPE, "%s: a %s file cannot hold %d channels; name it %s", target,
                       suffix, channels, fits);
    if (pam)
        snprintf(header, room,
                 "P7\nWIDTH %lld\nHEIGHT %lld\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n", width,
                 height, channels, maxval, tuples[channels]);
    else
        snprintf(header, room, "P%d\n%lld %lld\n%d\n", channels == 1 ? 5 : 6, width, height,
                 maxval);
    return NF_OK;
}

static nf_status pnm_create(const char *part, const char *target, const char *dataset,
                            const nf_shape *shape, const nf_output *output, void **writer,
                            nf_layout *layout)
{
    (void)dataset, (void)output;
    static const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    char header[256];
    nf_element element = nf_element_native(shape->dtype);
    nf_status status = make_header(target, shape, header, sizeof header);
    element.swapped = little && shape->dtype == NF_U16;
    if (status != NF_OK)
        return status;
    return nf_plain_create(part, target, header, strlen(header), shape, element, false, writer,
                           layout);
}

static const char *const pnm_suffixes[] = {".pgm", ".ppm", ".pnm", ".pam", NULL};

const nf_format nf_format_pnm = {
    .name = "PNM",
    .suffixes = pnm_suffixes,
    .holds = "u8 or u16, 2-D, 1 channel as .pgm, 3 as .ppm, 1 to 4 as .pam",
    .random_access = true,
    .recognise = pnm_recognise,
    .can_hold = pnm_can_hold,
    .open = pnm_open,
    .layout = pnm_layout,
    .read = pnm_read,
    .close = pnm_close,
    .create = pnm_create,
    .finish = nf_plain_finish,
    .abandon = nf_plain_abandon,
};
