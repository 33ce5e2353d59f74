/* forest.h - sets of global indices, spread over the ranks, joined where any rank says that two are one.
 *
 * Each index is a node that one rank owns. After joining, a node's root is the lowest index of its set. */
#ifndef NF_FOREST_H
#define NF_FOREST_H

#include "drivers/engine/world.h"

/* This rank's nodes, and what it knows of pairs of nodes; pair i says that indices pairs[2 i] and
 * pairs[2 i + 1] are of one set. `owner` tells any node's rank. */
typedef struct nf_forest {
    int64_t n, npairs;
    const int64_t *index; /* [n], ascending */
    int64_t *root;        /* [n]; found by nf_forest_join */
    const int64_t *pairs; /* [2 npairs] */
    int (*owner)(const void *context, int64_t index);
    const void *context;
} nf_forest;

/* Collective. Rounds, whose number grows with the logarithm of the longest chain of sets, of: each root
 * hangs itself below the lowest root that it is joined with; each node finds its root. What a rank sends
 * and holds follows its nodes and pairs. Error: NF_ERR_MEMORY. */
nf_status nf_forest_join(const nf_world *world, nf_forest *forest);

/* Collective. For each of n indices, `width` numbers that their owners have of them: values[width i ...]
 * of node i of `forest`, wherever that is. Error: NF_ERR_MEMORY. */
nf_status nf_forest_ask(const nf_world *world, const nf_forest *forest, const int64_t *values,
                        int width, int64_t n, const int64_t *asked, int64_t *answers);

/* Collective. Each node that is not a root gives its `width` values to its root, which adds them to its
 * own. Error: NF_ERR_MEMORY. */
nf_status nf_forest_add(const nf_world *world, const nf_forest *forest, int64_t *values, int width);

#endif
