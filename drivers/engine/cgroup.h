/* cgroup.h - the limits of this process's control groups, version 1 or 2, every level up. */
#ifndef NF_CGROUP_H
#define NF_CGROUP_H

double nf_cgroup_cores(void);  /* processor time, in cores; INFINITY: no limit */
double nf_cgroup_memory(void); /* bytes; INFINITY: no limit */

#endif
