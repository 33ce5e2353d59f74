/* counters.h - what the processor counts (perf_event_open) and the energy that it takes (RAPL),
 * where the system lets this process see them; nothing, and no complaint, elsewhere. */
#ifndef NF_COUNTERS_H
#define NF_COUNTERS_H

#include <stdint.h>

enum { NF_EVENTS = 3, NF_MAX_DOMAINS = 16 };

/* Events of perf_event_open(2): type and config. NF_EVENTS of them. */
typedef struct nf_event {
    uint32_t type;
    uint64_t config;
} nf_event;
/* Cycles, instructions, last-level cache misses. */
extern const nf_event nf_hardware_events[NF_EVENTS];

/* What was counted between start and stop; 0: not counted. */
typedef struct nf_counts {
    double event[NF_EVENTS]; /* of all threads, in user mode */
    double joules;           /* of all processors of this machine */
} nf_counts;

typedef struct nf_domain {
    char path[256]; /* of its energy_uj */
    double range;   /* microjoules after which it begins again at 0 */
    double before;
} nf_domain;

typedef struct nf_counters {
    int threads;
    int (*files)[NF_EVENTS]; /* [threads]; -1: that event is not to be had */
    nf_domain domains[NF_MAX_DOMAINS];
    int ndomains;
} nf_counters;

/* By the thread that calls the team of so many threads, which it opens them in. root: the folder of
 * the energy counters, NULL for none (one rank of a machine is enough). Close them in any case. */
void nf_counters_open(nf_counters *counters, int threads, const nf_event events[NF_EVENTS],
                      const char *root);
void nf_counters_close(nf_counters *counters);
void nf_counters_start(nf_counters *counters);
nf_counts nf_counters_stop(nf_counters *counters);

/* Where Linux has them. */
#define NF_ENERGY_ROOT "/sys/class/powercap"

#endif
