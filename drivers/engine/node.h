/* node.h - the machine that a rank runs on: who else is there, which cores they may use, and memory
 * that they share. */
#ifndef NF_NODE_H
#define NF_NODE_H

#include <sched.h>

#include "drivers/engine/world.h"

enum { NF_MAX_CORES = CPU_SETSIZE };

typedef struct nf_node {
    struct nf_comm *comm; /* of the ranks on this node, the world's; NULL if there is but one */
    int rank, size;       /* among them */
    int nodes;            /* how many nodes the world spans */
    int *world_ranks;     /* [size], ascending; owned */
    int *pus; /* processors (OS indices) that the node's ranks may use, together: those of
                 different cores first, then their hardware threads; owned */
    int npus;
    int cores; /* that may be used: different cores, bounded by the cgroup's CPU quota */
} nf_node;

/* Collective over the world, which must outlive it. Errors: NF_ERR_MEMORY, NF_ERR_SYSTEM. */
nf_status nf_node_find(const nf_world *world, nf_node *node);
void nf_node_free(nf_node *node);

/* Ranks of this node among the first `size` of the world. */
int nf_node_members(const nf_node *node, int size);

/* Collective over the node, with the same `bytes` on all its ranks. Memory that they all share,
 * 64-byte aligned, uninitialised; lives until nf_node_unshare. nf_node_barrier, collective, orders
 * writes before reads. Error: NF_ERR_MEMORY, on all ranks of the node. */
typedef struct nf_shared {
    void *memory;
    size_t mapped; /* bytes; 0: a rank alone */
} nf_shared;
nf_status nf_node_share(const nf_node *node, size_t bytes, nf_shared *shared);
void nf_node_unshare(nf_shared *shared);
void nf_node_barrier(const nf_node *node, const nf_shared *shared);

#endif
