/* metadata.h - what image files say beside their pixels, and what of it an output may still say.
 *
 * nfold works on the pixels as they are stored. EXIF's orientation, which tells viewers how to turn
 * them, is therefore carried along, not applied. */
#ifndef NF_METADATA_H
#define NF_METADATA_H

#include "drivers/engine/shape.h"
#include "drivers/engine/status.h"

typedef enum nf_unit { NF_UNIT_NONE, NF_UNIT_INCH, NF_UNIT_CM, NF_UNIT_METRE } nf_unit;

typedef enum nf_text {
    NF_TEXT_TITLE,
    NF_TEXT_AUTHOR,
    NF_TEXT_DESCRIPTION,
    NF_TEXT_COPYRIGHT,
    NF_TEXT_COMMENT,
    NF_TEXTS
} nf_text;
extern const char *const nf_text_names[NF_TEXTS]; /* PNG's keywords: "Title" */

/* All zero: nothing is known. The members are owned. */
typedef struct nf_metadata {
    uint8_t *icc; /* an ICC profile */
    size_t icc_bytes;
    uint8_t *exif; /* a TIFF structure, without "Exif\0\0" before it */
    size_t exif_bytes;
    int orientation; /* 1 to 8, as in EXIF and TIFF; 0: not told */
    double resolution
        [2]; /* pixels a unit, x and y; 0: not told. Without a unit only their ratio counts */
    nf_unit unit;
    char *text[NF_TEXTS]; /* UTF-8 */
} nf_metadata;

/* What became of the pixels that the metadata came with; a set. */
enum {
    NF_CHANGED_VALUES = 1, /* the thumbnail no longer shows the picture */
    NF_CHANGED_GRID = 2,   /* other extents: the resolution no longer holds */
    NF_CHANGED_ORDER = 4   /* turned or mirrored: the orientation no longer holds */
};

void nf_metadata_free(nf_metadata *metadata); /* its members; leaves it all zero */

/* These copy what they are given, and fail for want of memory only. A second profile, block or text
 * of a name is ignored, and so is a block that is no TIFF structure. */
nf_status nf_metadata_set_icc(nf_metadata *metadata, const void *profile, size_t bytes);
nf_status nf_metadata_set_exif(nf_metadata *metadata, const void *block, size_t bytes);
/* `latin1`: the text is known not to be UTF-8; otherwise it is taken for Latin-1 if it cannot be
 * UTF-8. */
nf_status nf_metadata_set_text(nf_metadata *metadata, nf_text which, const char *text, size_t bytes,
                               bool latin1);

/* Fills *to (which is overwritten) with what a file of that shape may say after `changes`; `from`
 * may be NULL. A profile is kept only if it describes gray or RGB as the channels do. In EXIF the
 * extents become those of the shape; a thumbnail that no longer shows the picture is taken out of
 * reach; the resolution loses its unit, the orientation becomes 1 where they no longer hold. An
 * orientation without an EXIF block gets one. */
nf_status nf_metadata_output(const nf_metadata *from, unsigned changes, const nf_shape *shape,
                             nf_metadata *to);

/* The resolution in pixels a `unit` (not NF_UNIT_NONE). false: it is not known, or has no unit. */
bool nf_metadata_resolution(const nf_metadata *metadata, nf_unit unit, double resolution[2]);

#endif
