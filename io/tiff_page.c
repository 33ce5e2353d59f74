/* tiff_page.c - what a directory of a TIFF file says of its image, and whether nfold takes that.
 *
 * Where white is 0 (MINISWHITE), unsigned samples are inverted, so that 0 is black, as Pillow and vips
 * do; floats and signed integers have no greatest value and stay. Gray of fewer than 8 bits is scaled to
 * 0 .. 255; palettes become RGB; YCbCr is converted where it is JPEG's. Alpha is a channel like others,
 * multiplied in or not as it is in the file. */
#include <stdio.h>
#include <string.h>

#include "io/tiff.h"

/* ---- fields ---- */

static int field_16(const nf_tiff *tiff, uint32_t tag)
{
    uint16_t value = 0;
    return TIFFGetFieldDefaulted(tiff->tif, tag, &value) == 1 ? value : 0;
}

static int64_t field_32(const nf_tiff *tiff, uint32_t tag)
{
    uint32_t value = 0;
    return TIFFGetFieldDefaulted(tiff->tif, tag, &value) == 1 ? (int64_t)value : 0;
}

bool nf_tiff_is_helper(const nf_tiff *tiff)
{
    return (field_32(tiff, TIFFTAG_SUBFILETYPE) & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) != 0;
}

/* ---- samples ---- */

static nf_element_type type_of(int bits, int format)
{
    switch (format) {
    case SAMPLEFORMAT_UINT:
    case SAMPLEFORMAT_VOID:
        return bits == 1 || bits == 2 || bits == 4 || bits == 8 ? NF_EL_U8
               : bits == 16                                     ? NF_EL_U16
               : bits == 32                                     ? NF_EL_U32
                                                                : NF_EL_NONE;
    case SAMPLEFORMAT_INT:
        return bits == 8 ? NF_EL_I8 : bits == 16 ? NF_EL_I16 : bits == 32 ? NF_EL_I32 : NF_EL_NONE;
    case SAMPLEFORMAT_IEEEFP:
        return bits == 16   ? NF_EL_F16
               : bits == 32 ? NF_EL_F32
               : bits == 64 ? NF_EL_F64
                            : NF_EL_NONE;
    default:
        return NF_EL_NONE;
    }
}

static nf_status describe_samples(const nf_tiff *tiff, nf_tiff_page *page)
{
    int format = field_16(tiff, TIFFTAG_SAMPLEFORMAT);
    page->bits = field_16(tiff, TIFFTAG_BITSPERSAMPLE);
    page->samples = field_16(tiff, TIFFTAG_SAMPLESPERPIXEL);
    page->separate =
        field_16(tiff, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE && page->samples > 1;
    page->type = type_of(page->bits, format);
    if (page->type == NF_EL_NONE)
        return nf_fail(NF_ERR_FORMAT,
                       "%s: TIFF: page %d: samples are %s of %d bits; nfold takes unsigned ones of "
                       "1 2 4 8 16 32, signed ones of 8 16 32, floats of 16 32 64 bits",
                       tiff->name, page->number,
                       format == SAMPLEFORMAT_INT      ? "signed integers"
                       : format == SAMPLEFORMAT_IEEEFP ? "floats"
                       : format == SAMPLEFORMAT_UINT   ? "unsigned integers"
                                                       : "complex numbers",
                       page->bits);
    if (page->samples < 1 || page->samples > NF_MAX_CHANNELS)
        return nf_fail(NF_ERR_FORMAT,
                       "%s: TIFF: page %d: has %d samples a pixel; nfold takes 1 to 4", tiff->name,
                       page->number, page->samples);
    return NF_OK;
}

/* ---- colours ---- */

static nf_status refuse_colours(const nf_tiff *tiff, const nf_tiff_page *page, const char *what)
{
    return nf_fail(
        NF_ERR_FORMAT,
        "%s: TIFF: page %d: holds %s; nfold takes gray, RGB and palettes: convert it first",
        tiff->name, page->number, what);
}

static const char *refused_colours(int photometric)
{
    switch (photometric) {
    case PHOTOMETRIC_YCBCR:
        return "YCbCr that is not compressed as JPEG";
    case PHOTOMETRIC_SEPARATED:
        return "inks (CMYK)";
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB:
        return "L*a*b* colours";
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV:
        return "logarithmic luminances";
    case PHOTOMETRIC_CFA:
        return "a sensor's mosaic";
    default:
        return "colours of an unknown kind";
    }
}

/* Without the tag: what the samples suggest. */
static int photometric_of(const nf_tiff *tiff, const nf_tiff_page *page)
{
    uint16_t value;
    if (TIFFGetField(tiff->tif, TIFFTAG_PHOTOMETRIC, &value) == 1)
        return value;
    return page->samples > 2 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
}

/* JPEG's YCbCr comes as RGB when it is asked for, once for each time that a directory is read. */
static void ask_for_rgb(nf_tiff *tiff, int compression, int photometric)
{
    if (compression == COMPRESSION_JPEG && photometric == PHOTOMETRIC_YCBCR)
        TIFFSetField(tiff->tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
}

static bool palette_is_there(const nf_tiff *tiff)
{
    uint16_t *r, *g, *b;
    return TIFFGetField(tiff->tif, TIFFTAG_COLORMAP, &r, &g, &b) == 1;
}

static nf_status describe_colours(nf_tiff *tiff, nf_tiff_page *page)
{
    int photometric = photometric_of(tiff, page);
    bool whole = page->type == NF_EL_U8 || page->type == NF_EL_U16 || page->type == NF_EL_U32;
    ask_for_rgb(tiff, page->compression, photometric);
    page->shape.channels = page->samples;
    switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
        page->inverted = whole;
        return NF_OK;
    case PHOTOMETRIC_MINISBLACK:
        return NF_OK;
    case PHOTOMETRIC_RGB:
        return page->samples >= 3 ? NF_OK
                                  : refuse_colours(tiff, page, "RGB of fewer than 3 samples");
    case PHOTOMETRIC_YCBCR:
        if (page->compression == COMPRESSION_JPEG && page->samples == 3 && !page->separate)
            return NF_OK;
        return refuse_colours(tiff, page, refused_colours(photometric));
    case PHOTOMETRIC_PALETTE:
        if (page->samples > 1 || !whole || page->bits > 16 || !palette_is_there(tiff))
            return refuse_colours(tiff, page, "a palette that is missing or of an unusual kind");
        page->palette = true;
        page->shape.channels = 3;
        return NF_OK;
    default:
        return refuse_colours(tiff, page, refused_colours(photometric));
    }
}

/* ---- strips and tiles ---- */

static nf_status check_codec(const nf_tiff *tiff, const nf_tiff_page *page)
{
    const TIFFCodec *codec = TIFFFindCODEC((uint16_t)page->compression);
    if (page->compression != COMPRESSION_OJPEG &&
        TIFFIsCODECConfigured((uint16_t)page->compression))
        return NF_OK;
    return nf_fail(
        NF_ERR_FORMAT,
        "%s: TIFF: page %d: is compressed by method %d (%s), which %s: write it anew with "
        "`tiffcp -c zip` where it can be read",
        tiff->name, page->number, page->compression, codec != NULL ? codec->name : "unknown",
        page->compression == COMPRESSION_OJPEG ? "nfold does not take"
                                               : "this libtiff was built without");
}

static nf_status describe_blocks(nf_tiff *tiff, nf_tiff_page *page)
{
    const nf_shape *shape = &page->shape;
    page->tiled = TIFFIsTiled(tiff->tif) != 0;
    page->rows = field_32(tiff, page->tiled ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP);
    page->columns = page->tiled ? field_32(tiff, TIFFTAG_TILEWIDTH) : shape->dim[2];
    if (!page->tiled && page->rows > shape->dim[1])
        page->rows = shape->dim[1];
    page->bytes = page->rows < 1 || page->columns < 1 ? 0
                  : page->tiled                       ? (int64_t)TIFFTileSize64(tiff->tif)
                                : (int64_t)TIFFVStripSize64(tiff->tif, (uint32_t)page->rows);
    if (page->bytes < 1 || page->bytes > NF_TIFF_BLOCK)
        return nf_fail(
            NF_ERR_FORMAT,
            "%s: TIFF: page %d: its %s of %lldx%lld pixels take 0 bytes or more than %lld",
            tiff->name, page->number, page->tiled ? "tiles" : "strips", (long long)page->rows,
            (long long)page->columns, (long long)NF_TIFF_BLOCK);
    page->down = (shape->dim[1] + page->rows - 1) / page->rows;
    page->across = (shape->dim[2] + page->columns - 1) / page->columns;
    int64_t blocks = page->down * page->across * (page->separate ? page->samples : 1);
    int64_t there = page->tiled ? TIFFNumberOfTiles(tiff->tif) : TIFFNumberOfStrips(tiff->tif);
    if (there < blocks)
        return nf_fail(NF_ERR_FORMAT, "%s: TIFF: page %d: has %lld of %lld strips or tiles",
                       tiff->name, page->number, (long long)there, (long long)blocks);
    return NF_OK;
}

/* Where the pixels begin if they lie in the file as in a dense array, -1 if they do not. */
static int64_t dense_from(nf_tiff *tiff, const nf_tiff_page *page)
{
    bool plain = page->compression == COMPRESSION_NONE && !page->separate && !page->palette &&
                 !page->inverted && page->bits >= 8 && page->across == 1 &&
                 page->columns == page->shape.dim[2] &&
                 field_16(tiff, TIFFTAG_FILLORDER) == FILLORDER_MSB2LSB;
    int64_t first = plain ? (int64_t)TIFFGetStrileOffset(tiff->tif, 0) : 0;
    int64_t left = page->shape.dim[1], row = page->bytes / page->rows;
    for (int64_t i = 0; i < page->down && first > 0; i++, left -= page->rows) {
        int64_t rows = left < page->rows ? left : page->rows;
        if ((int64_t)TIFFGetStrileOffset(tiff->tif, (uint32_t)i) != first + i * page->bytes ||
            (int64_t)TIFFGetStrileByteCount(tiff->tif, (uint32_t)i) < rows * row)
            return -1;
    }
    return first > 0 ? first : -1;
}

nf_status nf_tiff_describe(nf_tiff *tiff, nf_tiff_page *page)
{
    nf_tiff_forget(tiff);
    page->directory = TIFFCurrentDirOffset(tiff->tif);
    page->swapped = TIFFIsByteSwapped(tiff->tif) != 0;
    page->compression = field_16(tiff, TIFFTAG_COMPRESSION);
    page->palette = page->inverted = false;
    page->shape =
        (nf_shape){{1, field_32(tiff, TIFFTAG_IMAGELENGTH), field_32(tiff, TIFFTAG_IMAGEWIDTH)},
                   2,
                   1,
                   NF_NONE};
    nf_status status = describe_samples(tiff, page);
    if (status == NF_OK)
        status = describe_colours(tiff, page);
    page->shape.dtype = page->palette ? NF_U8 : nf_element_dtype(page->type);
    if (status == NF_OK)
        status = nf_shape_check(&page->shape, tiff->name);
    if (status == NF_OK)
        status = check_codec(tiff, page);
    if (status == NF_OK)
        status = describe_blocks(tiff, page);
    if (status == NF_OK)
        page->dense = dense_from(tiff, page);
    return status;
}

nf_status nf_tiff_turn(nf_tiff *tiff, const nf_tiff_page *page)
{
    nf_tiff_forget(tiff);
    if (TIFFCurrentDirOffset(tiff->tif) != page->directory &&
        TIFFSetSubDirectory(tiff->tif, page->directory) != 1)
        return nf_tiff_fail(tiff, "a page cannot be read");
    ask_for_rgb(tiff, page->compression, photometric_of(tiff, page));
    return NF_OK;
}
