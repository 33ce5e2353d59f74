/* pfm.c - PFM images: f32, one channel (Pf) or three (PF), rows from the lowest to the highest. The
 * scale's sign is the byte order; its magnitude, a unit of radiance, is not applied. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/image.h"
#include "io/plain.h"

static bool pfm_recognise(const unsigned char head[NF_HEAD], size_t bytes)
{
    return bytes >= 3 && head[0] == 'P' && (head[1] == 'f' || head[1] == 'F') && isspace(head[2]);
}

static nf_status read_header(const char *file, nf_layout *layout, nf_shape *shape)
{
    static const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    FILE *stream = fopen(file, "rbe");
    if (stream == NULL)
        return nf_fail(NF_ERR_FILE, "%s: cannot be opened: %s", file, strerror(errno));
    char kind = 0, behind = 0;
    long width = 0, height = 0;
    double scale = 0;
    int found = fscanf(stream, "P%c %9ld %9ld %30lf%c", &kind, &width, &height, &scale, &behind);
    layout->offset = ftell(stream);
    nf_status status = NF_OK;
    if (found != 5 || scale == 0 || !isspace((unsigned char)behind) || layout->offset < 0)
        status = nf_fail(NF_ERR_FORMAT, "%s: PFM: its header is damaged or cut short", file);
    layout->element = (nf_element){NF_EL_F32, (scale < 0) != little};
    *shape = (nf_shape){{1, height, width}, 2, kind == 'F' ? 3 : 1, NF_F32};
    if (status == NF_OK)
        status = nf_image_check(shape, fileno(stream), file, "PFM");
    fclose(stream);
    return status;
}

static nf_status pfm_open(const char *file, const char *dataset, void **reader, nf_shape *shape)
{
    nf_layout layout = {.kind = NF_LAYOUT_DENSE, .bottom_up = true};
    nf_status status = nf_plain_no_dataset(file, dataset, "PFM");
    if (status == NF_OK)
        status = read_header(file, &layout, shape);
    return status == NF_OK ? nf_plain_open(file, &layout, reader) : status;
}

static bool pfm_can_hold(const nf_shape *shape)
{
    return shape->ndim == 2 && shape->dtype == NF_F32 && shape->channels % 2 == 1 &&
           shape->dim[1] < 1000000000 && shape->dim[2] < 1000000000;
}

static nf_status pfm_create(const char *part, const char *target, const char *dataset,
                            const nf_shape *shape, const nf_output *output, void **writer,
                            nf_layout *layout)
{
    (void)dataset, (void)output;
    static const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    char header[64];
    snprintf(header, sizeof header, "P%c\n%lld %lld\n%s\n", shape->channels == 1 ? 'f' : 'F',
             (long long)shape->dim[2], (long long)shape->dim[1], little ? "-1.0" : "1.0");
    nf_status status = nf_plain_create(part, target, header, strlen(header), shape,
                                       nf_element_native(NF_F32), false, writer, layout);
    layout->bottom_up = true;
    return status;
}

static const char *const pfm_suffixes[] = {".pfm", NULL};

const nf_format nf_format_pfm = {
    .name = "PFM",
    .suffixes = pfm_suffixes,
    .holds = "f32, 2-D, 1 or 3 channels",
    .random_access = true,
    .recognise = pfm_recognise,
    .can_hold = pfm_can_hold,
    .open = pfm_open,
    .layout = nf_plain_layout,
    .close = nf_plain_close,
    .create = pfm_create,
    .finish = nf_plain_finish,
    .abandon = nf_plain_abandon,
};
