/* What keeps files from being lost: outputs that exist, inputs that are the output, what a killed
 * run leaves, limits on what a file may claim. */
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/engine/checksum.h"
#include "io/array.h"
#include "io/image.h"
#include "tests/drive.h"
#include "tests/folder.h"
#include "tests/io_cells.h"

enum { PART_ROOM = 300 };

static nf_status begin(const char *typed, const char *input, nf_shape shape,
                       nf_array_writer **writer)
{
    const nf_output output = {.quality = 90};
    return nf_array_create(&alone, typed, input, &shape, &output, writer);
}

/* Writes known cells and commits. */
static nf_status finish(nf_array_writer *writer, nf_shape shape)
{
    nf_field field;
    nf_halo none = {{0}, {0}};
    nf_cut cut = nf_cut_choose(&shape, 1, &none, NULL);
    if (nf_field_create(&field, &cut, 0, &none) != NF_OK)
        return NF_ERR_MEMORY;
    io_field(&field, true);
    nf_status status = nf_array_write(&alone, writer, &field);
    nf_field_free(&field);
    if (status == NF_OK)
        return nf_array_commit(&alone, writer);
    nf_array_abort(&alone, writer);
    return status;
}

static nf_status put(const char *typed, nf_shape shape)
{
    nf_array_writer *writer;
    nf_status status = begin(typed, NULL, shape, &writer);
    return status == NF_OK ? finish(writer, shape) : status;
}

/* The same by another process, whose part file is another. */
static nf_status put_elsewhere(const char *typed, nf_shape shape)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit((int)put(typed, shape));
    int state = 0;
    waitpid(child, &state, 0);
    return WIFEXITED(state) ? (nf_status)WEXITSTATUS(state) : NF_ERR_SYSTEM;
}

static nf_status load(const char *typed, nf_shape expected)
{
    nf_shape shape;
    void *cells;
    nf_status status = nf_array_load(typed, &shape, &cells);
    free(cells);
    return status == NF_OK && !nf_shape_equal(&shape, &expected) ? NF_ERR_SHAPE : status;
}

static bool spill(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    return file != NULL && fputs(text, file) >= 0 && fclose(file) == 0;
}

static bool exists(const char *name)
{
    return access(in_folder(name), F_OK) == 0;
}

/* ---- outputs that exist ---- */

static nf_status begin_new(const char *typed, nf_shape shape, nf_array_writer **writer)
{
    const nf_output output = {.no_clobber = true};
    return nf_array_create(&alone, typed, NULL, &shape, &output, writer);
}

/* What --no-clobber says to it. */
static nf_status refusal(const char *typed)
{
    nf_array_writer *writer = NULL;
    nf_status status = begin_new(typed, io_shape(2, 1, 4, 6, 3, NF_U8), &writer);
    nf_array_abort(&alone, writer);
    return status;
}

static void test_refuse_existing(void)
{
    static const char *const names[] = {"no.png", "no.jpg", "no.h5", "no.h5:/data", "no.h5:/g/x"};
    nf_shape image = io_shape(2, 1, 4, 6, 3, NF_U8);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(refusal(in_folder(names[i])), NF_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CU_ASSERT_EQUAL(put(in_folder(names[i]), image), NF_OK);
        CU_ASSERT(says(refusal(in_folder(names[i])), "--no-clobber"));
        CU_ASSERT(says(refusal(in_folder(names[i])), names[i]));
    }
    CU_ASSERT(says(refusal(in_folder("no.h5:/g")), "exists already"));
    CU_ASSERT(says(refusal(in_folder("no.h5:/./g//x")), "exists already"));
    CU_ASSERT_EQUAL(refusal(in_folder("no.h5:/g/y")), NF_OK);
    CU_ASSERT_EQUAL(refusal(in_folder("no.h5:/x/y/z")), NF_OK);
    CU_ASSERT_EQUAL(symlink("no.png", in_folder("soft.png")), 0);
    CU_ASSERT_EQUAL(symlink("nowhere", in_folder("lost.png")), 0);
    CU_ASSERT(says(refusal(in_folder("soft.png")), "exists already"));
    CU_ASSERT(says(refusal(in_folder("lost.png")), "exists already"));
    CU_ASSERT(spill(in_folder("broken.h5"), "\x89HDF\r\n\x1a\n and nothing more"));
    CU_ASSERT(says(refusal(in_folder("broken.h5:/x")), "broken.h5"));
}

/* A target that comes while the output is written. */
static void test_appears_meanwhile(void)
{
    nf_shape image = io_shape(2, 1, 4, 6, 3, NF_U8), other = io_shape(2, 1, 5, 5, 3, NF_U8);
    nf_array_writer *writer;
    for (int keep = 0; keep < 2; keep++) {
        const char *race = in_folder("race.png");
        CU_ASSERT_EQUAL(keep ? begin_new(race, image, &writer) : begin(race, NULL, image, &writer),
                        NF_OK);
        CU_ASSERT_EQUAL(put_elsewhere(in_folder("race.png"), other), NF_OK);
        nf_status status = finish(writer, image);
        CU_ASSERT(keep ? says(status, "race.png: cannot be replaced") : status == NF_OK);
        CU_ASSERT_EQUAL(load(in_folder("race.png"), keep ? other : image), NF_OK);
        CU_ASSERT_EQUAL(unlink(in_folder("race.png")), 0);
    }
    /* One that was there is meant to be replaced: --no-clobber has looked at it before. */
    CU_ASSERT_EQUAL(put(in_folder("race.h5:/a"), image), NF_OK);
    CU_ASSERT_EQUAL(begin_new(in_folder("race.h5:/b"), image, &writer), NF_OK);
    CU_ASSERT_EQUAL(finish(writer, image), NF_OK);
    CU_ASSERT_EQUAL(load(in_folder("race.h5:/a"), image), NF_OK);
}

/* Two that write different datasets of one file: the second would undo the first. */
static void test_two_writers(void)
{
    nf_shape image = io_shape(2, 1, 4, 6, 3, NF_U8), other = io_shape(2, 1, 5, 5, 3, NF_U8);
    for (int there = 0; there < 2; there++) {
        nf_array_writer *first;
        CU_ASSERT_EQUAL(begin(in_folder("two.h5:/a"), NULL, image, &first), NF_OK);
        CU_ASSERT_EQUAL(put_elsewhere(in_folder("two.h5:/b"), other), NF_OK);
        CU_ASSERT(says(finish(first, image), "two.h5: another program has written to it"));
        CU_ASSERT_EQUAL(load(in_folder("two.h5:/b"), other), NF_OK);
        /* The same dataset: the last one stays, as where one file replaces another. */
        CU_ASSERT_EQUAL(begin(in_folder("two.h5:/b"), NULL, image, &first), NF_OK);
        CU_ASSERT_EQUAL(put_elsewhere(in_folder("two.h5:/b"), other), NF_OK);
        CU_ASSERT_EQUAL(finish(first, image), NF_OK);
        CU_ASSERT_EQUAL(load(in_folder("two.h5:/b"), image), NF_OK);
    }
}

/* The output is the input, by whatever name. */
static void test_in_place(void)
{
    static const char *const pairs[][2] = {{"in.png", "in.png"},
                                           {"in.png", "in-soft.png"},
                                           {"in-soft.png", "in.png"},
                                           {"in.png", "in-hard.png"},
                                           {"in.png", "./in.png"},
                                           {"in.h5", "in.h5"},
                                           {"in.h5", "in.h5:/data"},
                                           {"in.h5:/data", "in.h5"},
                                           {"in.h5", "in.h5:/other"},
                                           {"in.h5:/data", "in-s.h5"},
                                           {"in.h5", "in-s.h5:/data"},
                                           {"in.h5:/data", "in-h.h5:/data"},
                                           {"in.h5:/data", "in.h5://data/"},
                                           {"in.h5:/data", "in.h5:/./data"}};
    nf_shape image = io_shape(2, 1, 4, 6, 3, NF_U8);
    CU_ASSERT_EQUAL(put(in_folder("in.png"), image), NF_OK);
    CU_ASSERT_EQUAL(put(in_folder("in.h5"), image), NF_OK);
    CU_ASSERT_EQUAL(symlink("in.png", in_folder("in-soft.png")), 0);
    CU_ASSERT_EQUAL(symlink("in.h5", in_folder("in-s.h5")), 0);
    CU_ASSERT_EQUAL(link(in_folder("in.png"), in_folder("in-hard.png")), 0);
    CU_ASSERT_EQUAL(link(in_folder("in.h5"), in_folder("in-h.h5")), 0);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        nf_array_writer *writer;
        nf_status status = begin(in_folder(pairs[i][1]), in_folder(pairs[i][0]), image, &writer);
        CU_ASSERT(says(status, "is the input"));
        nf_array_abort(&alone, writer);
    }
}

/* ---- what a killed run leaves ---- */

static void leave(char *name, const char *target, const char *host, long pid)
{
    snprintf(name, PART_ROOM, ".%s.%s.%ld.part", target, host, pid);
    CU_ASSERT(spill(in_folder(name), "left"));
}

static pid_t killed_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return child;
}

static void test_left_parts(void)
{
    char host[41] = "", name[6][PART_ROOM];
    nf_shape image = io_shape(2, 1, 4, 6, 3, NF_U8);
    gethostname(host, sizeof host - 1);
    pid_t gone = killed_process();
    leave(name[0], "left.png", host, gone);
    leave(name[1], "left.png", host, (long)getppid()); /* it lives */
    leave(name[2], "left.png", "elsewhere", gone);
    leave(name[3], "other.png", host, gone);
    leave(name[4], "left.png.png", host, gone);
    snprintf(name[5], PART_ROOM, ".left.png.%s.%ld.parts", host, (long)gone);
    CU_ASSERT(spill(in_folder(name[5]), "left"));
    CU_ASSERT_EQUAL(put(in_folder("left.png"), image), NF_OK);
    CU_ASSERT(!exists(name[0]));
    for (int i = 1; i < 6; i++)
        CU_ASSERT(exists(name[i]));
}

/* A real one: killed between creation and commit. */
static void test_killed(void)
{
    static const char *const targets[] = {"kill.h5", "kill.png"};
    nf_shape image = io_shape(2, 1, 40, 60, 3, NF_U8);
    for (size_t i = 0; i < 2; i++) {
        char host[41] = "", name[PART_ROOM];
        gethostname(host, sizeof host - 1);
        CU_ASSERT_EQUAL(put(in_folder(targets[i]), image), NF_OK);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            nf_array_writer *writer;
            if (begin(in_folder(targets[i]), NULL, image, &writer) == NF_OK)
                raise(SIGKILL);
            _exit(1);
        }
        int state = 0;
        waitpid(child, &state, 0);
        CU_ASSERT(WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL);
        snprintf(name, sizeof name, ".%s.%s.%ld.part", targets[i], host, (long)child);
        CU_ASSERT(exists(name));
        CU_ASSERT_EQUAL(load(in_folder(targets[i]), image), NF_OK);
        CU_ASSERT_EQUAL(put(in_folder(targets[i]), image), NF_OK);
        CU_ASSERT(!exists(name));
    }
}

/* ---- limits ---- */

static void test_max_pixels(void)
{
    static const char *const names[] = {"max.png", "max.jpg", "max.tif", "max.ppm", "max.pfm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        nf_shape image = io_shape(2, 1, 40, 60, 3, i == 4 ? NF_F32 : NF_U8);
        CU_ASSERT_EQUAL(put(in_folder(names[i]), image), NF_OK);
        nf_max_pixels = 40 * 60;
        CU_ASSERT_EQUAL(load(in_folder(names[i]), image), NF_OK);
        nf_max_pixels--;
        CU_ASSERT(says(load(in_folder(names[i]), image), "2399: if"));
        CU_ASSERT(says(load(in_folder(names[i]), image), names[i]));
        nf_max_pixels = 0;
    }
    /* Claims whose product overflows are refused in every format. */
    nf_shape huge = io_shape(3, INT64_MAX / 2, INT64_MAX / 2, 4, 4, NF_F64);
    CU_ASSERT(says(nf_image_check(&huge, 0, "huge.xyz", "XYZ"), "huge.xyz is larger than 2^62"));
}

/* Nothing is told: what takes more than 100 times its file's bytes is refused above 2^30 pixels. */
static void test_expansion(void)
{
    const nf_shape small = io_shape(2, 1, 1 << 15, 1 << 15, 1, NF_U8);
    const nf_shape large = io_shape(2, 1, 1 << 15, (1 << 15) + 100, 1, NF_U8);
    int fd = open(in_folder("bomb"), O_RDWR | O_CREAT, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(ftruncate(fd, 1000), 0);
    CU_ASSERT_EQUAL(nf_image_check(&small, fd, "bomb", "XYZ"), NF_OK);
    CU_ASSERT(
        says(nf_image_check(&large, fd, "bomb", "XYZ"), "the limit for images is 1073741824"));
    CU_ASSERT_EQUAL(ftruncate(fd, ((1 << 30) + (100 << 15)) / 100 - 1), 0);
    CU_ASSERT(says(nf_image_check(&large, fd, "bomb", "XYZ"), "the limit for images is"));
    CU_ASSERT_EQUAL(ftruncate(fd, ((1 << 30) + (100 << 15)) / 100), 0);
    CU_ASSERT_EQUAL(nf_image_check(&large, fd, "bomb", "XYZ"), NF_OK);
    nf_max_pixels = 1 << 30; /* told: whatever the file's length */
    CU_ASSERT(says(nf_image_check(&large, fd, "bomb", "XYZ"), "the limit for images is"));
    nf_max_pixels = 0;
    close(fd);
}

/* A dataset of nothing that claims 2^33 x 2^33 cells: no chunk of it is there. */
static void test_overflow(void)
{
    const hsize_t extent[2] = {(hsize_t)1 << 33, (hsize_t)1 << 33}, chunk[2] = {64, 64};
    hid_t file = H5Fcreate(in_folder("claims.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, extent, NULL);
    H5Pset_chunk(plist, 2, chunk);
    hid_t set = H5Dcreate2(file, "x", H5T_IEEE_F64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    CU_ASSERT(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plist);
    H5Fclose(file);
    nf_array_reader *reader;
    nf_shape shape;
    nf_status status = nf_array_open(&alone, in_folder("claims.h5"), NULL, &reader, &shape);
    CU_ASSERT(says(status, "claims.h5"));
    CU_ASSERT(says(status, "larger than 2^62 bytes"));
}

/* ---- checksums ---- */

/* What `reduce -k checksum` computes. */
static uint64_t reduced(const nf_shape *shape, const void *cells)
{
    nf_chain chain;
    CU_ASSERT_EQUAL(nf_chain_parse("checksum", &chain), NF_OK);
    nf_outcome outcome = nf_test_drive(&alone, &chain, shape, cells, NULL);
    CU_ASSERT_EQUAL(outcome.status, NF_OK);
    uint64_t sum = outcome.results.numbers[0].low;
    nf_outcome_free(&outcome);
    nf_chain_free(&chain);
    return sum;
}

/* The same box by box, the last one first; cut in `parts` along each dimension. */
static uint64_t added(const nf_shape *shape, const char *cells, int64_t parts, int threads)
{
    nf_checksum checksum;
    ptrdiff_t stride[NF_DIMS];
    nf_dense_strides(shape->dim, shape->channels, stride);
    CU_ASSERT_EQUAL(nf_checksum_begin(&checksum, shape), NF_OK);
    for (int64_t i = parts * parts * parts - 1; i >= 0; i--) {
        int64_t at[NF_DIMS] = {i / parts / parts, i / parts % parts, i % parts};
        nf_box box;
        ptrdiff_t offset = 0;
        for (int d = 0; d < NF_DIMS; d++) {
            box.lo[d] = shape->dim[d] * at[d] / parts;
            box.hi[d] = shape->dim[d] * (at[d] + 1) / parts;
            offset += box.lo[d] * stride[d];
        }
        nf_checksum_add(&checksum, &box, cells + offset * (ptrdiff_t)nf_dtype_size(shape->dtype),
                        stride, threads);
    }
    uint64_t sum = nf_checksum_value(&alone, &checksum);
    nf_checksum_free(&checksum);
    return sum;
}

static void test_checksums(void)
{
    const nf_shape shapes[] = {io_shape(1, 1, 1, 200003, 1, NF_F64),
                               io_shape(2, 1, 517, 389, 3, NF_U8),
                               io_shape(2, 1, 3, 70001, 2, NF_U16),
                               io_shape(3, 11, 23, 29, 1, NF_F32), io_shape(1, 1, 1, 1, 1, NF_U8)};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t size = nf_dtype_size(shapes[s].dtype);
        char *cells = malloc(nf_shape_bytes(&shapes[s]));
        CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
        for (int64_t i = 0; i < nf_shape_elements(&shapes[s]); i++)
            io_element(shapes[s].dtype, i, cells + (size_t)i * size);
        uint64_t expected = reduced(&shapes[s], cells);
        for (int parts = 1; parts <= 3; parts++)
            for (int threads = 1; threads <= 3; threads++)
                CU_ASSERT_EQUAL(added(&shapes[s], cells, parts, threads), expected);
        free(cells);
    }
}

/* ---- a crash inside HDF5 ---- */

/* A chunk shorter than its own check sum: HDF5 1.10 reads beyond all bounds. Chunks of one channel of
 * three are HDF5's to read. */
static bool put_crash(const char *path)
{
    static const unsigned char two[2] = {1, 2};
    const hsize_t extent[3] = {16, 16, 3}, chunk[3] = {16, 16, 1}, at[3] = {0, 0, 0};
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(3, extent, NULL);
    H5Pset_chunk(plist, 3, chunk);
    H5Pset_fletcher32(plist);
    hid_t set = H5Dcreate2(file, "x", H5T_STD_U8LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    bool fine = H5Dwrite_chunk(set, H5P_DEFAULT, 0, at, sizeof two, two) >= 0;
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plist);
    return H5Fclose(file) >= 0 && fine;
}

/* In a child whose output is half made: it ends as any failure does, and not by a signal. */
static void test_crash(void)
{
    nf_shape image = io_shape(2, 1, 4, 6, 3, NF_U8);
    CU_ASSERT(put_crash(in_folder("crash.h5")));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        nf_array_writer *writer;
        bool fine = freopen(in_folder("crash.txt"), "w", stderr) != NULL &&
                    begin(in_folder("crash.png"), NULL, image, &writer) == NF_OK;
        if (fine && load(in_folder("crash.h5"), io_shape(2, 1, 16, 16, 3, NF_U8)) != NF_OK) {
            fprintf(stderr, "%s\n", nf_message(NF_ERR_FORMAT)); /* an HDF5 that sees it */
            nf_array_abort(&alone, writer);
            exit(1);
        }
        exit(2);
    }
    int state = 0;
    waitpid(child, &state, 0);
    CU_ASSERT(WIFEXITED(state) && WEXITSTATUS(state) == 1);
#ifndef __SANITIZE_ADDRESS__ /* which has handlers of its own */
    char text[2000] = "", part[PART_ROOM], host[41] = "";
    FILE *file = fopen(in_folder("crash.txt"), "r");
    CU_ASSERT(file != NULL && fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    CU_ASSERT(strstr(text, "crash.h5: ") != NULL);
    gethostname(host, sizeof host - 1);
    snprintf(part, sizeof part, ".crash.png.%s.%ld.part", host, (long)child);
    CU_ASSERT(!exists(part));
#endif
}

/* ---- main ---- */

int main(void)
{
    CU_TestInfo tests[] = {
        {"outputs that exist", test_refuse_existing},
        {"outputs that appear", test_appears_meanwhile},
        {"two writers of a file", test_two_writers},
        {"in place", test_in_place},
        {"part files that were left", test_left_parts},
        {"a killed process", test_killed},
        {"--max-pixels", test_max_pixels},
        {"images larger than their files", test_expansion},
        {"extents whose product overflows", test_overflow},
        {"checksums", test_checksums},
        {"a crash inside HDF5", test_crash},
        CU_TEST_INFO_NULL,
    };
    return nf_folder_run(&alone, "guard", tests);
}
