/* The LogGP formulas against answers worked out by hand. */
#include <math.h>
#include <stdbool.h>

#include "drivers/study/loggp.h"
#include "tests/suite.h"

static bool near(double got, double expected)
{
    return fabs(got - expected) <= 1e-12 * fabs(expected);
}

/* 64 ranks, 2 a node: 32 nodes; radix 4: 4, 4, then 2 at the top. */
static void test_tree(void)
{
    nf_fat_tree tree = nf_fat_tree_make(64, 2, 4);
    CU_ASSERT(tree.levels == 3 && tree.cores == 2);
    CU_ASSERT(tree.down[0] == 4 && tree.down[1] == 4 && tree.down[2] == 2);
    CU_ASSERT(nf_fat_tree_nodes(&tree) == 32);
    CU_ASSERT(nf_fat_tree_links(&tree, 0, 1) == 0);   /* node 0 */
    CU_ASSERT(nf_fat_tree_links(&tree, 1, 2) == 2);   /* nodes 0 and 1 */
    CU_ASSERT(nf_fat_tree_links(&tree, 7, 8) == 4);   /* nodes 3 and 4: another first switch */
    CU_ASSERT(nf_fat_tree_links(&tree, 31, 32) == 6); /* nodes 15 and 16: another second switch */
    CU_ASSERT(nf_fat_tree_links(&tree, 32, 31) == 6);
    tree = nf_fat_tree_make(17, 1, 16); /* 17 nodes need two switches, and one above */
    CU_ASSERT(tree.levels == 2 && tree.down[0] == 16 && tree.down[1] == 2);
    tree = nf_fat_tree_make(1, 8, 16);
    CU_ASSERT(tree.levels == 1 && tree.down[0] == 1);
}

/* Numbers that cannot be mistaken for one another in a sum: L is 100 a link, 7 in a node; o is 1000,
 * G 0.5, packing 0.25 a byte. */
static nf_loggp network(int64_t ranks)
{
    return (nf_loggp){.tree = nf_fat_tree_make(ranks, 2, 4),
                      .link = 100,
                      .loopback = 7,
                      .overhead = 1000,
                      .gap = 300,
                      .byte = 0.5,
                      .pack = 0.25};
}

static void test_message(void)
{
    nf_loggp net = network(64);
    CU_ASSERT(near(nf_loggp_message(&net, 0, 1, 1), 2007));    /* 1000 + 0 + 7 + 1000 */
    CU_ASSERT(near(nf_loggp_message(&net, 0, 2, 11), 2205));   /* 2000 + 10 / 2 + 2 * 100 */
    CU_ASSERT(near(nf_loggp_message(&net, 63, 0, 101), 2650)); /* 2000 + 100 / 2 + 6 * 100 */
}

static void test_halo(void)
{
    nf_loggp net = network(64);
    const nf_peer peers[] = {{1, 11}, {8, 21}, {2, 1}};
    CU_ASSERT(nf_loggp_halo(&net, 0, peers, 0) == 0);
    /* Bytes count: L 400 to rank 8; 2000; 2 * 1000; (10 + 20 + 0) / 2. */
    net.pack = 0.125;
    CU_ASSERT(near(nf_loggp_halo(&net, 0, peers, 3), 4415));
    CU_ASSERT(near(nf_loggp_halo(&net, 0, peers, 1), nf_loggp_message(&net, 0, 1, 11)));
    net.gap = 1500; /* now the gap is what counts between messages: 2 * 1500 */
    CU_ASSERT(near(nf_loggp_halo(&net, 0, peers, 3), 5415));
    net.pack = 1; /* and packing, 2 * 33, instead of bytes */
    CU_ASSERT(near(nf_loggp_halo(&net, 0, peers, 3), 5466));
}

static void test_fold(void)
{
    nf_loggp net = network(64);
    CU_ASSERT(nf_loggp_fold(&net, 1, 9, 50) == 0);
    /* Two ranks of a node: 7 + 2000 + 4 + 50. */
    CU_ASSERT(near(nf_loggp_fold(&net, 2, 9, 50), 2061));
    /* Eight: rounds over 7, 200 (ranks 0 and 2), 200 (0 and 4), each 2054 beside. */
    CU_ASSERT(near(nf_loggp_fold(&net, 8, 9, 50), 3 * 2054 + 7 + 200 + 200));
    /* Nine: a fourth round, from rank 8, four links away. */
    CU_ASSERT(near(nf_loggp_fold(&net, 9, 9, 50), 4 * 2054 + 7 + 200 + 200 + 400));
    /* 64: 7, 200, 200, 400 (8), 400 (16), 600 (32). */
    CU_ASSERT(near(nf_loggp_fold(&net, 64, 9, 50), 6 * 2054 + 7 + 200 + 200 + 400 + 400 + 600));
}

static void test_allreduce(void)
{
    nf_loggp net = network(64);
    CU_ASSERT(nf_loggp_allreduce(&net, 1, 5) == 0);
    CU_ASSERT(near(nf_loggp_allreduce(&net, 8, 5), 3 * 2002 + 7 + 200 + 200));
    /* Three: ranks 0 and 1 join (7), then 1 with 2 (200), then 1 tells 0 (7). */
    CU_ASSERT(near(nf_loggp_allreduce(&net, 3, 5), 3 * 2002 + 7 + 200 + 7));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the tree", test_tree}, {"a message", test_message},      {"a halo", test_halo},
        {"a fold", test_fold},   {"an allreduce", test_allreduce}, CU_TEST_INFO_NULL,
    };
    return nf_suite_run("loggp", tests, 0);
}
