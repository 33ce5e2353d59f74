/* PNG and JPEG beside libpng and libjpeg: the same pixels either way, metadata that goes along, and
 * damage that is found. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <jpeglib.h>

#include "io/format.h"
#include "io/png_data.h"
#include "io/png_filter.h"
#include "tests/folder.h"

static uint32_t random_word(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static uint8_t *slurp(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(1 << 24);
    *bytes = 0;
    if (file == NULL)
        return data;
    *bytes = fread(data, 1, 1 << 24, file);
    fclose(file);
    return data;
}

static void spill(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    CU_ASSERT_EQUAL(fwrite(data, 1, bytes, file), bytes);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static bool same_files(const char *a, const char *b)
{
    size_t bytes[2];
    uint8_t *data[] = {slurp(a, &bytes[0]), slurp(b, &bytes[1])};
    bool same = bytes[0] > 0 && bytes[0] == bytes[1] && memcmp(data[0], data[1], bytes[0]) == 0;
    free(data[0]);
    free(data[1]);
    return same;
}

/* ---- libpng's side ---- */

typedef struct kind {
    int colour, depth, interlace, filters;
    bool transparent; /* has a tRNS chunk */
} kind;

static void set_colours(png_structp png, png_infop info, const kind *k)
{
    png_color palette[256];
    png_byte alpha[3] = {0, 128, 7};
    png_color_16 key = {.red = 1, .green = 1, .blue = 1, .gray = 1};
    for (int i = 0; i < 256; i++)
        palette[i] = (png_color){(png_byte)i, (png_byte)(2 * i), (png_byte)(255 - i)};
    if (k->colour == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, 1 << k->depth);
    if (k->transparent)
        png_set_tRNS(png, info, alpha, k->depth == 1 ? 2 : 3, &key);
}

/* Rows as they stand in the file; those of a picture that has gradients, noise and flat parts. */
static void fill_rows(png_bytep data, size_t pitch, int height, int seed)
{
    uint32_t state = (uint32_t)seed;
    for (int y = 0; y < height; y++)
        for (size_t i = 0; i < pitch; i++) {
            int part = (y / 5 + (int)i / 24) % 3;
            data[(size_t)y * pitch + i] = part == 0   ? (png_byte)(random_word(&state))
                                          : part == 1 ? (png_byte)(3 * y + (int)i)
                                                      : (png_byte)(y / 7);
        }
}

static bool put_png(const char *path, const kind *k, int width, int height, int seed)
{
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_bytep volatile data = NULL;
    if (file == NULL || setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, k->filters);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, k->depth, k->colour,
                 k->interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_colours(png, info, k);
    png_write_info(png, info);
    size_t pitch = png_get_rowbytes(png, info);
    data = malloc((size_t)height * pitch);
    fill_rows(data, pitch, height, seed);
    png_bytepp rows = malloc((size_t)height * sizeof *rows);
    for (int y = 0; y < height; y++)
        rows[y] = data + (size_t)y * pitch;
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(rows);
    free(data);
    return fclose(file) == 0;
}

/* libpng's own decoding: expanded, 16 bits in this machine's order. NULL: it fails. */
static png_bytep get_png(const char *path, nf_shape *shape)
{
    FILE *file = fopen(path, "rb");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_bytep volatile data = NULL;
    if (file == NULL || setjmp(png_jmpbuf(png))) {
        free(data);
        return NULL;
    }
    png_init_io(png, file);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_interlace_handling(png);
    if (png_get_bit_depth(png, info) == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        png_set_swap(png);
    png_read_update_info(png, info);
    *shape = (nf_shape){{1, png_get_image_height(png, info), png_get_image_width(png, info)},
                        2,
                        png_get_channels(png, info),
                        png_get_bit_depth(png, info) == 16 ? NF_U16 : NF_U8};
    size_t pitch = png_get_rowbytes(png, info), height = (size_t)shape->dim[1];
    data = malloc(height * pitch);
    png_bytepp rows = malloc(height * sizeof *rows);
    for (size_t y = 0; y < height; y++)
        rows[y] = data + y * pitch;
    png_read_image(png, rows);
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    fclose(file);
    return data;
}

/* Whether nfold and libpng decode a file to the same. */
static bool decodes_alike(const char *path)
{
    nf_shape theirs, ours;
    void *cells = NULL;
    png_bytep expected = get_png(path, &theirs);
    bool alike = expected != NULL && nf_array_load(path, &ours, &cells) == NF_OK &&
                 nf_shape_equal(&ours, &theirs) &&
                 memcmp(cells, expected, nf_shape_bytes(&ours)) == 0;
    free(expected);
    free(cells);
    return alike;
}

/* ---- reading ---- */

static void test_every_kind(void)
{
    static const struct {
        int colour, depths[6];
    } types[] = {{PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}},
                 {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}},
                 {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}},
                 {PNG_COLOR_TYPE_RGB, {8, 16}},
                 {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}}};
    static const int sizes[][2] = {{1, 1}, {2, 9}, {7, 3}, {67, 45}, {3001, 61}};
    int tried = 0, wrong = 0;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (const int *depth = types[t].depths; *depth > 0; depth++)
            for (int variant = 0; variant < 4; variant++)
                for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                    kind k = {types[t].colour, *depth, variant % 2, PNG_ALL_FILTERS, variant / 2};
                    if (k.transparent && (k.colour & PNG_COLOR_MASK_ALPHA))
                        continue;
                    tried++;
                    if (!put_png(in_folder("kind.png"), &k, sizes[s][0], sizes[s][1], tried) ||
                        !decodes_alike(in_folder("kind.png"))) {
                        printf("\n    colour type %d, depth %d, variant %d, %dx%d\n", k.colour,
                               k.depth, variant, sizes[s][1], sizes[s][0]);
                        wrong++;
                    }
                }
    CU_ASSERT_EQUAL(tried, 260);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_every_filter(void)
{
    static const int filters[] = {PNG_FILTER_NONE, PNG_FILTER_SUB, PNG_FILTER_UP, PNG_FILTER_AVG,
                                  PNG_FILTER_PAETH};
    static const int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                  PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    for (size_t f = 0; f < 5; f++)
        for (size_t c = 0; c < 4; c++)
            for (int depth = 8; depth <= 16; depth += 8) {
                kind k = {colours[c], depth, 0, filters[f], false};
                CU_ASSERT(put_png(in_folder("filter.png"), &k, 501, 90, (int)f));
                CU_ASSERT(decodes_alike(in_folder("filter.png")));
            }
}

/* All that Paeth's predictor can meet: every left, above and corner. */
static void test_paeth(void)
{
    enum { BPP = 1 };
    int wrong = 0;
    for (int above = 0; above < 256; above++)
        for (int corner = 0; corner < 256; corner++) {
            uint8_t up[2 + NF_PNG_SLACK] = {(uint8_t)corner, (uint8_t)above};
            for (int left = 0; left < 256; left++) {
                int p = left + above - corner, a = abs(p - left), b = abs(p - above),
                    c = abs(p - corner);
                int expected = a <= b && a <= c ? left : b <= c ? above : corner;
                /* the first byte's predictor is its `up` */
                uint8_t row[2 + NF_PNG_SLACK] = {(uint8_t)(left - corner), 0};
                wrong +=
                    !nf_png_unfilter(4, BPP, row, up, 2) || row[0] != left || row[1] != expected;
            }
        }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* ---- files made by hand, whose CRCs are right ---- */

typedef struct bytes {
    uint8_t at[1 << 16];
    size_t count;
} bytes;

static void add_chunk(bytes *to, const char *type, const void *content, size_t count)
{
    uint8_t *chunk = to->at + to->count;
    if (count > 0)
        memcpy(chunk + 8, content, count);
    to->count += nf_png_frame(chunk, type, count);
}

enum { SIDE = 40 };

/* A gray image of SIDE x SIDE, whose zlib stream is cut into IDAT chunks of `piece` bytes. */
static void hand_made(bytes *file, const uint8_t *stream, size_t count, size_t piece)
{
    uint8_t header[13] = {0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, PNG_COLOR_TYPE_GRAY, 0, 0, 0};
    memcpy(file->at, "\x89PNG\r\n\x1a\n", 8);
    file->count = 8;
    add_chunk(file, "IHDR", header, sizeof header);
    for (size_t i = 0; i < count; i += piece) {
        add_chunk(file, "IDAT", stream + i, count - i < piece ? count - i : piece);
        if (piece == 1)
            add_chunk(file, "IDAT", NULL, 0);
    }
    add_chunk(file, "IEND", NULL, 0);
}

/* `lines` rows of the image, with their filters. */
static size_t make_stream(uint8_t *stream, size_t room, int lines, uint8_t filter)
{
    uint8_t rows[(SIDE + 2) * (SIDE + 1)];
    uLongf count = room;
    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = i % (SIDE + 1) == 0 ? 0 : (uint8_t)(i * i / 7);
    rows[(SIDE + 1) * 3] = filter;
    CU_ASSERT_EQUAL(compress2(stream, &count, rows, (uLong)(lines * (SIDE + 1)), 6), Z_OK);
    return count;
}

static nf_status load_status(const char *path)
{
    nf_shape shape;
    void *cells;
    nf_status status = nf_array_load(path, &shape, &cells);
    free(cells);
    return status;
}

static nf_status status_of(const bytes *file)
{
    spill(in_folder("hand.png"), file->at, file->count);
    return load_status(in_folder("hand.png"));
}

static void test_streams(void)
{
    static bytes file;
    uint8_t stream[8192];
    size_t count = make_stream(stream, sizeof stream - 8, SIDE, 1);
    for (size_t piece = 1; piece < count + 60; piece += 59) {
        hand_made(&file, stream, count, piece);
        CU_ASSERT_EQUAL(status_of(&file), NF_OK);
        CU_ASSERT(decodes_alike(in_folder("hand.png")));
    }
    memset(stream + count, 1, 8); /* bytes behind the stream are passed over */
    hand_made(&file, stream, count + 8, 100);
    CU_ASSERT(decodes_alike(in_folder("hand.png")));
    hand_made(&file, stream, count - 5, 100);
    CU_ASSERT(says(status_of(&file), "its rows end too early"));
    stream[count - 1] ^= 1;
    hand_made(&file, stream, count, 100);
    CU_ASSERT(says(status_of(&file), "the checksum of its rows is wrong"));
    stream[count - 1] ^= 1;
    stream[2] ^= 6; /* the type of the first block: reserved */
    stream[2] |= 6;
    hand_made(&file, stream, count, 100);
    CU_ASSERT(says(status_of(&file), "its compressed data is invalid"));
    hand_made(&file, stream, make_stream(stream, sizeof stream, SIDE - 1, 0), 100);
    CU_ASSERT(says(status_of(&file), "it has too few rows"));
    hand_made(&file, stream, make_stream(stream, sizeof stream, SIDE + 1, 0), 100);
    CU_ASSERT(says(status_of(&file), "it has too many rows"));
    hand_made(&file, stream, make_stream(stream, sizeof stream, SIDE, 5), 100);
    CU_ASSERT(says(status_of(&file), "row 3 has the unknown filter 5"));
}

static void test_chunks(void)
{
    static bytes file;
    uint8_t stream[8192];
    size_t count = make_stream(stream, sizeof stream, SIDE, 2), head = 8 + 25;
    hand_made(&file, stream, count, 100);
    file.at[head + 8 + 100] ^= 0x80; /* the first IDAT's CRC */
    CU_ASSERT(says(status_of(&file), "the CRC of a chunk is wrong"));
    hand_made(&file, stream, count, count);
    file.at[file.count - 1] ^= 0x80; /* that of IEND */
    CU_ASSERT(says(status_of(&file), "the CRC of a chunk is wrong"));
    hand_made(&file, stream, count, 100);
    file.at[head + 112] = 0x80; /* the second IDAT's length */
    CU_ASSERT(says(status_of(&file), "a chunk of an impossible length"));
    hand_made(&file, stream, count, 100);
    file.at[head + 112 + 4] = '1';
    CU_ASSERT(says(status_of(&file), "a chunk of an impossible type"));
}

/* ---- damage ---- */

/* Loads what is left of a file that gave `expected`: it must be refused, or give the same. */
static bool refused_or_same(const char *path, const nf_shape *expected, const void *cells)
{
    nf_shape shape;
    void *other;
    if (nf_array_load(path, &shape, &other) != NF_OK)
        return true;
    bool same =
        nf_shape_equal(&shape, expected) && memcmp(other, cells, nf_shape_bytes(&shape)) == 0;
    free(other);
    return same;
}

/* Cut short anywhere: refused. Any byte changed: refused, or what it says is not needed. */
static void damage(const char *path)
{
    size_t count;
    uint8_t *data = slurp(path, &count);
    nf_shape shape;
    void *cells;
    int accepted = 0, changed = 0;
    CU_ASSERT_EQUAL_FATAL(nf_array_load(path, &shape, &cells), NF_OK);
    for (size_t n = 0; n < count; n++) {
        spill(in_folder("cut.png"), data, n);
        accepted += load_status(in_folder("cut.png")) == NF_OK;
    }
    for (size_t i = 0; i < count; i++) {
        data[i] ^= (uint8_t)(1 << i % 8);
        spill(in_folder("hurt.png"), data, count);
        changed += !refused_or_same(in_folder("hurt.png"), &shape, cells);
        data[i] ^= (uint8_t)(1 << i % 8);
    }
    CU_ASSERT_EQUAL(accepted, 0);
    CU_ASSERT_EQUAL(changed, 0);
    free(cells);
    free(data);
}

static void test_damage(void)
{
    static const kind kinds[] = {
        {PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, PNG_ALL_FILTERS, false},
        {PNG_COLOR_TYPE_GRAY, 16, PNG_INTERLACE_NONE, PNG_ALL_FILTERS, false},
        {PNG_COLOR_TYPE_GRAY_ALPHA, 8, PNG_INTERLACE_ADAM7, PNG_ALL_FILTERS, false}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        CU_ASSERT(put_png(in_folder("whole.png"), &kinds[i], 23, 17, 5));
        damage(in_folder("whole.png"));
    }
}

/* ---- writing ---- */

/* Writes in bands of `band` rows. */
static nf_status encode(const char *path, const nf_format *format, const nf_shape *shape,
                        const void *cells, int threads, int64_t band, const nf_output *output)
{
    void *writer;
    nf_layout layout;
    size_t pitch = nf_shape_bytes(shape) / (size_t)shape->dim[1];
    unlink(path);
    nf_status status = format->create(path, path, NULL, shape, output, &writer, &layout);
    if (status != NF_OK)
        return status;
    if (format->write_threads != NULL)
        format->write_threads(writer, threads);
    for (int64_t y = 0; y < shape->dim[1] && status == NF_OK; y += band)
        status = format->write_rows(writer, y, y + band < shape->dim[1] ? y + band : shape->dim[1],
                                    (const char *)cells + (size_t)y * pitch);
    if (status == NF_OK)
        return format->finish(writer);
    format->abandon(writer);
    return status;
}

/* The same file by any number of threads and in any bands, and its pixels as libpng sees them. */
static void check_encoding(const nf_shape *shape, const void *cells)
{
    static const int64_t bands[] = {7, 1, 300};
    const char *first = in_folder("first.png"), *next = in_folder("next.png");
    nf_shape theirs;
    CU_ASSERT_EQUAL(
        encode(first, &nf_format_png, shape, cells, 1, shape->dim[1], &(nf_output){.quality = 90}),
        NF_OK);
    png_bytep seen = get_png(first, &theirs);
    CU_ASSERT(seen != NULL && nf_shape_equal(shape, &theirs) &&
              memcmp(seen, cells, nf_shape_bytes(shape)) == 0);
    free(seen);
    CU_ASSERT(decodes_alike(first));
    for (int threads = 1; threads <= 3; threads++) {
        CU_ASSERT_EQUAL(encode(next, &nf_format_png, shape, cells, threads, bands[threads - 1],
                               &(nf_output){.quality = 90}),
                        NF_OK);
        CU_ASSERT(same_files(first, next));
    }
}

static void test_encoding(void)
{
    static const int64_t sizes[][2] = {{1, 1},    {1, 301},    {301, 1},
                                       {211, 97}, {530, 1403}, {3, 290000}};
    for (int dtype = NF_U8; dtype <= NF_U16; dtype++)
        for (int channels = 1; channels <= 4; channels++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                nf_shape shape = {{1, sizes[s][0], sizes[s][1]}, 2, channels, (nf_dtype)dtype};
                size_t pitch = nf_shape_bytes(&shape) / (size_t)sizes[s][0];
                uint8_t *cells = malloc(nf_shape_bytes(&shape));
                fill_rows(cells, pitch, (int)sizes[s][0], 9);
                check_encoding(&shape, cells);
                free(cells);
            }
}

/* Bytes that cannot be compressed, and those of which nothing is left. */
static void test_extremes(void)
{
    nf_shape shape = {{1, 1100, 1000}, 2, 1, NF_U8};
    uint8_t *cells = malloc(nf_shape_bytes(&shape));
    uint32_t state = 1;
    for (size_t i = 0; i < nf_shape_bytes(&shape); i++)
        cells[i] = (uint8_t)random_word(&state);
    check_encoding(&shape, cells);
    memset(cells, 255, nf_shape_bytes(&shape));
    check_encoding(&shape, cells);
    free(cells);
}

/* Another reader: pngcheck, where it is installed. */
static void test_pngcheck(void)
{
    nf_shape shape = {{1, 700, 900}, 2, 3, NF_U8};
    uint8_t *cells = malloc(nf_shape_bytes(&shape));
    char command[2 * NAME_ROOM];
    fill_rows(cells, 2700, 700, 3);
    CU_ASSERT_EQUAL(encode(in_folder("check.png"), &nf_format_png, &shape, cells, 2, 64,
                           &(nf_output){.quality = 90}),
                    NF_OK);
    free(cells);
    if (system("command -v pngcheck >/dev/null 2>&1") != 0) {
        printf(" (pngcheck is not installed: skipped)");
        return;
    }
    snprintf(command, sizeof command, "pngcheck -q '%s'", in_folder("check.png"));
    CU_ASSERT_EQUAL(system(command), 0);
}

/* ---- metadata ---- */

/* An EXIF block: orientation 6, 300 dots an inch, extents, a thumbnail's directory. Big-endian; the
 * directory of the pixels' extents begins at 74, the thumbnail's at 104. */
static const uint8_t exif[] = {
    'M',  'M',  0, 42,  0, 0, 0, 8,               /* */
    0,    5,                                      /* 8: five entries */
    0x01, 0x00, 0, 4,   0, 0, 0, 1, 0, 0,  0, 40, /* 10: width */
    0x01, 0x01, 0, 3,   0, 0, 0, 1, 0, 30, 0, 0,  /* 22: height, a SHORT */
    0x01, 0x12, 0, 3,   0, 0, 0, 1, 0, 6,  0, 0,  /* 34: orientation */
    0x01, 0x28, 0, 3,   0, 0, 0, 1, 0, 2,  0, 0,  /* 46: unit */
    0x87, 0x69, 0, 4,   0, 0, 0, 1, 0, 0,  0, 74, /* 58: where the next is */
    0,    0,    0, 104,                           /* 70: the thumbnail */
    0,    2,                                      /* 74 */
    0xa0, 0x02, 0, 4,   0, 0, 0, 1, 0, 0,  0, 40, /* 76: width in pixels */
    0xa0, 0x03, 0, 4,   0, 0, 0, 1, 0, 0,  0, 30, /* 88: height in pixels */
    0,    0,    0, 0,                             /* 100 */
    0,    0,    0, 0,   0, 0};                    /* 104: no entries */

/* An ICC profile that libpng accepts: a header and one tag of `extra` bytes. Caller frees. */
static uint8_t *make_profile(const char *space, size_t extra, size_t *count)
{
    *count = 132 + 12 + (extra + 3) / 4 * 4;
    uint8_t *p = calloc(*count, 1);
    nf_png_put32(p, (uint32_t)*count);
    p[8] = 4;
    memcpy(p + 12, "mntr", 4);
    memcpy(p + 16, space, 4);
    memcpy(p + 20, "XYZ ", 4);
    memcpy(p + 36, "acsp", 4);
    nf_png_put32(p + 68, 0xf6d6); /* the illuminant D50 */
    nf_png_put32(p + 72, 0x10000);
    nf_png_put32(p + 76, 0xd32d);
    nf_png_put32(p + 128, 1);
    memcpy(p + 132, "desc", 4);
    nf_png_put32(p + 136, 144);
    nf_png_put32(p + 140, (uint32_t)extra);
    for (size_t i = 144; i < *count; i++)
        p[i] = (uint8_t)(i * i >> 3);
    return p;
}

static nf_metadata make_metadata(const char *space, size_t extra)
{
    nf_metadata m = {.resolution = {300, 150}, .unit = NF_UNIT_INCH};
    size_t count;
    uint8_t *profile = make_profile(space, extra, &count);
    CU_ASSERT_EQUAL(nf_metadata_set_icc(&m, profile, count), NF_OK);
    CU_ASSERT_EQUAL(nf_metadata_set_exif(&m, exif, sizeof exif), NF_OK);
    CU_ASSERT_EQUAL(nf_metadata_set_text(&m, NF_TEXT_TITLE, "Earth", 5, false), NF_OK);
    CU_ASSERT_EQUAL(nf_metadata_set_text(&m, NF_TEXT_COMMENT, "gr\xfc\xdf", 4, false), NF_OK);
    CU_ASSERT_EQUAL(m.orientation, 6);
    CU_ASSERT_STRING_EQUAL(m.text[NF_TEXT_COMMENT], "gr\xc3\xbc\xc3\x9f");
    free(profile);
    return m;
}

static uint32_t exif_at(const nf_metadata *m, size_t offset)
{
    return m->exif_bytes < offset + 4 ? UINT32_MAX : nf_png_get32(m->exif + offset);
}

static void test_output_rules(void)
{
    nf_metadata from = make_metadata("RGB ", 100), to;
    nf_shape shape = {{1, 30, 40}, 2, 3, NF_U8};
    CU_ASSERT_EQUAL(nf_metadata_output(&from, 0, &shape, &to), NF_OK);
    CU_ASSERT(to.icc_bytes == from.icc_bytes && memcmp(to.icc, from.icc, to.icc_bytes) == 0);
    CU_ASSERT(to.exif_bytes == sizeof exif && memcmp(to.exif, exif, sizeof exif) == 0);
    CU_ASSERT(to.orientation == 6 && to.unit == NF_UNIT_INCH && to.resolution[1] == 150);
    CU_ASSERT_STRING_EQUAL(to.text[NF_TEXT_TITLE], "Earth");
    nf_metadata_free(&to);

    nf_shape gray = {{1, 30, 40}, 2, 1, NF_U8};
    CU_ASSERT_EQUAL(nf_metadata_output(&from, NF_CHANGED_VALUES, &gray, &to), NF_OK);
    CU_ASSERT(to.icc == NULL && to.icc_bytes == 0);
    CU_ASSERT(to.orientation == 6 && exif_at(&to, 42) == 6 << 16 && exif_at(&to, 54) == 2 << 16);
    CU_ASSERT_EQUAL(exif_at(&to, 70), 0); /* no thumbnail */
    nf_metadata_free(&to);

    nf_shape turned = {{1, 400, 70000}, 2, 3, NF_U8};
    unsigned all = NF_CHANGED_VALUES | NF_CHANGED_GRID | NF_CHANGED_ORDER;
    CU_ASSERT_EQUAL(nf_metadata_output(&from, all, &turned, &to), NF_OK);
    CU_ASSERT(to.orientation == 1 && exif_at(&to, 42) == 1 << 16 && exif_at(&to, 54) == 1 << 16);
    CU_ASSERT(exif_at(&to, 18) == 70000 && exif_at(&to, 30) == 400 << 16);
    CU_ASSERT(exif_at(&to, 84) == 70000 && exif_at(&to, 96) == 400);
    CU_ASSERT(to.resolution[0] == 0 && to.unit == NF_UNIT_NONE);
    nf_metadata_free(&to);

    nf_shape high = {{1, 70000, 40}, 2, 3, NF_U8}; /* no SHORT: the entry becomes a LONG */
    CU_ASSERT_EQUAL(nf_metadata_output(&from, NF_CHANGED_GRID, &high, &to), NF_OK);
    CU_ASSERT(exif_at(&to, 30) == 70000 && to.exif[25] == 4 && to.orientation == 6);
    nf_metadata_free(&to);
    nf_metadata_free(&from);
    CU_ASSERT_EQUAL(nf_metadata_output(NULL, 0, &shape, &to), NF_OK);
    CU_ASSERT(to.icc == NULL && to.exif == NULL && to.orientation == 0);

    nf_metadata only = {.orientation = 8};
    CU_ASSERT_EQUAL(nf_metadata_output(&only, 0, &shape, &to), NF_OK);
    nf_metadata again = {0};
    CU_ASSERT_EQUAL(nf_metadata_set_exif(&again, to.exif, to.exif_bytes), NF_OK);
    CU_ASSERT_EQUAL(again.orientation, 8);
    nf_metadata_free(&again);
    nf_metadata_free(&to);
}

/* Blocks that are cut short or point anywhere harm nobody. */
static void test_odd_exif(void)
{
    nf_shape shape = {{1, 3, 4}, 2, 3, NF_U8};
    for (size_t count = 0; count <= sizeof exif; count++)
        for (size_t i = 0; i < count; i += count < sizeof exif ? 8 : 1) {
            uint8_t *block = malloc(count); /* of its own, so that a sanitizer sees its end */
            nf_metadata m = {0}, to;
            memcpy(block, exif, count);
            block[i] ^= 0xff;
            CU_ASSERT_EQUAL(nf_metadata_set_exif(&m, block, count), NF_OK);
            CU_ASSERT((m.exif != NULL) == (count >= 8 && i > 3));
            CU_ASSERT_EQUAL(nf_metadata_output(&m, NF_CHANGED_GRID, &shape, &to), NF_OK);
            nf_metadata_free(&m);
            nf_metadata_free(&to);
            free(block);
        }
}

static bool same_bytes(const uint8_t *a, size_t m, const uint8_t *b, size_t n)
{
    return m == n && (n == 0 || memcmp(a, b, n) == 0);
}

/* Through a file of that format. *got is the caller's. */
static void through_file(const nf_metadata *from, const nf_format *format, const char *name,
                         const nf_shape *shape, nf_metadata *got)
{
    nf_provenance provenance = {.command = "test"};
    nf_output output = {.quality = 90, .provenance = &provenance, .metadata = from};
    uint8_t *cells = calloc(nf_shape_bytes(shape), 1);
    void *reader;
    nf_shape read;
    *got = (nf_metadata){0};
    CU_ASSERT_EQUAL(encode(in_folder(name), format, shape, cells, 1, 100, &output), NF_OK);
    free(cells);
    CU_ASSERT_EQUAL_FATAL(format->open(in_folder(name), NULL, &reader, &read), NF_OK);
    CU_ASSERT_EQUAL(nf_metadata_output(format->metadata(reader), 0, shape, got), NF_OK);
    format->close(reader);
    CU_ASSERT_EQUAL(load_status(in_folder(name)), NF_OK);
}

static void check_round_trip(const nf_format *format, const char *name, const char *space,
                             size_t extra, int channels)
{
    nf_shape shape = {{1, 30, 40}, 2, channels, NF_U8};
    nf_metadata from = make_metadata(space, extra), got;
    double inches[2] = {0, 0};
    through_file(&from, format, name, &shape, &got);
    CU_ASSERT(same_bytes(from.icc, from.icc_bytes, got.icc, got.icc_bytes));
    CU_ASSERT(same_bytes(from.exif, from.exif_bytes, got.exif, got.exif_bytes));
    CU_ASSERT_EQUAL(got.orientation, 6);
    CU_ASSERT(nf_metadata_resolution(&got, NF_UNIT_INCH, inches));
    CU_ASSERT_DOUBLE_EQUAL(inches[0], 300, 0.02);
    CU_ASSERT_DOUBLE_EQUAL(inches[1], 150, 0.02);
    nf_metadata_free(&got);
    nf_metadata_free(&from);
}

static void test_png_metadata(void)
{
    check_round_trip(&nf_format_png, "meta.png", "RGB ", 1000, 3);
    check_round_trip(&nf_format_png, "meta.png", "RGB ", 300000, 4);
    check_round_trip(&nf_format_png, "meta.png", "GRAY", 1000, 1);
    nf_shape shape = {{1, 30, 40}, 2, 3, NF_U8};
    nf_metadata from = make_metadata("RGB ", 10), got;
    through_file(&from, &nf_format_png, "text.png", &shape, &got);
    for (int i = 0; i < NF_TEXTS; i++)
        CU_ASSERT(from.text[i] == NULL ? got.text[i] == NULL
                                       : strcmp(from.text[i], got.text[i]) == 0);
    nf_metadata_free(&from);
    nf_metadata_free(&got);
    nf_metadata ratio = {.resolution = {2, 3}};
    through_file(&ratio, &nf_format_png, "ratio.png", &shape, &got);
    CU_ASSERT(got.unit == NF_UNIT_NONE && got.resolution[0] == 2 && got.resolution[1] == 3);
}

static void test_jpeg_metadata(void)
{
    check_round_trip(&nf_format_jpeg, "meta.jpg", "RGB ", 1000, 3);
    check_round_trip(&nf_format_jpeg, "meta.jpg", "RGB ", 300000, 3); /* several markers */
    check_round_trip(&nf_format_jpeg, "meta.jpg", "GRAY", 1000, 1);
    nf_shape shape = {{1, 30, 40}, 2, 3, NF_U8};
    nf_metadata from = {.resolution = {2, 3}}, got;
    CU_ASSERT_EQUAL(nf_metadata_set_text(&from, NF_TEXT_COMMENT, "\xe5\xb1\xb1", 3, false), NF_OK);
    through_file(&from, &nf_format_jpeg, "ratio.jpg", &shape, &got);
    CU_ASSERT(got.unit == NF_UNIT_NONE && got.resolution[0] == 2 && got.resolution[1] == 3);
    CU_ASSERT(got.text[NF_TEXT_COMMENT] != NULL &&
              strcmp(got.text[NF_TEXT_COMMENT], "\xe5\xb1\xb1") == 0);
    nf_metadata_free(&got);
    nf_metadata_free(&from);
    through_file(&from, &nf_format_jpeg, "bare.jpg", &shape, &got);
    CU_ASSERT(got.text[NF_TEXT_COMMENT] == NULL &&
              got.resolution[0] == 0); /* nfold's own is not kept */
}

/* A colour profile in pieces, of which one is lost, is left out; the picture is read. */
static void test_jpeg_lost_profile(void)
{
    nf_shape shape = {{1, 30, 40}, 2, 3, NF_U8};
    nf_metadata from = make_metadata("RGB ", 200000), got;
    size_t count;
    through_file(&from, &nf_format_jpeg, "lost.jpg", &shape, &got);
    CU_ASSERT(got.icc != NULL);
    nf_metadata_free(&got);
    nf_metadata_free(&from);
    uint8_t *data = slurp(in_folder("lost.jpg"), &count);
    uint8_t *marker = memmem(data, count, "ICC_PROFILE\0\2", 13);
    CU_ASSERT_FATAL(marker != NULL);
    marker[12] = 9;
    spill(in_folder("lost.jpg"), data, count);
    free(data);
    void *reader;
    nf_shape read;
    CU_ASSERT_EQUAL_FATAL(nf_format_jpeg.open(in_folder("lost.jpg"), NULL, &reader, &read), NF_OK);
    CU_ASSERT(nf_format_jpeg.metadata(reader)->icc == NULL);
    nf_format_jpeg.close(reader);
    CU_ASSERT_EQUAL(load_status(in_folder("lost.jpg")), NF_OK);
}

/* ---- JPEG ---- */

/* Made by libjpeg itself: gray, RGB or CMYK, sequential or progressive. */
static void put_jpeg(const char *path, J_COLOR_SPACE space, bool progressive)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr error;
    FILE *file = fopen(path, "wb");
    uint8_t row[4 * 61];
    info.err = jpeg_std_error(&error);
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, file);
    info.image_width = 61;
    info.image_height = 47;
    info.input_components = space == JCS_GRAYSCALE ? 1 : space == JCS_RGB ? 3 : 4;
    info.in_color_space = space;
    jpeg_set_defaults(&info);
    if (progressive)
        jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    for (int y = 0; y < 47; y++) {
        fill_rows(row, sizeof row, 1, y);
        jpeg_write_scanlines(&info, (JSAMPROW[]){row}, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    fclose(file);
}

/* libjpeg's own decoding. */
static void get_jpeg(const char *path, uint8_t *cells)
{
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr error;
    FILE *file = fopen(path, "rb");
    info.err = jpeg_std_error(&error);
    jpeg_create_decompress(&info);
    jpeg_stdio_src(&info, file);
    jpeg_read_header(&info, TRUE);
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
        JSAMPROW row =
            cells + info.output_scanline * info.output_width * (unsigned)info.output_components;
        jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    fclose(file);
}

static void test_jpeg_reading(void)
{
    static uint8_t expected[61 * 47 * 3];
    for (int variant = 0; variant < 4; variant++) {
        nf_shape shape;
        void *cells;
        put_jpeg(in_folder("a.jpg"), variant / 2 ? JCS_RGB : JCS_GRAYSCALE, variant % 2);
        CU_ASSERT_EQUAL_FATAL(nf_array_load(in_folder("a.jpg"), &shape, &cells), NF_OK);
        get_jpeg(in_folder("a.jpg"), expected);
        CU_ASSERT(shape.dim[1] == 47 && shape.dim[2] == 61 && shape.dtype == NF_U8);
        CU_ASSERT_EQUAL(shape.channels, variant / 2 ? 3 : 1);
        CU_ASSERT_EQUAL(memcmp(cells, expected, nf_shape_bytes(&shape)), 0);
        free(cells);
    }
}

static void test_jpeg_refused(void)
{
    size_t count;
    put_jpeg(in_folder("inks.jpg"), JCS_CMYK, false);
    CU_ASSERT(says(load_status(in_folder("inks.jpg")), "its colours are CMYK"));
    put_jpeg(in_folder("deep.jpg"), JCS_RGB, false);
    uint8_t *data = slurp(in_folder("deep.jpg"), &count);
    uint8_t *frame = memmem(data, count, "\xff\xc0", 2);
    CU_ASSERT_FATAL(frame != NULL && frame[4] == 8);
    frame[4] = 12;
    spill(in_folder("deep.jpg"), data, count);
    free(data);
    CU_ASSERT(says(load_status(in_folder("deep.jpg")), "precision 12"));
}

static void test_jpeg_cut_short(void)
{
    for (int progressive = 0; progressive < 2; progressive++) {
        size_t count;
        int accepted = 0;
        put_jpeg(in_folder("whole.jpg"), JCS_RGB, progressive);
        uint8_t *data = slurp(in_folder("whole.jpg"), &count);
        for (size_t n = 0; n < count; n++) {
            spill(in_folder("cut.jpg"), data, n);
            accepted += load_status(in_folder("cut.jpg")) == NF_OK;
        }
        CU_ASSERT_EQUAL(accepted, 0);
        free(data);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"PNG: every kind", test_every_kind},
                           {"PNG: every filter", test_every_filter},
                           {"PNG: Paeth's predictor", test_paeth},
                           {"PNG: streams", test_streams},
                           {"PNG: chunks", test_chunks},
                           {"PNG: damage", test_damage},
                           {"PNG: encoding", test_encoding},
                           {"PNG: extremes", test_extremes},
                           {"PNG: pngcheck", test_pngcheck},
                           {"metadata: what an output may say", test_output_rules},
                           {"metadata: odd EXIF", test_odd_exif},
                           {"metadata: PNG", test_png_metadata},
                           {"metadata: JPEG", test_jpeg_metadata},
                           {"metadata: a lost profile", test_jpeg_lost_profile},
                           {"JPEG: reading", test_jpeg_reading},
                           {"JPEG: refused", test_jpeg_refused},
                           {"JPEG: cut short", test_jpeg_cut_short},
                           CU_TEST_INFO_NULL};
    return nf_folder_run(&alone, "codecs", tests);
}
