/* watch.h - somebody who wants to know how far a piece of work is. */
#ifndef NF_WATCH_H
#define NF_WATCH_H

#include <stddef.h>

/* Called now and then with the part of the work that this rank has done, 0 to 1. `show` NULL: nobody. */
typedef struct nf_watch {
    void (*show)(void *context, double fraction);
    void *context;
} nf_watch;

static inline void nf_watch_show(const nf_watch *watch, double done, double all)
{
    if (watch->show != NULL)
        watch->show(watch->context, done / all);
}

#endif
