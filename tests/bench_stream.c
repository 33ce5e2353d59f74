/* bench_stream.c - bench_stream [FOLDER [MIB [ROUNDS [CHAIN]]]]: a chain over an array in a file,
 * in bands, beside the larger of what it computes and what it reads and writes. Each line: seconds
 * of reading and then writing alone, of computing alone, of all in bands, and the ratio of that to
 * the larger of the two: with the files in the page cache, where reading and writing want a core,
 * too; from the disk and to it; and from and to a disk that is made up, where every byte waits, so
 * that both take equally long. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drivers/engine/dense.h"
#include "drivers/engine/memory.h"
#include "drivers/engine/stream.h"
#include "tests/bench.h"

enum { COLUMNS = 16384, MIB = 1 << 20, PIECE = 8 << 20 };

typedef enum way { CACHED, DISK, WAITING, WAYS } way;
static const char *const way_names[] = {"page cache", "disk", "waiting"};

typedef struct contest {
    nf_plan *plan;
    nf_stream *streamed, *alone; /* alone: nothing is read or written */
    nf_dense in, out;
    way way;     /* DISK: pages are dropped before, and flushed and dropped after */
    double wait; /* nanoseconds a byte, where it waits */
} contest;

static void check(nf_status status)
{
    if (status == NF_OK)
        return;
    fprintf(stderr, "bench_stream: %s\n", nf_message(status));
    exit(1);
}

/* ---- sources and sinks ---- */

static void wait_for(const contest *c, const nf_box *box)
{
    int64_t ns = (int64_t)((double)nf_box_cells(box) * 4 * c->wait);
    const struct timespec time = {ns / 1000000000, ns % 1000000000};
    nanosleep(&time, NULL);
}

static nf_status read_file(void *context, const nf_box *box, void *cells,
                           const ptrdiff_t stride[NF_DIMS])
{
    const contest *c = context;
    if (c->way != WAITING)
        return nf_dense_read(&c->in, box, cells, stride);
    wait_for(c, box);
    return NF_OK;
}

static nf_status read_nothing(void *context, const nf_box *box, void *cells,
                              const ptrdiff_t stride[NF_DIMS])
{
    (void)context, (void)box, (void)cells, (void)stride;
    return NF_OK;
}

static nf_status store_file(void *context, const nf_stream_band *band)
{
    const contest *c = context;
    if (c->way != WAITING)
        return nf_dense_write(&c->out, &band->box, band->cells, band->stride);
    wait_for(c, &band->box);
    return NF_OK;
}

static nf_status store_nothing(void *context, const nf_stream_band *band)
{
    (void)context, (void)band;
    return NF_OK;
}

/* ---- subjects ---- */

static void begin(const contest *c)
{
    if (c->way == DISK)
        posix_fadvise(c->in.fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void end(const contest *c)
{
    if (c->way == DISK) {
        fdatasync(c->out.fd);
        posix_fadvise(c->out.fd, 0, 0, POSIX_FADV_DONTNEED);
    }
}

/* All of the input, then all of the output, by plain calls. */
static void run_io(void *context)
{
    contest *c = context;
    int64_t rows = PIECE / (COLUMNS * 4);
    char *cells = aligned_alloc(4096, PIECE);
    const ptrdiff_t stride[NF_DIMS] = {PIECE / 4, COLUMNS, 1};
    memset(cells, 1, PIECE);
    begin(c);
    for (int write = 0; write < 2; write++)
        for (int64_t y = 0; y < c->in.shape.dim[1]; y += rows) {
            nf_box box = {{0, y, 0}, {1, y + rows, COLUMNS}};
            const nf_stream_band band = {box, cells, {stride[0], stride[1], 1}, 0};
            check(write ? store_file(c, &band) : read_file(c, &box, cells, stride));
        }
    end(c);
    free(cells);
}

static void run_stream(nf_stream *stream)
{
    nf_results results;
    nf_stream_times times = {0};
    nf_results_init(&results);
    check(nf_stream_run(stream, &results, &times));
    nf_results_free(&results);
}

static void run_alone(void *context)
{
    run_stream(((const contest *)context)->alone);
}

static void run_streamed(void *context)
{
    const contest *c = context;
    begin(c);
    run_stream(c->streamed);
    end(c);
}

/* ---- the contest ---- */

static int open_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    unlink(path);
    return fd;
}

/* Floats of a few sizes. */
static void fill(const nf_dense *dense)
{
    int64_t rows = PIECE / (COLUMNS * 4);
    float *cells = aligned_alloc(4096, PIECE);
    const ptrdiff_t stride[NF_DIMS] = {PIECE / 4, COLUMNS, 1};
    for (int64_t i = 0; i < PIECE / 4; i++)
        cells[i] = (float)((i * 2654435761u) % 1000);
    for (int64_t y = 0; y < dense->shape.dim[1]; y += rows) {
        nf_box box = {{0, y, 0}, {1, y + rows, COLUMNS}};
        check(nf_dense_write(dense, &box, cells, stride));
    }
    fdatasync(dense->fd);
    free(cells);
}

static void compare(contest *c, const char *what, size_t rounds)
{
    const bench_protocol protocol = {.rounds = rounds};
    const bench_subject subjects[] = {{run_io, c}, {run_alone, c}, {run_streamed, c}};
    bench_result r[3];
    bench_in_turn(&protocol, subjects, 3, r);
    double most = r[0].seconds > r[1].seconds ? r[0].seconds : r[1].seconds;
    double ratio = r[2].seconds / most;
    printf("%-28s %7.2f %8.2f %9.2f %7.2f  %s\n", what, r[0].seconds, r[1].seconds, r[2].seconds,
           ratio, bench_verdict(ratio, 1.1));
}

static void contend(contest *c, nf_chain *chain, int threads, size_t rounds)
{
    const nf_world world = {.size = 1, .threads = threads};
    const nf_plan_options planned = {.stream = true};
    const nf_stream_options options = {.memory = nf_memory_resident() + (int64_t)256 * MIB,
                                       .nodes = 1};
    const nf_stream_ends files = {.in = {c, read_file}, .out = {.context = c, .store = store_file}};
    const nf_stream_ends none = {.in = {NULL, read_nothing}, .out = {.store = store_nothing}};
    char what[64];
    check(nf_plan_create(&world, &c->in.shape, chain, 1, &planned, &c->plan));
    c->out.shape = *nf_plan_output(c->plan);
    check(nf_stream_create(c->plan, &files, &options, &c->streamed));
    check(nf_stream_create(c->plan, &none, &options, &c->alone));
    double start = bench_seconds();
    run_alone(c);
    c->wait = (bench_seconds() - start) * 1e9 / (double)(2 * nf_shape_bytes(&c->in.shape));
    for (c->way = CACHED; c->way < WAYS; c->way++) {
        snprintf(what, sizeof what, "%s, %d thread%s", way_names[c->way], threads,
                 threads > 1 ? "s" : "");
        compare(c, what, rounds);
    }
    nf_stream_free(c->streamed);
    nf_stream_free(c->alone);
    nf_plan_free(c->plan);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    long mib = argc > 2 ? bench_number(argv[0], "MIB", argv[2], 8, 1 << 20) : 1024;
    long rounds = argc > 3 ? bench_number(argv[0], "ROUNDS", argv[3], 1, BENCH_MAX_ROUNDS) : 5;
    nf_chain chain;
    contest c = {.in = {.name = "the input", .fd = open_file(folder, ".bench-stream-in")},
                 .out = {.name = "the output", .fd = open_file(folder, ".bench-stream-out")}};
    c.in.shape = (nf_shape){.dim = {1, mib / 8 * 8 * (MIB / (COLUMNS * 4)), COLUMNS},
                            .ndim = 2,
                            .channels = 1,
                            .dtype = NF_F32};
    setvbuf(stdout, NULL, _IOLBF, 0);
    check(nf_chain_parse(argc > 4 ? argv[4] : "gaussian:sigma=2", &chain));
    fill(&c.in);
    printf("%s, %ld MiB of f32, bands\n%-28s %7s %8s %9s %7s\n", chain.typed, mib, "seconds of",
           "I/O", "compute", "in bands", "ratio");
    for (int threads = 1; threads <= 2; threads++)
        contend(&c, &chain, threads, (size_t)rounds);
    nf_chain_free(&chain);
    return 0;
}
