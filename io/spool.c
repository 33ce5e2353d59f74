#include "io/spool.h"

#include <stdlib.h>

/* ---- what streams call ---- */

static nf_status read_file(void *context, const nf_box *box, void *cells,
                           const ptrdiff_t stride[NF_DIMS])
{
    const nf_spool *spool = context;
    return nf_array_read_box(spool->reader, box, cells, stride);
}

static nf_status read_spool(void *context, const nf_box *box, void *cells,
                            const ptrdiff_t stride[NF_DIMS])
{
    const nf_spool *spool = context;
    return nf_dense_read(&spool->scratch.dense, box, cells, stride);
}

static nf_status pack_file(void *context, const nf_stream_band *band)
{
    nf_spool *spool = context;
    return nf_array_pack(spool->writer, &band->box, band->cells, band->stride,
                         &spool->packs[band->place]);
}

static nf_status place_file(void *context, const nf_stream_band *band)
{
    nf_spool *spool = context;
    bool empty = nf_box_empty(&band->box);
    return nf_array_place(spool->world, spool->writer, empty ? NULL : spool->packs[band->place]);
}

static bool has_file(void *context, const nf_box *box)
{
    const nf_spool *spool = context;
    return nf_array_has(spool->writer, box);
}

static nf_status store_file(void *context, const nf_stream_band *band)
{
    nf_spool *spool = context;
    nf_pack *pack = spool->packs[band->place];
    spool->packs[band->place] = NULL;
    return nf_array_store(spool->writer, pack);
}

static int64_t bytes_of_file(void *context, int64_t cells)
{
    const nf_spool *spool = context;
    return nf_array_pack_bytes(spool->writer, cells);
}

static nf_status store_spool(void *context, const nf_stream_band *band)
{
    const nf_spool *spool = context;
    return nf_dense_write(&spool->scratch.dense, &band->box, band->cells, band->stride);
}

/* ---- rows in order ---- */

typedef nf_status row_step(nf_spool *spool, const nf_box *rows, void *cells,
                           const ptrdiff_t stride[NF_DIMS]);

static nf_status decode(nf_spool *spool, const nf_box *rows, void *cells,
                        const ptrdiff_t stride[NF_DIMS])
{
    nf_status status = nf_array_read_box(spool->reader, rows, cells, stride);
    return status == NF_OK ? nf_dense_write(&spool->scratch.dense, rows, cells, stride) : status;
}

static nf_status encode(nf_spool *spool, const nf_box *rows, void *cells,
                        const ptrdiff_t stride[NF_DIMS])
{
    int64_t before = rows->lo[0] * spool->scratch.dense.shape.dim[1];
    nf_status status = nf_dense_read(&spool->scratch.dense, rows, cells, stride);
    return status == NF_OK ? nf_array_write_rows(spool->writer, before + rows->lo[1],
                                                 before + rows->hi[1], cells)
                           : status;
}

/* Rank 0: all rows, a few MiB at a time. */
static nf_status go_through(nf_spool *spool, row_step *step)
{
    enum { BYTES = 4 << 20 };
    const nf_shape *shape = &spool->scratch.dense.shape;
    int64_t row = shape->dim[2] * (int64_t)nf_cell_bytes(shape), most = BYTES / row + 1;
    nf_box rows = nf_box_whole(shape);
    ptrdiff_t stride[NF_DIMS];
    nf_status status = NF_OK;
    void *cells = aligned_alloc(64, nf_round_up((size_t)(most * row), 64));
    if (cells == NULL)
        return nf_fail(NF_ERR_MEMORY, "no memory for %lld rows", (long long)most);
    nf_dense_strides(shape->dim, shape->channels, stride);
    for (int64_t z = 0; z < shape->dim[0]; z++) {
        rows.lo[0] = z, rows.hi[0] = z + 1;
        for (rows.lo[1] = 0; rows.lo[1] < shape->dim[1] && status == NF_OK;
             rows.lo[1] = rows.hi[1]) {
            rows.hi[1] = shape->dim[1] - rows.lo[1] < most ? shape->dim[1] : rows.lo[1] + most;
            status = step(spool, &rows, cells, stride);
        }
    }
    free(cells);
    return status;
}

/* ---- beginning and end ---- */

/* Collective. */
static nf_status begin(const nf_world *world, const nf_shape *shape, const char *folder, int nodes,
                       nf_spool *spool)
{
    nf_status status = nf_scratch_open(world, folder, nodes, &spool->scratch);
    return status == NF_OK ? nf_scratch_begin(world, &spool->scratch, shape) : status;
}

nf_status nf_spool_in(const nf_world *world, nf_array_reader *reader, const nf_shape *shape,
                      const char *folder, int nodes, nf_spool *spool, nf_stream_source *source)
{
    *spool = (nf_spool){.reader = reader};
    *source = (nf_stream_source){spool, read_file};
    if (nf_array_random(reader))
        return NF_OK;
    source->read = read_spool;
    nf_status status = begin(world, shape, folder, nodes, spool);
    if (status != NF_OK)
        return status;
    return nf_agree(world, world->rank == 0 ? go_through(spool, decode) : NF_OK);
}

nf_status nf_spool_out(const nf_world *world, nf_array_writer *writer, const nf_shape *shape,
                       const char *folder, int nodes, nf_spool *spool, nf_stream_sink *sink)
{
    *spool = (nf_spool){.writer = writer, .world = world};
    *sink = (nf_stream_sink){.context = spool,
                             .pack = pack_file,
                             .place = nf_array_places(writer) ? place_file : NULL,
                             .store = store_file,
                             .has = nf_array_resumes(writer) ? has_file : NULL,
                             .bytes = bytes_of_file};
    if (nf_array_boxes(writer))
        return NF_OK;
    *sink = (nf_stream_sink){.context = spool, .store = store_spool};
    return begin(world, shape, folder, nodes, spool);
}

nf_status nf_spool_finish(const nf_world *world, nf_spool *spool)
{
    bool encodes = spool->writer != NULL && spool->scratch.path != NULL && world->rank == 0;
    return nf_agree(world, encodes ? go_through(spool, encode) : NF_OK);
}

void nf_spool_close(nf_spool *spool)
{
    nf_scratch_close(&spool->scratch);
    for (int i = 0; i < 2; i++)
        nf_array_drop(spool->packs[i]);
}
