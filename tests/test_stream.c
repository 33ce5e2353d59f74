/* test_stream.c - a plan that goes through an array in bands gives the bits that it gives in
 * memory, and ends well whatever fails. Run under mpirun for several numbers of ranks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/engine/facts.h"
#include "drivers/engine/memory.h"
#include "drivers/engine/node.h"
#include "drivers/engine/stream.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */
static nf_node node;

/* Passes if no rank counted a failure; every rank comes to the same assertion. */
static void judge(uint64_t failures)
{
    CU_ASSERT_EQUAL(nf_sum_u64(&world, failures), 0);
}

/* ---- arrays in memory, as sources and sinks ---- */

/* What fails, on which rank, at its how manieth call. */
typedef enum step { NOTHING, READ, PACK, PLACE, STORE } step;
typedef struct breaking {
    step what;
    int rank, call;
} breaking;

typedef struct array {
    nf_shape shape;
    char *cells; /* dense; the output's are shared by all ranks */
    breaking fault;
    int64_t align; /* of bands, where it is more than 1 */
    int calls[STORE + 1];
    int64_t moved; /* cells that were read or stored */
    int packed[2]; /* calls for each place since it was stored last */
} array;

static nf_status count_call(array *a, step what)
{
    bool broken = a->fault.what == what && a->fault.rank == world.rank;
    if (a->calls[what]++ == a->fault.call && broken)
        return nf_fail(NF_ERR_FILE, "broken step %d of rank %d", (int)what, world.rank);
    return NF_OK;
}

static char *cells_at(const array *a, const nf_box *box, ptrdiff_t stride[NF_DIMS])
{
    nf_dense_strides(a->shape.dim, a->shape.channels, stride);
    ptrdiff_t at = 0;
    for (int d = 0; d < NF_DIMS; d++)
        at += box->lo[d] * stride[d];
    return a->cells + at * (ptrdiff_t)nf_dtype_size(a->shape.dtype);
}

static nf_status read_array(void *context, const nf_box *box, void *cells,
                            const ptrdiff_t stride[NF_DIMS])
{
    array *a = context;
    ptrdiff_t dense[NF_DIMS];
    int64_t extent[NF_DIMS];
    nf_box whole = nf_box_whole(&a->shape);
    nf_status status = count_call(a, READ);
    if (status == NF_OK && (nf_box_empty(box) || !nf_box_contains(&whole, box)))
        status = nf_fail(NF_ERR_CHECK, "a box that is empty or beyond the array is read");
    if (status != NF_OK)
        return status;
    const char *from = cells_at(a, box, dense);
    nf_box_extents(box, extent);
    nf_copy_box(extent, a->shape.channels, a->shape.dtype, cells, stride, from, dense);
    a->moved += nf_box_cells(box);
    return NF_OK;
}

static nf_status pack_band(void *context, const nf_stream_band *band)
{
    array *a = context;
    a->packed[band->place]++;
    return count_call(a, PACK);
}

/* Collective: all ranks must come here equally often, or this hangs. */
static nf_status place_band(void *context, const nf_stream_band *band)
{
    array *a = context;
    nf_status status = count_call(a, PLACE);
    if (status == NF_OK && !nf_box_empty(&band->box) && a->packed[band->place] != 1)
        status = nf_fail(NF_ERR_CHECK, "a band is placed before it is packed");
    return nf_agree(&world, status);
}

/* Whole rows (planes), from one multiple of `align` to another or to the end. */
static bool is_aligned(const array *a, const nf_box *box)
{
    int d = 0;
    while (d < NF_DIMS - 1 && a->shape.dim[d] == 1)
        d++;
    for (int other = d + 1; other < NF_DIMS; other++)
        if (nf_box_extent(box, other) != a->shape.dim[other])
            return false;
    return box->lo[d] % a->align == 0 &&
           (box->hi[d] % a->align == 0 || box->hi[d] == a->shape.dim[d]);
}

static nf_status store_band(void *context, const nf_stream_band *band)
{
    array *a = context;
    ptrdiff_t dense[NF_DIMS];
    int64_t extent[NF_DIMS];
    nf_status status = count_call(a, STORE);
    if (status == NF_OK && a->align > 1 && !is_aligned(a, &band->box))
        status = nf_fail(NF_ERR_CHECK, "a band is not aligned");
    if (status != NF_OK)
        return status;
    char *to = cells_at(a, &band->box, dense);
    nf_box_extents(&band->box, extent);
    nf_copy_box(extent, a->shape.channels, a->shape.dtype, to, dense, band->cells, band->stride);
    a->moved += nf_box_cells(&band->box);
    a->packed[band->place] = 0;
    return NF_OK;
}

/* ---- one run ---- */

typedef struct streaming {
    nf_plan_options plan;
    nf_stream_options options;
    bool steps;     /* the output packs and places, too */
    breaking fault; /* of the input where it is a READ, else of the output */
} streaming;

typedef struct streamed {
    nf_status status;
    nf_results results;
    array in, with, out;
    nf_shared shared;
    nf_stream_pass first;
    size_t passes;
} streamed;

static nf_stream_ends ends_of(streamed *s, bool steps)
{
    return (nf_stream_ends){.in = {&s->in, read_array},
                            .with = {s->with.cells != NULL ? &s->with : NULL,
                                     s->with.cells != NULL ? read_array : NULL},
                            .out = {.context = &s->out,
                                    .pack = steps ? pack_band : NULL,
                                    .place = steps ? place_band : NULL,
                                    .store = store_band}};
}

static nf_status make_arrays(streamed *s, const nf_plan *plan, const breaking *fault, int64_t align)
{
    nf_shape with;
    s->in.cells = nf_test_array(&s->in.shape);
    if (nf_plan_has_second(plan, &with))
        s->with = (array){.shape = with, .cells = nf_test_array(&with)};
    *(fault->what == READ ? &s->in.fault : &s->out.fault) = *fault;
    s->out.shape = *nf_plan_output(plan);
    s->out.align = align;
    if (s->out.shape.dtype == NF_NONE)
        return NF_OK;
    size_t bytes = nf_shape_bytes(&s->out.shape);
    nf_status status = nf_node_share(&node, bytes, &s->shared);
    s->out.cells = s->shared.memory;
    if (status == NF_OK && world.rank == 0)
        memset(s->out.cells, 0xA5, bytes);
    nf_node_barrier(&node, &s->shared);
    return status;
}

/* Runs twice, so that what one run leaves behind cannot help or hurt the next. */
static nf_status run_twice(nf_plan *plan, streamed *s, const streaming *how)
{
    nf_stream *stream;
    nf_plan_facts facts;
    nf_stream_ends ends = ends_of(s, how->steps);
    nf_status status = nf_stream_create(plan, &ends, &how->options, &stream);
    if (status != NF_OK)
        return status;
    nf_plan_tell(plan, &facts);
    s->passes = facts.passes;
    s->first = nf_stream_tell_pass(stream, 0);
    for (int run = 0; run < 2 && status == NF_OK; run++) {
        nf_stream_times times = {0};
        nf_results_free(&s->results);
        nf_results_init(&s->results);
        s->in.moved = s->with.moved = s->out.moved = 0;
        status = nf_stream_run(stream, &s->results, &times);
    }
    nf_stream_free(stream);
    return status;
}

static streamed drive(nf_chain *chain, const nf_shape *shape, const streaming *how)
{
    nf_plan *plan;
    streamed s = {.in.shape = *shape};
    nf_plan_options options = how->plan;
    options.stream = true;
    nf_results_init(&s.results);
    s.status = nf_plan_create(&world, shape, chain, chain != NULL, &options, &plan);
    if (s.status != NF_OK)
        return s;
    s.status = make_arrays(&s, plan, &how->fault, how->plan.align);
    if (s.status == NF_OK)
        s.status = run_twice(plan, &s, how);
    nf_plan_free(plan);
    return s;
}

static void free_streamed(streamed *s)
{
    free(s->in.cells);
    free(s->with.cells);
    nf_node_unshare(&s->shared);
    nf_results_free(&s->results);
}

/* ---- comparing ---- */

/* On rank 0: the same as one rank and one thread gave in memory. */
static uint64_t differs(const streamed *s, const nf_outcome *serial)
{
    if (s->status != NF_OK || serial->status != NF_OK)
        return 1;
    if (world.rank != 0)
        return 0;
    if (serial->cells != NULL && memcmp(s->out.cells, serial->cells, serial->bytes) != 0)
        return 1;
    return !nf_results_equal(&s->results, &serial->results);
}

/* Every cell was written once; in plans of one sweep it was read once by a rank, but for the rows
 * that two slabs share. */
static uint64_t moved_wrongly(const streamed *s)
{
    int64_t cell = (int64_t)nf_cell_bytes(&s->in.shape);
    uint64_t read = nf_sum_u64(&world, (uint64_t)(s->in.moved + s->with.moved));
    uint64_t written = nf_sum_u64(&world, (uint64_t)s->out.moved);
    if (s->out.cells != NULL && written != (uint64_t)nf_shape_cells(&s->out.shape))
        return 1;
    return s->passes == 1 && read * (uint64_t)cell != (uint64_t)(s->first.read + s->first.again);
}

/* Bands of one row, of a few that do not divide, as chosen; with and without all steps; narrow
 * tiles. */
static const streaming ways[] = {
    {.options = {.band = 1}, .steps = true},
    {.options = {.band = 5}, .plan = {.caches = {1, 1, 1}, .halo_depth = 3}},
    {.options = {.band = 64}, .steps = true, .plan = {.align = 4}},
    {.plan = {.tile = {0, 0, 50}, .halo_depth = 1}}};

static void compare_way(nf_chain *chain, const nf_shape *shape, const nf_outcome *serial,
                        const streaming *how)
{
    streaming adapted = *how;
    char text[NF_SHAPE_TEXT];
    adapted.options.nodes = 1;
    streamed s = drive(chain, shape, &adapted);
    uint64_t wrong = differs(&s, serial);
    bool single = s.status == NF_OK && (s.passes > 1 || s.first.bands >= 0);
    if (single)
        wrong += moved_wrongly(&s);
    if (wrong)
        printf("\n  %s on %s, %d ranks x %d threads, bands of %d: %s\n", chain->text,
               nf_shape_text(shape, text), world.size, world.threads, (int)how->options.band,
               s.status == NF_OK ? "other bits, or other cells moved" : nf_message(s.status));
    judge(wrong);
    free_streamed(&s);
}

static void compare_chain(nf_chain *chain, const nf_shape *shape)
{
    nf_world alone = {.size = 1, .threads = 1};
    nf_outcome serial = {.status = NF_OK};
    if (world.rank == 0)
        serial = nf_test_drive(&alone, chain, shape, NULL, NULL);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        world.threads = (int)i % 2 + 1;
        compare_way(chain, shape, &serial, &ways[i]);
    }
    if (world.rank == 0)
        nf_outcome_free(&serial);
}

static void compare(const char *typed, const nf_shape *shape)
{
    nf_chain chain;
    nf_status status = nf_chain_parse(typed, &chain);
    judge(status != NF_OK);
    if (status == NF_OK)
        compare_chain(&chain, shape);
    nf_chain_free(&chain);
}

/* Uneven, one cell, one row, fewer rows than ranks, narrow. */
static void compare_images(const char *typed, nf_dtype dtype, int channels)
{
    static const int64_t sizes[][2] = {{131, 89}, {1, 1}, {1, 300}, {3, 50}, {40, 2}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        nf_shape shape = nf_test_shape(1, sizes[i][0], sizes[i][1], channels, dtype);
        compare(typed, &shape);
    }
}

/* ---- the tests ---- */

static void test_maps(void)
{
    compare_images("gaussian:sigma=2 | sobel", NF_U8, 3);
    compare_images("median:size=5", NF_U16, 1);
    compare_images("gaussian:sigma=4,border=wrap", NF_F32, 2);
    compare_images("convolve:mask=1,2,3,4,5,6,7,8,9,scale=45,border=constant,value=3 | "
                   "sharpen:border=mirror",
                   NF_F64, 1);
    compare_images("cast:to=u8", NF_F64, 4);
    compare_images("tophat:size=5 | box:size=3,border=clamp", NF_U8, 1);
}

static void test_iterated(void)
{
    compare_images("heat:steps=7", NF_F32, 1);
    compare_images("heat:steps=37,border=wrap", NF_F64, 1);
    compare_images("sobel | heat:steps=20,border=mirror | gaussian:border=wrap | cast:to=u16",
                   NF_F32, 1);
}

static void test_learning(void)
{
    compare_images("normalize | sobel", NF_U8, 3);
    compare_images("sobel | equalize | heat:steps=3", NF_U8, 1);
    compare_images("jacobi:steps=40,tolerance=1e-3,check_every=7", NF_F64, 1);
    compare_images("jacobi:steps=40,tolerance=1e9,check_every=4 | stats", NF_F32, 1);
    compare_images("threshold | norm1", NF_U16, 1);
}

static void test_reductions(void)
{
    compare_images("stats", NF_F32, 2);
    compare_images("argmin", NF_U8, 1);
    compare_images("sharpen | argmax", NF_F64, 1);
    compare_images("checksum", NF_U16, 3);
    compare_images("histogram:bins=16", NF_U8, 3);
    compare_images("heat:steps=3 | quantile:q=0.1,0.5", NF_F32, 1);
    compare_images("gaussian:border=wrap | dot", NF_F32, 1);
    compare_images("normalize | dot", NF_U8, 1);
}

static void test_volumes(void)
{
    static const int64_t sizes[][3] = {{23, 11, 31}, {1, 7, 9}, {40, 2, 3}, {3, 1, 70}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        nf_shape volume = nf_test_shape(sizes[i][0], sizes[i][1], sizes[i][2], 1, NF_F32);
        volume.ndim = 3;
        compare("heat:steps=6,border=wrap", &volume);
        compare("gaussian | sobel:border=mirror", &volume);
        compare("heat:steps=3,border=constant,value=9 | heat:steps=20,border=clamp | stats",
                &volume);
        compare("median:size=3 | checksum", &volume);
    }
}

static void test_lines(void)
{
    nf_shape line = {.dim = {1, 1, 4007}, .ndim = 1, .channels = 1, .dtype = NF_F32};
    compare("scale:a=2,b=1", &line);
    compare("stats", &line);
    compare("argmin", &line);
    compare("checksum", &line);
    line.channels = 2, line.dtype = NF_U8;
    compare("normalize", &line);
}

static void test_resampling(void)
{
    compare_images("resize:scale=0.37 | sobel", NF_U8, 3);
    compare_images("gaussian | resize:width=77,height=203,method=bilinear", NF_F32, 1);
    compare_images("rotate:angle=31,border=reflect", NF_U8, 1);
    compare_images("rotate:angle=100,expand=yes | stats", NF_F32, 1);
    compare_images("affine:matrix=1,0,-5,0.2,1,300", NF_U16, 1);
    compare_images("pad:left=7,top=150,bottom=3,border=wrap | crop:x=2,y=1 | heat:steps=20", NF_U16,
                   2);
    compare_images("flip:axis=y", NF_U8, 3);
    compare_images("transpose | checksum", NF_F64, 1);
    compare_images("sharpen | rotate90 | box:size=3", NF_U8, 1);
    compare_images("threshold | distance", NF_U8, 1);
}

/* Those that must have whole columns in a tile leave bands of columns. */
static void test_resampled_volumes(void)
{
    nf_shape volume = nf_test_shape(23, 11, 31, 1, NF_F32);
    compare("resize:width=20,height=20,depth=20 | median:size=3", &volume);
    compare("distance_along:axis=z", &volume);
    compare("threshold:value=0 | distance | stats", &volume);
    compare("transpose:order=xzy", &volume);
    compare("flip:axis=z | heat:steps=3", &volume);
}

/* Bands and tiles of a size that is met outside of tests, so that there are several tiles a band. */
static void test_large(void)
{
    nf_shape shape = nf_test_shape(1, 1543, 1021, 1, NF_F32);
    compare("gaussian:sigma=2 | sobel | stats", &shape);
    compare("heat:steps=7", &shape);
}

/* ---- a user's reduction whose fold is not exact: tiles must be those of the whole array, in
 * order ---- */

static void test_ordered_fold(void)
{
    nf_stage stage = {.kernel = &nf_test_plain_sum, .text = "plain_sum"};
    nf_chain chain = {.stages = &stage, .count = 1, .typed = stage.text, .text = stage.text};
    nf_shape line = {.dim = {1, 1, 70001}, .ndim = 1, .channels = 1, .dtype = NF_F64};
    nf_shape shapes[] = {nf_test_shape(1, 517, 389, 1, NF_F64), nf_test_shape(1, 3, 50, 1, NF_F64),
                         nf_test_shape(1, 60, 9000, 1, NF_F64),
                         nf_test_shape(70, 40, 33, 1, NF_F64), line};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        compare_chain(&chain, &shapes[i]);
}

static void test_copy(void)
{
    nf_shape shape = nf_test_shape(1, 217, 45, 3, NF_U16);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        streaming how = ways[i];
        how.options.nodes = 1;
        streamed s = drive(NULL, &shape, &how);
        bool same =
            s.status == NF_OK && memcmp(s.out.cells, s.in.cells, nf_shape_bytes(&shape)) == 0;
        judge(!same || moved_wrongly(&s));
        free_streamed(&s);
    }
}

/* ---- failures ---- */

static void fail_at(nf_chain *chain, const nf_shape *shape, breaking fault)
{
    streaming how = {.options = {.band = 3, .nodes = 1}, .steps = true, .fault = fault};
    char wanted[64];
    snprintf(wanted, sizeof wanted, "broken step %d of rank %d", (int)fault.what, fault.rank);
    streamed s = drive(chain, shape, &how);
    judge(s.status != NF_ERR_FILE || strcmp(nf_message(s.status), wanted) != 0);
    free_streamed(&s);
}

/* The first call, one in the middle, on ranks whose numbers of bands differ. */
static void test_failures(void)
{
    nf_shape shape = nf_test_shape(1, 50, 20, 1, NF_U8);
    nf_chain chain;
    judge(nf_chain_parse("gaussian | heat:steps=20", &chain) != NF_OK);
    for (step what = READ; what <= STORE; what++)
        for (int rank = 0; rank<world.size; rank += world.size> 1 ? world.size - 1 : 1)
            for (int call = 0; call < 2; call++)
                fail_at(&chain, &shape, (breaking){what, rank, call});
    nf_chain_free(&chain);
}

/* A bound that is too small says which one would do; with that, it does. */
static void test_bounds(void)
{
    nf_shape shape = nf_test_shape(1, 50, 20000, 1, NF_F64);
    nf_chain chain;
    long long least = 0;
    judge(nf_chain_parse("gaussian:sigma=3", &chain) != NF_OK);
    streaming how = {.options = {.memory = 1 << 20, .nodes = 1}};
    streamed s = drive(&chain, &shape, &how);
    const char *text = strstr(nf_message(s.status), "would do is ");
    judge(s.status != NF_ERR_MEMORY || text == NULL ||
          sscanf(text, "would do is %lld MiB", &least) != 1);
    judge((least << 20) < nf_memory_resident()); /* what the program is itself counts, too */
    free_streamed(&s);
    how.options.memory = (int64_t)(least + 8) << 20;
    s = drive(&chain, &shape, &how);
    judge(s.status != NF_OK || s.first.bands < 0);
    free_streamed(&s);
    nf_chain_free(&chain);
}

/* What cannot go through in bands says so, on all ranks. */
static void test_refused(void)
{
    nf_shape shape = nf_test_shape(1, 50, 20, 1, NF_U8);
    nf_chain chain;
    judge(nf_chain_parse("label", &chain) != NF_OK);
    streaming how = {.options = {.band = 3, .nodes = 1}};
    streamed s = drive(&chain, &shape, &how);
    judge(s.status != NF_ERR_MEMORY || strstr(nf_message(s.status), "'label'") == NULL);
    free_streamed(&s);
    nf_chain_free(&chain);
}

/* No folder for what goes between two sweeps: one message, and no file is left anywhere else. */
static void test_no_scratch(void)
{
    nf_shape shape = nf_test_shape(1, 50, 20, 1, NF_U8);
    nf_chain chain;
    judge(nf_chain_parse("heat:steps=40", &chain) != NF_OK);
    setenv("TMPDIR", "/nowhere/at/all", 1);
    streaming how = {.options = {.band = 3, .nodes = 1}};
    streamed s = drive(&chain, &shape, &how);
    judge(s.status != NF_ERR_FILE || strstr(nf_message(s.status), "/nowhere/at/all") == NULL);
    unsetenv("TMPDIR");
    free_streamed(&s);
    nf_chain_free(&chain);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"maps", test_maps},
                           {"iterated maps", test_iterated},
                           {"maps and reductions that look first", test_learning},
                           {"reductions", test_reductions},
                           {"volumes", test_volumes},
                           {"lines", test_lines},
                           {"arrays of other extents", test_resampling},
                           {"volumes of other extents", test_resampled_volumes},
                           {"larger arrays", test_large},
                           {"ordered folds", test_ordered_fold},
                           {"copies", test_copy},
                           {"failures of any step on any rank", test_failures},
                           {"bounds", test_bounds},
                           {"what is refused", test_refused},
                           {"no scratch folder", test_no_scratch},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK || nf_node_find(&world, &node) != NF_OK)
        return 1;
    int failed = nf_suite_run("stream", tests, world.rank);
    nf_node_free(&node);
    nf_world_stop(&world);
    return failed;
}
