#include "drivers/engine/cores.h"

#include <hwloc.h>
#include <stdbool.h>

#include "drivers/engine/cgroup.h"

/* ---- the topology ---- */

/* This machine's, found out once and kept: it takes some milliseconds. NULL: hwloc cannot tell. What would
 * have to run on every processor to be told is left out; the kernel tells the same. */
static hwloc_topology_t topology(void)
{
    static hwloc_topology_t known;
    static bool asked;
    if (asked || hwloc_topology_init(&known) != 0)
        return known;
    asked = true;
    hwloc_topology_set_components(known, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
    if (hwloc_topology_load(known) != 0) {
        hwloc_topology_destroy(known);
        known = NULL;
    }
    return known;
}

/* The OS indices of the n-th allowed hardware thread of each core. */
static int list_round(hwloc_topology_t topology, const cpu_set_t *mask, int n, int *pus)
{
    int found = 0, cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    for (int c = 0; c < cores; c++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)c);
        int seen = 0;
        for (int pu = -1; (pu = hwloc_bitmap_next(core->cpuset, pu)) >= 0 && pu < CPU_SETSIZE;)
            if (CPU_ISSET((size_t)pu, mask) && seen++ == n)
                pus[found++] = pu;
    }
    return found;
}

static int list_by_topology(const cpu_set_t *mask, int *pus, int *cores)
{
    hwloc_topology_t known = topology();
    int listed = 0, round = 0, found;
    while (known != NULL && (found = list_round(known, mask, round, pus + listed)) > 0) {
        *cores = round++ == 0 ? found : *cores;
        listed += found;
    }
    return listed;
}

int nf_cores_order(const cpu_set_t *mask, int *pus, int *cores)
{
    int listed = list_by_topology(mask, pus, cores);
    if (listed != CPU_COUNT(mask)) { /* the topology does not tell: every processor is a core */
        listed = 0;
        for (int pu = 0; pu < CPU_SETSIZE; pu++)
            if (CPU_ISSET((size_t)pu, mask))
                pus[listed++] = pu;
        *cores = listed;
    }
    double quota = nf_cgroup_cores();
    if (quota < *cores)
        *cores = quota < 1 ? 1 : (int)quota;
    return listed;
}

static size_t cache_size(hwloc_obj_type_t type)
{
    hwloc_topology_t known = topology();
    hwloc_obj_t cache = known != NULL ? hwloc_get_obj_by_type(known, type, 0) : NULL;
    return cache == NULL ? 0 : (size_t)cache->attr->cache.size;
}

nf_caches nf_caches_find(void)
{
    return (nf_caches){cache_size(HWLOC_OBJ_L1CACHE), cache_size(HWLOC_OBJ_L2CACHE),
                       cache_size(HWLOC_OBJ_L3CACHE)};
}
