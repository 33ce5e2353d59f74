/* mandelbrot.c - how many cells of a square of the plane belong to the Mandelbrot set, without an
 * array: work of which a cell needs up to `limit` times as much as another. Cell i is the one in
 * row i / width, column i % width, the lowest row first. mandelbrot.h tells how its steps are
 * counted; area is the square's times the part of cells inside, which comes close to the set's,
 * 1.50659, from above. */
#include "kernels/mandelbrot.h"
#include "kernels/isa.h"

typedef struct mandelbrot_config {
    nf_mandelbrot plane;
    double span;
} mandelbrot_config;

typedef struct mandelbrot_partial {
    int64_t inside, iterations;
} mandelbrot_partial;

/* The mean count of a coarse grid's cells. */
static double expected_count(const nf_value *v)
{
    enum { GRID = 16, MOST = 4096 };
    int64_t limit = v[4].integer, least = limit < MOST ? limit : MOST;
    nf_mandelbrot coarse = nf_mandelbrot_of(GRID, GRID, least, v[2].list, v[3].real);
    double total = 0;
    for (int64_t i = 0; i < GRID * GRID; i++) {
        int64_t count = nf_mandelbrot_naive(&coarse, i / GRID, i % GRID);
        total += (double)(count == least ? limit : count);
    }
    return total / (GRID * GRID);
}

static nf_status prepare(nf_setup *setup)
{
    enum { FLOPS = 9 }; /* of a step */
    const nf_value *v = setup->values;
    if (v[2].count != 2) {
        setup->param = "centre";
        setup->problem = "it is a point of the plane: give two numbers, like -0.5,0";
        return NF_ERR_PARAM;
    }
    mandelbrot_config *config = setup->alloc(setup, sizeof *config);
    if (config == NULL)
        return NF_ERR_MEMORY;
    config->span = v[3].real;
    config->plane =
        nf_mandelbrot_of(v[1].integer, v[0].integer, v[4].integer, v[2].list, v[3].real);
    setup->config = config;
    setup->indices = v[0].integer * v[1].integer;
    setup->partial_bytes = sizeof(mandelbrot_partial);
    setup->flops_per_cell = FLOPS * expected_count(v);
    setup->bytes_per_cell = 0;
    return NF_OK;
}

static void apply(const nf_tile *tile, const void *config, void *partial)
{
    const nf_mandelbrot *m = &((const mandelbrot_config *)config)->plane;
    mandelbrot_partial *p = partial;
    int64_t end = tile->lo[2] + tile->size[2], count[NF_ESCAPES];
    for (int64_t i = tile->lo[2]; i < end; i += NF_ESCAPES) {
        int n = end - i < NF_ESCAPES ? (int)(end - i) : NF_ESCAPES;
        nf_mandelbrot_count(m, i, n, count);
        for (int k = 0; k < n; k++) {
            p->inside += count[k] == m->limit;
            p->iterations += count[k];
        }
    }
}

static void fold(void *into, const void *next, const void *config)
{
    (void)config;
    mandelbrot_partial *a = into;
    const mandelbrot_partial *b = next;
    a->inside += b->inside;
    a->iterations += b->iterations;
}

static void finish(const void *partial, const void *config, nf_sink *out)
{
    const mandelbrot_config *conf = config;
    const mandelbrot_partial *p = partial;
    double cells = (double)conf->plane.width * (double)conf->plane.height;
    out->integer(out, "inside", 0, (uint64_t)p->inside);
    out->integer(out, "iterations", 0, (uint64_t)p->iterations);
    out->real(out, "area", conf->span * conf->span * ((double)p->inside / cells));
}

/* Cell by cell. */
static void reference(const nf_cells *in, const void *config, nf_sink *out)
{
    (void)in;
    const nf_mandelbrot *m = &((const mandelbrot_config *)config)->plane;
    mandelbrot_partial p = {0, 0};
    for (int64_t row = 0; row < m->height; row++)
        for (int64_t column = 0; column < m->width; column++) {
            int64_t count = nf_mandelbrot_naive(m, row, column);
            p.inside += count == m->limit;
            p.iterations += count;
        }
    finish(&p, config, out);
}

static const nf_param params[] = {
    {"height", NF_PARAM_INTEGER, "cells", "1024", 1, 0x1p20, NULL, "rows of the square"},
    {"width", NF_PARAM_INTEGER, "cells", "1024", 1, 0x1p20, NULL, "columns of the square"},
    {"centre", NF_PARAM_LIST, "", "-0.5,0", -4, 4, NULL, "its real and imaginary part"},
    {"span", NF_PARAM_REAL, "", "3", 1e-12, 8, NULL, "the side of the square"},
    {"limit", NF_PARAM_INTEGER, "steps", "1000", 1, 0x1p22, NULL, "what takes so many is inside"},
    {0}};

const nf_kernel NF_ISA_NAME(nf_kernel_mandelbrot) = {
    .name = "mandelbrot",
    .summary = "cells inside the Mandelbrot set, without an array; work is uneven",
    .kind = NF_RANGE,
    .params = params,
    .prepare = prepare,
    .apply = {[NF_NONE] = apply},
    .fold = fold,
    .any_order = true,
    .adds = true,
    .finish = finish,
    .reference = reference,
    .tolerance = 0,
    .grows = "height",
};
