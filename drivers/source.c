#include "drivers/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/team.h"
#include "io/array.h"

static const char photograph[] = "/usr/share/xplanet/images/earth.jpg";

/* Soft waves with fine grain: something with edges, plateaus and detail, the same everywhere. */
static void draw(const nf_shape *shape, unsigned char *cells)
{
    uint32_t grain = 1;
    for (int64_t y = 0; y < shape->dim[1]; y++) {
        for (int64_t x = 0; x < shape->dim[2]; x++) {
            for (int c = 0; c < shape->channels; c++) {
                grain = grain * 1664525u + 1013904223u;
                double wave = sin(0.011 * (double)(x + 40 * c)) * cos(0.017 * (double)y);
                double step = (x / 97 + y / 61) % 2 ? 40 : 0;
                *cells++ = (unsigned char)(108 + 70 * wave + step + (double)(grain >> 28));
            }
        }
    }
}

static nf_status load(const char *input, nf_source *source, void **cells)
{
    if (input != NULL)
        return nf_array_load(input, &source->shape, cells);
    source->shape = (nf_shape){.dim = {1, 1024, 2048}, .ndim = 2, .channels = 3, .dtype = NF_U8};
    *cells = malloc(nf_shape_bytes(&source->shape));
    if (*cells == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for a synthetic image");
    draw(&source->shape, *cells);
    return NF_OK;
}

nf_status nf_source_open(const nf_world *world, const nf_node *node, const char *input,
                         nf_source *source)
{
    void *cells = NULL;
    int found = input != NULL || access(photograph, R_OK) == 0;
    nf_broadcast(world, &found, sizeof found, 0);
    *source = (nf_source){.synthetic = !found, .name = found ? input : "synthetic"};
    if (found && input == NULL)
        source->name = input = photograph;
    double start = nf_seconds();
    nf_status status = node->rank == 0 ? load(input, source, &cells) : NF_OK;
    source->seconds = nf_seconds() - start;
    status = nf_agree(world, status);
    if (status == NF_OK) {
        nf_broadcast(world, &source->shape, sizeof source->shape, 0);
        size_t bytes = nf_shape_bytes(&source->shape);
        status = nf_agree(world, nf_node_share(node, bytes, &source->cells));
        if (status == NF_OK && node->rank == 0)
            memcpy(source->cells.memory, cells, bytes);
    }
    if (status == NF_OK)
        nf_node_barrier(node, &source->cells);
    else
        nf_source_close(source);
    free(cells);
    return status;
}

void nf_source_close(nf_source *source)
{
    nf_node_unshare(&source->cells);
}

/* Cells [lo, hi) of a row from the source's row, forwards and backwards in turn. */
static void fill_row(const char *from, int64_t n, size_t cell, int64_t lo, int64_t hi, char *to)
{
    for (int64_t x = lo; x < hi;) {
        int64_t i = nf_border_index(x, n, NF_REFLECT);
        if (x / n % 2 == 0) {
            int64_t run = n - i < hi - x ? n - i : hi - x;
            memcpy(to, from + (size_t)i * cell, (size_t)run * cell);
            to += (size_t)run * cell;
            x += run;
        } else {
            memcpy(to, from + (size_t)i * cell, cell);
            to += cell;
            x++;
        }
    }
}

void nf_source_fill(const nf_source *source, const nf_field *field)
{
    const nf_shape *shape = &source->shape;
    size_t cell = (size_t)shape->channels * nf_dtype_size(shape->dtype);
    for (int64_t z = field->own.lo[0]; z < field->own.hi[0]; z++) {
        for (int64_t y = field->own.lo[1]; y < field->own.hi[1]; y++) {
            int64_t at[NF_DIMS] = {z, y, field->own.lo[2]};
            int64_t row = nf_border_index(z, shape->dim[0], NF_REFLECT) * shape->dim[1] +
                          nf_border_index(y, shape->dim[1], NF_REFLECT);
            fill_row((const char *)source->cells.memory + (size_t)(row * shape->dim[2]) * cell,
                     shape->dim[2], cell, field->own.lo[2], field->own.hi[2],
                     nf_field_at(field, at));
        }
    }
}
