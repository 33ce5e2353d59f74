/* bench_codecs - reading and writing PNG and JPEG beside libpng and TurboJPEG, on one and two
 * threads.
 *
 * The picture is a photograph of the earth, mirrored. Files stand in memory, and what is timed is
 * from a file to pixels in memory and back. libpng decodes with nothing asked of it, and encodes at
 * level 1 with the SUB filter alone: about twenty times as fast as by its defaults. */
#include <getopt.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_TURBOJPEG
#include <turbojpeg.h>
#endif

#include "io/format.h"
#include "tests/bench.h"

static const char *const photograph = "/usr/share/xplanet/images/earth.jpg";
enum { QUALITY = 90, NAME = 128 };
static const double goal_decode = 1.6, goal_encode = 1, goal_threads = 1.8;

static char folder[NAME];

static void fail(const char *what)
{
    fprintf(stderr, "bench_codecs: %s\n", what);
    exit(EXIT_FAILURE);
}

static void check(nf_status status)
{
    if (status != NF_OK)
        fail(nf_message(status));
}

/* ---- the picture ---- */

typedef struct picture {
    const char *name;
    nf_shape shape;
    uint8_t *cells, *decoded;
    char fine[NAME + 32], own[NAME + 32]; /* files: by libpng's defaults, by nfold */
} picture;

static size_t row_bytes(const nf_shape *shape)
{
    return (size_t)(shape->dim[2] * shape->channels) * nf_dtype_size(shape->dtype);
}

/* The byte that stands for channel c of the photograph at a place in the mirrored picture. */
static uint8_t mirrored(const nf_shape *from, const uint8_t *cells, int64_t y, int64_t x, int c)
{
    int64_t h = from->dim[1], w = from->dim[2];
    y = y / h % 2 == 0 ? y % h : h - 1 - y % h;
    x = x / w % 2 == 0 ? x % w : w - 1 - x % w;
    return cells[(y * w + x) * 3 + c];
}

/* u8: the photograph `times` as wide and high; u16: its gray values, a weighted sum, likewise. */
static void make_picture(picture *p, const char *name, int times, nf_dtype dtype)
{
    nf_shape from;
    void *cells;
    check(nf_array_load(photograph, &from, &cells));
    p->name = name;
    p->shape = (nf_shape){{1, from.dim[1] * times, from.dim[2] * times}, 2, 3, dtype};
    if (dtype == NF_U16)
        p->shape.channels = 1;
    p->cells = malloc(nf_shape_bytes(&p->shape));
    p->decoded = malloc(nf_shape_bytes(&p->shape));
    if (p->cells == NULL || p->decoded == NULL)
        fail("no memory");
    for (int64_t y = 0; y < p->shape.dim[1]; y++)
        for (int64_t x = 0; x < p->shape.dim[2]; x++) {
            uint8_t rgb[3];
            for (int c = 0; c < 3; c++)
                rgb[c] = mirrored(&from, cells, y, x, c);
            int64_t at = y * p->shape.dim[2] + x;
            if (dtype == NF_U8)
                memcpy(p->cells + 3 * at, rgb, 3);
            else
                ((uint16_t *)(void *)p->cells)[at] =
                    (uint16_t)(77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2]);
        }
    free(cells);
    snprintf(p->fine, sizeof p->fine, "%s/%s.fine.png", folder, name);
    snprintf(p->own, sizeof p->own, "%s/%s.own.png", folder, name);
}

/* ---- libpng ---- */

/* level 0: its defaults. */
static void libpng_write(const picture *p, const char *path, int level)
{
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (file == NULL || setjmp(png_jmpbuf(png)))
        fail("libpng cannot write");
    png_init_io(png, file);
    if (level > 0) {
        png_set_compression_level(png, level);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    }
    png_set_IHDR(png, info, (png_uint_32)p->shape.dim[2], (png_uint_32)p->shape.dim[1],
                 (int)(8 * nf_dtype_size(p->shape.dtype)),
                 p->shape.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, 0, 0, 0);
    png_write_info(png, info);
    if (p->shape.dtype == NF_U16)
        png_set_swap(png);
    for (int64_t y = 0; y < p->shape.dim[1]; y++)
        png_write_row(png, p->cells + (size_t)y * row_bytes(&p->shape));
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

static void libpng_read(const picture *p, const char *path)
{
    FILE *file = fopen(path, "rb");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (file == NULL || setjmp(png_jmpbuf(png)))
        fail("libpng cannot read");
    png_init_io(png, file);
    png_read_info(png, info);
    if (p->shape.dtype == NF_U16)
        png_set_swap(png);
    for (int64_t y = 0; y < p->shape.dim[1]; y++)
        png_read_row(png, p->decoded + (size_t)y * row_bytes(&p->shape), NULL);
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    fclose(file);
}

/* ---- nfold ---- */

static void nfold_read(const picture *p, const nf_format *format, const char *path)
{
    nf_shape shape;
    ptrdiff_t stride[NF_DIMS];
    void *reader;
    nf_box box = nf_box_whole(&p->shape);
    nf_dense_strides(p->shape.dim, p->shape.channels, stride);
    check(format->open(path, NULL, &reader, &shape));
    check(format->read(reader, &box, p->decoded, stride));
    format->close(reader);
}

/* In bands of 16 MiB, as arrays are written. */
static void nfold_write(const picture *p, const nf_format *format, const char *path, int threads)
{
    int64_t height = p->shape.dim[1], band = (16 << 20) / (int64_t)row_bytes(&p->shape);
    nf_layout layout;
    void *writer;
    unlink(path);
    check(format->create(path, path, NULL, &p->shape, &(nf_output){.quality = QUALITY}, &writer,
                         &layout));
    if (format->write_threads != NULL)
        format->write_threads(writer, threads);
    for (int64_t y = 0; y < height; y += band)
        check(format->write_rows(writer, y, y + band < height ? y + band : height,
                                 p->cells + (size_t)y * row_bytes(&p->shape)));
    check(format->finish(writer));
}

/* ---- what is timed ---- */

typedef struct job {
    const picture *picture;
    const nf_format *format; /* NULL: by the peer */
    const char *path;
    int threads;
} job;

static void run_png_read(void *context)
{
    const job *j = context;
    if (j->format != NULL)
        nfold_read(j->picture, j->format, j->path);
    else
        libpng_read(j->picture, j->path);
}

static void run_png_write(void *context)
{
    const job *j = context;
    if (j->format != NULL)
        nfold_write(j->picture, j->format, j->path, j->threads);
    else
        libpng_write(j->picture, j->path, 1);
}

static double megabytes(const picture *p)
{
    return 1e-6 * (double)nf_shape_bytes(&p->shape);
}

static double part_of(const char *path, const picture *p)
{
    struct stat info;
    return stat(path, &info) != 0 ? 0 : (double)info.st_size / (double)nf_shape_bytes(&p->shape);
}

static void show(const char *what, const picture *p, const char *by, double seconds, double ratio,
                 const char *verdict)
{
    printf("%-30s %-16s %-12s %7.0f", what, p->name, by, megabytes(p) / seconds);
    if (verdict != NULL)
        printf("  %5.2f %s", ratio, verdict);
    printf("\n");
    fflush(stdout);
}

/* "met" where x times the peer's speed is at least the goal. */
static const char *verdict(double speedup, double goal)
{
    return bench_verdict(1 / speedup, 1 / goal);
}

static void bench_reading(const picture *p, const char *path, const char *what, size_t rounds)
{
    job jobs[] = {{p, NULL, path, 1}, {p, &nf_format_png, path, 1}};
    bench_subject subjects[] = {{run_png_read, &jobs[0]}, {run_png_read, &jobs[1]}};
    bench_protocol protocol = {.rounds = rounds, .least = 2e-3};
    bench_result result[2];
    memset(p->decoded, 0, nf_shape_bytes(&p->shape));
    nfold_read(p, &nf_format_png, path);
    if (memcmp(p->cells, p->decoded, nf_shape_bytes(&p->shape)) != 0)
        fail("nfold decodes other pixels");
    bench_in_turn(&protocol, subjects, 2, result);
    show(what, p, "libpng", result[0].seconds, 1, NULL);
    show(what, p, "nfold", result[1].seconds, 1 / result[1].ratio,
         verdict(1 / result[1].ratio, goal_decode));
}

static void bench_writing(const picture *p, size_t rounds)
{
    char path[NAME + 32], two[NAME + 32];
    snprintf(path, sizeof path, "%s/peer.png", folder);
    snprintf(two, sizeof two, "%s/two.png", folder);
    job jobs[] = {{p, &nf_format_png, p->own, 1}, {p, NULL, path, 1}, {p, &nf_format_png, two, 2}};
    bench_subject subjects[] = {
        {run_png_write, &jobs[0]}, {run_png_write, &jobs[1]}, {run_png_write, &jobs[2]}};
    bench_protocol protocol = {.rounds = rounds, .least = 2e-3};
    bench_result result[3];
    bench_in_turn(&protocol, subjects, 3, result);
    show("encode PNG", p, "libpng", result[1].seconds, 1, NULL);
    show("encode PNG", p, "nfold", result[0].seconds, result[1].ratio,
         verdict(result[1].ratio, goal_encode));
    show("encode PNG, to one thread", p, "nfold x2", result[2].seconds, 1 / result[2].ratio,
         verdict(1 / result[2].ratio, goal_threads));
    printf("%-30s %-16s %.2f\n", "  by the shortest runs", p->name,
           result[0].least / result[2].least);
    printf("%-30s %-16s libpng %.3f, nfold %.3f of the pixels' bytes\n", "  size", p->name,
           part_of(path, p), part_of(p->own, p));
}

/* ---- JPEG ---- */

#ifdef HAVE_TURBOJPEG

static void turbo_write(void *context)
{
    const job *j = context;
    const picture *p = j->picture;
    unsigned char *bytes = NULL;
    unsigned long count = 0;
    tjhandle handle = tjInitCompress();
    FILE *file = fopen(j->path, "wb");
    if (handle == NULL || file == NULL ||
        tjCompress2(handle, p->cells, (int)p->shape.dim[2], 0, (int)p->shape.dim[1], TJPF_RGB,
                    &bytes, &count, TJSAMP_444, QUALITY, 0) != 0 ||
        fwrite(bytes, 1, count, file) != count)
        fail("TurboJPEG cannot write");
    fclose(file);
    tjFree(bytes);
    tjDestroy(handle);
}

static void turbo_read(void *context)
{
    const job *j = context;
    struct stat info;
    tjhandle handle = tjInitDecompress();
    FILE *file = fopen(j->path, "rb");
    if (handle == NULL || file == NULL || fstat(fileno(file), &info) != 0)
        fail("TurboJPEG cannot open");
    unsigned char *bytes = malloc((size_t)info.st_size);
    if (bytes == NULL || fread(bytes, 1, (size_t)info.st_size, file) != (size_t)info.st_size ||
        tjDecompress2(handle, bytes, (unsigned long)info.st_size, j->picture->decoded, 0, 0, 0,
                      TJPF_RGB, 0) != 0)
        fail("TurboJPEG cannot read");
    fclose(file);
    free(bytes);
    tjDestroy(handle);
}

static void jpeg_write(void *context)
{
    const job *j = context;
    nfold_write(j->picture, j->format, j->path, 1);
}

static void jpeg_read(void *context)
{
    const job *j = context;
    nfold_read(j->picture, j->format, j->path);
}

static void bench_jpeg(const picture *p, size_t rounds)
{
    char path[NAME + 32], own[NAME + 32];
    snprintf(path, sizeof path, "%s/peer.jpg", folder);
    snprintf(own, sizeof own, "%s/own.jpg", folder);
    job peer = {p, NULL, path, 1}, ours = {p, &nf_format_jpeg, own, 1};
    bench_subject writing[] = {{turbo_write, &peer}, {jpeg_write, &ours}};
    bench_subject reading[] = {{turbo_read, &peer}, {jpeg_read, &ours}};
    bench_protocol protocol = {.rounds = rounds, .least = 2e-3};
    bench_result result[2];
    bench_in_turn(&protocol, writing, 2, result);
    show("encode JPEG, quality 90", p, "TurboJPEG", result[0].seconds, 1, NULL);
    show("encode JPEG, quality 90", p, "nfold", result[1].seconds, 1 / result[1].ratio, "");
    bench_in_turn(&protocol, reading, 2, result);
    show("decode JPEG", p, "TurboJPEG", result[0].seconds, 1, NULL);
    show("decode JPEG", p, "nfold", result[1].seconds, 1 / result[1].ratio, "");
}

#else

static void bench_jpeg(const picture *p, size_t rounds)
{
    (void)p, (void)rounds;
    printf("JPEG is left out: TurboJPEG is not installed (Debian: libturbojpeg0-dev)\n");
}

#endif

static void bench_png(picture *p, size_t rounds)
{
    bench_writing(p, rounds);
    libpng_write(p, p->fine, 0);
    bench_reading(p, p->fine, "decode PNG of libpng's defaults", rounds);
    bench_reading(p, p->own, "decode nfold's PNG", rounds);
}

int main(int argc, char **argv)
{
    long rounds = 7, times = 2;
    for (int option; (option = getopt(argc, argv, "r:s:")) != -1;) {
        if (option == 'r')
            rounds = bench_number(argv[0], "-r, the rounds,", optarg, 1, BENCH_MAX_ROUNDS);
        else if (option == 's')
            times = bench_number(argv[0], "-s, the size in photographs,", optarg, 1, 8);
        else
            return 2;
    }
    snprintf(folder, sizeof folder, "%s/bench_codecs.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL)
        fail("no folder for its files");
    picture colour, gray;
    make_picture(&colour, "RGB u8", (int)times, NF_U8);
    make_picture(&gray, "gray u16", (int)times, NF_U16);
    printf(
        "%lldx%lld, medians of %ld rounds, MB/s of pixels; times the peer's speed, goals: decode "
        "%.1f, encode %.1f, two threads %.1f\n",
        (long long)colour.shape.dim[1], (long long)colour.shape.dim[2], rounds, goal_decode,
        goal_encode, goal_threads);
    bench_png(&colour, (size_t)rounds);
    bench_png(&gray, (size_t)rounds);
    bench_jpeg(&colour, (size_t)rounds);
    char command[NAME + 16];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
