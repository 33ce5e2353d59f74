#include "drivers/study/loggp.h"

/* ---- the tree ---- */

nf_fat_tree nf_fat_tree_make(int64_t ranks, int cores, int radix)
{
    nf_fat_tree tree = {.cores = cores};
    int64_t left = (ranks + cores - 1) / cores;
    while (tree.levels == 0 || (left > 1 && tree.levels < NF_MAX_LEVELS)) {
        tree.down[tree.levels++] = (int)(left < radix ? left : radix);
        left = (left + radix - 1) / radix;
    }
    return tree;
}

int64_t nf_fat_tree_nodes(const nf_fat_tree *tree)
{
    int64_t nodes = 1;
    for (int l = 0; l < tree->levels; l++)
        nodes *= tree->down[l];
    return nodes;
}

int nf_fat_tree_links(const nf_fat_tree *tree, int64_t from, int64_t to)
{
    int64_t a = from / tree->cores, b = to / tree->cores;
    int links = 0;
    for (int l = 0; l < tree->levels && a != b; l++) {
        a /= tree->down[l];
        b /= tree->down[l];
        links += 2;
    }
    return links;
}

/* ---- messages ---- */

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double latency(const nf_loggp *net, int64_t from, int64_t to)
{
    int links = nf_fat_tree_links(&net->tree, from, to);
    return links == 0 ? net->loopback : links * net->link;
}

/* o + (m - 1) G + o: a message without its latency. */
static double busy(const nf_loggp *net, double bytes)
{
    return 2 * net->overhead + (bytes - 1) * net->byte;
}

double nf_loggp_message(const nf_loggp *net, int64_t from, int64_t to, double bytes)
{
    return latency(net, from, to) + busy(net, bytes);
}

double nf_loggp_halo(const nf_loggp *net, int64_t rank, const nf_peer *peers, size_t k)
{
    double farthest = 0, sending = 0, packing = 0;
    for (size_t i = 0; i < k; i++) {
        farthest = larger(farthest, latency(net, rank, peers[i].rank));
        sending += (peers[i].bytes - 1) * net->byte;
        packing += 2 * peers[i].bytes * net->pack;
    }
    if (k == 0)
        return 0;
    return farthest + 2 * net->overhead + (double)(k - 1) * larger(net->gap, net->overhead) +
           larger(sending, packing);
}

double nf_loggp_fold(const nf_loggp *net, int64_t ranks, double bytes, double gamma)
{
    double seconds = 0;
    for (int64_t step = 1; step < ranks; step *= 2) {
        double slowest = 0;
        for (int64_t r = 0; r + step < ranks; r += 2 * step)
            slowest = larger(slowest, latency(net, r + step, r));
        seconds += slowest + busy(net, bytes) + gamma;
    }
    return seconds;
}

double nf_loggp_allreduce(const nf_loggp *net, int64_t ranks, double bytes)
{
    double seconds = 0;
    int64_t power = 1;
    while (2 * power <= ranks)
        power *= 2;
    /* As MPICH and Open MPI do it: of the first 2 (ranks - power), the even ones hand over to the next. */
    int64_t extra = ranks - power;
    for (int64_t step = 1; step < power; step *= 2) {
        double slowest = 0;
        for (int64_t i = 0; i < power; i++) {
            int64_t j = i ^ step, a = i < extra ? 2 * i + 1 : i + extra;
            slowest = larger(slowest, latency(net, a, j < extra ? 2 * j + 1 : j + extra));
        }
        seconds += slowest + busy(net, bytes);
    }
    double pair = 0;
    for (int64_t i = 0; i < extra; i++)
        pair = larger(pair, latency(net, 2 * i, 2 * i + 1));
    return extra > 0 ? seconds + 2 * (pair + busy(net, bytes)) : seconds;
}
