/* cost.h - what a plan is thought to cost, on a nominal core of the present time. Good enough to
 * choose between ways that give the same bits, and to say what limits a sweep; never a measurement:
 * what was measured of starting, sharing and sending is in study/costs.h. */
#ifndef NF_COST_H
#define NF_COST_H

/* Of one core, but for the message between two ranks. */
static const double nf_nominal_flops = 4e10;   /* a second, vectorised, in single precision */
static const double nf_nominal_memory = 2e10;  /* bytes a second from and to memory */
static const double nf_nominal_cache = 1e11;   /* likewise, from and to the last-level cache */
static const double nf_nominal_team = 2e-6;    /* seconds to start a team of threads */
static const double nf_nominal_latency = 3e-6; /* seconds a message */
static const double nf_nominal_link = 3e9;     /* bytes a second of a message, copies included */

#endif
