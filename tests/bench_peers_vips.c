/* bench_peers_vips.c - libvips as a subject of bench_peers.c. Results go tile by tile into the caller's
 * array, so that no run pays for fresh memory. */
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "tests/bench_peers.h"

typedef struct vips_job {
    VipsImage *in, *mask;
    char *out;
    size_t row; /* bytes of the output */
} vips_job;

static const char *version(void)
{
    return vips_version_string();
}

static VipsImage *mask_of(const peer_job *job)
{
    if (job->op == PEER_SHARPEN) {
        VipsImage *m =
            vips_image_new_matrixv(3, 3, -2.0, -2.0, -2.0, -2.0, 32.0, -2.0, -2.0, -2.0, -2.0);
        vips_image_set_double(m, "scale", 16);
        return m;
    }
    if (job->op == PEER_BOX_5) {
        VipsImage *m = vips_image_new_matrixv(5, 1, 1.0, 1.0, 1.0, 1.0, 1.0);
        vips_image_set_double(m, "scale", 5);
        return m;
    }
    double values[25];
    for (int i = 0; i < 25; i++)
        values[i] = peer_mask_5[i];
    VipsImage *m = vips_image_new_matrix_from_array(5, 5, values, 25);
    vips_image_set_double(m, "scale", PEER_MASK_5_SUM);
    return m;
}

static bool prepare(peer_job *job)
{
    static bool started;
    if (job->op == PEER_BILATERAL_9 || job->op == PEER_NLM)
        return false;
    if (!started && VIPS_INIT("bench_peers") != 0)
        return false;
    started = true;
    vips_cache_set_max(0); /* the same result again is worked out again */
    size_t element = job->is_f32 ? sizeof(float) : 1;
    size_t pixel = (size_t)job->channels * element;
    bool small = job->op == PEER_LANCZOS || job->op == PEER_AREA;
    vips_job *v = calloc(1, sizeof *v);
    if (v == NULL)
        return false;
    v->in = vips_image_new_from_memory(job->in, (size_t)job->rows * (size_t)job->columns * pixel,
                                       job->columns, job->rows, job->channels,
                                       job->is_f32 ? VIPS_FORMAT_FLOAT : VIPS_FORMAT_UCHAR);
    v->mask = mask_of(job);
    v->out = job->out;
    v->row = pixel * (size_t)(small ? PEER_SMALL_COLUMNS : job->columns);
    job->own = v;
    return true;
}

static int filter(const peer_job *job, const vips_job *v, VipsImage **out)
{
    VipsPrecision precision = job->is_f32 ? VIPS_PRECISION_FLOAT : VIPS_PRECISION_INTEGER;
    double beyond = job->radius + 0.5, least = 1e-3; /* the least that it takes */
    least = fmax(least, exp(-beyond * beyond / (2 * job->sigma * job->sigma)));
    switch (job->op) {
    case PEER_SHARPEN:
    case PEER_CONVOLVE_5:
        return vips_conv(v->in, out, v->mask, "precision", precision, NULL);
    case PEER_BOX_5:
        return vips_convsep(v->in, out, v->mask, "precision", precision, NULL);
    case PEER_GAUSSIAN:
        return vips_gaussblur(v->in, out, job->sigma, "min_ampl", least, "precision", precision,
                              NULL);
    case PEER_SOBEL:
        return vips_sobel(v->in, out, NULL);
    case PEER_MEDIAN_3:
        return vips_median(v->in, out, 3, NULL);
    case PEER_MEDIAN_5:
        return vips_median(v->in, out, 5, NULL);
    case PEER_ERODE_5:
        return vips_rank(v->in, out, 5, 5, 0, NULL);
    case PEER_LANCZOS:
        return vips_resize(v->in, out, (double)PEER_SMALL_COLUMNS / job->columns, "vscale",
                           (double)PEER_SMALL_ROWS / job->rows, NULL);
    case PEER_AREA:
        return vips_shrink(v->in, out, (double)job->columns / PEER_SMALL_COLUMNS,
                           (double)job->rows / PEER_SMALL_ROWS, NULL);
    default:
        return vips_copy(v->in, out, NULL);
    }
}

/* Called by each worker for each of its tiles. */
static int scan(VipsRegion *region, void *seq, void *a, void *b, gboolean *stop)
{
    const vips_job *v = a;
    const VipsRect *r = &region->valid;
    size_t pixel = VIPS_IMAGE_SIZEOF_PEL(region->im);
    (void)seq, (void)b, (void)stop;
    for (int y = 0; y < r->height; y++) {
        size_t at = (size_t)(r->top + y) * v->row + (size_t)r->left * pixel;
        memcpy(v->out + at, VIPS_REGION_ADDR(region, r->left, r->top + y),
               (size_t)r->width * pixel);
    }
    return 0;
}

static void *start(VipsImage *image, void *a, void *b)
{
    (void)image, (void)b;
    return a;
}

static int stop(void *seq, void *a, void *b)
{
    (void)seq, (void)a, (void)b;
    return 0;
}

/* Results of another type are cast, so that all peers give the same. */
static int store(const peer_job *job, vips_job *v, VipsImage *image)
{
    VipsImage *cast = NULL;
    int failed = vips_cast(image, &cast, job->is_f32 ? VIPS_FORMAT_FLOAT : VIPS_FORMAT_UCHAR, NULL);
    if (!failed && VIPS_IMAGE_SIZEOF_LINE(cast) == v->row)
        failed = vips_sink(cast, start, scan, stop, v, NULL);
    if (cast != NULL)
        g_object_unref(cast);
    return failed;
}

static void run(void *context)
{
    peer_job *job = context;
    vips_job *v = job->own;
    VipsImage *image = NULL;
    vips_concurrency_set(job->threads);
    int failed;
    if (job->op == PEER_HISTOGRAM)
        failed = vips_hist_find(v->in, &image, NULL);
    else if (job->op == PEER_MEAN_STD || job->op == PEER_MIN_MAX)
        failed = vips_stats(v->in, &image, NULL);
    else
        failed = filter(job, v, &image) || store(job, v, image);
    if (failed) {
        fprintf(stderr, "bench_peers: vips: %s\n", vips_error_buffer());
        exit(EXIT_FAILURE);
    }
    g_object_unref(image);
}

static void release(peer_job *job)
{
    vips_job *v = job->own;
    g_object_unref(v->in);
    g_object_unref(v->mask);
    free(v);
}

const bench_peer bench_peer_vips = {"vips", version, prepare, run, release};
