/* Arrays in chunks, by any number of ranks and threads: the right cells for nfold and for HDF5 alone,
 * whatever the blocks; what is missing, damaged or refused. Run under mpirun. */
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/array.h"
#include "io/chunks.h"
#include "io/regroup.h"
#include "tests/io_ranks.h"

/* ---- fields to and from files ---- */

/* 0: whole rows or planes; 1: squares; 2: columns; 3: what the chunks' boundaries allow. */
static nf_cut cut_by(const nf_shape *shape, const int64_t *chunk, int way)
{
    static const nf_halo halo = {{1, 1, 1}, {1, 1, 1}}, none;
    nf_cut cut =
        nf_cut_choose(shape, world.size, way == 1 ? &halo : &none, way == 3 ? chunk : NULL);
    if (way == 2 && shape->dim[2] >= world.size) {
        cut.parts[0] = cut.parts[1] = 1;
        cut.parts[2] = world.size;
    }
    return cut;
}

/* ---- by HDF5 alone ---- */

static hid_t stock_open(const char *file, const char *name, hid_t *dataset)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_sec2(access);
    hid_t id = H5Fopen(file, H5F_ACC_RDONLY, access);
    *dataset = id >= 0 ? H5Dopen2(id, name, H5P_DEFAULT) : -1;
    H5Pclose(access);
    return id;
}

static hid_t memory_type(nf_dtype dtype)
{
    return dtype == NF_U8    ? H5T_NATIVE_UINT8
           : dtype == NF_U16 ? H5T_NATIVE_UINT16
           : dtype == NF_F32 ? H5T_NATIVE_FLOAT
                             : H5T_NATIVE_DOUBLE;
}

/* The whole dataset; the caller frees it. NULL: it cannot be read. */
static char *stock_read(const char *file, const nf_shape *shape)
{
    hid_t dataset, id = stock_open(file, "/data", &dataset);
    char *cells = malloc(nf_shape_bytes(shape));
    if (dataset < 0 ||
        H5Dread(dataset, memory_type(shape->dtype), H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0) {
        free(cells);
        cells = NULL;
    }
    H5Dclose(dataset);
    H5Fclose(id);
    return cells;
}

static bool stock_right(const char *file, const nf_shape *shape)
{
    size_t size = nf_dtype_size(shape->dtype);
    char *cells = stock_read(file, shape), expected[8];
    bool right = cells != NULL;
    for (int64_t i = 0; i < nf_shape_elements(shape) && right; i++) {
        io_element(shape->dtype, i, expected);
        right = memcmp(cells + (size_t)i * size, expected, size) == 0;
    }
    free(cells);
    return right;
}

static int64_t stored_bytes(const char *file)
{
    hid_t dataset, id = stock_open(file, "/data", &dataset);
    int64_t bytes = (int64_t)H5Dget_storage_size(dataset);
    H5Dclose(dataset);
    H5Fclose(id);
    return bytes;
}

/* ---- all ways through ---- */

typedef struct stored {
    nf_shape shape;
    nf_output output;
    bool stock;   /* HDF5 has these filters without plugins */
    bool shorter; /* than the elements: compression helps */
} stored;

static const stored all_stored[] = {
    {{{1, 189, 217}, 2, 3, NF_U8}, {.chunk = {0, 50, 133}}, true, false},
    {{{1, 189, 217}, 2, 1, NF_F32},
     {.chunk = {0, 32, 32},
      .compression = {NF_CODEC_DEFLATE, 1},
      .shuffle = true,
      .fletcher32 = true},
     true,
     true},
    {{{1, 189, 217}, 2, 1, NF_U8},
     {.chunk = {0, 64, 64}, .compression = {NF_CODEC_DEFLATE, 9}, .fletcher32 = true},
     true,
     false},
    {{{23, 37, 41}, 3, 1, NF_F64},
     {.chunk = {5, 7, 41}, .compression = {NF_CODEC_ZSTD, 3}, .shuffle = true},
     false,
     true},
    {{{1, 1, 40003}, 1, 1, NF_U16},
     {.chunk = {0, 0, 1000}, .compression = {NF_CODEC_LZ4, 0}, .shuffle = true},
     false,
     false},
    {{{23, 37, 41}, 3, 2, NF_U16}, {.chunk = {1, 9, 41}}, true, false},
    {{{1, 189, 217}, 2, 1, NF_F32},
     {.compression = {NF_CODEC_DEFLATE, 1}, .shuffle = true},
     true,
     true},
};

enum { STORED = sizeof all_stored / sizeof *all_stored };

static void check_stored(const stored *s, int way, int threads)
{
    const char *file = in_folder("stored.h5");
    const int64_t *given = s->output.chunk;
    int64_t chunk[NF_DIMS];
    for (int d = 0; d < NF_DIMS; d++)
        chunk[d] = given[d] > 0 ? given[d] : 1;
    nf_cut cut = cut_by(&s->shape, chunk, way), other = cut_by(&s->shape, chunk, (way + 1) % 4);
    world.threads = threads;
    nf_regroup_bytes = way % 2 == 0 ? 20000 : 32 << 20;
    CHECK_ALL(write_known(&world, file, &cut, way, &s->output) == NF_OK);
    if (s->stock)
        CHECK_ALL(world.rank != 0 || stock_right(file, &s->shape));
    if (s->shorter)
        CHECK_ALL(world.rank != 0 || stored_bytes(file) < (int64_t)nf_shape_bytes(&s->shape));
    world.threads = 4 - threads;
    CHECK_ALL(wrong_cells(file, &cut, 0) == 0);
    CHECK_ALL(wrong_cells(file, &other, 1) == 0);
    world.threads = 1;
}

static void test_all_ways(void)
{
    for (size_t i = 0; i < STORED; i++)
        for (int way = 0; way < 4; way++)
            check_stored(&all_stored[i], way, 1 + (way + (int)i) % 3);
}

/* ---- boxes ---- */

static uint64_t random_state = 1;

static int64_t below(int64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (int64_t)(random_state >> 33) % n;
}

/* Cells of a box, in rows that lie apart, that are not as they were written, or where nothing was to
 * be put. */
static uint64_t wrong_box(nf_array_reader *reader, const nf_shape *shape, const nf_box *box)
{
    int64_t extent[NF_DIMS];
    size_t size = nf_dtype_size(shape->dtype), gap = 3;
    nf_box_extents(box, extent);
    size_t row = (size_t)(extent[2] * shape->channels) + gap;
    size_t bytes = row * (size_t)(extent[0] * extent[1]) * size;
    ptrdiff_t stride[NF_DIMS] = {(ptrdiff_t)row * extent[1], (ptrdiff_t)row, shape->channels};
    char *cells = malloc(bytes), expected[8], untouched[8];
    uint64_t wrong = 0;
    memset(cells, 0x77, bytes);
    memset(untouched, 0x77, sizeof untouched);
    if (nf_array_read_box(reader, box, cells, stride) != NF_OK)
        wrong++;
    for (int64_t z = 0; z < extent[0]; z++)
        for (int64_t y = 0; y < extent[1]; y++)
            for (size_t x = 0; x < row; x++) {
                int64_t at = ((box->lo[0] + z) * shape->dim[1] + box->lo[1] + y) * shape->dim[2];
                io_element(shape->dtype, (at + box->lo[2]) * shape->channels + (int64_t)x,
                           expected);
                const char *is = cells + ((size_t)(z * extent[1] + y) * row + x) * size;
                wrong += memcmp(is, x < row - gap ? expected : untouched, size) != 0;
            }
    free(cells);
    return wrong;
}

static void test_boxes(void)
{
    const char *file = in_folder("boxes.h5");
    for (size_t i = 0; i < STORED; i++) {
        const stored *s = &all_stored[i];
        nf_cut cut = cut_by(&s->shape, NULL, 0);
        nf_array_reader *reader;
        nf_shape shape;
        uint64_t wrong = 0;
        CHECK_ALL(write_known(&world, file, &cut, 0, &s->output) == NF_OK);
        world.threads = 3;
        if (nf_array_open(&world, file, NULL, &reader, &shape) != NF_OK) {
            CHECK_ALL(false);
            continue;
        }
        for (int n = 0; n < 40; n++) {
            nf_box box;
            for (int d = 0; d < NF_DIMS; d++) {
                box.lo[d] = below(shape.dim[d]);
                box.hi[d] = box.lo[d] + 1 + below(shape.dim[d] - box.lo[d]);
            }
            wrong += wrong_box(reader, &shape, &box);
        }
        CHECK_ALL(wrong == 0);
        int64_t step[NF_DIMS];
        nf_array_read_step(reader, step);
        CHECK_ALL(s->output.chunk[2] == 0 || step[2] == s->output.chunk[2]);
        nf_array_close(reader);
        world.threads = 1;
    }
}

/* Rows of chunks, dealt to the ranks in turn; in the last round some have none. */
static nf_status write_rows(nf_array_writer *writer, const nf_shape *shape, int64_t rows,
                            int64_t until)
{
    ptrdiff_t stride[NF_DIMS];
    size_t size = nf_dtype_size(shape->dtype);
    nf_status status = NF_OK;
    nf_dense_strides(shape->dim, shape->channels, stride);
    for (int64_t y0 = 0; y0 < until && status == NF_OK; y0 += rows * world.size) {
        nf_box box = nf_box_whole(shape);
        nf_pack *pack = NULL;
        char *cells = malloc((size_t)(rows * stride[1]) * size);
        box.lo[1] = y0 + rows * world.rank;
        box.hi[1] = box.lo[1] + rows < until ? box.lo[1] + rows : until;
        for (int64_t i = 0; i < (box.hi[1] - box.lo[1]) * stride[1]; i++)
            io_element(shape->dtype, box.lo[1] * stride[1] + i, cells + (size_t)i * size);
        if (box.lo[1] < box.hi[1])
            status = nf_array_pack(writer, &box, cells, stride, &pack);
        status = nf_agree(&world, status);
        if (status == NF_OK)
            status = nf_array_place(&world, writer, pack);
        if (status == NF_OK)
            status = nf_agree(&world, pack != NULL ? nf_array_store(writer, pack) : NF_OK);
        free(cells);
    }
    return status;
}

static void test_packs(void)
{
    const char *file = in_folder("packs.h5");
    nf_array_writer *writer;
    const stored *s = &all_stored[1];
    nf_cut cut = cut_by(&s->shape, NULL, 0);
    for (int whole = 1; whole >= 0; whole--) {
        if (nf_array_create(&world, file, NULL, &s->shape, &s->output, &writer) != NF_OK) {
            CHECK_ALL(false);
            return;
        }
        CHECK_ALL(write_rows(writer, &s->shape, 32, whole == 1 ? 189 : 96) == NF_OK);
        nf_status status = nf_array_commit(&world, writer);
        bool right = whole == 1 ? status == NF_OK : all_say(status, "21 of 42 chunks were written");
        CHECK_ALL(right);
        CHECK_ALL(wrong_cells(file, &cut, 0) == 0); /* the first file, both times */
    }
}

/* ---- files that others wrote ---- */

/* Chunks that are not there, larger than the array, in other types and orders. */
static void test_others(void)
{
    static const struct {
        const char *type;
        nf_dtype dtype;
        double fill;
        int deflate;
        bool shuffle;
    } cases[] = {{"f4", NF_F32, 7.5, 1, true},
                 {"i2be", NF_F32, -3, 0, false},
                 {"u2be", NF_U16, 9, 6, true},
                 {"f8be", NF_F64, 0.1, 0, true},
                 {"u1", NF_U8, 200, 1, false}};
    const char *file = in_folder("others.h5");
    const nf_shape base = {{1, 70, 90}, 2, 1, NF_U8};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_shape shape = base, is;
        shape.dtype = cases[i].dtype;
        hid_t types[] = {H5T_IEEE_F32LE, H5T_STD_I16BE, H5T_STD_U16BE, H5T_IEEE_F64BE,
                         H5T_STD_U8LE};
        if (world.rank == 0) {
            hsize_t extent[] = {70, 90}, most[] = {H5S_UNLIMITED, H5S_UNLIMITED},
                    chunk[] = {40, 96};
            hsize_t start[] = {0, 3}, count[] = {41, 80};
            static float some[41 * 80];
            for (size_t n = 0; n < sizeof some / sizeof *some; n++)
                some[n] = (float)(n % 251);
            hid_t id = H5Fcreate(file, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
            hid_t space = H5Screate_simple(2, extent, most), plist = H5Pcreate(H5P_DATASET_CREATE);
            if (i == 1) /* with a row of chunks that is not there */
                chunk[0] = 20;
            H5Pset_chunk(plist, 2, chunk);
            if (cases[i].shuffle)
                H5Pset_shuffle(plist);
            if (cases[i].deflate > 0)
                H5Pset_deflate(plist, (unsigned)cases[i].deflate);
            H5Pset_fill_value(plist, H5T_NATIVE_DOUBLE, &cases[i].fill);
            hid_t dataset =
                H5Dcreate2(id, "data", types[i], space, H5P_DEFAULT, plist, H5P_DEFAULT);
            H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
            hid_t memory = H5Screate_simple(2, count, NULL);
            CU_ASSERT(H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, some) >= 0);
            H5Sclose(memory), H5Sclose(space), H5Pclose(plist), H5Dclose(dataset), H5Fclose(id);
        }
        nf_barrier(&world);
        void *cells = NULL;
        nf_status status = nf_array_load(file, &is, &cells);
        CHECK_ALL(status == NF_OK && nf_shape_equal(&is, &shape));
        nf_barrier(&world);
        char *expected = stock_read(file, &shape);
        CHECK_ALL(status == NF_OK && expected != NULL &&
                  memcmp(cells, expected, nf_shape_bytes(&shape)) == 0);
        free(expected);
        free(cells);
        nf_barrier(&world);
    }
}

/* ---- damage ---- */

static void flip_byte(const char *file, int64_t at)
{
    FILE *stream = fopen(file, "r+b");
    fseek(stream, (long)at, SEEK_SET);
    int byte = fgetc(stream);
    fseek(stream, (long)at, SEEK_SET);
    fputc(byte ^ 0x10, stream);
    fclose(stream);
}

static void test_damage(void)
{
    const char *file = in_folder("damage.h5");
    char typed[NAME_ROOM + 8], place[64];
    nf_array_reader *reader;
    nf_shape shape;
    nf_field field;
    const stored *s = &all_stored[1];
    nf_cut cut = cut_by(&s->shape, NULL, 0);
    CHECK_ALL(write_known(&world, file, &cut, 0, &s->output) == NF_OK);
    haddr_t address = 0;
    if (world.rank == 0) {
        hid_t dataset, id = stock_open(file, "/data", &dataset);
        hsize_t offset[] = {32, 64}, bytes;
        unsigned mask;
        CU_ASSERT(H5Dget_chunk_info_by_coord(dataset, offset, &mask, &address, &bytes) >= 0);
        H5Dclose(dataset), H5Fclose(id);
        flip_byte(file, (int64_t)(address + bytes / 2));
    }
    nf_broadcast(&world, &address, sizeof address, 0);
    snprintf(typed, sizeof typed, "%s:/data", file);
    snprintf(place, sizeof place, ":/data: chunk 1,2 at byte %llu: ", (unsigned long long)address);
    world.threads = 2;
    CHECK_ALL(nf_array_open(&world, file, NULL, &reader, &shape) == NF_OK);
    CHECK_ALL(nf_field_create(&field, &cut, world.rank, &(nf_halo){{0}, {0}}) == NF_OK);
    nf_status status = nf_array_read(&world, reader, &field);
    CU_ASSERT(all_say(status, place));
    CU_ASSERT(all_say(status, "fletcher32"));
    nf_field_free(&field);
    nf_array_close(reader);
    world.threads = 1;
}

/* The last rank may write no byte behind the first 4096: all ranks fail, and the target stays. */
static void test_full_rank(void)
{
    const char *file = in_folder("full.h5");
    char before[NAME_ROOM];
    const stored *s = &all_stored[1];
    nf_cut cut = cut_by(&s->shape, NULL, 0);
    CHECK_ALL(write_known(&world, file, &cut, 0, &s->output) == NF_OK);
    struct rlimit all, few;
    getrlimit(RLIMIT_FSIZE, &all);
    few = all;
    few.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    if (world.rank == world.size - 1)
        setrlimit(RLIMIT_FSIZE, &few);
    nf_status status = write_known(&world, file, &cut, 0, &s->output);
    setrlimit(RLIMIT_FSIZE, &all);
    CHECK_ALL(status != NF_OK);
    CHECK_ALL(wrong_cells(file, &cut, 0) == 0);
    snprintf(before, sizeof before, "ls -A %s | grep -q part", folder);
    CHECK_ALL(world.rank != 0 || system(before) != 0);
}

static void test_refused(void)
{
    static const struct {
        const char *name;
        nf_output output;
        const char *words;
    } cases[] = {
        {"a.h5", {.chunk = {2, 3, 4}}, "three extents where the array has 2"},
        {"a.h5", {.chunk = {0, 0, 4}}, "one extent where the array has 2"},
        {"a.png", {.compression = {NF_CODEC_DEFLATE, 1}}, "PNG file has no choice of compression"},
        {"a.png", {.fletcher32 = true}, "PNG file has no chunks or checksums"},
        {"a.h5", {.chunk = {0, 100000, 100000}}, "up to 256 MiB"},
    };
    nf_array_writer *writer;
    nf_shape shape = {{1, 30000, 40000}, 2, 1, NF_U8};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT(all_say(nf_array_create(&world, in_folder(cases[i].name), NULL, &shape,
                                          &cases[i].output, &writer),
                          cases[i].words));
}

/* ---- the extents of chunks ---- */

static void test_extents(void)
{
    static const struct {
        const char *text;
        int64_t chunk[NF_DIMS];
    } given[] = {{"auto", {0, 0, -1}},  {"7", {0, 0, 7}},   {"256x128", {0, 256, 128}},
                 {"1x2x3", {1, 2, 3}},  {"", {-1, 0, 0}},   {"0", {-1, 0, 0}},
                 {"4x", {-1, 0, 0}},    {"x4", {-1, 0, 0}}, {"4x5x6x7", {-1, 0, 0}},
                 {"4 x5", {-1, 0, 0}},  {"-4", {-1, 0, 0}}, {"99999999999", {-1, 0, 0}},
                 {"4x5x6x", {-1, 0, 0}}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        int64_t chunk[NF_DIMS];
        nf_status status = nf_chunk_parse("--chunk", given[i].text, chunk);
        bool right = given[i].chunk[0] == -1
                         ? status == NF_ERR_USAGE
                         : status == NF_OK && memcmp(chunk, given[i].chunk, sizeof chunk) == 0;
        CU_ASSERT(right);
    }
    for (int64_t n = 1; n < 5000000; n = n * 3 + 1)
        for (int64_t m = 1; m < 5000000; m = m * 4 + 2) {
            nf_shape shape = {{1, n, m}, 2, 1, NF_F32};
            int64_t chunk[NF_DIMS], all = 1, cells = n * m;
            nf_chunk_choose(&shape, 4, chunk);
            for (int d = 0; d < NF_DIMS; d++) {
                CU_ASSERT(chunk[d] >= 1 && chunk[d] <= shape.dim[d]);
                all *= chunk[d] * ((shape.dim[d] - 1) / chunk[d] + 1);
            }
            int64_t bytes = chunk[1] * chunk[2] * 4;
            CU_ASSERT(bytes <= 2 << 20);
            CU_ASSERT(bytes >= 1 << 18 || all / (chunk[1] * chunk[2]) <= 3);
            CU_ASSERT(all <= cells + cells / 4); /* hardly more than the array */
        }
}

/* ---- main ---- */

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"all ways", test_all_ways}, {"boxes", test_boxes},
        {"packs", test_packs},       {"files of others", test_others},
        {"damage", test_damage},     {"a rank with a full disk", test_full_rank},
        {"refused", test_refused},   {"extents", test_extents},
        CU_TEST_INFO_NULL,
    };
    return run_ranks(argc, argv, "chunks", tests);
}
