/* cores.h - which processors may really be used: affinity, topology, and the cgroup's quota; and
 * their caches. */
#ifndef NF_CORES_H
#define NF_CORES_H

#include <sched.h>
#include <stddef.h>

/* Lists the processors of the mask in `pus` (room for CPU_SETSIZE): first one of each core, then
 * each core's second hardware thread, and so on. Returns how many; *cores becomes the number of
 * different cores, at most the cgroup's CPU quota (rounded down), at least 1. */
int nf_cores_order(const cpu_set_t *mask, int *pus, int *cores);

/* Bytes of one core's first- and second-level cache and of one last-level cache, as hwloc reports
 * them; 0: unknown. Asked once a process; call it from one thread. */
typedef struct nf_caches {
    size_t l1, l2, l3;
} nf_caches;
nf_caches nf_caches_find(void);

#endif
