#include "tests/fuzz_samples.h"

#include <hdf5.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    {"gray8.png", put_png, {8, PNG_COLOR_TYPE_GRAY}, repair_png},
    {"gray2.png", put_png, {2, PNG_COLOR_TYPE_GRAY}, repair_png},
    {"rgba16.png", put_png, {16, PNG_COLOR_TYPE_RGB_ALPHA}, repair_png},
    {"palette.png", put_png, {4, PNG_COLOR_TYPE_PALETTE}, repair_png},
    {"interlaced.png", put_png, {8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7}, repair_png},
    {"gray.jpg", put_jpeg, {1}, NULL},
    {"rgb.jpg", put_jpeg, {3, 0, 1}, NULL},
    {"progressive.jpg", put_jpeg, {3, 1}, NULL},
    {"contiguous.h5", put_hdf5, {0}, NULL},
    {"chunked.h5", put_hdf5, {1}, NULL},
    {"deflate.h5", put_hdf5, {1, 1, 1}, NULL},
    {"latest.h5", put_hdf5, {1, 1, 0, 1}, NULL},
    {"own.h5", put_own, {3, 1, NF_U16}, NULL},
    {"own.png", put_own, {2, 3, NF_U8}, repair_png},
    {NULL, NULL, {0}, NULL},
};
