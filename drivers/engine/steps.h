/* steps.h - the steps of a run on this rank: what the critical path is made of. */
#ifndef NF_STEPS_H
#define NF_STEPS_H

#include <stdint.h>

/* Whom a rank waits for in a step. */
typedef enum nf_meeting { NF_MEET_NOBODY, NF_MEET_NEIGHBOURS, NF_MEET_ALL } nf_meeting;

/* A sweep, or something like it: work that needs nobody, waiting for what others did in the step
 * before, work. */
typedef struct nf_step {
    double before, after; /* seconds in tiles, of the slowest thread */
    int64_t meets;        /* nf_meeting */
} nf_step;

typedef struct nf_steps {
    nf_step *list;
    int64_t room;
    int64_t count; /* all that were noted, those beyond the room included */
} nf_steps;

/* steps NULL: nobody wants to know. */
static inline void nf_steps_note(nf_steps *steps, nf_meeting meets, double before, double after)
{
    if (steps != NULL && steps->count < steps->room)
        steps->list[steps->count] = (nf_step){before, after, meets};
    if (steps != NULL)
        steps->count++;
}

#endif
