#include "drivers/engine/cores.h"

#include <hwloc.h>
#include <stdbool.h>

#include "drivers/engine/cgroup.h"

/* ---- the topology ---- */

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
    hwloc_topology_t topology;
    int listed = 0, round = 0, found;
    if (hwloc_topology_init(&topology) != 0)
        return 0;
    if (hwloc_topology_load(topology) == 0) {
        while ((found = list_round(topology, mask, round, pus + listed)) > 0) {
            *cores = round++ == 0 ? found : *cores;
            listed += found;
        }
    }
    hwloc_topology_destroy(topology);
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

static size_t cache_size(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    hwloc_obj_t cache = hwloc_get_obj_by_type(topology, type, 0);
    return cache == NULL ? 0 : (size_t)cache->attr->cache.size;
}

nf_caches nf_caches_find(void)
{
    static nf_caches caches;
    static bool asked;
    hwloc_topology_t topology;
    if (asked || hwloc_topology_init(&topology) != 0)
        return caches;
    asked = true;
    if (hwloc_topology_load(topology) == 0)
        caches = (nf_caches){cache_size(topology, HWLOC_OBJ_L1CACHE),
                             cache_size(topology, HWLOC_OBJ_L2CACHE),
                             cache_size(topology, HWLOC_OBJ_L3CACHE)};
    hwloc_topology_destroy(topology);
    return caches;
}
