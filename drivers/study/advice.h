/* advice.h - how to run a chain here: which choices there are, what each is thought to take, which
 * one to take, and why. Pure functions from numbers: what was measured of the machine and of the
 * chain, and the limits. */
#ifndef NF_ADVICE_H
#define NF_ADVICE_H

#include "drivers/engine/shape.h"
#include "drivers/study/amount.h"

/* ---- the machine ---- */

enum { NF_CALIBRATION_STEPS = 16 };

/* What a worker's start and the sharing of work cost on this machine, in seconds, and what so many
 * workers do together. */
typedef struct nf_calibration {
    bool measured; /* false: the nominal numbers of cost.h */
    int cores;     /* that could be used */
    size_t steps;  /* numbers of workers that these three were measured for, ascending from 1 */
    int workers[NF_CALIBRATION_STEPS];
    double read[NF_CALIBRATION_STEPS];  /* bytes a second from memory */
    double flops[NF_CALIBRATION_STEPS]; /* of f32 a second */
    double
        team[NF_CALIBRATION_STEPS]; /* seconds to start and end a team of so many threads again */
    double first_team;              /* seconds to start the first team of a process, of all cores */
    double process; /* seconds from a command to its end, of one process that does nothing */
    double launch, launch_rank; /* the same of `mpirun -n R`: launch + R * launch_rank; 0: none */
    double latency, bandwidth;  /* of a message between two ranks of a node; 0: not measured */
    double far_latency, far_bandwidth; /* between two nodes; 0: not measured */
    double load; /* cores' time that others took of its cores while it was measured */
} nf_calibration;

/* By cost.h, for so many cores. */
nf_calibration nf_calibration_nominal(int cores);

/* Of `list` (one of the three above) at any number of workers: between those measured in a straight
 * line, beyond them as at the last. */
double nf_calibration_at(const nf_calibration *machine, const double *list, int workers);

/* Workers together are at least as fast as fewer of them and at most that many times as fast as one: what
 * others took of the machine meanwhile shows in numbers beyond that, which are drawn to it. */
void nf_calibration_settle(nf_calibration *machine);

/* Whether others were busy on its cores while it was measured. */
bool nf_calibration_busy(const nf_calibration *machine);

/* ---- the limits ---- */

enum { NF_ADVICE_REASON = 160 };

typedef struct nf_limits {
    int there;      /* processors of a node */
    int processors; /* of them, those that the affinity mask allows */
    int allocated;  /* processors that a batch system has given; 0: no such */
    int cores;      /* that may be used: of those, and within the quota */
    double quota;   /* processor time that the control group allows, in cores; INFINITY: any */
    int nodes;      /* of the allocation; 1 without one */
    double memory;  /* bytes of a node that may be filled */
    bool launcher;  /* mpirun starts ranks */
    char why_not[NF_ADVICE_REASON]; /* what it said, where it does not; "": nothing */
} nf_limits;

/* ---- the work ---- */

/* How a node of so many workers runs the chain. Seconds of one run at the size that is asked for:
 * `whole`, of which `fixed` hang on no size. Of a whole command: what reading and writing take. */
typedef struct nf_way_times {
    int ranks, threads;
    double fixed, whole, read, write;
} nf_way_times;

enum { NF_ADVICE_WAYS = 64, NF_ADVICE_PASSES = 16 };

typedef struct nf_workload {
    const char *unit; /* what the work is counted in: "cells", "numbers" */
    double amount;    /* of them */
    double bytes;     /* that its arrays take in memory; 0: none */
    double moved;     /* bytes that a run moves; 0: unknown */
    bool in_cache;    /* and the last-level cache holds them */
    size_t passes;    /* what ranks exchange in each sweep of each pass */
    struct nf_workload_pass {
        nf_shape shape;
        nf_halo halo;
        double sweeps;
        bool folds; /* numbers are brought together at its end */
    } pass[NF_ADVICE_PASSES];
    bool command; /* a command from file to file; false: an array in memory */
    bool streams; /* and it goes on in bands where memory does not suffice */
    double runs;  /* that share a start; 0: the start does not count */
    const char
        *obstacle; /* a kernel that does not: it must have its whole array in memory; NULL: none */
    double sample; /* part of the work that was measured; 1: all of it */
    bool noisy;    /* some of it was settled (nf_workload_settle) */
    size_t ways;
    nf_way_times way[NF_ADVICE_WAYS]; /* of one node; [0] is serial */
} nf_workload;

/* The ways of a node that are worth measuring: serial, then threads, ranks and both by powers of
 * two and all cores; those with ranks only where there is a launcher. Returns how many. */
size_t nf_advice_ways(int cores, bool launcher, nf_way_times ways[NF_ADVICE_WAYS]);

/* Whether so many workers seem to be more than that many times as fast as one (105%): such a measurement
 * is worth another. */
bool nf_workload_noisy(const nf_workload *work);
/* Draws those to just that many times as fast. */
void nf_workload_settle(nf_workload *work);

/* ---- the advice ---- */

enum { NF_ADVICE_CHOICES = 384, NF_ADVICE_TURNS = 10, NF_ADVICE_TEXT = 320 };

typedef struct nf_choice {
    int nodes, ranks, threads; /* ranks of all nodes, threads of each */
    double start, run;         /* seconds until it computes; of one run */
    double read, write;
    double seconds;             /* what is compared: a run; start and runs; or the whole command */
    double speedup, efficiency; /* beside the serial one */
    bool fits;                  /* its arrays, in the nodes' memory */
} nf_choice;

typedef struct nf_turn {
    const char *name; /* "size", "limits" ..., for programs */
    char text[NF_ADVICE_TEXT];
} nf_turn;

typedef struct nf_advice {
    nf_choice choices[NF_ADVICE_CHOICES]; /* [0] is serial; the simpler first */
    size_t count, chosen;
    bool impossible; /* the arrays do not fit, nor can they go through memory in bands */
    size_t
        alone; /* the choice for one run of an array by a command of its own, start and all; else `chosen` */
    nf_turn turns[NF_ADVICE_TURNS]; /* as they were taken */
    size_t nturns;
    char sentence[NF_ADVICE_TEXT];
} nf_advice;

/* Follows from its arguments alone. The choice is the simplest (serial, threads, ranks, both; the
 * fewer workers; the fewer nodes) of those within 5% of the shortest time, among those that fit into
 * memory, if any does. */
void nf_advise(const nf_calibration *machine, const nf_limits *limits, const nf_workload *work,
               nf_advice *advice);

/* Nominal work of a run that was not measured. */
typedef struct nf_thread_work {
    double flops, bytes; /* moved, as if each stage ran by itself */
    double coded;        /* bytes read from and written to files */
    double sweeps;       /* a team starts for each */
} nf_thread_work;

/* Why so many threads. */
typedef struct nf_thread_reason {
    double serial; /* seconds of the run by one */
    double team;   /* of starting two, where one is best, else of the run by the best number */
    double gain;   /* times as fast as one that two compute, their start apart */
} nf_thread_reason;

/* How many of at most `cores` threads are worth their start for it: the number that it takes the
 * shortest time with. */
int nf_advice_threads(const nf_calibration *machine, int cores, const nf_thread_work *work,
                      nf_thread_reason *reason);

/* "serial", "2 threads", "4 ranks", "2 ranks of 4 threads", "8 ranks of 4 threads on 2 nodes". */
const char *nf_choice_text(const nf_choice *choice, char text[96]);

#endif
