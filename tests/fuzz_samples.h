/* fuzz_samples.h - small files of every format and kind that nfold reads. */
#ifndef NF_FUZZ_SAMPLES_H
#define NF_FUZZ_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fuzz_sample {
    const char *name; /* of the file; its suffix counts where nfold writes it */
    bool (*make)(const char *path, const int how[4]);
    int how[4]; /* for make */
    /* Makes check sums right again that would hide what was changed; NULL: there are none. */
    void (*repair)(unsigned char *bytes, size_t count);
    const char *dataset; /* what is read of it, ":/name"; NULL: what is read by itself */
} fuzz_sample;

extern const fuzz_sample fuzz_samples[]; /* ends with a NULL name */

#endif
