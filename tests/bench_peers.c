/* bench_peers.c - nfold beside other libraries: the same operations on the same arrays in one process, in
 * turn, at one thread and at two.
 *
 * Two of the table's rows are one contest: a copy (the faster of memcpy and of streaming stores; for
 * reductions and resizes reading alone), nfold, and each peer that has the operation, all at one thread and at two; the least times, as they are what it
 * costs on a machine that others use, too. A peer far behind runs once, on an eighth of the rows where its
 * time is in proportion to them (marked ~). Pillow, scipy, scikit-image and OpenCV's photo module are timed
 * within Python (bench_peers.py), once, on one thread but for the last.
 * Results are compared with nfold's beforehand; a peer whose result is another (not only otherwise rounded)
 * is marked !, and counts nevertheless.
 *
 * Goals: at 2 threads 2 times the fastest peer for linear filters, 1.5 times for the rest, at 1 thread 1.2
 * times; never slower than Halide (which does not count as a peer for these); what is bound by memory
 * within 0.8 of the copy, or of reading; from 1 to 2 threads 1.9 times for what is not.
 * usage: bench_peers [-k part of an operation] [-a u8|f32|rgb|small] [-t threads] [-s seconds a row]
 *                    [-p bench_peers.py] [-o file] */
#include <malloc.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "drivers/engine/team.h"
#include "tests/bench.h"
#include "tests/bench_peers.h"
#include "tests/bench_subject.h"

enum { MAX_CHAINS = 2, MAX_PEERS = 8, MAX_TEXT = 512, PART = 8, MAX_THREADS = 2 };

const int peer_mask_5[25] = {0, 1, 2, 1,  0, 1,  -2, 3, -2, 1, 2, 3, 8,
                             3, 2, 1, -2, 3, -2, 1,  0, 1,  2, 1, 0};

#define CONVOLVE_5 "convolve:scale=28,mask=0,1,2,1,0,1,-2,3,-2,1,2,3,8,3,2,1,-2,3,-2,1,0,1,2,1,0"

/* ---- what is measured ---- */

typedef enum bound { BY_ITSELF, BY_MEMORY } bound;

typedef struct operation {
    const char *name;
    peer_op op;
    const char *chains[MAX_CHAINS]; /* nfold's, in one pass */
    double sigma;
    int radius;
    bool linear;
    bound bound;
    const char *arrays; /* where the tables have it */
} operation;

static const operation operations[] = {
    {"copy", PEER_COPY, {"cast:to=%s"}, 0, 0, false, BY_MEMORY, "u8 f32"},
    {"convolve 3x3 (sharpen)", PEER_SHARPEN, {"sharpen"}, 0, 0, true, BY_ITSELF, "u8 f32 rgb"},
    {"convolve 5x5", PEER_CONVOLVE_5, {CONVOLVE_5}, 0, 0, true, BY_ITSELF, "u8 f32"},
    {"gaussian 5 taps",
     PEER_GAUSSIAN,
     {"gaussian:sigma=1,truncate=2"},
     1,
     2,
     true,
     BY_ITSELF,
     "u8 f32"},
    {"gaussian sigma 2, 13 taps",
     PEER_GAUSSIAN,
     {"gaussian:sigma=2,truncate=3"},
     2,
     6,
     true,
     BY_ITSELF,
     "u8 rgb"},
    {"gaussian sigma 2, 17 taps",
     PEER_GAUSSIAN,
     {"gaussian:sigma=2"},
     2,
     8,
     true,
     BY_ITSELF,
     "f32"},
    {"gaussian sigma 10, 61 taps",
     PEER_GAUSSIAN,
     {"gaussian:sigma=10,truncate=3"},
     10,
     30,
     true,
     BY_ITSELF,
     "u8"},
    {"gaussian sigma 10, 81 taps",
     PEER_GAUSSIAN,
     {"gaussian:sigma=10"},
     10,
     40,
     true,
     BY_ITSELF,
     "f32"},
    {"box 5x5", PEER_BOX_5, {"box:size=5"}, 0, 0, true, BY_ITSELF, "u8 f32 rgb"},
    {"sobel magnitude", PEER_SOBEL, {"sobel"}, 0, 0, true, BY_ITSELF, "u8 f32 rgb"},
    {"median 3x3", PEER_MEDIAN_3, {"median:size=3"}, 0, 0, false, BY_ITSELF, "u8 f32 rgb"},
    {"median 5x5", PEER_MEDIAN_5, {"median:size=5"}, 0, 0, false, BY_ITSELF, "u8 f32 rgb"},
    {"erode 5x5", PEER_ERODE_5, {"erode:size=5"}, 0, 0, false, BY_ITSELF, "u8 f32"},
    {"bilateral d=9",
     PEER_BILATERAL_9,
     {"bilateral:d=9,sigma_color=30,sigma_space=3"},
     0,
     0,
     false,
     BY_ITSELF,
     "u8 f32"},
    {"histogram 256", PEER_HISTOGRAM, {"histogram"}, 0, 0, false, BY_ITSELF, "u8"},
    {"mean, std", PEER_MEAN_STD, {"stats"}, 0, 0, false, BY_MEMORY, "u8 f32"},
    {"min, max", PEER_MIN_MAX, {"min", "max"}, 0, 0, false, BY_MEMORY, "u8 f32"},
    {"resize to 800x600, Lanczos-3",
     PEER_LANCZOS,
     {"resize:width=800,height=600,method=lanczos"},
     0,
     0,
     false,
     BY_ITSELF,
     "u8 f32 rgb"},
    {"resize to 800x600, area",
     PEER_AREA,
     {"resize:width=800,height=600,method=area"},
     0,
     0,
     false,
     BY_ITSELF,
     "u8 f32"},
    {"nlm 7/21", PEER_NLM, {"nlm:patch=7,search=21,h=10"}, 0, 0, false, BY_ITSELF, "small"},
};

typedef struct array {
    const char *name;
    int rows, columns, channels;
    nf_dtype dtype;
} array;

static const array arrays[] = {{"u8", 8192, 8192, 1, NF_U8},
                               {"f32", 8192, 8192, 1, NF_F32},
                               {"rgb", 4096, 4096, 3, NF_U8},
                               {"small", 1024, 1024, 1, NF_U8}};

static const bench_peer *const peers[] = {
#ifdef HAVE_OPENCV
    &bench_peer_opencv,
#endif
#ifdef HAVE_VIPS
    &bench_peer_vips,
#endif
#ifdef HAVE_HALIDE
    &bench_peer_halide,
#endif
    NULL};

typedef struct bench_options {
    const char *operation, *array, *python, *output;
    int threads; /* 0: one, then two */
    double seconds;
} bench_options;

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

/* ---- arrays ---- */

static size_t bytes_of(const array *a)
{
    return (size_t)a->rows * (size_t)a->columns * (size_t)a->channels * nf_dtype_size(a->dtype);
}

/* In huge pages, touched. */
static void *allocate(size_t bytes)
{
    void *memory = aligned_alloc(1 << 21, (bytes + (1 << 21)) >> 21 << 21);
    if (memory == NULL)
        bench_check(NF_ERR_MEMORY);
    madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 0, bytes);
    return memory;
}

/* Blobs with noise, as photographs have. */
static void fill(const array *a, void *to)
{
    size_t n = (size_t)a->columns * (size_t)a->channels;
    uint64_t state = 1;
    for (size_t i = 0; i < n * (size_t)a->rows; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double wave = sin(0.01 * (double)(i % n)) * cos(0.013 * (double)(i / n));
        double v = 127 + 80 * wave + (double)(state >> 58);
        if (a->dtype == NF_F32)
            ((float *)to)[i] = (float)v;
        else
            ((uint8_t *)to)[i] = (uint8_t)(v + 0.5);
    }
}

/* ---- what memory allows ---- */

typedef struct copy_job {
    const char *in;
    char *out;
    size_t bytes;
    int threads;
} copy_job;

static void copy_plain(void *context)
{
    const copy_job *c = context;
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        size_t from = c->bytes * (size_t)t / (size_t)c->threads;
        size_t to = c->bytes * (size_t)(t + 1) / (size_t)c->threads;
        memcpy(c->out + from, c->in + from, to - from);
    }
}

#ifdef __SSE2__
static void copy_streaming(void *context)
{
    const copy_job *c = context;
    int64_t blocks = (int64_t)(c->bytes / 64);
#pragma omp parallel num_threads(c->threads)
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < blocks; i++) {
            const __m128i *from = (const __m128i *)(const void *)(c->in + 64 * i);
            __m128i *to = (__m128i *)(void *)(c->out + 64 * i);
            for (int k = 0; k < 4; k++)
                _mm_stream_si128(to + k, _mm_load_si128(from + k));
        }
        _mm_sfence();
    }
}
#endif

/* All that a reduction must do: reads every byte. */
static void read_all(void *context)
{
    const copy_job *c = context;
    uint64_t all = 0;
    int64_t n = (int64_t)(c->bytes / sizeof all);
    const uint64_t *in = (const uint64_t *)(const void *)c->in;
#pragma omp parallel for num_threads(c->threads) schedule(static) reduction(^ : all)
    for (int64_t i = 0; i < n; i++)
        all ^= in[i];
    volatile uint64_t kept = all;
    (void)kept;
}

/* ---- nfold ---- */

typedef struct nfold_job {
    nf_chain chains[MAX_CHAINS];
    size_t count;
    nf_plan *plan;
    nf_fields fields;
    nf_results results[MAX_CHAINS];
} nfold_job;

static bool parse_chains(const operation *o, const array *a, nfold_job *job)
{
    char text[MAX_TEXT];
    for (size_t i = 0; i < MAX_CHAINS && o->chains[i] != NULL; i++) {
        const char *hole = strstr(o->chains[i], "%s");
        snprintf(text, sizeof text, "%.*s%s", hole ? (int)(hole - o->chains[i]) : MAX_TEXT,
                 o->chains[i], hole ? nf_dtype_name(a->dtype) : "");
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(text, ":"), text);
        if (nf_kernel_find(name) == NULL)
            return false;
        bench_check(nf_chain_parse(text, &job->chains[job->count++]));
    }
    return true;
}

static void nfold_create(nfold_job *job, const array *a, const void *in, int threads)
{
    nf_world alone = {.size = 1, .threads = threads};
    nf_shape shape = bench_shape(a->rows, a->columns, a->dtype);
    shape.channels = a->channels;
    bench_check(nf_plan_create(&alone, &shape, job->chains, job->count, NULL, &job->plan));
    bench_check(nf_plan_fields(job->plan, &job->fields));
    size_t row = bytes_of(a) / (size_t)a->rows;
    for (int64_t y = 0; y < a->rows; y++)
        memcpy(nf_field_at(&job->fields.in, (int64_t[NF_DIMS]){0, y, 0}),
               (const char *)in + (size_t)y * row, row);
    for (size_t i = 0; i < job->count; i++)
        nf_results_init(&job->results[i]);
}

static void nfold_run(void *context)
{
    nfold_job *job = context;
    nf_times times = {0};
    for (size_t i = 0; i < job->count; i++) {
        nf_results_free(&job->results[i]);
        nf_results_init(&job->results[i]);
    }
    bench_check(nf_plan_run(job->plan, &job->fields, job->results, &times));
}

static void nfold_free(nfold_job *job)
{
    nf_fields_free(&job->fields);
    nf_plan_free(job->plan);
    for (size_t i = 0; i < job->count; i++) {
        nf_results_free(&job->results[i]);
        nf_chain_free(&job->chains[i]);
    }
}

/* ---- peers ---- */

typedef struct peer_time {
    const char *name;
    double seconds; /* 0: it has no such operation */
    bool projected, other;
} peer_time;

static bool resizes(peer_op op)
{
    return op == PEER_LANCZOS || op == PEER_AREA;
}

static bool reduces(peer_op op)
{
    return op == PEER_HISTOGRAM || op == PEER_MEAN_STD || op == PEER_MIN_MAX;
}

static double once(const bench_peer *peer, peer_job *job)
{
    double start = bench_seconds();
    peer->run(job);
    return bench_seconds() - start;
}

/* Whether the rows' inner cells are those of nfold but for rounding: u8 within 2, f32 within 1e-4 of the
 * greatest value; one in a hundred may be farther off, where halves are many. */
static bool same_result(const nfold_job *nfold, const peer_job *job)
{
    const nf_shape *s = &nfold->fields.out.cut.shape;
    int64_t n = s->dim[2] * s->channels, margin = 64 * s->channels, wrong = 0, all = 0;
    for (int64_t y = 64; y < s->dim[1] - 64; y += 37) {
        const void *ours = nf_field_at(&nfold->fields.out, (int64_t[NF_DIMS]){0, y, 0});
        for (int64_t i = margin; i < n - margin; i++, all++) {
            double d =
                job->is_f32
                    ? (double)fabsf(((const float *)ours)[i] -
                                    ((const float *)job->out)[y * n + i]) > 0.025
                    : abs(((const uint8_t *)ours)[i] - ((const uint8_t *)job->out)[y * n + i]) > 2;
            wrong += d > 0;
        }
    }
    return wrong * 100 <= all;
}

/* Runs a peer by itself: whether its result is nfold's, and how long it takes; where that is far behind
 * nfold and grows with the rows, on a part of the rows. */
static void try_peer(const bench_peer *peer, peer_job *job, const nfold_job *nfold, double ours,
                     peer_time *t)
{
    int rows = job->rows;
    bool by_rows = !resizes(job->op) && rows >= PART * 128;
    t->name = peer->name;
    if (by_rows) {
        job->rows = rows / PART;
        if (!peer->prepare(job))
            return;
        once(peer, job);
        t->seconds = PART * once(peer, job);
        peer->release(job);
        job->rows = rows;
        if (t->seconds > 5 * ours && t->seconds > 0.3) {
            t->projected = true;
            return;
        }
    }
    if (!peer->prepare(job)) {
        t->seconds = 0;
        return;
    }
    if (!by_rows)
        once(peer, job);
    t->seconds = once(peer, job);
    t->other = !reduces(job->op) && !same_result(nfold, job);
}

/* ---- one row ---- */

typedef struct row {
    const operation *o;
    const array *a;
    int threads;
    double bound, nfold; /* seconds; bound: of a copy or of reading */
    double speed_up;     /* over one thread; 0: not measured */
    peer_time peers[MAX_PEERS];
    size_t count;
} row;

/* What gives little or nothing back is bound by reading, the rest by a copy. */
static bool reads_only(peer_op op)
{
    return reduces(op) || resizes(op);
}

static double bytes_moved(const row *r)
{
    return (reads_only(r->o->op) ? 1 : 2) * (double)bytes_of(r->a);
}

/* What takes part for one row; the numbers of subjects. */
typedef struct side {
    nfold_job nfold;
    copy_job copy;
    peer_job jobs[MAX_PEERS];
    size_t first_bound, bounds, nfold_at, peer_at[MAX_PEERS]; /* peer_at 0: not in turn */
} side;

/* Two of OpenMP's threads that wait without spinning often wake on one core: they are bound, and so is
 * the first while its team works. A peer takes its number of threads from where the first may run. */
typedef struct entrant {
    bench_subject subject;
    bool is_peer;
} entrant;

static cpu_set_t allowed, first_core;

static void bind_team(void)
{
    int cores[MAX_THREADS] = {0}, found = 0;
    sched_getaffinity(0, sizeof allowed, &allowed);
    for (size_t core = 0; core < CPU_SETSIZE && found < MAX_THREADS; core++)
        if (CPU_ISSET(core, &allowed))
            cores[found++] = (int)core;
    if (found < MAX_THREADS)
        fprintf(stderr, "bench_peers: only one core may be used: two threads cannot be faster\n");
    CPU_SET((size_t)cores[0], &first_core);
    nf_team_bind(found, cores, NULL, 0);
}

static void run_entrant(void *context)
{
    const entrant *e = context;
    sched_setaffinity(0, sizeof allowed, e->is_peer ? &allowed : &first_core);
    e->subject.run(e->subject.context);
}

typedef struct contest {
    entrant entrants[BENCH_MAX_SUBJECTS];
    bench_subject subjects[BENCH_MAX_SUBJECTS];
    bench_result results[BENCH_MAX_SUBJECTS];
    size_t count;
    double round; /* seconds that one round is expected to last */
} contest;

static size_t enter(contest *c, bool is_peer, void (*run)(void *), void *context, double seconds)
{
    c->entrants[c->count] = (entrant){{run, context}, is_peer};
    c->subjects[c->count] = (bench_subject){run_entrant, &c->entrants[c->count]};
    c->round += seconds;
    return c->count++;
}

static void enter_side(contest *c, side *s, row *r, void *in, void *out)
{
    sched_setaffinity(0, sizeof first_core, &first_core);
    nfold_create(&s->nfold, r->a, in, r->threads);
    nfold_run(&s->nfold);
    double start = bench_seconds();
    nfold_run(&s->nfold);
    double ours = bench_seconds() - start;
    s->copy = (copy_job){in, out, bytes_of(r->a), r->threads};
    s->nfold_at = enter(c, false, nfold_run, &s->nfold, ours);
    s->first_bound = c->count;
    if (reads_only(r->o->op)) {
        enter(c, false, read_all, &s->copy, 0);
    } else {
        enter(c, false, copy_plain, &s->copy, 0);
#ifdef __SSE2__
        enter(c, false, copy_streaming, &s->copy, 0);
#endif
    }
    s->bounds = c->count - s->first_bound;
    sched_setaffinity(0, sizeof allowed, &allowed);
    for (size_t i = 0; peers[i] != NULL; i++) {
        peer_time *t = &r->peers[r->count++];
        s->jobs[i] = (peer_job){r->o->op,
                                r->a->rows,
                                r->a->columns,
                                r->a->channels,
                                r->a->dtype == NF_F32,
                                r->o->sigma,
                                r->o->radius,
                                r->threads,
                                in,
                                out,
                                NULL};
        try_peer(peers[i], &s->jobs[i], &s->nfold, ours, t);
        if (t->seconds > 0 && !t->projected)
            s->peer_at[i] = enter(c, true, peers[i]->run, &s->jobs[i], t->seconds);
    }
}

static void leave_side(const contest *c, side *s, row *r)
{
    r->nfold = c->results[s->nfold_at].least;
    r->bound = INFINITY;
    for (size_t i = 0; i < s->bounds; i++)
        r->bound = fmin(r->bound, c->results[s->first_bound + i].least);
    r->speed_up = s->nfold_at > 0 ? c->results[0].least / r->nfold : 0;
    for (size_t i = 0; peers[i] != NULL; i++)
        if (s->peer_at[i] > 0) {
            r->peers[i].seconds = c->results[s->peer_at[i]].least;
            peers[i]->release(&s->jobs[i]);
        }
    nfold_free(&s->nfold);
}

/* Rows of one operation on one array, at one thread and at two, all in turn. */
static void measure(row *rows, side *sides, size_t count, void *in, void *out, double seconds)
{
    static contest c;
    c = (contest){.count = 0};
    for (size_t i = 0; i < count; i++)
        enter_side(&c, &sides[i], &rows[i], in, out);
    double fitting = seconds / c.round;
    bench_protocol protocol = {.rounds = fitting > 15  ? 15
                                         : fitting < 3 ? 3
                                                       : (size_t)fitting,
                               .least = 0};
    bench_in_turn(&protocol, c.subjects, c.count, c.results);
    for (size_t i = 0; i < count; i++)
        leave_side(&c, &sides[i], &rows[i]);
}

/* ---- Python's peers ---- */

enum { MAX_TOLD = 256 };

typedef struct told {
    char peer[24], array[8], operation[40];
    int threads; /* 0: as much on any */
    double seconds;
    bool projected;
} told;

static told told_by_python[MAX_TOLD];
static size_t count_told;

/* Lines PEER|ARRAY|OPERATION|THREADS|SECONDS|PROJECTED. */
static void ask_python(const bench_options *options)
{
    char command[1024], line[256];
    if (options->python == NULL)
        return;
    snprintf(command, sizeof command, "%s -k '%s' -a '%s'", options->python, options->operation,
             options->array);
    FILE *from = popen(command, "r");
    while (from != NULL && fgets(line, sizeof line, from) != NULL && count_told < MAX_TOLD) {
        told *t = &told_by_python[count_told];
        int projected;
        if (sscanf(line, "%23[^|]|%7[^|]|%39[^|]|%d|%lf|%d", t->peer, t->array, t->operation,
                   &t->threads, &t->seconds, &projected) == 6) {
            t->projected = projected;
            count_told++;
        }
    }
    if (from == NULL || pclose(from) != 0)
        fprintf(stderr, "bench_peers: '%s' failed: without its peers\n", command);
}

static void add_told(row *r)
{
    for (size_t i = 0; i < count_told && r->count < MAX_PEERS; i++) {
        const told *t = &told_by_python[i];
        if (strcmp(t->array, r->a->name) == 0 && strcmp(t->operation, r->o->name) == 0 &&
            (t->threads == 0 || t->threads == r->threads))
            r->peers[r->count++] = (peer_time){t->peer, t->seconds, t->projected, false};
    }
}

/* ---- the table ---- */

static FILE *output;

static void print(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
    if (output != NULL)
        fputs(text, output);
}

static const char *const columns[] = {"OpenCV", "vips", "Pillow", "scipy", "skimage", "Halide"};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static const peer_time *find_peer(const row *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->peers[i].seconds > 0 && strcmp(r->peers[i].name, name) == 0)
            return &r->peers[i];
    return NULL;
}

/* Without Halide, which has a goal of its own. NULL: none has the operation. */
static const peer_time *fastest(const row *r)
{
    const peer_time *best = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const peer_time *t = &r->peers[i];
        if (t->seconds > 0 && strcmp(t->name, "Halide") != 0 &&
            (best == NULL || t->seconds < best->seconds))
            best = t;
    }
    return best;
}

/* Adds what is missed, and by how much, to the text. */
static void judge(char *text, size_t size, const char *what, double ratio, double goal)
{
    size_t n = strlen(text);
    if (ratio < goal)
        snprintf(text + n, size - n, "%s%s %.2f of %.2g", n > 0 ? ", " : "", what, ratio, goal);
}

static void verdict(const row *r, char *text, size_t size)
{
    const peer_time *best = fastest(r), *halide = find_peer(r, "Halide");
    double goal = r->threads == 1 ? 1.2 : r->o->linear ? 2 : 1.5;
    text[0] = '\0';
    if (r->o->op == PEER_COPY) {
        judge(text, size, "bound", r->bound / r->nfold, 0.8);
    } else {
        if (best != NULL)
            judge(text, size, best->name, best->seconds / r->nfold, goal);
        if (halide != NULL)
            judge(text, size, "Halide", halide->seconds / r->nfold, 1);
        if (r->o->bound == BY_MEMORY)
            judge(text, size, "bound", r->bound / r->nfold, 0.8);
        else if (r->speed_up > 0 && r->bound / r->nfold < 0.5)
            judge(text, size, "1 to 2", r->speed_up, 1.9);
    }
}

static void print_row(const row *r)
{
    char text[MAX_TEXT], missed[MAX_TEXT], *at = text;
    const peer_time *best = fastest(r);
    verdict(r, missed, sizeof missed);
    at += sprintf(at, "| %s | %s | %d | %.2f | %.1f | %.2f | %.2f |", r->o->name, r->a->name,
                  r->threads, 1e3 * r->nfold, 1e-9 * bytes_moved(r) / r->nfold, 1e3 * r->bound,
                  r->bound / r->nfold);
    for (size_t i = 0; i < COLUMNS; i++) {
        const peer_time *t = find_peer(r, columns[i]);
        at += t == NULL ? sprintf(at, " |")
                        : sprintf(at, " %s%.1f%s |", t->projected ? "~" : "", 1e3 * t->seconds,
                                  t->other ? "!" : "");
    }
    at += best != NULL ? sprintf(at, " %.2f %s |", best->seconds / r->nfold, best->name)
                       : sprintf(at, " |");
    at += r->speed_up > 0 ? sprintf(at, " %.2f |", r->speed_up) : sprintf(at, " |");
    sprintf(at, " %s |\n", missed[0] != '\0' ? missed : "met");
    print(text);
}

static void print_head(void)
{
    char text[2048];
    snprintf(
        text, sizeof text,
        "# nfold's time beside its peers'\n\n"
        "Made by `cmake --build build --target bench-peers` (bench_peers.c says how it is "
        "measured). Milliseconds, the least of several; GB/s of input and output, of reductions "
        "and resizes of the input; *bound*: a copy of the array, of reductions and resizes reading "
        "it, in the same run; *of bound*: its part of nfold's time. u8, f32: 8192x8192; "
        "rgb: 4096x4096x3 u8; small: 1024x1024 u8. ~: of an eighth of the rows, times 8; !: "
        "another result than nfold's. *ratio*: the fastest peer's time, Halide aside, as a "
        "multiple of nfold's. *1 to 2*: what a second thread gains. Missed: what, how much, of "
        "which goal.\n\nInstruction set %s; %s",
        nf_kernel_isa(), peers[0] == NULL ? "no peers were found when this was built" : "");
    print(text);
    for (size_t i = 0; peers[i] != NULL; i++) {
        snprintf(text, sizeof text, "%s%s %s", i > 0 ? ", " : "", peers[i]->name,
                 peers[i]->version());
        print(text);
    }
    print(".\n\n| operation | array | threads | nfold | GB/s | bound | of bound |");
    for (size_t i = 0; i < COLUMNS; i++) {
        snprintf(text, sizeof text, " %s |", columns[i]);
        print(text);
    }
    print(" ratio | 1 to 2 | goals |\n|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < COLUMNS; i++)
        print("---|");
    print("---|---|---|\n");
}

/* ---- all of them ---- */

static void run_operation(const operation *o, const array *a, const bench_options *options,
                          void *in, void *out)
{
    row rows[MAX_THREADS];
    static side sides[MAX_THREADS];
    size_t count = 0;
    memset(sides, 0, sizeof sides);
    for (int threads = 1; threads <= MAX_THREADS; threads++) {
        if (options->threads != 0 && options->threads != threads)
            continue;
        if (!parse_chains(o, a, &sides[count].nfold))
            return;
        rows[count++] = (row){.o = o, .a = a, .threads = threads};
    }
    measure(rows, sides, count, in, out, options->seconds);
    for (size_t i = 0; i < count; i++) {
        add_told(&rows[i]);
        print_row(&rows[i]);
    }
}

static void run_array(const array *a, const bench_options *options)
{
    void *in = allocate(bytes_of(a)), *out = allocate(bytes_of(a));
    fill(a, in);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (has_word(operations[i].arrays, a->name) &&
            strstr(operations[i].name, options->operation) != NULL)
            run_operation(&operations[i], a, options, in, out);
    free(in);
    free(out);
}

static bench_options parse(int argc, char **argv)
{
    bench_options o = {"", "", NULL, NULL, 0, 2};
    for (int option; (option = getopt(argc, argv, "k:a:t:s:p:o:")) != -1;) {
        if (option == 'k')
            o.operation = optarg;
        else if (option == 'a')
            o.array = optarg;
        else if (option == 't')
            o.threads = (int)bench_number(argv[0], "-t, the threads,", optarg, 1, MAX_THREADS);
        else if (option == 's')
            o.seconds = (double)bench_number(argv[0], "-s, the seconds,", optarg, 0, 60);
        else if (option == 'p')
            o.python = optarg;
        else if (option == 'o')
            o.output = optarg;
        else
            exit(2);
    }
    return o;
}

/* OpenMP's threads must not spin where a peer's are to run: libgomp is told before it starts. */
static void wait_passively(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") != NULL)
        return;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    wait_passively(argv);
    bench_options options = parse(argc, argv);
    mallopt(M_MMAP_MAX, 0); /* what a library frees it finds again, without page faults */
    mallopt(M_TRIM_THRESHOLD, -1);
    if (options.output != NULL && (output = fopen(options.output, "w")) == NULL) {
        perror(options.output);
        return 2;
    }
    ask_python(&options);
    bind_team();
    print_head();
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        if (strstr(arrays[i].name, options.array) != NULL)
            run_array(&arrays[i], &options);
    return output != NULL && fclose(output) != 0;
}
