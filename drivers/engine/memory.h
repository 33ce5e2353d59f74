/* memory.h - what memory this process has, and may have. */
#ifndef NF_MEMORY_H
#define NF_MEMORY_H

#include <stdint.h>

int64_t nf_memory_resident(void); /* bytes of this process that are in memory now */

/* This process's share of the mapping that `address` lies in: its pages in memory, each divided by
 * the number of processes that have it (Pss of proc(5)), in bytes; -1: the system does not tell. */
int64_t nf_memory_share(const void *address);

/* Bytes that the processes of this machine may still fill: what the system says is available, or
 * what the control groups allow, if that is less. */
int64_t nf_memory_available(void);

#endif
