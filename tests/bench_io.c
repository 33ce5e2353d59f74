/* bench_io.c - reading and writing beside the same ranks' plain calls, HDF5's own paths and h5repack;
 * as ratios of medians. mpirun -n 2 bench_io [-n SIDE] [-r ROUNDS] [-t THREADS] [-d FOLDER]
 * [-f FILTER] [-p] [ROW ...]
 *
 * An array of SIDE x SIDE f32, smooth with some noise. What is compared takes turns, with the page
 * cache alike for both: written files are new and have their space, read ones lie in the cache.
 * Opening, syncing and closing are not timed, but for programs. -p: seconds of the processor instead
 * of those that pass, for a machine that others use, too. Each line: GB/s of elements of both,
 * and how many times as fast nfold is, beside the least that is wanted. */
#include <fcntl.h>
#include <getopt.h>
#include <hdf5.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/array.h"
#include "tests/bench.h"

enum { CHUNK = 512, TILE = CHUNK * CHUNK * sizeof(float), NAME_ROOM = 600, MOST_ROUNDS = 101 };

static nf_world world;
static int64_t side = 8192;
static size_t rounds = 5;
static int threads = 1;
static bool of_processor;
static const char *base = "/tmp", *filter_program = NULL;
static char folder[NAME_ROOM - 100];

static double clock_now(void)
{
    struct timespec t;
    clock_gettime(of_processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_io: %s\n", what);
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

static void need(bool fine, const char *what)
{
    if (!fine)
        fail(what);
}

static void check(nf_status status)
{
    if (status != NF_OK)
        fail(nf_message(status));
}

static const char *in_folder(const char *name)
{
    static char path[NAME_ROOM];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- what is moved ---- */

typedef struct subject_data {
    nf_shape shape;
    nf_field field; /* this rank's rows, as nfold holds them */
    float *dense;   /* the same, dense, for others */
    float *tile;    /* one chunk, again and again */
    size_t bytes;
} subject_data;

static subject_data all;

static float element(int64_t y, int64_t x)
{
    uint64_t h = ((uint64_t)y * 40503 + (uint64_t)x) * UINT64_C(0x9e3779b97f4a7c15);
    float noise = (float)(h >> 52) / 4096.0F;
    return 100.0F * sinf((float)x / 300.0F) * cosf((float)y / 200.0F) + noise;
}

static void data_create(void)
{
    const nf_halo none = {{0}, {0}};
    all.shape = (nf_shape){{1, side, side}, 2, 1, NF_F32};
    nf_cut cut = nf_cut_choose(&all.shape, world.size, &none, NULL);
    check(nf_field_create(&all.field, &cut, world.rank, &none));
    int64_t rows = nf_box_extent(&all.field.own, 1);
    all.bytes = (size_t)(rows * side) * sizeof(float);
    all.dense = nf_block_alloc(all.bytes);
    all.tile = nf_block_alloc(CHUNK * CHUNK * sizeof(float));
    need(all.dense != NULL && all.tile != NULL, "no memory");
    for (int64_t y = 0; y < rows; y++) {
        int64_t at = all.field.own.lo[1] + y;
        float *row = all.dense + y * side;
        for (int64_t x = 0; x < side; x++)
            row[x] = element(at, x);
        memcpy(nf_field_at(&all.field, (int64_t[]){0, at, 0}), row, (size_t)side * sizeof *row);
    }
}

/* ---- nfold ---- */

/* Begins together. */
static double begin(void)
{
    nf_barrier(&world);
    return clock_now();
}

/* Seconds since, until the last has ended; of the processor, those of a rank in the mean. */
static double since(double start)
{
    double mine = clock_now() - start;
    if (of_processor)
        return (double)nf_sum_u64(&world, (uint64_t)(mine * 1e9)) * 1e-9 / world.size;
    nf_barrier(&world);
    return clock_now() - start;
}

static double nfold_write(const nf_output *output, const char *kept)
{
    nf_array_writer *writer;
    const char *name = in_folder(kept != NULL ? kept : "nfold.h5");
    check(nf_array_create(&world, name, NULL, &all.shape, output, &writer));
    double start = begin();
    check(nf_array_write(&world, writer, &all.field));
    double seconds = since(start);
    if (kept != NULL)
        check(nf_array_commit(&world, writer));
    else
        nf_array_abort(&world, writer);
    return seconds;
}

static double nfold_read(const char *name)
{
    nf_array_reader *reader;
    nf_shape shape;
    check(nf_array_open(&world, in_folder(name), NULL, &reader, &shape));
    double start = begin();
    check(nf_array_read(&world, reader, &all.field));
    double seconds = since(start);
    nf_array_close(reader);
    return seconds;
}

static nf_box tile_at(int64_t i)
{
    int64_t across = side / CHUNK;
    nf_box box = {{0, all.field.own.lo[1] + i / across * CHUNK, i % across * CHUNK}, {1, 0, 0}};
    box.hi[1] = box.lo[1] + CHUNK;
    box.hi[2] = box.lo[2] + CHUNK;
    return box;
}

static int64_t tile_count(void)
{
    return nf_box_extent(&all.field.own, 1) / CHUNK * (side / CHUNK);
}

static double nfold_read_tiles(const char *name)
{
    nf_array_reader *reader;
    nf_shape shape;
    ptrdiff_t stride[NF_DIMS] = {CHUNK * CHUNK, CHUNK, 1};
    check(nf_array_open(&world, in_folder(name), NULL, &reader, &shape));
    double start = begin();
    for (int64_t i = 0; i < tile_count(); i++) {
        nf_box box = tile_at(i);
        check(nf_array_read_box(reader, &box, all.tile, stride));
    }
    double seconds = since(start);
    nf_array_close(reader);
    return seconds;
}

static const nf_output slabs = {.quality = 0}, squares = {.chunk = {0, CHUNK, CHUNK}},
                       deflated = {.chunk = {0, CHUNK, CHUNK},
                                   .compression = {NF_CODEC_DEFLATE, 1},
                                   .shuffle = true},
                       recut = {.chunk = {0, 256, 1024},
                                .compression = {NF_CODEC_DEFLATE, 1},
                                .shuffle = true};

static double write_slabs(void)
{
    return nfold_write(&slabs, NULL);
}

static double write_squares(void)
{
    return nfold_write(&squares, NULL);
}

static double write_deflated(void)
{
    return nfold_write(&deflated, NULL);
}

static double read_slabs(void)
{
    return nfold_read("slabs.h5");
}

static double read_squares(void)
{
    return nfold_read("squares.h5");
}

static double read_tiles(void)
{
    return nfold_read_tiles("squares.h5");
}

static double read_deflated(void)
{
    return nfold_read("deflated.h5");
}

/* ---- plain calls ---- */

/* In pieces of `piece` bytes, each rank its part of the file; tiles all to the same place. */
static double plain(bool writing, size_t piece)
{
    const char *name = in_folder("plain");
    int64_t offset = all.field.own.lo[1] * side * (int64_t)sizeof(float);
    if (writing && world.rank == 0) {
        int made = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        need(made >= 0 && posix_fallocate(made, 0, side * side * (off_t)sizeof(float)) == 0,
             "no space for a plain file");
        close(made);
    }
    nf_barrier(&world);
    int fd = open(name, O_RDWR);
    need(fd >= 0, "the plain file cannot be opened");
    double start = begin();
    for (size_t at = 0; at < all.bytes;) {
        size_t now = all.bytes - at < piece ? all.bytes - at : piece;
        char *memory = piece == TILE ? (char *)all.tile : (char *)all.dense + at;
        ssize_t done = writing ? pwrite(fd, memory, now, offset + (int64_t)at)
                               : pread(fd, memory, now, offset + (int64_t)at);
        need(done > 0, "the plain file cannot be moved");
        at += (size_t)done;
    }
    double seconds = since(start);
    close(fd);
    return seconds;
}

static double plain_write(void)
{
    double seconds = plain(true, 1 << 30);
    if (world.rank == 0)
        unlink(in_folder("plain"));
    return seconds;
}

static double plain_read(void)
{
    return plain(false, 1 << 30);
}

static double plain_read_tiles(void)
{
    return plain(false, TILE);
}

/* ---- HDF5 ---- */

static hid_t rows_of(hid_t space)
{
    hsize_t start[] = {(hsize_t)all.field.own.lo[1], 0};
    hsize_t count[] = {(hsize_t)nf_box_extent(&all.field.own, 1), (hsize_t)side};
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    return H5Screate_simple(2, count, NULL);
}

/* The collective path: the only one by which several ranks may write filtered chunks. */
static double hdf5_write(void)
{
#ifdef H5_HAVE_PARALLEL
    hsize_t extent[] = {(hsize_t)side, (hsize_t)side}, chunk[] = {CHUNK, CHUNK};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t transfer = H5Pcreate(H5P_DATASET_XFER), space = H5Screate_simple(2, extent, NULL);
    H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
    H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
    H5Pset_chunk(plist, 2, chunk);
    H5Pset_shuffle(plist);
    H5Pset_deflate(plist, 1);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    hid_t file = H5Fcreate(in_folder("hdf5.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, access);
    hid_t dataset =
        H5Dcreate2(file, "data", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    hid_t memory = rows_of(space);
    double start = begin();
    herr_t result = H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, transfer, all.dense);
    double seconds = since(start);
    need(result >= 0, "HDF5 cannot write");
    H5Dclose(dataset), H5Sclose(memory), H5Sclose(space);
    H5Pclose(transfer), H5Pclose(plist), H5Pclose(access), H5Fclose(file);
    nf_barrier(&world);
    if (world.rank == 0)
        unlink(in_folder("hdf5.h5"));
    return seconds;
#else
    return NAN;
#endif
}

/* Each rank for itself, which is faster than together. */
static double hdf5_read(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_sec2(access);
    hid_t file = H5Fopen(in_folder("deflated.h5"), H5F_ACC_RDONLY, access);
    hid_t dataset = H5Dopen2(file, "data", H5P_DEFAULT), space = H5Dget_space(dataset);
    hid_t memory = rows_of(space);
    double start = begin();
    herr_t result = H5Dread(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, all.dense);
    double seconds = since(start);
    need(result >= 0, "HDF5 cannot read");
    H5Dclose(dataset), H5Sclose(memory), H5Sclose(space), H5Pclose(access), H5Fclose(file);
    return seconds;
}

/* ---- programs, on all cores: rank 0 starts them, the others sleep ---- */

static double used(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           1e-6 * (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static double program(const char *format, const char *with)
{
    char command[4 * NAME_ROOM];
    struct rusage before, after;
    double start = bench_seconds();
    getrusage(RUSAGE_CHILDREN, &before);
    if (world.rank == 0) {
        snprintf(command, sizeof command, format, with, folder, folder);
        need(system(command) == 0, command);
    }
    nf_sleep_barrier(&world);
    getrusage(RUSAGE_CHILDREN, &after);
    return of_processor ? used(&after) - used(&before) : bench_seconds() - start;
}

/* Ranks of an MPI program that start another one as its child must not pass their own settings on. */
#define ALONE "env -i PATH=\"$PATH\" HOME=/tmp OMP_WAIT_POLICY=passive "

static double filter_repack(void)
{
    return program(ALONE "%s -q -t 2 --chunk 512x512 --compress deflate:1 %s/recut.h5:/data "
                         "%s/nfold.h5:/data",
                   filter_program);
}

static double h5repack(void)
{
    return program(ALONE "h5repack %s %s/recut.h5 %s/hdf5.h5",
                   "-l CHUNK=512x512 -f SHUF -f GZIP=1");
}

/* ---- the table ---- */

typedef struct row {
    const char *name;
    double (*nfold)(void), (*other)(void);
    double goal;      /* times as fast as the other, at least */
    const char *file; /* that is read */
    const nf_output *stored;
} row;

static const row rows[] = {
    {"slab-write", write_slabs, plain_write, .95, NULL, NULL},
    {"slab-read", read_slabs, plain_read, .90, "slabs.h5", &slabs},
    {"square-write", write_squares, plain_write, .90, NULL, NULL},
    {"square-read", read_squares, plain_read, .90, "squares.h5", &squares},
    {"tile-read", read_tiles, plain_read_tiles, .95, "squares.h5", &squares},
    {"deflate-write", write_deflated, hdf5_write, 1.9, NULL, NULL},
    {"deflate-read", read_deflated, hdf5_read, 3.0, "deflated.h5", &deflated},
    {"repack", filter_repack, h5repack, 1.8, "recut.h5", &recut},
};

static void prepare(const row *r)
{
    struct stat info;
    bool there = r->file == NULL || stat(in_folder(r->file), &info) == 0;
    there = nf_sum_u64(&world, there ? 0 : 1) == 0;
    if (!there)
        nfold_write(r->stored, r->file);
    if (r->other == plain_read || r->other == plain_read_tiles)
        plain(true, 1 << 30);
}

static void measure(const row *r)
{
    double nfold[MOST_ROUNDS], other[MOST_ROUNDS], ratio[MOST_ROUNDS];
    double gigabytes = (double)side * (double)side * sizeof(float) * 1e-9;
    if (r->nfold == filter_repack && filter_program == NULL)
        return;
    prepare(r);
    r->nfold(), r->other();
    for (size_t i = 0; i < rounds; i++) {
        other[i] = r->other();
        nfold[i] = r->nfold();
        ratio[i] = other[i] / nfold[i];
    }
    double speed = gigabytes / bench_median(nfold, rounds);
    double others = gigabytes / bench_median(other, rounds);
    double is = bench_median(ratio, rounds);
    if (world.rank == 0)
        printf("  %-14s %7.3f GB/s, the other %7.3f: %5.2f, wanted %4.2f  %s\n", r->name, speed,
               others, is, r->goal, is >= r->goal ? "met" : "NOT MET");
    fflush(stdout);
}

static bool asked_for(const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return count == 0;
}

static void parse(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "n:r:t:d:f:p")) != -1;) {
        switch (option) {
        case 'n':
            side = bench_number("bench_io", "the side", optarg, 1024, 1 << 17) / 1024 * 1024;
            break;
        case 'r':
            rounds = (size_t)bench_number("bench_io", "the rounds", optarg, 1, MOST_ROUNDS);
            break;
        case 't':
            threads = (int)bench_number("bench_io", "the threads", optarg, 1, 256);
            break;
        case 'p':
            of_processor = true;
            break;
        case 'd':
            base = optarg;
            break;
        case 'f':
            filter_program = optarg;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return EXIT_FAILURE;
    parse(argc, argv);
    world.threads = threads;
    snprintf(folder, sizeof folder, "%s/nfold-bench-io-XXXXXX", base);
    need(world.rank != 0 || mkdtemp(folder) != NULL, "no folder can be made");
    nf_broadcast(&world, folder, sizeof folder, 0);
    if (world.rank == 0)
        printf("%lldx%lld f32, %d ranks x %d threads, medians of %zu rounds, %s\n", (long long)side,
               (long long)side, world.size, threads, rounds, base);
    data_create();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (asked_for(rows[i].name, argc - optind, argv + optind))
            measure(&rows[i]);
    nf_barrier(&world);
    char command[NAME_ROOM];
    snprintf(command, sizeof command, "rm -r %s", folder);
    need(world.rank != 0 || system(command) == 0, "the folder stays");
    free(all.dense);
    free(all.tile);
    nf_field_free(&all.field);
    nf_world_stop(&world);
    return EXIT_SUCCESS;
}
