/* tiff_meta.c - what a TIFF directory says beside its pixels: profile, orientation, resolution, texts.
 * EXIF's block is left where it is: of it TIFF has the orientation and the resolution itself. */
#include <string.h>

#include "io/tiff.h"

static const uint32_t text_tags[NF_TEXTS] = {
    [NF_TEXT_TITLE] = TIFFTAG_DOCUMENTNAME,
    [NF_TEXT_AUTHOR] = TIFFTAG_ARTIST,
    [NF_TEXT_DESCRIPTION] = TIFFTAG_IMAGEDESCRIPTION,
    [NF_TEXT_COPYRIGHT] = TIFFTAG_COPYRIGHT,
};

static void keep_resolution(TIFF *tif, nf_metadata *metadata)
{
    float x = 0, y = 0;
    uint16_t unit = 0;
    if (TIFFGetField(tif, TIFFTAG_XRESOLUTION, &x) != 1 ||
        TIFFGetField(tif, TIFFTAG_YRESOLUTION, &y) != 1 || !(x > 0) || !(y > 0))
        return;
    TIFFGetFieldDefaulted(tif, TIFFTAG_RESOLUTIONUNIT, &unit);
    metadata->resolution[0] = (double)x;
    metadata->resolution[1] = (double)y;
    metadata->unit = unit == RESUNIT_INCH         ? NF_UNIT_INCH
                     : unit == RESUNIT_CENTIMETER ? NF_UNIT_CM
                                                  : NF_UNIT_NONE;
}

nf_status nf_tiff_keep_metadata(const nf_tiff *tiff, nf_metadata *metadata)
{
    TIFF *tif = tiff->tif;
    nf_status status = NF_OK;
    uint16_t orientation;
    uint32_t bytes;
    void *profile;
    char *text;
    if (TIFFGetField(tif, TIFFTAG_ORIENTATION, &orientation) == 1 && orientation >= 1 &&
        orientation <= 8)
        metadata->orientation = orientation;
    keep_resolution(tif, metadata);
    if (TIFFGetField(tif, TIFFTAG_ICCPROFILE, &bytes, &profile) == 1)
        status = nf_metadata_set_icc(metadata, profile, bytes);
    for (nf_text i = 0; i < NF_TEXTS && status == NF_OK; i++)
        if (text_tags[i] != 0 && TIFFGetField(tif, text_tags[i], &text) == 1)
            status = nf_metadata_set_text(metadata, i, text, strlen(text), false);
    return status;
}

static bool set_resolution(TIFF *tif, const nf_metadata *metadata)
{
    double resolution[2] = {metadata->resolution[0], metadata->resolution[1]};
    int unit = metadata->unit == NF_UNIT_INCH   ? RESUNIT_INCH
               : metadata->unit == NF_UNIT_NONE ? RESUNIT_NONE
                                                : RESUNIT_CENTIMETER;
    if (unit == RESUNIT_CENTIMETER && !nf_metadata_resolution(metadata, NF_UNIT_CM, resolution))
        return true;
    if (!(resolution[0] > 0) || !(resolution[1] > 0))
        return true;
    return TIFFSetField(tif, TIFFTAG_XRESOLUTION, resolution[0]) == 1 &&
           TIFFSetField(tif, TIFFTAG_YRESOLUTION, resolution[1]) == 1 &&
           TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT, unit) == 1;
}

bool nf_tiff_set_metadata(TIFF *tif, const nf_metadata *metadata)
{
    bool fine = set_resolution(tif, metadata);
    if (metadata->orientation != 0)
        fine = fine && TIFFSetField(tif, TIFFTAG_ORIENTATION, metadata->orientation) == 1;
    if (metadata->icc != NULL)
        fine = fine && TIFFSetField(tif, TIFFTAG_ICCPROFILE, (uint32_t)metadata->icc_bytes,
                                    metadata->icc) == 1;
    for (nf_text i = 0; i < NF_TEXTS && fine; i++)
        if (text_tags[i] != 0 && metadata->text[i] != NULL)
            fine = TIFFSetField(tif, text_tags[i], metadata->text[i]) == 1;
    return fine;
}
