/* Arrays in files, one process: round trips, files of other programs, errors, damage, full disks.
 */
#include <errno.h>
#include <glob.h>
#include <hdf5.h>
#include <png.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jpeglib.h>

#include "io/array.h"
#include "tests/folder.h"
#include "tests/io_cells.h"

static const nf_provenance origin = {
    .command = "filter", .chain = "gaussian:sigma=2", .input = "photo.jpg"};
/* ---- helpers ---- */

static nf_status field_new(nf_field *field, const nf_shape *shape, int ghost)
{
    nf_halo halo = {{ghost, ghost, ghost}, {ghost, ghost, ghost}};
    nf_cut cut = nf_cut_choose(shape, 1, &halo, NULL);
    return nf_field_create(field, &cut, 0, &halo);
}

static nf_status write_from(const char *typed, const char *input, const nf_shape *shape,
                            const nf_field *field)
{
    nf_array_writer *writer;
    nf_status status =
        nf_array_create(&alone, typed, input, shape, &(nf_output){.provenance = &origin}, &writer);
    if (status != NF_OK)
        return status;
    status = nf_array_write(&alone, writer, field);
    if (status == NF_OK)
        return nf_array_commit(&alone, writer);
    nf_array_abort(&alone, writer);
    return status;
}

static nf_status write_known(const char *typed, const char *input, nf_shape shape, int ghost)
{
    nf_field field;
    nf_status status = field_new(&field, &shape, ghost);
    if (status != NF_OK)
        return status;
    io_field(&field, true);
    status = write_from(typed, input, &shape, &field);
    nf_field_free(&field);
    return status;
}

/* Reads into a field with a halo, twice. */
static bool reads_back(const char *typed, nf_shape expected, int ghost)
{
    nf_array_reader *reader;
    nf_shape shape;
    nf_field field;
    bool fine = false;
    if (nf_array_open(&alone, typed, NULL, &reader, &shape) != NF_OK)
        return false;
    if (nf_shape_equal(&shape, &expected) && field_new(&field, &shape, ghost) == NF_OK) {
        fine = nf_array_read(&alone, reader, &field) == NF_OK && io_field(&field, false) == 0;
        fine =
            fine && nf_array_read(&alone, reader, &field) == NF_OK && io_field(&field, false) == 0;
        nf_field_free(&field);
    }
    nf_array_close(reader);
    return fine;
}

static bool loads_known(const char *typed, nf_shape expected)
{
    nf_shape shape;
    void *cells;
    if (nf_array_load(typed, &shape, &cells) != NF_OK)
        return false;
    bool fine = nf_shape_equal(&shape, &expected) && (uintptr_t)cells % 64 == 0;
    size_t size = nf_dtype_size(expected.dtype);
    for (int64_t i = 0; fine && i < nf_shape_elements(&shape); i++) {
        char element[8];
        io_element(expected.dtype, i, element);
        fine = memcmp((char *)cells + (size_t)i * size, element, size) == 0;
    }
    free(cells);
    return fine;
}

static nf_status open_status(const char *typed)
{
    nf_shape shape;
    void *cells;
    nf_status status = nf_array_load(typed, &shape, &cells);
    free(cells);
    return status;
}

static char *slurp(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    char *data = NULL;
    *bytes = 0;
    if (file == NULL)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        size_t size = (size_t)ftell(file);
        rewind(file);
        data = malloc(size + 1);
        if (data != NULL)
            *bytes = fread(data, 1, size, file);
    }
    fclose(file);
    return data;
}

static bool spill(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    bool fine = fwrite(data, 1, bytes, file) == bytes;
    return fclose(file) == 0 && fine;
}

static bool same_files(const char *a, const char *b)
{
    size_t bytes_a, bytes_b;
    char *data_a = slurp(a, &bytes_a), *data_b = slurp(b, &bytes_b);
    bool same = data_a != NULL && data_b != NULL && bytes_a == bytes_b &&
                memcmp(data_a, data_b, bytes_a) == 0;
    free(data_a);
    free(data_b);
    return same;
}

static bool no_part_files(void)
{
    glob_t found;
    int none = glob(in_folder(".*.part"), 0, NULL, &found);
    if (none == 0)
        globfree(&found);
    return none == GLOB_NOMATCH;
}

/* Whether a shell command's output has the words; -1: the program is not installed. */
static int output_has(const char *program, const char *command, const char *words)
{
    char probe[128], line[512];
    snprintf(probe, sizeof probe, "command -v %s >/dev/null 2>&1", program);
    if (system(probe) != 0) {
        printf(" (%s is not installed: skipped)", program);
        return -1;
    }
    FILE *pipe = popen(command, "r");
    int found = 0;
    while (pipe != NULL && fgets(line, sizeof line, pipe) != NULL)
        found |= strstr(line, words) != NULL;
    if (pipe != NULL)
        pclose(pipe);
    return found;
}

/* ---- round trips ---- */

static void test_hdf5_round_trips(void)
{
    static const int64_t sizes[][NF_DIMS] = {{1, 1, 1}, {1, 1, 7919}, {3, 5, 7}, {13, 31, 29}};
    const char *file = in_folder("round.h5");
    for (int dtype = NF_U8; dtype < NF_DTYPES; dtype++)
        for (int channels = 1; channels <= NF_MAX_CHANNELS; channels++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
                for (int ndim = 1; ndim <= NF_DIMS; ndim++) {
                    nf_shape shape =
                        io_shape(ndim, ndim > 2 ? sizes[s][0] : 1, ndim > 1 ? sizes[s][1] : 1,
                                 sizes[s][2], channels, (nf_dtype)dtype);
                    int ghost = (int)(s % 3);
                    CU_ASSERT_EQUAL(write_known(file, NULL, shape, ghost), NF_OK);
                    CU_ASSERT(loads_known(file, shape));
                    CU_ASSERT(reads_back(file, shape, ghost));
                }
}

static void test_png_round_trips(void)
{
    static const int64_t sizes[][2] = {{1, 1}, {1, 333}, {517, 1}, {389, 517}, {2100, 2300}};
    for (int dtype = NF_U8; dtype <= NF_U16; dtype++)
        for (int channels = 1; channels <= NF_MAX_CHANNELS; channels++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                nf_shape shape =
                    io_shape(2, 1, sizes[s][0], sizes[s][1], channels, (nf_dtype)dtype);
                CU_ASSERT_EQUAL(write_known(in_folder("round.png"), NULL, shape, 1), NF_OK);
                CU_ASSERT(loads_known(in_folder("round.png"), shape));
                CU_ASSERT(reads_back(in_folder("round.png"), shape, 2));
            }
}

static uint8_t smooth(int64_t y, int64_t x, int channel)
{
    return (uint8_t)(40 + (y + 2 * x + 20 * channel) / 8 % 170);
}

/* The greatest difference between the smooth picture and what a file gives; 256: cannot be read. */
static int worst_difference(const char *file, const nf_shape *expected)
{
    nf_shape shape;
    void *cells;
    int worst = 256;
    if (nf_array_load(file, &shape, &cells) != NF_OK)
        return worst;
    if (nf_shape_equal(&shape, expected)) {
        const uint8_t *at = cells;
        worst = 0;
        for (int64_t y = 0; y < shape.dim[1]; y++)
            for (int64_t x = 0; x < shape.dim[2]; x++)
                for (int c = 0; c < shape.channels; c++) {
                    int difference = abs(*at++ - smooth(y, x, c));
                    worst = difference > worst ? difference : worst;
                }
    }
    free(cells);
    return worst;
}

static void test_jpeg_round_trips(void)
{
    for (int channels = 1; channels <= 3; channels += 2) {
        nf_shape shape = io_shape(2, 1, 203, 301, channels, NF_U8);
        nf_field field;
        CU_ASSERT_EQUAL_FATAL(field_new(&field, &shape, 1), NF_OK);
        for (int64_t y = 0; y < 203; y++)
            for (int64_t x = 0; x < 301; x++)
                for (int c = 0; c < channels; c++)
                    ((uint8_t *)nf_field_at(&field, (const int64_t[]){0, y, x}))[c] =
                        smooth(y, x, c);
        CU_ASSERT_EQUAL(write_from(in_folder("round.jpg"), NULL, &shape, &field), NF_OK);
        CU_ASSERT(worst_difference(in_folder("round.jpg"), &shape) <= 8);
        nf_field_free(&field);
    }
}

static void test_independent_readers(void)
{
    char command[2 * NAME_ROOM];
    nf_shape shape = io_shape(2, 1, 3, 5, 3, NF_U8);
    CU_ASSERT_EQUAL(write_known(in_folder("dump.h5:/group/image"), NULL, shape, 0), NF_OK);
    snprintf(command, sizeof command, "h5dump -p %s", in_folder("dump.h5"));
    CU_ASSERT(output_has("h5dump", command, "GROUP \"group\"") != 0);
    CU_ASSERT(output_has("h5dump", command, "DATASPACE  SIMPLE { ( 3, 5, 3 ) / ( 3, 5, 3 ) }") !=
              0);
    CU_ASSERT(output_has("h5dump", command, "H5T_STD_U8LE") != 0);
    CU_ASSERT(output_has("h5dump", command, "IMAGE_TRUECOLOR") != 0);
    CU_ASSERT(output_has("h5dump", command, "INTERLACE_PIXEL") != 0);
    CU_ASSERT(output_has("h5dump", command, "\"gaussian:sigma=2\"") != 0);
    char row[64];
    uint8_t e[3];
    for (int i = 0; i < 3; i++)
        io_element(NF_U8, i, &e[i]);
    snprintf(row, sizeof row, "(0,0,0): %d, %d, %d", e[0], e[1], e[2]);
    CU_ASSERT(output_has("h5dump", command, row) != 0);
    nf_shape larger = io_shape(2, 1, 97, 83, 3, NF_U8);
    CU_ASSERT_EQUAL(write_known(in_folder("dump.h5"), NULL, larger, 0), NF_OK);
    snprintf(command, sizeof command, "h5dump -p -H -d /data %s", in_folder("dump.h5"));
    CU_ASSERT(output_has("h5dump", command, "OFFSET 8192") != 0);
    CU_ASSERT_EQUAL(write_known(in_folder("a.png"), NULL, shape, 0), NF_OK);
    snprintf(command, sizeof command, "pngtopnm -plain %s | tr '\\n' ' '", in_folder("a.png"));
    snprintf(row, sizeof row, "P3 5 3 255 %d %d %d ", e[0], e[1], e[2]);
    CU_ASSERT(output_has("pngtopnm", command, row) != 0);
    CU_ASSERT_EQUAL(write_known(in_folder("a.jpg"), NULL, shape, 0), NF_OK);
    snprintf(command, sizeof command, "djpeg %s | head -c 11 | tr '\\n' ' '", in_folder("a.jpg"));
    CU_ASSERT(output_has("djpeg", command, "P6 5 3 255") != 0);
}

static void test_photograph(void)
{
    const char *earth = "/usr/share/xplanet/images/earth.jpg";
    nf_shape shape, again;
    void *cells, *copy;
    if (access(earth, R_OK) != 0) {
        printf(" (%s is not there: skipped)", earth);
        return;
    }
    CU_ASSERT_EQUAL_FATAL(nf_array_load(earth, &shape, &cells), NF_OK);
    CU_ASSERT(shape.channels == 3 && shape.dtype == NF_U8 && shape.dim[2] == 2 * shape.dim[1]);
    nf_field field;
    CU_ASSERT_EQUAL_FATAL(field_new(&field, &shape, 3), NF_OK);
    CU_ASSERT_EQUAL(nf_scatter_rows(&alone, &field, 0, 0, shape.dim[1], cells), NF_OK);
    static const char *const names[] = {"earth.png", "earth.h5"};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(write_from(in_folder(names[i]), earth, &shape, &field), NF_OK);
        CU_ASSERT_EQUAL_FATAL(nf_array_load(in_folder(names[i]), &again, &copy), NF_OK);
        CU_ASSERT(nf_shape_equal(&shape, &again));
        CU_ASSERT(memcmp(cells, copy, nf_shape_bytes(&shape)) == 0);
        free(copy);
    }
    nf_field_free(&field);
    free(cells);
}

/* ---- files of other programs ---- */

/* What a dataset of another program is like; chunk[0] 0: contiguous. */
typedef struct foreign {
    const char *name;
    hid_t file_type, memory_type;
    int rank;
    hsize_t extent[5], chunk[5];
    bool deflate;
    H5Z_filter_t filter; /* an optional one more */
} foreign;

static bool put_foreign(hid_t file, const foreign *f, const void *cells)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
    hid_t space = f->rank > 0 ? H5Screate_simple(f->rank, f->extent, NULL) : H5Screate(H5S_SCALAR);
    H5Pset_create_intermediate_group(links, 1);
    if (f->chunk[0] > 0)
        H5Pset_chunk(plist, f->rank, f->chunk);
    if (f->deflate) {
        H5Pset_shuffle(plist);
        H5Pset_deflate(plist, 1);
    }
    if (f->filter > 0)
        H5Pset_filter(plist, f->filter, H5Z_FLAG_OPTIONAL, 0, NULL);
    hid_t set = H5Dcreate2(file, f->name, f->file_type, space, links, plist, H5P_DEFAULT);
    bool fine = set >= 0 && (cells == NULL || H5Dwrite(set, f->memory_type, H5S_ALL, H5S_ALL,
                                                       H5P_DEFAULT, cells) >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(links);
    H5Pclose(plist);
    return fine;
}

static void *known_cells(nf_shape shape)
{
    size_t size = nf_dtype_size(shape.dtype);
    char *cells = malloc(nf_shape_bytes(&shape));
    for (int64_t i = 0; cells != NULL && i < nf_shape_elements(&shape); i++)
        io_element(shape.dtype, i, cells + (size_t)i * size);
    return cells;
}

static void check_foreign(const foreign *f, nf_shape shape, hsize_t user_block, bool latest)
{
    const char *path = in_folder("foreign.h5");
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    if (latest)
        H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5Pset_userblock(create, user_block);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    void *cells = known_cells(shape);
    CU_ASSERT(file >= 0 && cells != NULL && put_foreign(file, f, cells));
    H5Fclose(file);
    H5Pclose(access);
    H5Pclose(create);
    free(cells);
    CU_ASSERT(loads_known(path, shape));
    CU_ASSERT(reads_back(path, shape, 2));
}

static void test_foreign_hdf5(void)
{
    foreign rgb = {"/a/b/rgb", H5T_STD_U8LE, H5T_NATIVE_UINT8, 3, {97, 83, 3}, {16, 16, 3}, true,
                   0};
    check_foreign(&rgb, io_shape(2, 1, 97, 83, 3, NF_U8), 0, false);
    check_foreign(&rgb, io_shape(2, 1, 97, 83, 3, NF_U8), 2048, true);
    foreign big = {"big", H5T_STD_U16BE, H5T_NATIVE_UINT16, 2, {97, 83}, {0}, false, 0};
    check_foreign(&big, io_shape(2, 1, 97, 83, 1, NF_U16), 512, false);
    foreign real = {"real", H5T_IEEE_F64BE, H5T_NATIVE_DOUBLE, 1, {4099}, {100}, true, 0};
    check_foreign(&real, io_shape(1, 1, 1, 4099, 1, NF_F64), 0, true);
    foreign volume = {"v", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, {11, 23, 29}, {4, 8, 8}, true, 0};
    check_foreign(&volume, io_shape(3, 11, 23, 29, 1, NF_F32), 0, false);
    foreign colours = {"c", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 4, {5, 7, 9, 2}, {0}, false, 0};
    check_foreign(&colours, io_shape(3, 5, 7, 9, 2, NF_F32), 0, false);
}

/* Several datasets in one file; the third is the only one that cannot be taken for its type. */
static void put_zoo(const char *path)
{
    const foreign sets[] = {
        {"one", H5T_STD_U8LE, H5T_NATIVE_UINT8, 2, {3, 5}, {0}, false, 0},
        {"g/two", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, {9}, {0}, false, 0},
        {"integers", H5T_STD_I64LE, H5T_NATIVE_INT64, 2, {4, 4}, {0}, false, 0},
        {"text", H5T_C_S1, H5T_C_S1, 1, {4}, {0}, false, 0},
        {"scalar", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0, {0}, {0}, false, 0},
        {"empty", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, {0, 7}, {0}, false, 0},
        {"five", H5T_STD_U8LE, H5T_NATIVE_UINT8, 5, {2, 2, 2, 2, 2}, {0}, false, 0},
        {"four", H5T_STD_U8LE, H5T_NATIVE_UINT8, 4, {2, 2, 2, 9}, {0}, false, 0},
        {"blosc2", H5T_STD_U8LE, H5T_NATIVE_UINT8, 2, {8, 8}, {8, 8}, false, 32026},
    };
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        CU_ASSERT(put_foreign(file, &sets[i], NULL));
    hid_t compound = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(compound, "x", 0, H5T_NATIVE_DOUBLE);
    const foreign pair = {"pair", compound, compound, 1, {2}, {0}, false, 0};
    CU_ASSERT(put_foreign(file, &pair, NULL));
    H5Tclose(compound);
    H5Fclose(file);
}

static bool zoo_says(const char *dataset, const char *words)
{
    char typed[2 * NAME_ROOM];
    snprintf(typed, sizeof typed, "%s%s", in_folder("zoo.h5"), dataset);
    return says(open_status(typed), words);
}

static void test_refused_hdf5(void)
{
    put_zoo(in_folder("zoo.h5"));
    CU_ASSERT(zoo_says("", "which dataset?"));
    CU_ASSERT(zoo_says("", "/g/two (9 float32)"));
    CU_ASSERT(zoo_says("", "/integers (4x4 int64, not taken)"));
    CU_ASSERT(zoo_says(":/nowhere", "/nowhere is not there; it holds /"));
    CU_ASSERT(zoo_says(":/g/two/x", "is not there; it holds /"));
    CU_ASSERT(zoo_says(":/g", "/g is no dataset; it holds"));
    CU_ASSERT(zoo_says(":/", "/ is the root group"));
    CU_ASSERT(zoo_says(":one", "a dataset is named as FILE:/dataset"));
    CU_ASSERT(zoo_says(":/integers", "int64"));
    CU_ASSERT(zoo_says(":/integers", "convert it to int32 or float64"));
    CU_ASSERT(zoo_says(":/text", "type string"));
    CU_ASSERT(zoo_says(":/pair", "type compound"));
    CU_ASSERT(zoo_says(":/scalar", "one number (a scalar)"));
    CU_ASSERT(zoo_says(":/empty", "it is empty"));
    CU_ASSERT(zoo_says(":/five", "5 dimensions"));
    CU_ASSERT(zoo_says(":/four", "4 dimensions"));
    CU_ASSERT(zoo_says(":/blosc2", "32026 (blosc2)"));
    CU_ASSERT_EQUAL(open_status(in_folder("zoo.h5:///g//two/")), NF_OK);
    hid_t file = H5Fcreate(in_folder("none.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    CU_ASSERT(says(open_status(in_folder("none.h5")), "holds no datasets"));
}

/* ---- PNG of every kind ---- */

typedef struct png_kind {
    int depth, colour, interlace;
    bool transparent; /* with a tRNS chunk */
    int channels;     /* that nfold must find */
} png_kind;

enum { KIND_HEIGHT = 19, KIND_WIDTH = 37 };

static bool put_png(const char *path, const png_kind *kind, png_bytepp rows)
{
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (file == NULL || setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_IHDR(png, info, KIND_WIDTH, KIND_HEIGHT, kind->depth, kind->colour, kind->interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_color palette[16];
    for (int i = 0; i < 16; i++)
        palette[i] = (png_color){(png_byte)i, (png_byte)(2 * i), (png_byte)(255 - i)};
    if (kind->colour == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, kind->depth < 4 ? 1 << kind->depth : 16);
    png_byte alpha[2] = {0, 128};
    png_color_16 key = {0};
    if (kind->transparent)
        png_set_tRNS(png, info, alpha, 2, &key);
    png_write_info(png, info);
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return fclose(file) == 0;
}

/* Samples of `depth` bits, equal at (y, x) for every channel: (y + x) modulo 2^depth, at most 16
 * values for a palette. */
static void fill_kind(const png_kind *kind, int samples, png_bytep row, int y)
{
    memset(row, 0, 512);
    for (int x = 0; x < KIND_WIDTH; x++)
        for (int c = 0; c < samples; c++) {
            int i = x * samples + c,
                value = (y + x) & (kind->depth >= 8 ? 15 : (1 << kind->depth) - 1);
            if (kind->depth == 16)
                row[2 * i + 1] = (png_byte)value, row[2 * i] = (png_byte)(value + 1);
            else
                row[i * kind->depth / 8] |=
                    (png_byte)(value << (8 - kind->depth - i * kind->depth % 8));
        }
}

/* The first channel at (y, x), as nfold must give it. */
static int expected_sample(const png_kind *kind, int y, int x)
{
    int value = (y + x) & (kind->depth >= 8 ? 15 : (1 << kind->depth) - 1);
    if (kind->colour == PNG_COLOR_TYPE_PALETTE)
        return value; /* red is the index */
    return kind->depth == 16 ? value + 256 * (value + 1) : value * 255 / ((1 << kind->depth) - 1);
}

static int wrong_samples(const png_kind *kind, const char *path)
{
    nf_shape shape;
    void *cells;
    int wrong = 0;
    nf_dtype dtype = kind->depth == 16 ? NF_U16 : NF_U8;
    nf_shape expected = io_shape(2, 1, KIND_HEIGHT, KIND_WIDTH, kind->channels, dtype);
    if (nf_array_load(path, &shape, &cells) != NF_OK)
        return -1;
    bool fine = nf_shape_equal(&shape, &expected);
    for (int y = 0; fine && y < KIND_HEIGHT; y++)
        for (int x = 0; x < KIND_WIDTH; x++) {
            int i = (y * KIND_WIDTH + x) * kind->channels;
            int got = dtype == NF_U16 ? ((uint16_t *)cells)[i] : ((uint8_t *)cells)[i];
            wrong += got != expected_sample(kind, y, x);
        }
    free(cells);
    return fine ? wrong : -1;
}

static void test_png_kinds(void)
{
    static const png_kind kinds[] = {
        {1, PNG_COLOR_TYPE_GRAY, 0, false, 1},       {2, PNG_COLOR_TYPE_GRAY, 1, false, 1},
        {4, PNG_COLOR_TYPE_GRAY, 0, true, 2},        {8, PNG_COLOR_TYPE_GRAY, 1, false, 1},
        {16, PNG_COLOR_TYPE_GRAY, 1, true, 2},       {16, PNG_COLOR_TYPE_RGB, 1, false, 3},
        {8, PNG_COLOR_TYPE_RGB, 0, true, 4},         {8, PNG_COLOR_TYPE_RGB_ALPHA, 1, false, 4},
        {16, PNG_COLOR_TYPE_RGB_ALPHA, 0, false, 4}, {8, PNG_COLOR_TYPE_GRAY_ALPHA, 1, false, 2},
        {4, PNG_COLOR_TYPE_PALETTE, 0, false, 3},    {4, PNG_COLOR_TYPE_PALETTE, 1, true, 4},
        {8, PNG_COLOR_TYPE_PALETTE, 1, false, 3},    {2, PNG_COLOR_TYPE_PALETTE, 0, true, 4}};
    static png_byte data[KIND_HEIGHT][512];
    png_bytep rows[KIND_HEIGHT];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const png_kind *kind = &kinds[i];
        int samples = kind->colour == PNG_COLOR_TYPE_PALETTE
                          ? 1
                          : (kind->colour & PNG_COLOR_MASK_COLOR ? 3 : 1) +
                                (kind->colour & PNG_COLOR_MASK_ALPHA ? 1 : 0);
        for (int y = 0; y < KIND_HEIGHT; y++)
            fill_kind(kind, samples, rows[y] = data[y], y);
        CU_ASSERT(put_png(in_folder("kind.png"), kind, rows));
        CU_ASSERT_EQUAL(wrong_samples(kind, in_folder("kind.png")), 0);
    }
}

/* A header that claims 100000 x 100000 x 4 x 16 bits. */
static void test_huge_claims(void)
{
    const char *path = in_folder("huge.png");
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    CU_ASSERT_FATAL(file != NULL && info != NULL);
    png_init_io(png, file);
    png_set_IHDR(png, info, 100000, 100000, 16, PNG_COLOR_TYPE_RGB_ALPHA, 0, 0, 0);
    png_write_info(png, info);
    png_byte none[1] = {0};
    png_write_chunk(png, (png_const_bytep) "IDAT", none, 1); /* open reads up to the pixels */
    png_destroy_write_struct(&png, &info);
    fclose(file);
    CU_ASSERT(says(open_status(path), "the limit for images is 1073741824"));
}

static bool put_cmyk(const char *path)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr error;
    JSAMPLE row[4 * 8] = {0};
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    info.err = jpeg_std_error(&error);
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, file);
    info.image_width = info.image_height = 8;
    info.input_components = 4;
    info.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_start_compress(&info, TRUE);
    for (int y = 0; y < 8; y++)
        jpeg_write_scanlines(&info, (JSAMPROW[]){row}, 1);
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return fclose(file) == 0;
}

/* ---- errors of reading ---- */

static void test_foreign_content(void)
{
    static const struct {
        const char *content;
        size_t bytes;
        const char *words;
    } cases[] = {{"GIF89a......", 12, "a GIF image; nfold reads PNG, JPEG, HDF5, NumPy"},
                 {"GIF89a", 6, "a GIF image"},
                 {"P6 3 3 255\n", 11, "ends before its image does"},
                 {"\x93NUMPY\1\0", 8, "it was cut short"},
                 {"hello, world\n", 13, "looks like text"},
                 {"CDF\1\0\0\0\0", 8, "a netCDF-3 file"},
                 {"\x1f\x8b\x08\0\0\0", 6, "gzip-compressed"},
                 {"\0\1\2\3", 4, "unknown binary data (00 01 02 03 ...)"},
                 {"", 0, "is an empty file"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT(spill(in_folder("odd"), cases[i].content, cases[i].bytes));
        CU_ASSERT(says(open_status(in_folder("odd")), cases[i].words));
    }
    CU_ASSERT(says(open_status(folder), "is a directory"));
    CU_ASSERT(says(open_status("/dev/null"), "is no regular file"));
    CU_ASSERT(says(open_status(in_folder("missing.png")), "No such file or directory"));
    CU_ASSERT(put_cmyk(in_folder("cmyk.jpg")));
    CU_ASSERT(says(open_status(in_folder("cmyk.jpg")), "CMYK"));
    CU_ASSERT_EQUAL(write_known(in_folder("x.png"), NULL, io_shape(2, 1, 2, 2, 1, NF_U8), 0),
                    NF_OK);
    CU_ASSERT(says(open_status(in_folder("x.png:/data")), "a PNG image has no datasets"));
    CU_ASSERT_EQUAL(write_known(in_folder("x.jpg"), NULL, io_shape(2, 1, 2, 2, 1, NF_U8), 0),
                    NF_OK);
    CU_ASSERT(says(open_status(in_folder("x.jpg:/data")), "a JPEG image has no datasets"));
}

static bool parses(const char *typed, const char *file, const char *dataset)
{
    nf_path path;
    if (nf_path_parse(typed, &path) != NF_OK)
        return false;
    bool fine = strcmp(path.file, file) == 0;
    if (dataset == NULL || path.dataset == NULL)
        fine = fine && path.dataset == dataset;
    else
        fine = fine && strcmp(path.dataset, dataset) == 0;
    nf_path_free(&path);
    return fine;
}

static void test_paths(void)
{
    nf_path path;
    CU_ASSERT(parses("a.h5", "a.h5", NULL));
    CU_ASSERT(parses("a.h5:/x", "a.h5", "/x"));
    CU_ASSERT(parses("a.h5://g//x/", "a.h5", "/g/x"));
    CU_ASSERT(parses("a.h5:/./g/.//.x/y./.", "a.h5", "/g/.x/y."));
    CU_ASSERT(parses("run:2/a.h5", "run:2/a.h5", NULL));
    CU_ASSERT(parses("host:/dir/a.h5:/x", "host:/dir/a.h5", "/x"));
    CU_ASSERT(says(nf_path_parse(":/x", &path), "missing before the colon"));
    CU_ASSERT_EQUAL(mkdir(in_folder("odd:"), 0777), 0);
    CU_ASSERT(spill(in_folder("odd:/whole.h5"), "x", 1));
    CU_ASSERT(parses(in_folder("odd:/whole.h5"), in_folder("odd:/whole.h5"), NULL));
}

/* ---- errors of writing ---- */

static bool refuses(const char *typed, const char *input, nf_shape shape, const char *words)
{
    return says(write_known(typed, input, shape, 0), words) && no_part_files();
}

static void test_refused_outputs(void)
{
    nf_shape image = io_shape(2, 1, 4, 6, 3, NF_U8), real = io_shape(2, 1, 4, 6, 3, NF_F32);
    nf_shape volume = io_shape(3, 2, 4, 6, 1, NF_U8);
    CU_ASSERT(refuses(in_folder("a.gif"), NULL, image, "known are .png .jpg .jpeg .h5 .hdf5 .nc"));
    CU_ASSERT(refuses(in_folder("a"), NULL, image, "unknown suffix"));
    CU_ASSERT(refuses(in_folder("b.png"), NULL, real, "or end the chain by cast:to=u8"));
    CU_ASSERT(refuses(in_folder("b.jpg"), NULL, io_shape(2, 1, 4, 6, 1, NF_U16), "cast:to=u8"));
    CU_ASSERT(refuses(in_folder("b.png"), NULL, volume, "write to a .h5 file"));
    CU_ASSERT(refuses(in_folder("b.jpg"), NULL, io_shape(2, 1, 4, 6, 2, NF_U8), "1 or 3 channels"));
    CU_ASSERT(refuses(in_folder("no/b.png"), NULL, image, "make it first"));
    CU_ASSERT(refuses(folder, NULL, image, "is a directory"));
    CU_ASSERT(refuses("/dev/null:/x", NULL, image, "is no regular file"));
    CU_ASSERT(refuses(in_folder("b.h5:/"), NULL, image, "/ is the root group"));
    CU_ASSERT(spill(in_folder("text.h5"), "text", 4));
    CU_ASSERT(refuses(in_folder("text.h5:/x"), NULL, image, "is no HDF5 file"));
    if (geteuid() != 0) {
        CU_ASSERT_EQUAL(mkdir(in_folder("shut"), 0500), 0);
        CU_ASSERT(refuses(in_folder("shut/b.png"), NULL, image, "Permission denied"));
    }
    nf_array_writer *writer;
    nf_shape none = io_shape(2, 1, 0, 6, 1, NF_U8);
    CU_ASSERT(
        says(nf_array_create(&alone, in_folder("c.h5"), NULL, &none, &(nf_output){0}, &writer),
             "extent of 0"));
    CU_ASSERT(says(nf_array_create(&alone, in_folder("c.jpg"), NULL, &image,
                                   &(nf_output){.quality = 101}, &writer),
                   "1 to 100"));
    CU_ASSERT(no_part_files());
}

static void test_output_is_input(void)
{
    nf_shape image = io_shape(2, 1, 4, 6, 3, NF_U8);
    CU_ASSERT_EQUAL(write_known(in_folder("in.png"), NULL, image, 0), NF_OK);
    CU_ASSERT_EQUAL(symlink("in.png", in_folder("soft.png")), 0);
    CU_ASSERT_EQUAL(link(in_folder("in.png"), in_folder("hard.png")), 0);
    CU_ASSERT(refuses(in_folder("in.png"), in_folder("in.png"), image, "is the input"));
    CU_ASSERT(refuses(in_folder("soft.png"), in_folder("in.png"), image, "is the input"));
    CU_ASSERT(refuses(in_folder("hard.png"), in_folder("in.png"), image, "is the input"));
    CU_ASSERT_EQUAL(write_known(in_folder("in.h5:/a"), NULL, image, 0), NF_OK);
    CU_ASSERT(refuses(in_folder("in.h5:/a"), in_folder("in.h5:/a"), image, "is the input"));
    CU_ASSERT(refuses(in_folder("in.h5:/b"), in_folder("in.h5"), image, "two different datasets"));
    CU_ASSERT_EQUAL(write_known(in_folder("in.h5:/b"), in_folder("in.h5:/a"), image, 0), NF_OK);
    CU_ASSERT(loads_known(in_folder("in.h5:/a"), image));
    CU_ASSERT(loads_known(in_folder("in.h5:/b"), image));
    /* Through a link to another file: that file is written, and the link stays. */
    struct stat info;
    CU_ASSERT_EQUAL(write_known(in_folder("soft.png"), NULL, io_shape(2, 1, 9, 9, 1, NF_U8), 0),
                    NF_OK);
    CU_ASSERT(lstat(in_folder("soft.png"), &info) == 0 && S_ISLNK(info.st_mode));
    CU_ASSERT(loads_known(in_folder("in.png"), io_shape(2, 1, 9, 9, 1, NF_U8)));
}

/* ---- existing HDF5 files ---- */

static void test_kept_objects(void)
{
    char path[NAME_ROOM];
    snprintf(path, sizeof path, "%s/keep.h5", folder);
    nf_shape image = io_shape(2, 1, 40, 60, 3, NF_U8), big = io_shape(3, 9, 40, 60, 1, NF_F64);
    CU_ASSERT_EQUAL(write_known(in_folder("keep.h5:/g/first"), NULL, image, 0), NF_OK);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    int value = 42;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, "answer", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT(H5Awrite(attribute, H5T_NATIVE_INT, &value) >= 0);
    CU_ASSERT(H5Lcreate_soft("/g/first", file, "soft", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Fclose(file);
    CU_ASSERT_EQUAL(write_known(in_folder("keep.h5:/g/second"), NULL, big, 1), NF_OK);
    CU_ASSERT_EQUAL(write_known(in_folder("keep.h5:/g/second"), NULL, big, 0), NF_OK);
    CU_ASSERT_EQUAL(write_known(in_folder("keep.h5"), NULL, image, 0), NF_OK);
    CU_ASSERT(loads_known(in_folder("keep.h5:/g/first"), image));
    CU_ASSERT(loads_known(in_folder("keep.h5:/soft"), image));
    CU_ASSERT(loads_known(in_folder("keep.h5:/g/second"), big));
    CU_ASSERT(loads_known(in_folder("keep.h5:/data"), image));
    file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT(H5Aexists(file, "answer") > 0);
    H5Fclose(file);
    struct stat before, after;
    CU_ASSERT_EQUAL(stat(path, &before), 0);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(write_known(in_folder("keep.h5:/g/second"), NULL, big, 0), NF_OK);
    CU_ASSERT(stat(path, &after) == 0 && after.st_size <= before.st_size + 65536);
    CU_ASSERT(refuses(in_folder("keep.h5:/g"), NULL, image, "/g is a group"));
    CU_ASSERT(refuses(in_folder("keep.h5:/g/first/x"), NULL, image, "is no group"));
    CU_ASSERT(loads_known(in_folder("keep.h5:/g/first"), image));
}

/* The same work gives the same bytes: later, and over an old file. */
static void test_same_bytes(void)
{
    static const char *const names[][2] = {{"s1.h5:/g/x", "s2.h5:/g/x"},
                                           {"s1.png", "s2.png"},
                                           {"s1.jpg", "s2.jpg"},
                                           {"s1.h5", "s2.h5"}};
    nf_shape image = io_shape(2, 1, 100, 123, 3, NF_U8);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(write_known(in_folder(names[i][0]), NULL, image, 0), NF_OK);
    sleep(2); /* HDF5 and file systems keep times in seconds */
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(write_known(in_folder(names[i][1]), NULL, image, 2), NF_OK);
        CU_ASSERT(
            same_files(in_folder(names[i > 0 ? i : 3][0]), in_folder(names[i > 0 ? i : 3][1])));
        CU_ASSERT_EQUAL(write_known(in_folder(names[i][1]), NULL, image, 1), NF_OK);
        CU_ASSERT(
            same_files(in_folder(names[i > 0 ? i : 3][0]), in_folder(names[i > 0 ? i : 3][1])));
    }
}

/* ---- damage ---- */

/* test_fuzz does the rest. */
static void test_truncation(void)
{
    char command[3 * NAME_ROOM];
    nf_shape image = io_shape(2, 1, 64, 97, 3, NF_U8);
    CU_ASSERT_EQUAL(write_known(in_folder("whole.jpg"), NULL, image, 0), NF_OK);
    snprintf(command, sizeof command, "head -c 3000 %s >%s", in_folder("whole.jpg"),
             in_folder("half"));
    CU_ASSERT_EQUAL(system(command), 0);
    CU_ASSERT(says(open_status(in_folder("half")), "is damaged or cut short"));
}

/* ---- a full disk, a signal ---- */

/* In a process of its own: writes with a limit on the size of files. Exit status 0: the write
 * failed with that message. */
static int write_limited(const char *typed, nf_shape shape, const char *words)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {20000, 20000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        nf_status status = write_known(typed, NULL, shape, 0);
        _exit(status != NF_OK && strstr(nf_message(status), words) != NULL ? 0 : 1);
    }
    int state = 0;
    waitpid(child, &state, 0);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

static void test_full_disk(void)
{
    static const char *const names[] = {"full.png", "full.jpg", "full.h5", "full.h5:/other"};
    nf_shape small = io_shape(2, 1, 9, 11, 3, NF_U8), large = io_shape(2, 1, 400, 500, 3, NF_U8);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t bytes, again;
        char target[NAME_ROOM];
        snprintf(target, sizeof target, "%.*s", (int)strcspn(in_folder(names[i]), ":"),
                 in_folder(names[i]));
        CU_ASSERT_EQUAL(write_known(target, NULL, small, 0), NF_OK);
        char *before = slurp(target, &bytes);
        CU_ASSERT_EQUAL(write_limited(in_folder(names[i]), large, "full."), 0);
        char *after = slurp(target, &again);
        CU_ASSERT(bytes == again && memcmp(before, after, bytes) == 0);
        CU_ASSERT(no_part_files());
        free(before);
        free(after);
    }
}

static void test_signals(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    nf_shape image = io_shape(2, 1, 40, 50, 3, NF_U8);
    for (size_t i = 0; i < 3; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            nf_array_writer *a, *b;
            bool fine = nf_array_create(&alone, in_folder("sig.h5"), NULL, &image, &(nf_output){0},
                                        &a) == NF_OK &&
                        nf_array_create(&alone, in_folder("sig.png"), NULL, &image, &(nf_output){0},
                                        &b) == NF_OK;
            if (fine && !no_part_files())
                raise(signals[i]);
            _exit(1);
        }
        int state = 0;
        waitpid(child, &state, 0);
        CU_ASSERT(WIFSIGNALED(state) && WTERMSIG(state) == signals[i]);
        CU_ASSERT(no_part_files());
    }
    CU_ASSERT(access(in_folder("sig.h5"), F_OK) != 0);
}

static void test_abort(void)
{
    static const char *const names[] = {"ab.png", "ab.jpg", "ab.h5"};
    nf_shape image = io_shape(2, 1, 40, 50, 3, NF_U8);
    for (size_t i = 0; i < 3; i++) {
        nf_array_writer *writer;
        CU_ASSERT_EQUAL(
            nf_array_create(&alone, in_folder(names[i]), NULL, &image, &(nf_output){0}, &writer),
            NF_OK);
        CU_ASSERT(!no_part_files());
        nf_array_abort(&alone, writer);
        CU_ASSERT(no_part_files());
        CU_ASSERT(access(in_folder(names[i]), F_OK) != 0);
    }
    nf_array_abort(&alone, NULL);
}

/* ---- main ---- */

int main(void)
{
    CU_TestInfo tests[] = {
        {"paths", test_paths},
        {"HDF5 round trips", test_hdf5_round_trips},
        {"PNG round trips", test_png_round_trips},
        {"JPEG round trips", test_jpeg_round_trips},
        {"independent readers", test_independent_readers},
        {"photograph", test_photograph},
        {"HDF5 files of other programs", test_foreign_hdf5},
        {"HDF5 that is refused", test_refused_hdf5},
        {"PNG of every kind", test_png_kinds},
        {"huge claims", test_huge_claims},
        {"other content", test_foreign_content},
        {"refused outputs", test_refused_outputs},
        {"output is input", test_output_is_input},
        {"objects kept in HDF5 files", test_kept_objects},
        {"same bytes", test_same_bytes},
        {"truncation", test_truncation},
        {"full disk", test_full_disk},
        {"signals", test_signals},
        {"abort", test_abort},
        CU_TEST_INFO_NULL,
    };
    return nf_folder_run(&alone, "io", tests);
}
