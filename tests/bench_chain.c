/* bench_chain.c - fused chains beside their members alone, and beside the same calls of OpenCV.
 *
 * In one process and in turn: the chain, each member by itself over the same array, and OpenCV's
 * calls one after the other with buffers made beforehand. Before anything is timed each member is
 * compared with OpenCV's result.
 * Leave OMP_PROC_BIND unset: OpenCV takes its thread count from where the first thread may run.
 * usage: bench_chain [-k part of a chain] [-s side] [-r rounds] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench.h"
#include "tests/bench_subject.h"
#ifdef HAVE_OPENCV
#include "tests/bench_opencv.h"
#endif

enum { MAX_MEMBERS = 3, MAX_THREADS = 2 };

static const double goal_member = 1.3, goal_peer = 0.5;

static const char gaussian[] = "gaussian:sigma=1,truncate=2", sharpen[] = "sharpen",
                  sobel[] = "sobel",
                  convolve[] =
                      "convolve:scale=1,mask=0,1,2,1,0,1,4,8,4,1,2,8,-90,8,2,1,4,8,4,1,0,1,"
                      "2,1,0";

typedef struct bench_chain_case {
    const char *name;
    const char *members[MAX_MEMBERS];
    int peers[MAX_MEMBERS]; /* peer_filter */
} bench_chain_case;

static const bench_chain_case cases[] = {
    {"gaussian 5 | sharpen | sobel", {gaussian, sharpen, sobel}, {0, 1, 3}},
    {"sharpen | convolve 5x5 | sobel", {sharpen, convolve, sobel}, {1, 2, 3}},
    {"sharpen | sharpen | sharpen", {sharpen, sharpen, sharpen}, {1, 1, 1}},
};

static void fill_f32(int64_t row, int64_t columns, void *to)
{
    for (int64_t i = 0; i < columns; i++)
        ((float *)to)[i] = (float)((row * 7919 + i * 104729 + row * i) % 1021);
}

static void fill_u8(int64_t row, int64_t columns, void *to)
{
    for (int64_t i = 0; i < columns; i++)
        ((uint8_t *)to)[i] = (uint8_t)((row * 7919 + i * 104729 + row * i) % 251);
}

/* ---- one chain ---- */

typedef struct setting {
    const bench_chain_case *c;
    nf_dtype dtype;
    int threads;
    nf_fields fields;
    bench_chain chain, members[MAX_MEMBERS];
#ifdef HAVE_OPENCV
    peer_chain peer;
#endif
} setting;

static void whole_text(const bench_chain_case *c, char *text, size_t size)
{
    snprintf(text, size, "%s | %s | %s", c->members[0], c->members[1], c->members[2]);
}

static void set_up(setting *s, int64_t side)
{
    nf_world alone = {.size = 1, .threads = s->threads};
    nf_shape shape = bench_shape(side, side, s->dtype);
    char text[512];
    whole_text(s->c, text, sizeof text);
    bench_chain_create(&alone, text, &shape, &s->chain);
    /* The chain wants the widest ghost: that does for the members too. */
    bench_fields(&s->chain, s->dtype == NF_F32 ? fill_f32 : fill_u8, &s->fields);
    for (int i = 0; i < MAX_MEMBERS; i++) {
        bench_chain_create(&alone, s->c->members[i], &shape, &s->members[i]);
        s->members[i].fields = &s->fields;
    }
#ifdef HAVE_OPENCV
    s->peer.images = peer_create((int)side, (int)side, s->dtype == NF_F32);
    if (s->peer.images == NULL)
        bench_check(NF_ERR_MEMORY);
    peer_threads(s->threads);
    for (int64_t y = 0; y < side; y++)
        (s->dtype == NF_F32 ? fill_f32 : fill_u8)(y, side,
                                                  (char *)peer_input(s->peer.images) +
                                                      (size_t)(y * side) * nf_dtype_size(s->dtype));
#endif
}

static void tear_down(setting *s)
{
    bench_chain_free(&s->chain);
    for (int i = 0; i < MAX_MEMBERS; i++)
        bench_chain_free(&s->members[i]);
    nf_fields_free(&s->fields);
#ifdef HAVE_OPENCV
    peer_free(s->peer.images);
#endif
}

#ifdef HAVE_OPENCV
/* ---- the same results ---- */

static double element(nf_dtype dtype, const void *row, int64_t i)
{
    return dtype == NF_F32 ? (double)((const float *)row)[i] : (double)((const uint8_t *)row)[i];
}

/* The greatest difference, and the greatest value, of nfold's output and OpenCV's. */
static double difference(const setting *s, double *greatest)
{
    int64_t side = s->fields.out.cut.shape.dim[1];
    double most = 0;
    *greatest = 0;
    for (int64_t y = 0; y < side; y++) {
        int64_t at[NF_DIMS] = {0, y, 0};
        const void *ours = nf_field_at(&s->fields.out, at);
        const char *theirs = (const char *)peer_output(s->peer.images) +
                             (size_t)(y * side) * nf_dtype_size(s->dtype);
        for (int64_t x = 0; x < side; x++) {
            double v = element(s->dtype, ours, x), d = fabs(v - element(s->dtype, theirs, x));
            most = d > most ? d : most;
            *greatest = fabs(v) > *greatest ? fabs(v) : *greatest;
        }
    }
    return most;
}

/* Integers may be rounded otherwise, by 1; floats summed in another order. */
static bool member_agrees(setting *s, int i)
{
    double greatest;
    bench_chain_run(&s->members[i]);
    s->peer.filters[0] = (peer_filter)s->c->peers[i];
    s->peer.count = 1;
    peer_run(&s->peer);
    double most = difference(s, &greatest);
    if (most <= (s->dtype == NF_F32 ? 1e-5 * greatest : 1))
        return true;
    printf("%s and OpenCV differ by %g, where values go up to %g\n", s->c->members[i], most,
           greatest);
    return false;
}

static bool agrees(setting *s)
{
    for (int i = 0; i < MAX_MEMBERS; i++)
        if (!member_agrees(s, i))
            return false;
    for (int i = 0; i < MAX_MEMBERS; i++)
        s->peer.filters[i] = (peer_filter)s->c->peers[i];
    s->peer.count = MAX_MEMBERS;
    return true;
}
#endif

/* ---- the table ---- */

static void print_result(const setting *s, const bench_result result[], size_t count)
{
    double sum = 0, costliest = 0;
    printf("%-30s %-3s %d  %8.2f ", s->c->name, nf_dtype_name(s->dtype), s->threads,
           1e3 * result[0].seconds);
    for (int i = 1; i <= MAX_MEMBERS; i++) {
        sum += result[i].ratio;
        costliest = fmax(costliest, result[i].ratio);
        printf(" %7.2f", 1e3 * result[i].seconds);
    }
    printf("  %5.2f  %5.2f %-7s", 1 / sum, 1 / costliest,
           bench_verdict(1 / costliest, goal_member));
    if (count > MAX_MEMBERS + 1) {
        double ratio = 1 / result[MAX_MEMBERS + 1].ratio;
        printf("  %8.2f %5.2f %s", 1e3 * result[MAX_MEMBERS + 1].seconds, ratio,
               bench_verdict(ratio, goal_peer));
    }
    putchar('\n');
    fflush(stdout);
}

static bool run_case(const bench_chain_case *c, nf_dtype dtype, int threads, int64_t side,
                     size_t rounds)
{
    setting s = {.c = c, .dtype = dtype, .threads = threads};
    bench_protocol protocol = {.rounds = rounds, .least = 2e-3};
    bench_result result[BENCH_MAX_SUBJECTS];
    bench_subject subjects[BENCH_MAX_SUBJECTS];
    size_t count = 0;
    bool good = true;
    set_up(&s, side);
    subjects[count++] = (bench_subject){bench_chain_run, &s.chain};
    for (int i = 0; i < MAX_MEMBERS; i++)
        subjects[count++] = (bench_subject){bench_chain_run, &s.members[i]};
#ifdef HAVE_OPENCV
    good = agrees(&s);
    subjects[count++] = (bench_subject){peer_run, &s.peer};
#endif
    if (good) {
        bench_in_turn(&protocol, subjects, count, result);
        print_result(&s, result, count);
    }
    tear_down(&s);
    return good;
}

static void print_head(size_t rounds)
{
    printf("instruction set %s, medians of %zu rounds, ms; 'of sum' and 'of most': the chain's "
           "time as a "
           "part of its members' together and of the costliest's, goal at most %.1f\n",
           nf_kernel_isa(), rounds, goal_member);
#ifdef HAVE_OPENCV
    printf("'of cv': as a part of the same calls of OpenCV %s, goal at most %.1f\n", peer_version(),
           goal_peer);
#else
    printf("built without OpenCV: no such column\n");
#endif
    printf("%-30s %-3s %s  %8s  %-23s  %6s %6s %-7s", "", "", "t", "chain", "members alone",
           "of sum", "most", "");
#ifdef HAVE_OPENCV
    printf("  %8s %5s", "OpenCV", "of cv");
#endif
    putchar('\n');
}

int main(int argc, char **argv)
{
    const char *kernel = "";
    long side = 8192, rounds = 15;
    bool good = true;
    for (int option; (option = getopt(argc, argv, "k:s:r:")) != -1;) {
        if (option == 'k')
            kernel = optarg;
        else if (option == 's')
            side = bench_number(argv[0], "-s, the side,", optarg, 16, 1 << 15);
        else if (option == 'r')
            rounds = bench_number(argv[0], "-r, the rounds,", optarg, 1, BENCH_MAX_ROUNDS);
        else
            return 2;
    }
    print_head((size_t)rounds);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strstr(cases[i].name, kernel) == NULL)
            continue;
        for (int u8 = 0; u8 <= 1; u8++)
            for (int threads = 1; threads <= MAX_THREADS; threads++)
                good =
                    run_case(&cases[i], u8 ? NF_U8 : NF_F32, threads, side, (size_t)rounds) && good;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
