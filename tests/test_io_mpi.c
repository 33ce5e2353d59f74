/* Arrays in files, by any number of ranks: the same bytes, the right cells, and failures that reach
 * all ranks. Run under mpirun. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/array.h"
#include "tests/io_ranks.h"

static const nf_output output = {
    .provenance = &(nf_provenance){.command = "filter", .chain = "sobel", .input = "photo.jpg"}};
static const nf_output squeezed = {.compression = {NF_CODEC_DEFLATE, 1}};

/* A cut into blocks by hand; nf_cut_choose cuts by the halo alone. */
static nf_cut cut_by(const nf_shape *shape, int way)
{
    static const nf_halo halo = {{1, 1, 1}, {1, 1, 1}}, none;
    nf_cut cut = nf_cut_choose(shape, world.size, way == 0 ? &none : &halo, NULL);
    if (way == 2 && shape->dim[2] >= world.size) { /* columns alone: every row in many pieces */
        cut.parts[0] = cut.parts[1] = 1;
        cut.parts[2] = world.size;
    }
    return cut;
}

static bool same_files(const char *a, const char *b)
{
    char command[3 * NAME_ROOM];
    snprintf(command, sizeof command, "cmp %s %s", a, b);
    return system(command) == 0;
}

/* ---- the same bytes, the right cells ---- */

static void check_way(const nf_shape *shape, const char *suffix, int way)
{
    char name[64];
    snprintf(name, sizeof name, "one%s", suffix);
    const char *one = in_folder(name);
    snprintf(name, sizeof name, "many%s", suffix);
    const char *many = in_folder(name);
    const nf_output *how = suffix[0] == 'z' ? &squeezed : &output;
    nf_cut cut = cut_by(shape, way), whole = nf_cut_choose(shape, 1, &(nf_halo){{0}, {0}}, NULL);
    nf_status status = NF_OK;
    if (world.rank == 0)
        status = write_known(&alone, one, &whole, 0, how);
    CHECK_ALL(status == NF_OK);
    CHECK_ALL(write_known(&world, many, &cut, way, how) == NF_OK);
    CHECK_ALL(world.rank != 0 || same_files(one, many));
    if (suffix[1] != 'j')
        CHECK_ALL(wrong_cells(many, &cut, way) == 0);
    nf_cut other = cut_by(shape, (way + 1) % 3);
    if (suffix[1] != 'j')
        CHECK_ALL(wrong_cells(many, &other, 0) == 0);
}

static void test_same_bytes(void)
{
    static const struct {
        nf_shape shape;
        const char *suffix;
    } cases[] = {
        {{{1, 389, 517}, 2, 3, NF_U8}, ".h5"},    {{{1, 389, 517}, 2, 3, NF_U8}, ".png"},
        {{{1, 389, 517}, 2, 3, NF_U8}, ".jpg"},   {{{1, 389, 517}, 2, 1, NF_F32}, ".h5"},
        {{{1, 1, 1}, 2, 1, NF_U8}, ".h5"},        {{{1, 1, 1}, 2, 1, NF_U8}, ".png"},
        {{{1, 1, 1}, 2, 1, NF_U8}, ".jpg"},       {{{1, 1, 517}, 2, 2, NF_U16}, ".h5"},
        {{{1, 1, 517}, 2, 2, NF_U16}, ".png"},    {{{1, 5, 300}, 2, 4, NF_U16}, ".png"},
        {{{1, 5, 1}, 2, 1, NF_F64}, ".h5"},       {{{17, 29, 31}, 3, 1, NF_F64}, ".h5"},
        {{{3, 29, 31}, 3, 3, NF_F32}, ".h5"},     {{{1, 1, 10007}, 1, 1, NF_F64}, ".h5"},
        {{{1, 389, 517}, 2, 3, NF_U8}, ".npy"},   {{{1, 1, 10007}, 1, 1, NF_F64}, ".npy"},
        {{{3, 29, 31}, 3, 3, NF_F32}, ".npy"},    {{{17, 29, 3}, 3, 1, NF_U16}, ".npy"},
        {{{1, 389, 517}, 2, 1, NF_U16}, ".pgm"},  {{{1, 57, 91}, 2, 3, NF_U8}, ".ppm"},
        {{{1, 57, 91}, 2, 4, NF_U16}, ".pam"},    {{{1, 57, 91}, 2, 3, NF_F32}, ".pfm"},
        {{{1, 389, 517}, 2, 1, NF_F32}, ".pfm"},  {{{1, 389, 517}, 2, 3, NF_U8}, ".tif"},
        {{{17, 29, 31}, 3, 1, NF_F64}, ".tif"},   {{{3, 29, 31}, 3, 2, NF_U16}, ".tif"},
        {{{1, 389, 517}, 2, 3, NF_U8}, "z.tif"},  {{{5, 129, 531}, 3, 1, NF_F32}, "z.tif"},
        {{{1, 2500, 3001}, 2, 3, NF_U8}, ".png"}, /* two bands of rows */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int way = cases[i].shape.dim[1] > 2000 ? 2 : 0; way < 3; way++)
            check_way(&cases[i].shape, cases[i].suffix, way);
}

/* ---- failures ---- */

static nf_status open_and_read(const char *typed)
{
    nf_array_reader *reader;
    nf_shape shape;
    nf_field field = {.memory = NULL};
    nf_status status = nf_array_open(&world, typed, NULL, &reader, &shape);
    if (status != NF_OK)
        return status;
    nf_cut cut = cut_by(&shape, 1);
    status = nf_agree(&world, nf_field_create(&field, &cut, world.rank, &(nf_halo){{1}, {0}}));
    if (status == NF_OK)
        status = nf_array_read(&world, reader, &field);
    nf_field_free(&field);
    nf_array_close(reader);
    return status;
}

static void test_failing_reads(void)
{
    static const nf_shape image = {{1, 2500, 3001}, 2, 3, NF_U8};
    const char *png = in_folder("cut.png"), *h5 = in_folder("cut.h5");
    nf_cut cut = cut_by(&image, 0);
    CHECK_ALL(write_known(&world, png, &cut, 0, &output) == NF_OK);
    CHECK_ALL(write_known(&world, h5, &cut, 0, &output) == NF_OK);
    struct stat info;
    /* The end of the image is gone: the first band can be read, the second cannot. */
    if (world.rank == 0 && stat(png, &info) == 0 && truncate(png, info.st_size - 1000) != 0)
        perror(png);
    if (world.rank == 0 && stat(h5, &info) == 0 && truncate(h5, info.st_size - 1000) != 0)
        perror(h5);
    nf_barrier(&world);
    CHECK_ALL(all_say(open_and_read(png), "damaged or cut short"));
    CHECK_ALL(all_say(open_and_read(h5), "truncated file"));
    CHECK_ALL(all_say(open_and_read(in_folder("none.h5")), "No such file"));
    CHECK_ALL(all_say(open_and_read(folder), "is a directory"));
}

static void test_refused_writes(void)
{
    static const nf_shape real = {{1, 40, 50}, 2, 1, NF_F32};
    nf_cut cut = cut_by(&real, 1);
    CHECK_ALL(all_say(write_known(&world, in_folder("r.png"), &cut, 0, &output), "cast:to=u8"));
    CHECK_ALL(
        all_say(write_known(&world, in_folder("no/r.h5"), &cut, 0, &output), "make it first"));
    CHECK_ALL(all_say(write_known(&world, in_folder("r.gif"), &cut, 0, &output), "unknown suffix"));
}

/* One rank alone may write no more than 4 KiB to a file: its writes fail, everyone else's do not.
 */
static void test_one_full_rank(void)
{
    static const nf_shape image = {{1, 300, 400}, 2, 3, NF_U8};
    const char *h5 = in_folder("full.h5");
    char command[2 * NAME_ROOM];
    struct rlimit old, little;
    nf_cut cut = cut_by(&image, 1);
    nf_array_writer *writer;
    nf_field field;
    CHECK_ALL(nf_field_create(&field, &cut, world.rank, &(nf_halo){{0}, {0}}) == NF_OK);
    io_field(&field, true);
    nf_status status = nf_array_create(&world, h5, NULL, &image, &output, &writer);
    CHECK_ALL(status == NF_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    little = old;
    little.rlim_cur = 4096;
    if (world.rank == world.size - 1)
        setrlimit(RLIMIT_FSIZE, &little);
    if (status == NF_OK)
        status = nf_array_write(&world, writer, &field);
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK_ALL(all_say(status, strerror(EFBIG)));
    nf_array_abort(&world, writer);
    nf_barrier(&world);
    snprintf(command, sizeof command, "! ls -A %s | grep -q '^[.].*part$'", folder);
    CHECK_ALL(access(h5, F_OK) != 0);
    CHECK_ALL(world.rank != 0 || system(command) == 0);
    nf_field_free(&field);
}

/* ---- main ---- */

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"same bytes and cells", test_same_bytes},
        {"failing reads", test_failing_reads},
        {"refused writes", test_refused_writes},
        {"a rank with a full disk", test_one_full_rank},
        CU_TEST_INFO_NULL,
    };
    return run_ranks(argc, argv, "io_mpi", tests);
}
