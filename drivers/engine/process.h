/* process.h - this process's age. */
#ifndef NF_PROCESS_H
#define NF_PROCESS_H

/* Seconds since this process was started (forked), give or take half a tick of the kernel's clock,
 * which is 10 ms on Linux; 0: the system does not tell. */
double nf_process_age(void);

#endif
