/* test_engine.c - the same bits however a plan is driven: by these ranks, by 1 to 3 threads, on
 * shapes that do not divide. Run under mpirun for several numbers of ranks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine/facts.h"
#include "drivers/engine/node.h"
#include "tests/arrays.h"
#include "tests/drive.h"
#include "tests/suite.h"

static nf_world world; /* all ranks */

/* Passes if no rank counted a failure; every rank comes to the same assertion. */
static void judge(uint64_t failures)
{
    CU_ASSERT_EQUAL(nf_sum_u64(&world, failures), 0);
}

/* ---- comparing ---- */

/* On rank 0: the same as one rank and one thread gave. */
static uint64_t differs(const nf_outcome *o, const nf_outcome *serial)
{
    if (o->status != NF_OK || serial->status != NF_OK)
        return 1;
    if (world.rank != 0)
        return 0;
    if (serial->cells != NULL)
        return o->bytes != serial->bytes || memcmp(o->cells, serial->cells, o->bytes) != 0;
    return !nf_results_equal(&o->results, &serial->results);
}

/* What a plan may be told: nothing; small tiles and caches that nothing fits in, so that strips are
 * many, narrow and low; several depths of fused steps. */
static const nf_plan_options told[] = {{.halo_depth = 0},
                                       {.tile = {0, 11, 300}, .caches = {1, 1, 1}, .halo_depth = 2},
                                       {.caches = {1, 1, 1}, .halo_depth = 3},
                                       {.tile = {3, 2, 7}, .halo_depth = NF_MAX_FUSED}};

static void compare_told(nf_chain *chain, const nf_shape *shape, const nf_outcome *serial,
                         const nf_plan_options *options)
{
    nf_outcome o = nf_test_drive(&world, chain, shape, NULL, options);
    uint64_t wrong = differs(&o, serial);
    char text[NF_SHAPE_TEXT];
    if (wrong)
        printf("\n  %s on %s, %d ranks x %d threads, tile %d, depth %d: %s\n", chain->text,
               shape != NULL ? nf_shape_text(shape, text) : "a range", world.size, world.threads,
               (int)options->tile[2], options->halo_depth,
               o.status == NF_OK ? "other bits than serial" : nf_message(o.status));
    judge(wrong);
    nf_outcome_free(&o);
}

/* Serial is one step, one tile at a time: told[0] but for the depth. */
static void compare(nf_chain *chain, const nf_shape *shape)
{
    const nf_plan_options plain = {.halo_depth = 1};
    nf_world alone = {.size = 1, .threads = 1};
    nf_outcome serial = {.status = NF_OK};
    if (world.rank == 0)
        serial = nf_test_drive(&alone, chain, shape, NULL, &plain);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        world.threads = (int)i % 3 + 1;
        compare_told(chain, shape, &serial, &told[i]);
        compare_told(chain, shape, &serial, &told[(i + 1) % 4]);
    }
    nf_outcome_free(&serial);
}

static void compare_typed(const char *typed, const nf_shape *shape)
{
    nf_chain chain;
    nf_status status = nf_chain_parse(typed, &chain);
    judge(status != NF_OK);
    if (status == NF_OK)
        compare(&chain, shape);
    nf_chain_free(&chain);
}

/* The shapes that the design promises: uneven, a single cell, a row, fewer rows than ranks. */
static void compare_shapes(const char *typed, nf_dtype dtype, int channels)
{
    static const int64_t sizes[][2] = {{517, 389}, {1, 1}, {1, 300}, {3, 50}, {40, 2}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        nf_shape shape = nf_test_shape(1, sizes[s][0], sizes[s][1], channels, dtype);
        compare_typed(typed, &shape);
    }
}

/* ---- the tests ---- */

static void test_maps(void)
{
    compare_shapes("sobel", NF_U8, 3);
    compare_shapes("sharpen:border=mirror", NF_U16, 1);
    compare_shapes("gaussian:sigma=2,border=clamp", NF_F32, 1);
    compare_shapes("gaussian:sigma=4,border=wrap", NF_F32, 2);
    compare_shapes("convolve:mask=1,2,3,4,5,6,7,8,9,scale=45,border=constant,value=3", NF_F64, 1);
    compare_shapes("cast:to=u8", NF_F64, 4);
}

static void test_iterated(void)
{
    compare_shapes("heat:steps=1", NF_F32, 1);
    compare_shapes("heat:steps=7,border=wrap", NF_F64, 1);
    compare_shapes("heat:steps=4", NF_U8, 3);
    compare_shapes("heat:steps=37,border=mirror", NF_F32, 1);
}

static void test_volumes(void)
{
    static const int64_t sizes[][3] = {{11, 23, 31}, {1, 7, 9}, {40, 2, 3}, {3, 1, 70}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        nf_shape volume = nf_test_shape(sizes[i][0], sizes[i][1], sizes[i][2], 1, NF_F32);
        volume.ndim = 3;
        compare_typed("heat:steps=1", &volume);
        compare_typed("heat:steps=6,border=wrap", &volume);
        compare_typed("heat:steps=3,border=constant,value=9 | heat:steps=2,border=clamp | stats",
                      &volume);
    }
}

static void test_chains(void)
{
    compare_shapes("gaussian:sigma=2 | sharpen | sobel", NF_U8, 3);
    compare_shapes("gaussian:sigma=1,border=wrap | sobel:border=wrap | sharpen", NF_F32, 1);
    compare_shapes("sobel | heat:steps=3 | gaussian:border=wrap | cast:to=u16", NF_F64, 1);
}

/* Names that stand for chains; some of the maps read what those began with, wherever a tile is. */
static void test_aliases(void)
{
    compare_shapes("tophat:size=5", NF_U8, 3);
    compare_shapes("blackhat:size=3,border=wrap | sobel:border=wrap", NF_F32, 1);
    compare_shapes("sobel | tophat:shape=disc,size=7 | heat:steps=3 | blackhat | stats", NF_U16, 1);
    compare_shapes("open:mask=1,1,0,0,0,0,0,0,1,border=mirror", NF_F64, 1);
    compare_shapes("wave:steps=7,edges=absorb", NF_F32, 1);
    nf_shape volume = nf_test_shape(11, 23, 31, 1, NF_F32);
    compare_typed("tophat:size=3,shape=disc | close", &volume);
    compare_typed("wave:steps=5,border=mirror", &volume);
    compare_typed("wave:steps=6,edges=absorb | stats", &volume);
}

static void test_reductions(void)
{
    for (nf_dtype dtype = NF_U8; dtype < NF_DTYPES; dtype++) {
        compare_shapes("sumsq", dtype, 1);
        compare_shapes("sharpen | dot", dtype, 2);
        compare_shapes("stats", dtype, 3);
        compare_shapes("histogram:bins=37,lo=-50,hi=200", dtype, 2);
        compare_shapes("histogram:bins=5,lo=2,hi=200,channels=each", dtype, 3);
        nf_shape volume = nf_test_shape(11, 23, 31, 1, dtype);
        compare_typed("stats", &volume);
        nf_shape line = {.dim = {1, 1, 100003}, .ndim = 1, .channels = 1, .dtype = dtype};
        compare_typed("sumsq", &line);
    }
    compare_shapes("gaussian:sigma=1 | sobel | stats", NF_F32, 1);
    compare_shapes("heat:steps=3 | sumsq", NF_F64, 1);
    compare_typed("sumsq_range:n=1", NULL);
    compare_typed("sumsq_range:n=1000003", NULL);
}

/* ---- a user's reduction whose fold is not exact: the order of tiles must save the bits ---- */

static void test_ordered_fold(void)
{
    nf_stage stage = {.kernel = &nf_test_plain_sum, .text = "plain_sum"};
    nf_chain chain = {.stages = &stage, .count = 1, .typed = stage.text, .text = stage.text};
    nf_shape shapes[] = {nf_test_shape(1, 517, 389, 1, NF_F64), nf_test_shape(1, 3, 50, 1, NF_F64),
                         nf_test_shape(1, 1, 1, 1, NF_F64), nf_test_shape(1, 60, 9000, 1, NF_F64),
                         nf_test_shape(1, 16, 9000, 1, NF_F64)}; /* blocks in both directions */
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        compare(&chain, &shapes[i]);
}

/* ---- agreement: one rank's failure is everybody's, with its message ---- */

static void test_agreement(void)
{
    for (int failing = 0; failing < world.size; failing++) {
        nf_status mine = NF_OK;
        if (world.rank >= failing)
            mine = nf_fail(NF_ERR_FORMAT, "rank %d has failed", world.rank);
        nf_status status = nf_agree(&world, mine);
        char expected[64];
        snprintf(expected, sizeof expected, "rank %d has failed", failing);
        judge(status != NF_ERR_FORMAT || strcmp(nf_message(status), expected) != 0);
    }
    judge(nf_agree(&world, NF_OK) != NF_OK);
}

/* Planning fails on all ranks alike, and says why. */
static void test_planning_fails(void)
{
    static const struct {
        const char *typed, *message;
        nf_shape shape;
    } cases[] = {{"sharpen", "does not take an array of 3 dimensions", {{4, 5, 6}, 3, 1, NF_U8}},
                 {"convolve:mask=1,2,3,4", "square with an odd side", {{1, 9, 9}, 2, 1, NF_U8}},
                 {"histogram:lo=5,hi=5", "hi must be greater", {{1, 9, 9}, 2, 1, NF_F32}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_chain chain;
        nf_plan *plan = NULL;
        nf_status status = nf_chain_parse(cases[i].typed, &chain);
        if (status == NF_OK)
            status = nf_plan_create(&world, &cases[i].shape, &chain, 1, NULL, &plan);
        judge(status == NF_OK || plan != NULL ||
              strstr(nf_message(status), cases[i].message) == NULL);
        nf_chain_free(&chain);
    }
}

/* ---- plans as told ---- */

/* No sweep takes more steps than the depth, and all together take them all. */
static void check_depth(int64_t steps, int depth)
{
    nf_shape shape = nf_test_shape(1, 60, 50, 1, NF_F32);
    nf_plan_options options = {.halo_depth = depth};
    nf_plan_facts facts = {.passes = 0};
    nf_chain chain;
    nf_plan *plan = NULL;
    char typed[64];
    int64_t taken = 0, most = 0;
    snprintf(typed, sizeof typed, "heat:steps=%lld", (long long)steps);
    nf_status status = nf_chain_parse(typed, &chain);
    if (status == NF_OK)
        status = nf_plan_create(&world, &shape, &chain, 1, &options, &plan);
    judge(status != NF_OK);
    if (plan != NULL)
        nf_plan_tell(plan, &facts);
    for (size_t p = 0; p < facts.passes; p++) {
        nf_pass_facts pass;
        nf_plan_tell_pass(plan, p, &pass);
        taken += pass.sweeps * (int64_t)pass.count;
        most = (int64_t)pass.count > most ? (int64_t)pass.count : most;
        judge(pass.halo.lo[1] != (int)pass.count || pass.repeated < 0 || pass.compute <= 0);
    }
    judge(taken != steps || most > depth);
    nf_plan_free(plan);
    nf_chain_free(&chain);
}

static void test_depths(void)
{
    for (int depth = 1; depth <= NF_MAX_FUSED; depth += 5)
        for (int64_t steps = 1; steps <= 34; steps += 3)
            check_depth(steps, depth);
}

/* Blocks of 20 rows: before a sweep of k steps ends, each side of a seam computes 1 + ... + (k - 1) rows of the
 * other's. 14 steps are two sweeps of 5 and one of 4. */
static void test_repeated(void)
{
    const nf_shape shape = nf_test_shape(1, 20 * world.size, 50, 1, NF_F32);
    const nf_plan_options options = {.halo_depth = 5, .grid = {1, world.size, 1}};
    const double rows = (2 * 10 + 6) * 2.0 * (world.size - 1);
    nf_world mine = world;
    nf_chain chain;
    nf_plan *plan = NULL;
    mine.threads = 1;
    nf_status status = nf_chain_parse("heat:steps=14", &chain);
    if (status == NF_OK)
        status = nf_plan_create(&mine, &shape, &chain, 1, &options, &plan);
    CU_ASSERT_EQUAL_FATAL(status, NF_OK);
    judge(fabs(nf_plan_repeated(plan) - rows / (14 * 20 * world.size)) > 1e-9);
    nf_plan_free(plan);
    nf_chain_free(&chain);
}

/* Ranks with other numbers of threads and other caches take the same steps in a sweep. */
static void test_unlike_ranks(void)
{
    const nf_shape shape = nf_test_shape(1, 1024, 2048, 3, NF_U8);
    nf_world mine = world;
    nf_plan_options options = {.caches = {.l2 = world.rank % 2 ? 1 << 14 : 1 << 21,
                                          .l3 = world.rank % 2 ? 1 << 16 : (size_t)1 << 32}};
    nf_plan_facts facts = {.passes = 0};
    nf_pass_facts pass = {.count = 0};
    nf_chain chain;
    nf_plan *plan = NULL;
    mine.threads = 1 + world.rank % 3;
    nf_status status = nf_chain_parse("heat:steps=40", &chain);
    if (status == NF_OK)
        status = nf_plan_create(&mine, &shape, &chain, 1, &options, &plan);
    CU_ASSERT_EQUAL_FATAL(status, NF_OK);
    nf_plan_tell(plan, &facts);
    nf_plan_tell_pass(plan, 0, &pass);
    uint64_t taken = 100 * facts.passes + pass.count;
    judge(nf_sum_u64(&world, taken) != (uint64_t)world.size * taken);
    nf_plan_free(plan);
    nf_chain_free(&chain);
}

/* Options that do not suit the array or the ranks fail on all ranks, and say why. */
static void test_options_fail(void)
{
    const struct {
        nf_plan_options options;
        const char *message;
    } cases[] = {{{.grid = {1, world.size + 1, 1}}, "does not have a block for each of"},
                 {{.grid = {2, 1, 1}}, "the grid has 3 extents, the array 2 dimensions"},
                 {{.tile = {4, 4, 4}}, "the tile has 3 extents, the array 2 dimensions"}};
    nf_shape shape = nf_test_shape(1, 60, 50, 1, NF_F32);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nf_chain chain;
        nf_plan *plan = NULL;
        nf_status status = nf_chain_parse("sobel", &chain);
        if (status == NF_OK)
            status = nf_plan_create(&world, &shape, &chain, 1, &cases[i].options, &plan);
        judge(status != NF_ERR_USAGE || plan != NULL ||
              strstr(nf_message(status), cases[i].message) == NULL);
        nf_chain_free(&chain);
    }
}

/* ---- nodes and parts ---- */

static void test_parts(void)
{
    for (int size = 1; size <= world.size; size++) {
        nf_world part;
        judge(nf_world_part(&world, size, 1, &part) != NF_OK);
        uint64_t wrong =
            world.rank < size ? part.size != size || part.rank != world.rank : part.size != 0;
        if (part.size > 0)
            wrong += nf_sum_u64(&part, 1) != (uint64_t)size;
        nf_world_free(&part);
        nf_sleep_barrier(&world);
        judge(wrong);
    }
}

static void test_node(void)
{
    nf_node node;
    nf_shared shared;
    judge(nf_node_find(&world, &node) != NF_OK);
    judge(node.size != world.size || node.nodes != 1 || node.cores < 1 || node.npus < node.cores ||
          nf_node_members(&node, 1) != 1);
    nf_status status = nf_node_share(&node, 1000 * sizeof(int), &shared);
    judge(status != NF_OK);
    if (node.rank == 0)
        for (int i = 0; i < 1000; i++)
            ((int *)shared.memory)[i] = 7 * i;
    nf_node_barrier(&node, &shared);
    uint64_t wrong = 0;
    for (int i = 0; i < 1000; i++)
        wrong += ((int *)shared.memory)[i] != 7 * i;
    judge(wrong);
    nf_node_unshare(&shared);
    nf_node_free(&node);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {{"maps", test_maps},
                           {"iterated", test_iterated},
                           {"volumes", test_volumes},
                           {"chains", test_chains},
                           {"aliases", test_aliases},
                           {"reductions", test_reductions},
                           {"ordered fold", test_ordered_fold},
                           {"agreement", test_agreement},
                           {"planning fails", test_planning_fails},
                           {"depths", test_depths},
                           {"what is done twice", test_repeated},
                           {"unlike ranks", test_unlike_ranks},
                           {"options fail", test_options_fail},
                           {"parts", test_parts},
                           {"node", test_node},
                           CU_TEST_INFO_NULL};
    if (nf_world_start(&argc, &argv, &world) != NF_OK)
        return 1;
    int status = nf_suite_run("engine", tests, world.rank);
    nf_world_stop(&world);
    return status;
}
