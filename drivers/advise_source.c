#include "drivers/advise_source.h"

#include <string.h>

/* Bytes of an input that are read as a sample of it. */
static const double most_bytes = 0x1p28;

/* ---- a photograph ---- */

static nf_shape sample_shape(const nf_shape *shape)
{
    static const int64_t most[NF_DIMS + 1][NF_DIMS] = {
        {1, 1, 1}, {1, 1, 1 << 21}, {1, 1024, 2048}, {64, 256, 256}};
    nf_shape sample = *shape;
    for (int d = 0; d < NF_DIMS; d++)
        if (sample.dim[d] > most[shape->ndim][d])
            sample.dim[d] = most[shape->ndim][d];
    return sample;
}

/* Element (z, y, x, c) of the sample; planes are the picture, each a little further to the right. */
static unsigned char pixel(const nf_source *base, int64_t z, int64_t y, int64_t x, int c)
{
    const unsigned char *cells = base->cells.memory;
    int64_t row = nf_border_index(y + x / base->shape.dim[2], base->shape.dim[1], NF_REFLECT);
    int64_t column = nf_border_index(x + 5 * z, base->shape.dim[2], NF_REFLECT);
    return cells[(row * base->shape.dim[2] + column) * base->shape.channels +
                 c % base->shape.channels];
}

static void put(void *cells, nf_dtype dtype, int64_t at, unsigned char value)
{
    switch (dtype) {
    case NF_U16:
        ((uint16_t *)cells)[at] = value;
        break;
    case NF_F32:
        ((float *)cells)[at] = value;
        break;
    case NF_F64:
        ((double *)cells)[at] = value;
        break;
    default:
        ((uint8_t *)cells)[at] = value;
    }
}

static void fill(const nf_source *base, nf_source *source)
{
    const nf_shape *s = &source->shape;
    int64_t at = 0;
    for (int64_t z = 0; z < s->dim[0]; z++)
        for (int64_t y = 0; y < s->dim[1]; y++)
            for (int64_t x = 0; x < s->dim[2]; x++)
                for (int c = 0; c < s->channels; c++)
                    put(source->cells.memory, s->dtype, at++, pixel(base, z, y, x, c));
}

/* Memory of a node that the first rank is to fill. */
static nf_status share(const nf_cli *cli, const nf_shape *shape, nf_source *source)
{
    *source = (nf_source){.shape = *shape, .name = "a sample"};
    return nf_agree(&cli->world, nf_node_share(&cli->node, nf_shape_bytes(shape), &source->cells));
}

static nf_status from_photograph(const nf_cli *cli, const nf_shape *shape, nf_source *source)
{
    nf_source base;
    nf_status status = nf_source_open(&cli->world, &cli->node, NULL, &base);
    if (status != NF_OK)
        return status;
    if (shape->ndim == 2 && shape->dtype == base.shape.dtype &&
        shape->channels == base.shape.channels) {
        *source = base;
        return NF_OK;
    }
    nf_shape sample = sample_shape(shape);
    status = share(cli, &sample, source);
    if (status == NF_OK && cli->node.rank == 0)
        fill(&base, source);
    if (status == NF_OK)
        nf_node_barrier(&cli->node, &source->cells);
    nf_source_close(&base);
    return status;
}

/* ---- the input ---- */

/* Its first rows; of volumes the first planes. */
static nf_shape first_rows(const nf_shape *shape)
{
    nf_shape rows = *shape;
    int d = NF_DIMS - shape->ndim;
    double bytes = (double)nf_shape_bytes(shape);
    if (bytes > most_bytes)
        rows.dim[d] = (int64_t)((double)shape->dim[d] * most_bytes / bytes);
    rows.dim[d] = rows.dim[d] > 1 ? rows.dim[d] : 1;
    return rows;
}

static nf_status read_rows(const char *input, nf_source *source)
{
    const nf_world alone = {.size = 1, .threads = 1};
    nf_array_reader *reader = NULL;
    nf_shape shape;
    ptrdiff_t stride[NF_DIMS];
    nf_box box = nf_box_whole(&source->shape);
    nf_dense_strides(source->shape.dim, source->shape.channels, stride);
    nf_status status = nf_array_open(&alone, input, NULL, &reader, &shape);
    if (status == NF_OK)
        status = nf_array_read_box(reader, &box, source->cells.memory, stride);
    nf_array_close(reader);
    return status;
}

nf_status advise_source_open(const nf_cli *cli, const advise_args *args, const nf_shape *shape,
                             nf_source *source)
{
    if (args->input == NULL)
        return from_photograph(cli, shape, source);
    nf_shape rows = first_rows(shape);
    nf_status status = share(cli, &rows, source);
    if (status != NF_OK)
        return status;
    status = nf_agree(&cli->world, cli->node.rank == 0 ? read_rows(args->input, source) : NF_OK);
    if (status == NF_OK)
        nf_node_barrier(&cli->node, &source->cells);
    else
        nf_source_close(source);
    return status;
}
