/* distance_along.c - squared Euclidean distances, one axis after the other; all axes together give the
 * exact Euclidean distance transform, as scipy.ndimage.distance_transform_edt: of each cell that is not
 * zero the distance to the nearest that is. Infinity where there is none. Every channel by itself.
 *
 * Along a line  D(q) = min over i of f(i) + (s (q - i))^2,  s the sampling; f: the squared distances
 * that the axes before have left, or of a mask 0 where it is zero and infinity elsewhere. D is the
 * lower envelope of parabolas (Felzenszwalb, Huttenlocher: Distance Transforms of Sampled Functions,
 * Theory of Computing 8, 2012). With sampling 1 everything is a whole number, and so exact: f32 holds
 * it where the array's diagonal is no longer than 4096 cells, elsewhere f64 is used. Where rounding
 * takes one parabola for another they have the same value. */
#ifndef NF_T

#include <math.h>

#include "kernels/isa.h"
#include "kernels/kernel.h"

typedef struct along_config {
    int d;           /* dimension */
    bool mask, root; /* of what is read, of what is written */
    bool scan;       /* a mask, not along its rows: many lines at a time */
    double square;   /* of the sampling */
    nf_dtype out;
} along_config;

static const double infinite = (double)INFINITY;

/* A line, element after element so many apart. */
typedef struct line {
    const void *in;
    void *out;
    ptrdiff_t in_step, out_step;
    int64_t n;
} line;

/* ---- one line by the lower envelope ---- */

/* Parabola i, f[at] + square (q - at)^2, is the lowest from cross[i] to cross[i + 1];
 * lift = f[at] + square at^2. */
typedef struct envelope {
    double *at, *cross, *lift, *least;
    int64_t count;
} envelope;

static void add_parabola(envelope *e, double q, double f, double square)
{
    double cross = -infinite, lift = f + square * (q * q);
    while (e->count > 0) {
        int64_t last = e->count - 1;
        cross = (lift - e->lift[last]) / (2 * square * (q - e->at[last]));
        if (cross > e->cross[last])
            break;
        e->count--;
        cross = -infinite;
    }
    e->at[e->count] = q;
    e->lift[e->count] = lift;
    e->least[e->count] = f;
    e->cross[e->count++] = cross;
}

/* f[0] to f[n - 1] become the distances; spare: rows of at least n + 1 doubles, `stride` apart. */
static void lower_envelope(double *f, int64_t n, double square, double *spare, size_t stride)
{
    envelope e = {spare, spare + stride, spare + 2 * stride, spare + 3 * stride, 0};
    for (int64_t q = 0; q < n; q++)
        if (f[q] < infinite)
            add_parabola(&e, (double)q, f[q], square);
    if (e.count == 0)
        return;
    e.cross[e.count] = infinite;
    for (int64_t q = 0, i = 0; q < n; q++) {
        while (e.cross[i + 1] < (double)q)
            i++;
        double away = (double)q - e.at[i];
        f[q] = e.least[i] + square * (away * away);
    }
}

static void store_line(const double *f, const along_config *c, const line *l)
{
    if (c->out == NF_F32)
        for (int64_t q = 0; q < l->n; q++)
            ((float *)l->out)[q * l->out_step] = (float)(c->root ? sqrt(f[q]) : f[q]);
    else
        for (int64_t q = 0; q < l->n; q++)
            ((double *)l->out)[q * l->out_step] = c->root ? sqrt(f[q]) : f[q];
}

/* ---- a mask, many lines at a time ---- */

/* Rows of a tile that lines run across: where the steps to the last zero are kept until the way back,
 * in the output, and there become distances. */
#define DEFINE_BACK(T, suffix, SQRT)                                                               \
    static void go_back_##suffix(T *row, T *below, ptrdiff_t n, const along_config *c)             \
    {                                                                                              \
        T square = (T)c->square;                                                                   \
        for (ptrdiff_t i = 0; i < n; i++) {                                                        \
            T next = below[i] + 1, steps = row[i] < next ? row[i] : next;                          \
            below[i] = steps;                                                                      \
            row[i] = square * (steps * steps);                                                     \
        }                                                                                          \
        for (ptrdiff_t i = 0; c->root && i < n; i++)                                               \
            row[i] = SQRT(row[i]);                                                                 \
    }
DEFINE_BACK(float, f32, sqrtf)
DEFINE_BACK(double, f64, sqrt)

#define NF_BODY "kernels/distance_along.c"
#include "kernels/each_dtype.h"

/* ---- set-up ---- */

enum { AXIS, FROM, TO, SAMPLING };   /* parameters */
enum { MASK, SQUARED };              /* of FROM */
enum { TO_SQUARED, TO_F32, TO_F64 }; /* of TO */

/* Whether every squared distance within the array is a whole number that f32 holds. */
static bool fits_f32(const nf_setup *setup, bool mask)
{
    double most = 0;
    for (int d = 0; d < NF_DIMS; d++)
        most += ((double)setup->in.dim[d] - 1) * ((double)setup->in.dim[d] - 1);
    return most <= 0x1p24 && setup->values[SAMPLING].real == 1 &&
           (mask || setup->in.dtype == NF_F32);
}

static nf_status prepare(nf_setup *setup)
{
    along_config *c = setup->alloc(setup, sizeof *c);
    const nf_value *values = setup->values;
    double sampling = values[SAMPLING].real;
    if (c == NULL)
        return NF_ERR_MEMORY;
    *c = (along_config){.d = NF_DIMS - 1 - (int)values[AXIS].integer,
                        .mask = values[FROM].integer == MASK,
                        .root = values[TO].integer != TO_SQUARED,
                        .square = sampling * sampling};
    bool small = c->root ? values[TO].integer == TO_F32 : fits_f32(setup, c->mask);
    c->out = setup->out.dtype = small ? NF_F32 : NF_F64;
    /* Steps are counted in the output's type, which must hold them; squares, too, to be rooted. */
    c->scan = c->mask && c->d < 2 && (c->out == NF_F64 || (fits_f32(setup, true)));
    setup->config = c;
    setup->whole = 1u << c->d;
    setup->scratch_rows = c->scan ? 1 : 5;
    setup->flops_per_cell = c->scan ? 4 : 20;
    setup->bytes_per_cell =
        (double)(nf_dtype_size(setup->in.dtype) + nf_dtype_size(setup->out.dtype));
    if (c->mask || setup->in.dtype == NF_F32 || setup->in.dtype == NF_F64)
        return NF_OK;
    setup->param = "from";
    setup->problem = "squared distances are f32 or f64; a mask may be of any type";
    return NF_ERR_PARAM;
}

static void source(const void *config, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS],
                   int64_t from_lo[NF_DIMS], int64_t from_hi[NF_DIMS])
{
    (void)config;
    for (int d = 0; d < NF_DIMS; d++) {
        from_lo[d] = lo[d];
        from_hi[d] = hi[d];
    }
}

static double reference_cell(const nf_cells *in, const void *config, int64_t z, int64_t y,
                             int64_t x, int channel)
{
    const along_config *c = config;
    int64_t at[NF_DIMS] = {z, y, x}, q = at[c->d];
    double best = infinite;
    for (at[c->d] = 0; at[c->d] < in->shape.dim[c->d]; at[c->d]++) {
        double f = in->at(in, at[0], at[1], at[2], channel), away = (double)(at[c->d] - q);
        if (c->mask)
            f = f != 0 ? infinite : 0;
        best = fmin(best, f + c->square * (away * away));
    }
    return c->root ? sqrt(best) : best;
}

static const char *const axes[] = {"x", "y", "z", NULL};
static const char *const from[] = {"mask", "squared", NULL};
static const char *const to[] = {"squared", "f32", "f64", NULL};
static const nf_param params[] = {
    {"axis", NF_PARAM_CHOICE, "", NULL, 0, 0, axes, "along rows, columns or through planes"},
    {"from", NF_PARAM_CHOICE, "", "mask", 0, 0, from,
     "what is read: a mask, or what another axis has left"},
    {"to", NF_PARAM_CHOICE, "", "squared", 0, 0, to,
     "what is written: squared distances for the next axis, or distances of this type"},
    {"sampling", NF_PARAM_REAL, "1", "1", 1e-100, 1e100, NULL, "from a cell to the next"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_distance_along) = {
    .name = "distance_along",
    .summary = "one axis of the Euclidean distance to the nearest zero",
    .kind = NF_RESAMPLE,
    .ndims = NF_1D | NF_2D | NF_3D,
    .params = params,
    .prepare = prepare,
    .source = source,
    .apply = NF_APPLY(apply),
    .reference_cell = reference_cell,
    .tolerance = 0,
};

#else

/* ---- by the lower envelope ---- */

static void NF_NAME(load_line)(const along_config *c, const line *l, double *f)
{
    const NF_T *in = l->in;
    if (c->mask)
        for (int64_t q = 0; q < l->n; q++)
            f[q] = in[q * l->in_step] != 0 ? infinite : 0;
    else
        for (int64_t q = 0; q < l->n; q++)
            f[q] = (double)in[q * l->in_step];
}

static void NF_NAME(do_line)(const nf_tile *tile, const along_config *c, const line *l)
{
    double *f = tile->scratch;
    size_t stride = tile->scratch_stride;
    NF_NAME(load_line)(c, l, f);
    lower_envelope(f, l->n, c->square, f + stride, stride);
    store_line(f, c, l);
}

static void NF_NAME(by_envelope)(const nf_tile *tile, const along_config *c)
{
    int64_t n[NF_DIMS] = {tile->size[0], tile->size[1], tile->size[2]};
    size_t size = c->out == NF_F32 ? sizeof(float) : sizeof(double);
    n[c->d] = 1;
    for (int64_t z = 0; z < n[0]; z++)
        for (int64_t y = 0; y < n[1]; y++)
            for (int64_t i = 0; i < n[2] * tile->channels; i++) {
                ptrdiff_t in = z * tile->in_stride[0] + y * tile->in_stride[1] + i;
                ptrdiff_t out = z * tile->out_stride[0] + y * tile->out_stride[1] + i;
                line l = {(const NF_T *)tile->in + in, (char *)tile->out + (size_t)out * size,
                          tile->in_stride[c->d], tile->out_stride[c->d], tile->size[c->d]};
                NF_NAME(do_line)(tile, c, &l);
            }
}

/* Lines of one cell each: rows as they are, as squared distances. */
static void NF_NAME(as_they_are)(const nf_tile *tile, const along_config *c)
{
    size_t size = c->out == NF_F32 ? sizeof(float) : sizeof(double);
    for (int64_t z = 0; z < tile->size[0]; z++)
        for (int64_t y = 0; y < tile->size[1]; y++) {
            ptrdiff_t out = z * tile->out_stride[0] + y * tile->out_stride[1];
            line l = {NF_ROW_IN(tile, z, y), (char *)tile->out + (size_t)out * size, 1, 1,
                      NF_ROW_LENGTH(tile)};
            NF_NAME(load_line)(c, &l, tile->scratch);
            store_line(tile->scratch, c, &l);
        }
}

/* ---- by scanning a mask ---- */

/* Forwards along the lines of one slice of the tile, n of them, then back. */
#define DEFINE_SCAN(T, suffix)                                                                     \
    static void NF_NAME(scan_##suffix)(const nf_tile *tile, const along_config *c, const NF_T *in, \
                                       T *out)                                                     \
    {                                                                                              \
        ptrdiff_t n = NF_ROW_LENGTH(tile), step = tile->out_stride[c->d];                          \
        T *below = (T *)(void *)tile->scratch;                                                     \
        for (ptrdiff_t i = 0; i < n; i++)                                                          \
            below[i] = (T)INFINITY;                                                                \
        for (int64_t q = 0; q < tile->size[c->d]; q++) {                                           \
            const NF_T *row = in + q * tile->in_stride[c->d];                                      \
            const T *last = q > 0 ? out + (q - 1) * step : below;                                  \
            T *to = out + q * step;                                                                \
            for (ptrdiff_t i = 0; i < n; i++) {                                                    \
                T steps = last[i] + 1;                                                             \
                to[i] = row[i] != 0 ? steps : 0;                                                   \
            }                                                                                      \
        }                                                                                          \
        for (int64_t q = tile->size[c->d]; q-- > 0;)                                               \
            go_back_##suffix(out + q * step, below, n, c);                                         \
    }
DEFINE_SCAN(float, f32)
DEFINE_SCAN(double, f64)
#undef DEFINE_SCAN

static void NF_NAME(by_scanning)(const nf_tile *tile, const along_config *c)
{
    int across = 1 - c->d; /* of planes and rows, the one that lines do not run along */
    for (int64_t i = 0; i < tile->size[across]; i++) {
        const NF_T *in = (const NF_T *)tile->in + i * tile->in_stride[across];
        ptrdiff_t out = i * tile->out_stride[across];
        if (c->out == NF_F32)
            NF_NAME(scan_f32)(tile, c, in, (float *)tile->out + out);
        else
            NF_NAME(scan_f64)(tile, c, in, (double *)tile->out + out);
    }
}

static void NF_NAME(apply)(const nf_tile *tile, const void *config, void *partial)
{
    const along_config *c = config;
    (void)partial;
    if (tile->size[c->d] == 1)
        NF_NAME(as_they_are)(tile, c);
    else if (c->scan)
        NF_NAME(by_scanning)(tile, c);
    else
        NF_NAME(by_envelope)(tile, c);
}

#endif
