/* TIFF and BigTIFF, one process: files that libtiff makes in every way, round trips, files that lie. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffio.h>
#include <unistd.h>

#include "io/format.h"
#include "io/metadata.h"
#include "tests/io_files.h"

#ifndef NF_TIFF_MUTATIONS
#define NF_TIFF_MUTATIONS 60 /* of each sample file; more by hand */
#endif

/* ---- files by libtiff ---- */

/* How a file is to be made; zeros: as usual. */
typedef struct way {
    const char *mode; /* of TIFFOpen: "w" "wb" "wl" "w8" */
    int64_t height, width;
    int samples, bits, format, photometric;
    int compression, predictor;
    int tile;                 /* rows and columns; 0: strips of 7 rows */
    bool separate, backwards; /* backwards: the last strip or tile comes first in the file */
    int pages;
} way;

/* Sample i of a page, in the file's type; sub-byte ones are masked. */
static void sample(const way *w, int64_t i, void *to)
{
    uint64_t h = ((uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 31;
    h >>= 20;
    if (w->format != SAMPLEFORMAT_IEEEFP) {
        uint32_t value = (uint32_t)h;
        memcpy(to, &value, (size_t)(w->bits + 7) / 8); /* little-endian machines */
        return;
    }
    uint16_t half = (uint16_t)(h & 0xbbff); /* no infinities */
    float f32 = (float)(h % 100000) / 64 - 700;
    double f64 = (double)(h % 1000000007) / 64 - 7000;
    const void *from = w->bits == 16 ? (void *)&half : w->bits == 32 ? (void *)&f32 : (void *)&f64;
    memcpy(to, from, (size_t)w->bits / 8);
}

static int64_t index_of(const way *w, int page, int64_t y, int64_t x, int s)
{
    return ((page * w->height + y) * w->width + x) * w->samples + s;
}

/* A block of the image, as libtiff takes it: rows of `columns` pixels, of one sample or of all. */
static void fill_block(const way *w, int page, int64_t y0, int64_t x0, int64_t rows,
                       int64_t columns, int plane, uint8_t *to)
{
    int samples = w->separate ? 1 : w->samples;
    int64_t row_bits = columns * samples * w->bits, row_bytes = (row_bits + 7) / 8;
    memset(to, 0, (size_t)(rows * row_bytes));
    for (int64_t y = 0; y < rows && y0 + y < w->height; y++)
        for (int64_t x = 0; x < columns && x0 + x < w->width; x++)
            for (int s = 0; s < samples; s++) {
                uint8_t value[8];
                int64_t bit = (x * samples + s) * w->bits;
                sample(w, index_of(w, page, y0 + y, x0 + x, s + plane), value);
                if (w->bits >= 8)
                    memcpy(to + y * row_bytes + bit / 8, value, (size_t)w->bits / 8);
                else
                    to[y * row_bytes + bit / 8] |=
                        (uint8_t)((value[0] & ((1 << w->bits) - 1)) << (8 - w->bits - bit % 8));
            }
}

static void set_palette(TIFF *tif, int bits)
{
    static uint16_t map[3][256];
    for (int i = 0; i < 1 << bits; i++)
        for (int c = 0; c < 3; c++)
            map[c][i] = (uint16_t)((i * 37 + c * 11) % 256 * 256 + 90);
    TIFFSetField(tif, TIFFTAG_COLORMAP, map[0], map[1], map[2]);
}

static void set_fields(TIFF *tif, const way *w)
{
    static const uint16_t extra[4] = {0};
    int colours = w->photometric == PHOTOMETRIC_RGB ? 3 : 1;
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)w->width);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)w->height);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, w->bits);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, w->samples);
    TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT, w->format);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, w->photometric);
    TIFFSetField(tif, TIFFTAG_COMPRESSION, w->compression);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG,
                 w->separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    if (w->samples > colours)
        TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, w->samples - colours, extra);
    if (w->predictor > 1)
        TIFFSetField(tif, TIFFTAG_PREDICTOR, w->predictor);
    if (w->tile != 0) {
        TIFFSetField(tif, TIFFTAG_TILEWIDTH, (uint32_t)w->tile);
        TIFFSetField(tif, TIFFTAG_TILELENGTH, (uint32_t)w->tile);
    } else {
        TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, 7);
    }
    if (w->photometric == PHOTOMETRIC_PALETTE)
        set_palette(tif, w->bits);
}

static bool make_page(TIFF *tif, const way *w, int page)
{
    static uint8_t block[1 << 17];
    int64_t rows = w->tile ? w->tile : 7, columns = w->tile ? w->tile : w->width;
    int64_t down = (w->height + rows - 1) / rows, across = (w->width + columns - 1) / columns;
    int64_t blocks = down * across * (w->separate ? w->samples : 1);
    bool fine = true;
    set_fields(tif, w);
    for (int64_t i = 0; i < blocks && fine; i++) {
        int64_t index = w->backwards ? blocks - 1 - i : i;
        int64_t y = index / across % down * rows, x = index % across * columns;
        int64_t n = w->tile || w->height - y > rows ? rows : w->height - y;
        fill_block(w, page, y, x, n, columns, (int)(index / (across * down)), block);
        tmsize_t bytes = w->tile ? TIFFTileSize(tif) : TIFFVStripSize(tif, (uint32_t)n);
        fine = (w->tile ? TIFFWriteEncodedTile(tif, (uint32_t)index, block, bytes)
                        : TIFFWriteEncodedStrip(tif, (uint32_t)index, block, bytes)) == bytes;
    }
    return fine && TIFFWriteDirectory(tif) == 1;
}

static bool make_file(const char *name, const way *w)
{
    TIFF *tif = TIFFOpen(in_folder(name), w->mode != NULL ? w->mode : "w");
    bool fine = tif != NULL;
    for (int page = 0; page < (w->pages > 0 ? w->pages : 1) && fine; page++)
        fine = make_page(tif, w, page);
    if (tif != NULL)
        TIFFClose(tif);
    return fine;
}

/* ---- what nfold makes of them ---- */

static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double value = exponent == 0 ? ldexp(fraction, -24) : ldexp(fraction + 1024, exponent - 25);
    return half >> 15 ? -value : value;
}

/* Sample i as nfold is to give it (palettes apart). */
static double expected(const way *w, int64_t i)
{
    uint8_t bytes[8] = {0};
    uint16_t u16;
    uint32_t u32;
    float f32;
    double f64;
    sample(w, i, bytes);
    memcpy(&u16, bytes, sizeof u16);
    memcpy(&u32, bytes, sizeof u32);
    memcpy(&f32, bytes, sizeof f32);
    memcpy(&f64, bytes, sizeof f64);
    if (w->format == SAMPLEFORMAT_IEEEFP)
        return w->bits == 16 ? half_value(u16) : w->bits == 32 ? (double)f32 : f64;
    if (w->format == SAMPLEFORMAT_INT)
        return w->bits == 8    ? (int8_t)bytes[0]
               : w->bits == 16 ? (int16_t)u16
                               : (double)(int32_t)u32;
    double most = ldexp(1, w->bits) - 1;
    double value = w->bits < 8     ? bytes[0] & ((1 << w->bits) - 1)
                   : w->bits == 8  ? bytes[0]
                   : w->bits == 16 ? u16
                                   : (double)u32;
    if (w->photometric == PHOTOMETRIC_MINISWHITE)
        value = most - value;
    return w->bits < 8 && w->photometric != PHOTOMETRIC_PALETTE ? value * 255 / most : value;
}

static double value_of(const nf_shape *shape, const void *cells, int64_t i)
{
    return shape->dtype == NF_U8    ? ((const uint8_t *)cells)[i]
           : shape->dtype == NF_U16 ? ((const uint16_t *)cells)[i]
           : shape->dtype == NF_F32 ? (double)((const float *)cells)[i]
                                    : ((const double *)cells)[i];
}

static int64_t wrong_elements(const way *w, const nf_shape *shape, const void *cells)
{
    bool palette = w->photometric == PHOTOMETRIC_PALETTE;
    int64_t wrong = 0;
    for (int64_t i = 0; i < nf_shape_elements(shape); i++) {
        double value =
            palette ? (double)(((int)expected(w, i / 3) * 37 + i % 3 * 11) % 256) : expected(w, i);
        wrong += value_of(shape, cells, i) != value;
    }
    return wrong;
}

/* Some boxes of the array, each by itself, beside the same boxes of the whole. */
static bool boxes_agree(const char *name, const nf_shape *shape, const char *cells)
{
    const nf_world two = {.size = 1, .threads = 2};
    nf_array_reader *reader;
    nf_shape again;
    if (nf_array_open(&two, in_folder(name), NULL, &reader, &again) != NF_OK)
        return false;
    bool fine = true;
    size_t cell = nf_cell_bytes(shape);
    char *part = malloc(nf_shape_bytes(shape));
    for (int64_t i = 0; i < 6 && part != NULL; i++) {
        nf_box box = nf_box_whole(shape);
        for (int d = 0; d < NF_DIMS; d++) {
            box.lo[d] = shape->dim[d] * i / 7;
            box.hi[d] = box.lo[d] + 1 + (shape->dim[d] - box.lo[d] - 1) * (i + 1) / 6;
        }
        int64_t extent[NF_DIMS];
        ptrdiff_t stride[NF_DIMS];
        nf_box_extents(&box, extent);
        nf_dense_strides(extent, shape->channels, stride);
        fine = fine && nf_array_read_box(reader, &box, part, stride) == NF_OK;
        const char *at = part;
        for (int64_t z = box.lo[0]; z < box.hi[0]; z++)
            for (int64_t y = box.lo[1]; y < box.hi[1]; y++) {
                size_t row = (size_t)extent[2] * cell;
                int64_t first = (z * shape->dim[1] + y) * shape->dim[2] + box.lo[2];
                fine = fine && memcmp(at, cells + (size_t)first * cell, row) == 0;
                at += row;
            }
    }
    free(part);
    nf_array_close(reader);
    return fine && part != NULL;
}

static void check_way(const way *w)
{
    nf_shape shape;
    void *cells;
    if (!make_file("way.tif", w)) {
        CU_FAIL("libtiff does not write this file");
        return;
    }
    nf_status status = nf_array_load(in_folder("way.tif"), &shape, &cells);
    CU_ASSERT_EQUAL(status, NF_OK);
    if (status != NF_OK) {
        printf("\n    %s\n", nf_message(status));
        return;
    }
    bool palette = w->photometric == PHOTOMETRIC_PALETTE;
    CU_ASSERT_EQUAL(shape.dim[0], w->pages > 1 ? w->pages : 1);
    CU_ASSERT_EQUAL(shape.dim[1], w->height);
    CU_ASSERT_EQUAL(shape.dim[2], w->width);
    CU_ASSERT_EQUAL(shape.channels, palette ? 3 : w->samples);
    int64_t wrong = wrong_elements(w, &shape, cells);
    CU_ASSERT_EQUAL(wrong, 0);
    bool agree = boxes_agree("way.tif", &shape, cells);
    CU_ASSERT(agree);
    if (wrong != 0 || !agree)
        printf("\n    %lld wrong: mode %s, %d x %d bits of format %d, photometric %d, compression "
               "%d, predictor %d, tile %d, separate %d, pages %d\n",
               (long long)wrong, w->mode, w->samples, w->bits, w->format, w->photometric,
               w->compression, w->predictor, w->tile, w->separate, w->pages);
    free(cells);
}

static const struct {
    int bits, format;
} types[] = {
    {8, SAMPLEFORMAT_UINT},    {16, SAMPLEFORMAT_UINT},   {32, SAMPLEFORMAT_UINT},
    {8, SAMPLEFORMAT_INT},     {16, SAMPLEFORMAT_INT},    {32, SAMPLEFORMAT_INT},
    {16, SAMPLEFORMAT_IEEEFP}, {32, SAMPLEFORMAT_IEEEFP}, {64, SAMPLEFORMAT_IEEEFP},
};

/* Every type, number of samples, byte order, planar configuration, in strips and tiles. */
static void test_types(void)
{
    static const char *const modes[] = {"wl", "wb", "wl8", "wb8"};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int samples = 1; samples <= 4; samples++)
            for (int how = 0; how < 32; how++) {
                way w = {.mode = modes[how % 4], .height = 37, .width = 29};
                w.samples = samples;
                w.bits = types[t].bits;
                w.format = types[t].format;
                w.photometric = samples < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB;
                w.compression = COMPRESSION_NONE;
                w.tile = how & 4 ? samples % 2 ? 16 : 32 : 0; /* 32: wider than the image */
                w.separate = (how & 8) != 0;
                w.backwards = (how & 16) != 0;
                check_way(&w);
            }
}

/* Every lossless compression that this libtiff has, with every predictor. */
static void test_compressions(void)
{
    static const int codecs[] = {COMPRESSION_LZW,     COMPRESSION_ADOBE_DEFLATE,
                                 COMPRESSION_DEFLATE, COMPRESSION_PACKBITS,
                                 COMPRESSION_LZMA,    COMPRESSION_ZSTD};
    int tried = 0;
    for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++)
            for (int how = 0; how < 12; how++) {
                way w = {.mode = how % 2 ? "wb" : "wl8", .height = 41, .width = 33, .samples = 3};
                w.bits = types[t].bits;
                w.format = types[t].format;
                w.photometric = PHOTOMETRIC_RGB;
                w.compression = codecs[c];
                w.tile = how & 2 ? 32 : 0;
                w.predictor = how / 4 + 1;
                w.separate = how == 3;
                bool real = w.format == SAMPLEFORMAT_IEEEFP;
                bool predicts = codecs[c] != COMPRESSION_PACKBITS && real == (w.predictor == 3) &&
                                w.predictor > 1;
                if (!TIFFIsCODECConfigured((uint16_t)codecs[c]) || (w.predictor > 1 && !predicts))
                    continue;
                if (w.predictor == 3) /* libtiff 4.5 writes big-endian ones wrongly */
                    w.mode = how % 2 ? "wl" : "wl8";
                check_way(&w);
                tried++;
            }
    CU_ASSERT(tried >= 4 * 9 * 8);
}

/* Bits, palettes, white as 0. */
static void test_few_bits(void)
{
    static const int kinds[] = {PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_MINISWHITE,
                                PHOTOMETRIC_PALETTE};
    for (int bits = 1; bits <= 32; bits *= 2)
        for (size_t k = 0; k < 3; k++)
            for (int tile = 0; tile <= 16; tile += 16) {
                way w = {.height = 21, .width = 37, .samples = 1, .bits = bits, .tile = tile};
                w.format = SAMPLEFORMAT_UINT;
                w.photometric = kinds[k];
                w.compression = k == 0 ? COMPRESSION_NONE : COMPRESSION_LZW;
                if (kinds[k] != PHOTOMETRIC_PALETTE || bits <= 8)
                    check_way(&w);
            }
    way fax = {.height = 50, .width = 64, .samples = 1, .bits = 1, .format = SAMPLEFORMAT_UINT};
    fax.photometric = PHOTOMETRIC_MINISWHITE;
    fax.compression = COMPRESSION_CCITTFAX4;
    check_way(&fax);
}

static void test_stacks(void)
{
    for (int how = 0; how < 6; how++) {
        way w = {.height = 23, .width = 19, .samples = 1 + how % 3, .bits = 16, .pages = 5};
        w.format = SAMPLEFORMAT_UINT;
        w.photometric = w.samples == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
        w.compression = how < 3 ? COMPRESSION_NONE : COMPRESSION_LZW;
        w.tile = how % 2 ? 16 : 0;
        check_way(&w);
    }
}

static TIFF *start(const char *name, const way *w)
{
    TIFF *tif = TIFFOpen(in_folder(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tif);
    CU_ASSERT(make_page(tif, w, 0));
    return tif;
}

/* Pages that differ are named one by one; small copies do not count. */
static void test_pages(void)
{
    way w = {.height = 8, .width = 9, .samples = 1, .bits = 8, .format = SAMPLEFORMAT_UINT};
    w.photometric = PHOTOMETRIC_MINISBLACK;
    w.compression = COMPRESSION_NONE;
    way small = w;
    small.width = 4;
    TIFF *tif = start("pages.tif", &w);
    CU_ASSERT(make_page(tif, &small, 0));
    TIFFClose(tif);
    CU_ASSERT(says(io_load_status("pages.tif"), "its pages differ"));
    CU_ASSERT(says(io_load_status("pages.tif"), "pages.tif:/0"));
    nf_shape shape;
    void *cells;
    CU_ASSERT_EQUAL_FATAL(nf_array_load(in_folder("pages.tif:/1"), &shape, &cells), NF_OK);
    CU_ASSERT_EQUAL(shape.dim[2], 4);
    CU_ASSERT_EQUAL(wrong_elements(&small, &shape, cells), 0);
    free(cells);
    CU_ASSERT(says(io_load_status("pages.tif:/2"), "has 2 pages,"));
    CU_ASSERT(says(io_load_status("pages.tif:/x"), "counted from 0"));
    tif = start("thumb.tif", &w);
    TIFFSetField(tif, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    CU_ASSERT(make_page(tif, &small, 0));
    TIFFClose(tif);
    CU_ASSERT_EQUAL_FATAL(nf_array_load(in_folder("thumb.tif"), &shape, &cells), NF_OK);
    CU_ASSERT(shape.dim[2] == 9 && shape.ndim == 2);
    free(cells);
}

/* What the list of a file's pages says: a shape of each, how it is stored, and what is read of them. */
static bool lists(const char *name, const char *expected)
{
    char *text = NULL, whole[NAME_ROOM + 600];
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    nf_status status = nf_array_list(in_folder(name), out);
    fclose(out);
    snprintf(whole, sizeof whole, "%s\n%s", in_folder(name), expected); /* typed with a colon */
    bool same = status == NF_OK && strcmp(text, whole) == 0;
    if (!same)
        printf("\n    expected:\n%s    got (%s):\n%s", whole, nf_message(status), text);
    free(text);
    return same;
}

/* Of a file that is none, nothing is printed, the heading neither. */
static void test_list_of_damaged(void)
{
    static const char damaged[] = "II*\0\377\377\0\0";
    char *text = NULL;
    size_t bytes;
    FILE *file = fopen(in_folder("damaged.tif"), "w"), *out = open_memstream(&text, &bytes);
    CU_ASSERT_FATAL(file != NULL && out != NULL);
    fwrite(damaged, 1, 8, file);
    fclose(file);
    CU_ASSERT_EQUAL(nf_array_list(in_folder("damaged.tif:"), out), NF_ERR_FORMAT);
    fclose(out);
    CU_ASSERT_EQUAL(bytes, 0);
    free(text);
}

static void test_lists(void)
{
    way w = {.height = 8, .width = 9, .samples = 3, .bits = 16, .format = SAMPLEFORMAT_UINT};
    w.photometric = PHOTOMETRIC_RGB;
    w.compression = COMPRESSION_ADOBE_DEFLATE;
    way small = w, odd = w;
    small.width = 4, small.separate = true;
    odd.photometric = PHOTOMETRIC_CIELAB;
    TIFF *tif = start("list.tif", &w);
    CU_ASSERT(make_page(tif, &w, 1));
    w.tile = 16, w.compression = COMPRESSION_NONE;
    CU_ASSERT(make_page(tif, &w, 2));
    TIFFSetField(tif, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    CU_ASSERT(make_page(tif, &small, 0));
    TIFFClose(tif);
    CU_ASSERT(lists("list.tif:",
                    "  /0 to /1        8x9x3 u16               AdobeDeflate, strips of 7x9\n"
                    "  /2              8x9x3 u16               not compressed, tiles of 16x16\n"
                    "  /3              8x4x3 u16               AdobeDeflate, strips of 7x4, "
                    "a plane a channel; a thumbnail or mask\n"
                    "read where none is named: all pages, as a volume\n"));
    tif = start("odd.tif", &odd);
    TIFFClose(tif);
    CU_ASSERT(says(io_load_status("odd.tif:/1"), "has 1 page,"));
    CU_ASSERT(lists("odd.tif:",
                    "  /0              not taken: holds L*a*b* colours; nfold takes gray, "
                    "RGB and palettes: convert it first\n"));
    tif = start("two.tif", &w);
    CU_ASSERT(make_page(tif, &small, 0));
    TIFFClose(tif);
    CU_ASSERT(lists("two.tif:",
                    "  /0              8x9x3 u16               not compressed, tiles of 16x16\n"
                    "  /1              8x4x3 u16               AdobeDeflate, strips of 7x4, "
                    "a plane a channel\n"
                    "read where none is named: nothing, as the pages differ\n"));
}

static void test_refused_inputs(void)
{
    static const struct {
        int photometric, samples, bits, format;
        const char *words;
    } cases[] = {
        {PHOTOMETRIC_SEPARATED, 4, 8, SAMPLEFORMAT_UINT, "CMYK"},
        {PHOTOMETRIC_CIELAB, 3, 8, SAMPLEFORMAT_UINT, "L*a*b*"},
        {PHOTOMETRIC_CFA, 1, 16, SAMPLEFORMAT_UINT, "mosaic"},
        {PHOTOMETRIC_YCBCR, 3, 8, SAMPLEFORMAT_UINT, "YCbCr"},
        {PHOTOMETRIC_MINISBLACK, 5, 8, SAMPLEFORMAT_UINT, "5 samples"},
        {PHOTOMETRIC_MINISBLACK, 1, 64, SAMPLEFORMAT_UINT, "unsigned integers of 64 bits"},
        {PHOTOMETRIC_MINISBLACK, 1, 64, SAMPLEFORMAT_COMPLEXIEEEFP, "complex"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        way w = {.height = 8, .width = 16, .samples = cases[i].samples, .bits = cases[i].bits};
        w.format = SAMPLEFORMAT_UINT;
        w.photometric = cases[i].photometric;
        w.compression = COMPRESSION_NONE;
        TIFF *tif = TIFFOpen(in_folder("no.tif"), "w");
        uint8_t strip[8 * 16 * 5 * 8] = {0};
        set_fields(tif, &w);
        if (w.photometric == PHOTOMETRIC_YCBCR)
            TIFFSetField(tif, TIFFTAG_YCBCRSUBSAMPLING, 1, 1);
        TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT, cases[i].format);
        TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, 8);
        CU_ASSERT(TIFFWriteEncodedStrip(tif, 0, strip, TIFFStripSize(tif)) > 0);
        TIFFClose(tif);
        CU_ASSERT(says(io_load_status("no.tif"), cases[i].words));
    }
}

/* ---- round trips ---- */

static void test_round_trips(void)
{
    static const int64_t sizes[][NF_DIMS] = {{1, 1, 1}, {3, 1, 7}, {5, 89, 117}};
    static const nf_codec codecs[] = {
        {NF_CODEC_NONE, 0}, {NF_CODEC_DEFLATE, 0}, {NF_CODEC_ZSTD, 3}};
    for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++)
        for (int dtype = NF_U8; dtype < NF_DTYPES; dtype++)
            for (int channels = 1; channels <= NF_MAX_CHANNELS; channels++)
                for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
                    for (int ndim = 2; ndim <= NF_DIMS; ndim++) {
                        nf_shape shape = io_shape(ndim, ndim > 2 ? sizes[s][0] : 1, sizes[s][1],
                                                  sizes[s][2], channels, (nf_dtype)dtype);
                        nf_output output = {.compression = codecs[c]};
                        CU_ASSERT_EQUAL(io_write("round.tif", shape, &output), NF_OK);
                        if (shape.dim[0] == 1) /* one page is an image */
                            shape.ndim = 2;
                        CU_ASSERT(io_loads_known("round.tif", shape));
                    }
}

/* Compressed strips by several threads: of more strips than they hold at a time, of rows that fill a strip
 * each, of volumes; the same bytes, which libtiff reads. */
static void test_threads(void)
{
    static const nf_codec codecs[] = {
        {NF_CODEC_DEFLATE, 1}, {NF_CODEC_DEFLATE, 9}, {NF_CODEC_ZSTD, 3}};
    const nf_shape shapes[] = {
        io_shape(2, 1, 2011, 1501, 3, NF_U8), io_shape(2, 1, 23, 70001, 4, NF_U16),
        io_shape(3, 5, 331, 417, 2, NF_F32), io_shape(3, 3, 101, 1013, 1, NF_F64)};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++) {
            nf_output output = {.compression = codecs[c]};
            CU_ASSERT_EQUAL(io_write("one.tif", shapes[s], &output), NF_OK);
            CU_ASSERT(io_loads_known("one.tif", shapes[s]));
            for (int threads = 2; threads < 5; threads++) {
                CU_ASSERT_EQUAL(io_write_by(threads, "many.tif", shapes[s], &output), NF_OK);
                CU_ASSERT(io_same_files("one.tif", "many.tif"));
            }
        }
}

/* Elements of every type, which are predicted each in its way: small numbers, which all hold. */
static void test_compressed_types(void)
{
    static const nf_codec_id codecs[] = {NF_CODEC_DEFLATE, NF_CODEC_ZSTD};
    nf_shape shape = io_shape(2, 1, 61, 73, 3, NF_U8), read;
    for (size_t c = 0; c < 2; c++)
        for (nf_element_type type = NF_EL_U8; type <= NF_EL_F64; type++) {
            void *cells = NULL;
            int64_t wrong = 0;
            nf_output output = {.store = type, .compression = {codecs[c], 0}};
            CU_ASSERT_EQUAL(io_write("types.tif", shape, &output), NF_OK);
            CU_ASSERT_EQUAL_FATAL(nf_array_load(in_folder("types.tif"), &read, &cells), NF_OK);
            for (int64_t i = 0; i < nf_shape_elements(&shape); i++) {
                uint8_t is;
                io_element(NF_U8, i, &is);
                double value = type == NF_EL_I8 && is > INT8_MAX ? INT8_MAX : is;
                wrong += value_of(&read, cells, i) != value;
            }
            CU_ASSERT_EQUAL(wrong, 0);
            free(cells);
        }
}

static void test_refused_outputs(void)
{
    nf_shape line = io_shape(1, 1, 1, 9, 1, NF_U8), image = io_shape(2, 1, 9, 9, 1, NF_U8);
    nf_output output = {.compression = {NF_CODEC_LZ4, 0}};
    CU_ASSERT(says(io_write("refused.tif", line, &(nf_output){0}), "TIFF cannot hold"));
    CU_ASSERT(says(io_write("refused.tif", image, &output), "deflate or zstd"));
    CU_ASSERT(access(in_folder("refused.tif"), F_OK) != 0);
}

/* Elements stored as another type, read by libtiff. */
static void test_stored_types(void)
{
    nf_shape shape = io_shape(2, 1, 1, 64, 1, NF_F32);
    for (int compressed = 0; compressed < 2; compressed++) {
        nf_output output = {.store = NF_EL_I16,
                            .compression = {compressed ? NF_CODEC_DEFLATE : NF_CODEC_NONE, 1}};
        int16_t row[64];
        uint16_t format = 0;
        CU_ASSERT_EQUAL(io_write("i16.tif", shape, &output), NF_OK);
        TIFF *tif = TIFFOpen(in_folder("i16.tif"), "r");
        CU_ASSERT_PTR_NOT_NULL_FATAL(tif);
        CU_ASSERT(TIFFGetField(tif, TIFFTAG_SAMPLEFORMAT, &format) == 1);
        CU_ASSERT_EQUAL(format, SAMPLEFORMAT_INT);
        CU_ASSERT_EQUAL(TIFFReadScanline(tif, row, 0, 0), 1);
        TIFFClose(tif);
        for (int i = 0; i < 64; i++) {
            float value;
            io_element(NF_F32, i, &value);
            value = rintf(value);
            CU_ASSERT_EQUAL(row[i], value < -32768 ? -32768 : value > 32767 ? 32767 : value);
        }
    }
}

/* Profile, orientation, resolution and texts go out and come back, with and without compression. */
static void test_metadata(void)
{
    nf_metadata said = {.orientation = 6, .resolution = {11811, 5905.5}, .unit = NF_UNIT_METRE};
    uint8_t profile[132] = {[3] = 132};
    memcpy(profile + 12, "mntrRGB ", 8);
    memcpy(profile + 36, "acsp", 4);
    CU_ASSERT_EQUAL(nf_metadata_set_icc(&said, profile, sizeof profile), NF_OK);
    CU_ASSERT_EQUAL(nf_metadata_set_text(&said, NF_TEXT_AUTHOR, "J\xc3\xb6rg", 5, false), NF_OK);
    CU_ASSERT_EQUAL(nf_metadata_set_text(&said, NF_TEXT_DESCRIPTION, "a field", 7, false), NF_OK);
    for (int compressed = 0; compressed < 2; compressed++) {
        nf_output output = {.metadata = &said, .compression = {compressed, 1}};
        nf_shape shape;
        void *state;
        CU_ASSERT_EQUAL(io_write("meta.tif", io_shape(2, 1, 9, 7, 3, NF_U8), &output), NF_OK);
        CU_ASSERT_EQUAL_FATAL(nf_format_tiff.open(in_folder("meta.tif"), NULL, &state, &shape),
                              NF_OK);
        const nf_metadata *back = nf_format_tiff.metadata(state);
        CU_ASSERT_EQUAL(back->orientation, 6);
        CU_ASSERT_EQUAL(back->unit, NF_UNIT_CM);
        CU_ASSERT_DOUBLE_EQUAL(back->resolution[0], 118.11, 1e-4);
        CU_ASSERT_DOUBLE_EQUAL(back->resolution[1], 59.055, 1e-4);
        CU_ASSERT(back->icc_bytes == sizeof profile && memcmp(back->icc, profile, 132) == 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(back->text[NF_TEXT_AUTHOR]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(back->text[NF_TEXT_DESCRIPTION]);
        CU_ASSERT_STRING_EQUAL(back->text[NF_TEXT_AUTHOR], "J\xc3\xb6rg");
        CU_ASSERT_STRING_EQUAL(back->text[NF_TEXT_DESCRIPTION], "a field");
        CU_ASSERT_PTR_NULL(back->text[NF_TEXT_TITLE]);
        nf_format_tiff.close(state);
    }
    nf_metadata_free(&said);
}

/* ---- beside other programs ---- */

static void test_tools(void)
{
    nf_shape image = io_shape(2, 1, 389, 517, 3, NF_U16),
             volume = io_shape(3, 7, 29, 31, 1, NF_F32);
    CU_ASSERT_EQUAL(io_write_known("a.tif", image, 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("v.tif", volume, 0), NF_OK);
    CU_ASSERT_EQUAL(io_write("z.tif", image, &(nf_output){.compression = {NF_CODEC_DEFLATE, 1}}),
                    NF_OK);
    io_command("tiffinfo", "tiffinfo -D a.tif 2>&1 | grep -q 'gaussian:sigma=2'");
    io_command("tiffinfo", "test -z \"$(tiffinfo -D a.tif v.tif z.tif 2>&1 >/dev/null)\"");
    io_command("tiffcmp", "tiffcmp -t a.tif z.tif >/dev/null");
    if (io_command("tiffcp", "tiffcp -t -w 64 -l 32 -c lzw -B a.tif t.tif")) {
        CU_ASSERT(io_loads_known("t.tif", image));
        io_command("tiffcp", "tiffcp -8 -c zip v.tif w.tif");
        CU_ASSERT(io_loads_known("w.tif", volume));
        io_command("tiffcp", "tiffcp -s -r 1000 -c none -L a.tif s.tif");
        CU_ASSERT(io_loads_known("s.tif", image));
    }
}

static void test_pillow(void)
{
    nf_shape rgb = io_shape(2, 1, 33, 47, 3, NF_U8), real = io_shape(2, 1, 33, 47, 1, NF_F32);
    CU_ASSERT_EQUAL(io_write_known("rgb.tif", rgb, 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("rgb.npy", rgb, 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("real.tif", real, 0), NF_OK);
    CU_ASSERT_EQUAL(io_write_known("real.npy", real, 0), NF_OK);
    io_python("PIL.Image, numpy", "import numpy as n, sys\n"
                                  "from PIL import Image\n"
                                  "for f in 'rgb', 'real':\n"
                                  "  f = sys.argv[1] + '/' + f\n"
                                  "  a = n.asarray(Image.open(f + '.tif'))\n"
                                  "  assert (a == n.load(f + '.npy')).all(), f\n");
}

/* ---- files that lie ---- */

static char *slurp(const char *name, size_t *bytes)
{
    FILE *file = fopen(in_folder(name), "rb");
    char *data = malloc(1 << 16);
    *bytes = file != NULL && data != NULL ? fread(data, 1, 1 << 16, file) : 0;
    if (file != NULL)
        fclose(file);
    return data;
}

/* Writes `value` over the field with this tag in the first directory of a little-endian file. */
static bool patch(char *data, size_t bytes, uint16_t tag, uint32_t value)
{
    uint32_t at;
    uint16_t count, here;
    memcpy(&at, data + 4, 4);
    memcpy(&count, data + at, 2);
    for (size_t i = at + 2; count-- > 0 && i + 12 <= bytes; i += 12) {
        memcpy(&here, data + i, 2);
        if (here == tag) {
            const uint16_t long_type = TIFF_LONG;
            memcpy(data + i + 2, &long_type, 2);
            memcpy(data + i + 8, &value, 4);
            return true;
        }
    }
    return false;
}

static void test_files_that_lie(void)
{
    static const struct {
        uint16_t tag;
        uint32_t value;
        const char *words;
    } lies[] = {
        {TIFFTAG_IMAGEWIDTH, 0xffffffff, "TIFF"},
        {TIFFTAG_IMAGELENGTH, 0xffffffff, "TIFF"},
        {TIFFTAG_IMAGEWIDTH, 0, "TIFF"},
        {TIFFTAG_IMAGELENGTH, 0, "TIFF"},
        {TIFFTAG_IMAGELENGTH, 1000000000, "TIFF"},
        {TIFFTAG_ROWSPERSTRIP, 0, "TIFF"},
        {TIFFTAG_STRIPOFFSETS, 0xfffffff0, "TIFF"},
        {TIFFTAG_STRIPBYTECOUNTS, 1, "TIFF"},
        {TIFFTAG_COMPRESSION, 34712, "34712"},
        {TIFFTAG_BITSPERSAMPLE, 7, "of 7 bits"},
        {TIFFTAG_PHOTOMETRIC, 77, "unknown kind"},
    };
    way w = {.mode = "wl", .height = 7, .width = 64, .samples = 1, .bits = 8};
    w.format = SAMPLEFORMAT_UINT;
    w.photometric = PHOTOMETRIC_MINISBLACK;
    w.compression = COMPRESSION_LZW;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        size_t bytes;
        CU_ASSERT(make_file("lie.tif", &w));
        char *data = slurp("lie.tif", &bytes);
        CU_ASSERT(patch(data, bytes, lies[i].tag, lies[i].value));
        CU_ASSERT(io_spill("lie.tif", data, bytes));
        CU_ASSERT(says(io_load_status("lie.tif"), lies[i].words));
        free(data);
    }
}

/* JPEG in TIFF, as YCbCr, strips and tiles: near what went in. */
static void test_jpeg(void)
{
    if (!TIFFIsCODECConfigured(COMPRESSION_JPEG)) {
        printf(" (this libtiff has no JPEG: skipped)");
        return;
    }
    static uint8_t rows[64 * 64 * 3];
    for (int i = 0; i < 64 * 64; i++)
        for (int c = 0; c < 3; c++)
            rows[3 * i + c] = (uint8_t)(60 + i % 64 + 30 * c + i / 64);
    TIFF *tif = TIFFOpen(in_folder("jpeg.tif"), "wl");
    way w = {.height = 64, .width = 64, .samples = 3, .bits = 8, .format = SAMPLEFORMAT_UINT};
    w.photometric = PHOTOMETRIC_YCBCR;
    w.compression = COMPRESSION_JPEG;
    w.tile = 64;
    set_fields(tif, &w);
    TIFFSetField(tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    TIFFSetField(tif, TIFFTAG_JPEGQUALITY, 95);
    CU_ASSERT(TIFFWriteEncodedTile(tif, 0, rows, sizeof rows) == sizeof rows);
    TIFFClose(tif);
    nf_shape shape;
    uint8_t *cells;
    CU_ASSERT_EQUAL_FATAL(nf_array_load(in_folder("jpeg.tif"), &shape, (void **)&cells), NF_OK);
    int worst = 0;
    for (size_t i = 0; i < sizeof rows; i++)
        worst = abs(cells[i] - rows[i]) > worst ? abs(cells[i] - rows[i]) : worst;
    CU_ASSERT(worst <= 8);
    free(cells);
    size_t bytes; /* half of it: libjpeg makes up the rest, and only warns */
    char *data = slurp("jpeg.tif", &bytes);
    CU_ASSERT(patch(data, bytes, TIFFTAG_TILEBYTECOUNTS, 200));
    CU_ASSERT(io_spill("jpeg.tif", data, bytes));
    CU_ASSERT(says(io_load_status("jpeg.tif"), "tile 0 cannot be decoded"));
    free(data);
}

/* Cut short anywhere, changed anywhere: read, or refused with a message; no crash, no flood. */
static void damage(const way *w, int *refused)
{
    size_t bytes;
    CU_ASSERT(make_file("whole.tif", w));
    char *data = slurp("whole.tif", &bytes), *copy = malloc(bytes);
    uint32_t random = 12345;
    for (int i = 0; i < 60; i++) {
        CU_ASSERT(io_spill("damaged.tif", data, bytes * (size_t)i / 60));
        *refused += io_load_status("damaged.tif") != NF_OK;
    }
    for (int i = 0; i < NF_TIFF_MUTATIONS; i++) {
        memcpy(copy, data, bytes);
        for (int k = 0; k <= i % 3; k++) {
            random = random * 1664525 + 1013904223;
            size_t place = i % 2 ? (random >> 8) % bytes /* anywhere */
                                 : bytes - 1 - (random >> 8) % (bytes < 240 ? bytes : 240);
            copy[place] = (char)(random >> 4);
        }
        CU_ASSERT(io_spill("damaged.tif", copy, bytes));
        *refused += io_load_status("damaged.tif") != NF_OK;
    }
    free(copy);
    free(data);
}

static void test_damage(void)
{
    static const int codecs[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                 COMPRESSION_PACKBITS, COMPRESSION_ZSTD};
    int refused = 0;
    for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++)
        for (int how = 0; how < 4; how++) {
            way w = {.mode = how % 2 ? "wb8" : "wl", .height = 20, .width = 24, .samples = 3};
            w.bits = 8 << how / 2;
            w.format = SAMPLEFORMAT_UINT;
            w.photometric = PHOTOMETRIC_RGB;
            w.compression = codecs[c];
            w.tile = how % 2 ? 16 : 0;
            w.separate = how == 3;
            w.pages = 1 + how;
            if (TIFFIsCODECConfigured((uint16_t)codecs[c]))
                damage(&w, &refused);
        }
    CU_ASSERT(refused > 600);
}

static void drop_message(const char *module, const char *format, va_list arguments)
{
    (void)module, (void)format, (void)arguments;
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"types, orders, planes", test_types},
        {"compressions", test_compressions},
        {"few bits, palettes, white as 0", test_few_bits},
        {"stacks", test_stacks},
        {"pages", test_pages},
        {"lists of pages", test_lists},
        {"list of a damaged file", test_list_of_damaged},
        {"inputs refused", test_refused_inputs},
        {"JPEG in TIFF", test_jpeg},
        {"round trips", test_round_trips},
        {"compressed by threads", test_threads},
        {"compressed types", test_compressed_types},
        {"outputs refused", test_refused_outputs},
        {"stored types", test_stored_types},
        {"metadata", test_metadata},
        {"libtiff's tools", test_tools},
        {"Pillow", test_pillow},
        {"files that lie", test_files_that_lie},
        {"damaged files", test_damage},
        CU_TEST_INFO_NULL,
    };
    TIFFSetWarningHandler(drop_message); /* of the files that are made here */
    return nf_folder_run(&alone, "tiff", tests);
}
