#include "tests/fuzz_samples.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include <jpeglib.h>

#include "io/array.h"
#include "tests/io_cells.h"

enum { HEIGHT = 40, WIDTH = 50 };

/* ---- PNG: depth, colour type, interlaced ---- */

/* The check sum of a chunk, so that what was changed is looked at. PNG specification, annex D. */
static uint32_t crc(const unsigned char *bytes, size_t count)
{
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < count; i++) {
        c ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
    }
    return ~c;
}

static void repair_png(unsigned char *bytes, size_t count)
{
    for (size_t at = 8; at + 12 <= count;) {
        size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 |
                        (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length > count - at - 12)
            return;
        uint32_t sum = crc(bytes + at + 4, length + 4);
        for (int i = 0; i < 4; i++)
            bytes[at + 8 + length + (size_t)i] = (unsigned char)(sum >> (24 - 8 * i));
        at += length + 12;
    }
}

static void fill_row(unsigned char *row, size_t bytes, int y)
{
    for (size_t i = 0; i < bytes; i++)
        row[i] = (unsigned char)((i * 7 + (size_t)y * 3) ^ i >> 3);
}

static bool put_png(const char *path, const int how[4])
{
    static png_byte data[HEIGHT][WIDTH * 8];
    png_bytep rows[HEIGHT];
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (file == NULL || setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_IHDR(png, info, WIDTH, HEIGHT, how[0], how[1], how[2], 0, 0);
    png_color palette[16] = {{1, 2, 3}, {250, 100, 7}};
    png_byte alpha[2] = {0, 128};
    if (how[1] == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, palette, 16);
        png_set_tRNS(png, info, alpha, 2, NULL);
    }
    png_set_gAMA(png, info, 0.45);
    png_set_pHYs(png, info, 2835, 2835, PNG_RESOLUTION_METER);
    png_write_info(png, info);
    for (int y = 0; y < HEIGHT; y++)
        fill_row(rows[y] = data[y], sizeof data[y], y);
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return fclose(file) == 0;
}

/* ---- JPEG: components, progressive, restart interval ---- */

static bool put_jpeg(const char *path, const int how[4])
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr error;
    unsigned char row[WIDTH * 3];
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    info.err = jpeg_std_error(&error);
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, file);
    info.image_width = WIDTH;
    info.image_height = HEIGHT;
    info.input_components = how[0];
    info.in_color_space = how[0] == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&info);
    if (how[1])
        jpeg_simple_progression(&info);
    info.restart_in_rows = how[2];
    jpeg_start_compress(&info, TRUE);
    for (int y = 0; y < HEIGHT; y++) {
        JSAMPROW rows = row;
        fill_row(row, sizeof row, y);
        jpeg_write_scanlines(&info, &rows, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return fclose(file) == 0;
}

/* ---- HDF5: chunked, deflate, fletcher32, the latest format ---- */

static bool put_hdf5(const char *path, const int how[4])
{
    static float cells[HEIGHT][WIDTH];
    hsize_t extent[2] = {HEIGHT, WIDTH}, chunk[2] = {16, 16};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), plist = H5Pcreate(H5P_DATASET_CREATE);
    if (how[3])
        H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    if (how[0])
        H5Pset_chunk(plist, 2, chunk);
    if (how[1]) {
        H5Pset_shuffle(plist);
        H5Pset_deflate(plist, 1);
    }
    if (how[2])
        H5Pset_fletcher32(plist);
    for (int y = 0; y < HEIGHT; y++)
        fill_row((unsigned char *)cells[y], sizeof cells[y], y);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    hid_t group = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, extent, NULL);
    hid_t set = H5Dcreate2(group, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    hid_t attribute =
        H5Acreate2(set, "nfold_channels", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) >= 0;
    H5Aclose(attribute);
    H5Dclose(set);
    H5Sclose(space);
    H5Gclose(group);
    H5Pclose(plist);
    H5Pclose(access);
    return H5Fclose(file) >= 0 && fine;
}

/* ---- as netCDF-4 has it: a dimension without a limit, scales, missing values, packed ---- */

static bool put_netcdf(const char *path, const int how[4])
{
    static short cells[HEIGHT][WIDTH], axis[HEIGHT];
    const hsize_t extent[2] = {HEIGHT, WIDTH}, most[2] = {H5S_UNLIMITED, WIDTH},
                  chunk[2] = {8, WIDTH};
    const short missing = -7;
    const double factor[2] = {0.5, 100};
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), scalar = H5Screate(H5S_SCALAR);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, extent, most), line = H5Screate_simple(1, extent, NULL);
    H5Pset_chunk(plist, 2, chunk);
    if (how[0])
        H5Pset_deflate(plist, 1);
    H5Pset_fill_value(plist, H5T_NATIVE_SHORT, &missing);
    for (int y = 0; y < HEIGHT; y++)
        fill_row((unsigned char *)cells[y], sizeof cells[y], y);
    hid_t set = H5Dcreate2(file, "v", H5T_STD_I16LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    hid_t scale = H5Dcreate2(file, "y", H5T_STD_I16LE, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = H5Dwrite(set, H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) >= 0 &&
                H5Dwrite(scale, H5T_NATIVE_SHORT, H5S_ALL, H5S_ALL, H5P_DEFAULT, axis) >= 0 &&
                H5DSset_scale(scale, "y") >= 0 && H5DSattach_scale(set, scale, 0) >= 0 &&
                H5LTset_attribute_short(file, "v", "_FillValue", &missing, 1) >= 0 &&
                H5LTset_attribute_double(file, "v", "scale_factor", &factor[0], 1) >= 0 &&
                H5LTset_attribute_double(file, "v", "add_offset", &factor[1], 1) >= 0 &&
                H5LTset_attribute_string(file, "v", "units", "K") >= 0;
    H5Dclose(scale);
    H5Dclose(set);
    H5Sclose(line);
    H5Sclose(space);
    H5Sclose(scalar);
    H5Pclose(plist);
    return H5Fclose(file) >= 0 && fine;
}

/* ---- TIFF: compression, tiles' side or 0 for strips, bits of a sample, BigTIFF ---- */

static bool put_blocks(TIFF *tif, const int how[4])
{
    static unsigned char block[HEIGHT * WIDTH * 8];
    bool fine = true;
    tmsize_t bytes = how[1] > 0 ? TIFFTileSize(tif) : TIFFStripSize(tif);
    uint32_t count = how[1] > 0 ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
    for (uint32_t i = 0; i < count && fine; i++) {
        fill_row(block, (size_t)bytes, (int)i);
        fine = (how[1] > 0 ? TIFFWriteEncodedTile(tif, i, block, bytes)
                           : TIFFWriteEncodedStrip(tif, i, block, bytes)) >= 0;
    }
    return fine;
}

static bool put_tiff(const char *path, const int how[4])
{
    static const uint16_t ramp[256];
    bool fine = true;
    TIFF *tif = TIFFOpen(path, how[3] ? "w8" : "w");
    for (int page = 0; page < 2 && tif != NULL && fine; page++) {
        TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, WIDTH);
        TIFFSetField(tif, TIFFTAG_IMAGELENGTH, HEIGHT);
        TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, how[2]);
        TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, 1);
        TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
        TIFFSetField(tif, TIFFTAG_COMPRESSION, how[0]);
        TIFFSetField(tif, TIFFTAG_PHOTOMETRIC,
                     how[2] == 4 ? PHOTOMETRIC_PALETTE : PHOTOMETRIC_MINISBLACK);
        TIFFSetField(tif, TIFFTAG_IMAGEDESCRIPTION, "a sample");
        if (how[2] == 4)
            TIFFSetField(tif, TIFFTAG_COLORMAP, ramp, ramp, ramp);
        if (how[1] > 0) {
            TIFFSetField(tif, TIFFTAG_TILEWIDTH, how[1]);
            TIFFSetField(tif, TIFFTAG_TILELENGTH, how[1]);
        } else {
            TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, 7);
        }
        fine = put_blocks(tif, how) && TIFFWriteDirectory(tif) == 1;
    }
    if (tif != NULL)
        TIFFClose(tif);
    return tif != NULL && fine;
}

/* ---- netpbm's text: maximum ---- */

static bool put_text(const char *path, const int how[4])
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    fprintf(file, "P2\n# a comment\n%d %d\n%d\n", WIDTH, HEIGHT, how[0]);
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        fprintf(file, "%d%c", i * 7 % how[0], i % 17 ? ' ' : '\n');
    return fclose(file) == 0;
}

/* ---- what nfold writes itself: dimensions, channels, element type ---- */

static bool put_own(const char *path, const int how[4])
{
    const nf_world alone = {.size = 1, .threads = 1};
    static const nf_provenance origin = {.command = "filter", .chain = "x", .input = "y"};
    const nf_output output = {.provenance = &origin};
    nf_shape shape = io_shape(how[0], how[0] == 3 ? 3 : 1, HEIGHT, WIDTH, how[1], (nf_dtype)how[2]);
    nf_array_writer *writer;
    nf_field field;
    nf_halo none = {{0}, {0}};
    nf_cut cut = nf_cut_choose(&shape, 1, &none, NULL);
    if (nf_field_create(&field, &cut, 0, &none) != NF_OK)
        return false;
    io_field(&field, true);
    bool fine = nf_array_create(&alone, path, NULL, &shape, &output, &writer) == NF_OK &&
                nf_array_write(&alone, writer, &field) == NF_OK &&
                nf_array_commit(&alone, writer) == NF_OK;
    nf_field_free(&field);
    return fine;
}

/* A new format is a line here: one that nfold writes itself needs no more than its suffix. */
const fuzz_sample fuzz_samples[] = {
    {"gray8.png", put_png, {8, PNG_COLOR_TYPE_GRAY}, repair_png, NULL},
    {"gray2.png", put_png, {2, PNG_COLOR_TYPE_GRAY}, repair_png, NULL},
    {"rgba16.png", put_png, {16, PNG_COLOR_TYPE_RGB_ALPHA}, repair_png, NULL},
    {"palette.png", put_png, {4, PNG_COLOR_TYPE_PALETTE}, repair_png, NULL},
    {"interlaced.png", put_png, {8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7}, repair_png, NULL},
    {"gray.jpg", put_jpeg, {1}, NULL, NULL},
    {"rgb.jpg", put_jpeg, {3, 0, 1}, NULL, NULL},
    {"progressive.jpg", put_jpeg, {3, 1}, NULL, NULL},
    {"contiguous.h5", put_hdf5, {0}, NULL, NULL},
    {"chunked.h5", put_hdf5, {1}, NULL, NULL},
    {"deflate.h5", put_hdf5, {1, 1, 1}, NULL, NULL},
    {"latest.h5", put_hdf5, {1, 1, 0, 1}, NULL, NULL},
    {"own.h5", put_own, {3, 1, NF_U16}, NULL, NULL},
    {"unlimited.h5", put_netcdf, {0}, NULL, ":/v"},
    {"packed.nc", put_netcdf, {1}, NULL, ":/v[cf]"},
    {"own.png", put_own, {2, 3, NF_U8}, repair_png, NULL},
    {"strips.tif", put_tiff, {COMPRESSION_NONE, 0, 16}, NULL, NULL},
    {"tiles.tif", put_tiff, {COMPRESSION_NONE, 16, 32}, NULL, NULL},
    {"deflate.tif", put_tiff, {COMPRESSION_ADOBE_DEFLATE, 0, 16}, NULL, NULL},
    {"lzw.tif", put_tiff, {COMPRESSION_LZW, 16, 8}, NULL, NULL},
    {"palette.tif", put_tiff, {COMPRESSION_PACKBITS, 0, 4}, NULL, NULL},
    {"big.tif", put_tiff, {COMPRESSION_ADOBE_DEFLATE, 16, 16, 1}, NULL, NULL},
    {"own.tif", put_own, {3, 1, NF_F32}, NULL, NULL},
    {"own.npy", put_own, {3, 1, NF_F64}, NULL, NULL},
    {"text.pgm", put_text, {999}, NULL, NULL},
    {"own.pgm", put_own, {2, 1, NF_U16}, NULL, NULL},
    {"own.ppm", put_own, {2, 3, NF_U8}, NULL, NULL},
    {"own.pam", put_own, {2, 4, NF_U16}, NULL, NULL},
    {"own.pfm", put_own, {2, 3, NF_F32}, NULL, NULL},
    {NULL, NULL, {0}, NULL, NULL},
};
