/* test_resize.c - resize, affine and rotate: on tiles made by hand, whose input is exactly the box that
 * the kernel says it reads and whose scratch memory is exactly as large as it asks for, against the
 * independent references and by what must hold for them whatever the reference says. CTest runs it once
 * for each instruction set that the processor has. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/chain.h"
#include "drivers/engine/shape.h"
#include "tests/arrays.h"
#include "tests/suite.h"

static const nf_dtype dtypes[] = {NF_U8, NF_U16, NF_F32, NF_F64};
static const char *const borders[] = {"clamp", "reflect", "mirror", "wrap", "constant,value=7"};
static const char *const methods[] = {"nearest", "bilinear", "cubic", "lanczos", "area"};
enum { METHODS = 5, MOST_BLOCKS = 64 };

/* ---- one kernel, set up by hand ---- */

typedef struct subject {
    nf_cells cells; /* first: the reference sees only this */
    const void *in; /* dense */
    nf_chain chain;
    const nf_kernel *kernel;
    nf_setup setup;
    void *blocks[MOST_BLOCKS]; /* what prepare took */
    int count;
    nf_border border;
    bool bordered; /* it reads beyond the edges */
    double value;
} subject;

static void *take(nf_setup *setup, size_t bytes)
{
    subject *s = setup->arena;
    CU_ASSERT_FATAL(s->count < MOST_BLOCKS);
    return s->blocks[s->count++] = calloc(1, bytes);
}

static double element(nf_dtype dtype, const void *cells, size_t i)
{
    return dtype == NF_U8    ? ((const uint8_t *)cells)[i]
           : dtype == NF_U16 ? ((const uint16_t *)cells)[i]
           : dtype == NF_F32 ? (double)((const float *)cells)[i]
                             : ((const double *)cells)[i];
}

/* The element as the border has it. */
static double at(const nf_cells *self, int64_t z, int64_t y, int64_t x, int c)
{
    const subject *s = (const subject *)self;
    const nf_shape *shape = &self->shape;
    int64_t cell[NF_DIMS] = {z, y, x}, i = 0;
    for (int d = 0; d < NF_DIMS; d++) {
        int64_t from = nf_border_index(cell[d], shape->dim[d], s->border);
        if (from < 0)
            return s->value;
        i = i * shape->dim[d] + from;
    }
    return element(shape->dtype, s->in, (size_t)(i * shape->channels + c));
}

static void close_subject(subject *s)
{
    while (s->count > 0)
        free(s->blocks[--s->count]);
    nf_chain_free(&s->chain);
}

/* The status of prepare; close_subject after it in any case. */
static nf_status open_subject(const char *typed, const nf_shape *shape, const void *in, subject *s)
{
    *s = (subject){.cells = {.shape = *shape, .at = at}, .in = in};
    CU_ASSERT_EQUAL_FATAL(nf_chain_parse(typed, &s->chain), NF_OK);
    const nf_stage *stage = &s->chain.stages[0];
    s->kernel = stage->kernel;
    for (size_t i = 0; s->kernel->params[i].name != NULL; i++) {
        if (strcmp(s->kernel->params[i].name, "border") == 0) {
            s->bordered = true;
            s->border = (nf_border)stage->values[i].integer;
        }
        if (strcmp(s->kernel->params[i].name, "value") == 0)
            s->value = stage->values[i].real;
    }
    s->setup = (nf_setup){.in = *shape,
                          .out = *shape,
                          .values = stage->values,
                          .alloc = take,
                          .arena = s,
                          .steps = 1};
    return s->kernel->prepare(&s->setup);
}

/* A copy of the input's box [lo, hi), in memory of its own. */
static void *copy_box(const subject *s, const int64_t lo[NF_DIMS], const int64_t hi[NF_DIMS])
{
    const nf_shape *shape = &s->cells.shape;
    size_t size = nf_dtype_size(shape->dtype);
    size_t n = (size_t)((hi[0] - lo[0]) * (hi[1] - lo[1]) * (hi[2] - lo[2]) * shape->channels);
    char *box = malloc(n * size), *to = box;
    CU_ASSERT_PTR_NOT_NULL_FATAL(box);
    for (int64_t z = lo[0]; z < hi[0]; z++)
        for (int64_t y = lo[1]; y < hi[1]; y++)
            for (int64_t x = lo[2]; x < hi[2]; x++)
                for (int c = 0; c < shape->channels; c++, to += size)
                    nf_test_store(shape->dtype, to, at(&s->cells, z, y, x, c));
    return box;
}

static void run_tile(const subject *s, const int64_t lo[NF_DIMS], const int64_t size[NF_DIMS],
                     char *out)
{
    const nf_shape *shape = &s->setup.out;
    int64_t hi[NF_DIMS], from[NF_DIMS], to[NF_DIMS], extent[NF_DIMS];
    nf_tile tile = {.channels = s->cells.shape.channels};
    ptrdiff_t first = 0;
    nf_dense_strides(shape->dim, shape->channels, tile.out_stride);
    for (int d = 0; d < NF_DIMS; d++) {
        tile.lo[d] = lo[d];
        tile.size[d] = shape->dim[d] - lo[d] < size[d] ? shape->dim[d] - lo[d] : size[d];
        hi[d] = lo[d] + tile.size[d];
        first += lo[d] * tile.out_stride[d];
    }
    s->kernel->source(s->setup.config, lo, hi, from, to);
    for (int d = 0; d < NF_DIMS; d++) {
        extent[d] = to[d] - from[d];
        tile.in_lo[d] = from[d];
        CU_ASSERT_FATAL(extent[d] > 0);
        CU_ASSERT(s->bordered || (from[d] >= 0 && to[d] <= s->cells.shape.dim[d]));
    }
    nf_dense_strides(extent, tile.channels, tile.in_stride);
    int64_t width = extent[2] > tile.size[2] ? extent[2] : tile.size[2];
    tile.scratch_stride = (size_t)(width * tile.channels + 7) / 8 * 8;
    size_t bytes = (size_t)s->setup.scratch_rows * tile.scratch_stride * sizeof(double);
    void *box = copy_box(s, from, to), *scratch = aligned_alloc(64, bytes > 0 ? bytes : 64);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scratch);
    memset(scratch, 0xff, bytes);
    tile.in = box;
    tile.out = out + (size_t)first * nf_dtype_size(shape->dtype);
    tile.scratch = scratch;
    s->kernel->apply[shape->dtype](&tile, s->setup.config, NULL);
    free(scratch);
    free(box);
}

/* The output by tiles of this size (NULL: one); the caller frees it. */
static void *run_subject(const subject *s, const int64_t size[NF_DIMS])
{
    const int64_t *dim = s->setup.out.dim, *by = size != NULL ? size : dim;
    char *out = malloc(nf_shape_bytes(&s->setup.out));
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    memset(out, 0xff, nf_shape_bytes(&s->setup.out));
    for (int64_t z = 0; z < dim[0]; z += by[0])
        for (int64_t y = 0; y < dim[1]; y += by[1])
            for (int64_t x = 0; x < dim[2]; x += by[2])
                run_tile(s, (int64_t[]){z, y, x}, by, out);
    return out;
}

/* The kernel on a whole array; *out: what the output is. */
static void *run(const char *typed, const nf_shape *shape, const void *in, nf_shape *out)
{
    subject s;
    CU_ASSERT_EQUAL_FATAL(open_subject(typed, shape, in, &s), NF_OK);
    void *cells = run_subject(&s, NULL);
    *out = s.setup.out;
    close_subject(&s);
    return cells;
}

/* ---- against the references ---- */

/* How far an element may be from its reference: reference.h's rule. */
static bool near(const subject *s, double got, double expected, double size)
{
    nf_dtype dtype = s->setup.out.dtype;
    double ulp = dtype == NF_F64 || dtype == NF_U16 ? DBL_EPSILON : (double)FLT_EPSILON;
    double slack = s->kernel->tolerance * ulp * fmax(size, fabs(expected));
    double top = dtype == NF_U8 ? 255 : 65535;
    if (dtype == NF_U8 || dtype == NF_U16)
        return fabs(got - fmin(fmax(expected, 0), top)) <= 0.5 + slack;
    return fabs(got - expected) <= slack;
}

static int count_wrong(const subject *s, const void *out)
{
    const nf_shape *shape = &s->setup.out;
    int wrong = 0;
    size_t i = 0;
    double size = 0;
    for (size_t j = 0; j < (size_t)nf_shape_elements(&s->cells.shape); j++)
        size = fmax(size, fabs(element(shape->dtype, s->in, j)));
    for (int64_t z = 0; z < shape->dim[0]; z++)
        for (int64_t y = 0; y < shape->dim[1]; y++)
            for (int64_t x = 0; x < shape->dim[2]; x++)
                for (int c = 0; c < shape->channels; c++, i++)
                    wrong += !near(
                        s, element(shape->dtype, out, i),
                        s->kernel->reference_cell(&s->cells, s->setup.config, z, y, x, c), size);
    return wrong;
}

/* The kernel on one array: near its reference, and of the same bits for any tiles. */
static void check(const char *typed, const nf_shape *shape)
{
    static const int64_t tiles[][NF_DIMS] = {{1, 1, 1000}, {2, 17, 5}, {1, 1000, 1}, {3, 4, 23}};
    subject s;
    void *in = nf_test_array(shape);
    CU_ASSERT_EQUAL_FATAL(open_subject(typed, shape, in, &s), NF_OK);
    void *whole = run_subject(&s, NULL);
    int wrong = count_wrong(&s, whole);
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        void *tiled = run_subject(&s, tiles[i]);
        wrong += memcmp(whole, tiled, nf_shape_bytes(&s.setup.out)) != 0;
        free(tiled);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    char text[NF_SHAPE_TEXT];
    if (wrong > 0)
        printf("\n  %s on %s: %d wrong\n", typed, nf_shape_text(shape, text), wrong);
    free(whole);
    free(in);
    close_subject(&s);
}

static const int64_t from_sizes[][2] = {{1, 1}, {1, 9}, {11, 1}, {5, 4}, {23, 37}, {50, 41}};
static const int64_t to_sizes[][2] = {{1, 1}, {2, 3}, {7, 1}, {9, 25}, {23, 16}, {50, 60}};
enum { FROMS = sizeof from_sizes / sizeof *from_sizes, TOS = sizeof to_sizes / sizeof *to_sizes };

/* Up, down, and both at once; every method and type; with and without antialiasing. */
static void test_resize(void)
{
    for (int i = 0; i < FROMS * TOS * METHODS * 4; i++) {
        const int64_t *from = from_sizes[i % FROMS], *to = to_sizes[i / FROMS % TOS];
        int method = i / (FROMS * TOS) % METHODS, type = i / (FROMS * TOS * METHODS);
        nf_shape shape = nf_test_shape(1, from[0], from[1], 1 + i % 4, dtypes[type]);
        char typed[128];
        snprintf(typed, sizeof typed, "resize:width=%d,height=%d,method=%s,antialias=%s",
                 (int)to[1], (int)to[0], methods[method], i % 5 < 4 ? "yes" : "no");
        check(typed, &shape);
    }
}

/* Rows that are longer than what goes through a pass at once. */
static void test_wide(void)
{
    for (int i = 0; i < 4 * METHODS; i++) {
        nf_shape wide = nf_test_shape(1, 6, 2500, 1 + i % 4, dtypes[i / METHODS]);
        nf_shape narrow = nf_test_shape(1, 6, 40, 1 + i % 4, dtypes[i / METHODS]);
        char typed[128];
        snprintf(typed, sizeof typed, "resize:width=271,height=5,method=%s", methods[i % METHODS]);
        check(typed, &wide);
        snprintf(typed, sizeof typed, "resize:width=391,height=9,method=%s", methods[i % METHODS]);
        check(typed, &narrow);
        snprintf(typed, sizeof typed, "affine:matrix=0.1,0.02,-1,0.01,0.7,0.3,width=391,method=%s",
                 methods[i % METHODS % 3]);
        check(typed, &narrow);
    }
}

static void test_volumes(void)
{
    static const char *const sizes[] = {"width=5,height=4,depth=3", "width=5,height=11,depth=13",
                                        "scale=1.7", "scale=0.4", "depth=4"};
    for (int i = 0; i < 5 * METHODS * 4; i++) {
        nf_shape shape = nf_test_shape(7, 8, 9, 1 + i % 3, dtypes[i / (5 * METHODS)]);
        char typed[128];
        snprintf(typed, sizeof typed, "resize:%s,method=%s", sizes[i % 5],
                 methods[i / 5 % METHODS]);
        check(typed, &shape);
    }
}

/* Every method (the first three are those of affine), border and type; the images on the way. */
static void for_each_warp(const char *filter)
{
    for (int i = 0; i < FROMS * 3 * 4 * 5; i++) {
        const int64_t *from = from_sizes[i % FROMS];
        nf_shape shape = nf_test_shape(1, from[0], from[1], 1 + i % 4, dtypes[i / FROMS % 4]);
        char typed[256];
        snprintf(typed, sizeof typed, "%s,method=%s,border=%s", filter,
                 methods[i / (FROMS * 4) % 3], borders[i / (FROMS * 4 * 3)]);
        check(typed, &shape);
    }
}

static void test_rotate(void)
{
    for_each_warp("rotate:angle=31.7");
    for_each_warp("rotate:angle=-117,expand=yes");
    for_each_warp("rotate:angle=450,expand=yes");
}

static void test_affine(void)
{
    for_each_warp("affine:matrix=1.3,0.4,-3.2,-0.3,0.8,5.5");
    for_each_warp("affine:matrix=-0.31,0.12,70.5,0.2,-0.41,-12.25,width=29,height=67");
}

/* ---- known values ---- */

/* What Pillow 9.4's Image.resize makes of the image i * i * 37 + i * 11 + 5 (modulo 256), 6 x 5. */
static void test_known(void)
{
    static const struct {
        const char *method;
        int width, height;
        uint8_t cells[63];
    } known[] = {
        {"nearest", 4, 3, {5, 175, 115, 217, 89, 243, 47, 133, 77, 215, 139, 209}},
        {"nearest", 9, 7, {5,   53,  53,  175, 175, 115, 129, 217, 217, 123, 103, 103, 157,
                           157, 29,  231, 251, 251, 123, 103, 103, 157, 157, 29,  231, 251,
                           251, 89,  1,   1,   243, 243, 47,  181, 133, 133, 159, 3,   3,
                           177, 177, 169, 235, 119, 119, 159, 3,   3,   177, 177, 169, 235,
                           119, 119, 77,  109, 109, 215, 215, 139, 137, 209, 209}},
        {"bilinear", 4, 3, {63, 127, 120, 210, 79, 132, 130, 174, 94, 148, 166, 174}},
        {"bilinear", 9, 7, {5,   29,  73,  155, 145, 117, 127, 173, 217, 72,  77,  95,  151,
                            115, 86,  167, 212, 236, 113, 94,  92,  164, 108, 65,  186, 217,
                            217, 89,  45,  41,  203, 145, 69,  159, 157, 133, 139, 71,  35,
                            164, 165, 148, 205, 171, 123, 124, 86,  73,  169, 175, 162, 187,
                            175, 158, 77,  93,  127, 197, 177, 139, 137, 173, 209}},
        {"cubic", 4, 3, {58, 130, 113, 217, 77, 130, 131, 178, 88, 149, 171, 171}},
        {"cubic", 9, 7, {0,   15,  69,  164, 156, 116, 117, 172, 221, 72,  75,  98,  156,
                         109, 75,  170, 225, 247, 124, 97,  93,  176, 95,  39,  199, 236,
                         225, 95,  33,  27,  224, 152, 52,  165, 163, 130, 157, 62,  8,
                         170, 175, 151, 224, 171, 105, 133, 83,  62,  173, 184, 167, 194,
                         177, 155, 70,  87,  130, 210, 184, 131, 126, 175, 220}},
        {"lanczos", 4, 3, {56, 131, 109, 220, 77, 119, 141, 180, 82, 147, 179, 167}},
        {"lanczos", 9, 7, {0,   3,   72,  169, 167, 110, 107, 172, 220, 73,  73,  105, 157,
                           107, 75,  165, 229, 249, 132, 94,  101, 187, 84,  23,  193, 244,
                           221, 104, 21,  32,  228, 158, 44,  160, 172, 125, 171, 50,  0,
                           167, 185, 151, 231, 170, 86,  139, 82,  65,  168, 189, 168, 195,
                           181, 159, 67,  78,  139, 216, 190, 120, 115, 178, 225}},
        {"area", 4, 3, {71, 166, 126, 234, 45, 243, 114, 133, 87, 196, 170, 164}},
        {"area", 9, 7, {5,   53,  53,  175, 115, 115, 129, 217, 217, 123, 103, 103, 157,
                        29,  29,  231, 251, 251, 123, 103, 103, 157, 29,  29,  231, 251,
                        251, 89,  1,   1,   243, 47,  47,  181, 133, 133, 159, 3,   3,
                        177, 169, 169, 235, 119, 119, 159, 3,   3,   177, 169, 169, 235,
                        119, 119, 77,  109, 109, 215, 139, 139, 137, 209, 209}},
    };
    uint8_t image[30];
    for (int i = 0; i < 30; i++)
        image[i] = (uint8_t)(i * i * 37 + i * 11 + 5);
    nf_shape shape = nf_test_shape(1, 5, 6, 1, NF_U8), out;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char typed[64];
        snprintf(typed, sizeof typed, "resize:width=%d,height=%d,method=%s", known[i].width,
                 known[i].height, known[i].method);
        void *cells = run(typed, &shape, image, &out);
        CU_ASSERT_EQUAL(memcmp(cells, known[i].cells, nf_shape_bytes(&out)), 0);
        free(cells);
    }
}

/* The value of the only row that a kernel makes of this row of doubles, at x. */
static double of_row(const char *typed, const double *row, int n, int x)
{
    nf_shape shape = nf_test_shape(1, 1, n, 1, NF_F64), out;
    double *cells = run(typed, &shape, row, &out), value = cells[x];
    free(cells);
    return value;
}

/* By hand, from six cells to three: their triangles reach over four cells, or, not widened, two. */
static void test_known_antialias(void)
{
    static const double row[] = {0, 16, 64, -32, 8, 2};
    const char *typed = "resize:width=3,height=1,method=bilinear";
    CU_ASSERT_DOUBLE_EQUAL(of_row(typed, row, 6, 1), (16 + 3 * 64 - 3 * 32 + 8) / 8.0, 1e-12);
    typed = "resize:width=3,height=1,method=bilinear,antialias=no";
    CU_ASSERT_EQUAL(of_row(typed, row, 6, 1), 16);
    CU_ASSERT_EQUAL(of_row(typed, row, 6, 2), 5);
}

/* By hand: Keys' weights at a half are -1/16 and 9/16; a shift by one cell; beyond the edge 7. */
static void test_known_affine(void)
{
    static const double row[] = {0, 16, 64, -32, 8, 2};
    double half = (9 * (16.0 + 64.0) - (0.0 - 32.0)) / 16;
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,0.5,0,1,0,method=cubic", row, 6, 1), half);
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,0.5,0,1,0", row, 6, 1), 40);
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,0.5,0,1,0,method=nearest", row, 6, 1), 64);
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,0.25,0,1,0,method=nearest", row, 6, 1), 16);
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,0.25,0,1,0", row, 6, 1), 28);
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,-2,0,1,0,value=7", row, 6, 1), 7);
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,-2,0,1,0,value=7", row, 6, 3), 16);
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,2,0,1,0.5,value=4", row, 6, 0), 34);
    CU_ASSERT_EQUAL(of_row("affine:matrix=1,0,-2,0,1,0,border=wrap", row, 6, 1), 2);
    CU_ASSERT_EQUAL(of_row("affine:matrix=-1,0,5,0,1,0", row, 6, 1), 8);
}

/* ---- what must hold ---- */

static void check_same(const char *typed, const nf_shape *shape, const void *in)
{
    nf_shape out;
    void *cells = run(typed, shape, in, &out);
    CU_ASSERT(nf_shape_equal(shape, &out));
    CU_ASSERT_EQUAL(memcmp(cells, in, nf_shape_bytes(shape)), 0);
    free(cells);
}

/* The same extents, no turn, the unit matrix: the same bits. */
static void test_identity(void)
{
    for (int i = 0; i < 4 * METHODS; i++) {
        nf_shape image = nf_test_shape(1, 19, 27, 1 + i % 4, dtypes[i / METHODS]);
        nf_shape volume = nf_test_shape(5, 6, 7, 1 + i % 4, dtypes[i / METHODS]);
        void *cells = nf_test_array(&image), *deep = nf_test_array(&volume);
        char typed[128];
        snprintf(typed, sizeof typed, "resize:scale=1,method=%s", methods[i % METHODS]);
        check_same(typed, &image, cells);
        check_same(typed, &volume, deep);
        for (int j = 0; j < 3 && i % METHODS < 3; j++) {
            static const char *const same[] = {"rotate:angle=-720", "rotate:angle=0,expand=yes",
                                               "affine:matrix=1,0,0,0,1,0"};
            snprintf(typed, sizeof typed, "%s,method=%s", same[j], methods[i % METHODS]);
            check_same(typed, &image, cells);
        }
        free(cells);
        free(deep);
    }
}

/* One value everywhere stays: in integers exactly, in floats within the last places. */
static void check_constant(const char *typed, const nf_shape *shape)
{
    size_t n = (size_t)nf_shape_elements(shape), size = nf_dtype_size(shape->dtype);
    bool whole = shape->dtype == NF_U8 || shape->dtype == NF_U16;
    double value = whole ? 201 : (double)12.3f;
    char *in = malloc(n * size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    for (size_t i = 0; i < n; i++)
        nf_test_store(shape->dtype, in + i * size, value);
    nf_shape out;
    void *cells = run(typed, shape, in, &out);
    double ulp = shape->dtype == NF_F32 ? (double)FLT_EPSILON : DBL_EPSILON, worst = 0;
    for (size_t i = 0; i < (size_t)nf_shape_elements(&out); i++)
        worst = fmax(worst, fabs(element(out.dtype, cells, i) - value));
    CU_ASSERT(worst <= (whole ? 0 : value * 8 * ulp));
    free(cells);
    free(in);
}

static void test_constants(void)
{
    for (int i = 0; i < 4 * METHODS; i++) {
        nf_shape image = nf_test_shape(1, 19, 27, 1 + i % 4, dtypes[i / METHODS]);
        nf_shape volume = nf_test_shape(5, 6, 7, 1, dtypes[i / METHODS]);
        char typed[128];
        snprintf(typed, sizeof typed, "resize:scale=0.3,method=%s", methods[i % METHODS]);
        check_constant(typed, &image);
        snprintf(typed, sizeof typed, "resize:scale=2.3,method=%s", methods[i % METHODS]);
        check_constant(typed, &image);
        check_constant(typed, &volume);
        snprintf(typed, sizeof typed, "rotate:angle=31,border=reflect,method=%s",
                 methods[i % METHODS % 3]);
        check_constant(typed, &image);
    }
}

/* An image of one cell is that cell, however large it becomes. */
static void test_one_cell(void)
{
    static const double cell[] = {-3.75};
    for (int i = 0; i < METHODS; i++) {
        char typed[128];
        snprintf(typed, sizeof typed, "resize:width=9,height=1,method=%s", methods[i]);
        for (int x = 0; x < 9; x++)
            CU_ASSERT_EQUAL(of_row(typed, cell, 1, x), -3.75);
    }
}

/* The image with its columns, its rows, or both in reverse order. */
static void *flipped(const nf_shape *shape, const void *in, bool columns, bool rows)
{
    size_t cell = nf_dtype_size(shape->dtype) * (size_t)shape->channels;
    char *out = malloc(nf_shape_bytes(shape));
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    for (int64_t y = 0; y < shape->dim[1]; y++) {
        for (int64_t x = 0; x < shape->dim[2]; x++) {
            int64_t v = rows ? shape->dim[1] - 1 - y : y, u = columns ? shape->dim[2] - 1 - x : x;
            memcpy(out + (size_t)(y * shape->dim[2] + x) * cell,
                   (const char *)in + (size_t)(v * shape->dim[2] + u) * cell, cell);
        }
    }
    return out;
}

/* Flipped before or after: the same, but for what the weights' rounding does; by powers of 2, whose
 * weights are exact in all but Lanczos' filter, the same bytes. */
static void check_flips(const char *typed, nf_dtype dtype, double slack)
{
    nf_shape shape = nf_test_shape(1, 32, 64, 2, dtype), out;
    void *in = nf_test_array(&shape), *plain = run(typed, &shape, in, &out);
    for (int flip = 1; flip < 4; flip++) {
        void *before = flipped(&shape, in, flip & 1, flip & 2);
        void *got = run(typed, &shape, before, &out),
             *want = flipped(&out, plain, flip & 1, flip & 2);
        double worst = 0;
        for (size_t i = 0; i < (size_t)nf_shape_elements(&out); i++)
            worst = fmax(worst, fabs(element(dtype, got, i) - element(dtype, want, i)));
        CU_ASSERT(worst <= slack);
        free(before);
        free(got);
        free(want);
    }
    free(plain);
    free(in);
}

static void test_flips(void)
{
    static const char *const sizes[] = {"width=16,height=8", "width=128,height=64",
                                        "width=27,height=19", "width=99,height=41"};
    for (int i = 0; i < 4 * 4; i++) {
        const char *method = methods[1 + i / 4];
        bool exact = strcmp(method, "lanczos") != 0 && i % 4 < 2;
        if (strcmp(method, "area") == 0 && i % 4 == 3)
            continue; /* a centre lies between two cells, of which area takes one */
        char typed[128];
        snprintf(typed, sizeof typed, "resize:%s,method=%s", sizes[i % 4], method);
        check_flips(typed, NF_U8, exact ? 0 : 1);
        check_flips(typed, NF_F64, 1e-9);
    }
}

/* a x + b y + 1 at every cell. */
static void *ramp(const nf_shape *shape, double a, double b)
{
    double *cells = malloc(nf_shape_bytes(shape));
    CU_ASSERT_PTR_NOT_NULL_FATAL(cells);
    for (int64_t i = 0; i < nf_shape_elements(shape); i++)
        cells[i] = a * (double)(i % shape->dim[2]) + b * (double)(i / shape->dim[2]) + 1;
    return cells;
}

/* A ramp stays a ramp where no window is cut off: cells (x + 1/2) times the scale, less 1/2. */
static void check_ramp(int64_t width, int64_t height, const char *method)
{
    nf_shape shape = nf_test_shape(1, 40, 60, 1, NF_F64), out;
    void *in = ramp(&shape, 2, -3);
    char typed[128];
    snprintf(typed, sizeof typed, "resize:width=%d,height=%d,method=%s", (int)width, (int)height,
             method);
    double *cells = run(typed, &shape, in, &out), worst = 0;
    for (int64_t y = height / 4; y < height - height / 4; y++) {
        for (int64_t x = width / 4; x < width - width / 4; x++) {
            double u = ((double)x + 0.5) * 60 / (double)width - 0.5;
            double v = ((double)y + 0.5) * 40 / (double)height - 0.5;
            worst = fmax(worst, fabs(cells[y * width + x] - (2 * u - 3 * v + 1)));
        }
    }
    CU_ASSERT(worst < 1e-11);
    free(cells);
    free(in);
}

static void test_ramps(void)
{
    check_ramp(150, 87, "bilinear");
    check_ramp(61, 41, "bilinear");
    check_ramp(20, 10, "bilinear");
    check_ramp(150, 87, "cubic");
    check_ramp(30, 20, "cubic");
    check_ramp(30, 20, "area");
}

/* The same for a turned one, in the part that the image's inside comes to; against the formula of a turn
 * about the centre. */
static void test_turned_ramp(void)
{
    nf_shape shape = nf_test_shape(1, 61, 61, 1, NF_F64), out;
    void *in = ramp(&shape, 2, -3);
    double turn = 25 * 3.14159265358979323846 / 180, worst = 0;
    for (int method = 1; method < 3; method++) {
        char typed[64];
        snprintf(typed, sizeof typed, "rotate:angle=25,method=%s", methods[method]);
        double *cells = run(typed, &shape, in, &out);
        for (int y = -15; y <= 15; y++) {
            for (int x = -15; x <= 15; x++) {
                double u = 30 + cos(turn) * x - sin(turn) * y,
                       v = 30 + sin(turn) * x + cos(turn) * y;
                worst = fmax(worst, fabs(cells[(30 + y) * 61 + 30 + x] - (2 * u - 3 * v + 1)));
            }
        }
        free(cells);
    }
    CU_ASSERT(worst < 1e-11);
    free(in);
}

/* Quarter turns move cells, whatever the method; four of them bring all back. */
static void check_quarters(const nf_shape *shape, const char *method)
{
    char typed[64];
    size_t cell = nf_dtype_size(shape->dtype) * (size_t)shape->channels;
    void *in = nf_test_array(shape);
    nf_shape before = *shape, after;
    char *cells = in;
    snprintf(typed, sizeof typed, "rotate:angle=90,expand=yes,method=%s", method);
    for (int turn = 0; turn < 4; turn++) {
        char *next = run(typed, &before, cells, &after);
        CU_ASSERT(after.dim[1] == before.dim[2] && after.dim[2] == before.dim[1]);
        for (int64_t i = 0; i < after.dim[1] * after.dim[2]; i++) {
            int64_t x = before.dim[2] - 1 - i / after.dim[2], y = i % after.dim[2];
            CU_ASSERT(memcmp(next + (size_t)i * cell,
                             cells + (size_t)(y * before.dim[2] + x) * cell, cell) == 0);
        }
        if (cells != in)
            free(cells);
        cells = next;
        before = after;
    }
    CU_ASSERT_EQUAL(memcmp(cells, in, nf_shape_bytes(shape)), 0);
    free(cells);
    free(in);
}

static void test_quarters(void)
{
    for (int i = 0; i < 12; i++) {
        nf_shape shape = nf_test_shape(1, 13, 8 + i % 2, 1 + i % 4, dtypes[i % 4]);
        check_quarters(&shape, methods[i / 4]);
        void *in = nf_test_array(&shape), *turned = flipped(&shape, in, true, true);
        nf_shape out;
        char typed[64];
        snprintf(typed, sizeof typed, "rotate:angle=-180,method=%s", methods[i / 4]);
        void *cells = run(typed, &shape, in, &out);
        CU_ASSERT_EQUAL(memcmp(cells, turned, nf_shape_bytes(&shape)), 0);
        free(cells);
        free(turned);
        free(in);
    }
}

/* A volume of equal planes, resized in all dimensions, has the image resized in every plane; one whose
 * rows are all the same, along its depth, has what a row has along its width. */
static void test_depth(void)
{
    for (int i = 0; i < METHODS; i++) {
        nf_shape image = nf_test_shape(1, 12, 17, 1, NF_F64), volume = image, flat, deep;
        volume.dim[0] = 6, volume.ndim = 3;
        double *in = nf_test_array(&image), *planes = malloc(nf_shape_bytes(&volume));
        CU_ASSERT_PTR_NOT_NULL_FATAL(planes);
        for (size_t z = 0; z < 6; z++)
            memcpy(planes + z * 12 * 17, in, nf_shape_bytes(&image));
        char typed[128];
        snprintf(typed, sizeof typed, "resize:width=11,height=20,method=%s", methods[i]);
        double *want = run(typed, &image, in, &flat), worst = 0;
        snprintf(typed, sizeof typed, "resize:width=11,height=20,depth=4,method=%s", methods[i]);
        double *got = run(typed, &volume, planes, &deep);
        CU_ASSERT_EQUAL_FATAL(nf_shape_elements(&deep), 4 * 11 * 20);
        for (int j = 0; j < 4 * 11 * 20; j++)
            worst = fmax(worst, fabs(got[j] - want[j % (11 * 20)]));
        for (int j = 0; j < 6 * 12 * 17; j++)
            planes[j] = in[j / (12 * 17)];
        free(got);
        got = run(typed, &volume, planes, &deep);
        snprintf(typed, sizeof typed, "resize:width=4,height=1,method=%s", methods[i]);
        for (int j = 0; j < 4 * 11 * 20; j++)
            worst = fmax(worst, fabs(got[j] - of_row(typed, in, 6, j / (11 * 20))));
        CU_ASSERT(worst < 1e-11);
        free(got);
        free(want);
        free(planes);
        free(in);
    }
}

/* ---- parameters ---- */

static void check_extents(const char *typed, int64_t height, int64_t width)
{
    subject s;
    nf_shape shape = nf_test_shape(1, 40, 60, 1, NF_U8);
    CU_ASSERT_EQUAL(open_subject(typed, &shape, NULL, &s), NF_OK);
    CU_ASSERT(s.setup.out.dim[0] == 1 && s.setup.out.dim[1] == height &&
              s.setup.out.dim[2] == width);
    close_subject(&s);
}

static void test_extents(void)
{
    check_extents("resize:width=30", 20, 30);
    check_extents("resize:height=10", 10, 15);
    check_extents("resize:width=7,height=90", 90, 7);
    check_extents("resize:scale=0.5", 20, 30);
    check_extents("resize:scale=0.001", 1, 1);
    check_extents("resize:width=100", 67, 100);
    check_extents("rotate:angle=90", 40, 60);
    check_extents("rotate:angle=90,expand=yes", 60, 40);
    check_extents("rotate:angle=45,expand=yes", 71, 71);
    check_extents("affine:matrix=1,0,0,0,1,0", 40, 60);
    check_extents("affine:matrix=1,0,0,0,1,0,width=5", 40, 5);
    check_extents("affine:matrix=1,0,0,0,1,0,height=5", 5, 60);
}

static void check_refused(const char *typed, const char *param)
{
    subject s;
    nf_shape shape = nf_test_shape(1, 40, 60, 1, NF_U8);
    CU_ASSERT_EQUAL(open_subject(typed, &shape, NULL, &s), NF_ERR_PARAM);
    CU_ASSERT_PTR_NOT_NULL(s.setup.problem);
    CU_ASSERT_STRING_EQUAL(s.setup.param != NULL ? s.setup.param : "", param);
    close_subject(&s);
}

static void test_refused(void)
{
    check_refused("resize", "width");
    check_refused("resize:scale=2,width=9", "scale");
    check_refused("resize:scale=1e8", "scale");
    check_refused("resize:width=2,depth=9", "depth");
    check_refused("affine:matrix=1,0,0,0,1", "matrix");
    check_refused("affine:matrix=1,0,0,0,1,0,0", "matrix");
    check_refused("affine:matrix=1e8,0,0,0,1,0", "matrix");
}

int main(void)
{
    CU_TestInfo tests[] = {{"resize", test_resize},
                           {"wide", test_wide},
                           {"resize, volumes", test_volumes},
                           {"rotate", test_rotate},
                           {"affine", test_affine},
                           {"resize, known", test_known},
                           {"antialias, known", test_known_antialias},
                           {"affine, known", test_known_affine},
                           {"identity", test_identity},
                           {"constants", test_constants},
                           {"one cell", test_one_cell},
                           {"flips", test_flips},
                           {"ramps", test_ramps},
                           {"a turned ramp", test_turned_ramp},
                           {"quarter turns", test_quarters},
                           {"depth", test_depth},
                           {"extents", test_extents},
                           {"refused", test_refused},
                           CU_TEST_INFO_NULL};
    printf("instruction set: %s\n", nf_kernel_isa());
    return nf_suite_run("resize", tests, 0);
}
