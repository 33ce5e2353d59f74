/* loggp.h - the LogGP model of communication on a fat tree: what a formula predicts for a message, a halo
 * exchange, a fold and an agreement. Pure functions.
 *
 * LogGP: Alexandrov, Ionescu, Schauser, Scheiman, SPAA 1995. L: latency, here by the links between two
 * nodes; o: time of a processor for a message it sends or receives; g: least time between two messages of
 * a processor; G: time of a byte. A message of m bytes takes o + (m - 1) G + L + o. */
#ifndef NF_LOGGP_H
#define NF_LOGGP_H

#include <stddef.h>
#include <stdint.h>

enum { NF_MAX_LEVELS = 8 };

/* Level 0 joins down[0] nodes by a switch, level l joins down[l] of level l - 1. Ranks fill the nodes in
 * order, `cores` a node. */
typedef struct nf_fat_tree {
    int levels, down[NF_MAX_LEVELS];
    int cores;
} nf_fat_tree;

/* The fewest levels of switches with `radix` ports downwards (at least 2) that hold so many ranks; the top
 * level has only the ports that it needs. */
nf_fat_tree nf_fat_tree_make(int64_t ranks, int cores, int radix);
int64_t nf_fat_tree_nodes(const nf_fat_tree *tree);
/* Links on the way from a rank to another; 0 on one node. */
int nf_fat_tree_links(const nf_fat_tree *tree, int64_t from, int64_t to);

typedef struct nf_loggp {
    nf_fat_tree tree;
    double link, loopback; /* L: seconds a link; seconds between the ranks of a node */
    double overhead;       /* o, seconds */
    double gap;            /* g, seconds */
    double byte;           /* G, seconds */
    double pack; /* seconds a byte for packing a halo at the sender; as much to unpack it */
} nf_loggp;

/* What a rank sends to, and receives from, another in an exchange. */
typedef struct nf_peer {
    int64_t rank;
    double bytes;
} nf_peer;

double nf_loggp_message(const nf_loggp *net, int64_t from, int64_t to, double bytes);

/* A halo of k messages: L + 2o + (k - 1) max(g, o) + the sum of (m - 1) G, L being that of the farthest.
 * While one message is on its way the next is packed: where the sum of 2 m pack is the larger one, it
 * takes the place of the bytes'. 0 for none. */
double nf_loggp_halo(const nf_loggp *net, int64_t rank, const nf_peer *peers, size_t k);

/* A fold to rank 0 in a binomial tree: ceil(log2 ranks) rounds, each its slowest message and `gamma`
 * seconds to fold. */
double nf_loggp_fold(const nf_loggp *net, int64_t ranks, double bytes, double gamma);

/* An allreduce by recursive doubling, as nf_agree's: floor(log2 ranks) rounds, each its slowest message;
 * ranks beyond the largest power of two add a message before and one after. */
double nf_loggp_allreduce(const nf_loggp *net, int64_t ranks, double bytes);

#endif
