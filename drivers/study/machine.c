#include "drivers/study/machine.h"

#include <ctype.h>
#include <hwloc.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "drivers/engine/cgroup.h"
#include "drivers/engine/cores.h"
#include "drivers/engine/status.h"
#include "drivers/engine/sysfile.h"

enum { LINE = NF_SYSTEM_LINE };

/* ---- small files of the system ---- */

/* The text behind the colon of the first line of a file that begins with `name`. */
static bool read_field(const char *path, const char *name, char value[LINE])
{
    char line[LINE];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, name, strlen(name)) != 0 || colon == NULL)
            continue;
        nf_strip(line);
        memmove(value, colon + 1, strlen(colon + 1) + 1);
        while (isspace((unsigned char)value[0]))
            memmove(value, value + 1, strlen(value));
        found = value[0] != '\0';
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* ---- cores and caches ---- */

/* The affinity mask of this process, in a set large enough; the caller frees it. NULL: unknown. */
static cpu_set_t *affinity(int *cpus)
{
    for (*cpus = 1024; *cpus <= 1 << 20; *cpus *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)*cpus);
        if (set == NULL)
            return NULL;
        if (sched_getaffinity(0, CPU_ALLOC_SIZE((size_t)*cpus), set) == 0)
            return set;
        CPU_FREE(set);
    }
    return NULL;
}

/* The mask as the kernel writes such lists: "0-3,8". */
static void affinity_list(char list[LINE])
{
    int cpus, used = 0;
    cpu_set_t *set = affinity(&cpus);
    size_t bytes = set == NULL ? 0 : CPU_ALLOC_SIZE((size_t)cpus);
    list[0] = '\0';
    for (int first = 0; set != NULL && first < cpus && used < LINE - 32; first++) {
        if (!CPU_ISSET_S((size_t)first, bytes, set))
            continue;
        int last = first;
        while (last + 1 < cpus && CPU_ISSET_S((size_t)last + 1, bytes, set))
            last++;
        used += snprintf(list + used, (size_t)(LINE - used), first == last ? "%s%d" : "%s%d-%d",
                         used > 0 ? "," : "", first, last);
        first = last;
    }
    if (set != NULL)
        CPU_FREE(set);
}

static bool load_topology(hwloc_topology_t *topology)
{
    if (hwloc_topology_init(topology) != 0)
        return false;
    hwloc_topology_set_flags(*topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    if (hwloc_topology_load(*topology) == 0)
        return true;
    hwloc_topology_destroy(*topology);
    return false;
}

/* ---- facts ---- */

static nf_status fact_cores(nf_study *study)
{
    hwloc_topology_t topology;
    char there[LINE] = "", list[LINE];
    if (load_topology(&topology)) {
        int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
        int threads = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
        int sockets = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE);
        int nodes = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
        snprintf(there, sizeof there, "cores %d, hardware threads %d, sockets %d, NUMA nodes %d",
                 cores, threads, sockets, nodes);
        hwloc_topology_destroy(topology);
    }
    affinity_list(list);
    nf_status status = NF_OK;
    if (list[0] != '\0')
        status = nf_study_fact(study, "affinity mask of rank 0", "%s", list);
    if (status == NF_OK && isfinite(nf_cgroup_cores()))
        status = nf_study_fact(study, "cgroup processor quota", "%.3g cores", nf_cgroup_cores());
    if (status == NF_OK && there[0] != '\0')
        status = nf_study_fact(study, "cores there are", "%s", there);
    return status;
}

static nf_status fact_caches(nf_study *study)
{
    const nf_caches caches = nf_caches_find();
    const size_t sizes[] = {caches.l1, caches.l2, caches.l3};
    char text[LINE] = "";
    int used = 0;
    for (int level = 0; level < 3; level++)
        if (sizes[level] > 0)
            used += snprintf(text + used, sizeof text - (size_t)used, "%sL%d %g KiB",
                             used > 0 ? ", " : "", level + 1, (double)sizes[level] / 1024);
    return used == 0 ? NF_OK : nf_study_fact(study, "caches", "%s", text);
}

static nf_status fact_memory(nf_study *study)
{
    char value[LINE];
    nf_status status = NF_OK;
    double limit = nf_cgroup_memory();
    if (read_field("/proc/meminfo", "MemTotal", value))
        status = nf_study_fact(study, "memory", "%.1f GiB", strtod(value, NULL) / (1 << 20));
    if (status == NF_OK && isfinite(limit))
        status = nf_study_fact(study, "cgroup memory limit", "%.1f GiB", limit / (1 << 30));
    return status;
}

static nf_status fact_host(nf_study *study)
{
    char text[LINE];
    struct utsname name;
    time_t now = time(NULL);
    struct tm utc;
    nf_status status = NF_OK;
    if (gmtime_r(&now, &utc) != NULL && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc))
        status = nf_study_fact(study, "time", "%s", text);
    bool known = uname(&name) == 0;
    if (status == NF_OK && known)
        status = nf_study_fact(study, "host", "%s", name.nodename);
    if (status == NF_OK && (read_field("/proc/cpuinfo", "model name", text) ||
                            read_field("/proc/cpuinfo", "CPU part", text)))
        status = nf_study_fact(study, "processor", "%s", text);
    if (status == NF_OK && known)
        status = nf_study_fact(study, "operating system", "%s %s %s", name.sysname, name.release,
                               name.machine);
    return status;
}

static nf_status fact_file(nf_study *study, const char *name, const char *path)
{
    char line[LINE];
    return nf_system_line(path, line) ? nf_study_fact(study, name, "%s", line) : NF_OK;
}

static nf_status fact_frequency(nf_study *study)
{
    static const char cpu0[] = "/sys/devices/system/cpu/cpu0/cpufreq";
    char path[LINE], line[LINE];
    nf_status status;
    snprintf(path, sizeof path, "%s/scaling_governor", cpu0);
    status = fact_file(study, "frequency governor", path);
    snprintf(path, sizeof path, "%s/scaling_max_freq", cpu0);
    if (status == NF_OK && nf_system_line(path, line))
        status = nf_study_fact(study, "frequency limit", "%.2f GHz", strtod(line, NULL) / 1e6);
    if (status == NF_OK && nf_system_line("/sys/devices/system/cpu/cpufreq/boost", line))
        status = nf_study_fact(study, "frequency boost", "%s", line[0] == '1' ? "on" : "off");
    return status;
}

static nf_status fact_environment(nf_study *study)
{
    static const char *const facts[][2] = {
        {"OMP_PROC_BIND", "OMP_PROC_BIND"},     {"OMP_PLACES", "OMP_PLACES"},
        {"OMP_WAIT_POLICY", "OMP_WAIT_POLICY"}, {"Slurm job", "SLURM_JOB_ID"},
        {"Slurm nodes", "SLURM_JOB_NODELIST"},  {"Slurm partition", "SLURM_JOB_PARTITION"},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const char *value = getenv(facts[i][1]);
        if (value == NULL || value[0] == '\0')
            continue;
        nf_status status = nf_study_fact(study, facts[i][0], "%s", value);
        if (status != NF_OK)
            return status;
    }
    return NF_OK;
}

static nf_status fact_build(nf_study *study)
{
    static const char *const facts[][2] = {
#ifdef __clang__
        {"compiler", "clang " __clang_version__},
#elif defined __GNUC__
        {"compiler", "gcc " __VERSION__},
#endif
#ifdef NF_BUILD_TYPE
        {"build type", NF_BUILD_TYPE},
#endif
#ifdef NF_BUILD_FLAGS
        {"compiler flags", NF_BUILD_FLAGS},
#endif
#ifdef NF_VERSION
        {"nfold", NF_VERSION},
#endif
#ifdef NF_COMMIT
        {"nfold commit", NF_COMMIT},
#endif
        {"", ""}, /* never empty */
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (facts[i][1][0] == '\0')
            continue;
        nf_status status = nf_study_fact(study, facts[i][0], "%s", facts[i][1]);
        if (status != NF_OK)
            return status;
    }
    unsigned hwloc = hwloc_get_api_version();
    return nf_study_fact(study, "hwloc", "%u.%u.%u", hwloc >> 16, hwloc >> 8 & 255, hwloc & 255);
}

nf_status nf_machine_facts(nf_study *study)
{
    static nf_status (*const probes[])(nf_study *) = {
        fact_host,      fact_cores,       fact_caches, fact_memory,
        fact_frequency, fact_environment, fact_build,
    };
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        nf_status status = probes[i](study);
        if (status != NF_OK)
            return status;
    }
    return nf_study_fact(study, "instruction set in use", "%s", nf_kernel_isa());
}

void nf_machine_key(int cores, int processors, char key[NF_MACHINE_KEY])
{
    static const char *const settings[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_PROC_BIND",
                                           "OMP_PLACES", "OMP_DYNAMIC"};
    char model[LINE] = "unknown processor", version[] =
#ifdef NF_VERSION
                                                NF_VERSION;
#else
                                                "";
#endif
    const nf_caches caches = nf_caches_find();
    if (!read_field("/proc/cpuinfo", "model name", model))
        read_field("/proc/cpuinfo", "CPU part", model);
    int used = snprintf(
        key, NF_MACHINE_KEY,
        "%.200s; %d cores, %d processors, quota %g; caches %zu %zu %zu; %s; nfold %s", model, cores,
        processors, nf_cgroup_cores(), caches.l1, caches.l2, caches.l3, nf_kernel_isa(), version);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *value = getenv(settings[i]);
        if (value != NULL)
            used += snprintf(key + used, (size_t)(NF_MACHINE_KEY - used), "; %s=%.80s", settings[i],
                             value);
    }
}
